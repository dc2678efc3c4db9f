"""Risk scores against published cases, and against a slow score written from the formulas, one person at a time."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
import os
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from impact.cohort import ogrs
from impact.cohort.ogrs import coefficients, ogrs3, ogrs4, risk_band
from impact.errors import InputError

SHARED = Path(os.environ.get("IMPACT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
PUBLISHED = SHARED / "domain" / "ogrs_coefficients.json"
DATES = ("birth_date", "convicted_on", "start", "assessed_on")
FIRSTS = ("first_caution", "first_conviction_no_prior")
TERMS = ("two_year_constant", "female", "sanction_occasions")


@pytest.fixture(scope="module")
def published() -> dict:
    """The coefficients as they were gathered, apart from the package."""
    if not PUBLISHED.is_file():
        pytest.skip("domain/ogrs_coefficients.json of the shared folder (../shared, or IMPACT_SHARED) is not here")
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def table(*people: dict, **more: object) -> pd.DataFrame:
    """One row a person; the first published case where nothing else is said."""
    usual = {
        "sex": "male",
        "birth_date": "1991-07-17",
        "convicted_on": "2021-08-05",
        "start": "2021-12-12",
        "sanctions": 2,
        "age_first_sanction": 21,
        "offence": "other",
    }
    frame = pd.DataFrame([usual | more | person for person in people or ({},)])
    for name in DATES:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name])
    return frame


def birthday(born: dt.date, years: int) -> dt.date:
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return dt.date(born.year + years, 3, 1)


def age(born: dt.date, on: dt.date) -> int:
    """Birthdays had, counted one by one."""
    years = 0
    while birthday(born, years + 1) <= on:
        years += 1
    return years


def months(start: dt.date, end: dt.date) -> int:
    """Whole months, counted one by one: a month is over on the same day of the next, or on the 1st after it."""
    count = 0
    while True:
        year, month = divmod(start.year * 12 + start.month + count, 12)
        try:
            over = dt.date(year, month + 1, start.day)
        except ValueError:
            over = dt.date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
        if over > end:
            return count
        count += 1


def slow_ogrs3(held: dict, person: dict, years: int) -> float:
    at_start, at_conviction = (age(person["birth_date"], person[key]) for key in ("start", "convicted_on"))
    n = person["sanctions"]
    status = person.get("sanction_status") or ("first_conviction_no_prior" if n == 1 else "repeat_conviction")
    band = 0
    for place, words in enumerate(held["age_bands"]):
        low, high = (50, 999) if words == "50+" else (int(part) for part in words.split("-"))
        if low <= at_start <= high:
            band = place
    z = held[f"constant_{years}yr"]
    z += held["copas"] * math.log(n / (10 + at_conviction - person["age_first_sanction"]))
    z += held["sanction_status"][status] + held[person["sex"]][band] + held["offence"][person["offence"]]
    return 1 / (1 + math.exp(-z))


def slow_ogrs4(held: dict, form: dict, person: dict, kind: str) -> float:
    terms, sex, n = held["terms"], person["sex"], person["sanctions"]
    at_start = age(person["birth_date"], person["start"])
    career = age(person["birth_date"], person["convicted_on"]) - person["age_first_sanction"]
    powers = ("", "_quadratic", "_cubic", "_quartic")
    z = terms["two_year_constant"] + held["offence"][person["offence"]] + terms["sanction_occasions"] * n
    for power, name in enumerate(powers, start=1):
        z += terms[f"aai{name}_{sex}"] * at_start**power
    if sex == "female":
        z += terms["female"]
    if n == 1:
        z += terms["first_sanction"]
    if n == 2:
        z += terms["second_sanction"] + terms[f"yrs_between_first_and_second_sanction_{sex}"] * career
    free = 0
    if person.get("assessed_on") and person["assessed_on"] >= person["start"]:
        free = min(months(person["start"], person["assessed_on"]), form["offence_free_months_cap"])
    for power, name in enumerate(powers, start=1):
        z += terms[f"offence_free_months{name}"] * free**power
    if kind == "general" and n >= 3:
        rate = math.log(n / (form["G_career_boost_years"] + career))
        z += terms[f"three_plus_sanctions_copas_g_{sex}"] * rate
        z += terms[f"three_plus_sanctions_copas_squared_{sex}"] * rate**2
    if kind == "violent":
        if n >= 3:
            z += terms[f"three_plus_sanctions_copas_v_{sex}"] * math.log(n / (form["V_copas_boost_years"] + career))
        violent = person["violent_sanctions"]
        z += terms["violent_sanctions"] * violent
        if violent == 0:
            z += terms[f"never_violent_{sex}"]
        if violent == 1:
            z += terms["once_violent"]
        if violent > 0:
            z += terms["violent_rate"] * math.log(violent / (form["V_violent_rate_boost_years"] + career))
    return 1 / (1 + math.exp(-z))


def crowd(rng: np.random.Generator, n: int, offences: list[str], statuses: list[str]) -> list[dict]:
    """People of every offence, sex and edge of an age band, then at random; days near birthdays and ends of months."""
    edges = (10, 12, 14, 16, 18, 21, 25, 30, 35, 40, 50)
    corners = list(product(offences, ("male", "female"), edges))
    people = []
    for place in range(max(n, len(corners))):
        offence, sex, years = corners[place] if place < len(corners) else (rng.choice(offences), None, None)
        sex = sex or str(rng.choice(["male", "female"]))
        born = dt.date(1950, 1, 1) + dt.timedelta(days=int(rng.integers(0, 18_000)))
        if rng.uniform() < 0.1:
            born = dt.date(int(rng.choice([1960, 1984, 1996])), 2, 29)
        years = int(rng.integers(11, 70)) if years is None else years
        start = birthday(born, years) + dt.timedelta(days=int(rng.choice([0, 0, -1, 1, 150])))
        earliest = birthday(born, 10)
        start = max(start, earliest)
        convicted = max(earliest, start - dt.timedelta(days=int(rng.choice([0, 1, 90, 900]))))
        n_sanctions = int(rng.choice([1, 2, 3, 4, 25]))
        person = {
            "sex": sex,
            "birth_date": born,
            "convicted_on": convicted,
            "start": start,
            "assessed_on": start + dt.timedelta(days=int(rng.choice([-40, 0, 30, 31, 365, 1095, 1096, 4000]))),
            "sanctions": n_sanctions,
            "violent_sanctions": int(rng.integers(0, n_sanctions + 1)),
            "age_first_sanction": int(rng.integers(8, age(born, convicted) + 1)),
            "offence": str(offence),
            "sanction_status": str(rng.choice([key for key in statuses if (key in FIRSTS) == (n_sanctions == 1)])),
        }
        if person["assessed_on"] < convicted - dt.timedelta(days=60):
            person["assessed_on"] = start
        people.append(person)
    return people


def test_package_holds_the_published_numbers(published: dict) -> None:
    held = coefficients()
    third = dict(held["ogrs3"])
    assert third.pop("career_boost_years") == 10
    bands = [int(words.split("-")[0].rstrip("+")) for words in published["ogrs3"]["age_bands"]]
    assert third.pop("age_from") == bands
    assert third == {key: value for key, value in published["ogrs3"].items() if key != "age_bands"}
    form = published["ogrs4_form"]
    boosts = {
        "ogrs4g": {"career_boost_years": form["G_career_boost_years"]},
        "ogrs4v": {
            "career_boost_years": form["V_copas_boost_years"],
            "violent_career_boost_years": form["V_violent_rate_boost_years"],
        },
    }
    for name, boost in boosts.items():
        cap = {"offence_free_months_cap": form["offence_free_months_cap"]}
        assert held[name] == published[f"{name}_static"] | boost | cap
    bounds = {
        name: {key: low for key, low in band.items() if key != "decimals"} for name, band in held["bands"].items()
    }
    assert bounds == published["bands_percent_lower_bounds"]


def test_package_names_version_evidence_and_conflict() -> None:
    held = coefficients()
    assert held["version"]
    assert {entry["label"] for entry in held["evidence"]} <= {"A", "A, B", "B", "R", "I"}
    assert all(entry["source"] for entry in held["evidence"])
    assert "females aged 10 to 15" in held["conflict"][0]["rule"]


@pytest.mark.parametrize(("total", "one", "two"), [(-2.776835807, 0.20193, 0.34183), (0.0, 0.80259, 0.89299)])
def test_published_totals(monkeypatch: pytest.MonkeyPatch, total: float, one: float, two: float) -> None:
    """The fifth digit of one of them is that of the rounded constants with which these were published."""
    held = copy.deepcopy(dict(coefficients()))
    third = held["ogrs3"]
    rest = third["copas"] * math.log(2 / 19) + third["sanction_status"]["repeat_conviction"] + third["male"][7]
    third["offence"]["other"] = total - rest
    monkeypatch.setattr(ogrs, "coefficients", lambda: held)
    assert [ogrs3(table(), years=years)[0] for years in (1, 2)] == pytest.approx([one, two], abs=1e-5)
    third["constant_1yr"], third["constant_2yr"] = 1.40256, 2.1217
    assert [round(ogrs3(table(), years=years)[0], 5) for years in (1, 2)] == [one, two]


def test_published_people_of_ogrs3() -> None:
    second = {"birth_date": "1965-12-07", "convicted_on": "2025-05-13", "start": "2026-12-12", "age_first_sanction": 47}
    people = table({}, second | {"offence": "soliciting"})
    assert (100 * ogrs3(people)).round().tolist() == [9, 8]
    assert (100 * ogrs3(people, years=2)).round().tolist() == [17, 16]
    assert (100 * ogrs3(people)).round(2)[0] == 8.81
    assert (100 * ogrs3(people, years=2)).round(2)[0] == 16.54


YOUNG = {"birth_date": "1990-01-01", "convicted_on": "2024-01-01", "start": "2026-01-01", "assessed_on": "2025-01-01"}


@pytest.mark.parametrize(
    ("kind", "person", "total", "percent"),
    [
        ("general", YOUNG | {"age_first_sanction": 18, "offence": "criminal_damage"}, -1.843413998935392, 13.66),
        ("violent", YOUNG | {"age_first_sanction": 18, "offence": "acquisitive_violence"}, -2.763234396992334, 5.93),
        ("general", {"assessed_on": "2025-06-01", "offence": "other_offences"}, -3.109291542898093, 4.27),
        ("violent", {"assessed_on": "2025-06-01", "offence": "other_offences"}, -3.740518685696159, 2.32),
    ],
)
def test_published_people_of_ogrs4(kind: str, person: dict, total: float, percent: float) -> None:
    """The Ministry's own test and fixture files; the last two rest on the limit of 36 months."""
    score = ogrs4(table(person, violent_sanctions=2), kind=kind)
    z = np.log(score / (1 - score))
    assert z[0] == pytest.approx(total, abs=1e-12)
    assert (100 * score).round(2).tolist() == [percent]
    assert risk_band(score, scale=score.name).tolist() == ["low"]


