"""Rows of the `need` table as checked arrays, which every method of needs starts from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.errors import InputError
from impact.frames import BoolArray, Columns, Groups
from impact.records.tables import PATHWAYS


@dataclass(frozen=True, slots=True)
class Needs:
    """Needs as read, one entry for each row of the data.

    Attributes
    ----------
    columns : Columns
        The data; `rows` has been called.
    people, pathways : Groups
        Whose need, and on which pathway.
    identified, met : (n,) datetime64[D]
        When; `met` is NaT while unmet, and where met after `last`.
    keep : (n,) bool
        Needs identified by `last`, with every value needed.
    last : datetime64[D]
        The last day on which the records are complete.
    notes : tuple of str
        What was left out, counted.
    """

    columns: Columns
    people: Groups
    pathways: Groups
    identified: NDArray[np.datetime64]
    met: NDArray[np.datetime64]
    keep: BoolArray
    last: np.datetime64
    notes: tuple[str, ...]


def read_needs(columns: Columns, complete_to: date | str | pd.Timestamp) -> Needs:
    """Read the needs identified by `complete_to`; the caller may have read further columns.

    Raises
    ------
    InputError
        With every fault: a missing column, a date that is not one, an unknown pathway, a need met before it was
        identified, the same need twice.
    """
    if columns.design is not None:
        raise InputError("Rows of the need table are asked for; a Design has one row a person.")
    last = _day(complete_to)
    people, kinds = columns.groups("person_id"), columns.groups("pathway")
    identified, met = columns.date("identified_on"), columns.date("met_on", optional=True)
    known = np.array([label in PATHWAYS for label in kinds.labels] + [True], dtype=bool)
    columns.forbid(
        ~known[kinds.codes],
        "pathway",
        "is not one of the seven pathways",
        remedy=f"the pathways are: {', '.join(PATHWAYS)}.",
    )
    columns.forbid(met < identified, "met_on", "is before the need was identified", remedy="mend one of the dates.")
    columns.forbid(
        _repeated(columns.frame),
        "identified_on",
        "has the same need of the same person twice",
        why="it would be counted twice.",
        remedy="keep one row for each need.",
    )
    keep = columns.rows()
    late = keep & (identified > last)
    notes = columns.notes
    if late.any():
        notes += (f"{int(late.sum()):,} needs left out: identified after the records are complete ({last}).",)
    met = np.where(met <= last, met, np.datetime64("NaT"))
    return Needs(columns, people, kinds, identified, met, keep & ~late, last, notes)


def _repeated(needs: pd.DataFrame) -> BoolArray:
    key = [name for name in ("person_id", "programme", "pathway", "identified_on") if name in needs.columns]
    whole = needs[key].notna().all(axis=1)
    return (whole & needs.duplicated(key, keep=False)).to_numpy(dtype=bool) if key else np.zeros(len(needs), dtype=bool)


def _day(value: date | str | pd.Timestamp) -> np.datetime64:
    try:
        day = pd.Timestamp(value)
    except (ValueError, TypeError) as error:
        raise InputError(f"complete_to must be a date, not {value!r}.") from error
    if pd.isna(day):
        raise InputError("complete_to must be a date, and none was given.")
    return np.datetime64(day, "D")
