"""Events and time at risk by pieces of follow-up, in numbers: rates, exact limits, and a robust variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from impact.survival.numbers.algebra import group_products
from impact.survival.riskset import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class PersonTime:
    """Sums by group and piece, G × P.

    Attributes
    ----------
    n : (G, P) int
        Rows at risk at some time in the piece.
    n_event : (G, P) float
        Events, as sums of weights.
    days : (G, P) float
        Time at risk, weighted.
    log_covariance : (P, G, G) float or None
        Of the log rates, robust; None where it was not asked for.
    """

    n: IntArray
    n_event: FloatArray
    days: FloatArray
    log_covariance: FloatArray | None


def person_time(
    duration: FloatArray,
    event: FloatArray,
    edges: FloatArray,
    codes: IntArray,
    n_groups: int,
    *,
    entry: FloatArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    robust: bool = False,
) -> PersonTime:
    """Split each row's time from entry to duration at `edges` (0, cuts, ∞); an event at a cut falls before it."""
    pieces = len(edges) - 1
    n = np.empty((n_groups, pieces), dtype=np.int64)
    n_event, days = np.empty((n_groups, pieces)), np.empty((n_groups, pieces))
    covariance = np.empty((pieces, n_groups, n_groups)) if robust else None
    start = np.zeros(len(duration)) if entry is None else entry
    for piece in range(pieces):
        low, high = edges[piece], edges[piece + 1]
        time = np.maximum(np.minimum(duration, high) - np.maximum(start, low), 0.0)
        here = (duration <= high) & ((duration > low) | (piece == 0))
        died = (event * here).astype(float)
        n[:, piece] = np.bincount(codes[(time > 0) | here], minlength=n_groups)
        if weights is not None:
            time, died = time * weights, died * weights
        days[:, piece] = np.bincount(codes, time, n_groups)
        n_event[:, piece] = np.bincount(codes, died, n_groups)
        if covariance is not None:
            covariance[piece] = _log_covariance(time, died, days[:, piece], n_event[:, piece], codes, cluster)
    return PersonTime(n, n_event, days, covariance)


def _log_covariance(
    time: FloatArray, died: FloatArray, days: FloatArray, n_event: FloatArray, codes: IntArray, cluster: IntArray | None
) -> FloatArray:
    """The sandwich of the Poisson score d − λ t, by cluster, divided by the events: the covariance of log rates."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (died - (n_event / days)[codes] * time) / n_event[codes]
    score[~np.isfinite(score)] = np.nan
    return group_products(score, codes, len(days), cluster)


def poisson_limits(count: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Exact limits of a Poisson mean (Garwood 1936).

    Examples
    --------
    >>> [limit.round(3) for limit in poisson_limits(np.array([0.0, 5.0]), 0.95)]
    [array([0.   , 1.623]), array([ 3.689, 11.668])]
    """
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(count > 0, scipy.stats.gamma.ppf(tail, np.maximum(count, 1e-300)), 0.0)
    return low, np.asarray(scipy.stats.gamma.ppf(1 - tail, count + 1))


def rate_ratio(
    counts: tuple[float, float], days: tuple[float, float], level: float
) -> tuple[float, float, float, float]:
    """The ratio of the second rate to the first, its exact limits and p-value, given the sum of the counts.

    The second count is then binomial (Przyborowski and Wilenski 1940); the limits are Clopper and Pearson's, the
    p-value twice the smaller tail, so that the two agree. NaN where there is no event or no time.
    """
    first, second = counts
    total = first + second
    if not (total > 0 and min(days) > 0):
        return (np.nan,) * 4
    tail = (1 - level) / 2
    low = scipy.stats.beta.ppf(tail, second, first + 1) if second else 0.0
    high = scipy.stats.beta.ppf(1 - tail, second + 1, first) if first else 1.0
    scale = days[0] / days[1]
    share = days[1] / (days[0] + days[1])
    below = scipy.stats.binom.cdf(second, total, share)
    above = scipy.stats.binom.sf(second - 1, total, share)
    ratio = second / first * scale if first else np.inf
    upper = high / (1 - high) * scale if high < 1 else np.inf
    return float(ratio), float(low / (1 - low) * scale), float(upper), float(min(1.0, 2 * min(below, above)))
