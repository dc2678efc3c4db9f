"""The cohort: index dates, covariates and flow, by hand, against a slow count, and by properties."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from impact.cohort import cohort, programme
from impact.errors import InputError, TimeZeroError

TO = "2025-06-30"
COLUMNS = [
    "person_id",
    "treated",
    "index_on",
    "age",
    "sex",
    "ethnicity",
    "district",
    "imd_decile",
    "disposal",
    "offence_group",
    "days_since_sentence",
    "days_served",
    "previous_offences",
    "previous_custody",
    "contacts_before",
    "needs_before",
    "started",
    "completed",
    "reoffended",
    "reoffences",
    "days_to_first",
    "severity_first",
    "severity_worst",
    "custody_for_reoffence",
    "days_at_risk",
    "complete",
    "duration",
    "event",
    "recalled",
]


def fill(store):
    """Ten men leave prison; three are referred to MOMS before release; one more declines."""
    store.add("area", lsoa="E1", ward="W", district="Sefton", imd_decile=3, population=1500)
    for number in range(10):
        who = f"p{number}"
        store.person(who, lsoa="E1" if number else None)
        store.stay(who, "2021-01-10", f"2021-06-{10 + number}")
    for number in (1, 5, 8):
        store.referral(f"p{number}", "2021-05-01", decided="2021-05-06")
    store.referral("p3", "2021-05-01", "declined_by_person", "2021-05-03")
    store.joined("p1", "2021-06-12")
    store.joined("p5", "2021-06-16", "left_early")
    return store


def moms(store, **more):
    return cohort(store, "moms", complete_to=TO, **more)


def row(found, person_id):
    return found.data.set_index("person_id").loc[person_id]


def test_columns_and_order(store):
    found = moms(fill(store))
    assert list(found.data.columns) == COLUMNS
    assert found.data["person_id"].is_monotonic_increasing
    assert found.data["person_id"].is_unique


def test_release_rule_intention_to_treat_and_the_pool(store):
    found = moms(fill(store))
    treated = found.data[found.data["treated"] == 1]
    assert treated["person_id"].tolist() == ["p1", "p5", "p8"]
    assert treated["index_on"].dt.strftime("%Y-%m-%d").tolist() == ["2021-06-11", "2021-06-15", "2021-06-18"]
    assert treated["started"].tolist() == [1, 1, 0]
    assert treated["completed"].tolist() == [1, 0, 0]
    compared = found.data[found.data["treated"] == 0]
    assert compared["person_id"].tolist() == ["p2", "p4", "p6", "p7"]
    assert found.data["days_since_sentence"].eq(0).all()


def test_the_flow_in_words_and_numbers(store):
    flow = moms(fill(store)).flow
    assert list(flow.columns) == ["step", "treated", "comparison", "reason"]
    assert flow["treated"].tolist() == [4, 3, 3, 3, 3, 3]
    assert flow["comparison"].tolist() == [6, 6, 4, 4, 4, 4]
    assert flow.loc[1, "reason"] == "declined by the person"


def test_a_later_release_does_not_make_a_treated_index(store):
    fill(store)
    store.person("late")
    store.stay("late", "2020-01-01", "2020-06-01")
    store.referral("late", "2021-05-01", decided="2021-05-02")
    store.stay("late", "2021-07-01", "2021-09-01")
    found = moms(store)
    assert "late" not in set(found.data["person_id"])
    assert found.left.query("step == 'index event'")["treated"].sum() == 1


def test_a_referral_decided_after_release_was_not_yet_accepted_at_release(store):
    fill(store)
    store.person("slow")
    store.stay("slow", "2021-01-01", "2021-06-14")
    store.referral("slow", "2021-06-01", decided="2021-06-15")
    assert "slow" not in set(moms(store).data["person_id"])
    assert row(moms(store, time_zero="referral"), "slow")["index_on"] == pd.Timestamp("2021-06-15")
    assert row(moms(store, time_zero="referral"), "slow")["days_since_sentence"] == 1


def test_referral_rule_moves_the_index_of_a_person_inside_to_release(store):
    found = moms(fill(store), time_zero="referral")
    assert row(found, "p5")["index_on"] == pd.Timestamp("2021-06-15")
    assert row(found, "p5")["days_since_sentence"] == 0


def test_referral_rule_gives_comparison_people_the_delays_of_the_treated(store):
    for number in range(200):
        who = f"c{number:03}"
        store.person(who)
        store.sentence(who, "2021-03-01", disposal="community")
    for number, delay in enumerate((10, 40, 70, 100)):
        who = f"t{number}"
        store.person(who)
        store.sentence(who, "2021-03-01", disposal="community")
        on = dt.date(2021, 3, 1) + dt.timedelta(days=delay)
        store.referral(who, on.isoformat(), decided=on.isoformat())
    data = moms(store, time_zero="referral").data
    delays = data[data["treated"] == 0]["days_since_sentence"]
    assert delays.value_counts().to_dict() == {10: 50, 40: 50, 70: 50, 100: 50}


def test_comparison_people_come_from_the_disposals_of_the_treated(store):
    fill(store).person("order")
    store.sentence("order", "2021-06-13", disposal="community")
    assert "order" not in set(moms(store, time_zero="referral").data["person_id"])
    store.person("both")
    store.sentence("both", "2021-06-13", disposal="community")
    store.referral("both", "2021-06-13", decided="2021-06-13")
    assert "order" in set(moms(store, time_zero="referral").data["person_id"])


def test_sentence_rule(store):
    for who, started in (("a", "2021-03-10"), ("b", "2021-08-01"), ("c", "2021-03-10")):
        store.person(who)
        store.sentence(who, started, disposal="community")
    for who in ("a", "b"):
        store.referral(who, "2021-03-01", decided="2021-03-05")
    found = moms(store, time_zero="sentence")
    assert found.data["person_id"].tolist() == ["a", "c"]


def test_people_inside_dead_or_not_served_have_no_place(store):
    fill(store)
    for who, more in (
        ("dead", {"died_on": "2021-06-14"}),
        ("woman", {"sex": "female"}),
        ("old", {"born": "1991-06-14"}),
        ("young", {"born": "1991-06-15"}),
        ("ageless", {"born": None}),
    ):
        store.person(who, **more)
        store.stay(who, "2021-01-10", "2021-06-14")
    store.person("inside")
    store.stay("inside", "2021-01-10", "2021-06-14")
    store.custody("inside", "2021-06-14", "2021-07-01", "remand")
    found = moms(store)
    assert set(found.data["person_id"]) & {"dead", "woman", "old", "ageless", "inside"} == set()
    assert "young" in set(found.data["person_id"])
    left = found.left.set_index("reason")["comparison"]
    assert left["sex not served"] == 1
    assert left["outside the ages served"] == 1
    assert left["age not known"] == 1
    assert left["died before or on the index date"] == 1
    assert left["in custody on the index date"] == 1


def test_another_programme_takes_people_out_of_the_pool(store):
    fill(store)
    store.joined("p2", "2023-01-01", programme="shelter")
    store.referral("p4", "2023-01-01", programme="dwp")
    store.referral("p6", "2023-01-01", "not_suitable", programme="dwp")
    found = moms(store)
    assert found.data.query("treated == 0")["person_id"].tolist() == ["p6", "p7"]
    assert found.flow["comparison"].tolist() == [6, 4, 2, 2, 2, 2]


def test_covariates_by_hand(store):
    fill(store)
    for on, proven, more in (
        ("2020-11-01", "2021-01-10", {}),
        ("2020-11-01", "2021-06-14", {}),
        ("2020-11-01", "2021-06-15", {}),
        ("2020-11-01", "2020-12-01", {"outcome": "penalty_notice"}),
        ("2020-11-01", None, {}),
    ):
        store.offence("p5", on, proven, **more)
    store.custody("p5", "2019-01-01", "2019-02-01", "remand")
    store.custody("p5", "2019-02-01", "2019-03-01")
    store.custody("p5", "2022-02-01", "2022-03-01")
    for on, role in (
        ("2020-06-14", "suspect"),
        ("2020-06-15", "suspect"),
        ("2021-06-14", "arrested"),
        ("2021-06-15", "arrested"),
        ("2021-01-01", "victim"),
    ):
        store.add("police_contact", person_id="p5", occurred_on=on, role=role)
    for wave, on, score in ((1, "2021-05-01", 22), (2, "2021-06-15", 18), (3, "2021-06-16", 5)):
        store.add(
            "assessment",
            person_id="p5",
            instrument="probation_needs",
            scale="total",
            wave=wave,
            assessed_on=on,
            score=score,
        )
    found = row(moms(store), "p5")
    assert found["previous_offences"] == 2
    assert found["days_served"] == (dt.date(2021, 6, 15) - dt.date(2021, 1, 10)).days
    assert found["previous_custody"] == 2
    assert found["contacts_before"] == 2
    assert found["needs_before"] == 18
    assert found["age"] == pytest.approx((dt.date(2021, 6, 15) - dt.date(1995, 3, 10)).days / 365.25)
    assert (found["district"], found["imd_decile"]) == ("Sefton", 3)
    assert (found["disposal"], found["offence_group"]) == ("custody", "theft")


def test_nothing_after_the_index_moves_a_covariate(store, new_store):
    before = moms(fill(store)).data
    later = fill(new_store())
    for number in range(10):
        who = f"p{number}"
        store_rows = {"on": "2021-06-25", "proven": "2021-08-01"}
        later.offence(who, **store_rows)
        later.custody(who, "2022-01-01", "2022-02-01")
        later.add("police_contact", person_id=who, occurred_on="2021-06-20", role="suspect")
        later.add(
            "assessment",
            person_id=who,
            instrument="probation_needs",
            scale="total",
            wave=1,
            assessed_on="2021-06-20",
            score=1,
        )
    after = moms(later).data
    known = COLUMNS[: COLUMNS.index("reoffended")]
    pd.testing.assert_frame_equal(before[known], after[known])
    assert after["reoffended"].eq(1).all()


def test_outcomes_and_recall(store):
    fill(store)
    store.offence("p5", "2021-07-15", "2021-09-01", severity="triable_either_way")
    store.custody("p5", "2021-09-10", "2021-10-10")
    store.custody("p8", "2021-07-01", "2021-07-15", "recall")
    found = moms(store)
    again, back, none = (row(found, who) for who in ("p5", "p8", "p1"))
    assert (again["reoffended"], again["duration"], again["event"]) == (1, 30, 1)
    assert (again["severity_first"], again["custody_for_reoffence"]) == ("triable_either_way", 1)
    assert again["days_at_risk"] == 335
    assert (back["recalled"], back["days_at_risk"], back["event"], back["duration"]) == (1, 351, 0, 365)
    assert (none["recalled"], none["reoffended"]) == (0, 0)


def test_death_censors_duration_and_is_said(store):
    fill(store).rows["person"][1]["died_on"] = "2021-07-11"
    found = moms(store)
    assert (row(found, "p1")["duration"], row(found, "p1")["event"]) == (30, 0)
    assert (row(found, "p1")["reoffended"], row(found, "p1")["days_at_risk"]) == (0, 29)
    assert any(note.startswith("Died during follow-up: 1 of 7") for note in found.notes)


def test_an_incomplete_window_is_missing_and_counted(store):
    found = cohort(fill(store), "moms", complete_to="2022-12-13")
    # 548 days before 2022-12-13 is 2021-06-13: later index dates have no complete window.
    late = found.data["index_on"] > pd.Timestamp("2021-06-13")
    assert found.data["reoffended"].isna().equals(late)
    assert found.data["complete"].eq(~late).all()
    assert found.data["duration"].notna().all()
    assert found.flow["treated"].iloc[-1] == 1
    assert any("not complete" in note for note in found.notes)


def test_time_zero_guard(store):
    for rule, words in (("completion", "2 of 3 people"), ("start", "1 of 3 people")):
        with pytest.raises(TimeZeroError) as caught:
            moms(fill(type(store)()), time_zero=rule)
        text = str(caught.value)
        assert words in text
        for way in ("release", "landmark", "start-stop"):
            assert way in text


def test_arguments_are_judged_together(store):
    with pytest.raises(InputError) as caught:
        cohort(fill(store), "moms", follow_up=0, waiting=-1, complete_to="30/06/2025")
    assert len(caught.value.faults) == 3
    with pytest.raises(InputError, match="time_zero"):
        moms(store, time_zero="birth")
    with pytest.raises(InputError, match="not yet recorded"):
        cohort(store, "moms", complete_to="2026-01-01")


def test_nobody_to_treat_leaves_an_empty_cohort_that_says_so(store):
    fill(store).rows["referral"].clear()
    store.rows["participation"].clear()
    found = moms(store)
    assert found.data.empty
    assert list(found.data.columns) == COLUMNS
    assert found.flow["treated"].eq(0).all()
    assert "no index date among the treated to go by" in set(found.left["reason"])


def test_people_without_a_referral_are_said(store):
    fill(store).joined("p7", "2021-06-20")
    found = moms(store)
    assert "p7" not in set(found.data["person_id"])
    assert any("no referral on record: 1" in note for note in found.notes)


def test_repr_holds_no_person(store):
    text = repr(moms(fill(store)))
    assert not any(person_id in text for person_id in moms(store).data["person_id"])
    assert "referred: 4 treated" in text


def test_programme_given_in_any_way(store):
    fill(store)
    one = moms(store)
    two = cohort(store, programme("moms"), complete_to=dt.date(2025, 6, 30))
    pd.testing.assert_frame_equal(one.data, two.data)


def test_a_reading_of_the_definition_is_a_column(store):
    definition = programme("moms")
    wanted = "assessment:mentoring_outcomes:total"
    comparison = replace(definition.comparison, covariates=(*definition.comparison.covariates, wanted))
    fill(store).add(
        "assessment",
        person_id="p5",
        programme="moms",
        instrument="mentoring_outcomes",
        scale="total",
        wave=1,
        assessed_on="2021-06-01",
        score=11,
    )
    found = cohort(store, replace(definition, comparison=comparison), complete_to=TO)
    assert row(found, "p5")[wanted] == 11
    assert found.data[wanted].notna().sum() == 1


def test_no_comparison_is_no_comparison_arm(store):
    store.person("young", "2004-01-01")
    store.sentence("young", "2021-01-10", disposal="community")
    store.referral("young", "2021-05-01", programme="navigator")
    found = cohort(store, "navigator", complete_to=TO)
    assert found.data["treated"].tolist() == [1]
    assert found.flow["comparison"].eq(0).all()
    assert any(note.startswith("No comparison group") for note in found.notes)


def test_a_programme_for_children_has_nothing_about_offending(store):
    for number in range(5):
        store.add("person", person_id=f"k{number}", birth_month="2012-05", sex="female", ethnicity="white")
        decision = "not_suitable" if number == 4 else "accepted"
        store.referral(f"k{number}", "2021-05-01", decision, "2021-05-10", programme="time_matters")
    for number, status in ((0, "completed"), (1, "completed"), (2, "active")):
        store.joined(f"k{number}", "2021-06-01", status, "time_matters")
    for wave in (1, 2):
        store.add(
            "assessment",
            person_id="k0",
            programme="time_matters",
            instrument="resilience",
            scale="total",
            wave=wave,
            assessed_on="2021-07-01",
            score=20,
        )
    found = cohort(store, "time_matters", complete_to=TO)
    assert found.flow["treated"].tolist() == [5, 4, 3, 2, 1]
    assert found.data["second_reading"].tolist() == [1, 0, 0, 0]
    assert found.data["index_on"].eq(pd.Timestamp("2021-05-10")).all()
    assert found.data["age"].round().eq(9).all()
    banned = ("offen", "event", "custody", "recall", "contacts", "disposal")
    assert not [name for name in found.data for word in banned if word in name]
    assert any("never given an offending outcome" in note for note in found.notes)
    with pytest.raises(InputError, match="has no say"):
        cohort(store, "time_matters", complete_to=TO, time_zero="release")


DAY0 = dt.date(2021, 1, 1)
span = st.integers(0, 900)


@st.composite
def worlds(draw):
    """Rows for a store: a few people, each with stays and orders that do not overlap, referrals, offences, contacts."""
    rows = []
    for number in range(draw(st.integers(1, 7))):
        who = f"p{number}"
        born = draw(st.sampled_from(["1995-05-05", "1991-02-01", None]))
        died = draw(st.sampled_from([None, None, "2022-05-01"]))
        rows.append(
            (
                "person",
                (who, born or "1996-01-01"),
                {"died_on": died, "sex": draw(st.sampled_from(["male", "male", "female"]))},
            )
        )
        at = 0
        near = [span]
        for _ in range(draw(st.integers(0, 3))):
            at += draw(st.integers(1, 300))
            entered = (DAY0 + dt.timedelta(days=at)).isoformat()
            if draw(st.booleans()):
                near.append(st.integers(at, at + 60))
                at += draw(st.integers(1, 200))
                rows.append(("stay", (who, entered, (DAY0 + dt.timedelta(days=at)).isoformat()), {}))
            else:
                rows.append(("sentence", (who, entered, None, "community"), {}))
        for on in sorted(set(draw(st.lists(st.one_of(*near[::-1]), max_size=2)))):
            decision = draw(st.sampled_from(["accepted", "accepted", "waiting", "not_suitable"]))
            date = DAY0 + dt.timedelta(days=on)
            decided = (
                (date + dt.timedelta(days=draw(st.integers(0, 20)))).isoformat() if decision != "waiting" else None
            )
            name = draw(st.sampled_from(["moms", "moms", "dwp"]))
            rows.append(("referral", (who, date.isoformat(), decision, decided, name), {}))
        for on in draw(st.lists(span, max_size=4)):
            date = DAY0 + dt.timedelta(days=on)
            proven = draw(st.one_of(st.none(), st.integers(0, 90)))
            rows.append(
                (
                    "offence",
                    (who, date.isoformat(), None if proven is None else (date + dt.timedelta(days=proven)).isoformat()),
                    {},
                )
            )
    return rows


def build(kind, rows):
    made = kind()
    for name, values, more in rows:
        getattr(made, name)(*values, **more)
    return made


def date(value):
    return dt.date.fromisoformat(value) if value else None


def whole_years(born, on):
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def slow_treated(made, rule):
    """The index date of each treated person, one person and one referral at a time."""
    found = {}
    for person in made.rows["person"]:
        who, born, died = person["person_id"], date(person["birth_date"]), date(person["died_on"])
        stays = sorted(
            (date(c["entered_on"]), date(c["left_on"])) for c in made.rows["custody"] if c["person_id"] == who
        )
        merged = []
        for entered, left in stays:
            if merged and entered <= merged[-1][1]:
                merged[-1][1] = max(left, merged[-1][1])
            else:
                merged.append([entered, left])
        sentences = [s for s in made.rows["sentence"] if s["person_id"] == who]
        starts = [date(s["released_on"] if s["disposal"] == "custody" else s["started_on"]) for s in sentences]
        for referral in made.rows["referral"]:
            if (referral["person_id"], referral["programme"], referral["decision"]) != (who, "moms", "accepted"):
                continue
            accepted = max(date(referral["referred_on"]), date(referral["decided_on"]))
            if rule == "release":
                days = [
                    date(s["released_on"])
                    for s in sentences
                    if s["disposal"] == "custody" and date(s["started_on"]) <= accepted <= date(s["released_on"])
                ]
            else:
                inside = [left for entered, left in merged if entered <= accepted < left]
                day = inside[0] if inside else accepted
                days = [day] if any(start <= day for start in starts) else []
            for day in days:
                good = (
                    person["sex"] == "male"
                    and 18 <= whole_years(born, day) <= 29
                    and (died is None or died > day)
                    and not any(entered <= day < left for entered, left in merged)
                )
                if good:
                    found[who] = min(found.get(who, day), day)
    return found


@profile(max_examples=50)
@given(worlds(), st.sampled_from(["release", "referral"]))
def test_treated_agree_with_a_slow_count_and_the_flow_sums(new_store, rows, rule):
    made = build(new_store, rows)
    found = moms(made, time_zero=rule)
    treated = found.data[found.data["treated"] == 1].set_index("person_id")["index_on"].dt.date
    assert treated.to_dict() == slow_treated(made, rule)
    referred = {r["person_id"] for r in made.rows["referral"] if r["programme"] == "moms"}
    sentenced = {s["person_id"] for s in made.rows["sentence"]}
    assert found.flow.loc[0, ["treated", "comparison"]].tolist() == [len(referred), len(sentenced - referred)]
    gone = found.left.groupby("step")[["treated", "comparison"]].sum()
    for before, after in zip(found.flow.itertuples(), found.flow.iloc[1:].itertuples(), strict=False):
        lost = gone.loc[after.step] if after.step in gone.index else {"treated": 0, "comparison": 0}
        assert before.treated - after.treated == lost["treated"]
        assert before.comparison - after.comparison == lost["comparison"]
    arms = found.data.groupby("treated").size()
    out = found.flow.set_index("step").loc["alive and at liberty"]
    assert (out["treated"], out["comparison"]) == (arms.get(1, 0), arms.get(0, 0))
    assert found.flow["treated"].iloc[-1] == (found.data["complete"] & (found.data["treated"] == 1)).sum()
    assert found.data["person_id"].is_unique


@profile(max_examples=25)
@given(worlds(), st.sampled_from(["release", "referral"]))
def test_comparison_people_could_have_been_treated(new_store, rows, rule):
    made = build(new_store, rows)
    found = moms(made, time_zero=rule)
    treated, compared = (found.data[found.data["treated"] == arm] for arm in (1, 0))
    accepted = {r["person_id"] for r in made.rows["referral"] if r["decision"] == "accepted"}
    referred = {r["person_id"] for r in made.rows["referral"] if r["programme"] == "moms"}
    assert not set(compared["person_id"]) & (accepted | referred)
    if len(compared):
        assert compared["index_on"].between(treated["index_on"].min(), treated["index_on"].max()).all()
        assert set(compared["days_since_sentence"]) <= set(treated["days_since_sentence"])


@profile(max_examples=25)
@given(worlds(), st.sampled_from(["release", "referral"]))
def test_covariates_agree_with_a_slow_count(new_store, rows, rule):
    made = build(new_store, rows)
    for person in moms(made, time_zero=rule).data.itertuples():
        index = person.index_on.date()
        proven = [
            o
            for o in made.rows["offence"]
            if o["person_id"] == person.person_id and o["proven_on"] and date(o["proven_on"]) < index
        ]
        assert person.previous_offences == len(proven)
        stays = sorted(
            (date(c["entered_on"]), date(c["left_on"]))
            for c in made.rows["custody"]
            if c["person_id"] == person.person_id and date(c["entered_on"]) < index
        )
        assert person.previous_custody == sum(
            not any(other[0] < stay[0] <= other[1] for other in stays) for stay in stays
        )


@profile(max_examples=15)
@given(worlds(), st.sampled_from(["release", "referral"]), st.integers(0, 99))
def test_cohort_does_not_depend_on_the_order_of_rows(new_store, rows, rule, seed):
    made = build(new_store, rows)
    one = moms(made, time_zero=rule)
    made.order = seed
    two = moms(made, time_zero=rule)
    pd.testing.assert_frame_equal(one.data, two.data)
    pd.testing.assert_frame_equal(one.flow, two.flow)
    assert repr(one) == repr(two)
