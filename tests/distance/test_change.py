"""`change` against R, enumeration, hand-worked cases and identities."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from impact.distance import change
from impact.distance.paired import EXACT_UP_TO, mean_change, signed_rank
from impact.distance.permutation import sign_flip
from impact.errors import InputError

TESTED = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
SLEEP = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0, 1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def long(before: list[float], after: list[float], scale: str = "total") -> pd.DataFrame:
    """Two waves of each person, as rows."""
    people = [f"p{number:03d}" for number in range(len(before))]
    waves = [
        pd.DataFrame({"who": people, "scale": scale, "wave": wave, "score": np.asarray(score, dtype=float)})
        for wave, score in ((1, before), (2, after))
    ]
    return pd.concat(waves, ignore_index=True).dropna()


def of(data: pd.DataFrame, **more: object):
    """`change` with the columns of these tests."""
    return change(data, person="who", wave="wave", score="score", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def reference(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The readings that R was given, and what it found."""
    folder = root / "tests" / "reference" / "distance"
    readings = pd.read_csv(folder / "readings.csv").rename(columns={"person": "who"})
    sleep = long(SLEEP[:10], SLEEP[10:], "sleep")
    sleep["who"] = sleep["who"].str[1:].astype(int)
    return pd.concat([readings, sleep], ignore_index=True), pd.read_csv(folder / "change.csv").set_index("scale")


def test_t_tests_and_adjusted_p_values_are_those_of_r(reference: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    readings, expected = reference
    ours = of(readings, by="scale").tidy().set_index("term")
    assert list(ours.index) == list(expected.index)
    columns = [*TESTED, "n", "p_holm", "p_bh"]
    np.testing.assert_allclose(ours[columns].astype(float), expected[columns].astype(float), rtol=1e-10)


def test_signed_ranks_are_those_of_r(reference: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    readings, expected = reference
    ours = of(readings, by="scale").tidy().set_index("term")
    np.testing.assert_allclose(ours["signed_rank"], expected["signed_rank"], rtol=1e-12)
    comparable = ["plain", "large_none", "large_plain", "large_ties"]
    np.testing.assert_allclose(
        ours.loc[comparable, "signed_rank_p"], expected.loc[comparable, "signed_rank_p"], rtol=1e-8
    )
    assert ours.loc["plain", "signed_rank_method"] == "exact"
    assert ours.loc["large_ties", "signed_rank_method"] == "normal"


def test_students_sleep_data_as_published() -> None:
    """Student (1908): mean 1.58, t = 4.06 on 9 degrees of freedom, p = 0.00283."""
    row = of(long(SLEEP[:10], SLEEP[10:])).tidy().iloc[0]
    assert (round(row["estimate"], 2), round(row["statistic"], 4), round(row["p_value"], 6)) == (1.58, 4.0621, 0.002833)
    assert row["signed_rank_p"] == 2 / 2**9, "nine moved, all upward"


def by_enumeration(changes: np.ndarray) -> float:
    """The exact two-sided p-value, by writing out every pattern of signs."""
    moved = changes[changes != 0]
    ranks = stats.rankdata(np.abs(moved))
    observed = ranks[moved > 0].sum()
    every = np.array([ranks @ signs for signs in itertools.product((0, 1), repeat=len(moved))])
    return min(1.0, 2 * min((every <= observed).mean(), (every >= observed).mean()))


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_exact_signed_rank_is_the_enumeration(changes: list[int]) -> None:
    values = np.array(changes, dtype=float)
    result = signed_rank(values)
    if not values.any():
        assert np.isnan(result.p_value)
    else:
        assert result.p_value == pytest.approx(by_enumeration(values), abs=1e-12)
        assert -1 <= result.rank_biserial <= 1


def test_exact_signed_rank_is_scipys_where_nothing_ties() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, EXACT_UP_TO)
    assert signed_rank(values).p_value == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, rel=1e-9)


def test_equal_changes_tie_whatever_floating_point_says() -> None:
    changes = np.array([0.3 - 0.2, 0.2 - 0.1, 0.1 - 0.2, 0.6])
    assert len(set(np.abs(changes))) > 2
    assert signed_rank(changes).statistic == 8.0


