"""Proven reoffending: an offence committed in the follow-up, and proven in it or in the waiting period after it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, date_column, need_columns, note_rows, one_day
from impact.cohort.proven import NO_SEVERITY, Clock, Custody, Offences, count_reoffences, first_reoffence
from impact.cohort.rules import OUTCOMES, Rules, reoffending_rules
from impact.cohort.window import Window, read_window
from impact.errors import Fault, InputError
from impact.frames import BoolArray, IntArray
from impact.records.tables import OFFENCE_GROUPS, SEVERITIES

_REFUSED = "Proven reoffending cannot be counted:"


def proven_reoffending(
    index: pd.DataFrame,
    offences: pd.DataFrame,
    *,
    follow_up: int | str | Window = 365,
    waiting: int | str | Window = 183,
    complete_to: dt.date | str,
    custody: pd.DataFrame | None = None,
    rules: str | Path | None = None,
) -> pd.DataFrame:
    """Who reoffended, how often, when and how gravely, by the Ministry of Justice's definition.

    A reoffence is an offence committed after the index date and by the end of `follow_up`, and proven (by conviction or
    caution) by the end of `waiting` after that. Offences of the index date or before it are never reoffences; penalty
    notices and breach offences do not count. The rules are data, with a version and the evidence for each:
    `impact/cohort/reoffending_rules.toml`.

    A person whose window (`follow_up` + `waiting`) ends after `complete_to` is not a non-reoffender: everything about
    their reoffending is missing and `complete` is False, even where a reoffence is already on record (keeping those
    alone would bias the rate upwards).

    Parameters
    ----------
    index : DataFrame
        One row a person: ``person_id, index_on``, and ``died_on`` and ``birth_date`` where known. A person who died in
        the window stays in and counts as observed to its end (the sources do not say that the official measure removes
        them); only `days_at_risk` stops at the death. `birth_date` serves to find offences that cannot be.
    offences : DataFrame
        One row an offence, of people in `index` only: ``person_id, offended_on, proven_on`` (missing where not proven)
        and, where known, ``outcome, offence_group, severity``. Without `outcome` every offence with a `proven_on`
        counts as proven; without `offence_group` no group is left out; without `severity` the two severities are
        missing.
    follow_up, waiting : int or str
        Days, or a length such as ``"12 months"`` (to the same day of a later month, or its last day). The defaults are
        one year, and the six months more that proof may take.
    complete_to : date
        Last day on which the records are complete.
    custody : DataFrame, optional
        One row a spell, of people in `index` only: ``person_id, entered_on, left_on`` (missing while inside) and, where
        known, ``reason``. Overlapping and touching spells are merged; the day of release is a day out. Without it
        `custody_for_reoffence` and `days_at_risk` are missing.
    rules : path, optional
        A rule set with the keys of ``reoffending_rules.toml``, in its place.

    Returns
    -------
    DataFrame
        One row a person, in the order and on the index of `index`: ``person_id``; ``reoffended`` (0 or 1),
        ``reoffences``, ``custody_for_reoffence`` (1 where a spell under sentence begins within 28 days of the proof of
        a reoffence, inside the window), ``days_at_risk`` (days of follow-up outside custody), all missing where the
        window is incomplete;
        ``days_to_first``, ``severity_first`` and ``severity_worst``, missing for those who did not reoffend as well;
        ``reoffences_indictable_only``, ``reoffences_triable_either_way``, ``reoffences_summary`` and
        ``custody_spells`` (those that `custody_for_reoffence` speaks of), counts;
        ``complete``; and for methods that handle censoring ``duration``, days to the first reoffence or to where it
        stops being known (the end of follow-up, death, or the last day whose offences had their whole waiting), and
        ``event``, 1 at a reoffence and 0 where censored: both missing where not one day could be known.

    Raises
    ------
    InputError
        With every fault of the tables and arguments at once.
    DefinitionError
        Where the rule set cannot be used.

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
    windows = read_window(follow_up, "follow_up", 1, faults), read_window(waiting, "waiting", 0, faults)
    last = one_day(complete_to, "complete_to", faults)
    _raise(faults)
    rule = reoffending_rules(rules)
    people, start, died = index_people(index, faults)
    counted = _offences(offences, index, people, rule, faults)
    spells = None if custody is None else _custody(custody, people, faults)
    _raise(faults)
    clock = Clock.of(start, *windows, last)
    result = reoffending_columns(clock, died, counted, spells, rule).set_axis(index.index)
    result.insert(0, "person_id", index["person_id"])
    return result


