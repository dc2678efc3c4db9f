"""Entropy balancing, on arrays: the most even weights whose means are those asked for."""

from __future__ import annotations

import numpy as np

from impact.comparison.covariates import independent_columns
from impact.frames import FloatArray

STEPS = 200
CLOSE = 1e-10


def even_weights(matrix: FloatArray, goal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights that add up to 1, of greatest entropy among those with Σ w x = goal; and how far each mean is from it.

    w ∝ exp(λᵀx), with λ by Newton's method on the convex dual log Σ exp(λᵀ(x − goal)), steps halved until it falls.

    Parameters
    ----------
    matrix : array, shape (n, p)
    goal : array, shape (p,)

    Returns
    -------
    weights : array, shape (n,)
    apart : array, shape (p,)
        Weighted mean less goal, in standard deviations of the column; the caller judges it.

    References
    ----------
    Hainmueller (2012), Political Analysis 20, 25-46.
    """
    order = np.lexsort(matrix.T)
    rows = matrix[order]
    spread = rows.std(axis=0)
    spread[spread == 0] = 1.0
    centred = (rows - goal) / spread
    used = independent_columns(np.column_stack([np.ones(len(rows)), centred]))[1:]
    gap = centred[:, used]
    slope = np.zeros(gap.shape[1])
    value, share = _dual(gap @ slope)
    for _ in range(STEPS):
        mean = share @ gap
        if np.abs(mean).max(initial=0.0) < CLOSE:
            break
        curvature = (gap * share[:, None]).T @ gap - np.outer(mean, mean)
        step = np.linalg.lstsq(curvature, mean, rcond=1e-13)[0]
        size = 1.0
        while size > 1e-10:
            fresh, part = _dual(gap @ (slope - size * step))
            if fresh <= value - 1e-4 * size * (mean @ step) or np.abs(part @ gap).max() < np.abs(mean).max() / 2:
                break
            size /= 2
        else:
            break
        slope = slope - size * step
        value, share = fresh, part
    weights = np.empty(len(rows))
    weights[order] = share
    return weights, share @ centred


def _dual(linear: FloatArray) -> tuple[float, FloatArray]:
    top = linear.max()
    share = np.exp(linear - top)
    total = share.sum()
    return float(top + np.log(total)), share / total
