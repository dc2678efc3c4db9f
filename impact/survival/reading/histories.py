"""Histories of people in start-stop rows: what must hold of a person's rows together."""

from __future__ import annotations

import numpy as np

from impact.errors import Fault, InputError, row_fault
from impact.frames import BoolArray, IntArray
from impact.survival.reading.faults import UNUSABLE


def check_histories(
    person: IntArray, start: IntArray, stop: IntArray, keep: BoolArray, column: str, same: dict[str, IntArray]
) -> None:
    """Raise where rows of a person overlap, or where a code that must be one a person changes.

    Parameters
    ----------
    person, start, stop : (n,) int
        Of the rows used; positions of times on one grid.
    keep : (rows of the data,) bool
        The rows used.
    column : str
        The column of `start`.
    same : dict of str to (n,) int
        Codes that must not change within a person, by what to call them.
    """
    order = np.lexsort((start, person))
    again = np.diff(person[order]) == 0
    faults: list[Fault] = []

    def note(bad: BoolArray, name: str, problem: str, why: str, remedy: str) -> None:
        if bad.any():
            rows = np.zeros(len(keep), dtype=bool)
            rows[np.flatnonzero(keep)[order[1:][bad]]] = True
            faults.append(row_fault(problem, rows.tolist(), table="data", column=name, why=why, remedy=remedy))

    note(
        again & (start[order][1:] < stop[order][:-1]),
        column,
        "comes before the stop of an earlier row of the same person",
        "a person would be at risk twice at once.",
        "cut the rows so that each starts at or after the stop of the one before.",
    )
    for name, codes in same.items():
        note(
            again & (np.diff(codes[order]) != 0),
            name,
            "changes within a person",
            "the people of each group must be the same throughout.",
            "give one value a person, or model the change by cox with start-stop rows.",
        )
    if faults:
        raise InputError(UNUSABLE, faults)
