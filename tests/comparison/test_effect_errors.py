"""Standardised means, estimated scores, resampled sets, matching with replacement and doubly robust means.

R's numbers are those of tests/reference/comparison/make_effects.R.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from impact.comparison import compare, match, propensity, weight, whole_sample
from impact.comparison.abadie_imbens import Pairs, local_products, matched_effect, score_adjustment, tied
from impact.comparison.bootstrap import resampled, resampled_ratios, set_sums
from impact.comparison.doubly_robust import doubly_robust
from impact.comparison.propensity import Propensity
from impact.design import Design
from impact.errors import ConvergenceError, InputError

FORMULA = "joined ~ age + prior + area + male"
KINDS = {"difference": "risk_difference", "ratio": "risk_ratio", "odds": "odds_ratio"}
TIGHT = 1e-8


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / "tests" / "reference" / "comparison"


@pytest.fixture(scope="module")
def people(folder: Path) -> pd.DataFrame:
    data = pd.read_csv(folder / "people.csv")
    return data.assign(given=pd.read_csv(folder / "given.csv")["given"])


@pytest.fixture(scope="module")
def numbers(folder: Path) -> pd.Series:
    return pd.read_csv(folder / "effects.csv", index_col="name")["value"]


@pytest.fixture(scope="module")
def score(people: pd.DataFrame) -> Propensity:
    return propensity(FORMULA, people)


def designed(data: pd.DataFrame) -> Design:
    """The sets and weights of the reference as a plain Design."""
    flow = pd.DataFrame([("Given", 1, 1)], columns=["step", "treated", "comparison"])
    sets = data["set"].astype("Int64")
    return Design(data, "joined", data["weight"], sets, "ATT", ("male",), "Sets of the reference", flow)


def weighted(score: Propensity, estimand: str, scale: float = 1.0) -> Design:
    """Inverse probability or overlap weights of a score, without sets."""
    e, d = score.score, score.data[score.treatment] == 1
    weights = {
        "ATT": np.where(d, 1.0, e / (1 - e)),
        "ATE": np.where(d, 1 / e, 1 / (1 - e)),
        "ATO": np.where(d, 1 - e, e),
    }[estimand]
    flow = pd.DataFrame([("Given", 1, 1)], columns=["step", "treated", "comparison"])
    series = pd.Series(scale * weights, index=score.data.index)
    return Design(score.data, score.treatment, series, None, estimand, score.covariates, "Weights", flow)


def agrees(found, numbers: pd.Series, name: str) -> None:
    """The estimate (its logarithm for a ratio) and its error are R's."""
    value = np.log(found.estimate) if found.measure.endswith("ratio") else found.estimate
    assert value == pytest.approx(numbers[f"{name} estimate"], rel=TIGHT)
    assert found.std_error == pytest.approx(numbers[f"{name} se"], rel=TIGHT)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("logistic", "difference"),
        ("logistic", "ratio"),
        ("logistic", "odds"),
        ("linear", "difference"),
        ("linear", "ratio"),
    ],
)
def test_standardised_means_are_those_of_r(people, numbers, model, kind):
    found = compare(designed(people), "again", measure=KINDS[kind], adjust=["age", "prior", "area"], model=model)
    agrees(found, numbers, f"gcomp {model} {kind}")
    assert found.mean_treated == pytest.approx(numbers[f"gcomp {model} mean treated"], rel=1e-9)
    assert found.mean_comparison == pytest.approx(numbers[f"gcomp {model} mean comparison"], rel=1e-9)
    assert "Standardised means" in found.method


def test_standardised_means_of_counts_and_over_everyone(people, numbers):
    adjust = ["age", "prior", "area"]
    count = compare(designed(people), "offences", measure="mean_difference", adjust=adjust, model="linear")
    agrees(count, numbers, "gcomp count difference")
    for kind in ("difference", "ratio"):
        whole = compare(whole_sample(people, "joined"), "again", measure=KINDS[kind], adjust=adjust, model="logistic")
        agrees(whole, numbers, f"gcomp whole {kind}")


def test_with_a_saturated_model_standardised_means_are_weighted_means_of_strata(people):
    design = replace(whole_sample(people, "joined"), estimand="ATT")
    found = compare(design, "again", measure="risk_difference", adjust="area", model="linear")
    also = compare(design, "again", measure="risk_difference", adjust="area", model="logistic")
    rates = people.groupby(["joined", "area"])["again"].mean()
    share = people.loc[people["joined"] == 1, "area"].value_counts(normalize=True)
    by_hand = sum(share[area] * (rates[1, area] - rates[0, area]) for area in share.index)
    assert found.estimate == pytest.approx(by_hand, rel=1e-10)
    assert also.estimate == pytest.approx(by_hand, rel=1e-9)


