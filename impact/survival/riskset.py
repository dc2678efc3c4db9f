"""The risk-set kernel: who is at risk at each distinct time, and sums over them, in O(n) passes over arrays.

A *cell* is one distinct time of one stratum, cells being sorted by stratum and time. A row is at risk in the run of
cells after `before[i]` up to and with `last[i]`, so that a sum over everyone at risk is a difference array and a
reverse cumulative sum over cells, and a sum over all the cells of a row is a cumulative sum and two look-ups. Nothing
of size rows × cells is formed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.codes import TABLE_ROOM, TABLE_ROWS, distinct

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEAR_TIE = 1.5e-8


@dataclass(frozen=True, slots=True)
class TimeRanks:
    """Times as positions on one ascending grid.

    Attributes
    ----------
    grid : (T,) float
        The times that `exit` and `entry` point into.
    exit : (n,) int
        Position of each row's duration.
    entry : (n,) int or None
        Position of each row's entry; None where everyone is at risk from the start.
    near_ties : int
        How many distinct times were taken as tied with the one before.
    """

    grid: FloatArray
    exit: IntArray
    entry: IntArray | None
    near_ties: int = 0


def rank_times(duration: FloatArray, entry: FloatArray | None = None) -> TimeRanks:
    """Positions of the times on a grid: by subtraction where times are whole and dense, otherwise by sorting.

    Times that differ by less than 1.5e-8 of their mean size are rounding of one time, and are taken as tied (as R's
    `survival` does).

    Examples
    --------
    >>> rank_times(np.array([3.0, 1.0, 3.0])).exit
    array([2, 0, 2])
    """
    low = min(duration.min(), entry.min()) if entry is not None else duration.min()
    span = duration.max() - low
    both = (duration,) if entry is None else (duration, entry)
    if span <= TABLE_ROWS * len(duration) + TABLE_ROOM and low == np.floor(low):
        places = [part.astype(np.int64) for part in both]
        if all((place == part).all() for place, part in zip(places, both, strict=True)):
            for place in places:
                place -= int(low)
            return TimeRanks(low + np.arange(int(span) + 1.0), places[0], places[1] if entry is not None else None)
    found, place = distinct(duration if entry is None else np.concatenate(both))
    apart = np.r_[True, np.diff(found) > NEAR_TIE * np.abs(found).mean()]
    if not apart.all():
        place = (np.cumsum(apart) - 1)[place]
    return TimeRanks(
        found[apart],
        place[: len(duration)],
        place[len(duration) :] if entry is not None else None,
        int((~apart).sum()),
    )


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Cells and each row's run of them.

    Attributes
    ----------
    times, stratum : (K,) float, (K,) int
        Time and stratum of each cell.
    bounds : (S + 1,) int
        The cells of stratum s are ``bounds[s]:bounds[s + 1]``.
    last : (n,) int
        The last cell in which the row is at risk; K where there is none.
    before : (n,) int or None
        The last cell of the stratum up to the row's entry; K where there is none, or where the row is never at risk.
    """

    times: FloatArray
    stratum: IntArray
    bounds: IntArray
    last: IntArray
    before: IntArray | None

    @property
    def size(self) -> int:
        """The number of cells, K."""
        return len(self.times)


