"""Two surveys of which some, all or no people are known to be the same, as plain arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from impact.distance.regression import NAN, Mean, difference, one_mean, student
from impact.frames import FloatArray

FEWEST_PAIRS = 3
PAIRED, PARTLY, UNPAIRED = "paired", "partly paired", "unpaired"


@dataclass(frozen=True, slots=True)
class TwoMeans:
    """The mean after less the mean before, the correlation used (NaN where none was) and which test it is."""

    found: Mean
    correlation: float
    method: str


def two_means(
    paired_before: FloatArray, paired_after: FloatArray, alone_before: FloatArray, alone_after: FloatArray, level: float
) -> TwoMeans:
    """The difference of two means with its t interval, each person used once or twice as they were seen.

    With n_c pairs, n_a people seen before only and n_b after only, n_1 = n_a + n_c and n_2 = n_b + n_c, the means and
    variances are of everyone in each survey and r is the correlation of the pairs. The squared standard error is
    s_1²/n_1 + s_2²/n_2 − 2 r s_1 s_2 n_c / (n_1 n_2), on (n_c − 1) + (γ − n_c + 1) (n_a + n_b) / (n_a + n_b + 2 n_c)
    degrees of freedom, γ being Welch's (Derrick, Russ, Toher and White 2017, the test for unequal variances). Without
    pairs that is Welch's test, with nothing else the paired t test. With fewer than three pairs among others no
    correlation can be told, and all are taken as independent, which is cautious where the pairs agree at all.

    Parameters
    ----------
    paired_before, paired_after : array of float, shape (n_c,)
        Both readings of each person known to have two.
    alone_before, alone_after : array of float, shapes (n_a,) and (n_b,)
        Readings of everyone else.
    level : float
        Confidence level.

    Examples
    --------
    >>> none = np.empty(0)
    >>> two_means(none, none, np.array([1.0, 2, 3]), np.array([4.0, 5, 6]), 0.95).found.df
    4.0
    """
    pairs, others = len(paired_before), len(alone_before) + len(alone_after)
    if not others:
        found = one_mean(paired_after - paired_before, level)
        return TwoMeans(found, _correlation(paired_before, paired_after), PAIRED)
    before, after = np.concatenate([paired_before, alone_before]), np.concatenate([paired_after, alone_after])
    independent = difference(after, before, level)
    if pairs < FEWEST_PAIRS or not np.isfinite(independent.df):
        return TwoMeans(independent, NAN, UNPAIRED)
    correlation = _correlation(paired_before, paired_after)
    shared = correlation * float(before.std(ddof=1)) * float(after.std(ddof=1))
    covariance = shared * pairs / (len(before) * len(after)) if np.isfinite(correlation) else 0.0
    std_error = math.sqrt(independent.std_error**2 - 2 * covariance)
    df = pairs - 1 + (independent.df - pairs + 1) * others / (others + 2 * pairs)
    return TwoMeans(student(independent.estimate, std_error, df, level), correlation, PARTLY)


def _correlation(before: FloatArray, after: FloatArray) -> float:
    """Pearson's; NaN without spread, where readings cannot go together."""
    if len(before) < FEWEST_PAIRS or not float(np.ptp(before)) > 0 or not float(np.ptp(after)) > 0:
        return NAN
    return float(np.corrcoef(before, after)[0, 1])
