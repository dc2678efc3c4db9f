"""Fitting a family of timing, whole or split: from a checked outcome to parameters in the user's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import ConvergenceError, Fault, InputError
from impact.frames import Columns, FloatArray, IntArray
from impact.survival.likelihoods.climb import Peak, climb
from impact.survival.likelihoods.families import Family
from impact.survival.likelihoods.timing import Times, evaluate, score_residuals
from impact.survival.models.coefficients import ARBITRARY, ENDLESS
from impact.survival.numbers.algebra import dependent_columns, products
from impact.survival.reading.cautions import about_variance, robust_words
from impact.survival.reading.covariates import UNUSABLE, CovariateColumns, Matrix
from impact.survival.reading.faults import require_event
from impact.survival.reading.outcome import Outcome, OutcomeColumns

INTERCEPT = "(Intercept)"
NO_SPREAD = -7.0
ONE_INSTANT = 200.0


@dataclass(frozen=True, slots=True)
class People:
    """One call's data as read: the outcome, and the covariates of the timing and of the share."""

    outcome: Outcome
    timing: Matrix | None
    share: Matrix | None
    robust: bool
    notes: tuple[str, ...]


def read_people(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    covariates: str | Sequence[str] | None,
    share: str | Sequence[str] | None,
    *,
    entry: str | None,
    weights: str | None,
    cluster: str | None,
    robust: bool | None,
) -> People:
    """Read and check the columns of a call; every fault is raised at once."""
    columns = Columns(data)
    if robust is False and (cluster is not None or columns.design is not None):
        raise InputError("robust=False cannot stand beside a cluster or a Design, whose rows are not independent.")
    read = OutcomeColumns(
        columns, duration, event, entry=entry, weights=weights, cluster=cluster, groups=(), above_zero=True
    )
    readers = [None if part is None else CovariateColumns(columns, part) for part in (covariates, share)]
    outcome = read.take(columns.rows())
    require_event(outcome.event, event)
    timing, who = (None if reader is None else reader.take(outcome.rows) for reader in readers)
    for matrix in (timing, who):
        if matrix is not None:
            _refuse_aliased(matrix)
    if robust is None:
        robust = outcome.needs_robust
    if robust and len(outcome.event) < 2:
        raise InputError("Only one row is used: a robust variance needs two at least.")
    notes = (*outcome.notes, *about_variance(outcome, robust=robust))
    return People(outcome, timing, who, robust, notes)


def _refuse_aliased(matrix: Matrix) -> None:
    spare = dependent_columns(products(matrix.x, matrix.x) / matrix.x.shape[1])
    if spare:
        problem = "is a linear combination of the covariates before it"
        raise InputError(UNUSABLE, [Fault(problem, column=matrix.names[i], remedy="leave it out.") for i in spare])


@dataclass(frozen=True, slots=True)
class Fitted:
    """Parameters in the user's units, share first, then timing, then the ancillary.

    Attributes
    ----------
    parameters : (k,) float
    covariance, naive : (k, k) float
        `covariance` is the robust one where that was asked for.
    log_likelihood : float
    names : tuple of str
    sizes : dict
        How many parameters belong to v (the share), u (the timing) and a.
    """

    parameters: FloatArray
    covariance: FloatArray
    naive: FloatArray
    log_likelihood: float
    names: tuple[str, ...]
    sizes: dict[str, int]


def as_times(family: Family, people: People, *, split: bool, null: bool = False, by_row: bool = False) -> Times:
    """The data of the likelihood; with `null` without covariates.

    Rows without covariates and entry that are alike stand as one with their weights together, unless `by_row`.
    """
    outcome, ranks = people.outcome, people.outcome.ranks
    unit = unit_of_time(people)
    timing, share = (None, None) if null else (people.timing, people.share)
    if timing is None and share is None and ranks.entry is None and not by_row:
        counts = [
            np.bincount(ranks.exit[inside], None if outcome.weights is None else outcome.weights[inside])
            for inside in (outcome.event == 1, outcome.event == 0)
        ]
        places = [np.flatnonzero(count) for count in counts]
        weights = np.concatenate([count[place] for count, place in zip(counts, places, strict=True)])
        ones = np.ones((1, len(weights)))
        time = ranks.grid[np.concatenate(places)] / unit
        return Times(family, time, len(places[0]), None, weights.astype(float), ones, ones if split else None)
    order = events_first(outcome)

    def stacked(matrix: Matrix | None) -> FloatArray:
        out = np.ones((1 if matrix is None else 1 + len(matrix.x), len(order)))
        for place, column in enumerate(() if matrix is None else matrix.x):
            out[place + 1] = column[order]
        return out

    return Times(
        family,
        ranks.grid[ranks.exit[order]] / unit,
        int(outcome.event.sum()),
        None if ranks.entry is None else ranks.grid[ranks.entry[order]] / unit,
        None if outcome.weights is None else outcome.weights[order],
        stacked(timing),
        stacked(share) if split else None,
    )


def unit_of_time(people: People) -> float:
    """Days in the unit of the likelihood: the mean duration."""
    ranks = people.outcome.ranks
    return float(ranks.grid[ranks.exit].mean())


def events_first(outcome: Outcome) -> IntArray:
    """The rows in the order of the likelihood."""
    return np.concatenate([np.flatnonzero(outcome.event == 1), np.flatnonzero(outcome.event == 0)])


