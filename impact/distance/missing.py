"""Mean change where second readings are missing, as plain arrays: weights, multiple imputation, Rubin's rules."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from impact.design import effective_number
from impact.distance.least_squares import least_squares
from impact.distance.regression import NAN, Mean, student
from impact.errors import ConvergenceError
from impact.frames import BoolArray, FloatArray

STEPS = 50
FARTHEST = 30.0


@dataclass(frozen=True, slots=True)
class Weighted:
    """A weighted mean, the chance of a second reading of each person, and the largest weight over the mean weight."""

    mean: Mean
    chance: FloatArray
    largest: float


def response(matrix: FloatArray, seen: BoolArray) -> FloatArray:
    """The chance of each person to have a second reading, by logistic regression (Newton's method).

    Raises
    ------
    ConvergenceError
        Where no finite estimate exists: some combination of the terms parts those with from those without.
    """
    size = np.sqrt((matrix**2).mean(axis=0))
    scaled = matrix / np.where(size > 0, size, 1.0)
    beta = np.zeros(matrix.shape[1])
    for _ in range(STEPS):
        line = scaled @ beta
        if np.abs(line).max() > FARTHEST:
            break
        chance = scipy.special.expit(line)
        gradient = scaled.T @ (seen - chance)
        information = (scaled * (chance * (1 - chance))[:, None]).T @ scaled
        if np.linalg.cond(information) > 1e12:
            break
        step = np.linalg.solve(information, gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return np.asarray(scipy.special.expit(scaled @ beta), dtype=float)
    raise ConvergenceError("The covariates foretell perfectly who has a second reading, or they are not independent.")


def weighted_mean(matrix: FloatArray, seen: BoolArray, change: FloatArray, level: float) -> Weighted:
    """The mean change, each person who has one weighted by one over the chance to have it (Hájek's form).

    The standard error is that of stacked estimating equations, so it allows for the weights being estimated (Robins,
    Rotnitzky and Zhao 1994; Lunceford and Davidian 2004), times √(n / (n − 1)) for the n seen. Few large weights make
    it uncertain itself: t is on (Σw²)² / Σw⁴ − 1, Satterthwaite's (1946) degrees of freedom of Σw²e² with changes e
    that vary alike. With nobody missing it is the t test of the mean.

    Parameters
    ----------
    matrix : (n, p) float
        Terms of the logistic regression, the intercept among them.
    seen : (n,) bool
        Who has a second reading.
    change : (n,) float
        The change of those, anything of others.
    level : float
    """
    n, many = len(seen), int(seen.sum())
    chance = np.ones(n) if seen.all() else response(matrix, seen)
    weight = np.where(seen, 1 / chance, 0.0)
    values = np.where(seen, change, 0.0)
    estimate = float(weight @ values / weight.sum())
    scores = weight * (values - estimate)
    if not seen.all():
        slope = -(matrix * (scores * (1 - chance))[:, None]).sum(axis=0)
        information = (matrix * (chance * (1 - chance))[:, None]).T @ matrix
        scores = scores + matrix @ np.linalg.solve(information, slope) * (seen - chance)
    if many < 2:
        return Weighted(Mean(estimate, NAN, NAN, NAN, NAN, NAN, NAN), chance, NAN)
    std_error = math.sqrt(float(scores @ scores) * many / (many - 1)) / float(weight.sum())
    df = effective_number(weight**2) - 1
    largest = float(weight.max() / weight[seen].mean())
    return Weighted(student(estimate, std_error, df, level), chance, largest)


def imputed_changes(
    matrix: FloatArray,
    before: FloatArray,
    after: FloatArray,
    seen: BoolArray,
    shift: float,
    times: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Mean change and its variance (of the mean) in each completed set.

    Second readings are drawn from the linear regression on the terms, its variance and coefficients drawn first from
    their posterior under the usual flat prior (Rubin 1987, example 5.1). With one incomplete column chained equations
    are this one regression.

    Parameters
    ----------
    matrix : (n, p) float
        Terms of the regression, the intercept and the first reading among them.
    before, after : (n,) float
        The readings; `after` is anything where not seen.
    seen : (n,) bool
    shift : float
        Added to every reading drawn.
    times : int
        How many completed sets.
    rng : Generator

    Raises
    ------
    ConvergenceError
        Where the regression fits exactly, or its terms are not independent.
    """
    n, p = matrix.shape
    missing = ~seen
    fit = least_squares(matrix[seen], after[seen])
    if not fit.residual_sd > 1e-12 * float(np.abs(after[seen]).max()):
        raise ConvergenceError("Second readings follow exactly from the first: there is no spread to draw from.")
    root = np.linalg.cholesky(fit.covariance / fit.residual_sd**2)
    sums = np.where(seen, after - before, 0.0)
    total, square = float(sums.sum()), float((sums**2).sum())
    means, variances = np.empty(times), np.empty(times)
    for place in range(times):
        sd = fit.residual_sd * math.sqrt(fit.df / rng.chisquare(fit.df))
        beta = fit.coefficients + sd * (root @ rng.standard_normal(p))
        drawn = matrix[missing] @ beta + sd * rng.standard_normal(int(missing.sum())) + shift - before[missing]
        mean = (total + float(drawn.sum())) / n
        means[place] = mean
        variances[place] = (square + float((drawn**2).sum()) - n * mean**2) / (n - 1) / n
    return means, variances


def pooled(means: FloatArray, variances: FloatArray, complete_df: float, level: float) -> Mean:
    """Rubin's rules (Rubin 1987) with the degrees of freedom of Barnard and Rubin (1999).

    Parameters
    ----------
    means, variances : (m,) float
        The estimate in each completed set, and its squared standard error.
    complete_df : float
        Degrees of freedom if nothing were missing.
    level : float

    Examples
    --------
    >>> found = pooled(np.array([1.0, 1.2, 0.8]), np.array([0.04, 0.05, 0.03]), 20.0, 0.95)
    >>> round(found.estimate, 3), round(found.std_error, 4), round(found.df, 3)
    (1.0, 0.3055, 3.436)
    """
    m = len(means)
    within, between = float(variances.mean()), float(means.var(ddof=1))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total if total > 0 else 0.0
    observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
    df = 1 / (1 / observed + share**2 / (m - 1)) if observed > 0 else float(m - 1) / share**2
    return student(float(means.mean()), math.sqrt(total), df, level)
