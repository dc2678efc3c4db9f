"""The Justice Data Lab measures: published examples, exact sentences, rounding, print rules, and the gate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

import impact as im
from impact.errors import InputError
from impact.evidence.jdl_words import adds_up, difference_text, estimated, fixed, measured, needed_words, p_text, whole
from impact.evidence.justice_data_lab import JusticeDataLab
from impact.records import Linked

PLAN = "age + imd_decile + previous_offences + previous_custody + contacts_before + needs_before + days_served"
WORDS = {
    "people": "people",
    "person": "person",
    "period": "one-year period",
    "time": "the year",
    "after": "after release",
}
WITHIN = WORDS | {"time": "one year"}


class TestPublished:
    """Their rates are printed rounded; the Trust's are two unrounded ones that give its interval."""

    def test_blue_sky_2013(self) -> None:
        found = im.jdl_summary(n_treatment=72, rate_treatment=0.31, rate_comparison=0.43, published=(1, 23))
        assert "reduction in re-offending of between 1 and 23 percentage points" in found.statement
        assert found.significant
        assert found.possible
        assert found.needed_power is None

    def test_prisoners_education_trust_2014(self) -> None:
        found = im.jdl_summary(n_treatment=3085, rate_treatment=0.1935, rate_comparison=0.2597)
        assert "reduction in re-offending of between 5 and 8 percentage points" in found.statement
        assert found.significant
        rounded = im.jdl_summary(n_treatment=3085, rate_treatment=0.19, rate_comparison=0.26, published=(5, 8))
        assert "between 6 and 8" in rounded.statement
        assert rounded.possible

    @pytest.mark.parametrize(
        ("n", "treated", "compared", "published"), [(72, 0.31, 0.43, (1, 23)), (3085, 0.19, 0.26, (5, 8))]
    )
    def test_one_comparison_person_each_cannot_give_the_published_intervals(
        self, n: int, treated: float, compared: float, published: tuple[int, int]
    ) -> None:
        found = im.jdl_summary(
            n_treatment=n, rate_treatment=treated, rate_comparison=compared, n_comparison=n, published=published
        )
        assert not found.possible
        assert found.possible_share == 0

    def test_an_interval_that_no_rates_give_is_not_possible(self) -> None:
        for published in ((3, 23), (1, 20), (12, 12)):
            found = im.jdl_summary(n_treatment=72, rate_treatment=0.31, rate_comparison=0.43, published=published)
            assert found.possible is False


@settings(max_examples=40)
@given(st.integers(20, 3000), st.floats(0.05, 0.9), st.floats(0.05, 0.9), st.none() | st.integers(1, 20))
def test_a_summary_is_the_t_test_of_its_rates(n: int, treated: float, compared: float, times: int | None) -> None:
    others = None if times is None else n * times
    found = im.jdl_summary(n_treatment=n, rate_treatment=treated, rate_comparison=compared, n_comparison=others)
    parts = [treated * (1 - treated) / n, 0.0 if others is None else compared * (1 - compared) / others]
    error = math.sqrt(sum(parts))
    df = sum(parts) ** 2 / (parts[0] ** 2 / (n - 1) + (parts[1] ** 2 / (others - 1) if others else 0))
    assert found.std_error == pytest.approx(error, rel=1e-12)
    assert found.p_value == pytest.approx(2 * scipy.stats.t.sf(abs(treated - compared) / error, df), rel=1e-9)
    assert found.conf_low < found.estimate < found.conf_high
    assert found.significant == (found.conf_low > 0 or found.conf_high < 0)
    assert ("insufficient evidence" in found.statement) == (not found.significant)
    assert "fails to affect it" in found.statement or found.significant
    if found.needed_significance is not None and found.needed_power is not None:
        assert n < found.needed_significance + 1 <= found.needed_power + 1
        assert found.needed_significance == math.ceil(n * (1.959963984540054 * error / found.estimate) ** 2)
    printed = im.jdl_summary(
        n_treatment=n,
        rate_treatment=treated,
        rate_comparison=compared,
        n_comparison=others,
        published=(abs(whole(100 * found.conf_low)), abs(whole(100 * found.conf_high))),
    )
    if found.significant:
        assert printed.possible


