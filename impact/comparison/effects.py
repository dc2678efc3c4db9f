"""The effect of treatment on one outcome, in a design fixed before the outcome was named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from impact.comparison.covariates import (
    Covariate,
    forbid_outcome,
    independent_columns,
    read_covariates,
    read_treatment,
)
from impact.comparison.sandwich import Fit, group_ratios, regression, two_samples
from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray, check_choice, check_level
from impact.results import Estimate

MEASURES = ("risk_difference", "risk_ratio", "odds_ratio", "mean_difference", "rate_difference", "rate_ratio")
ERRORS = ("cluster", "jdl")
LATER = ("abadie-imbens", "bootstrap")
RATIOS = ("risk_ratio", "odds_ratio", "rate_ratio")


@dataclass(frozen=True, slots=True, repr=False)
class Effect(Estimate):
    """An `Estimate` with what was compared.

    Attributes
    ----------
    mean_treated, mean_comparison : float
        Weighted mean, proportion or rate of each group; never adjusted by regression.
    n_treated, n_comparison : int
        People in each group.
    """

    mean_treated: float = float("nan")
    mean_comparison: float = float("nan")
    n_treated: int = 0
    n_comparison: int = 0

    def tidy(self) -> pd.DataFrame:
        """One row: the columns of an `Estimate`, then mean_treated, mean_comparison, n_treated, n_comparison."""
        more = ("mean_treated", "mean_comparison", "n_treated", "n_comparison")
        return Estimate.tidy(self).assign(**{name: getattr(self, name) for name in more})


@dataclass(frozen=True, slots=True)
class _People:
    """The rows used, as arrays; `standing`: comparison over treated weight of each set before anyone was left out."""

    outcome: FloatArray
    exposure: FloatArray
    treated: BoolArray
    weights: FloatArray
    clusters: IntArray
    standing: FloatArray
    adjust: tuple[Covariate, ...]


def compare(
    design: Design,
    outcome: str,
    *,
    measure: str,
    se: str = "cluster",
    adjust: str | Sequence[str] = (),
    time: str | None = None,
    level: float = 0.95,
) -> Effect:
    """Compare an outcome between the groups of a design.

    Parameters
    ----------
    design : Design
        From `match`, or `whole_sample` for a randomised comparison.
    outcome : str
        A column of its data: 0 or 1 for risks and odds, a count for rates, a number for means.
    measure : str
        ``"risk_difference"``, ``"risk_ratio"``, ``"odds_ratio"``, ``"mean_difference"``, ``"rate_difference"`` or
        ``"rate_ratio"`` (the last two: events per unit of `time`).
    se : {"cluster", "jdl"}
        ``"cluster"``: sandwich errors summed by matched set, t on sets − 1; by person where the design has no sets.
        ``"jdl"``: the two groups as independent samples, a t-test of their weighted means with effective sizes, as the
        Justice Data Lab reports it (differences of risks and means only; the Lab's own formula is not published).
    adjust : str or sequence of str
        Covariates of a weighted linear regression of the outcome (differences of risks and means, ``se="cluster"``).
    time : str, optional
        Time at risk, for rates.
    level : float
        Confidence level.

    Returns
    -------
    Effect
        For ratios `std_error` and `statistic` are of the natural logarithm; estimate and interval are the ratio's.

    Raises
    ------
    InputError
        For columns or arguments that cannot be used, or an outcome on which people were matched.
    ConvergenceError
        Where the estimate has no finite value (a ratio with no events in a group).

    Notes
    -----
    People whose outcome is missing are left out and counted. With ``"cluster"``, a set left with one side only is
    dropped whole, and where a set loses some of its people the comparison weights left are scaled so that the set's two
    sides stand to each other as before. ``"jdl"`` knows no sets: those left keep their weights. So the two can differ
    in the estimate where an outcome is missing, and both say what they did. An outcome that exists only for some (days
    to the first offence, among those who offended) compares people chosen by what came after.

    Weights are taken as fixed. The error of a matched design with people used again, or by radius, counts the
    comparison person's weight but not that the score was estimated. In `benchmarks/coverage_comparison.py` (60,
    150 and 600 treated, known truth, a right model for the score) the 95% intervals of matched risk differences held
    the truth in 94 to 97 of 100 replications, whichever the matching and the error.

    References
    ----------
    Abadie and Spiess (2022), JASA 117, 983-995; Liang and Zeger (1986), Biometrika 73, 13-22; Welch (1947).

    Examples
    --------
    >>> from impact.comparison.whole import whole_sample
    >>> people = pd.DataFrame({"aid": [1, 1, 1, 1, 0, 0, 0, 0], "again": [0, 1, 0, 0, 1, 1, 0, 1]})
    >>> compare(whole_sample(people, "aid"), "again", measure="risk_difference").estimate
    -0.5
    """
    covariates = (adjust,) if isinstance(adjust, str) else tuple(adjust)
    _check(design, outcome, measure, se, covariates, time, level)
    people, notes = _people(design, outcome, measure, se, covariates, time)
    people, more = _whole_sets(people) if se == "cluster" and design.sets is not None else (people, ())
    _enough(people)
    means = group_ratios(people.outcome, people.exposure, people.treated, people.weights, people.clusters)
    words = _words(design, measure, se, covariates, people)
    redundant: tuple[str, ...] = ()
    if se == "jdl":
        fit = two_samples(people.outcome, people.treated, people.weights)
        value, error = _difference(fit)
    elif covariates:
        fit, redundant = _adjusted(people)
        value, error = float(fit.estimates[1]), float(np.sqrt(fit.covariance[1, 1]))
    else:
        fit = means
        value, error = _log_ratio(fit, measure) if measure in RATIOS else _difference(fit)
    if redundant:
        more = (*more, f"Left out of the regression, being constant or a combination: {', '.join(redundant)}.")
    reach = float(scipy.stats.t.ppf(0.5 + level / 2, fit.df)) * error
    low, high = value - reach, value + reach
    statistic = value / error if error > 0 else np.nan
    p_value = 2 * float(scipy.stats.t.sf(abs(statistic), fit.df)) if error > 0 else np.nan
    if not error > 0:
        more = (*more, "The outcome does not vary within the groups, so there is no standard error to go by.")
    if measure in RATIOS:
        value, low, high = float(np.exp(value)), float(np.exp(low)), float(np.exp(high))
    counted = measure != "mean_difference"
    return Effect(
        term=f"{measure.replace('_', ' ')} in {outcome}",
        estimate=value,
        std_error=error,
        statistic=statistic,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        level=level,
        n=len(people.outcome),
        n_events=int(people.outcome.sum()) if counted else None,
        method=f"{words}. {design.method}; estimand: {design.estimand}",
        notes=(*notes, *more),
        mean_treated=float(means.estimates[0]),
        mean_comparison=float(means.estimates[1]),
        n_treated=int(people.treated.sum()),
        n_comparison=int((~people.treated).sum()),
    )


def _check(
    design: Design, outcome: str, measure: str, se: str, adjust: tuple[str, ...], time: str | None, level: float
) -> None:
    if not isinstance(design, Design):
        raise InputError(f"compare() needs a Design (from match or whole_sample), not {type(design).__name__}.")
    check_choice("measure", measure, MEASURES)
    if se in LATER:
        raise InputError(f"se {se!r} is not offered yet; offered are {', '.join(ERRORS)}.")
    check_choice("se", se, ERRORS)
    check_level(level)
    difference = measure in ("risk_difference", "mean_difference")
    if se == "jdl" and not difference:
        raise InputError(f"se 'jdl' is a t-test of a difference of risks or means; for {measure} use se='cluster'.")
    if adjust and not (difference and se == "cluster"):
        raise InputError("adjust is offered for risk_difference and mean_difference with se='cluster' only.")
    if measure.startswith("rate") and time is None:
        raise InputError(
            f"{measure} needs time, the column of time at risk; for the number per person use mean_difference."
        )
    if time is not None and not measure.startswith("rate"):
        raise InputError(f"time is for rate_difference and rate_ratio; {measure} has no use for it.")
    forbid_outcome(outcome, treatment=design.treatment, used=(*design.covariates, *adjust))
    if design.treatment in adjust:
        raise InputError(f"{design.treatment} is the treatment; it cannot be adjusted for.")


def _people(
    design: Design, outcome: str, measure: str, se: str, adjust: tuple[str, ...], time: str | None
) -> tuple[_People, tuple[str, ...]]:
    columns = Columns(design)
    treated = read_treatment(columns, design.treatment)
    if measure == "mean_difference":
        values = columns.number(outcome)
    elif measure.startswith("rate"):
        values = columns.code(outcome)
    else:
        values = columns.indicator(outcome)
    exposure = np.ones(columns.n) if time is None else columns.number(time, low=0)
    covariates = read_covariates(columns, adjust)
    keep = columns.rows()
    sets = columns.cluster(None) if se == "cluster" else None
    clusters = np.arange(int(keep.sum())) if sets is None else sets[keep]
    weights = design.weights.to_numpy(dtype=float)
    if (clusters < 0).any():
        raise InputError("The design gives weight to people who are in no set. Give everyone of weight above 0 a set.")
    people = _People(
        values[keep],
        exposure[keep],
        treated[keep] == 1,
        weights[keep],
        clusters.astype(np.int64),
        _standing(sets, treated == 1, weights) if sets is not None else np.empty(0),
        tuple(Covariate(one.name, one.values[keep], one.levels) for one in covariates),
    )
    notes = columns.notes
    if se == "cluster" and design.sets is None and not (people.weights == 1).all():
        notes = (
            *notes,
            "The design has no sets, so the standard error takes people as independent and weights as fixed.",
        )
    return people, notes


def _whole_sets(people: _People) -> tuple[_People, tuple[str, ...]]:
    """Drop sets with one side only; scale comparison weights so that each set's sides stand as they did."""
    sums = [
        np.bincount(people.clusters, np.where(side, people.weights, 0.0), len(people.standing))
        for side in (people.treated, ~people.treated)
    ]
    both = (sums[0] > 0) & (sums[1] > 0)
    broken = int(((sums[0] > 0) ^ (sums[1] > 0)).sum())
    if not both.any():
        raise InputError("No matched set has the outcome on both sides, so nothing can be compared within sets.")
    keep = both[people.clusters]
    scale = np.where(both, people.standing * sums[0] / np.where(both, sums[1], 1.0), 0.0)
    weights = np.where(people.treated, people.weights, people.weights * scale[people.clusters])
    rescaled = int((both & (np.abs(scale - 1) > 1e-9)).sum())
    notes = []
    if broken:
        lost = int((~keep).sum())
        notes.append(
            f"{broken:,} matched {'set' if broken == 1 else 'sets'} lost one side and {'is' if broken == 1 else 'are'} "
            f"dropped, with {lost:,} more {'person' if lost == 1 else 'people'}: the estimate is about the other sets."
        )
    if rescaled:
        notes.append(
            f"{rescaled:,} {'set' if rescaled == 1 else 'sets'} lost people on one side; the weights left were scaled."
        )
    codes = np.unique(people.clusters[keep], return_inverse=True)[1]
    kept = _People(
        people.outcome[keep],
        people.exposure[keep],
        people.treated[keep],
        weights[keep],
        codes.astype(np.int64),
        people.standing[both],
        tuple(Covariate(one.name, one.values[keep], one.levels) for one in people.adjust),
    )
    return kept, tuple(notes)


