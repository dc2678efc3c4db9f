"""Kernel-smoothed hazards in numbers: Epanechnikov's kernel with boundary kernels, over the jumps of Nelson-Aalen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.riskset import FloatArray, IntArray, TimeRanks, at_risk, in_cells, over_time, risk_sets

STILL_FOLLOWED = 10


@dataclass(frozen=True, slots=True)
class SmoothHazard:
    """A smoothed hazard and its standard error at each time, (m,)."""

    hazard: FloatArray
    error: FloatArray


def boundary_kernel(z: FloatArray, q: float) -> FloatArray:
    """The kernel on [−1, q] where only the share q of the bandwidth lies inside the range; q = 1 is Epanechnikov's.

    12 / (1 + q)⁴ (1 + z) (z (1 − 2q) + (3q² − 2q + 1) / 2) (Müller and Wang 1994, table 1). It integrates to 1 with
    mean 0 for every q, so that the boundary brings no bias of first order.

    Examples
    --------
    >>> boundary_kernel(np.array([-1.0, 0.0, 0.5]), 1.0)
    array([0.    , 0.75  , 0.5625])
    """
    inside = (z >= -1) & (z <= q)
    height = 12 / (1 + q) ** 4 * (1 + z) * (z * (1 - 2 * q) + (3 * q**2 - 2 * q + 1) / 2)
    return np.where(inside, height, 0.0)


def kernel_at(t: float, times: FloatArray, bandwidth: float, start: float, end: float) -> FloatArray:
    """The weight of each of `times` for the hazard at t, in 1 / time, with the boundary kernel near start and end."""
    if t - start < bandwidth:
        return boundary_kernel((t - times) / bandwidth, (t - start) / bandwidth) / bandwidth
    if end - t < bandwidth:
        return boundary_kernel((times - t) / bandwidth, (end - t) / bandwidth) / bandwidth
    return boundary_kernel((t - times) / bandwidth, 1.0) / bandwidth


def smooth_hazard(
    ranks: TimeRanks,
    event: FloatArray,
    at: FloatArray,
    bandwidth: float,
    start: float,
    end: float,
    *,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    robust: bool = False,
) -> SmoothHazard:
    """h(t) = Σ k(t, t_j) d_j / Y_j over the event times within one bandwidth of t, and within start and end.

    The variance is Ramlau-Hansen's Σ k² d / Y² (1983), or the infinitesimal jackknife's, summed by cluster. Boundary
    kernels have negative parts; an estimate below 0 is 0.
    """
    sets = risk_sets(ranks, event == 1)
    died = np.flatnonzero(event == 1)
    deaths = in_cells(sets, died, None if weights is None else weights[died])
    people = at_risk(sets, weights)
    step, spread = deaths / people, deaths / people**2
    hazard, variance = np.empty(len(at)), np.empty(len(at))
    low = np.searchsorted(sets.times, np.maximum(at - bandwidth, start))
    high = np.searchsorted(sets.times, np.minimum(at + bandwidth, end), side="right")
    whole = np.zeros(sets.size)
    for place, t in enumerate(at.tolist()):
        near = slice(low[place], high[place])
        kernel = kernel_at(t, sets.times[near], bandwidth, start, end)
        hazard[place] = kernel @ step[near]
        if not robust:
            variance[place] = kernel**2 @ spread[near]
            continue
        whole[near] = kernel
        influence = -over_time(sets, whole * spread)
        influence[died] += (whole / people)[sets.last[died]]
        whole[near] = 0.0
        if weights is not None:
            influence *= weights
        sums = influence if cluster is None else np.bincount(cluster, influence)
        variance[place] = np.sum(sums * sums)
    return SmoothHazard(np.maximum(hazard, 0.0), np.sqrt(variance))


def usual_bandwidth(n_events: int, span: float) -> float:
    """The span over 4 times the fifth root of the events, the rate at which theory lets a bandwidth shrink.

    About half the 4/5th power of the events then stand behind each estimate.

    Examples
    --------
    >>> usual_bandwidth(243, 360.0)
    30.0
    """
    return span / (4 * n_events**0.2)