@pytest.mark.parametrize(
    ("kind", "sex", "n", "first", "conviction_age", "expected"),
    [
        ("general", "male", 18, 20, 30, -1.0764458092822229 + 0.06213937529875994),
        ("general", "female", 7, 24, 26, -1.4137472471154751 - 0.07579472433956821),
        ("violent", "male", 18, 20, 30, -0.12453591190691221 - 0.41703875913010356),
    ],
)
def test_published_terms_of_many_sanctions(
    kind: str, sex: str, n: int, first: int, conviction_age: int, expected: float
) -> None:
    """The terms in the rate of sanctions, as the Ministry's tests give them; the rest is taken off by hand."""
    person = {"sex": sex, "sanctions": n, "age_first_sanction": first, "offence": "other_offences"}
    years = {"birth_date": f"{2020 - conviction_age}-06-01", "convicted_on": "2020-06-01", "start": "2020-06-01"}
    score = ogrs4(table(person | years, violent_sanctions=n), kind=kind)[0]
    held = coefficients()["ogrs4g" if kind == "general" else "ogrs4v"]
    terms = held["terms"]
    powers = ("", "_quadratic", "_cubic", "_quartic")
    by_age = sum(terms[f"aai{name}_{sex}"] * conviction_age**power for power, name in enumerate(powers, start=1))
    rest = by_age + sum(terms[key] * weight for key, weight in zip(TERMS, (1, sex == "female", n), strict=True))
    rest += held["offence"]["other_offences"] + (terms["violent_sanctions"] * n if kind == "violent" else 0)
    assert math.log(score / (1 - score)) - rest == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("status", [False, True])
