"""The mean cumulative count: against R, against the definition as loops, and what must not change it."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import InputError
from impact.results import Result
from impact.survival.mean_cumulative import mean_cumulative

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
STORED = pd.read_csv(STORE / "reference_events_mean.csv")
ROWS = ("id", "start", "stop", "event")
CASES = {
    "bladder1": {"by": "rx"},
    "bladder2": {},
    "cgd": {"by": "rx"},
    "cgd_weights": {"by": "rx", "weights": "w"},
    "cgd_gaps": {"by": "rx"},
}


def people(case: str) -> pd.DataFrame:
    frame = pd.read_csv(STORE / f"events_{case.split('_')[0]}.csv")
    return frame[(frame["id"] + frame["enum"]) % 5 != 0] if case == "cgd_gaps" else frame


@pytest.mark.parametrize("case", CASES)
def test_mean_and_robust_error_are_those_of_survfit(case):
    found = mean_cumulative(people(case), *ROWS, **CASES[case]).tidy()
    stored = STORED[STORED["case"] == case]
    assert found["group"].astype(str).tolist() == stored["group"].astype(str).tolist()
    for column in ("time", "n_risk", "n_event", "estimate", "std_error"):
        np.testing.assert_allclose(found[column], stored[column], rtol=1e-10, atol=1e-14)


def plain_mean(rows: pd.DataFrame, w: np.ndarray, at: float) -> float:
    """The mean count at one time by the definition."""
    start, stop, event = (rows[name].to_numpy() for name in ("start", "stop", "event"))
    total = 0.0
    for t in sorted({t for t in stop if t <= at}):
        risk = (start < t) & (t <= stop)
        total += w[stop == t] @ event[stop == t] / w[risk].sum()
    return total


@st.composite
def histories(draw):
    """People with a few rows each, gaps between some, ties and several events on one day."""
    rows = []
    for person in range(draw(st.integers(2, 5))):
        clock = draw(st.integers(0, 2))
        for _ in range(draw(st.integers(1, 3))):
            length = draw(st.integers(1, 3))
            event = draw(st.sampled_from([0, 0, 1, 1, 2]))
            rows.append((person, clock, clock + length, event, draw(st.integers(1, 8)) / 4, draw(st.integers(1, 3))))
            clock += length + draw(st.sampled_from([0, 0, 1]))
    return pd.DataFrame(rows, columns=["id", "start", "stop", "event", "w", "k"])


@given(rows=histories())
@settings(max_examples=60, deadline=None)
def test_mean_and_error_are_their_definitions(rows):
    """The mean differentiated by each person's weight numerically, and squared."""
    found = mean_cumulative(rows, *ROWS, weights="w").tidy()
    w = rows["w"].to_numpy()
    for line in found.itertuples():
        assert line.estimate == pytest.approx(plain_mean(rows, w, line.time), rel=1e-12, abs=1e-14)
        square = 0.0
        for person in rows["id"].unique():
            own = (rows["id"] == person).to_numpy() * w
            up, down = (plain_mean(rows, w + sign * 1e-5 * own, line.time) for sign in (1, -1))
            square += ((up - down) / 2e-5) ** 2
        assert line.std_error == pytest.approx(np.sqrt(square), rel=1e-6, abs=1e-8)


