"""A linear mixed model with a random intercept and slope, as plain arrays: the likelihood from sums over each person.

For each person only Z'Z (2 × 2) and Z'[X y] (2 × (p + 1)) are kept; the deviance, profiled over the coefficients and
the residual variance, is then a function of three numbers (Laird and Ware 1982; Bates and DebRoy 2004, through a
penalised least-squares problem), with its gradient in the same sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from impact.errors import ConvergenceError
from impact.frames import BoolArray, FloatArray, IntArray

Deviance = Callable[[FloatArray], tuple[float, FloatArray]]
START = np.array([1.0, 0.0, 1.0])
WIDTH = 1e-5
EXACT = 1e-12
NO_SPREAD = "no spread is left over from which an interval could be learnt."


@dataclass(frozen=True, slots=True)
class MixedFit:
    """Estimates of a mixed model.

    Attributes
    ----------
    coefficients : (p,) float
    covariance : (p, p) float
        Of the coefficients.
    random : (2, 2) float
        Covariance of the random intercept and slope; zeros where there is no slope.
    residual : float
        Residual variance.
    log_likelihood : float
        Restricted where `restricted`.
    restricted : bool
    singular : bool
        Whether the random effects lie on the edge of what they can be.
    slopes : (m, p, p) float
        Derivatives of `covariance` by the numbers that make the variances.
    unsure : (m, m) float
        Covariance of those numbers.
    """

    coefficients: FloatArray
    covariance: FloatArray
    random: FloatArray
    residual: float
    log_likelihood: float
    restricted: bool
    singular: bool
    slopes: FloatArray
    unsure: FloatArray

    def df(self, rows: FloatArray) -> FloatArray:
        """Satterthwaite's degrees of freedom of sums of the coefficients (Giesbrecht and Burns 1985; Fai and Cornelius
        1996): twice the variance squared over the variance of the variance.

        Parameters
        ----------
        rows : (r, p) float
            What each coefficient counts in each sum.
        """
        variance = np.einsum("ri,ij,rj->r", rows, self.covariance, rows)
        slope = np.einsum("ri,mij,rj->rm", rows, self.slopes, rows)
        return np.asarray(2 * variance**2 / np.einsum("rm,mk,rk->r", slope, self.unsure, slope))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over each person's readings: Z'Z as three numbers, Z'Q and Z'r for either column of Z."""

    ones: FloatArray
    slope: FloatArray
    square: FloatArray
    q0: FloatArray
    q1: FloatArray
    r0: FloatArray
    r1: FloatArray
    rss: float
    n: int


def mixed(
    matrix: FloatArray, outcome: FloatArray, time: FloatArray | None, person: IntArray, *, reml: bool
) -> MixedFit:
    """Fit y = Xβ + b₀ + b₁t + e, (b₀, b₁) normal with any covariance, e normal.

    Parameters
    ----------
    matrix : (n, p) float
        X, of full rank.
    outcome : (n,) float
    time : (n,) float or None
        t; None for a random intercept alone.
    person : (n,) int
        Codes of the people, in order.
    reml : bool
        Whether the likelihood is restricted (Patterson and Thompson 1971).

    Raises
    ------
    ConvergenceError
        Where no maximum is reached, or scores are fitted exactly.
    """
    n, p = matrix.shape
    q, r = np.linalg.qr(matrix)
    ordinary = q.T @ outcome
    residual = outcome - q @ ordinary
    if not float(residual @ residual) > EXACT**2 * float(outcome @ outcome):
        raise ConvergenceError(f"Every score lies on the curve itself: {NO_SPREAD}")
    scale = 1.0 if time is None else float(np.sqrt((time**2).mean()))
    sums = _sums(q, residual, np.zeros(n) if time is None else time / scale, person)
    free = [0] if time is None else [0, 1, 2]
    theta, fixed = _maximised(sums, free, reml)
    deviance, beta, inverse, rss = _profile(theta, sums, reml)[:4]
    variance = rss / (n - p if reml else n)
    back = np.linalg.inv(r)
    factor = np.array([[theta[0], 0.0], [theta[1] / scale, theta[2] / scale]])
    if reml:
        deviance += 2 * float(np.log(np.abs(np.diag(r))).sum())
    slopes, unsure = _uncertain(theta, np.array(free)[~fixed], variance, sums, reml)
    return MixedFit(
        back @ (ordinary + beta),
        variance * back @ inverse @ back.T,
        variance * factor @ factor.T,
        variance,
        -deviance / 2,
        reml,
        bool(fixed.any()),
        back @ slopes @ back.T,
        unsure,
    )


