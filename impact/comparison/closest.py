"""The closest pair of all first, on one scale: everyone free stands on a line, and the closest pair are neighbours.

Those of one stratum with the same value stand in one spot, on each side in the order given. Of spots with somebody
free only neighbours can hold a closest pair, so a linked list of spots and a heap of neighbours are enough:
O(n log n), whatever the pairs.
"""

from __future__ import annotations

import heapq

import numpy as np

from impact.comparison.nearest import NOBODY, People, give_back
from impact.frames import IntArray


def closest_first(
    treated: People, comparison: People, *, reach: float = np.inf, ratio: int = 1, least: int = 1
) -> tuple[IntArray, list[tuple[int, int]]]:
    """Greedy partners, each used once: of all pairs left the closest; everyone's first before anyone's second.

    Of pairs equally close the one whose treated person stands first in `treated` is taken, then the one whose
    comparison person has the lower value, then the one that stands first in `comparison`.

    Returns
    -------
    found : array, shape (n treated, ratio)
        Positions in `comparison`, −1 where there is no partner within `reach`. After the round numbered `least`, those
        with fewer than `least` partners give them back and seek no more.
    order : list of (treated, turn)
        In which they were found.
    """
    found = np.full((len(treated.value), ratio), NOBODY, dtype=np.int64)
    order: list[tuple[int, int]] = []
    seeking = np.arange(len(treated.value))
    for turn in range(ratio):
        free = np.ones(len(comparison.value), dtype=bool)
        free[found[found != NOBODY]] = False
        order += [(who, turn) for who in _round(treated, comparison, seeking, np.flatnonzero(free), reach, found, turn)]
        if turn + 1 == least:
            give_back(found, least)
        seeking = np.flatnonzero(found[:, turn] != NOBODY)
    return found, [(who, turn) for who, turn in order if found[who, turn] != NOBODY]


def _round(
    treated: People, comparison: People, seeking: IntArray, free: IntArray, reach: float, found: IntArray, turn: int
) -> list[int]:
    """One partner for each of those seeking, of those free; who found one, in the order of finding."""
    value = np.concatenate([treated.value[seeking], comparison.value[free]])
    stratum = np.concatenate([treated.stratum[seeking], comparison.stratum[free]])
    rows = np.lexsort((value, stratum))
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (value[rows][1:] != value[rows][:-1]) | (stratum[rows][1:] != stratum[rows][:-1])
    spot = np.empty(len(rows), dtype=np.int64)
    spot[rows] = np.cumsum(new) - 1
    at, part = value[rows][new].tolist(), stratum[rows][new].tolist()
    waiting, heads = _queues(spot[: len(seeking)], len(at))
    offered, fronts = _queues(spot[len(seeking) :], len(at))
    who_of, whom_of = seeking.tolist(), free.tolist()
    after, before = list(range(1, len(at) + 1)), list(range(-1, len(at) - 1))
    heap: list[tuple[float, int, float, int, int]] = []

    def offer(mine: int, theirs: int) -> None:
        if min(mine, theirs) < 0 or max(mine, theirs) >= len(at) or part[mine] != part[theirs]:
            return
        apart = abs(at[mine] - at[theirs])
        if apart <= reach and heads[mine] < len(waiting[mine]) and fronts[theirs] < len(offered[theirs]):
            heapq.heappush(heap, (apart, who_of[waiting[mine][heads[mine]]], at[theirs], mine, theirs))

    for place in range(len(at)):
        offer(place, place)
        offer(place, place + 1)
        offer(place + 1, place)
    served = []
    while heap:
        _, who, _, mine, theirs = heapq.heappop(heap)
        if heads[mine] == len(waiting[mine]) or fronts[theirs] == len(offered[theirs]):
            continue
        if who_of[waiting[mine][heads[mine]]] != who:
            continue
        found[who, turn] = whom_of[offered[theirs][fronts[theirs]]]
        heads[mine] += 1
        fronts[theirs] += 1
        served.append(who)
        for place in {mine, theirs}:
            if heads[place] == len(waiting[place]) and fronts[place] == len(offered[place]):
                left, right = before[place], after[place]
                if left >= 0:
                    after[left] = right
                if right < len(at):
                    before[right] = left
                offer(left, right)
                offer(right, left)
        for place in (mine, theirs):
            offer(place, place)
            for neighbour in (before[place], after[place]):
                offer(place, neighbour)
                offer(neighbour, place)
    return served


def _queues(spot: IntArray, spots: int) -> tuple[list[list[int]], list[int]]:
    """Who stands in each spot, in the order given, and a pointer to the first of each."""
    standing: list[list[int]] = [[] for _ in range(spots)]
    for person, place in enumerate(spot.tolist()):
        standing[place].append(person)
    return standing, [0] * spots
