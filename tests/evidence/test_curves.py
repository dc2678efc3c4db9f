"""Coarsened curves: no small step, no thin tail, no date of a person."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.errors import InputError
from impact.evidence import coarsen_curve
from impact.survival import cumulative_incidence


def curve(durations: list[int], events: list[int], group: str = "all") -> pd.DataFrame:
    """Kaplan-Meier by hand: the product over distinct days of 1 less events over people at risk."""
    time, event = np.asarray(durations, dtype=float), np.asarray(events)
    days = np.unique(time)
    n_risk = np.array([(time >= day).sum() for day in days])
    n_event = np.array([event[time == day].sum() for day in days])
    estimate = np.cumprod(1 - n_event / n_risk)
    low, high = np.clip(estimate - 0.1, 0, 1), np.clip(estimate + 0.1, 0, 1)
    columns = {"time": days, "n_risk": n_risk, "n_event": n_event, "estimate": estimate}
    return pd.DataFrame({"group": group, **columns, "conf_low": low, "conf_high": high})


people = st.lists(st.tuples(st.integers(0, 364), st.booleans(), st.booleans()), min_size=1, max_size=120)


@given(people, st.sampled_from([None, 5]))
def test_every_step_holds_enough_events_and_enough_people(
    rows: list[tuple[int, bool, bool]], events_asked: int | None
) -> None:
    durations = [day if left else 365 for day, left, _ in rows]
    events = [int(left and event) for _, left, event in rows]
    tidy = curve(durations, events)
    table = coarsen_curve(tidy, events=events_asked).table
    time, event = np.array(durations), np.array(events)
    grid = table["time"].to_numpy()
    assert all(day % 30 == 0 or ((time >= day).sum() >= 10 and day == time.max()) for day in grid)
    for start, end in itertools.pairwise(grid):
        assert event[(time > start) & (time <= end)].sum() >= (events_asked or 10)
    for day, shown, estimate in table[["time", "n_risk", "estimate"]].to_numpy():
        assert (time >= day).sum() >= 10
        assert abs((time >= day).sum() - shown) <= 2
        true = tidy.loc[(tidy["time"] <= day) & (day > 0), "estimate"]
        assert estimate == pytest.approx(true.iloc[-1] if len(true) else 1, abs=0.00501)


def test_hand_case_by_group() -> None:
    one = curve([*range(10, 130, 10), *[365] * 28], [1] * 12 + [0] * 28, "one")
    two = curve([50, 60, *[365] * 20], [1, 1, *[0] * 20], "two")
    result = coarsen_curve(pd.concat([one, two]), events=5)
    assert result.table["time"].tolist() == [0, 60, 365]
    assert result.table["n_risk"].tolist() == [40, 35, 30]
    assert result.table["estimate"].tolist() == [1.0, 0.85, 0.7]
    assert result.tidy()["status"].tolist() == ["shown", "withheld"]
    assert any("Too few events to show a curve: two" in note for note in result.notes)


def test_row_order_does_not_matter_and_thin_curves_give_no_rows() -> None:
    tidy = curve([*range(10, 130, 10), *[365] * 28], [1] * 12 + [0] * 28)
    pd.testing.assert_frame_equal(coarsen_curve(tidy.iloc[::-1]).table, coarsen_curve(tidy).table)
    assert coarsen_curve(curve([10, 20, 30], [1, 1, 1]).drop(columns="group")).table.empty
    finer = coarsen_curve(tidy, step=10, events=1, minimum=1).table
    assert len(finer) > len(coarsen_curve(tidy).table)


def test_incidence_rises_from_nothing_and_each_cause_counts_its_own_events() -> None:
    rng = np.random.default_rng(5)
    people = pd.DataFrame({"days": rng.integers(1, 365, 200), "what": rng.choice([0, 1, 2], 200, p=[0.5, 0.45, 0.05])})
    people["arm"] = rng.choice(["took part", "comparison"], 200)
    tidy = cumulative_incidence(people, "days", "what", by="arm", causes=("reoffence", "death")).tidy()
    result = coarsen_curve(tidy)
    assert set(result.table["cause"]) == {"reoffence"}, "too few died"
    assert list(result.table.columns[:3]) == ["group", "cause", "time"]
    for (arm, cause), part in result.table.groupby(["group", "cause"]):
        true = tidy[(tidy["group"] == arm) & (tidy["cause"] == cause)]
        assert part["estimate"].iloc[0] == 0
        for start, end in itertools.pairwise(part["time"]):
            assert true.loc[true["time"].between(start, end, inclusive="right"), "n_event"].sum() >= 10
        at = true.loc[true["time"] <= part["time"].iloc[-1], "estimate"].iloc[-1]
        assert part["estimate"].iloc[-1] == pytest.approx(at, abs=0.00501)
    assert result.tidy().loc[result.tidy()["status"] == "withheld", "row"].tolist() == [
        f"{arm}, death" for arm in dict.fromkeys(tidy["group"])
    ]


def test_faults_are_named() -> None:
    with pytest.raises(InputError, match="n_event"):
        coarsen_curve(curve([10], [1]).drop(columns="n_event"))
    with pytest.raises(InputError, match="missing time"):
        coarsen_curve(curve([10, 20], [1, 1]).assign(n_event=[1, np.nan]))
    for name in ("step", "minimum", "events"):
        with pytest.raises(InputError, match="must be 1 or more"):
            coarsen_curve(curve([10], [1]), **{name: 0})


def test_what_happened_on_the_first_day_is_no_step_of_its_own() -> None:
    """Three events on day 0 would stand alone, as the fall from 1, were day 0 read after them."""
    tidy = curve([*[0] * 3, *[20] * 7, *[50] * 10, *[365] * 40], [1] * 20 + [0] * 40)
    table = coarsen_curve(tidy).table
    assert table["time"].tolist() == [0, 30, 365]
    assert table["estimate"].tolist() == [1.0, 0.83, 0.67]
    assert table["conf_low"].tolist()[0] == 1.0


@given(
    st.lists(st.tuples(st.integers(0, 364), st.booleans()), min_size=20, max_size=120),
    st.sampled_from([10, 5]),
)
def test_no_step_can_be_read_as_a_small_number_of_events(rows: list[tuple[int, bool]], least: int) -> None:
    """A reader who knows that everyone is followed to the end turns each step of the curve into a number of people."""
    durations = [day if event else 365 for day, event in rows]
    table = coarsen_curve(curve(durations, [int(event) for _, event in rows]), events=least).table
    n = len(rows)
    for first, second in itertools.combinations(range(len(table)), 2):
        fall = table["estimate"].iloc[first] - table["estimate"].iloc[second]
        assert n * fall >= least - 0.01 * n - 1e-9, "what a whole per cent hides is all that is missing"
