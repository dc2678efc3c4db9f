"""A natural cubic spline by least squares, with standard errors, for smooths drawn through points."""

from __future__ import annotations

import numpy as np
import scipy

from impact.survival.riskset import FloatArray

INSIDE = (0.25, 0.5, 0.75)


def spline_basis(x: FloatArray, knots: FloatArray) -> FloatArray:
    """The natural cubic splines on some knots, a column each, (n, knots): straight beyond the first and last knot.

    Hastie, Tibshirani and Friedman (2009), section 5.2.1.
    """
    low, width = knots[0], knots[-1] - knots[0]
    x, knots = (x - low) / width, (knots - low) / width

    def bend(knot: float) -> FloatArray:
        return (np.maximum(x - knot, 0) ** 3 - np.maximum(x - 1, 0) ** 3) / (1 - knot)

    last = bend(float(knots[-2]))
    return np.stack([np.ones_like(x), x, *(bend(float(knot)) - last for knot in knots[:-2])], axis=1)


def smooth(x: FloatArray, y: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """The spline with knots at the ends and quartiles of x, at some points, and the root of its unit variance there.

    None where x has too few distinct values to carry it.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> height, _ = smooth(x, 2 * x + 1, np.array([4.5]))
    >>> height.round(6)
    array([10.])
    """
    knots = np.unique(np.r_[x.min(), np.quantile(x, INSIDE), x.max()])
    if len(knots) < 2 + len(INSIDE) or len(np.unique(x)) <= len(knots):
        return None
    q, r = np.linalg.qr(spline_basis(x, knots))
    there = scipy.linalg.solve_triangular(r, spline_basis(at, knots).T, trans="T")
    return there.T @ (q.T @ y), np.sqrt(np.einsum("ij,ij->j", there, there))
