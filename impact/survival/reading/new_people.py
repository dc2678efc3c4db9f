"""Covariates of new people, coded exactly as those of a fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray
from impact.survival.reading.covariates import CovariateColumns, Matrix

UNSEEN = "The new people's covariates have values that the fit has not seen in a category."


def coded(
    frame: pd.DataFrame, keep: BoolArray, covariates: str | Sequence[str], matrix: Matrix, new: pd.DataFrame
) -> FloatArray:
    """The covariates of `new` on their own scale, (p, rows), in the order of `matrix`.

    They are coded beside the rows of the fit, so that categories have the same reference; what would change the coding
    of the fit itself is refused.

    Raises
    ------
    InputError
        With every fault of the columns at once; for missing values, categories that the fit has not seen, and formulas
        whose terms depend on all rows together.
    """
    alone = Columns(new)
    CovariateColumns(alone, covariates)
    if not alone.rows().all():
        raise InputError(f"The new people's covariates must be complete: {' '.join(alone.notes)}")
    names = [name for name in new.columns if name in frame.columns]
    old = frame.loc[keep, names]
    fresh = new[names].copy()
    for name in names:
        kind = old[name].dtype
        if isinstance(kind, pd.CategoricalDtype):
            if not fresh[name].isin(kind.categories).all():
                raise InputError(UNSEEN)
            fresh[name] = pd.Categorical(fresh[name], categories=kind.categories, ordered=kind.ordered)
    both = Columns(pd.concat([old, fresh], ignore_index=True))
    reader = CovariateColumns(both, covariates)
    whole = both.rows()
    made = reader.take(whole)
    if not whole.all() or made.names != matrix.names:
        raise InputError(UNSEEN)
    raw = made.x * made.scale[:, None] + made.centre[:, None]
    size = len(old)
    fitted = matrix.x * matrix.scale[:, None] + matrix.centre[:, None]
    spread = 1e-9 * (np.abs(matrix.centre) + matrix.scale)
    if (np.abs(raw[:, :size] - fitted) > spread[:, None]).any():
        raise InputError(
            "The formula has a term that depends on all rows together (a centring, a spline), so that new people would"
            " change it; compute the column beforehand and name it."
        )
    return raw[:, size:]
