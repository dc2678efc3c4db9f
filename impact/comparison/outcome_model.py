"""Regressions of an outcome on treatment and covariates, on arrays: linear and logistic, and standardised means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from impact.comparison.covariates import Covariate, independent_columns
from impact.comparison.logit import separating
from impact.comparison.sandwich import Fit, clustered, least_squares
from impact.errors import ConvergenceError, InputError
from impact.frames import BoolArray, FloatArray, IntArray

MODELS = ("linear", "logistic")
MOST_STEPS = 60
SETTLED = 1e-11
EXTREME = 14.0
WORST = 1e12


@dataclass(frozen=True, slots=True)
class Terms:
    """The columns of a regression, all but those that are constant or combinations of others.

    Attributes
    ----------
    matrix, with_treatment, without : array, shape (n, p)
        As observed, as if everyone were treated, and as if nobody were.
    names : tuple of str
    left_out : tuple of str
        Columns that say nothing new.
    """

    matrix: FloatArray
    with_treatment: FloatArray
    without: FloatArray
    names: tuple[str, ...]
    left_out: tuple[str, ...]


def terms(treatment: str, treated: BoolArray, adjust: Sequence[Covariate], *, products: bool) -> Terms:
    """Intercept, treatment and covariates, with the products of treatment and each covariate where asked for.

    Raises
    ------
    InputError
        Where there are as many terms as people.
    """
    found = [term for covariate in adjust for term in covariate.terms(drop_first=True)]
    side = treated.astype(float)
    once = np.ones(len(side))
    covariates = [values for _, values in found]
    crossed = covariates if products else []
    names = ["intercept", treatment, *(name for name, _ in found)]
    names += [f"{treatment} × {name}" for name, _ in found] if products else []
    matrix = np.column_stack([once, side, *covariates, *(side * column for column in crossed)])
    kept = independent_columns(matrix)
    if kept.sum() >= len(matrix):
        raise InputError(
            f"adjust has {int(kept.sum())} terms for {len(matrix)} people: too many. Name fewer covariates."
        )
    everyone = np.column_stack([once, once, *covariates, *crossed])
    nobody = np.column_stack([once, 0 * once, *covariates, *(0 * column for column in crossed)])
    return Terms(
        matrix[:, kept],
        everyone[:, kept],
        nobody[:, kept],
        tuple(name for name, flag in zip(names, kept, strict=True) if flag),
        tuple(name for name, flag in zip(names, kept, strict=True) if not flag),
    )


def logistic_coefficients(
    matrix: FloatArray,
    outcome: FloatArray,
    weights: FloatArray,
    *,
    offset: FloatArray | float = 0.0,
    start: FloatArray | None = None,
) -> FloatArray | None:
    """Weighted maximum likelihood by Newton's method, of an outcome from 0 to 1; None where there is no maximum.

    statsmodels fits the same model; this one starts where a resample's neighbour ended, which two thousand resamples
    need.
    """
    size = np.sqrt(np.mean(matrix**2, axis=0))
    scaled = matrix / size
    beta = np.zeros(matrix.shape[1]) if start is None else start * size
    total = weights.sum()
    for _ in range(MOST_STEPS):
        linear = scaled @ beta + offset
        mean = expit(linear)
        information = (scaled * (weights * mean * (1 - mean))[:, None]).T @ scaled / total
        score = scaled.T @ (weights * (outcome - mean)) / total
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(step).all() or np.abs(linear).max() > 50:
            return None
        beta = beta + step
        if np.abs(step).max() <= SETTLED * (1 + np.abs(beta).max()):
            return beta / size
    return None


def logistic_regression(
    matrix: FloatArray, outcome: FloatArray, weights: FloatArray, clusters: IntArray, names: Sequence[str]
) -> Fit:
    """Weighted logistic regression with clustered covariance; matrix of full rank.

    Raises
    ------
    ConvergenceError
        Where the terms separate those with the outcome from those without; they are named.
    """
    beta = logistic_coefficients(matrix, outcome, weights)
    if beta is None or np.abs(matrix @ beta).max() > EXTREME:
        blame = _separating(matrix, outcome)
        if beta is None or blame.any():
            named = ", ".join(name for name, flag in zip(names, blame, strict=True) if flag) or "its terms together"
            raise ConvergenceError(
                f"The logistic model of the outcome has no finite solution: {named} tell people with the outcome from "
                "people without it, without exception. Name fewer covariates, or use model='linear'."
            )
    mean = expit(matrix @ beta)
    bread = np.linalg.inv((matrix * (weights * mean * (1 - mean))[:, None]).T @ matrix)
    scores = (matrix * (weights * (outcome - mean))[:, None]) @ bread
    covariance, df = clustered(scores, clusters, matrix.shape[1])
    return Fit(beta, covariance, df)


def _separating(matrix: FloatArray, outcome: FloatArray) -> BoolArray:
    patterns, place = np.unique(matrix, axis=0, return_inverse=True)
    place = place.ravel()
    some = np.bincount(place, weights=outcome).astype(float)
    return separating(patterns, some, np.bincount(place).astype(np.int64))


def coefficients(
    matrix: FloatArray, outcome: FloatArray, weights: FloatArray, *, logistic: bool, start: FloatArray | None = None
) -> FloatArray | None:
    """The coefficients alone, for one resample among many; None where they do not exist."""
    gram = (matrix * weights[:, None]).T @ matrix
    size = np.sqrt(np.diag(gram))
    if not size.all() or np.linalg.cond(gram / np.outer(size, size)) > WORST:
        return None
    if logistic:
        return logistic_coefficients(matrix, outcome, weights, start=start)
    return least_squares(matrix, outcome, weights)[0]


def standardised(
    terms: Terms, beta: FloatArray, target: FloatArray, *, logistic: bool
) -> tuple[FloatArray, FloatArray]:
    """The mean outcome with and without treatment over people weighted by `target`, and its slope in the coefficients.

    Returns
    -------
    means : array, shape (2,)
    slopes : array, shape (2, p)
    """
    share = target / target.sum()
    means, slopes = np.empty(2), np.empty((2, len(beta)))
    for place, matrix in enumerate((terms.with_treatment, terms.without)):
        linear = matrix @ beta
        mean = expit(linear) if logistic else linear
        means[place] = share @ mean
        slopes[place] = (share * mean * (1 - mean) if logistic else share) @ matrix
    return means, slopes
