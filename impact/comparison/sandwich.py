"""Standard errors of weighted means and regressions, on arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.frames import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Fit:
    """Estimates, their covariance and the degrees of freedom of a t reference."""

    estimates: FloatArray
    covariance: FloatArray
    df: float


def clustered(scores: FloatArray, clusters: IntArray, parameters: int) -> tuple[FloatArray, float]:
    """The covariance of estimates from each person's part in them, summed by cluster.

    Parameters
    ----------
    scores : array, shape (n, k)
        Influence of each person on each estimate; columns add up to 0.
    clusters : array, shape (n,)
        Codes from 0; every person a cluster of their own gives the HC1 form.
    parameters : int
        Parameters of the model.

    Returns
    -------
    covariance : array, shape (k, k)
        Σ_g u_g u_gᵀ times G/(G − 1) · (n − 1)/(n − parameters).
    df : float
        G − 1.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73, 13-22; Abadie and Spiess (2022), JASA 117, 983-995, on clustering by matched
    set.
    """
    n, groups = len(scores), int(clusters.max()) + 1
    sums = np.stack([np.bincount(clusters, column, groups) for column in scores.T], axis=1)
    factor = groups / (groups - 1) * (n - 1) / (n - parameters)
    return factor * sums.T @ sums, float(groups - 1)


def group_ratios(
    outcome: FloatArray, exposure: FloatArray, treated: BoolArray, weights: FloatArray, clusters: IntArray
) -> Fit:
    """Σwy / Σwe of the treated and of the others, with their joint clustered covariance.

    With exposure 1 these are weighted means, and differences and log ratios of them are those of the weighted
    linear, log-linear or logistic model that holds the treatment alone.
    """
    estimates, scores = np.empty(2), np.zeros((len(outcome), 2))
    for column, side in enumerate((treated, ~treated)):
        total = weights[side] @ exposure[side]
        estimates[column] = weights[side] @ outcome[side] / total
        scores[side, column] = weights[side] * (outcome[side] - estimates[column] * exposure[side]) / total
    covariance, df = clustered(scores, clusters, 2)
    return Fit(estimates, covariance, df)


def ratios_with_score(
    outcome: FloatArray,
    exposure: FloatArray,
    treated: BoolArray,
    weights: FloatArray,
    slope: FloatArray,
    rows: IntArray,
    matrix: FloatArray,
    influence: FloatArray,
) -> Fit:
    """`group_ratios` of people weighted by an estimated score, its estimation counted.

    Stacks the two ratios on the score's likelihood equations, so that whoever helped to estimate the score counts,
    whether they have a weight or not.

    Parameters
    ----------
    outcome, exposure, treated, weights : array, shape (n,)
        The people compared.
    slope : array, shape (n,)
        Slope of each logarithm of a weight in the score's log-odds.
    rows : array, shape (n,)
        Where they stand among everyone in the score's model.
    matrix, influence : array, shape (N, p)
        Columns of the score's model, and what each person adds to its coefficients.

    References
    ----------
    Lunceford and Davidian (2004), Statistics in Medicine 23, 2937-2960; Li, Morgan and Zaslavsky (2018), JASA 113,
    390-400, for overlap weights.
    """
    estimates, scores = np.empty(2), np.zeros((len(matrix), 2))
    for column, side in enumerate((treated, ~treated)):
        total = weights[side] @ exposure[side]
        estimates[column] = weights[side] @ outcome[side] / total
        own = weights[side] * (outcome[side] - estimates[column] * exposure[side]) / total
        scores[rows[side], column] = own
        scores[:, column] += influence @ ((own * slope[side]) @ matrix[rows[side]])
    n = len(outcome)
    return Fit(estimates, n / (n - 2) * scores.T @ scores, float(n - 1))


def regression(matrix: FloatArray, outcome: FloatArray, weights: FloatArray, clusters: IntArray) -> Fit:
    """Weighted least squares with clustered covariance; matrix of shape (n, p), of full rank."""
    estimates, bread = least_squares(matrix, outcome, weights)
    scores = (matrix * (weights * (outcome - matrix @ estimates))[:, None]) @ bread
    covariance, df = clustered(scores, clusters, matrix.shape[1])
    return Fit(estimates, covariance, df)


def least_squares(matrix: FloatArray, outcome: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The coefficients of weighted least squares and (XᵀWX)⁻¹."""
    root = np.sqrt(weights)
    size = np.linalg.norm(matrix, axis=0)
    q, r = np.linalg.qr(matrix / size * root[:, None])
    inverse = np.linalg.inv(r) / size[:, None]
    return inverse @ (q.T @ (root * outcome)), inverse @ inverse.T


def two_samples(outcome: FloatArray, treated: BoolArray, weights: FloatArray) -> Fit:
    """Weighted means of two independent samples, each variance its weighted variance over its effective n.

    The effective n is (Σw)² / Σw²; the degrees of freedom are Welch's with effective sizes. With unit weights this is
    Welch's t-test.
    """
    means, variances, sizes = np.empty(2), np.empty(2), np.empty(2)
    for place, side in enumerate((treated, ~treated)):
        x, w = outcome[side], weights[side]
        total, squares = w.sum(), (w**2).sum()
        sizes[place] = total**2 / squares
        means[place] = w @ x / total
        variances[place] = w @ (x - means[place]) ** 2 * total / (total**2 - squares) / sizes[place]
    whole = variances.sum()
    df = whole**2 / (variances**2 / (sizes - 1)).sum() if whole > 0 else sizes.sum() - 2
    return Fit(means, np.diag(variances), float(df))
