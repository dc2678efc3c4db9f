"""The product-limit estimate in numbers: curves by group, with Greenwood's variance or the jackknife's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.numbers.counts import Counts, count, left_after
from impact.survival.numbers.influence import squares
from impact.survival.riskset import FloatArray, IntArray, RiskSets, TimeRanks, risk_sets, scan


@dataclass(frozen=True, slots=True)
class ProductLimit:
    """Curves on cells (one for each group and distinct time, censored times included).

    Attributes
    ----------
    sets : RiskSets
    counts : Counts
    survival, log_error : (K,) float
        `log_error` is the standard error of log S(t), infinite where S(t) is 0.
    """

    sets: RiskSets
    counts: Counts
    survival: FloatArray
    log_error: FloatArray


def product_limit(
    ranks: TimeRanks,
    event: FloatArray,
    *,
    group: IntArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    robust: bool = False,
) -> ProductLimit:
    """S(t) = Π (1 − d/n), with Greenwood's variance or the infinitesimal jackknife's, summed by cluster."""
    sets = risk_sets(ranks, None, group)
    counts = count(sets, event, weights)
    remain, survival = left_after(counts.n_risk, counts.n_event, counts.nobody_left, sets.bounds)
    with np.errstate(divide="ignore"):
        step = counts.n_event / (counts.n_risk * remain)
    if robust:
        variance = _jackknife(sets, np.where(counts.nobody_left, 0.0, step), remain, event, group, weights, cluster)
        variance[survival == 0] = np.inf
    else:
        variance = scan(step, sets.bounds)
    return ProductLimit(sets, counts, survival, np.sqrt(variance))


def _jackknife(
    sets: RiskSets,
    step: FloatArray,
    remain: FloatArray,
    event: FloatArray,
    group: IntArray | None,
    weights: FloatArray | None,
    cluster: IntArray | None,
) -> FloatArray:
    """Σ over clusters of (Σ w_i ∂ log S(t) / ∂ w_i)², at each cell.

    With A(t) = Σ d / (n (n − d)), a row of weight 1 adds A(t) − A(entry) while at risk, and after its exit
    A(exit) − A(entry) − event / (n − d).
    """
    with np.errstate(divide="ignore"):
        jump = np.where(remain > 0, 1 / remain, 0.0)
    w = np.ones(len(event)) if weights is None else weights
    return squares(sets, w, scan(step, sets.bounds), -w * event * jump[sets.last], group, cluster)
