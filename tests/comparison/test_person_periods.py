"""Panels of counts: against counting one by one, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.comparison import count_panel
from impact.errors import InputError

SPAN = {"complete_from": "2020-01-01", "complete_to": "2022-12-31"}


def tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    base = pd.Timestamp("2020-01-01")
    index = base + pd.to_timedelta(rng.integers(30, 1090, 12), "D")
    died = pd.Series(index + pd.to_timedelta(rng.integers(0, 200, 12), "D")).where(rng.uniform(size=12) < 0.4)
    people = pd.DataFrame({"person_id": [f"p{i:02}" for i in range(12)], "index_on": index, "died_on": died})
    people["treated"] = rng.integers(0, 2, 12)
    who = rng.choice(people["person_id"], 200)
    events = pd.DataFrame({"person_id": who, "occurred_on": base + pd.to_timedelta(rng.integers(0, 1096, 200), "D")})
    entered = base + pd.to_timedelta(rng.integers(0, 1000, 20), "D")
    left = pd.Series(entered + pd.to_timedelta(rng.integers(0, 150, 20), "D")).where(rng.uniform(size=20) < 0.8)
    custody = pd.DataFrame({"person_id": rng.choice(people["person_id"], 20), "entered_on": entered, "left_on": left})
    return people, events, custody


@pytest.mark.parametrize("seed", range(4))
def test_counts_and_days_are_those_found_one_by_one(seed: int) -> None:
    people, events, custody = tables(seed)
    found = count_panel(people, events, before=3, after=2, days=30, name="contacts", custody=custody, **SPAN)
    rows = []
    for person in people.itertuples():
        mine = events.loc[events["person_id"] == person.person_id, "occurred_on"]
        held = set()
        for spell in custody[custody["person_id"] == person.person_id].itertuples():
            end = pd.Timestamp("2024-01-01") if pd.isna(spell.left_on) else spell.left_on
            held |= set(pd.date_range(spell.entered_on, end, inclusive="left"))
        for period in range(-3, 3):
            span = pd.date_range(person.index_on + pd.Timedelta(days=30 * period), periods=30)
            known = span[0] >= pd.Timestamp("2020-01-01") and span[-1] <= pd.Timestamp("2022-12-31")
            if known and not (pd.notna(person.died_on) and person.died_on <= span[-1]):
                start = 0.0 if person.treated else np.nan
                free = 30 - len(held & set(span))
                rows.append((person.person_id, period, start, int(mine.isin(span).sum()), free))
    wanted = pd.DataFrame(rows, columns=["person_id", "period", "start", "contacts", "days_at_liberty"])
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_every_fault_is_told_at_once() -> None:
    people, events, custody = tables(0)
    with pytest.raises(InputError) as refused:
        count_panel(people, events, before=0, after=-1, complete_from="1 May", complete_to="2022-12-31", name="period")
    for part in ("before", "after", "complete_from", "cannot be period"):
        assert part in str(refused.value)
    people["treated"] = 2
    events.loc[0, "person_id"] = "nobody"
    custody["left_on"] = custody["entered_on"] - pd.Timedelta(days=1)
    with pytest.raises(InputError) as refused:
        count_panel(people, events, before=1, after=1, custody=custody, **SPAN)
    for part in ("is not 0 or 1", "no index date", "before the spell started"):
        assert part in str(refused.value)


def test_the_edges_of_the_records_and_of_a_life_are_to_the_day() -> None:
    day = pd.Timestamp("2022-03-01")
    people = pd.DataFrame({"person_id": ["a", "b", "c"], "index_on": day, "treated": 1})
    people["died_on"] = [pd.NaT, day + pd.Timedelta(days=9), day + pd.Timedelta(days=10)]
    none = pd.DataFrame({"person_id": ["a"], "occurred_on": [day]})
    window = {"before": 1, "after": 0, "days": 10}
    exact = {"complete_from": day - pd.Timedelta(days=10), "complete_to": day + pd.Timedelta(days=9)}
    found = count_panel(people, none, **window, **exact)
    assert found.groupby("person_id")["period"].apply(list).to_dict() == {"a": [-1, 0], "b": [-1], "c": [-1, 0]}
    short = {"complete_from": day - pd.Timedelta(days=9), "complete_to": day + pd.Timedelta(days=8)}
    assert count_panel(people, none, **window, **short).empty
