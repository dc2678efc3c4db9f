"""The tables of the default world hold together, and each programme is as its sources describe it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from impact.records.tables import TABLES

Tables = dict[str, list[dict[str, str]]]
PROGRAMMES = ("magistra", "dwp", "pops", "moms", "shelter", "time_matters")


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.fixture(scope="module")
def people(tables: Tables) -> dict[str, dict[str, str]]:
    return {row["person_id"]: row for row in tables["person"]}


@pytest.fixture(scope="module")
def sentenced(tables: Tables) -> set[str]:
    return {row["person_id"] for row in tables["sentence"]}


@pytest.fixture(scope="module")
def spells(tables: Tables) -> dict[str, list[tuple[date, date]]]:
    held = defaultdict(list)
    for row in tables["custody"]:
        held[row["person_id"]].append((day(row["entered_on"]), day(row["left_on"] or "2030-01-01")))
    return {person: sorted(some) for person, some in held.items()}


def age(person: dict[str, str], on: str) -> float:
    born = day(person["birth_date"] or person["birth_month"] + "-01")
    return (day(on) - born).days / 365.25


def first_release(rows: list[dict[str, str]], on: str) -> date:
    candidates = [
        day(row["released_on"] if row["disposal"] == "custody" else row["started_on"])
        for row in rows
        if row["disposal"] != "other" and (row["disposal"] != "custody" or row["released_on"])
    ]
    return min(candidate for candidate in candidates if candidate >= day(on))


def test_the_store_takes_it(world: Path) -> None:
    records = pytest.importorskip("impact.records")
    linked = records.read_linked(world)
    assert linked.synthetic
    assert linked.complete_to == date(2025, 6, 30)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_values_and_ranges(tables: Tables, table: Any) -> None:
    rows = tables[table.name]
    assert rows
    if table.key:
        assert max(Counter(tuple(row[name] for name in table.key) for row in rows).values()) == 1
    for column in table.columns:
        values = [row[column.name] for row in rows]
        assert not column.required or all(values)
        held = [value for value in values if value]
        if column.allowed:
            assert set(held) <= set(column.allowed)
        if column.kind == "date":
            assert all(len(value) == 10 and day(value) for value in held)
            assert max((day(value) for value in held), default=date(2000, 1, 1)) <= date(2025, 6, 30)
        if column.kind in ("whole", "number"):
            assert column.low is None or min(map(float, held)) >= column.low
            assert column.high is None or max(map(float, held)) <= column.high


def test_nothing_before_birth_or_after_death(tables: Tables, people: dict[str, dict[str, str]]) -> None:
    for table in TABLES:
        dates = [column.name for column in table.columns if column.kind == "date"]
        for row in tables[table.name]:
            if "person_id" not in row or table.name == "person":
                continue
            person = people[row["person_id"]]
            born = person["birth_date"] or person["birth_month"] + "-01"
            for name in dates:
                assert not row[name] or born < row[name]
                assert not row[name] or not person["died_on"] or row[name] <= person["died_on"]


def test_everyone_is_known_elsewhere_and_every_area_exists(tables: Tables, people: dict[str, dict[str, str]]) -> None:
    elsewhere = {
        row["person_id"] for name, rows in tables.items() if name != "person" for row in rows if "person_id" in row
    }
    assert elsewhere == set(people)
    assert {row["related_id"] for row in tables["family"]} <= set(people)
    areas = {row["lsoa"] for row in tables["area"]}
    assert {row["lsoa"] for row in people.values()} - {""} <= areas
    assert all(code.startswith("S01") for code in areas)


def test_order_of_dates(tables: Tables) -> None:
    ordered = (
        ("offence", "offended_on", "proven_on"),
        ("participation", "started_on", "ended_on"),
        ("referral", "referred_on", "decided_on"),
        ("need", "identified_on", "met_on"),
        ("sentence", "started_on", "released_on"),
        ("custody", "entered_on", "left_on"),
    )
    for table, first, second in ordered:
        assert all(not row[second] or row[first] <= row[second] for row in tables[table])
    assert all(row["sentenced_on"] <= row["started_on"] for row in tables["sentence"])


def test_spells_do_not_overlap_and_nobody_offends_inside(
    tables: Tables, spells: dict[str, list[tuple[date, date]]]
) -> None:
    for some in spells.values():
        for (_, left), (entered, _) in pairwise(some):
            assert left <= entered
    for row in tables["offence"]:
        on = day(row["offended_on"])
        assert not any(entered <= on < left for entered, left in spells.get(row["person_id"], ()))


def test_every_release_ends_a_spell(tables: Tables, spells: dict[str, list[tuple[date, date]]]) -> None:
    for row in tables["sentence"]:
        if row["disposal"] == "custody":
            ends = {left for entered, left in spells[row["person_id"]] if entered == day(row["started_on"])}
            assert not row["released_on"] or ends == {day(row["released_on"])}
        else:
            assert not row["released_on"]


def test_proof_has_a_long_tail(tables: Tables) -> None:
    lags = [
        (day(row["proven_on"]) - day(row["offended_on"])).days
        for row in tables["offence"]
        if row["proven_on"] and row["outcome"] == "conviction"
    ]
    assert sum(lag <= 183 for lag in lags) / len(lags) > 0.8
    assert 0.005 < sum(lag > 548 for lag in lags) / len(lags) < 0.05
    assert {row["outcome"] for row in tables["offence"]} == {
        "conviction",
        "caution",
        "penalty_notice",
        "not_proven",
        "pending",
    }


def test_pool_and_sizes(tables: Tables, truth: dict[str, Any], sentenced: set[str]) -> None:
    taking_part = {row["person_id"] for row in tables["participation"]}
    assert len(sentenced) == 6000
    assert len(sentenced - taking_part) >= 5000
    sizes = Counter(row["programme"] for row in tables["referral"])
    assert set(sizes) == set(PROGRAMMES)
    assert all(20 <= size <= 200 for size in sizes.values())
    programmes: Counter[str] = Counter()
    for person, _ in {(row["person_id"], row["programme"]) for row in tables["participation"]}:
        programmes[person] += 1
    shared = sum(count > 1 for count in programmes.values())
    assert shared / len(programmes) >= 0.08
    assert {row["decision"] for row in tables["referral"]} == {
        "accepted",
        "declined_by_person",
        "not_suitable",
        "waiting",
    }
    started = {(row["person_id"], row["programme"]) for row in tables["participation"]}
    accepted = {(row["person_id"], row["programme"]) for row in tables["referral"] if row["decision"] == "accepted"}
    assert started < accepted


def test_people_in_several_programmes_were_passed_on(tables: Tables) -> None:
    by_person = defaultdict(list)
    for row in tables["referral"]:
        by_person[row["person_id"]].append(row)
    for rows in by_person.values():
        rows.sort(key=lambda row: row["referred_on"])
        for earlier, later in pairwise(rows):
            if earlier["referred_on"] < later["referred_on"]:
                assert earlier["onward_to"] in {row["programme"] for row in rows}


@pytest.mark.parametrize("programme", ["pops", "moms", "dwp", "magistra"])
def test_those_leaving_custody_are_referred_before_release(tables: Tables, programme: str) -> None:
    rows = defaultdict(list)
    for row in tables["sentence"]:
        rows[row["person_id"]].append(row)
    longest = 84 if programme != "magistra" else 260
    release = {}
    for row in tables["referral"]:
        if row["programme"] == programme:
            release[row["person_id"]] = first_release(rows[row["person_id"]], row["referred_on"])
            wait = release[row["person_id"]] - day(row["referred_on"])
            assert timedelta(0) < wait <= timedelta(longest)
    if programme == "magistra":
        for row in tables["participation"]:
            if row["programme"] == programme:
                assert day(row["ended_on"]) < release[row["person_id"]]


def test_who_each_programme_takes(
    tables: Tables, people: dict[str, dict[str, str]], sentenced: set[str], spells: dict[str, list[tuple[date, date]]]
) -> None:
    ages: dict[str, list[float]] = {name: [] for name in PROGRAMMES}
    for row in tables["referral"]:
        person = people[row["person_id"]]
        ages[row["programme"]].append(age(person, row["referred_on"]))
        if row["programme"] == "moms":
            assert person["sex"] == "male"
            assert row["referred_on"] >= "2021-10-01"
        if row["programme"] == "shelter":
            on = day(row["referred_on"])
            assert not any(entered <= on < left for entered, left in spells.get(row["person_id"], ()))
        assert (row["programme"] == "time_matters") <= (row["person_id"] not in sentenced)
    assert 18 <= min(ages["moms"]) <= max(ages["moms"]) < 30
    assert 18 <= min(ages["magistra"]) <= max(ages["magistra"]) < 31
    assert min(ages["dwp"]) >= 18
    assert min(ages["pops"]) >= 18
    shelter = ages["shelter"]
    assert 18 <= min(shelter) <= max(shelter) < 36
    assert sum(one < 26 for one in shelter) / len(shelter) > 0.8
    at_risk = [row["person_id"] for row in tables["referral"] if row["programme"] == "shelter"]
    assert sum(person not in sentenced for person in at_risk) == 15
    children = [one for one in ages["time_matters"] if one < 21]
    assert min(children) >= 2
    assert sum(5 <= one < 19 for one in children) / len(children) > 0.75


def test_children_have_families_and_no_offences(tables: Tables, people: dict[str, dict[str, str]]) -> None:
    children = {person for person, row in people.items() if not row["birth_date"]}
    assert children
    assert all(people[child]["birth_month"] for child in children)
    ties = defaultdict(set)
    for row in tables["family"]:
        ties[row["person_id"]].add((row["relation"], row["related_id"]))
    inside = {row["person_id"] for row in tables["custody"]}
    for child in children:
        assert any(relation == "parent" and other in inside for relation, other in ties[child])
    for table in ("offence", "sentence", "custody", "police_contact"):
        assert not children & {row["person_id"] for row in tables[table]}
    opposite = {"parent": "child", "child": "parent", "partner": "partner", "sibling": "sibling"}
    for person, some in ties.items():
        assert all((opposite[relation], person) in ties[other] for relation, other in some)


def test_readings(tables: Tables, people: dict[str, dict[str, str]], sentenced: set[str]) -> None:
    scales = defaultdict(set)
    waves = defaultdict(set)
    for row in tables["assessment"]:
        scales[row["instrument"]].add(row["scale"])
        waves[row["person_id"], row["programme"], row["instrument"], row["scale"]].add(int(row["wave"]))
        if row["programme"] == "time_matters":
            assert age(people[row["person_id"]], row["assessed_on"]) >= 8
    assert {name: len(some) for name, some in scales.items()} == {
        "probation_needs": 1,
        "life_skills": 3,
        "work_readiness": 1,
        "homelessness_star": 10,
        "mentoring_outcomes": 1,
        "tenancy_confidence": 1,
        "resilience": 1,
        "swemwbs": 1,
    }
    assert all(some == set(range(1, len(some) + 1)) for some in waves.values())
    probation = {key[0]: some for key, some in waves.items() if key[2] == "probation_needs"}
    assert set(probation) == sentenced
    assert 0.68 < sum(len(some) == 2 for some in probation.values()) / len(probation) < 0.82
    star = [row["score"] for row in tables["assessment"] if row["instrument"] == "homelessness_star"]
    assert {float(score) for score in star} <= {float(score) for score in range(1, 11)}
    assert all(math.isfinite(float(row["score"])) for row in tables["assessment"])


def test_stories_and_extract(tables: Tables) -> None:
    told = Counter(row["programme"] for row in tables["story"])
    assert set(told) == set(PROGRAMMES)
    assert all(2 <= count <= 6 for count in told.values())
    assert {row["consent"] for row in tables["story"]} == {"true", "false"}
    assert all("2021-Q2" <= row["quarter"] <= "2025-Q2" for row in tables["story"])
    assert {row["synthetic"] for row in tables["extract"]} == {"true"}
    assert {row["complete_to"] for row in tables["extract"]} == {"2025-06-30"}
