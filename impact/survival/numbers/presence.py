"""How many are at risk at any time, by group: those who have come less those who have left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.reading.outcome import Outcome
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
        """Those of the group with entry < time <= exit; at time 0, those who come in at 0."""
        if len(self.came_at[group]):
            times = np.where(times == 0, np.nextafter(0.0, 1.0), times)
        came = self.came[group][np.searchsorted(self.came_at[group], times)]
        return np.maximum(came - self.left[group][np.searchsorted(self.left_at[group], times)], 0.0)


def presence(outcome: Outcome, time: FloatArray, leaving: FloatArray, bounds: IntArray) -> Presence:
    """The presence of the rows of an outcome.

    Parameters
    ----------
    outcome : Outcome
    time, leaving : (K,) float
        The distinct times of exit by group, and the people (or weights) who leave at each.
    bounds : (G + 1,) int
        The times of group g are ``bounds[g]:bounds[g + 1]``.
    """
    parts = []
    for code in range(len(bounds) - 1):
        cells = slice(bounds[code], bounds[code + 1])
        left = np.r_[0.0, np.cumsum(leaving[cells])]
        came_at, came = np.empty(0), left[-1:]
        if outcome.ranks.entry is not None:
            inside = slice(None) if outcome.group is None else outcome.group == code
            place = outcome.ranks.entry[inside]
            mass = np.bincount(place, None if outcome.weights is None else outcome.weights[inside])
            found = np.flatnonzero(np.bincount(place))
            came_at, came = outcome.ranks.grid[found], np.r_[0.0, np.cumsum(mass[found])]
        parts.append((came_at, came, time[cells], left))
    return Presence(*zip(*parts, strict=True))
