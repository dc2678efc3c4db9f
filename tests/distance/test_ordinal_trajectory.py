"""Ordered scores over time: R's ordinal and MASS, integrals by brute force, and scores that cannot be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from impact.distance import ordinal_trajectory
from impact.distance.cumulative import averaged, cumulative
from impact.errors import ConvergenceError, InputError

THRESHOLDS = ["1|2", "2|4", "4|5", "5|8"]


def of(data: pd.DataFrame, **more: object):
    """`ordinal_trajectory` with the columns of these tests."""
    return ordinal_trajectory(data, person="who", time="months", score="score", **more)  # type: ignore[arg-type]


def drawn(people: int, seed: int, *, spread: float = 1.5) -> pd.DataFrame:
    """One to five readings of 1 to 5 a person, later and on site b higher."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), rng.integers(1, 6, people))
    months, site = rng.uniform(0, 12, len(who)), rng.integers(0, 2, people)[who]
    latent = 0.1 * months + 0.5 * site + spread * rng.normal(size=people)[who] + rng.logistic(size=len(who))
    score = 1 + np.digitize(latent, [-1.0, 0.0, 1.0, 2.5])
    return pd.DataFrame({"who": who, "months": months, "site": np.where(site == 1, "b", "a"), "score": score})


@pytest.fixture(scope="module")
def readings(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "tests" / "reference" / "distance" / "ordinal_readings.csv")


@pytest.fixture(scope="module")
def reference(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "tests" / "reference" / "distance" / "ordinal.csv").set_index(["model", "term"])


def test_own_intercepts_are_those_of_clmm(readings: pd.DataFrame, reference: pd.DataFrame) -> None:
    """clmm stops a little short: its likelihood is never above ours."""
    found = of(readings, formula="months + site")
    expected, table = reference.loc["mixed"], found.tidy().set_index("term")
    for name in ("estimate", "std_error"):
        names = ["months", "site", *THRESHOLDS]
        np.testing.assert_allclose(table.loc[names, name], expected.loc[names, name], rtol=1e-5, atol=1e-6)
    assert found.variance["estimate"].iloc[0] == pytest.approx(expected.loc["spread", "estimate"], rel=1e-5)
    assert -1e-9 < found.log_likelihood - expected.loc["log_likelihood", "estimate"] < 1e-6


def test_without_them_it_is_clm_and_polr_with_clustered_errors(readings: pd.DataFrame, reference: pd.DataFrame) -> None:
    found = of(readings, formula="months + site", random="none")
    table = found.tidy().set_index("term")
    names = ["months", "site", *THRESHOLDS]
    np.testing.assert_allclose(table.loc[names, "estimate"], reference.loc["plain"].loc[names, "estimate"], rtol=1e-8)
    np.testing.assert_allclose(table.loc[names, "estimate"], reference.loc["polr"].loc[names, "estimate"], rtol=1e-6)
    errors = reference.loc["clustered"].loc[names, "std_error"]
    np.testing.assert_allclose(table.loc[names, "std_error"], errors, rtol=1e-6)
    assert found.log_likelihood == pytest.approx(reference.loc[("plain", "log_likelihood"), "estimate"], rel=1e-12)
    chance = found.probabilities(pd.DataFrame({"months": [0, 12], "site": [0, 1]}))["estimate"].to_numpy()
    theirs = np.r_[reference.loc["chance 1", "estimate"], reference.loc["chance 2", "estimate"]]
    np.testing.assert_allclose(chance, theirs, rtol=1e-8)


def by_integration(data: pd.DataFrame, thresholds: np.ndarray, slope: float, spread: float) -> float:
    """The log likelihood of readings of 1 to k over months, each person's integral by adaptive quadrature."""
    cuts = np.r_[-np.inf, thresholds, np.inf]
    total = 0.0
    for _, mine in data.groupby("who"):
        code, line = mine["score"].to_numpy() - 1, slope * mine["months"].to_numpy()

        def density(own: float, code: np.ndarray = code, line: np.ndarray = line) -> float:
            at = line + spread * own
            return float(np.prod(special.expit(cuts[code + 1] - at) - special.expit(cuts[code] - at))) * stats.norm.pdf(
                own
            )

        total += np.log(integrate.quad(density, -9, 9, epsabs=1e-13, epsrel=1e-12, points=[-1, 0, 1])[0])
    return total


