"""Paired categories as plain arrays: who moved which way, and whether the shares of the categories changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from impact.frames import FloatArray, IntArray

NAN = float("nan")
MOST_CONFIGURATIONS = 500_000
TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Direction:
    """How many moved up and down, the exact test that neither is likelier, and two sizes of it with their intervals."""

    difference: float
    conf_low: float
    conf_high: float
    p_value: float
    odds_ratio: float
    odds_low: float
    odds_high: float


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Stuart and Maxwell's test that every category is as common after as before; exact where that can be had."""

    statistic: float
    df: int
    p_value: float
    exact_p: float


def direction(up: int, down: int, n: int, level: float) -> Direction:
    """McNemar's exact test, which is the sign test where the categories are ordered.

    Given that so many moved, each way is as likely as the other: the p-value is twice the smaller tail of the binomial
    distribution, at most 1 (McNemar 1947; the exact form). The interval of the difference in shares, up less down, is
    Tango's score interval (Tango 1998); that of the odds ratio up to down is from Clopper and Pearson's interval of the
    share who moved up among those who moved.

    Parameters
    ----------
    up, down, n : int
        People who moved each way, and people in all.
    level : float
        Confidence level.

    Examples
    --------
    >>> round(direction(8, 1, 20, 0.95).p_value, 6)
    0.039062
    """
    if not n:
        return Direction(*(NAN,) * 7)
    moved = up + down
    low, high = _tango(up, down, n, level)
    if not moved:
        return Direction(0.0, low, high, NAN, NAN, NAN, NAN)
    p_value = min(1.0, 2 * float(scipy.stats.binom.cdf(min(up, down), moved, 0.5)))
    tail = (1 - level) / 2
    least = float(scipy.stats.beta.ppf(tail, up, down + 1)) if up else 0.0
    most = float(scipy.stats.beta.isf(tail, up + 1, down)) if down else 1.0
    ratio = up / down if down else math.inf
    return Direction((up - down) / n, low, high, p_value, ratio, _odds(least), _odds(most))


def homogeneity(counts: IntArray) -> Homogeneity:
    """The test of Stuart (1955) and Maxwell (1970) for a table of before (rows) by after (columns).

    The statistic is d' V⁻ d with d the change in each category's number and V its covariance given how many moved
    between each two categories; the degrees of freedom are the rank of V, so that categories between which nobody
    moved take none. The exact p-value counts every way those who moved could have moved, each pair of categories at
    even odds; it is NaN where there are more ways than `MOST_CONFIGURATIONS`.

    Parameters
    ----------
    counts : (k, k) int
        People by category before and after.

    Examples
    --------
    >>> found = homogeneity(np.array([[20, 10, 5], [3, 30, 15], [0, 5, 40]]))
    >>> round(found.statistic, 4), found.df, round(found.p_value, 4)
    (13.7647, 2, 0.001)
    """
    moved = counts + counts.T
    np.fill_diagonal(moved, 0)
    if not moved.any():
        return Homogeneity(NAN, 0, NAN, NAN)
    shift = (counts.sum(axis=0) - counts.sum(axis=1)).astype(float)
    covariance = (np.diag(moved.sum(axis=1)) - moved).astype(float)
    inverse = np.linalg.pinv(covariance, hermitian=True)
    df = len(covariance) - _components(moved)
    statistic = float(shift @ inverse @ shift)
    return Homogeneity(statistic, df, float(scipy.stats.chi2.sf(statistic, df)), _exact(moved, inverse, statistic))


def _components(moved: IntArray) -> int:
    return int(scipy.sparse.csgraph.connected_components(scipy.sparse.csr_array(moved), directed=False)[0])


def _exact(moved: IntArray, inverse: FloatArray, statistic: float) -> float:
    pairs = [(i, j, int(moved[i, j])) for i, j in zip(*np.nonzero(np.triu(moved)), strict=True)]
    if math.prod(m + 1 for _, _, m in pairs) > MOST_CONFIGURATIONS:
        return NAN
    shifts, chance = np.zeros((1, len(moved))), np.ones(1)
    for i, j, m in pairs:
        ways = np.arange(m + 1)
        step = np.zeros((m + 1, len(moved)))
        step[:, i], step[:, j] = m - 2 * ways, 2 * ways - m
        shifts = (shifts[:, None, :] + step[None, :, :]).reshape(-1, len(moved))
        chance = (chance[:, None] * scipy.stats.binom.pmf(ways, m, 0.5)[None, :]).reshape(-1)
    found = np.einsum("ij,jk,ik->i", shifts, inverse, shifts)
    return float(min(1.0, chance[found >= statistic * (1 - TIE)].sum()))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def _tango(up: int, down: int, n: int, level: float) -> tuple[float, float]:
    z = float(scipy.stats.norm.ppf(0.5 + level / 2))
    estimate = (up - down) / n

    def score(difference: float) -> float:
        b = -up - down + (2 * n - up + down) * difference
        c = -down * difference * (1 - difference)
        share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * share + difference * (1 - difference))
        distance = up - down - n * difference
        return (
            distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance) if distance else 0.0
        )

    def limit(sign: int) -> float:
        end = float(-sign)
        if abs(score(end)) <= z:
            return end
        return float(scipy.optimize.brentq(lambda at: score(at) - sign * z, estimate, end, xtol=1e-13, rtol=1e-14))

    return limit(1), limit(-1)
