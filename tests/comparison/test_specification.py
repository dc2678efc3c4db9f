"""Specification tables and curves, and forests."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from impact.comparison import compare, match, propensity, whole_sample
from impact.comparison.doubly_robust import doubly_robust
from impact.comparison.forest import forest
from impact.comparison.specification import specifications
from impact.errors import InputError


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400)})
    data["joined"] = (rng.random(400) < 1 / (1 + np.exp(1.2 - data["x"]))).astype(int)
    data["again"] = (rng.random(400) < 1 / (1 + np.exp(0.3 - data["x"] + data["joined"]))).astype(int)
    return data.assign(never=0)


def runs(people: pd.DataFrame, measure: str = "risk_difference") -> dict:
    found = {}
    for covariates in ("x", "x + z"):
        score = propensity(f"joined ~ {covariates}", people)
        for caliper in (None, 0.2):
            design = match(score, caliper=caliper)
            found[covariates, f"caliper {caliper}"] = partial(compare, design, "again", measure=measure)
        found[covariates, "doubly robust"] = partial(doubly_robust, score, "again", measure=measure)
    return found


@pytest.mark.parametrize("measure", ["risk_difference", "risk_ratio"])
def test_every_specification_is_run_and_none_is_picked(people, measure):
    asked = runs(people, measure)
    found = specifications(asked, choices=("covariates", "method"))
    table = found.tidy()
    effects = [run() for run in asked.values()]
    assert table["estimate"].tolist() == [effect.estimate for effect in effects]
    assert list(zip(table["covariates"], table["method"], strict=True)) == list(asked)
    estimates = table["estimate"].to_numpy()
    assert found.median == np.median(estimates)
    none = 1.0 if measure == "risk_ratio" else 0.0
    assert found.same_sign == np.mean(np.sign(estimates - none) == np.sign(found.median - none))
    assert found.clear == np.mean((table["conf_high"] < none) if found.median < none else (table["conf_low"] > none))
    assert "6 specifications" in repr(found)
    axes = found.plot()
    assert len(axes.figure.axes) == 2
    assert len(axes.figure.axes[1].get_yticklabels()) == 5
    alone = plt.subplots()[1]
    assert found.plot(ax=alone) is alone
    assert len(alone.figure.axes) == 1
    plt.close("all")


def test_what_cannot_be_estimated_keeps_its_row_with_the_reason(people):
    design = whole_sample(people, "joined")
    asked = {name: partial(compare, design, name, measure="risk_ratio") for name in ("again", "never", "nowhere")}
    found = specifications(asked)
    failed = found.tidy()["failed"].tolist()
    assert failed[0] == ""
    assert "is not finite" in failed[1]
    assert "cannot be used" in failed[2]
    assert "2 could not be estimated" in repr(found)
    with pytest.raises(InputError, match="No specification could be estimated"):
        specifications(dict.fromkeys("ab", asked["never"]))


def test_labels_and_effects_that_do_not_go_together_are_refused(people):
    design = whole_sample(people, "joined")
    one = compare(design, "again", measure="risk_difference")
    other = compare(design, "again", measure="risk_ratio")
    for asked, more, says in [
        ({"a": one}, {}, "at least two"),
        ({"a": one, "b": other}, {}, "share a measure and a level"),
        ({"a": one, "b": compare(design, "again", measure="risk_difference", level=0.9)}, {}, "share a measure"),
        ({"a": one, ("b", "c"): one}, {}, "one word for each of the choices"),
        ({"a": one, "b": one}, {"choices": ("estimate",)}, "names of their own"),
        ({"a": one, "b": lambda: 3.0}, {}, "gives float, not an Effect"),
    ]:
        with pytest.raises(InputError, match=says):
            specifications(asked, **more)


def test_a_forest_draws_each_effect_beside_its_label(people):
    design = whole_sample(people, "joined")
    effects = {name: compare(design, "again", measure=name) for name in ("risk_ratio", "risk_difference")}
    axes = forest({"a": effects["risk_ratio"], "b": effects["risk_ratio"]})
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert effects["risk_difference"].plot().get_xscale() == "linear"
    with pytest.raises(InputError, match="must share a measure and a level"):
        forest(effects)
    with pytest.raises(InputError, match="at least one Effect"):
        forest({})
    plt.close("all")
