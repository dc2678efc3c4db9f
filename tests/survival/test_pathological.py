"""Data that break estimators: named, or estimated rightly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.errors import ConvergenceError, ImpactError, InputError
from impact.survival.cox import cox
from impact.survival.kaplan_meier import kaplan_meier


def people(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "days": np.ceil(rng.exponential(20, n)),
            "event": rng.integers(0, 2, n),
            "x": rng.normal(size=n),
            "z": rng.integers(0, 2, n),
            "race": rng.choice(["black", "other", "white"], n),
            "site": rng.integers(0, 3, n),
        }
    )
    return frame.assign(**{"from": np.floor(frame["days"] * rng.uniform(0, 0.8, n))})


def named(error: ImpactError) -> list[str]:
    return [fault.column for fault in error.faults]


@pytest.mark.parametrize(
    ("covariates", "column"), [(["x", "race"], "race[other]"), ("x + C(race)", "C(race)[T.other]")]
)
def test_a_level_without_the_event_is_named(covariates, column):
    frame = people()
    frame.loc[frame["race"] == "other", "event"] = 0
    with pytest.raises(ConvergenceError) as caught:
        cox(frame, "days", "event", covariates)
    assert named(caught.value) == [column]


def test_a_first_level_without_the_event_names_the_others():
    frame = people()
    frame.loc[frame["race"] == "black", "event"] = 0
    with pytest.raises(ConvergenceError) as caught:
        cox(frame, "days", "event", ["x", "race"])
    assert named(caught.value) == ["race[other]", "race[white]"]
    fit = cox(frame, "days", "event", ["x", "race"], penalty="firth")
    assert np.isfinite(fit.tidy()["conf_low"]).all()


def test_an_interaction_that_separates_or_is_empty_is_named():
    frame = people()
    corner = (frame["race"] == "other") & (frame["z"] == 1)
    with pytest.raises(ConvergenceError) as caught:
        cox(frame.assign(event=frame["event"].where(~corner, 0)), "days", "event", "z * race")
    assert named(caught.value) == ["z:race[T.other]"]
    with pytest.raises(InputError) as refused:
        cox(frame[~corner], "days", "event", "z * race")
    assert named(refused.value) == ["z:race[T.other]"]


def test_categories_that_nobody_has_are_no_columns():
    frame = people().assign(race=lambda data: pd.Categorical(data["race"], ["asian", "black", "other", "white"]))
    listed = cox(frame, "days", "event", ["x", "race"])
    formula = cox(frame, "days", "event", "x + race")
    assert listed.names == ("x", "race[other]", "race[white]")
    np.testing.assert_allclose(formula.coefficients, listed.coefficients, rtol=1e-9)


def test_factors_that_repeat_each_other_or_the_strata_are_named_level_by_level():
    frame = people().assign(again=lambda data: data["race"].str.upper())
    with pytest.raises(InputError) as caught:
        cox(frame, "days", "event", ["race", "again"])
    assert named(caught.value) == ["again[OTHER]", "again[WHITE]"]
    region = frame["site"].map({0: "a", 1: "b", 2: "c"})
    with pytest.raises(InputError, match="constant within strata") as caught:
        cox(frame.assign(region=region), "days", "event", ["x", "region"], strata="site")
    assert named(caught.value) == ["region[b]", "region[c]"]
    partly = frame.assign(region=np.where(frame["site"] == 0, "a", np.where(frame["z"] == 1, "b", "c")))
    with pytest.raises(InputError, match="is a linear combination") as caught:
        cox(partly, "days", "event", ["x", "region"], strata="site")
    assert named(caught.value) == ["region[c]"]


def test_a_covariate_that_entry_keeps_apart_is_named():
    frame = people()
    late = frame.index >= 60
    apart = frame.assign(late=late.astype(int), days=np.where(late, 51 + frame["days"], frame["days"].clip(upper=49)))
    with pytest.raises(InputError, match="column late: does not vary among the people at risk together"):
        cox(apart.assign(**{"from": np.where(late, 50.0, 0)}), "days", "event", ["x", "late"], entry="from")


@pytest.mark.parametrize("scale", [1e-150, 1e-12, 1e12, 1e150])
def test_huge_differences_of_scale_change_only_the_unit(scale):
    frame = people()
    fit = cox(frame, "days", "event", ["x", "z"])
    other = cox(frame.assign(x=frame["x"] * scale), "days", "event", ["x", "z"])
    np.testing.assert_allclose(other.coefficients * [scale, 1], fit.coefficients, rtol=1e-8)
    np.testing.assert_allclose(other.tidy()["std_error"] * [scale, 1], fit.tidy()["std_error"], rtol=1e-8)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-12)
    if 1e-100 < scale < 1e100:
        assert other.tests.tests[1].statistic == pytest.approx(fit.tests.tests[1].statistic, rel=1e-8)
        for kind in ("martingale", "dfbetas"):
            np.testing.assert_allclose(other.residuals(kind), fit.residuals(kind), atol=1e-9)
        timed = cox(frame.assign(days=frame["days"] * scale), "days", "event", ["x", "z"])
        np.testing.assert_allclose(timed.coefficients, fit.coefficients, rtol=1e-10)


def test_everyone_tied():
    frame = people().assign(days=7, event=1)
    for ties in ("efron", "breslow"):
        fit = cox(frame, "days", "event", ["x", "z"], ties=ties)
        np.testing.assert_allclose(fit.coefficients, 0, atol=1e-12)
        assert np.isnan(fit.concordance)
        assert fit.test("x").p_value == pytest.approx(1)
        assert fit.residuals("martingale").sum() == pytest.approx(0, abs=1e-9)
        assert len(fit.predict(frame.head(1)).tidy()) == 1
    curve = kaplan_meier(frame, "days", "event").tidy()
    assert curve["estimate"].tolist() == [0.0]


def test_one_event_and_times_that_differ_by_rounding():
    frame = pd.DataFrame({"days": [1, 2, 3, 4, 5], "event": [0, 1, 0, 0, 0], "x": [1.0, 2, 3, 1, 2]})
    fit = cox(frame, "days", "event", ["x"])
    assert fit.coefficients[0] == pytest.approx(0, abs=1e-10)
    # The information of one draw from x = 2, 3, 1, 2 is their variance.
    assert fit.tidy()["std_error"][0] == pytest.approx(1 / np.sqrt(0.5), rel=1e-10)
    near = people().assign(days=lambda data: data["days"] / 10)
    other = near.assign(days=near["days"] * (1 + 1e-12 * (np.arange(len(near)) % 3)))
    fit, close = (cox(data, "days", "event", ["x", "z"]) for data in (near, other))
    np.testing.assert_allclose(close.coefficients, fit.coefficients, rtol=1e-10)
    assert any("by rounding only" in note for note in close.notes)


def test_weights_as_small_as_they_may_be():
    frame = people().assign(w=1e-10)
    fit = cox(frame, "days", "event", ["x"], weights="w")
    plain = cox(frame, "days", "event", ["x"], robust=True)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, plain.covariance, rtol=1e-8)


def test_a_strong_effect_is_estimated():
    rng = np.random.default_rng(3)
    x = rng.normal(size=150) * 1.5
    frame = pd.DataFrame({"days": 1000 * np.exp(-x - rng.gumbel(size=150) * 0.3), "event": 1, "x": x})
    fit = cox(frame, "days", "event", ["x"])
    assert fit.tidy()["conf_low"][0] < 1 / 0.3 < fit.tidy()["conf_high"][0]
    assert fit.concordance > 0.9
