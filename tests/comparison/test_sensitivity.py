"""E-values, tipping points and robustness values against published figures, identities and refits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.comparison import compare, match, propensity, whole_sample
from impact.comparison.evalue import e_value
from impact.comparison.robustness import robustness, robustness_value
from impact.comparison.tipping import hidden_confounder, tipping_point
from impact.design import Design
from impact.errors import ConvergenceError, InputError


def test_published_e_values():
    """VanderWeele and Ding (2017): breast-feeding and deaths, 3.9 (1.8 to 8.7); from memory."""
    found = e_value(3.9, measure="risk_ratio", conf_low=1.8, conf_high=8.7)
    assert (round(found.estimate, 2), round(found.limit, 1)) == (7.26, 3.0)
    turned = e_value(1 / 3.9, measure="risk_ratio", conf_low=1 / 8.7, conf_high=1 / 1.8)
    assert [turned.estimate, turned.limit] == pytest.approx([found.estimate, found.limit], rel=1e-12)
    assert "7.26; for the limit nearer to 1: 3" in repr(found)
    assert e_value(0.8, measure="rate_ratio", conf_low=0.6, conf_high=1.05).limit == 1
    assert np.isnan(e_value(0.8, measure="rate_ratio").limit)


@given(st.floats(0.05, 20))
def test_a_confounder_of_the_size_of_the_e_value_is_just_enough(ratio):
    """Ding and VanderWeele's bounding factor at RR(EU) = RR(UD) = E is the risk ratio."""
    one = e_value(ratio, measure="risk_ratio").estimate
    assert one**2 / (2 * one - 1) == pytest.approx(max(ratio, 1 / ratio), rel=1e-9)


def test_odds_and_hazard_ratios_and_mean_differences_become_risk_ratios():
    common = e_value(0.49, measure="odds_ratio", rare=False, conf_low=0.25, conf_high=0.81)
    assert [common.risk_ratio, common.conf_low, common.conf_high] == pytest.approx([0.7, 0.5, 0.9])
    assert e_value(0.49, measure="odds_ratio", rare=True).risk_ratio == 0.49
    hazard = e_value(0.56, measure="hazard_ratio", rare=False, conf_low=0.46, conf_high=0.69)
    expected = [(1 - 0.5 ** np.sqrt(hr)) / (1 - 0.5 ** np.sqrt(1 / hr)) for hr in (0.56, 0.46, 0.69)]
    assert [hazard.risk_ratio, hazard.conf_low, hazard.conf_high] == pytest.approx(expected, rel=1e-12)
    mean = e_value(-2.0, measure="mean_difference", sd=4.0, conf_low=-3.0, conf_high=-1.0)
    assert mean.risk_ratio == pytest.approx(np.exp(-0.455))
    assert mean.limit == pytest.approx(e_value(np.exp(-0.91 / 4), measure="risk_ratio").estimate)


def test_an_effect_brings_its_measure_interval_and_cautions():
    data = pd.DataFrame({"joined": [1, 0] * 50, "again": [0, 1, 0, 0, 1, 1, 0, 1, 0, 0] * 10})
    design = whole_sample(data, "joined")
    effect = compare(design, "again", measure="risk_ratio")
    found = e_value(effect)
    assert found.risk_ratio == effect.estimate
    by_hand = e_value(effect.estimate, measure="risk_ratio", conf_low=effect.conf_low, conf_high=effect.conf_high)
    assert found.tidy().equals(by_hand.tidy())
    assert found.tidy()["term"].tolist() == ["estimate", "limit nearer to 1"]
    with pytest.raises(InputError, match=r"compare\(..., measure='risk_ratio'\)"):
        e_value(compare(design, "again", measure="risk_difference"))
    with pytest.raises(InputError, match="leave measure"):
        e_value(effect, measure="risk_ratio")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"measure": "odds_ratio"}, "say rare=True"),
        ({"measure": "hazard_ratio"}, "say rare=True"),
        ({"measure": "risk_ratio", "rare": True}, "has no use for it"),
        ({"measure": "risk_ratio", "sd": 1.0}, "only there"),
        ({"measure": "mean_difference"}, "sd, the standard deviation"),
        ({"measure": "mean_difference", "sd": 0.0}, "sd must be a number above 0"),
        ({"measure": "risk_ratio", "conf_low": 0.5}, "both conf_low and conf_high"),
        ({"measure": "risk_ratio", "conf_low": 0.9, "conf_high": 1.2}, "does not hold the estimate"),
        ({"measure": "risk_ratio", "estimate": -0.2}, "must lie above 0"),
        ({"measure": "risk_ratio", "estimate": np.nan}, "finite numbers"),
        ({"measure": "risk_ratio", "estimate": "0.8"}, "needs an Effect or a number"),
        ({"measure": "risk"}, "measure must be one of"),
    ],
)
def test_e_values_refuse_what_they_cannot_use(arguments, says):
    call = {"estimate": 0.8, **arguments}
    with pytest.raises(InputError, match=says):
        e_value(call.pop("estimate"), **call)


