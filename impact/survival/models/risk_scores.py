"""The linear predictor, relative risk and expected events of each row, by a fitted Cox model."""

from __future__ import annotations

import numpy as np

from impact.survival.likelihoods.baseline import Baseline, span_errors
from impact.survival.likelihoods.partial import Point, Sample
from impact.survival.likelihoods.residuals import expected_events
from impact.survival.numbers.limits import standard_errors
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.new_rows import NewRows
from impact.survival.reading.outcome import Outcome
from impact.survival.riskset import FloatArray, IntArray, RiskSets

SCORES = ("linear-predictor", "risk", "expected")
REFERENCES = ("mean", "strata", "zero")


def own_rows(outcome: Outcome, matrix: Matrix, data: Sample) -> NewRows:
    """The rows of the fit, in the form of new ones."""
    ranks, n = outcome.ranks, len(outcome.event)
    return NewRows(
        outcome.rows,
        matrix.x,
        np.zeros(n) if data.offset is None else data.offset,
        np.zeros(n, dtype=np.int64) if outcome.group is None else outcome.group,
        ranks.grid[ranks.exit],
        None if ranks.entry is None else ranks.grid[ranks.entry],
        (),
    )


def cells_at(sets: RiskSets, stratum: IntArray, time: FloatArray) -> IntArray:
    """The last cell of each row's stratum at or before a time; −1 where there is none.

    Examples
    --------
    >>> from impact.survival.riskset import rank_times, risk_sets
    >>> sets = risk_sets(rank_times(np.array([1.0, 3.0, 3.0])), np.array([True, True, False]))
    >>> cells_at(sets, np.zeros(3, dtype=np.int64), np.array([0.5, 2.0, 9.0]))
    array([-1,  0,  1])
    """
    grid, places = np.unique(sets.times, return_inverse=True)
    width = len(grid) + 1
    wanted = stratum * width + np.searchsorted(grid, time, side="right") - 1
    cells = np.searchsorted(sets.stratum * width + places, wanted, side="right") - 1
    return np.where(cells < sets.bounds[stratum], -1, cells)


def linear_scores(
    kind: str,
    reference: str,
    rows: NewRows,
    beta: FloatArray,
    covariance: FloatArray,
    matrix: Matrix,
    outcome: Outcome,
    level: float,
) -> FloatArray:
    """Linear predictors or risks with their errors and limits, (4, m)."""
    reach = standard_errors(level)
    away = rows.z - _means(reference, matrix, outcome)[:, rows.stratum]
    estimate = beta @ away + rows.offset
    error = np.sqrt(np.einsum("ij,ij->j", away, covariance @ away))
    low, high = estimate - reach * error, estimate + reach * error
    if kind == "risk":
        estimate, low, high = np.exp(estimate), np.exp(low), np.exp(high)
        error = error * estimate
    return np.stack([estimate, error, low, high])


def expected_scores(
    rows: NewRows, data: Sample, point: Point, outcome: Outcome, base: Baseline, level: float, *, own: bool
) -> FloatArray:
    """Expected events with their errors and limits (on the log scale), (4, m); `own` rows are those of the fit."""
    reach = standard_errors(level)
    ratio = np.exp(point.beta @ rows.z + rows.offset)
    assert rows.duration is not None
    last = cells_at(data.sets, rows.stratum, rows.duration)
    first = np.full(len(last), -1) if rows.entry is None else cells_at(data.sets, rows.stratum, rows.entry)
    hazard, error = span_errors(base, rows.z, first, last)
    estimate, error = hazard * ratio, error * ratio
    if own:
        estimate = expected_events(data, point)
    else:
        estimate[rows.duration > last_seen(outcome)[rows.stratum]] = np.nan
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        width = np.exp(reach * error / estimate)
        return np.stack([estimate, error, estimate / width, estimate * width])


def last_seen(outcome: Outcome) -> FloatArray:
    """The last time observed in each stratum, (S,)."""
    ranks = outcome.ranks
    if outcome.group is None:
        return ranks.grid[[ranks.exit.max()]]
    last = np.zeros(len(outcome.labels), dtype=np.int64)
    np.maximum.at(last, outcome.group, ranks.exit)
    return ranks.grid[last]


def _means(reference: str, matrix: Matrix, outcome: Outcome) -> FloatArray:
    """What a linear predictor of 0 stands for in each stratum, in centred and scaled covariates, (p, S)."""
    n_strata = max(len(outcome.labels), 1)
    if reference == "zero":
        return np.repeat(-(matrix.centre / matrix.scale)[:, None], n_strata, axis=1)
    if reference == "strata" and outcome.group is not None:
        mass = np.bincount(outcome.group, outcome.weights, n_strata)
        w = np.ones(matrix.x.shape[1]) if outcome.weights is None else outcome.weights
        return np.stack([np.bincount(outcome.group, w * row, n_strata) for row in matrix.x]) / mass
    mean = np.average(matrix.x, axis=1, weights=outcome.weights)
    return np.repeat(mean[:, None], n_strata, axis=1)