@pytest.mark.parametrize("years", [1, 2])
def test_ogrs3_against_the_slow_score(published: dict, years: int, status: bool) -> None:
    held = published["ogrs3"]
    people = crowd(np.random.default_rng(3), 2_000, list(held["offence"]), list(held["sanction_status"]))
    frame = table(*people)
    if not status:
        people = [{key: value for key, value in person.items() if key != "sanction_status"} for person in people]
        frame = frame.drop(columns="sanction_status")
    expected = [slow_ogrs3(held, person, years) for person in people]
    np.testing.assert_allclose(ogrs3(frame, years=years), expected, rtol=1e-12)


@pytest.mark.parametrize("assessed", [False, True])
@pytest.mark.parametrize("kind", ["general", "violent"])
def test_ogrs4_against_the_slow_score(published: dict, kind: str, assessed: bool) -> None:
    held = published["ogrs4g_static" if kind == "general" else "ogrs4v_static"]
    people = crowd(np.random.default_rng(4), 2_000, list(held["offence"]), list(published["ogrs3"]["sanction_status"]))
    frame = table(*people)
    if not assessed:
        people = [{key: value for key, value in person.items() if key != "assessed_on"} for person in people]
        frame = frame.drop(columns="assessed_on")
    expected = [slow_ogrs4(held, published["ogrs4_form"], person, kind) for person in people]
    np.testing.assert_allclose(ogrs4(frame, kind=kind), expected, rtol=1e-10)


