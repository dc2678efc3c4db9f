"""The product-limit estimate in numbers: curves by group, Greenwood's and the jackknife variance, limits, quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from impact.survival.numbers.influence import Influence
from impact.survival.riskset import FloatArray, IntArray, RiskSets, TimeRanks, risk_sets, scan

CONF_TYPES = ("log-log", "log", "plain", "arcsine")
LEVEL_SLACK = 1.5e-8


@dataclass(frozen=True, slots=True)
class ProductLimit:
    """Curves on cells (one for each group and distinct time, censored times included).

    Attributes
    ----------
    time, n_risk, n_event, n_censored, survival, log_error : (K,) float
        Weighted sums; `log_error` is the standard error of log S(t).
    bounds : (G + 1,) int
        The cells of group g are ``bounds[g]:bounds[g + 1]``.
    """

    time: FloatArray
    n_risk: FloatArray
    n_event: FloatArray
    n_censored: FloatArray
    survival: FloatArray
    log_error: FloatArray
    bounds: IntArray


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
    n_event, n_censored, n_risk = deaths, _, people = _counts(sets, event, None)
    if weights is not None:
        n_event, n_censored, n_risk = _counts(sets, event, weights)
    nobody_left = deaths == people
    remain = np.where(nobody_left, 0.0, n_risk - n_event)
    survival = scan(remain / n_risk, sets.bounds, product=True)
    with np.errstate(divide="ignore"):
        step = n_event / (n_risk * remain)
    if robust:
        variance = _jackknife(sets, np.where(nobody_left, 0.0, step), remain, event, group, weights, cluster)
        variance[survival == 0] = np.inf
    else:
        variance = scan(step, sets.bounds)
    return ProductLimit(sets.times, n_risk, n_event, n_censored, survival, np.sqrt(variance), sets.bounds)


def _counts(sets: RiskSets, event: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Those with the event, those who leave without it, and those at risk, in each cell; sums of `weights`."""
    died = event if weights is None else event * weights
    deaths = np.bincount(sets.last, died, sets.size).astype(float)
    leaving = np.bincount(sets.last, weights, sets.size).astype(float)
    stayed = leaving - deaths
    if weights is not None:
        stayed = np.bincount(sets.last, weights - died, sets.size).astype(float)
    come = 0.0 if sets.before is None else np.bincount(sets.before, weights, sets.size + 1)[: sets.size]
    return deaths, stayed, scan(leaving - come, sets.bounds, reverse=True)


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
    w = np.ones(len(event)) if weights is None else weights
    passed = scan(step, sets.bounds)
    with np.errstate(divide="ignore", invalid="ignore"):
        last_step = np.where((event == 1) & (remain[sets.last] > 0), -w / remain[sets.last], 0.0)
    return Influence(sets, w, passed, last_step, group, cluster).squares()


def limits(survival: FloatArray, log_error: FloatArray, level: float, conf_type: str) -> tuple[FloatArray, FloatArray]:
    """Pointwise interval of S(t) from the standard error of log S(t), on the scale of `conf_type`, within 0 and 1.

    NaN where the scale has none: S = 0 for every type, S = 1 for log-log and arcsine (Klein and Moeschberger 2003,
    section 4.3).
    """
    reach = float(scipy.special.ndtri(0.5 + level / 2)) * log_error
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        s = np.where(survival > 0, survival, np.nan)
        if conf_type == "plain":
            low, high = s - reach * s, s + reach * s
        elif conf_type == "log":
            low, high = s * np.exp(-reach), s * np.exp(reach)
        elif conf_type == "log-log":
            s = np.where(s < 1, s, np.nan)
            centre, half = np.log(-np.log(s)), reach / np.log(s)
            low, high = np.exp(-np.exp(centre - half)), np.exp(-np.exp(centre + half))
        else:
            s = np.where(s < 1, s, np.nan)
            centre, half = np.arcsin(np.sqrt(s)), reach / 2 * np.sqrt(s / (1 - s))
            low, high = np.sin(np.maximum(centre - half, 0)) ** 2, np.sin(np.minimum(centre + half, np.pi / 2)) ** 2
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def crossing(time: FloatArray, curve: FloatArray, target: float) -> float:
    """The first time at which a step curve is at `target` or below; NaN where it never falls so far.

    Where the curve lies flat on the target, the middle of that stretch.

    Examples
    --------
    >>> crossing(np.array([2.0, 5.0, 9.0]), np.array([0.8, 0.5, 0.2]), 0.5)
    7.0
    """
    known = ~np.isnan(curve)
    time, curve = time[known], curve[known]
    reached = np.flatnonzero(curve <= target + LEVEL_SLACK)
    if not len(reached):
        return float("nan")
    first = time[reached[0]]
    below = np.flatnonzero(curve < target - LEVEL_SLACK)
    flat = abs(curve[reached[0]] - target) <= LEVEL_SLACK
    return float((first + time[below[0]]) / 2) if flat and len(below) else float(first)
