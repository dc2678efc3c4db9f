"""Several programmes or years read together: random effects, what is shared, and what each may borrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan, nan, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import scipy

from impact.errors import InputError
from impact.evidence.random_effects import (
    Weighted,
    half_normal,
    heterogeneity_limits,
    knapp_hartung,
    pool,
    restricted_maximum,
    typical_variance,
    uniform,
    weighted,
)
from impact.figures import interval_rows
from impact.frames import Columns, FloatArray, check_choice, check_level
from impact.results import number, t_test, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_TO_POOL = 3
FEW = 5
PER_MODERATOR = 10
BETTER = ("lower", "higher")
MODELS = ("random", "common")


@dataclass(frozen=True, eq=False)
class Synthesis:
    """Estimates read together.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    coefficients : DataFrame
        One row a term of the model (``mean`` alone without moderators): ``term, estimate, std_error, statistic,
        p_value, conf_low, conf_high, n``.
    tau, tau_low, tau_high : float
        Standard deviation of the true effects, with its limits.
    i2 : float
        Share of the variation between estimates that is not chance.
    q, q_p_value : float
        Cochran's Q and its p-value.
    prediction_low, prediction_high : float
        Where the true effect of one more programme like these would lie; NaN with moderators or fewer than 3 estimates.
    model, better : str
        As asked.
    level : float
        Confidence level.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    coefficients: pd.DataFrame
    tau: float
    tau_low: float
    tau_high: float
    i2: float
    q: float
    q_p_value: float
    prediction_low: float
    prediction_high: float
    model: str
    better: str
    level: float
    notes: tuple[str, ...]

    @property
    def said(self) -> tuple[str, ...]:
        """How sure anyone can be that each programme did better than its comparison, in plain words."""
        return tuple(
            f"{row['term']}: the chance that it did better than its comparison, read with the others, is"
            f" {chance_in_words(row['probability_better'])}."
            for row in self.table.to_dict("records")
            if not isnan(row["probability_better"])
        )

    def tidy(self) -> pd.DataFrame:
        """One row an estimate.

        ``term, estimate, std_error, conf_low, conf_high, weight`` as given, with its share of the mean, then
        ``pooled_estimate, pooled_std_error, pooled_low, pooled_high, probability_better``: the true effect given every
        estimate, NaN where nothing can be borrowed.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None, *, xlabel: str = "Estimate") -> Axes:
        """Each estimate as given and, last, the mean (without moderators) and where one more programme would lie."""
        labels = [str(term) for term in self.table["term"]]
        rows = self.table[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=float)
        if len(self.coefficients) == 1:
            mean = self.coefficients.iloc[0]
            labels.append("All together")
            rows = np.vstack([rows, [mean["estimate"], mean["conf_low"], mean["conf_high"]]])
            if not isnan(self.prediction_low):
                labels.append("One more like these")
                rows = np.vstack([rows, [mean["estimate"], self.prediction_low, self.prediction_high]])
        axes = interval_rows(labels, *rows.T, ratio=False, xlabel=xlabel, ax=ax)
        if len(labels) > len(self.table):
            axes.axhline(len(labels) - len(self.table) - 0.5, color="0.6", linewidth=1, linestyle=":")
        return axes

    def __repr__(self) -> str:
        lines = [f"{len(self.table):,} estimates, {self.model} effects"]
        for row in self.coefficients.to_dict("records"):
            lines.append(
                f"{row['term']}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to"
                f" {number(row['conf_high'])}; p = {number(row['p_value'], 2)})"
            )
        if self.model == "random":
            lines.append(
                f"True effects differ with a standard deviation of {number(self.tau, 3)}"
                f" ({number(self.tau_low, 3)} to {number(self.tau_high, 3)}); I² {self.i2:.0%}"
            )
        if not isnan(self.prediction_low):
            lines.append(f"One more like these: {number(self.prediction_low)} to {number(self.prediction_high)}")
        return with_notes("\n".join([*lines, *self.said]), self.notes)


def synthesise(
    data: pd.DataFrame,
    *,
    better: Literal["lower", "higher"],
    estimate: str = "estimate",
    std_error: str = "std_error",
    term: str = "term",
    model: Literal["random", "common"] = "random",
    moderators: Sequence[str] = (),
    heterogeneity_scale: float | None = None,
    level: float = 0.95,
) -> Synthesis:
    """Read estimates of several programmes or years together.

    The mean is of random effects: heterogeneity by restricted maximum likelihood, the interval of Hartung, Knapp, Sidik
    and Jonkman with k − p degrees of freedom and a factor never below 1 (Knapp and Hartung 2003, ad hoc). The
    prediction interval has k − 2 degrees (Higgins, Thompson and Spiegelhalter 2009); where true effects differ
    little, it holds too few (85 to 89 in a hundred in ``docs/coverage-synthesis.md``). Limits of the heterogeneity come
    from the profile of Q (Viechtbauer 2007).

    Each programme's true effect given all estimates mixes over every heterogeneity that the data allow, with a flat
    prior on the mean and on the heterogeneity's standard deviation (Gelman 2006), or a half-normal one with
    `heterogeneity_scale`: so a programme of 20 people leans on its family, and a large one hardly.

    Parameters
    ----------
    data : DataFrame
        One row an estimate: differences, or logarithms of ratios, all of the same measure.
    better : {"lower", "higher"}
        Which side of zero is good.
    estimate, std_error, term : str
        Columns of the estimates, their standard errors and their names.
    model : {"random", "common"}
        ``"common"`` supposes one true effect, and says so; nothing is borrowed then.
    moderators : sequence of str
        Columns of numbers that may explain differences (a year, hours offered); ten estimates each are needed.
    heterogeneity_scale : float, optional
        Scale of a half-normal prior on the standard deviation of true effects, in units of the estimates.
    level : float
        Confidence level.

    Returns
    -------
    Synthesis

    Raises
    ------
    InputError
        Fewer than two estimates, an error that is not above 0, a name that stands twice, or too few estimates for the
        moderators.

    Examples
    --------
    >>> schools = pd.DataFrame({"term": list("ABCDEFGH"), "estimate": [28.0, 8, -3, 7, -1, 1, 18, 12],
    ...     "std_error": [15.0, 10, 16, 11, 9, 11, 10, 18]})
    >>> found = synthesise(schools, better="higher")
    >>> found.tidy().loc[0, ["pooled_low", "pooled_high"]].astype(float).round(0).tolist()
    [-2.0, 32.0]
    """
    check_choice("better", better, BETTER)
    check_choice("model", model, MODELS)
    check_level(level)
    if heterogeneity_scale is not None and not 0 < heterogeneity_scale < np.inf:
        raise InputError(f"heterogeneity_scale must be a number above 0, not {heterogeneity_scale!r}.")
    if heterogeneity_scale is not None and (model == "common" or moderators):
        raise InputError("heterogeneity_scale belongs to random effects without moderators; leave one of them out.")
    if model == "common" and moderators:
        raise InputError("Moderators need random effects: what they do not explain would be taken for nothing.")
    names, y, se, x, notes = _read(data, estimate, std_error, term, moderators)
    k, p = x.shape
    v = se**2
    tau2 = restricted_maximum(y, v, x) if model == "random" else 0.0
    tau_limits = heterogeneity_limits(y, v, x, level) if model == "random" else (nan, nan)
    fit, at_zero = weighted(y, v, x, tau2), weighted(y, v, x, 0.0)
    factor = knapp_hartung(fit) if model == "random" else 1.0
    coefficients = _coefficients(["mean"] if p == 1 else ["constant", *moderators], fit, factor, model, level, k)
    prediction = (nan, nan)
    if model == "random" and p == 1 and k >= FEWEST_TO_POOL:
        spread = float(scipy.stats.t.ppf(0.5 + level / 2, k - 2)) * sqrt(tau2 + factor * fit.covariance[0, 0])
        prediction = (float(fit.beta[0]) - spread, float(fit.beta[0]) + spread)
    reach = float(scipy.stats.norm.ppf(0.5 + level / 2))
    table = pd.DataFrame(
        {
            "term": names,
            "estimate": y,
            "std_error": se,
            "conf_low": y - reach * se,
            "conf_high": y + reach * se,
            "weight": fit.weights / fit.weights.sum(),
        }
    )
    borrowing = model == "random" and p == 1 and (k >= FEWEST_TO_POOL or heterogeneity_scale is not None)
    table = table.join(_pooled(y, v, better, heterogeneity_scale, level, borrowing))
    typical = typical_variance(v, x)
    return Synthesis(
        table,
        coefficients,
        sqrt(tau2) if model == "random" else nan,
        sqrt(tau_limits[0]),
        sqrt(tau_limits[1]),
        tau2 / (tau2 + typical) if model == "random" else nan,
        at_zero.q,
        float(scipy.stats.chi2.sf(at_zero.q, k - p)),
        *prediction,
        model,
        better,
        level,
        (*notes, *_cautions(k, model, borrowing, heterogeneity_scale, isnan(tau_limits[0]))),
    )


def chance_in_words(probability: float) -> str:
    """A probability in plain words, to the nearest tenth.

    Examples
    --------
    >>> [chance_in_words(p) for p in (0.02, 0.34, 0.5, 0.97)]
    ['less than 1 in 20', 'about 3 in 10', 'about 5 in 10', 'more than 19 in 20']
    """
    if probability < 0.05:
        return "less than 1 in 20"
    if probability > 0.95:
        return "more than 19 in 20"
    return f"about {min(max(round(10 * probability), 1), 9)} in 10"


def _read(
    data: pd.DataFrame, estimate: str, std_error: str, term: str, moderators: Sequence[str]
) -> tuple[list[str], FloatArray, FloatArray, FloatArray, tuple[str, ...]]:
    columns = Columns(data)
    y, se = columns.number(estimate), columns.number(std_error, above=0)
    groups = columns.groups(term)
    others = [columns.number(name) for name in moderators]
    if groups.labels:
        twice = np.bincount(groups.codes[groups.codes >= 0], minlength=len(groups.labels))[groups.codes] > 1
        columns.forbid(
            twice & (groups.codes >= 0),
            term,
            "stands more than once",
            why="each estimate must be named, and the people of one must not be counted in another",
            remedy="name programme and year together.",
        )
    keep = columns.rows()
    k, p = int(keep.sum()), 1 + len(moderators)
    if k < 2:
        raise InputError("One estimate alone is its own result: a synthesis needs two or more.")
    if moderators and k < PER_MODERATOR * len(moderators):
        raise InputError(
            f"{k} estimates cannot tell what {len(moderators)} moderator{'s' * (len(moderators) > 1)} would explain:"
            f" {PER_MODERATOR} estimates for each are needed. Leave moderators out."
        )
    x = np.column_stack([np.ones(k), *(other[keep] for other in others)])
    if np.linalg.matrix_rank(x) < p:
        raise InputError("A moderator is the same for every estimate, or repeats another: leave it out.")
    order = np.argsort(groups.codes[keep], kind="stable")
    named = [str(groups.labels[code]) for code in groups.codes[keep][order]]
    return named, y[keep][order], se[keep][order], x[order], columns.notes


def _coefficients(terms: Sequence[str], fit: Weighted, factor: float, model: str, level: float, k: int) -> pd.DataFrame:
    degrees = k - len(terms) if model == "random" else np.inf
    errors = np.sqrt(factor * np.diag(fit.covariance))
    return pd.DataFrame(
        {
            "term": list(terms),
            "estimate": fit.beta,
            "std_error": errors,
            **asdict(t_test(fit.beta, errors, degrees, level)),
            "n": k,
        }
    )


def _pooled(
    y: FloatArray, v: FloatArray, better: str, scale: float | None, level: float, borrowing: bool
) -> pd.DataFrame:
    names = ["pooled_estimate", "pooled_std_error", "pooled_low", "pooled_high", "probability_better"]
    if not borrowing:
        return pd.DataFrame(nan, index=range(len(y)), columns=names)
    found = pool(y, v, uniform if scale is None else half_normal(scale))
    below = found.below(0.0)
    parts = (found.mean(), found.sd(), found.quantile(0.5 - level / 2), found.quantile(0.5 + level / 2))
    return pd.DataFrame(dict(zip(names, (*parts, below if better == "lower" else 1 - below), strict=True)))


def _cautions(k: int, model: str, borrowing: bool, scale: float | None, none_fits: bool) -> list[str]:
    notes = [
        "Estimates are taken to be of different people. Where people were in several programmes, the interval is too"
        " narrow.",
        "A chance of having done better is only as good as the comparisons that the estimates come from.",
    ]
    if model == "common":
        notes.append("One true effect is supposed for all: differences between programmes are taken for chance.")
    elif k < FEW:
        notes.append(
            f"With {k} estimates nobody can know how much true effects differ: the interval of the mean is wide for"
            " that reason, and the limits of the difference say little."
        )
    if borrowing:
        prior = "flat" if scale is None else f"half-normal with scale {scale:g}"
        notes.append(f"Pooled effects rest on a {prior} prior for how far true effects differ.")
    elif model == "random" and k < FEWEST_TO_POOL:
        notes.append("Two estimates cannot say how much to borrow: give heterogeneity_scale to read them together.")
    if none_fits:
        notes.append("The estimates agree more closely than chance would have them: no heterogeneity fits.")
    return notes