def test_terms_that_separate_the_outcome_are_named(people):
    data = people.assign(sure=people["again"] * 2.0)
    with pytest.raises(ConvergenceError, match="no finite solution: sure"):
        compare(
            whole_sample(data, "joined"), "again", measure="risk_difference", adjust=["age", "sure"], model="logistic"
        )


@pytest.mark.parametrize("estimand", ["ATT", "ATE", "ATO"])
@pytest.mark.parametrize("scale", [1.0, 7.5])
def test_weights_of_a_score_as_known_and_as_estimated(score, numbers, estimand, scale):
    design = weighted(score, estimand, scale)
    for outcome, measure in (("again", "risk_difference"), ("offences", "mean_difference")):
        known = compare(design, outcome, measure=measure)
        agrees(known, numbers, f"known {estimand} {outcome}")
        assert known.std_error == pytest.approx(numbers[f"survey {estimand} {outcome} se"], rel=TIGHT)
        assert "takes people as independent and weights as fixed" in known.notes[-1]
        assert f"estimand: {estimand}" in known.method
    for kind, measure in KINDS.items():
        found = compare(design, "again", measure=measure, propensity=score)
        agrees(found, numbers, f"stacked {estimand} again {kind}")
        assert "estimation of the score counted" in found.method
    count = compare(design, "offences", measure="mean_difference", propensity=score)
    agrees(count, numbers, f"stacked {estimand} offences difference")
    rate = compare(design, "offences", measure="rate_ratio", time="days", propensity=score)
    agrees(rate, numbers, f"stacked {estimand} rate ratio")


def test_a_score_that_did_not_make_the_weights_is_refused(people, score):
    design = weighted(score, "ATT")
    ask = {"measure": "risk_difference", "propensity": score}
    with pytest.raises(InputError, match="are not inverse probability or overlap weights"):
        compare(replace(design, estimand="ATE"), "again", **ask)
    other = propensity("joined ~ age", people)
    with pytest.raises(InputError, match="other people or covariates"):
        compare(design, "again", measure="risk_difference", propensity=other)
    same = replace(design, covariates=("age",))
    given = propensity("joined ~ age", people, score="given")
    with pytest.raises(InputError, match="not a probability estimated here"):
        compare(same, "again", measure="risk_difference", propensity=given)
    with pytest.raises(InputError, match="draws matched sets, and this design has none"):
        compare(design, "again", measure="risk_difference", se="bootstrap")
    with pytest.raises(InputError, match="needs the pairs of nearest-neighbour matching with replacement"):
        compare(design, "again", measure="risk_difference", se="abadie-imbens", propensity=score)


@pytest.mark.parametrize("ratio", [1, 2, 3])
@pytest.mark.parametrize(("outcome", "measure"), [("again", "risk_difference"), ("offences", "mean_difference")])
def test_matching_with_replacement_is_that_of_the_package_matching(people, numbers, ratio, outcome, measure):
    given = propensity(FORMULA, people, score="given")
    design = match(given, ratio=ratio, replace=True)
    found = compare(design, outcome, measure=measure, se="abadie-imbens", propensity=given)
    agrees(found, numbers, f"replacement {ratio} {outcome}")
    assert "the score as given" in found.method


def test_an_estimated_score_changes_the_error_and_says_so(people, score):
    design = match(score, replace=True)
    found = compare(design, "again", measure="risk_difference", se="abadie-imbens", propensity=score)
    assert "estimation of the score counted" in found.method
    assert found.estimate == pytest.approx(compare(design, "again", measure="risk_difference").estimate, rel=1e-12)
    with pytest.raises(InputError, match="needs propensity="):
        compare(design, "again", measure="risk_difference", se="abadie-imbens")
    radius = match(score, method="radius", radius=0.3)
    with pytest.raises(InputError, match="nearest-neighbour matching with replacement"):
        compare(radius, "again", measure="risk_difference", se="abadie-imbens", propensity=score)
    with pytest.raises(InputError, match="is of a difference of risks or means"):
        compare(design, "again", measure="risk_ratio", se="abadie-imbens", propensity=score)