def test_faults_of_a_summary_are_named_together() -> None:
    with pytest.raises(InputError) as caught:
        im.jdl_summary(n_treatment=1, rate_treatment=31, rate_comparison=-0.1, published=(1, 200), printed_to=1)
    columns = [fault.column for fault in caught.value.faults]
    assert columns == ["rate_treatment", "rate_comparison", "n_treatment", "published", "printed_to"]
    for odd in ("0.31", None, True):
        with pytest.raises(InputError, match="rate_treatment: must lie between 0 and 1"):
            im.jdl_summary(n_treatment=100, rate_treatment=odd, rate_comparison=0.4)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="published: must be two whole numbers"):
        im.jdl_summary(n_treatment=100, rate_treatment=0.3, rate_comparison=0.4, published=5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="smaller than n_treatment"):
        im.jdl_summary(n_treatment=100, rate_treatment=0.3, rate_comparison=0.4, n_comparison=60)


def test_a_small_difference_of_very_many_has_a_sentence_that_can_be_read() -> None:
    found = im.jdl_summary(n_treatment=10_000_000, rate_treatment=0.300, rate_comparison=0.303)
    assert found.significant
    assert "of less than 1 percentage points" in found.statement
    alike = im.jdl_summary(n_treatment=10_000_000, rate_treatment=0.30, rate_comparison=0.33)
    assert "of about 3 percentage points" in alike.statement


def test_where_everybody_or_nobody_reoffended_no_interval_is_given() -> None:
    found = im.jdl_summary(n_treatment=50, rate_treatment=0.0, rate_comparison=0.43)
    assert math.isnan(found.conf_low)
    assert math.isnan(found.conf_high)
    assert not found.significant
    assert "this error is 0: no interval and no test is given" in found.notes[-1]
    assert "nan" not in repr(found)


class TestSentences:
    @pytest.mark.parametrize(
        ("kind", "treated", "estimate", "text"),
        [
            (
                "rate",
                0.31,
                -0.12,
                "31 of the 100 people committed a proven reoffence within a one-year period (a rate of 31%), 12 people"
                " fewer than in the comparison group.",
            ),
            (
                "rate",
                0.31,
                0.009,
                "31 of the 100 people committed a proven reoffence within a one-year period (a rate of 31%), 1 person"
                " more than in the comparison group.",
            ),
            (
                "rate",
                0.31,
                -0.004,
                "31 of the 100 people committed a proven reoffence within a one-year period (a rate of 31%), similar to"
                " the comparison group.",
            ),
            (
                "frequency",
                1.234,
                -0.31,
                "123 proven reoffences were committed by these 100 people during the year (a frequency of 1.2 offences"
                " per person), 31 offences fewer than in the comparison group.",
            ),
            (
                "days",
                131.6,
                11.2,
                "132 days was the average time before a reoffender committed their first proven reoffence, 11 days"
                " later than the comparison group.",
            ),
        ],
    )
    def test_the_first_box(self, kind: str, treated: float, estimate: float, text: str) -> None:
        assert measured(kind, treated, estimate, WORDS) == text

    @pytest.mark.parametrize(
        ("kind", "low", "high", "text"),
        [
            (
                "rate",
                -0.2268,
                -0.0132,
                "The number of people who commit a proven reoffence within one year after release could be lower by"
                " between 1 and 23 people. This is a statistically significant result.",
            ),
            (
                "rate",
                0.001,
                0.052,
                "The number of people who commit a proven reoffence within one year after release could be higher by"
                " between less than 1 and 5 people. This is a statistically significant result.",
            ),
            (
                "rate",
                -0.1304,
                0.0896,
                "The number of people who commit a proven reoffence within one year after release could be lower by as"
                " many as 13 people, or higher by as many as 9 people. More people would need to be analysed in order"
                " to determine the direction of this difference.",
            ),
            (
                "frequency",
                -0.5,
                -0.02,
                "The number of proven reoffences committed within one year after release could be lower by between 2"
                " and 50 offences. This is a statistically significant result.",
            ),
            (
                "days",
                -20.4,
                7.6,
                "On average, the time before an offender committed their first proven reoffence could be shorter by as"
                " many as 20 days, or longer by as many as 8 days. More people would need to be analysed in order to"
                " determine the direction of this difference.",
            ),
        ],
    )
    def test_the_second_box(self, kind: str, low: float, high: float, text: str) -> None:
        assert estimated(kind, low, high, WITHIN) == text

    def test_the_number_needed_names_both_readings(self) -> None:
        assert needed_words(764, 1559, WORDS) == (
            " Based on the current measurements, it is estimated that 764 people would be needed for this difference to"
            " be statistically significant, and 1,559 to find a difference of this size four times in five."
        )
        assert "no realistic number" in needed_words(None, None, WORDS)

    @given(st.floats(-3, 3), st.integers(0, 3))
    def test_numbers_round_half_away_from_zero_and_never_to_minus_zero(self, value: float, places: int) -> None:
        text = fixed(value, places)
        assert not (text.startswith("−") and float(text[1:]) == 0)
        assert abs(float(text.replace("−", "-")) - value) <= 0.5 / 10**places + 1e-8
        assert whole(-value) == -whole(value)

    def test_tables(self) -> None:
        assert difference_text(-0.12, -0.2268, 0.004, "rate") == "−12 (−23 to 0)"
        assert difference_text(0.125, -0.004, 0.3, "frequency") == "0.13 (0.00 to 0.30)"
        assert difference_text(-34.5, -63.6, -4.9, "days") == "−35 (−64 to −5)"
        assert (p_text(0.004), p_text(0.049), p_text(0.5)) == ("less than 0.01", "0.05", "0.50")
        # BWC 2024: 25% against 28%, printed as 4 fewer.
        assert not adds_up(0.2451, 0.2816, -0.0365, "rate")
        assert adds_up(0.25, 0.28, -0.03, "rate")


