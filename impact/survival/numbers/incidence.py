"""The Aalen-Johansen estimate in numbers: cumulative incidence by cause and group, and its variance.

With S(t−) the share free of every event, d_k(t) events of cause k and n(t) at risk, F_k(t) = Σ S(u−) d_k(u) / n(u)
over u ≤ t (Aalen and Johansen 1978): all events of one time share the risk set, and none is moved. An error of F_k(t)
is made up of errors at each u: S(u−) times that of d_k/n, less F_k(t) − F_k(u) times that of the hazard of all causes.
Its variance is therefore a quadratic in F_k(t), whose three coefficients are cumulative sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.numbers.counts import left_after, one_less, present
from impact.survival.numbers.influence import blocks, states
from impact.survival.riskset import FloatArray, IntArray, RiskSets, TimeRanks, at_risk, just_before, risk_sets, scan


@dataclass(frozen=True, slots=True)
class Incidence:
    """Curves on cells (one for each group and distinct time, censored times included).

    Attributes
    ----------
    sets : RiskSets
    n_risk, n_censored, free, free_error : (K,) float
        Counts are sums of weights; `free` is the share without any event, `free_error` the standard error of its
        logarithm (infinite where it is 0).
    n_event, incidence, std_error : (k, K) float
        By cause.
    """

    sets: RiskSets
    n_risk: FloatArray
    n_censored: FloatArray
    free: FloatArray
    free_error: FloatArray
    n_event: FloatArray
    incidence: FloatArray
    std_error: FloatArray


@dataclass(frozen=True, slots=True)
class _Steps:
    """At each cell n, n − d (0 where nobody is left), the share free before and after it, and d / (n (n − d))."""

    n: FloatArray
    remain: FloatArray
    before: FloatArray
    after: FloatArray
    hazard: FloatArray


def aalen_johansen(
    ranks: TimeRanks,
    event: IntArray,
    causes: int,
    *,
    group: IntArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    variance: str = "greenwood",
) -> Incidence:
    """F_k(t) of causes 1, …, `causes` and each group.

    Parameters
    ----------
    event : (n,) int
        0 for censored, otherwise the cause.
    variance : str
        ``"greenwood"``: multinomial at each time (Gaynor and others 1993). ``"aalen"``: a counting process for each
        cause, tied events of a cause hypergeometric (Aalen 1978; Gray 1988). ``"jackknife"``: the infinitesimal
        jackknife, summed by cluster; the only one that is right under weights that are not counts.
    """
    sets = risk_sets(ranks, None, group)
    size = sets.size
    place = event * size
    place += sets.last
    people = np.bincount(place, minlength=(causes + 1) * size).reshape(causes + 1, size).astype(float)
    here = present(sets, people.sum(axis=0))
    nobody_left = people[1:].sum(axis=0) == here
    if weights is None:
        n, table = here, people
    else:
        n, table = at_risk(sets, weights), np.bincount(place, weights, (causes + 1) * size).reshape(people.shape)
    censored, events = table[0], table[1:]
    remain, free = left_after(n, events.sum(axis=0), nobody_left, sets.bounds)
    before = just_before(free, sets.bounds, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(nobody_left, 0.0, events.sum(axis=0) / (n * remain))
    steps = _Steps(n, remain, before, free, hazard)
    incidence = scan(before * events / n, sets.bounds)
    lengths = np.diff(sets.bounds)
    from_end = incidence - np.repeat(incidence[:, sets.bounds[1:] - 1], lengths, axis=1)
    if variance == "jackknife":
        free_variance, spread = _jackknife(sets, steps, from_end, events, event, group, weights, cluster)
    else:
        free_variance = scan(hazard, sets.bounds)
        parts = _multinomial if variance == "greenwood" else _counting
        spread = np.array([_quadratic(parts(steps, f, events, k), f, sets) for k, f in enumerate(from_end)])
    free_error = np.where(free > 0, np.sqrt(np.maximum(free_variance, 0.0)), np.inf)
    error = np.where(incidence > 0, np.sqrt(np.maximum(spread, 0.0)), 0.0)
    return Incidence(sets, n, censored, free, free_error, events, incidence, error)


Parts = tuple[FloatArray, FloatArray, FloatArray]


def _quadratic(parts: Parts, f: FloatArray, sets: RiskSets) -> FloatArray:
    """f² Σa − 2f Σb + Σc, where f is F_k less its last value: late steps, whose a is large, then weigh nothing."""
    a, b, c = (scan(part, sets.bounds) for part in parts)
    return f * f * a - 2 * f * b + c


def _multinomial(steps: _Steps, f: FloatArray, events: FloatArray, cause: int) -> Parts:
    share = events[cause] / steps.n
    cross = steps.before * share / steps.n
    own = steps.before**2 * share * (1 - share) / steps.n
    return steps.hazard, f * steps.hazard + cross, f * (f * steps.hazard + 2 * cross) + own


def _counting(steps: _Steps, f: FloatArray, events: FloatArray, cause: int) -> Parts:
    with np.errstate(divide="ignore"):
        inverse = np.where(steps.after > 0, 1 / steps.after, 0.0)
    own, others = (
        steps.before**2 * d * one_less(d, steps.n) / steps.n**2
        for d in (events[cause], events.sum(axis=0) - events[cause])
    )
    a = (own + others) * inverse**2
    return a, own * inverse + a * f, own * (1 + f * inverse) ** 2 + others * (f * inverse) ** 2


def _jackknife(
    sets: RiskSets,
    steps: _Steps,
    from_end: FloatArray,
    events: FloatArray,
    event: IntArray,
    group: IntArray | None,
    weights: FloatArray | None,
    cluster: IntArray | None,
) -> tuple[FloatArray, FloatArray]:
    """Σ over clusters of (Σ w_i ∂F_k(t)/∂w_i)², and of (Σ w_i ∂log S(t)/∂w_i)², at each cell.

    With f = F_k less its last value, a row's influence is f(t) L(t) + B(t). While it is at risk L and B follow common
    curves A = Σ d/(n(n − d)) and C = −Σ (S(u−) d_k/n² + f(u) d/(n(n − d))); its own event adds −1/(n − d) to L, and to
    B f/(n − d) and, if of cause k, S(u−)/n.
    """
    with np.errstate(divide="ignore"):
        jump = np.where(steps.remain > 0, 1 / steps.remain, 0.0)
    a = scan(steps.hazard, sets.bounds)
    c = -scan(steps.before * events / steps.n**2 + from_end * steps.hazard, sets.bounds)
    pp, pw, ww = (np.zeros(sets.size) for _ in range(3))
    pq, qq, qw = (np.zeros_like(events) for _ in range(3))
    for block in blocks(sets, group, cluster):
        rows = block.rows
        last, what = sets.last[rows], event[rows]
        w = np.ones(len(rows)) if weights is None else weights[rows]
        p = states(sets, rows, w, a, np.where(what > 0, -w * jump[last], 0.0))
        there = (w, np.zeros(len(w)))
        pp += block.jumps(p)
        pw += block.jumps(p, there)
        ww += block.jumps(there)
        for k in range(len(events)):
            own = np.where(what > 0, (from_end[k] * jump)[last], 0.0)
            own += np.where(what == k + 1, (steps.before / steps.n)[last], 0.0)
            q = states(sets, rows, w, c[k], w * own)
            pq[k] += block.jumps(p, q)
            qq[k] += block.jumps(q)
            qw[k] += block.jumps(q, there)
    pp, pw, ww, pq, qq, qw = (scan(total, sets.bounds) for total in (pp, pw, ww, pq, qq, qw))
    together = from_end * a + c
    spread = from_end * (from_end * pp + 2 * pq) + qq + together * (2 * (from_end * pw + qw) + together * ww)
    return pp + a * (2 * pw + a * ww), spread
