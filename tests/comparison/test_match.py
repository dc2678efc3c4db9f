"""Pairs and weights against brute force over every pair, and what must hold of any match."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from impact.comparison import MatchedDesign, balance, match, propensity
from impact.design import Design
from impact.errors import InputError

EXAMPLES = hypothesis_settings(max_examples=150)


def people(treated: list[tuple[int, int, int]], others: list[tuple[int, int, int]]) -> pd.DataFrame:
    """Rows of (distance, covariate, stratum), labels out of order."""
    rows = [(1, *row) for row in treated] + [(0, *row) for row in others]
    data = pd.DataFrame(rows, columns=["joined", "distance", "age", "area"])
    data["distance"] = data["distance"] / 2
    data.index = pd.Index([f"p{(7 * i) % 97:02d}" for i in range(len(data))])
    return data


def given_score(data: pd.DataFrame):
    return propensity("joined ~ age", data, score="distance")


def key(data: pd.DataFrame, label: str) -> tuple[float, str]:
    return (float(data.at[label, "age"]), label)


def brute_pairs(
    data: pd.DataFrame, distance: pd.Series, *, ratio=1, replace=False, reach=math.inf, exact=(), order="descending"
) -> list[tuple[str, str]]:
    """Greedy matching by looking at every pair, straight from the rule in the docstring."""
    sign = -1 if order == "descending" else 1
    choosers = sorted(data.index[data.joined == 1], key=lambda t: (sign * distance[t], *key(data, t)))
    free = set(data.index[data.joined == 0])
    mine: dict[str, list[str]] = {t: [] for t in choosers}
    for _ in range(ratio):
        for t in choosers:
            options = [
                c
                for c in (data.index[data.joined == 0] if replace else free)
                if c not in mine[t]
                and all(data.at[c, name] == data.at[t, name] for name in exact)
                and abs(distance[t] - distance[c]) <= reach
            ]
            if options:
                best = min(options, key=lambda c: (abs(distance[t] - distance[c]), distance[c], *key(data, c)))
                mine[t].append(best)
                free.discard(best)
    return [(t, c) for t in choosers for c in mine[t]]


def brute_weights(data: pd.DataFrame, pairs: list[tuple[str, str]]) -> pd.Series:
    weights = pd.Series(0.0, index=data.index)
    partners = pd.Series([t for t, _ in pairs]).value_counts()
    for t, c in pairs:
        weights[t] = 1.0
        weights[c] += 1 / partners[t]
    return weights


def holds(design: MatchedDesign) -> None:
    """What must hold of any match, whatever the method."""
    data, weights = design.data, design.weights
    treated = data[design.treatment] == 1
    assert weights.index.equals(data.index)
    assert (weights >= 0).all()
    assert set(weights[treated]) <= {0.0, 1.0}
    kept = int((weights[treated] > 0).sum())
    assert weights[~treated].sum() == pytest.approx(kept, rel=1e-12)
    assert design.estimand == ("ATT" if kept == treated.sum() else "ATT among the matched")
    flow = design.flow.set_index("step")
    assert flow.loc["Matched", "treated"] == kept
    assert flow.loc["Matched", "comparison"] == (weights[~treated] > 0).sum()
    left_out = flow[flow.index.str.startswith("Left out")].sum()
    assert (flow.loc["Given"] - left_out == flow.loc["Matched"]).all()
    if design.sets is not None:
        inside = design.sets.notna()
        assert inside.equals(weights > 0)
        sums = weights[inside].groupby([design.sets[inside], treated[inside]]).sum().unstack()
        assert np.allclose(sums, 1)
        assert not design.pairs["comparison"].duplicated().any()


row = st.tuples(st.integers(0, 9), st.integers(0, 2), st.integers(0, 1))
sides = st.tuples(st.lists(row, min_size=1, max_size=9), st.lists(row, min_size=2, max_size=16))


@EXAMPLES
@given(
    sides,
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([None, 0.1, 0.4, 1.0]),
    st.booleans(),
    st.sampled_from(["descending", "ascending"]),
)
def test_pairs_are_those_of_brute_force(groups, ratio, replace, caliper, strata, order):
    data = people(*groups)
    exact = ("area",) if strata else ()
    distance = data["distance"]
    reach = math.inf if caliper is None else caliper * float(np.std(distance, ddof=1))
    truth = brute_pairs(data, distance, ratio=ratio, replace=replace, reach=reach, exact=exact, order=order)
    arguments = {"ratio": ratio, "replace": replace, "caliper": caliper, "exact": exact, "order": order}
    score = given_score(data)
    if not truth:
        with pytest.raises(InputError, match=r"nobody has a partner|shares a stratum"):
            match(score, **arguments)
        return
    design = match(score, **arguments)
    holds(design)
    found = list(zip(design.pairs["treated"], design.pairs["comparison"], strict=True))
    assert sorted(found) == sorted(truth)
    assert list(dict.fromkeys(t for t, _ in found)) == list(dict.fromkeys(t for t, _ in truth))
    pd.testing.assert_series_equal(design.weights, brute_weights(data, truth), check_names=False)
    assert (design.pairs["distance"] <= reach).all()


@EXAMPLES
@given(sides, st.sampled_from([0.5, 1.0, 2.0]), st.booleans())
def test_radius_weights_are_those_of_brute_force(groups, radius, strata):
    data = people(*groups)
    distance = data["distance"]
    pairs = [
        (t, c)
        for t in data.index[data.joined == 1]
        for c in data.index[data.joined == 0]
        if abs(distance[t] - distance[c]) <= radius and (not strata or data.at[t, "area"] == data.at[c, "area"])
    ]
    arguments = {"method": "radius", "radius": radius, "exact": "area" if strata else ()}
    if not pairs:
        with pytest.raises(InputError):
            match(given_score(data), **arguments)
        return
    design = match(given_score(data), **arguments)
    holds(design)
    assert design.sets is None
    assert design.pairs is None
    pd.testing.assert_series_equal(design.weights, brute_weights(data, pairs), check_names=False)


def drawn(n: int = 400, seed: int = 5) -> pd.DataFrame:
    """People with many ties: two covariates of few values."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {"age": rng.integers(18, 26, n), "prior": rng.integers(0, 4, n), "area": rng.choice(list("KLS"), n)}
    )
    chance = 1 / (1 + np.exp(2 - 0.15 * (data["age"] - 18) - 0.2 * data["prior"]))
    data["joined"] = (rng.random(n) < chance).astype(int)
    data.index = pd.Index([f"p{i:04d}" for i in rng.permutation(n)])
    return data


