"""Rosenbaum's bounds against every assignment of treatment in small sets, published tables and other tests."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from impact.comparison import match, propensity, whole_sample
from impact.comparison.gamma import (
    Kinds,
    binary_tails,
    hodges_lehmann,
    kinds_of_sets,
    signed_rank_normal,
    signed_rank_tails,
    signed_ranks,
)
from impact.comparison.rosenbaum import rosenbaum
from impact.design import Design
from impact.errors import InputError

EXPOSED = "38 23 41 18 37 36 23 62 31 34 24 14 21 17 16 20 15 10 45 39 22 35 49 48 44 35 43 39 34 13 73 25 27"
CONTROL = "16 18 18 24 19 11 10 15 16 18 18 13 19 10 16 16 24 13 9 14 21 19 7 18 19 12 11 22 25 16 13 11 13"


def in_sets(outcome, treated, sets) -> Design:
    """A design of the sets given."""
    data = pd.DataFrame({"joined": np.asarray(treated, dtype=int), "y": outcome})
    flow = pd.DataFrame([("Given", 1, 1)], columns=["step", "treated", "comparison"])
    weights = pd.Series(1.0, index=data.index)
    return Design(data, "joined", weights, pd.Series(sets, dtype="Int64"), "ATT", (), "By hand", flow)


def pairs(exposed, control) -> Design:
    """Pairs, exposed first."""
    n = len(exposed)
    return in_sets(np.concatenate([exposed, control]), np.repeat([1, 0], n), np.tile(np.arange(n), 2))


def slow_tails(outcome, sets, counts, observed, u, gamma):
    """P(T ≥ t) and P(T ≤ t) over every assignment, each as likely as gamma to the sum of u over its treated."""
    ways = []
    for code, count in enumerate(counts):
        members = np.flatnonzero(sets == code)
        ways.append(list(combinations(members, count)))
    upper = lower = total = 0.0
    for chosen in product(*ways):
        treated = [person for way in chosen for person in way]
        chance = gamma ** u[treated].sum()
        value = outcome[treated].sum()
        total += chance
        upper += chance * (value >= observed)
        lower += chance * (value <= observed)
    return upper / total, lower / total


@settings(max_examples=12)
@given(
    st.lists(st.tuples(st.integers(2, 4), st.integers(0, 15), st.integers(1, 3)), min_size=1, max_size=2),
    st.floats(1.0, 6.0),
)
def test_bounds_of_events_are_the_worst_over_every_hidden_bias(kinds, gamma):
    outcome, sets, treated = [], [], []
    for code, (size, events, some) in enumerate(kinds):
        outcome += [(events >> place) & 1 for place in range(size)]
        sets += [code] * size
        treated += [place < min(some, size - 1) for place in range(size)]
    y, codes, d = np.array(outcome, dtype=float), np.array(sets), np.array(treated)
    found = kinds_of_sets(y, d, codes)
    if not found.sets.sum():
        return
    raised, lowered = binary_tails(found, gamma), binary_tails(found, 1 / gamma)
    counts = np.bincount(codes, weights=d).astype(int)
    slow = np.array(
        [slow_tails(y, codes, counts, y[d].sum(), np.array(u), gamma) for u in product((0, 1), repeat=len(y))]
    )
    np.testing.assert_allclose([raised.upper, lowered.upper], [slow[:, 0].max(), slow[:, 0].min()], rtol=1e-9)
    np.testing.assert_allclose([lowered.lower, raised.lower], [slow[:, 1].max(), slow[:, 1].min()], rtol=1e-9)


@settings(max_examples=20)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8), st.floats(1.0, 5.0))
def test_bounds_of_signed_ranks_are_those_of_every_sign(values, gamma):
    ranks, statistic = signed_ranks(np.array(values, dtype=float))
    if not len(ranks):
        return
    chance = gamma / (1 + gamma)
    upper = sum(
        chance ** sum(signs) * (1 - chance) ** (len(ranks) - sum(signs))
        for signs in product((0, 1), repeat=len(ranks))
        if np.dot(signs, ranks) >= statistic - 1e-9
    )
    assert signed_rank_tails(ranks, statistic, gamma).upper == pytest.approx(upper, rel=1e-10)


@settings(max_examples=30)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.sampled_from([1.0, 1.5, 2.0, 4.0]))
def test_estimates_solve_the_signed_rank_equation(values, gamma):
    """Where signed ranks of what is left after a shift pass from above their expectation to below it."""
    differences = np.array(values, dtype=float)
    n = len(differences)
    walsh = np.sort([(a + b) / 2 for i, a in enumerate(differences) for b in differences[i:]])[::-1]

    def slow(chance):
        expected = chance * n * (n + 1) / 2
        above = [shift for shift in walsh if (walsh > shift).sum() < expected - 1e-9]
        at_or_above = [shift for shift in walsh if (walsh >= shift).sum() > expected + 1e-9]
        return (min(above) + max(at_or_above)) / 2 if at_or_above else min(above)

    expected = (slow(gamma / (1 + gamma)), slow(1 / (1 + gamma)))
    assert hodges_lehmann(differences, gamma) == pytest.approx(expected, abs=1e-9)


def test_lead_in_the_blood_of_children():
    """Rosenbaum (2002), tables 4.1 to 4.4, figures from memory. He ranks the pair without a difference too."""
    exposed, control = (np.array(text.split(), dtype=float) for text in (EXPOSED, CONTROL))
    differences = exposed - control
    ranks = stats.rankdata(np.abs(differences))
    statistic = ranks[differences > 0].sum()
    assert statistic == 527
    published = {2: 0.0018, 3: 0.0136, 4: 0.0388, 4.25: 0.0468, 5: 0.0740}
    with_zero = ranks[differences != 0]
    for gamma, p in published.items():
        assert signed_rank_normal(with_zero, statistic, gamma).upper == pytest.approx(p, abs=6e-5)
    estimates = {1: (15, 15), 2: (10.25, 19.5), 3: (8, 23), 4: (6.5, 25), 5: (5, 26.5)}
    found = rosenbaum(pairs(exposed, control), "y", gammas=tuple(estimates), alternative="greater")
    table = found.tidy().set_index("gamma")
    for gamma, pair in estimates.items():
        assert tuple(table.loc[gamma, ["estimate_low", "estimate_high"]]) == pytest.approx(pair, abs=1e-9)
    assert table.loc[1, "p_upper"] == pytest.approx(
        stats.permutation_test(
            (differences[differences != 0],),
            lambda x: (stats.rankdata(np.abs(x)) * (x > 0)).sum(),
            permutation_type="samples",
            alternative="greater",
            n_resamples=2_000,
            random_state=1,
        ).pvalue,
        abs=2e-3,
    )


def test_smoking_and_lung_cancer():
    """Hammond's 122 pairs, 110 of them with the death among the smokers: Rosenbaum (2002), section 4.3.2, from memory.

    His bounds are normal with a continuity correction: 0.0036, 0.03 and 0.1 at gamma 4, 5 and 6; ours are binomial.
    """
    kinds = Kinds(*(np.array([one]) for one in (2, 1, 1, 122)), 110)
    for gamma, published, digits in ((4, 0.0036, 4), (5, 0.03, 2), (6, 0.1, 1)):
        chance = gamma / (1 + gamma)
        exact = binary_tails(kinds, gamma).upper
        assert exact == pytest.approx(stats.binom.sf(109, 122, chance), rel=1e-10)
        corrected = stats.norm.sf((109.5 - 122 * chance) / np.sqrt(122 * chance * (1 - chance)))
        assert corrected == pytest.approx(published, abs=1.1 * 10.0**-digits)
    both = rosenbaum(pairs(np.arange(122) < 110, np.arange(122) >= 110), "y", alternative="greater", gammas=[1, 5])
    assert 5 < both.critical_gamma < 6
    assert stats.binom.sf(109, 122, both.critical_gamma / (1 + both.critical_gamma)) == pytest.approx(0.05, rel=1e-8)


def test_without_a_bias_the_tests_are_the_usual_ones():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    found = rosenbaum(pairs(a, b), "y", gammas=[1])
    more, fewer = int((a > b).sum()), int((a < b).sum())
    assert found.tidy().loc[0, "p_upper"] == pytest.approx(stats.binomtest(more, more + fewer).pvalue, rel=1e-10)
    assert found.n_informative == more + fewer
    x, y = rng.normal(size=30), rng.normal(0.6, 1, 30)
    for alternative in ("two-sided", "less", "greater"):
        found = rosenbaum(pairs(x, y), "y", gammas=[1], alternative=alternative)
        usual = stats.wilcoxon(x, y, alternative=alternative, method="exact").pvalue
        assert found.tidy().loc[0, "p_upper"] == pytest.approx(usual, rel=1e-10)
        assert found.tidy().loc[0, "p_lower"] == pytest.approx(usual, rel=1e-10)


def test_normal_approximations_take_over_for_many_sets_and_agree():
    rng = np.random.default_rng(6)
    y = rng.integers(0, 2, 7_500).astype(float)
    treated, sets = np.tile([True, False, False], 2_500), np.repeat(np.arange(2_500), 3)
    found = rosenbaum(in_sets(y, treated, sets), "y", gammas=[1, 1.1], alternative="less")
    assert "normal approximation" not in found.method
    few = kinds_of_sets(y[:6_000], treated[:6_000], sets[:6_000])
    exact = binary_tails(few, 1.05)
    mean = variance = 0.0
    for events in (1, 2):
        chance = 1.05 * events / (1.05 * events + 3 - events)
        count = few.sets[few.events == events].sum()
        mean, variance = mean + count * chance, variance + count * chance * (1 - chance)
    assert exact.upper == pytest.approx(stats.norm.sf((few.total - 0.5 - mean) / np.sqrt(variance)), abs=2e-3)
    differences = rng.normal(0.1, 1, 100)
    ranks, statistic = signed_ranks(differences)
    exact_ranks, normal = signed_rank_tails(ranks, statistic, 1.3), signed_rank_normal(ranks, statistic, 1.3)
    assert exact_ranks.upper == pytest.approx(normal.upper, abs=3e-3)
    many = rosenbaum(pairs(rng.normal(size=3_000), rng.normal(0.1, 1, 3_000)), "y", gammas=[1, 1.2])
    assert "normal approximation" in many.method


def test_bounds_widen_with_gamma_and_bracket_the_critical_value():
    rng = np.random.default_rng(9)
    data = pd.DataFrame({"joined": np.repeat([1, 0], [80, 300]), "x": rng.normal(size=380)})
    data["again"] = (rng.random(380) < np.where(data["joined"] == 1, 0.2, 0.5)).astype(int)
    design = match(propensity("joined ~ x", data), ratio=2)
    found = rosenbaum(design, "again", alternative="less")
    table = found.tidy()
    assert (np.diff(table["p_upper"]) >= 0).all()
    assert (np.diff(table["p_lower"]) <= 0).all()
    near = rosenbaum(
        design, "again", alternative="less", gammas=[found.critical_gamma * 0.999, found.critical_gamma * 1.001]
    )
    assert near.tidy()["p_upper"].iloc[0] < 0.05 < near.tidy()["p_upper"].iloc[1]
    assert "largest p passes 0.05 at gamma" in repr(found)
    shuffled = match(propensity("joined ~ x", data.sample(frac=1, random_state=2)), ratio=2)
    assert repr(rosenbaum(shuffled, "again", alternative="less")) == repr(found)
    axes = found.plot()
    assert axes.get_xlabel().startswith("Γ")
    other = rosenbaum(design, "again", alternative="greater")
    assert np.isnan(other.critical_gamma)
    assert "without any hidden bias" in repr(other)


def test_sets_that_lost_somebody_stay_or_go_whole():
    design = in_sets([1, 0, None, 0, 1, 1, None, 1, 0], [1, 0, 0] * 3, np.repeat([0, 1, 2], 3))
    found = rosenbaum(design, "y", gammas=[1])
    assert (found.n_sets, found.n) == (2, 5)
    assert any("1 matched set lost one side and is dropped" in note for note in found.notes)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"gammas": []}, "gammas must be numbers from 1"),
        ({"gammas": [0.5]}, "gammas must be numbers from 1"),
        ({"alternative": "lower"}, "alternative must be one of"),
        ({"level": 5}, "level must lie between"),
        ({"outcome": "joined"}, "is the treatment"),
        ({"outcome": "nowhere"}, "is not in the data"),
        ({"outcome": "same"}, "varies in no matched set"),
    ],
)
def test_what_cannot_be_bounded_is_refused(arguments, says):
    design = pairs([0, 1, 0], [1, 0, 1])
    design.data["same"] = 1
    call = {"outcome": "y", **arguments}
    with pytest.raises(InputError, match=says):
        rosenbaum(design, **call)


def test_designs_without_sets_or_pairs_are_refused():
    with pytest.raises(InputError, match="are of matched sets, and this design has none"):
        rosenbaum(whole_sample(pd.DataFrame({"joined": [1, 0], "y": [1, 0]}), "joined"), "y")
    with pytest.raises(InputError, match="signed ranks need pairs"):
        rosenbaum(in_sets([3.5, 1, 2, 2, 4, 1], [1, 0, 0] * 2, [0, 0, 0, 1, 1, 1]), "y")
    with pytest.raises(InputError, match="needs a Design"):
        rosenbaum(pd.DataFrame({"y": [1]}), "y")