def test_published_robustness_values():
    """Darfur: t = 4.18445 on 783 degrees of freedom gives 13.9% and 7.6% (Cinelli and Hazlett 2020; from memory)."""
    strength = 4.18445 / np.sqrt(783)
    critical = 1.963 / np.sqrt(782)
    assert round(100 * robustness(strength, 0.0), 1) == 13.9
    assert round(100 * robustness(strength, critical), 1) == 7.6
    assert round(100 * strength**2 / (1 + strength**2), 1) == 2.2


def regressed(columns, y, weights) -> tuple[float, float, float]:
    """Coefficient of the second column, its classical error and degrees of freedom."""
    root = np.sqrt(weights)
    x, z = columns * root[:, None], y * root
    beta = np.linalg.lstsq(x, z, rcond=None)[0]
    df = len(z) - x.shape[1]
    return beta[1], np.sqrt(((z - x @ beta) ** 2).sum() / df * np.linalg.inv(x.T @ x)[1, 1]), df


@pytest.fixture(scope="module")
def study() -> tuple[Design, np.ndarray]:
    rng = np.random.default_rng(7)
    n = 160
    data = pd.DataFrame({"x": rng.normal(size=n), "area": rng.choice(["a", "b", "c"], n)})
    data["joined"] = (rng.random(n) < 1 / (1 + np.exp(-data["x"]))).astype(int)
    data["y"] = 0.8 * data["joined"] + 0.6 * data["x"] + rng.normal(size=n)
    weights = rng.uniform(0.5, 2, n)
    flow = pd.DataFrame([("Given", 1, 1)], columns=["step", "treated", "comparison"])
    return Design(data, "joined", pd.Series(weights), None, "ATT", (), "By hand", flow), weights


def confounded(design, weights, r2_treatment, r2_outcome) -> tuple[float, float]:
    """Coefficient and error after adjusting for a column built to explain those shares of the residuals."""
    data = design.data
    x = np.column_stack(
        [np.ones(len(data)), data["joined"], data["x"], pd.get_dummies(data["area"], dtype=float).iloc[:, 1:]]
    )
    root = np.sqrt(weights)

    def rest(y, columns):
        z = y * root
        fitted = columns * root[:, None]
        return z - fitted @ np.linalg.lstsq(fitted, z, rcond=None)[0]

    d = rest(x[:, 1], np.delete(x, 1, axis=1))
    y = rest(data["y"].to_numpy(), x)
    noise = rest(np.random.default_rng(1).normal(size=len(data)), np.column_stack([x, data["y"]]))
    d, y, noise = (one / np.linalg.norm(one) for one in (d, y, noise))
    sign = np.sign(regressed(x, data["y"].to_numpy(), weights)[0])
    beside = np.sqrt(r2_outcome) * y + np.sqrt(1 - r2_outcome) * noise
    z = (sign * np.sqrt(r2_treatment) * d + np.sqrt(1 - r2_treatment) * beside) / root
    found = regressed(np.column_stack([x, z]), data["y"].to_numpy(), weights)
    return found[0], found[1]


def test_a_confounder_of_the_robustness_value_takes_the_estimate_away(study):
    design, weights = study
    found = robustness_value(design, "y", adjust=["x", "area"])
    assert confounded(design, weights, found.value, found.value)[0] == pytest.approx(0, abs=1e-9)
    half = robustness_value(design, "y", adjust=["x", "area"], q=0.5)
    assert confounded(design, weights, half.value, half.value)[0] == pytest.approx(found.estimate / 2, rel=1e-9)
    x = np.column_stack(
        [np.ones(160), design.data["joined"], design.data["x"], design.data["area"] == "b", design.data["area"] == "c"]
    )
    value, error, df = regressed(x.astype(float), design.data["y"].to_numpy(), weights)
    assert [found.estimate, found.std_error, found.df] == pytest.approx([value, error, df], rel=1e-10)