@pytest.mark.parametrize("on", ["logit", "probability", "odds"])
def test_scales_against_brute_force(on):
    data = drawn(160)
    score = propensity("joined ~ age + prior + area", data)
    distance = {"logit": score.linear, "probability": score.score, "odds": np.exp(score.linear)}[on]
    reach = 0.1 * float(np.std(distance.to_numpy(), ddof=1))
    design = match(score, on=on, caliper=0.1, exact="area")
    found = dict(zip(design.pairs["treated"], design.pairs["comparison"], strict=True))
    order = list(design.pairs["treated"])
    assert (np.diff(distance[order]) <= 0).all()
    covariates = data[["age", "prior", "area"]]

    def rank(label: str) -> tuple[object, ...]:
        return (*covariates.loc[label], label)

    free = set(data.index[data.joined == 0])
    truth = {}
    for t in sorted(data.index[data.joined == 1], key=lambda t: (-distance[t], *rank(t))):
        options = [
            c for c in free if data.at[c, "area"] == data.at[t, "area"] and abs(distance[c] - distance[t]) <= reach
        ]
        if options:
            truth[t] = min(options, key=lambda c: (abs(distance[t] - distance[c]), distance[c], *rank(c)))
            free.remove(truth[t])
    assert found == truth
    holds(design)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"ratio": 2, "caliper": 0.2},
        {"replace": True, "ratio": 3},
        {"order": "ascending", "exact": ("area",)},
        {"method": "radius", "radius": 0.05, "on": "odds"},
    ],
)
def test_the_order_of_the_rows_has_no_say(arguments):
    data = drawn()
    first = match(propensity("joined ~ age + prior + area", data), **arguments)
    for seed in range(4):
        shuffled = data.sample(frac=1, random_state=seed)
        again = match(propensity("joined ~ age + prior + area", shuffled), **arguments)
        pd.testing.assert_series_equal(first.weights, again.weights.loc[data.index], check_exact=True)
        if first.pairs is not None:
            pd.testing.assert_frame_equal(first.pairs, again.pairs, check_exact=True)
        if first.sets is not None:
            pd.testing.assert_series_equal(first.sets, again.sets.loc[data.index])
        pd.testing.assert_frame_equal(first.flow, again.flow)


