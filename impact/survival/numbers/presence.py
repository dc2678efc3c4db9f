"""How many are at risk at any time, by group: those who have come less those who have left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from impact.survival.riskset import FloatArray, IntArray, RiskSets, TimeRanks, risk_sets


@dataclass(frozen=True, slots=True)
class Presence:
    """Comings and goings of each group.

    Attributes
    ----------
    came_at, left_at : tuple of (m,) float
        The distinct times of entry (empty where everyone comes at 0) and of exit, one array a group.
    came, left : tuple of (m + 1,) float
        People (or weights) before the first of those times, after it, …
    """

    came_at: tuple[FloatArray, ...]
    came: tuple[FloatArray, ...]
    left_at: tuple[FloatArray, ...]
    left: tuple[FloatArray, ...]

    def count(self, group: int, times: FloatArray) -> FloatArray:
        """Those of the group with entry < time <= exit; at time 0, those who come in at 0."""
        if len(self.came_at[group]):
            times = np.where(times == 0, np.nextafter(0.0, 1.0), times)
        came = self.came[group][np.searchsorted(self.came_at[group], times)]
        return np.maximum(came - self.left[group][np.searchsorted(self.left_at[group], times)], 0.0)


def presence(
    sets: RiskSets, leaving: FloatArray, ranks: TimeRanks, group: IntArray | None, weights: FloatArray | None
) -> Presence:
    """The presence of the rows of risk sets with cells at every distinct exit.

    Parameters
    ----------
    sets : RiskSets
    leaving : (K,) float
        The people (or weights) who leave at each cell.
    ranks : TimeRanks
    group : (n,) int or None
    weights : (n,) float or None
    """
    came_at, came = np.empty(0), np.zeros(1)
    if ranks.entry is not None:
        entries = risk_sets(TimeRanks(ranks.grid, ranks.entry, None), None, group)
        coming = np.bincount(entries.last, weights, entries.size).astype(float)
    parts = []
    for code, (first, last) in enumerate(pairwise(sets.bounds.tolist())):
        left = _running(leaving[first:last])
        if ranks.entry is None:
            came = left[-1:]
        else:
            begin, end = entries.bounds[code], entries.bounds[code + 1]
            came_at, came = entries.times[begin:end], _running(coming[begin:end])
        parts.append((came_at, came, sets.times[first:last], left))
    return Presence(*zip(*parts, strict=True))


def _running(values: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(values)])
