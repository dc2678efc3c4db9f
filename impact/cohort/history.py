"""The records of everyone as sorted arrays, and what was known of a person on a day, without a look past that day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, dates
from impact.cohort.proven import Custody, Offences
from impact.cohort.queries import Tables, ask, day_numbers, numbers, places
from impact.cohort.rules import OUTCOMES, Rules
from impact.cohort.spells import Spells, entered_before, merge
from impact.cohort.window import Window
from impact.frames import BoolArray, FloatArray, IntArray
from impact.records.tables import OFFENCE_GROUPS, SEVERITIES

STRIDE = 2**32
YEAR = 365.25
CONTACT_DAYS = 365
CONTACT_ROLES = ("suspect", "arrested")
DISPOSALS = ("custody", "community", "suspended")
"""Disposals that make an event, custody first; the start of any other, such as a fine, is none."""
NEEDS = ("probation_needs", "total")


@dataclass(frozen=True, slots=True)
class Events:
    """Days from which follow-up may be counted, sorted by person and day, one a person and day.

    `started` is the first day of the sentence; `disposal` and `offence_group` are places in `DISPOSALS` and the
    contract's groups, −1 where the event is no sentence.
    """

    who: IntArray
    day: IntArray
    started: IntArray
    disposal: IntArray
    offence_group: IntArray

    @property
    def custodial(self) -> BoolArray:
        """Which events are a release from custody."""
        return self.disposal == 0

    def take(self, keep: BoolArray) -> Events:
        """The events where `keep` is true."""
        return Events(*(getattr(self, name)[keep] for name in self.__slots__))

    def latest(self, who: IntArray, day: IntArray) -> IntArray:
        """The place of each person's latest event at or before a day, −1 where there is none."""
        at = np.searchsorted(self.who * STRIDE + self.day, who * STRIDE + day, side="right") - 1
        found = (at >= 0) & (self.who[np.maximum(at, 0)] == who) if len(self.who) else np.zeros(len(who), dtype=bool)
        return np.where(found, at, -1)


@dataclass(frozen=True, eq=False)
class History:
    """Everyone's records; `who` everywhere is a place among `people`, who are in the order of their pseudonyms."""

    linked: Tables
    people: pd.DataFrame
    born: IntArray
    died: IntArray
    custody: Custody
    recalled: BoolArray
    spells: Spells
    events: Events
    sentenced: BoolArray

    def flags(self, question: str, **frames: pd.DataFrame) -> BoolArray:
        """Who of everyone is in the answer to a question."""
        found = np.zeros(len(self.people), dtype=bool)
        found[numbers(ask(self.linked, question, **frames), "who")] = True
        return found


def read_history(linked: Tables) -> History:
    """The records of a store that every cohort rests on."""
    people = ask(linked, "people")
    spells = ask(linked, "custody")
    left = day_numbers(spells, "left_on")
    custody = Custody(
        numbers(spells, "who"),
        day_numbers(spells, "entered_on"),
        np.where(left == NO_DAY, LAST_DAY, left),
        spells["sentenced"].to_numpy(dtype=bool),
    )
    sentences = ask(
        linked,
        "sentences",
        disposals=places("disposal", DISPOSALS),
        offence_groups=places("offence_group", OFFENCE_GROUPS),
    )
    sentenced = np.zeros(len(people), dtype=bool)
    sentenced[numbers(ask(linked, "sentenced"), "who")] = True
    return History(
        linked,
        people,
        day_numbers(people, "born"),
        day_numbers(people, "died_on"),
        custody,
        spells["recalled"].to_numpy(dtype=bool),
        merge(custody.person, custody.entered, custody.left),
        Events(
            numbers(sentences, "who"),
            day_numbers(sentences, "day"),
            day_numbers(sentences, "started_on"),
            numbers(sentences, "disposal_place"),
            numbers(sentences, "group_place"),
        ),
        sentenced,
    )


