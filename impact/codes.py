"""Values as places among their distinct values, by counting where they lie close together and otherwise by sorting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

TABLE_ROWS = 4
TABLE_ROOM = 65_536


def distinct(values: np.ndarray) -> tuple[np.ndarray, IntArray]:
    """The distinct values, ascending, and the place of each value among them: `numpy.unique` in less memory.

    Examples
    --------
    >>> distinct(np.array([0.5, 0.1, 0.5]))
    (array([0.1, 0.5]), array([1, 0, 1]))
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    fresh = np.empty(len(values), dtype=bool)
    fresh[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    found = ordered[fresh]
    del ordered
    rank = np.cumsum(fresh)
    rank -= 1
    place = np.empty_like(rank)
    place[order] = rank
    return found, place


def renumber(codes: IntArray) -> tuple[IntArray, IntArray]:
    """The codes of 0 or more that occur, ascending, and the place of each code among them.

    Examples
    --------
    >>> renumber(np.array([4, 0, 4]))
    (array([0, 4]), array([1, 0, 1]))
    """
    if codes.max(initial=0) > TABLE_ROWS * len(codes) + TABLE_ROOM:
        return distinct(codes)
    present = np.bincount(codes) > 0
    return np.flatnonzero(present), codes if present.all() else (np.cumsum(present) - 1)[codes]
