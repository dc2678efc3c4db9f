"""The cumulative logit as plain arrays, with a random intercept of each person or without: scores that are in order.

The chance of a score of category c is F(θ_c − xβ − σb) − F(θ_(c−1) − xβ − σb), F the logistic distribution (McCullagh
1980) and b standard normal. With a = θ_c − xβ − σb and d the same of c − 1 its logarithm is log F(a) + log F(−d) +
log(1 − exp(d − a)), which never cancels. b is integrated out by adaptive Gauss-Hermite quadrature about each person's
mode (Liu and Pierce 1994; Pinheiro and Bates 1995); the gradient is the mean of the gradient given b (Fisher's
identity) at the same nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from impact.errors import ConvergenceError
from impact.frames import FloatArray, IntArray

NODES = 15
STEPS = 50
FARTHEST = 2.0
WIDEST = 30.0
EDGE = 1e-4
APART, UNSURE = 12.0, 40.0
FEW_STEPS = 5
WIDTH = 1e-5
UNLIMITED = (
    "People's own intercepts have no upper limit: nearly everyone has the same score at every reading. Use"
    " category_change, or random='none'."
)
Valued = Callable[[FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True, slots=True)
class CumulativeFit:
    """Estimates of a cumulative logit of k categories and p terms.

    Attributes
    ----------
    thresholds : (k − 1,) float
        Log odds of a category or a lower one where every term is 0.
    coefficients : (p,) float
        Log odds of a higher category for each term.
    spread : float or None
        Standard deviation of the random intercept; None where there is none.
    covariance : (m, m) float
        Of thresholds, coefficients and, where there is one, the spread; clustered by person where there is none.
    log_likelihood : float
    singular : bool
        Whether the random intercept is on the edge of being none.
    """

    thresholds: FloatArray
    coefficients: FloatArray
    spread: float | None
    covariance: FloatArray
    log_likelihood: float
    singular: bool


def cumulative(
    codes: IntArray, matrix: FloatArray, person: IntArray, names: tuple[str, ...], *, random: bool, nodes: int = NODES
) -> CumulativeFit:
    """Fit the model by maximum likelihood.

    Parameters
    ----------
    codes : (n,) int
        Category of each reading, 0 to k − 1, each of them there.
    matrix : (n, p) float
        Terms, without an intercept and independent of one.
    person : (n,) int
        Codes of the people, in order.
    names : tuple of str
        Of the terms, for errors.
    random : bool
        Whether people have an intercept of their own. Without, the covariance is the sandwich with people as clusters
        (Liang and Zeger 1986).
    nodes : int
        Of the quadrature.

    Raises
    ------
    ConvergenceError
        Where a term parts the scores perfectly, where people's own intercepts have no upper limit, or where no maximum
        is reached.
    """
    n, p = matrix.shape
    starts = np.flatnonzero(np.r_[True, person[1:] != person[:-1]])
    centre = matrix.mean(axis=0)
    q, r = np.linalg.qr(matrix - centre)
    q, r = q * math.sqrt(n), r / math.sqrt(n)
    cuts = int(codes.max())

    def plain(at: FloatArray) -> tuple[float, FloatArray]:
        return _plain(at, codes, q)

    def mixed(at: FloatArray) -> tuple[float, FloatArray]:
        return _mixed(at, codes, q, starts, nodes)

    shares = np.cumsum(np.bincount(codes))[:-1] / n
    found = _maximised(plain, np.r_[scipy.special.logit(shares), np.zeros(p)], cuts)
    _refuse_parted(found, _information(plain, found), r, matrix, names, cuts)
    singular = False
    if random:
        if (np.maximum.reduceat(codes, starts) == np.minimum.reduceat(codes, starts)).all():
            raise ConvergenceError(UNLIMITED)
        wider = math.sqrt(1 + 3 / math.pi**2)
        found = _maximised(mixed, np.r_[found * wider, 1.0], cuts)
        singular = abs(found[-1]) < EDGE
        if abs(found[-1]) > WIDEST:
            raise ConvergenceError(UNLIMITED)
        if singular:
            found = np.r_[_maximised(plain, found[:-1], cuts), 0.0]
    value = mixed if random and not singular else plain
    free = found if value is mixed else found[: cuts + p]
    likelihood = value(free)[0]
    spread = _inverse(_information(value, free))
    if not random:
        scores = _by_person(free, codes, q, starts)
        people = len(starts)
        spread = people / (people - 1) * spread @ (scores.T @ scores) @ spread
    back = _back(np.asarray(np.linalg.inv(r), dtype=float), centre, cuts, len(free))
    estimate, covariance = back @ free, back @ spread @ back.T
    if singular:
        covariance = np.pad(covariance, (0, 1))
    return CumulativeFit(
        estimate[:cuts],
        estimate[cuts : cuts + p],
        abs(float(found[-1])) if random else None,
        covariance,
        likelihood,
        singular,
    )


def averaged(fit: CumulativeFit, matrix: FloatArray, nodes: int = 100) -> tuple[FloatArray, FloatArray]:
    """The chance of each category or a lower one, averaged over people, and its derivatives by the parameters.

    Parameters
    ----------
    fit : CumulativeFit
    matrix : (m, p) float
        Terms of the people to predict.
    nodes : int
        Of the quadrature over people.

    Returns
    -------
    (m, k − 1) float
    (m, k − 1, parameters) float
    """
    line = fit.thresholds[None, :] - (matrix @ fit.coefficients)[:, None]
    own, weight = np.zeros(1), np.ones(1)
    if fit.spread:
        own, raw = np.polynomial.hermite_e.hermegauss(nodes)
        weight = raw / raw.sum()
    chance = scipy.special.expit(line[:, :, None] - (fit.spread or 0.0) * own)
    density = chance * (1 - chance)
    mean = density @ weight
    slope = np.zeros((*line.shape, len(fit.covariance)))
    cuts = line.shape[1]
    slope[:, np.arange(cuts), np.arange(cuts)] = mean
    slope[:, :, cuts : cuts + matrix.shape[1]] = -mean[:, :, None] * matrix[:, None, :]
    if fit.spread is not None:
        slope[:, :, -1] = -(density @ (weight * own))
    return chance @ weight, slope


def _pieces(
    thresholds: FloatArray, line: FloatArray, codes: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Log chances, their derivatives by the upper and, turned round, the lower threshold, and those of the gap."""
    shape = (-1,) + (1,) * (line.ndim - 1)
    upper = np.r_[thresholds, np.inf][codes].reshape(shape) - line
    lower = np.r_[-np.inf, thresholds][codes].reshape(shape) - line
    width = np.diff(thresholds)
    gap = np.r_[0.0, np.log(-np.expm1(-width)), 0.0][codes].reshape(shape)
    chance = scipy.special.log_expit(upper) + scipy.special.log_expit(-lower) + gap
    return chance, scipy.special.expit(-upper), scipy.special.expit(lower), np.r_[0.0, 1 / np.expm1(width), 0.0]


