"""What must not change the tests, residuals and predictions of a Cox model does not change them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from impact.design import Design
from impact.errors import InputError
from impact.survival.cox import cox
from impact.survival.kaplan_meier import kaplan_meier
from tests.survival.test_identities import COVARIATES, OPTIONS, halves, made, modest, seeds

NEW = pd.DataFrame({"x": [0.0, 1.2], "z": [1, 0], "site": [0, 1], "off": [0.1, 0.0]}, index=["a", "b"])
KINDS = ("martingale", "deviance", "score", "schoenfeld", "scaled-schoenfeld", "dfbeta", "dfbetas")


def curves(fit) -> np.ndarray:
    times = [3.0, 8.0, 14.0]
    return fit.predict(NEW, times).tidy()[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy()


def statistics(fit) -> np.ndarray:
    one = fit.test("x", "robust-score" if fit.robust else "score").statistic
    return np.r_[fit.tests.tidy()["statistic"], one, fit.concordance_std_error]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@given(seed=seeds)
@modest
def test_row_order_changes_nothing(options, ties, seed):
    data = made(seed)
    fit = cox(data, "days", "event", COVARIATES, ties=ties, **options)
    other = cox(data.sample(frac=1, random_state=seed), "days", "event", COVARIATES, ties=ties, **options)
    np.testing.assert_allclose(curves(other), curves(fit), rtol=1e-8)
    np.testing.assert_allclose(statistics(other), statistics(fit), rtol=1e-7)
    for kind in KINDS:
        one, two = fit.residuals(kind), other.residuals(kind)
        np.testing.assert_allclose(two.loc[one.index], one, rtol=1e-7, atol=1e-9)
    for kind in ("linear-predictor", "risk", "expected"):
        one, two = fit.predict_risk(kind=kind), other.predict_risk(kind=kind)
        np.testing.assert_allclose(two.loc[one.index], one, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"entry": "from"}, {"strata": "site"}])
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies(options, seed):
    data = made(seed)
    arguments = {"duration": "days", "event": "event", "covariates": COVARIATES, "ties": "breslow", **options}
    fit = cox(data, weights="k", **arguments)
    many = cox(data.loc[data.index.repeat(data["k"])], **arguments)
    np.testing.assert_allclose(curves(fit), curves(many), rtol=1e-8)
    np.testing.assert_allclose(fit.tests.tidy()["statistic"], many.tests.tidy()["statistic"], rtol=1e-7)
    assert fit.aic == pytest.approx(many.aic, rel=1e-9)
    for kind in ("martingale", "score", "schoenfeld"):
        copies = many.residuals(kind).groupby(level=0).first()
        np.testing.assert_allclose(fit.residuals(kind), copies, rtol=1e-7, atol=1e-9)
    summed = many.residuals("dfbeta").groupby(level=0).sum()
    np.testing.assert_allclose(fit.residuals("dfbeta"), summed, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"strata": "site", "weights": "w"}])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@given(seed=seeds)
@modest
def test_splitting_rows_changes_nothing(options, ties, seed):
    data = made(seed)
    arguments = {"entry": "from", "cluster": "row", "ties": ties, **options}
    whole, split = (cox(frame, "days", "event", COVARIATES, **arguments) for frame in (data, halves(data)))
    np.testing.assert_allclose(curves(split), curves(whole), rtol=1e-7)
    np.testing.assert_allclose(statistics(split), statistics(whole), rtol=1e-6)
    for kind in ("martingale", "deviance", "score", "dfbeta", "dfbetas"):
        one, two = (fit.residuals(kind, collapse=True) for fit in (whole, split))
        np.testing.assert_allclose(two, one, rtol=1e-6, atol=1e-8)


@given(seed=seeds)
@modest
def test_a_cluster_of_one_row_is_robust(seed):
    data = made(seed)
    for options in ({"weights": "w"}, {"entry": "from"}, {"strata": "site"}):
        robust, single = (
            cox(data, "days", "event", COVARIATES, **options, **extra)
            for extra in ({"robust": True}, {"cluster": "row"})
        )
        np.testing.assert_allclose(curves(single), curves(robust), rtol=1e-9)
        ours, theirs = (fit.tests.tidy().set_index("term")["statistic"] for fit in (single, robust))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@given(seed=seeds)
@modest
def test_kaplan_meier_is_the_product_of_the_baseline_without_effects(seed):
    """Everyone twice, at x = 1 and −1, so that x does nothing: Breslow's steps are d / n, and Π (1 − d / n) is S(t)."""
    data = made(seed)
    centred = pd.concat([data.assign(x=1.0), data.assign(x=-1.0)])
    none = cox(centred, "days", "event", ["x"], ties="breslow", entry="from").baseline()
    steps = np.diff(np.r_[0.0, none["cumulative_hazard"]])
    curve = kaplan_meier(data, "days", "event", entry="from").tidy().query("n_event > 0")
    np.testing.assert_allclose(np.cumprod(1 - steps), curve["estimate"], rtol=1e-9, atol=1e-12)


@given(seed=seeds)
@modest
def test_shifting_an_offset_changes_no_coefficient(seed):
    data = made(seed).assign(off=lambda frame: np.sin(frame["row"]))
    fit, moved = (
        cox(frame, "days", "event", COVARIATES, offset="off", entry="from")
        for frame in (data, data.assign(off=data["off"] + 40))
    )
    np.testing.assert_allclose(moved.coefficients, fit.coefficients, rtol=1e-8)
    np.testing.assert_allclose(moved.residuals("martingale"), fit.residuals("martingale"), atol=1e-9)
    one, two = (fit.predict(NEW.assign(off=NEW["off"] + more), [8.0]).tidy() for fit, more in ((fit, 0), (moved, 40)))
    np.testing.assert_allclose(two["estimate"], one["estimate"], rtol=1e-8)


@pytest.mark.parametrize("paired", [True, False])
def test_a_design_is_its_weights_and_sets(paired):
    data = made(11)
    weights = data["w"].where(data["row"] >= 5, 0.0)
    design = Design(
        data,
        "z",
        weights,
        data["pair"].where(weights > 0) if paired else None,
        "ATT",
        ("x",),
        "By hand",
        pd.DataFrame(),
    )
    kept = data[weights > 0]
    fit = cox(design, "days", "event", COVARIATES)
    plain = cox(kept, "days", "event", COVARIATES, weights="w", cluster="pair" if paired else None)
    np.testing.assert_allclose(curves(fit), curves(plain), rtol=1e-10)
    np.testing.assert_allclose(statistics(fit), statistics(plain), rtol=1e-9)
    for kind in KINDS:
        np.testing.assert_allclose(fit.residuals(kind).loc[kept.index], plain.residuals(kind), rtol=1e-9, atol=1e-12)
        assert fit.residuals(kind).loc[weights == 0].isna().all(axis=None)
    if paired:
        one, two = (model.residuals("dfbeta", collapse=True) for model in (fit, plain))
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)
    assert not any(fit.tests.valid[:1])
    with pytest.raises(InputError, match=r"give the Design's \.data"):
        fit.predict(design)
