"""Regression to the mean as plain arrays: the change to be expected of people chosen for a poor score, and no more."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from impact.frames import FloatArray
from impact.results import t_test

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, or a difference of two, with its t test and interval; all but the estimate NaN without spread."""

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    df: float


def expected_change(before: FloatArray, mean: float, reliability: float) -> FloatArray:
    """What each person's change would be with no programme: (1 − r)(m − x).

    m is the mean of the population the people come from, r the correlation of two readings in it between which nothing
    is done (Galton 1886; Davis 1976, formula 1).

    Examples
    --------
    >>> expected_change(np.array([10.0, 30.0]), 20.0, 0.75).tolist()
    [2.5, -2.5]
    """
    return np.asarray((1 - reliability) * (mean - before), dtype=float)


def expected_beyond(mean: float, sd: float, reliability: float, cutoff: float, *, above: bool) -> float:
    """The mean change to be expected, with no programme, of everyone in a normal population beyond a cut-off.

    Of those above c it is −(1 − r) s φ(z) / (1 − Φ(z)) with z = (c − m) / s; of those below, the mirror image (James
    1973; Davis 1976; Barnett and others 2005, formula 1, with s² the variance between and within people).

    Parameters
    ----------
    mean, sd : float
        Of the population from which people were chosen.
    reliability : float
        Correlation of two readings in it.
    cutoff : float
        People at or beyond it were chosen.
    above : bool
        Whether those above it were.

    Examples
    --------
    >>> round(expected_beyond(58, 16, 0.76, 40, above=False), 2)
    6.24
    """
    z = (cutoff - mean) / sd * (1 if above else -1)
    hazard = math.exp(float(scipy.stats.norm.logpdf(z) - scipy.stats.norm.logsf(z)))
    return (1 - reliability) * sd * hazard * (-1 if above else 1)


def one_mean(values: FloatArray, level: float) -> Mean:
    """Student's t interval and test of a mean."""
    n = len(values)
    estimate = float(values.mean()) if n else NAN
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    size = float(np.abs(values).max(initial=0.0))
    return student(estimate, _floor(spread / math.sqrt(max(n, 1)), size), n - 1.0, level)


def difference(values: FloatArray, others: FloatArray, level: float) -> Mean:
    """Welch's t interval and test of a mean less another (Welch 1947)."""
    if not len(values) or not len(others):
        return Mean(*(NAN,) * 7)
    a, b = (float(x.var(ddof=1)) / len(x) if len(x) > 1 else NAN for x in (values, others))
    size = float(max(np.abs(values).max(), np.abs(others).max()))
    df = (a + b) ** 2 / (a**2 / (len(values) - 1) + b**2 / (len(others) - 1)) if a + b > 0 else NAN
    return student(float(values.mean() - others.mean()), _floor(math.sqrt(a + b), size), df, level)


def student(estimate: float, std_error: float, df: float, level: float) -> Mean:
    """A t test and interval from an estimate, its standard error and degrees of freedom."""
    if not std_error > 0:
        return Mean(estimate, NAN, NAN, NAN, NAN, NAN, NAN)
    found = t_test(estimate, std_error, df, level)
    return Mean(estimate, std_error, found.statistic, found.p_value, found.conf_low, found.conf_high, df)


def _floor(std_error: float, size: float) -> float:
    """A standard error, or none where it is only the dust of floating point."""
    return std_error if std_error > 1e-12 * size else NAN
