"""Quantiles and points of plots: never one person's value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import DisclosureError, InputError
from impact.evidence import bin_points, default_rules, safe_spread

RULES = default_rules()
ROW = ["n", "mean", "lower_quartile", "median", "upper_quartile"]


@pytest.mark.parametrize(
    ("n", "seen"), [(9, []), (10, ["mean"]), (19, ["mean"]), (20, ["mean", "median"]), (40, ROW[1:])]
)
def test_small_groups_lose_quantiles_then_means(n: int, seen: list[str]) -> None:
    shown = safe_spread(pd.DataFrame({"days": np.arange(n) * 7.0}), "days").table.loc["all"]
    assert [name for name in ROW[1:] if shown[name] != "not shown"] == seen
    assert list(shown.index) == ROW, "there is no place for a smallest or largest value"


def test_a_quantile_is_the_mean_of_five_values_around_it() -> None:
    values = np.random.default_rng(3).permutation(np.arange(101.0) ** 2)
    data = pd.DataFrame({"score": [*values, np.nan], "site": ["one"] * 102})
    result = safe_spread(data, "score", by="site", digits=3)
    for name, middle in (("lower_quartile", 25), ("median", 50), ("upper_quartile", 75)):
        assert result.table.loc["one", name] == f"{np.mean(np.arange(middle - 2, middle + 3.0) ** 2):,.3f}"
    assert result.notes[0] == "fewer than 10 of 100 rows left out, because a value is missing."
    assert set(result.tidy()["status"]) == {"shown"}


@settings(max_examples=80)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=90), st.integers(0, 2))
def test_nothing_shown_of_a_spread_is_worked_out_from_fewer_people_than_the_rules_ask(
    values: list[int], digits: int
) -> None:
    """Take out any one person: no quantile is theirs, and none moves by more than its share of the five around it."""
    whole = np.sort(np.array(values, dtype=float))
    shown = safe_spread(pd.DataFrame({"x": values}), "x", digits=digits).table.loc["all"]
    assert (shown["mean"] == "not shown") == (len(values) < RULES.minimum)
    half = 0.5 * 10.0**-digits + 1e-9
    for name, share in (("lower_quartile", 0.25), ("median", 0.5), ("upper_quartile", 0.75)):
        if shown[name] == "not shown":
            continue
        beneath = int(len(values) * share)
        assert min(beneath, len(values) - beneath) >= RULES.quantile_each_side
        given = float(shown[name].replace(",", ""))
        windows = np.lib.stride_tricks.sliding_window_view(whole, RULES.base)
        means = windows.mean(axis=1)
        near = np.abs(means - given) <= half
        assert near.any(), "what is shown is the mean of as many people as the base"
        assert any(abs(at - (share * (len(values) - 1) - 2)) <= 1 for at in np.flatnonzero(near))


@settings(max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=25, max_size=120), st.integers(2, 12))
def test_every_point_stands_for_ten_people_and_the_mean_is_kept(values: list[int], bins: int) -> None:
    data = pd.DataFrame({"x": np.array(values, dtype=float), "y": np.arange(len(values), dtype=float)})
    try:
        table = bin_points(data, "x", "y", bins=bins, digits=9).table
    except DisclosureError:
        size = np.unique(values, return_counts=True)[1].cumsum()
        assert not ((size >= max(10, -(-len(values) // bins))) & (size <= len(values) - 10)).any()
        return
    assert len(table) <= bins
    assert (table["n"] >= 10).all()
    assert table["x"].is_monotonic_increasing
    assert abs(table["n"].sum() - len(values)) <= 2 * len(table)
    shuffled = data.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(bin_points(shuffled, "x", "y", bins=bins, digits=9).table, table)


def test_a_plot_of_too_few_is_refused() -> None:
    with pytest.raises(DisclosureError, match="fewer than 10 people for each of two points"):
        bin_points(pd.DataFrame({"x": range(19), "y": range(19)}), "x", "y")
    with pytest.raises(DisclosureError):
        bin_points(pd.DataFrame({"x": [1] * 50, "y": range(50)}), "x", "y")
    with pytest.raises(InputError, match="bins"):
        bin_points(pd.DataFrame({"x": range(50), "y": range(50)}), "x", "y", bins=1)