def _gradient(codes: IntArray, q: FloatArray, below: FloatArray, above: FloatArray, gap: FloatArray) -> FloatArray:
    cuts = len(gap) - 1
    up = np.bincount(codes, weights=below + gap[codes], minlength=cuts + 1)
    down = np.bincount(codes, weights=above + gap[codes], minlength=cuts + 1)
    return np.r_[up[:-1] - down[1:], q.T @ (above - below)]


def _plain(at: FloatArray, codes: IntArray, q: FloatArray) -> tuple[float, FloatArray]:
    cuts = len(at) - q.shape[1]
    chance, below, above, gap = _pieces(at[:cuts], q @ at[cuts:], codes)
    return float(chance.sum()), _gradient(codes, q, below, above, gap)


def _by_person(at: FloatArray, codes: IntArray, q: FloatArray, starts: IntArray) -> FloatArray:
    """The gradient of each person without a random intercept."""
    cuts = len(at) - q.shape[1]
    _, below, above, gap = _pieces(at[:cuts], q @ at[cuts:], codes)
    each = np.zeros((len(codes), len(at)))
    place, (first, last) = np.arange(len(codes)), (codes > 0, codes < cuts)
    each[place[last], codes[last]] += (below + gap[codes])[last]
    each[place[first], codes[first] - 1] -= (above + gap[codes])[first]
    each[:, cuts:] = q * (above - below)[:, None]
    return np.asarray(np.add.reduceat(each, starts, axis=0))


def _mixed(at: FloatArray, codes: IntArray, q: FloatArray, starts: IntArray, nodes: int) -> tuple[float, FloatArray]:
    cuts, sigma = len(at) - q.shape[1] - 1, float(at[-1])
    thresholds, line = at[:cuts], q @ at[cuts:-1]
    counts = np.diff(np.r_[starts, len(codes)])
    mode, width = _modes(thresholds, line, codes, starts, counts, sigma)
    x, w = np.polynomial.hermite.hermgauss(nodes)
    own = mode[:, None] + math.sqrt(2) * width[:, None] * x
    each = np.repeat(own, counts, axis=0)
    chance, below, above, gap = _pieces(thresholds, line[:, None] + sigma * each, codes)
    height = np.add.reduceat(chance, starts, axis=0) - own**2 / 2 + np.log(w) + x**2
    total = scipy.special.logsumexp(height, axis=1)
    posterior = np.repeat(np.exp(height - total[:, None]), counts, axis=0)
    below, above = posterior * below, posterior * above
    by_spread = float(((above - below) * each).sum())
    value = float((total + np.log(width)).sum()) - len(starts) * math.log(math.pi) / 2
    return value, np.r_[_gradient(codes, q, below.sum(axis=1), above.sum(axis=1), gap), by_spread]


