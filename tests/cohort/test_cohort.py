"""The cohort by hand: index dates, covariates, outcomes, flow."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

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
    "started_on",
    "ended_on",
    "reoffended",
    "reoffences",
    "days_to_first",
    "severity_first",
    "severity_worst",
    "reoffences_indictable_only",
    "reoffences_triable_either_way",
    "reoffences_summary",
    "custody_for_reoffence",
    "custody_spells",
    "days_at_risk",
    "complete",
    "duration",
    "event",
    "recalled",
    "died_on",
]
KNOWN = COLUMNS[: COLUMNS.index("started")]


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
    assert list(flow.columns) == ["step", "treated", "comparison", "started", "completed", "reason"]
    assert flow["step"].tolist() == [
        "referred",
        "accepted",
        "linked",
        "index event",
        "eligible",
        "alive and at liberty",
        "follow-up complete",
    ]
    assert flow["treated"].tolist() == [4, 3, 3, 3, 3, 3, 3]
    assert flow["started"].tolist() == [2, 2, 2, 2, 2, 2, 2]
    assert flow["completed"].tolist() == [1, 1, 1, 1, 1, 1, 1]
    assert flow["comparison"].tolist() == [6, 6, 6, 4, 4, 4, 4]
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


def test_comparison_people_are_not_followed_from_an_event_that_another_has_overtaken(store):
    for who, started in (("a", "2021-03-01"), ("b", "2021-03-01"), ("c", "2021-03-01")):
        store.person(who)
        store.sentence(who, started, disposal="community")
    store.referral("a", "2021-05-20", decided="2021-05-20")
    store.sentence("b", "2021-04-10", disposal="community")
    data = moms(store, time_zero="referral").data.set_index("person_id")
    assert data["days_since_sentence"].to_dict() == {"a": 80, "c": 80}


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


def test_a_sentence_counts_up_to_91_days_after_acceptance(store):
    for who, started in (("a", "2021-06-04"), ("b", "2021-06-05")):
        store.person(who)
        store.sentence(who, started, disposal="community")
        store.referral(who, "2021-03-01", decided="2021-03-05")
    assert moms(store, time_zero="sentence").data["person_id"].tolist() == ["a"]


def test_start_rule_follows_those_who_started_from_the_day_they_did(store):
    fill(store)
    store.rows["participation"][0]["started_on"] = "2021-06-20"
    found = moms(store, time_zero="start")
    treated = found.data[found.data["treated"] == 1].set_index("person_id")
    assert treated["index_on"].dt.strftime("%Y-%m-%d").to_dict() == {"p1": "2021-06-20", "p5": "2021-06-16"}
    compared = found.data[found.data["treated"] == 0]
    assert set(compared["days_since_sentence"]) <= {9, 1}
    assert found.left.query("step == 'index event'")["treated"].sum() == 1
    assert any("never started are left out" in note for note in found.notes)


def test_screening_rule_follows_people_from_a_reading(store):
    definition = programme("moms")
    screened = replace(definition.time_zero, rule="screening", instrument="probation_needs")
    definition = replace(definition, time_zero=screened)
    for who, day in (("p1", "2021-05-10"), ("p5", "2021-06-20"), ("p2", "2021-06-25"), ("p4", "2021-07-30")):
        fill(store) if not store.rows["person"] else None
        store.reading(who, day)
    found = cohort(store, definition, complete_to=TO)
    days = found.data.set_index("person_id")["index_on"].dt.strftime("%Y-%m-%d").to_dict()
    # p1 was in custody when screened; p4 after the last of the treated; p2 could have been screened as p5 was.
    assert days == {"p5": "2021-06-20"}
    assert found.left.set_index("reason").loc["in custody on the index date", "treated"] == 1
    store.reading("p8", "2021-07-01", wave=2)
    days = cohort(store, definition, complete_to=TO).data.set_index("person_id")["index_on"]
    assert days.dt.strftime("%Y-%m-%d").to_dict() == {"p2": "2021-06-25", "p5": "2021-06-20", "p8": "2021-07-01"}
    with pytest.raises(InputError, match="names no instrument"):
        moms(store, time_zero="screening")


def test_a_landmark_moves_the_index_and_leaves_out_who_reoffended_before_it(store):
    fill(store)
    store.offence("p2", "2021-07-01", "2021-08-01")
    store.offence("p5", "2021-07-01", "2022-02-13")
    found = moms(store, landmark=62)
    # The waiting of p5 ends 62 + 183 days after the release of 2021-06-15: on 2022-02-15.
    assert row(found, "p8")["index_on"] == pd.Timestamp("2021-08-19")
    assert row(found, "p8")["days_since_sentence"] == 62
    lost = found.left.set_index(["step", "reason"]).loc[
        ("no reoffence by the landmark", "reoffended before the landmark")
    ]
    assert lost.tolist() == [1, 1]
    store.rows["offence"][1]["proven_on"] = "2022-02-15"
    assert "p5" not in set(moms(store, landmark=62).data["person_id"])
    store.rows["offence"][1]["proven_on"] = "2022-02-16"
    assert "p5" in set(moms(store, landmark=62).data["person_id"])


def test_a_landmark_lets_in_those_accepted_by_it(store):
    fill(store)
    store.person("slow")
    store.stay("slow", "2021-01-01", "2021-06-14")
    store.referral("slow", "2021-06-01", decided="2021-06-30")
    assert "slow" not in set(moms(store).data["person_id"])
    found = moms(store, landmark="1 month")
    assert row(found, "slow")["index_on"] == pd.Timestamp("2021-07-14")
    assert row(found, "slow")["treated"] == 1


def test_a_rule_by_whose_event_most_were_not_yet_accepted_is_refused(store):
    fill(store)
    for number, decided in ((1, "2021-06-12"), (5, "2021-06-16")):
        store.rows["referral"][(1, 5, 8).index(number)]["decided_on"] = decided
    with pytest.raises(TimeZeroError, match="2 of 3 people accepted were accepted only after their release"):
        moms(store)
    store.rows["referral"][0]["decided_on"] = "2021-05-06"
    found = moms(store)
    assert found.left.set_index("reason").loc["accepted only after the release", "treated"] == 1


def test_completers_need_a_landmark_and_are_labelled(store):
    fill(store)
    store.rows["participation"][0]["ended_on"] = "2021-07-20"
    with pytest.raises(TimeZeroError, match="1 of 3 people with an index date completed after it"):
        moms(store, treatment="completers")
    found = moms(store, treatment="completers", landmark=60)
    assert found.data.query("treated == 1")["person_id"].tolist() == ["p1"]
    store.rows["participation"][0]["ended_on"] = "2021-08-10"
    assert moms(store, treatment="completers", landmark=60).data["treated"].sum() == 1
    store.rows["participation"][0]["ended_on"] = "2021-08-11"
    assert moms(store, treatment="completers", landmark=60).data["treated"].sum() == 0
    assert "only those who had completed" in repr(found)
    assert found.flow.set_index("step").loc["completed", "treated"] == 1
    with pytest.raises(TimeZeroError, match="needs a landmark"):
        moms(store, treatment="dose")


def test_the_dose_counts_the_index_date_itself(store):
    fill(store).rows["participation"].clear()
    more = {"sessions_planned": 4, "sessions_attended": 3}
    store.joined("p1", "2021-06-11", ended="2021-06-11", **more)
    store.joined("p5", "2021-06-10", ended="2021-06-15", **more)
    found = moms(store, treatment="dose")
    assert row(found, "p1")[["days_engaged", "sessions_attended", "sessions_planned"]].tolist() == [1, 3, 4]
    assert row(found, "p5")[["days_engaged", "sessions_attended"]].tolist() == [6, 3]
    assert row(found, "p8")[["days_engaged", "sessions_attended"]].tolist() == [0, 0]
    store.rows["participation"][1]["ended_on"] = "2021-06-16"
    with pytest.raises(TimeZeroError, match="1 of 3 people with an index date were still on the programme"):
        moms(store, treatment="dose")


def test_time_varying_treatment_begins_after_the_day_of_starting(store):
    fill(store)
    store.rows["participation"][0]["started_on"] = "2021-07-01"
    store.offence("p1", "2021-07-21", "2021-08-01")
    store.offence("p2", "2021-07-21", "2021-08-01")
    found = moms(store, treatment="time-varying")
    rows = found.data.query("person_id == 'p1'")[["start", "stop", "event", "treated"]]
    assert rows.to_numpy().tolist() == [[0, 20, 0, 0], [20, 40, 1, 1]]
    assert found.data.query("person_id == 'p2'")[["start", "stop", "event", "treated"]].to_numpy().tolist() == [
        [0, 39, 1, 0]
    ]
    # Declined people are followed too: nobody is left out for what they did later.
    assert "p3" in set(found.data["person_id"])
    for name in ("age", "previous_offences", "needs_before"):
        assert name in found.data


def test_arguments_that_have_no_say_are_refused(store):
    with pytest.raises(InputError, match="has no say where treatment changes"):
        moms(store, treatment="time-varying", landmark=30)
    with pytest.raises(InputError, match="nobody can be followed from the start"):
        moms(store, treatment="time-varying", time_zero="start")
    with pytest.raises(InputError, match="treatment must be one of"):
        moms(store, treatment="as treated")
    with pytest.raises(InputError) as caught:
        cohort(store, "time_matters", complete_to=TO, landmark=30, treatment="dose", rules="mine.toml")
    assert [fault.column for fault in caught.value.faults] == ["treatment", "landmark", "rules"]


def test_windows_in_months(store):
    fill(store)
    store.offence("p5", "2022-06-15", "2022-12-15")
    store.offence("p8", "2022-06-18", "2022-12-19")
    found = moms(store, follow_up="12 months", waiting="6 months")
    assert (row(found, "p5")["reoffended"], row(found, "p8")["reoffended"]) == (1, 0)
    assert "12 months of follow-up and 6 months of waiting" in repr(found)
    late = cohort(store, "moms", complete_to="2022-12-15", follow_up="1 year", waiting="6 months").data
    assert late.set_index("person_id")["complete"].to_dict() == {
        who: number <= 5 for who, number in zip(late["person_id"], (1, 2, 4, 5, 6, 7, 8), strict=True)
    }


def test_a_rule_set_of_ones_own(store, tmp_path):
    fill(store)
    store.offence("p5", "2021-07-01", "2021-08-01", outcome="penalty_notice")
    store.offence("p8", "2021-07-01", "2021-08-01", offence_group="breach")
    own = tmp_path / "wide.toml"
    own.write_text(
        """version = "wide-1"
