"""What must not change an answer does not change it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.survival import cox, kaplan_meier

COVARIATES = ["x", "z"]


def made(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    days = np.ceil(rng.exponential(12 * np.exp(-0.5 * x + 0.3 * z)))
    stop = np.minimum(days, 15)
    return pd.DataFrame(
        {
            "days": stop,
            "event": (days <= 15).astype(int),
            "x": x,
            "z": z,
            "from": np.floor(stop * rng.uniform(0, 0.8, n)),
            "k": rng.integers(1, 4, n),
            "w": rng.uniform(0.2, 2, n),
            "site": rng.integers(0, 3, n),
            "pair": rng.integers(0, n // 3, n),
            "row": np.arange(n),
        }
    )


seeds = st.integers(0, 10_000)
modest = settings(max_examples=8, deadline=None)
OPTIONS = [
    {},
    {"entry": "from"},
    {"strata": "site", "weights": "w"},
    {"entry": "from", "strata": "site", "weights": "w", "cluster": "pair"},
]


def numbers(fit) -> np.ndarray:
    return np.r_[fit.tidy()[["estimate", "std_error"]].to_numpy().ravel(), fit.log_likelihood, fit.concordance]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@given(seed=seeds)
@modest
def test_row_order_time_shift_and_time_unit_change_nothing(options, ties, seed):
    data = made(seed)
    whole = numbers(cox(data, "days", "event", COVARIATES, ties=ties, **options))
    shuffled = data.sample(frac=1, random_state=seed)
    np.testing.assert_allclose(
        numbers(cox(shuffled, "days", "event", COVARIATES, ties=ties, **options)), whole, rtol=1e-9
    )
    for change in (lambda t: t + 1000, lambda t: t / 7, lambda t: t * 1e6):
        other = data.assign(**{name: change(data[name]) for name in ("days", "from")})
        np.testing.assert_allclose(
            numbers(cox(other, "days", "event", COVARIATES, ties=ties, **options)), whole, rtol=1e-9
        )


@given(seed=seeds, scale=st.sampled_from([1e-9, 0.01, 1e3, 1e9]), shift=st.sampled_from([0, -3, 1e4]))
@modest
def test_scale_and_shift_of_a_covariate(seed, scale, shift):
    data = made(seed)
    fit = cox(data, "days", "event", COVARIATES, entry="from", robust=True)
    other = cox(data.assign(x=(data["x"] + shift) * scale), "days", "event", COVARIATES, entry="from", robust=True)
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(other.tidy()[column] * [scale, 1], fit.tidy()[column], rtol=1e-6)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-10)


@pytest.mark.parametrize("options", [{}, {"entry": "from"}, {"strata": "site"}])
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies_under_breslow(options, seed):
    data = made(seed)
    copies = data.loc[data.index.repeat(data["k"])]
    fit = cox(data, "days", "event", COVARIATES, weights="k", ties="breslow", **options)
    many = cox(copies, "days", "event", COVARIATES, ties="breslow", **options)
    np.testing.assert_allclose(numbers(fit)[:-1], numbers(many)[:-1], rtol=1e-8)
    assert fit.n == len(data)


@given(seed=seeds)
@modest
def test_weight_k_is_k_copies_of_censored_rows_under_efron(seed):
    """Copies of a death are tied with each other, which Efron's ties count and a weight does not."""
    data = made(seed)
    data["k"] = data["k"].where(data["event"] == 0, 1)
    fit = cox(data, "days", "event", COVARIATES, weights="k")
    many = cox(data.loc[data.index.repeat(data["k"])], "days", "event", COVARIATES)
    np.testing.assert_allclose(numbers(fit)[:-1], numbers(many)[:-1], rtol=1e-8)


