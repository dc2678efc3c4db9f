"""The records of everyone as sorted arrays, and what was known of a person on a day, without a look past that day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, days
from impact.cohort.reoffending import rules
from impact.cohort.spells import Spells, entered_before, merge
from impact.frames import BoolArray, FloatArray, IntArray

STRIDE = 2**32
YEAR = 365.25
CONTACT_DAYS = 365
CONTACT_ROLES = ("suspect", "arrested")
IN_THE_COMMUNITY = ("community", "suspended")
"""Disposals whose start is an event; the start of any other, such as a fine, is none."""


class Tables(Protocol):
    """What a cohort needs of a store of linked records."""

    @property
    def complete_to(self) -> dt.date | None: ...

    @property
    def definitions(self) -> Mapping[str, Path]: ...

    def table(self, name: str) -> pd.DataFrame: ...


@dataclass(frozen=True, slots=True)
class Events:
    """Days from which follow-up may be counted: release, or the start of a community or suspended sentence.

    Sorted by person and day, one a person and day; `started` is the first day of the sentence.
    """

    who: IntArray
    day: IntArray
    started: IntArray
    custodial: BoolArray
    disposal: np.ndarray
    offence_group: np.ndarray

    def take(self, keep: BoolArray) -> Events:
        """The events where `keep` is true."""
        return Events(*(getattr(self, name)[keep] for name in self.__slots__))

    def latest(self, who: IntArray, day: IntArray) -> IntArray:
        """The place of each person's latest event at or before a day, −1 where there is none."""
        at = np.searchsorted(self.who * STRIDE + self.day, who * STRIDE + day, side="right") - 1
        found = (at >= 0) & (self.who[np.maximum(at, 0)] == who) if len(self.who) else np.zeros(len(who), dtype=bool)
        return np.where(found, at, -1)


class _Once:
    """Reads each table of a store once."""

    def __init__(self, linked: Tables) -> None:
        self._linked = linked
        self._held: dict[str, pd.DataFrame] = {}

    def table(self, name: str) -> pd.DataFrame:
        if name not in self._held:
            self._held[name] = self._linked.table(name)
        return self._held[name]


@dataclass(frozen=True, slots=True)
class History:
    """Everyone's records; `people` is the person table sorted by person_id, and `who` everywhere a place in it."""

    tables: _Once
    people: pd.DataFrame
    born: IntArray
    died: IntArray
    spells: Spells
    events: Events

    def table(self, name: str) -> pd.DataFrame:
        """A table of the store, not to be changed."""
        return self.tables.table(name)

    def who(self, table: pd.DataFrame) -> IntArray:
        """The place of each row's person."""
        return pd.Index(self.people["person_id"]).get_indexer(pd.Index(table["person_id"])).astype(np.int64)


def read_history(linked: Tables) -> History:
    """The records of a store that every cohort rests on."""
    tables = _Once(linked)
    people = tables.table("person").sort_values("person_id").reset_index(drop=True)
    born = _born(people)
    died = days(people["died_on"])
    position = pd.Index(people["person_id"])
    custody = tables.table("custody")
    left = days(custody["left_on"])
    spells = merge(
        position.get_indexer(pd.Index(custody["person_id"])).astype(np.int64),
        days(custody["entered_on"]),
        np.where(left == NO_DAY, LAST_DAY, left),
    )
    return History(tables, people, born, died, spells, _events(tables.table("sentence"), position))


def _born(people: pd.DataFrame) -> IntArray:
    born = days(people["birth_date"])
    middle = days(pd.to_datetime(people["birth_month"].astype("string") + "-15", format="%Y-%m-%d"))
    return np.where(born == NO_DAY, middle, born)


def _events(sentence: pd.DataFrame, position: pd.Index) -> Events:
    custodial = (sentence["disposal"] == "custody").to_numpy(dtype=bool)
    started, released = days(sentence["started_on"]), days(sentence["released_on"])
    frame = pd.DataFrame(
        {
            "who": position.get_indexer(pd.Index(sentence["person_id"])),
            "day": np.where(custodial, released, started),
            "started": started,
            "sentenced": -days(sentence["sentenced_on"]),
            "custodial": custodial,
            "disposal": sentence["disposal"].to_numpy(dtype=object),
            "offence_group": sentence["offence_group"].to_numpy(dtype=object),
        }
    )
    served = custodial | sentence["disposal"].isin(IN_THE_COMMUNITY).to_numpy()
    frame = frame[served & (frame["day"] != NO_DAY)].sort_values(
        ["who", "day", "sentenced", "offence_group", "disposal"]
    )
    frame = frame.drop_duplicates(["who", "day"])
    return Events(
        *(frame[name].to_numpy() for name in ("who", "day", "started", "custodial", "disposal", "offence_group"))
    )


