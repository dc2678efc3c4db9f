"""Mixed models: R's lme4 on Beating the Blues, the dense likelihood written out, and readings that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact.distance import trajectory
from impact.distance.mixed import mixed
from impact.errors import InputError


def drawn(people: int, seed: int) -> pd.DataFrame:
    """Two to six readings a person at uneven times, with a random start and pace, a dose and a site."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 7, people)
    who = np.repeat(np.arange(people), counts)
    months = rng.uniform(0, 12, len(who))
    dose, site = rng.integers(1, 11, people)[who], np.array(["a", "b"])[rng.integers(0, 2, people)[who]]
    start, pace = rng.normal(0, 3, people)[who], rng.normal(0, 0.4, people)[who]
    score = 20 + start + (0.3 + 0.05 * dose + pace) * months + 2 * (site == "b") + rng.normal(0, 2, len(who))
    return pd.DataFrame({"who": who, "months": months, "dose": dose, "site": site, "score": score})


def of(data: pd.DataFrame, **more: object):
    """`trajectory` with the columns of these tests."""
    return trajectory(data, person="who", time="months", score="score", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def blues(shared: Path) -> pd.DataFrame:
    """Beating the Blues, long."""
    wide = pd.read_csv(shared / "data" / "trials" / "HSAUR_BtheB.csv")
    parts = [
        pd.DataFrame(
            {"who": wide["rownames"], "months": month, "score": wide[f"bdi.{month}m"], "before": wide["bdi.pre"]}
        )
        for month in (2, 4, 6, 8)
    ]
    treated = (wide["treatment"] == "BtheB").astype(int)
    return pd.concat([part.assign(treated=treated) for part in parts], ignore_index=True)


@pytest.mark.parametrize("random", ["intercept", "slope"])
@pytest.mark.parametrize("reml", [True, False])
def test_estimates_are_those_of_lme4(root: Path, blues: pd.DataFrame, random: str, reml: bool) -> None:
    """lme4 stops a little short: its likelihood is never above ours, its estimates within 1e-5."""
    reference = pd.read_csv(root / "tests" / "reference" / "distance" / "btheb.csv")
    expected = reference[reference["model"] == f"mixed {random} {'REML' if reml else 'ML'}"].set_index("term")
    ours = of(blues, formula="before + treated + months", random=random, reml=reml)
    table, theirs = ours.tidy(), expected.iloc[:4]
    np.testing.assert_allclose(table["estimate"], theirs["estimate"], rtol=1e-5)
    np.testing.assert_allclose(table["std_error"], theirs["std_error"], rtol=1e-5)
    np.testing.assert_allclose(table["df"], theirs["df"], rtol=2e-4, err_msg="lmerTest differentiates by differences")
    np.testing.assert_allclose(table["p_value"], theirs["p_value"], rtol=1e-3)
    assert -1e-9 < ours.log_likelihood - expected.loc["log_likelihood", "estimate"] < 1e-8
    variances = [ours.fit.random[0, 0], ours.fit.residual]
    np.testing.assert_allclose(variances, [expected.iloc[4]["estimate"], expected.iloc[-2]["estimate"]], rtol=2e-5)
    assert "100 people" not in repr(ours).splitlines()[0], "people without a later reading are not in"


def test_the_likelihood_is_the_dense_one_and_nowhere_higher() -> None:
    data = drawn(25, 1).sort_values(["who", "months"])
    matrix = np.column_stack([np.ones(len(data)), data["months"], data["dose"]])
    y, t, who = (data[name].to_numpy() for name in ("score", "months", "who"))
    fit = mixed(matrix, y, t, who, reml=False)

    def dense(random: np.ndarray, residual: float, beta: np.ndarray) -> float:
        z = np.column_stack([np.ones(len(t)), t])
        v = (z @ random @ z.T) * (who[:, None] == who[None, :]) + residual * np.eye(len(t))
        return float(stats.multivariate_normal.logpdf(y, matrix @ beta, v))

    best = dense(fit.random, fit.residual, fit.coefficients)
    assert fit.log_likelihood == pytest.approx(best, rel=1e-10)
    rng = np.random.default_rng(2)
    for _ in range(30):
        noise = rng.normal(0, 0.02, (2, 2))
        near = (np.eye(2) + noise) @ fit.random @ (np.eye(2) + noise).T
        beta = fit.coefficients * (1 + rng.normal(0, 0.01, 3))
        assert dense(near, fit.residual * (1 + rng.normal(0, 0.02)), beta) < best + 1e-9


def test_units_of_time_and_order_of_rows_change_nothing_else() -> None:
    data = drawn(40, 3)
    plain = of(data).tidy()
    years = of(data.assign(months=data["months"] / 1200).sample(frac=1, random_state=1)).tidy()
    assert years.loc[1, "estimate"] == pytest.approx(1200 * plain.loc[1, "estimate"], rel=1e-6)
    np.testing.assert_allclose(years["statistic"], plain["statistic"], rtol=1e-6)


def test_what_was_planted_is_found() -> None:
    found = of(drawn(1_500, 4), formula="months * dose + site").tidy().set_index("term")
    planted = {"months": 0.3, "months:dose": 0.05, "site[T.b]": 2.0}
    for term, value in planted.items():
        assert abs(found.loc[term, "estimate"] - value) < 3.5 * found.loc[term, "std_error"]


def test_a_spline_predicts_and_refuses_what_it_has_not_seen() -> None:
    data = drawn(60, 5)
    result = of(data, formula="bs(months, df=4) + site")
    new = pd.DataFrame({"months": [1.0, 6.0], "site": ["a", "b"]}, index=["x", "y"])
    found = result.predict(new)
    assert list(found.index) == ["x", "y"]
    assert (found["conf_low"] < found["estimate"]).all()
    with pytest.raises(InputError, match="not among the data"):
        result.predict(new.assign(site="c"))
    with pytest.raises(InputError, match="formula fails"):
        result.predict(new.assign(months=[1.0, 99.0]))
    with pytest.raises(InputError, match="is not in the data"):
        result.predict(new[["months"]])


def test_no_spread_between_people_is_said() -> None:
    rows = [(who, month, 5 + month + (-1) ** (who // 2 + month)) for who in range(20) for month in range(4)]
    result = of(pd.DataFrame(rows, columns=["who", "months", "score"]), random="intercept")
    assert result.fit.singular
    assert any("on its edge" in note for note in result.notes)
    assert np.isfinite(result.tidy()["df"]).all()


def test_degrees_of_freedom_of_a_balanced_design_are_those_of_the_analysis_of_variance() -> None:
    """Four readings of 12 people at the same months: the mean has 11, a straight line 12 × 3 − 1."""
    rng = np.random.default_rng(8)
    who, months = np.repeat(np.arange(12), 4), np.tile([-3.0, -1.0, 1.0, 3.0], 12)
    score = 20 + 5 * rng.normal(size=12)[who] + 0.5 * months + rng.normal(size=48)
    result = of(pd.DataFrame({"who": who, "months": months, "score": score}), random="intercept")
    np.testing.assert_allclose(result.tidy()["df"], [11, 35], rtol=1e-6)
    at = result.predict(pd.DataFrame({"months": [0.0]})).iloc[0]
    means = score.reshape(12, 4).mean(axis=1)
    exact = stats.ttest_1samp(means, 0).confidence_interval()
    np.testing.assert_allclose([at["conf_low"], at["conf_high"]], [exact.low, exact.high], rtol=1e-7)


def test_degrees_of_freedom_are_those_of_differences_of_the_dense_likelihood() -> None:
    data = drawn(20, 7).sort_values(["who", "months"])
    matrix = np.column_stack([np.ones(len(data)), data["months"]])
    y, t, who = (data[name].to_numpy() for name in ("score", "months", "who"))
    fit = mixed(matrix, y, t, who, reml=True)
    z = np.column_stack([np.ones(len(t)), t])
    same = who[:, None] == who[None, :]

    def parts(at: np.ndarray) -> tuple[float, np.ndarray]:
        factor = np.array([[at[0], 0.0], [at[1], at[2]]])
        v = (z @ factor @ factor.T @ z.T) * same + at[3] * np.eye(len(t))
        solved = np.linalg.solve(v, matrix)
        inner = matrix.T @ solved
        left = y - matrix @ np.linalg.solve(inner, solved.T @ y)
        deviance = np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1] + left @ np.linalg.solve(v, left)
        return float(deviance), np.diag(np.linalg.inv(inner))

    factor = np.linalg.cholesky(fit.random)
    at = np.array([factor[0, 0], factor[1, 0], factor[1, 1], fit.residual])
    steps = 1e-3 * np.diag(at)
    bend = np.array(
        [
            [
                (parts(at + a + b)[0] - parts(at + a - b)[0] - parts(at - a + b)[0] + parts(at - a - b)[0])
                / (4 * a.sum() * b.sum())
                for b in steps
            ]
            for a in steps
        ]
    )
    slope = np.array([(parts(at + a)[1] - parts(at - a)[1]) / (2 * a.sum()) for a in steps])
    spread = np.einsum("mi,mk,ki->i", slope, 2 * np.linalg.inv(bend), slope)
    np.testing.assert_allclose(fit.df(np.eye(2)), 2 * parts(at)[1] ** 2 / spread, rtol=1e-3)


def test_what_cannot_be_used_is_refused() -> None:
    data = drawn(30, 6)
    with pytest.raises(InputError, match="two readings of one person at one time"):
        of(pd.concat([data, data.iloc[:1]]))
    with pytest.raises(InputError, match="too few for a random slope"):
        of(data.groupby("who").head(2))
    with pytest.raises(InputError, match="without '~'"):
        of(data, formula="score ~ months")
    with pytest.raises(InputError, match="leave it out"):
        of(data.assign(twice=2 * data["dose"]), formula="dose + twice")
    with pytest.raises(InputError) as caught:
        of(data.assign(score="7/10"), formula="none")
    assert {fault.column for fault in caught.value.faults} == {"score", "none"}
    with pytest.raises(InputError, match="random must be one of"):
        of(data, random="none")


def test_missing_readings_are_counted() -> None:
    data = drawn(30, 6)
    data.loc[3, "score"] = np.nan
    assert of(data).notes[0] == f"1 of {len(data)} rows left out: score is missing (1)."


def test_figures_draw_a_curve_for_each_value() -> None:
    result = of(drawn(30, 6), formula="months * site")
    ax = result.plot(by="site", kind="people")
    assert ax.get_legend_handles_labels()[1] == ["people (30 of 30)", "site a", "site b"]
    ax.figure.clf()
    with pytest.raises(InputError, match="Not a column of the formula"):
        result.plot(by="dose")
