"""The Nelson-Aalen estimate in numbers: cumulative hazards by group, with Aalen's variance or the jackknife's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.numbers.counts import Counts, count
from impact.survival.numbers.influence import squares
from impact.survival.riskset import FloatArray, IntArray, RiskSets, TimeRanks, risk_sets, scan

TIES = ("nelson-aalen", "fleming-harrington")


@dataclass(frozen=True, slots=True)
class CumulativeHazard:
    """Cumulative hazards on cells (one for each group and distinct time, censored times included).

    Attributes
    ----------
    sets : RiskSets
    counts : Counts
    hazard, error : (K,) float
        The cumulative hazard and its standard error.
    """

    sets: RiskSets
    counts: Counts
    hazard: FloatArray
    error: FloatArray


def cumulative_hazard(
    ranks: TimeRanks,
    event: FloatArray,
    *,
    group: IntArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    robust: bool = False,
    ties: str = "nelson-aalen",
) -> CumulativeHazard:
    """H(t) = Σ d / Y, with Aalen's variance Σ d / Y² or the infinitesimal jackknife's, summed by cluster.

    With Fleming and Harrington's ties the d deaths of a time meet Y, Y − 1, …, Y − d + 1 people one after another. A
    row of weight 1 moves H(t) by event / Y at its own time, and by −Σ d / Y² while at risk.
    """
    sets = risk_sets(ranks, None, group)
    counts = count(sets, event, weights)
    if ties == "fleming-harrington":
        step, spread = one_by_one(counts.n_event, counts.n_risk)
    else:
        step, spread = counts.n_event / counts.n_risk, counts.n_event / counts.n_risk**2
    variance = scan(spread, sets.bounds)
    if robust:
        w = np.ones(len(event)) if weights is None else weights
        variance = squares(sets, w, -variance, w * event / counts.n_risk[sets.last], group, cluster)
    return CumulativeHazard(sets, counts, scan(step, sets.bounds), np.sqrt(variance))


def one_by_one(deaths: FloatArray, people: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Σ 1 / (Y − j) and Σ 1 / (Y − j)² over j = 0, …, d − 1, at each cell (whole numbers).

    Examples
    --------
    >>> one_by_one(np.array([2.0, 0.0]), np.array([4.0, 2.0]))[0].round(6)
    array([0.583333, 0.      ])
    """
    count = np.rint(deaths).astype(np.int64)
    cell = np.repeat(np.arange(len(count)), count)
    met = people[cell] - (np.arange(len(cell)) - (np.cumsum(count) - count)[cell])
    first, second = (np.bincount(cell, part, len(count)).astype(float) for part in (1 / met, 1 / met**2))
    return first, second
