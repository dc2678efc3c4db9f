"""The score against R's glm, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.comparison import propensity
from impact.errors import ConvergenceError, InputError


@pytest.fixture(scope="module")
def reference(root: Path) -> tuple[pd.DataFrame, pd.Series]:
    folder = root / "tests" / "reference" / "comparison"
    return pd.read_csv(folder / "people.csv"), pd.read_csv(folder / "numbers.csv", index_col="name")["value"]


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
    table = propensity("joined ~ x", data, score="x").overlap().set_index("group")
    assert table.loc["treated", ["n", "minimum", "median", "maximum", "inside", "outside"]].tolist() == [
        3,
        3,
        5,
        9,
        2,
        1,
    ]
    assert table.loc["comparison", ["n", "minimum", "maximum", "inside", "outside"]].tolist() == [4, 1, 6, 3, 1]
    ax = propensity("joined ~ x", data, score="x").plot()
    assert ax.get_xlabel() == "x"


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
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_formulas_that_cannot_be_used_are_refused(reference, formula, says):
    data = reference[0].assign(everyone=1, nobody=0, seen=pd.Timestamp("2023-01-01"))
    with pytest.raises(InputError, match=says):
        propensity(formula, data)


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