def test_at_the_value_of_the_limit_no_weaker_confounder_makes_p_pass_the_level(study):
    design, weights = study
    found = robustness_value(design, "y", adjust=["x", "area"])
    from scipy import stats

    critical = stats.t.ppf(0.975, found.df - 1)
    shares = np.linspace(0, found.value_limit, 12)[:, None], np.linspace(0, found.value_limit, 12)[None, :]
    values = [[np.divide(*confounded(design, weights, a, b)) for b in shares[1].ravel()] for a in shares[0].ravel()]
    assert np.min(values) == pytest.approx(critical, rel=1e-6)


def test_benchmarks_are_what_such_confounders_would_leave(study):
    design, weights = study
    table = robustness_value(design, "y", adjust=["x", "area"], times=[0.5, 1]).tidy()
    assert table["covariate"].tolist() == ["x", "x", "area", "area"]
    for row in table.to_dict("records"):
        value, error = confounded(design, weights, row["r2_treatment"], row["r2_outcome"])
        assert [row["estimate"], row["std_error"]] == pytest.approx([value, error], rel=1e-8)
    data = design.data
    full = np.column_stack([np.ones(160), data["joined"], data["x"], data["area"] == "b", data["area"] == "c"]).astype(
        float
    )
    t = full[:, [2, 1, 0, 3, 4]]
    coefficient, error, df = regressed(t[:, [1, 0, 2, 3, 4]][:, [2, 1, 0, 3, 4]], data["y"].to_numpy(), weights)
    share = (coefficient / error) ** 2 / ((coefficient / error) ** 2 + df)
    without = np.column_stack([full[:, 0], full[:, 2:]])
    coefficient, error, df = regressed(without, data["joined"].to_numpy(), weights)
    on_treatment = (coefficient / error) ** 2 / ((coefficient / error) ** 2 + df)
    first = table[(table["covariate"] == "x") & (table["times"] == 1)].iloc[0]
    assert first["r2_treatment"] == pytest.approx(on_treatment / (1 - on_treatment), rel=1e-8)
    between = on_treatment**2 / (1 - on_treatment) ** 2
    factor = (1 + np.sqrt(between)) ** 2 / (1 - between)
    assert first["r2_outcome"] == pytest.approx(factor * share / (1 - share), rel=1e-8)


def test_a_confounder_that_cannot_be_so_strong_is_left_empty(study):
    table = robustness_value(study[0], "y", adjust="x", times=[200]).tidy()
    assert table["estimate"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"adjust": ()}, "names no covariate"),
        ({"adjust": "joined"}, "is the treatment"),
        ({"adjust": "y"}, "among the covariates"),
        ({"q": 0}, "q must be a share"),
        ({"times": [0]}, "times must be numbers above 0"),
        ({"level": 1}, "level must lie between"),
        ({"outcome": "flat"}, "the same for everyone"),
    ],
)
def test_robustness_values_refuse_what_they_cannot_use(study, arguments, says):
    study[0].data["flat"] = 3.0
    call = {"outcome": "y", "adjust": "x", **arguments}
    with pytest.raises(InputError, match=says):
        robustness_value(study[0], **call)


def missing_some() -> tuple[Design, pd.DataFrame]:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"joined": np.repeat([1, 0], [100, 300]), "x": rng.normal(size=400)})
    data["again"] = (rng.random(400) < np.where(data["joined"] == 1, 0.3, 0.55)).astype(float)
    data.loc[rng.random(400) < 0.15, "again"] = np.nan
    return match(propensity("joined ~ x", data), ratio=2), data


@pytest.mark.parametrize("measure", ["risk_difference", "risk_ratio", "odds_ratio"])
def test_with_shares_of_0_and_1_a_tipping_table_is_the_effect_of_filled_outcomes(measure):
    design, data = missing_some()
    table = tipping_point(design, "again", measure=measure, shares=[0, 1]).tidy()
    for row in table.to_dict("records"):
        share = np.where(data["joined"] == 1, row["share_treated"], row["share_comparison"])
        filled = Design(
            **{
                **{name: getattr(design, name) for name in Design.__dataclass_fields__},
                "data": data.assign(again=data["again"].fillna(pd.Series(share))),
            }
        )
        one = compare(filled, "again", measure=measure)
        numbers = [row[name] for name in ("estimate", "std_error", "p_value", "conf_low", "conf_high")]
        assert numbers == pytest.approx(
            [one.estimate, one.std_error, one.p_value, one.conf_low, one.conf_high], rel=1e-10
        )


