"""People to predict for: rows with the covariates of a fitted model, coded as the model coded its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from impact.frames import BoolArray, Columns, FloatArray, IntArray
from impact.survival.reading.covariates import Matrix

UNSEEN = "give only values that the model has seen."


def references(frame: pd.DataFrame, keep: BoolArray, matrix: Matrix) -> dict[str, object]:
    """The value of each categorical covariate that has no coefficient, found among the rows used."""
    found = {}
    rows = np.flatnonzero(keep)
    for term, places in matrix.terms.items():
        if matrix.names[places[0]] != term:
            dummies = matrix.x[list(places)] * matrix.scale[list(places), None] + matrix.centre[list(places), None]
            found[term] = frame[term].iloc[rows[np.flatnonzero((dummies < 0.5).all(axis=0))[0]]]
    return found


def new_rows(
    data: pd.DataFrame,
    matrix: Matrix,
    references: Mapping[str, object],
    strata: Sequence[str],
    labels: Sequence[object],
) -> tuple[FloatArray, IntArray]:
    """Covariates (p, m), centred and scaled as the model's, and the stratum of each row (m,).

    Raises
    ------
    InputError
        With every fault at once: a column or value that the model has not seen, a missing value.
    """
    columns = Columns(data)
    x = np.zeros((len(matrix.names), columns.n))
    for term, places in matrix.terms.items():
        if term not in references:
            x[places[0]] = columns.number(term)
            columns.forbid(np.isnan(x[places[0]]) & (term in data.columns), term, "is missing", remedy="give a value.")
            continue
        groups = columns.groups(term)
        known = {matrix.names[place]: place for place in places}
        unseen = groups.codes < 0
        for code, label in enumerate(groups.labels):
            here = groups.codes == code
            if f"{term}[{label}]" in known:
                x[known[f"{term}[{label}]"], here] = 1.0
            elif label != references[term]:
                unseen = unseen | here
        columns.forbid(unseen & (term in data.columns), term, "is missing or was not in the model", remedy=UNSEEN)
    stratum = np.zeros(columns.n, dtype=np.int64)
    if strata:
        parts = [columns.groups(name) for name in strata]
        place = {str(label): code for code, label in enumerate(labels)}
        names = (
            [
                ", ".join(str(part.labels[code]) if code >= 0 else "" for part, code in zip(parts, codes, strict=True))
                for codes in zip(*(part.codes.tolist() for part in parts), strict=True)
            ]
            if all(part.labels for part in parts)
            else [""] * columns.n
        )
        stratum = np.array([place.get(name, -1) for name in names], dtype=np.int64)
        if set(strata) <= set(data.columns):
            columns.forbid(stratum < 0, ", ".join(strata), "is missing or was not in the model", remedy=UNSEEN)
    columns.rows()
    return (x - matrix.centre[:, None]) / matrix.scale[:, None], stratum
