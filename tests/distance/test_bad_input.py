"""Every method of long readings against every kind of bad input: refused with the row, or said; never another error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from impact import (
    category_change,
    change,
    fixed_lag,
    missing_bounds,
    ordinal_trajectory,
    regression_to_mean,
    reliable_change,
    trajectory,
    unpaired_change,
)
from impact.errors import ConvergenceError, InputError

WAVED = {"person": "who", "wave": "wave", "score": "score"}
TIMED = {"person": "who", "time": "months", "score": "score"}
ENDS = {"low": 0, "high": 20}
METHODS: dict[str, Callable[..., object]] = {
    "change": lambda data, **more: change(data, **WAVED, **ENDS, **more),
    "reliable_change": lambda data, **more: reliable_change(data, reliability=0.8, **WAVED, **ENDS, **more),
    "regression_to_mean": lambda data, **more: regression_to_mean(
        data, reliability=0.8, population_mean=10, **WAVED, **ENDS, **more
    ),
    "missing_bounds": lambda data, **more: missing_bounds(data, imputations=5, **WAVED, **ENDS, **more),
    "unpaired_change": lambda data, **more: unpaired_change(data, **WAVED, **ENDS, **more),
    "fixed_lag": lambda data, **more: fixed_lag(
        data, person="who", date="on", start="start", score="score", **ENDS, **more
    ),
    "trajectory": lambda data, **more: trajectory(data, random="intercept", **TIMED, **ENDS, **more),
    "ordinal_trajectory": lambda data, **more: ordinal_trajectory(data, **TIMED, **ENDS, **more),
    "category_change": lambda data, **more: category_change(data, person="who", wave="wave", category="score", **more),
}
NUMBERS = [name for name in METHODS if name != "category_change"]
PAIRED = ["change", "reliable_change", "regression_to_mean", "missing_bounds", "category_change"]
VERSIONED = [name for name in NUMBERS if name != "category_change"]


def readings(people: int = 12) -> pd.DataFrame:
    """Three whole readings of each of a few people, at days 0, 91 and 150; the last of one is missing."""
    rng = np.random.default_rng(4)
    level = rng.integers(5, 12, people)
    rows = [
        (f"p{who:02d}", wave, day, int(level[who] + wave + rng.integers(-2, 3)))
        for who in range(people)
        for wave, day in ((1, 0), (2, 91), (3, 150))
        if not (who == 3 and wave > 1)
    ]
    frame = pd.DataFrame(rows, columns=["who", "wave", "day", "score"])
    start = pd.Timestamp("2023-01-02")
    return frame.assign(on=start + pd.to_timedelta(frame["day"], "D"), start=start, months=frame["day"] / 30.4375)


def spoilt(column: str, row: int, value: object) -> pd.DataFrame:
    """The readings with one value changed, `row` counted from 1."""
    frame = readings()
    frame[column] = frame[column].astype(object)
    frame.loc[row - 1, column] = value
    return frame


@pytest.mark.parametrize("name", METHODS)
def test_good_readings_are_read(name: str) -> None:
    assert METHODS[name](readings()).notes  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["N/A", "yes", "7/10", "ten", ""])
def test_text_in_a_number_is_refused_with_its_row_and_not_repeated(name: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        METHODS[name](spoilt("score", 5, text))
    (fault,) = caught.value.faults
    assert (fault.column, fault.rows) == ("score", (5,))
    assert not text or f"'{text}'" not in str(fault).replace("text such as 'N/A'", "")


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("score", [-1, 21, np.inf])
def test_scores_beyond_the_scale_are_refused_with_their_row(name: str, score: float) -> None:
    with pytest.raises(InputError) as caught:
        METHODS[name](readings().assign(score=readings()["score"].astype(float).where(readings().index != 4, score)))
    assert {(fault.column, fault.rows) for fault in caught.value.faults} == {("score", (5,))}


@pytest.mark.parametrize("name", METHODS)
def test_two_readings_on_one_day_are_refused_with_both_rows(name: str) -> None:
    data = readings()
    twice = pd.concat([data, data.iloc[[4]].assign(score=9)], ignore_index=True)
    with pytest.raises(InputError) as caught:
        METHODS[name](twice)
    assert {fault.rows for fault in caught.value.faults} == {(5, len(twice))}


@pytest.mark.parametrize("name", PAIRED)
def test_a_second_reading_before_the_first_is_refused_with_its_row(name: str) -> None:
    data = readings()
    data.loc[4, "on"] = pd.Timestamp("2022-12-01")
    with pytest.raises(InputError) as caught:
        METHODS[name](data, date="on")
    (fault,) = caught.value.faults
    assert (fault.column, fault.rows) == ("on", (5,))


@pytest.mark.parametrize("name", VERSIONED)
def test_a_scale_that_changed_version_is_refused_with_its_row(name: str) -> None:
    data = readings()
    plain = METHODS[name](data.assign(form="2021"), version="form")
    assert repr(plain) == repr(METHODS[name](data))
    with pytest.raises(InputError, match="another version") as caught:
        METHODS[name](
            data.assign(form=np.where((data["who"] == "p01") & (data["wave"] > 1), "2022", "2021")), version="form"
        )
    assert all(set(fault.rows) <= {5, 6} for fault in caught.value.faults)


SAID_OF_ONE = {
    "missing_bounds": "no change: 3 (95% interval 1.701 to 4.299; n = 12, 1 missing)",
    "unpaired_change": "12 before, 11 after",
    "fixed_lag": "before only: none later 1",
    "trajectory": "1 of 12 people have one reading",
    "ordinal_trajectory": "1 of 12 people have one reading",
}


@pytest.mark.parametrize("name", METHODS)
def test_one_person_with_one_reading_is_said(name: str) -> None:
    assert SAID_OF_ONE.get(name, "One reading only, so not in the change: score 1 of 12") in repr(
        METHODS[name](readings())
    )


@pytest.mark.parametrize("name", METHODS)
def test_nobody_with_two_readings_gives_no_estimate(name: str) -> None:
    try:
        table = METHODS[name](readings().query("wave == 1")).tidy()  # type: ignore[attr-defined]
    except (InputError, ConvergenceError) as error:
        assert str(error)
        return
    if name == "missing_bounds":
        table = table[~table["assumption"].isin(["no change", "worst case", "best case"])]
    assert table["estimate"].isna().all()


@pytest.mark.parametrize("name", METHODS)
def test_all_equal_scores_give_no_test_of_their_change(name: str) -> None:
    try:
        table = METHODS[name](readings().assign(score=7)).tidy()  # type: ignore[attr-defined]
    except (InputError, ConvergenceError) as error:
        assert "score" in str(error)
        return
    if name == "missing_bounds":
        table = table[~table["assumption"].isin(["worst case", "best case"])]
    if "p_value" in table:
        assert not (table["p_value"] < 1).any()


@pytest.mark.parametrize("shape", [lambda day: 0 * day + 7, lambda day: 2 + day / 50], ids=["level", "line"])
def test_scores_on_a_line_are_refused_in_words(shape: Callable[[pd.Series], pd.Series]) -> None:
    data = readings()
    with pytest.raises((InputError, ConvergenceError), match=r"no course|lies on the curve"):
        trajectory(data.assign(score=shape(data["day"])), **TIMED)
    own = data["who"].str[1:].astype(int)
    with pytest.raises(ConvergenceError, match="own line"):
        trajectory(data.assign(score=own + data["day"] / 50), **TIMED)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("people", [1, 2, 3])
def test_very_few_people_are_analysed_or_refused_in_words(name: str, people: int) -> None:
    try:
        repr(METHODS[name](readings(people)))
    except (InputError, ConvergenceError) as error:
        assert str(error)


@pytest.mark.parametrize("name", METHODS)
def test_missing_scores_are_counted(name: str) -> None:
    found = METHODS[name](spoilt("score", 5, None).infer_objects())
    assert "score" in " ".join(found.notes)  # type: ignore[attr-defined]
