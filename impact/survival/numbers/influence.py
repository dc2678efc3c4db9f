"""Sums over clusters of influences that grow with time, at every cell, without a table of clusters by times.

The influence of a row on a cumulative curve is its slope times what the curve's passage P(t) has gained since the row
came, and a step at its exit; then it stays. A cluster's influence is thus F + W P(t), where F and W change only when
one of its rows comes or leaves, and sums over clusters of F², F W and W² are sums of jumps: O(n log n).
"""

from __future__ import annotations

import numpy as np

from impact.survival.riskset import FloatArray, IntArray, RiskSets, scan


class Influence:
    """The influences of the rows of each cluster on a curve of its own in each stratum.

    Parameters
    ----------
    sets : RiskSets
    slope : (n,) float
        What a row adds for each unit of `passed` while at risk.
    passed : (K,) float
        P(t) at each cell.
    last_step : (n,) float
        What a row adds at its last cell.
    strata, cluster : (n,) int, optional
        Codes; without a cluster each row stands alone.
    """

    def __init__(
        self,
        sets: RiskSets,
        slope: FloatArray,
        passed: FloatArray,
        last_step: FloatArray,
        strata: IntArray | None = None,
        cluster: IntArray | None = None,
    ) -> None:
        self._sets, self._passed = sets, passed
        rows = np.flatnonzero(sets.last < sets.size)
        slope, last = slope[rows], sets.last[rows]
        first = sets.bounds[0] if strata is None else sets.bounds[strata[rows]]
        at_entry, come = np.zeros(len(rows)), np.broadcast_to(first, len(rows))
        if sets.before is not None:
            before = sets.before[rows]
            at_entry = np.append(passed, 0.0)[before]
            come = np.where(before == sets.size, come, before + 1)
        cell = np.concatenate([come, last])
        gone = slope * passed[last] + last_step[rows]
        if cluster is None:
            self._cell, self._owner = cell, np.tile(rows, 2)
            zero = np.zeros(len(rows))
            self._f_old, self._w_old = np.concatenate([zero, -slope * at_entry]), np.concatenate([zero, slope])
            self._f_new = np.concatenate([-slope * at_entry, gone - slope * at_entry])
            self._w_new = np.concatenate([slope, zero])
            return
        own = cluster[rows]
        key = np.tile(own if strata is None else own * (int(strata.max()) + 1) + strata[rows], 2)
        order = np.lexsort((cell, key))
        key = key[order]
        self._cell, self._owner = cell[order], np.tile(own, 2)[order]
        ends = np.append(np.flatnonzero(np.r_[True, np.diff(key) != 0]), len(key))
        self._f_new = scan(np.concatenate([-slope * at_entry, gone])[order], ends)
        self._w_new = scan(np.concatenate([slope, -slope])[order], ends)
        self._f_old, self._w_old = (np.r_[0.0, values[:-1]] for values in (self._f_new, self._w_new))
        self._f_old[ends[:-1]] = self._w_old[ends[:-1]] = 0.0

    def squares(self) -> FloatArray:
        """Σ over clusters of the square of their influence at each cell, (K,)."""
        ff = self._jumps(self._f_new * self._f_new - self._f_old * self._f_old)
        fw = self._jumps(self._f_new * self._w_new - self._f_old * self._w_old)
        ww = self._jumps(self._w_new * self._w_new - self._w_old * self._w_old)
        return np.maximum(ff + self._passed * (2 * fw + self._passed * ww), 0.0)

    def products(self, values: FloatArray) -> FloatArray:
        """Σ over clusters of their influence times a value of each cluster (or row), (K,)."""
        own = values[self._owner]
        f = self._jumps((self._f_new - self._f_old) * own)
        return f + self._passed * self._jumps((self._w_new - self._w_old) * own)

    def _jumps(self, change: FloatArray) -> FloatArray:
        return scan(np.bincount(self._cell, change, self._sets.size).astype(float), self._sets.bounds)
