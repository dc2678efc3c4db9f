"""Each count means one thing: what holds between them holds for any records, and a slow count agrees."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import InputError
from impact.records import read_linked
from impact.records.returns.counts import MEASURES, Period, count_people, counts
from tests.records.returns.slow_counts import BANDS, QUARTERS, YEAR, records, slowly

Records = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
TRAITS = ("sex", "ethnicity", "ward", "district", "age_band")
LISTED = list(MEASURES)


BY = (
    (),
    ("programme",),
    ("sex", "age_band"),
    ("ward", "programme"),
    ("ethnicity",),
    ("district", "ward"),
    ("age_band",),
)


@settings(max_examples=30)
@given(made=records(), by=st.sampled_from(BY))
def test_a_slow_count_agrees_in_every_quarter_and_misses_nobody(made: Records, by: tuple[str, ...]) -> None:
    table = count_people(*made, QUARTERS, (*by, "quarter"), BANDS)
    groups = {tuple(row[name] for name in by) for row in table.to_dict("records")}
    for quarter in QUARTERS:
        here = table[table["quarter"] == quarter.name]
        for row in here.to_dict("records"):
            assert {name: row[name] for name in MEASURES} == slowly(made, quarter, {name: row[name] for name in by})
        assert len(here) == len(groups)
        if by and "programme" not in by:
            # Nobody stands in a group that has no row: what the groups hold is all that there is.
            assert here[LISTED].sum().to_dict() == slowly(made, quarter, {})


@settings(max_examples=20)
@given(made=records(), trait=st.sampled_from(TRAITS), period=st.sampled_from([*QUARTERS, *YEAR]))
def test_parts_sum_to_the_whole(made: Records, trait: str, period: Period) -> None:
    everyone = count_people(*made, [period], (), BANDS).iloc[0]
    assert count_people(*made, [period], (trait,), BANDS)[LISTED].sum().to_dict() == everyone.to_dict()
    by_programme = count_people(*made, [period], ("programme",), BANDS).set_index("programme")[LISTED]
    both = count_people(*made, [period], ("programme", trait), BANDS).groupby("programme")[LISTED].sum()
    pd.testing.assert_frame_equal(both, by_programme)
    wards = count_people(*made, YEAR, ("district", "ward"), BANDS).groupby("district")[LISTED].sum()
    pd.testing.assert_frame_equal(wards, count_people(*made, YEAR, ("district",), BANDS).set_index("district")[LISTED])


@settings(max_examples=20)
@given(made=records(), by=st.sampled_from([("programme",), *((trait,) for trait in TRAITS), ("ward", "programme")]))
def test_opening_and_new_less_closed_is_closing(made: Records, by: tuple[str, ...]) -> None:
    table = count_people(*made, QUARTERS, (*by, "quarter"), BANDS)
    moved = table["caseload_at_start"] + table["new_on_caseload"] - table["closed"]
    assert (moved == table["caseload_at_end"]).all()
    assert (table["caseload"] == table["caseload_at_start"] + table["new_on_caseload"]).all()
    assert (table[LISTED] >= 0).all(axis=None)
    if "age_band" in by:
        return
    for _, part in table.groupby(list(by)):
        assert part["caseload_at_start"].tolist()[1:] == part["caseload_at_end"].tolist()[:-1]


@settings(max_examples=20)
@given(made=records())
def test_people_are_no_more_than_their_episodes_and_referrals(made: Records) -> None:
    _, episodes, referrals = made
    for quarter in QUARTERS:
        row = count_people(*made, [quarter], (), BANDS).iloc[0]
        inside = episodes[(episodes["started_on"] <= quarter.last) & ~(episodes["ended_on"] < quarter.first)]
        open_ones = int((referrals["referred_on"] <= quarter.last).sum())
        assert row["caseload"] <= len(inside)
        assert row["caseload"] <= row["unique_people"] <= row["caseload"] + row["new_referrals"]
        assert row["waiting"] <= open_ones
        assert row["unique_people"] <= 6
        assert row["closed"] <= int(inside["ended_on"].between(quarter.first, quarter.last).sum())
        assert row["new_on_caseload"] <= int(inside["started_on"].between(quarter.first, quarter.last).sum())


@settings(max_examples=15)
@given(made=records())
def test_a_year_beside_its_quarters_and_all_beside_each_programme(made: Records) -> None:
    quarters = count_people(*made, QUARTERS, ("programme", "quarter"), BANDS)
    year = count_people(*made, YEAR, ("programme",), BANDS)
    for name, part in quarters.groupby("programme"):
        whole = year.set_index("programme").loc[name]
        assert part["new_referrals"].sum() == whole["new_referrals"]
        assert part["caseload_at_start"].iloc[0] == whole["caseload_at_start"]
        assert part["caseload_at_end"].iloc[-1] == whole["caseload_at_end"]
        assert part["waiting"].iloc[-1] == whole["waiting"]
        for measure in ("unique_people", "caseload"):
            assert part[measure].max() <= whole[measure] <= part[measure].sum()
    everyone = count_people(*made, YEAR, (), BANDS).iloc[0]
    for measure in ("unique_people", "caseload", "caseload_at_start", "caseload_at_end", "waiting"):
        assert year[measure].max() <= everyone[measure] <= year[measure].sum() or year.empty
    assert everyone["new_referrals"] == year["new_referrals"].sum()


@given(made=records(), seed=st.integers(0, 9))
@settings(max_examples=5)
def test_the_order_of_rows_does_not_matter(made: Records, seed: int) -> None:
    shuffled = [frame.sample(frac=1, random_state=seed) for frame in made]
    by = ("quarter", "age_band")
    pd.testing.assert_frame_equal(
        count_people(*made, QUARTERS, by, BANDS),
        count_people(shuffled[0], shuffled[1], shuffled[2], QUARTERS, by, BANDS),
    )


@pytest.mark.parametrize(
    ("started", "ended", "start", "new", "closed", "end"),
    [
        ("2022-12-31", None, 1, 0, 0, 1),
        ("2023-01-01", None, 0, 1, 0, 1),
        ("2022-12-01", "2023-01-01", 1, 0, 1, 0),
        ("2023-01-01", "2023-01-01", 0, 1, 1, 0),
        ("2022-12-01", "2023-03-31", 1, 0, 1, 0),
        ("2022-12-01", "2023-04-01", 1, 0, 0, 1),
        ("2023-03-31", None, 0, 1, 0, 1),
    ],
)
def test_the_first_and_the_last_day_of_a_quarter(
    started: str, ended: str | None, start: int, new: int, closed: int, end: int
) -> None:
    people = pd.DataFrame({"person_id": ["a"], "born": pd.to_datetime(["2000-01-01"])})
    episodes = pd.DataFrame({"person_id": ["a"], "programme": "one", "started_on": pd.to_datetime([started])})
    episodes["ended_on"] = pd.to_datetime([ended])
    none = pd.DataFrame({"person_id": pd.Series(dtype=object), "programme": pd.Series(dtype=object)})
    none = none.assign(decision=pd.Series(dtype=object), referred_on=pd.to_datetime([]), decided_on=pd.to_datetime([]))
    row = count_people(people, episodes, none, QUARTERS[:1], (), BANDS).iloc[0]
    found = row[["caseload_at_start", "new_on_caseload", "closed", "caseload_at_end"]].tolist()
    assert found == [start, new, closed, end]
    assert row["caseload"] == 1


def test_a_birthday_on_the_last_day_is_in_the_older_band() -> None:
    days = pd.to_datetime(["2005-03-31", "2005-04-01", "2018-03-31", "2023-03-31"])
    people = pd.DataFrame({"person_id": list("abcd"), "born": days})
    episodes = pd.DataFrame({"person_id": list("abcd"), "programme": "one", "started_on": pd.Timestamp("2023-03-31")})
    episodes["ended_on"] = pd.NaT
    referrals = episodes.rename(columns={"started_on": "referred_on", "ended_on": "decided_on"}).assign(
        decision="accepted"
    )
    made = count_people(people, episodes, referrals, QUARTERS[:1], ("age_band",), BANDS)
    assert dict(zip(made["age_band"], made["caseload"], strict=True)) == {
        "00 to 04": 1,
        "05 to 10": 1,
        "16 to 17": 1,
        "18 to 25": 1,
    }


def test_from_linked_records(tiny: Any) -> None:
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    made = counts(linked, "2023-Q1", "2023-Q3").data.set_index(["programme", "quarter"])
    alpha, beta = made.loc["alpha"], made.loc["beta"]
    assert alpha["new_referrals"].tolist() == [2, 0, 0]
    assert alpha["caseload"].tolist() == [1, 1, 1]
    assert alpha["closed"].tolist() == [0, 0, 1]
    assert alpha["waiting"].tolist() == [1, 1, 1]
    assert beta["caseload_at_start"].tolist() == [0, 1, 1]
    assert beta["waiting"].tolist() == [1, 1, 1], "decided in November"
    day = counts(linked, "2023-08-01", dt.date(2023, 8, 1), by="district").data.set_index("district")
    assert day["caseload"].to_dict() == {"Liverpool": 1, "Sefton": 1}
    assert day["caseload_at_end"].to_dict() == {"Liverpool": 0, "Sefton": 1}, "the last day of the one is over"
    said = counts(linked, "2023-Q1", "2024-Q4")
    assert any("complete to 2023-12-31" in note for note in said.notes)
    assert "ZQ0" not in repr(said)
    assert set(said.tidy()["measure"]) == set(MEASURES)


def test_no_records_in_the_period_is_no_error(tiny: Any) -> None:
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    assert counts(linked, "2010-Q1", "2010-Q2").data.empty
    assert counts(linked, "2010-Q1", "2010-Q2", by="quarter").data["caseload"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"by": "colour"}, "may hold any of"),
        ({"by": ("sex", "sex")}, "each once"),
        ({"first": "2023Q1"}, "must be a quarter"),
        ({"first": "2024-Q1"}, "is before first"),
        ({"first": "2023-01-02"}, "whole quarters"),
        ({"age_bands": (0, 16, 16)}, "rise from 0"),
        ({"age_bands": (10, 16)}, "rise from 0"),
        ({"age_bands": ()}, "rise from 0"),
        ({"age_bands": (0, 16.5)}, "rise from 0"),
        ({"age_bands": (0, "16")}, "rise from 0"),
        ({"age_bands": 18}, "rise from 0"),
        ({"age_bands": (0, 100)}, "rise from 0"),
        ({"first": "2023-Q5", "last": "soon", "by": "colour", "age_bands": ()}, "column last: must be a quarter"),
    ],
)
def test_what_cannot_be_counted(tiny: Any, how: dict[str, Any], said: str) -> None:
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    with pytest.raises(InputError, match=said):
        counts(linked, **{"first": "2023-Q1", "last": "2023-Q2", **how})


@pytest.mark.parametrize("trait", TRAITS)
def test_parts_sum_to_the_whole_in_the_made_up_world(root: Path, trait: str) -> None:
    linked = read_linked(root / "data_synthetic")
    whole = counts(linked, "2023-Q1", "2023-Q4", by="programme").data.set_index("programme")
    parts = counts(linked, "2023-Q1", "2023-Q4", by=("programme", trait)).data
    pd.testing.assert_frame_equal(parts.groupby("programme")[LISTED].sum(), whole)
    assert parts[trait].nunique() > 1
    assert whole["unique_people"].min() > 0
