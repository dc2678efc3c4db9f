"""Weighted least squares as plain arrays, with classical or clustered standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.errors import ConvergenceError
from impact.frames import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients, their covariance, and the degrees of freedom of their t tests.

    Attributes
    ----------
    coefficients : (p,) float
    covariance : (p, p) float
    df : float
    residual_sd : float
        √(Σ w e² / (n − p)).
    """

    coefficients: FloatArray
    covariance: FloatArray
    df: float
    residual_sd: float


def least_squares(
    matrix: FloatArray, outcome: FloatArray, weights: FloatArray | None = None, clusters: IntArray | None = None
) -> Fit:
    """Least squares by QR.

    Without weights and clusters the covariance is σ²(X'X)⁻¹. With either it is the sandwich of Liang and Zeger (1986)
    with the factor G / (G − 1) · (n − 1) / (n − p), each row a cluster of its own where none are given, and t tests
    are on G − 1.

    Parameters
    ----------
    matrix : (n, p) float
    outcome : (n,) float
    weights : (n,) float, optional
    clusters : (n,) int, optional
        Codes of the clusters.

    Raises
    ------
    ConvergenceError
        Where the columns of the matrix are not independent, or there are no more rows than columns.
    """
    n, p = matrix.shape
    if n <= p:
        raise ConvergenceError(f"{n} rows cannot carry {p} terms: name fewer covariates.")
    root = np.ones(n) if weights is None else np.sqrt(weights)
    size = np.sqrt((matrix**2).sum(axis=0))
    q, r = np.linalg.qr(matrix * root[:, None] / np.where(size > 0, size, 1.0))
    if np.abs(np.diag(r)).min() < 1e-10 * np.abs(np.diag(r)).max():
        raise ConvergenceError("The terms are not independent: one is a sum of others, or the same for everyone.")
    inverse = np.linalg.inv(r) / size[:, None]
    coefficients = inverse @ (q.T @ (root * outcome))
    residuals = outcome - matrix @ coefficients
    bread = inverse @ inverse.T
    variance = float(((root * residuals) ** 2).sum()) / (n - p)
    if weights is None and clusters is None:
        return Fit(coefficients, variance * bread, float(n - p), float(np.sqrt(variance)))
    scores = matrix * (root**2 * residuals)[:, None]
    if clusters is not None:
        codes = np.unique(clusters, return_inverse=True)[1]
        scores = np.stack([np.bincount(codes, weights=column) for column in scores.T], axis=1)
    groups = len(scores)
    factor = groups / (groups - 1) * (n - 1) / (n - p) if groups > 1 else float("nan")
    return Fit(coefficients, factor * bread @ (scores.T @ scores) @ bread, float(groups - 1), float(np.sqrt(variance)))
