"""Regression to the mean: the formulas by hand and by integration, a simulation, and what must be given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

from impact.distance import Fact, regression_to_mean
from impact.distance.regression import difference, expected_beyond, one_mean
from impact.errors import InputError


def drawn(n: int, planted: float, seed: int, *, mean: float = 20, sd: float = 6, r: float = 0.7) -> pd.DataFrame:
    """People chosen for a first score under 16, a second baseline, and an after reading with a planted change."""
    rng = np.random.default_rng(seed)
    true = rng.normal(mean, sd * np.sqrt(r), 6 * n)
    error = sd * np.sqrt(1 - r)
    waves = [true + rng.normal(0, error, len(true)) for _ in range(3)]
    chosen = np.flatnonzero(waves[0] < 16)[:n]
    gain = np.where(chosen % 2 == 0, planted, 0.0)
    frames = [
        pd.DataFrame({"who": chosen, "treated": (chosen % 2 == 0).astype(int), "wave": wave, "score": scores[chosen]})
        for wave, scores in ((0, waves[0]), (1, waves[1]), (2, waves[2]))
    ]
    frames[2]["score"] += gain
    return pd.concat(frames, ignore_index=True)


def of(data: pd.DataFrame, **more: object):
    """`regression_to_mean` with the columns of these tests."""
    return regression_to_mean(data, person="who", wave="wave", score="score", **more)  # type: ignore[arg-type]


def the(table: pd.DataFrame, quantity: str, source: str) -> pd.Series:
    (place,) = np.flatnonzero((table["quantity"] == quantity) & (table["source"] == source))
    return table.iloc[place]


def test_hand_case() -> None:
    """Population mean 20, r 0.7: from 10 and 14 are expected 3 and 1.8; they moved 5 and 1."""
    data = pd.DataFrame({"who": list("aabb"), "wave": [1, 2, 1, 2], "score": [10.0, 15, 14, 15]})
    table = of(data, reliability=0.7, population_mean=20).tidy()
    assert table["estimate"].tolist() == pytest.approx([3, 2.4, 0.6])
    beyond = table.iloc[2]
    assert beyond["std_error"] == pytest.approx(np.std([2, -0.8], ddof=1) / np.sqrt(2))


@pytest.mark.parametrize("above", [True, False])
def test_people_beyond_a_cut_off_by_integration(above: bool) -> None:
    mean, sd, r, cut = 20.0, 6.0, 0.7, 26.0
    ends = (cut, mean + 12 * sd) if above else (mean - 12 * sd, cut)
    share = quad(lambda x: stats.norm.pdf(x, mean, sd), *ends)[0]
    expected = quad(lambda x: (1 - r) * (mean - x) * stats.norm.pdf(x, mean, sd), *ends)[0] / share
    assert expected_beyond(mean, sd, r, cut, above=above) == pytest.approx(expected, rel=1e-9)
    assert np.isfinite(expected_beyond(0, 1, 0.5, 40, above=True)), "far out in the tail"


def test_means_are_those_of_scipy() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(1, 2, 15), rng.normal(0, 3, 22)
    ours, theirs = difference(a, b, 0.9), stats.ttest_ind(a, b, equal_var=False)
    limits = theirs.confidence_interval(0.9)
    np.testing.assert_allclose(
        [ours.statistic, ours.p_value, ours.df, ours.conf_low, ours.conf_high],
        [theirs.statistic, theirs.pvalue, theirs.df, limits.low, limits.high],
        rtol=1e-12,
    )
    alone = one_mean(a, 0.95)
    assert alone.p_value == pytest.approx(stats.ttest_1samp(a, 0).pvalue, rel=1e-12)


def test_what_was_planted_comes_out_and_the_observed_change_does_not() -> None:
    data = drawn(4_000, planted=2.0, seed=1)
    mine = data[data["treated"] == 1]
    stated = of(mine[mine["wave"] != 1], reliability=0.7, population_mean=20, population_sd=6, cutoff=16).tidy()
    assert stated.iloc[0]["estimate"] > 2 + 1.5, "the naive change holds the regression to the mean"
    for source in ("reliability", "selection"):
        found = the(stated, "beyond", source)
        assert abs(found["estimate"] - 2) < 3 * found["std_error"]
    second = of(mine, earlier=0, before=1, after=2).tidy()
    assert abs(the(second, "beyond", "second baseline")["estimate"] - 2) < 0.3
    against = of(data[data["wave"] != 1], comparison="treated").tidy()
    found = the(against, "beyond", "comparison")
    assert abs(found["estimate"] - 2) < 3 * found["std_error"]


def test_observed_is_expected_and_beyond_together() -> None:
    data = drawn(60, planted=1.0, seed=3)
    for more in (
        {"reliability": 0.8, "population_mean": 20},
        {"earlier": 0, "before": 1, "after": 2},
        {"comparison": "treated"},
    ):
        table = of(data, **more).tidy()
        last = table[table["quantity"] == "observed"].iloc[-1]["estimate"]
        parts = table.iloc[-2:]
        assert parts["quantity"].tolist() == ["expected", "beyond"]
        assert parts["estimate"].sum() == pytest.approx(last)


def test_without_a_reliability_there_is_a_range_and_assumptions_are_named() -> None:
    data = drawn(50, planted=1.0, seed=3)
    result = of(data, population_mean=Fact(20, "read nowhere", verified=False))
    table = result.tidy()
    assert table["reliability"].dropna().unique().tolist() == [0.6, 0.7, 0.8, 0.9]
    assert the(table[table["reliability"].isna()], "observed", "").n == 50
    assert any("an assumption: read nowhere" in note for note in result.notes)
    assert any("Which of them is right" in note for note in result.notes)
    better = of(data.assign(score=data["score"] + 40), population_mean=20, reliability=0.5)
    assert any("expected to fall back" in note for note in better.notes)


def test_what_is_missing_is_asked_for() -> None:
    data = drawn(20, planted=1.0, seed=3)
    for more, words in (
        ({}, "must come from somewhere"),
        ({"reliability": 0.5, "comparison": "treated"}, "used with population_mean only"),
        ({"population_mean": 20, "cutoff": 16}, "go together"),
        ({"population_mean": 20, "reliability": 1.5}, "from 0 to 1"),
        ({"population_mean": 20, "population_sd": 0, "cutoff": 16}, "above 0"),
        ({"earlier": 0}, "name that other wave in before"),
        ({"comparison": "wave"}, "is not 0 or 1"),
    ):
        with pytest.raises(InputError, match=words):
            of(data, **more)


def test_figure_and_repr() -> None:
    result = of(drawn(20, planted=1.0, seed=3), population_mean=20, reliability=0.7)
    ax = result.plot()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["observed", "expected (reliability 0.7)", "beyond (reliability 0.7)"]
    ax.figure.clf()
    assert "Regression to the mean" in repr(result)
