"""The mean cumulative count in numbers: events per person by each time, and its robust variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.numbers.influence import squares
from impact.survival.riskset import FloatArray, IntArray, RiskSets, TimeRanks, at_risk, risk_sets, scan


@dataclass(frozen=True, slots=True)
class MeanCount:
    """Curves on cells (one for each group and distinct stop).

    Attributes
    ----------
    sets : RiskSets
    n_risk, n_event, n_left : (K,) float
        At risk, events and rows that stop, as sums of weights.
    mean, error : (K,) float
        The mean count and its standard error.
    """

    sets: RiskSets
    n_risk: FloatArray
    n_event: FloatArray
    n_left: FloatArray
    mean: FloatArray
    error: FloatArray


def mean_count(
    ranks: TimeRanks, count: FloatArray, cluster: IntArray, *, group: IntArray | None, weights: FloatArray | None
) -> MeanCount:
    """M(t) = Σ dN(u) / Y(u) over u ≤ t, with the variance of Lawless and Nadeau (1995, section 2) by cluster.

    A cluster's influence is Σ over its rows and u ≤ t of (dN_i − Y_i dM) / Y.

    Parameters
    ----------
    count : (n,) float
        Events of each row at its stop.
    cluster : (n,) int
        Codes of the people (or of the sets they belong to).
    """
    sets = risk_sets(ranks, None, group)
    w = np.ones(len(count)) if weights is None else weights
    n, d = at_risk(sets, weights), np.bincount(sets.last, w * count, sets.size).astype(float)
    passed = -scan(d / n**2, sets.bounds)
    square = squares(sets, w, passed, w * count / n[sets.last], group, cluster)
    mean = scan(d / n, sets.bounds)
    error = np.where(mean > 0, np.sqrt(square), 0.0)
    return MeanCount(sets, n, d, np.bincount(sets.last, w, sets.size).astype(float), mean, error)


def influence_at(found: MeanCount, count: FloatArray, weights: FloatArray | None, time: float) -> FloatArray:
    """Each row's influence, weighted, on the mean count of its own group at one time, (n,)."""
    sets = found.sets
    reached = sets.times <= time
    passed = np.append(-scan(np.where(reached, found.n_event / found.n_risk**2, 0.0), sets.bounds), 0.0)
    out = passed[sets.last] + np.where(reached, 1 / found.n_risk, 0.0)[sets.last] * count
    if sets.before is not None:
        out = out - passed[sets.before]
    return out if weights is None else out * weights
