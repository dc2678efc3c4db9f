"""Sums of products over rows, in pieces so little that no library hands them to threads.

On a busy machine, threads that wait for each other at every small matrix product cost many times the arithmetic.
"""

from __future__ import annotations

import numpy as np

from impact.survival.riskset import FloatArray

LITTLE = 200_000


def products(left: FloatArray, right: FloatArray, mass: FloatArray | None = None) -> FloatArray:
    """Σ mass × left × right over rows, (p, q), of left (p, n) and right (q, n); a mass of None is 1.

    Examples
    --------
    >>> products(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [0.0, 3.0]]))
    array([[3., 6.]])
    """
    size = max(64, min(1024, LITTLE // (len(left) * len(right))))
    many = left.shape[1] // size
    end = many * size
    start, rest = left[:, :end], left[:, end:]
    if mass is not None:
        start, rest = start * mass[:end], rest * mass[end:]
    stack = start.reshape(len(left), many, size).swapaxes(0, 1)
    other = right[:, :end].reshape(len(right), many, size).transpose(1, 2, 0)
    return np.asarray(np.matmul(stack, other).sum(axis=0) + rest @ right[:, end:].T)