def test_hand_case() -> None:
    """Four people: 2→4, 3→3, 5→4, 4→8; a fifth with a first reading of 6 only; a scale of 1 to 8."""
    result = of(long([2, 3, 5, 4, 6], [4, 3, 4, 8, np.nan]), low=1, high=8)
    row = result.tidy().iloc[0]
    assert (row["n_first"], row["n"], row["n_first_only"]) == (5, 4, 1)
    assert (row["mean_before"], row["mean_after"], row["estimate"]) == (3.5, 4.75, 1.25)
    assert row["std_error"] == pytest.approx(np.sqrt((0.75**2 + 1.25**2 + 2.25**2 + 2.75**2) / 3) / 2)
    assert (row["improved"], row["unchanged"], row["declined"]) == (2, 1, 1)
    assert (row["signed_rank"], row["rank_biserial"]) == (5.0, (5 - 1) / 6)
    assert (row["mean_before_missing"], row["carried_forward"]) == (6.0, 1.0)
    assert (row["bound_low"], row["bound_high"]) == ((5 - 5) / 5, (5 + 2) / 5)
    assert (row["floor_before"], row["ceiling_before"], row["ceiling_after"]) == (0.0, 0.0, 0.25)
    assert result.pairs["change"].tolist() == [2, 0, -1, 4]


def test_effect_sizes_by_hand() -> None:
    """n = 5, so 4 degrees of freedom: Hedges' J = Γ(2) / (√2 Γ(1.5)) = 0.797885."""
    before, after = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 2, 5, 5, 8])
    result = mean_change(before, after, 0.95)
    spread = np.std([1, 0, 2, 1, 3], ddof=1)
    average = (np.std(before, ddof=1) + np.std(after, ddof=1)) / 2
    assert result.d_z == pytest.approx(0.7978845608 * 1.4 / spread, rel=1e-9)
    assert result.d_av == pytest.approx(0.7978845608 * 1.4 / average, rel=1e-9)


scores = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=3, max_size=30)


@given(scores, st.integers(-20, 20), st.sampled_from([0.5, 2.0, 10.0]), st.randoms(use_true_random=False))
def test_shift_scale_order_and_swap(pairs: list[tuple[int, int]], shift: int, scale: float, order) -> None:
    before, after = (list(map(float, side)) for side in zip(*pairs, strict=True))
    data = long(before, after)
    plain = of(data).tidy()
    rows = list(range(len(data)))
    order.shuffle(rows)
    pd.testing.assert_frame_equal(of(data.iloc[rows]).tidy(), plain)
    moved = of(data.assign(score=scale * (data["score"] + shift))).tidy()
    swapped = of(data.assign(wave=3 - data["wave"])).tidy()
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(moved[name], scale * plain[name], rtol=1e-9, atol=1e-9)
    for name in ("statistic", "p_value", "d_z", "d_av", "signed_rank_p", "rank_biserial"):
        np.testing.assert_allclose(moved[name], plain[name], rtol=1e-9, atol=1e-9)
    for name in ("estimate", "statistic", "d_z", "rank_biserial"):
        np.testing.assert_allclose(swapped[name], -plain[name], rtol=1e-9, atol=1e-12)
    assert swapped["improved"].tolist() == plain["declined"].tolist()
    assert swapped["signed_rank_p"].tolist() == pytest.approx(plain["signed_rank_p"].tolist(), nan_ok=True)


def test_lower_is_better_turns_the_counts_not_the_estimate() -> None:
    data = long([5, 6, 7], [4, 6, 9])
    lower, higher = of(data, better="lower").tidy().iloc[0], of(data).tidy().iloc[0]
    assert lower["estimate"] == higher["estimate"]
    assert (lower["improved"], lower["declined"]) == (higher["declined"], higher["improved"])


def test_several_waves_take_first_and_last() -> None:
    data = pd.DataFrame({"who": ["a"] * 3 + ["b"] * 2, "wave": [3, 1, 2, 2, 5], "score": [9.0, 2, 4, 1, 6]})
    result = of(data)
    assert result.pairs[["before", "after"]].to_numpy().tolist() == [[2, 9], [1, 6]]
    assert any("1 with more than two readings" in note for note in result.notes)
    assert any("1 have their first reading in a later wave" in note for note in result.notes)


def test_waves_may_be_dates_or_ordered_categories() -> None:
    data = long([1, 2, 4], [3, 5, 4])
    dated = data.assign(wave=pd.to_datetime(np.where(data["wave"] == 1, "2023-01-01", "2022-01-01")))
    named = data.assign(
        wave=pd.Categorical(np.where(data["wave"] == 1, "start", "end"), ["start", "end"], ordered=True)
    )
    plain = of(data).tidy()
    pd.testing.assert_frame_equal(of(named).tidy(), plain)
    np.testing.assert_allclose(of(dated).tidy()["estimate"], -plain["estimate"])