def _sums(q: FloatArray, residual: FloatArray, time: FloatArray, person: IntArray) -> _Sums:
    starts = np.flatnonzero(np.r_[True, person[1:] != person[:-1]])

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(values, starts, axis=0))

    return _Sums(
        np.diff(np.r_[starts, len(person)]).astype(float),
        total(time),
        total(time**2),
        total(q),
        total(q * time[:, None]),
        total(residual),
        total(residual * time),
        float(residual @ residual),
        len(person),
    )


def _maximised(sums: _Sums, free: list[int], reml: bool) -> tuple[FloatArray, BoolArray]:
    """The three numbers of the factor of the random effects, and which of those free lie on their edge."""

    def whole(values: FloatArray) -> FloatArray:
        theta = np.zeros(3)
        theta[free] = values
        return theta

    def deviance(values: FloatArray) -> tuple[float, FloatArray]:
        theta = whole(values)
        found = _profile(theta, sums, reml)
        residual = found[3] / (sums.n - (len(found[1]) if reml else 0))
        return found[0], _gradient(theta, sums, reml, found, residual)[free]

    bounds = [(None, None) if place == 1 else (0.0, None) for place in free]
    found = scipy.optimize.minimize(
        deviance,
        START[free],
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-14, "gtol": 1e-9 * sums.n, "maxiter": 500},
    )
    values = _polished(np.asarray(found.x), deviance)
    gradient = deviance(values)[1]
    held = np.array([place != 1 and value < 1e-6 for place, value in zip(free, values, strict=True)])
    if not np.isfinite(values).all() or np.abs(gradient[~held]).max(initial=0.0) > 1e-4 * sums.n:
        raise ConvergenceError("The mixed model has no maximum that could be reached: try a simpler one.")
    return whole(values), held


def _uncertain(
    theta: FloatArray, free: IntArray, variance: float, sums: _Sums, reml: bool
) -> tuple[FloatArray, FloatArray]:
    """Derivatives of the covariance by what is free of the random effects and by the residual variance; the covariance
    of those numbers, twice the inverse of the second derivatives of the deviance."""
    inverse, rss = _profile(theta, sums, reml)[2:4]
    many = len(free) + 1
    bend, slopes = np.empty((many, many)), np.empty((many, *inverse.shape))
    slopes[-1] = inverse
    for row, step in enumerate(WIDTH * np.eye(3)[free]):
        ends = [_profile(theta + sign * step, sums, reml) for sign in (1, -1)]
        slopes[row] = variance * (ends[0][2] - ends[1][2]) / (2 * WIDTH)
        gradients = [
            _gradient(theta + sign * step, sums, reml, end, variance) for sign, end in zip((1, -1), ends, strict=True)
        ]
        bend[row, :-1] = ((gradients[0] - gradients[1]) / (2 * WIDTH))[free]
        bend[row, -1] = bend[-1, row] = -(ends[0][3] - ends[1][3]) / (2 * WIDTH) / variance**2
    bend[-1, -1] = rss / variance**3
    return slopes, np.asarray(2 * np.linalg.inv((bend + bend.T) / 2))


def _polished(values: FloatArray, deviance: Deviance) -> FloatArray:
    """A few Newton steps on the analytic gradient, where the maximum is not on an edge."""
    if np.abs(values[[0, -1]]).min() < 1e-3:
        return values
    for _ in range(3):
        at, gradient = deviance(values)
        hessian = np.stack(
            [
                (deviance(values + WIDTH * step)[1] - deviance(values - WIDTH * step)[1]) / (2 * WIDTH)
                for step in np.eye(len(values))
            ]
        )
        try:
            trial = values - np.linalg.solve((hessian + hessian.T) / 2, gradient)
        except np.linalg.LinAlgError:
            return values
        if trial[0] <= 0 or trial[-1] <= 0 or deviance(trial)[0] > at + 1e-9 * abs(at):
            return values
        values = trial
    return values


