"""What data can support: numbers against statsmodels, real matching and a count by hand; branches; nothing leaks."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower, normal_power

import impact as im
from impact.cohort.result import Cohort
from impact.errors import InputError
from impact.evidence import minimum_detectable_difference
from impact.evidence.evaluability import Evaluability, evaluability
from impact.evidence.power import planned_sizes

PROGRAMMES = ("pops", "moms", "magistra", "shelter", "time_matters", "dwp")
METHODS = ["before_after", "survival", "matched", "randomised", "difference_in_differences", "interrupted_time_series"]
MINIMUMS = ["submitted", "analysed", "reoffenders"]
AFTER = (
    "reoffended",
    "reoffences",
    "days_to_first",
    "severity_first",
    "severity_worst",
    "reoffences_indictable_only",
    "reoffences_triable_either_way",
    "reoffences_summary",
    "custody_spells",
    "custody_for_reoffence",
    "days_at_risk",
    "duration",
    "event",
    "recalled",
)


@pytest.fixture(scope="module")
def cohorts(root) -> dict[str, Cohort]:
    linked = im.read_linked(root / "data_synthetic")
    return {name: im.cohort(linked, name, complete_to=linked.complete_to) for name in PROGRAMMES}


def rows(result: Evaluability) -> pd.DataFrame:
    return result.tidy().set_index("term")


def made(cohort: Cohort, n_treated: int, n_comparison: int, rate: float, **plan: object) -> Cohort:
    """A cohort of invented people, all of them followed to the end, under a plan of matching."""
    n = n_treated + n_comparison
    again = np.zeros(n)
    again[n_treated : n_treated + round(rate * n_comparison)] = 1
    data = pd.DataFrame(
        {
            "person_id": [f"p{number:05d}" for number in range(n)],
            "treated": [1] * n_treated + [0] * n_comparison,
            "index_on": pd.Timestamp("2022-01-01"),
            "age": 30.0,
            "sex": "male",
            "started": 1,
            "complete": True,
            "reoffended": pd.array(again, dtype="Float64"),
            "event": again,
        }
    )
    usual = {"covariates": ("age",), "exact": (), "method": "nearest", "ratio": 5, "replace": False}
    plan = usual | {"caliper": None, "radius": None} | plan
    programme = replace(cohort.programme, comparison=replace(cohort.programme.comparison, **plan))
    return replace(cohort, data=data, programme=programme)


def test_every_programme_gets_every_row(cohorts):
    answers = {}
    for name, cohort in cohorts.items():
        table = evaluability(cohort).tidy()
        assert table["term"].tolist() == METHODS + MINIMUMS
        assert table["part"].tolist() == ["method"] * 6 + ["minimum"] * 3
        assert table["why"].str.len().min() > 20
        assert not table["why"].str.contains(r"[{}]").any()
        assert not table["missing"].str.contains(r"[{}]").any()
        assert (table.loc[table["answer"] == "no", "missing"] != "").all()
        answers[name] = dict(zip(table["term"], table["answer"], strict=True))
        assert rows(evaluability(cohort)).loc[METHODS, "maryland_level"].tolist() == [1, 3, 3, 5, 4, 4]
    assert {name: answer["matched"] for name, answer in answers.items()} == {
        "pops": "yes, weakly",
        "moms": "yes, weakly",
        "magistra": "yes, weakly",
        "shelter": "no",
        "time_matters": "no",
        "dwp": "yes, weakly",
    }
    assert all(answer["before_after"] == "yes, weakly" for answer in answers.values())
    assert all(answer["randomised"] == answer["interrupted_time_series"] == "no" for answer in answers.values())
    assert {name for name, answer in answers.items() if answer["difference_in_differences"] == "no"} == {
        "shelter",
        "time_matters",
    }
    assert {name for name, answer in answers.items() if answer["submitted"] == "yes"} == {
        "pops",
        "moms",
        "magistra",
        "dwp",
    }
    assert [answers["time_matters"][term] for term in MINIMUMS] == ["does not apply"] * 3


@pytest.mark.parametrize("name", ["pops", "moms", "magistra", "dwp"])
def test_the_detectable_difference_is_the_one_counted_by_hand(cohorts, name):
    cohort = cohorts[name]
    plan = cohort.programme.comparison
    known = cohort.data[cohort.data["complete"]].dropna(subset=[*plan.covariates, *plan.exact])
    strata = known.groupby(list(plan.exact) or (lambda _: 0))
    n = others = 0
    rates = []
    for _, part in strata:
        treated, rest = part[part["treated"] == 1], part[part["treated"] == 0]
        assert len(rest) >= plan.ratio * len(treated)
        partners = len(rest) * bool(len(treated)) if plan.method == "radius" else plan.ratio * len(treated)
        n, others = n + len(treated), others + partners
        rates += rest["reoffended"].tolist() if len(treated) else []
    row = rows(evaluability(cohort)).loc["matched"]
    rate = float(np.mean(rates))
    assert (row["n_treated"], row["n_comparison"], row["rate"]) == (n, pytest.approx(others), pytest.approx(rate))
    effect = row["detectable"] / math.sqrt(rate * (1 - rate))
    assert NormalIndPower().power(effect, n, 0.05, ratio=others / n) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("name", ["pops", "moms", "shelter"])
def test_survival_counts_everyone_with_a_day_of_follow_up(cohorts, name):
    cohort = cohorts[name]
    plan = cohort.programme.comparison
    known = cohort.data.dropna(subset=["duration", *plan.covariates, *plan.exact])
    row = rows(evaluability(cohort)).loc["survival"]
    assert row["n_treated"] == (known["treated"] == 1).sum() > (known["complete"] & (known["treated"] == 1)).sum()


def test_a_day_of_follow_up_is_one_whose_waiting_period_is_over(cohorts):
    cohort = made(cohorts["pops"], 40, 400, 0.4)
    for late, counted in ((1, 40), (0, 0)):
        index_on = pd.Timestamp(cohort.complete_to) - pd.Timedelta(cohort.waiting.length + late, unit="D")
        data = cohort.data.assign(complete=False, index_on=index_on)
        assert rows(evaluability(replace(cohort, data=data))).loc["survival", "n_treated"] == counted


def test_the_detectable_change_has_the_power_that_statsmodels_gives_it(cohorts):
    row = rows(evaluability(cohorts["time_matters"])).loc["before_after"]
    assert row["n_treated"] == cohorts["time_matters"].data["second_reading"].sum()
    assert normal_power(row["detectable"], row["n_treated"], 0.05) == pytest.approx(0.8, abs=1e-6)


def test_the_detectable_hazard_ratio_needs_the_events_of_the_published_tables(cohorts):
    """To find a hazard ratio of 0.5 at 80% power two equal groups need 65.3 events in all (Schoenfeld 1983)."""
    cohort = made(cohorts["pops"], 200, 200, 0.5, ratio=1)
    row = rows(evaluability(cohort)).loc["survival"]
    events = 0.5 * 400
    at_half = events * (math.log(row["detectable"]) / math.log(0.5)) ** 2
    assert at_half == pytest.approx(65.346, abs=0.01)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 25)), min_size=1, max_size=3), st.integers(1, 5))
def test_planned_sizes_are_those_of_matching_done(strata, ratio):
    served, effective = planned_sizes(*(np.array(side) for side in zip(*strata, strict=True)), ratio=ratio)
    if not any(treated and others for treated, others in strata):
        assert (served, effective) == (0, 0.0)
        return
    people = pd.DataFrame(
        [
            {"joined": arm, "place": f"s{at}", "age": 20.0 + number}
            for at, sizes in enumerate(strata)
            for arm, size in zip((1, 0), sizes, strict=True)
            for number in range(size)
        ]
    )
    score = im.propensity("joined ~ age", people, score="age")
    design = im.match(score, ratio=ratio, exact="place")
    assert design.effective_n["treated"] == pytest.approx(served)
    assert design.effective_n["comparison"] == pytest.approx(effective)


@pytest.mark.parametrize("name", PROGRAMMES)
def test_what_became_of_the_treated_has_no_say(cohorts, name):
    cohort = cohorts[name]
    before = evaluability(cohort)
    treated = cohort.data["treated"] == 1
    for value in (0, 1, None):
        data = cohort.data.copy()
        for column in AFTER:
            if column in data.columns:
                data[column] = data[column].astype(object).where(~treated, value)
        after = evaluability(replace(cohort, data=data))
        pd.testing.assert_frame_equal(before.tidy(), after.tidy())
        assert repr(before) == repr(after)


def test_the_order_of_rows_has_no_say_and_no_one_is_named(cohorts):
    cohort = cohorts["shelter"]
    mixed = replace(cohort, data=cohort.data.sample(frac=1, random_state=3))
    text = repr(evaluability(cohort))
    assert repr(evaluability(mixed)) == text
    assert not any(person in text for person in cohort.data["person_id"])


def test_the_people_needed_are_just_enough(cohorts):
    row = rows(evaluability(cohorts["pops"])).loc["matched"]
    needed = int(re.search(r"About ([\d,]+) people", row["missing"])[1].replace(",", ""))
    ratio = row["n_comparison"] / row["n_treated"]
    assert minimum_detectable_difference(needed, ratio * needed, row["rate"]) <= 0.10
    assert minimum_detectable_difference(needed - 1, ratio * (needed - 1), row["rate"]) > 0.10


def test_enough_people_make_it_yes_and_fewer_make_it_weak(cohorts):
    table = rows(evaluability(made(cohorts["pops"], 400, 4000, 0.4)))
    assert table.loc[["survival", "matched"], "answer"].tolist() == ["yes", "yes"]
    assert table.loc[["survival", "matched"], "missing"].tolist() == ["", ""]
    assert "40% of them reoffend" in table.loc["matched", "why"]
    assert "8 percentage points" in table.loc["matched", "why"]
    table = rows(evaluability(made(cohorts["pops"], 60, 4000, 0.4)))
    assert table.loc[["survival", "matched"], "answer"].tolist() == ["yes, weakly", "yes, weakly"]


def test_a_rare_outcome_cannot_fall_far(cohorts):
    table = rows(evaluability(made(cohorts["pops"], 60, 4000, 0.05)))
    assert table.loc["matched", "detectable"] < 0.10
    assert table.loc["matched", "answer"] == "yes, weakly"
    assert "even if nobody who took part reoffended" in table.loc["matched", "why"]
    assert "where so few reoffend" in table.loc["matched", "missing"]
    assert table.loc["survival", "answer"] == "yes, weakly"
    assert "where so few reoffend" in table.loc["survival", "missing"]


@pytest.mark.parametrize(
    ("sizes", "words"), [((29, 4000), "who took part can be compared"), ((400, 29), "can be compared")]
)
def test_too_few_on_either_side(cohorts, sizes, words):
    row = rows(evaluability(made(cohorts["pops"], *sizes, 0.4))).loc["matched"]
    assert row["answer"] == "no"
    assert words in row["why"]
    assert "At least 30 people" in row["missing"]
    assert row["detectable"] > 0.1


def test_few_comparison_people_for_a_shared_partner(cohorts):
    row = rows(evaluability(made(cohorts["pops"], 100, 20, 0.4, replace=True))).loc["matched"]
    assert (row["answer"], row["n_treated"], row["n_comparison"]) == ("no", 100, 20)
    assert "there to be compared with" in row["why"]


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_no_rate_to_plan_with(cohorts, rate):
    table = rows(evaluability(made(cohorts["pops"], 100, 1000, rate)))
    assert table.loc[["survival", "matched"], "answer"].tolist() == ["no", "no"]
    assert "no rate to plan with" in table.loc["matched", "why"]


def test_no_comparison_group(cohorts):
    table = rows(evaluability(made(cohorts["pops"], 100, 0, 0.4, kind="none", covariates=())))
    assert table.loc["matched", "answer"] == "no"
    assert "There is no comparison group" in table.loc["matched", "why"]
    assert table.loc["survival", "answer"] == "yes, weakly"
    assert math.isnan(table.loc["survival", "maryland_level"])
    assert "beside those who did" in table.loc["difference_in_differences", "why"]
    assert table.loc["analysed", "answer"] == "no"


def test_chance_decided(cohorts):
    table = rows(evaluability(made(cohorts["pops"], 400, 500, 0.4, kind="randomised")))
    assert table.loc[["matched", "randomised"], "answer"].tolist() == ["does not apply", "yes"]
    assert table.loc["randomised", ["n_treated", "n_comparison", "maryland_level"]].tolist() == [400, 500, 5]
    assert table.loc["survival", "maryland_level"] == 5


def test_no_instrument_and_too_few_readings(cohorts):
    cohort = cohorts["pops"]
    bare = replace(cohort, programme=replace(cohort.programme, instruments=()))
    assert rows(evaluability(bare)).loc["before_after", "answer"] == "no"
    few = replace(cohort, data=cohort.data.assign(started=0))
    row = rows(evaluability(few)).loc["before_after"]
    assert row["answer"] == "no"
    assert math.isnan(row["detectable"])


def test_notes_say_what_the_plan_cannot_know(cohorts):
    cohort = made(cohorts["pops"], 100, 1000, 0.4, method="radius", radius=0.1)
    assert any("within the radius" in note for note in evaluability(cohort).notes)
    cohort = made(cohorts["pops"], 100, 1000, 0.4, replace=True, caliper=0.2)
    notes = " ".join(evaluability(cohort).notes)
    assert "serve several" in notes
    assert "caliper" in notes
    cohort = made(cohorts["pops"], 100, 40, 0.4)
    assert any(note.startswith("60 people who took part") for note in evaluability(cohort).notes)
    cohort.data.loc[:4, "age"] = np.nan
    assert any(note.startswith("5 of 100 people who took part, and 0 of 40") for note in evaluability(cohort).notes)


def test_minimums_can_be_changed_and_what_is_recalled_is_never_official(cohorts):
    table = rows(evaluability(cohorts["moms"]))
    assert table.loc[MINIMUMS, "label"].tolist() == ["B", "R", "A"]
    assert table.loc[MINIMUMS, "required"].tolist() == [60, 30, 30]
    assert "reported to ask" in table.loc["submitted", "why"]
    for row in table.itertuples():
        if row.label == "R":
            assert "Justice Data Lab" not in row.title
            assert "not to be quoted" in row.why
    given_ = rows(evaluability(cohorts["moms"], minimums={"analysed": 50, "large_difference": 0.3}))
    assert given_.loc["analysed", ["label", "required", "answer"]].tolist() == ["given", 50, "no"]
    assert given_.loc["matched", "answer"] == "no"
    easier = rows(evaluability(cohorts["moms"], minimums={"large_difference": 0.3}))
    assert easier.loc["matched", "answer"] == "yes"


def with_contacts(cohort: Cohort, n_treated: int, n_comparison: int, **plan: object) -> Cohort:
    """Invented people of whom every other one of the comparison had two contacts in the year before."""
    made_up = made(cohort, n_treated, n_comparison, 0.4, **plan)
    counts = np.concatenate([np.zeros(n_treated), np.arange(n_comparison) % 2 * 2.0])
    return replace(made_up, data=made_up.data.assign(contacts_before=counts))


def test_contacts_are_planned_from_the_year_before_of_the_others(cohorts):
    cohort = with_contacts(cohorts["pops"], 100, 1000)
    row = rows(evaluability(cohort)).loc["difference_in_differences"]
    assert (row["n_treated"], row["n_comparison"], row["rate"]) == (100, 1000, 1.0)
    assert normal_power(row["detectable"] / math.sqrt(1000 / 999), 1 / (1 / 100 + 1 / 1000), 0.05) == pytest.approx(
        0.8, abs=1e-6
    )
    assert row["answer"] == "yes, weakly"
    needed = int(re.search(r"About ([\d,]+) people", row["missing"])[1].replace(",", ""))
    enough = rows(evaluability(with_contacts(cohorts["pops"], needed, 10 * needed))).loc["difference_in_differences"]
    assert (enough["answer"], enough["missing"]) == ("yes", "")
    fewer = with_contacts(cohorts["pops"], needed - 2, 10 * (needed - 2))
    assert rows(evaluability(fewer)).loc["difference_in_differences", "answer"] == "yes, weakly"
    easier = evaluability(cohort, minimums={"large_fall": 0.3})
    assert rows(easier).loc["difference_in_differences", "answer"] == "yes"


def test_only_people_with_a_year_after_count_for_contacts(cohorts):
    cohort = with_contacts(cohorts["pops"], 40, 400)
    last = pd.Timestamp(cohort.complete_to)
    for days, counted in ((364, 40), (363, 30)):
        data = cohort.data.copy()
        data.loc[:9, "index_on"] = last - pd.Timedelta(days, unit="D")
        row = rows(evaluability(replace(cohort, data=data))).loc["difference_in_differences"]
        assert row["n_treated"] == counted
    data.loc[10:, "contacts_before"] = np.nan
    row = rows(evaluability(replace(cohort, data=data))).loc["difference_in_differences"]
    assert row["answer"] == "no"
    assert "no contacts with the police" in row["why"]


def test_contacts_are_refused_with_the_reason(cohorts):
    few = rows(evaluability(with_contacts(cohorts["pops"], 29, 400))).loc["difference_in_differences"]
    assert (few["answer"], "Fewer than 30 people of those who took part" in few["why"]) == ("no", True)
    few = rows(evaluability(with_contacts(cohorts["pops"], 100, 29))).loc["difference_in_differences"]
    assert "people of the comparison group" in few["why"]
    without = rows(evaluability(made(cohorts["pops"], 100, 1000, 0.4))).loc["difference_in_differences"]
    assert "no contacts with the police" in without["why"]


def test_faults(cohorts):
    with pytest.raises(InputError, match=r"cohort\(\)"):
        evaluability(cohorts["pops"].data)
    with pytest.raises(InputError, match="one row a person"):
        evaluability(replace(cohorts["pops"], treatment="time-varying"))
    with pytest.raises(InputError, match="power"):
        evaluability(cohorts["pops"], power=1)
    with pytest.raises(InputError) as error:
        evaluability(cohorts["pops"], minimums={"analysed": 0, "large_difference": 2, "padlocks": 5})
    for words in ("column analysed", "column large_difference", "column padlocks"):
        assert words in str(error.value)
