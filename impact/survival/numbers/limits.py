"""Limits of intervals, and where a curve crosses a level: what every estimate of the room shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from impact.errors import InputError
from impact.survival.riskset import FloatArray

SURVIVAL_TYPES = ("log-log", "log", "plain", "arcsine")
HAZARD_TYPES = ("log", "plain", "arcsine")
LEVEL_SLACK = 1.5e-8


def standard_errors(level: float) -> float:
    """How many standard errors an interval reaches to either side of its centre.

    Examples
    --------
    >>> round(standard_errors(0.95), 6)
    1.959964
    """
    return float(scipy.special.ndtri(0.5 + level / 2))


def survival_limits(
    survival: FloatArray, log_error: FloatArray, level: float, conf_type: str
) -> tuple[FloatArray, FloatArray]:
    """Pointwise interval of S(t) from the standard error of log S(t), on the scale of `conf_type`, within 0 and 1.

    NaN where the scale has none: S = 0 for every type, S = 1 for log-log and arcsine (Klein and Moeschberger 2003,
    section 4.3).
    """
    reach = standard_errors(level) * log_error
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


def hazard_limits(hazard: FloatArray, error: FloatArray, level: float, conf_type: str) -> tuple[FloatArray, FloatArray]:
    """Pointwise interval of a cumulative hazard or mean count on the scale of `conf_type`, never below 0; NaN at 0.

    Klein and Moeschberger (2003), section 4.3, and Bie, Borgan and Liestøl (1987) for the arcsine.
    """
    reach = standard_errors(level) * error
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        h = np.where(hazard > 0, hazard, np.nan)
        if conf_type == "plain":
            low, high = np.maximum(h - reach, 0.0), h + reach
        elif conf_type == "log":
            low, high = h * np.exp(-reach / h), h * np.exp(reach / h)
        else:
            centre, half = np.arcsin(np.exp(-h / 2)), reach / 2 / np.sqrt(np.expm1(h))
            low = -2 * np.log(np.sin(np.minimum(centre + half, np.pi / 2)))
            high = -2 * np.log(np.sin(np.maximum(centre - half, 0.0)))
    return low, high


def check_probabilities(probabilities: Sequence[float]) -> None:
    """Raise unless the shares whose times are asked for lie strictly between 0 and 1."""
    if not all(0 < probability < 1 for probability in probabilities):
        raise InputError("probabilities must lie between 0 and 1.")


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
