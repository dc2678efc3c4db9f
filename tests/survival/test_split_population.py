"""Split-population models against an independent likelihood climbed from many starts, simulation, and identities."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.results import Result
from impact.survival.parametric import parametric
from impact.survival.split_population import SPLIT_FAMILIES, split_population


def made(seed: int, n: int = 300, follow: float = 60.0) -> pd.DataFrame:
    """About 60% ever have the event; most of them within the follow-up."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    ever = rng.uniform(size=n) < 1 / (1 + np.exp(-(0.1 + 0.7 * z)))
    days = np.where(ever, 15 * rng.weibull(1.4, n) * np.exp(0.3 * x), np.inf)
    stop = np.minimum(np.ceil(days), follow)
    return pd.DataFrame(
        {
            "days": stop,
            "event": (days <= follow).astype(int),
            "x": x,
            "z": z,
            "from": np.floor(stop * rng.uniform(0, 0.5, n)) * (rng.uniform(size=n) < 0.3),
            "k": rng.integers(1, 4, n),
            "w": rng.uniform(0.2, 2, n),
            "pair": rng.integers(0, n // 3, n),
            "row": np.arange(n),
        }
    )


def density_and_survival(family: str, t, u, a):
    """f and S of each family among those who ever have the event, by textbook formulas for complex numbers."""
    scale = np.exp(a)
    if family in ("weibull", "exponential"):
        shape = 1 / scale if family == "weibull" else 1.0
        rate = np.exp(-u * shape)
        survival = np.exp(-rate * t**shape)
        return rate * shape * t ** (shape - 1) * survival, survival
    if family == "loglogistic":
        odds = (t * np.exp(-u)) ** (1 / scale)
        return odds / (scale * t * (1 + odds) ** 2), 1 / (1 + odds)
    z = (np.log(t) - u) / scale
    return np.exp(-(z**2) / 2) / (np.sqrt(2 * np.pi) * scale * t), np.exp(scipy.special.log_ndtr(-z))


def plain_log_likelihood(family, theta, data, z, x, weights):
    """Schmidt and Witte's likelihood as printed, divided by the share free at entry."""
    q, p = z.shape[1], x.shape[1]
    share = 1 / (1 + np.exp(-(z @ theta[:q])))
    u, a = x @ theta[q : q + p], theta[-1] if family != "exponential" else 0.0
    time, entry = data["days"].to_numpy(dtype=complex), data["from"].to_numpy(dtype=complex)
    f, s = density_and_survival(family, time, u, a)
    value = np.where(data["event"] == 1, np.log(share * f), np.log(1 - share + share * s))
    late = data["from"].to_numpy() > 0
    before = np.zeros(len(data), dtype=complex)
    before[late] = np.log(1 - share[late] + share[late] * density_and_survival(family, entry[late], u[late], a)[1])
    return np.sum(weights * (value - before))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", SPLIT_FAMILIES)
def test_the_maximum_is_that_of_an_independent_likelihood(slopes, curvature, family, weighted):
    """With delayed entry and covariates of both parts: value, slope, curvature, sandwich; no start climbs higher."""
    data = made(3)
    ones = np.ones(len(data))
    z, x = np.column_stack([ones, data["z"]]), np.column_stack([ones, data["x"]])
    weights = data["w"].to_numpy() if weighted else ones
    options = {"weights": "w", "cluster": "pair"} if weighted else {}
    fit = split_population(data, "days", "event", ["x"], share=["z"], family=family, entry="from", **options)

    def function(point):
        return plain_log_likelihood(family, np.asarray(point), data, z, x, weights)

    theta, naive = fit.coefficients, fit.naive_covariance.to_numpy()
    error = np.sqrt(np.diag(naive))
    assert fit.log_likelihood == pytest.approx(function(theta).real, rel=1e-12)
    slope = slopes(function, theta)
    assert np.abs(naive @ slope / error).max() < 1e-8
    scale = np.outer(error, error)
    spread = curvature(function, theta, error)
    np.testing.assert_allclose((spread * scale) @ (naive / scale), np.eye(len(theta)), atol=1e-7)
    if weighted:
        scores = np.array(
            [
                slopes(
                    lambda point, i=i: plain_log_likelihood(
                        family, np.asarray(point), data.iloc[[i]], z[[i]], x[[i]], weights[[i]]
                    ),
                    theta,
                )
                for i in range(len(data))
            ]
        )
        sums = pd.DataFrame(scores).groupby(data["pair"].to_numpy()).sum().to_numpy()
        np.testing.assert_allclose(fit.covariance / scale, naive @ sums.T @ sums @ naive / scale, atol=1e-8)
    rng, tops = np.random.default_rng(1), []
    for _ in range(12):
        start = theta + rng.normal(size=len(theta)) * [1, 0.7, 0.7, 0.3, 0.4][: len(theta)]
        with np.errstate(all="ignore"):
            found = scipy.optimize.minimize(
                lambda point: -function(point).real, start, jac=lambda point: -slopes(function, point)
            )
        tops.append(-found.fun)
    tops = np.array(tops)
    assert not (tops > fit.log_likelihood + 1e-8).any()
    assert (tops > fit.log_likelihood - 1e-6).sum() >= 6


@pytest.mark.parametrize("family", SPLIT_FAMILIES)
def test_the_profile_interval_is_that_of_the_likelihood_by_brute_force(family):
    """At each limit the best log-likelihood with that share is below the top by half of the χ² quantile, 1.92."""
    data = made(5)
    ones = np.ones((len(data), 1))
    fit = split_population(data, "days", "event", family=family)
    for limit in (fit.share.conf_low, fit.share.conf_high):
        v = scipy.special.logit(limit)

        def fall(rest, v=v):
            return -plain_log_likelihood(
                family, np.r_[v, rest], data.assign(**{"from": 0}), ones, ones, ones[:, 0]
            ).real

        best = scipy.optimize.minimize(fall, fit.coefficients[1:], method="Nelder-Mead", options={"xatol": 1e-9})
        assert fit.log_likelihood + best.fun == pytest.approx(scipy.stats.chi2.ppf(0.95, 1) / 2, rel=1e-6)
    assert fit.share.conf_low < fit.share.estimate < fit.share.conf_high
    assert fit.share.estimate == pytest.approx(scipy.special.expit(fit.coefficients[0]))


seeds = st.integers(0, 10_000)
modest = settings(max_examples=3, deadline=None)


def numbers(fit) -> np.ndarray:
    return np.r_[fit.tidy()[["estimate", "std_error"]].to_numpy().ravel(), fit.log_likelihood, fit.share.estimate]


@pytest.mark.parametrize("family", SPLIT_FAMILIES)
@given(seed=seeds)
@modest
def test_what_must_not_change_an_answer(halved, family, seed):
    data = made(seed)
    options = {"family": family, "entry": "from", "weights": "w", "cluster": "row", "share": ["z"]}
    whole = split_population(data, "days", "event", ["x"], **options)
    split = halved(data)
    # a mean over people is one over rows; the rest of the numbers know no rows
    for frame, known in ((data.sample(frac=1, random_state=1), None), (split, -1)):
        fit = split_population(frame, "days", "event", ["x"], **options)
        np.testing.assert_allclose(numbers(fit)[:known], numbers(whole)[:known], rtol=1e-6, atol=1e-8)
    weeks = data.assign(**{"days": data["days"] / 7, "from": data["from"] / 7})
    fit = split_population(weeks, "days", "event", ["x"], **options)
    shift = np.zeros(len(fit.names))
    shift[2] = np.log(7)
    np.testing.assert_allclose(fit.coefficients + shift, whole.coefficients, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("family", SPLIT_FAMILIES)
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies(family, seed):
    data = made(seed, 150)
    one = split_population(data, "days", "event", weights="k", family=family)
    many = split_population(data.loc[data.index.repeat(data["k"])], "days", "event", family=family)
    np.testing.assert_allclose(numbers(one), numbers(many), rtol=1e-7, atol=1e-9)
    assert one.split_test.statistic == pytest.approx(many.split_test.statistic, rel=1e-8)
    assert one.share.conf_low == pytest.approx(many.share.conf_low, rel=1e-6)
    assert one.share.conf_high == pytest.approx(many.share.conf_high, rel=1e-6)


def test_the_exponential_split_with_everyone_seen_to_the_end_is_by_hand():
    """Events far earlier than the end of follow-up: the share is that seen, the mean time that of the events."""
    data = pd.DataFrame({"days": [1.0, 2, 3, 4, 1000, 1000], "event": [1, 1, 1, 1, 0, 0]})
    fit = split_population(data, "days", "event", family="exponential")
    assert fit.share.estimate == pytest.approx(4 / 6, rel=1e-12)
    assert fit.coefficients[1] == pytest.approx(np.log(2.5), rel=1e-12)
    assert fit.share.std_error == pytest.approx(np.sqrt(4 / 6 * 2 / 6 / 6), rel=1e-10)
    by_hand = 4 * np.log(4 / 6) + 2 * np.log(2 / 6) - 4 * np.log(2.5) - 4
    assert fit.log_likelihood == pytest.approx(by_hand, rel=1e-12)
    low = scipy.optimize.brentq(
        lambda p: 2 * (4 * np.log(4 / 6 / p) + 2 * np.log(2 / 6 / (1 - p))) - scipy.stats.chi2.ppf(0.95, 1), 0.01, 4 / 6
    )
    assert fit.share.conf_low == pytest.approx(low, rel=1e-8)


@pytest.mark.parametrize("family", SPLIT_FAMILIES)
def test_predictions_are_functions_of_the_parameters(slopes, family):
    data = made(7)
    fit = split_population(data, "days", "event", ["x"], share=["z"], family=family, weights="w")
    rows = pd.DataFrame({"x": [0.5, -1.0], "z": [1, 0]}, index=["first", "second"])
    v = fit.covariance.to_numpy()
    a = 0.0 if family == "exponential" else fit.coefficients[-1]

    def parts(theta, t, row):
        x, z = rows.iloc[row]
        share = 1 / (1 + np.exp(-(theta[0] + theta[1] * z)))
        f, s = density_and_survival(
            family, complex(t), theta[2] + theta[3] * x, theta[-1] if family != "exponential" else a
        )
        return share * f, 1 - share + share * s

    tables = (
        (fit.predict(rows, [5, 40]).tidy(), lambda theta, t, row: parts(theta, t, row)[1]),
        (fit.hazard(rows, [5, 40]), lambda theta, t, row: parts(theta, t, row)[0] / parts(theta, t, row)[1]),
    )
    for table, function in tables:
        for row in table.itertuples():
            place = 0 if row.row == "first" else 1
            slope = slopes(lambda theta, f=function, r=row, p=place: f(theta, r.time, p), fit.coefficients)
            assert row.estimate == pytest.approx(function(fit.coefficients, row.time, place).real, rel=1e-10)
            assert row.std_error == pytest.approx(np.sqrt(slope @ v @ slope), rel=1e-8)
    for row in fit.quantiles(rows, [0.2, 0.4]).itertuples():
        place = 0 if row.row == "first" else 1
        density, free = parts(fit.coefficients, row.estimate, place)
        assert 1 - free.real == pytest.approx(row.probability, rel=1e-9)
        slope = slopes(lambda theta, r=row, p=place: parts(theta, r.estimate, p)[1], fit.coefficients)
        assert row.std_error == pytest.approx(np.sqrt(slope @ v @ slope) / density.real, rel=1e-7)
    assert fit.quantiles(rows, [0.95])["estimate"].tolist() == [np.inf, np.inf]
    assert fit.quantiles(rows, [0.95])["conf_low"].isna().all()
    far = fit.predict(data, 1e12).tidy()["estimate"]
    assert 1 - np.average(far, weights=data["w"]) == pytest.approx(fit.share.estimate, rel=1e-6)


@pytest.mark.parametrize("family", SPLIT_FAMILIES)
def test_the_mean_share_and_its_error(slopes, family):
    data = made(7)
    fit = split_population(data, "days", "event", share=["z", "x"], family=family, weights="w", cluster="pair")
    z = np.column_stack([np.ones(len(data)), data["z"], data["x"]])
    w = data["w"].to_numpy() / data["w"].sum()

    def mean(theta):
        return np.sum(w / (1 + np.exp(-(z @ theta[:3]))))

    slope = slopes(mean, fit.coefficients)
    error = np.sqrt(slope @ fit.covariance.to_numpy() @ slope)
    share = fit.share
    assert share.estimate == pytest.approx(mean(fit.coefficients).real, rel=1e-12)
    assert share.std_error == pytest.approx(error, rel=1e-8)
    reach = scipy.stats.norm.ppf(0.975) * error / (share.estimate * (1 - share.estimate))
    assert share.conf_low == pytest.approx(scipy.special.expit(scipy.special.logit(share.estimate) - reach), rel=1e-10)
    assert fit.split_test is None
    assert any("No test against no split" in note for note in fit.notes)


@pytest.mark.parametrize("family", SPLIT_FAMILIES)
def test_where_everybody_has_the_event_in_the_end(family):
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"days": 10 * rng.weibull(1.3, 150), "event": 1, "x": rng.normal(size=150)})
    fit = split_population(data, "days", "event", ["x"], family=family)
    plain = parametric(data, "days", "event", ["x"], family=family)
    assert not fit.split
    assert fit.share.estimate == 1
    assert fit.share.conf_high == 1
    assert fit.share.conf_low == pytest.approx(np.exp(-scipy.stats.chi2.ppf(0.95, 1) / 2 / 150), abs=5e-4)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-8)
    assert fit.tidy()["part"].eq("timing").all()
    assert fit.split_test.p_value == 1
    assert any("no split is seen" in note for note in fit.notes)
    one, two = (model.predict(data.head(2), [3, 9]).tidy() for model in (fit, plain))
    pd.testing.assert_frame_equal(one, two)
    assert "no split is seen" in repr(fit)
    fit.plot()
    plt.close("all")
    with pytest.raises(ConvergenceError, match="has no finite coefficient"):
        split_population(data.assign(g=rng.integers(0, 2, 150)), "days", "event", share=["g"], family=family)