def test_the_likelihood_is_that_of_brute_force_and_nowhere_higher() -> None:
    data = drawn(12, 5).sort_values(["who", "months"])
    data["score"] = data["score"].clip(2, 4) - 1
    fit = of(data).fit
    best = by_integration(data, fit.thresholds, fit.coefficients[0], fit.spread)
    assert fit.log_likelihood == pytest.approx(best, rel=1e-8)
    rng = np.random.default_rng(1)
    for _ in range(12):
        noise = rng.normal(0, 0.05, 4)
        near = by_integration(data, fit.thresholds + noise[:2], fit.coefficients[0] + noise[2], fit.spread + noise[3])
        assert near < best + 1e-9


def test_the_covariance_is_the_inverse_of_the_bend_of_the_brute_force_likelihood() -> None:
    data = drawn(12, 5)
    data["score"] = data["score"].clip(2, 4) - 1
    fit = of(data).fit
    at, width = np.r_[fit.thresholds, fit.coefficients, fit.spread], 2e-3
    bend = np.empty((4, 4))

    def value(move: np.ndarray) -> float:
        moved = at + move
        return by_integration(data, moved[:2], moved[2], moved[3])

    for i, a in enumerate(width * np.eye(4)):
        for j, b in enumerate(width * np.eye(4)):
            bend[i, j] = value(a + b) - value(a - b) - value(b - a) + value(-a - b)
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(-bend / (4 * width**2)), rtol=2e-3, atol=2e-4)


def test_more_nodes_change_nothing() -> None:
    data = drawn(80, 2).sort_values(["who", "months"])
    codes, matrix = data["score"].to_numpy() - 1, data[["months"]].to_numpy()
    few, many = (cumulative(codes, matrix, data["who"].to_numpy(), ("months",), random=True, nodes=n) for n in (15, 61))
    np.testing.assert_allclose(few.coefficients, many.coefficients, rtol=1e-6)
    assert few.log_likelihood == pytest.approx(many.log_likelihood, rel=1e-8)


def test_predictions_are_averaged_over_people_and_their_errors_are_those_of_differences() -> None:
    result = of(drawn(120, 3), formula="months + site")
    new = pd.DataFrame({"months": [1.0, 9.0], "site": ["a", "b"]})
    fit, matrix = result.fit, result.terms.of(new)[:, 1:]
    for row, line in enumerate(matrix @ fit.coefficients):
        for place, cut in enumerate(fit.thresholds):
            expected = integrate.quad(
                lambda b, cut=cut, line=line: special.expit(cut - line - fit.spread * b) * stats.norm.pdf(b), -9, 9
            )[0]
            assert averaged(fit, matrix)[0][row, place] == pytest.approx(expected, rel=1e-7)

    def mean(move: np.ndarray) -> np.ndarray:
        parts = np.split(np.r_[fit.thresholds, fit.coefficients, fit.spread] + move, [4, 6])
        moved = replace(fit, thresholds=parts[0], coefficients=parts[1], spread=float(parts[2][0]))
        return replace(result, fit=moved).predict(new)["estimate"].to_numpy()

    slope = np.stack([(mean(step) - mean(-step)) / 2e-5 for step in 1e-5 * np.eye(7)], axis=1)
    errors = np.sqrt(np.einsum("ij,jk,ik->i", slope, fit.covariance, slope))
    np.testing.assert_allclose(result.predict(new)["std_error"], errors, rtol=1e-6)
    chance = result.probabilities(new)
    np.testing.assert_allclose(chance.groupby(level=0)["estimate"].sum(), 1.0, rtol=1e-12)
    weighted = (chance["score"] * chance["estimate"]).groupby(level=0).sum()
    np.testing.assert_allclose(weighted, result.predict(new)["estimate"], rtol=1e-12)
    assert (chance["conf_low"] < chance["estimate"]).all()
    assert (chance["estimate"] < chance["conf_high"]).all()


@pytest.mark.parametrize("random", ["intercept", "none"])
def test_scores_turned_round_turn_the_odds_and_order_and_units_change_nothing(random: str) -> None:
    data = drawn(90, 4)
    plain = of(data, random=random)
    turned = of(data.assign(score=6 - data["score"]), random=random)
    assert turned.fit.coefficients == pytest.approx(-plain.fit.coefficients, rel=1e-6)
    np.testing.assert_allclose(turned.fit.thresholds, -plain.fit.thresholds[::-1], rtol=1e-5, atol=1e-7)
    assert turned.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-10)
    years = of(data.assign(months=data["months"] / 120 + 7).sample(frac=1, random_state=1), random=random)
    assert years.fit.coefficients == pytest.approx(120 * plain.fit.coefficients, rel=1e-6)
    pd.testing.assert_frame_equal(plain.tidy(), of(data.sample(frac=1, random_state=2), random=random).tidy())


