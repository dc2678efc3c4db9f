"""From the mean of each group to one measure of the difference, with its error, interval and p-value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.errors import ConvergenceError
from impact.frames import FloatArray
from impact.results import t_test

RISKS = ("risk_difference", "risk_ratio", "odds_ratio")
RATES = ("rate_difference", "rate_ratio")
RATIOS = ("risk_ratio", "odds_ratio", "rate_ratio")
MEASURES = (*RISKS, "mean_difference", *RATES)


@dataclass(frozen=True, slots=True)
class Inference:
    """What is said of one estimate; for ratios `std_error` and `statistic` are of the natural logarithm."""

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float


def values(treated: FloatArray, comparison: FloatArray, measure: str) -> FloatArray:
    """The measure, or its logarithm for a ratio, of pairs of means; not finite where a group has no events."""
    if measure not in RATIOS:
        return treated - comparison
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "odds_ratio":
            treated, comparison = treated / (1 - treated), comparison / (1 - comparison)
        return np.log(treated) - np.log(comparison)


def slopes(means: FloatArray, measure: str) -> FloatArray:
    """The slope of a measure (of its logarithm for a ratio) in the two means.

    Raises
    ------
    ConvergenceError
        Where a ratio is not finite.
    """
    one, other = means
    slope = np.array([1.0, -1.0])
    if measure in RATIOS:
        odds = measure == "odds_ratio"
        if min(one, other) <= 0 or (odds and max(one, other) >= 1):
            what = "no events, or nothing but events," if odds else "no events"
            raise ConvergenceError(
                f"One group has {what} so the {measure.replace('_', ' ')} is not finite. Use the difference instead."
            )
        slope = slope / (means * (1 - means) if odds else means)
    return np.asarray(slope)


def contrast(means: FloatArray, covariance: FloatArray, measure: str) -> tuple[float, float]:
    """The measure (its logarithm for a ratio) of two means, the treated first, and its delta-method error.

    Raises
    ------
    ConvergenceError
        Where a ratio is not finite.
    """
    slope = slopes(means, measure)
    value = float(values(means[:1], means[1:], measure)[0])
    return value, float(np.sqrt(max(float(slope @ covariance @ slope), 0.0)))


def infer(value: float, error: float, df: float, measure: str, level: float) -> Inference:
    """The t interval and test of a measure, or of its logarithm for a ratio; the normal where `df` is infinite."""
    made = t_test(value, error, df, level)
    found = [value, made.conf_low, made.conf_high]
    if measure in RATIOS:
        found = [float(np.exp(one)) for one in found]
    return Inference(found[0], error, made.statistic, made.p_value, found[1], found[2])
