"""Greedy partners by a distance of several dimensions, or on one scale with further limits, on arrays.

Comparison people alike in everything that matters stand in one spot. Each treated person has a list of the nearest
spots from a tree (Bentley 1975), made longer when it runs out; the tree is built again when half its spots are used up.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from impact.comparison.nearest import NOBODY, give_back
from impact.frames import BoolArray, FloatArray, IntArray

FIRST = 8
LONG = 64
SAFE = 1e-9


@dataclass(frozen=True, slots=True)
class Places:
    """One side: `at` (n, p) the place by which distance goes; `stratum` (n,); `limited` (n, q) what is limited."""

    at: FloatArray
    stratum: IntArray
    limited: FloatArray


@dataclass(frozen=True, slots=True)
class _Spots:
    """Distinct places of comparison people: first row in `members`, how many, and those rows in the order given."""

    places: Places
    start: IntArray
    size: IntArray
    members: IntArray


class _Search:
    """The spots that still hold somebody, as trees; `limits` are the greatest differences in `limited`."""

    def __init__(self, treated: Places, spots: _Spots, limits: FloatArray) -> None:
        self.treated, self.spots, self.limits = treated, spots, limits
        both = np.concatenate([treated.at, spots.places.at])
        self.apart = 4.0 * float(np.linalg.norm(np.ptp(both, axis=0)) + 1.0) if len(both) else 1.0
        self.build(np.arange(len(spots.start)))

    def build(self, spots: IntArray) -> None:
        """Trees of these spots alone."""
        there = self.spots.places
        self.known = spots
        self.near = cKDTree(np.column_stack([there.at[spots], self.apart * there.stratum[spots]]))
        self.box = cKDTree(self._in_box(there.limited[spots], there.stratum[spots])) if len(self.limits) else None

    def _in_box(self, limited: FloatArray, stratum: IntArray) -> FloatArray:
        return np.column_stack([limited / np.where(self.limits > 0, self.limits, 1.0), 4.0 * stratum])

    def allowed(self, who: IntArray, spots: IntArray) -> BoolArray:
        """Whether each treated person may have each spot (arrays that go together)."""
        there = self.spots.places
        answer: BoolArray = self.treated.stratum[who] == there.stratum[spots]
        for column, limit in enumerate(self.limits):
            answer &= np.abs(self.treated.limited[who, column] - there.limited[spots, column]) <= limit
        return answer

    def square(self, who: IntArray, spots: IntArray) -> FloatArray:
        """Squared distances, summed in the order of the dimensions."""
        total = np.zeros(np.broadcast(who, spots).shape)
        for here, there in zip(self.treated.at.T, self.spots.places.at.T, strict=True):
            total += (here[who] - there[spots]) ** 2
        return total

    def nearest(self, who: IntArray, length: int) -> list[tuple[list[float], list[int], bool]]:
        """For each of several people: squared distances and spots allowed, nearest first; whether these are all."""
        wanted = min(length, len(self.known))
        point = np.column_stack([self.treated.at[who], self.apart * self.treated.stratum[who]])
        far, found = self.near.query(point, k=np.arange(1, wanted + 1), workers=-1)
        spots = self.known[found]
        square = self.square(who[:, None], spots)
        certain = (far[:, -1] * (1 - SAFE)) ** 2
        whole = (far[:, -1] > self.apart / 2) | (wanted == len(self.known))
        certain[whole] = np.inf
        keep = self.allowed(np.broadcast_to(who[:, None], spots.shape), spots) & (square < certain[:, None])
        order = np.argsort(square, axis=1, kind="stable")
        lists = []
        for row, (sequence, kept, every) in enumerate(zip(order, keep, whole, strict=True)):
            chosen = sequence[kept[sequence]]
            lists.append((square[row, chosen].tolist(), spots[row, chosen].tolist(), bool(every)))
        return lists

    def inside(self, who: int) -> tuple[list[float], list[int], bool]:
        """All spots allowed to one person, nearest first."""
        assert self.box is not None
        point = self._in_box(self.treated.limited[[who]], self.treated.stratum[[who]])[0]
        spots = self.known[np.array(self.box.query_ball_point(point, 1 + SAFE, p=np.inf), dtype=np.int64)]
        one = np.full(len(spots), who)
        spots = spots[self.allowed(one, spots)]
        square = self.square(one[: len(spots)], spots)
        order = np.argsort(square, kind="stable")
        return square[order].tolist(), spots[order].tolist(), True


@dataclass(slots=True)
class _List:
    """One person's spots, nearest first; those before `place` are used up for good."""

    square: list[float]
    spots: list[int]
    whole: bool
    length: int
    place: int = 0