def _standing(sets: IntArray, treated: BoolArray, weights: FloatArray) -> FloatArray:
    """Comparison weight over treated weight of each set, 0 where a set has no treated people."""
    inside = sets >= 0
    sides = [np.bincount(sets[inside], np.where(side, weights, 0.0)[inside]) for side in (treated, ~treated)]
    return np.where(sides[0] > 0, sides[1] / np.where(sides[0] > 0, sides[0], 1.0), 0.0)


def _enough(people: _People) -> None:
    counts = {"treated": int(people.treated.sum()), "comparison": int((~people.treated).sum())}
    few = [f"{name} {count}" for name, count in counts.items() if count < 2]
    if few:
        raise InputError(f"At least 2 people with the outcome are needed in each group; there are: {', '.join(few)}.")
    for name, side in (("treated", people.treated), ("comparison", ~people.treated)):
        if not people.exposure[side] @ people.weights[side] > 0:
            raise InputError(f"The {name} group has no time at risk.")


def _difference(fit: Fit) -> tuple[float, float]:
    contrast = np.array([1.0, -1.0])
    variance = float(contrast @ fit.covariance @ contrast)
    return float(contrast @ fit.estimates), float(np.sqrt(max(variance, 0.0)))


def _log_ratio(fit: Fit, measure: str) -> tuple[float, float]:
    """The log of the ratio and its delta-method error."""
    one, other = fit.estimates
    odds = measure == "odds_ratio"
    if min(one, other) <= 0 or (odds and max(one, other) >= 1):
        what = "no events, or nothing but events," if odds else "no events"
        raise ConvergenceError(
            f"One group has {what} so the {measure.replace('_', ' ')} is not finite. Use the difference instead."
        )
    if odds:
        value = np.log(one / (1 - one)) - np.log(other / (1 - other))
        slope = np.array([1 / (one * (1 - one)), -1 / (other * (1 - other))])
    else:
        value, slope = np.log(one) - np.log(other), np.array([1 / one, -1 / other])
    return float(value), float(np.sqrt(slope @ fit.covariance @ slope))


