"""Gray's test in numbers: the score of each group for one cause, its covariance, and what was expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.riskset import FloatArray, IntArray, TimeRanks, risk_sets, scan


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

    def before(values: FloatArray, start: float) -> FloatArray:
        shifted = np.concatenate([np.full((n_groups, 1), start), values[:, :-1]], axis=1)
        shifted[:, sets.bounds[:-1][np.diff(sets.bounds) > 0]] = start
        return shifted

    y = scan(table(slice(None)), sets.bounds, reverse=True)
    own, others = table(event == cause), table((event > 0) & (event != cause))
    present = np.maximum(y, 1.0)
    after = scan(1 - (own + others) / present, sets.bounds, product=True)
    free = before(after, 1.0)
    h = np.divide(y, free, out=np.zeros_like(y), where=y > 0)
    together = h.sum(axis=0)
    at_risk = h * (1 - before(scan(free * own / present, sets.bounds), 0.0))
    events = own.sum(axis=0)
    rise = events / together
    pooled = 1 - scan(rise, sets.bounds)
    still = before(pooled[None, :].repeat(n_groups, axis=0), 1.0)[0]
    several = (y > 0).sum(axis=0) > 1
    if (still[several] <= 0).any():
        nothing = np.full(n_groups, np.nan)
        return GrayScore(nothing, nothing, np.full((n_groups, n_groups), np.nan), True)
    still = np.where(several, still, 1.0)  # where one group alone is left, observed is expected whatever the weight
    weight = still**rho
    expected = weight * at_risk * np.divide(events, at_risk.sum(axis=0), out=np.zeros(size), where=events > 0)
    covariance = np.zeros((n_groups, n_groups))
    for r in range(n_groups):
        d = -weight * h / together * h[r]
        d[r] += weight * h[r]
        step = d * np.where(several, rise / still, 0.0)
        to_come = scan(step, sets.bounds, reverse=True) - step
        ratio = np.divide(pooled, after[r], out=np.zeros(size), where=after[r] > 0)
        inverse = np.divide(1.0, h[r], out=np.zeros(size), where=y[r] > 0)
        of_cause, of_others = d + (1 - ratio) * to_come, ratio * to_come
        kept = _kept(events, free[r] * together)
        covariance += (of_cause * (rise * kept * inverse)) @ of_cause.T
        kept = _kept(others[r], y[r])
        covariance += (of_others * (free[r] * others[r] / present[r] * kept * inverse)) @ of_others.T
    return GrayScore((weight * own).sum(axis=1), expected.sum(axis=1), covariance, False)


def _kept(events: FloatArray, people: FloatArray) -> FloatArray:
    """The hypergeometric factor 1 − (d − 1)/(n − 1) of d tied events, not below 0."""
    more = np.where(events > 1, events - 1, 0.0)
    return 1 - more / np.where(events > 1, np.maximum(people - 1, more), 1.0)
