"""Every pair that may be, for methods that weigh pairs against each other; never more than a stated number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.comparison.in_space import Places
from impact.comparison.nearest import People, place
from impact.errors import InputError
from impact.frames import FloatArray, IntArray

MOST = 10_000_000
"""Pairs."""
SAFE = 1e-9


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of a treated and a comparison person, by position on each side, sorted by both, and how far apart."""

    who: IntArray
    whom: IntArray
    distance: FloatArray


def candidates(
    treated: Places, comparison: Places, scores: tuple[People, People], limits: FloatArray, reach: float
) -> Candidates:
    """All pairs of one stratum within every limit.

    Parameters
    ----------
    treated, comparison : Places
        The comparison side sorted by stratum, then score.
    scores : tuple of People
        Of both sides.
    limits : array
        See `Places.limited`; the first is `reach` where that is finite.
    reach : float
        The greatest difference of scores.

    Raises
    ------
    InputError
        Where there are more pairs than `MOST` within the reach of the score.
    """
    mine, theirs = scores
    wide = reach * (1 + SAFE) + SAFE * float(np.abs(theirs.value).max(initial=0.0)) if np.isfinite(reach) else np.inf
    low = place(mine.value - wide, mine.stratum, theirs)
    count = np.maximum(place(mine.value + wide, mine.stratum, theirs, after=True) - low, 0)
    total = int(count.sum())
    if total > MOST:
        raise InputError(
            f"There are {total:,} pairs of a treated and a comparison person to weigh against each other; this method "
            f"takes up to {MOST:,}. Give a caliper, or columns in exact, that leave fewer; or use method='nearest'."
        )
    who = np.repeat(np.arange(len(count)), count)
    whom = np.arange(total) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    keep = np.ones(total, dtype=bool)
    for column, limit in enumerate(limits):
        keep &= np.abs(treated.limited[who, column] - comparison.limited[whom, column]) <= limit
    who, whom = who[keep], whom[keep]
    square = np.zeros(len(who))
    for here, there in zip(treated.at.T, comparison.at.T, strict=True):
        square += (here[who] - there[whom]) ** 2
    one = treated.at.shape[1] == 1
    apart = np.abs(treated.at[who, 0] - comparison.at[whom, 0]) if one else np.sqrt(square)
    return Candidates(who, whom, apart)