@given(rows=histories(), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_order_unit_cuts_and_copies(rows, seed):
    times = np.unique(rows["stop"])
    whole = mean_cumulative(rows, *ROWS, weights="w")
    shuffled = mean_cumulative(rows.sample(frac=1, random_state=seed), *ROWS, weights="w")
    pd.testing.assert_frame_equal(shuffled.tidy(), whole.tidy(), rtol=1e-9)
    unit = mean_cumulative(rows.assign(start=rows["start"] / 7, stop=rows["stop"] / 7), *ROWS, weights="w")
    columns = ["n_risk", "n_event", "estimate", "std_error"]
    pd.testing.assert_frame_equal(unit.tidy()[columns], whole.tidy()[columns], rtol=1e-9)
    middle = (rows["start"] + rows["stop"]) / 2
    cut = pd.concat([rows.assign(stop=middle, event=0), rows.assign(start=middle)], ignore_index=True)
    pd.testing.assert_frame_equal(mean_cumulative(cut, *ROWS, weights="w").at(times), whole.at(times), rtol=1e-8)
    copies = rows.loc[rows.index.repeat(rows["k"])].reset_index(drop=True)
    copies["id"] = copies["id"].astype(str) + "-" + copies.groupby(["id", "start"]).cumcount().astype(str)
    many = mean_cumulative(copies, *ROWS).tidy()["estimate"]
    np.testing.assert_allclose(mean_cumulative(rows, *ROWS, weights="k").tidy()["estimate"], many, rtol=1e-10)


def test_poisson_processes_have_a_straight_mean_and_their_own_error():
    """A thousand people at one event a hundred days; the robust error is then near that of independent counts."""
    rng = np.random.default_rng(8)
    rows = []
    for person in range(1000):
        end, clock = rng.integers(100, 300), 0.0
        while clock < end:
            wait = rng.exponential(100)
            rows.append((person, clock, min(clock + wait, end), int(clock + wait <= end)))
            clock += wait
    frame = pd.DataFrame(rows, columns=["id", "start", "stop", "event"])
    found = mean_cumulative(frame, *ROWS)
    at = found.at(100).iloc[0]
    assert at["estimate"] == pytest.approx(1, abs=0.1)
    tidy = found.tidy().query("time <= 100")
    assert at["std_error"] == pytest.approx(np.sqrt((tidy["n_event"] / tidy["n_risk"] ** 2).sum()), rel=0.1)


def test_difference_between_groups():
    data = people("cgd")
    found = mean_cumulative(data, *ROWS, by="rx")
    table = found.difference([100, 300])
    at = found.at([100, 300]).set_index(["group", "time"])
    for row in table.itertuples():
        one, zero = (at.loc[(group, row.time)] for group in (1, 0))
        assert row.estimate == pytest.approx(one["estimate"] - zero["estimate"], rel=1e-12)
        assert row.std_error == pytest.approx(np.hypot(one["std_error"], zero["std_error"]), rel=1e-10)
        assert row.statistic == pytest.approx(row.estimate / row.std_error)
    assert table["p_value"].between(0, 1).all()
    other = found.difference(100, versus=1)
    assert other["estimate"].item() == pytest.approx(-table["estimate"][0])
    assert found.difference(1000).isna().loc[0, ["estimate", "std_error", "p_value", "conf_low"]].all()
    assert found.difference(0).loc[0, ["estimate", "std_error"]].tolist() == [0, 0]
    for bad in (lambda: found.difference(9, versus=7), lambda: mean_cumulative(data, *ROWS).difference(9)):
        with pytest.raises(InputError, match="two groups or more"):
            bad()


def test_sets_that_stand_in_both_groups_are_counted_in():
    """The difference, and each curve, differentiated by the weight of each matched set."""
    rng = np.random.default_rng(2)
    data = people("cgd")
    pairs = {person: place // 2 for place, person in enumerate(data["id"].unique())}
    weight = {person: rng.uniform(0.5, 2) for person in pairs}
    data = data.assign(sets=data["id"].map(pairs), weight=data["id"].map(weight))
    data.loc[data["id"] == 7, "weight"] = 0.0
    design = Design(
        data, "rx", data["weight"], data["sets"], "ATT", ("age",), "Made by hand", pd.DataFrame(), ("Caution.",)
    )
    found = mean_cumulative(design, *ROWS, by="rx")
    assert "Caution." in found.notes
    assert "matched sets" in found.method
    assert found.weighted
    kept = data[data["weight"] > 0]
    w, treated = kept["weight"].to_numpy(), (kept["rx"] == 1).to_numpy()

    def means(mass: np.ndarray) -> np.ndarray:
        one, zero = (plain_mean(kept[part], mass[part], 200) for part in (treated, ~treated))
        return np.array([one, zero, one - zero])

    square = np.zeros(3)
    for code in kept["sets"].unique():
        own = (kept["sets"] == code).to_numpy() * w
        square += ((means(w + 1e-5 * own) - means(w - 1e-5 * own)) / 2e-5) ** 2
    at = found.at(200).set_index("group")["std_error"]
    difference = found.difference(200)
    np.testing.assert_allclose([at[1], at[0], difference["std_error"].item()], np.sqrt(square), rtol=1e-6)
    np.testing.assert_allclose(difference["estimate"], means(w)[2], rtol=1e-10)
    alone = Design(data, "rx", data["weight"], None, "ATT", ("age",), "Made by hand", pd.DataFrame())
    by_person = mean_cumulative(kept, *ROWS, by="rx", weights="weight")
    pd.testing.assert_frame_equal(mean_cumulative(alone, *ROWS, by="rx").tidy(), by_person.tidy())
    split = Design(data, "rx", data["weight"], data["enum"], "ATT", ("age",), "Made by hand", pd.DataFrame())
    with pytest.raises(InputError, match="column matched set: changes within a person"):
        mean_cumulative(split, *ROWS)


def test_bad_input_is_named():
    data = people("cgd").reset_index(drop=True)
    late = data.assign(start=data["start"].where(data.index != 1, data["start"] - 1))
    for frame, arguments, message in [
        (late, {}, r"column start: comes before the stop of an earlier row of the same person \(1 row: 2\)"),
        (data.assign(start=data["stop"]), {}, "is at or after the duration"),
        (data.assign(event=0.5), {}, "is not a whole number from 0"),
        (data.assign(event=-1), {}, "is not a whole number from 0"),
        (data, {"by": "enum"}, "column enum: changes within a person"),
        (data, {"by": "arm"}, "column arm: is not in the data"),
        (data.assign(w=-1), {"weights": "w"}, "is below 0"),
        (data.head(3), {}, "All rows used are in one cluster"),
        (data, {"level": 95}, "level must lie between 0 and 1"),
        (data, {"conf_type": "log-log"}, "conf_type must be one of log, plain"),
    ]:
        with pytest.raises(InputError, match=message):
            mean_cumulative(frame, *ROWS, **arguments)
    with pytest.raises(InputError, match="without missing values"):
        mean_cumulative(data, *ROWS).at(np.nan)
    near = data.assign(start=data["start"] / 10, stop=data["stop"] / 10 + 1e-13)
    assert mean_cumulative(near, *ROWS).n == (128,)
    gaps = data.assign(id=data["id"].where(data.index > 1), event=data["event"].where(data.index != 5))
    found = mean_cumulative(gaps, *ROWS)
    assert found.notes == (f"3 of {len(data)} rows left out: event is missing (1); id is missing (2).",)


def test_samples_that_break_things():
    data = people("cgd")
    nothing = mean_cumulative(data.assign(event=0), *ROWS, by="rx")
    assert nothing.notes == ("Group 0: no events.", "Group 1: no events.")
    assert nothing.tidy()["estimate"].eq(0).all()
    assert nothing.tidy()["conf_low"].isna().all()
    one = pd.DataFrame({"id": [1, 2], "start": [0, 0], "stop": [3, 3], "event": [1, 0]})
    found = mean_cumulative(one, *ROWS).tidy()
    assert found["estimate"].tolist() == [0.5]
    assert found["std_error"].item() == pytest.approx(np.sqrt(2) / 4)
    several = mean_cumulative(one.assign(event=[3, 0]), *ROWS)
    assert several.tidy()["estimate"].tolist() == [1.5]
    assert "event is taken as a count" in several.notes[1]
    assert several.n_events == (3,)
    plain = mean_cumulative(one, *ROWS, conf_type="plain").tidy()
    assert plain["conf_low"].item() == 0
    huge = pd.DataFrame({"id": [1, 1, 2], "start": [0, 1, 0], "stop": [1, 1e7, 1e7], "event": [1, 1, 0]})
    np.testing.assert_allclose(mean_cumulative(huge, *ROWS).tidy()["estimate"], [0.5, 1.0])
    heavy = mean_cumulative(huge.assign(w=[1e9, 1e9, 1e-9]), *ROWS, weights="w").tidy()
    np.testing.assert_allclose(heavy["estimate"], [1, 2])


def test_result_keeps_the_contract():
    data = people("bladder1")
    found = mean_cumulative(data, *ROWS, by="rx")
    assert isinstance(found, Result)
    assert repr(found).startswith(
        "Mean cumulative count; 95% log intervals; robust variance, 116 people\nplacebo: n = "
    )
    assert sum(found.n) == data["id"].nunique()
    at = found.at([0, 10.5, 99]).query("group == 'placebo'")
    inside = data[data["rx"] == "placebo"]
    assert at["n_risk"].tolist()[1] == ((inside["start"] < 10.5) & (inside["stop"] >= 10.5)).sum()
    assert at["estimate"].tolist()[0] == 0
    assert np.isnan(at["estimate"].tolist()[2])
    axes = found.plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(found.labels)
    axes.figure.canvas.draw()
    assert not found.plot(at_risk=False).texts
    plt.close("all")
