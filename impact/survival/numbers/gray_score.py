"""Gray's test in numbers: the score of each group for one cause, its covariance, and what was expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.numbers.counts import one_less
from impact.survival.riskset import FloatArray, IntArray, TimeRanks, just_before, risk_sets, scan


@dataclass(frozen=True, slots=True)
class GrayScore:
    """Sums over times and strata.

    Attributes
    ----------
    observed, expected : (G,) float
        Weighted events of the cause in each group, and those expected of it.
    covariance : (G, G) float
        Of their differences, where the groups have one incidence of the cause.
    beyond : bool
        Whether the pooled incidence passes 1 while several groups are still at risk: the covariance has no meaning.
    """

    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray
    beyond: bool


def gray_score(
    ranks: TimeRanks, event: IntArray, cause: int, group: IntArray, *, strata: IntArray | None = None, rho: float = 0.0
) -> GrayScore:
    """Gray's (1988) score: observed less expected events, where who had another event stays at risk.

    With S_r the share of group r free of all events and F_r its incidence of the cause, h_r = Y_r / S_r(t−) stands for
    the people who would be at risk had nobody been censored, and R_r = h_r (1 − F_r(t−)) for those of them without an
    event of the cause. The variance holds F_r to its pooled estimate F = Σ dN / Σ h_r (his section 2). Tied events of
    one kind are hypergeometric: among Y_r, and for the cause among S_r(t−) Σ h.

    Parameters
    ----------
    event : (n,) int
        0 for censored, otherwise the cause.
    group, strata : (n,) int
        Codes 0, 1, …
    rho : float
        Differences at t weigh (1 − F(t−))^rho.
    """
    sets = risk_sets(ranks, event > 0, strata)
    size, n_groups = sets.size, int(group.max()) + 1

    def table(rows: FloatArray | slice) -> FloatArray:
        place = group[rows] * (size + 1) + sets.last[rows]
        return np.bincount(place, minlength=n_groups * (size + 1)).reshape(n_groups, size + 1)[:, :size].astype(float)

    y = scan(table(slice(None)), sets.bounds, reverse=True)
    own, others = table(event == cause), table((event > 0) & (event != cause))
    present = np.maximum(y, 1.0)
    after = scan(1 - (own + others) / present, sets.bounds, product=True)
    free = just_before(after, sets.bounds, 1.0)
    h = np.divide(y, free, out=np.zeros_like(y), where=y > 0)
    together, several = h.sum(axis=0), (y > 0).sum(axis=0) > 1
    at_risk = h * (1 - just_before(scan(free * own / present, sets.bounds), sets.bounds, 0.0))
    other_rise = np.divide(free * others * one_less(others, y), present, out=present)
    events = own.sum(axis=0)
    rise = events / together
    pooled = 1 - scan(rise, sets.bounds)
    still = just_before(pooled, sets.bounds, 1.0)
    if (still[several] <= 0).any():
        nothing = np.full(n_groups, np.nan)
        return GrayScore(nothing, nothing, np.full((n_groups, n_groups), np.nan), True)
    still = np.where(several, still, 1.0)  # where one group alone is left, observed is expected whatever the weight
    weight = still**rho
    at_risk *= weight * np.divide(events, at_risk.sum(axis=0), out=np.zeros(size), where=events > 0)
    expected, observed = at_risk.sum(axis=1), own @ weight
    del y, own, others, at_risk
    covariance = np.zeros((n_groups, n_groups))
    ahead = np.where(several, rise / still, 0.0)
    for r in range(n_groups):
        d = h * (-weight * h[r] / together)
        d[r] += weight * h[r]
        step = d * ahead
        to_come = scan(step, sets.bounds, reverse=True)
        to_come -= step
        d += to_come
        to_come *= np.divide(pooled, after[r], out=np.zeros(size), where=after[r] > 0)
        d -= to_come
        inverse = np.divide(1.0, h[r], out=np.zeros(size), where=h[r] > 0)
        covariance += np.multiply(d, rise * one_less(events, free[r] * together) * inverse, out=step) @ d.T
        covariance += np.multiply(to_come, other_rise[r] * inverse, out=step) @ to_come.T
    return GrayScore(observed, expected, covariance, False)
