"""The maximum of a partial likelihood by Newton's method, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from impact.survival.likelihoods.partial import Point, Sample, evaluate, information
from impact.survival.numbers.algebra import DEPENDENT, dependent_columns
from impact.survival.riskset import FloatArray

CLOSE = 1e-11
MOST_STEPS = 60
ENDLESS_GAIN = 1e-6
ENDLESS_MOVE = 0.5


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where Newton's iterations came to.

    Attributes
    ----------
    start, point : Point
        At coefficients of 0 (without its sums, which are large), and at the end.
    information : (p, p) float
    steps : int
    outcome : str
        ``"reached"``; or why there is no maximum: ``"flat"`` (a column does not vary among those at risk together),
        ``"aliased"`` (a column is a combination of those before it), ``"endless"`` (the likelihood rises for ever),
        ``"lost"``.
    columns : tuple of int
        The columns concerned.
    """

    start: Point
    point: Point
    information: FloatArray
    steps: int
    outcome: str
    columns: tuple[int, ...] = ()


def maximise(data: Sample) -> Maximum:
    """Newton's method with step halving from 0; `data.x` must be centred and scaled."""
    start = point = evaluate(data, np.zeros(len(data.x)))
    info = information(data, point)
    problem, columns = faulty_columns(data, info)
    if problem:
        return Maximum(start, point, info, 0, problem, columns)
    start = start.light()
    reach = np.ptp(data.x, axis=1)
    unit = 1.0 if data.weights is None else float(data.weights[data.events].mean())
    last_move = False
    for steps in range(MOST_STEPS):
        move = _move(info, point.score)
        if move is None:
            break
        gain = float(move @ point.score) / unit
        if gain < ENDLESS_GAIN and np.ptp(np.einsum("p,pn->n", move, data.x)) > ENDLESS_MOVE:
            endless = np.flatnonzero(np.abs(move) * reach > ENDLESS_MOVE / 5)
            return Maximum(start, point, info, steps, "endless", tuple(endless.tolist()))
        if last_move:
            return Maximum(start, point, info, steps, "reached")
        last_move = gain < CLOSE
        point = point.light()
        better = _climb(data, point, move, unit)
        if better is None:
            here = evaluate(data, point.beta)
            return Maximum(start, here, info, steps, "reached" if last_move else "lost")
        point = better
        del better
        with np.errstate(all="ignore"):
            info = information(data, point)
    lost = np.flatnonzero(np.abs(point.beta) * reach > 10)
    return Maximum(start, point, info, MOST_STEPS, "endless" if len(lost) else "lost", tuple(lost.tolist()))


def faulty_columns(data: Sample, info: FloatArray) -> tuple[str, tuple[int, ...]]:
    """``"flat"`` or ``"aliased"`` and the columns that are so by the information at 0; ``""`` where none is."""
    flat = np.flatnonzero(np.diag(info) <= DEPENDENT * data.step_weight.sum())
    if len(flat):
        return "flat", tuple(flat.tolist())
    aliased = dependent_columns(info)
    return ("aliased", aliased) if aliased else ("", ())


def _move(info: FloatArray, score: FloatArray) -> FloatArray | None:
    try:
        return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(info), score))
    except (scipy.linalg.LinAlgError, ValueError):
        return None


def _climb(data: Sample, point: Point, move: FloatArray, unit: float) -> Point | None:
    slack = 1e-10 * (unit + abs(point.log_likelihood))
    for halving in range(30):
        with np.errstate(all="ignore"):
            trial = evaluate(data, point.beta + move / 2**halving)
        if np.isfinite(trial.log_likelihood) and trial.log_likelihood >= point.log_likelihood - slack:
            return trial
    return None
