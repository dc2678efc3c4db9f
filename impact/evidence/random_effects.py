"""Random-effects meta-analysis, as functions of arrays: heterogeneity, its limits, coefficients and what is pooled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy

from impact.frames import FloatArray

NODES = 400


@dataclass(frozen=True, slots=True)
class Weighted:
    """Weighted least squares at one heterogeneity: coefficients, the inverse of their information, weights, residuals.

    `trace` is the trace of P = W − WX(X′WX)⁻¹X′W.
    """

    beta: FloatArray
    covariance: FloatArray
    weights: FloatArray
    residuals: FloatArray
    trace: float

    @property
    def q(self) -> float:
        """The weighted sum of squared residuals."""
        return float(self.weights @ self.residuals**2)


def weighted(y: FloatArray, v: FloatArray, x: FloatArray, tau2: float) -> Weighted:
    """Coefficients of `y` on `x` with weights 1 / (v + tau2).

    Parameters
    ----------
    y, v : ndarray of shape (k,)
        Estimates and their sampling variances.
    x : ndarray of shape (k, p)
        Columns of the model, the constant among them.
    tau2 : float
        Variance of the true effects about the model.
    """
    w = 1 / (v + tau2)
    covariance: FloatArray = np.asarray(np.linalg.inv((x.T * w) @ x), dtype=np.float64)
    beta = np.asarray(covariance @ (x.T @ (w * y)))
    trace = float(w.sum() - np.trace(covariance @ ((x.T * w**2) @ x)))
    return Weighted(beta, covariance, w, y - x @ beta, trace)


def restricted_log_likelihood(y: FloatArray, v: FloatArray, x: FloatArray, tau2: float) -> float:
    """The restricted log-likelihood of the heterogeneity, up to a constant (Harville 1977)."""
    fit = weighted(y, v, x, tau2)
    return float(0.5 * (np.log(fit.weights).sum() + np.linalg.slogdet(fit.covariance)[1] - fit.q))


def restricted_maximum(y: FloatArray, v: FloatArray, x: FloatArray) -> float:
    """The heterogeneity with the highest restricted likelihood (REML); 0 where none is likelier than any.

    Every root of the score between 0 and a bound beyond which the likelihood falls is found, and the best is kept.
    """

    def score(tau2: float) -> float:
        fit = weighted(y, v, x, tau2)
        return float(np.sum((fit.weights * fit.residuals) ** 2) - fit.trace)

    bound = 10 * (float(np.ptp(y)) ** 2 + float(v.max()))
    grid = np.concatenate([[0.0], np.geomspace(1e-8 * float(v.min()), bound, 120)])
    scores = np.array([score(tau2) for tau2 in grid])
    falls = np.flatnonzero((scores[:-1] > 0) & (scores[1:] <= 0))
    roots = [
        0.0,
        *(float(scipy.optimize.brentq(score, grid[i], grid[i + 1], xtol=1e-300, rtol=1e-14)) for i in falls),
    ]
    return max(roots, key=lambda tau2: restricted_log_likelihood(y, v, x, tau2))


def heterogeneity_limits(y: FloatArray, v: FloatArray, x: FloatArray, level: float) -> tuple[float, float]:
    """Limits of the heterogeneity from the profile of Q (Viechtbauer 2007); NaN where no heterogeneity fits.

    The generalised Q falls as the heterogeneity grows, and at the true one it is chi-squared with k − p degrees.
    """
    degrees = x.shape[0] - x.shape[1]
    tail = (1 - level) / 2
    highest, lowest = (float(value) for value in scipy.stats.chi2.ppf([1 - tail, tail], degrees))
    at_zero = weighted(y, v, x, 0.0).q
    if at_zero < lowest:
        return np.nan, np.nan

    def where(target: float) -> float:
        if at_zero <= target:
            return 0.0
        top = float(v.max()) + float(np.ptp(y)) ** 2
        while weighted(y, v, x, top).q > target:
            top *= 2
        root = scipy.optimize.brentq(lambda tau2: weighted(y, v, x, tau2).q - target, 0.0, top, xtol=1e-300, rtol=1e-13)
        return float(root)

    return where(highest), where(lowest)


def typical_variance(v: FloatArray, x: FloatArray) -> float:
    """The sampling variance of a typical estimate, as I² uses it (Higgins and Thompson 2002)."""
    return (x.shape[0] - x.shape[1]) / weighted(np.zeros(len(v)), v, x, 0.0).trace


def knapp_hartung(fit: Weighted) -> float:
    """The factor on the covariance of Hartung, Knapp, Sidik and Jonkman, never below 1.

    Unfloored it can make the interval narrower than a common effect's where estimates happen to agree; the floor is the
    ad hoc correction of Knapp and Hartung (2003), advised by Röver, Knapp and Friede (2015) for few studies.
    """
    k, p = len(fit.weights), len(fit.beta)
    return max(1.0, fit.q / (k - p))


@dataclass(frozen=True, slots=True)
class Pooled:
    """True effects given every estimate: one normal for each node of the heterogeneity, mixed by `weights`.

    Attributes
    ----------
    weights : ndarray of shape (nodes,)
        Posterior weight of each node.
    means, sds : ndarray of shape (nodes, k)
        Of each true effect at the node.
    """

    weights: FloatArray
    means: FloatArray
    sds: FloatArray

    def mean(self) -> FloatArray:
        """The posterior mean of each true effect."""
        return np.asarray(self.weights @ self.means)

    def sd(self) -> FloatArray:
        """The posterior standard deviation of each true effect."""
        centre = self.mean()
        return np.sqrt(self.weights @ (self.sds**2 + (self.means - centre) ** 2))

    def below(self, value: float) -> FloatArray:
        """The posterior probability that each true effect lies below a value."""
        return np.asarray(self.weights @ scipy.stats.norm.cdf((value - self.means) / self.sds))

    def quantile(self, probability: float) -> FloatArray:
        """The posterior quantile of each true effect."""
        found = np.empty(self.means.shape[1])
        for i, (means, sds) in enumerate(zip(self.means.T, self.sds.T, strict=True)):
            reach = 40 * sds
            low, high = float((means - reach).min()), float((means + reach).max())
            found[i] = scipy.optimize.brentq(
                lambda value, m=means, s=sds: float(self.weights @ scipy.stats.norm.cdf((value - m) / s)) - probability,
                low,
                high,
                xtol=1e-14 * (high - low),
                rtol=1e-14,
            )
        return found


def pool(y: FloatArray, v: FloatArray, log_prior: Callable[[FloatArray], FloatArray]) -> Pooled:
    """True effects given all estimates, over every heterogeneity that the data allow (Röver 2020).

    The mean has a flat prior and the heterogeneity tau the prior given; given tau every true effect is normal, so only
    tau is integrated, by Gauss-Legendre nodes on tau / (tau + a typical error).

    Parameters
    ----------
    y, v : ndarray of shape (k,)
        Estimates and their sampling variances.
    log_prior : callable
        The logarithm of the prior density of tau, up to a constant.
    """
    x = np.ones((len(y), 1))
    nodes, gauss = np.polynomial.legendre.leggauss(NODES)
    share = 0.5 * (nodes + 1)
    scale = max(sqrt(typical_variance(v, x)), float(np.ptp(y)) / 2)
    tau = scale * share / (1 - share)
    log_density = np.array([restricted_log_likelihood(y, v, x, float(t) ** 2) for t in tau]) + log_prior(tau)
    log_weights = log_density + np.log(gauss) - 2 * np.log1p(-share)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    total = v + tau[:, None] ** 2
    precision = (1 / total).sum(axis=1, keepdims=True)
    centre = (y / total).sum(axis=1, keepdims=True) / precision
    towards = v / total
    means = towards * centre + (1 - towards) * y
    sds = np.sqrt((1 - towards) * v + towards**2 / precision)
    return Pooled(weights, means, sds)


def uniform(tau: FloatArray) -> FloatArray:
    """The logarithm of a flat prior on tau (Gelman 2006): proper in effect from three estimates on."""
    return np.zeros_like(tau)


def half_normal(scale: float) -> Callable[[FloatArray], FloatArray]:
    """The logarithm of a half-normal prior on tau with a scale."""
    return lambda tau: -0.5 * (tau / scale) ** 2
