"""The maximum of a likelihood with analytic derivatives: Newton's method, damped where it is not yet concave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from impact.survival.likelihoods.timing import Point
from impact.survival.riskset import BoolArray, FloatArray, IntArray

CLOSE = 1e-12
MOST_STEPS = 200
ENDLESS_GAIN = 1e-6
ENDLESS_MOVE = 0.5
MOST_DAMPING = 1e12
LONGEST = 5.0
UNKNOWN = 100.0


@dataclass(frozen=True, slots=True)
class Peak:
    """Where the iterations came to.

    Attributes
    ----------
    point : Point
    steps : int
    outcome : str
        ``"reached"``; ``"endless"`` (the likelihood still rises, by next to nothing, as parameters go to infinity) or
        ``"lost"``.
    columns : tuple of int
        The parameters that go to infinity.
    """

    point: Point
    steps: int
    outcome: str
    columns: tuple[int, ...] = ()


def climb(
    evaluate: Callable[[FloatArray], Point],
    start: FloatArray,
    reach: FloatArray,
    free: BoolArray | None = None,
    floor: float = -np.inf,
) -> Peak:
    """Maximise from `start`, the last parameter staying above `floor`.

    `reach` is how far each parameter's covariate ranges, and `free` marks those that move.
    """
    moving = np.flatnonzero(np.ones(len(start), dtype=bool) if free is None else free)
    point = _quietly(evaluate, start)
    last_move = False
    steps = 0
    for steps in range(MOST_STEPS):
        usable = np.isfinite(point.log_likelihood) and np.isfinite(point.information).all()
        if not usable or point.theta[-1] < floor:
            break
        score, info = point.score[moving], point.information[np.ix_(moving, moving)]
        move, damped = newton_move(info, score)
        gain = float(move @ score)
        far = np.abs(move) * reach[moving]
        if not damped and gain < ENDLESS_GAIN and far.max() > ENDLESS_MOVE:
            return Peak(point, steps, "endless", tuple(moving[far > ENDLESS_MOVE / 5].tolist()))
        if last_move:
            return _judged(point, steps, moving, reach)
        last_move = not damped and gain < CLOSE * (1 + abs(point.log_likelihood))
        whole = np.zeros(len(start))
        whole[moving] = move / max(1.0, float((np.abs(move) * reach[moving]).max()) / LONGEST)
        better = _better(evaluate, point, whole)
        if better is None:
            return _judged(point, steps, moving, reach) if last_move else Peak(point, steps, "lost")
        point = better
    return Peak(point, steps, "lost")


def _judged(point: Point, steps: int, moving: IntArray, reach: FloatArray) -> Peak:
    """Reached, unless a parameter is known so badly that it is on its way to infinity in ever shorter steps."""
    try:
        spread = np.diag(np.linalg.inv(point.information[np.ix_(moving, moving)])) * reach[moving] ** 2
    except np.linalg.LinAlgError:
        return Peak(point, steps, "lost")
    endless = moving[(spread > UNKNOWN**2) | (spread <= 0)]
    return Peak(point, steps, "endless" if len(endless) else "reached", tuple(endless.tolist()))


def newton_move(info: FloatArray, score: FloatArray) -> tuple[FloatArray, bool]:
    """Newton's step; where the information is not positive definite, damped until it is (Levenberg 1944)."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(info)), 1e-300))
    unit, slope = info / np.outer(scale, scale), score / scale
    damping = 0.0
    while damping < MOST_DAMPING:
        try:
            factor = scipy.linalg.cho_factor(unit + damping * np.eye(len(unit)))
        except scipy.linalg.LinAlgError:
            damping = max(4 * damping, 1e-3)
            continue
        return np.asarray(scipy.linalg.cho_solve(factor, slope)) / scale, damping > 0
    return slope / scale, True


def _quietly(evaluate: Callable[[FloatArray], Point], theta: FloatArray) -> Point:
    """A far-off trial may overflow; it is then no better than where it came from."""
    with np.errstate(all="ignore"):
        return evaluate(theta)


def _better(evaluate: Callable[[FloatArray], Point], point: Point, move: FloatArray) -> Point | None:
    slack = 1e-13 * (1 + abs(point.log_likelihood))
    for halving in range(40):
        trial = _quietly(evaluate, point.theta + move / 2**halving)
        if np.isfinite(trial.log_likelihood) and trial.log_likelihood >= point.log_likelihood - slack:
            return trial
    return None
