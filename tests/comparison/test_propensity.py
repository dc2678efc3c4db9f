"""The score against R's glm, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from impact.comparison.later import LATER
from impact.comparison.logit import fit_logit
from impact.comparison.propensity import propensity
from impact.errors import ConvergenceError, InputError


@pytest.fixture(scope="module")
def reference(root: Path) -> tuple[pd.DataFrame, pd.Series]:
    folder = root / "tests" / "reference" / "comparison"
    numbers = pd.concat([pd.read_csv(folder / name, index_col="name") for name in ("numbers.csv", "matching.csv")])
    return pd.read_csv(folder / "people.csv"), numbers["value"]


def test_coefficients_and_scores_are_those_of_glm(reference):
    data, numbers = reference
    score = propensity("joined ~ age + prior + area + male + age:male", data)
    table = score.tidy().set_index("term")
    names = {"Intercept": "(Intercept)", "area[T.Liverpool]": "areaLiverpool", "area[T.Sefton]": "areaSefton"}
    assert len(table) == 7
    for term in table.index:
        there = names.get(term, term)
        assert table.at[term, "estimate"] == pytest.approx(numbers[f"glm {there}"], rel=1e-8)
        assert table.at[term, "std_error"] == pytest.approx(numbers[f"glm se {there}"], rel=1e-7)
    assert score.score.iloc[0] == pytest.approx(numbers["glm fitted 1"], rel=1e-9)
    assert score.score.iloc[239] == pytest.approx(numbers["glm fitted 240"], rel=1e-9)
    assert score.covariates == ("age", "prior", "area", "male")
    assert np.allclose(score.linear, np.log(score.score / (1 - score.score)))


def test_the_score_equations_hold(reference):
    data, _ = reference
    score = propensity("joined ~ age + C(prior > 2) + bs(age, df=4)", data)
    residual = data["joined"] - score.score
    assert abs(residual.sum()) < 1e-8
    assert abs(residual @ data["age"]) < 1e-6
    assert abs(residual @ (data["prior"] > 2)) < 1e-8


def test_redundant_terms_are_left_out_and_said(reference):
    data, _ = reference
    more = data.assign(months=data["age"] * 12, sex="male", ratio=data["age"] / 7)
    score = propensity("joined ~ age + months + sex + prior + ratio", more)
    assert "months, ratio" in score.notes[0]
    plain = propensity("joined ~ age + prior", data)
    assert np.allclose(score.score, plain.score)
    assert score.tidy().set_index("term")["estimate"].isna().sum() == 2


def test_people_alike_have_the_same_score_to_the_last_digit():
    rng = np.random.default_rng(3)
    data = pd.DataFrame(
        {"x": rng.integers(0, 3, 999) / 3, "y": rng.integers(0, 3, 999) / 7, "joined": rng.integers(0, 2, 999)}
    )
    score = propensity("joined ~ x + y", data).score
    assert (score.groupby([data["x"], data["y"]]).nunique() == 1).all()
    shuffled = data.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(
        score, propensity("joined ~ x + y", shuffled).score.loc[data.index], check_exact=True
    )


def test_kinds_of_columns(reference):
    data, _ = reference
    other = data.assign(
        joined=data["joined"].astype(bool),
        male=data["male"].astype("boolean"),
        prior=data["prior"].astype("Int64"),
        area=pd.Categorical(data["area"], categories=["Knowsley", "Liverpool", "Sefton", "Wirral"]),
    )
    expected = propensity("joined ~ age + prior + area + male", data)
    found = propensity("joined ~ age + prior + area + male", other)
    pd.testing.assert_series_equal(expected.score, found.score, check_exact=True)
    assert found.notes == ()


def test_a_column_given_as_the_distance_stands_as_it_is(reference):
    data, _ = reference
    score = propensity("joined ~ age", data.assign(ogrs=data["prior"] * 10.0), score="ogrs")
    assert score.given == "ogrs"
    assert (score.score == data["prior"] * 10).all()
    assert list(score.tidy().columns[:3]) == ["term", "estimate", "std_error"]
    assert score.tidy().empty
    assert "the column ogrs, as it stands" in repr(score)


def test_overlap_counts_by_hand():
    data = pd.DataFrame({"joined": [1, 1, 1, 0, 0, 0, 0], "x": [3.0, 5, 9, 1, 3, 4, 6]})
    found = propensity("joined ~ x", data, score="x").overlap()
    table = found.tidy().set_index("group")
    columns = ["n", "minimum", "median", "maximum", "inside", "outside", "below", "above"]
    assert table.loc["treated", columns].tolist() == [3, 3, 5, 9, 2, 1, 0, 1]
    assert table.loc["comparison", columns].tolist() == [4, 1, 3.5, 6, 3, 1, 1, 0]
    # Twelve pairs: 3 beats 1 and draws with 3; 5 beats 1, 3, 4; 9 beats all.
    assert found.concordance == pytest.approx((1 + 0.5 + 3 + 4) / 12)
    assert (found.low, found.high) == (3, 6)
    # 0.2 standard deviations are about half a unit: only those at 3 have somebody that near.
    assert table["alone"].tolist() == [2, 3]
    assert (
        "1 of 3 treated people have a score that no comparison person reaches (0 lower than any, 1 higher)"
        in (found.notes[0])
    )
    assert repr(found).startswith("Overlap of x\n  treated: n = 3, median 5 (3 to 9), 1 outside")
    ax = found.plot()
    assert ax.get_xlabel() == "x"
    heights = np.array([bar.get_height() for bar in ax.patches])
    assert heights[heights > 0].sum() == pytest.approx(1)
    assert heights[heights < 0].sum() == pytest.approx(-1)


def test_groups_apart_do_not_overlap():
    data = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "x": [8.0, 9, 1, 2, 3]})
    found = propensity("joined ~ x", data, score="x").overlap()
    assert found.tidy()["inside"].tolist() == [0, 0]
    assert found.tidy()[["below", "above"]].to_numpy().tolist() == [[0, 2], [3, 0]]
    assert found.concordance == 1
    assert found.notes == ("The groups do not overlap: nobody can be compared with anybody of a like score.",)


@pytest.mark.parametrize("separated", [False, True])
def test_firth_is_that_of_brglm2(reference, separated):
    """Bias reduction of a logit is Firth's penalty; `brglm2` of R at convergence 1e-13."""
    data, numbers = reference
    if separated:
        data = data.assign(cut=((data["joined"] == 1) & (data["prior"] >= 2)).astype(int))
    name = "firth separated" if separated else "firth"
    table = propensity(f"joined ~ age + prior + {'cut' if separated else 'area'}", data, penalty="firth")
    tidy = table.tidy().set_index("term")
    names = {"Intercept": "(Intercept)", "area[T.Liverpool]": "areaLiverpool", "area[T.Sefton]": "areaSefton"}
    for term in tidy.index:
        there = names.get(term, term)
        assert tidy.at[term, "estimate"] == pytest.approx(numbers[f"{name} {there}"], rel=1e-8)
        assert tidy.at[term, "std_error"] == pytest.approx(numbers[f"{name} se {there}"], rel=1e-8)
    assert "Firth's penalty" in repr(table)


