"""The emulated trial against a slow search day by day, the Cox model of the library, and a world with no effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from impact.comparison import compare, emulated_trial, running_count
from impact.comparison.riskset_matching import chains, start_hazard
from impact.errors import InputError
from impact.survival import cox, kaplan_meier

ZERO = pd.Timestamp("2022-01-01")
LAST = 60


def on(days) -> pd.Series:
    """Dates so many days after the first of 2022, missing for NaN."""
    return pd.Series(ZERO + pd.to_timedelta(pd.Series(days, dtype=float), unit="D"))


def world(seed: int, n: int = 40) -> dict[str, pd.DataFrame]:
    """People with everything that can happen to them, in few days and few values so that ties are common."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, 10, n).astype(float)
    start = np.where(rng.random(n) < 0.4, index + rng.integers(-2, 30, n), np.nan)
    died = np.where(rng.random(n) < 0.15, index + rng.integers(0, 50, n), np.nan)
    start = np.where(start > np.where(np.isnan(died), np.inf, died), np.nan, start)
    start[0], died[0] = index[0] + 3, np.nan
    people = pd.DataFrame(
        {
            "person_id": [f"P{number:03d}" for number in rng.permutation(n)],
            "index_on": on(index),
            "treated_on": on(start),
            "died_on": on(died),
            "risk": rng.integers(0, 5, n).astype(float),
            "sex": rng.choice(["female", "male"], n),
        }
    )
    who = rng.integers(0, n, n)
    entered = rng.integers(0, 50, n).astype(float)
    length = np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 15, n))
    custody = pd.DataFrame(
        {"person_id": people["person_id"].to_numpy()[who], "entered_on": on(entered), "left_on": on(entered + length)}
    )
    who = rng.integers(0, n, n // 2)
    events = pd.DataFrame(
        {"person_id": people["person_id"].to_numpy()[who], "occurred_on": on(rng.integers(0, 60, n // 2))}
    )
    who = rng.integers(0, n, n)
    history = pd.DataFrame(
        {
            "person_id": people["person_id"].to_numpy()[who],
            "from_on": on(rng.integers(0, 50, n)),
            "risk": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 5, n)),
        }
    ).drop_duplicates(["person_id", "from_on"])
    return {"people": people, "custody": custody, "events": events, "history": history}


def slow_sets(tables: dict[str, pd.DataFrame], ratio: int, reach: float) -> dict[str, list[str]]:
    """Day by day, person by person."""
    people = tables["people"].set_index("person_id")
    end = ZERO + pd.Timedelta(days=LAST)

    def risk(person: str, day: pd.Timestamp) -> float:
        rows = tables["history"]
        rows = rows[(rows["person_id"] == person) & (rows["from_on"] <= day)].sort_values("from_on")
        return float(rows["risk"].iloc[-1]) if len(rows) else float(people.loc[person, "risk"])

    def fit(person: str, day: pd.Timestamp) -> bool:
        row = people.loc[person]
        spells = tables["custody"][tables["custody"]["person_id"] == person]
        inside = ((spells["entered_on"] <= day) & ~(spells["left_on"] <= day)).any()
        mine = tables["events"]
        mine = mine[(mine["person_id"] == person) & (mine["occurred_on"] > row["index_on"])]
        again = (mine["occurred_on"] <= day).any()
        return not (inside or again or row["died_on"] <= day or day >= end or day < row["index_on"])

    since = (people["treated_on"] - people["index_on"]).dt.days
    starters = [
        person
        for person in people.index[since >= 0]
        if fit(person, people.loc[person, "treated_on"])
        and not np.isnan(risk(person, people.loc[person, "treated_on"]))
    ]
    taken: set[str] = set()
    sets: dict[str, list[str]] = {person: [] for person in starters}
    for wait in sorted(set(since[starters])):
        here = [person for person in starters if since[person] == wait]
        here.sort(key=lambda person: (-risk(person, people.loc[person, "treated_on"]), person))
        going = list(here)
        for _ in range(ratio):
            for person in list(going):
                mine = risk(person, people.loc[person, "treated_on"])
                able = []
                for other in people.index:
                    day = people.loc[other, "index_on"] + pd.Timedelta(days=wait)
                    free = other not in taken and not (since[other] <= wait)
                    same = people.loc[other, "sex"] == people.loc[person, "sex"]
                    if free and same and fit(other, day) and abs(risk(other, day) - mine) <= reach:
                        able.append((abs(risk(other, day) - mine), risk(other, day), other))
                if able:
                    taken.add(min(able)[2])
                    sets[person].append(min(able)[2])
                else:
                    going.remove(person)
    return {person: partners for person, partners in sets.items() if partners}


def found_sets(trial) -> dict[str, list[str]]:
    kept = trial.data[trial.weights > 0]
    sets = {}
    for _, part in kept.groupby("matched_set"):
        sets[part.loc[part["treated"] == 1, "person_id"].iloc[0]] = part.loc[part["treated"] == 0, "person_id"].tolist()
    return sets


ASKED = {
    "covariates": "risk",
    "score": "risk",
    "exact": "sex",
    "complete_to": ZERO + pd.Timedelta(days=LAST),
    "later_treated": "censor",
}


@limits(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_sets_are_those_of_a_search_day_by_day(seed, ratio):
    tables = world(seed)
    expected = slow_sets(tables, ratio, np.inf)
    if not expected:
        return
    trial = emulated_trial(**tables, **ASKED, ratio=ratio)
    assert found_sets(trial) == expected
    kept = trial.data[trial.weights > 0]
    assert not kept.loc[kept["treated"] == 0, "person_id"].duplicated().any()
    assert trial.weights[kept.index][kept["treated"] == 0].sum() == pytest.approx(len(expected))
    assert (kept["censored_on"].isna() | (kept["censored_on"] > kept["index_on"])).all()
    given_row, matched = trial.flow.iloc[0], trial.flow.iloc[-1]
    left = trial.flow.iloc[1:-1]
    for side in ("treated", "comparison"):
        assert given_row[side] == left[side].sum() + matched[side]


def test_a_caliper_is_the_greatest_distance():
    tables = world(5)
    trial = emulated_trial(**tables, **ASKED, caliper=0.1)
    assert found_sets(trial) == slow_sets(tables, 1, 0.5)
    assert (trial.pairs["distance"] == 0).all()


def test_the_order_of_the_rows_has_no_say():
    tables = world(11, n=80)
    asked = {**ASKED, "score": None, "exact": ()}
    one = emulated_trial(**tables, **asked)
    mixed = {name: table.sample(frac=1, random_state=3) for name, table in tables.items()}
    other = emulated_trial(**mixed, **asked)
    pd.testing.assert_frame_equal(one.data, other.data)
    assert repr(one) == repr(other)


def test_the_hazard_of_starting_is_that_of_the_cox_model():
    rng = np.random.default_rng(4)
    n = 300
    x = rng.normal(size=(n, 2))
    first = rng.integers(0, 20, n)
    end = first + rng.integers(1, 40, n)
    started = rng.random(n) < 0.4
    first = np.where(started, end - 1, first)
    beta, errors, converged = start_hazard(x, first, end, started.astype(float))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "first": first, "end": end, "started": started.astype(int)})
    long = cox(frame, "end", "started", ["a", "b"], entry="first", ties="breslow").tidy()
    assert converged
    assert beta == pytest.approx(long["estimate"].to_numpy(), rel=1e-8)
    assert errors == pytest.approx(long["std_error"].to_numpy(), rel=1e-8)


def test_sets_that_share_a_person_are_one_cluster():
    people = pd.DataFrame(
        {
            "person_id": list("abcd"),
            "index_on": ZERO,
            "treated_on": on([5, 9, np.nan, np.nan]),
            "risk": [1.0, 1.0, 3.0, 1.1],
        }
    )
    trial = emulated_trial(people, **{**ASKED, "exact": ()})
    assert found_sets(trial) == {"a": ["b"], "b": ["d"]}
    assert trial.sets[trial.weights > 0].nunique() == 1
    assert trial.data["censored_on"].notna().sum() == 1
    assert "1 comparison person started later" in trial.notes[-1]
    kept = emulated_trial(people, **{**ASKED, "exact": (), "later_treated": "intention-to-treat"})
    assert "censored_on" not in kept.data
    assert chains(np.array([2, 0, 1]), np.array([4, 5, 4])).tolist() == [0, 1, 0]


def test_follow_up_ends_at_the_first_thing_that_ends_it():
    people = pd.DataFrame(
        {
            "person_id": list("abcd"),
            "index_on": ZERO,
            "treated_on": on([5, 9, np.nan, np.nan]),
            "died_on": on([np.nan, np.nan, np.nan, 20]),
            "risk": [1.0, 1.0, 3.0, 1.1],
        }
    )
    again = pd.DataFrame({"person_id": ["a", "b", "zz"], "occurred_on": on([15, 30, 1])})
    trial = emulated_trial(people, **{**ASKED, "exact": ()}).followed(again, follow_up=365)
    kept = trial.data[trial.weights > 0]
    assert kept["duration"].tolist() == [10, 4, 21, 11]
    assert kept["event"].tolist() == [1, 0, 1, 0]
    assert trial.index["person_id"].tolist() == [1, 2, 3, 4]
    assert trial.expand(again)["person_id"].tolist() == [1, 2, 3]


def test_every_fault_is_told_at_once():
    people = pd.DataFrame(
        {
            "person_id": ["a", "a", "b"],
            "index_on": ["2022-01-01"] * 3,
            "treated_on": on([1, 2, np.nan]),
            "risk": [1.0, np.inf, 2.0],
            "event": 1,
        }
    )
    with pytest.raises(InputError) as refused:
        emulated_trial(people, covariates=["risk", "age"], complete_to="31/12/2023", later_treated="drop", ratio=0)
    for words in (
        "later_treated",
        "ratio",
        "complete_to",
        "more than once",
        "not dates",
        "infinite",
        "no table",
        "own",
    ):
        assert words in str(refused.value)


def test_nobody_to_match_is_refused_with_the_reasons():
    people = pd.DataFrame({"person_id": ["a", "b"], "index_on": ZERO, "treated_on": on([-3, np.nan]), "risk": [1.0, 2]})
    with pytest.raises(InputError, match="started before the index date: 1"):
        emulated_trial(people, **{**ASKED, "exact": ()})
    people["treated_on"] = on([np.nan, np.nan])
    with pytest.raises(InputError, match="nobody who started"):
        emulated_trial(people, **{**ASKED, "exact": ()})


def test_a_running_count_is_that_of_a_slow_count():
    tables = world(2)
    events = tables["events"].rename(columns={})
    for days in (None, 12):
        rows = running_count(tables["people"], events, "contacts", days=days)
        for row in rows.itertuples():
            mine = events[events["person_id"] == row.person_id]["occurred_on"]
            since = row.from_on - pd.Timedelta(days=days or 10_000)
            assert row.contacts == ((mine < row.from_on) & (mine >= since)).sum()


def drawn(seed: int, n: int = 3_000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """People who start and offend by the same risk; starting changes nothing."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    start = np.ceil(rng.exponential(700 / np.exp(0.5 * risk)))
    again = np.ceil(rng.exponential(500 / np.exp(0.5 * risk)))
    begun = np.where((start < again) & (start < 300), start, np.nan)
    people = pd.DataFrame(
        {"person_id": np.arange(n), "index_on": ZERO, "treated_on": on(begun), "risk": risk, "again": again}
    )
    return people, pd.DataFrame({"person_id": np.arange(n), "occurred_on": on(again)})


def test_no_immortal_time_where_the_naive_design_has_it():
    ratios = {"naive": [], "trial": []}
    for seed in range(8):
        people, again = drawn(seed)
        plain = people.assign(ever=people["treated_on"].notna().astype(int), event=1)
        naive = cox(plain, "again", "event", ["ever", "risk"]).tidy()
        trial = emulated_trial(
            people.drop(columns="again"),
            covariates="risk",
            events=again,
            complete_to="2032-01-01",
            later_treated="intention-to-treat",
        ).followed(again, follow_up=365)
        matched = cox(trial, "duration", "event", ["treated"]).tidy()
        ratios["naive"].append(naive["estimate"].iloc[0])
        ratios["trial"].append(matched["estimate"].iloc[0])
    assert np.mean(ratios["naive"]) < -0.3
    error = np.std(ratios["trial"], ddof=1) / np.sqrt(8)
    assert abs(np.mean(ratios["trial"])) < 3 * error
    assert kaplan_meier(trial, "duration", "event", by="treated").tidy().shape[0] > 0
    assert abs(compare(trial, "event", measure="risk_difference").estimate) < 0.1