def partners_in_space(
    treated: Places,
    comparison: Places,
    limits: FloatArray,
    *,
    ratio: int = 1,
    least: int = 1,
    replace: bool = False,
    closest: bool = False,
) -> tuple[IntArray, list[tuple[int, int]]]:
    """Greedy partners: everyone's first before anyone's second; with `closest` the closest pair left goes first.

    A partner is of the same stratum and within every limit. Of those equally far the first in `comparison` is taken;
    of pairs equally close the one whose treated person stands first in `treated`.

    Parameters
    ----------
    treated, comparison : Places
        The treated in the order in which they choose.
    limits : array, shape (q,)
        The greatest difference allowed in each column of `limited`.

    Returns
    -------
    found : array, shape (n treated, ratio)
        Positions in `comparison`, −1 where there is nobody left. After the round numbered `least`, those with fewer
        than `least` partners give them back and seek no more.
    order : list of (treated, turn)
        In which they were found.
    """
    n = len(treated.stratum)
    spots = _spots(comparison)
    search = _Search(treated, spots, limits)
    found = np.full((n, ratio), NOBODY, dtype=np.int64)
    order: list[tuple[int, int]] = []
    if replace:
        for who, first in enumerate(search.nearest(np.arange(n), FIRST)):
            mine = _with_replacement(search, who, first, ratio)
            found[who, : len(mine)] = mine
            order += [(who, turn) for turn in range(len(mine))]
        return found, order
    taken = np.zeros(len(spots.start), dtype=np.int64).tolist()
    seeking = list(range(n))
    lists: dict[int, _List] = {}
    for turn in range(ratio):
        one_round = _closest_round if closest else _round
        served = one_round(search, lists, taken, seeking)
        for who, position in served:
            found[who, turn] = position
        order += [(who, turn) for who, _ in served]
        seeking = [who for who, _ in served] if not closest else sorted(who for who, _ in served)
        if turn + 1 == least and give_back(found, least):
            used = np.zeros(len(spots.members), dtype=bool)
            used[found[found != NOBODY]] = True
            # Those of a spot are taken from its front, so whoever was given back must go behind the others.
            taken, lists = _refill(spots, used), {}
            search.build(np.flatnonzero(np.array(taken) < spots.size))
    return found, [(who, turn) for who, turn in order if found[who, turn] != NOBODY]


def _spots(comparison: Places) -> _Spots:
    columns = [*comparison.limited.T, *comparison.at.T, comparison.stratum]
    members = np.lexsort(columns) if len(comparison.stratum) else np.empty(0, dtype=np.int64)
    new = np.zeros(len(members), dtype=bool)
    new[:1] = True
    for column in columns:
        new[1:] |= column[members][1:] != column[members][:-1]
    start = np.flatnonzero(new)
    first = members[start]
    places = Places(comparison.at[first], comparison.stratum[first], comparison.limited[first])
    return _Spots(places, start, np.diff(np.append(start, len(members))), members)


def _refill(spots: _Spots, used: BoolArray) -> list[int]:
    """Put the used of each spot at its front, the free behind them in their order; how many of each are used."""
    spot = np.repeat(np.arange(len(spots.start)), spots.size)
    spots.members[:] = spots.members[np.lexsort((spots.members, ~used[spots.members], spot))]
    return np.bincount(spot, used[spots.members], len(spots.start)).astype(np.int64).tolist()