def test_firth_of_two_shares_adds_half_a_person():
    """One covariate of 0 and 1: the saturated model's Firth estimate has half a person more in each cell."""
    data = pd.DataFrame({"joined": [1] * 3 + [0] * 5 + [1] * 4, "male": [0] * 8 + [1] * 4})
    score = propensity("joined ~ male", data, penalty="firth").score
    assert score.iloc[0] == pytest.approx(3.5 / 9, rel=1e-10)
    assert score.iloc[-1] == pytest.approx(4.5 / 5, rel=1e-10)


def test_firth_is_the_top_of_the_penalised_likelihood():
    """By a general optimiser over the determinant itself, columns of very different size."""
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(60), rng.normal(3, 1, 60), 1e4 * rng.normal(size=60), rng.random(60) < 0.1])
    y = ((rng.random(60) < 0.3) | (x[:, 3] == 1)).astype(float)

    def value(beta: np.ndarray) -> float:
        p = 1 / (1 + np.exp(-x @ beta))
        return float(
            (y * np.log(p) + (1 - y) * np.log(1 - p)).sum()
            + np.linalg.slogdet(x.T @ (x * (p * (1 - p))[:, None]))[1] / 2
        )

    fit = fit_logit(x, y, ["one", "a", "b", "c"], firth=True)
    scale = np.array([1, 1, 1e-4, 1])
    top = minimize(lambda b: -value(b * scale), fit.coefficients / scale + 0.1, method="Nelder-Mead", tol=1e-12)
    assert fit.coefficients == pytest.approx(top.x * scale, rel=1e-4, abs=1e-6)
    assert value(fit.coefficients) >= value(top.x * scale) - 1e-9
    for place in range(4):
        step = np.eye(4)[place] * scale * 1e-3
        slope = 8 * (value(fit.coefficients + step) - value(fit.coefficients - step))
        slope -= value(fit.coefficients + 2 * step) - value(fit.coefficients - 2 * step)
        assert slope / 12e-3 == pytest.approx(0, abs=1e-7)