@pytest.fixture(scope="module")
def linked(root: object) -> Linked:
    return im.read_linked(root / "data_synthetic")  # type: ignore[operator]


@pytest.fixture(scope="module")
def cohort(linked: Linked) -> im.Cohort:  # type: ignore[name-defined]
    return im.cohort(linked, "dwp", complete_to=linked.complete_to)


@pytest.fixture(scope="module")
def known(cohort: object) -> pd.DataFrame:
    data = cohort.data  # type: ignore[attr-defined]
    return data[data["complete"]].dropna(subset=["needs_before", "imd_decile"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def design(known: pd.DataFrame) -> im.Design:
    return im.match(im.propensity(f"treated ~ {PLAN}", known), method="radius", radius=0.1)


@pytest.fixture(scope="module")
def report(design: im.Design, cohort: object) -> JusticeDataLab:
    return im.jdl(design, cohort=cohort)  # type: ignore[arg-type]


def test_eleven_measures_each_the_t_test_of_compare(report: JusticeDataLab, design: im.Design) -> None:
    table = report.tidy().set_index("term")
    assert len(table) == 11
    assert table["code"].is_unique
    assert sorted(table["table"].unique()) == [1, 2, 3, 4, 5, 6, 7]
    for name, measure in (("reoffended", "risk_difference"), ("reoffences", "mean_difference")):
        ready = replace(design, data=design.data.assign(**{name: design.data[name].astype(float)}))
        effect = im.compare(ready, name, measure=measure, se="jdl")
        for column in ("estimate", "std_error", "p_value", "conf_low", "conf_high"):
            assert table.loc[name, column] == getattr(effect, column)
    used = design.data[design.weights > 0]
    first = used[used["treated"] == 1]
    again = first[first["reoffended"] == 1]
    assert table.loc["days_to_first", "n_treatment"] == len(again)
    share = (again["severity_first"] == "summary").mean()
    assert table.loc["first_summary", "treatment"] == pytest.approx(share)
    parts = [f"reoffences_{kind}" for kind in ("indictable_only", "triable_either_way", "summary")]
    assert table.loc[parts, "treatment"].sum() == pytest.approx(table.loc["reoffences", "treatment"])


def test_p_values_stand_side_by_side(report: JusticeDataLab) -> None:
    table = report.tidy()
    raw = np.sort(table["p_value"].dropna())
    m = len(raw)
    assert table["p_holm"].min() == pytest.approx(min(1, m * raw[0]))
    assert table["p_bh"].min() == pytest.approx(min(m * raw[k] / (k + 1) for k in range(m)))
    assert (table["p_holm"] >= table["p_bh"]).all()
    assert (table["p_bh"] >= table["p_value"]).all()
    assert any("keep it after Holm's adjustment" in note for note in report.notes)


def test_what_few_people_have_is_not_printed(report: JusticeDataLab) -> None:
    table = report.tidy()
    few = table[~table["printed"]]
    assert (few["reason"] != "").all()
    printed = pd.concat(report.tables.values())
    assert set(printed["Measure"]) == set(table.loc[table["printed"], "row"])
    assert (table.loc[table["printed"], "people"] >= 10).all()
    assert set(few.loc[few["people"] < 10, "term"]) >= {"first_indictable_only"}


def test_few_reoffenders_take_their_tables_and_key_findings_away(design: im.Design, cohort: object) -> None:
    data = design.data.copy()
    again = data.index[(data["treated"] == 1) & (data["reoffended"] == 1)][29:]
    data.loc[again, ["reoffended", "reoffences", "custody_for_reoffence", "custody_spells"]] = 0
    data.loc[again, [name for name in data if name.startswith("reoffences_")]] = 0
    data.loc[again, ["days_to_first"]] = pd.NA
    data.loc[again, "severity_first"] = None
    found = im.jdl(replace(design, data=data), cohort=cohort)  # type: ignore[arg-type]
    assert not [title for title in found.tables if title.startswith(("Table 3", "Table 4"))]
    assert found.key_findings == ()
    assert any(note.startswith("Time to first reoffence has not been included") for note in found.notes)
    assert not any("average time" in line for line in found.measured)
    assert set(found.tidy().query("table in (3, 4)")["reason"]) == {"fewer than 30 of those who took part reoffended"}


def test_groups_that_are_not_alike_print_nothing(known: pd.DataFrame, cohort: object) -> None:
    raw = im.whole_sample(known, "treated", ["age", "previous_offences", "needs_before"])
    found = im.jdl(replace(raw, estimand="ATT"), cohort=cohort)  # type: ignore[arg-type]
    assert (found.tables, found.measured, found.estimated, found.key_findings) == ({}, (), (), ())
    assert found.verdict.status == "not_comparable"
    assert not found.tidy()["printed"].any()
    assert found.notes[0].startswith("No measure is printed. No fair comparison could be made")


def test_outcomes_may_come_in_a_table_of_their_own(
    report: JusticeDataLab, design: im.Design, cohort: object, linked: Linked
) -> None:
    after = [name for name in design.data if name.startswith(("reoff", "custody_", "days_to", "severity"))]
    bare = replace(design, data=design.data.drop(columns=after))
    outcomes = design.data[["person_id", *after]].sample(frac=1, random_state=1)
    found = im.jdl(bare, outcomes, cohort=cohort)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(found.tidy(), report.tidy())
    assert repr(found) == repr(report)
    with pytest.raises(InputError, match="The design's data lack reoffended"):
        im.jdl(bare, cohort=cohort)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="every person of the design, once"):
        im.jdl(bare, outcomes.iloc[5:], cohort=cohort)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="The outcomes lack custody_spells"):
        im.jdl(bare, outcomes.drop(columns="custody_spells"), cohort=cohort)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="people must be one of"):
        im.jdl(design, cohort=cohort, people="offenders")  # type: ignore[arg-type]


