"""Firth's penalty for Cox's model: l(β) + ½ log |I(β)|, its maximum and its profile (Heinze and Schemper 2001).

The score gains ½ tr(V ∂I/∂β_r), with V = I⁻¹. Each denominator of a cell puts a distribution on those at risk; its
part of the information is their covariance C, and of the derivative their third cumulant, so that the trace is
E[q x_r] − E[q] m_r − 2 (C V m)_r with q = xᵀ V x and m = E[x]. Summed over cells that is one pass of risk-set sums and
one product with V: O(n p²) time and O(n p) room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from impact.survival.likelihoods.partial import Point, Sample, accrued, evaluate, information, sums_at_risk
from impact.survival.riskset import FloatArray, IntArray

MOST_STEPS = 200
STILL = 1e-22
NEARLY_STILL = 1e-15
ENOUGH = 1e-4
LONGEST_MOVE = 5.0
WIDEST = 60.0


@dataclass(frozen=True, slots=True)
class Penalised:
    """The penalised likelihood at one value of the coefficients.

    Attributes
    ----------
    point : Point
    information : (p, p) float
        Of the likelihood without the penalty.
    value : float
        l(β) + ½ log |I(β)|.
    score : (p,) float
        Its derivative.
    """

    point: Point
    information: FloatArray
    value: float
    score: FloatArray


def penalised(data: Sample, beta: FloatArray) -> Penalised | None:
    """The penalised likelihood at `beta`; None where the information is not positive definite there."""
    with np.errstate(all="ignore"):
        point = evaluate(data, beta)
        info = information(data, point)
    try:
        root = scipy.linalg.cholesky(info, lower=True)
    except (scipy.linalg.LinAlgError, ValueError):
        return None
    inverse = scipy.linalg.cho_solve((root, True), np.eye(len(beta)))
    value = point.log_likelihood + float(np.log(np.diag(root)).sum())
    return Penalised(point, info, value, point.score + penalty_slope(data, point, inverse))


def penalty_slope(data: Sample, point: Point, inverse: FloatArray) -> FloatArray:
    """½ tr(V ∂I/∂β_r) for each r, (p,), exact under Efron's ties."""
    x = data.x
    turned = inverse @ x
    q = np.einsum("ij,ij->j", x, turned)
    weighted = point.risk * q
    by_mean = np.zeros(x.shape[1])
    for row, along in enumerate(turned):
        s, e = point.sums[row], point.tied_sums[row]
        by_mean += along * accrued(data, point.square0 * s - point.square1 * e, point.square1 * s - point.square2 * e)
    cell, share = data.step_cell, data.step_share
    (q_sum, q_tied), (mass, of_deaths) = (sums_at_risk(data, values) for values in (weighted, point.risk))
    if q_tied is None or of_deaths is None:
        q_tied = of_deaths = np.zeros(data.sets.size)
    phi = mass[cell] - share * of_deaths[cell]
    means = (point.sums[:, cell] - share * point.tied_sums[:, cell]) / phi
    spread = data.step_weight[cell] * np.einsum("ij,ij->j", means, inverse @ means)
    first = x @ (weighted * accrued(data, point.hazard, point.tied))
    second = point.sums @ (q_sum * point.square0 - q_tied * point.square1)
    second -= point.tied_sums @ (q_sum * point.square1 - q_tied * point.square2)
    return np.asarray((first - second - 2 * (x @ (point.risk * by_mean)) + 2 * (means @ spread)) / 2)


def maximise_penalised(data: Sample, start: Penalised, free: IntArray) -> tuple[Penalised, bool]:
    """The maximum over the `free` columns from `start`, the others held; and whether it was reached.

    Steps H U*_f, where H is the inverse information at the start, made that of the penalised likelihood by the changes
    of the score (Broyden, Fletcher, Goldfarb and Shanno), halved until the likelihood rises.
    """
    here = start
    if not len(free):
        return here, True
    curve = np.linalg.inv(here.information[np.ix_(free, free)])
    previous = np.inf
    for _ in range(MOST_STEPS):
        score = here.score[free]
        move = curve @ score
        gain = float(move @ score)
        if gain < STILL or (gain < NEARLY_STILL and gain >= previous / 2):
            return here, True
        previous = gain
        move *= min(1.0, LONGEST_MOVE / float(np.abs(move).max()))
        better = _climb(data, here, free, move, gain)
        if better is None:
            return here, gain < NEARLY_STILL
        step, bend = better.point.beta[free] - here.point.beta[free], score - better.score[free]
        along = float(step @ bend)
        if along > 0:
            left = np.eye(len(free)) - np.outer(step, bend) / along
            curve = left @ curve @ left.T + np.outer(step, step) / along
        here = better
    return here, False


def _climb(data: Sample, here: Penalised, free: IntArray, move: FloatArray, gain: float) -> Penalised | None:
    rounding = 1e-13 * (1 + abs(here.value))
    for halving in range(40):
        beta = here.point.beta.copy()
        beta[free] += move / 2**halving
        trial = penalised(data, beta)
        enough = here.value + ENOUGH * gain / 2**halving - rounding
        if trial is not None and np.isfinite(trial.value) and trial.value >= enough:
            return trial
    return None


def held_at(data: Sample, start: Penalised, columns: Sequence[int], value: float = 0.0) -> tuple[Penalised, bool]:
    """The maximum where some coefficients are held at a value; the penalty stays that of all the coefficients."""
    held = np.array(columns)
    free = np.delete(np.arange(len(start.point.beta)), held)
    beta = start.point.beta.copy()
    info, away = start.information, value - beta[held]
    beta[held] = value
    beta[free] -= np.linalg.solve(info[np.ix_(free, free)], info[np.ix_(free, held)] @ away)
    there = penalised(data, beta)
    return (start, False) if there is None else maximise_penalised(data, there, free)


def profile(data: Sample, top: Penalised, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Signed roots of the penalised likelihood ratio of each coefficient being 0, and its profile's limits, (p,)."""
    drop = float(scipy.stats.chi2.ppf(level, 1)) / 2
    size = len(top.point.beta)
    roots, low, high = np.empty(size), np.empty(size), np.empty(size)
    for column, beta in enumerate(top.point.beta):
        held, reached = held_at(data, top, [column])
        ratio = max(2 * (top.value - held.value), 0.0) if reached else float("nan")
        roots[column] = np.sign(beta) * np.sqrt(ratio)
        low[column], high[column] = (profile_limit(data, top, column, drop, side) for side in (-1, 1))
    return roots, low, high


def profile_limit(data: Sample, top: Penalised, column: int, drop: float, side: int) -> float:
    """Where the profile likelihood of one coefficient has fallen by `drop`, below (`side` −1) or above (1) its maximum.

    ±inf where it has not fallen so far within 60 standard errors; NaN where the profile cannot be followed.
    """
    error = float(np.sqrt(np.linalg.inv(top.information)[column, column]))
    top_value = float(top.point.beta[column])
    last = [top]

    def excess(distance: float) -> float:
        found, reached = held_at(data, last[0], [column], top_value + side * distance * error)
        if not reached:
            return float("nan")
        last[0] = found
        return found.value - (top.value - drop)

    near, far = 0.0, float(np.sqrt(2 * drop))
    while excess(far) > 0:
        near, far = far, 1.5 * far
        if far > WIDEST:
            return side * float("inf")
    return top_value + side * error * _root(excess, near, far)


def _root(excess: Callable[[float], float], near: float, far: float) -> float:
    try:
        return float(scipy.optimize.brentq(excess, near, far, xtol=1e-12, rtol=1e-12))
    except ValueError:
        return float("nan")