def test_missing_values_are_marked_and_filled_on_request(reference):
    data, _ = reference
    gaps = data.astype({"age": float}).copy()
    gaps.loc[[3, 8, 20], "age"] = np.nan
    gaps.loc[[4, 9, 11, 12], "area"] = None
    gaps.loc[[5], "male"] = 1
    found = propensity("joined ~ age + area + male", gaps, missing="indicator")
    assert found.covariates == ("age", "area", "male", "age_missing")
    assert found.notes == ("Missing values are marked and filled in: age_missing, area.",)
    assert found.data["age_missing"].sum() == 3
    assert found.data["age"].isna().sum() == 3
    assert (found.data["area"] == "missing").sum() == 4
    by_hand = gaps.assign(
        age_missing=gaps["age"].isna().astype(int),
        age=gaps["age"].fillna(gaps["age"].mean()),
        area=gaps["area"].fillna("none"),
    )
    plain = propensity("joined ~ age + C(area, contr.treatment(base='Knowsley')) + male + age_missing", by_hand)
    assert np.allclose(found.score, plain.score, rtol=1e-9)
    other = propensity(
        "joined ~ age + age_missing", by_hand.assign(age=by_hand["age"].where(by_hand.age_missing == 0, 99))
    )
    assert np.allclose(other.score, propensity("joined ~ age", gaps, missing="indicator").score, rtol=1e-8)
    shuffled = propensity("joined ~ age + area + male", gaps.sample(frac=1, random_state=2), missing="indicator")
    pd.testing.assert_series_equal(found.score, shuffled.score.loc[data.index], check_exact=True)
    assert propensity("joined ~ age", data, missing="indicator").covariates == ("age",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"age": np.nan}, "is missing for everyone"),
        ({"age_missing": 1}, "age_missing: is there already"),
        ({"area": "missing"}, "beside the level 'missing'"),
    ],
)
def test_marks_that_cannot_be_made_are_refused(reference, change, says):
    data = reference[0].astype({"age": float}).assign(**change)
    data.loc[3, "age"] = np.nan
    data.loc[5, "area"] = None
    with pytest.raises(InputError, match=says):
        propensity("joined ~ age + area", data, missing="indicator")


@pytest.mark.parametrize("name", sorted(LATER))
def test_what_came_after_the_index_date_is_refused_by_name(reference, name):
    data = reference[0].assign(**{name: reference[0]["prior"]})
    with pytest.raises(InputError, match=f"column {name}: comes after the day people are followed from"):
        propensity(f"joined ~ age + {name}", data)
    if name != "started":
        assert propensity("joined ~ age", data).covariates == ("age",)
    with pytest.raises(InputError, match=name):
        propensity(f"joined ~ age + bs({name}, df=3)", data)


def test_everything_a_cohort_says_of_the_time_after_is_among_what_is_refused(root):
    from impact.cohort import cohort
    from impact.records import read_linked

    linked = read_linked(root / "data_synthetic")
    people = cohort(linked, "shelter", complete_to=linked.complete_to, landmark="6 months", treatment="dose")
    known = people.data.columns[: people.data.columns.get_loc("started")]
    after = set(people.data.columns) - set(known)
    assert after <= set(LATER)
    assert not set(known) & set(LATER)


