"""Families of time to an event in numbers: log survival and log hazard with their first and second derivatives.

Each depends on a linear predictor u, one for each row, and (but for the exponential) one further parameter a. In the
accelerated failure families u is the location of log t and a the log of its scale; in Gompertz's u is the log rate at
time 0 and a the shape, h(t) = exp(u + a t).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import scipy

from impact.survival.riskset import FloatArray

SERIES_TERMS = 16
NEAR = 0.5
LOG_ROOT_TWO_PI = 0.9189385332046727


class Jet(NamedTuple):
    """A function of (u, a) with its derivatives, each (n,)."""

    value: FloatArray
    u: FloatArray
    a: FloatArray
    uu: FloatArray
    ua: FloatArray
    aa: FloatArray


class Family(ABC):
    """One family; `ancillary` names its further parameter in results, or is empty where there is none."""

    words: str
    ancillary = "log(scale)"
    accelerated = True

    @abstractmethod
    def log_survival(self, t: FloatArray, u: FloatArray, a: float) -> Jet:
        """log S(t), t > 0."""

    @abstractmethod
    def log_hazard(self, t: FloatArray, u: FloatArray, a: float) -> Jet:
        """log h(t), t > 0."""

    @abstractmethod
    def log_quantile(self, p: FloatArray, u: FloatArray, a: float) -> Jet:
        """The log of the time by which a share p (0 < p < 1) has had the event; infinite where it never is."""


class _Accelerated(Family):
    """log T = u + exp(a) ε for a standard ε."""

    @abstractmethod
    def _survival(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """log S of ε and its two derivatives."""

    @abstractmethod
    def _hazard(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """log h of ε and its two derivatives."""

    @abstractmethod
    def _quantile(self, p: FloatArray) -> FloatArray:
        """The quantile of ε."""

    def log_survival(self, t: FloatArray, u: FloatArray, a: float) -> Jet:
        scale = np.exp(a)
        z = (np.log(t) - u) / scale
        return _of_standard(z, scale, *self._survival(z))

    def log_hazard(self, t: FloatArray, u: FloatArray, a: float) -> Jet:
        scale = np.exp(a)
        log_t = np.log(t)
        z = (log_t - u) / scale
        jet = _of_standard(z, scale, *self._hazard(z))
        return jet._replace(value=jet.value - a - log_t, a=jet.a - 1)

    def log_quantile(self, p: FloatArray, u: FloatArray, a: float) -> Jet:
        spread = np.exp(a) * self._quantile(p)
        one, zero = np.ones_like(u), np.zeros_like(u)
        return Jet(u + spread, one, spread + zero, zero, zero, spread + zero)


def _of_standard(z: FloatArray, scale: float, g: FloatArray, g1: FloatArray, g2: FloatArray) -> Jet:
    """The chain rule for g(z), z = (log t − u) / exp(a)."""
    return Jet(g, -g1 / scale, -z * g1, g2 / scale**2, (z * g2 + g1) / scale, z * (z * g2 + g1))


class Weibull(_Accelerated):
    """ε is the least extreme value: S = exp(−exp(z))."""

    words = "Weibull"

    def _survival(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        value = -np.exp(z)
        return value, value, value

    def _hazard(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        return z, np.ones_like(z), np.zeros_like(z)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(np.log(-np.log1p(-p)))


class Exponential(Weibull):
    """The Weibull of scale 1."""

    words = "Exponential"
    ancillary = ""


class LogLogistic(_Accelerated):
    """ε is logistic: S = 1 / (1 + exp(z))."""

    words = "Log-logistic"

    def _survival(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        p = scipy.special.expit(z)
        return -np.logaddexp(0, z), -p, -p * scipy.special.expit(-z)

    def _hazard(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        q = scipy.special.expit(-z)
        return -np.logaddexp(0, -z), q, -q * scipy.special.expit(z)

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(scipy.special.logit(p))


class LogNormal(_Accelerated):
    """ε is normal."""

    words = "Log-normal"

    def _survival(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        value = scipy.special.log_ndtr(-z)
        rate = np.exp(-z * z / 2 - LOG_ROOT_TWO_PI - value)
        return value, -rate, -rate * (rate - z)

    def _hazard(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        log_rate = -z * z / 2 - LOG_ROOT_TWO_PI - scipy.special.log_ndtr(-z)
        rate = np.exp(log_rate)
        return log_rate, rate - z, rate * (rate - z) - 1

    def _quantile(self, p: FloatArray) -> FloatArray:
        return np.asarray(scipy.special.ndtri(p))


class Gompertz(Family):
    """h(t) = exp(u + a t); a < 0 leaves a share exp(exp(u) / a) who never have the event."""

    words = "Gompertz"
    ancillary = "shape"
    accelerated = False

    def log_survival(self, t: FloatArray, u: FloatArray, a: float) -> Jet:
        rate = np.exp(u)
        f, f1, f2 = growth(a * t)
        h, h1, h2 = -rate * t * f, -rate * t**2 * f1, -rate * t**3 * f2
        return Jet(h, h, h1, h, h1, h2)

    def log_hazard(self, t: FloatArray, u: FloatArray, a: float) -> Jet:
        zero = np.zeros_like(u)
        return Jet(u + a * t, np.ones_like(u), t + zero, zero, zero, zero)

    def log_quantile(self, p: FloatArray, u: FloatArray, a: float) -> Jet:
        """From a t φ(a t) = a x with x = −log(1 − p) exp(−u): t = log(1 + a x) / a."""
        x = -np.log1p(-p) * np.exp(-u)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(a * x > -1, np.log1p(a * x) / a if a else x, np.inf)
            reached = np.isfinite(t)
            seen = np.where(reached, t, 1.0)
            f, f1, _ = growth(a * seen)
            slope = np.exp(a * seen)
            by_u, by_a = -seen * f / slope, -(seen**2) * f1 / slope
            missing = np.full_like(u, np.nan)
            value = np.where(reached, np.log(seen), np.inf)
        first = [np.where(reached, part / seen, np.nan) for part in (by_u, by_a)]
        return Jet(value, first[0], first[1], missing, missing, missing)


def growth(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """φ(x) = (exp(x) − 1) / x and its two derivatives, by series near 0.

    Examples
    --------
    >>> [part.round(6).tolist() for part in growth(np.array([0.0, 1.0]))]
    [[1.0, 1.718282], [0.5, 1.0], [0.333333, 0.718282]]
    """
    near = np.abs(x) < NEAR
    if near.all():
        return _growth_series(x)
    y = np.where(near, 1.0, x)
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(y)
        far = (np.expm1(y) / y, (e * (y - 1) + 1) / y**2, (e * (y * y - 2 * y + 2) - 2) / y**3)
    if not near.any():
        return far
    close = _growth_series(x[near])
    for whole, part in zip(far, close, strict=True):
        whole[near] = part
    return far


def _growth_series(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Σ xᵏ / (k + 1)! and its two derivatives, by Horner's rule."""
    first, second, third = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for k in range(SERIES_TERMS, -1, -1):
        factor = 1 / float(scipy.special.factorial(k + 1))
        first = first * x + factor
        if k >= 1:
            second = second * x + k * factor
        if k >= 2:
            third = third * x + k * (k - 1) * factor
    return first, second, third


FAMILIES: dict[str, Family] = {
    "exponential": Exponential(),
    "weibull": Weibull(),
    "lognormal": LogNormal(),
    "loglogistic": LogLogistic(),
    "gompertz": Gompertz(),
}
