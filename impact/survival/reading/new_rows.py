"""Reading a new table by the covariates, strata and outcome of a fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.outcome import LATE_ENTRY, combine


@dataclass(frozen=True, slots=True)
class Reading:
    """The columns that the fit read, so that a new table is read by the same names.

    Attributes
    ----------
    duration : str
    entry, offset : str or None
    strata : tuple of str
    labels : tuple
        Of the strata that stood in the data of the fit.
    """

    duration: str
    entry: str | None
    offset: str | None
    strata: tuple[str, ...]
    labels: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class NewRows:
    """The m rows of a new table that have every value needed.

    Attributes
    ----------
    keep : (rows of the table,) bool, or their places
    z : (p, m) float
        Covariates, centred and scaled as in the fit.
    offset : (m,) float
    stratum : (m,) int
        Codes of the fit's strata; 0 where there are none.
    duration, entry : (m,) float or None
    notes : tuple of str
    """

    keep: BoolArray | IntArray
    z: FloatArray
    offset: FloatArray
    stratum: IntArray
    duration: FloatArray | None
    entry: FloatArray | None
    notes: tuple[str, ...]


def read_covariates(
    data: pd.DataFrame, matrices: Sequence[Matrix]
) -> tuple[BoolArray, list[FloatArray], tuple[str, ...]]:
    """Which rows of a new table are complete, their covariates as they stand by each matrix, and notes.

    Raises
    ------
    InputError
        With every fault at once; a value of a category that the fit has not seen is one.
    """
    columns = _columns(data)
    read = [matrix.recipe.read(columns) for matrix in matrices]
    keep = columns.rows()
    found = [matrix.recipe.rows(columns, part, keep) for matrix, part in zip(matrices, read, strict=True)]
    return keep, found, columns.notes


def read_rows(data: pd.DataFrame, reading: Reading, matrix: Matrix, *, times: bool, strata: bool) -> NewRows:
    """The rows of a new table; with `times` their duration and entry too, with `strata` their strata.

    Raises
    ------
    InputError
        With every fault at once; a value of a category or a stratum that the fit has not seen is one.
    """
    columns = _columns(data)
    read = matrix.recipe.read(columns)
    offset = np.zeros(columns.n) if reading.offset is None else columns.number(reading.offset)
    duration = columns.number(reading.duration, low=0) if times else None
    entry = columns.number(reading.entry, low=0) if times and reading.entry is not None else None
    if duration is not None and entry is not None and reading.entry is not None:
        columns.forbid(entry >= duration, reading.entry, "is at or after the duration", remedy=LATE_ENTRY)
    stratum = np.zeros(columns.n, dtype=np.int64)
    if strata and reading.strata:
        stratum = _strata(columns, reading.strata, reading.labels)
    keep = columns.rows()
    z = matrix.recipe.rows(columns, read, keep)
    z -= matrix.centre[:, None]
    z /= matrix.scale[:, None]
    return NewRows(
        keep,
        z,
        offset[keep],
        stratum[keep],
        None if duration is None else duration[keep],
        None if entry is None else entry[keep],
        columns.notes,
    )


def _columns(data: pd.DataFrame) -> Columns:
    if isinstance(data, Design):
        raise InputError("Predictions are for the rows of a DataFrame; give the Design's .data, or part of it.")
    return Columns(data)


def _strata(columns: Columns, names: Sequence[str], labels: Sequence[object]) -> IntArray:
    groups = [columns.groups(name) for name in names]
    out = np.full(columns.n, -1, dtype=np.int64)
    whole = np.all([group.codes >= 0 for group in groups], axis=0)
    if not all(group.labels for group in groups) or not whole.any():
        return out
    codes, found = combine([type(group)(group.codes[whole], group.labels) for group in groups])
    places = {label: place for place, label in enumerate(labels)}
    assert codes is not None
    out[whole] = np.array([places.get(label, -1) for label in found])[codes]
    columns.forbid(
        whole & (out < 0),
        ", ".join(names),
        "is a stratum that the fit has not seen",
        remedy="predict for strata that stood in the data of the fit.",
    )
    return out
