"""Who could have started on a day and had not: stretches of days at risk, with what was known on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, date_column, need_columns, note_rows
from impact.cohort.reoffending import index_people, person_codes
from impact.cohort.spells import Spells, holding, merge
from impact.errors import Fault
from impact.frames import BoolArray, IntArray

STRIDE = 2**32


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of a table that hold from a day until the person's next row, sorted by person and day since the index."""

    person: IntArray
    day: IntArray
    values: pd.DataFrame

    def latest(self, person: IntArray, day: IntArray) -> IntArray:
        """The row that holds for each person on each day, −1 where there is none yet."""
        if not len(self.person):
            return np.full(len(person), -1)
        at = np.searchsorted(self.person * STRIDE + self.day, person * STRIDE + day, side="right") - 1
        return np.where((at >= 0) & (self.person[np.maximum(at, 0)] == person), at, -1)


@dataclass(frozen=True, eq=False)
class Everyone:
    """The people of a trial, all days counted from each one's own index date, `LAST_DAY` for never.

    `started`, `died`, `again` (first event after the index date) and `closed` (the records' last day).
    """

    table: pd.DataFrame
    index: IntArray
    started: IntArray
    died: IntArray
    again: IntArray
    closed: IntArray
    spells: Spells
    history: tuple[Changes, ...]

    def known(self, person: IntArray, day: IntArray, names: Sequence[str]) -> pd.DataFrame:
        """The named columns as they were for each person on each day."""
        found = {}
        for name in names:
            source = next((one for one in self.history if name in one.values.columns), None)
            fixed = self.table[name] if name in self.table.columns else None
            numeric = pd.api.types.is_numeric_dtype(self.table[name] if source is None else source.values[name])
            kind = float if numeric else object
            values = np.full(len(person), np.nan, dtype=kind) if fixed is None else _plain(fixed, kind)[person]
            if source is not None and len(source.person):
                at = source.latest(person, day)
                values = np.where(at >= 0, _plain(source.values[name], kind)[np.maximum(at, 0)], values)
            found[name] = values
        return pd.DataFrame(found, index=range(len(person)))

    def inside(self, person: IntArray, day: IntArray) -> BoolArray:
        """Who was in custody at the end of a day."""
        return holding(self.spells, person, day) >= 0

    def stretches(self, names: Sequence[str]) -> tuple[IntArray, IntArray, IntArray]:
        """Person, first day and day after the last of every stretch at liberty, alive, and neither started nor again.

        Within a stretch none of the named columns changes.
        """
        n = len(self.index)
        end = np.minimum.reduce([self.started, self.died, self.again, self.closed])
        cuts = [(np.arange(n), np.zeros(n, dtype=np.int64))]
        cuts += [(self.spells.person, self.spells.entered), (self.spells.person, self.spells.left)]
        cuts += [(one.person, one.day) for one in self.history if set(names) & set(one.values.columns)]
        person, day = (np.concatenate(part) for part in zip(*cuts, strict=True))
        keep = (day >= 0) & (day < end[person])
        key = np.unique(person[keep] * STRIDE + day[keep])
        person, first = key // STRIDE, key % STRIDE
        last = np.append(person[1:] != person[:-1], True) if len(person) else np.zeros(0, dtype=bool)
        stop = np.where(last, end[person], np.append(first[1:], 0) if len(first) else first)
        out = ~self.inside(person, first)
        return person[out], first[out], stop[out]


def read_everyone(
    people: pd.DataFrame,
    treated_on: str,
    custody: pd.DataFrame | None,
    events: pd.DataFrame | None,
    history: Sequence[pd.DataFrame],
    last: int,
    faults: list[Fault],
) -> Everyone | None:
    """Read the tables of a trial; None where one lacks a column, with every fault noted."""
    before = len(faults)
    faults += need_columns(people, ("person_id", "index_on", treated_on), "people")
    if custody is not None:
        faults += need_columns(custody, ("person_id", "entered_on", "left_on"), "custody")
    if events is not None:
        faults += need_columns(events, ("person_id", "occurred_on"), "events")
    for place, one in enumerate(history, 1):
        faults += need_columns(one, ("person_id", "from_on"), f"history {place}")
    if len(faults) == before and not len(people):
        faults.append(Fault("has no rows", table="people", remedy="give a table with at least one person."))
    if len(faults) > before:
        return None
    ids, index, died = index_people(people, faults)
    started = date_column(people, treated_on, "people", faults, may_miss=True)
    gone = (started != NO_DAY) & (died != NO_DAY) & (started > died)
    note_rows(faults, gone, "people", treated_on, "is after the death of the person", remedy="mend one of the dates.")
    n = len(people)
    spells, again = _spells(custody, ids, index, faults), _again(events, ids, index, n, faults)
    changes = tuple(_changes(one, f"history {place}", ids, index, faults) for place, one in enumerate(history, 1))
    if (index == NO_DAY).any():
        return None
    died, started = (np.where(day == NO_DAY, LAST_DAY, day - index) for day in (died, started))
    return Everyone(people.reset_index(drop=True), index, started, died, again, last - index, spells, changes)


