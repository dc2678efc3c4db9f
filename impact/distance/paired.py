"""Paired readings as plain arrays: mean change, signed ranks and effect sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from impact.frames import FloatArray
from impact.results import t_test

EXACT_UP_TO = 50
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class SignedRank:
    """Wilcoxon's signed-rank test: the sum of the positive ranks, its two-sided p-value and how that was had."""

    statistic: float
    p_value: float
    method: str
    rank_biserial: float


@dataclass(frozen=True, slots=True)
class MeanChange:
    """The mean of the changes with its t interval and test, and its size against the spread of changes and scores."""

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    d_z: float
    d_av: float


def signed_rank(changes: FloatArray) -> SignedRank:
    """Wilcoxon's signed-rank test of changes symmetric about zero.

    Changes of zero are left out, as Wilcoxon did; equal sizes of change share their mean rank. Up to 50 non-zero
    changes the p-value is exact, given those ranks; beyond, it is normal with the correction for ties and for
    continuity (Hollander and Wolfe 1999, 3.1), as R's ``wilcox.test`` has it. The rank-biserial correlation is the
    share of the rank sum that is positive less the share that is negative (Kerby 2014).

    Parameters
    ----------
    changes : array of float, shape (n,)
        After less before, one for each person.

    Examples
    --------
    >>> signed_rank(np.array([1.0, 2.0, 3.0, 4.0, 5.0])).p_value
    0.0625
    """
    moved = changes[changes != 0]
    if not len(moved):
        return SignedRank(NAN, NAN, "none: no score changed", NAN)
    ranks = scipy.stats.rankdata(_levelled(np.abs(moved)))
    positive = float(ranks[moved > 0].sum())
    total = len(moved) * (len(moved) + 1) / 2
    if len(moved) <= EXACT_UP_TO:
        p_value, method = _exact(ranks, positive), "exact"
    else:
        p_value, method = _normal(ranks, positive), "normal"
    return SignedRank(positive, p_value, method, (2 * positive - total) / total)


def mean_change(before: FloatArray, after: FloatArray, level: float) -> MeanChange:
    """Student's paired t interval and test, with d_z and d_av.

    d_z is the mean change over the standard deviation of the changes; d_av over the mean of the standard deviations
    before and after (Lakens 2013). Both carry Hedges' exact correction for small samples on n - 1 degrees of freedom
    (Hedges 1981) and are NaN for fewer than three pairs. Where fewer than two pairs, or no spread among the changes,
    leave nothing to judge by, all but the mean is NaN.

    Parameters
    ----------
    before, after : array of float, shape (n,)
        The two readings of each person.
    level : float
        Confidence level.
    """
    n = len(before)
    changes = after - before
    estimate = float(changes.mean()) if n else NAN
    spread = float(changes.std(ddof=1)) if n > 1 else 0.0
    scale = float(max(np.abs(before).max(), np.abs(after).max())) if n else 0.0
    if spread <= 1e-12 * scale:
        return MeanChange(estimate, NAN, NAN, NAN, NAN, NAN, NAN, NAN)
    std_error = spread / math.sqrt(n)
    found = t_test(estimate, std_error, n - 1, level)
    correction = _hedges(n - 1)
    average = (float(before.std(ddof=1)) + float(after.std(ddof=1))) / 2
    return MeanChange(
        estimate,
        std_error,
        found.statistic,
        found.p_value,
        found.conf_low,
        found.conf_high,
        correction * estimate / spread,
        correction * estimate / average,
    )


def _levelled(sizes: FloatArray) -> FloatArray:
    """Sizes without the dust of floating point, so that 0.3 - 0.2 ties with 0.2 - 0.1."""
    return np.round(sizes / sizes.max(), 10)


def _exact(ranks: FloatArray, positive: float) -> float:
    doubled = np.rint(2 * ranks).astype(int)
    chance = np.ones(1)
    for rank in doubled:
        grown = np.zeros(len(chance) + rank)
        grown[: len(chance)] += chance / 2
        grown[rank:] += chance / 2
        chance = grown
    at = round(2 * positive)
    return float(min(1.0, 2 * min(chance[: at + 1].sum(), chance[at:].sum())))


def _normal(ranks: FloatArray, positive: float) -> float:
    n = len(ranks)
    tied = np.unique(ranks, return_counts=True)[1].astype(float)
    variance = n * (n + 1) * (2 * n + 1) / 24 - float((tied**3 - tied).sum()) / 48
    distance = positive - n * (n + 1) / 4
    z = (distance - math.copysign(0.5, distance)) / math.sqrt(variance) if distance else 0.0
    return float(min(1.0, 2 * scipy.stats.norm.sf(abs(z))))


def _hedges(df: int) -> float:
    if df < 2:
        return NAN
    return float(np.exp(scipy.special.gammaln(df / 2) - scipy.special.gammaln((df - 1) / 2)) / math.sqrt(df / 2))