title = "Anything proven or admitted"
counted_outcomes = ["conviction", "caution", "penalty_notice"]
not_counted_groups = []
custody_within_days = 28
[[evidence]]
rule = "Penalty notices count."
label = "own"
source = "A choice."
"""
    )
    plain, wide = moms(store), moms(store, rules=own)
    assert plain.data["reoffended"].sum() == 0
    assert wide.data.query("reoffended == 1")["person_id"].tolist() == ["p5", "p8"]
    assert "rule set wide-1; not counted: not proven, pending." in wide.notes[0]


def test_those_referred_are_described_as_they_were_on_referral(store):
    fill(store)
    store.offence("p3", "2020-11-01", "2021-04-30")
    store.offence("p3", "2020-11-01", "2021-05-01")
    found = moms(store).referred.set_index("person_id")
    assert found["step"].to_dict() == {"p1": "", "p3": "accepted", "p5": "", "p8": ""}
    assert found.loc["p3", "previous_offences"] == 1
    assert found.loc["p3", "reason"] == "declined by the person"
    assert found.loc["p1", "age"] == pytest.approx((dt.date(2021, 5, 1) - dt.date(1995, 3, 10)).days / 365.25)


def test_people_found_in_no_record_of_courts_prisons_or_police_are_not_linked(store):
    fill(store)
    store.person("ghost")
    store.referral("ghost", "2021-05-01", decided="2021-05-02")
    found = moms(store)
    assert found.flow.set_index("step").loc["linked", "treated"] == 3
    assert found.left.set_index("reason").loc["no record with courts, prisons or police", "treated"] == 1


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


def test_another_programme_takes_people_out_of_the_pool_if_they_are_with_it_by_their_index_date(store):
    fill(store)
    store.joined("p2", "2021-06-12", programme="shelter")
    store.referral("p4", "2021-06-10", programme="dwp", decided="2021-06-15")
    store.referral("p6", "2021-06-01", "not_suitable", programme="dwp")
    found = moms(store)
    assert found.data.query("treated == 0")["person_id"].tolist() == ["p4", "p6", "p7"]
    assert found.left.set_index("reason").loc["with another programme by then", "comparison"] == 1
    assert not any("Comparison people who joined" in note for note in found.notes)


def test_joining_another_programme_later_takes_nobody_out_of_the_pool(store):
    fill(store)
    store.joined("p2", "2021-09-01", programme="shelter")
    store.joined("p4", "2024-01-01", programme="shelter")
    found = moms(store)
    assert found.data.query("treated == 0")["person_id"].tolist() == ["p2", "p4", "p6", "p7"]
    assert "Comparison people who joined a programme, before the end of follow-up: 1." in found.notes


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
    pd.testing.assert_frame_equal(before[KNOWN], after[KNOWN])
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
    assert again[["reoffences_summary", "reoffences_triable_either_way", "custody_spells"]].tolist() == [0, 1, 1]
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
    with pytest.raises(TimeZeroError) as caught:
        moms(fill(store), time_zero="completion")
    text = str(caught.value)
    assert "2 of 3 people" in text
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
