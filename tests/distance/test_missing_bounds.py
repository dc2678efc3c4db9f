"""Missing second readings: R's mice, stacked equations solved by differences, identities, and what is planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from impact.distance import change, missing_bounds
from impact.distance.missing import imputed_changes, pooled, response, weighted_mean
from impact.errors import ConvergenceError, InputError


def drawn(n: int, seed: int, *, gone: bool = True) -> pd.DataFrame:
    """Long readings of 10 to 50; people with a poor first reading, and men, come back less often; men gain less."""
    rng = np.random.default_rng(seed)
    before, man = rng.normal(25, 5, n), rng.integers(0, 2, n)
    after = 9 + 0.7 * before - 3 * man + rng.normal(0, 3, n)
    back = rng.random(n) < 1 / (1 + np.exp(-(0.3 * (before - 25) + 1 - 1.5 * man))) if gone else np.ones(n, dtype=bool)
    first = pd.DataFrame({"who": np.arange(n), "wave": 1, "score": before, "sex": np.where(man == 1, "m", "f")})
    second = first.assign(wave=2, score=after)[back]
    return pd.concat([first, second], ignore_index=True)


def of(data: pd.DataFrame, **more: object):
    """`missing_bounds` with the columns of these tests."""
    return missing_bounds(data, person="who", wave="wave", score="score", **more)  # type: ignore[arg-type]


def by_assumption(data: pd.DataFrame, **more: object) -> pd.DataFrame:
    return of(data, **more).tidy().set_index("assumption")


def test_rubins_rules_are_those_of_mice(root: Path) -> None:
    folder = root / "tests" / "reference" / "distance"
    expected = pd.read_csv(folder / "missing.csv").set_index("what").loc["few"]
    sets = pd.read_csv(folder / "missing_pooled.csv")
    found = pooled(sets["q"].to_numpy(), sets["u"].to_numpy(), 119.0, 0.95)
    np.testing.assert_allclose(
        [found.estimate, found.std_error, found.df], expected[["estimate", "std_error", "df"]].astype(float), rtol=1e-8
    )


def test_imputation_is_that_of_mice_but_for_its_draws(root: Path) -> None:
    """2,000 sets there and here: means within four Monte Carlo errors, spreads within a twentieth."""
    folder = root / "tests" / "reference" / "distance"
    expected = pd.read_csv(folder / "missing.csv").set_index("what").loc["all"]
    data = pd.read_csv(folder / "missing_readings.csv")
    before, after = data["before"].to_numpy(float), data["after"].to_numpy(float)
    matrix = np.column_stack([np.ones(len(data)), before])
    means, variances = imputed_changes(matrix, before, after, np.isfinite(after), 0.0, 2_000, np.random.default_rng(1))
    error = np.sqrt(2 * expected["between"] / 2_000)
    assert abs(means.mean() - expected["estimate"]) < 4 * error
    assert variances.mean() == pytest.approx(expected["within"], rel=0.05)
    assert means.var(ddof=1) == pytest.approx(expected["between"], rel=0.15)


def test_the_weighted_mean_solves_its_stacked_equations() -> None:
    """Estimate by solving all equations at once, standard error by a sandwich with differenced derivatives."""
    data = drawn(150, 2)
    wide = data.pivot(index="who", columns="wave", values="score")
    before, after = wide[1].to_numpy(), wide[2].to_numpy()
    seen = np.isfinite(after)
    matrix = np.column_stack([np.ones(len(wide)), before - 25])
    values = np.where(seen, after - before, 0.0)

    def equations(at: np.ndarray) -> np.ndarray:
        chance = 1 / (1 + np.exp(-matrix @ at[:2]))
        return np.column_stack([matrix * (seen - chance)[:, None], seen / chance * (values - at[2])])

    solved = optimize.fsolve(lambda at: equations(at).sum(axis=0), [0.5, 0.1, 1.0], xtol=1e-13)
    steps = 1e-6 * np.eye(3)
    slope = np.column_stack(
        [(equations(solved + s).sum(axis=0) - equations(solved - s).sum(axis=0)) / 2e-6 for s in steps]
    )
    inverse = np.linalg.inv(slope)
    scores = equations(solved)
    variance = (inverse @ (scores.T @ scores) @ inverse.T)[2, 2] * seen.sum() / (seen.sum() - 1)
    found = weighted_mean(matrix, seen, values, 0.95)
    assert found.mean.estimate == pytest.approx(solved[2], rel=1e-9)
    assert found.mean.std_error == pytest.approx(np.sqrt(variance), rel=1e-6)
    weights = seen * (1 + np.exp(-matrix @ solved[:2]))
    df = (weights**2).sum() ** 2 / (weights**4).sum() - 1
    assert found.mean.df == pytest.approx(df, rel=1e-8)
    reach = stats.t.ppf(0.975, df) * found.mean.std_error
    assert found.mean.conf_high == pytest.approx(found.mean.estimate + reach, rel=1e-9)


def test_degrees_of_freedom_are_those_of_a_drawn_variance() -> None:
    """Satterthwaite's are twice the squared mean of Σw²e² over its variance, here over 200,000 draws of e."""
    rng = np.random.default_rng(3)
    matrix = np.column_stack([np.ones(30), rng.normal(0, 2, 30)])
    seen = rng.random(30) < 1 / (1 + np.exp(-matrix[:, 1]))
    weights = 1 / weighted_mean(matrix, seen, rng.normal(size=30), 0.95).chance[seen]
    drawn_variance = (rng.normal(size=(200_000, len(weights))) ** 2) @ weights**2
    expected = 2 * drawn_variance.mean() ** 2 / drawn_variance.var() - 1
    assert weighted_mean(matrix, seen, rng.normal(size=30), 0.95).mean.df == pytest.approx(expected, rel=0.02)