def risk_sets(ranks: TimeRanks, marks: BoolArray | None, strata: IntArray | None = None) -> RiskSets:
    """The cells at the times of the rows in `marks` (events for Cox), and each row's run of them.

    Parameters
    ----------
    ranks : TimeRanks
        From `rank_times`; every entry is before its exit.
    marks : (n,) bool or None
        The rows whose times make cells; None for all, as for a curve.
    strata : (n,) int, optional
        Codes 0, 1, …, S − 1.
    """
    width = len(ranks.grid)
    n_strata = 1 if strata is None else int(strata.max()) + 1
    leave, come = ranks.exit, ranks.entry
    if strata is not None:
        shift = strata * np.int64(width)
        leave, come = leave + shift, None if come is None else come + shift
    marked_times = leave if marks is None else leave[marks]
    before: IntArray | None = None
    if width * n_strata <= TABLE_ROWS * len(leave) + TABLE_ROOM:
        marked = np.zeros(width * n_strata, dtype=bool)
        marked[marked_times] = True
        keys = np.flatnonzero(marked)
        if len(keys) == len(marked):
            last, before = leave, come
        else:
            table = np.cumsum(marked) - 1
            last, before = table[leave], None if come is None else table[come]
    else:
        keys = np.unique(marked_times)
        last = np.searchsorted(keys, leave, side="right") - 1
        before = None if come is None else np.searchsorted(keys, come, side="right") - 1
    stratum = keys // width
    bounds = np.searchsorted(stratum, np.arange(n_strata + 1))
    first = bounds[0] if strata is None else bounds[strata]
    size = len(keys)
    if marks is not None:
        last = np.where(last < first, size, last)
    if before is not None:
        never = before == last
        before = np.where((before < first) | never, size, before)
        last = np.where(never, size, last)
    return RiskSets(ranks.grid[keys - stratum * width], stratum, bounds, last, before)


def scan(values: FloatArray, bounds: IntArray, *, reverse: bool = False, product: bool = False) -> FloatArray:
    """Cumulative sums (or products) along the last axis, starting afresh at each of `bounds`.

    Strata are taken together by size, padded to the next power of two: no loop over strata, and no rounding carried
    from one to the next.

    Examples
    --------
    >>> scan(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 3, 4]), reverse=True)
    array([6., 5., 3., 4.])
    """
    accumulate = np.multiply.accumulate if product else np.add.accumulate
    if len(bounds) == 2:
        return accumulate(values[..., ::-1], axis=-1)[..., ::-1] if reverse else accumulate(values, axis=-1)
    out = np.empty_like(values)
    lengths = np.diff(bounds)
    rooms = 1 << np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64)
    for room in np.unique(rooms[lengths > 0]):
        chosen = (rooms == room) & (lengths > 0)
        offset = np.arange(room)
        inside = offset < lengths[chosen, None]
        index = np.where(inside, bounds[:-1][chosen, None] + offset, 0)
        block = np.where(inside, values[..., index], 1.0 if product else 0.0)
        block = accumulate(block[..., ::-1], axis=-1)[..., ::-1] if reverse else accumulate(block, axis=-1)
        out[..., index[inside]] = block[..., inside]
    return out


def just_before(values: FloatArray, bounds: IntArray, start: float) -> FloatArray:
    """The value of the cell before, along the last axis; `start` in the first cell of each stratum.

    Examples
    --------
    >>> just_before(np.array([0.9, 0.5, 0.7]), np.array([0, 2, 3]), 1.0)
    array([1. , 0.9, 1. ])
    """
    out = np.empty_like(values)
    out[..., 1:] = values[..., :-1]
    out[..., bounds[:-1][np.diff(bounds) > 0]] = start
    return out


def at_risk(sets: RiskSets, values: FloatArray | None = None) -> FloatArray:
    """The sum of `values` (n,) over the rows at risk in each cell, (K,); the number of rows where `values` is None."""
    room = sets.size + 1
    change = np.bincount(sets.last, values, room)[: sets.size]
    if sets.before is not None:
        change = change - np.bincount(sets.before, values, room)[: sets.size]
    return scan(change.astype(float), sets.bounds, reverse=True)


def in_cells(sets: RiskSets, rows: IntArray, values: FloatArray | None = None) -> FloatArray:
    """The sum of `values` (one for each of `rows`) over the rows that leave in each cell, (K,)."""
    return np.bincount(sets.last[rows], values, sets.size + 1)[: sets.size].astype(float)


def over_time(sets: RiskSets, values: FloatArray) -> FloatArray:
    """For each row the sum of `values` (K,) over the cells in which it is at risk, (n,)."""
    total = np.append(scan(values, sets.bounds), 0.0)
    return total[sets.last] if sets.before is None else total[sets.last] - total[sets.before]
