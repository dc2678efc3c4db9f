"""Gray's test: against cmprsk, against the definition written as loops, and what must not change it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import InputError
from impact.results import Result, Test
from impact.survival.gray_test import gray_test
from impact.survival.numbers.gray_score import gray_score
from impact.survival.riskset import rank_times

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
CASES = {
    "mgus": ("sex", {}),
    "mgus_rho": ("sex", {"rho": 1}),
    "mgus_strata": ("sex", {"strata": "zone"}),
    "mgus_strata_rho": ("sex", {"strata": "zone", "rho": -0.5}),
    "pbc": ("stage", {}),
    "pbc_rho": ("stage", {"rho": 0.7}),
    "pbc_strata": ("edema", {"strata": "zone"}),
    "made": ("group", {}),
    "made_rho": ("group", {"rho": 1}),
    "made_strata": ("group", {"strata": "zone"}),
    "made_strata_rho": ("group", {"strata": ["zone"], "rho": 2}),
}


def people(case: str) -> pd.DataFrame:
    return pd.read_csv(STORE / f"events_{case.split('_')[0]}.csv")


@pytest.mark.parametrize("case", CASES)
def test_statistic_is_that_of_cuminc(case):
    by, options = CASES[case]
    stored = pd.read_csv(STORE / "reference_events_gray.csv").query("case == @case")
    for row in stored.itertuples():
        found = gray_test(people(case), "time", "event", by, cause=row.cause, **options)
        assert found.statistic == pytest.approx(row.statistic, rel=1e-10)
        assert found.df == row.df
        # cmprsk takes 1 less the lower tail, which is 0 where p is below the rounding of 1.
        assert found.p_value == pytest.approx(row.p_value, rel=1e-8, abs=1e-15)


def plain_score(time, event, cause, group, strata, rho):
    """Score and covariance by the definition, with loops over strata, times and groups."""
    size = int(group.max()) + 1
    score, covariance = np.zeros(size), np.zeros((size, size))
    for s in set(strata):
        inside = strata == s
        times = sorted(set(time[inside & (event > 0)]))
        free, gone, pooled = np.ones(size), np.zeros(size), 0.0
        steps = []
        for t in times:
            y = np.array([np.sum(inside & (group == r) & (time >= t)) for r in range(size)], dtype=float)
            d = np.array([np.sum(inside & (group == r) & (time == t) & (event == cause)) for r in range(size)])
            e = np.array(
                [np.sum(inside & (group == r) & (time == t) & (event > 0) & (event != cause)) for r in range(size)]
            )
            h = np.where(y > 0, y / np.where(y > 0, free, 1), 0)
            risk = h * (1 - gone)
            weight = (1 - pooled) ** rho
            rise = d.sum() / h.sum()
            if d.sum():
                score += weight * (d - risk * d.sum() / risk.sum())
            k = np.array([[weight * h[r] * ((q == r) - h[q] / h.sum()) for r in range(size)] for q in range(size)])
            after = np.where(y > 0, free * (1 - (d + e) / np.maximum(y, 1)), free)
            steps.append((y, d, e, h, k, rise, rise / (1 - pooled), pooled + rise, free, after))
            gone = gone + np.where(y > 0, free * d / np.maximum(y, 1), 0)
            free, pooled = after, pooled + rise
        for place, (y, d, e, h, k, rise, _, pool, before, after) in enumerate(steps):
            to_come = sum((step[4] * step[6] for step in steps[place + 1 :]), np.zeros((size, size)))
            for r in range(size):
                if not y[r]:
                    continue
                ratio = (1 - pool) / after[r] if after[r] > 0 else 0.0
                a, b = k[:, r] + (1 - ratio) * to_come[:, r], -ratio * to_come[:, r]
                n, m = d.sum(), before[r] * h.sum()
                tied = 1 - (n - 1) / max(m - 1, n - 1) if n > 1 else 1.0
                covariance += np.outer(a, a) * rise * tied / h[r]
                tied = 1 - (e[r] - 1) / (y[r] - 1) if e[r] > 1 else 1.0
                covariance += np.outer(b, b) * before[r] * e[r] / y[r] * tied / h[r]
    return score, covariance


@st.composite
def outcomes(draw):
    n = draw(st.integers(6, 24))

    def row(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    group = row(st.integers(0, 2))
    group[:3] = [0, 1, 2]
    event = row(st.sampled_from([0, 1, 1, 2, 3]))
    event[-1] = 1
    return row(st.integers(1, 8)).astype(float), event, group, row(st.integers(0, 1))


@given(data=outcomes(), rho=st.sampled_from([0.0, 1.0, 2.0]))
@settings(max_examples=80, deadline=None)
def test_score_and_covariance_are_their_definitions(data, rho):
    time, event, group, strata = data
    codes = np.unique(strata, return_inverse=True)[1]
    found = gray_score(rank_times(time), event, 1, group, strata=codes, rho=rho)
    if found.beyond:
        return
    score, covariance = plain_score(time, event, 1, group, codes, rho)
    np.testing.assert_allclose(found.observed - found.expected, score, atol=1e-10)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-10)
    np.testing.assert_allclose(covariance.sum(axis=0), 0, atol=1e-10)


def test_without_other_causes_the_score_is_that_of_the_log_rank_test():
    data = people("made").query("event < 2")
    found = gray_test(data, "time", "event", "group")
    expected = np.zeros(3)
    for t in sorted(data.loc[data["event"] == 1, "time"].unique()):
        there = data[data["time"] >= t]
        share = np.array([(there["group"] == label).mean() for label in "abc"])
        expected += share * ((data["time"] == t) & (data["event"] == 1)).sum()
    np.testing.assert_allclose(found.expected, expected, rtol=1e-10)
    assert found.observed.tolist() == list(found.n_events)


@given(seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_row_order_time_unit_and_names_of_groups_change_nothing(seed):
    data = people("made").sample(120, random_state=seed)
    whole = gray_test(data, "time", "event", "group", strata="zone", rho=1)
    other = data.sample(frac=1, random_state=seed + 1)
    other = other.assign(time=other["time"] / 7, group=other["group"].map({"a": "z", "b": "y", "c": "x"}))
    found = gray_test(other, "time", "event", "group", strata="zone", rho=1)
    assert found.statistic == pytest.approx(whole.statistic, rel=1e-9)
    np.testing.assert_allclose(found.expected[::-1], whole.expected, rtol=1e-9)
    merged = data.assign(event=data["event"].replace(3, 2))
    both = [gray_test(frame, "time", "event", "group").statistic for frame in (merged, data)]
    assert both[0] == pytest.approx(both[1], rel=1e-12)


def test_samples_that_break_things():
    data = people("made")
    with pytest.raises(InputError, match="has only one group"):
        gray_test(data[data["group"] == "a"], "time", "event", "group")
    with pytest.raises(InputError, match="has no event of cause 1"):
        gray_test(data.assign(event=0), "time", "event", "group", causes=("again",))
    with pytest.raises(InputError, match="no two groups at risk together"):
        gray_test(data, "time", "event", "group", strata="group")
    apart = pd.DataFrame({"days": [1, 1, 5, 6], "what": [0, 0, 1, 1], "arm": list("aabb")})
    with pytest.raises(InputError, match="no two groups at risk together"):
        gray_test(apart, "days", "what", "arm")
    three = pd.DataFrame({"days": [1, 1, 5, 6, 7, 8, 9, 9], "what": [0, 0, 1, 1, 1, 1, 0, 0], "arm": list("aabbbccc")})
    found = gray_test(three, "days", "what", "arm")
    assert found.df == 1
    assert "1 of 2 comparisons can be made" in found.notes[-1]
    pair = pd.DataFrame({"days": [3, 5], "what": [1, 2], "arm": ["a", "b"]})
    assert gray_test(pair, "days", "what", "arm").statistic == pytest.approx(1)
    tied = pd.DataFrame({"days": [4.0] * 6, "what": [1, 1, 1, 2, 1, 0], "arm": list("aaabbb")})
    assert np.isfinite(gray_test(tied, "days", "what", "arm").statistic)
    far = pd.DataFrame({"days": np.r_[np.ones(9), 2:11, 2:11], "what": 1, "arm": np.repeat(list("abc"), 9)})
    with pytest.raises(InputError, match="pooled incidence passes 1"):
        gray_test(far, "days", "what", "arm")


def test_what_is_not_supported_says_so():
    data = people("made")
    design = Design(data, "prior", data["w"], None, "ATT", (), "Made by hand", pd.DataFrame())
    for call, message in [
        (lambda: gray_test(design, "time", "event", "group"), "takes no Design.*fine_gray"),
        (lambda: gray_test(data, "time", "event", "group", entry="late"), "takes no entry.*cox"),
        (lambda: gray_test(data, "time", "event", "group", rho=np.nan), "rho must be a finite number"),
        (lambda: gray_test(data, "time", "event", "group", cause=7), "cause must be one of 1, 2, 3, not 7"),
        (lambda: gray_test(data, "time", "event", "group", cause="again"), "cause must be one of"),
        (lambda: gray_test(data.assign(event=9), "time", "event", "group"), "some code from 1 to 9"),
        (lambda: gray_test(data, "time", "event", "arm"), "column arm: is not in the data"),
        (lambda: gray_test(data.assign(time=-1), "time", "event", "group"), "is below 0"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_result_keeps_the_contract():
    data = people("made")
    causes = ("again", "recall", "death")
    found = gray_test(data, "time", "event", "group", cause="recall", causes=causes, strata="zone", rho=1)
    assert isinstance(found, Result)
    assert isinstance(found.test, Test)
    assert found.test.tidy()["statistic"].item() == found.statistic
    assert repr(found).startswith("Gray's test of recall; 3 strata of zone; rho = 1: statistic ")
    assert found.statistic == gray_test(data, "time", "event", "group", cause=2, strata="zone", rho=1).statistic
    assert found.tidy()["n"].tolist() == [80, 80, 80]
    gone = data.assign(group=data["group"].where(data["row"] > 3), time=data["time"].where(data["group"] != "b"))
    left = gray_test(gone, "time", "event", "group")
    assert left.labels == ("a", "c")
    assert "Group b: no row has every value needed." in left.notes
