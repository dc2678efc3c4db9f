"""Change at a fixed lag: the nearest reading by brute force, what falls outside, and starts that contradict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.distance import fixed_lag
from impact.errors import InputError

START = pd.Timestamp("2023-01-01")


def readings(days: dict[str, list[int]]) -> pd.DataFrame:
    """A reading on each of these days from the start; the score tells the day."""
    rows = [(who, START + pd.Timedelta(days=day), day / 10) for who, each in days.items() for day in each]
    return pd.DataFrame(rows, columns=["who", "on", "score"]).assign(start=START)


def of(data: pd.DataFrame, **more: object):
    """`fixed_lag` with the columns of these tests."""
    return fixed_lag(data, person="who", date="on", start="start", score="score", **more)  # type: ignore[arg-type]


def test_each_outcome_once() -> None:
    result = of(
        readings(
            {"a": [0, 91], "b": [5], "c": [0, 50], "d": [0, 200], "e": [0, 40, 130], "f": [45, 91], "g": [-20, 61]}
        )
    )
    assert result.window["n"].tolist() == [2, 1, 1, 1, 1, 1]
    assert result.change.pairs[["before", "after"]].to_numpy().tolist() == [[0, 9.1], [-2.0, 6.1]]
    assert result.tidy()["n_first_only"].tolist() == [4]
    assert "no reading at the start 1" in repr(result)


def test_the_nearest_counts_and_of_two_as_near_the_earlier() -> None:
    result = of(readings({"a": [-4, 4, 7, 81, 101]}))
    assert result.change.pairs[["before", "after"]].to_numpy().tolist() == [[-0.4, 8.1]]


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(-40, 160), min_size=1, max_size=5, unique=True), min_size=1, max_size=6))
def test_pairs_are_those_of_brute_force(each: list[list[int]]) -> None:
    expected = []
    for days in each:
        firsts = sorted((abs(day), day) for day in days if abs(day) <= 30)
        lasts = sorted((abs(day - 91), day) for day in days if abs(day - 91) <= 30)
        if firsts and lasts:
            expected.append([firsts[0][1] / 10, lasts[0][1] / 10])
    data = readings({f"p{place}": days for place, days in enumerate(each)})
    if not any(abs(day) <= 30 for days in each for day in days):
        with pytest.raises(InputError, match="Nobody has a reading within 30 days"):
            of(data)
        return
    shuffled = data.sample(frac=1, random_state=1)
    assert of(shuffled).change.pairs[["before", "after"]].to_numpy().tolist() == expected


def test_faults_are_refused() -> None:
    data = readings({"a": [0, 91], "b": [0, 80]})
    with pytest.raises(InputError, match=r"differs between rows of one person \(1 row: 2\)"):
        of(data.assign(start=[START, START + pd.Timedelta(days=1), START, START]))
    with pytest.raises(InputError, match="two readings of one person on one day"):
        of(pd.concat([data, data.iloc[:1]]))
    with pytest.raises(InputError, match="both before and after"):
        of(data, lag=50)
    with pytest.raises(InputError, match="within must be"):
        of(data, within=-1)
    with pytest.raises(InputError, match="not a date"):
        of(data.assign(on="January"))


def test_missing_starts_are_counted() -> None:
    data = readings({"a": [0, 91], "b": [0, 80]})
    result = of(data.assign(start=data["start"].where(data["who"] != "b")))
    assert result.notes[0] == "2 of 4 rows left out: start is missing (2)."
    assert np.isnan(result.tidy()["p_value"].iloc[0])
