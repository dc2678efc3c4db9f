"""Split-population models of recidivism: who will ever reoffend, and when those who will do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
import scipy

from impact.design import Design
from impact.frames import FloatArray, check_choice, check_level
from impact.results import Estimate, Test, normal_interval
from impact.survival.likelihoods.climb import Peak
from impact.survival.likelihoods.families import FAMILIES
from impact.survival.likelihoods.timing import Times
from impact.survival.models.timing import (
    aic,
    as_times,
    check_reached,
    exponential_start,
    in_days,
    log_likelihood_in_days,
    maximise,
    read_people,
    spread_start,
    variance_in_words,
)
from impact.survival.models.timing_model import TimingModel
from impact.survival.numbers.limits import standard_errors
from impact.survival.reading.cautions import few_events

SPLIT_FAMILIES = ("exponential", "weibull", "lognormal", "loglogistic")
STARTS = (0.1, 0.5, 0.9)
NEARLY_ALL = 8.0
EDGE = 1e-9
MOST_STEPS = 40
EVERYBODY = "everybody has the event in the end"


@dataclass(frozen=True, eq=False)
class SplitPopulation(TimingModel):
    """A fitted split-population model; see `TimingModel` for what it holds besides.

    Attributes
    ----------
    split : bool
        False where the likelihood is highest with everybody having the event in the end; the parameters are then those
        of the timing alone.
    split_test : Test or None
        The likelihood ratio against no split; None where it has no known distribution, with the reason in `notes`.
    """

    split: bool
    split_test: Test | None
    _times: Times
    _peak: Peak
    _split_parts: ClassVar[bool] = True

    @cached_property
    def share(self) -> Estimate:
        """The ultimate share, who will ever have the event: with covariates, the mean over the people of the fit."""
        return ultimate_share(self)

    @property
    def _name(self) -> str:
        return f"Split {FAMILIES[self.family].words}"

    @property
    def _never(self) -> float | None:
        return 1 - self.share.estimate if self.split else None

    def __repr__(self) -> str:
        words = self._words(f"Split-population {FAMILIES[self.family].words} model")
        head, *rest = words.split("\n")
        share = repr(self.share).split("\n")[0]
        test = [] if self.split_test is None else [repr(self.split_test).split("\n")[0]]
        return "\n".join([head, share, *test, *rest])


def split_population(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    covariates: str | Sequence[str] | None = None,
    *,
    share: str | Sequence[str] | None = None,
    family: str = "weibull",
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    level: float = 0.95,
) -> SplitPopulation:
    """Fit a split-population model: a share of people ever have the event, and a family says when they do.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: days from the start to the event or to the end of follow-up, above 0; 1 for an event and 0 for none.
    covariates : list of str, or str, optional
        Of the timing among those who ever have the event: columns, or the right-hand side of a formula, as in `cox`.
    share : list of str, or str, optional
        Covariates of whether a person ever has the event (a logit).
    family : str
        ``"exponential"``, ``"weibull"``, ``"lognormal"`` or ``"loglogistic"``, as in `parametric`. Gompertz's has a
        share who never have the event of its own (a negative shape).
    entry : str, optional
        Column: time from which the person is at risk, before `duration` (delayed entry).
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent; the variance is then robust and clustered.
    robust : bool, optional
        As in `parametric`.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    SplitPopulation
        ``share`` (the ultimate share with its interval), ``split_test``, ``tidy(exponentiate=False)``,
        ``predict(data=None, times=None)``, ``hazard()``, ``quantiles()``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where covariates do not vary, or are combinations of others.
    ConvergenceError
        Where a parameter has no finite estimate, or none was reached.

    Notes
    -----
    Schmidt and Witte (1988, chapter 5; 1989). The ultimate share lies beyond the follow-up: it rests on the family, so
    compare families by their `aic`, and look at `plot`. Its interval is the profile likelihood's where people count
    once and the share has no covariates (its distribution is skew), otherwise the delta method's on the logit scale.
    Where the likelihood is highest with everybody having the event in the end, the share is 1, `split` is False, and
    the parameters are those of `parametric`; with covariates of the share there is then no finite estimate.

    Without a split the share is 1, at the edge of what it can be: the likelihood ratio is then 0 in half of all samples
    and χ² with one degree of freedom in the other half (Self and Liang 1987; Maller and Zhou 1996), and the p-value is
    half that of χ². It is not given beside covariates of the share, weights that are not whole, clusters or a Design.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> days = np.where(rng.uniform(size=400) < 0.6, rng.weibull(1.2, 400) * 100, np.inf)
    >>> people = pd.DataFrame({"days": np.minimum(days, 365), "again": (days < 365).astype(int)})
    >>> fit = split_population(people, "days", "again", family="weibull")
    >>> fit.share.tidy().round(2)[["term", "estimate", "conf_low", "conf_high"]]
                            term  estimate  conf_low  conf_high
    0  share ever with the event       0.6      0.56       0.65
    """
    check_level(level)
    check_choice("family", family, SPLIT_FAMILIES)
    people = read_people(
        data, duration, event, covariates, share, entry=entry, weights=weights, cluster=cluster, robust=robust
    )
    null = as_times(FAMILIES[family], people, split=True, null=True)
    full = as_times(FAMILIES[family], people, split=True)
    whole = as_times(FAMILIES[family], people, split=False)
    unsplit = maximise(whole, np.r_[exponential_start(whole), np.zeros(whole.sizes["u"] - 1), spread_start(whole)])
    alone = _highest(null, _starts(null))
    peak = alone
    if covariates is not None or share is not None:
        peak = _highest(full, [_widened(alone.point.theta, full), _from_unsplit(unsplit.point.theta, full)])
    gained = peak.point.log_likelihood - unsplit.point.log_likelihood
    at_edge = gained <= EDGE * (1 + abs(unsplit.point.log_likelihood)) or 0 in peak.columns
    split = share is not None or not at_edge
    times, top = (full, peak) if split else (whole, unsplit)
    check_reached(times, top, people, event)
    fitted = in_days(times, people, top)
    counts = people.outcome.whole_weights and not people.robust
    outcome, names = people.outcome, list(fitted.names)
    notes = [*people.notes, *few_events(int(outcome.event.sum()), len(names), "parameters")]
    if not split:
        notes.append(f"The likelihood is highest when {EVERYBODY}: no split is seen, and the timing is parametric()'s.")
    followed = outcome.ranks.grid[outcome.ranks.exit].max()
    notes.append(f"The share lies beyond the follow-up of {followed:g} days: it rests on the family of timing.")
    if share is not None or not counts:
        notes.append("No test against no split: its distribution is known only for counts and a share alone.")
    return SplitPopulation(
        family,
        fitted.names,
        fitted.parameters,
        pd.DataFrame(fitted.covariance, index=names, columns=names),
        pd.DataFrame(fitted.naive, index=names, columns=names),
        fitted.log_likelihood,
        log_likelihood_in_days(null, people, alone),
        aic(fitted.log_likelihood, len(names) + (not split), outcome.whole_weights and not isinstance(data, Design)),
        len(outcome.event),
        int(outcome.event.sum()),
        people.robust,
        level,
        variance_in_words(people),
        tuple(notes),
        fitted,
        people,
        split,
        _split_test(2 * gained if split else 0.0) if share is None and counts else None,
        times if split else full,
        top if split else peak,
    )


def _starts(data: Times) -> list[FloatArray]:
    """Shares between those seen with the event and everybody, with the timing of those seen."""
    w = np.ones(len(data.duration)) if data.weights is None else data.weights
    early = slice(0, data.n_event)
    seen = w[early].sum() / w.sum()
    location = float(np.log(w[early] @ data.duration[early] / w[early].sum()))
    logits = scipy.special.logit(np.clip(seen + (1 - seen) * np.array(STARTS), 1e-6, 1 - 1e-6))
    return [np.r_[v, location, spread_start(data)] for v in logits]


def _widened(theta: FloatArray, full: Times) -> FloatArray:
    """The parameters without covariates, with zeros for the covariates."""
    q, p = full.sizes["v"], full.sizes["u"]
    return np.r_[min(theta[0], NEARLY_ALL / 2), np.zeros(q - 1), theta[1], np.zeros(p - 1), theta[2:]]


def _from_unsplit(theta: FloatArray, full: Times) -> FloatArray:
    """Nearly everybody, with the timing fitted without a split."""
    return np.r_[NEARLY_ALL / 2, np.zeros(full.sizes["v"] - 1), theta]


def _highest(data: Times, starts: Sequence[FloatArray]) -> Peak:
    peaks = [maximise(data, start) for start in starts]
    return max(peaks, key=lambda peak: float(np.nan_to_num(peak.point.log_likelihood, nan=-np.inf)))


def _split_test(statistic: float) -> Test:
    p_value = 1.0 if statistic <= 0 else float(scipy.stats.chi2.sf(statistic, 1)) / 2
    notes = ("The null lies at the edge of the parameter: half χ² with no, half with one degree of freedom.",)
    return Test("Likelihood ratio against no split", EVERYBODY, max(statistic, 0.0), p_value, None, notes)


def ultimate_share(model: SplitPopulation) -> Estimate:
    """The share who ever have the event, with the interval of the profile likelihood or of the delta method."""
    q = model._fitted.sizes["v"]
    share, error, low, high, method = 1.0, np.nan, np.nan, 1.0, "at its edge"
    if q:
        z, _ = model._of_the_fit()
        assert z is not None
        weights = model._people.outcome.weights
        mass = np.full(model.n, 1 / model.n) if weights is None else weights / weights.sum()
        each = scipy.special.expit(model.coefficients[:q] @ z)
        share = float(mass @ each)
        slopes = z @ (mass * each * (1 - each))
        error = float(np.sqrt(slopes @ model.covariance.to_numpy()[:q, :q] @ slopes))
        logits = normal_interval(float(scipy.special.logit(share)), error / (share * (1 - share)), model.level)
        low, high = (float(scipy.special.expit(limit)) for limit in logits)
        method = "delta method on the logit scale"
    if model._people.share is None and not model.robust:
        low, high = _profile_limits(model)
        method = "profile likelihood"
    term = "share ever with the event"
    return Estimate(
        term, share, error, np.nan, np.nan, low, high, model.level, model.n, model.n_events, method, model.notes
    )


def _profile_limits(model: SplitPopulation) -> tuple[float, float]:
    """Where twice the fall of the profile likelihood of the share's logit reaches the quantile of χ²."""
    data, theta = model._times, model._peak.point.theta
    free = np.arange(len(theta)) != 0
    whole = Times(data.family, data.duration, data.n_event, data.entry, data.weights, data.x, None)
    edge = maximise(whole, theta[1:]).point.log_likelihood
    top = max(model._peak.point.log_likelihood, edge)
    reach = standard_errors(model.level)
    near: dict[float, FloatArray] = {}

    def root(v: float) -> float:
        start = theta if not near else near[min(near, key=lambda known: abs(known - v))]
        peak = maximise(data, np.r_[v, start[1:]], free)
        near[v] = peak.point.theta
        return float(np.sqrt(max(2 * (top - peak.point.log_likelihood), 0.0))) - reach

    centre = float(theta[0]) if model.split else NEARLY_ALL
    step = float(np.sqrt(model.naive_covariance.to_numpy()[0, 0])) if model.split else 1.0
    for _ in range(MOST_STEPS):
        if root(centre) < 0:
            break
        centre += NEARLY_ALL / 2
    low = _crossing(root, centre, -step)
    high = 1.0 if np.sqrt(max(2 * (top - edge), 0.0)) <= reach else scipy.special.expit(_crossing(root, centre, step))
    return float(scipy.special.expit(low)), float(high)


def _crossing(root: Callable[[float], float], centre: float, step: float) -> float:
    """Where `root` turns from negative to positive, from `centre` by `step` and further; NaN where it never does."""
    near, far = centre, centre + step
    for _ in range(MOST_STEPS):
        if root(far) >= 0:
            return float(scipy.optimize.brentq(root, near, far, xtol=1e-10, rtol=1e-12))
        near, far, step = far, far + 1.5 * step, 1.5 * step
    return float("nan")