def test_where_nobody_has_it_or_all_at_once():
    data = made(2)
    with pytest.raises(InputError, match="column event: has no event"):
        split_population(data.assign(event=0), "days", "event")
    once = pd.DataFrame({"days": [5.0] * 6 + [60.0] * 4, "event": [1] * 6 + [0] * 4})
    with pytest.raises(ConvergenceError, match="happens at one time only"):
        split_population(once, "days", "event")
    assert split_population(once, "days", "event", family="exponential").share.estimate == pytest.approx(0.6, abs=0.01)
    safe = data.assign(event=data["event"].where(data["z"] == 1, 0))
    with pytest.raises(ConvergenceError) as caught:
        split_population(safe, "days", "event", share=["z"])
    assert [fault.column for fault in caught.value.faults] == ["z"]


def test_half_of_samples_without_a_split_show_none():
    """120 exponential samples: the likelihood ratio is 0 in about half, and 5% of p-values are below 0.05."""
    rng = np.random.default_rng(8)
    zero, small = 0, 0
    for _ in range(120):
        days = rng.exponential(10, 150)
        stop = rng.uniform(5, 40, 150)
        data = pd.DataFrame({"days": np.minimum(days, stop), "event": (days <= stop).astype(int)})
        fit = split_population(data, "days", "event", family="exponential")
        zero += fit.split_test.statistic < 1e-6
        small += fit.split_test.p_value < 0.05
    assert abs(zero / 120 - 0.5) < 0.15
    assert abs(small / 120 - 0.05) < 0.06


