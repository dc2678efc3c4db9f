"""Partners whose distances add up to the least, on arrays.

On one scale without limits the sum is least where the treated and those chosen for them stand in the same order, so
that only the choice is open. Let d be how many partners the treated so far still lack; the cost of reaching d is convex
in d, each comparison person may lower d by one, and each step along the scale adds |d| times its length. The slopes of
that cost live in heaps (the "slope trick"), and the whole is O(n log n). With limits, or in several dimensions, it is
an assignment problem over the pairs that may be (Rosenbaum 1989, JASA 84, 1024-1032), solved by shortest augmenting
paths (Jonker and Volgenant 1987, Computing 38, 325-340).
"""

from __future__ import annotations

import heapq

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from impact.comparison.candidates import Candidates
from impact.comparison.nearest import NOBODY
from impact.frames import BoolArray, FloatArray, IntArray


def chosen_on_a_line(demand: FloatArray, offer: FloatArray, ratio: int) -> BoolArray:
    """Whom of `offer` to choose, so that `ratio` for each of `demand` are at the least total distance.

    Parameters
    ----------
    demand, offer : array
        Ascending; at least `ratio` times as many on offer.
    """
    value = np.concatenate([demand, offer])
    rows = np.argsort(value, kind="stable")
    scale, wants = value[rows].tolist(), (rows < len(demand)).tolist()
    left: list[float] = []  # slopes below d = 0: key − place on the scale, largest first (keys negated)
    low: list[tuple[float, int]] = []  # slopes above d = 0 that are below zero: key + place, smallest first
    high: list[tuple[float, int]] = []  # the same, largest first (keys negated)
    gone: set[int] = set()
    entries, below_zero, lowest = 0, 0, 0  # `lowest`: the least d that can be reached
    turning = []  # for each on offer: from which d on it is better not chosen
    for at, want in zip(scale, wants, strict=True):
        while high and (high[0][1] in gone or at - high[0][0] >= 0):
            entry = heapq.heappop(high)[1]
            if entry in gone:
                gone.discard(entry)
            else:
                gone.add(entry)
                below_zero -= 1
        if want:
            lowest += ratio
            for _ in range(min(ratio, len(left))):
                key = -heapq.heappop(left) - 2 * at
                if key + at < 0:
                    heapq.heappush(low, (key, entries))
                    heapq.heappush(high, (-key, entries))
                    entries += 1
                    below_zero += 1
            continue
        turning.append(max(lowest, 0) + below_zero)
        lowest -= 1
        if lowest >= 0:
            continue
        while low and low[0][1] in gone:
            gone.discard(heapq.heappop(low)[1])
        if not below_zero:
            heapq.heappush(left, -at)
            continue
        key, entry = heapq.heappop(low)
        gone.add(entry)
        below_zero -= 1
        heapq.heappush(left, -(key + 2 * at))
    chosen = np.zeros(len(offer), dtype=bool)
    lacking, person = 0, len(offer)
    for want in reversed(wants):
        if want:
            lacking -= ratio
            continue
        person -= 1
        if lacking < turning[person]:
            chosen[person] = True
            lacking += 1
    return chosen


def paired_on_a_line(treated: FloatArray, comparison: FloatArray, ratio: int) -> IntArray | None:
    """Partners at the least total distance, both sides ascending; None where `ratio` above 1 is more than there are.

    Returns
    -------
    array, shape (n treated, ratio)
        Positions in `comparison`, −1 for those left out where the comparison people are fewer.
    """
    found = np.full((len(treated), ratio), NOBODY, dtype=np.int64)
    if len(comparison) >= ratio * len(treated):
        chosen = np.flatnonzero(chosen_on_a_line(treated, comparison, ratio))
        return chosen.reshape(len(treated), ratio)
    if ratio > 1:
        return None
    found[chosen_on_a_line(comparison, treated, 1), 0] = np.arange(len(comparison))
    return found


def assigned(pairs: Candidates, n_treated: int, n_comparison: int, ratio: int) -> IntArray:
    """As many partners as can be had, first for as many people as can be served, and of these ways the nearest.

    A way that serves the most people and has the most pairs always exists, because whoever is served by some pairs can
    stay served as more are added along augmenting paths. Each treated person stands `ratio` times; each time may go
    to a place of its own at a cost above that of all distances together, twice as high the first time.

    Returns
    -------
    array, shape (n treated, ratio)
        Positions in the comparison side, −1 where there is nobody.
    """
    longest = float(pairs.distance.max(initial=0.0))
    base = longest if longest > 0 else 1.0
    none = base * (n_treated * ratio + 2)
    turn = np.repeat(np.arange(ratio), len(pairs.who))
    copies = np.arange(n_treated * ratio)
    rows = np.concatenate([np.tile(pairs.who, ratio) + turn * n_treated, copies])
    columns = np.concatenate([np.tile(pairs.whom, ratio), n_comparison + copies])
    # Each copy has exactly one place, so the same sum on every cost changes nothing; it keeps them above zero.
    cost = np.concatenate([np.tile(pairs.distance, ratio), np.where(copies < n_treated, 2 * none, none)]) + base
    table = csr_array((cost, (rows, columns)), shape=(len(copies), n_comparison + len(copies)))
    place = min_weight_full_bipartite_matching(table)[1].astype(np.int64)
    found = np.where(place < n_comparison, place, NOBODY).reshape(ratio, n_treated).T
    return np.take_along_axis(found, np.argsort(np.where(found == NOBODY, n_comparison, found), axis=1), axis=1)
