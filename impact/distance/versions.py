"""Readings taken with different versions of a scale, which are never compared."""

from __future__ import annotations

import numpy as np

from impact.errors import InputError, row_fault
from impact.frames import BoolArray, Columns, Groups, IntArray

WHY = "the difference between two versions would count as change."
REMEDY = "convert the scores of one version to the other, or leave out the readings of one."


def refuse_two_versions(before: IntArray, after: IntArray, versions: Groups, name: str) -> None:
    """Raise where the second of two readings of a person is of another version than the first.

    Parameters
    ----------
    before, after : (m,) int
        Rows of the two readings.
    versions : Groups
        Of the rows of the data.
    name : str
        The column of versions.
    """
    other = np.zeros(len(versions.codes), dtype=bool)
    other[after[versions.codes[after] != versions.codes[before]]] = True
    if other.any():
        problem = "is another version than that of the first reading of the same person"
        fault = row_fault(problem, other.tolist(), table="data", column=name, why=WHY, remedy=REMEDY)
        raise InputError("The data given cannot be used:", [fault])


def forbid_versions(columns: Columns, version: str | None, scales: IntArray, used: BoolArray) -> None:
    """Note as faults the readings of another version than most of their scale, where means are taken over people.

    Parameters
    ----------
    columns : Columns
        The data, from which the column is read.
    version : str or None
        The column of versions; nothing is done without one.
    scales : (n,) int
        Codes of the scale of each row.
    used : (n,) bool
        Rows that count.
    """
    if version is None:
        return
    versions = columns.groups(version)
    used = used & (versions.codes >= 0)
    if not used.any():
        return
    counts = np.zeros((int(scales[used].max()) + 1, len(versions.labels)), dtype=np.int64)
    np.add.at(counts, (scales[used], versions.codes[used]), 1)
    most = counts.argmax(axis=1)
    other = np.zeros(columns.n, dtype=bool)
    other[used] = versions.codes[used] != most[scales[used]]
    columns.forbid(other, version, "is another version than that of most readings", why=WHY, remedy=REMEDY)
