"""Observed against expected: the exact distribution against enumeration and the binomial, and what the result says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from itertools import product

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from impact.cohort.expected import observed_expected, poisson_binomial
from impact.errors import InputError
from impact.results import Result

CHANCES = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=12)


def enumerated(p: list[float]) -> np.ndarray:
    """Chance of every count, over every pattern of events."""
    chances = np.zeros(len(p) + 1)
    for pattern in product((0, 1), repeat=len(p)):
        chances[sum(pattern)] += np.prod([q if event else 1 - q for q, event in zip(p, pattern, strict=True)])
    return chances


def events(count: int, n: int) -> np.ndarray:
    return (np.arange(n) < count).astype(int)


def tails(p: np.ndarray, count: int, shift: float) -> tuple[float, float, float]:
    """Both tails and the mean after a shift in log-odds, by enumeration."""
    odds = p / (1 - p) * np.exp(shift)
    q = odds / (1 + odds)
    chances = enumerated(q.tolist())
    return chances[: count + 1].sum(), chances[count:].sum(), q.sum()


@given(CHANCES)
@profile(max_examples=25)
def test_distribution_against_every_pattern(p: list[float]) -> None:
    np.testing.assert_allclose(poisson_binomial(np.array(p)), enumerated(p), rtol=1e-11)


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (63, 0.5), (64, 0.01), (65, 0.99), (200, 0.27), (5_000, 0.6)])
def test_distribution_of_equal_chances_is_binomial_into_the_tails(n: int, p: float) -> None:
    ours, theirs = poisson_binomial(np.full(n, p)), scipy.stats.binom.pmf(np.arange(n + 1), n, p)
    told = theirs > 1e-250
    np.testing.assert_allclose(ours[told], theirs[told], rtol=1e-9)
    assert ours.sum() == pytest.approx(1, abs=1e-12)


def test_distribution_of_many_people_has_its_moments() -> None:
    p = np.random.default_rng(1).uniform(0.01, 0.99, 20_000)
    chances = poisson_binomial(p)
    counts = np.arange(len(chances))
    mean = (counts * chances).sum()
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    assert mean == pytest.approx(p.sum(), rel=1e-12)
    assert ((counts - mean) ** 2 * chances).sum() == pytest.approx((p * (1 - p)).sum(), rel=1e-10)
    assert ((counts - mean) ** 3 * chances).sum() == pytest.approx((p * (1 - p) * (1 - 2 * p)).sum(), rel=1e-6)


@given(st.data(), st.lists(st.floats(0.02, 0.98), min_size=1, max_size=8))
@profile(max_examples=25)
def test_p_and_interval_against_every_pattern(data: st.DataObject, chances: list[float]) -> None:
    """The limits, found on a fine grid of shifts by enumeration, hold the published definition."""
    p = np.array(chances)
    count = data.draw(st.integers(0, len(p)))
    result = observed_expected(events(count, len(p)), p, level=0.9)
    below, above, _ = tails(p, count, 0.0)
    assert result.p_value == pytest.approx(min(1, 2 * min(below, above)), rel=1e-10)
    low, high = result.conf_low * p.sum(), result.conf_high * p.sum()
    assert (low == 0) == (count == 0)
    if count == len(p):
        assert high == pytest.approx(len(p), rel=1e-14)
    for shift in np.linspace(-9, 9, 25):
        below, above, mean = tails(p, count, shift)
        inside = below > 0.05 and above > 0.05
        if min(abs(below - 0.05), abs(above - 0.05)) > 1e-9:
            assert inside == (low < mean < high)


@pytest.mark.parametrize(("n", "p", "count"), [(40, 0.3, 9), (40, 0.3, 0), (40, 0.3, 40), (700, 0.55, 350)])
def test_equal_chances_give_the_clopper_pearson_interval(n: int, p: float, count: int) -> None:
    result = observed_expected(events(count, n), np.full(n, p))
    exact = scipy.stats.binomtest(count, n, p).proportion_ci(method="exact")
    assert [result.conf_low * p, result.conf_high * p] == pytest.approx([exact.low, exact.high], rel=1e-9, abs=1e-12)


@given(st.data(), CHANCES)
@profile(max_examples=60)
def test_interval_holds_the_ratio_agrees_with_p_and_ignores_order(data: st.DataObject, chances: list[float]) -> None:
    p = np.array(chances)
    seen = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(p), max_size=len(p))))
    result = observed_expected(seen, p)
    assert result.conf_low <= result.ratio <= result.conf_high
    assert result.expected == pytest.approx(p.sum())
    assert 0 < result.p_value <= 1
    if abs(result.p_value - 0.05) > 1e-9:
        assert (result.p_value > 0.05) == (result.conf_low < 1 < result.conf_high)
    order = np.random.default_rng(0).permutation(len(p))
    assert observed_expected(seen[order], p[order]) == result
    wider = observed_expected(seen, p, level=0.99)
    assert wider.conf_low <= result.conf_low
    assert result.conf_high <= wider.conf_high


def test_chances_near_the_ends_of_the_scale() -> None:
    result = observed_expected([1, 0, 0], [1e-200, 1e-12, 1e-9])
    assert result.p_value == pytest.approx(2 * (1e-9 + 1e-12), rel=1e-9)
    assert result.conf_low > 1
    assert observed_expected([0, 0, 1], [1 - 1e-15, 0.5, 0.999999]).conf_high < 1


def test_coverage_is_at_least_nominal() -> None:
    """Exactly, over every count: the chance that the interval holds the true ratio 1."""
    p = np.linspace(0.1, 0.8, 30)
    chances = poisson_binomial(p)
    covered = 0.0
    for count, chance in enumerate(chances):
        result = observed_expected(events(count, 30), p)
        covered += chance * (result.conf_low < 1 < result.conf_high)
    assert 0.95 <= covered < 1


def test_the_result_always_says_what_it_is_not() -> None:
    result = observed_expected(pd.Series([1.0, 0.0, None, 0.0]), pd.Series([0.5, 0.25, 0.5, None]))
    assert isinstance(result, Result)
    assert (result.n, result.observed, result.expected) == (2, 1, 0.75)
    assert "benchmark, not impact" in result.notes[0]
    assert any("2 of 4 rows left out" in note for note in result.notes)
    assert repr(result).count("benchmark, not impact") == 2
    assert all(f"Note: {note}" in repr(result) for note in result.notes)
    tidy = result.tidy()
    assert tidy.columns.tolist()[:7] == [
        "term",
        "estimate",
        "std_error",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
    ]
    assert tidy.loc[0, ["label", "n", "n_events", "expected"]].tolist() == ["benchmark, not impact", 2, 1, 0.75]
    with pytest.raises(FrozenInstanceError):
        result.ratio = 0.1


def test_faults_come_at_once_and_people_may_not_be_crossed() -> None:
    with pytest.raises(InputError) as caught:
        observed_expected([0, 2, 1], [0.4, 35.0, 0.0])
    assert [fault.column for fault in caught.value.faults] == ["observed", "expected", "expected"]
    with pytest.raises(InputError, match="of one length, not 2 and 3"):
        observed_expected([0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="the same index in the same order"):
        observed_expected(pd.Series([0, 1]), pd.Series([0.1, 0.2], index=[1, 0]))
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        observed_expected([0, 1], [0.1, 0.2], level=95)
    with pytest.raises(InputError, match="has no rows"):
        observed_expected([], [])
