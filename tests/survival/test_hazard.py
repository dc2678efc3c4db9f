"""Smoothed hazards against sums written out, the kernel's moments, a known hazard, and what must not change them."""

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
from impact.errors import InputError
from impact.results import Result
from impact.survival.hazard import hazard
from impact.survival.logrank import logrank
from impact.survival.nelson_aalen import nelson_aalen
from impact.survival.numbers.smoothing import boundary_kernel
from impact.survival.parametric import parametric
from impact.survival.piecewise_hazard import piecewise_hazard
from impact.survival.restricted_mean import rmst
from impact.survival.split_population import split_population


def epanechnikov(t: float, s: float, bandwidth: float, start: float, end: float) -> float:
    """Müller and Wang's weight of a jump at s for the hazard at t, case by case."""
    left, right = (t - start) / bandwidth, (end - t) / bandwidth
    z, q = (t - s) / bandwidth, 1.0
    if left < 1:
        q = left
    elif right < 1:
        z, q = -z, right
    if not -1 <= z <= q:
        return 0.0
    return 12 / (1 + q) ** 4 * (z + 1) * (z * (1 - 2 * q) + (3 * q * q - 2 * q + 1) / 2) / bandwidth


def by_definition(data, t, bandwidth, end, w):
    """The hazard at one time, by loops."""
    start = data["from"].min()
    total = 0.0
    for s in sorted(set(data.loc[(data["event"] == 1) & (data["days"] <= end), "days"])):
        at_risk = (data["from"] < s) & (s <= data["days"])
        died = at_risk & (data["days"] == s) & (data["event"] == 1)
        total += epanechnikov(t, s, bandwidth, start, end) * w[died].sum() / w[at_risk].sum()
    return total


