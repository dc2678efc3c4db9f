"""The mean cumulative count in numbers: events per person by each time, and its robust variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.jackknife import cross_sums, moves
from impact.survival.riskset import FloatArray, IntArray, RiskSets, TimeRanks, at_risk, in_cells, risk_sets, scan


@dataclass(frozen=True, slots=True)
class MeanCount:
    """Curves on cells (one for each group and distinct stop).

    Attributes
    ----------
    sets : RiskSets
    n_risk, n_event, mean, std_error : (K,) float
        At risk and events (sums of weights); the mean count and its standard error.
    """

    sets: RiskSets
    n_risk: FloatArray
    n_event: FloatArray
    mean: FloatArray
    std_error: FloatArray


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
    sets = risk_sets(ranks, np.ones(len(count), dtype=bool), group)
    w = np.ones(len(count)) if weights is None else weights
    n, d = at_risk(sets, weights), in_cells(sets, np.arange(len(count)), w * count)
    mean = scan(d / n, sets.bounds)
    passed = -scan(d / n**2, sets.bounds)
    where = moves(sets, group, cluster)
    at_entry = np.zeros(len(count)) if sets.before is None else np.append(passed, 0.0)[sets.before]
    own = (-w * at_entry, w * (passed[sets.last] - at_entry + count / n[sets.last]))
    there = (w, np.zeros(len(count)))
    square = cross_sums(where, own)
    square = square + passed * (2 * cross_sums(where, own, there) + passed * cross_sums(where, there))
    error = np.where(mean > 0, np.sqrt(np.maximum(square, 0.0)), 0.0)
    return MeanCount(sets, n, d, mean, error)


def influence_at(found: MeanCount, count: FloatArray, weights: FloatArray | None, time: float) -> FloatArray:
    """Each row's influence, weighted, on the mean count of its own group at one time, (n,)."""
    sets = found.sets
    reached = sets.times <= time
    passed = np.append(-scan(np.where(reached, found.n_event / found.n_risk**2, 0.0), sets.bounds), 0.0)
    out = passed[sets.last] + np.where(reached, 1 / found.n_risk, 0.0)[sets.last] * count
    if sets.before is not None:
        out = out - passed[sets.before]
    return out if weights is None else out * weights