def test_boxes_chevron_and_profile(report: JusticeDataLab) -> None:
    assert report.measured[0] == "For 100 typical people in the treatment group, the equivalent of:"
    assert len(report.measured) == len(report.estimated) == 4
    assert "during the year (a frequency of" in report.measured[2]
    assert report.chevron["description"].iloc[[0, -1]].tolist() == ["referred", "analysed"]
    assert report.chevron["total"].iloc[0] == "150"
    assert "Sex: male" in set(report.profile["characteristic"])
    assert any("did not meet the minimum criteria" in note for note in report.notes)
    assert report.notes[-1].endswith("This is not a Justice Data Lab report.")
    text = repr(report)
    assert "-0" not in text
    assert not (set(text.split()) & set(report.measures.get("person_id", pd.Series(dtype=str))))


def test_other_words_for_other_people_and_windows(linked: Linked, design: im.Design, cohort: object) -> None:
    found = im.jdl(design, cohort=cohort, people="men")  # type: ignore[arg-type]
    assert "of the 100 men committed" in found.measured[1]
    half = im.cohort(linked, "dwp", complete_to=linked.complete_to, follow_up=182)
    data = half.data[half.data["complete"]].dropna(subset=["needs_before", "imd_decile"]).reset_index(drop=True)
    shorter = im.match(im.propensity(f"treated ~ {PLAN}", data), method="radius", radius=0.1)
    text = " ".join(im.jdl(shorter, cohort=half).measured)
    assert "within a period of 182 days" in text
    assert "one-year" not in text