def test_the_chances_are_those_of_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    matrix = sm.add_constant(rng.normal(50, 20, (200, 2)))
    seen = rng.random(200) < 0.6
    theirs = sm.Logit(seen.astype(float), matrix).fit(disp=0, method="newton", tol=1e-12)
    np.testing.assert_allclose(response(matrix, seen), theirs.predict(), rtol=1e-8)
    with pytest.raises(ConvergenceError, match="foretell perfectly"):
        response(matrix, matrix[:, 1] > 50)


def test_nobody_missing_makes_every_row_the_t_test() -> None:
    data = drawn(40, 3, gone=False)
    expected = change(data, person="who", wave="wave", score="score").tidy().iloc[0]
    table = by_assumption(data, low=0, high=60)
    for name in ("estimate", "std_error"):
        np.testing.assert_allclose(table[name].astype(float), expected[name], rtol=1e-9)
    exact = table.drop(index=[name for name in table.index if name.startswith("imputed")])
    np.testing.assert_allclose(exact["p_value"].astype(float), expected["p_value"], rtol=1e-9)


def test_planted_change_is_found_by_weights_and_imputation_and_missed_by_completers() -> None:
    data = drawn(8_000, 4)
    truth = 9 - 0.3 * 25 - 1.5
    table = by_assumption(data, covariates="sex", low=0, high=60)
    assert abs(table.loc["completers", "estimate"] - truth) > 0.25
    for name in ("weighted", "imputed"):
        assert abs(table.loc[name, "estimate"] - truth) < 3 * table.loc[name, "std_error"] < 0.25
    assert table.loc["worst case", "estimate"] < table.loc["imputed", "estimate"] < table.loc["best case", "estimate"]


def test_worse_means_worse_by_the_share_missing_either_way() -> None:
    data = drawn(100, 5)
    up = by_assumption(data, deltas=[2.0])
    share = up.loc["imputed", "n_missing"] / up.loc["imputed", "n"]
    assert up.loc["imputed, 2 worse", "estimate"] == pytest.approx(up.loc["imputed", "estimate"] - 2 * share)
    down = by_assumption(data.assign(score=-data["score"]), deltas=[2.0], better="lower")
    np.testing.assert_allclose(down["n"].astype(int), up["n"].astype(int))
    assert down.loc["imputed, 2 worse", "estimate"] == pytest.approx(down.loc["imputed", "estimate"] + 2 * share)


def test_the_ends_by_hand() -> None:
    """Two of three have both (changes 2 and 4); the third began at 5 on a scale of 1 to 10."""
    data = pd.DataFrame({"who": list("aabbc"), "wave": [1, 2, 1, 2, 1], "score": [3.0, 5, 2, 6, 5]})
    table = by_assumption(data, low=1, high=10)
    assert table.loc["worst case", "estimate"] == pytest.approx((2 + 4 - 4) / 3)
    assert table.loc["best case", "estimate"] == pytest.approx((2 + 4 + 5) / 3)
    assert table.loc["no change", "estimate"] == 2
    turned = by_assumption(data, low=1, high=10, better="lower")
    assert turned.loc["worst case", "estimate"] == table.loc["best case", "estimate"]
    result = of(data)
    assert np.isnan(result.tidy().set_index("assumption").loc["imputed", "estimate"])
    assert any("nothing imputed" in note for note in result.notes)
    assert any("worst and the best case are not shown" in note for note in result.notes)


def test_who_they_are() -> None:
    who = of(drawn(500, 6), covariates="sex").who.set_index("variable")
    assert who.loc["score", "mean_without"] < who.loc["score", "mean_with"]
    assert who.loc["sex[m]", "smd"] > 0.2
    assert who["n_with"].nunique() == 1


def test_missing_covariates_are_a_term_of_their_own_and_said() -> None:
    data = drawn(100, 7).assign(age=lambda d: np.where(d["who"] < 10, np.nan, d["who"] % 40.0))
    result = of(data, covariates=["age", "sex"])
    assert "age[missing]" in result.who["variable"].tolist()
    assert any("age is missing of 10" in note for note in result.notes)
    assert result.tidy()["n"].max() == 100


def test_the_same_whatever_the_order_of_rows_and_the_same_again() -> None:
    data = drawn(60, 8)
    pd.testing.assert_frame_equal(of(data).tidy(), of(data.sample(frac=1, random_state=1)).tidy())
    assert "Mean change, by what is assumed" in repr(of(data))


def test_nobody_with_both_is_no_crash() -> None:
    data = drawn(10, 9)
    table = by_assumption(data[data["wave"] == 1], low=0, high=60)
    assert table.loc["no change", "estimate"] == 0
    assert table.loc[["completers", "weighted", "imputed"], "estimate"].isna().all()


def test_what_cannot_be_is_refused() -> None:
    data = drawn(30, 10)
    for more, words in (
        ({"imputations": 1}, "2 or more"),
        ({"deltas": [-1.0]}, "above 0"),
        ({"covariates": "score"}, "among the covariates already"),
        ({"covariates": "none"}, "is not in the data"),
    ):
        with pytest.raises(InputError, match=words):
            of(data, **more)


def test_figure_names_every_assumption() -> None:
    ax = of(drawn(60, 8), low=0, high=60).plot()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[0].startswith("completers (n = ")
    assert len(labels) == 9
    ax.figure.clf()
