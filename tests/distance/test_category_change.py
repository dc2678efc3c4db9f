"""Categories before and after: R's numbers, every way to move written out, and answers that cannot be used."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from impact.distance import category_change
from impact.distance.transitions import direction, homogeneity
from impact.errors import InputError


def answers(counts: np.ndarray, labels: list[object] | None = None) -> pd.DataFrame:
    """Two waves of as many people as the table of before by after holds."""
    labels = list(range(len(counts))) if labels is None else labels
    moves = [(labels[i], labels[j]) for i, j in np.ndindex(*counts.shape) for _ in range(int(counts[i, j]))]
    rows = [(f"p{place}", wave, pair[wave - 1]) for place, pair in enumerate(moves) for wave in (1, 2)]
    return pd.DataFrame(rows, columns=["who", "wave", "state"])


def of(data: pd.DataFrame, **more: object):
    """`category_change` with the columns of these tests."""
    return category_change(data, person="who", wave="wave", category="state", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def reference(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "tests" / "reference" / "distance" / "categories.csv").set_index("table")


def test_tests_are_those_of_r(reference: pd.DataFrame) -> None:
    for row in reference.to_dict("records"):
        counts = np.array(row["counts"].split(), dtype=int).reshape(row["k"], row["k"])
        ours = of(answers(counts)).tidy().iloc[0]
        for name in ("up", "down", "p_value", "odds_low", "odds_high", "homogeneity", "homogeneity_p"):
            assert ours[name] == pytest.approx(row[name], rel=1e-9), name


def by_enumeration(counts: np.ndarray) -> float:
    """The exact p-value, by sending each mover either way between the same two categories."""
    moved = [(i, j) for i, j in np.ndindex(*counts.shape) if i != j for _ in range(int(counts[i, j]))]
    observed = homogeneity(counts).statistic
    as_far = 0
    for ways in itertools.product((0, 1), repeat=len(moved)):
        turned = np.zeros_like(counts)
        for (i, j), way in zip(moved, ways, strict=True):
            turned[(i, j) if way else (j, i)] += 1
        as_far += homogeneity(turned).statistic >= observed - 1e-9
    return as_far / 2 ** len(moved)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 2), min_size=9, max_size=9))
def test_exact_homogeneity_is_the_enumeration(cells: list[int]) -> None:
    counts = np.array(cells).reshape(3, 3)
    if np.triu(counts, 1).sum() + np.tril(counts, -1).sum() > 9:
        return
    found = homogeneity(counts)
    if not (counts.sum() - np.trace(counts)):
        assert np.isnan(found.exact_p)
    else:
        assert found.exact_p == pytest.approx(by_enumeration(counts), abs=1e-10)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 10))
def test_two_categories_agree_and_turn_round(up: int, down: int, same: int) -> None:
    n = up + down + same
    if not n:
        return
    there, back = direction(up, down, n, 0.95), direction(down, up, n, 0.95)
    assert there.difference == -back.difference
    np.testing.assert_allclose([there.conf_low, there.conf_high], [-back.conf_high, -back.conf_low], atol=1e-10)
    assert there.conf_low <= there.difference <= there.conf_high
    if up + down:
        exact = homogeneity(np.array([[same, up], [down, 0]])).exact_p
        assert there.p_value == pytest.approx(exact, abs=1e-12)


def test_limits_of_the_difference_solve_tangos_score_equation() -> None:
    """The share who moved down, given the difference, by maximising the likelihood over a fine search."""
    up, down, n = 12, 2, 50
    found = direction(up, down, n, 0.95)
    for limit, sign in ((found.conf_low, 1), (found.conf_high, -1)):

        def loss(share: float, limit: float = limit) -> float:
            cells = np.array([share + limit, share, 1 - 2 * share - limit])
            return -float(np.array([up, down, n - up - down]) @ np.log(np.maximum(cells, 1e-300)))

        inside = (max(0.0, -limit) + 1e-9, (1 - limit) / 2 - 1e-9)
        share = optimize.minimize_scalar(loss, bounds=inside, method="bounded", options={"xatol": 1e-12}).x
        z = (up - down - n * limit) / np.sqrt(n * (2 * share + limit - limit**2))
        assert z == pytest.approx(sign * stats.norm.ppf(0.975), abs=1e-5)


def test_words_without_an_order_move_neither_up_nor_down() -> None:
    data = answers(np.array([[1, 2, 0], [0, 1, 3], [0, 0, 1]]), ["hostel", "own", "street"])
    row = of(data).tidy().iloc[0]
    assert "up" not in row
    assert row["method"] == "Stuart-Maxwell, exact"
    ordered = data.assign(state=pd.Categorical(data["state"], ["street", "hostel", "own"], ordered=True))
    assert of(ordered).tidy().iloc[0]["method"] == "sign test, exact"


def test_nobody_moved_and_one_reading_only_are_said() -> None:
    data = answers(np.array([[2, 0], [0, 2]])).iloc[:-1]
    result = of(data)
    row = result.tidy().iloc[0]
    assert np.isnan(row["p_value"])
    assert (row["n"], row["n_first"], row["n_first_only"]) == (3, 4, 1)
    assert any("nobody moved" in note for note in result.notes)
    assert any("One reading only" in note for note in result.notes)


def test_transitions_hold_every_pair_of_categories() -> None:
    counts = np.array([[3, 0], [2, 1]])
    moves = of(answers(counts, ["no", "yes"])).transitions
    assert moves["n"].tolist() == [3, 0, 2, 1]


def test_faults_are_refused() -> None:
    data = answers(np.array([[3, 1], [2, 1]]))
    with pytest.raises(InputError, match="two readings of one person in one wave"):
        of(pd.concat([data, data.iloc[:1]]))
    with pytest.raises(InputError, match="is not in the data"):
        category_change(data, person="who", wave="wave", category="none")
    assert "p0" not in repr(of(data))
