"""The cohort on random histories: against a slow count, and by what must always hold."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from impact.cohort import cohort, programme
from impact.errors import TimeZeroError
from tests.cohort.slow import Slow, as_dates, date, later

TO = "2025-06-30"
DAY0 = dt.date(2021, 1, 1)
WAITING = 60
rules = st.sampled_from(["release", "sentence", "screening", "referral", "start"])
landmarks = st.sampled_from([None, 30, "2 months"])
moms = programme("moms")
MOMS = replace(moms, time_zero=replace(moms.time_zero, instrument="probation_needs"))


def on(day):
    return (DAY0 + dt.timedelta(days=day)).isoformat()


def world(seed):
    """Rows for a store: people with stays and orders that do not overlap, and what happens around the ends of these."""
    luck = random.Random(seed)
    rows = []
    for number in range(luck.randint(5, 18)):
        who = f"p{number}"
        born = luck.choice(["1995-05-05"] * 5 + ["1991-10-01"])
        died = luck.choice([None] * 6 + ["2022-02-01"])
        rows.append(("person", (who, born), {"died_on": died, "sex": luck.choice(["male"] * 6 + ["female"])}))
        day, ends = luck.randint(0, 150), []
        for _ in range(luck.randint(1, 3)):
            if luck.random() < 0.5:
                released = day + luck.randint(20, 150)
                rows.append(("stay", (who, on(day), on(released)), {}))
                ends.append(released)
                day = released
            else:
                kind = luck.choice(["community", "suspended", "other"])
                rows.append(("sentence", (who, on(day), None, kind), {}))
                ends.append(day)
            day += luck.randint(1, 120)
        rows.extend(_around(luck, who, ends))
    return rows


def _around(luck, who, ends):
    """Referrals, episodes, readings, offences and further custody of a person, near the days given."""

    def near(low, high):
        return max(luck.choice(ends) + luck.randint(low, high), 0)

    def days(most, low, high):
        return sorted({near(low, high) for _ in range(luck.randint(0, most))})

    for day in days(luck.choice([0, 2, 2]), -60, 40):
        decision = luck.choice(["accepted"] * 4 + ["waiting", "not_suitable"])
        decided = None if decision == "waiting" else on(day + luck.randint(0, 20))
        yield "referral", (who, on(day), decision, decided, luck.choice(["moms"] * 4 + ["dwp"])), {}
    for day in days(luck.choice([0, 2]), -40, 80):
        status = luck.choice(["completed", "completed", "left_early", "active"])
        ended = None if status == "active" else on(day + luck.randint(0, 60))
        more = {"ended": ended, "sessions_planned": 12, "sessions_attended": luck.randint(0, 12)}
        yield "joined", (who, on(day), status, luck.choice(["moms"] * 3 + ["shelter"])), more
    for wave, day in enumerate(days(3, -30, 60), start=1):
        yield "reading", (who, on(day), wave), {}
    for day in [near(-100, 500) for _ in range(luck.randint(0, 4))]:
        proven = luck.choice([None, luck.randint(0, 90), luck.randint(0, 90)])
        group = luck.choice(["theft", "theft", "breach"])
        yield "offence", (who, on(day), None if proven is None else on(day + proven)), {"offence_group": group}
    if luck.random() < 0.3:
        entered = near(0, 30)
        yield "custody", (who, on(entered), on(entered + luck.randint(0, 20)), "remand"), {}


worlds = st.integers(0, 2**32).map(world)


def build(kind, rows):
    made = kind()
    for name, values, more in rows:
        getattr(made, name)(*values, **more)
    return made


def made_cohort(made, **more):
    return cohort(made, MOMS, complete_to=TO, waiting=WAITING, **more)


def same_sums(found):
    """Each step is the step before it less those who left, in both arms."""
    gone = found.left.groupby("step")[["treated", "comparison"]].sum()
    for before, after in zip(found.flow.itertuples(), found.flow.iloc[1:].itertuples(), strict=False):
        lost = gone.loc[after.step] if after.step in gone.index else {"treated": 0, "comparison": 0}
        assert before.treated - after.treated == lost["treated"]
        assert before.comparison - after.comparison == lost["comparison"]
        assert after.completed <= after.started <= after.treated
    assert set(found.left["step"]) <= set(found.flow["step"])
    register = found.referred.groupby("step").size()
    for step in found.flow["step"].iloc[1:]:
        assert register.get(step, 0) == (gone["treated"].get(step, 0))
    assert register.get("", 0) == found.flow["treated"].iloc[-1]


@profile(max_examples=100)
@given(worlds, rules, landmarks)
def test_index_dates_agree_with_a_slow_count_and_the_flow_sums(new_store, rows, rule, landmark):
    made = build(new_store, rows)
    slow = Slow(made, rule=rule, landmark=landmark)
    if slow.mostly_late():
        with pytest.raises(TimeZeroError, match="does not fit"):
            made_cohort(made, time_zero=rule, landmark=landmark)
        return
    found = made_cohort(made, time_zero=rule, landmark=landmark)
    treated, compared = (found.data[found.data["treated"] == arm] for arm in (1, 0))
    expected = slow.treated(WAITING)
    assert as_dates(treated) == {who: index for who, (index, *_) in expected.items()}
    referred = {who for who in slow.people if slow.referred(who)}
    sentenced = {row["person_id"] for row in made.rows["sentence"]}
    assert found.flow.loc[0, ["treated", "comparison"]].tolist() == [len(referred), len(sentenced - referred)]
    if rule in ("referral", "start"):
        assert set(compared["person_id"]) <= slow.pool()
        if len(compared):
            assert compared["index_on"].between(treated["index_on"].min(), treated["index_on"].max()).all()
            if not isinstance(landmark, str):
                assert set(compared["days_since_sentence"]) <= set(treated["days_since_sentence"])
        assert not any(slow.elsewhere_by(who, day) for who, day in as_dates(compared).items())
    else:
        assert as_dates(compared) == slow.compared(WAITING)
    same_sums(found)
    assert found.flow["treated"].iloc[-1] == (found.data["complete"] & (found.data["treated"] == 1)).sum()
    assert found.flow["comparison"].iloc[-1] == (found.data["complete"] & (found.data["treated"] == 0)).sum()
    assert found.data["person_id"].is_unique


@profile(max_examples=40)
@given(worlds, rules, st.sampled_from([30, "2 months"]))
def test_completers_and_dose_are_the_people_of_intention_to_treat(new_store, rows, rule, landmark):
    made = build(new_store, rows)
    slow = Slow(made, rule=rule, landmark=landmark)
    assume(not slow.mostly_late())
    everyone, completers, dosed = (
        made_cohort(made, time_zero=rule, landmark=landmark, treatment=treatment)
        for treatment in ("intention-to-treat", "completers", "dose")
    )
    treated = as_dates(everyone.data[everyone.data["treated"] == 1])
    done = as_dates(completers.data[completers.data["treated"] == 1])
    assert done == {who: day for who, day in treated.items() if slow.completed_by(who, day)}
    same_sums(completers)
    kept = ["person_id", "treated", "index_on", "reoffended"]
    pd.testing.assert_frame_equal(dosed.data[kept], everyone.data[kept])
    for person in dosed.data.itertuples():
        index = person.index_on.date()
        mine = slow.of("participation", person.person_id, programme="moms") if person.treated else []
        begun = [
            (date(row["started_on"]), date(row["ended_on"]), row["sessions_attended"])
            for row in mine
            if date(row["started_on"]) <= index
        ]
        on_it = {
            day
            for first, last, _ in begun
            for day in range(first.toordinal(), min(last or index, index).toordinal() + 1)
        }
        assert person.days_engaged == len(on_it)
        if all(last is not None and last <= index for _, last, _ in begun):
            assert person.sessions_attended == sum(sessions for *_, sessions in begun)
        else:
            assert pd.isna(person.sessions_attended)
    assert len({everyone.label, completers.label, dosed.label}) == 3


@profile(max_examples=40)
@given(worlds, rules)
def test_without_a_landmark_nobody_is_told_apart_by_what_came_after(new_store, rows, rule):
    made = build(new_store, rows)
    slow = Slow(made, rule=rule)
    assume(not slow.mostly_late())
    treated = {who: index for who, (index, *_) in slow.treated(WAITING).items()}

    def first_completion(who):
        done = slow.of("participation", who, programme="moms", status="completed")
        return min((date(row["ended_on"]) for row in done), default=None)

    later_on = sum(first_completion(who) is not None and first_completion(who) > day for who, day in treated.items())
    if later_on:
        with pytest.raises(TimeZeroError, match=rf"{later_on} of {len(treated)} people"):
            made_cohort(made, time_zero=rule, treatment="completers")
    else:
        found = made_cohort(made, time_zero=rule, treatment="completers").data
        done = set(found.loc[found["treated"] == 1, "person_id"])
        assert done == {who for who, day in treated.items() if slow.completed_by(who, day)}


@profile(max_examples=60)
@given(worlds, st.sampled_from(["release", "sentence", "screening", "referral"]))
def test_time_varying_rows_agree_with_a_slow_count(new_store, rows, rule):
    made = build(new_store, rows)
    slow = Slow(made, rule=rule)
    found = made_cohort(made, time_zero=rule, treatment="time-varying")
    whole = made_cohort(made, time_zero=rule, treatment="time-varying", follow_up=20)
    expected = slow.followed(WAITING)
    assert as_dates(found.data.drop_duplicates("person_id")) == expected
    same_sums(found)
    for who, part in found.data.groupby("person_id"):
        index = expected[who]
        again = [
            (date(row["offended_on"]) - index).days
            for row in slow.of("offence", who)
            if row["proven_on"]
            and row["offence_group"] != "breach"
            and index < date(row["offended_on"]) <= later(index, 365)
            and date(row["proven_on"]) <= later(index, 365 + WAITING)
        ]
        died = date(slow.people[who]["died_on"])
        alive = 365 if died is None else min(365, (died - index).days)
        end = min([*again, alive])
        begun = slow.starts(who)
        cut = (begun[0] - index).days if begun else end
        days = {day: treated for row in part.itertuples() for day, treated in _days(row)}
        assert days == {day: int(day > cut) for day in range(1, end + 1)}
        assert part["event"].sum() == part["event"].iloc[-1] == int(end in again)
        assert part["stop"].iloc[-1] == end
    assert (whole.data["stop"] <= 20).all()


def _days(row):
    """The days of a row, (start, stop], each with its treatment."""
    return [(day, row.treated) for day in range(row.start + 1, row.stop + 1)]


@profile(max_examples=25)
@given(worlds, rules)
def test_covariates_agree_with_a_slow_count(new_store, rows, rule):
    made = build(new_store, rows)
    slow = Slow(made, rule=rule)
    assume(not slow.mostly_late())
    for person in made_cohort(made, time_zero=rule).data.itertuples():
        index = person.index_on.date()
        proven = [row for row in slow.of("offence", person.person_id) if row["proven_on"]]
        assert person.previous_offences == sum(date(row["proven_on"]) < index for row in proven)
        assert person.previous_custody == sum(entered < index for entered, _ in slow.stays(person.person_id))


@profile(max_examples=25)
@given(worlds, rules, st.integers(0, 99))
def test_cohort_does_not_depend_on_the_order_of_rows(new_store, rows, rule, seed):
    made = build(new_store, rows)
    assume(not Slow(made, rule=rule).mostly_late())
    one = made_cohort(made, time_zero=rule)
    made.order = seed
    two = made_cohort(made, time_zero=rule)
    pd.testing.assert_frame_equal(one.data, two.data)
    pd.testing.assert_frame_equal(one.flow, two.flow)
    pd.testing.assert_frame_equal(one.referred, two.referred)
    assert repr(one) == repr(two)
