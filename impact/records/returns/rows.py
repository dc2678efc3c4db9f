"""What must hold between the cells of a row, between rows and between sheets of a return, as tests of whole columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from impact.records.returns.asked import Asked
from impact.records.returns.cells import Rows
from impact.records.returns.rules import Found

Broken = tuple[str, Any, str]
_ORDER = (
    ("participation", "started_on", "ended_on", "end-before-start"),
    ("referral", "referred_on", "decided_on", "decided-before-referral"),
    ("need", "identified_on", "met_on", "met-before-identified"),
)
_FROM_ALIVE = ("started_on", "referred_on", "assessed_on", "identified_on", "met_on")
_OLDEST, _YOUNGEST_PARENT, _LONGEST_EPISODE = 110, 12, 10
_YEAR = 365.25
_ENOUGH = 10


def check_rows(tables: Mapping[str, Rows], asked: Asked | None) -> Iterator[Found]:
    """Every finding of the rows of all the tables."""
    people = _people(tables.get("person"))
    for name, held in tables.items():
        if not len(held.numbers):
            continue
        broken = [*_of_any(held, people, asked), *_OF[name](held, tables, asked)]
        for rule, bad, column in broken:
            for number in held.numbers[np.asarray(bad, dtype=bool)]:
                yield Found(rule, name, int(number), column)
        yield from _of_columns(held)
    yield from _alike(tables)


def _people(person: Rows | None) -> pd.DataFrame | None:
    if person is None:
        return None
    listed = person.values[person.values["person_id"].notna()]
    return listed.drop_duplicates("person_id").set_index("person_id")


def _known(people: pd.DataFrame, who: pd.Series, column: str) -> pd.Series:
    """What the person sheet says of each of `who`, empty where it does not list them, or anybody."""
    return people[column].reindex(who).set_axis(who.index)


def _of_any(held: Rows, people: pd.DataFrame | None, asked: Asked | None) -> Iterator[Broken]:
    frame, name = held.values, held.table.name
    key = list(held.table.key)
    if key:
        needed = [column for column in key if held.table.column(column).required]
        whole = frame[needed].notna().all(axis=1)
        same = whole & frame.duplicated(keep="first")
        yield "duplicate-row", same, ""
        yield "duplicate-differs", (whole & frame[~same].duplicated(key, keep=False).reindex(frame.index)), ""
    for table, first, last, rule in _ORDER:
        if table == name:
            yield rule, frame[last] < frame[first], last
    if asked is not None and "programme" in frame:
        yield "other-programme", frame["programme"].notna() & (frame["programme"] != asked.name), "programme"
    if people is None or name == "person" or "person_id" not in frame:
        return
    who = frame["person_id"]
    yield "person-unlisted", who.notna() & ~who.isin(people.index), "person_id"
    born, died = _known(people, who, "birth_date"), _known(people, who, "died_on")
    for column in (c.name for c in held.table.columns if c.kind == "date"):
        yield "before-birth", frame[column] < born, column
        if column in _FROM_ALIVE:
            yield "after-death", frame[column] > died, column


def _of_columns(held: Rows) -> Iterator[Found]:
    """Columns that say the same in every row, where people would differ."""
    if len(held.values) < _ENOUGH:
        return
    for column in held.table.columns:
        values = held.values[column.name]
        if column.kind == "date" and column.required and values.nunique() == 1:
            yield Found("one-date", held.sheet, column=column.name)
        if "unknown" in column.allowed and values.isin(["unknown", "not_asked"]).all():
            yield Found("all-unknown", held.sheet, column=column.name)


def _person(held: Rows, _: Mapping[str, Rows], asked: Asked | None) -> Iterator[Broken]:
    frame = held.values
    yield "birth-missing", ~held.filled["birth_date"] & ~held.filled["birth_month"], "birth_date"
    month = frame["birth_date"].dt.strftime("%Y-%m")
    both = frame["birth_date"].notna() & frame["birth_month"].notna()
    yield "birth-disagrees", both & (month != frame["birth_month"]), "birth_month"
    yield "before-birth", frame["died_on"] < frame["birth_date"], "died_on"
    traits = ["birth_date", "sex", "ethnicity", "lsoa"]
    told = frame[traits].notna().all(axis=1) & ~frame[["sex", "ethnicity"]].isin(["unknown", "not_asked"]).any(axis=1)
    other = ~frame.duplicated(["person_id", *traits], keep=False)
    yield "same-person-twice", told & other & frame.duplicated(traits, keep=False), "person_id"
    if asked is not None and asked.sex:
        known = frame["sex"].notna() & ~frame["sex"].isin(["unknown", "not_asked"])
        yield "other-sex", known & ~frame["sex"].isin(asked.sex), "sex"
    ids = frame["person_id"].fillna("").astype(str)
    if len(ids) and ids[ids != ""].str.fullmatch("[0-9]+").all():
        usual = int(ids.str.len().mode().max())
        yield "zeros-lost", (ids != "") & (ids.str.len() < usual) & (usual > 5), "person_id"


def _family(held: Rows, tables: Mapping[str, Rows], _: Asked | None) -> Iterator[Broken]:
    frame = held.values
    yield "tie-to-self", frame["person_id"].notna() & (frame["person_id"] == frame["related_id"]), "related_id"
    one_way = frame[frame["relation"].isin(["parent", "child", "grandparent", "grandchild"])]
    there = set(zip(one_way["person_id"], one_way["related_id"], one_way["relation"], strict=True))
    back = [three in there for three in zip(frame["related_id"], frame["person_id"], frame["relation"], strict=True)]
    yield "tie-contradicts", np.array(back, dtype=bool) & (frame["person_id"] != frame["related_id"]), "relation"
    people = _people(tables.get("person"))
    if people is None:
        return
    yield "related-unlisted", frame["related_id"].notna() & ~frame["related_id"].isin(people.index), "related_id"
    born, related = (_known(people, frame[who], "birth_date") for who in ("person_id", "related_id"))
    gap = born - related
    years = (gap.dt.days / _YEAR).where(frame["person_id"] != frame["related_id"])
    young = (frame["relation"] == "parent") & (years < _YOUNGEST_PARENT)
    yield "parent-too-young", young | ((frame["relation"] == "child") & (-years < _YOUNGEST_PARENT)), "relation"


def _referral(held: Rows, tables: Mapping[str, Rows], _: Asked | None) -> Iterator[Broken]:
    frame = held.values
    waiting = frame["decision"] == "waiting"
    yield "waiting-with-decision", waiting & frame["decided_on"].notna(), "decided_on"
    yield "decided-without-date", frame["decision"].notna() & ~waiting & ~held.filled["decided_on"], "decided_on"
    if "participation" in tables:
        taken_on = _pairs(tables["participation"].values)
        refused = frame["decision"].isin(["declined_by_person", "not_suitable"])
        accepted = set(_pairs(frame[frame["decision"] == "accepted"]))
        began = _pairs(frame).isin(set(taken_on) - accepted)
        yield "declined-but-started", refused & began, "decision"
        yield "accepted-not-started", (frame["decision"] == "accepted") & ~_pairs(frame).isin(taken_on), "decision"


def _participation(held: Rows, tables: Mapping[str, Rows], asked: Asked | None) -> Iterator[Broken]:
    frame = held.values
    over = frame["status"].isin(["completed", "left_early", "transferred"])
    yield "ended-without-date", over & ~held.filled["ended_on"], "ended_on"
    yield "active-with-end", (frame["status"] == "active") & frame["ended_on"].notna(), "ended_on"
    planned, attended = frame["sessions_planned"], frame["sessions_attended"]
    yield "attended-over-planned", (attended > planned).fillna(False), "sessions_attended"
    none = (frame["status"] == "completed") & (attended == 0).fillna(False)
    yield "completed-without-sessions", none, "sessions_attended"
    long = (frame["ended_on"] - frame["started_on"]).dt.days > _LONGEST_EPISODE * _YEAR
    yield "episode-too-long", long, "ended_on"
    yield "episodes-overlap", _overlapping(frame), "started_on"
    if asked is not None:
        given = frame["intervention"].notna()
        yield "other-intervention", given & ~frame["intervention"].isin(asked.interventions), "intervention"
    people = _people(tables.get("person"))
    if people is not None:
        born = _known(people, frame["person_id"], "birth_date")
        age = _age(born, frame["started_on"])
        yield "age-impossible", age > _OLDEST, "started_on"
        if asked is not None:
            low, high = asked.age_low or 0, np.inf if asked.age_high is None else asked.age_high + 1
            yield "age-outside", (age >= 0) & (age <= _OLDEST) & ((age < low) | (age >= high)), "started_on"
    if "referral" in tables and len(tables["referral"].values):
        referrals = tables["referral"].values
        yield "never-referred", frame["person_id"].notna() & ~_pairs(frame).isin(_pairs(referrals)), "person_id"
        first = referrals["referred_on"].groupby(_pairs(referrals)).min()
        yield "start-before-referral", frame["started_on"] < _pairs(frame).map(first), "started_on"


def _age(born: pd.Series, on: pd.Series) -> pd.Series:
    """Completed years; somebody born on 29 February is a year older on 1 March."""
    before = (on.dt.month < born.dt.month) | ((on.dt.month == born.dt.month) & (on.dt.day < born.dt.day))
    return on.dt.year - born.dt.year - before


def _overlapping(frame: pd.DataFrame) -> pd.Series:
    """Episodes that begin while an earlier one of the same person on the same intervention still runs."""
    by = ["person_id", "programme", "intervention"]
    ordered = frame.sort_values([*by, "started_on"], kind="stable")
    until = ordered["ended_on"].fillna(pd.Timestamp.max.floor("s")).where(ordered["started_on"].notna())
    groups = ordered[by].notna().all(axis=1)
    before = until.groupby([ordered[column] for column in by]).cummax().groupby([ordered[c] for c in by]).shift()
    again = ordered["started_on"].groupby([ordered[column] for column in by]).shift() == ordered["started_on"]
    return (groups & (ordered["started_on"] < before) & ~again).reindex(frame.index)


def _assessment(held: Rows, _: Mapping[str, Rows], asked: Asked | None) -> Iterator[Broken]:
    frame = held.values
    by = ["person_id", "programme", "instrument", "scale"]
    ordered = frame.sort_values([*by, "wave"], kind="stable")
    groups = [ordered[column].fillna("") for column in by]
    latest = ordered["assessed_on"].groupby(groups).cummax().groupby(groups).shift()
    usable = ordered["wave"].notna() & ~ordered.duplicated([*by, "wave"])
    yield "wave-order", (usable & (ordered["assessed_on"] < latest)).reindex(frame.index), "wave"
    yield "waves-one-day", (usable & (ordered["assessed_on"] == latest)).reindex(frame.index), "assessed_on"
    before = ordered["wave"].groupby(groups).shift().astype("float64").fillna(0)
    gap = (ordered["wave"].astype("float64") > before + 1).fillna(False)
    yield "wave-gap", (usable & gap).reindex(frame.index), "wave"
    if asked is None:
        return
    other = frame["instrument"].notna() & ~frame["instrument"].isin(list(asked.instruments))
    yield "other-instrument", other, "instrument"
    scale_other = pd.Series(False, index=frame.index)
    outside = scale_other.copy()
    for instrument, (scales, low, high) in asked.instruments.items():
        here = frame["instrument"] == instrument
        scale_other |= here & frame["scale"].notna() & ~frame["scale"].isin(scales)
        outside |= here & ((frame["score"] < low) | (frame["score"] > high))
    yield "other-scale", scale_other, "scale"
    yield "score-outside", outside, "score"


def _nothing(held: Rows, _: Mapping[str, Rows], __: Asked | None) -> Iterable[Broken]:
    return ()


def _pairs(frame: pd.DataFrame) -> pd.Series:
    return frame["person_id"].fillna("").astype(str) + "\t" + frame["programme"].fillna("").astype(str)


def _alike(tables: Mapping[str, Rows]) -> Iterator[Found]:
    """Pseudonyms that differ only in capitals, leading zeros or marks: likely one person under two."""
    ids: dict[str, set[str]] = {}
    for held in tables.values():
        if "person_id" in held.values:
            for who in held.values["person_id"].dropna().unique():
                ids.setdefault(_bare(who), set()).add(who)
    twice = {bare for bare, forms in ids.items() if len(forms) > 1 and bare}
    if not twice:
        return
    for held in tables.values():
        if "person_id" in held.values:
            bad = held.values["person_id"].map(_bare, na_action="ignore").isin(twice).to_numpy()
            yield from (Found("id-nearly-same", held.sheet, int(number), "person_id") for number in held.numbers[bad])


def _bare(who: str) -> str:
    letters = "".join(letter for letter in who.lower() if letter.isalnum())
    return letters.rstrip("0123456789") + letters[len(letters.rstrip("0123456789")) :].lstrip("0")


_OF = {
    "person": _person,
    "family": _family,
    "referral": _referral,
    "participation": _participation,
    "assessment": _assessment,
    "need": _nothing,
    "story": _nothing,
}
