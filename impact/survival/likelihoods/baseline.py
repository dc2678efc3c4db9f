"""Cumulative hazards predicted by Cox's model in numbers, with a variance that is robust where the model's is.

H(t | z) = e^{βz} Λ(t), and with d(t) = z Λ(t) − ∫ x̄ dΛ its variance is e^{2βz} [A(t) + d' V d]: A is the variance of
the baseline at fixed coefficients, V that of the coefficients (Tsiatis 1981; Therneau and Grambsch 2000, section 10.2).
Where the variance is robust, both are sums over clusters of squared influences, and so is their product's part, which
is then not 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.likelihoods.partial import Point, Sample, death_mass, score_residuals
from impact.survival.numbers.algebra import products
from impact.survival.numbers.influence import squares, sums
from impact.survival.riskset import FloatArray, IntArray, scan


@dataclass(frozen=True, slots=True)
class Baseline:
    """The cumulative baseline hazard at each cell, for centred covariates of 0, and what its variance is made of.

    Attributes
    ----------
    cumulative, variance : (K,) float
        Λ and A.
    drift : (p, K) float
        ∫ x̄ dΛ.
    crossed : (p, K) float or None
        Σ over clusters of the influence on Λ times that on the coefficients; None where the variance is not robust.
    covariance : (p, p) float
        V.
    """

    cumulative: FloatArray
    variance: FloatArray
    drift: FloatArray
    crossed: FloatArray | None
    covariance: FloatArray


def baseline(
    data: Sample,
    point: Point,
    inverse: FloatArray,
    *,
    robust: bool,
    strata: IntArray | None,
    cluster: IntArray | None,
) -> Baseline:
    """Efron's or Breslow's baseline, as the ties of the fit are; `inverse` is the inverse information."""
    sets, events = data.sets, data.events
    unit = float(np.exp(-point.shift))
    cumulative = scan(point.hazard, sets.bounds) * unit
    drift = scan(point.square0 * point.sums - point.square1 * point.tied_sums, sets.bounds) * unit
    passed = scan(point.square0, sets.bounds)
    if not robust:
        return Baseline(cumulative, passed * unit**2, drift, None, inverse)
    last_step = np.zeros(len(point.risk))
    last_step[events] = data.event_weights * (point.hazard / death_mass(data))[data.cells]
    last_step[events] += point.risk[events] * point.square1[data.cells]
    variance = squares(sets, -point.risk, passed, last_step, strata, cluster) * unit**2
    moves = inverse @ score_residuals(data, point, cluster)
    crossed = np.empty((len(moves), sets.size))
    for row, move in enumerate(moves):
        each = move if cluster is None else move[cluster]
        crossed[row] = sums(sets, -point.risk * each, passed, last_step * each, strata)
    return Baseline(cumulative, variance, drift, crossed * unit, products(moves, moves))


def curve_errors(base: Baseline, z: FloatArray, cells: IntArray) -> FloatArray:
    """Standard errors of Λ(t) e^{βz} / e^{βz} for each of m people at each of T cells, (m, T); 0 at a cell of −1."""
    known = cells >= 0
    at = cells[known]
    hazard, drift = base.cumulative[at], base.drift[:, at]
    turned = base.covariance @ z
    own = np.einsum("ij,ij->j", z, turned)
    variance = np.multiply.outer(own, hazard**2) - 2 * hazard * (turned.T @ drift)
    variance += base.variance[at] + np.einsum("ij,ij->j", drift, base.covariance @ drift)
    if base.crossed is not None:
        crossed = base.crossed[:, at]
        variance += 2 * (hazard * (z.T @ crossed) - np.einsum("ij,ij->j", drift, crossed))
    out = np.zeros((z.shape[1], len(cells)))
    out[:, known] = np.sqrt(np.maximum(variance, 0))
    return out


def span_errors(base: Baseline, z: FloatArray, first: IntArray, last: IntArray) -> tuple[FloatArray, FloatArray]:
    """Λ between two cells of each of m people and its standard error, (m,); −1 for a cell is time 0.

    The error is NaN where the variance is robust and someone's span does not begin at 0: the influences at two times
    are then needed together.
    """

    def at(values: FloatArray, cells: IntArray) -> FloatArray:
        return np.where(cells >= 0, values[..., np.maximum(cells, 0)], 0.0)

    def between(values: FloatArray) -> FloatArray:
        return at(values, last) - at(values, first)

    hazard = between(base.cumulative)
    away = hazard * z - between(base.drift)
    variance = between(base.variance) + np.einsum("ij,ij->j", away, base.covariance @ away)
    if base.crossed is not None:
        variance = variance + 2 * np.einsum("ij,ij->j", away, at(base.crossed, last))
        variance[first >= 0] = np.nan
    return hazard, np.sqrt(np.maximum(variance, 0))
