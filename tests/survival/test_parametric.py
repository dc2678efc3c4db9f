"""Parametric families against R, an independent likelihood, closed forms, and what must not change them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.results import TIDY_COLUMNS, Result
from impact.survival.families import FAMILIES, growth
from impact.survival.parametric import parametric
from impact.survival.piecewise import piecewise_hazard

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
        table = fit.quantiles([0.1, 0.5, 0.8], rows)
        np.testing.assert_allclose(table["estimate"], stored("quantile"), rtol=1e-8)
        np.testing.assert_allclose(table["std_error"], stored("quantile_se"), rtol=1e-8)


def log_density_and_survival(family: str, t, u, a):
    """log f and log S of each family, from textbook formulas that take complex numbers (for the complex step)."""
    if family == "gompertz":
        hazard, cumulative = np.exp(u + a * t), np.exp(u) * (np.exp(a * t) - 1) / a
        return np.log(hazard) - cumulative, -cumulative
    scale = np.exp(a)
    if family in ("weibull", "exponential"):
        shape = 1 / (scale if family == "weibull" else 1.0)
        rate = np.exp(-u * shape)
        return np.log(shape * rate) + (shape - 1) * np.log(t) - rate * t**shape, -rate * t**shape
    if family == "loglogistic":
        odds = (t * np.exp(-u)) ** (1 / scale)
        return np.log(odds) - a - np.log(t) - 2 * np.log(1 + odds), -np.log(1 + odds)
    z = (np.log(t) - u) / scale
    return -(z**2) / 2 - np.log(2 * np.pi) / 2 - a - np.log(t), scipy.special.log_ndtr(-z)


def plain_log_likelihood(family, theta, data, x, weights):
    u = theta[: x.shape[1]] @ x.T
    a = theta[-1]
    time, entry = data["days"].to_numpy(dtype=complex), data["from"].to_numpy(dtype=complex)
    density, survival = log_density_and_survival(family, time, u, a)
    late = data["from"].to_numpy() > 0
    given = np.zeros(len(data), dtype=complex)
    given[late] = log_density_and_survival(family, entry[late], u[late], a)[1]
    return np.sum(weights * (np.where(data["event"] == 1, density, survival) - given))


def complex_gradient(function, theta):
    """Derivatives exact to rounding, by a step along the imaginary axis."""
    out = np.empty(len(theta))
    for place in range(len(theta)):
        point = np.asarray(theta, dtype=complex)
        point[place] += 1e-30j
        out[place] = function(point).imag / 1e-30
    return out


def information_of(function, theta, size):
    """Minus the second derivatives: central differences of the exact gradient, with one extrapolation."""
    rows = []
    for place in range(len(theta)):
        slopes = []
        for step in (1e-3 * size[place], 5e-4 * size[place]):
            shift = np.zeros(len(theta))
            shift[place] = step
            up, down = (complex_gradient(function, theta + s) for s in (shift, -shift))
            slopes.append((up - down) / (2 * step))
        rows.append((4 * slopes[1] - slopes[0]) / 3)
    return -(np.array(rows) + np.array(rows).T) / 2


def made(seed: int, n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    days = 30 * rng.weibull(1.3, n) * np.exp(0.4 * x - 0.3 * z)
    stop = np.minimum(np.ceil(days), 40)
    return pd.DataFrame(
        {
            "days": stop,
            "event": (days <= 40).astype(int),
            "x": x,
            "z": z,
            "site": np.array(["north", "south", "west"])[rng.integers(0, 3, n)],
            "from": np.floor(stop * rng.uniform(0, 0.8, n)) * (rng.uniform(size=n) < 0.6),
            "k": rng.integers(1, 4, n),
            "w": rng.uniform(0.2, 2, n),
            "pair": rng.integers(0, n // 3, n),
            "row": np.arange(n),
        }
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_maximum_is_that_of_an_independent_likelihood(family, weighted):
    """With delayed entry: value, slope (less than 1e-8 standard errors from the top), curvature, and the sandwich."""
    data = made(3)
    x = np.column_stack([np.ones(len(data)), data["x"], data["z"]])
    weights = data["w"].to_numpy() if weighted else np.ones(len(data))
    options = {"weights": "w", "cluster": "pair"} if weighted else {}
    fit = parametric(data, "days", "event", ["x", "z"], family=family, entry="from", **options)
    theta = fit.coefficients if family != "exponential" else np.r_[fit.coefficients, 0.0]

    def function(point):
        return plain_log_likelihood(family, np.asarray(point), data, x, weights)

    size = len(fit.names)
    assert fit.log_likelihood == pytest.approx(function(theta).real, rel=1e-12)
    naive = fit.naive_covariance.to_numpy()
    error = np.sqrt(np.diag(naive))
    slope = complex_gradient(function, theta)[:size]
    assert np.abs(naive @ slope / error).max() < 1e-8
    spread = information_of(function, theta, np.r_[error, 1.0])[:size, :size]
    scale = np.outer(error, error)
    np.testing.assert_allclose((spread * scale) @ (naive / scale), np.eye(size), atol=1e-7)
    if weighted:
        scores = np.array(
            [
                complex_gradient(
                    lambda point, i=i: plain_log_likelihood(
                        family, np.asarray(point), data.iloc[[i]], x[[i]], weights[[i]]
                    ),
                    theta,
                )[:size]
                for i in range(len(data))
            ]
        )
        sums = pd.DataFrame(scores).groupby(data["pair"].to_numpy()).sum().to_numpy()
        np.testing.assert_allclose(fit.covariance, naive @ sums.T @ sums @ naive, rtol=1e-8, atol=1e-13)


def test_the_exponential_is_events_over_time():
    data = made(1)
    fit = parametric(data, "days", "event", family="exponential", entry="from")
    time, events = (data["days"] - data["from"]).sum(), data["event"].sum()
    assert fit.coefficients[0] == pytest.approx(np.log(time / events), rel=1e-12)
    assert fit.tidy()["std_error"][0] == pytest.approx(1 / np.sqrt(events), rel=1e-10)
    assert fit.log_likelihood == pytest.approx(-events * np.log(time / events) - events, rel=1e-12)
    rate = piecewise_hazard(data, "days", "event", [1000], entry="from").tidy()["estimate"][0] / 100
    assert fit.hazard(7.0)["estimate"][0] == pytest.approx(rate, rel=1e-12)


def test_families_meet_where_they_should():
    """Weibull of scale 1 and Gompertz of shape 0 are exponential; at a coefficient of 0 their derivatives agree."""
    t, u = np.array([0.3, 1.0, 4.0]), np.array([0.2, -0.5, 1.0])
    exponential = FAMILIES["exponential"]
    for name, other, a in (("weibull", u, 0.0), ("gompertz", -u, 0.0)):
        for function in ("log_survival", "log_hazard"):
            one = getattr(exponential, function)(t, u, 0.0).value
            two = getattr(FAMILIES[name], function)(t, other, a).value
            np.testing.assert_allclose(two, one, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("function", ["log_survival", "log_hazard"])
def test_derivatives_of_a_family_are_its_slopes(family, function):
    t, u = np.array([0.05, 0.7, 1.0, 6.0]), np.array([0.4, -0.3, 0.0, 1.2])
    shape = getattr(FAMILIES[family], function)
    for a in (0.3, -0.4):
        h = 1e-5
        jet = shape(t, u, a)
        up, down, more, less = shape(t, u + h, a), shape(t, u - h, a), shape(t, u, a + h), shape(t, u, a - h)
        for ours, pair, part in (
            (jet.u, (up, down), "value"),
            (jet.a, (more, less), "value"),
            (jet.uu, (up, down), "u"),
            (jet.ua, (more, less), "u"),
            (jet.aa, (more, less), "a"),
        ):
            if family == "exponential" and (ours is jet.a or ours is jet.ua or ours is jet.aa):
                continue
            numeric = (getattr(pair[0], part) - getattr(pair[1], part)) / (2 * h)
            np.testing.assert_allclose(ours, numeric, rtol=1e-7, atol=1e-8)


def test_growth_is_smooth_where_series_and_formula_meet():
    x = np.array([-0.5 - 1e-9, -0.5 + 1e-9, 0.5 - 1e-9, 0.5 + 1e-9, -1e-12, 1e-12, 0.0])
    f, f1, f2 = growth(x)
    for values in (f, f1, f2):
        assert values[0] == pytest.approx(values[1], rel=1e-8)
        assert values[2] == pytest.approx(values[3], rel=1e-8)
    np.testing.assert_allclose((f[-1], f1[-1], f2[-1]), (1, 1 / 2, 1 / 3), rtol=1e-15)
    np.testing.assert_allclose(f[4:6], 1, rtol=1e-11)


seeds = st.integers(0, 10_000)
modest = settings(max_examples=4, deadline=None)


def numbers(fit) -> np.ndarray:
    return np.r_[fit.tidy()[["estimate", "std_error"]].to_numpy().ravel(), fit.log_likelihood]


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds)
@modest
def test_what_must_not_change_an_answer(family, seed):
    data = made(seed)
    options = {"family": family, "entry": "from", "weights": "w", "cluster": "row"}
    whole = parametric(data, "days", "event", ["x", "z"], **options)
    middle = (data["from"] + data["days"]) / 2
    split = pd.concat([data.assign(days=middle, event=0), data.assign(**{"from": middle})], ignore_index=True)
    for frame in (data.sample(frac=1, random_state=1), split):
        fit = parametric(frame, "days", "event", ["x", "z"], **options)
        np.testing.assert_allclose(numbers(fit), numbers(whole), rtol=1e-7, atol=1e-9)
    robust = parametric(data, "days", "event", ["x", "z"], **{**options, "cluster": None})
    np.testing.assert_allclose(robust.covariance, whole.covariance, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds)
@modest
def test_units_of_time_and_covariates(family, seed):
    data = made(seed)
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
        fit.predict([10 * unit, 30 * unit])["std_error"], whole.predict([10, 30])["std_error"], rtol=1e-6
    )
    moved = parametric(data.assign(x=(data["x"] + 1e4) * 1e-6), "days", "event", ["x", "z"], **options)
    np.testing.assert_allclose(moved.coefficients[1] * 1e-6, whole.coefficients[1], rtol=1e-6)
    np.testing.assert_allclose(moved.coefficients[2], whole.coefficients[2], rtol=1e-6)
    assert moved.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies(family, seed):
    data = made(seed, 80)
    options = {"family": family, "entry": "from"}
    one = parametric(data, "days", "event", ["x"], weights="k", **options)
    many = parametric(data.loc[data.index.repeat(data["k"])], "days", "event", ["x"], **options)
    np.testing.assert_allclose(numbers(one), numbers(many), rtol=1e-8, atol=1e-10)
    assert one.aic == pytest.approx(many.aic)
    assert one.n == len(data)


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_are_functions_of_the_parameters(family):
    """Survival, hazard and quantile of two people; errors from slopes by differences of the textbook formulas."""
    data = made(5)
    fit = parametric(data, "days", "event", "x + C(site)", family=family, weights="w", cluster="pair")
    rows = pd.DataFrame({"x": [0.5, -1.0], "site": ["west", "north"]}, index=["first", "second"])
    design = np.array([[1, 0.5, 0, 1], [1, -1, 0, 0]], dtype=float)
    v = fit.covariance.to_numpy()

    def survival(theta, t, row):
        a = theta[-1] if family != "exponential" else 0.0
        return np.exp(log_density_and_survival(family, complex(t), theta[:4] @ design[row], a)[1])

    def rate(theta, t, row):
        a = theta[-1] if family != "exponential" else 0.0
        density, free = log_density_and_survival(family, complex(t), theta[:4] @ design[row], a)
        return np.exp(density - free)

    z = scipy.stats.norm.ppf(0.975)
    for table, function in ((fit.predict([5, 20], rows), survival), (fit.hazard([5, 20], rows), rate)):
        assert table["row"].tolist() == ["first", "first", "second", "second"]
        for row in table.itertuples():
            place = 0 if row.row == "first" else 1
            slope = complex_gradient(lambda theta, f=function, r=row, p=place: f(theta, r.time, p), fit.coefficients)
            assert row.estimate == pytest.approx(function(fit.coefficients, row.time, place).real, rel=1e-11)
            error = np.sqrt(slope @ v @ slope)
            assert row.std_error == pytest.approx(error, rel=1e-8)
            if function is survival:
                log = np.log(row.estimate)
                low = np.exp(log * np.exp(z * error / row.estimate / -log))
                assert row.conf_low == pytest.approx(low, rel=1e-8)
            else:
                assert row.conf_high == pytest.approx(row.estimate * np.exp(z * error / row.estimate), rel=1e-8)
    times = fit.quantiles([0.2, 0.5], rows)
    for row in times.itertuples():
        place = 0 if row.row == "first" else 1
        back = fit.predict(row.estimate, rows).set_index("row").loc[row.row, "estimate"]
        assert back == pytest.approx(1 - row.probability, rel=1e-10)
        slope = complex_gradient(lambda theta, r=row, p=place: survival(theta, r.estimate, p), fit.coefficients)
        density = survival(fit.coefficients, row.estimate, place) * rate(fit.coefficients, row.estimate, place)
        assert row.std_error == pytest.approx(np.sqrt(slope @ v @ slope) / density.real, rel=1e-7)
    every = fit.predict([5, 20])
    each = fit.predict([5, 20], data).groupby("time")["estimate"]
    mean = [np.average(part, weights=data["w"]) for _, part in each]
    np.testing.assert_allclose(every["estimate"], mean, rtol=1e-12)
    x = np.column_stack([np.ones(len(data)), data["x"], data["site"] == "south", data["site"] == "west"]).astype(float)

    def average(theta, t):
        a = theta[-1] if family != "exponential" else 0.0
        each = np.exp(log_density_and_survival(family, np.full(len(x), t, dtype=complex), x @ theta[:4], a)[1])
        return np.sum(data["w"].to_numpy() * each) / data["w"].sum()

    slope = complex_gradient(lambda theta: average(theta, 20.0), fit.coefficients)
    assert every["std_error"][1] == pytest.approx(np.sqrt(slope @ v @ slope), rel=1e-8)
    start = fit.predict(0.0, rows)
    assert start["estimate"].tolist() == [1, 1]
    assert start["conf_low"].isna().all()


def test_new_people_are_coded_as_the_fit():
    data = made(6).assign(site=lambda part: pd.Categorical(part["site"], ["west", "south", "north"]))
    fit = parametric(data, "days", "event", ["site", "x"])
    assert fit.names == ("(Intercept)", "site[south]", "site[north]", "x", "log(scale)")
    whole = fit.predict(20, data).set_index("row")
    for label in ("west", "south", "north"):
        part = data[data["site"] == label].head(2)
        for frame in (part, part.assign(site=label)):
            expected = whole.loc[part.index, "estimate"]
            np.testing.assert_allclose(fit.predict(20, frame)["estimate"], expected, rtol=1e-12)
    for frame, message in [
        (data.head(2).assign(site="east"), "values that the fit has not seen"),
        (data.head(2).drop(columns="x"), "column x: is not in the data"),
        (data.head(2).assign(x=np.nan), "has no row with every value needed"),
        (data.head(3).assign(x=[1, np.nan, 2]), "must be complete: 1 of 3 rows left out: x is missing"),
        (data.head(0), "at least one row"),
        ([1, 2], "must be a DataFrame"),
    ]:
        with pytest.raises(InputError, match=message):
            fit.predict(20, frame)
    text = parametric(made(6), "days", "event", ["site"])
    with pytest.raises(InputError, match="values that the fit has not seen"):
        text.predict(20, pd.DataFrame({"site": ["east"]}))
    centred = parametric(data, "days", "event", "z + center(x)")
    with pytest.raises(InputError, match="depends on all rows together"):
        centred.predict(20, data.head(2).assign(x=50.0))
    fine = parametric(data, "days", "event", "np.exp(x) + site:x")
    np.testing.assert_allclose(fine.predict(20, data.head(4))["estimate"], fine.predict(20, data)["estimate"].head(4))


def test_a_negative_gompertz_shape_leaves_some_who_never_have_it():
    rng = np.random.default_rng(2)
    never = rng.uniform(size=500) < 0.4
    data = pd.DataFrame({"days": np.where(never, 400, np.minimum(rng.exponential(80, 500), 400))})
    data["event"] = (data["days"] < 400).astype(int)
    fit = parametric(data, "days", "event", family="gompertz")
    rate, shape = np.exp(fit.coefficients[0]), fit.coefficients[1]
    assert shape < 0
    share = np.exp(rate / shape)
    assert fit.predict(1e6)["estimate"][0] == pytest.approx(share, rel=1e-9)
    assert any(f"a share of {share:.3g} of people never have the event" in note for note in fit.notes)
    assert fit.quantiles([0.9])["estimate"][0] == np.inf
    assert fit.quantiles([0.9])["conf_low"].isna().all()
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


def test_a_design_brings_its_weights_and_sets():
    data = made(9)
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(data, "z", weights, data["pair"].where(weights > 0), "ATT", (), "Made", pd.DataFrame(), ("Note.",))
    plain = parametric(data[weights > 0], "days", "event", ["z"], weights="w", cluster="pair")
    found = parametric(design, "days", "event", ["z"])
    pd.testing.assert_frame_equal(found.tidy(), plain.tidy())
    assert "Note." in found.notes
    assert np.isnan(found.aic)
    with pytest.raises(InputError, match="robust=False cannot stand"):
        parametric(design, "days", "event", robust=False)


def test_what_cannot_be_fitted_is_said():
    data = made(4)
    for call, message in [
        (lambda: parametric(data, "days", "event", family="gamma"), "family must be one of exponential, weibull"),
        (lambda: parametric(data.assign(days=0.0), "days", "event"), "column days: is not above 0"),
        (lambda: parametric(data.assign(event=0), "days", "event"), "column event: has no event"),
        (lambda: parametric(data, "days", "event", ["x", "x"]), "named twice"),
        (lambda: parametric(data.assign(y=2 - 3 * data["x"]), "days", "event", ["x", "y"]), "column y: is a linear"),
        (lambda: parametric(data.assign(one=1), "days", "event", ["one"]), "has the same value in every row"),
        (lambda: parametric(data, "days", "event", level=0), "level must lie"),
        (lambda: parametric(data, "days", "event", cluster="pair", robust=False), "robust=False cannot stand"),
        (lambda: parametric(data, "days", "event", ["x"]).hazard(3), "the model has covariates"),
        (lambda: parametric(data, "days", "event", ["x"]).quantiles(), "the model has covariates"),
        (lambda: parametric(data, "days", "event").hazard(0), "times must be numbers above 0"),
        (lambda: parametric(data, "days", "event").predict(-1), "times must be numbers 0 or more"),
        (lambda: parametric(data, "days", "event").quantiles([1]), "probabilities must be numbers between 0 and 1"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_has_no_estimate_is_diagnosed(family):
    tied = pd.DataFrame({"days": [4, 4, 4, 4], "event": 1})
    last = pd.DataFrame({"days": [3, 5], "event": [0, 1]})
    safe = made(7).assign(event=lambda part: part["event"].where(part["site"] != "south", 0))
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


def test_scales_far_apart():
    data = made(8)
    plain = parametric(data, "days", "event", ["x", "z"], family="loglogistic")
    far = data.assign(days=data["days"] * 1e9, x=data["x"] * 1e-12, z=data["z"] * 1e12)
    fit = parametric(far, "days", "event", ["x", "z"], family="loglogistic")
    np.testing.assert_allclose(fit.coefficients[1:3] * [1e-12, 1e12], plain.coefficients[1:3], rtol=1e-7)


def test_the_result_keeps_the_contract():
    data = made(4)
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
