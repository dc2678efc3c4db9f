"""Restricted mean time lost in numbers: the area over a curve up to a horizon, by group and cause, two variances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.numbers.algebra import group_products
from impact.survival.numbers.counts import left_after
from impact.survival.riskset import (
    BoolArray,
    FloatArray,
    IntArray,
    RiskSets,
    TimeRanks,
    at_risk,
    in_cells,
    just_before,
    over_time,
    risk_sets,
    scan,
)


@dataclass(frozen=True, slots=True)
class LostTime:
    """Mean time lost before the horizon, of G groups, and the curve whose area it is.

    Attributes
    ----------
    estimate : (G,) float
        ∫ F(t) dt from 0 to the horizon, F being the cumulative incidence of the counted causes.
    covariance : (G, G) float
    time, incidence : (K,) float
        The steps of F, event times of every cause.
    survival : (K,) float
        Free of every cause just after each time.
    bounds : (G + 1,) int
        The steps of group g are ``bounds[g]:bounds[g + 1]``.
    """

    estimate: FloatArray
    covariance: FloatArray
    time: FloatArray
    incidence: FloatArray
    survival: FloatArray
    bounds: IntArray


def lost_time(
    ranks: TimeRanks,
    event: FloatArray,
    counted: BoolArray,
    horizon: float,
    *,
    group: IntArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    robust: bool = False,
) -> LostTime:
    """Time lost to the events in `counted` (n,), every other event (not 0) competing.

    With S(t−) the chance of no event before t and λ the hazard of the counted events, the time lost is
    Σ (τ − t) S(t−) λ over the event times before the horizon τ. The variance is Greenwood's, extended to causes: at
    each time the events by cause are multinomial among those at risk. With `robust` it is the infinitesimal
    jackknife's: weighted derivatives by each person's weight, summed by cluster, squared.
    """
    sets = risk_sets(ranks, event > 0, group)
    died, lost = np.flatnonzero(event > 0), np.flatnonzero(counted)
    deaths, people = in_cells(sets, died), at_risk(sets, weights)
    nobody_left = deaths == at_risk(sets)
    if weights is not None:
        deaths = in_cells(sets, died, weights[died])
    deaths_counted = in_cells(sets, lost, None if weights is None else weights[lost])
    remain, survival = left_after(people, deaths, nobody_left, sets.bounds)
    before = just_before(survival, sets.bounds, 1.0)
    left = np.maximum(horizon - sets.times, 0.0)
    direct = left * before
    loss = direct * deaths_counted / people
    later = scan(loss, sets.bounds, reverse=True) - loss
    with np.errstate(divide="ignore", invalid="ignore"):
        indirect = np.where(nobody_left, 0.0, later / remain)
    estimate = _by_group(loss, sets.bounds)
    incidence = scan(before * deaths_counted / people, sets.bounds)
    if robust:
        influence = _influence(sets, event, counted, direct / people, indirect, deaths, deaths_counted, people)
        influence = influence if weights is None else influence * weights
        covariance = group_products(influence, group, len(estimate), cluster)
    else:
        effect = direct - indirect * people
        other = -indirect * people
        chance, rest = deaths_counted / people, (deaths - deaths_counted) / people
        mean = effect * chance + other * rest
        spread = (chance * (effect - mean) ** 2 + rest * (other - mean) ** 2 + remain / people * mean**2) / people
        covariance = np.diag(_by_group(spread, sets.bounds))
    return LostTime(estimate, covariance, sets.times, incidence, survival, sets.bounds)


def _by_group(values: FloatArray, bounds: IntArray) -> FloatArray:
    code = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    return np.bincount(code, values, len(bounds) - 1).astype(float)


def _influence(
    sets: RiskSets,
    event: FloatArray,
    counted: BoolArray,
    direct: FloatArray,
    indirect: FloatArray,
    deaths: FloatArray,
    deaths_counted: FloatArray,
    people: FloatArray,
) -> FloatArray:
    """The derivative of a row's group's time lost by the row's weight, (n,)."""
    out = over_time(sets, (indirect * deaths - direct * deaths_counted) / people)
    died = np.flatnonzero(event > 0)
    cells = sets.last[died]
    out[died] += direct[cells] * counted[died] - indirect[cells]
    return out