_Profile = tuple[float, FloatArray, FloatArray, float, tuple[FloatArray, ...]]


def _profile(theta: FloatArray, sums: _Sums, reml: bool) -> _Profile:
    """The deviance, coefficients beyond least squares, the inverse of Q'V⁻¹Q, the residual sum, Cholesky factors."""
    a, b, c = theta
    k11 = a * (sums.ones * a + 2 * sums.slope * b) + b * b * sums.square
    k12 = c * (a * sums.slope + b * sums.square)
    l11 = np.sqrt(1 + k11)
    l21 = k12 / l11
    l22 = np.sqrt(np.maximum(1 + c * c * sums.square - l21**2, 1e-300))
    v1 = (a * sums.q0 + b * sums.q1) / l11[:, None]
    v2 = (c * sums.q1 - l21[:, None] * v1) / l22[:, None]
    w1 = (a * sums.r0 + b * sums.r1) / l11
    w2 = (c * sums.r1 - l21 * w1) / l22
    p = sums.q0.shape[1]
    xx = np.eye(p) - v1.T @ v1 - v2.T @ v2
    xy = -(v1.T @ w1 + v2.T @ w2)
    root = np.linalg.cholesky(xx)
    half = scipy.linalg.solve_triangular(root, xy, lower=True)
    rss = sums.rss - float(w1 @ w1 + w2 @ w2) - float(half @ half)
    if not rss > EXACT * sums.rss:
        raise ConvergenceError(f"Every score lies on its person's own line: {NO_SPREAD}")
    beta = scipy.linalg.solve_triangular(root.T, half)
    deviance = 2 * float(np.log(l11).sum() + np.log(l22).sum())
    free = sums.n
    if reml:
        deviance += 2 * float(np.log(np.diag(root)).sum())
        free -= p
    deviance += free * (1 + math.log(2 * math.pi * rss / free))
    return deviance, beta, np.linalg.inv(xx), rss, (l11, l21, l22)


def _gradient(theta: FloatArray, sums: _Sums, reml: bool, found: _Profile, variance: float) -> FloatArray:
    """Derivatives of the deviance, at a residual variance, by the three numbers of the factor of the random effects."""
    a, b, c = theta
    _, beta, inverse, _, (l11, l21, l22) = found

    def solved(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Λ M⁻¹ Λ' times a vector of each person."""
        shape = (-1,) + (1,) * (first.ndim - 1)
        one, two, three = (values.reshape(shape) for values in (l11, l21, l22))
        low = (a * first + b * second) / one
        high = (c * second - two * low) / three**2
        low = (low - two * high) / one
        return low, high

    w0, w1 = sums.r0 - sums.q0 @ beta, sums.r1 - sums.q1 @ beta
    u0, u1 = solved(w0, w1)
    b0, b1 = a * u0, b * u0 + c * u1
    e0 = w0 - sums.ones * b0 - sums.slope * b1
    e1 = w1 - sums.slope * b0 - sums.square * b1
    by_rss = -2 * np.array([e0 @ u0, e1 @ u0, e1 @ u1])
    m11 = 1 / l11**2 + (l21 / (l11 * l22)) ** 2
    m12, m22 = -l21 / (l11 * l22**2), 1 / l22**2
    s0, s1 = sums.ones * a + sums.slope * b, sums.slope * a + sums.square * b
    t0, t1 = c * sums.slope, c * sums.square
    by_log = 2 * np.array([(s0 * m11 + t0 * m12).sum(), (s1 * m11 + t1 * m12).sum(), (s1 * m12 + t1 * m22).sum()])
    gradient = by_log + by_rss / variance
    if reml:
        x0, x1 = solved(sums.q0, sums.q1)
        y0, y1 = a * x0, b * x0 + c * x1
        p0 = sums.q0 - sums.ones[:, None] * y0 - sums.slope[:, None] * y1
        p1 = sums.q1 - sums.slope[:, None] * y0 - sums.square[:, None] * y1
        g00, g01, g11 = (float(((x.T @ y) * inverse).sum()) for x, y in ((p0, p0), (p0, p1), (p1, p1)))
        gradient -= 2 * np.array([g00 * a + g01 * b, g01 * a + g11 * b, g11 * c])
    return np.asarray(gradient, dtype=float)