def _adjusted(people: _People) -> tuple[Fit, tuple[str, ...]]:
    terms = [term for covariate in people.adjust for term in covariate.terms(drop_first=True)]
    matrix = np.column_stack([np.ones(len(people.outcome)), people.treated, *(values for _, values in terms)])
    kept = independent_columns(matrix)
    if kept.sum() >= len(matrix):
        raise InputError(
            f"adjust has {int(kept.sum())} terms for {len(matrix)} people: too many. Name fewer covariates."
        )
    fit = regression(matrix[:, kept], people.outcome, people.weights, people.clusters)
    return fit, tuple(name for (name, _), flag in zip(terms, kept[2:], strict=True) if not flag)


def _words(design: Design, measure: str, se: str, adjust: tuple[str, ...], people: _People) -> str:
    if se == "jdl":
        means = "two-sample t-test of weighted means with effective sample sizes"
    elif design.sets is not None:
        means = f"standard error clustered by matched set ({int(people.clusters.max()) + 1:,} sets)"
    else:
        means = "standard error robust, by person"
    how = f"weighted linear regression on {', '.join(adjust)}" if adjust else "weighted means"
    if measure.startswith("rate"):
        how = "weighted events over weighted time"
    scale = "; interval on the log scale" if measure in RATIOS else ""
    return f"{how[0].upper()}{how[1:]}; {means}{scale}" if se == "cluster" else f"{means[0].upper()}{means[1:]}"