def _modes(
    thresholds: FloatArray, line: FloatArray, codes: IntArray, starts: IntArray, counts: IntArray, sigma: float
) -> tuple[FloatArray, FloatArray]:
    """The likeliest intercept of each person, and one over the root of the curvature there (Newton's method)."""
    mode = np.zeros(len(starts))
    for _ in range(STEPS):
        _, below, above, _ = _pieces(thresholds, line + sigma * np.repeat(mode, counts), codes)
        slope = sigma * np.add.reduceat(above - below, starts) - mode
        bend = 1 + sigma**2 * np.add.reduceat(below * (1 - below) + above * (1 - above), starts)
        step = np.clip(slope / bend, -FARTHEST, FARTHEST)
        mode = mode + step
        if np.abs(step).max() < 1e-8:
            break
    return mode, 1 / np.sqrt(bend)


def _maximised(value: Valued, start: FloatArray, cuts: int) -> FloatArray:
    """The maximum: first in the logarithms of the widths between thresholds, then by a few Newton steps."""

    def whole(at: FloatArray) -> FloatArray:
        return np.r_[at[0] + np.r_[0.0, np.cumsum(np.exp(at[1:cuts]))], at[cuts:]]

    scale = abs(value(start)[0])

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        found, gradient = value(whole(at))
        later = np.cumsum(gradient[:cuts][::-1])[::-1]
        turned = np.r_[later[0], later[1:] * np.exp(at[1:cuts]), gradient[cuts:]]
        return -found / scale, -turned / scale

    first = np.r_[start[0], np.log(np.diff(start[:cuts])), start[cuts:]]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = scipy.optimize.minimize(loss, first, jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 500})
    at = whole(np.asarray(found.x))
    if not np.isfinite(at).all():
        raise ConvergenceError("The ordinal model has no maximum that could be reached: try a simpler one.")
    for _ in range(FEW_STEPS):
        before, gradient = value(at)
        try:
            step = np.linalg.solve(_information(value, at), gradient)
        except np.linalg.LinAlgError:
            return at
        trial = at + step
        if (np.diff(trial[:cuts]) <= 0).any() or not value(trial)[0] >= before - 1e-9 * abs(before):
            return at
        at = trial
        if abs(gradient @ step) < 1e-16 * abs(before):
            break
    return at


def _information(value: Valued, at: FloatArray) -> FloatArray:
    """The observed information, from central differences of the gradient."""
    steps = WIDTH * np.eye(len(at))
    bend = np.stack([(value(at - step)[1] - value(at + step)[1]) / (2 * WIDTH) for step in steps])
    return np.asarray((bend + bend.T) / 2)


def _inverse(information: FloatArray) -> FloatArray:
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        raise ConvergenceError("The ordinal model has no maximum that could be reached: try a simpler one.") from None
    return np.asarray(np.linalg.inv(information), dtype=float)


def _refuse_parted(
    at: FloatArray, information: FloatArray, r: FloatArray, matrix: FloatArray, names: tuple[str, ...], cuts: int
) -> None:
    """Raise where the effect of a term over its range is beyond all measure and its error larger still."""
    back = np.linalg.inv(r)
    reach = np.ptp(matrix, axis=0)
    variance = np.diag(back @ np.linalg.pinv(information, hermitian=True)[cuts:, cuts:] @ back.T)
    effect, error = np.abs(back @ at[cuts:]) * reach, np.sqrt(np.maximum(variance, 0.0)) * reach
    parted = (effect > APART) & ((error > UNSURE) | (np.linalg.eigvalsh(information)[0] <= 0))
    if parted.any():
        named = ", ".join(name for name, flag in zip(names, parted, strict=True) if flag)
        raise ConvergenceError(
            f"{named} parts low scores from high ones perfectly, so its odds ratio has no limit: leave it out, or join"
            " its values to others."
        )


def _back(inverse: FloatArray, centre: FloatArray, cuts: int, size: int) -> FloatArray:
    """What turns estimates for the scaled terms into those for the terms as given."""
    p = len(centre)
    back = np.eye(size)
    back[cuts : cuts + p, cuts : cuts + p] = inverse
    back[:cuts, cuts : cuts + p] = centre @ inverse
    return back
