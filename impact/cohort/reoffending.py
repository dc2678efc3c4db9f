"""Proven reoffending: an offence committed in the follow-up, and proven in it or in the waiting period after it."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, date_column, need_columns, note_rows, one_day, whole_days
from impact.cohort.spells import days_inside, merge
from impact.errors import Fault, InputError
from impact.frames import BoolArray, IntArray
from impact.records.tables import OFFENCE_GROUPS, SEVERITIES

_NEVER = 2**40


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule set of `reoffending_rules.toml`: what proves an offence, and what is never a reoffence."""

    version: str
    title: str
    counted_outcomes: tuple[str, ...]
    not_counted_outcomes: tuple[str, ...]
    not_counted_groups: tuple[str, ...]
    custody_within_days: int
    evidence: tuple[Mapping[str, str], ...]


@cache
def rules() -> Rules:
    """The rule set in force, with its version and the evidence for each rule."""
    text = resources.files("impact.cohort").joinpath("reoffending_rules.toml").read_text(encoding="utf-8")
    held: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in tomllib.loads(text).items()
    }
    return Rules(**held)


def proven_reoffending(
    index: pd.DataFrame,
    offences: pd.DataFrame,
    *,
    follow_up: int = 365,
    waiting: int = 183,
    complete_to: dt.date | str,
    custody: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Who reoffended, how often, when and how gravely, by the Ministry of Justice's definition.

    A reoffence is an offence committed on day 1 to `follow_up` after the index date and proven (by conviction or
    caution) no later than `follow_up` + `waiting` days after it. Offences of the index date or before it are never
    reoffences; penalty notices and breach offences do not count. The rules are data, with a version and the evidence
    for each: `impact/cohort/reoffending_rules.toml`.

    A person whose window (`follow_up` + `waiting`) ends after `complete_to` is not a non-reoffender: everything about
    their reoffending is missing and `complete` is False, even where a reoffence is already on record (keeping those
    alone would bias the rate upwards).

    Parameters
    ----------
    index : DataFrame
        One row a person: ``person_id, index_on``, and ``died_on`` where known. A person who died in the window stays in
        and counts as observed to its end (the sources do not say that the official measure removes them); only
        `days_at_risk` stops at the death.
    offences : DataFrame
        One row an offence, of people in `index` only: ``person_id, offended_on, proven_on`` (missing where not proven)
        and, where known, ``outcome, offence_group, severity``. Without `outcome` every offence with a `proven_on`
        counts as proven; without `offence_group` no group is left out; without `severity` the two severities are
        missing.
    follow_up, waiting : int
        Days. The defaults are one year, and the six months more that proof may take.
    complete_to : date
        Last day on which the records are complete.
    custody : DataFrame, optional
        One row a spell, of people in `index` only: ``person_id, entered_on, left_on`` (missing while inside) and, where
        known,
        ``reason``. Overlapping and touching spells are merged; the day of release is a day out. Without it
        `custody_for_reoffence` and `days_at_risk` are missing.

    Returns
    -------
    DataFrame
        One row a person, in the order and on the index of `index`: ``person_id``; ``reoffended`` (0 or 1),
        ``reoffences``,
        ``custody_for_reoffence`` (1 where a spell under sentence begins within 28 days of the proof of a reoffence,
        inside the window), ``days_at_risk`` (days of follow-up outside custody), all missing where the window is
        incomplete;
        ``days_to_first``, ``severity_first`` and ``severity_worst``, missing for those who did not reoffend as well;
        ``complete``.

    Raises
    ------
    InputError
        With every fault of the tables and arguments at once.

    Examples
    --------
    >>> index = pd.DataFrame({"person_id": ["a", "b"], "index_on": pd.to_datetime(["2021-01-01", "2023-01-01"])})
    >>> offences = pd.DataFrame({"person_id": ["a"], "offended_on": pd.to_datetime(["2021-02-01"]),
    ...                          "proven_on": pd.to_datetime(["2021-06-01"])})
    >>> result = proven_reoffending(index, offences, complete_to="2023-12-31")
    >>> result[["reoffended", "days_to_first", "complete"]]
       reoffended  days_to_first  complete
    0         1.0             31      True
    1        <NA>           <NA>     False
    """
    faults = need_columns(index, ("person_id", "index_on"), "index")
    faults += need_columns(offences, ("person_id", "offended_on", "proven_on"), "offences")
    if custody is not None:
        faults += need_columns(custody, ("person_id", "entered_on", "left_on"), "custody")
    whole_days(follow_up, "follow_up", 1, faults)
    whole_days(waiting, "waiting", 0, faults)
    last = one_day(complete_to, "complete_to", faults)
    if faults:
        raise InputError("Proven reoffending cannot be counted:", faults)
    people, start, died = index_people(index, faults)
    counted = _offences(offences, people, faults)
    spells = None if custody is None else _custody(custody, people, faults)
    if faults:
        raise InputError("Proven reoffending cannot be counted:", faults)

    n = len(index)
    window = follow_up + waiting
    complete = start + window <= last
    person, after, proven, rank = _within(counted, start, np.full(n, follow_up), waiting)
    reoffences = np.bincount(person, minlength=n)
    first = _first(person, after, n)
    worst, worst_first = np.full(n, len(SEVERITIES)), np.full(n, len(SEVERITIES))
    np.minimum.at(worst, person, rank)
    on_first = after == first[person]
    np.minimum.at(worst_first, person[on_first], rank[on_first])

    result = pd.DataFrame({"person_id": index["person_id"]}, index=index.index)
    again = complete & (reoffences > 0)
    result["reoffended"] = _nullable((reoffences > 0).astype(float), complete, "Float64").array
    result["reoffences"] = _nullable(reoffences, complete, "Int64").array
    result["days_to_first"] = _nullable(first, again, "Int64").array
    result["severity_first"] = _severity(worst_first, again)
    result["severity_worst"] = _severity(worst, again)
    if spells is None:
        result["custody_for_reoffence"] = pd.array([pd.NA] * n, dtype="Float64")
        result["days_at_risk"] = pd.array([pd.NA] * n, dtype="Int64")
    else:
        held = _custody_follows(spells, person, proven, start + window, n)
        result["custody_for_reoffence"] = _nullable(held.astype(float), complete, "Float64").array
        end = np.minimum(start + follow_up + 1, np.where(died == NO_DAY, LAST_DAY, died))
        outside = np.maximum(end - start - 1, 0) - days_inside(
            merge(spells.person, spells.entered, spells.left), start + 1, end
        )
        result["days_at_risk"] = _nullable(outside, complete, "Int64").array
    result["complete"] = complete
    return result


def time_to_reoffence(
    index: pd.DataFrame, offences: pd.DataFrame, *, follow_up: int, waiting: int, complete_to: dt.date
) -> pd.DataFrame:
    """Days to the first proven reoffence, or to where it stops being known, for methods that handle censoring.

    A person is followed for `follow_up` days, less where the records stop: until `waiting` days before `complete_to`,
    so that every offence counted had its whole waiting period; and no longer than to death. Tables as in
    `proven_reoffending`.

    Returns
    -------
    DataFrame
        On the index of `index`: ``duration`` (days) and ``event`` (1 at a proven reoffence, 0 where censored); both
        missing where the records stop before the first day of follow-up could be known.
    """
    faults: list[Fault] = []
    last = one_day(complete_to, "complete_to", faults)
    people, start, died = index_people(index, faults)
    counted = _offences(offences, people, faults)
    if faults:
        raise InputError("Time to reoffence cannot be counted:", faults)
    known = np.minimum(follow_up, last - waiting - start)
    person, after, _, _ = _within(counted, start, known, waiting)
    first = _first(person, after, len(index))
    end = np.minimum(known, np.where(died == NO_DAY, LAST_DAY, died) - start)
    event = first <= end
    return pd.DataFrame(
        {
            "duration": np.where(known >= 1, np.minimum(first, end), np.nan),
            "event": np.where(known >= 1, event, np.nan),
        },
        index=index.index,
    )


@dataclass(frozen=True, slots=True)
class _Offences:
    person: IntArray
    offended: IntArray
    proven: IntArray
    rank: IntArray


@dataclass(frozen=True, slots=True)
class _Spells:
    person: IntArray
    entered: IntArray
    left: IntArray
    sentenced: BoolArray


def index_people(index: pd.DataFrame, faults: list[Fault]) -> tuple[pd.Index, IntArray, IntArray]:
    """People, index days and days of death of an index table, its faults noted."""
    start = date_column(index, "index_on", "index", faults)
    died = np.full(len(index), NO_DAY)
    if "died_on" in index.columns:
        died = date_column(index, "died_on", "index", faults, may_miss=True)
        early = (died != NO_DAY) & (start != NO_DAY) & (died < start)
        note_rows(faults, early, "index", "index_on", "is after the death of the person")
    person = index["person_id"]
    note_rows(faults, person.isna().to_numpy(), "index", "person_id", "is missing")
    repeated = (person.duplicated(keep=False) & person.notna()).to_numpy()
    note_rows(
        faults, repeated, "index", "person_id", "stands more than once", remedy="give one index date for each person."
    )
    return pd.Index(person), start, died


def person_codes(frame: pd.DataFrame, people: pd.Index, table: str, faults: list[Fault]) -> IntArray:
    """The place among `people` of each row's person; a person who is not among them is a fault."""
    if not people.is_unique:
        return np.zeros(len(frame), dtype=np.int64)
    code = people.get_indexer(pd.Index(frame["person_id"])).astype(np.int64)
    note_rows(
        faults,
        code < 0,
        table,
        "person_id",
        "is a person with no index date",
        why="records that belong to nobody in the index are often a sign of a wrong key.",
        remedy="keep the rows of the people in the index.",
    )
    return code


def _offences(frame: pd.DataFrame, people: pd.Index, faults: list[Fault]) -> _Offences:
    person = person_codes(frame, people, "offences", faults)
    offended = date_column(frame, "offended_on", "offences", faults)
    proven = date_column(frame, "proven_on", "offences", faults, may_miss=True)
    early = (proven != NO_DAY) & (offended != NO_DAY) & (proven < offended)
    note_rows(faults, early, "offences", "proven_on", "is before the offence was committed")
    rule = rules()
    counts = proven != NO_DAY
    if "outcome" in frame.columns:
        _known(frame, "outcome", (*rule.counted_outcomes, *rule.not_counted_outcomes), faults)
        note_rows(
            faults,
            frame["outcome"].isna().to_numpy() & counts,
            "offences",
            "outcome",
            "is missing for an offence with a date of proof",
            remedy="say what became of it.",
        )
        counts &= frame["outcome"].isin(rule.counted_outcomes).to_numpy()
    if "offence_group" in frame.columns:
        _known(frame, "offence_group", OFFENCE_GROUPS, faults)
        counts &= ~frame["offence_group"].isin(rule.not_counted_groups).to_numpy()
    rank = np.full(len(frame), len(SEVERITIES), dtype=np.int64)
    if "severity" in frame.columns:
        _known(frame, "severity", SEVERITIES, faults)
        found = pd.Index(SEVERITIES).get_indexer(pd.Index(frame["severity"]))
        rank = np.where(found < 0, len(SEVERITIES), found).astype(np.int64)
    return _Offences(person[counts], offended[counts], proven[counts], rank[counts])


def _within(
    offences: _Offences, start: IntArray, follow_up: IntArray, waiting: int
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Person, days after the index, day of proof and rank of severity of every offence that is a proven reoffence."""
    after = offences.offended - start[offences.person]
    length = follow_up[offences.person]
    inside = (after >= 1) & (after <= length) & (offences.proven - start[offences.person] <= length + waiting)
    return offences.person[inside], after[inside], offences.proven[inside], offences.rank[inside]


def _first(person: IntArray, after: IntArray, n: int) -> IntArray:
    first = np.full(n, _NEVER)
    np.minimum.at(first, person, after)
    return first


def _custody(frame: pd.DataFrame, people: pd.Index, faults: list[Fault]) -> _Spells:
    person = person_codes(frame, people, "custody", faults)
    entered = date_column(frame, "entered_on", "custody", faults)
    left = date_column(frame, "left_on", "custody", faults, may_miss=True)
    left = np.where(left == NO_DAY, LAST_DAY, left)
    note_rows(faults, left < entered, "custody", "left_on", "is before the spell started")
    sentenced = np.ones(len(frame), dtype=bool)
    if "reason" in frame.columns:
        sentenced = (frame["reason"] == "sentence").fillna(False).to_numpy(dtype=bool)
    return _Spells(person, entered, left, sentenced)


def _custody_follows(spells: _Spells, person: IntArray, proven: IntArray, window_end: IntArray, n: int) -> BoolArray:
    """Whether a spell under sentence begins within the rule's days of the proof of a reoffence, inside the window."""
    stride = 2**32
    key = np.sort(spells.person[spells.sentenced] * stride + spells.entered[spells.sentenced])
    until = np.minimum(proven + rules().custody_within_days, window_end[person])
    follows = np.searchsorted(key, person * stride + until, side="right") > np.searchsorted(
        key, person * stride + proven
    )
    held = np.zeros(n, dtype=bool)
    held[person[follows]] = True
    return held


def _known(frame: pd.DataFrame, column: str, allowed: tuple[str, ...], faults: list[Fault]) -> None:
    unknown = (~frame[column].isin(allowed) & frame[column].notna()).to_numpy()
    note_rows(
        faults, unknown, "offences", column, "is none of the allowed values", remedy=f"use: {', '.join(allowed)}."
    )


def _nullable(values: np.ndarray, known: BoolArray, dtype: Literal["Int64", "Float64"]) -> pd.Series:
    return pd.Series(values).astype(dtype).mask(~known)


def _severity(rank: IntArray, known: BoolArray) -> np.ndarray:
    words = np.array([*SEVERITIES, None], dtype=object)[rank]
    words[~known] = None
    return words