def test_those_left_out_are_counted_by_reason():
    data = people([(0, 0, 0), (40, 0, 0), (1, 0, 1), (0, 1, 0)], [(1, 0, 0), (2, 0, 2)])
    design = match(given_score(data), caliper=0.2, exact="area")
    steps = design.flow.set_index("step")["treated"].to_dict()
    assert steps == {
        "Given": 4,
        "Left out: nobody of the other group agrees on the exact columns": 1,
        "Left out: no comparison person near enough": 1,
        "Left out: every comparison person near enough was taken": 1,
        "Left out: not chosen for comparison": 0,
        "Matched": 1,
    }
    assert design.estimand == "ATT among the matched"
    assert "3 of 4 treated people have no partner" in design.notes[0]
    assert "p00" not in repr(design)


def test_a_match_knows_its_balance_and_takes_no_outcome():
    design = match(propensity("joined ~ age + prior", drawn()))
    assert isinstance(design, Design)
    pd.testing.assert_frame_equal(design.balance().tidy(), balance(design).tidy())
    with pytest.raises(TypeError):
        match(propensity("joined ~ age", drawn()), outcome="prior")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"method": "optimal", "order": "closest"}, "order would have no effect with method='optimal'"),
        ({"method": "exact", "caliper": 0.2, "ratio": 2}, "ratio, caliper would have no effect"),
        ({"method": "exact", "on": "odds"}, "on would have no effect"),
        ({"method": "full", "ratio": 2}, "ratio would have no effect"),
        ({"method": "subclass", "subclasses": 0}, "subclasses must be a whole number"),
        ({"method": "coarsened", "cutpoints": {"age": 3}}, "age, which is not a covariate"),
        ({"method": "coarsened", "cutpoints": {"need": [2, 1]}}, "ascending numbers"),
        ({"method": "optimal", "ratio": (2, 3)}, "least ratio belongs to method='nearest'"),
        ({"method": "radius", "radius": 1, "on": "mahalanobis"}, "has no radius"),
        ({"subclasses": 3, "tolerance": 0.1}, "subclasses, tolerance would have no effect"),
        ({"method": "best"}, "method must be one of nearest, radius"),
        ({"within": {"prior": -1}}, "within must be a mapping"),
        ({"within": {"nowhere": 1}}, "is not in the data"),
        ({"on": "score"}, "on must be one of"),
        ({"order": "sideways"}, "order must be one of"),
        ({"order": "random"}, "needs seed"),
        ({"seed": 1}, "seed belongs to order='random'"),
        ({"order": "closest", "replace": True}, "no effect with replacement"),
        ({"ratio": (3, 2)}, "ratio must be a whole number"),
        ({"ratio": 0}, "ratio must be a whole number"),
        ({"ratio": 1.5}, "ratio must be a whole number"),
        ({"caliper": -1}, "caliper must be a number above 0"),
        ({"radius": 0.1}, "nearest matching takes a caliper"),
        ({"method": "radius"}, "needs radius"),
        ({"method": "radius", "radius": 1, "ratio": 2, "caliper": 0.2}, "ratio, caliper would have no effect"),
        ({"method": "radius", "radius": 1, "order": "ascending"}, "order would have no effect"),
        ({"exact": "nowhere"}, "is not in the data"),
        ({"method": "radius", "radius": 1e-12, "on": "odds", "exact": "age"}, "nobody has a partner"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(arguments, says):
    rng = np.random.default_rng(1)
    data = drawn().assign(need=rng.normal(size=400))
    with pytest.raises(InputError, match=says):
        match(propensity("joined ~ need + prior", data), **arguments)


def test_lalonde_nearest_gives_the_published_difference(shared):
    data = pd.read_csv(shared / "data" / "trials" / "MatchIt_lalonde.csv", index_col=0)
    score = propensity("treat ~ age + educ + race + married + nodegree + re74 + re75", data)
    design = match(score)
    holds(design)
    earned = (data["re78"] * design.weights).groupby(data["treat"]).sum() / design.weights.groupby(data["treat"]).sum()
    assert round(earned[1] - earned[0], 1) == 894.4
