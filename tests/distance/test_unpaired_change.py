"""Surveys that are not linked: the formula by hand, Welch's and the paired test at its ends, coverage, bad input."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from impact.distance import change, unpaired_change
from impact.distance.partly_paired import two_means
from impact.errors import InputError

A_ALONE, A_PAIRED = [20, 21, 16, 18, 14, 12, 14, 17], [14, 15, 18, 20, 11, 19, 14, 15]
B_ALONE, B_PAIRED = [10, 16, 18, 16, 15, 14, 13, 10], [15, 10, 15, 17, 13, 19, 12, 13]
TESTED = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]


def surveys(paired: tuple[list[float], list[float]], alone: tuple[list[float], list[float]]) -> pd.DataFrame:
    """Pairs with a name, everyone else without."""
    rows = [(f"p{place}", wave, score) for wave in (1, 2) for place, score in enumerate(paired[wave - 1])]
    rows += [(None, wave, score) for wave in (1, 2) for score in alone[wave - 1]]
    return pd.DataFrame(rows, columns=["who", "survey", "score"])


@pytest.fixture
def sleep() -> pd.DataFrame:
    """The sleep of people with and without stress of Derrick, Toher and White (2017), a companion to the test."""
    return surveys((A_PAIRED, B_PAIRED), (A_ALONE, B_ALONE))


def of(data: pd.DataFrame, **more: object):
    """`unpaired_change` with the columns of these tests."""
    return unpaired_change(data, **{"wave": "survey", "score": "score", "person": "who"} | more)  # type: ignore[arg-type]


def by_hand(ca: np.ndarray, cb: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Estimate, standard error and degrees of freedom, written out from Derrick and others (2017)."""
    x, y, c = np.r_[ca, a], np.r_[cb, b], len(ca)
    vx, vy = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    r = stats.pearsonr(ca, cb).statistic if c else 0.0
    error = np.sqrt(vx + vy - 2 * r * (x.std(ddof=1) * y.std(ddof=1) * c / (len(x) * len(y))))
    welch = (vx + vy) ** 2 / (vx**2 / (len(x) - 1) + vy**2 / (len(y) - 1))
    df = (c - 1) + (welch - c + 1) / (len(a) + len(b) + 2 * c) * (len(a) + len(b))
    return float(y.mean() - x.mean()), float(error), float(df)


def test_a_partly_paired_survey_is_the_formula_by_hand(sleep: pd.DataFrame) -> None:
    """The published p-value, 0.026, is that with equal variances; here they are so nearly equal that it is the same."""
    row = of(sleep).tidy().iloc[0]
    estimate, error, df = by_hand(*(np.array(x, dtype=float) for x in (A_PAIRED, B_PAIRED, A_ALONE, B_ALONE)))
    assert row["method"] == "partly paired"
    assert row[["n", "n_before", "n_after", "n_pairs"]].tolist() == [24, 16, 16, 8]
    np.testing.assert_allclose(
        row[["estimate", "std_error", "df", "statistic"]].astype(float), [estimate, error, df, estimate / error], 1e-12
    )
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(estimate / error), df), rel=1e-12)
    assert round(row["p_value"], 3) == 0.026
    reach = stats.t.ppf(0.975, df) * error
    np.testing.assert_allclose([row["conf_low"], row["conf_high"]], [estimate - reach, estimate + reach], rtol=1e-12)


def test_with_nobody_linked_it_is_welch(sleep: pd.DataFrame) -> None:
    before, after = (sleep.loc[sleep["survey"] == wave, "score"] for wave in (1, 2))
    theirs = stats.ttest_ind(after, before, equal_var=False)
    limits = theirs.confidence_interval(0.95)
    for found in (of(sleep, person=None), of(sleep.assign(who=None)), of(sleep.assign(who=np.arange(len(sleep))))):
        row = found.tidy().iloc[0]
        assert (row["method"], row["n_pairs"], row["n"]) == ("unpaired", 0, 32)
        np.testing.assert_allclose(
            row[["statistic", "p_value", "df", "conf_low", "conf_high"]].astype(float),
            [theirs.statistic, theirs.pvalue, theirs.df, limits.low, limits.high],
            rtol=1e-12,
        )


def test_with_everyone_linked_it_is_the_paired_test_of_change() -> None:
    data = surveys((A_PAIRED, B_PAIRED), ([], []))
    found = of(data)
    np.testing.assert_allclose(
        found.tidy()[TESTED].astype(float),
        change(data, person="who", wave="survey", score="score").tidy()[TESTED].astype(float),
        rtol=1e-12,
    )
    assert any("change says more" in note for note in found.notes)


@given(seed=st.integers(0, 10**6), c=st.integers(3, 8), a=st.integers(0, 6), b=st.integers(0, 6))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_formula_holds_at_every_size_its_ends_included(seed: int, c: int, a: int, b: int) -> None:
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 2, c)
    parts = (shared + rng.normal(0, 1, c), shared + rng.normal(1, 2, c), rng.normal(0, 2, a), rng.normal(1, 3, b))
    found = two_means(*parts, 0.95).found
    np.testing.assert_allclose([found.estimate, found.std_error, found.df], by_hand(*parts), rtol=1e-9)


