"""Time at risk against a slow and obvious history, one person and one night at a time."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from impact.cohort.at_risk import at_risk
from impact.errors import InputError
from impact.survival import kaplan_meier

START = dt.date(2020, 1, 1)
LENGTH = 30


def day(number):
    return START + dt.timedelta(days=number)


def frames(people, spells, events):
    index = pd.DataFrame(people, columns=["person_id", "index_on", "died_on"])
    custody = pd.DataFrame(spells, columns=["person_id", "entered_on", "left_on", "reason"])
    occurred = pd.DataFrame(events, columns=["person_id", "occurred_on"])
    for frame in (index, custody, occurred):
        for name in frame.columns[frame.columns.str.endswith("_on")]:
            frame[name] = pd.to_datetime(frame[name])
    return index, custody, occurred


def slow(people, spells, events, follow_up, end_on, inside, competing):
    """The night before day 1, 2, … is spent inside or at liberty; what the day brings comes after the night."""
    for who, start, died in people:
        mine = [(entered, left or dt.date.max, reason) for owner, entered, left, reason in spells if owner == who]
        dates = {1: {on for owner, on in events if owner == who}}
        for code, cause in enumerate(competing, start=2):
            dates[code] = {died} if cause == "death" else {entered for entered, _, why in mine if why == "recall"}
        nights = []
        event = 0
        for number in range(1, follow_up + 1):
            today, night = start + dt.timedelta(days=number), start + dt.timedelta(days=number - 1)
            if today > end_on or (died is not None and night >= died):
                break
            held = any(entered <= night < left for entered, left, _ in mine)
            nights.append("inside" if held else "free")
            causes = [code for code in sorted(dates) if today in dates[code]]
            if causes and not (held and inside == "ignore"):
                event = causes[0]
                if held:
                    stay = len(nights)
                    while stay and nights[stay - 1] == "inside":
                        stay -= 1
                    nights[stay:] = ["counted"] * (len(nights) - stay)
                break
        rows = []
        for number, night in enumerate(nights):
            if night == "inside":
                continue
            if number and nights[number - 1] == night:
                rows[-1][2] += 1
            else:
                rows.append([who, number, number + 1, 0])
        if event:
            rows[-1][3] = event
        yield from rows


def run(people, spells, events, **arguments):
    index, custody, occurred = frames(people, spells, events)
    return at_risk(index, custody, events=occurred, **arguments)


def rows(result):
    return result.data[["person_id", "start", "stop", "event"]].values.tolist()


numbers = st.integers(-8, LENGTH + 5)


@st.composite
def histories(draw):
    people, spells, events = [], [], []
    for number in range(draw(st.integers(1, 4))):
        who = f"p{number}"
        start = draw(st.integers(-3, 3))
        died = draw(st.none() | st.integers(start, LENGTH + 5))
        people.append((who, day(start), None if died is None else day(died)))
        for _ in range(draw(st.integers(0, 5))):
            entered = draw(numbers)
            length = draw(st.none() | st.integers(0, 9))
            reason = draw(st.sampled_from(["remand", "recall", "sentence"]))
            spells.append((who, day(entered), None if length is None else day(entered + length), reason))
        last = LENGTH + 5 if died is None else died
        events += [(who, day(on)) for on in draw(st.lists(st.integers(-8, last), max_size=3))]
    return people, spells, events


causes = st.sampled_from([(), ("death",), ("recall",), ("death", "recall"), ("recall", "death")])


@given(histories(), st.integers(1, LENGTH), st.integers(3, LENGTH), st.sampled_from(["count", "ignore"]), causes)
@profile(max_examples=400)
def test_it_is_what_counting_night_by_night_gives(history, follow_up, end, inside, competing):
    result = run(*history, follow_up=follow_up, end_on=day(end), inside=inside, competing=competing)
    assert rows(result) == list(slow(*history, follow_up, day(end), inside, competing))
    assert result.people == len(history[0])
    assert result.at_risk == result.data["person_id"].nunique()


@given(histories(), st.integers(1, LENGTH), st.lists(st.none() | numbers, min_size=4, max_size=4))
@profile(max_examples=150)
def test_rows_split_at_treatment_hold_the_same_days_and_events(history, follow_up, begun):
    index, custody, events = frames(*history)
    index["treated_on"] = pd.to_datetime([None if on is None else day(on) for on in begun[: len(index)]])
    arguments = {"follow_up": follow_up, "events": events, "inside": "count"}
    whole = at_risk(index, custody, **arguments).data
    split = at_risk(index, custody, treated_on="treated_on", **arguments).data

    def days(data):
        return {(row.person_id, at) for row in data.itertuples() for at in range(row.start + 1, row.stop + 1)}

    def ends(data):
        return {(row.person_id, row.stop, row.event) for row in data.itertuples() if row.event}

    assert days(split) == days(whole)
    assert ends(split) == ends(whole)
    cut = ((index["treated_on"] - index["index_on"]).dt.days).set_axis(index["person_id"]).to_dict()
    for row in split.itertuples():
        assert row.treated == (row.start >= cut[row.person_id])
        assert row.treated or np.isnan(cut[row.person_id]) or row.stop <= cut[row.person_id]


def test_follow_up_in_months():
    index, custody, _ = frames([("a", dt.date(2020, 1, 31), None)], [], [])
    assert at_risk(index, custody, follow_up="1 month").data["stop"].tolist() == [29]


@given(histories(), st.integers(1, LENGTH), causes)
@profile(max_examples=150)
def test_with_nothing_said_it_is_refused_exactly_where_the_answers_differ(history, follow_up, competing):
    arguments = {"follow_up": follow_up, "competing": competing}
    both = [rows(run(*history, inside=inside, **arguments)) for inside in ("count", "ignore")]
    if both[0] == both[1]:
        assert rows(run(*history, **arguments)) == both[0]
    else:
        with pytest.raises(InputError, match="inside"):
            run(*history, **arguments)


@given(histories(), st.integers(1, LENGTH))
def test_time_at_risk_and_time_inside_make_up_the_follow_up(history, follow_up):
    people, spells, _ = history
    people = [(who, start, None) for who, start, _ in people]
    data = run(people, spells, [], follow_up=follow_up).data
    outside = (data["stop"] - data["start"]).groupby(data["person_id"]).sum()
    for who, start, _ in people:
        nights = [start + dt.timedelta(days=number) for number in range(follow_up)]
        mine = [(entered, left or dt.date.max) for owner, entered, left, _ in spells if owner == who]
        inside = sum(any(entered <= night < left for entered, left in mine) for night in nights)
        assert outside.get(who, 0) + inside == follow_up


@given(histories(), st.sampled_from(["count", "ignore"]), st.data())
def test_splitting_and_repeating_spells_and_shuffling_rows_change_nothing(history, inside, data):
    people, spells, events = history
    cut = []
    for who, entered, left, reason in spells:
        middle = entered + dt.timedelta(days=data.draw(st.integers(0, 4)))
        if left is not None and middle <= left:
            cut += [(who, entered, middle, "other"), (who, middle, left, "other")]
        cut.append((who, entered, left, reason))
    arguments = {"follow_up": LENGTH, "inside": inside, "competing": ("death",)}
    whole = run(people, spells, events, **arguments)
    shuffled = [data.draw(st.permutations(table)) for table in (people, cut, events * 2)]
    again = run(*shuffled, **arguments)
    assert sorted(rows(again)) == sorted(rows(whole))


PERSON = [("a", day(0), None)]


def test_each_kind_of_spell():
    spells = {
        "overlapping": [("a", day(5), day(9), "remand"), ("a", day(7), day(12), "sentence")],
        "touching": [("a", day(5), day(9), "remand"), ("a", day(9), day(12), "sentence")],
        "one": [("a", day(5), day(12), "remand")],
    }
    for found in spells.values():
        assert rows(run(PERSON, found, [], follow_up=20)) == [["a", 0, 5, 0], ["a", 12, 20, 0]]
    assert rows(run(PERSON, [("a", day(5), None, "remand")], [], follow_up=20)) == [["a", 0, 5, 0]]
    assert rows(run(PERSON, [("a", day(5), day(5), "remand")], [], follow_up=20)) == [["a", 0, 20, 0]]
    assert rows(run(PERSON, [("a", day(-9), day(6), "remand")], [], follow_up=20)) == [["a", 6, 20, 0]]


def test_what_happens_on_the_edges_of_a_stay():
    spells = [("a", day(5), day(9), "remand")]

    def result(on, inside):
        return rows(run(PERSON, spells, [("a", day(on))], follow_up=20, inside=inside))

    for inside in ("count", "ignore"):
        assert result(5, inside) == [["a", 0, 5, 1]]
        assert result(10, inside) == [["a", 0, 5, 0], ["a", 9, 10, 1]]
        assert result(0, inside) == result(21, inside) == [["a", 0, 5, 0], ["a", 9, 20, 0]]
    assert result(7, "count") == [["a", 0, 5, 0], ["a", 5, 7, 1]]
    assert result(9, "count") == [["a", 0, 5, 0], ["a", 5, 9, 1]]
    assert result(7, "ignore") == result(9, "ignore") == [["a", 0, 5, 0], ["a", 9, 20, 0]]


def test_death_and_recall_are_causes_of_their_own_when_asked():
    people = [("a", day(0), day(8)), ("b", day(0), None), ("c", day(0), day(8))]
    spells = [("b", day(4), day(6), "recall"), ("c", day(3), day(5), "remand")]
    plain = run(people, spells, [], follow_up=10)
    assert rows(plain) == [["a", 0, 8, 0], ["b", 0, 4, 0], ["b", 6, 10, 0], ["c", 0, 3, 0], ["c", 5, 8, 0]]
    assert plain.notes == ("Deaths that end the follow-up with no event: 2.",)
    asked = run(people, spells, [("c", day(8))], follow_up=10, competing=("death", "recall"))
    assert rows(asked) == [["a", 0, 8, 2], ["b", 0, 4, 3], ["c", 0, 3, 0], ["c", 5, 8, 1]]
    assert asked.causes == ("event", "death", "recall")
    assert asked.notes == ()


def test_everything_left_out_is_counted():
    people = [("a", day(0), None), ("b", day(0), None), ("c", day(0), None)]
    spells = [("a", day(-5), None, "sentence"), ("b", day(3), day(9), "remand")]
    events = [("b", day(5)), ("b", day(-1)), ("b", day(0)), ("c", day(40))]
    ignored = run(people, spells, events, follow_up=20, inside="ignore")
    assert (ignored.people, ignored.at_risk, ignored.inside) == (3, 2, 0)
    text = repr(ignored)
    assert text.startswith("Time at risk: 2 of 3 people, 3 stretches, 34 days; ended by: event 0")
    for said in (
        "nothing to follow): 1.",
        "inside custody left out: 1.",
        "before it left out: 2.",
        "follow-up left out: 1.",
    ):
        assert said in text
    assert run(people, spells, events, follow_up=20, inside="count").inside == 1


def test_every_fault_at_once_with_its_rows_and_no_value():
    index, custody, events = frames(
        [("secret1", day(0), day(9)), ("secret2", day(30), None)],
        [
            ("secret1", day(5), day(4), "remand"),
            ("secret1", day(1), day(2), "remand"),
            ("secret3", day(1), None, "remand"),
            ("secret2", None, day(3), "remand"),
        ],
        [("secret1", day(10)), ("secret1", None)],
    )
    with pytest.raises(InputError) as caught:
        at_risk(index, custody, follow_up=10, end_on=day(20), events=events)
    text = str(caught.value)
    for said in (
        "column left_on: is before the spell started (1 row: 1)",
        "custody, column person_id: is a person with no index date (1 row: 3)",
        "custody, column entered_on: is missing (1 row: 4)",
        "events, column occurred_on: is after the death of the person (1 row: 1)",
        "events, column occurred_on: is missing (1 row: 2)",
        "index, column index_on: is after the end of follow-up (end_on) (1 row: 2)",
    ):
        assert said in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "nor is end_on"),
        ({"follow_up": -1}, "follow_up"),
        ({"follow_up": 10.5}, "follow_up"),
        ({"end_on": "01/04/2020"}, "end_on"),
        ({"follow_up": 5, "inside": "drop"}, "neither count nor ignore"),
        ({"follow_up": 5, "competing": "death"}, "competing"),
        ({"follow_up": 5, "competing": ("death", "death")}, "competing"),
        ({"follow_up": 5, "competing": ("escape",)}, "competing"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        run(PERSON, [], [], **arguments)


def test_columns_that_are_needed_only_when_asked_for():
    index, custody, _ = frames(PERSON, [], [])
    index, custody = index.drop(columns="died_on"), custody.drop(columns="reason")
    assert rows(at_risk(index, custody, follow_up=5)) == [["a", 0, 5, 0]]
    with pytest.raises(InputError, match=r"(?s)died_on.*reason"):
        at_risk(index, custody, follow_up=5, competing=("death", "recall"))


def test_dates_as_text_and_repeated_people_are_refused():
    index, custody, events = frames([*PERSON, *PERSON], [], [("a", day(3))])
    events["occurred_on"] = "04/05/2020"
    with pytest.raises(InputError, match=r"(?s)stands more than once.*two orders"):
        at_risk(index, custody, follow_up=5, events=events)


def test_a_clock_time_is_only_a_date():
    index, custody, _ = frames(PERSON, [], [])
    custody = pd.DataFrame(
        {
            "person_id": ["a"],
            "entered_on": pd.to_datetime(["2020-01-04 11:30"]),
            "left_on": pd.to_datetime(["2020-01-04 02:15"]),
        }
    )
    assert rows(at_risk(index, custody, follow_up=5)) == [["a", 0, 5, 0]]


def test_nobody_at_all():
    index, custody, events = frames([], [], [])
    index["index_on"] = pd.to_datetime(index["index_on"])
    assert at_risk(index, custody, events=events, follow_up=5).data.empty


def test_late_entry_takes_the_time_inside_out_of_the_risk_sets():
    people = [(f"p{number}", day(0), None) for number in range(4)]
    spells = [("p0", day(-1), day(5), "sentence"), ("p1", day(2), day(6), "remand")]
    result = run(people, spells, [("p2", day(3)), ("p3", day(8))], follow_up=10)
    curve = kaplan_meier(result.data, "stop", "event", entry="start", cluster="person_id").tidy().set_index("time")
    assert curve.loc[3, "n_risk"] == 2
    assert curve.loc[8, "n_risk"] == 3
    assert curve.loc[8, "estimate"] == pytest.approx(1 / 2 * 2 / 3)


def test_a_crowd_gives_what_its_people_give_alone():
    rng = np.random.default_rng(5)
    people = [(f"p{number:03d}", day(int(rng.integers(0, 9))), None) for number in range(300)]
    spells = [
        (f"p{rng.integers(0, 300):03d}", day(int(entered)), day(int(entered + rng.integers(0, 20))), "remand")
        for entered in rng.integers(-10, 60, size=2000)
    ]
    events = [(f"p{rng.integers(0, 300):03d}", day(int(on))) for on in rng.integers(-5, 80, size=500)]
    result = run(people, spells, events, follow_up=60, inside="count")
    assert rows(result) == list(slow(people, spells, events, 60, dt.date.max, "count", ()))