def test_a_person_in_two_rows_is_refused(reference):
    data = reference[0].assign(person_id=[f"p{i // 2}" for i in range(240)])
    with pytest.raises(InputError, match=r"column person_id: stands more than once \(240 rows"):
        propensity("joined ~ age", data)


def test_separation_names_the_columns():
    rng = np.random.default_rng(0)
    n = 200
    data = pd.DataFrame({"age": rng.normal(size=n), "need": rng.normal(size=n), "joined": rng.integers(0, 2, n)})
    whole = data.assign(cut=data["joined"] * 2 + rng.random(n))
    with pytest.raises(ConvergenceError, match="cut separates the treated"):
        propensity("joined ~ age + cut", whole)
    partly = data.assign(area=np.where((data["joined"] == 0) & (rng.random(n) < 0.1), "Wirral", "Sefton"))
    with pytest.raises(ConvergenceError, match=r"area\[T.Wirral\] separates"):
        propensity("joined ~ age + area", partly)
    joint = data.assign(joined=(data["age"] + data["need"] > 0).astype(int))
    with pytest.raises(ConvergenceError, match="age, need separate the treated"):
        propensity("joined ~ age + need", joint)
    strong = data.assign(far=np.append(np.full(5, 400.0), rng.normal(size=n - 5)))
    strong.loc[:4, "joined"] = [1, 0, 1, 1, 0]
    assert propensity("joined ~ far", strong).notes == ()


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("joined ~ age +", "cannot be read"),
        ("~ age", "one treatment|cannot be read"),
        ("joined + male ~ age", "one treatment"),
        ("joined ~ 1", "names no covariate"),
        ("joined ~ joined + age", "both sides"),
        ("joined ~ nowhere", "nowhere: is not in the data"),
        ("nowhere ~ age", "nowhere: is not in the data"),
        ("joined ~ age | male", "cannot be read"),
        ("prior ~ age", "is not 0 or 1"),
        ("joined ~ np.log(male)", "not finite"),
        ("joined ~ seen", "neither a number nor a category"),
        ("everyone ~ age", "nobody is left to compare with"),
        ("nobody ~ age", "nobody was treated"),
        (3, "must be text"),
        ("joined ~ empty", "empty: is missing"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_formulas_that_cannot_be_used_are_refused(reference, formula, says):
    data = reference[0].assign(everyone=1, nobody=0, seen=pd.Timestamp("2023-01-01"), empty=np.nan)
    with pytest.raises(InputError, match=says):
        propensity(formula, data)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"penalty": "ridge"}, "penalty must be one of firth"),
        ({"penalty": "firth", "score": "prior"}, "no model is fitted"),
        ({"missing": "drop"}, "missing must be one of refuse, indicator"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(reference, arguments, says):
    with pytest.raises(InputError, match=says):
        propensity("joined ~ age", reference[0], **arguments)


def test_missing_values_and_repeated_labels_are_counted_together(reference):
    data = reference[0].astype({"age": float, "joined": float}).copy()
    data.loc[[3, 8], "age"] = np.nan
    data.loc[4, "area"] = None
    data.loc[0, "joined"] = np.nan
    data.index = [0, 0, *range(2, 240)]
    with pytest.raises(InputError) as caught:
        propensity("joined ~ age + area", data)
    problems = {(fault.column, fault.count): fault.problem for fault in caught.value.faults}
    assert problems == {
        ("joined", 1): "is missing",
        ("age", 2): "is missing",
        ("area", 1): "is missing",
        ("index", 2): "repeats a label",
    }
    with pytest.raises(InputError, match="is missing"):
        propensity("joined ~ prior", reference[0].assign(score=[np.nan] + [0.5] * 239), score="score")


def test_the_data_given_is_not_changed_and_changes_have_no_say(reference):
    data = reference[0].copy()
    before = data.copy()
    score = propensity("joined ~ age", data)
    pd.testing.assert_frame_equal(data, before)
    data["joined"] = 0
    assert score.data["joined"].sum() > 0
