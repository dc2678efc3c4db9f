"""The propensity score: the chance of being treated, given what was known before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit

from impact.comparison.covariates import (
    Covariate,
    forbid_missing,
    forbid_repeated_people,
    read_covariates,
    read_treatment,
)
from impact.comparison.formula import model_columns, parse
from impact.comparison.later import forbid_later
from impact.comparison.logit import Logit, fit_logit
from impact.comparison.missing import complete
from impact.comparison.overlap import Overlap, overlap_of
from impact.errors import InputError
from impact.frames import Columns, FloatArray, check_choice
from impact.results import normal_interval, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PENALTIES = ("firth",)
MISSING = ("refuse", "indicator")


@dataclass(frozen=True, eq=False)
class Propensity:
    """A propensity score and the people it belongs to.

    Attributes
    ----------
    formula : str
        As given.
    data : DataFrame
        Everyone, as given; with ``missing="indicator"`` also the columns that mark what is missing.
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
    matrix : array, shape (n, p), or None
        Columns of the model, those left out as redundant not among them; None where the score was given.
    penalty : str or None
        ``"firth"`` where the model has Firth's penalty.
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
    matrix: FloatArray | None = None
    given: str | None = None
    penalty: str | None = None
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """The coefficients on the log-odds scale with 95% intervals; no rows where the score was given."""
        return self.coefficients.copy()

    def overlap(self) -> Overlap:
        """The score in each group, the range that both reach, and how many lie outside it."""
        label = self.given or "Propensity score"
        treated = self.data[self.treatment].to_numpy(dtype=float) == 1
        return overlap_of(self.score.to_numpy(dtype=float), self.linear.to_numpy(dtype=float), treated, label)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The figure of `overlap`."""
        return self.overlap().plot(ax)

    def __repr__(self) -> str:
        treated = int((self.data[self.treatment].to_numpy(dtype=float) == 1).sum())
        model = "logistic regression" + (" with Firth's penalty" if self.penalty else "")
        kind = f"the column {self.given}, as it stands" if self.given else model
        text = (
            f"Propensity score: {self.formula}\nDistance: {kind}\n"
            f"Treated: {treated:,}; comparison: {len(self.data) - treated:,}"
        )
        return with_notes(text, self.notes)


def propensity(
    formula: str,
    data: pd.DataFrame,
    *,
    score: str | None = None,
    penalty: str | None = None,
    missing: str = "refuse",
) -> Propensity:
    """Estimate the probability of treatment by logistic regression.

    Parameters
    ----------
    formula : str
        ``"treated ~ covariates"``, with interactions (``age:prior``, ``age * prior``), powers (``{age ** 2}``) and
        splines (``bs(age, df=4)``) where wanted. The columns named on the right are also those on which balance will be
        judged, each as it stands, whatever the formula makes of them.
    data : DataFrame
        One row a person.
    score : str, optional
        A column used as the distance as it stands; no model is fitted then.
    penalty : {"firth"}, optional
        Firth's penalty: estimates that exist where a covariate separates the groups, and are less biased where people
        are few. It pulls chances towards one half. The intervals of the coefficients are Wald's.
    missing : {"refuse", "indicator"}
        What becomes of a missing covariate: the data are refused, or a column ``NAME_missing`` is added to data and
        covariates, which is 1 where NAME is missing, and the missing value is taken as the mean of those known; a
        category gets the level ``"missing"``. Right where what is missing says what it says about a person whoever
        they are; it does not make up for values that are missing for reasons of their own in each group.

    Returns
    -------
    Propensity

    Raises
    ------
    InputError
        For a formula that cannot be read, a missing or repeated column, a covariate that comes after the day people
        are followed from, a missing value, a person in two rows, a treatment that is not 0 or 1, or one that everyone
        or nobody has.
    ConvergenceError
        Where the covariates separate the groups and no penalty is asked for, or the model does not converge; the
        columns are named.

    Notes
    -----
    There is no stepwise choice of covariates: what drives joining and reoffending is known before the data are, and
    a search for terms that predict joining well favours those that make the groups impossible to compare.

    References
    ----------
    Rosenbaum and Rubin (1983), Biometrika 70, 41-55; Rosenbaum and Rubin (1984), JASA 79, 516-524, appendix B, on
    indicators of what is missing; Firth (1993), Biometrika 80, 27-38.

    Examples
    --------
    >>> people = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 1], "age": [20.0, 30, 25, 24, 41, 38]})
    >>> score = propensity("joined ~ age", people)
    >>> score.score.round(2).tolist()
    [0.67, 0.49, 0.58, 0.6, 0.31, 0.35]
    """
    parsed = parse(formula)
    if penalty is not None:
        check_choice("penalty", penalty, PENALTIES)
        if score is not None:
            raise InputError("penalty belongs to a model, and with score no model is fitted: leave one of them out.")
    check_choice("missing", missing, MISSING)
    columns = Columns(data)
    treated = read_treatment(columns, parsed.treatment)
    forbid_later(columns, parsed.covariates)
    covariates = read_covariates(columns, parsed.covariates)
    added: dict[str, pd.Series] = {}
    indicators: tuple[Covariate, ...] = ()
    notes: list[str] = []
    if missing == "indicator":
        whole = complete(columns, covariates)
        covariates, indicators, added = list(whole.covariates), whole.indicators, whole.columns
    else:
        forbid_missing(columns, covariates)
    forbid_repeated_people(columns)
    distance = None if score is None else columns.number(score)
    if score is not None and distance is not None:
        columns.forbid(np.isnan(distance), score, "is missing", remedy="give the distance for everyone.")
    columns.rows()
    if added:
        notes.append(f"Missing values are marked and filled in: {', '.join(sorted(added))}.")
    everyone = data.assign(**added) if added else data.copy()
    names_of_covariates = (*parsed.covariates, *(one.name for one in indicators))
    if distance is not None:
        values = pd.Series(distance, index=data.index, name="score")
        empty = tidy_rows([dict.fromkeys(("term", *_STATISTICS))]).iloc[:0]
        return Propensity(
            formula,
            everyone,
            parsed.treatment,
            names_of_covariates,
            values,
            values,
            empty,
            given=score,
            notes=tuple(notes),
        )
    matrix, names = model_columns(parsed.right, covariates, data.index)
    if indicators:
        matrix = np.column_stack([matrix, *(one.values for one in indicators)])
        names += [one.name for one in indicators]
    fit = fit_logit(matrix, treated, names, firth=penalty == "firth")
    left_out = [name for name, flag in zip(names, fit.redundant, strict=True) if flag]
    if left_out:
        notes.append(f"Left out of the model, being constant or a combination of other terms: {', '.join(left_out)}.")
    linear = pd.Series(fit.linear, index=data.index, name="linear")
    probability = pd.Series(expit(fit.linear), index=data.index, name="score")
    return Propensity(
        formula,
        everyone,
        parsed.treatment,
        names_of_covariates,
        probability,
        linear,
        _tidy(fit, names),
        matrix=matrix[:, ~fit.redundant],
        penalty=penalty,
        notes=tuple(notes),
    )


_STATISTICS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


def _tidy(fit: Logit, names: Sequence[str]) -> pd.DataFrame:
    rows = []
    for name, estimate, error in zip(names, fit.coefficients, fit.std_errors, strict=True):
        low, high = normal_interval(estimate, error, 0.95)
        statistic = estimate / error
        p_value = 2 * float(scipy.stats.norm.sf(abs(statistic)))
        numbers = (name, estimate, error, statistic, p_value, low, high)
        rows.append(dict(zip(("term", *_STATISTICS), numbers, strict=True)))
    return tidy_rows(rows)
