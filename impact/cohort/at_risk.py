"""Time at risk: the stretches of follow-up that a person spends at liberty, up to the first event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, date_column, need_columns, note_rows, one_day
from impact.cohort.reoffending import index_people, person_codes
from impact.cohort.spells import Spells, holding, merge
from impact.cohort.stretches import split_rows
from impact.cohort.window import Window, read_window
from impact.errors import Fault, InputError
from impact.frames import BoolArray, IntArray
from impact.results import with_notes

_NEVER = 2**40
_CAUSES = 4
_COMPETING = ("death", "recall")
_INSIDE = ("count", "ignore")
_NEEDS = {"death": ("index", "died_on"), "recall": ("custody", "reason")}


@dataclass(frozen=True, eq=False, repr=False)
class TimeAtRisk:
    """Start-stop rows at liberty, for methods that take `entry`.

    Attributes
    ----------
    data : DataFrame
        One row a stretch: ``person_id, start, stop, event``, in the order of the index table and then of `start`.
        Days since the index date, at risk from `start` (left out) to `stop` (in it), with stop > start; `event` is what
        happened on the day `stop`: 0 nothing, 1 an event, 2 and 3 the competing causes.
    causes : tuple of str
        What 1, 2, … in `event` stand for.
    people, at_risk, inside : int
        People in the index, and those of them with any time at risk; histories that an event inside custody ended.
    notes : tuple of str
        Who and what is not in the rows, counted, and why.
    """

    data: pd.DataFrame
    causes: tuple[str, ...]
    people: int
    at_risk: int
    inside: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        counts = [f"{name} {int((self.data['event'] == code).sum()):,}" for code, name in enumerate(self.causes, 1)]
        days = int((self.data["stop"] - self.data["start"]).sum())
        return with_notes(
            f"Time at risk: {self.at_risk:,} of {self.people:,} people, {len(self.data):,} stretches, {days:,} days; "
            f"ended by: {', '.join(counts)}",
            self.notes,
        )


def at_risk(
    index: pd.DataFrame,
    custody: pd.DataFrame,
    *,
    follow_up: int | str | Window | None = None,
    end_on: dt.date | str | None = None,
    events: pd.DataFrame | None = None,
    inside: Literal["count", "ignore"] | None = None,
    competing: Sequence[Literal["death", "recall"]] = (),
    treated_on: str | None = None,
) -> TimeAtRisk:
    """The stretches of follow-up outside custody, up to the first event: start-stop rows in days since the index date.

    Overlapping and touching spells are one; a spell with no `left_on` runs to the end; a spell that ends on the day it
    began takes no time. Who is inside on the index date is at risk from release on (delayed entry). Follow-up ends with
    the first event, with death, at the end of `follow_up` or on `end_on`, whichever comes first.

    Parameters
    ----------
    index : DataFrame
        One row a person: ``person_id, index_on``, and ``died_on`` where known.
    custody : DataFrame
        One row a spell, of people in `index` only: ``person_id, entered_on, left_on`` (missing while inside) and, where
        recall is asked for, ``reason``. Rows may repeat and overlap.
    follow_up : int or str, optional
        Length of follow-up: days, 1 or more, or text such as ``"12 months"``. Give it, or `end_on`, or both.
    end_on : date, optional
        Last day of follow-up for everyone.
    events : DataFrame, optional
        One row an event, of people in `index` only: ``person_id, occurred_on``. An event on the index date or before it
        is not one of the follow-up.
    inside : {"count", "ignore"}, optional
        What becomes of an event inside custody, where nobody was at risk; there is no default, for both change the
        result. ``"count"``: it counts, and the days inside that lead up to it are put at risk, from the first day of
        that stay (or of follow-up) to the event. ``"ignore"``: it is left out and counted in the notes; the person is
        at risk again on release. A person is inside on a day if they were inside at the end of the day before: an event
        on the day of entering happened at liberty, one on the day of release did not (no time at risk leads up to it).
    competing : sequence of {"death", "recall"}
        Causes that end the history with a code of their own, 2 and 3 in the order given: the death of the person, and
        the first day of a spell whose reason is recall. Otherwise a death ends follow-up with no event, and a recall is
        a spell as any other. What falls on one day counts as the event first, then as given here.
    treated_on : str, optional
        Date column of `index`: the first day of treatment, missing for people who were never treated. The rows are then
        split at it and have a column ``treated``, 0 up to that day and 1 after it: treatment that changes with time.

    Returns
    -------
    TimeAtRisk
        ``.data`` (``person_id, start, stop, event``, and ``treated`` where asked for), ``.causes``, ``.notes``. A
        person with no time at risk has no row, and is counted in the notes.

    Raises
    ------
    InputError
        With every fault of the tables and arguments at once: among them spells that end before they start, events after
        death, index dates after `end_on`, and events inside custody with nothing said in `inside`.

    Examples
    --------
    >>> index = pd.DataFrame({"person_id": ["a", "b"], "index_on": pd.to_datetime(["2021-01-01", "2021-01-01"])})
    >>> custody = pd.DataFrame({"person_id": ["a", "b"], "entered_on": pd.to_datetime(["2020-12-20", "2021-02-10"]),
    ...                         "left_on": pd.to_datetime(["2021-01-11", "2021-02-20"])})
    >>> events = pd.DataFrame({"person_id": ["b"], "occurred_on": pd.to_datetime(["2021-03-02"])})
    >>> at_risk(index, custody, follow_up=365, events=events).data
      person_id  start  stop  event
    0         a     10   365      0
    1         b      0    40      0
    2         b     50    60      1
    """
    faults = _arguments(index, custody, events, inside, competing)
    if treated_on is not None:
        faults += need_columns(index, (treated_on,), "index")
    last = LAST_DAY if end_on is None else one_day(end_on, "end_on", faults)
    length = None if follow_up is None else read_window(follow_up, "follow_up", 1, faults)
    if follow_up is None and end_on is None:
        faults.append(Fault("is not given, nor is end_on", column="follow_up", remedy="say when follow-up ends."))
    _raise(faults)
    people, start, died = index_people(index, faults)
    owner = person_codes(custody, people, "custody", faults)
    entered = date_column(custody, "entered_on", "custody", faults)
    left = date_column(custody, "left_on", "custody", faults, may_miss=True)
    left = np.where(left == NO_DAY, LAST_DAY, left)
    note_rows(faults, (left < entered) & (entered != NO_DAY), "custody", "left_on", "is before the spell started")
    note_rows(faults, start > last, "index", "index_on", "is after the end of follow-up (end_on)")
    found = None if events is None else _occurred(events, people, died, faults)
    begun = None if treated_on is None else date_column(index, treated_on, "index", faults, may_miss=True)
    _raise(faults)

    n = len(index)
    alive = np.where(died == NO_DAY, _NEVER, died - start)
    asked = np.minimum(last - start, _NEVER if length is None else length.end(start) - start)
    end = np.minimum(asked, alive)
    first_day, last_day = np.maximum(entered - start[owner], 0), np.minimum(left - start[owner], end[owner])
    takes_time = last_day > first_day
    spells = merge(owner[takes_time], first_day[takes_time], last_day[takes_time])

    who, day, cause = _happened(found, alive, owner, entered, custody, start, competing)
    within = (day >= 1) & (day <= end[who])
    before, after = (int((outside & (cause == 1)).sum()) for outside in (day < 1, day > end[who]))
    who, day, cause = who[within], day[within], cause[within]
    held = holding(spells, who, day - 1) >= 0
    until, ended_by = _first(who, day, cause, n)
    left_out = np.zeros(0, dtype=bool)
    if inside != "count":
        outside_until, outside_by = _first(who[~held], day[~held], cause[~held], n)
        if inside is None:
            _undecided(until < outside_until)
        until, ended_by = outside_until, outside_by
        left_out = held & (day < until[who]) & np.array([True, *(name != "death" for name in competing)])[cause - 1]

    person, begin, stop, event, added = _rows(spells, end, until, ended_by)
    with_time = len(np.unique(person))
    treated = None
    if begun is not None:
        cut = np.where(begun == NO_DAY, _NEVER, begun - start)
        person, begin, stop, event, treated = split_rows(person, begin, stop, event, cut)
    data = pd.DataFrame(
        {"person_id": index["person_id"].to_numpy()[person], "start": begin, "stop": stop, "event": event}
    )
    if treated is not None:
        data["treated"] = treated
    notes = _notes(n, with_time, added, int(left_out.sum()), before, after)
    early = int(((alive <= asked) & (until > alive)).sum())
    if early:
        notes += (f"Deaths that end the follow-up with no event: {early:,}.",)
    return TimeAtRisk(data, ("event", *competing), n, with_time, added, notes)


def _arguments(
    index: pd.DataFrame, custody: pd.DataFrame, events: pd.DataFrame | None, inside: object, competing: Sequence[str]
) -> list[Fault]:
    faults = need_columns(index, ("person_id", "index_on"), "index")
    faults += need_columns(custody, ("person_id", "entered_on", "left_on"), "custody")
    if events is not None:
        faults += need_columns(events, ("person_id", "occurred_on"), "events")
    if inside is not None and inside not in _INSIDE:
        faults.append(Fault("is neither count nor ignore", column="inside"))
    if isinstance(competing, str) or len(set(competing)) < len(competing) or not set(competing) <= set(_COMPETING):
        faults.append(Fault("is not a list of death and recall, each at most once", column="competing"))
        return faults
    for cause in competing:
        table, column = _NEEDS[cause]
        faults += need_columns(index if table == "index" else custody, (column,), table)
    return faults


def _happened(
    found: tuple[IntArray, IntArray] | None,
    alive: IntArray,
    owner: IntArray,
    entered: IntArray,
    custody: pd.DataFrame,
    start: IntArray,
    competing: Sequence[str],
) -> tuple[IntArray, IntArray, IntArray]:
    """Person, day since the index and cause of everything that may end a history."""
    who, day = found if found is not None else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    parts = [(who, day - start[who], np.ones(len(who), np.int64))]
    for code, name in enumerate(competing, start=2):
        if name == "death":
            who = np.flatnonzero(alive < _NEVER)
            day = alive[who]
        else:
            recalled = (custody["reason"] == "recall").fillna(False).to_numpy(dtype=bool)
            who = owner[recalled]
            day = entered[recalled] - start[who]
        parts.append((who, day, np.full(len(who), code)))
    people, days, causes = (np.concatenate(part) for part in zip(*parts, strict=True))
    return people, days, causes


def _raise(faults: list[Fault]) -> None:
    if faults:
        raise InputError("Time at risk cannot be counted:", faults)


def _occurred(events: pd.DataFrame, people: pd.Index, died: IntArray, faults: list[Fault]) -> tuple[IntArray, IntArray]:
    owner = person_codes(events, people, "events", faults)
    day = date_column(events, "occurred_on", "events", faults)
    death = np.append(died, NO_DAY)[owner]
    late = (owner >= 0) & (death != NO_DAY) & (day > death)
    note_rows(faults, late, "events", "occurred_on", "is after the death of the person")
    return owner, day


def _undecided(people: BoolArray) -> None:
    if people.any():
        fault = Fault(
            f"is not given, and the first event of {int(people.sum()):,} people happened inside custody",
            column="inside",
            why="nobody was at risk at the time: to count such events and to leave them out give different results.",
            remedy='say inside="count" or inside="ignore".',
        )
        raise InputError("Time at risk cannot be counted:", [fault])


def _first(who: IntArray, day: IntArray, cause: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """The day and the cause of the first event of person 0, 1, …; the lowest cause of those on one day."""
    first = np.full(n, _NEVER * _CAUSES)
    np.minimum.at(first, who, day * _CAUSES + cause)
    return first // _CAUSES, first % _CAUSES


def _rows(
    spells: Spells, end: IntArray, until: IntArray, ended_by: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray, int]:
    """Person, start, stop and event of every stretch, and how many of the stretches lie inside custody.

    A person with k spells has k + 1 stretches around them, each of which may be empty: the first starts on day 0 and
    the last stops at the end.
    """
    n, m = len(end), len(spells.person)
    place = np.arange(m) + spells.person
    through = np.cumsum(np.bincount(spells.person, minlength=n)) + np.arange(n)
    person = np.repeat(np.arange(n), np.diff(through, prepend=-1))
    begin, stop = np.zeros(n + m, np.int64), np.zeros(n + m, np.int64)
    begin[place + 1] = spells.left
    stop[place] = spells.entered
    stop[through] = end
    stop = np.minimum(stop, until[person])
    keep = stop > begin
    person, begin, stop = person[keep], begin[keep], stop[keep]

    ends = np.flatnonzero(until < _NEVER)
    at = holding(spells, ends, until[ends] - 1)
    ends, at = ends[at >= 0], at[at >= 0]
    person = np.concatenate([person, ends])
    begin = np.concatenate([begin, spells.entered[at]])
    stop = np.concatenate([stop, until[ends]])
    if len(ends):
        order = np.lexsort((begin, person))
        person, begin, stop = person[order], begin[order], stop[order]
    return person, begin, stop, np.where(stop == until[person], ended_by[person], 0), len(ends)


def _notes(n: int, with_time: int, added: int, ignored: int, before: int, after: int) -> tuple[str, ...]:
    said = (
        ("People with no time at risk, and so no row (inside throughout, or nothing to follow)", n - with_time),
        ("Histories that end inside custody, the days of that stay before the end put at risk", added),
        ("Events inside custody left out", ignored),
        ("Events on the index date or before it left out", before),
        ("Events after the end of follow-up left out", after),
    )
    return tuple(f"{words}: {count:,}." for words, count in said if count)
