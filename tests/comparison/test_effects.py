"""Effects and their errors against R, published numbers and identities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact.comparison import compare, match, propensity, whole_sample
from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.results import Estimate


@pytest.fixture(scope="module")
def reference(root: Path) -> tuple[pd.DataFrame, pd.Series]:
    folder = root / "tests" / "reference" / "comparison"
    return pd.read_csv(folder / "people.csv"), pd.read_csv(folder / "numbers.csv", index_col="name")["value"]


def designed(data: pd.DataFrame) -> Design:
    """The sets and weights of the reference as a plain Design."""
    flow = pd.DataFrame([("Given", 1, 1)], columns=["step", "treated", "comparison"])
    sets = data["set"].astype("Int64")
    return Design(data, "joined", data["weight"], sets, "ATT", ("male",), "Sets of the reference", flow)


@pytest.mark.parametrize(
    ("outcome", "measure", "more"),
    [
        ("again", "risk_difference", {}),
        ("again", "risk_difference", {"adjust": ["age", "prior", "area"]}),
        ("again", "odds_ratio", {}),
        ("again", "risk_ratio", {}),
        ("offences", "mean_difference", {}),
        ("offences", "rate_difference", {"time": "days"}),
        ("offences", "rate_ratio", {"time": "days"}),
    ],
)
def test_clustered_errors_are_those_of_the_sandwich_in_r(reference, outcome, measure, more):
    data, numbers = reference
    name = measure + (" adjusted" if "adjust" in more else "")
    found = compare(designed(data), outcome, measure=measure, **more)
    value, error = numbers[f"{name} estimate"], numbers[f"{name} se"]
    assert found.std_error == pytest.approx(error, rel=1e-8)
    reach = stats.t.ppf(0.975, numbers["sets"] - 1) * error
    limits = np.array([value, value - reach, value + reach])
    expected = np.exp(limits) if measure.endswith("ratio") else limits
    assert [found.estimate, found.conf_low, found.conf_high] == pytest.approx(list(expected), rel=1e-8)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(value / error), numbers["sets"] - 1), rel=1e-7)
    assert "clustered by matched set (73 sets)" in found.method
    assert found.notes == ()


def test_without_sets_the_error_is_robust_by_person(reference):
    data, numbers = reference
    design = whole_sample(data, "joined")
    for name, outcome, measure, adjust in [
        ("whole", "again", "risk_difference", ()),
        ("whole adjusted", "offences", "mean_difference", ("age", "area")),
    ]:
        found = compare(design, outcome, measure=measure, adjust=adjust)
        assert found.estimate == pytest.approx(numbers[f"{name} estimate"], rel=1e-9)
        assert found.std_error == pytest.approx(numbers[f"{name} se"], rel=1e-8)
        assert "robust, by person" in found.method
        assert found.notes == ()
    weighted = replace(designed(data), sets=None)
    assert "takes people as independent" in compare(weighted, "again", measure="risk_difference").notes[0]


def test_jdl_with_unit_weights_is_welch(reference):
    data, numbers = reference
    found = compare(whole_sample(data, "joined"), "offences", measure="mean_difference", se="jdl")
    for name in ("estimate", "se", "low", "high", "p"):
        mine = {"estimate": found.estimate, "se": found.std_error, "low": found.conf_low, "high": found.conf_high}
        assert mine.get(name, found.p_value) == pytest.approx(numbers[f"welch {name}"], rel=1e-9)


def test_jdl_with_weights_uses_effective_sizes(reference):
    data, numbers = reference
    found = compare(designed(data), "again", measure="risk_difference", se="jdl")
    assert found.estimate == pytest.approx(numbers["jdl estimate"], rel=1e-9)
    assert found.std_error == pytest.approx(numbers["jdl se"], rel=1e-9)
    assert found.conf_high == pytest.approx(numbers["jdl high"], rel=1e-9)


def test_published_interval_of_blue_sky():
    """31% of 72 people against 43% of a large group: between 1 and 23 percentage points fewer.

    22 of 72 is the only count that prints as 31%; 42.6% is a share of a large group that prints as 43%.
    """
    n = 100_000
    data = pd.DataFrame({"joined": np.repeat([1, 0], [72, n])})
    data["again"] = np.concatenate([np.arange(72) < 22, np.arange(n) < 0.426 * n]).astype(int)
    found = compare(whole_sample(data, "joined"), "again", measure="risk_difference", se="jdl")
    assert (round(100 * -found.conf_high), round(100 * -found.conf_low)) == (1, 23)
    assert found.p_value <= 0.05
    naive = np.sqrt(0.31 * 0.69 / 72)
    assert [round(12 + sign * 100 * 1.96 * naive, 1) for sign in (-1, 1)] == [1.3, 22.7]
    assert found.std_error == pytest.approx(naive, rel=0.02)


def test_lalonde_raw_and_adjusted(shared):
    data = pd.read_csv(shared / "data" / "trials" / "MatchIt_lalonde.csv", index_col=0)
    design = whole_sample(data, "treat")
    raw = compare(design, "re78", measure="mean_difference")
    assert round(raw.estimate, 2) == -635.03
    names = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
    adjusted = compare(design, "re78", measure="mean_difference", adjust=names)
    assert round(adjusted.estimate, 2) == 1548.24
    dummies = pd.get_dummies(data[names], dtype=float, drop_first=True)
    x = np.column_stack([np.ones(len(data)), data["treat"], dummies])
    residual = data["re78"] - x @ np.linalg.lstsq(x, data["re78"], rcond=None)[0]
    bread = np.linalg.inv(x.T @ x)
    classical = np.sqrt(residual @ residual / (len(x) - x.shape[1]) * bread[1, 1])
    assert round(classical, 2) == 781.28
    meat = (x * residual.to_numpy()[:, None] ** 2).T @ x
    robust = np.sqrt((bread @ meat @ bread)[1, 1] * len(x) / (len(x) - x.shape[1]))
    assert adjusted.std_error == pytest.approx(robust, rel=1e-8)


def test_pairs_are_the_paired_t_test():
    """With 1:1 pairs the clustered error is that of the pair differences, but for the factor (n − 1)/(n − 2)."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"joined": np.repeat([1, 0], [60, 200]), "x": rng.normal(size=260), "y": rng.normal(size=260)})
    design = match(propensity("joined ~ x", data))
    found = compare(design, "y", measure="mean_difference")
    values = data["y"]
    differences = values[design.pairs["treated"]].to_numpy() - values[design.pairs["comparison"]].to_numpy()
    paired = stats.sem(differences)
    assert found.estimate == pytest.approx(differences.mean(), rel=1e-10)
    assert found.std_error == pytest.approx(paired * np.sqrt(119 / 118), rel=1e-10)


