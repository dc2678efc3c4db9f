"""Who stays at risk after a competing event, and with what share: the risk sets of Fine and Gray.

Who had a competing event at X stays in the risk sets after X with the share G(t−) / G(X−), where G is the Kaplan-Meier
estimate of not yet being censored (Fine and Gray 1999, section 4). The share is a factor of the time and a factor of
the row, so that a sum over the risk set is the kernel's sum and one more cumulative sum over cells: O(n) a covariate,
and no row is split.

Events of a time come before censoring at that time, as for every estimate here: then Σ shares is n (1 − F(t−)) G(t−)
to the last digit, and without covariates the model's incidence is that of Aalen and Johansen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.numbers.counts import left_after
from impact.survival.riskset import (
    FloatArray,
    IntArray,
    RiskSets,
    TimeRanks,
    at_risk,
    in_cells,
    just_before,
    risk_sets,
    scan,
)


@dataclass(frozen=True, slots=True)
class Censoring:
    """The estimate of G, on cells at the distinct times of censoring (M of them).

    Attributes
    ----------
    sets : RiskSets
    rows : (m,) int
        The censored rows.
    people, hazard : (M,) float
        Those who could have been censored (events of the time are not among them), and the share of them who were.
    upto : (n,) int
        The last cell in which the row could have been censored; M where there is none.
    left : (n,) float
        G just before the row's duration.
    """

    sets: RiskSets
    rows: IntArray
    people: FloatArray
    hazard: FloatArray
    upto: IntArray
    left: FloatArray


def censoring(ranks: TimeRanks, event: FloatArray, weights: FloatArray | None, strata: IntArray | None) -> Censoring:
    """G of each stratum, weighted."""
    sets = risk_sets(ranks, event == 0, strata)
    size = sets.size
    censored = np.flatnonzero(event == 0)
    here = sets.last < size
    here[here] = sets.times[sets.last[here]] == ranks.grid[ranks.exit[here]]
    gone = np.flatnonzero(here & (event > 0))

    def mass(rows: IntArray) -> FloatArray:
        return in_cells(sets, rows, None if weights is None else weights[rows])

    y, c = at_risk(sets, weights) - mass(gone), mass(censored)
    nobody_left = at_risk(sets) - in_cells(sets, gone) == in_cells(sets, censored)
    after = left_after(y, c, nobody_left, sets.bounds)[1]
    before = just_before(after, sets.bounds, 1.0)
    left = np.append(after, 1.0)[sets.last]
    left[here] = before[sets.last[here]]
    first = np.broadcast_to(sets.bounds[0] if strata is None else sets.bounds[strata], len(event))
    upto = sets.last.copy()
    upto[gone] -= 1
    upto[upto < first] = size
    return Censoring(sets, censored, y, c / y, upto, left)


@dataclass(frozen=True, slots=True)
class Shares:
    """Who stays at risk after a competing event, and with what share.

    Attributes
    ----------
    rows, first : (L,) int
        The rows, and the first cell of events after their duration.
    share : (L,) float
        1 / G(X−).
    still : (K,) float
        G(t−) at each cell of events.
    """

    rows: IntArray
    first: IntArray
    share: FloatArray
    still: FloatArray


def shares(sets: RiskSets, found: Censoring, events: IntArray, competing: IntArray, strata: IntArray | None) -> Shares:
    """The shares of the rows `competing` in the cells of `sets`, which the rows `events` make."""
    still = np.empty(sets.size)
    still[sets.last[events]] = found.left[events]
    first, end = next_cell(sets, competing, strata)
    rows = competing[first < end]
    return Shares(rows, first[first < end], 1 / found.left[rows], still)


def next_cell(sets: RiskSets, rows: IntArray, strata: IntArray | None) -> tuple[IntArray, IntArray]:
    """The first cell after each row's duration, and where its stratum's cells end."""
    code = np.zeros(len(rows), dtype=np.int64) if strata is None else strata[rows]
    last = sets.last[rows]
    return np.where(last == sets.size, sets.bounds[code], last + 1), sets.bounds[code + 1]


def stayed_at_risk(sets: RiskSets, kept: Shares, values: FloatArray) -> FloatArray:
    """Σ of `values` (n,) times share over those who stayed at risk in each cell, (K,)."""
    stayed = np.bincount(kept.first, values[kept.rows] * kept.share, sets.size).astype(float)
    return kept.still * scan(stayed, sets.bounds)


def spread_over_time(sets: RiskSets, kept: Shares, values: FloatArray, out: FloatArray) -> None:
    """Add to `out` (n,), for each row that stays, Σ of `values` (K,) times its share over the cells where it does."""
    out[kept.rows] += kept.share * scan(kept.still * values, sets.bounds, reverse=True)[kept.first]
