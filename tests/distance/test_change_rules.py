"""Which two readings are compared: rules, dates, versions, groups; the sign-flip test; readings that are refused."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from impact.distance import change
from impact.distance.permutation import sign_flip
from impact.errors import InputError


@pytest.fixture
def readings() -> pd.DataFrame:
    """Three people: readings in waves 1, 2 and 3; 1 and 3; 2 only."""
    data = pd.DataFrame(
        {"who": list("aaabbc"), "wave": [1, 2, 3, 1, 3, 2], "score": [2.0, 5, 9, 4, 3, 7], "version": ["one"] * 6}
    )
    data["on"] = pd.to_datetime(["2023-01-01", "2023-02-01", "2023-07-01", "2023-01-15", "2023-02-01", "2023-03-01"])
    return data.assign(site=["x", "x", "x", "y", "y", "y"])


def of(data: pd.DataFrame, **more: object):
    """`change` with the columns of these tests."""
    return change(data, person="who", wave="wave", score="score", **more)  # type: ignore[arg-type]


def test_any_two_readings_by_rule(readings: pd.DataFrame) -> None:
    assert of(readings).pairs["change"].tolist() == [7, -1]
    assert of(readings, after="second").pairs["change"].tolist() == [3, -1]
    assert of(readings, before=1, after=2).pairs["change"].tolist() == [3]
    late = of(readings, before=2, after=3)
    assert late.pairs["change"].tolist() == [4]
    assert late.tidy()["n_first"].tolist() == [2]
    assert any("1 with readings, but none that is the wave 2" in note for note in late.notes)


def test_a_minimum_interval_counts_those_without_as_having_none(readings: pd.DataFrame) -> None:
    result = of(readings, date="on", minimum_days=30)
    assert result.pairs["change"].tolist() == [7]
    assert result.pairs["days"].tolist() == [181]
    assert result.tidy()["n_first_only"].tolist() == [2]
    with pytest.raises(InputError, match="minimum_days is given"):
        of(readings, minimum_days=30)


def test_groups_are_analysed_by_themselves(readings: pd.DataFrame) -> None:
    table = of(readings, group="site").tidy()
    assert table[["group", "n", "estimate"]].values.tolist() == [["x", 1, 7.0], ["y", 1, -1.0]]


def test_a_threshold_and_its_words(readings: pd.DataFrame) -> None:
    result = of(readings, threshold=3)
    assert result.tidy()[["improved", "unchanged", "declined"]].values.tolist() == [[1, 1, 0]]
    assert any("changes of 3 points or more, as asked for" in note for note in result.notes)


def test_versions_days_and_dates_that_contradict_are_refused_with_their_rows(readings: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"another version .*\(1 row: 3\)"):
        of(readings.assign(version=["one", "one", "two", "one", "one", "two"]), version="version")
    backwards = readings.assign(on=readings["on"].where(readings.index != 2, pd.Timestamp("2022-01-01")))
    with pytest.raises(InputError, match=r"before the reading of the wave before \(1 row: 3\)"):
        of(backwards, date="on")
    same = readings.assign(on=readings["on"].where(readings.index != 1, pd.Timestamp("2023-01-01")))
    with pytest.raises(InputError, match=r"is the day of the reading of the wave before \(1 row: 2\)"):
        of(same, date="on")
    for text in ("none given", "yes", "7/10"):
        scores = readings["score"].astype(object).where(readings.index != 3, text)
        with pytest.raises(InputError, match=r"not a number \(1 row: 4\)") as caught:
            of(readings.assign(score=scores))
        assert text not in str(caught.value)
    with pytest.raises(InputError, match="the same reading"):
        of(readings, before=2, after=2)
    with pytest.raises(InputError, match="later wave"):
        of(readings, before=3, after=2)
    with pytest.raises(InputError, match="has no wave 9"):
        of(readings, after=9)


@settings(max_examples=60)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_exact_sign_flips_are_the_enumeration(changes: list[int]) -> None:
    values = np.array(changes, dtype=float)
    found = sign_flip(values, 2_000, 1)
    if not values.any():
        assert np.isnan(found.p_value)
        return
    sums = [abs(values @ signs) for signs in itertools.product((-1, 1), repeat=len(values))]
    assert found.p_value == pytest.approx(np.mean(np.array(sums) >= abs(values.sum()) - 1e-9), abs=1e-12)


@pytest.mark.parametrize("decimals", [0, 6], ids=["few sizes of change", "every size its own"])
def test_drawn_sign_flips_come_near_the_normal_test_and_repeat(decimals: int) -> None:
    changes = np.round(np.random.default_rng(5).normal(0.2, 1.6, 400), decimals)
    found = sign_flip(changes, 20_000, 1)
    between = 1.0 if decimals == 0 else 0.0
    z = (abs(changes.sum()) - between) / np.sqrt((changes**2).sum())
    assert found.p_value == pytest.approx(2 * stats.norm.sf(z), abs=0.006), "sums of whole changes lie 2 apart"
    assert sign_flip(changes[::-1].copy(), 20_000, 1) == found
    assert 0 < sign_flip(np.full(60, 1.0), 99, 1).p_value <= 0.01


def test_people_are_drawn_by_what_became_of_them(readings: pd.DataFrame) -> None:
    ax = of(readings).plot(kind="people")
    assert {label.split(" (")[0] for label in ax.get_legend_handles_labels()[1]} == {
        "improved",
        "unchanged",
        "declined",
        "mean",
    }
    ax.figure.clf()
