"""`overlap` against sets of people, counted one by one."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.errors import InputError
from impact.system import overlap

EPISODES = pd.DataFrame(
    [
        ("a", "pops"),
        ("a", "pops"),
        ("a", "moms"),
        ("a", "dwp"),
        ("b", "pops"),
        ("b", "dwp"),
        ("c", "moms"),
        (None, "dwp"),
    ],
    columns=["person_id", "programme"],
)
REFERRALS = pd.DataFrame(
    [("a", "pops", "shelter"), ("a", "pops", "shelter"), ("b", "pops", "shelter"), ("c", "moms", None)],
    columns=["person_id", "programme", "onward_to"],
)


def test_hand_case() -> None:
    result = overlap(EPISODES, referral=REFERRALS)
    assert result.matrix.to_dict("list") == {"dwp": [2, 1, 2], "moms": [1, 2, 1], "pops": [2, 1, 2]}
    assert result.people.to_dict() == {"dwp": 2, "moms": 2, "pops": 2}
    assert result.programmes_per_person["people"].tolist() == [1, 1, 1]
    assert result.onward.to_numpy().tolist() == [["pops", "shelter", 3, 2]]
    assert result.notes[0] == "1 of 8 rows left out: person_id is missing (1)."
    tidy = result.tidy().set_index(["programme", "other"])
    assert tidy.loc[("moms", "pops"), ["people", "share"]].tolist() == [1, 0.5]


episodes = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["p", "q", "r", "s"])), min_size=1, max_size=40)


@given(episodes)
def test_counts_are_those_of_sets(rows: list[tuple[int, str]]) -> None:
    result = overlap(pd.DataFrame(rows, columns=["person_id", "programme"]))
    on = {name: {person for person, where in rows if where == name} for _, name in rows}
    for one in on:
        for two in on:
            assert result.matrix.loc[one, two] == len(on[one] & on[two])
    assert result.programmes_per_person["people"].sum() == len({person for person, _ in rows})
    turned = overlap(pd.DataFrame(rows[::-1], columns=["person_id", "programme"]))
    assert repr(turned) == repr(result)


def test_one_programme_and_no_onward_referral() -> None:
    result = overlap(pd.DataFrame({"person_id": ["a"], "programme": ["pops"]}), referral=REFERRALS.iloc[3:])
    assert result.tidy().empty
    assert result.onward.empty
    assert any("0 of 1 referrals" in note for note in result.notes)


def test_faults_are_named_together() -> None:
    with pytest.raises(InputError) as caught:
        overlap(pd.DataFrame({"who": ["a"]}))
    assert [fault.column for fault in caught.value.faults] == ["person_id", "programme"]
    with pytest.raises(InputError, match="onward_to"):
        overlap(EPISODES, referral=REFERRALS.drop(columns="onward_to"))


def test_plot_writes_each_pair_once() -> None:
    ax = overlap(EPISODES).plot()
    assert len(ax.texts) == 6
    ax.figure.clf()