def _plain(values: pd.Series, kind: type) -> np.ndarray:
    return values.to_numpy(dtype=float, na_value=np.nan) if kind is float else values.to_numpy(dtype=object)


def _spells(custody: pd.DataFrame | None, ids: pd.Index, index: IntArray, faults: list[Fault]) -> Spells:
    none = np.zeros(0, dtype=np.int64)
    if custody is None or not ids.is_unique:
        return Spells(none, none, none)
    owner = person_codes(custody, ids, "custody", faults)
    entered = date_column(custody, "entered_on", "custody", faults)
    left = date_column(custody, "left_on", "custody", faults, may_miss=True)
    left = np.where(left == NO_DAY, LAST_DAY, left)
    note_rows(faults, (left < entered) & (entered != NO_DAY), "custody", "left_on", "is before the spell started")
    good = (owner >= 0) & (entered != NO_DAY) & (index[owner] != NO_DAY)
    owner, entered, left = owner[good], entered[good], left[good]
    entered, left = np.maximum(entered - index[owner], 0), left - index[owner]
    within = left > entered
    return merge(owner[within], entered[within], np.minimum(left[within], LAST_DAY))


def _again(events: pd.DataFrame | None, ids: pd.Index, index: IntArray, n: int, faults: list[Fault]) -> IntArray:
    first = np.full(n, LAST_DAY, dtype=np.int64)
    if events is None or not ids.is_unique:
        return first
    owner = person_codes(events, ids, "events", faults)
    day = date_column(events, "occurred_on", "events", faults)
    good = (owner >= 0) & (day != NO_DAY) & (index[owner] != NO_DAY)
    owner, day = owner[good], day[good] - index[owner[good]]
    np.minimum.at(first, owner[day >= 1], day[day >= 1])
    return first


def _changes(table: pd.DataFrame, name: str, ids: pd.Index, index: IntArray, faults: list[Fault]) -> Changes:
    owner = person_codes(table, ids, name, faults)
    day = date_column(table, "from_on", name, faults)
    twice = table.duplicated(["person_id", "from_on"], keep=False).to_numpy()
    note_rows(faults, twice, name, "from_on", "gives one person two rows from one day", remedy="keep one of them.")
    day = day - index[owner]
    order = np.lexsort((day, owner))
    values = table.drop(columns=["person_id", "from_on"]).iloc[order].reset_index(drop=True)
    return Changes(owner[order], day[order], values)


def column_faults(
    wanted: Sequence[str],
    people: pd.DataFrame,
    history: Sequence[pd.DataFrame],
    *,
    own: Sequence[str],
    barred: Sequence[str],
    number: str | None,
) -> list[Fault]:
    """What is wrong with the columns that a trial needs, in `people` and in the tables of changes."""
    tables = {"people": people} | {f"history {place}": table for place, table in enumerate(history, 1)}
    faults = [
        Fault("is a name of the trial's own columns", table=name, column=column, remedy="give it another name.")
        for name, table in tables.items()
        for column in own
        if column in table.columns
    ]
    for column in wanted:
        held = {name: table[column] for name, table in tables.items() if column in table.columns}
        if column in barred:
            faults.append(Fault("cannot be a covariate", column=column, remedy="leave it out."))
            continue
        if not held:
            faults.append(Fault("is in no table", column=column, remedy="give it in people or in history."))
        if sum(name != "people" for name in held) > 1:
            faults.append(Fault("is in more than one table of history", column=column, remedy="keep one."))
        if len({pd.api.types.is_numeric_dtype(values) for values in held.values()}) > 1:
            faults.append(Fault("is a number in one table and none in another", column=column))
        for name, values in held.items():
            if pd.api.types.is_datetime64_any_dtype(values):
                faults.append(
                    Fault(
                        "is a date", table=name, column=column, remedy="give the days from a fixed date, or a category."
                    )
                )
            elif pd.api.types.is_numeric_dtype(values):
                endless = np.isinf(values.to_numpy(dtype=float, na_value=np.nan))
                note_rows(faults, endless, name, column, "is infinite", remedy="mend the value or make it missing.")
            elif column == number:
                faults.append(Fault("is no number, and the score must be", table=name, column=column))
    return faults