def slow_products(group: np.ndarray, outcome: np.ndarray, column: np.ndarray, at: float) -> list[float]:
    """Variance and covariance among those nearest: distances are taken in turn until two people are inside."""
    apart = np.abs(group - at)
    for reach in np.unique(apart):
        inside = apart <= reach
        if inside.sum() >= 2:
            break
    y, x = outcome[inside], column[inside]
    return [((y - y.mean()) ** 2).sum() / (len(y) - 1), ((y - y.mean()) * (x - x.mean())).sum() / (len(y) - 1)]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=14), st.lists(st.integers(-1, 8), min_size=1, max_size=6))
def test_neighbourhoods_with_ties_are_those_of_a_slow_search(scores, places):
    group, at = np.array(scores, dtype=float), np.array(places, dtype=float)
    rng = np.random.default_rng(len(scores))
    y, x = rng.normal(size=len(group)), rng.normal(size=len(group))
    found = local_products(tied(group, y, x[:, None]), at)
    expected = [slow_products(group, y, x, one) for one in at]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_what_the_estimated_score_adds_is_that_of_a_slow_search():
    """Theorem 2 of Abadie and Imbens (2016), person by person, two of either group at least in a neighbourhood."""
    rng = np.random.default_rng(14)
    n = 60
    matrix = np.column_stack([np.ones(n), rng.integers(0, 4, n), rng.normal(size=n)])
    linear = matrix @ [-0.4, 0.3, 0.5]
    treated = rng.random(n) < 1 / (1 + np.exp(-linear))
    y, estimate = rng.normal(size=n) + treated, 0.8
    f = 1 / (1 + np.exp(-linear))
    spread, size = f * (1 - f), treated.sum()
    information = np.mean([s * np.outer(x, x) for s, x in zip(spread, matrix, strict=True)], axis=0)
    precision = np.linalg.inv(np.cov(matrix[:, 1:].T))
    c, g = np.zeros(3), np.zeros(3)
    for i in range(n):
        mean, with_x = {}, {}
        for side in (True, False):
            own = treated == side
            with_x[side] = np.array([slow_products(linear[own], y[own], x[own], linear[i])[1] for x in matrix.T])
            apart = np.abs(linear[own] - linear[i])
            reach = next(one for one in np.unique(apart) if (apart <= one).sum() >= 2)
            mean[side] = y[own][apart <= reach].mean()
        c += spread[i] * matrix[i] * (mean[True] - mean[False] - estimate) / size
        c += spread[i] * (with_x[True] + f[i] / (1 - f[i]) * with_x[False]) / size
        others = np.flatnonzero(treated != treated[i])
        off = matrix[others, 1:] - matrix[i, 1:]
        apart = np.einsum("ij,jk,ik->i", off, precision, off)
        other = y[others[apart <= apart.min() + 1e-12]].mean()
        g += spread[i] * matrix[i] * ((y[i] - other) * (1 if treated[i] else -1) - estimate) / size
    inverse = np.linalg.inv(information)
    expected = (g @ inverse @ g - c @ inverse @ c) / n
    assert score_adjustment(y, treated, matrix, linear, estimate) == pytest.approx(expected, rel=1e-9)


def test_without_reuse_the_matched_variance_is_that_of_the_pair_differences():
    rng = np.random.default_rng(3)
    y, score = rng.normal(size=40), np.repeat(np.arange(20.0), 2)
    treated = np.tile([True, False], 20)
    found = matched_effect(y, treated, score, Pairs(np.arange(0, 40, 2), np.arange(1, 40, 2)))
    differences = y[::2] - y[1::2]
    assert found.variance == pytest.approx(differences.var() / 20, rel=1e-12)


@pytest.mark.parametrize("kind", ["difference", "ratio", "odds"])
@pytest.mark.parametrize("way", ["aipw logistic", "aipw linear", "tmle logistic"])
def test_doubly_robust_means_are_those_of_stacked_equations_in_r(score, numbers, way, kind):
    estimator, model = way.split()
    found = doubly_robust(score, "again", measure=KINDS[kind], estimator=estimator, model=model)
    agrees(found, numbers, f"{way} {kind}")
    assert found.mean_comparison == pytest.approx(numbers[f"{way} mean comparison"], rel=TIGHT)
    assert "estimand: ATT" in found.method


@pytest.mark.parametrize("estimator", ["aipw", "tmle"])
def test_doubly_robust_means_of_counts(people, score, numbers, estimator):
    found = doubly_robust(score, "offences", measure="mean_difference", estimator=estimator)
    agrees(found, numbers, f"{estimator} mean difference")
    moved = propensity(FORMULA, people.assign(offences=1000 - 250 * people["offences"]))
    other = doubly_robust(moved, "offences", measure="mean_difference", estimator=estimator)
    assert other.estimate == pytest.approx(-250 * found.estimate, rel=1e-8)
    assert other.std_error == pytest.approx(250 * found.std_error, rel=1e-7)


