"""Optimal full matching on arrays: everyone in a set of one treated person and others, or one of them and treated.

The sets of least total distance are a cheapest edge cover. On one scale that is a flow: let f be how many more treated
than comparison ends lie to the left of a place; each treated person adds one or more to f, each comparison person takes
one or more away, and each step along the scale costs |f| times its length. The cost as a function of f stays convex, so
its slopes in two heaps give the cover in near n log n. With limits, or in several dimensions, a cover is a matching in
which a pair is worth what both save against their nearest (Schrijver 2003, Combinatorial Optimization, section 19.3).
"""

from __future__ import annotations

import heapq

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from impact.comparison.candidates import Candidates
from impact.frames import FloatArray, IntArray

Entry = tuple[int, float]


class _Slopes:
    """A convex function of a whole number as its changes of slope, left and right of where it is least."""

    def __init__(self) -> None:
        # A wall at 0 on both sides: before anyone is met, f is 0.
        self.left: list[Entry] = [(0, np.inf)]
        self.right: list[Entry] = [(0, np.inf)]
        self.shift = 0

    def step(self, treated: bool) -> int:
        """One or more ends are added (treated) or taken away; the bound on f before, beyond which more is free."""
        if treated:
            bound = self.right[0][0] + self.shift if self.right else FAR
            self.right.clear()
            self.shift += 1
            return bound
        bound = -self.left[0][0] + self.shift if self.left else -FAR
        self.left.clear()
        self.shift -= 1
        return bound

    def walk(self, length: float) -> None:
        """Add `length` times |f|."""
        here = -self.shift
        if length <= 0:
            return
        heapq.heappush(self.left, (-here, length))
        self._move(self.left, self.right, length)
        heapq.heappush(self.right, (here, length))
        self._move(self.right, self.left, length)

    @staticmethod
    def _move(source: list[Entry], goal: list[Entry], weight: float) -> None:
        while weight > 0:
            place, size = heapq.heappop(source)
            part = min(size, weight)
            if size > part:
                heapq.heappush(source, (place, size - part))
            weight -= part
            heapq.heappush(goal, (-place, part))


FAR = 1 << 60


def covered_on_a_line(treated: FloatArray, comparison: FloatArray) -> tuple[IntArray, IntArray]:
    """The pairs of a cheapest cover, both sides ascending and neither empty.

    Returns
    -------
    who, whom : array of int
        Positions on the two sides; each pair has at least one person who is in no other.
    """
    value = np.concatenate([treated, comparison])
    rows = np.argsort(value, kind="stable")
    sides, scale = (rows < len(treated)).tolist(), value[rows].tolist()
    slopes, bounds = _Slopes(), []
    for place, side in enumerate(sides):
        if place:
            slopes.walk(scale[place] - scale[place - 1])
        bounds.append(slopes.step(side))
    ends, f = np.zeros(len(rows), dtype=np.int64), 0
    for place in range(len(rows) - 1, -1, -1):
        before = min(f - 1, bounds[place]) if sides[place] else max(f + 1, bounds[place])
        ends[place] = abs(f - before)
        f = before
    order = np.array(sides)
    who = np.repeat(rows[order], ends[order])
    whom = np.repeat(rows[~order] - len(treated), ends[~order])
    return _stars(who, whom)


def covered(pairs: Candidates, n_treated: int, n_comparison: int) -> tuple[IntArray, IntArray]:
    """The pairs of a cheapest cover of all who have a candidate; see `covered_on_a_line`."""
    nearest = [np.full(n, np.inf) for n in (n_treated, n_comparison)]
    for least, people in zip(nearest, (pairs.who, pairs.whom), strict=True):
        np.minimum.at(least, people, pairs.distance)
    saved = nearest[0][pairs.who] + nearest[1][pairs.whom] - pairs.distance
    worth = saved > 0
    who, whom, saved = pairs.who[worth], pairs.whom[worth], saved[worth]
    base = float(saved.max(initial=0.0)) + 1.0
    people = np.arange(n_treated)
    table = csr_array(
        (
            np.concatenate([base - saved, np.full(n_treated, base)]),
            (np.concatenate([who, people]), np.concatenate([whom, n_comparison + people])),
        ),
        shape=(n_treated, n_comparison + n_treated),
    )
    place = min_weight_full_bipartite_matching(table)[1].astype(np.int64)
    joined = place < n_comparison
    rest = np.ones(n_comparison, dtype=bool)
    rest[place[joined]] = False
    first = [_first(people, pairs.distance, n) for people, n in ((pairs.who, n_treated), (pairs.whom, n_comparison))]
    alone, left = np.flatnonzero(~joined & (first[0] >= 0)), np.flatnonzero(rest & (first[1] >= 0))
    return _stars(
        np.concatenate([people[joined], alone, pairs.who[first[1][left]]]),
        np.concatenate([place[joined], pairs.whom[first[0][alone]], left]),
    )


def _first(people: IntArray, distance: FloatArray, n: int) -> IntArray:
    """For each person the first of their nearest candidates, −1 where there is none."""
    found = np.full(n, -1, dtype=np.int64)
    order = np.lexsort((np.arange(len(people)), distance, people))
    first = np.ones(len(order), dtype=bool)
    first[1:] = people[order][1:] != people[order][:-1]
    found[people[order][first]] = order[first]
    return found


def _stars(who: IntArray, whom: IntArray) -> tuple[IntArray, IntArray]:
    """Without pairs that stand twice, or whose people both have another (their distance is 0)."""
    found = np.unique(np.column_stack([who, whom]), axis=0)
    mine, theirs = np.bincount(found[:, 0]), np.bincount(found[:, 1])
    keep = np.ones(len(found), dtype=bool)
    for place in np.flatnonzero((mine[found[:, 0]] > 1) & (theirs[found[:, 1]] > 1)).tolist():
        one, other = found[place]
        if mine[one] > 1 and theirs[other] > 1:
            keep[place] = False
            mine[one] -= 1
            theirs[other] -= 1
    return found[keep, 0], found[keep, 1]