def test_what_was_planted_is_found() -> None:
    table = of(drawn(1_500, 6), formula="months + site")
    found = table.tidy().set_index("term")
    for term, value in {"months": 0.1, "site[T.b]": 0.5, "1|2": -1.0, "4|5": 2.5}.items():
        assert abs(found.loc[term, "estimate"] - value) < 3.5 * found.loc[term, "std_error"]
    assert abs(table.variance["estimate"].iloc[0] - 1.5) < 3.5 * table.variance["std_error"].iloc[0]


def test_odds_ratios_on_request_and_thresholds_as_they_are() -> None:
    result = of(drawn(60, 7))
    plain, ratios = result.tidy(), result.tidy(exponentiate=True)
    assert ratios.loc[0, "conf_low"] == pytest.approx(np.exp(plain.loc[0, "conf_low"]))
    pd.testing.assert_frame_equal(ratios.iloc[1:], plain.iloc[1:])
    assert plain.loc[1:, "p_value"].isna().all()
    assert plain["part"].tolist() == ["coefficient", *["threshold"] * 4]


def test_no_spread_between_people_is_said() -> None:
    rows = [(who, month, 1 + (who + month) % 3) for who in range(30) for month in range(3)]
    result = of(pd.DataFrame(rows, columns=["who", "months", "score"]))
    assert result.fit.singular
    assert any("on their edge" in note for note in result.notes)
    assert np.isfinite(result.predict(pd.DataFrame({"months": [1.0]}))["std_error"]).all()


def test_scores_that_nobody_has_are_named() -> None:
    data = drawn(60, 8)
    data["score"] = data["score"].replace({2: 7})
    result = of(data, low=1, high=10)
    assert "No score of 2, 6, 8, 9, 10 was seen: the model gives such scores no chance at all." in result.notes
    assert not any("was seen" in note for note in of(drawn(60, 8), low=1, high=5).notes)


def test_a_term_that_parts_the_scores_is_named() -> None:
    data = drawn(60, 9)
    top = (data["score"] == 5) & (data.index % 4 == 0)
    with pytest.raises(ConvergenceError, match=r"^prize\[T.yes\] parts low scores from high ones"):
        of(data.assign(prize=np.where(top, "yes", "no")), formula="months + prize")
    with pytest.raises(ConvergenceError, match=r"^above parts low scores"):
        of(data.assign(above=(data["score"] > 3).astype(float)), formula="months + above", random="none")


def test_people_who_never_change_have_no_upper_limit() -> None:
    data = drawn(60, 10)
    same = data.assign(score=data.groupby("who")["score"].transform("first"))
    with pytest.raises(ConvergenceError, match="no upper limit"):
        of(same)
    assert np.isfinite(of(same, random="none").tidy()["estimate"]).all()


def test_what_cannot_be_used_is_refused() -> None:
    data = drawn(40, 11)
    for changed, more, words in (
        (data.assign(score=3), {}, "Every score is 3"),
        (data.assign(score=data["months"]), {}, "different values, too many"),
        (data.groupby("who").head(1), {}, "Nobody has two readings"),
        (data.head(6), {"random": "none"}, "cannot carry"),
        (data, {"random": "slope"}, "random must be one of"),
        (data, {"low": 2}, "is below 2"),
        (pd.concat([data, data.iloc[:1]]), {}, "two readings of one person at one time"),
        (data.assign(score="7/10"), {}, "not a number"),
    ):
        with pytest.raises(InputError, match=words):
            of(changed, **more)


def test_figures_draw_means_and_shares() -> None:
    result = of(drawn(60, 12), formula="months + site")
    ax = result.plot(by="site")
    assert ax.get_legend_handles_labels()[1] == ["site a", "site b"]
    ax.figure.clf()
    ax = result.plot(kind="scores", at={"site": "b"})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["5", "4", "3", "2", "1"]
    ax.figure.clf()
    with pytest.raises(InputError, match="for one course"):
        result.plot(kind="scores", by="site")