def test_a_missing_value_leaves_that_score_missing() -> None:
    complete = table(violent_sanctions=1, assessed_on="2022-06-01", sanction_status="repeat_conviction")
    needed = {ogrs3: set(complete) - {"violent_sanctions", "assessed_on"}, ogrs4: set(complete) - {"sanction_status"}}
    for score, columns in needed.items():
        more = {} if score is ogrs3 else {"kind": "violent"}
        offence = "other" if score is ogrs3 else "other_offences"
        alone = score(complete.assign(offence=offence), **more)
        for name in columns:
            people = pd.concat([complete.assign(offence=offence)] * 2, ignore_index=True)
            people[name] = people[name].where([True, False])
            both = score(people, **more)
            assert both[0] == alone[0]
            assert math.isnan(both[1])


def test_result_is_on_the_index_of_the_people_and_named() -> None:
    people = table({}, {"sex": "female"}, {"sanctions": 9}).set_index(pd.Index(["c", "a", "b"]))
    for score, name in ((ogrs3(people), "OGRS3_1yr"), (ogrs3(people, years=2), "OGRS3_2yr")):
        assert score.index.tolist() == ["c", "a", "b"]
        assert score.name == name
    turned = ogrs3(people.iloc[::-1]).iloc[::-1]
    pd.testing.assert_series_equal(turned, ogrs3(people))


FAULTY = (
    ("sex", "unknown", "is none of the allowed"),
    ("offence", "murder", "is none of the allowed"),
    ("sanctions", 0, "is below 1"),
    ("sanctions", 1000, "is above 999"),
    ("sanctions", 1.5, "is not a whole number"),
    ("age_first_sanction", -1, "is not a whole number"),
    ("age_first_sanction", 31, "is above the age at the conviction"),
    ("convicted_on", "1991-07-17", "is not after the birth date"),
    ("convicted_on", "2000-07-17", "is before the age of 10"),
    ("start", "2021-08-04", "is before the conviction"),
    ("birth_date", "1900-01-01", "makes an age above 109"),
)


@pytest.mark.parametrize(("column", "value", "problem"), FAULTY)
@pytest.mark.parametrize("score", [ogrs3, ogrs4])
def test_each_fault_is_named_with_its_row_and_without_its_value(
    score: object, column: str, value: object, problem: str
) -> None:
    offence = "other" if score is ogrs3 else "other_offences"
    people = table({}, {column: value}, **({} if column == "offence" else {"offence": offence}))
    if column == "offence":
        people.loc[0, "offence"] = offence
    with pytest.raises(InputError, match=problem) as caught:
        score(people)
    (fault,) = [fault for fault in caught.value.faults if problem in fault.problem]
    assert (fault.column, fault.rows) == (column, (2,))


def test_all_faults_come_at_once() -> None:
    people = table({"sex": "x", "sanctions": 0, "offence": "no", "age_first_sanction": 90}).drop(columns="start")
    with pytest.raises(InputError) as caught:
        ogrs3(people)
    assert {fault.column for fault in caught.value.faults} == {
        "sex",
        "sanctions",
        "offence",
        "age_first_sanction",
        "start",
    }