def age_on(born: IntArray, day: IntArray) -> tuple[FloatArray, FloatArray]:
    """Age in years as a decimal (days / 365.25), and in whole years completed by the calendar; NaN where not known."""
    known = born != NO_DAY
    birth = np.where(known, born, 0)
    from_date, to_date = (value.astype("datetime64[D]") for value in (birth, day))
    years = to_date.astype("datetime64[Y]").astype(np.int64) - from_date.astype("datetime64[Y]").astype(np.int64)
    month, month_born = (value.astype("datetime64[M]").astype(np.int64) % 12 for value in (to_date, from_date))
    of_month, of_month_born = (
        (value - value.astype("datetime64[M]")).astype(np.int64) for value in (to_date, from_date)
    )
    not_yet = (month < month_born) | ((month == month_born) & (of_month < of_month_born))
    return np.where(known, (day - birth) / YEAR, np.nan), np.where(known, years - not_yet, np.nan)


def background(history: History, who: IntArray, day: IntArray) -> pd.DataFrame:
    """Who people are: age on a day, sex, ethnic group, and the district and deprivation of where they live."""
    frame = pd.DataFrame({"age": age_on(history.born[who], day)[0]})
    for name in ("sex", "ethnicity"):
        frame[name] = history.people[name].to_numpy()[who]
    area = history.table("area").drop_duplicates("lsoa").set_index("lsoa")
    lived = history.people["lsoa"].to_numpy(dtype=object)[who]
    place = area.index.get_indexer(pd.Index(lived, dtype=object))
    frame["district"] = pd.Series(
        np.append(area["district"].to_numpy(dtype=object), np.array([None]))[place], dtype="str"
    )
    frame["imd_decile"] = np.append(area["imd_decile"].to_numpy(dtype=float), np.nan)[place]
    return frame


def record_before(history: History, who: IntArray, day: IntArray, readings: tuple[str, ...]) -> pd.DataFrame:
    """What was on record before a day: proven offences, custody spells, contacts with the police, and latest readings.

    Offences proven (by conviction or caution) and spells entered on an earlier day; contacts as suspect or arrested in
    the 365 days before; the latest reading of an instrument on the day or before it. `readings` are
    ``assessment:instrument:scale``.
    """
    frame = pd.DataFrame(index=range(len(who)))
    offence = history.table("offence")
    proven = days(offence["proven_on"])
    counts = (proven != NO_DAY) & offence["outcome"].isin(rules().counted_outcomes).to_numpy()
    ever = np.full_like(day, -STRIDE // 2)
    frame["previous_offences"] = _between(history.who(offence)[counts], proven[counts], who, ever, day)
    frame["previous_custody"] = entered_before(history.spells, who, day)
    contact = history.table("police_contact")
    counts = contact["role"].isin(CONTACT_ROLES).to_numpy()
    occurred = days(contact["occurred_on"])[counts]
    frame["contacts_before"] = _between(history.who(contact)[counts], occurred, who, day - CONTACT_DAYS, day)
    assessment = history.table("assessment")
    for name in ("assessment:probation_needs:total", *readings):
        _, instrument, scale = name.split(":")
        rows = (assessment["instrument"] == instrument) & (assessment["scale"] == scale)
        score = _latest(history, assessment[rows.to_numpy(dtype=bool)], who, day)
        frame["needs_before" if name == "assessment:probation_needs:total" else name] = score
    return frame


def _between(owner: IntArray, when: IntArray, who: IntArray, first: IntArray, end: IntArray) -> IntArray:
    """How many records each person has from day `first` to the day before `end`."""
    key = np.sort(owner * STRIDE + when)
    return np.searchsorted(key, who * STRIDE + end) - np.searchsorted(key, who * STRIDE + first)


def _latest(history: History, readings: pd.DataFrame, who: IntArray, day: IntArray) -> FloatArray:
    if readings.empty:
        return np.full(len(who), np.nan)
    frame = pd.DataFrame(
        {
            "who": history.who(readings),
            "day": days(readings["assessed_on"]),
            "wave": readings["wave"].to_numpy(),
            "score": readings["score"].to_numpy(dtype=float),
        }
    ).sort_values(["who", "day", "wave", "score"])
    key = frame["who"].to_numpy() * STRIDE + frame["day"].to_numpy()
    at = np.searchsorted(key, who * STRIDE + day, side="right") - 1
    found = (at >= 0) & (frame["who"].to_numpy()[np.maximum(at, 0)] == who)
    return np.where(found, frame["score"].to_numpy()[np.maximum(at, 0)], np.nan)
