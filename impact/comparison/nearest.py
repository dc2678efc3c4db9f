"""Who is nearest to whom, on arrays: no table of every pair is ever formed.

The comparison side is sorted by stratum, then value, then any rule for ties that the caller likes; the treated stand
in the order in which they choose. A partner is one of the same stratum. Of two at the same distance the lower value
is taken, and of equal values the first in the order given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.frames import FloatArray, IntArray

NOBODY = -1


@dataclass(frozen=True, slots=True)
class People:
    """One side: `value` on the scale of the distance, `stratum` a code from 0."""

    value: FloatArray
    stratum: IntArray


def place(values: FloatArray, stratum: IntArray, comparison: People, *, after: bool = False) -> IntArray:
    """Where each value would stand among the comparison people of its stratum; `after` equal values or before them."""
    known = np.unique(comparison.value)
    step = len(known) + 1
    keys = comparison.stratum * step + np.searchsorted(known, comparison.value)
    wanted = stratum * step + np.searchsorted(known, values, side="right" if after else "left")
    return np.searchsorted(keys, wanted).astype(np.int64)


def run_starts(comparison: People) -> IntArray:
    """For each comparison person the first of those with the same stratum and value."""
    n = len(comparison.value)
    first = np.ones(n, dtype=bool)
    first[1:] = (np.diff(comparison.value) != 0) | (np.diff(comparison.stratum) != 0)
    return np.maximum.accumulate(np.where(first, np.arange(n), 0)).astype(np.int64)


def without_replacement(
    treated: People, comparison: People, *, reach: float = np.inf, ratio: int = 1, least: int = 1
) -> IntArray:
    """Greedy partners, each used once; everyone's first before anyone's second.

    The next free person on either side is found by union-find pointers, so the whole is near linear in the treated.

    Returns
    -------
    array, shape (n treated, ratio)
        Positions in `comparison`, −1 where there is no partner within `reach`. After the round numbered `least`, those
        with fewer than `least` partners give them back and seek no more.
    """
    n = len(comparison.value)
    start = place(treated.value, treated.stratum, comparison).tolist()
    low = np.searchsorted(comparison.stratum, treated.stratum, side="left").tolist()
    high = np.searchsorted(comparison.stratum, treated.stratum, side="right").tolist()
    value, wanted, first = comparison.value.tolist(), treated.value.tolist(), run_starts(comparison).tolist()
    up = list(range(n + 1))
    down = list(range(n + 1))
    found = np.full((len(wanted), ratio), NOBODY, dtype=np.int64)
    seeking = list(range(len(wanted)))
    for turn in range(ratio):
        column = [NOBODY] * len(wanted)
        served = []
        for i in seeking:
            above = start[i]
            while up[above] != above:
                up[above] = up[up[above]]
                above = up[above]
            below = start[i]
            while down[below] != below:
                down[below] = down[down[below]]
                below = down[below]
            below -= 1
            to_above = value[above] - wanted[i] if above < high[i] else np.inf
            to_below = wanted[i] - value[below] if below >= low[i] else np.inf
            if to_below <= to_above:
                if to_below > reach or below < low[i]:
                    continue
                above = first[below]
                while up[above] != above:
                    up[above] = up[up[above]]
                    above = up[above]
            elif to_above > reach:
                continue
            column[i] = above
            up[above] = above + 1
            down[above + 1] = above
            served.append(i)
        found[:, turn] = column
        seeking = served
        if turn + 1 == least and give_back(found, least):
            up, down = _pointers(found, n)
    return found


def give_back(found: IntArray, least: int) -> bool:
    """Take their partners from those with fewer than `least` in the rounds so far; whether there were any."""
    short = (found[:, least - 1] == NOBODY) & (found[:, 0] != NOBODY)
    found[short] = NOBODY
    return bool(short.any())


def _pointers(found: IntArray, n: int) -> tuple[list[int], list[int]]:
    """The next free place from each of n + 1 on, upward and downward, where those found are taken."""
    places, taken = np.arange(n + 1), np.zeros(n + 1, dtype=bool)
    taken[found[found != NOBODY]] = True
    free_above = np.where(taken, n, places)
    up = np.minimum.accumulate(free_above[::-1])[::-1]
    free_below = np.where(np.append(True, ~taken[:-1]), places, 0)
    return up.tolist(), np.maximum.accumulate(free_below).tolist()


def with_replacement(treated: People, comparison: People, *, reach: float = np.inf, ratio: int = 1) -> IntArray:
    """The `ratio` nearest of each treated person, whoever else they serve.

    Returns
    -------
    array, shape (n treated, ratio)
        Positions in `comparison`, nearest first, −1 where there are no more within `reach`.
    """
    above = place(treated.value, treated.stratum, comparison)
    low = np.searchsorted(comparison.stratum, treated.stratum, side="left")
    high = np.searchsorted(comparison.stratum, treated.stratum, side="right")
    first = run_starts(comparison)
    value = np.append(comparison.value, np.inf)
    found = np.full((len(above), ratio), NOBODY, dtype=np.int64)
    run_end = above - 1
    below = np.where(run_end >= low, first[np.maximum(run_end, 0)], NOBODY)
    for turn in range(ratio):
        has_below, has_above = run_end >= low, above < high
        to_below = np.where(has_below, treated.value - value[np.maximum(below, 0)], np.inf)
        to_above = np.where(has_above, value[np.where(has_above, above, -1)] - treated.value, np.inf)
        lower = has_below & (to_below <= to_above)
        inside = np.where(lower, to_below, to_above) <= reach
        inside &= has_below | has_above
        found[:, turn] = np.where(inside, np.where(lower, below, above), NOBODY)
        above = above + (inside & ~lower)
        below = below + (inside & lower)
        spent = has_below & (below > run_end)
        run_end = np.where(spent, first[np.maximum(run_end, 0)] - 1, run_end)
        below = np.where(spent, np.where(run_end >= low, first[np.maximum(run_end, 0)], NOBODY), below)
    return found


def within_radius(treated: People, comparison: People, radius: float) -> tuple[IntArray, FloatArray]:
    """Each treated person spreads a weight of 1 over all comparison people within `radius`.

    Those counted lie from value − radius to value + radius, both ends included. Pairs are never formed: each treated
    person adds to a difference array at the two ends of their span.

    Returns
    -------
    partners : array, shape (n treated,)
        How many comparison people each has.
    weights : array, shape (n comparison,)
        They add up to the treated people who have a partner.
    """
    left = place(treated.value - radius, treated.stratum, comparison)
    right = place(treated.value + radius, treated.stratum, comparison, after=True)
    partners = np.maximum(right - left, 0)
    served = partners > 0
    n = len(comparison.value)
    left, right, share = left[served], right[served], 1.0 / partners[served]
    ends = np.bincount(left, share, n + 1) - np.bincount(right, share, n + 1)
    covered = np.cumsum(np.bincount(left, minlength=n + 1) - np.bincount(right, minlength=n + 1))[:n] > 0
    weights = np.where(covered, np.cumsum(ends)[:n], 0.0)
    return partners, weights