def _round(search: _Search, lists: dict[int, _List], taken: list[int], seeking: list[int]) -> list[tuple[int, int]]:
    served = []
    _start(search, lists, seeking)
    state = _Left(len(search.known))
    for who in seeking:
        best = _best(search, lists, taken, who)
        if best is not None:
            served.append((who, _take(search, lists, taken, best[1], state)))
    return served


def _closest_round(
    search: _Search, lists: dict[int, _List], taken: list[int], seeking: list[int]
) -> list[tuple[int, int]]:
    served = []
    _start(search, lists, seeking)
    state = _Left(len(search.known))
    heap = []
    for who in seeking:
        best = _best(search, lists, taken, who)
        if best is not None:
            heap.append((best[0], who, best[1]))
    heapq.heapify(heap)
    while heap:
        _, who, spot = heapq.heappop(heap)
        best = _best(search, lists, taken, who)
        if best is None:
            continue
        if best[1] != spot:
            heapq.heappush(heap, (best[0], who, best[1]))
            continue
        served.append((who, _take(search, lists, taken, spot, state)))
    return served


@dataclass(slots=True)
class _Left:
    """How many spots the trees hold, and how many of them were used up since they were built."""

    known: int
    spent: int = 0


def _start(search: _Search, lists: dict[int, _List], seeking: list[int]) -> None:
    fresh = [who for who in seeking if who not in lists]
    if fresh and len(search.known):
        found = search.nearest(np.array(fresh), FIRST)
        lists.update({who: _List(*one, FIRST) for who, one in zip(fresh, found, strict=True)})


def _best(search: _Search, lists: dict[int, _List], taken: list[int], who: int) -> tuple[float, int] | None:
    """The nearest spot with somebody free; of those equally near the one whose first free person stands first."""
    spots = search.spots
    mine = lists.get(who)
    if mine is None:
        return None
    while True:
        while mine.place < len(mine.spots) and taken[mine.spots[mine.place]] == spots.size[mine.spots[mine.place]]:
            mine.place += 1
        if mine.place < len(mine.spots):
            break
        if mine.whole or not len(search.known):
            return None
        length = 2 * max(mine.length, FIRST)
        one = search.inside(who) if len(search.limits) and length > LONG else search.nearest(np.array([who]), length)[0]
        mine = lists[who] = _List(*one, length)
    square, best = mine.square[mine.place], mine.spots[mine.place]
    place = mine.place + 1
    while place < len(mine.spots) and mine.square[place] == square:
        other = mine.spots[place]
        if taken[other] < spots.size[other] and _head(spots, taken, other) < _head(spots, taken, best):
            best = other
        place += 1
    return square, best


def _head(spots: _Spots, taken: list[int], spot: int) -> int:
    return int(spots.members[spots.start[spot] + taken[spot]])


def _take(search: _Search, lists: dict[int, _List], taken: list[int], spot: int, state: _Left) -> int:
    position = _head(search.spots, taken, spot)
    taken[spot] += 1
    if taken[spot] == search.spots.size[spot]:
        state.spent += 1
        if 2 * state.spent > state.known > LONG:
            left = search.known[np.array(taken)[search.known] < search.spots.size[search.known]]
            search.build(left)
            state.known, state.spent = len(left), 0
    return position


def _with_replacement(search: _Search, who: int, first: tuple[list[float], list[int], bool], ratio: int) -> list[int]:
    """The `ratio` nearest people allowed, of those equally near the first in the order given."""
    spots, length = search.spots, FIRST
    square, found, whole = first
    while not whole and int(spots.size[found].sum()) < ratio:
        length *= 2
        wide = len(search.limits) and length > LONG
        square, found, whole = search.inside(who) if wide else search.nearest(np.array([who]), length)[0]
    people = [(one, position) for one, spot in zip(square, found, strict=True) for position in _people(spots, spot)]
    return [position for _, position in sorted(people)[:ratio]]


def _people(spots: _Spots, spot: int) -> list[int]:
    return spots.members[spots.start[spot] : spots.start[spot] + spots.size[spot]].tolist()
