"""Sums of squared influences over clusters, at every cell, when a cluster's influence is a few step functions of time.

A row's influence on a curve at time t has the form Σ c_a(t) s_a(t), where the coefficients c_a are the same for
everyone and the row's states s_a change only when it comes into the risk set and when it leaves it. The sum over
clusters of the squared influence is then Σ c_a c_b (Σ s_a s_b), and each sum of products is a sum of jumps:
O(n log n), with no table of clusters by times. Clusters are taken in blocks, so that little memory is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from impact.survival.riskset import FloatArray, IntArray, RiskSets, scan

BLOCK = 32_768
State = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of some clusters (m of them), and their moves in the order in which a cluster's states are added up.

    Attributes
    ----------
    rows : (m,) int
    cell : (2m,) int
        Where each move happens: all comings and then all goings, put in `order`.
    order : (2m,) int or None
        By cluster and cell; None where each row is a cluster of its own.
    ends : (C + 1,) int or None
        The moves of a cluster c of the block are ``ends[c]:ends[c + 1]``.
    size : int
        The number of cells, K.
    """

    rows: IntArray
    cell: IntArray
    order: IntArray | None
    ends: IntArray | None
    size: int

    def jumps(self, first: State, second: State | None = None) -> FloatArray:
        """How much Σ over the block's clusters of s · r changes at each cell, (K,).

        Parameters
        ----------
        first, second : pair of (m,) float
            The states s and r of each row while it is at risk, and after it has left; before, both are 0. Left out, r
            is s.
        """
        new, old = self._states(*first)
        other_new, other_old = (new, old) if second is None else self._states(*second)
        return np.asarray(np.bincount(self.cell, new * other_new - old * other_old, self.size), dtype=np.float64)

    def _states(self, during: FloatArray, after: FloatArray) -> State:
        """A cluster's state after and before each move."""
        if self.order is None or self.ends is None:
            return np.concatenate([during, after]), np.concatenate([np.zeros_like(during), during])
        new = scan(np.concatenate([during, after - during])[self.order], self.ends)
        old = np.r_[0.0, new[:-1]]
        old[self.ends[:-1]] = 0.0
        return new, old


def blocks(sets: RiskSets, group: IntArray | None, cluster: IntArray | None) -> Iterator[Block]:
    """The rows of `sets` that are ever at risk, block by block; `group` makes its strata.

    A cluster that stands in several groups is a cluster in each: curves of different groups share no cell.
    """
    if cluster is None:
        for begin in range(0, len(sets.last), BLOCK):
            rows = np.flatnonzero(sets.last[begin : begin + BLOCK] < sets.size) + begin
            yield Block(rows, np.concatenate([_comes(sets, group, rows), sets.last[rows]]), None, None, sets.size)
        return
    key = cluster if group is None else cluster * (int(group.max()) + 1) + group
    in_order = np.argsort(key, kind="stable")
    in_order = in_order[sets.last[in_order] < sets.size]
    starts = np.flatnonzero(np.r_[True, np.diff(key[in_order]) != 0])
    n = len(in_order)
    bounds = np.unique(np.r_[starts[np.searchsorted(starts, np.arange(0, n, BLOCK), side="right") - 1], n])
    for begin, end in pairwise(bounds.tolist()):
        rows = in_order[begin:end]
        cell = np.concatenate([_comes(sets, group, rows), sets.last[rows]])
        own = np.tile(key[rows], 2)
        order = np.lexsort((cell, own))
        ends = np.append(np.flatnonzero(np.r_[True, np.diff(own[order]) != 0]), len(own))
        yield Block(rows, cell[order], order, ends, sets.size)


def _comes(sets: RiskSets, group: IntArray | None, rows: IntArray) -> IntArray:
    """The first cell in which each row is at risk."""
    start = np.broadcast_to(sets.bounds[0] if group is None else sets.bounds[group[rows]], len(rows))
    if sets.before is None:
        return start
    before = sets.before[rows]
    return np.where(before == sets.size, start, before + 1)


def states(sets: RiskSets, rows: IntArray, slope: FloatArray, curve: FloatArray, last_step: FloatArray) -> State:
    """The state that follows a common curve while a row is at risk, less what the curve adds itself, and its end.

    Parameters
    ----------
    sets : RiskSets
    rows : (m,) int
    slope, last_step : (m,) float
        What a row adds for each unit of the curve while at risk, and at its last cell.
    curve : (K,) float
    """
    at_entry = np.zeros(len(rows)) if sets.before is None else np.append(curve, 0.0)[sets.before[rows]]
    return -slope * at_entry, slope * (curve[sets.last[rows]] - at_entry) + last_step


def squares(
    sets: RiskSets,
    slope: FloatArray,
    passed: FloatArray,
    last_step: FloatArray,
    group: IntArray | None,
    cluster: IntArray | None,
) -> FloatArray:
    """Σ over clusters of the square of their influence on one curve in each group, at each cell, (K,).

    A row adds `slope` (n,) times what `passed` (K,) has gained since it came, and `last_step` (n,) when it leaves; then
    its influence stays.
    """
    ff, fw, ww = (np.zeros(sets.size) for _ in range(3))
    for block in blocks(sets, group, cluster):
        rows = block.rows
        own = states(sets, rows, slope[rows], passed, last_step[rows])
        there = (slope[rows], np.zeros(len(rows)))
        ff += block.jumps(own)
        fw += block.jumps(own, there)
        ww += block.jumps(there)
    ff, fw, ww = (scan(total, sets.bounds) for total in (ff, fw, ww))
    return np.maximum(ff + passed * (2 * fw + passed * ww), 0.0)


def sums(
    sets: RiskSets, slope: FloatArray, passed: FloatArray, last_step: FloatArray, group: IntArray | None
) -> FloatArray:
    """Σ over rows of their influence on the curve of their group, as in `squares`, at each cell, (K,)."""
    f, w = np.zeros(sets.size), np.zeros(sets.size)
    for block in blocks(sets, group, None):
        rows = block.rows
        during, after = states(sets, rows, slope[rows], passed, last_step[rows])
        f += np.bincount(block.cell, np.concatenate([during, after - during]), sets.size)
        w += np.bincount(block.cell, np.concatenate([slope[rows], -slope[rows]]), sets.size)
    return scan(f, sets.bounds) + passed * scan(w, sets.bounds)