def test_faults_of_the_columns_that_only_some_scores_read() -> None:
    with pytest.raises(InputError, match="is of a first sanction where there are more"):
        ogrs3(table(sanction_status="first_caution"))
    with pytest.raises(InputError, match="needs an earlier sanction"):
        ogrs3(table(sanction_status="repeat_caution", sanctions=1))
    with pytest.raises(InputError, match="violent_sanctions: is not in the data"):
        ogrs4(table(offence="drunkenness"), kind="violent")
    with pytest.raises(InputError, match="is above the number of all sanctions"):
        ogrs4(table(offence="drunkenness", violent_sanctions=3), kind="violent")
    with pytest.raises(InputError, match="more than three months before the conviction"):
        ogrs4(table(offence="drunkenness", assessed_on="2021-05-01"))
    assert ogrs4(table(offence="drunkenness", assessed_on="2021-05-05")).notna().all()


def test_arguments_that_are_not_allowed() -> None:
    with pytest.raises(InputError, match="years must be 1 or 2"):
        ogrs3(table(), years=3)
    with pytest.raises(InputError, match="kind must be one of"):
        ogrs4(table(), kind="sexual")
    with pytest.raises(InputError, match="must be a pandas DataFrame"):
        ogrs3([1])
    with pytest.raises(InputError, match="has no row with every value needed"):
        ogrs3(table(sex=None))


@given(st.lists(st.tuples(st.integers(10, 60), st.integers(0, 30), st.integers(1, 60)), min_size=1, max_size=8))
@profile(max_examples=60)
def test_scores_are_probabilities_and_more_sanctions_raise_ogrs3(drawn: list[tuple[int, int, int]]) -> None:
    people = table(
        *(
            {"birth_date": f"{2020 - first - career}-01-01", "age_first_sanction": first, "sanctions": n + 1}
            for first, career, n in drawn
        ),
        convicted_on="2020-06-01",
        start="2020-06-01",
    )
    general = ogrs4(people.assign(offence="drunkenness"))
    violent = ogrs4(people.assign(offence="drunkenness", violent_sanctions=0), kind="violent")
    for score in (ogrs3(people), ogrs3(people, years=2), general, violent):
        assert score.between(0, 1, inclusive="neither").all()
    assert (ogrs3(people) < ogrs3(people, years=2)).all()
    assert (ogrs3(people) < ogrs3(people.assign(sanctions=people["sanctions"] + 1))).all()


def test_more_months_free_of_offences_lower_ogrs4_for_the_first_year() -> None:
    dates = pd.date_range("2021-12-12", periods=13, freq="MS") + pd.Timedelta(days=11)
    people = table(*({"assessed_on": day} for day in dates), offence="drunkenness")
    assert (np.diff(ogrs4(people)) < 0).all()


def test_bands() -> None:
    edges = [0.0, 0.49, 0.4949, 0.495, 0.5, 0.744, 0.745, 0.894, 0.895, 1.0, np.nan]
    words = ["low", "low", "low", "medium", "medium", "medium", "high", "high", "very high", "very high"]
    band = risk_band(pd.Series(edges, index=list("abcdefghijk")), scale="OGRS3_2yr")
    assert band.tolist()[:-1] == words
    assert pd.isna(band["k"])
    assert band.cat.ordered
    assert band.cat.categories.tolist() == ["low", "medium", "high", "very high"]
    fine = pd.Series([0.29994, 0.29995, 0.59994, 0.59995, 0.79994, 0.79995])
    words = ["low", "medium", "medium", "high", "high", "very high"]
    assert risk_band(fine, scale="OGRS4V").tolist() == words
    assert risk_band(fine, scale="OGRS4G").tolist() == ["low", "low", "medium", "medium", "high", "high"]


def test_bands_refuse_another_scale_and_what_is_no_probability() -> None:
    with pytest.raises(InputError, match="which the bands of OGRS3_2yr are not for"):
        risk_band(ogrs3(table()), scale="OGRS3_2yr")
    with pytest.raises(InputError, match="is above 1"):
        risk_band(pd.Series([50.0]), scale="OGRS4G")
    with pytest.raises(InputError, match="scale must be one of"):
        risk_band(pd.Series([0.5]), scale="OGRS5")
    with pytest.raises(InputError, match="must be a pandas Series"):
        risk_band([0.5], scale="OGRS4G")
