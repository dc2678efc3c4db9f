"""The ledger: adjusted p-values worked by hand, nothing shown twice, and no number of what is not shown."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import impact as im
from impact.errors import InputError
from impact.evidence.ledger import Entry, Ledger


def entry(name: str, p: float = math.nan, **more: object) -> Entry:
    told = {"shown": "x-table"} | more
    return Entry(
        outcome=name, measure="mean_change", title=name, estimate=1.0, conf_low=0.5, conf_high=1.5, p_value=p, **told
    )


def test_adjusted_p_values_by_hand_and_without_what_is_not_shown() -> None:
    hidden = entry("e", 1e-9, shown="", withheld="fewer than 10 people")
    ledger = Ledger((entry("a", 0.01), entry("b", 0.04), entry("c", 0.03), entry("d"), hidden), None)
    table = ledger.tidy().set_index("term")
    assert table["p_holm"].tolist()[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert table["p_bh"].tolist()[:3] == pytest.approx([0.03, 0.04, 0.04])
    assert table.loc["d", ["p_value", "p_holm", "p_bh"]].isna().all()
    assert table.loc["e", ["estimate", "conf_low", "conf_high", "p_value", "p_holm", "p_bh"]].isna().all()
    assert table.loc["e", "reason"] == "fewer than 10 people"
    assert "e-09" not in repr(ledger)
    assert ledger.notes == (
        "p_holm and p_bh allow for all 3 tests that are shown, not for those of one table alone.",
        "1 result was computed and is not shown; reason says why, and no number stands.",
    )


@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=12))
def test_holm_is_above_benjamini_and_hochberg_above_p(p_values: list[float]) -> None:
    table = Ledger(tuple(entry(str(place), p) for place, p in enumerate(p_values)), None).tidy()
    known = table.dropna(subset="p_value")
    assert len(known) == np.isfinite(p_values).sum()
    assert (known["p_holm"] >= known["p_bh"] - 1e-12).all()
    assert (known["p_bh"] >= known["p_value"] - 1e-12).all()
    assert not table["planned"].any()


def test_an_entry_that_nobody_could_find_is_refused() -> None:
    both = entry("b", withheld="no reason")
    odd = Entry(outcome="c", measure="guess", title="c", estimate=0.1, shown="x")
    with pytest.raises(InputError) as caught:
        Ledger((entry("a"), entry("a"), entry("d", shown=""), both, odd), None)
    assert [fault.table.split(",")[0] for fault in caught.value.faults] == ["a", "d", "b", "c"]


def test_results_on_groups_stand_by_group_and_are_planned_with_the_groups_of_the_main_outcome() -> None:
    plan = replace(im.read_plan("pops"), subgroups=("sex",))
    of_groups = [entry("reoffended", p, subgroup="sex", part=part) for part, p in (("female", 0.2), ("male", 0.01))] + [
        replace(entry("reoffended", 0.03, subgroup="sex"), measure="interaction"),
        entry("reoffended", 0.5, subgroup="age:26", part="under 26"),
        entry("recalled", 0.5, subgroup="sex", part="male"),
    ]
    table = Ledger(tuple(of_groups), plan).tidy()
    assert table["subgroup"].tolist() == ["sex: female", "sex: male", "sex", "age:26: under 26", "sex: male"]
    assert table["planned"].tolist() == [True, True, True, False, False]
    assert table["p_holm"].tolist()[1] == pytest.approx(0.05)
    assert "reoffended (sex: male), mean_change: 1" in repr(Ledger(tuple(of_groups), plan))
    for odd in (
        entry("reoffended", subgroup="sex"),
        replace(entry("reoffended"), measure="interaction"),
        replace(entry("reoffended", subgroup="sex", part="male"), measure="interaction"),
    ):
        with pytest.raises(InputError, match="must be about one group, or a test whether groups differ"):
            Ledger((odd,), plan)
    with pytest.raises(InputError, match="sex: male: stands twice"):
        Ledger((of_groups[1], of_groups[1]), plan)


def test_an_empty_ledger_is_a_table_without_rows() -> None:
    ledger = Ledger((), None)
    assert ledger.tidy().empty
    pd.testing.assert_frame_equal(ledger.tidy(), Ledger((), None).tidy())