def test_between_them_the_squared_error_is_that_of_outcomes_drawn_with_the_share():
    design, data = missing_some()
    row = tipping_point(design, "again", shares=[0.4]).tidy().iloc[0]
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        drawn = pd.Series((rng.random(400) < 0.4).astype(float))
        filled = Design(
            **{
                **{name: getattr(design, name) for name in Design.__dataclass_fields__},
                "data": data.assign(again=data["again"].fillna(drawn)),
            }
        )
        one = compare(filled, "again", measure="risk_difference")
        found.append((one.estimate, one.std_error**2))
    estimates, squares = np.array(found).T
    assert row["estimate"] == pytest.approx(estimates.mean(), abs=4 * estimates.std() / 20)
    assert row["std_error"] ** 2 == pytest.approx(squares.mean(), rel=0.01)


def test_a_tipping_point_says_what_is_missing_and_refuses_where_nothing_is():
    design, data = missing_some()
    found = tipping_point(design, "again")
    used = design.weights > 0
    lost = data["again"].isna() & used
    assert found.n_missing == (int((lost & (data["joined"] == 1)).sum()), int((lost & (data["joined"] == 0)).sum()))
    assert "the conclusion holds in" in repr(found)
    assert found.tidy()["holds"].any()
    assert not found.tidy()["holds"].all()
    with pytest.raises(InputError, match="is known for everyone"):
        tipping_point(match(propensity("joined ~ x", data.assign(again=1))), "again")
    with pytest.raises(InputError, match="shares must be numbers from 0 to 1"):
        tipping_point(design, "again", shares=[1.2])
    with pytest.raises(InputError, match="measure must be one of"):
        tipping_point(design, "again", measure="mean_difference")
    with pytest.raises(InputError, match="among the covariates"):
        tipping_point(design, "x")
    with pytest.raises(InputError, match="needs a Design"):
        tipping_point(data, "again")
    none = whole_sample(pd.DataFrame({"joined": [1, 0] * 4, "again": [0, 1, 0, 1, 0, 0, None, None]}), "joined")
    with pytest.raises(ConvergenceError, match="is not finite"):
        tipping_point(none, "again", measure="risk_ratio")


def test_a_hidden_confounder_of_the_strength_found_makes_such_an_effect_out_of_none():
    data = pd.DataFrame({"joined": [1, 0] * 100, "again": [0, 1, 0, 0, 1, 1, 0, 1, 0, 0] * 20})
    design = whole_sample(data, "joined")
    ratio = compare(design, "again", measure="risk_ratio")
    found = hidden_confounder(ratio, prevalence_treated=0.1, prevalence_comparison=0.9)
    rate = [1 + share * (found.strength - 1) for share in (0.1, 0.9)]
    assert rate[0] / rate[1] == pytest.approx(ratio.estimate, rel=1e-12)
    limit = [1 + share * (found.strength_limit - 1) for share in (0.1, 0.9)]
    assert limit[0] / limit[1] == pytest.approx(ratio.conf_high, rel=1e-12)
    assert "would explain the effect away" in repr(found)
    never = hidden_confounder(ratio, prevalence_treated=0.5, prevalence_comparison=0.55)
    assert np.isnan(never.strength)
    assert "cannot explain" in repr(never)
    difference = compare(design, "again", measure="risk_difference")
    by = hidden_confounder(difference, prevalence_treated=0.2, prevalence_comparison=0.6)
    assert by.strength * (0.2 - 0.6) == pytest.approx(difference.estimate)
    assert by.tidy()["strength"].tolist() == [by.strength, by.strength_limit]
    for wrong in ((0.5, 0.5), (-0.1, 0.5)):
        with pytest.raises(InputError, match="two unlike shares"):
            hidden_confounder(ratio, prevalence_treated=wrong[0], prevalence_comparison=wrong[1])
    with pytest.raises(InputError, match="measure='risk_ratio'"):
        hidden_confounder(
            compare(design, "again", measure="odds_ratio"), prevalence_treated=0.1, prevalence_comparison=0.9
        )
    with pytest.raises(InputError, match="needs an Effect"):
        hidden_confounder(0.8, prevalence_treated=0.1, prevalence_comparison=0.9)
