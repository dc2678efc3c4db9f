"""Contacts in windows: against a count by hand, cut short by the end of the records, and never one group alone."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import impact as im
from impact.cohort.contacts import contact_windows
from impact.errors import InputError

START = dt.date(2022, 1, 1)
DAY = dt.timedelta(days=1)
SPANS = ((-20, -1), (0, 9), (10, 30), ("began", "ended"))
TITLES = ("days −20 to −1", "days 0 to 9", "days 10 to 30", "began to ended")
PARTS = ("suspect", "arrested", "victim", None)


def frames(people, contacts):
    index = pd.DataFrame(people, columns=["person_id", "arm", "index_on", "died_on", "began", "ended"])
    for name in ("index_on", "died_on", "began", "ended"):
        index[name] = pd.to_datetime(index[name])
    rows = pd.DataFrame(contacts, columns=["person_id", "occurred_on", "role"])
    rows["occurred_on"] = pd.to_datetime(rows["occurred_on"])
    return index, rows


def slow(people, contacts, roles, complete_to):
    """One day at a time: is it in the window, was the person observed, how many contacts were on it."""
    for who, arm, on, died, began, ended in people:
        for span, title in zip(SPANS, TITLES, strict=True):
            if isinstance(span[0], int):
                first, last = on + span[0] * DAY, on + span[1] * DAY
            else:
                first, last = began, ended
            days = count = 0
            until = complete_to if died is None else min(died, complete_to)
            if first is not None:
                day = first
                while day <= until and (last is None or day <= last):
                    days += 1
                    count += sum(1 for other, at, role in contacts if other == who and at == day and role in roles)
                    day += DAY
            whole = days > 0 and last is not None and last <= until
            yield who, arm, title, count if days else None, days, whole


@st.composite
def histories(draw):
    people = []
    for number in range(draw(st.integers(2, 6))):
        on = START + draw(st.integers(0, 40)) * DAY
        died = draw(st.one_of(st.none(), st.integers(0, 40).map(lambda n, on=on: on + n * DAY)))
        began = draw(st.one_of(st.none(), st.integers(-5, 20).map(lambda n, on=on: on + n * DAY)))
        ended = draw(st.one_of(st.none(), st.integers(0, 25)))
        ended = began + ended * DAY if began is not None and ended is not None else None
        people.append((f"p{number}", "ab"[number % 2], on, died, began, ended))
    contacts = [
        (
            f"p{draw(st.integers(0, len(people)))}",
            START + draw(st.integers(-30, 90)) * DAY,
            draw(st.sampled_from(PARTS)),
        )
        for _ in range(draw(st.integers(0, 25)))
    ]
    return people, contacts


@settings(max_examples=150)
@given(histories(), st.integers(10, 110), st.sampled_from([("suspect", "arrested"), ("victim",)]), st.randoms())
def test_agrees_with_a_count_day_by_day(history, ahead, roles, shuffle):
    people, contacts = history
    complete_to = START + ahead * DAY
    known = {person[0] for person in people}
    assume(not contacts or any(who in known for who, _, _ in contacts))
    expected = list(slow(people, contacts, roles, complete_to))
    index, rows = frames(people, contacts)
    rows = rows.sample(frac=1, random_state=shuffle.randint(0, 9))
    arms_seen = [{arm for _, arm, at, _, days, _ in expected if at == title and days} for title in TITLES]
    if any(len(arms) < 2 for arms in arms_seen):
        with pytest.raises(InputError, match="one group alone"):
            contact_windows(index, rows, windows=SPANS, roles=roles, group="arm", complete_to=complete_to)
        return
    found = contact_windows(index, rows, windows=SPANS, roles=roles, group="arm", complete_to=complete_to)
    got = {
        (row.person_id, row.group, row.window): (
            None if pd.isna(row.contacts) else row.contacts,
            row.days,
            row.complete,
        )
        for row in found.people.itertuples()
    }
    assert got == {(who, arm, title): (count, days, whole) for who, arm, title, count, days, whole in expected}
    tidy = found.tidy().set_index(["window", "group"])
    for title in TITLES:
        for arm in "ab":
            mine = [row for row in expected if row[1] == arm and row[2] == title and row[4]]
            row = tidy.loc[(title, arm)]
            years = sum(days for *_, days, _ in mine) / 365.25
            whole = [count for _, _, _, count, _, complete in mine if complete]
            assert (row["people"], row["contacts"]) == (len(mine), sum(count for _, _, _, count, _, _ in mine))
            assert row["rate"] == pytest.approx(row["contacts"] / years)
            assert row["people_complete"] == len(whole)
            assert row["share_any"] == pytest.approx(
                np.mean([count > 0 for count in whole]) if whole else np.nan, nan_ok=True
            )


@settings(max_examples=30)
@given(histories(), st.randoms())
def test_the_order_of_rows_has_no_say(history, shuffle):
    index, rows = frames(*history)
    rows = rows[rows["person_id"].isin(index["person_id"])]
    seed = shuffle.randint(0, 9)
    mixed = (index.sample(frac=1, random_state=seed), rows.sample(frac=1, random_state=seed))
    asked = {"windows": SPANS[:3], "group": "arm", "complete_to": START + 200 * DAY}
    index["died_on"] = mixed[0]["died_on"] = pd.NaT
    one, other = contact_windows(index, rows, **asked), contact_windows(*mixed, **asked)
    pd.testing.assert_frame_equal(one.tidy(), other.tidy())
    assert repr(one) == repr(other)


def two(**more: object) -> pd.DataFrame:
    index = {"person_id": ["a", "b"], "treated": [1, 0], "index_on": pd.to_datetime(["2022-01-01"] * 2)}
    return pd.DataFrame(index | more)


def contact(*rows: tuple[str, str], role: str = "arrested") -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["person_id", "occurred_on"]).assign(role=role)
    return frame.assign(occurred_on=pd.to_datetime(frame["occurred_on"]))


ASKED = {"group": "treated", "complete_to": "2023-12-31"}


def test_the_first_and_last_day_of_a_window_are_in_it_and_no_other():
    edge = contact(("a", "2020-12-31"), ("a", "2021-01-01"), ("a", "2021-12-31"), ("a", "2022-01-01"))
    tidy = contact_windows(two(), edge, **ASKED).tidy()
    assert tidy.loc[tidy["group"] == 1, "contacts"].tolist() == [2, 1, 0]
    assert (tidy["person_years"] * 365.25).round(6).tolist() == [365, 365, 183, 183, 183, 183]


def test_a_window_cut_short_counts_for_the_days_seen():
    seen = contact(("a", "2022-01-05"), ("a", "2022-01-20"))
    found = contact_windows(two(), seen, windows=[(0, 182)], group="treated", complete_to="2022-01-10")
    row = found.tidy().set_index("group").loc[1]
    assert (row["contacts"], row["people"], row["people_complete"]) == (1, 1, 0)
    assert row["rate"] == pytest.approx(365.25 / 10)
    assert np.isnan(row["share_any"])
    assert any("2 of 2 people are observed for a part" in note for note in found.notes)
    assert any("complete: 1. They are not counted" in note for note in found.notes)


@pytest.mark.parametrize("index", [two(treated=[1, 1]), two(treated=[0, 0])])
def test_one_group_alone_is_refused_with_the_reason(index):
    with pytest.raises(InputError, match=r"one group alone[\s\S]*regression to the mean"):
        contact_windows(index, contact(), **ASKED)


def test_a_bare_before_and_after_is_refused_with_the_reason():
    with pytest.raises(InputError, match=r"one group alone[\s\S]*regression to the mean"):
        contact_windows(two(), contact(), complete_to="2023-12-31")


def test_engagement_of_the_treated_alone_is_refused_and_with_dates_for_both_is_counted():
    dates = {"began": pd.to_datetime(["2022-02-01", None]), "ended": pd.to_datetime(["2022-02-10", None])}
    seen = contact(("a", "2022-02-10"), ("a", "2022-02-11"), ("b", "2022-02-01"))
    with pytest.raises(InputError, match=r"began to ended[\s\S]*any group but 1"):
        contact_windows(two(**dates), seen, windows=[(-365, -1), ("began", "ended")], **ASKED)
    dates["began"] = pd.to_datetime(["2022-02-01", "2022-02-01"])
    found = contact_windows(two(**dates), seen, windows=[("began", "ended")], **ASKED).people.set_index("person_id")
    assert found["contacts"].tolist() == [1, 1]
    assert found["days"].tolist() == [10, 699]
    assert found["complete"].tolist() == [True, False]


def test_a_window_that_the_records_do_not_reach_is_refused():
    with pytest.raises(InputError, match=r"days 183 to 365[\s\S]*any group"):
        contact_windows(two(), contact(), group="treated", complete_to="2022-03-01")


def test_every_fault_at_once():
    with pytest.raises(InputError) as error:
        contact_windows(
            two(),
            contact().drop(columns="role"),
            windows=[(5, 1), (1,), (0, 1), (0, 1)],
            roles=["thief"],
            group="arm",
            complete_to="soon",
        )
    text = str(error.value)
    for words in (
        "ends before",
        "neither two",
        "same window twice",
        "thief",
        "column role",
        "column arm",
        "not a date",
    ):
        assert words in text
    index = two(person_id=["a", "a"], treated=[1, None], began=pd.to_datetime(["2022-02-01"] * 2))
    index["ended"] = pd.to_datetime(["2022-01-01"] * 2)
    with pytest.raises(InputError) as error:
        contact_windows(index, contact(("a", "2022-01-01")), windows=[("began", "ended")], **ASKED)
    for words in ("more than once", "treated: is missing", "is before began"):
        assert words in str(error.value)
    with pytest.raises(InputError, match="nobody of the index"):
        contact_windows(two(), contact(("z", "2022-01-01")), **ASKED)
    with pytest.raises(InputError, match="in two orders"):
        contact_windows(two(), contact().assign(occurred_on=["x"] * 0), **ASKED, windows=[("person_id", "index_on")])


def test_a_cohort_and_its_contacts(root):
    linked = im.read_linked(root / "data_synthetic")
    cohort = im.cohort(linked, "pops", complete_to=linked.complete_to)
    found = contact_windows(
        cohort.data, linked.table("police_contact"), group="treated", complete_to=linked.complete_to
    )
    before = found.people[found.people["window"] == "days −365 to −1"]
    assert before["contacts"].tolist() == cohort.data["contacts_before"].tolist()
    assert len(found.tidy()) == 6
    text = repr(found)
    assert not any(person in text for person in cohort.data["person_id"])