@pytest.mark.parametrize("family", ["weibull", "lognormal"])
def test_the_truth_is_recovered(family):
    """80 samples of 300 people, 60% of whom ever have the event: intervals of every parameter cover near 95%."""
    rng = np.random.default_rng(41)
    truth = np.array([np.log(0.6 / 0.4), 2.5, -0.3])
    covered = np.zeros(4)
    for _ in range(80):
        ever = rng.uniform(size=300) < 0.6
        noise = np.log(rng.exponential(size=300)) if family == "weibull" else rng.normal(size=300)
        days = np.where(ever, np.exp(2.5 + np.exp(-0.3) * noise), np.inf)
        data = pd.DataFrame({"days": np.minimum(days, 60), "event": (days <= 60).astype(int)})
        fit = split_population(data, "days", "event", family=family)
        table = fit.tidy()
        covered[:3] += ((table["conf_low"] <= truth) & (table["conf_high"] >= truth)).to_numpy()
        covered[3] += fit.share.conf_low <= 0.6 <= fit.share.conf_high
    assert (np.abs(covered / 80 - 0.95) < 0.075).all()


def test_a_design_brings_its_weights_and_sets():
    data = made(9)
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(data, "z", weights, data["pair"].where(weights > 0), "ATT", (), "Made", pd.DataFrame(), ("Note.",))
    plain = split_population(data[weights > 0], "days", "event", share=["z"], weights="w", cluster="pair")
    found = split_population(design, "days", "event", share=["z"])
    pd.testing.assert_frame_equal(found.tidy(), plain.tidy())
    assert "Note." in found.notes
    alone = split_population(design, "days", "event")
    assert alone.split_test is None
    assert alone.share.method == "delta method on the logit scale"


