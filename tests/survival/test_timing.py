"""Families of timing against an independent likelihood and textbook formulas: maximum, slopes, predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy

from impact.survival.likelihoods.families import FAMILIES, growth
from impact.survival.parametric import parametric


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


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_maximum_is_that_of_an_independent_likelihood(timed, slopes, curvature, family, weighted):
    """With delayed entry: value, slope (less than 1e-8 standard errors from the top), curvature, and the sandwich."""
    data = timed(3)
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
    slope = slopes(function, theta)[:size]
    assert np.abs(naive @ slope / error).max() < 1e-8
    spread = curvature(function, theta, np.r_[error, 1.0])[:size, :size]
    scale = np.outer(error, error)
    np.testing.assert_allclose((spread * scale) @ (naive / scale), np.eye(size), atol=1e-7)
    if weighted:
        scores = np.array(
            [
                slopes(
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


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_are_functions_of_the_parameters(timed, slopes, family):
    """Survival, hazard and quantile of two people; errors from slopes by differences of the textbook formulas."""
    data = timed(5)
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
    for table, function in ((fit.predict(rows, [5, 20]).tidy(), survival), (fit.hazard(rows, [5, 20]), rate)):
        assert table["row"].tolist() == ["first", "first", "second", "second"]
        for row in table.itertuples():
            place = 0 if row.row == "first" else 1
            slope = slopes(lambda theta, f=function, r=row, p=place: f(theta, r.time, p), fit.coefficients)
            assert row.estimate == pytest.approx(function(fit.coefficients, row.time, place).real, rel=1e-11)
            error = np.sqrt(slope @ v @ slope)
            assert row.std_error == pytest.approx(error, rel=1e-8)
            if function is survival:
                log = np.log(row.estimate)
                low = np.exp(log * np.exp(z * error / row.estimate / -log))
                assert row.conf_low == pytest.approx(low, rel=1e-8)
            else:
                assert row.conf_high == pytest.approx(row.estimate * np.exp(z * error / row.estimate), rel=1e-8)
    times = fit.quantiles(rows, [0.2, 0.5])
    for row in times.itertuples():
        place = 0 if row.row == "first" else 1
        back = fit.predict(rows, row.estimate).tidy().set_index("row").loc[row.row, "estimate"]
        assert back == pytest.approx(1 - row.probability, rel=1e-10)
        slope = slopes(lambda theta, r=row, p=place: survival(theta, r.estimate, p), fit.coefficients)
        density = survival(fit.coefficients, row.estimate, place) * rate(fit.coefficients, row.estimate, place)
        assert row.std_error == pytest.approx(np.sqrt(slope @ v @ slope) / density.real, rel=1e-7)
    every = fit.predict(times=[5, 20]).tidy()
    each = fit.predict(data, [5, 20]).tidy().groupby("time")["estimate"]
    mean = [np.average(part, weights=data["w"]) for _, part in each]
    np.testing.assert_allclose(every["estimate"], mean, rtol=1e-12)
    x = np.column_stack([np.ones(len(data)), data["x"], data["site"] == "south", data["site"] == "west"]).astype(float)

    def average(theta, t):
        a = theta[-1] if family != "exponential" else 0.0
        each = np.exp(log_density_and_survival(family, np.full(len(x), t, dtype=complex), x @ theta[:4], a)[1])
        return np.sum(data["w"].to_numpy() * each) / data["w"].sum()

    slope = slopes(lambda theta: average(theta, 20.0), fit.coefficients)
    assert every["std_error"][1] == pytest.approx(np.sqrt(slope @ v @ slope), rel=1e-8)
    start = fit.predict(rows, 0.0).tidy()
    assert start["estimate"].tolist() == [1, 1]
    assert start["conf_low"].isna().all()