def paired(outcome: list[float | None]) -> tuple[Design, pd.DataFrame]:
    """Sets of one joined and two others: rows 0, 1, 2 are set 1, and so on."""
    n = len(outcome) // 3
    data = pd.DataFrame({"joined": [1, 0, 0] * n, "y": outcome})
    sets = pd.Series(np.repeat(np.arange(1, n + 1), 3), dtype="Int64")
    weights = pd.Series([1, 0.5, 0.5] * n)
    flow = pd.DataFrame([("Given", n, 2 * n)], columns=["step", "treated", "comparison"])
    return Design(data, "joined", weights, sets, "ATT", (), "By hand", flow), data


def test_sets_broken_by_missing_outcomes_are_dropped_and_counted():
    design, _ = paired([5, 1, 3, None, 2, 2, 7, None, 4, 6, None, None, 1, 0, 2])
    found = compare(design, "y", measure="mean_difference")
    assert found.estimate == pytest.approx((5 - 2 + 7 - 4 + 1 - 1) / 3)
    assert (found.n, found.n_treated, found.n_comparison) == (8, 3, 5)
    assert "4 of 15 rows left out: y is missing (4)" in found.notes[0]
    assert "2 matched sets lost one side and are dropped, with 3 more people" in found.notes[1]
    assert "1 set lost people on one side" in found.notes[2]
    jdl = compare(design, "y", measure="mean_difference", se="jdl")
    assert jdl.n == 11
    assert jdl.estimate == pytest.approx((5 + 7 + 6 + 1) / 4 - (1 + 3 + 2 + 2 + 4 + 0 + 2) / 7)


