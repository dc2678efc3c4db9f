"""Proven reoffending against a slow and obvious count, person by person."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from impact.cohort import proven_reoffending
from impact.cohort.rules import OUTCOMES as CONTRACT_OUTCOMES
from impact.cohort.rules import reoffending_rules
from impact.errors import InputError

DAY = dt.timedelta(days=1)
START = dt.date(2020, 1, 1)
OUTCOMES = ("conviction", "caution", "penalty_notice", "not_proven", "pending")
GROUPS = ("theft", "breach")
SEVERITIES = ("indictable_only", "triable_either_way", "summary")


def frames(people, offences, spells):
    index = pd.DataFrame(people, columns=["person_id", "index_on", "died_on"])
    crimes = pd.DataFrame(
        offences, columns=["person_id", "offended_on", "proven_on", "outcome", "offence_group", "severity"]
    )
    custody = pd.DataFrame(spells, columns=["person_id", "entered_on", "left_on", "reason"])
    for frame in (index, crimes, custody):
        for name in frame.columns[frame.columns.str.endswith("_on")]:
            frame[name] = pd.to_datetime(frame[name])
    return index, crimes, custody


def slow(people, offences, spells, follow_up, waiting, complete_to):
    """One person at a time, one day at a time."""
    for who, start, died in people:
        if start + (follow_up + waiting) * DAY > complete_to:
            yield who, *[None] * 11, False
            continue
        again = []
        for owner, offended, proven, outcome, group, severity in offences:
            if owner != who or outcome not in ("conviction", "caution") or group == "breach" or proven is None:
                continue
            if start < offended <= start + follow_up * DAY and proven <= start + (follow_up + waiting) * DAY:
                again.append(((offended - start).days, SEVERITIES.index(severity), proven))
        mine = [(entered, left or dt.date.max, reason) for owner, entered, left, reason in spells if owner == who]
        outside = 0
        for ahead in range(1, follow_up + 1):
            day = start + ahead * DAY
            alive = died is None or day < died
            outside += alive and not any(entered <= day < left for entered, left, _ in mine)
        custody = sum(
            reason == "sentence"
            and any(
                proven <= entered <= min(proven + 28 * DAY, start + (follow_up + waiting) * DAY)
                for _, _, proven in again
            )
            for entered, _, reason in mine
        )
        first = min(again) if again else None
        yield (
            who,
            float(bool(again)),
            len(again),
            first[0] if first else None,
            SEVERITIES[first[1]] if first else None,
            SEVERITIES[min(rank for _, rank, _ in again)] if again else None,
            *(sum(rank == place for _, rank, _ in again) for place in range(3)),
            float(custody > 0),
            custody,
            outside,
            True,
        )


@st.composite
def histories(draw):
    ids = [f"p{number}" for number in range(draw(st.integers(1, 4)))]
    spans = st.integers(0, 60)
    starts = {who: START + draw(spans) * DAY for who in ids}
    people = [
        (who, starts[who], draw(st.one_of(st.none(), spans.map(lambda n, s=starts[who]: s + n * DAY)))) for who in ids
    ]
    near = st.integers(-10, 45)
    offences = []
    for _ in range(draw(st.integers(0, 12))):
        who = draw(st.sampled_from(ids))
        on = starts[who] + draw(near) * DAY
        proven = draw(st.one_of(st.none(), st.integers(0, 40).map(lambda n, on=on: on + n * DAY)))
        outcome = draw(st.sampled_from(OUTCOMES))
        offences.append((who, on, proven, outcome, draw(st.sampled_from(GROUPS)), draw(st.sampled_from(SEVERITIES))))
    spells = []
    for _ in range(draw(st.integers(0, 6))):
        who = draw(st.sampled_from(ids))
        entered = starts[who] + draw(near) * DAY
        left = draw(st.one_of(st.none(), st.integers(0, 20).map(lambda n, e=entered: e + n * DAY)))
        spells.append((who, entered, left, draw(st.sampled_from(["sentence", "remand", "recall"]))))
    return people, offences, spells


@profile(max_examples=120)
@given(histories(), st.integers(1, 40), st.integers(0, 30), st.integers(0, 120))
def test_agrees_with_a_count_by_hand(history, follow_up, waiting, ahead):
    people, offences, spells = history
    complete_to = START + ahead * DAY
    index, crimes, custody = frames(*history)
    result = proven_reoffending(
        index, crimes, follow_up=follow_up, waiting=waiting, complete_to=complete_to, custody=custody
    )
    expected = pd.DataFrame(
        slow(people, offences, spells, follow_up, waiting, complete_to),
        columns=[
            "person_id",
            "reoffended",
            "reoffences",
            "days_to_first",
            "severity_first",
            "severity_worst",
            *(f"reoffences_{severity}" for severity in SEVERITIES),
            "custody_for_reoffence",
            "custody_spells",
            "days_at_risk",
            "complete",
        ],
    )
    assert list(result.columns) == [*expected.columns, "duration", "event"]
    for name in expected.columns:
        ours = [None if pd.isna(value) else value for value in result[name]]
        theirs = [None if pd.isna(value) else value for value in expected[name]]
        assert ours == theirs, name


@profile(max_examples=120)
@given(histories(), st.integers(1, 40), st.integers(0, 30), st.integers(0, 120))
def test_time_to_the_first_reoffence_agrees_with_a_count_by_hand(history, follow_up, waiting, ahead):
    people, offences, _ = history
    complete_to = START + ahead * DAY
    index, crimes, _ = frames(*history)
    result = proven_reoffending(index, crimes, follow_up=follow_up, waiting=waiting, complete_to=complete_to)
    for row, (who, start, died) in zip(result.itertuples(), people, strict=True):
        known = min(start + follow_up * DAY, complete_to - waiting * DAY)
        if known <= start:
            assert pd.isna(row.duration)
            assert pd.isna(row.event)
            continue
        end = known if died is None else min(known, died)
        days = [
            (offended - start).days
            for owner, offended, proven, outcome, group, _ in offences
            if (owner, group) == (who, "theft")
            and outcome in ("conviction", "caution")
            and proven is not None
            and start < offended <= end
            and proven <= known + waiting * DAY
        ]
        assert (row.duration, row.event) == (min(days, default=(end - start).days), float(bool(days)))


@profile(max_examples=30)
@given(histories(), st.integers(0, 2**31))
def test_does_not_depend_on_the_order_of_rows(history, seed):
    index, crimes, custody = frames(*history)
    mixed = [frame.sample(frac=1, random_state=seed % 1000) for frame in (index, crimes, custody)]
    one = proven_reoffending(index, crimes, follow_up=30, waiting=20, complete_to="2021-01-01", custody=custody)
    two = proven_reoffending(mixed[0], mixed[1], follow_up=30, waiting=20, complete_to="2021-01-01", custody=mixed[2])
    pd.testing.assert_frame_equal(one, two.sort_index())


@profile(max_examples=40)
@given(histories(), st.integers(0, 120))
def test_time_to_reoffence_is_the_same_offence_where_the_window_is_complete(history, ahead):
    index, crimes, _ = frames(*history)
    windows = {"follow_up": 30, "waiting": 20, "complete_to": START + ahead * DAY}
    rate = time = proven_reoffending(index, crimes, **windows)
    whole = rate["complete"].to_numpy() & (
        index["died_on"].isna() | ((index["died_on"] - index["index_on"]).dt.days > 30)
    )
    assert (time["event"][whole] == rate["reoffended"][whole]).all()
    again = whole & (rate["reoffended"] == 1).fillna(False)
    assert (time["duration"][again] == rate["days_to_first"][again]).all()
    assert (time["duration"][whole & ~again] == 30).all()
    late = (START + ahead * DAY - index["index_on"].dt.date).map(lambda gap: gap.days) - 20 < 1
    assert (time["duration"].isna() == late).all()


def one(offended="2020-03-01", proven="2020-05-01", **more):
    index = pd.DataFrame({"person_id": ["a"], "index_on": pd.to_datetime(["2020-01-01"])})
    offence = {"person_id": ["a"], "offended_on": pd.to_datetime([offended]), "proven_on": pd.to_datetime([proven])}
    return index, pd.DataFrame(offence | {name: [value] for name, value in more.items()})


@pytest.mark.parametrize(
    ("offended", "proven", "counts"),
    [
        ("2020-01-01", "2020-02-01", 0),
        ("2019-12-31", "2020-02-01", 0),
        ("2020-01-02", "2020-02-01", 1),
        ("2020-12-31", "2021-07-02", 1),
        ("2020-12-31", "2021-07-03", 0),
        ("2021-01-01", "2021-02-01", 0),
    ],
)
def test_the_edges_of_the_window(offended, proven, counts):
    result = proven_reoffending(*one(offended, proven), complete_to="2021-07-02")
    assert result["reoffended"].tolist() == [counts]


@pytest.mark.parametrize(("proven", "duration", "event"), [("2020-10-09", 60, 1), ("2020-10-10", 99, 0)])
def test_proof_after_the_records_stop_is_not_known(proven, duration, event):
    # 183 days before the records stop is day 99: only offences up to then have had their whole waiting.
    result = proven_reoffending(*one("2020-03-01", proven), complete_to="2020-10-09")
    assert result.loc[0, ["duration", "event"]].tolist() == [duration, event]


def test_an_incomplete_window_is_missing_even_with_a_reoffence_on_record():
    result = proven_reoffending(*one(), complete_to="2021-07-01")
    assert result.loc[0, ["reoffended", "reoffences", "days_to_first"]].isna().all()
    assert not result.loc[0, "complete"]


def test_without_the_optional_columns_every_proven_offence_counts_and_custody_is_unknown():
    result = proven_reoffending(*one(), complete_to="2022-01-01")
    assert result.loc[0, "reoffended"] == 1
    assert result.loc[0, ["severity_first", "custody_for_reoffence", "days_at_risk"]].isna().all()


def test_penalty_notices_and_breach_are_not_counted():
    assert proven_reoffending(*one(outcome="penalty_notice"), complete_to="2022-01-01")["reoffences"].tolist() == [0]
    assert proven_reoffending(*one(offence_group="breach"), complete_to="2022-01-01")["reoffences"].tolist() == [0]


def test_the_rules_name_their_version_and_evidence():
    rule = reoffending_rules()
    assert rule.version
    assert {entry.label for entry in rule.evidence} <= set("ABCRI")
    assert set(rule.counted_outcomes) < set(OUTCOMES) == set(CONTRACT_OUTCOMES)
    assert rule.left_out == "penalty notice, not proven, pending, breach"


def test_every_fault_at_once():
    index = pd.DataFrame(
        {
            "person_id": ["a", "a", "b"],
            "index_on": pd.to_datetime(["2020-01-01", "2020-01-01", "2020-06-01"]),
            "died_on": pd.to_datetime([None, None, "2020-01-01"]),
        }
    )
    offences = pd.DataFrame(
        {
            "person_id": ["a"],
            "offended_on": ["04/05/2020"],
            "proven_on": pd.to_datetime(["2020-01-01"]),
            "outcome": ["guilty"],
        }
    )
    with pytest.raises(InputError) as caught:
        proven_reoffending(index, offences, complete_to="2022-01-01")
    text = str(caught.value)
    for words in ("stands more than once", "after the death", "not dates", "none of the allowed values"):
        assert words in text
    assert "04/05/2020" not in text
    assert "guilty" not in text


def test_arguments_and_columns_are_judged_together():
    with pytest.raises(InputError) as caught:
        proven_reoffending(
            pd.DataFrame({"person_id": ["a"]}),
            pd.DataFrame({"person_id": ["a"]}),
            follow_up=0,
            waiting=-1,
            complete_to="06/30/2022",
        )
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize(
    ("offence", "words"),
    [
        ({"offended": "2020-03-01", "proven": "2020-02-01"}, "before the offence was committed"),
        ({"person_id": "stranger"}, "no index date"),
    ],
)
def test_records_that_cannot_be(offence, words):
    index, offences = one(offence.get("offended", "2020-03-01"), offence.get("proven", "2020-05-01"))
    if "person_id" in offence:
        offences["person_id"] = offence["person_id"]
    with pytest.raises(InputError, match=words) as caught:
        proven_reoffending(index, offences, complete_to="2022-01-01")
    assert "stranger" not in str(caught.value)


def test_a_spell_that_ends_before_it_starts_is_a_fault():
    custody = pd.DataFrame(
        {
            "person_id": ["a"],
            "entered_on": pd.to_datetime(["2020-02-01"]),
            "left_on": pd.to_datetime(["2020-01-31"]),
        }
    )
    with pytest.raises(InputError, match="before the spell started"):
        proven_reoffending(*one(), complete_to="2022-01-01", custody=custody)


def test_the_input_is_left_as_it_was():
    index, offences = one()
    before = index.copy(), offences.copy()
    proven_reoffending(index, offences, complete_to="2022-01-01")
    pd.testing.assert_frame_equal(index, before[0])
    pd.testing.assert_frame_equal(offences, before[1])


def test_a_hundred_thousand_people_take_no_loop():
    rng = np.random.default_rng(1)
    people, crimes = 100_000, 400_000
    index = pd.DataFrame({"person_id": np.arange(people), "index_on": pd.Timestamp("2020-01-01")})
    on = pd.Timestamp("2019-06-01") + pd.to_timedelta(rng.integers(0, 900, crimes), unit="D")
    offences = pd.DataFrame(
        {
            "person_id": rng.integers(0, people, crimes),
            "offended_on": on,
            "proven_on": on + pd.to_timedelta(rng.integers(0, 200, crimes), unit="D"),
        }
    )
    result = proven_reoffending(index, offences, complete_to="2022-01-01")
    after = (offences["offended_on"] - pd.Timestamp("2020-01-01")).dt.days
    late = (offences["proven_on"] - pd.Timestamp("2020-01-01")).dt.days
    counted = offences[(after >= 1) & (after <= 365) & (late <= 365 + 183)]
    assert result["reoffences"].sum() == len(counted)
    assert result["reoffended"].sum() == counted["person_id"].nunique()
