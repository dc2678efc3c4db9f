"""How many are at risk at any time, by group: those who have come less those who have left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.outcome import Outcome
from impact.survival.riskset import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Presence:
    """Comings and goings of each group.

    Attributes
    ----------
    came_at, left_at : tuple of (m,) float
        The distinct times of entry and exit, one array a group.
    came, left : tuple of (m + 1,) float
        People (or weights) before the first of those times, after it, …
    """

    came_at: tuple[FloatArray, ...]
    came: tuple[FloatArray, ...]
    left_at: tuple[FloatArray, ...]
    left: tuple[FloatArray, ...]

    def count(self, group: int, times: FloatArray) -> FloatArray:
        """Those of the group with entry < time <= exit."""
        came = self.came[group][np.searchsorted(self.came_at[group], times)]
        return np.maximum(came - self.left[group][np.searchsorted(self.left_at[group], times)], 0.0)


def presence(outcome: Outcome, groups: int) -> Presence:
    """The presence of the rows of an outcome, whose groups are 0, …, `groups` − 1."""
    n, ranks = len(outcome.event), outcome.ranks
    codes = np.zeros(n, dtype=np.int64) if outcome.group is None else outcome.group
    parts = []
    for code in range(groups):
        inside = codes == code if groups > 1 else slice(None)
        weights = None if outcome.weights is None else outcome.weights[inside]
        left_at, left = _running(ranks.grid, ranks.exit[inside], weights)
        if ranks.entry is None:
            came_at, came = np.empty(0), left[-1:]
        else:
            came_at, came = _running(ranks.grid, ranks.entry[inside], weights)
        parts.append((came_at, came, left_at, left))
    return Presence(*zip(*parts, strict=True))


def _running(grid: FloatArray, place: IntArray, weights: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    size = len(grid)
    found = np.flatnonzero(np.bincount(place, minlength=size))
    return grid[found], np.r_[0.0, np.cumsum(np.bincount(place, weights, size)[found])]
