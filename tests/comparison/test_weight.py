"""Weights against plain formulas and a general optimiser, and what must hold of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

from impact.comparison import match, propensity, weight
from impact.comparison.weight import crump_bound
from impact.errors import ConvergenceError, InputError


def drawn(n: int = 400, seed: int = 5, strength: float = 0.2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {"age": rng.normal(30, 5, n), "prior": rng.integers(0, 4, n), "area": rng.choice(list("KLS"), n)}
    )
    chance = 1 / (1 + np.exp(1 - strength * (data["age"] - 30) - 0.2 * data["prior"]))
    data["joined"] = (rng.random(n) < chance).astype(int)
    data.index = pd.Index([f"p{i:04d}" for i in rng.permutation(n)])
    return data


FORMULA = "joined ~ age + prior + area"


@pytest.mark.parametrize(
    ("arguments", "formula"),
    [
        ({}, lambda e, d: np.where(d, 1, e / (1 - e))),
        ({"estimand": "ATE"}, lambda e, d: np.where(d, 1 / e, 1 / (1 - e))),
        ({"method": "overlap"}, lambda e, d: np.where(d, 1 - e, e)),
        (
            {"estimand": "ATE", "trim": (0.1, 0.7)},
            lambda e, d: np.where(d, 1 / e, 1 / (1 - e)) * ((e >= 0.1) & (e <= 0.7)),
        ),
        ({"trim": (0, 0.6)}, lambda e, d: np.where(d, 1, e / (1 - e)) * (e <= 0.6)),
    ],
)
def test_weights_are_those_of_their_formulas(arguments, formula):
    data = drawn()
    score = propensity(FORMULA, data)
    design = weight(score, **arguments)
    d = (data["joined"] == 1).to_numpy()
    expected = formula(score.score.to_numpy(), d)
    kept = expected > 0
    for side in (d, ~d):
        found = design.weights.to_numpy()[side]
        np.testing.assert_allclose(found / found.sum(), expected[side] / expected[side].sum(), rtol=1e-12)
        total = (kept & d).sum() if design.estimand.startswith("ATT") else (kept & side).sum()
        assert found.sum() == pytest.approx(total, rel=1e-12)
    flow = design.flow.set_index("step")
    assert flow.loc["Weighted"].tolist() == [(kept & d).sum(), (kept & ~d).sum()]
    assert (design.left_out.ne("") == (design.weights == 0)).all()
    assert design.estimand.endswith("among the kept") == ("trim" in arguments)
    table = design.balance().tidy()
    if arguments.get("method") == "overlap":
        assert table.loc[table["sample"] == "weighted", "smd"].abs().max() < 1e-8


def test_entropy_balancing_is_exact_and_the_most_even():
    data = drawn(120)
    design = weight(propensity(FORMULA, data), method="entropy")
    table = design.balance().tidy()
    assert table.loc[table["sample"] == "weighted", "smd"].abs().max() < 1e-9
    d = data["joined"] == 1
    terms = np.column_stack([data["age"], data["prior"], data["area"] == "L", data["area"] == "S"]).astype(float)
    others, goal = terms[~d], terms[d].mean(axis=0)
    scale = others.std(axis=0)
    gap = (others - goal) / scale
    slope = scipy.optimize.minimize(
        lambda b: np.log(np.exp(gap @ b).sum()), np.zeros(4), method="BFGS", options={"gtol": 1e-10}
    ).x
    oracle = np.exp(gap @ slope)
    found = design.weights[~d].to_numpy()
    np.testing.assert_allclose(found / found.sum(), oracle / oracle.sum(), rtol=1e-5)


def test_entropy_balancing_is_the_primal_optimum_of_its_own_problem():
    """Weights near 1/n0, given the means: least Σ w log(w n0), searched for without the dual."""
    data = drawn(60)
    design = weight(propensity("joined ~ age + prior", data), method="entropy")
    d = (data["joined"] == 1).to_numpy()
    terms = data[["age", "prior"]].to_numpy(dtype=float)
    gaps = (terms[~d] - terms[d].mean(axis=0)) / terms[~d].std(axis=0)
    n = len(gaps)
    found = scipy.optimize.minimize(
        lambda w: (w * np.log(w * n)).sum(),
        np.full(n, 1 / n),
        jac=lambda w: np.log(w * n) + 1,
        method="SLSQP",
        bounds=[(1e-9, 1)] * n,
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n)},
            {"type": "eq", "fun": lambda w: w @ gaps, "jac": lambda w: gaps.T},
        ],
        options={"ftol": 1e-15, "maxiter": 1000},
    ).x
    weights = design.weights[~d].to_numpy()
    np.testing.assert_allclose(weights / weights.sum(), found, atol=1e-6)


def test_entropy_balancing_fails_with_the_covariate_named():
    data = drawn(200)
    data["age"] = np.where(data["joined"] == 1, data["age"] + 60, data["age"])
    score = propensity("joined ~ age + prior", data.assign(s=0.0), score="s")
    with pytest.raises(ConvergenceError, match=r"outside the values of all comparison people: age"):
        weight(score, method="entropy")
    corner = pd.DataFrame({"joined": [1, 0, 0, 0, 0], "a": [0.9, 0, 1, 0, 0.5], "b": [0.9, 0, 0, 1, 0.4], "s": 0.0})
    with pytest.raises(ConvergenceError, match="stays furthest off"):
        weight(propensity("joined ~ a + b", corner, score="s"), method="entropy")


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_of_crump_solves_its_equation(seed):
    score = 1 / (1 + np.exp(-np.random.default_rng(seed).normal(0, 0.5 + seed, 500)))
    bound = crump_bound(score)
    cost = 1 / (score * (1 - score))
    if bound == 0:
        assert cost.max() <= 2 * cost.mean()
    else:
        kept = (score >= bound) & (score <= 1 - bound)
        assert 1 / (bound * (1 - bound)) == pytest.approx(2 * cost[kept].mean(), rel=1e-9)


@pytest.mark.parametrize(
    "arguments", [{}, {"estimand": "ATE", "trim": "crump"}, {"method": "overlap"}, {"method": "entropy"}]
)
def test_the_order_of_the_rows_has_no_say(arguments):
    data = drawn()
    first = weight(propensity(FORMULA, data), **arguments)
    again = weight(propensity(FORMULA, data.sample(frac=1, random_state=2)), **arguments)
    np.testing.assert_allclose(first.weights, again.weights.loc[data.index], rtol=1e-9)
    pd.testing.assert_frame_equal(first.flow, again.flow)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"method": "magic"}, "method must be one of"),
        ({"estimand": "ATO"}, "estimand of method='ipw' must be one of ATT, ATE"),
        ({"method": "entropy", "estimand": "ATE"}, "must be one of ATT"),
        ({"method": "overlap", "trim": (0.1, 0.9)}, "no effect with method='overlap'"),
        ({"trim": (0.9, 0.1)}, "two ascending numbers"),
        ({"trim": "crump"}, "a rule for the ATE"),
        ({"trim": (0.9999, 1.0)}, "leaves nobody"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(arguments, says):
    with pytest.raises(InputError, match=says):
        weight(propensity(FORMULA, drawn()), **arguments)
    with pytest.raises(InputError, match="needs an estimated probability"):
        weight(propensity("joined ~ prior", drawn(), score="age"))
    with pytest.raises(InputError, match="needs the result of propensity"):
        weight(match(propensity(FORMULA, drawn())))