def test_words_are_not_put_into_alphabetical_order() -> None:
    data = long([1, 2, 4], [3, 5, 4])
    data["wave"] = np.where(data["wave"] == 1, "before", "after")
    with pytest.raises(InputError, match="which reading comes first is not known"):
        of(data)


def test_one_reading_only_is_counted_and_said() -> None:
    result = of(pd.concat([long([1, 2, 3], [2, 4, np.nan], "one"), long([4], [np.nan], "two")]), by="scale")
    table = result.tidy().set_index("term")
    assert table["n_first_only"].tolist() == [1, 1]
    assert any("one 1 of 3; two 1 of 1" in note for note in result.notes)
    assert np.isnan(table.loc["two", "estimate"])
    assert table.loc["two", "carried_forward"] == 0
    assert any("No interval or t test" in note and "two" in note for note in result.notes)


@pytest.mark.parametrize(("before", "after"), [([3], [5]), ([3, 3, 3], [3, 3, 3]), ([0.1, 0.2, 0.3], [0.2, 0.3, 0.4])])
def test_too_little_to_judge_by_is_not_a_number_and_not_a_crash(before: list[float], after: list[float]) -> None:
    result = of(long(before, after))
    row = result.tidy().iloc[0]
    assert row["estimate"] == pytest.approx(after[0] - before[0])
    assert row[["std_error", "statistic", "p_value", "conf_low", "conf_high", "p_holm", "d_z"]].isna().all()
    assert "No interval or t test" in repr(result)


def test_missing_scores_are_said_and_leave_one_reading() -> None:
    data = long([1, 2, 3], [2, 4, 6])
    data.loc[5, "score"] = np.nan
    result = of(data)
    assert result.tidy()["n_first_only"].tolist() == [1]
    assert result.notes[0] == "1 of 6 rows left out: score is missing (1)."


def test_regression_to_the_mean_is_always_said() -> None:
    assert any("regression to the mean" in note for note in of(long([1, 2], [3, 4])).notes)


def test_every_fault_at_once() -> None:
    data = long([1, 2, 30], [2, 4, 6])
    data = pd.concat([data, data.iloc[[0]]], ignore_index=True)
    with pytest.raises(InputError) as caught:
        change(data, person="name", wave="wave", score="score", by="scale", low=1, high=10)
    assert {fault.column for fault in caught.value.faults} == {"name", "score"}
    with pytest.raises(InputError, match=r"two readings of one person in one wave \(2 rows: 1, 7\)"):
        of(data, by="scale")
    with pytest.raises(InputError, match="not a number"):
        of(data.assign(score="7/10"))
    with pytest.raises(InputError, match="better must be one of"):
        of(data, better="up")
    with pytest.raises(InputError, match="low must be below high"):
        of(data, low=3, high=3)
    with pytest.raises(InputError, match="no rows"):
        of(data.iloc[:0])


def test_no_person_shows_in_repr_or_error() -> None:
    data = long([1, 2, 3], [2, 4, 6])
    assert "p00" not in repr(of(data))
    with pytest.raises(InputError) as caught:
        of(pd.concat([data, data]))
    assert "p00" not in str(caught.value)


def test_plot_sets_the_interval_on_the_mean_before() -> None:
    result = of(pd.concat([long([1, 2, 3, 4], [2, 4, 5, 4], "one"), long([4, 5], [5, 7], "two")]), by="scale")
    ax = result.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one (n = 4)", "two (n = 2)"]
    first = result.tidy().iloc[0]
    bar = ax.collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose(bar, first["mean_before"] + first[["conf_low", "conf_high"]].to_numpy(dtype=float))
    ax.figure.clf()


@pytest.fixture(scope="module")
def coin(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Whole changes with ties and zeros, and the exact p-values of R's coin."""
    folder = root / "tests" / "reference" / "distance"
    return pd.read_csv(folder / "coin_changes.csv"), pd.read_csv(folder / "coin.csv").set_index("case")


def test_exact_tests_with_ties_and_zeros_are_those_of_coin(coin: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    changes, expected = coin
    for case, part in changes.groupby("case"):
        values = part["change"].to_numpy(dtype=float)
        found = signed_rank(values)
        assert found.method == "exact"
        assert found.p_value == pytest.approx(expected.loc[case, "signed_rank_p"], rel=1e-12), case
        if len(values) <= 20:
            flips = sign_flip(values, 2**20, 1)
            assert (flips.method, flips.p_value) == ("exact", pytest.approx(expected.loc[case, "flip_p"], rel=1e-12))
        else:
            drawn = sign_flip(values, 100_000, 1).p_value
            assert drawn == pytest.approx(expected.loc[case, "flip_p"], abs=0.004), "four standard errors of the draws"
