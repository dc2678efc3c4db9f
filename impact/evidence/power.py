"""How large a difference a comparison of this size could find, and how many people a difference would need."""

from __future__ import annotations

import math

import numpy as np
import scipy

from impact.errors import InputError
from impact.frames import IntArray, check_level


def minimum_detectable_difference(
    n_treated: float, n_comparison_effective: float, rate: float, *, power: float = 0.8, level: float = 0.95
) -> float:
    """The smallest difference of two rates that would be found significant with the given power.

    (z₁₋α⸝₂ + z_power) √(rate (1 − rate) (1/n₁ + 1/n₀)): the normal approximation with the same rate in both groups
    (Fleiss, Levin and Paik 2003, chapter 4), for a two-sided test.

    Parameters
    ----------
    n_treated, n_comparison_effective : float
        People who took part, and the comparison group's effective number.
    rate : float
        Rate of the outcome, strictly between 0 and 1; usually the comparison group's.
    power, level : float
        Chance of finding the difference, and the confidence level of the test.

    Returns
    -------
    float
        A difference of proportions; it may exceed what the rate allows, which says that no difference could be found.

    Examples
    --------
    >>> round(minimum_detectable_difference(72, 100_000, 0.43), 3)
    0.164
    """
    _check(rate=rate, power=power, level=level)
    if not (n_treated > 0 and n_comparison_effective > 0):
        raise InputError("There must be people in both groups.")
    return _reach(power, level) * math.sqrt(rate * (1 - rate) * (1 / n_treated + 1 / n_comparison_effective))


def people_needed(
    n: int, difference: float, std_error: float, *, power: float = 0.8, level: float = 0.95
) -> int | None:
    """How many people who took part would be needed to find the present difference with the given power.

    n ((z₁₋α⸝₂ + z_power) · std_error / difference)²: the standard error shrinks with the root of the number of people,
    the comparison group growing in step. With a very large comparison group this is the usual formula for one rate.

    Parameters
    ----------
    n : int
        People who took part in the present analysis.
    difference, std_error : float
        The present estimate and its standard error.
    power, level : float
        Chance of finding the difference, and the confidence level of the test.

    Returns
    -------
    int or None
        None where the difference is nil: no number is enough.

    Examples
    --------
    >>> people_needed(72, 0.31 - 0.43, math.sqrt(0.31 * 0.69 / 72))
    117
    """
    _check(power=power, level=level)
    if not (n >= 1 and std_error > 0):
        raise InputError("There must be at least one person and a standard error above 0.")
    if abs(difference) < 1e-9:
        return None
    return math.ceil(n * (_reach(power, level) * std_error / difference) ** 2)


def planned_sizes(treated: IntArray, comparison: IntArray, *, ratio: int) -> tuple[int, float]:
    """People served, and the effective number of those they are compared with, before a caliper.

    Partners go in rounds within each stratum, everyone's first before anyone's second, each used once. A person with k
    partners gives each the weight 1/k, so (Σw)² / Σw² is served² / Σ 1/k.

    Parameters
    ----------
    treated, comparison : array of int, shape (strata,)
        How many there are of each.
    ratio : int
        Partners planned for each treated person.

    Examples
    --------
    >>> planned_sizes(np.array([10, 4]), np.array([500, 2]), ratio=5)
    (12, 36.0)
    """
    each, over = np.divmod(np.minimum(comparison, ratio * treated), np.maximum(treated, 1))
    with_more, with_each = over, np.where(each > 0, treated - over, 0)
    served = int(np.sum(with_more + with_each))
    spread = float(np.sum(with_more / (each + 1) + with_each / np.maximum(each, 1)))
    return served, served**2 / spread if served else 0.0


def _reach(power: float, level: float) -> float:
    return float(scipy.stats.norm.ppf(0.5 + level / 2) + scipy.stats.norm.ppf(power))


def _check(level: float, power: float, rate: float = 0.5) -> None:
    check_level(level)
    if not 0 < power < 1:
        raise InputError(f"power must lie between 0 and 1, not {power!r}.")
    if not 0 < rate < 1:
        raise InputError(f"rate must lie strictly between 0 and 1, not {rate!r}.")
