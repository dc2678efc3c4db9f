"""Survival, hazard and quantiles of a fitted family of timing, with standard errors by the delta method."""

from __future__ import annotations

import numpy as np
import scipy

from impact.survival.likelihoods.families import Family
from impact.survival.likelihoods.timing import Row, failing, free
from impact.survival.riskset import FloatArray

QUIET = np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


@QUIET
def log_free(family: Family, t: float, v: FloatArray | None, u: FloatArray, a: float) -> Row:
    """The log of the share without the event at t, of people with predictors (v, u)."""
    return free(family.log_survival(np.full_like(u, t), u, a), v)


@QUIET
def log_rate(family: Family, t: float, v: FloatArray | None, u: FloatArray, a: float) -> Row:
    """The log of the hazard at t among people without the event."""
    times = np.full_like(u, t)
    survival = family.log_survival(times, u, a)
    if v is None:
        hazard = family.log_hazard(times, u, a)
        zero = np.zeros_like(u)
        return Row(hazard.value, zero, hazard.u, hazard.a, zero, zero, zero, hazard.uu, hazard.ua, hazard.aa)
    density, rest = failing(survival, family.log_hazard(times, u, a), v), free(survival, v)
    return Row(*(d - r for d, r in zip(density, rest, strict=True)))


@QUIET
def log_time(
    family: Family, p: float, v: FloatArray | None, u: FloatArray, a: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The log of the time by which a share p of people have had the event, and its derivatives by v, u and a.

    Infinite, with derivatives that are NaN, where so many never have it.
    """
    share = np.ones_like(u) if v is None else scipy.special.expit(v)
    inside = np.minimum(p / share, 1.0)
    ever = inside < 1
    safe = np.where(ever, inside, 0.5)
    jet = family.log_quantile(safe, u, a)
    known = ever & np.isfinite(jet.value)
    by_v = np.zeros_like(u)
    if v is not None:
        t = np.exp(np.where(known, jet.value, 0.0))
        log_density = family.log_hazard(t, u, a).value + family.log_survival(t, u, a).value
        by_v = -safe * (1 - share) / (np.exp(log_density) * t)
    first = [np.where(known, part, np.nan) for part in (by_v, jet.u, jet.a)]
    return np.where(known, jet.value, np.inf), first[0], first[1], first[2]


def gradient(
    by_v: FloatArray, by_u: FloatArray, by_a: FloatArray, z: FloatArray | None, x: FloatArray, ancillary: bool
) -> FloatArray:
    """Derivatives by every parameter, (k, m), from those by the predictors; z (q, m) and x (p, m)."""
    parts = [by_u * x]
    if z is not None:
        parts.insert(0, by_v * z)
    if ancillary:
        parts.append(by_a[None, :])
    return np.concatenate(parts)


@QUIET
def delta_error(slopes: FloatArray, covariance: FloatArray) -> FloatArray:
    """The standard error of each of m functions of the parameters whose derivatives are the columns of `slopes`."""
    return np.sqrt(np.maximum(np.einsum("im,ij,jm->m", slopes, covariance, slopes, optimize=True), 0.0))