def exponential_start(data: Times) -> float:
    """The location of the exponential family without covariates: the log of time at risk over events."""
    exposure = data.duration if data.entry is None else data.duration - data.entry
    w = np.ones(len(exposure)) if data.weights is None else data.weights
    return float(np.log(w @ exposure / w[: data.n_event].sum()))


def spread_start(data: Times) -> FloatArray:
    """The ancillary to start from: the scale at 1, or wider where the log times of events are; the shape at 0."""
    if not data.family.ancillary:
        return np.empty(0)
    if not data.family.accelerated:
        return np.zeros(1)
    return np.array([np.log(max(1.0, float(np.std(np.log(data.duration[: data.n_event])))))])


def maximise(data: Times, start: FloatArray, free: np.ndarray | None = None) -> Peak:
    """Climb from `start`; how far each covariate ranges decides what is a parameter gone to infinity."""
    reach = [np.maximum(np.ptp(part, axis=1), 1.0) for part in ([] if data.share is None else [data.share])]
    reach += [np.maximum(np.ptp(data.x, axis=1), 1.0), np.ones(data.sizes["a"])]
    floor = 2 * NO_SPREAD if data.family.accelerated and data.family.ancillary else -np.inf
    return climb(lambda theta: evaluate(data, theta), start, np.concatenate(reach), free, floor)


def in_days(data: Times, people: People, peak: Peak) -> Fitted:
    """Undo the scaling of time and covariates, and give the covariance of the parameters."""
    point, size, unit = peak.point, len(peak.point.theta), unit_of_time(people)
    turn, shift, names = np.zeros((size, size)), np.zeros(size), []
    first = 0
    for kind, matrix in (("v", people.share), ("u", people.timing)):
        count = data.sizes[kind]
        if count:
            turn[first, first] = 1.0
            names.append(INTERCEPT)
            if matrix is not None and count > 1:
                place = np.arange(first + 1, first + count)
                turn[place, place] = 1 / matrix.scale
                turn[first, place] = -matrix.centre / matrix.scale
                names.extend(matrix.names)
        first += count
    shift[data.sizes["v"]] = np.log(unit) if data.family.accelerated else -np.log(unit)
    if data.family.ancillary:
        turn[-1, -1] = 1.0 if data.family.accelerated else 1 / unit
        names.append(data.family.ancillary)
    naive = np.linalg.inv(point.information)
    spread = naive
    if people.robust:
        whole = data
        if len(data.duration) < len(people.outcome.event):
            whole = as_times(data.family, people, split=data.share is not None, null=True, by_row=True)
        cluster = people.outcome.cluster
        residuals = score_residuals(
            whole, point.theta, None if cluster is None else cluster[events_first(people.outcome)]
        )
        spread = naive @ products(residuals, residuals) @ naive
    return Fitted(
        turn @ point.theta + shift,
        turn @ spread @ turn.T,
        turn @ naive @ turn.T,
        log_likelihood_in_days(data, people, peak),
        tuple(names),
        data.sizes,
    )


def log_likelihood_in_days(data: Times, people: People, peak: Peak) -> float:
    """The log-likelihood of densities a day."""
    events = data.n_event if data.weights is None else data.weights[: data.n_event].sum()
    return peak.point.log_likelihood - float(events) * float(np.log(unit_of_time(people)))


def check_reached(data: Times, peak: Peak, people: People, event: str) -> None:
    """Raise where the likelihood has no maximum, naming what has no finite estimate."""
    gone = peak.point.theta[-1] if data.family.ancillary else 0.0
    spike = gone < NO_SPREAD if data.family.accelerated else gone * data.duration.max() > ONE_INSTANT
    if data.family.ancillary and spike and peak.outcome != "reached":
        raise ConvergenceError(
            ENDLESS,
            [
                Fault(
                    "happens at one time only (or one for each value of the covariates); nobody is followed beyond",
                    table="data",
                    column=event,
                    why="a family of timing needs events that are spread out, or people followed beyond them.",
                    remedy="use family='exponential', or kaplan_meier.",
                )
            ],
        )
    names = list(_names(people, data))
    if peak.outcome == "endless":
        problem = "has no finite coefficient: in part of its range nobody has the event, or everybody at once"
        remedy = "leave it out, merge its rare categories, or compare the groups by curves."
        columns = [i for i in peak.columns if names[i] != INTERCEPT] or peak.columns
        raise ConvergenceError(
            ENDLESS, [Fault(problem, column=names[i], why=ARBITRARY, remedy=remedy) for i in columns]
        )
    if peak.outcome == "lost":
        raise ConvergenceError(
            f"No maximum of the likelihood was reached in {peak.steps} steps; parameters: {', '.join(names)}."
        )


def _names(people: People, data: Times) -> Sequence[str]:
    names = []
    for kind, matrix in (("v", people.share), ("u", people.timing)):
        if data.sizes[kind]:
            names.append(INTERCEPT)
            names.extend(() if matrix is None else matrix.names)
    return [*names, data.family.ancillary] if data.family.ancillary else names


def variance_in_words(people: People) -> str:
    """Which variance stands behind the intervals."""
    if not people.robust:
        return "variance from the observed information"
    return robust_words(people.outcome)


def aic(log_likelihood: float, size: int, counts: bool) -> float:
    """Akaike's criterion of a likelihood with `size` parameters; NaN where rows are not counts of people."""
    return 2 * size - 2 * log_likelihood if counts else float("nan")