def test_the_result_is_an_estimate_with_its_means(reference):
    data, _ = reference
    found = compare(designed(data), "again", measure="risk_difference", level=0.9)
    assert isinstance(found, Estimate)
    table = found.tidy()
    assert list(table.columns[:9]) == [
        *("term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "n", "n_events")
    ]
    row = table.iloc[0]
    assert row["estimate"] == pytest.approx(row["mean_treated"] - row["mean_comparison"])
    used = data[data["weight"] > 0]
    assert (row["n"], row["n_events"]) == (len(used), used["again"].sum())
    assert row["n_treated"] + row["n_comparison"] == row["n"]
    assert "90% interval" in repr(found)


def test_the_order_of_the_rows_has_no_say(reference):
    data, _ = reference
    first = compare(designed(data), "again", measure="risk_ratio")
    again = compare(designed(data.sample(frac=1, random_state=8)), "again", measure="risk_ratio")
    assert repr(first) == repr(again)
    assert first.std_error == pytest.approx(again.std_error, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"measure": "risk"}, "measure must be one of"),
        ({"se": "abadie-imbens"}, "here nobody is used twice"),
        ({"se": "bootstrap", "replicates": 10}, "replicates must be a whole number from 100"),
        ({"se": "bootstrap", "interval": "bca"}, "interval must be one of"),
        ({"se": "bootstrap", "seed": -1}, "seed must be a whole number"),
        ({"model": "logistic"}, "name the covariates in adjust"),
        ({"model": "probit", "adjust": "age"}, "model must be one of"),
        (
            {"measure": "mean_difference", "model": "logistic", "adjust": "age"},
            "for mean_difference use model='linear'",
        ),
        ({"measure": "rate_ratio", "time": "days", "adjust": "age"}, "adjust is not offered for rate_ratio"),
        ({"propensity": "joined ~ age"}, "leave it out here"),
        ({"among": "joined"}, "name another column"),
        ({"se": "robust"}, "se must be one of"),
        ({"level": 95}, "level must lie between"),
        ({"measure": "risk_ratio", "se": "jdl"}, "is a t-test of a difference"),
        ({"measure": "odds_ratio", "adjust": "age"}, "adjust is offered for"),
        ({"se": "jdl", "adjust": "age"}, "adjust is offered for"),
        ({"measure": "rate_ratio"}, "needs time"),
        ({"time": "days"}, "has no use for it"),
        ({"outcome": "male"}, "among the covariates"),
        ({"adjust": ["age", "again"]}, "among the covariates"),
        ({"outcome": "joined"}, "is the treatment"),
        ({"adjust": "joined"}, "is the treatment"),
        ({"outcome": "offences"}, "is not 0 or 1"),
        ({"outcome": "nowhere"}, "is not in the data"),
        ({"outcome": "empty"}, "no row with every value"),
        ({"outcome": "lone"}, "No matched set has the outcome on both sides"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(reference, arguments, says):
    data = reference[0].assign(empty=np.nan)
    data["lone"] = data["again"].where(data["joined"] == 1).astype(float)
    call = {"outcome": "again", "measure": "risk_difference", **arguments}
    with pytest.raises(InputError, match=says):
        compare(designed(data), **call)


def test_what_has_no_finite_value_is_said():
    data = pd.DataFrame({"joined": [1, 1, 1, 0, 0, 0], "again": [0, 0, 0, 1, 0, 1], "never": 0})
    design = whole_sample(data, "joined")
    for measure in ("risk_ratio", "odds_ratio"):
        with pytest.raises(ConvergenceError, match="is not finite"):
            compare(design, "again", measure=measure)
    found = compare(design, "never", measure="risk_difference")
    assert found.estimate == 0
    assert np.isnan(found.p_value)
    assert "does not vary" in found.notes[-1]
    with pytest.raises(InputError, match="At least 2 people"):
        compare(whole_sample(data.iloc[2:], "joined"), "again", measure="risk_difference")


def test_a_whole_sample_refuses_what_it_cannot_use():
    data = pd.DataFrame({"joined": [1, 0, 2], "age": [1, 2, 3]})
    with pytest.raises(InputError, match="is not 0 or 1"):
        whole_sample(data, "joined")
    with pytest.raises(InputError, match="repeats a label"):
        whole_sample(pd.DataFrame({"joined": [1, 0]}, index=[0, 0]), "joined")
    with pytest.raises(InputError, match="named among the covariates"):
        whole_sample(data.iloc[:2], "joined", ["joined"])
