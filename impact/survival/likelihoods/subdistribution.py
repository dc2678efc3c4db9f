"""The Fine-Gray pseudo-likelihood: value, score, information and its maximum, with Efron's or Breslow's ties.

The sums of `partial`, over risk sets in which those with a competing event stay with a share (see `shares`).
"""

from __future__ import annotations

import numpy as np
import scipy

from impact.survival.likelihoods.partial import (
    ALIASED,
    BLOCK,
    CLOSE,
    ENDLESS_GAIN,
    ENDLESS_MOVE,
    MOST_STEPS,
    Maximum,
    Point,
    Sample,
    dependent_columns,
)
from impact.survival.likelihoods.shares import Shares, sum_at_risk, sum_over_time
from impact.survival.riskset import FloatArray


def evaluate(data: Sample, kept: Shares, beta: FloatArray) -> Point:
    """The log pseudo-likelihood, the score and the sums from which all else follows, at `beta`."""
    size = data.sets.size
    eta = beta @ data.x
    shift = float(eta.max())
    eta -= shift
    weights = None if data.weights is None else data.weights[data.events]
    gained = eta[data.events].sum() if weights is None else eta[data.events] @ weights
    risk = np.exp(eta, out=eta)
    if data.weights is not None:
        risk *= data.weights
    tied0 = np.bincount(data.cells, risk[data.events], size)
    phi = sum_at_risk(data.sets, kept, risk)[data.step_cell] - data.step_share * tied0[data.step_cell]

    def per_cell(values: FloatArray) -> FloatArray:
        return data.step_weight * np.add.reduceat(values, data.step_start)

    inverse, share = 1 / phi, data.step_share
    hazard, tied = per_cell(inverse), per_cell(share * inverse)
    sums, tied_sums = np.empty((len(beta), size)), np.empty((len(beta), size))
    for row, column in enumerate(data.x):
        product = risk * column
        sums[row] = sum_at_risk(data.sets, kept, product)
        tied_sums[row] = np.bincount(data.cells, product[data.events], size)
    return Point(
        beta,
        float(gained - per_cell(np.log(phi)).sum()),
        shift,
        risk,
        hazard,
        tied,
        per_cell(inverse**2),
        per_cell(share * inverse**2),
        per_cell((share * inverse) ** 2),
        sums,
        tied_sums,
        data.event_sum - (sums @ hazard - tied_sums @ tied),
    )


def information(data: Sample, kept: Shares, point: Point) -> FloatArray:
    """The observed information, (p, p)."""
    met = met_hazard(data, kept, point) * point.risk
    gram = np.zeros((len(data.x), len(data.x)))
    for start in range(0, data.x.shape[1], BLOCK):
        block = data.x[:, start : start + BLOCK]
        gram += (block * met[start : start + BLOCK]) @ block.T
    s, e = point.sums, point.tied_sums
    cross = (s * point.square1) @ e.T
    whole = gram - (s * point.square0) @ s.T + cross + cross.T - (e * point.square2) @ e.T
    return (whole + whole.T) / 2


def met_hazard(data: Sample, kept: Shares, point: Point) -> FloatArray:
    """The cumulative hazard that each row has met, for covariates of 0."""
    met = sum_over_time(data.sets, kept, point.hazard)
    met[data.events] -= point.tied[data.cells]
    return met


def maximise(data: Sample, kept: Shares) -> Maximum:
    """Newton's method with step halving from 0; `data.x` must be centred and scaled."""
    start = point = evaluate(data, kept, np.zeros(len(data.x)))
    info = information(data, kept, point)
    flat = np.flatnonzero(np.diag(info) <= ALIASED * data.step_weight.sum())
    if len(flat):
        return Maximum(start, point, info, 0, "flat", tuple(flat.tolist()))
    aliased = dependent_columns(info)
    if aliased:
        return Maximum(start, point, info, 0, "aliased", aliased)
    reach = np.ptp(data.x, axis=1)
    last_move = False
    for steps in range(MOST_STEPS):
        try:
            move = scipy.linalg.cho_solve(scipy.linalg.cho_factor(info), point.score)
        except (scipy.linalg.LinAlgError, ValueError):
            break
        gain = float(move @ point.score)
        if gain < ENDLESS_GAIN and np.ptp(move @ data.x) > ENDLESS_MOVE:
            endless = np.flatnonzero(np.abs(move) * reach > ENDLESS_MOVE / 5)
            return Maximum(start, point, info, steps, "endless", tuple(endless.tolist()))
        if last_move:
            return Maximum(start, point, info, steps, "reached")
        last_move = gain < CLOSE
        better = _climb(data, kept, point, move)
        if better is None:
            return Maximum(start, point, info, steps, "reached" if last_move else "lost")
        point = better
        with np.errstate(all="ignore"):
            info = information(data, kept, point)
    lost = np.flatnonzero(np.abs(point.beta) * reach > 10)
    return Maximum(start, point, info, MOST_STEPS, "endless" if len(lost) else "lost", tuple(lost.tolist()))


def _climb(data: Sample, kept: Shares, point: Point, move: FloatArray) -> Point | None:
    slack = 1e-10 * (1 + abs(point.log_likelihood))
    for halving in range(30):
        with np.errstate(all="ignore"):
            trial = evaluate(data, kept, point.beta + move / 2**halving)
        if np.isfinite(trial.log_likelihood) and trial.log_likelihood >= point.log_likelihood - slack:
            return trial
    return None
