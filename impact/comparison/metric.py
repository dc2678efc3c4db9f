"""Mahalanobis distance as plain distance: covariates turned so that their covariance within the groups is the unit."""

from __future__ import annotations

import numpy as np

from impact.comparison.covariates import independent_columns
from impact.frames import BoolArray, FloatArray

FLAT = 1e-14


def whitened(matrix: FloatArray, treated: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Places whose squared distance is (x − y)ᵀ S⁻¹ (x − y), S the covariance within the groups, pooled.

    S = [Σ_treated (x − m₁)(x − m₁)ᵀ + Σ_others (x − m₀)(x − m₀)ᵀ] / (n − 2). The rows are put in an order of their own
    for the sums, and people alike get the same place to the last digit, so neither the order of the rows nor a person's
    place in it has a say.

    Parameters
    ----------
    matrix : array, shape (n, p)

    Returns
    -------
    places : array, shape (n, k)
    used : array, shape (p,)
        Which columns have a part in it: not those that do not vary within the groups, nor combinations of those before.

    References
    ----------
    Rubin (1980), Biometrics 36, 293-298.
    """
    order = np.lexsort((treated, *matrix.T[::-1]))
    rows, side = matrix[order], treated[order]
    centred = rows - np.where(side[:, None], rows[side].mean(axis=0), rows[~side].mean(axis=0))
    size = np.abs(rows).max(axis=0, initial=0)
    spread = np.sqrt((centred**2).sum(axis=0) / max(len(rows) - 2, 1))
    used: BoolArray = spread > FLAT * np.where(size > 0, size, 1.0)
    scaled = centred[:, used] / spread[used]
    kept = independent_columns(scaled)
    used[used] = kept
    scaled = scaled[:, kept]
    covariance = scaled.T @ scaled / max(len(rows) - 2, 1)
    root = np.linalg.cholesky(np.linalg.inv(covariance)) if kept.any() else np.empty((0, 0))
    middle = rows.mean(axis=0)[used]
    places = np.zeros((len(matrix), int(kept.sum())))
    for column, weights in zip(((matrix[:, used] - middle) / spread[used]).T, root, strict=True):
        places += column[:, None] * weights
    return places, used
