"""Every method of matching against slow and obvious search, and what must hold of each."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from impact.comparison import cardinality, match, propensity
from impact.comparison.candidates import Candidates
from impact.comparison.cardinality import largest_alike
from impact.comparison.full import covered, covered_on_a_line
from impact.comparison.optimal import assigned, paired_on_a_line
from impact.errors import ConvergenceError, InputError

EXAMPLES = hypothesis_settings(max_examples=150)
FEW = hypothesis_settings(max_examples=60)


def people(groups) -> pd.DataFrame:
    """Rows of (distance, covariate, stratum), labels out of order."""
    rows = [(1, *row) for row in groups[0]] + [(0, *row) for row in groups[1]]
    data = pd.DataFrame(rows, columns=["joined", "distance", "age", "area"])
    data["distance"] = data["distance"] / 2
    data.index = pd.Index([f"p{(7 * i) % 97:02d}" for i in range(len(data))])
    return data


row = st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 1))
sides = st.tuples(st.lists(row, min_size=1, max_size=8), st.lists(row, min_size=2, max_size=14))


def brute(data, apart, *, order, seed, ratio, least, replace):
    """Greedy pairs from the rule in the docstring; `apart` gives the distance of a pair, or infinity."""
    score = data["distance"]

    def key(label):
        return (float(data.at[label, "age"]), label)

    sign = 1 if order == "ascending" else -1
    choosers = sorted(data.index[data.joined == 1], key=lambda t: (sign * score[t], *key(t)))
    if order == "random":
        choosers = [choosers[i] for i in np.random.default_rng(seed).permutation(len(choosers))]
    others = list(data.index[data.joined == 0])
    mine = {t: [] for t in choosers}
    seeking, free = list(choosers), set(others)
    for turn in range(ratio):
        waiting, served = list(seeking), []
        while waiting:
            best = None
            for t in waiting if order == "closest" else waiting[:1]:
                for c in others if replace else free:
                    if c not in mine[t] and math.isfinite(apart(t, c)):
                        rank = (apart(t, c), choosers.index(t), score[c], *key(c))
                        best = min(best, (rank, t, c)) if best else (rank, t, c)
            if best is None:
                waiting = waiting[1:] if order != "closest" else []
                continue
            _, t, c = best
            mine[t].append(c)
            free.discard(c)
            waiting.remove(t)
            served.append(t)
        seeking = [t for t in choosers if t in served]
        if turn + 1 == least:
            for t in choosers:
                if len(mine[t]) < least:
                    free |= set(mine[t])
                    mine[t] = []
    return sorted((t, c) for t in choosers if len(mine[t]) >= least for c in mine[t])


def found_pairs(design):
    return sorted(zip(design.pairs["treated"], design.pairs["comparison"], strict=True))


def holds(design) -> None:
    data, weights = design.data, design.weights
    treated = data[design.treatment] == 1
    kept = int((weights[treated] > 0).sum())
    assert set(weights[treated]) <= {0.0, 1.0}
    assert weights[~treated].sum() == pytest.approx(kept, rel=1e-12)
    assert design.estimand == ("ATT" if kept == treated.sum() else "ATT among the matched")
    flow = design.flow.set_index("step")
    gone = flow[flow.index.str.startswith("Left out")].sum()
    assert (flow.loc["Given"] - gone == flow.loc["Matched"]).all()
    assert flow.loc["Matched", "treated"] == kept
    assert (design.left_out.ne("") == (weights == 0)).all()
    for groups in (design.sets, design.strata):
        if groups is not None:
            assert groups.notna().equals(weights > 0)
            inside = groups.notna()
            sums = weights[inside].groupby([groups[inside], treated[inside]]).sum().unstack()
            assert np.allclose(sums[True], sums[False])


@EXAMPLES
@given(
    sides,
    st.sampled_from([(1, 1), (1, 3), (2, 2), (2, 3)]),
    st.booleans(),
    st.sampled_from([None, 0.4, 1.0]),
    st.booleans(),
    st.sampled_from(["descending", "ascending", "closest", "random"]),
    st.sampled_from([None, {"age": 1}, {"age": 0.5, "area": 0.5}]),
)
def test_greedy_pairs_with_every_limit_are_those_of_brute_force(groups, ratio, replace, caliper, strata, order, within):
    data = people(groups)
    replace = replace and order in ("descending", "ascending")
    reach = math.inf if caliper is None else caliper * float(np.std(data["distance"], ddof=1))
    limits = {"distance": reach, **(within or {}), **({"area": 0} if strata else {})}

    def apart(t, c):
        inside = all(abs(data.at[t, name] - data.at[c, name]) <= limit for name, limit in limits.items())
        return abs(data.at[t, "distance"] - data.at[c, "distance"]) if inside else math.inf

    seed = 3 if order == "random" else None
    truth = brute(data, apart, order=order, seed=seed, ratio=ratio[1], least=ratio[0], replace=replace)
    arguments = {"ratio": ratio, "replace": replace, "caliper": caliper, "order": order, "within": within, "seed": seed}
    score = propensity("joined ~ age", data, score="distance")
    if not truth:
        with pytest.raises(InputError, match=r"nobody has a partner|shares a stratum"):
            match(score, exact=("area",) if strata else (), **arguments)
        return
    design = match(score, exact=("area",) if strata else (), **arguments)
    holds(design)
    assert found_pairs(design) == truth


@FEW
@given(st.integers(0, 10_000), st.sampled_from([None, 0.5]), st.sampled_from(["descending", "closest"]), st.booleans())
def test_mahalanobis_pairs_in_a_caliper_are_those_of_brute_force(seed, caliper, order, replace):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(10, 30))
    data = pd.DataFrame(rng.normal(size=(n, 3)), columns=["x", "y", "distance"])
    data["joined"] = (rng.permutation(n) < n // 3).astype(int)
    data["age"] = 0.0
    replace = replace and order == "descending"
    score = propensity("joined ~ x + y", data, score="distance")
    reach = math.inf if caliper is None else caliper * float(np.std(data["distance"], ddof=1))
    within = [data.loc[data.joined == g, ["x", "y"]] for g in (1, 0)]
    inverse = np.linalg.inv(sum((len(g) - 1) * np.cov(g.T) for g in within) / (n - 2))

    def apart(t, c):
        gap = (data.loc[t, ["x", "y"]] - data.loc[c, ["x", "y"]]).to_numpy(dtype=float)
        near = abs(data.at[t, "distance"] - data.at[c, "distance"]) <= reach
        return float(np.sqrt(gap @ inverse @ gap)) if near else math.inf

    truth = brute(data, apart, order=order, seed=None, ratio=2, least=1, replace=replace)
    if not truth:
        return
    design = match(score, on="mahalanobis", ratio=2, caliper=caliper, order=order, replace=replace)
    assert found_pairs(design) == truth
    far = [apart(t, c) for t, c in zip(design.pairs["treated"], design.pairs["comparison"], strict=True)]
    assert np.allclose(design.pairs["distance"], far, rtol=1e-9)


values = st.lists(st.one_of(st.integers(0, 8), st.floats(0, 8)), min_size=1, max_size=5)


def cheapest_cover(apart: np.ndarray) -> float:
    """By every way to cover the first person not yet covered."""
    n, m = apart.shape

    @functools.cache
    def rest(covered: int) -> float:
        first = next((u for u in range(n + m) if not covered >> u & 1), None)
        if first is None:
            return 0.0
        ways = [(first, n + j) for j in range(m)] if first < n else [(i, first) for i in range(n)]
        return min(apart[i, j - n] + rest(covered | 1 << i | 1 << j) for i, j in ways)

    return rest(0)


@EXAMPLES
@given(values, values)
def test_full_matching_has_the_least_distance_of_all_covers(mine, theirs):
    treated, others = np.sort(np.array(mine, dtype=float)), np.sort(np.array(theirs, dtype=float))
    apart = np.abs(treated[:, None] - others)
    truth = cheapest_cover(apart)
    who, whom = (axis.ravel() for axis in np.indices(apart.shape))
    for found in (covered_on_a_line(treated, others), covered(Candidates(who, whom, apart.ravel()), *apart.shape)):
        assert set(found[0]) == set(range(len(mine)))
        assert set(found[1]) == set(range(len(theirs)))
        assert apart[found].sum() == pytest.approx(truth, rel=1e-9, abs=1e-9)
        assert ((np.bincount(found[0])[found[0]] == 1) | (np.bincount(found[1])[found[1]] == 1)).all()


@EXAMPLES
@given(values, st.lists(st.integers(0, 16), min_size=1, max_size=7), st.sampled_from([1, 2]), st.booleans())
def test_optimal_pairs_are_the_most_and_the_nearest_of_every_choice(mine, theirs, ratio, limited):
    treated, others = np.sort(np.array(mine[:4], dtype=float)), np.sort(np.array(theirs, dtype=float) / 2)
    apart = np.abs(treated[:, None] - others)
    may = apart <= 1.5 if limited else np.ones(apart.shape, dtype=bool)
    best = None
    slots = [i for i in range(len(treated)) for _ in range(ratio)]
    for choice in itertools.product(range(-1, len(others)), repeat=len(slots)) if len(slots) <= 4 else ():
        used = [j for j in choice if j >= 0]
        if len(set(used)) < len(used) or any(j >= 0 and not may[i, j] for i, j in zip(slots, choice, strict=True)):
            continue
        served = len({i for i, j in zip(slots, choice, strict=True) if j >= 0})
        total = sum(apart[i, j] for i, j in zip(slots, choice, strict=True) if j >= 0)
        best = min(best, (-served, -len(used), total)) if best else (-served, -len(used), total)
    if best is None:
        return
    who, whom = np.nonzero(may)
    found = [assigned(Candidates(who, whom, apart[who, whom]), *apart.shape, ratio)]
    line = None if limited else paired_on_a_line(treated, others, ratio)
    for way in [*found, *([] if line is None else [line])]:
        people, turn = np.nonzero(way >= 0)
        partner = way[people, turn]
        assert len(set(partner)) == len(partner)
        assert (-len(set(people)), -len(people)) == best[:2]
        assert apart[people, partner].sum() == pytest.approx(best[2], rel=1e-9, abs=1e-9)


@hypothesis_settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([1, 2]))
def test_cardinality_finds_the_most_people_of_every_choice(seed, ratio):
    rng = np.random.default_rng(seed)
    treated = np.arange(9) < 3
    terms, allowed = rng.normal(size=(9, 2)), np.array([0.4, 0.4])
    most = 0
    for size in range(1, 4):
        for mine in itertools.combinations(range(3), size):
            for theirs in itertools.combinations(range(3, 9), size * ratio):
                gap = terms[list(mine)].mean(axis=0) - terms[list(theirs)].mean(axis=0)
                most = max(most, size if (np.abs(gap) <= allowed).all() else 0)
    kept = largest_alike(terms, allowed, treated, np.zeros(9, dtype=np.int64), ratio)
    assert kept[treated].sum() == most
    assert kept[~treated].sum() == most * ratio


@pytest.mark.parametrize("seed", range(12))
def test_cardinality_by_rounding_is_as_large_as_by_the_whole_search(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    ratio = 1 + seed % 2
    treated = np.arange(150) < 40
    terms = rng.normal(size=(150, 3)) + 0.5 * treated[:, None]
    stratum = rng.integers(0, 2, 150)
    allowed = np.full(3, 0.02)
    whole = largest_alike(terms, allowed, treated, stratum, ratio)
    searched = []
    plain = cardinality.Search.whole
    monkeypatch.setattr(cardinality, "FREE", 60)
    monkeypatch.setattr(
        cardinality.Search,
        "whole",
        lambda self, low, high, s: searched.append((high - low).sum()) or plain(self, low, high, s),
    )
    kept = largest_alike(terms, allowed, treated, stratum, ratio)
    assert kept[treated].sum() == whole[treated].sum()
    for one in (0, 1):
        assert kept[~treated & (stratum == one)].sum() == ratio * kept[treated & (stratum == one)].sum()
    apart = terms[kept & treated].mean(axis=0) - terms[kept & ~treated].mean(axis=0)
    assert (np.abs(apart) <= allowed * (1 + 1e-4)).all()
    assert searched[0] < 70, "most people are held fast"


def test_cardinality_gives_up_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr(cardinality, "SECONDS", 1e-9)
    with pytest.raises(ConvergenceError, match="branches or 1e-09 seconds"):
        match(propensity("joined ~ age + prior + area", drawn()), method="cardinality")


def drawn(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    data = pd.DataFrame(
        {"age": rng.integers(18, 30, n), "prior": rng.integers(0, 4, n), "area": rng.choice(list("KLS"), n)}
    )
    chance = 1 / (1 + np.exp(2 - 0.1 * (data["age"] - 18) - 0.2 * data["prior"]))
    data["joined"] = (rng.random(n) < chance).astype(int)
    data.index = pd.Index([f"p{i:04d}" for i in rng.permutation(n)])
    return data


WAYS = [
    {"on": "mahalanobis", "caliper": 0.2},
    {"order": "closest", "ratio": (2, 3), "caliper": 0.1},
    {"order": "random", "seed": 4, "within": {"age": 2}},
    {"method": "optimal", "ratio": 2},
    {"method": "optimal", "caliper": 0.05, "exact": "area"},
    {"method": "optimal", "on": "mahalanobis"},
    {"method": "full"},
    {"method": "full", "exact": "area", "within": {"age": 1}},
    {"method": "exact"},
    {"method": "coarsened", "cutpoints": {"age": 3, "prior": [1, 3]}},
    {"method": "subclass", "subclasses": 4, "exact": "area"},
    {"method": "cardinality", "tolerance": 0.1},
]


@pytest.mark.parametrize("arguments", WAYS)
def test_every_method_adds_up_whatever_the_order_of_the_rows(arguments):
    data = drawn()
    formula = "joined ~ age + prior + area"
    first = match(propensity(formula, data), **arguments)
    holds(first)
    assert first.balance().tidy()["sample"].eq("matched").any()
    if (first.left_out[data["joined"] == 1] != "").any():
        assert set(first.lost().columns) == {"term", "n_kept", "n_lost", "mean_kept", "mean_lost", "smd"}
        few = first.lost()["n_lost"].max() < 10  # the mean of fewer is not said
        words = "Fewer than 10 were lost" if few else "Kept and lost differ most in"
        assert any(words in note for note in first.notes)
    shuffled = data.sample(frac=1, random_state=1)
    again = match(propensity(formula, shuffled), **arguments)
    pd.testing.assert_series_equal(first.weights, again.weights.loc[data.index], check_exact=True)
    pd.testing.assert_frame_equal(first.flow, again.flow)
    assert first.notes == again.notes
    if first.pairs is not None:
        pd.testing.assert_frame_equal(first.pairs, again.pairs, check_exact=True)


def test_strata_are_those_of_a_plain_group_by():
    data = drawn()
    for arguments, codes in [
        ({"method": "exact"}, [data["age"], data["prior"], data["area"]]),
        (
            {"method": "coarsened", "cutpoints": {"age": [21, 25], "prior": [2]}},
            [np.digitize(data["age"], [21, 25]), data["prior"] >= 2, data["area"]],
        ),
    ]:
        design = match(propensity("joined ~ age + prior + area", data), **arguments)
        tables = data["joined"].groupby(codes).transform("mean")
        odds = np.where(tables < 1, tables / (1 - tables.where(tables < 1)), 0)
        expected = np.where(data["joined"] == 1, (tables < 1).astype(float), odds)
        assert np.allclose(design.weights, expected)
        assert design.sets is None


def test_cardinality_keeps_every_difference_within_the_tolerance():
    design = match(propensity("joined ~ age + prior + area", drawn()), method="cardinality", tolerance=0.03)
    table = design.balance().tidy()
    assert table.loc[table["sample"] == "matched", "smd"].abs().max() <= 0.03 * (1 + 1e-3)