def reoffending_columns(
    clock: Clock, died: IntArray, offences: Offences, custody: Custody | None, rule: Rules
) -> pd.DataFrame:
    """The columns that `proven_reoffending` gives."""
    found = count_reoffences(clock, died, offences, custody, rule.custody_within_days)
    complete, n = clock.complete, len(died)
    again = complete & (found.reoffences > 0)
    result = pd.DataFrame(
        {
            "reoffended": _nullable((found.reoffences > 0).astype(float), complete, "Float64"),
            "reoffences": _nullable(found.reoffences, complete, "Int64"),
            "days_to_first": _nullable(found.first, again, "Int64"),
            "severity_first": _severity(found.severity_first, again),
            "severity_worst": _severity(found.severity_worst, again),
            **{
                f"reoffences_{severity}": _nullable(found.by_severity[:, place], complete, "Int64")
                for place, severity in enumerate(SEVERITIES)
            },
        }
    )
    if found.custody is None or found.days_at_risk is None:
        result["custody_for_reoffence"] = pd.array([pd.NA] * n, dtype="Float64")
        result["custody_spells"] = pd.array([pd.NA] * n, dtype="Int64")
        result["days_at_risk"] = pd.array([pd.NA] * n, dtype="Int64")
    else:
        result["custody_for_reoffence"] = _nullable((found.custody > 0).astype(float), complete, "Float64")
        result["custody_spells"] = _nullable(found.custody, complete, "Int64")
        result["days_at_risk"] = _nullable(found.days_at_risk, complete, "Int64")
    result["complete"] = complete
    duration, event, known = first_reoffence(clock, died, offences)
    result["duration"], result["event"] = np.where(known, duration, np.nan), np.where(known, event, np.nan)
    return result


def _raise(faults: list[Fault]) -> None:
    if faults:
        raise InputError(_REFUSED, faults)


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


def _offences(frame: pd.DataFrame, index: pd.DataFrame, people: pd.Index, rule: Rules, faults: list[Fault]) -> Offences:
    person = person_codes(frame, people, "offences", faults)
    offended = date_column(frame, "offended_on", "offences", faults)
    proven = date_column(frame, "proven_on", "offences", faults, may_miss=True)
    early = (proven != NO_DAY) & (offended != NO_DAY) & (proven < offended)
    note_rows(faults, early, "offences", "proven_on", "is before the offence was committed")
    if "birth_date" in index.columns:
        born = np.append(date_column(index, "birth_date", "index", faults, may_miss=True), NO_DAY)[person]
        unborn = (born != NO_DAY) & (offended != NO_DAY) & (offended < born)
        note_rows(faults, unborn, "offences", "offended_on", "is before the person was born")
    counts = proven != NO_DAY
    outcome = np.full(len(frame), OUTCOMES.index(rule.counted_outcomes[0]))
    if "outcome" in frame.columns:
        unsaid = frame["outcome"].isna().to_numpy() & counts
        note_rows(
            faults,
            unsaid,
            "offences",
            "outcome",
            "is missing for an offence with a date of proof",
            remedy="say what became of it.",
        )
        outcome = _places(frame, "outcome", OUTCOMES, faults)
    group, severity = (
        _places(frame, name, allowed, faults) if name in frame.columns else np.full(len(frame), -1)
        for name, allowed in (("offence_group", OFFENCE_GROUPS), ("severity", SEVERITIES))
    )
    counts &= rule.counts(outcome, group)
    severity = np.where(severity < 0, NO_SEVERITY, severity)
    return Offences(person[counts], offended[counts], proven[counts], severity[counts])


def _places(frame: pd.DataFrame, column: str, allowed: tuple[str, ...], faults: list[Fault]) -> IntArray:
    """The place of each word among those allowed, −1 where missing; another word is a fault."""
    place = pd.Index(allowed).get_indexer(pd.Index(frame[column])).astype(np.int64)
    unknown = (place < 0) & frame[column].notna().to_numpy()
    remedy = f"use: {', '.join(allowed)}."
    note_rows(faults, unknown, "offences", column, "is none of the allowed values", remedy=remedy)
    return place


def _custody(frame: pd.DataFrame, people: pd.Index, faults: list[Fault]) -> Custody:
    person = person_codes(frame, people, "custody", faults)
    entered = date_column(frame, "entered_on", "custody", faults)
    left = date_column(frame, "left_on", "custody", faults, may_miss=True)
    left = np.where(left == NO_DAY, LAST_DAY, left)
    note_rows(faults, left < entered, "custody", "left_on", "is before the spell started")
    sentenced = np.ones(len(frame), dtype=bool)
    if "reason" in frame.columns:
        sentenced = (frame["reason"] == "sentence").fillna(False).to_numpy(dtype=bool)
    return Custody(person, entered, left, sentenced)


def _nullable(values: np.ndarray, known: BoolArray, dtype: Literal["Int64", "Float64"]) -> pd.Series:
    return pd.Series(values).astype(dtype).mask(~known)


def _severity(rank: IntArray, known: BoolArray) -> np.ndarray:
    words = np.array([*SEVERITIES, None], dtype=object)[rank]
    words[~known] = None
    return words
