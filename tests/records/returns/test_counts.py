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

FIRST = dt.date(2022, 12, 1)
QUARTERS = [
    Period(f"2023-Q{q}", pd.Timestamp(2023, 3 * q - 2, 1), pd.Timestamp(2023, 3 * q, 30 + (q in (1, 4))))
    for q in range(1, 5)
]
YEAR = [Period("", pd.Timestamp(2023, 1, 1), pd.Timestamp(2023, 12, 31))]
BANDS = (0, 5, 11, 16, 18, 26)
DAY = st.integers(0, 450).map(lambda n: FIRST + dt.timedelta(days=n))
WHO, WHERE = st.sampled_from("abcdef"), st.sampled_from(["one", "two"])


@st.composite
def _records(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    people = [
        (who, draw(st.sampled_from(["female", "male"])), draw(st.sampled_from(["Hill", None])), born)
        for who, born in zip(
            "abcdef",
            draw(st.lists(st.dates(dt.date(1995, 1, 1), dt.date(2022, 1, 1)) | st.none(), min_size=6, max_size=6)),
            strict=True,
        )
    ]
    episodes = [
        (who, where, day, None if length is None else day + dt.timedelta(days=length))
        for who, where, day, length in draw(
            st.lists(st.tuples(WHO, WHERE, DAY, st.integers(0, 200) | st.none()), max_size=12)
        )
    ]
    referrals = [
        (who, where, day, "waiting" if length is None else "accepted",
         None if length in (None, 61) else day + dt.timedelta(days=length))
        for who, where, day, length in draw(
            st.lists(st.tuples(WHO, WHERE, DAY, st.integers(0, 61) | st.none()), max_size=12)
        )
    ]  # fmt: skip
    frames = (
        pd.DataFrame(people, columns=["person_id", "sex", "ward", "born"]),
        pd.DataFrame(episodes, columns=["person_id", "programme", "started_on", "ended_on"]),
        pd.DataFrame(referrals, columns=["person_id", "programme", "referred_on", "decision", "decided_on"]),
    )
    dates = [["born"], ["started_on", "ended_on"], ["referred_on", "decided_on"]]
    made = [f.assign(**{d: pd.to_datetime(f[d]) for d in names}) for f, names in zip(frames, dates, strict=True)]
    return made[0], made[1], made[2]


def _slowly(records: tuple[pd.DataFrame, ...], period: Period, wanted: dict[str, Any]) -> dict[str, int]:
    """Person by person and day by day, with sets."""
    people = {row.person_id: row for row in records[0].itertuples()}

    def counted(row: Any) -> bool:
        who, last = people[row.person_id], period.last
        band = "unknown"
        if not pd.isna(who.born):
            age = last.year - who.born.year - ((last.month, last.day) < (who.born.month, who.born.day))
            low = max(edge for edge in BANDS if edge <= age)
            band = {0: "00 to 04", 5: "05 to 10", 11: "11 to 15", 16: "16 to 17", 18: "18 to 25"}.get(
                low, "26 and over"
            )
        ward = "unknown" if pd.isna(who.ward) else who.ward
        is_ = {"programme": row.programme, "sex": who.sex, "ward": ward, "age_band": band}
        return all(is_[name] == value for name, value in wanted.items())

    episodes = [row for row in records[1].itertuples() if counted(row)]
    referrals = [row for row in records[2].itertuples() if counted(row)]

    def on(day: pd.Timestamp) -> set[str]:
        return {r.person_id for r in episodes if r.started_on <= day and (pd.isna(r.ended_on) or r.ended_on > day)}

    served = set()
    for day in pd.date_range(period.first, period.last):
        served |= {r.person_id for r in episodes if r.started_on <= day and (pd.isna(r.ended_on) or r.ended_on >= day)}
    start, end = on(period.first - pd.Timedelta(days=1)), on(period.last)
    referred = [r.person_id for r in referrals if period.first <= r.referred_on <= period.last]
    waiting = {
        r.person_id
        for r in referrals
        if r.referred_on <= period.last
        and (r.decision == "waiting" or (not pd.isna(r.decided_on) and r.decided_on > period.last))
    }
    return {
        "unique_people": len(served | set(referred)),
        "new_referrals": len(referred),
        "caseload_at_start": len(start),
        "new_on_caseload": len(served - start),
        "caseload": len(served),
        "closed": len(served - end),
        "caseload_at_end": len(end),
        "waiting": len(waiting),
    }


@settings(max_examples=20)
@given(records=_records(), by=st.sampled_from([(), ("programme",), ("sex", "age_band"), ("ward", "programme")]))
def test_a_slow_count_agrees(records: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], by: tuple[str, ...]) -> None:
    made = count_people(*records, QUARTERS[1:2], (*by, "quarter"), BANDS)
    for row in made.to_dict("records"):
        assert {name: row[name] for name in MEASURES} == _slowly(records, QUARTERS[1], {name: row[name] for name in by})


@settings(max_examples=12)
@given(records=_records())
def test_what_holds_between_the_counts(records: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    quarters = count_people(*records, QUARTERS, ("programme", "quarter"), BANDS)
    year = count_people(*records, YEAR, ("programme",), BANDS)
    assert (quarters["caseload"] == quarters["caseload_at_start"] + quarters["new_on_caseload"]).all()
    assert (quarters["caseload"] == quarters["caseload_at_end"] + quarters["closed"]).all()
    assert (quarters[list(MEASURES)] >= 0).all(axis=None)
    assert (quarters["unique_people"] >= quarters["caseload"]).all()
    for name, part in quarters.groupby("programme"):
        whole = year.set_index("programme").loc[name]
        assert part["new_referrals"].sum() == whole["new_referrals"]
        assert part["caseload_at_start"].tolist()[1:] == part["caseload_at_end"].tolist()[:-1]
        assert part["caseload_at_start"].iloc[0] == whole["caseload_at_start"]
        assert part["caseload_at_end"].iloc[-1] == whole["caseload_at_end"]
        for measure in ("unique_people", "caseload"):
            assert part[measure].max() <= whole[measure] <= part[measure].sum()
    everyone = count_people(*records, YEAR, (), BANDS).iloc[0]
    for trait in ("sex", "ward", "age_band"):
        parts = count_people(*records, YEAR, (trait,), BANDS)
        assert parts[list(MEASURES)].sum().to_dict() == everyone.to_dict()
    for measure in MEASURES:
        assert everyone[measure] <= year[measure].sum()


@given(records=_records(), seed=st.integers(0, 9))
@settings(max_examples=5)
def test_the_order_of_rows_does_not_matter(records: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], seed: int) -> None:
    shuffled = [frame.sample(frac=1, random_state=seed) for frame in records]
    by = ("quarter", "age_band")
    pd.testing.assert_frame_equal(
        count_people(*records, QUARTERS, by, BANDS),
        count_people(shuffled[0], shuffled[1], shuffled[2], QUARTERS, by, BANDS),
    )


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
    ],
)
def test_what_cannot_be_counted(tiny: Any, how: dict[str, Any], said: str) -> None:
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    with pytest.raises(InputError, match=said):
        counts(linked, **{"first": "2023-Q1", "last": "2023-Q2", **how})


def test_on_the_made_up_world(root: Path) -> None:
    linked = read_linked(root / "data_synthetic")
    whole = counts(linked, "2023-Q1", "2023-Q4", by=()).data.iloc[0]
    parts = counts(linked, "2023-Q1", "2023-Q4", by="ethnicity").data
    assert parts[list(MEASURES)].sum().to_dict() == whole.to_dict()
    assert whole["unique_people"] > 0
