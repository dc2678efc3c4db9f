"""Firth's penalty: closed forms, the penalised likelihood by loops, and what it is for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given, settings

from impact.errors import ConvergenceError, InputError
from impact.survival.cox import cox
from impact.survival.likelihoods.firth import penalised
from impact.survival.likelihoods.partial import sample
from impact.survival.riskset import rank_times, risk_sets
from tests.survival.depth import people
from tests.survival.test_kernel import OPTIONS, outcomes, partial_likelihood

FIRTH = {"penalty": "firth"}


def pairs(first: int, second: int) -> pd.DataFrame:
    """Pairs of one treated and one other; in `first` of them the treated has the event first, in `second` the other."""
    n = first + second
    frame = pd.DataFrame({"pair": np.repeat(np.arange(n), 2), "treated": np.tile([1, 0], n)})
    wins = np.repeat(np.arange(n) < first, 2)
    frame["days"] = np.where(wins == (frame["treated"] == 1), 1.0, 2.0)
    return frame.assign(event=(frame["days"] == 1).astype(int))


@pytest.mark.parametrize(("first", "second"), [(7, 3), (5, 0), (0, 1), (40, 2)])
def test_pairs_have_half_an_event_added_to_each_side(first, second):
    """The likelihood of pairs is binomial, its Firth estimate log((a + ½) / (b + ½)): Jeffreys' prior."""
    fit = cox(pairs(first, second), "days", "event", ["treated"], strata="pair", **FIRTH)
    a, b = first + 0.5, second + 0.5
    assert fit.coefficients[0] == pytest.approx(np.log(a / b), rel=1e-8)
    n = first + second
    share = a / (n + 1)
    assert fit.covariance.iloc[0, 0] == pytest.approx(1 / (n * share * (1 - share)), rel=1e-8)

    def value(beta: float) -> float:
        p = scipy.special.expit(beta)
        return first * np.log(p) + second * np.log1p(-p) + np.log(n * p * (1 - p)) / 2

    assert fit.log_likelihood == pytest.approx(value(np.log(a / b)), rel=1e-10)
    assert fit.log_likelihood_null == pytest.approx(value(0), rel=1e-10)
    row = fit.tidy().loc[0]
    ratio = 2 * (value(np.log(a / b)) - value(0))
    assert row["statistic"] ** 2 == pytest.approx(ratio, rel=1e-8, abs=1e-10)
    assert row["p_value"] == pytest.approx(scipy.stats.chi2.sf(ratio, 1), rel=1e-7, abs=1e-9)
    drop = value(np.log(a / b)) - scipy.stats.chi2.ppf(0.95, 1) / 2
    limits = [
        scipy.optimize.brentq(lambda beta: value(beta) - drop, *sorted((np.log(a / b), np.log(a / b) + 30 * side)))
        for side in (-1, 1)
    ]
    np.testing.assert_allclose([row["conf_low"], row["conf_high"]], limits, rtol=1e-8)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize(("entered", "stratified", "weighted"), OPTIONS)
@given(data=outcomes())
@settings(max_examples=10)
def test_penalised_likelihood_and_its_slope_are_their_definitions(ties, entered, stratified, weighted, data):
    options = {
        "entry": data["entry"] if entered else None,
        "strata": data["strata"] if stratified else None,
        "weights": data["weights"] if weighted else None,
    }

    def value(beta: np.ndarray) -> tuple[float, float]:
        plain = partial_likelihood(data["time"], data["event"], data["x"], beta, ties=ties, **options)
        sign, log = np.linalg.slogdet(plain.information)
        return plain.log_likelihood + log / 2, sign * np.exp(log)

    beta = np.array([0.5, -0.7])
    if value(beta)[1] < 1e-6:
        return
    codes = np.unique(data["strata"], return_inverse=True)[1] if stratified else None
    ranks = rank_times(data["time"], data["entry"] if entered else None)
    prepared = sample(
        risk_sets(ranks, data["event"] == 1, codes),
        np.ascontiguousarray(data["x"].T),
        data["event"],
        options["weights"],
        ties,
    )
    found = penalised(prepared, beta)
    assert found.value == pytest.approx(value(beta)[0], rel=1e-9)
    for place in range(2):
        step = np.eye(2)[place] * 1e-3
        near, far = (value(beta + k * step)[0] - value(beta - k * step)[0] for k in (1, 2))
        assert found.score[place] == pytest.approx((8 * near - far) / 12e-3, rel=1e-6, abs=1e-7)


