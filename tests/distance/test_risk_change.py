"""Change in assessed risk: by hand, against SciPy, and what must add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from impact.cohort import ogrs4, risk_band
from impact.distance import risk_change
from impact.errors import InputError

share = st.floats(0, 1)
pairs = st.lists(st.tuples(share, share | st.none(), share, st.sampled_from("ab")), min_size=6, max_size=30)


def frame(rows):
    return pd.DataFrame(rows, columns=["first", "second", "drift", "group"]).astype(
        {"first": float, "second": float, "drift": float}
    )


@given(pairs)
def test_the_change_is_that_of_time_and_that_beyond_it(rows):
    people = frame(rows)
    if people["second"].notna().sum() == 0:
        return
    table = risk_change(people, first="first", second="second", time_alone="drift").tidy()
    both = people.dropna()
    assert table["estimate"][0] == pytest.approx((both["second"] - both["first"]).mean(), abs=1e-12)
    assert table["time_alone"][0] + table["beyond_time"][0] == pytest.approx(table["estimate"][0], abs=1e-12)
    assert table["n"][0] + table["n_first_only"][0] == len(people)


@given(pairs)
def test_bands_add_up_and_are_the_published_ones(rows):
    people = frame(rows)
    if people["second"].notna().sum() == 0:
        return
    found = risk_change(people, first="first", second="second", scale="OGRS3_2yr", by="group")
    table, both = found.tidy(), people.dropna()
    assert (table["lower"] + table["same"] + table["higher"] == table["n"]).all()
    assert found.bands["n"].sum() == len(both)
    words = [risk_band(both[name], scale="OGRS3_2yr") for name in ("first", "second")]
    plain = pd.DataFrame({"first": words[0].astype(str), "second": words[1].astype(str), "group": both["group"]})
    for row in found.bands.itertuples():
        here = (plain["first"] == row.first) & (plain["second"] == row.second) & (plain["group"] == row.group)
        assert row.n == here.sum()


def test_tests_and_intervals_are_those_of_scipy():
    rng = np.random.default_rng(5)
    people = pd.DataFrame({"first": rng.uniform(0.2, 0.9, 60), "treated": np.arange(60) % 3 == 0})
    people["second"] = np.clip(people["first"] + rng.normal(-0.03, 0.08, 60), 0, 1)
    found = risk_change(people, first="first", second="second", by="treated", level=0.9)
    for row, (_, part) in zip(found.tidy().itertuples(), people.groupby("treated"), strict=True):
        paired = scipy.stats.ttest_rel(part["second"], part["first"])
        assert (row.statistic, row.p_value) == pytest.approx((paired.statistic, paired.pvalue), rel=1e-10)
        assert (row.conf_low, row.conf_high) == pytest.approx(tuple(paired.confidence_interval(0.9)), rel=1e-10)
    change = people["second"] - people["first"]
    welch = scipy.stats.ttest_ind(change[people["treated"]], change[~people["treated"]], equal_var=False)
    row = found.difference.iloc[0]
    assert row["term"] == "change of True less that of False"
    assert row["estimate"] / row["std_error"] == pytest.approx(welch.statistic, rel=1e-12)
    assert row["p_value"] == pytest.approx(welch.pvalue, rel=1e-10)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx(tuple(welch.confidence_interval(0.9)), rel=1e-10)


def test_the_score_that_time_alone_gives_comes_from_the_risk_scores_themselves():
    record = pd.DataFrame(
        {
            "sex": ["male", "male"],
            "birth_date": pd.to_datetime(["1990-01-01", "1990-01-01"]),
            "convicted_on": pd.to_datetime(["2022-01-01", "2022-01-01"]),
            "start": pd.to_datetime(["2022-06-01", "2022-06-01"]),
            "sanctions": [3, 3],
            "age_first_sanction": [18, 18],
            "offence": ["criminal_damage"] * 2,
        }
    )
    first, second = pd.Timestamp("2022-06-01"), pd.Timestamp("2023-06-01")
    people = pd.DataFrame(
        {
            "before": ogrs4(record.assign(assessed_on=first)),
            "after": ogrs4(
                record.assign(
                    assessed_on=second,
                    sanctions=[3, 4],
                    convicted_on=pd.to_datetime(["2022-01-01", "2023-05-01"]),
                    start=pd.to_datetime(["2022-06-01", "2023-05-01"]),
                )
            ),
            "alone": ogrs4(record.assign(assessed_on=second)),
        }
    )
    found = risk_change(people, first="before", second="after", time_alone="alone", scale="OGRS4G")
    table = found.tidy().iloc[0]
    assert people["after"][0] == people["alone"][0] < people["before"][0] < people["after"][1]
    assert table["time_alone"] < 0 < table["beyond_time"]
    assert "benchmark, not impact" in repr(found)


def test_groups_of_one_and_changes_all_alike_give_no_interval():
    people = pd.DataFrame({"first": [0.5, 0.5, 0.4], "second": [0.4, 0.4, 0.3], "group": ["a", "a", "b"]})
    found = risk_change(people, first="first", second="second", by="group")
    assert found.tidy()["conf_low"].isna().all()
    assert found.difference is None


def test_faults_are_named_together():
    people = pd.DataFrame({"first": [0.5, 50.0], "second": ["low", "high"]})
    with pytest.raises(InputError) as caught:
        risk_change(people, first="first", second="second", time_alone="drift", by="group")
    assert [fault.column for fault in caught.value.faults] == ["first", "second", "drift", "group"]
    with pytest.raises(InputError, match="there is nobody"):
        risk_change(pd.DataFrame({"a": [0.1], "b": [np.nan]}), first="a", second="b")
    with pytest.raises(InputError, match="scale must be one of"):
        risk_change(pd.DataFrame({"a": [0.1], "b": [0.2]}), first="a", second="b", scale="OGRS5")


def test_missing_groups_are_counted():
    people = pd.DataFrame({"a": [0.1, 0.2, 0.3], "b": [0.1, 0.1, 0.1], "g": ["x", None, "x"]})
    found = risk_change(people, first="a", second="b", by="g")
    assert found.tidy()["n"].tolist() == [2]
    assert "1 of 3 people left out: g is missing." in found.notes