def test_intervals_cover_and_are_narrower_than_those_that_forget_the_pairs() -> None:
    """2,000 samples of 12 pairs among 30 and 20 people whose spread differs: 0.95 within three standard errors."""
    rng = np.random.default_rng(12)
    hits, widths = [], []
    for _ in range(2_000):
        shared = rng.normal(0, 1.5, 12)
        parts = (
            shared + rng.normal(0, 1, 12),
            2 * shared + rng.normal(2, 1, 12),
            rng.normal(0, np.sqrt(3.25), 18),
            rng.normal(2, np.sqrt(10), 8),
        )
        found = two_means(*parts, 0.95).found
        none = np.empty(0)
        forgetful = two_means(none, none, np.r_[parts[0], parts[2]], np.r_[parts[1], parts[3]], 0.95).found
        hits.append(found.conf_low <= 2 <= found.conf_high)
        widths.append((found.conf_high - found.conf_low) / (forgetful.conf_high - forgetful.conf_low))
    assert 0.935 < np.mean(hits) < 0.965
    assert np.mean(widths) < 0.9


def test_order_of_rows_direction_and_units_change_nothing_else(sleep: pd.DataFrame) -> None:
    plain = of(sleep).tidy()
    mixed = of(sleep.sample(frac=1, random_state=3)).tidy()
    np.testing.assert_allclose(mixed[TESTED].astype(float), plain[TESTED].astype(float), rtol=1e-12)
    turned = of(sleep.assign(survey=3 - sleep["survey"], score=1e5 * sleep["score"])).tidy()
    assert turned["estimate"][0] == pytest.approx(-1e5 * plain["estimate"][0], rel=1e-12)
    assert turned["p_value"][0] == pytest.approx(plain["p_value"][0], rel=1e-10)


def test_fewer_than_three_pairs_are_taken_as_independent_and_it_is_said() -> None:
    found = of(surveys(([3, 5], [4, 7]), ([2, 6, 4], [5, 8])))
    row = found.tidy().iloc[0]
    assert (row["method"], row["n_pairs"], row["n"]) == ("unpaired", 2, 7)
    assert np.isnan(row["correlation"])
    assert row["p_value"] == pytest.approx(
        stats.ttest_ind([4, 7, 5, 8], [3, 5, 2, 6, 4], equal_var=False).pvalue, rel=1e-12
    )
    assert any("Fewer than 3 pairs" in note for note in found.notes)


def test_each_scale_by_itself_with_other_surveys_left_out(sleep: pd.DataFrame) -> None:
    both = pd.concat([sleep.assign(scale="a"), sleep.assign(scale="b", score=sleep["score"] + sleep["survey"])])
    third = pd.DataFrame({"who": ["p0", "z"], "survey": 3, "score": 5, "scale": "a"})
    found = of(pd.concat([both, third]), by="scale", before=1, after=2)
    table = found.tidy().set_index("term")
    assert table.loc["b", "estimate"] == pytest.approx(table.loc["a", "estimate"] + 1)
    assert (table["p_holm"] >= table["p_value"]).all()
    assert "2 readings of other surveys are not used." in found.notes
    one_side = of(pd.concat([both, third.assign(scale="c", survey=1)]), by="scale").tidy().set_index("term")
    assert one_side.loc["c", ["n_before", "n_after"]].tolist() == [2, 0]
    assert np.isnan(one_side.loc["c", "estimate"])


def test_scores_without_spread_give_the_difference_and_no_test() -> None:
    for data in (surveys(([4] * 3, [4] * 3), ([4, 4], [4])), surveys(([], []), ([4] * 3, [6] * 3))):
        found = of(data)
        row = found.tidy().iloc[0]
        assert row["estimate"] in (0, 2)
        assert np.isnan(row[["std_error", "p_value", "conf_low"]].astype(float)).all()
        assert any("No interval or test" in note for note in found.notes)
    flat = of(surveys(([4, 4, 4], [3, 5, 6]), ([5, 6], [7, 8]))).tidy().iloc[0]
    assert np.isfinite(flat["p_value"])
    assert np.isnan(flat["correlation"])


def test_ends_of_the_scale_and_missing_scores(sleep: pd.DataFrame) -> None:
    gaps = sleep.assign(score=sleep["score"].where(sleep.index > 0))
    found = of(gaps, low=10, high=21)
    row = found.tidy().iloc[0]
    assert row["n_pairs"] == 7
    assert row["ceiling_before"] == pytest.approx(1 / 15)
    assert row["floor_after"] == pytest.approx(3 / 16)
    assert "1 of 32 rows left out: score is missing (1)." in found.notes


def test_what_cannot_be_compared_is_refused(sleep: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="two readings of one person in one survey"):
        of(pd.concat([sleep, sleep.head(1)]))
    with pytest.raises(InputError, match="holds dates"):
        of(sleep.assign(survey=pd.to_datetime("2024-01-01")))
    with pytest.raises(InputError, match="which reading comes first"):
        of(sleep.assign(survey="before"))
    with pytest.raises(InputError, match="must be a later survey"):
        of(sleep.assign(survey=1, who=None))
    with pytest.raises(InputError, match="must be a later survey"):
        of(sleep, before=2, after=1)
    with pytest.raises(InputError, match="has no wave 9"):
        of(sleep, after=9)
    with pytest.raises(InputError, match="is above 20"):
        of(sleep, low=0, high=20)
    with pytest.raises(InputError, match="is not in the data"):
        of(sleep, person="who2")


def test_the_figure_and_the_words(sleep: pd.DataFrame) -> None:
    words = pd.Categorical(sleep["survey"].map({1: "spring", 2: "summer"}), ["spring", "summer"], ordered=True)
    found = of(sleep.assign(survey=words), before="spring", after="summer")
    axes = found.plot()
    assert "survey spring" in axes.get_legend_handles_labels()[1]
    plt.close(axes.figure)
    assert repr(found).startswith("Difference in score from survey spring to survey summer (higher is better)")
    assert "partly paired: 16 before, 16 after, 8 known in both" in repr(found)
    assert "p0" not in repr(found)
