"""Parametric families against R, an independent likelihood, closed forms, and what must not change them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.results import TIDY_COLUMNS, Result
from impact.survival.likelihoods.families import FAMILIES
from impact.survival.parametric import parametric
from impact.survival.piecewise_hazard import piecewise_hazard

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
STORED = pd.read_csv(STORE / "reference_parametric.csv").set_index(["case", "item"])["value"]
AGE_SEX = {"covariates": ["age", "sex"]}
CASES = {
    "lung": {"covariates": ["age", "sex", "ecog"]},
    "lung_one": {},
    "lung_whole": {**AGE_SEX, "weights": "k"},
    "lung_weights": {**AGE_SEX, "weights": "w"},
    "lung_robust": {**AGE_SEX, "robust": True},
    "lung_cluster": {**AGE_SEX, "cluster": "pair"},
    "lung_weights_cluster": {**AGE_SEX, "weights": "w", "cluster": "pair"},
    "veteran": {"covariates": ["trt", "celltype", "karno"]},
}


def people(case: str) -> pd.DataFrame:
    frame = pd.read_csv(STORE / f"{case.split('_')[0]}.csv")
    if "celltype" in frame:
        frame["celltype"] = pd.Categorical(frame["celltype"], ["squamous", "smallcell", "adeno", "large"])
    return frame.dropna(subset=["ecog"]) if "ecog" in frame else frame


@pytest.mark.parametrize("case", STORED.index.unique("case"))
def test_fits_are_those_of_r(case):
    name, family = case.split(":")
    data = people(name)
    fit = parametric(data, "time", "status", family=family, **CASES[name])
    size = len(fit.names)
    error = np.sqrt(np.diag(fit.covariance))

    def stored(item: str) -> np.ndarray:
        return STORED.loc[[(case, item)]].to_numpy()

    np.testing.assert_allclose(fit.coefficients, stored("coef"), rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(error, np.sqrt(np.diag(stored("var").reshape(size, size))), rtol=1e-8)
    for ours, item in ((fit.covariance, "var"), (fit.naive_covariance, "naive")):
        theirs = stored(item).reshape(size, size)
        scale = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)))
        np.testing.assert_allclose(ours.to_numpy() / scale, theirs / scale, atol=1e-8)
    np.testing.assert_allclose([fit.log_likelihood_null, fit.log_likelihood], stored("loglik"), rtol=1e-10)
    if (case, "quantile") in STORED.index:
        rows = data.iloc[[1, 89]] if name == "veteran" else data.iloc[[2, 49]]
        table = fit.quantiles(rows, [0.1, 0.5, 0.8])
        np.testing.assert_allclose(table["estimate"], stored("quantile"), rtol=1e-8)
        np.testing.assert_allclose(table["std_error"], stored("quantile_se"), rtol=1e-8)


def test_the_exponential_is_events_over_time(timed):
    data = timed(1)
    fit = parametric(data, "days", "event", family="exponential", entry="from")
    time, events = (data["days"] - data["from"]).sum(), data["event"].sum()
    assert fit.coefficients[0] == pytest.approx(np.log(time / events), rel=1e-12)
    assert fit.tidy()["std_error"][0] == pytest.approx(1 / np.sqrt(events), rel=1e-10)
    assert fit.log_likelihood == pytest.approx(-events * np.log(time / events) - events, rel=1e-12)
    rate = piecewise_hazard(data, "days", "event", [1000], entry="from").tidy()["estimate"][0] / 100
    assert fit.hazard(times=7.0)["estimate"][0] == pytest.approx(rate, rel=1e-12)


seeds = st.integers(0, 10_000)
modest = settings(max_examples=4, deadline=None)


def numbers(fit) -> np.ndarray:
    return np.r_[fit.tidy()[["estimate", "std_error"]].to_numpy().ravel(), fit.log_likelihood]


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds)
@modest
def test_what_must_not_change_an_answer(timed, halved, family, seed):
    data = timed(seed)
    options = {"family": family, "entry": "from", "weights": "w", "cluster": "row"}
    whole = parametric(data, "days", "event", ["x", "z"], **options)
    split = halved(data)
    for frame in (data.sample(frac=1, random_state=1), split):
        fit = parametric(frame, "days", "event", ["x", "z"], **options)
        np.testing.assert_allclose(numbers(fit), numbers(whole), rtol=1e-7, atol=1e-9)
    robust = parametric(data, "days", "event", ["x", "z"], **{**options, "cluster": None})
    np.testing.assert_allclose(robust.covariance, whole.covariance, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds)
@modest
def test_units_of_time_and_covariates(timed, family, seed):
    data = timed(seed)
    options = {"family": family, "entry": "from"}
    whole = parametric(data, "days", "event", ["x", "z"], **options)
    unit = 86_400.0
    seconds = data.assign(**{"days": data["days"] * unit, "from": data["from"] * unit})
    fit = parametric(seconds, "days", "event", ["x", "z"], **options)
    sign = -1 if family == "gompertz" else 1
    expected = whole.coefficients.copy()
    expected[0] += sign * np.log(unit)
    if family == "gompertz":
        expected[-1] /= unit
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-7, atol=1e-10)
    assert fit.log_likelihood == pytest.approx(whole.log_likelihood - data["event"].sum() * np.log(unit), rel=1e-10)
    np.testing.assert_allclose(
        fit.predict(times=[10 * unit, 30 * unit]).tidy()["std_error"],
        whole.predict(times=[10, 30]).tidy()["std_error"],
        rtol=1e-6,
    )
    moved = parametric(data.assign(x=(data["x"] + 1e4) * 1e-6), "days", "event", ["x", "z"], **options)
    np.testing.assert_allclose(moved.coefficients[1] * 1e-6, whole.coefficients[1], rtol=1e-6)
    np.testing.assert_allclose(moved.coefficients[2], whole.coefficients[2], rtol=1e-6)
    assert moved.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies(timed, family, seed):
    data = timed(seed, 80)
    options = {"family": family, "entry": "from"}
    one = parametric(data, "days", "event", ["x"], weights="k", **options)
    many = parametric(data.loc[data.index.repeat(data["k"])], "days", "event", ["x"], **options)
    np.testing.assert_allclose(numbers(one), numbers(many), rtol=1e-8, atol=1e-10)
    assert one.aic == pytest.approx(many.aic)
    assert one.n == len(data)


def test_new_people_are_coded_as_the_fit(timed):
    data = timed(6).assign(site=lambda part: pd.Categorical(part["site"], ["west", "south", "north"]))
    fit = parametric(data, "days", "event", ["site", "x"])
    assert fit.names == ("(Intercept)", "site[south]", "site[north]", "x", "log(scale)")
    whole = fit.predict(data, 20).tidy().set_index("row")
    for label in ("west", "south", "north"):
        part = data[data["site"] == label].head(2)
        for frame in (part, part.assign(site=label)):
            expected = whole.loc[part.index, "estimate"]
            np.testing.assert_allclose(fit.predict(frame, 20).tidy()["estimate"], expected, rtol=1e-12)
    for frame, message in [
        (data.head(2).assign(site="east"), "has a value that the fit has not seen"),
        (data.head(2).drop(columns="x"), "column x: is not in the data"),
        (data.head(2).assign(x=np.nan), "has no row with every value needed"),
        (data.head(0), "at least one row"),
        ([1, 2], "must be a pandas DataFrame"),
    ]:
        with pytest.raises(InputError, match=message):
            fit.predict(frame, 20)
    gap = fit.predict(data.head(3).assign(x=[1, np.nan, 2]), 20)
    assert gap.labels == tuple(data.index[[0, 2]])
    assert gap.notes == ("1 of 3 rows left out: x is missing (1).",)
    text = parametric(timed(6), "days", "event", ["site"])
    with pytest.raises(InputError, match="has a value that the fit has not seen"):
        text.predict(pd.DataFrame({"site": ["east"]}), 20)
    centred = parametric(data, "days", "event", "z + center(x)")
    plain = parametric(data, "days", "event", "z + x")
    one, two = (model.predict(data.head(2), 20).tidy()["estimate"] for model in (centred, plain))
    np.testing.assert_allclose(one, two, rtol=1e-9)
    fine = parametric(data, "days", "event", "np.exp(x) + site:x")
    np.testing.assert_allclose(
        fine.predict(data.head(4), 20).tidy()["estimate"], fine.predict(data, 20).tidy()["estimate"].head(4)
    )


def test_a_negative_gompertz_shape_leaves_some_who_never_have_it():
    rng = np.random.default_rng(2)
    never = rng.uniform(size=500) < 0.4
    data = pd.DataFrame({"days": np.where(never, 400, np.minimum(rng.exponential(80, 500), 400))})
    data["event"] = (data["days"] < 400).astype(int)
    fit = parametric(data, "days", "event", family="gompertz")
    rate, shape = np.exp(fit.coefficients[0]), fit.coefficients[1]
    assert shape < 0
    share = np.exp(rate / shape)
    assert fit.predict(times=1e6).tidy()["estimate"][0] == pytest.approx(share, rel=1e-9)
    assert any(f"a share of {share:.3g} of people never have the event" in note for note in fit.notes)
    assert fit.quantiles(probabilities=[0.9])["estimate"][0] == np.inf
    assert fit.quantiles(probabilities=[0.9])["conf_low"].isna().all()
    with_x = parametric(data.assign(x=rng.normal(size=500)), "days", "event", ["x"], family="gompertz")
    assert any("a share of people never have the event" in note for note in with_x.notes)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_truth_is_recovered(family):
    """300 samples of 200 people drawn from the family, two thirds followed to the event: intervals cover near 95%."""
    rng = np.random.default_rng(40)
    truth = {"gompertz": [-3.0, 0.5, 0.04], "exponential": [3.0, 0.5]}.get(family, [3.0, 0.5, -0.4])
    covered = np.zeros(len(truth))
    for _ in range(300):
        x = rng.integers(0, 2, 200).astype(float)
        u, p = truth[0] + truth[1] * x, rng.uniform(size=200)
        a = truth[2] if len(truth) > 2 else 0.0
        days = np.exp(FAMILIES[family].log_quantile(p, u, a).value)
        stop = rng.uniform(20, 60, 200)
        data = pd.DataFrame({"days": np.minimum(days, stop), "event": (days <= stop).astype(int), "x": x})
        table = parametric(data, "days", "event", ["x"], family=family).tidy()
        covered += ((table["conf_low"] <= truth) & (table["conf_high"] >= truth)).to_numpy()
    assert (np.abs(covered / 300 - 0.945) < 0.036).all()


def test_a_design_brings_its_weights_and_sets(timed):
    data = timed(9)
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(data, "z", weights, data["pair"].where(weights > 0), "ATT", (), "Made", pd.DataFrame(), ("Note.",))
    plain = parametric(data[weights > 0], "days", "event", ["z"], weights="w", cluster="pair")
    found = parametric(design, "days", "event", ["z"])
    pd.testing.assert_frame_equal(found.tidy(), plain.tidy())
    assert "Note." in found.notes
    assert np.isnan(found.aic)
    with pytest.raises(InputError, match="robust=False cannot stand"):
        parametric(design, "days", "event", robust=False)


def test_what_cannot_be_fitted_is_said(timed):
    data = timed(4)
    for call, message in [
        (lambda: parametric(data, "days", "event", family="gamma"), "family must be one of exponential, weibull"),
        (lambda: parametric(data.assign(days=0.0), "days", "event"), "column days: is not above 0"),
        (lambda: parametric(data.assign(event=0), "days", "event"), "column event: has no event"),
        (lambda: parametric(data, "days", "event", ["x", "x"]), "named twice"),
        (lambda: parametric(data.assign(y=2 - 3 * data["x"]), "days", "event", ["x", "y"]), "column y: is a linear"),
        (lambda: parametric(data.assign(one=1), "days", "event", ["one"]), "has the same value in every row"),
        (lambda: parametric(data, "days", "event", level=0), "level must lie"),
        (lambda: parametric(data, "days", "event", cluster="pair", robust=False), "robust=False cannot stand"),
        (lambda: parametric(data, "days", "event", ["x"]).hazard(times=3), "the model has covariates"),
        (lambda: parametric(data, "days", "event", ["x"]).quantiles(), "the model has covariates"),
        (lambda: parametric(data, "days", "event").hazard(times=0), "times must be numbers above 0"),
        (lambda: parametric(data, "days", "event").predict(times=-1), "times must be numbers 0 or more"),
        (
            lambda: parametric(data, "days", "event").quantiles(probabilities=[1]),
            "probabilities must be numbers between 0 and 1",
        ),
    ]:
        with pytest.raises(InputError, match=message):
            call()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_has_no_estimate_is_diagnosed(timed, family):
    tied = pd.DataFrame({"days": [4, 4, 4, 4], "event": 1})
    last = pd.DataFrame({"days": [3, 5], "event": [0, 1]})
    safe = timed(7).assign(event=lambda part: part["event"].where(part["site"] != "south", 0))
    if family == "exponential":
        assert parametric(tied, "days", "event", family=family).coefficients[0] == pytest.approx(np.log(4))
    else:
        for frame in (tied, last):
            with pytest.raises(ConvergenceError, match="column event: happens at one time only"):
                parametric(frame, "days", "event", family=family)
    with pytest.raises(ConvergenceError) as caught:
        parametric(safe, "days", "event", ["x", "site"], family=family)
    assert [fault.column for fault in caught.value.faults] == ["site[south]"]


@pytest.mark.parametrize("family", FAMILIES)
def test_two_people_and_one_event(family):
    pair = pd.DataFrame({"days": [3, 5], "event": [1, 0]})
    fit = parametric(pair, "days", "event", family=family)
    assert np.isfinite(fit.coefficients).all()
    assert any("fewer than 10 each" in note for note in fit.notes)


def test_scales_far_apart(timed):
    data = timed(8)
    plain = parametric(data, "days", "event", ["x", "z"], family="loglogistic")
    far = data.assign(days=data["days"] * 1e9, x=data["x"] * 1e-12, z=data["z"] * 1e12)
    fit = parametric(far, "days", "event", ["x", "z"], family="loglogistic")
    np.testing.assert_allclose(fit.coefficients[1:3] * [1e-12, 1e12], plain.coefficients[1:3], rtol=1e-7)


def test_the_result_keeps_the_contract(timed):
    data = timed(4)
    fit = parametric(data, "days", "event", ["x"], family="weibull")
    assert isinstance(fit, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.level = 0.9
    table = fit.tidy()
    assert tuple(table.columns) == TIDY_COLUMNS
    ratios = fit.tidy(exponentiate=True)
    assert ratios["term"].tolist() == ["(Intercept)", "x", "scale"]
    np.testing.assert_allclose(ratios["estimate"], np.exp(table["estimate"]))
    np.testing.assert_allclose(ratios["std_error"], table["std_error"])
    gompertz = parametric(data, "days", "event", ["x"], family="gompertz")
    assert gompertz.tidy(exponentiate=True)["estimate"].iloc[-1] == gompertz.coefficients[-1]
    assert fit.aic == pytest.approx(6 - 2 * fit.log_likelihood)
    assert repr(fit) == repr(parametric(data, "days", "event", ["x"], family="weibull"))
    assert repr(fit).startswith("Weibull model; variance from the observed information; n = 150, events = ")
    axes = plt.subplots()[1]
    assert fit.plot(axes) is axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Kaplan-Meier", "Weibull"]
    plt.close("all")