@pytest.mark.parametrize("entry", [None, "from"])
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies_for_curves(entry, seed):
    data = made(seed)
    fit = kaplan_meier(data, "days", "event", by="z", entry=entry, weights="k")
    many = kaplan_meier(data.loc[data.index.repeat(data["k"])], "days", "event", by="z", entry=entry)
    pd.testing.assert_frame_equal(fit.tidy(), many.tidy(), check_dtype=False, rtol=1e-10)


def halves(data: pd.DataFrame) -> pd.DataFrame:
    """Every row that can be cut in the middle, cut."""
    middle = np.floor((data["from"] + data["days"]) / 2)
    cut = middle > data["from"]
    first = data[cut].assign(days=middle[cut], event=0)
    return pd.concat([first, data.assign(**{"from": middle.where(cut, data["from"])})], ignore_index=True)


@pytest.mark.parametrize("options", [{}, {"strata": "site", "weights": "w"}])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@given(seed=seeds)
@modest
def test_splitting_rows_changes_nothing(options, ties, seed):
    data = made(seed)
    arguments = {"entry": "from", "cluster": "row", "ties": ties, **options}
    whole, split = (cox(frame, "days", "event", COVARIATES, **arguments) for frame in (data, halves(data)))
    np.testing.assert_allclose(numbers(split), numbers(whole), rtol=1e-8)
    for transform in ("identity", "log"):
        one, two = (fit.ph_test(transform).tidy()["statistic"] for fit in (whole, split))
        np.testing.assert_allclose(one, two, rtol=1e-7)


@given(seed=seeds)
@modest
def test_splitting_rows_changes_no_curve(seed):
    data = made(seed)
    arguments = {"by": "z", "entry": "from", "weights": "w", "cluster": "row"}
    whole, split = (kaplan_meier(frame, "days", "event", **arguments) for frame in (data, halves(data)))
    times = np.unique(data["days"])
    pd.testing.assert_frame_equal(whole.at(times), split.at(times), rtol=1e-9)


@given(seed=seeds)
@modest
def test_a_cluster_of_one_row_is_robust(seed):
    data = made(seed)
    for options in ({"weights": "w"}, {"entry": "from"}, {"strata": "site"}):
        robust = cox(data, "days", "event", COVARIATES, robust=True, **options)
        single = cox(data, "days", "event", COVARIATES, cluster="row", **options)
        np.testing.assert_allclose(single.covariance, robust.covariance, rtol=1e-12)
    one, other = (kaplan_meier(data, "days", "event", weights="w", by="z", cluster=c) for c in (None, "row"))
    pd.testing.assert_frame_equal(one.tidy(), other.tidy(), rtol=1e-10)


@given(seed=seeds)
@modest
def test_unit_weights_make_the_jackknife_greenwoods(seed):
    data = made(seed)
    greenwood = kaplan_meier(data, "days", "event", by="z")
    jackknife = kaplan_meier(data, "days", "event", by="z", cluster="row")
    pd.testing.assert_frame_equal(greenwood.tidy(), jackknife.tidy(), rtol=1e-9)


@pytest.mark.parametrize("paired", [True, False])
def test_a_design_is_its_weights_and_sets(paired):
    data = made(11)
    weights = data["w"].where(data["row"] >= 5, 0.0)
    sets = data["pair"].where(weights > 0) if paired else None
    design = Design(data, "z", weights, sets, "ATT", ("x",), "Made by hand", pd.DataFrame(), ("A caution.",))
    kept = data[weights > 0]
    cluster = "pair" if paired else None
    fit = cox(design, "days", "event", ["z"])
    plain = cox(kept, "days", "event", ["z"], weights="w", cluster=cluster)
    np.testing.assert_allclose(numbers(fit), numbers(plain), rtol=1e-12)
    assert fit.robust
    assert "A caution." in fit.notes
    curves = kaplan_meier(design, "days", "event", by="z")
    plain_curves = kaplan_meier(kept, "days", "event", by="z", weights="w", cluster=cluster)
    pd.testing.assert_frame_equal(curves.tidy(), plain_curves.tidy())
    assert "A caution." in curves.notes