def small(seed: int = 4, n: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "z": (np.arange(n) % 5 == 0).astype(int)})
    frame["days"] = np.ceil(rng.exponential(6, n))
    frame["from"] = np.floor(frame["days"] * rng.uniform(0, 0.7, n))
    frame["event"] = ((rng.uniform(size=n) < 0.8) & (frame["z"] == 0)).astype(int)
    return frame.assign(site=np.arange(n) % 2, k=1 + np.arange(n) % 3)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("options", [{}, {"entry": "from"}, {"strata": "site", "entry": "from"}, {"weights": "k"}])
def test_estimates_and_profile_limits_by_brute_force(options, ties):
    """A separated covariate: the loops' penalised likelihood maximised by a general optimiser, and its profile."""
    frame = small()
    fit = cox(frame, "days", "event", ["x", "z"], ties=ties, **options, **FIRTH)
    names = {"entry": "entry", "strata": "strata", "weights": "weights"}
    arrays = {names[key]: frame[column].to_numpy(dtype=float) for key, column in options.items()}

    def value(beta: np.ndarray) -> float:
        plain = partial_likelihood(
            frame["days"].to_numpy(), frame["event"].to_numpy(), frame[["x", "z"]].to_numpy(), beta, ties=ties, **arrays
        )
        return plain.log_likelihood + np.linalg.slogdet(plain.information)[1] / 2

    def slope(beta: np.ndarray) -> np.ndarray:
        steps = np.eye(2) * 1e-3
        return np.array(
            [
                (8 * (value(beta + s) - value(beta - s)) - value(beta + 2 * s) + value(beta - 2 * s)) / 12e-3
                for s in steps
            ]
        )

    top = scipy.optimize.minimize(lambda beta: -value(beta), np.zeros(2), jac=lambda beta: -slope(beta), tol=1e-9)
    np.testing.assert_allclose(fit.coefficients, top.x, rtol=1e-6, atol=1e-7)
    assert fit.log_likelihood == pytest.approx(-top.fun, rel=1e-9)
    np.testing.assert_allclose(slope(fit.coefficients), 0, atol=1e-8)
    assert fit.log_likelihood_null == pytest.approx(value(np.zeros(2)), rel=1e-10)
    target = value(fit.coefficients) - scipy.stats.chi2.ppf(0.95, 1) / 2
    table = fit.tidy()
    for place in range(2):
        other = 1 - place

        def held(at: float, place: int = place, other: int = other) -> float:
            def along(rest: float) -> float:
                beta = np.empty(2)
                beta[place], beta[other] = at, rest
                return -value(beta)

            middle = fit.coefficients[other]
            found = scipy.optimize.minimize_scalar(along, bracket=(middle - 0.5, middle + 0.5), options={"xtol": 1e-9})
            return -found.fun

        for limit in ("conf_low", "conf_high"):
            assert held(table.loc[place, limit]) == pytest.approx(target, abs=1e-7)
        ratio = 2 * (value(fit.coefficients) - held(0.0))
        assert table.loc[place, "statistic"] ** 2 == pytest.approx(ratio, abs=1e-6)
        assert fit.test(["x", "z"][place], "likelihood-ratio").statistic == pytest.approx(ratio, abs=1e-6)


