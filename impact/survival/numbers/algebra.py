"""Sums of products over rows, in pieces so little that no library hands them to threads; forms and dependence.

On a busy machine, threads that wait for each other at every small matrix product cost many times the arithmetic.
"""

from __future__ import annotations

import numpy as np

from impact.survival.riskset import FloatArray, IntArray

LITTLE = 200_000
PIECES = 16
DEPENDENT = 1e-10


def products(left: FloatArray, right: FloatArray, mass: FloatArray | None = None) -> FloatArray:
    """Σ mass × left × right over rows, (p, q), of left (p, n) and right (q, n); a mass of None is 1.

    Examples
    --------
    >>> products(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [0.0, 3.0]]))
    array([[3., 6.]])
    """
    p, q = len(left), len(right)
    size = max(64, min(1024, LITTLE // (p * q)))
    total = np.zeros((p, q))
    for start in range(0, left.shape[1], PIECES * size):
        one, other = (part[:, start : start + PIECES * size] for part in (left, right))
        if mass is not None:
            one = one * mass[start : start + PIECES * size]
        many = one.shape[1] // size
        end = many * size
        stack = one[:, :end].reshape(p, many, size).swapaxes(0, 1)
        total += np.matmul(stack, other[:, :end].reshape(q, many, size).transpose(1, 2, 0)).sum(axis=0)
        total += one[:, end:] @ other[:, end:].T
    return total


def group_products(
    influence: FloatArray, codes: IntArray | None, n_groups: int, cluster: IntArray | None
) -> FloatArray:
    """Σ over clusters of the outer product of its groups' sums of `influence` (n,), (G, G); rows alone without one.

    Examples
    --------
    >>> group_products(np.array([1.0, 2.0, 5.0]), np.array([0, 1, 1]), 2, np.array([0, 0, 1]))
    array([[ 1.,  2.],
           [ 2., 29.]])
    """
    codes = np.zeros(len(influence), dtype=np.int64) if codes is None else codes
    if cluster is None:
        return np.diag(np.bincount(codes, influence**2, n_groups).astype(float))
    size = int(cluster.max()) + 1
    sums = np.bincount(codes * np.int64(size) + cluster, influence, n_groups * size).reshape(n_groups, size)
    return products(sums.astype(float), sums.astype(float))


def cluster_sums(rows: FloatArray, cluster: IntArray | None) -> FloatArray:
    """Rows of values (p, n) summed by cluster, (p, clusters); as they are without one."""
    if cluster is None:
        return rows
    size = int(cluster.max()) + 1
    return np.array([np.bincount(cluster, row, size) for row in rows], dtype=float)


def dependent_columns(info: FloatArray) -> tuple[int, ...]:
    """Columns that are a linear combination of those before them, by a Cholesky sweep of their scaled products."""
    size = np.sqrt(np.diag(info))
    rest = info / np.outer(size, size)
    found = []
    for column in range(len(rest)):
        pivot = rest[column, column]
        if pivot < DEPENDENT:
            found.append(column)
            continue
        rest = rest - np.outer(rest[:, column], rest[column]) / pivot
    return tuple(found)


def wald_statistic(estimate: FloatArray, covariance: FloatArray) -> float:
    """θᵀ V⁻¹ θ, in units of the standard errors.

    Examples
    --------
    >>> round(wald_statistic(np.array([2.0, 0.0]), np.diag([4.0, 1.0])), 12)
    1.0
    """
    unit = np.sqrt(np.diag(covariance))
    z = estimate / unit
    return float(z @ np.linalg.solve(covariance / np.outer(unit, unit), z))