def test_what_cannot_be_meant_is_said():
    data = made(4)
    for call, message in [
        (
            lambda: split_population(data, "days", "event", family="gompertz"),
            "family must be one of exponential, weibull",
        ),
        (lambda: split_population(data.assign(days=-1.0), "days", "event"), "column days: is not above 0"),
        (lambda: split_population(data, "days", "event", share=["y"]), "column y: is not in the data"),
        (lambda: split_population(data.assign(a=1), "days", "event", share=["a"]), "has the same value in every row"),
        (lambda: split_population(data, "days", "event", cluster="pair", robust=False), "robust=False cannot stand"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_the_result_keeps_the_contract():
    data = made(4)
    fit = split_population(data, "days", "event", ["x"], share=["z"])
    assert isinstance(fit, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.level = 0.9
    assert fit.tidy()["part"].tolist() == ["share", "share", "timing", "timing", "timing"]
    assert fit.tidy()["term"].tolist() == ["(Intercept)", "z", "(Intercept)", "x", "log(scale)"]
    assert repr(fit) == repr(split_population(data, "days", "event", ["x"], share=["z"]))
    assert repr(fit).startswith("Split-population Weibull model; variance from the observed information; n = 300")
    assert any("lies beyond the follow-up of 60 days" in note for note in fit.notes)
    axes = plt.subplots()[1]
    assert split_population(data, "days", "event").plot(axes) is axes
    assert [text.get_text() for text in axes.get_legend().get_texts()][1:] == ["Split Weibull", "Never, by the model"]
    plt.close("all")