def test_separation_has_an_estimate_and_an_interval():
    frame = small()
    with pytest.raises(ConvergenceError, match="penalty='firth'"):
        cox(frame, "days", "event", ["x", "z"])
    fit = cox(frame, "days", "event", ["x", "z"], **FIRTH)
    row = fit.tidy().set_index("term").loc["z"]
    assert row["conf_low"] < row["estimate"] < 0
    assert np.isfinite(row["conf_low"])
    assert repr(fit).startswith("Cox model; Efron ties; Firth's penalty, profile-likelihood intervals; n = 24")
    assert "Penalised log-likelihood" in repr(fit)
    assert fit.tests.tidy()["term"].tolist() == ["likelihood ratio", "Wald"]
    every = 2 * (fit.log_likelihood - fit.log_likelihood_null)
    assert fit.tests.tests[0].statistic == pytest.approx(every, rel=1e-9)


def test_two_people_and_one_event():
    """A single pair of x = 0 and 1: log(1.5 / 0.5)."""
    frame = pd.DataFrame({"days": [1.0, 2.0], "event": [1, 0], "x": [1.0, 0.0]})
    assert cox(frame, "days", "event", ["x"], **FIRTH).coefficients[0] == pytest.approx(np.log(3), rel=1e-8)
    ordered = pd.DataFrame({"days": np.arange(1.0, 9), "event": 1, "x": np.arange(8.0)})
    fit = cox(ordered, "days", "event", ["x"], **FIRTH)
    assert np.isfinite(fit.tidy()[["estimate", "conf_low", "conf_high"]].to_numpy()).all()


def test_the_penalty_fades_with_many_events():
    frame = pd.concat([people("lung").dropna()] * 40, ignore_index=True)
    frame["time"] += np.arange(len(frame)) % 40 / 50
    plain = cox(frame, "time", "status", ["age", "sex"])
    fit = cox(frame, "time", "status", ["age", "sex"], **FIRTH)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=0.01)
    np.testing.assert_allclose(fit.tidy()["conf_low"], plain.tidy()["conf_low"], rtol=0.01)


def test_scale_shift_order_and_copies_change_nothing():
    frame = small()
    fit = cox(frame, "days", "event", ["x", "z"], **FIRTH)
    turned = frame.assign(x=frame["x"] * 1e6 + 5).sample(frac=1, random_state=1)
    other = cox(turned, "days", "event", ["x", "z"], **FIRTH)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(other.tidy()[column] * [1e6, 1], fit.tidy()[column], rtol=1e-7)
    # Half the log determinant counts the unit of x once.
    assert other.log_likelihood == pytest.approx(fit.log_likelihood + np.log(1e6), rel=1e-9)
    weighted = cox(frame, "days", "event", ["x", "z"], weights="k", ties="breslow", **FIRTH)
    copies = cox(frame.loc[frame.index.repeat(frame["k"])], "days", "event", ["x", "z"], ties="breslow", **FIRTH)
    np.testing.assert_allclose(weighted.tidy().iloc[:, 1:], copies.tidy().iloc[:, 1:], rtol=1e-7)


def test_what_the_penalty_does_not_do_is_refused():
    frame = small().assign(w=0.5 + small()["k"])
    for options in ({"robust": True}, {"cluster": "site"}, {"weights": "w"}):
        with pytest.raises(InputError, match="penalty='firth' has no robust variance"):
            cox(frame, "days", "event", ["x", "z"], **options, **FIRTH)
    with pytest.raises(InputError, match="penalty must be one of firth"):
        cox(frame, "days", "event", ["x"], penalty="ridge")
    fit = cox(frame, "days", "event", ["x", "z"], **FIRTH)
    for call in (
        lambda: fit.aic,
        lambda: fit.test("x", "score"),
        fit.ph_test,
        lambda: fit.residuals("dfbeta"),
        lambda: fit.residuals("scaled-schoenfeld"),
    ):
        with pytest.raises(InputError, match="penalty"):
            call()
    assert fit.residuals("martingale").sum() == pytest.approx(0, abs=1e-9)
    assert fit.predict(frame.head(2)).tidy()["estimate"].between(0, 1).all()
    with pytest.raises(InputError, match="column x: does not vary"):
        cox(frame.assign(x=frame["site"]), "days", "event", ["x"], strata="site", **FIRTH)
    with pytest.raises(InputError, match="column twice: is a linear combination"):
        cox(frame.assign(twice=2 * frame["x"]), "days", "event", ["x", "twice"], **FIRTH)
