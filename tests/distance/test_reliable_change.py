"""Reliable change: published worked cases, identities, and what is never invented."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.distance import Fact, clinical_cutoff, instrument, reliable_change
from impact.distance.reliable import Error, reliable_index
from impact.errors import InputError


def long(before: list[float], after: list[float | None], scale: str = "total") -> pd.DataFrame:
    who = [f"p{place}" for place in range(len(before))]
    waves = [
        pd.DataFrame({"who": who, "wave": wave, "scale": scale, "score": side})
        for wave, side in ((1, before), (2, after))
    ]
    return pd.concat(waves, ignore_index=True).astype({"score": float}).dropna()


def of(data: pd.DataFrame, **more: object):
    """`reliable_change` with the columns of these tests."""
    return reliable_change(data, person="who", wave="wave", score="score", **more)  # type: ignore[arg-type]


def counts(result: object) -> list[int]:
    return result.tidy()["n_events"].tolist()  # type: ignore[attr-defined]


def test_the_worked_case_of_jacobson_and_truax() -> None:
    """Jacobson and Truax (1991): 32.5 to 47.5, SD 7.5, reliability 0.80: 3.16 with S_diff 4.74; cut-off c by hand."""
    found = reliable_index(np.array([32.5]), np.array([47.5]), Error(0.80, 7.5, 0.0, "jacobson-truax"))
    assert found[0] == pytest.approx(15 / (7.5 * np.sqrt(2 * 0.2)), rel=1e-12)
    assert round(found[0], 2) == 3.16
    ends = {"clinical": (40.0, 7.5), "functional": (60.0, 7.5)}
    assert [clinical_cutoff(kind, **ends) for kind in "abc"] == [55.0, 45.0, 50.0]


def test_core10_needs_six_points_at_ninety_per_cent_as_published() -> None:
    """Barkham and others (2013): 6 points, from 1.645 √2 · 7.7 √(1 − 0.90) = 5.66."""
    total = instrument("core10").scale("total")
    data = long([24, 24, 24, 13], [19, 18, 30, 7])
    result = of(
        data,
        reliability=total.fact("reliability"),
        sd=total.fact("sd_clinical"),
        cutoff=total.fact("cutoff"),
        level=0.90,
        better="lower",
        low=0,
        high=40,
    )
    assert result.tidy()["points"].iloc[0] == pytest.approx(5.664, abs=1e-3)
    assert counts(result) == [1, 1, 1, 1]
    assert result.people["outcome"].tolist() == ["unchanged", "improved", "deteriorated", "recovered"]
    assert any("reliability 0.9 (Barkham" in note for note in result.notes)


def test_the_three_methods_by_hand() -> None:
    """Mean 20, SD 8, reliability 0.75; from 30, to be expected are 30, 27.5 and 27.5."""
    before, after = np.array([30.0]), np.array([18.0])
    for method, expected, spread in (
        ("jacobson-truax", 30, 8 * np.sqrt(0.5)),
        ("edwards-nunnally", 27.5, 8 * np.sqrt(0.25)),
        ("regression", 27.5, 8 * np.sqrt(1 - 0.5625)),
    ):
        found = reliable_index(before, after, Error(0.75, 8.0, 20.0, method))
        assert found[0] == pytest.approx((18 - expected) / spread, rel=1e-12)


def test_without_a_published_reliability_a_range_is_shown_and_none_invented() -> None:
    result = of(long([2, 4, 6, 8], [9, 5, 6, 2]), reliability=None)
    table = result.tidy()
    assert table["reliability"].unique().tolist() == [0.6, 0.7, 0.8, 0.9]
    unchanged = table[table["outcome"] == "unchanged"].set_index("reliability")["n_events"]
    assert unchanged.is_monotonic_decreasing
    assert any("Which of them is right is not known" in note for note in result.notes)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=20),
    st.sampled_from(["jacobson-truax", "edwards-nunnally", "regression"]),
)
def test_turning_the_scale_round_turns_nothing_else(pairs: list[tuple[int, int]], method: str) -> None:
    before, after = (list(map(float, side)) for side in zip(*pairs, strict=True))
    fixed = {"reliability": 0.83, "sd": 6.3, "method": method}
    there = {} if method == "jacobson-truax" else {"mean": 18.3}
    back = {} if method == "jacobson-truax" else {"mean": 40 - 18.3}
    up = of(long(before, after), cutoff=21.5, **fixed, **there)
    down = of(long([40 - x for x in before], [40 - x for x in after]), cutoff=18.5, better="lower", **fixed, **back)
    assert counts(up) == counts(down)
    assert sum(counts(up)) == len(pairs)


def test_a_cut_off_belongs_to_its_clinical_side() -> None:
    """Where lower is better 11 itself is clinical; where higher is, 15 itself is not."""
    low = of(long([20, 20], [11, 10]), reliability=0.99, sd=5, cutoff=11, better="lower")
    assert low.people["outcome"].tolist() == ["improved", "recovered"]
    high = of(long([5, 5], [15, 14]), reliability=0.99, sd=5, cutoff=15)
    assert high.people["outcome"].tolist() == ["recovered", "improved"]


def test_no_room_one_reading_and_own_spread_are_said() -> None:
    result = of(long([9, 5, 3], [10, 8, None]), reliability=0.5, low=1, high=10)
    text = repr(result)
    assert "1 of 2 began so near the best score" in text or "2 of 2 began so near the best score" in text
    assert "One reading only" in text
    assert "SD of the 3 first readings here" in text
    assert result.tidy()["sd"].iloc[0] == pytest.approx(np.std([9, 5, 3], ddof=1))
    assert "p0" not in text


def test_by_scale_each_has_its_own_numbers() -> None:
    data = pd.concat([long([2, 4], [9, 5], "one"), long([20, 40], [90, 50], "two")])
    result = of(
        data, by="scale", reliability={"one": 0.8, "two": Fact(0.7, "a study", False)}, sd={"one": 2, "two": 20}
    )
    assert result.tidy().groupby("term")["reliability"].first().tolist() == [0.8, 0.7]
    assert any("an assumption: a study" in note for note in result.notes)
    with pytest.raises(InputError, match="has nothing for: two"):
        of(data, by="scale", reliability={"one": 0.8})
    with pytest.raises(InputError, match="say which in term"):
        result.plot()


def test_what_cannot_be_is_refused() -> None:
    data = long([2, 4], [9, 5])
    for wrong in (1.0, -0.1, float("nan"), "high"):
        with pytest.raises(InputError, match="reliability"):
            of(data, reliability=wrong)
    with pytest.raises(InputError, match="not used by"):
        of(data, reliability=0.8, mean=3)
    with pytest.raises(InputError, match="above 0"):
        of(long([3, 3], [4, 5]), reliability=0.8)
    with pytest.raises(InputError, match="method must be one of"):
        of(data, reliability=0.8, method="best")


def test_the_figure_has_a_band_and_four_groups() -> None:
    result = of(long([24, 24, 24, 13], [19, 14, 30, 7]), reliability=0.9, sd=7.7, cutoff=11, better="lower")
    ax = result.plot()
    labels = ax.get_legend_handles_labels()[1]
    assert [label.split(" (")[0] for label in labels][-4:] == ["recovered", "improved", "unchanged", "deteriorated"]
    ax.figure.clf()