@pytest.mark.parametrize("q", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_boundary_kernels_have_mass_1_and_mean_0(q):
    mass, mean = (
        scipy.integrate.quad(lambda z, m=m: z**m * boundary_kernel(np.array([z]), q)[0], -1, q)[0] for m in (0, 1)
    )
    assert mass == pytest.approx(1, rel=1e-10)
    assert mean == pytest.approx(0, abs=1e-10)
    z = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(boundary_kernel(z, 1.0), 0.75 * (1 - z**2), atol=1e-14)


seeds = st.integers(0, 10_000)
modest = settings(max_examples=6, deadline=None)


@given(seed=seeds, bandwidth=st.sampled_from([2.0, 5.5, 9.0]))
@modest
def test_the_curve_is_its_definition_with_its_variance(made, seed, bandwidth):
    data = made(seed)
    times = [0.0, 1.0, 3.3, 9, 15, 17.2, 18]
    table = hazard(data, "days", "event", entry="from", bandwidth=bandwidth, times=times, until=18).tidy()
    one = np.ones(len(data))
    for row in table.itertuples():
        expected = by_definition(data, row.time, bandwidth, 18, one)
        assert row.estimate / 100 == pytest.approx(max(expected, 0), rel=1e-10, abs=1e-13)
        variance = 0.0
        for s in set(data.loc[(data["event"] == 1) & (data["days"] <= 18), "days"]):
            y = ((data["from"] < s) & (s <= data["days"])).sum()
            d = ((data["days"] == s) & (data["event"] == 1)).sum()
            variance += epanechnikov(row.time, s, bandwidth, 0, 18) ** 2 * d / y**2
        assert row.std_error / 100 == pytest.approx(np.sqrt(variance), rel=1e-10)


@given(seed=seeds)
@modest
def test_jackknife_variance_is_the_derivative_by_each_weight(made, seed):
    data = made(seed, 20)
    w = data["w"].to_numpy()
    arguments = {"entry": "from", "weights": "w", "cluster": "pair", "bandwidth": 6.0, "until": data["days"].max()}
    table = hazard(data, "days", "event", times=[2.0, 8.0, 11.0], **arguments).tidy()
    for row in table.itertuples():
        slopes = []
        for i in range(len(data)):
            step = np.zeros(len(data))
            step[i] = 1e-5
            up, down = (by_definition(data, row.time, 6.0, arguments["until"], w + s) for s in (step, -step))
            slopes.append(w[i] * (up - down) / 2e-5)
        expected = np.sqrt((pd.Series(slopes).groupby(data["pair"]).sum() ** 2).sum())
        assert row.std_error / 100 == pytest.approx(expected, rel=1e-6, abs=1e-10)
        assert row.estimate / 100 == pytest.approx(max(by_definition(data, row.time, 6.0, arguments["until"], w), 0))


@given(seed=seeds)
@modest
def test_weight_k_is_k_copies_and_what_changes_nothing(halved, made, seed):
    data = made(seed)
    arguments = {"by": "z", "entry": "from", "bandwidth": 5, "until": 15}
    one = hazard(data, "days", "event", weights="k", **arguments).tidy()
    many = hazard(data.loc[data.index.repeat(data["k"])], "days", "event", **arguments).tidy()
    pd.testing.assert_frame_equal(one, many, rtol=1e-9)
    robust = {**arguments, "weights": "w", "cluster": "row"}
    whole = hazard(data, "days", "event", **robust).tidy()
    halves = halved(data)
    for frame in (halves, data.sample(frac=1, random_state=1)):
        pd.testing.assert_frame_equal(hazard(frame, "days", "event", **robust).tidy(), whole, rtol=1e-8, atol=1e-12)
    weeks = data.assign(**{"days": data["days"] / 7, "from": data["from"] / 7})
    scaled = hazard(weeks, "days", "event", **{**robust, "bandwidth": 5 / 7, "until": 15 / 7}).tidy()
    np.testing.assert_allclose(scaled["estimate"], 7 * whole["estimate"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(scaled["std_error"], 7 * whole["std_error"], rtol=1e-8, atol=1e-10)


def test_a_straight_hazard_is_found_up_to_both_ends():
    """Hazards a + bt are kept by kernels of mass 1 and mean 0, at the ends too: no bias in 400 samples of 300."""
    rng = np.random.default_rng(12)
    times = np.array([0.0, 1.0, 5.0, 9.0, 10.0])
    found, errors, covered = [], [], np.zeros(5)
    truth = 100 * (0.02 + 0.01 * times)
    for _ in range(400):
        target = rng.exponential(size=300)
        days = (-0.02 + np.sqrt(0.02**2 + 2 * 0.01 * target)) / 0.01
        frame = pd.DataFrame({"days": np.minimum(days, 10), "event": (days < 10).astype(int)})
        table = hazard(frame, "days", "event", bandwidth=4, times=times, until=10).tidy()
        found.append(table["estimate"])
        errors.append(table["std_error"])
        covered += ((table["conf_low"] <= truth) & (truth <= table["conf_high"])).to_numpy()
    spread = np.std(found, axis=0)
    assert (np.abs(np.mean(found, axis=0) - truth) < 4 * spread / 20 + 0.02).all()
    np.testing.assert_allclose(np.mean(errors, axis=0)[1:4], spread[1:4], rtol=0.12)
    assert (covered[1:4] / 400 > 0.92).all()


def test_default_rules_are_as_said(made):
    data = made(3, 200)
    found = hazard(data, "days", "event", by="z")
    for code in (0, 1):
        part = data[data["z"] == code]
        end = np.sort(part["days"])[-10]
        events = part.loc[part["days"] <= end, "event"].sum()
        assert found.bandwidth[code] == pytest.approx(end / (4 * events**0.2))
    assert len(found.tidy()) == 202
    few = made(3, 8)
    assert hazard(few, "days", "event").tidy()["time"].max() == few["days"].max()


def test_a_design_brings_its_weights_and_sets(made):
    data = made(9)
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(data, "z", weights, data["pair"].where(weights > 0), "ATT", (), "Made", pd.DataFrame(), ("Note.",))
    plain = hazard(data[weights > 0], "days", "event", by="z", weights="w", cluster="pair")
    found = hazard(design, "days", "event", by="z")
    pd.testing.assert_frame_equal(found.tidy(), plain.tidy())
    assert "Note." in found.notes


def test_what_cannot_be_meant_is_said(made):
    data = made(4)
    for call, message in [
        (lambda: hazard(data, "days", "event", bandwidth=0), "bandwidth must be a number of days above 0"),
        (lambda: hazard(data, "days", "event", bandwidth=15), "at most half the range"),
        (lambda: hazard(data, "days", "event", times=[50]), "times must lie within 0 and 20"),
        (lambda: hazard(data, "days", "event", times=[np.nan]), "times must lie within"),
        (lambda: hazard(data, "days", "event", until=99), "until must lie after 0 and by 20"),
        (lambda: hazard(data, "days", "event", level=2), "level must lie"),
        (lambda: hazard(data.assign(days=0), "days", "event"), "is the same as the start for all but a few"),
        (lambda: hazard(data.assign(event=3), "days", "event"), "column event: is not 0 or 1"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
    quiet = hazard(data.assign(event=data["event"].where(data["z"] == 1, 0)), "days", "event", by="z")
    assert "Group 0: no events up to 17: the hazard is 0 and has no interval." in quiet.notes
    assert quiet.tidy().query("group == 0")["estimate"].eq(0).all()
    assert quiet.tidy().query("group == 0")["conf_high"].isna().all()
    assert "bandwidth –" in repr(quiet)


def test_pathological_sets():
    tied = pd.DataFrame({"days": [5, 5, 5], "event": [1, 1, 1]})
    assert np.isfinite(hazard(tied, "days", "event", bandwidth=2).tidy()["estimate"]).all()
    one = pd.DataFrame({"days": [2, 3, 5, 8], "event": [0, 1, 0, 0]})
    table = hazard(one, "days", "event").tidy()
    assert table["estimate"].max() > 0
    pair = pd.DataFrame({"days": [3, 5], "event": [1, 1]})
    assert np.isfinite(hazard(pair, "days", "event").tidy()["estimate"]).all()


def test_the_result_keeps_the_contract(made):
    data = made(4)
    found = hazard(data, "days", "event", by="z")
    assert isinstance(found, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.level = 0.9
    assert repr(found) == repr(hazard(data, "days", "event", by="z"))
    assert repr(found).startswith("Smoothed hazard, events per 100 people a day; Ramlau-Hansen's variance\n0: n = ")
    axes = plt.subplots()[1]
    assert found.plot(axes) is axes
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    plt.close("all")


def test_one_cluster_is_refused_and_a_group_within_one_is_noted(made):
    data = made(6).assign(one=1)
    for call in (
        lambda: hazard(data, "days", "event", cluster="one"),
        lambda: nelson_aalen(data, "days", "event", cluster="one"),
        lambda: rmst(data, "days", "event", 9, cluster="one"),
        lambda: piecewise_hazard(data, "days", "event", [9], cluster="one"),
        lambda: logrank(data, "days", "event", "z", cluster="one"),
        lambda: parametric(data, "days", "event", cluster="one"),
        lambda: split_population(data, "days", "event", cluster="one"),
    ):
        with pytest.raises(InputError, match="All rows used are in one cluster"):
            call()
    lone = nelson_aalen(data, "days", "event", by="z", cluster="z")
    assert [note for note in lone.notes if "mean nothing" in note] == [
        f"Group {group}: all in one cluster, so that its standard errors are 0 and mean nothing." for group in (0, 1)
    ]
