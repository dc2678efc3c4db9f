"""What every method of the room keeps: the order of rows, a Design, missing values, tables, notes and words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from impact import survival
from impact.design import Design
from impact.errors import InputError
from impact.results import Result

NAMES = ("again", "recall", "death")
HISTORY = ("who", "from", "days", "event")
CALLS: dict[str, Callable] = {
    "cox": lambda data: survival.cox(data, "days", "event", ["x", "site"], entry="from"),
    "cox of a cause": lambda data: survival.cox(data, "days", "outcome", ["x"], cause="recall", causes=NAMES),
    "cox with a penalty": lambda data: survival.cox(data, "days", "event", ["x"], penalty="firth"),
    "cumulative_incidence": lambda data: survival.cumulative_incidence(data, "days", "outcome", by="z"),
    "fine_gray": lambda data: survival.fine_gray(data, "days", "outcome", ["x", "z"], cause=2),
    "gray_test": lambda data: survival.gray_test(data, "days", "outcome", "z", causes=NAMES),
    "hazard": lambda data: survival.hazard(data, "days", "event", by="z", bandwidth=5),
    "kaplan_meier": lambda data: survival.kaplan_meier(data, "days", "event", by="site", entry="from"),
    "logrank": lambda data: survival.logrank(data, "days", "event", "site"),
    "mean_cumulative": lambda data: survival.mean_cumulative(data, *HISTORY, by="z"),
    "nelson_aalen": lambda data: survival.nelson_aalen(data, "days", "event", by="z"),
    "parametric": lambda data: survival.parametric(data, "days", "event", ["x"], family="weibull"),
    "piecewise_hazard": lambda data: survival.piecewise_hazard(data, "days", "event", [6, 12], by="z"),
    "recurrent": lambda data: survival.recurrent(data, *HISTORY, model="pwp-total"),
    "reoffending_rate": lambda data: survival.reoffending_rate(data, by="z"),
    "rmst": lambda data: survival.rmst(data, "days", "event", 15, by="z"),
    "rmtl": lambda data: survival.rmtl(data, "days", "outcome", 15, cause="recall", causes=NAMES, by="z"),
    "split_population": lambda data: survival.split_population(data, "days", "event", family="exponential"),
}
WITHOUT_DESIGN = {
    "cox with a penalty": "Fit without it",
    "gray_test": "fine_gray",
    "reoffending_rate": r"compare\(\) and kaplan_meier\(\)",
}
WITHOUT_FIGURE = {"recurrent", "reoffending_rate"}
every = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def data(made) -> pd.DataFrame:
    people = made(11, 240)
    rng = np.random.default_rng(12)
    people["x"] = rng.normal(size=240)
    people["site"] = rng.choice(["north", "south"], 240)
    people["who"] = [f"P{987_000 + place}" for place in range(240)]
    return people.assign(reoffended=people["event"], reoffences=people["event"], complete=True)


def close(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, rtol=1e-7, atol=1e-9, check_dtype=False)


def test_no_method_is_forgotten():
    assert {name.split()[0] for name in CALLS} == set(survival.__all__)


@every
def test_the_order_and_the_names_of_rows_change_nothing(name, data):
    plain = CALLS[name](data)
    shuffled = data.sample(frac=1, random_state=3)
    for other in (shuffled, shuffled.reset_index(drop=True), shuffled.set_index("who", drop=False)):
        found = CALLS[name](other)
        close(found.tidy(), plain.tidy())
        assert found.notes == plain.notes


@every
def test_the_data_given_are_left_as_they_were(name, data):
    before = data.copy()
    CALLS[name](data)
    pd.testing.assert_frame_equal(data, before)


@every
def test_a_design_is_honoured_or_refused_with_what_to_do_instead(name, data):
    weights = data["k"].astype(float)
    design = Design(data, "z", weights, None, "ATT", (), "Made by hand", pd.DataFrame())
    if name in WITHOUT_DESIGN:
        with pytest.raises(InputError, match=WITHOUT_DESIGN[name]):
            CALLS[name](design)
        return
    found, in_sets = CALLS[name](design), CALLS[name](dataclasses.replace(design, sets=data["pair"]))
    if name == "recurrent":
        assert found.data[found.arguments["weights"]].tolist() == weights.tolist()
        assert found.arguments["cluster"] == "who"
        assert in_sets.arguments["cluster"] == "matched_set"
        return
    plain = CALLS[name](data)
    even = CALLS[name](dataclasses.replace(design, weights=weights * 0 + 1))
    columns = ["observed", "expected"] if name == "logrank" else ["estimate"]
    close(even.tidy()[columns], plain.tidy()[columns])
    assert not np.allclose(found.tidy()[columns], plain.tidy()[columns], equal_nan=True)
    close(in_sets.tidy()[columns], found.tidy()[columns])
    assert repr(in_sets) != repr(found)


@every
def test_a_missing_value_is_left_out_and_counted(name, data):
    gaps = data.astype({"event": float, "outcome": float})
    gaps.loc[[5, 9], ["event", "outcome"]] = np.nan
    if name == "reoffending_rate":
        gaps.loc[5, "reoffended"] = np.nan
        with pytest.raises(InputError, match="reoffended: is missing although the window is complete"):
            CALLS[name](gaps)
        return
    found = CALLS[name](gaps)
    column = (
        "outcome" if name in ("cox of a cause", "cumulative_incidence", "fine_gray", "gray_test", "rmtl") else "event"
    )
    assert found.notes[0] == f"2 of 240 rows left out: {column} is missing (2)."
    assert found.notes[0] in repr(found)
    close(found.tidy(), CALLS[name](data.drop([5, 9])).tidy())


@every
def test_every_fault_of_the_columns_is_raised_at_once(name, data):
    if name == "reoffending_rate":
        with pytest.raises(InputError) as caught:
            CALLS[name](data.drop(columns=["complete", "z"]))
        assert {fault.column for fault in caught.value.faults} >= {"complete", "z"}
        return
    with pytest.raises(InputError) as caught:
        CALLS[name](data.assign(days=-4321.5, event="no", outcome=-1))
    assert len({fault.column for fault in caught.value.faults}) >= 2
    assert "4321" not in str(caught.value)


@every
def test_tables_notes_and_words(name, data):
    found, again = CALLS[name](data), CALLS[name](data.copy())
    assert isinstance(found, Result)
    assert isinstance(found.notes, tuple)
    assert all(isinstance(note, str) and note.endswith(".") for note in found.notes)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.notes = ()

    table = found.tidy()
    assert len(table)
    assert table.index.equals(pd.RangeIndex(len(table)))
    table.iloc[:, -1] = 0
    close(found.tidy(), again.tidy())

    words = repr(found)
    assert words == repr(again)
    assert len(words.splitlines()) < 20
    assert max(len(line) for line in words.splitlines() if not line.startswith("Note")) < 140
    assert not any(part in words for part in ("0x", "P987", "DataFrame"))


@every
def test_a_figure_is_drawn_on_the_axes_given(name, data):
    if name in WITHOUT_FIGURE:
        assert not hasattr(CALLS[name](data), "plot")
        return
    axes = plt.subplots()[1]
    try:
        assert CALLS[name](data).plot(ax=axes) is axes
        axes.figure.canvas.draw()
    finally:
        plt.close("all")
