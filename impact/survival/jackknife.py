"""Sums of squared influences over clusters, at every cell, when a cluster's influence is a few step functions of time.

A row's influence on a curve at time t has the form Σ c_a(t) s_a(t), where the coefficients c_a are the same for
everyone and the row's states s_a change only when it comes into the risk set and when it leaves it. The sum over
clusters of the squared influence is then Σ c_a c_b (Σ s_a s_b), and each sum of products is a sum of jumps:
O(n log n), with no table of clusters by times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.riskset import FloatArray, IntArray, RiskSets, scan


@dataclass(frozen=True, slots=True)
class Moves:
    """The comings and goings of rows, in the order in which their clusters' states are added up.

    Attributes
    ----------
    cell : (2n,) int
        Where each move happens: all comings and then all goings, put in `order`.
    order : (2n,) int or None
        By cluster and cell; None where each row is a cluster of its own.
    ends : (C + 1,) int or None
        The moves of cluster c are ``ends[c]:ends[c + 1]``.
    bounds : (S + 1,) int
        As in `RiskSets`.
    """

    cell: IntArray
    order: IntArray | None
    ends: IntArray | None
    bounds: IntArray


def moves(sets: RiskSets, group: IntArray | None, cluster: IntArray | None) -> Moves:
    """The moves of the rows of `sets`, in each of which every row has a last cell; `group` makes its strata."""
    start = np.broadcast_to(sets.bounds[0] if group is None else sets.bounds[group], len(sets.last))
    come = start if sets.before is None else np.where(sets.before == sets.size, start, sets.before + 1)
    cell = np.concatenate([come, sets.last])
    if cluster is None:
        return Moves(cell, None, None, sets.bounds)
    key = cluster if group is None else cluster * (int(group.max()) + 1) + group
    key = np.tile(key, 2)
    order = np.lexsort((cell, key))
    key = key[order]
    ends = np.append(np.flatnonzero(np.r_[True, np.diff(key) != 0]), len(key))
    return Moves(cell[order], order, ends, sets.bounds)


def cross_sums(
    where: Moves, first: tuple[FloatArray, FloatArray], second: tuple[FloatArray, FloatArray] | None = None
) -> FloatArray:
    """Σ over clusters of s · r at each cell, (K,).

    Parameters
    ----------
    where : Moves
    first, second : pair of (n,) float
        The states s and r of each row while it is at risk, and after it has left; before, both are 0. Left out, r is s.
    """
    size = int(where.bounds[-1])
    new, old = _states(where, *first)
    if second is None:
        jumps = new * new - old * old
    else:
        other_new, other_old = _states(where, *second)
        jumps = new * other_new - old * other_old
    return scan(np.bincount(where.cell, jumps, size).astype(float), where.bounds)


def _states(where: Moves, during: FloatArray, after: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A cluster's state after and before each move."""
    if where.order is None or where.ends is None:
        return np.concatenate([during, after]), np.concatenate([np.zeros_like(during), during])
    new = scan(np.concatenate([during, after - during])[where.order], where.ends)
    old = np.r_[0.0, new[:-1]]
    old[where.ends[:-1]] = 0.0
    return new, old