def test_doubly_robust_holds_where_one_model_is_wrong():
    """The outcome's model leaves out what matters, or the score's does; either way the truth lies inside."""
    rng = np.random.default_rng(12)
    n = 40_000
    x = rng.normal(size=n)
    z = rng.normal(size=n)
    joined = rng.random(n) < 1 / (1 + np.exp(1 - x))
    data = pd.DataFrame({"x": x, "z": z, "joined": joined.astype(int), "y": 2 * x + z - joined + rng.normal(size=n)})
    for formula, adjust in (("joined ~ x", "z"), ("joined ~ z", "x")):
        for estimator in ("aipw", "tmle"):
            made = propensity(formula, data)
            found = doubly_robust(made, "y", measure="mean_difference", estimator=estimator, adjust=adjust)
            assert abs(found.estimate + 1) < 4 * found.std_error
    wrong = doubly_robust(propensity("joined ~ z", data), "y", measure="mean_difference", adjust="z")
    assert abs(wrong.estimate + 1) > 20 * wrong.std_error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"measure": "rate_ratio"}, "is not offered; use mean_difference"),
        ({"estimator": "dml"}, "estimator must be one of"),
        ({"model": "probit"}, "model must be one of"),
        ({"measure": "mean_difference", "model": "logistic"}, "use model='linear'"),
        ({"adjust": ()}, "names no covariate"),
        ({"adjust": "again"}, "among the covariates"),
        ({"adjust": "joined"}, "is the treatment"),
        ({"outcome": "age"}, "among the covariates"),
        ({"outcome": "offences"}, "is not 0 or 1"),
        ({"outcome": "sparse"}, "At least 2 people with the outcome"),
        ({"level": 2}, "level must lie between"),
    ],
)
def test_doubly_robust_refuses_what_it_cannot_use(people, arguments, says):
    sparse = pd.Series(np.nan, index=people.index)
    sparse.iloc[:3] = [1, 0, 1]
    made = propensity(FORMULA, people.assign(sparse=sparse))
    call = {"outcome": "again", "measure": "risk_difference", **arguments}
    with pytest.raises(InputError, match=says):
        doubly_robust(made, **call)
    with pytest.raises(InputError, match="needs the result of propensity"):
        doubly_robust(people, "again", measure="risk_difference")


def test_people_without_the_outcome_still_help_to_estimate_the_score(people, score):
    data = people.assign(again=people["again"].where(np.arange(len(people)) % 10 > 0).astype(float))
    made = propensity(FORMULA, data)
    found = doubly_robust(made, "again", measure="risk_difference")
    assert "24 of 240 rows left out: again is missing (24)" in found.notes[0]
    assert found.n == 216


def test_resampled_sets_agree_with_the_clustered_error_and_with_rows_drawn(people):
    design = designed(people)
    cluster = compare(design, "again", measure="risk_difference")
    found = compare(design, "again", measure="risk_difference", se="bootstrap", replicates=20_000, seed=3)
    assert found.estimate == cluster.estimate
    assert found.std_error == pytest.approx(cluster.std_error, rel=0.03)
    normal = compare(
        design, "again", measure="risk_difference", se="bootstrap", replicates=20_000, seed=3, interval="normal"
    )
    reach = stats.norm.ppf(0.975) * normal.std_error
    assert [normal.conf_low, normal.conf_high] == pytest.approx([found.estimate - reach, found.estimate + reach])
    used = people[people["weight"] > 0]
    codes = pd.factorize(used["set"])[0]
    y, w, d = used["again"].to_numpy(float), used["weight"].to_numpy(float), used["joined"].to_numpy() == 1
    rng = np.random.default_rng(8)
    slow = []
    for _ in range(3_000):
        drawn = np.concatenate(
            [np.flatnonzero(codes == one) for one in rng.integers(0, codes.max() + 1, codes.max() + 1)]
        )
        sides = [drawn[d[drawn]], drawn[~d[drawn]]]
        slow.append(np.average(y[sides[0]], weights=w[sides[0]]) - np.average(y[sides[1]], weights=w[sides[1]]))
    assert np.std(slow) == pytest.approx(found.std_error, rel=0.05)
    assert np.quantile(slow, [0.025, 0.975]) == pytest.approx([found.conf_low, found.conf_high], abs=0.012)


