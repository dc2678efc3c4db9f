"""The propensity score: the chance of being treated, given what was known before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit

from impact.comparison.covariates import (
    Covariate,
    forbid_missing,
    forbid_repeated_labels,
    read_covariates,
    read_treatment,
)
from impact.comparison.logit import fit_logit
from impact.errors import InputError
from impact.frames import Columns, FloatArray
from impact.results import normal_interval, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Propensity:
    """A propensity score and the people it belongs to.

    Attributes
    ----------
    formula : str
        As given.
    data : DataFrame
        Everyone, as given.
    treatment : str
        The column that is 1 for treated people.
    covariates : tuple of str
        The columns on the right of the formula, on which balance is judged.
    score : Series of float
        Probability of treatment on the index of `data`; the column given, where one was.
    linear : Series of float
        Its log-odds; the column given, where one was.
    given : str or None
        The column given as the distance; None where the score was estimated.
    notes : tuple of str
        Cautions.
    """

    formula: str
    data: pd.DataFrame
    treatment: str
    covariates: tuple[str, ...]
    score: pd.Series
    linear: pd.Series
    coefficients: pd.DataFrame
    given: str | None = None
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """The coefficients on the log-odds scale with 95% intervals; no rows where the score was given."""
        return self.coefficients.copy()

    def overlap(self) -> pd.DataFrame:
        """The score in each group, and how many lie where both groups have people.

        Returns
        -------
        DataFrame
            ``group, n, mean, sd, minimum, quartile_1, median, quartile_3, maximum, inside, outside``; `inside` counts
            people between the higher of the two minima and the lower of the two maxima.
        """
        treated = self.data[self.treatment].to_numpy(dtype=float) == 1
        score = self.score.to_numpy(dtype=float)
        low = max(score[treated].min(), score[~treated].min())
        high = min(score[treated].max(), score[~treated].max())
        rows = []
        for group, part in (("treated", score[treated]), ("comparison", score[~treated])):
            quartiles = np.quantile(part, [0, 0.25, 0.5, 0.75, 1])
            inside = int(((part >= low) & (part <= high)).sum())
            names = ("minimum", "quartile_1", "median", "quartile_3", "maximum")
            rows.append(
                {
                    "group": group,
                    "n": len(part),
                    "mean": float(part.mean()),
                    "sd": float(part.std(ddof=1)) if len(part) > 1 else np.nan,
                    **dict(zip(names, (float(q) for q in quartiles), strict=True)),
                    "inside": inside,
                    "outside": len(part) - inside,
                }
            )
        return pd.DataFrame(rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The score in each group, the treated above the line and the others below, each group's bars adding to 1."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        treated = self.data[self.treatment].to_numpy(dtype=float) == 1
        score = self.score.to_numpy(dtype=float)
        bins = np.histogram_bin_edges(score, bins=30)
        sides = ((treated, 1, "Treated", "0.25", ""), (~treated, -1, "Comparison", "0.8", "///"))
        for chosen, sign, label, colour, hatch in sides:
            share = sign * np.histogram(score[chosen], bins)[0] / chosen.sum()
            bars = ax.bar(bins[:-1], share, np.diff(bins), align="edge", color=colour, edgecolor="black", linewidth=0.5)
            bars.set_label(f"{label} (n = {chosen.sum():,})")
            for bar in bars:
                bar.set_hatch(hatch)
        ax.axhline(0, color="black", linewidth=0.8)
        ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.2f}")
        ax.set(xlabel=self.given or "Propensity score", ylabel="Share of the group")
        ax.legend(frameon=False)
        return ax

    def __repr__(self) -> str:
        treated = int((self.data[self.treatment].to_numpy(dtype=float) == 1).sum())
        kind = f"the column {self.given}, as it stands" if self.given else "logistic regression"
        text = (
            f"Propensity score: {self.formula}\nDistance: {kind}\n"
            f"Treated: {treated:,}; comparison: {len(self.data) - treated:,}"
        )
        return with_notes(text, self.notes)


def propensity(formula: str, data: pd.DataFrame, *, score: str | None = None) -> Propensity:
    """Estimate the probability of treatment by logistic regression.

    Parameters
    ----------
    formula : str
        ``"treated ~ covariates"``. The columns on the right are also those on which balance will be judged.
    data : DataFrame
        One row a person, none with a missing covariate.
    score : str, optional
        A column used as the distance as it stands; no model is fitted then.

    Returns
    -------
    Propensity

    Raises
    ------
    InputError
        For a formula that cannot be read, a missing or repeated column, a missing value, a treatment that is not 0 or
        1, or one that everyone or nobody has.
    ConvergenceError
        Where the covariates separate the groups, or the model does not converge; the columns are named.

    Notes
    -----
    There is no stepwise choice of covariates: what drives joining and reoffending is known before the data are, and
    a search for terms that predict joining well favours those that make the groups impossible to compare.

    Examples
    --------
    >>> people = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 1], "age": [20.0, 30, 25, 24, 41, 38]})
    >>> score = propensity("joined ~ age", people)
    >>> score.score.round(2).tolist()
    [0.67, 0.49, 0.58, 0.6, 0.31, 0.35]
    """
    treatment, covariate_names, parsed = _parse(formula)
    columns = Columns(data)
    treated = read_treatment(columns, treatment)
    covariates = read_covariates(columns, covariate_names)
    forbid_missing(columns, covariates)
    forbid_repeated_labels(columns)
    if score is not None:
        distance = columns.number(score)
        columns.forbid(np.isnan(distance), score, "is missing", remedy="give the distance for everyone.")
        columns.rows()
        values = pd.Series(distance, index=data.index, name="score")
        empty = tidy_rows([dict.fromkeys(("term", *_STATISTICS))]).iloc[:0]
        return Propensity(formula, data.copy(), treatment, covariate_names, values, values, empty, given=score)
    columns.rows()
    matrix, names = _matrix(parsed, covariates, data)
    fit = fit_logit(matrix, treated, names)
    rows = []
    for name, estimate, error in zip(names, fit.coefficients, fit.std_errors, strict=True):
        low, high = normal_interval(estimate, error, 0.95)
        statistic = estimate / error
        p_value = 2 * float(scipy.stats.norm.sf(abs(statistic)))
        rows.append(
            dict(zip(("term", *_STATISTICS), (name, estimate, error, statistic, p_value, low, high), strict=True))
        )
    left_out = [name for name, flag in zip(names, fit.redundant, strict=True) if flag]
    notes = (
        (f"Left out of the model, being constant or a combination of other terms: {', '.join(left_out)}.",)
        if left_out
        else ()
    )
    linear = pd.Series(fit.linear, index=data.index, name="linear")
    probability = pd.Series(expit(fit.linear), index=data.index, name="score")
    return Propensity(
        formula, data.copy(), treatment, covariate_names, probability, linear, tidy_rows(rows), notes=notes
    )


_STATISTICS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


def _parse(formula: str) -> tuple[str, tuple[str, ...], Any]:
    """The treatment, the covariates in the formula's order, and the right side."""
    import formulaic
    import formulaic.errors

    remedy = "Write it as 'treated ~ age + sex'."
    if not isinstance(formula, str):
        raise InputError(f"formula must be text, not {type(formula).__name__}. {remedy}")
    try:
        parsed: Any = formulaic.Formula(formula)
        left, right = [str(term) for term in parsed.lhs], parsed.rhs
        names: list[str] = []
        for term in right:
            names += sorted(set(formulaic.Formula([term]).required_variables) - set(names))
    except (formulaic.errors.FormulaicError, AttributeError, TypeError, ValueError) as fault:
        raise InputError(f"The formula {formula!r} cannot be read. {remedy}") from fault
    if len(left) != 1:
        raise InputError(f"The formula {formula!r} must have one treatment on its left. {remedy}")
    if not names:
        raise InputError(f"The formula {formula!r} names no covariate. {remedy}")
    if left[0] in names:
        raise InputError(f"The treatment {left[0]} stands on both sides of the formula. {remedy}")
    return left[0], tuple(names), right


def _matrix(right: Any, covariates: Sequence[Covariate], data: pd.DataFrame) -> tuple[FloatArray, list[str]]:
    """The model's columns and their names."""
    import formulaic
    import formulaic.errors

    frame = pd.DataFrame(
        {
            covariate.name: covariate.values
            if covariate.levels is None
            else pd.Categorical.from_codes(covariate.values.astype(int), categories=pd.Index(covariate.levels))
            for covariate in covariates
        },
        index=data.index,
    )
    try:
        found = formulaic.model_matrix(right, frame, context={}, na_action="ignore")
    except formulaic.errors.FormulaicError as fault:
        raise InputError(f"The formula's right side cannot be worked out: {str(fault).splitlines()[0]}") from fault
    matrix = np.asarray(found, dtype=float)
    names = [str(name) for name in found.columns]
    endless = [name for name, bad in zip(names, ~np.isfinite(matrix).all(axis=0), strict=True) if bad]
    if endless:
        raise InputError(
            f"The formula makes values that are not finite: {', '.join(endless)}. Look for logarithms of zero."
        )
    return matrix, names