def screenings(history: History, instrument: str) -> Events:
    """The days on which people were read on an instrument, as events."""
    found = ask(history.linked, "screenings", screening=pd.DataFrame({"instrument": [instrument]}))
    day, none = day_numbers(found, "day"), np.full(len(found), -1)
    return Events(numbers(found, "who"), day, day, none, none)


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
    held = history.people.iloc[who].reset_index(drop=True)
    for name in ("sex", "ethnicity", "district"):
        frame[name] = held[name].astype("str")
    frame["imd_decile"] = held["imd_decile"].to_numpy(dtype=float, na_value=np.nan)
    return frame


def record_before(
    history: History, rules: Rules, who: IntArray, day: IntArray, readings: tuple[str, ...] = ()
) -> pd.DataFrame:
    """What was on record before a day: proven offences, custody spells, contacts with the police, and latest readings.

    Offences proven (by an outcome that the rules count) and spells entered on an earlier day; contacts as suspect or
    arrested in the 365 days before; the latest reading of an instrument on the day or before it. `readings` are
    ``assessment:instrument:scale``.
    """
    index_dates = index_frame(who, day).assign(since=dates(day - CONTACT_DAYS))
    frame = pd.DataFrame(index=range(len(who)))
    outcomes = pd.DataFrame({"outcome": rules.counted_outcomes})
    frame["previous_offences"] = _counts(
        ask(history.linked, "previous_offences", index_dates=index_dates, counted=outcomes), len(who)
    )
    frame["previous_custody"] = entered_before(history.spells, who, day)
    roles = pd.DataFrame({"role": CONTACT_ROLES})
    frame["contacts_before"] = _counts(
        ask(history.linked, "contacts_before", index_dates=index_dates, counted=roles), len(who)
    )
    names = dict.fromkeys((":".join(("assessment", *NEEDS)), *readings))
    scales = pd.DataFrame([(name, *name.split(":")[1:]) for name in names], columns=["name", "instrument", "scale"])
    found = ask(history.linked, "readings", index_dates=index_dates, scales=scales)
    for name in names:
        rows = found[found["name"] == name]
        score = np.full(len(who), np.nan)
        score[numbers(rows, "slot")] = rows["score"].to_numpy(dtype=float)
        frame["needs_before" if name == next(iter(names)) else name] = score
    return frame


def offences_after(history: History, rules: Rules, who: IntArray, day: IntArray, until: IntArray) -> Offences:
    """The offences that the rules count, committed after one day and by another; `person` is the place among `who`."""
    found = ask(
        history.linked,
        "offences_after",
        index_dates=index_frame(who, day).assign(until=dates(until)),
        outcomes=places("outcome", OUTCOMES),
        offence_groups=places("offence_group", OFFENCE_GROUPS),
        severities=places("severity", SEVERITIES),
    )
    counts = rules.counts(numbers(found, "outcome_place"), numbers(found, "group_place"))
    found = found[counts]
    return Offences(
        numbers(found, "slot"),
        day_numbers(found, "offended_on"),
        day_numbers(found, "proven_on"),
        numbers(found, "severity_place"),
    )


def reoffended_between(
    history: History, rules: Rules, who: IntArray, day: IntArray, until: IntArray, waiting: Window
) -> BoolArray:
    """Who committed an offence after a day and by another that was proven by the end of the waiting after that."""
    found = offences_after(history, rules, who, day, until)
    again = np.zeros(len(who), dtype=bool)
    again[found.person[found.proven <= waiting.end(until)[found.person]]] = True
    return again


def index_frame(who: IntArray, day: IntArray) -> pd.DataFrame:
    """People and a day of each, as a question joins them; `slot` is the place in the arrays given."""
    return pd.DataFrame({"slot": np.arange(len(who)), "who": who, "day": dates(day)})


def _counts(answer: pd.DataFrame, n: int) -> IntArray:
    count = np.zeros(n, dtype=np.int64)
    count[numbers(answer, "slot")] = numbers(answer, "n")
    return count