def test_counts_of_distinct_sets_have_the_distribution_of_sets_drawn_one_by_one():
    rng = np.random.default_rng(1)
    sums = set_sums(
        rng.integers(0, 2, 90).astype(float),
        np.ones(90),
        np.tile([True, False, False], 30),
        np.ones(90),
        np.repeat(np.arange(30), 3),
    )
    fast = resampled_ratios(sums, 20_000, np.random.default_rng(5))
    drawn = np.random.default_rng(6).integers(0, 30, (20_000, 30))
    total = sums[drawn].sum(axis=1)
    slow = total[:, [0, 2]] / total[:, [1, 3]]
    np.testing.assert_allclose(fast.mean(axis=0), slow.mean(axis=0), atol=0.003)
    np.testing.assert_allclose(np.cov(fast.T), np.cov(slow.T), atol=2e-4)


def test_resamples_of_a_regression_agree_with_its_clustered_error(people):
    design = designed(people)
    for more in ({}, {"model": "logistic"}):
        ask = {"measure": "risk_difference", "adjust": ["age", "prior"], **more}
        cluster = compare(design, "again", **ask)
        found = compare(design, "again", se="bootstrap", replicates=600, **ask)
        assert found.estimate == pytest.approx(cluster.estimate, rel=1e-9)
        assert found.std_error == pytest.approx(cluster.std_error, rel=0.12)
        assert found.mean_comparison == pytest.approx(cluster.mean_comparison, rel=1e-9)


def test_a_regression_resampled_is_the_regression_of_the_rows_drawn():
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(20), 2)
    x = rng.normal(size=40)
    found = resampled(lambda times: np.array([times @ x, times.sum()]), clusters, 50, np.random.default_rng(4))
    counts = np.random.default_rng(4).multinomial(20, np.full(20, 0.05), 50)
    np.testing.assert_allclose(found[:, 0], counts[:, clusters] @ x)
    np.testing.assert_allclose(found[:, 1], 40)


def test_a_seed_is_an_argument_and_the_order_of_rows_has_no_say(people):
    ask = {"measure": "risk_ratio", "se": "bootstrap", "replicates": 300}
    first = compare(designed(people), "again", **ask)
    shuffled = compare(designed(people.sample(frac=1, random_state=5)), "again", **ask)
    assert repr(first) == repr(shuffled)
    assert repr(first) != repr(compare(designed(people), "again", **ask, seed=2))


def test_too_few_events_for_resamples_are_said():
    data = pd.DataFrame({"joined": [1, 0] * 20, "again": [0, 1] * 19 + [1, 1], "set": np.repeat(np.arange(20), 2)})
    design = designed(data.assign(weight=1.0, male=1))
    with pytest.raises(ConvergenceError, match="resamples have no finite estimate"):
        compare(design, "again", measure="risk_ratio", se="bootstrap", replicates=200)
    none = designed(data.assign(weight=1.0, male=1, again=[0, 1] * 20))
    with pytest.raises(ConvergenceError, match="One group has no events"):
        compare(none, "again", measure="risk_ratio", se="bootstrap", replicates=200)


def test_an_outcome_among_those_with_an_event_is_labelled_as_chosen(people):
    design = designed(people)
    found = compare(design, "days", measure="mean_difference", among="again")
    assert found.term == "mean difference in days among those with again"
    assert any("people are chosen by what came after" in note for note in found.notes)
    plain = compare(
        designed(people.rename(columns={"days": "days_to_first"})), "days_to_first", measure="mean_difference"
    )
    assert any("exists only for those who reoffended" in note for note in plain.notes)
    nobody = designed(people.assign(never=0))
    with pytest.raises(InputError, match="nobody to compare"):
        compare(nobody, "days", measure="mean_difference", among="never")


def test_a_score_with_marks_of_what_is_missing_is_counted_like_the_same_columns_by_hand() -> None:
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"age": rng.normal(size=300), "prior": rng.normal(size=300)})
    data["joined"] = (rng.random(300) < 0.3 + 0.2 * (data["age"] > 0)).astype(int)
    data["again"] = (rng.random(300) < 0.4).astype(int)
    gaps = rng.random(300) < 0.1
    holes = data.assign(prior=data["prior"].where(~gaps))
    by_hand = holes.assign(prior=holes["prior"].fillna(holes["prior"].mean()), prior_missing=gaps.astype(int))
    effects = []
    for score in (
        propensity("joined ~ age + prior", holes, missing="indicator"),
        propensity("joined ~ age + prior + prior_missing", by_hand),
    ):
        effects.append(compare(weight(score), "again", measure="risk_difference", propensity=score))
    assert effects[0].estimate == pytest.approx(effects[1].estimate, rel=1e-10)
    assert effects[0].std_error == pytest.approx(effects[1].std_error, rel=1e-10)
