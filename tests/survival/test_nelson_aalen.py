"""Cumulative hazards against R, their definition, and what must not change them."""

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
from impact.errors import InputError
from impact.results import Result
from impact.survival import kaplan_meier
from impact.survival.likelihoods import partial
from impact.survival.nelson_aalen import nelson_aalen
from impact.survival.riskset import rank_times, risk_sets

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
STORED = pd.read_csv(STORE / "reference_hazard.csv")
LATE = {"by": "sex", "entry": "late"}
CASES = {
    "lung": {},
    "lung_by": {"by": "sex"},
    "lung_fh": {"by": "sex", "ties": "fleming-harrington"},
    "lung_entry": LATE,
    "lung_entry_fh": {**LATE, "ties": "fleming-harrington"},
    "lung_whole": {"by": "sex", "weights": "k"},
    "lung_cluster": {"by": "sex", "cluster": "pair"},
    "lung_weights": {"by": "sex", "weights": "w"},
    "lung_weights_cluster": {"by": "sex", "weights": "w", "cluster": "pair"},
    "lung_entry_weights": {**LATE, "weights": "w"},
    "lung_all": {**LATE, "weights": "w", "cluster": "pair"},
    "veteran": {"by": "celltype"},
    "veteran_fh": {"by": "celltype", "ties": "fleming-harrington"},
    "heart": {"duration": "stop", "event": "event", "entry": "start", "by": "surgery", "cluster": "id"},
    "weighted1": {"weights": "w", "cluster": "row"},
    "tied": {},
    "tied_fh": {"ties": "fleming-harrington"},
    "single": {},
}
R_NAMES = ["time", "n.risk", "n.event", "n.censor", "cumhaz", "std.chaz"]
NAMES = ["time", "n_risk", "n_event", "n_censored", "estimate", "std_error"]


def people(case: str) -> pd.DataFrame:
    return pd.read_csv(STORE / f"{case.split('_')[0]}.csv")


@pytest.mark.parametrize("case", CASES)
def test_curves_are_those_of_r(case):
    fit = nelson_aalen(people(case), **{"duration": "time", "event": "status", **CASES[case]})
    stored = STORED[STORED["case"] == case]
    tidy = fit.tidy()
    assert tidy["group"].astype(str).tolist() == stored["group"].astype(str).tolist()
    for ours, theirs in zip(NAMES, R_NAMES, strict=True):
        np.testing.assert_allclose(tidy[ours].astype(float), stored[theirs].astype(float), rtol=1e-10, atol=1e-12)


seeds = st.integers(0, 10_000)
modest = settings(max_examples=8, deadline=None)


@pytest.mark.parametrize("options", [{}, {"entry": "from"}])
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies(made, options, seed):
    data = made(seed)
    fit = nelson_aalen(data, "days", "event", by="z", weights="k", **options)
    many = nelson_aalen(data.loc[data.index.repeat(data["k"])], "days", "event", by="z", **options)
    pd.testing.assert_frame_equal(fit.tidy(), many.tidy(), check_dtype=False, rtol=1e-10)


@given(seed=seeds)
@modest
def test_splitting_rows_row_order_and_unit_change_nothing(halved, made, seed):
    data = made(seed)
    arguments = {"by": "z", "entry": "from", "weights": "w", "cluster": "row"}
    split = halved(data)
    times = np.unique(data["days"])
    whole = nelson_aalen(data, "days", "event", **arguments).at(times)
    pd.testing.assert_frame_equal(nelson_aalen(split, "days", "event", **arguments).at(times), whole, rtol=1e-9)
    shuffled = nelson_aalen(data.sample(frac=1, random_state=seed), "days", "event", **arguments)
    pd.testing.assert_frame_equal(shuffled.at(times), whole, rtol=1e-9)
    scaled = data.assign(**{"days": data["days"] * 86_400, "from": data["from"] * 86_400})
    other = nelson_aalen(scaled, "days", "event", **arguments).at(times * 86_400)
    pd.testing.assert_frame_equal(other.drop(columns="time"), whole.drop(columns="time"), rtol=1e-9)


@given(seed=seeds)
@modest
def test_it_is_the_baseline_of_cox_without_effect(made, seed):
    """Breslow's baseline hazard at coefficients of 0 is the Nelson-Aalen estimate."""
    data = made(seed)
    event = data["event"].to_numpy(dtype=float)
    sets = risk_sets(rank_times(data["days"].to_numpy(), data["from"].to_numpy()), event == 1)
    prepared = partial.sample(sets, np.zeros((1, len(data))), event, data["w"].to_numpy(), "breslow")
    baseline = partial.cumulative_hazard(prepared, partial.evaluate(prepared, np.zeros(1)))
    fit = nelson_aalen(data, "days", "event", entry="from", weights="w")
    np.testing.assert_allclose(fit.tidy().query("n_event > 0")["estimate"], baseline, rtol=1e-12)


@given(seed=seeds)
@modest
def test_jackknife_variance_is_the_derivative_by_each_weight(made, seed):
    data = made(seed, 14)
    time, event, entry, w = (data[name].to_numpy(dtype=float) for name in ("days", "event", "from", "w"))

    def hazard(at: float, weights: np.ndarray) -> float:
        total = 0.0
        for t in sorted({time[i] for i in range(len(time)) if event[i] and time[i] <= at}):
            at_risk = (entry < t) & (t <= time)
            total += weights[at_risk & (time == t) & (event == 1)].sum() / weights[at_risk].sum()
        return total

    fit = nelson_aalen(data, "days", "event", entry="from", weights="w", cluster="pair").tidy()
    for row in fit.itertuples():
        assert row.estimate == pytest.approx(hazard(row.time, w), rel=1e-12, abs=1e-14)
        slopes = []
        for i in range(len(time)):
            step = np.zeros(len(time))
            step[i] = 1e-5
            slopes.append(w[i] * (hazard(row.time, w + step) - hazard(row.time, w - step)) / 2e-5)
        expected = np.sqrt((pd.Series(slopes).groupby(data["pair"]).sum() ** 2).sum())
        assert row.std_error == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_intervals_are_those_of_the_book(made):
    """Klein and Moeschberger (2003), section 4.3, written out."""
    data = made(3)
    z = scipy.stats.norm.ppf(0.95)
    for conf_type in ("log", "plain", "arcsine"):
        table = nelson_aalen(data, "days", "event", level=0.9, conf_type=conf_type).tidy()
        h, e = table["estimate"].to_numpy(), table["std_error"].to_numpy()
        if conf_type == "plain":
            low, high = np.maximum(h - z * e, 0), h + z * e
        elif conf_type == "log":
            low, high = h / np.exp(z * e / h), h * np.exp(z * e / h)
        else:
            root, half = np.arcsin(np.exp(-h / 2)), 0.5 * z * e * (np.exp(h) - 1) ** -0.5
            low = -2 * np.log(np.sin(np.minimum(np.pi / 2, root + half)))
            high = -2 * np.log(np.sin(np.maximum(0, root - half)))
        np.testing.assert_allclose(table["conf_low"], low, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(table["conf_high"], high, rtol=1e-12)


def test_curves_are_read_at_any_time(made):
    data = made(5)
    fit = nelson_aalen(data, "days", "event", by="z", entry="from", weights="w")
    table = fit.at([0.0, 7.5, 12, 20, 20.5])
    for row in table.itertuples():
        just_after = max(row.time, 1e-9)
        inside = data[(data["z"] == row.group) & (data["from"] < just_after) & (row.time <= data["days"])]
        assert row.n_risk == pytest.approx(inside["w"].sum(), abs=1e-12)
    assert table.loc[table["time"] == 20.5, "estimate"].isna().all()
    assert table.loc[table["time"] == 0, "estimate"].eq(0).all()
    assert fit.at(7)["time"].tolist() == [7, 7]
    seen = fit.tidy().query("group == 1 and time <= 12").iloc[-1]
    assert table.query("group == 1 and time == 12")["estimate"].item() == seen["estimate"]
    plain = nelson_aalen(data, "days", "event")
    assert plain.at([3, 1])["n_risk"].tolist() == [(data["days"] >= 3).sum(), len(data)]
    assert plain.at(3)["n_risk"].dtype.kind == "i"


def test_a_design_brings_its_weights_and_sets(made):
    data = made(9)
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(data, "z", weights, data["pair"].where(weights > 0), "ATT", (), "Made", pd.DataFrame(), ("Note.",))
    plain = nelson_aalen(data[weights > 0], "days", "event", by="z", weights="w", cluster="pair")
    found = nelson_aalen(design, "days", "event", by="z")
    pd.testing.assert_frame_equal(found.tidy(), plain.tidy())
    assert "Note." in found.notes


def test_what_is_refused_and_what_is_noted(made):
    data = made(2)
    for options in ({"weights": "w"}, {"weights": "k"}, {"cluster": "pair"}):
        with pytest.raises(InputError, match="needs people who count once"):
            nelson_aalen(data, "days", "event", ties="fleming-harrington", **options)
    for call, message in [
        (lambda: nelson_aalen(data, "days", "event", ties="efron"), "ties must be one of"),
        (lambda: nelson_aalen(data, "days", "event", conf_type="log-log"), "conf_type must be one of log, plain"),
        (lambda: nelson_aalen(data, "days", "event", level=95), "level must lie between"),
        (lambda: nelson_aalen(data, "days", "event").at([np.nan]), "without missing values"),
        (lambda: nelson_aalen(data.assign(event=2), "days", "event"), "column event: is not 0 or 1"),
        (lambda: nelson_aalen(data.assign(**{"from": 99}), "days", "event", entry="from"), "at or after the duration"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
    quiet = nelson_aalen(data.assign(event=0), "days", "event")
    assert quiet.notes == ("No events.",)
    assert quiet.tidy()["estimate"].eq(0).all()
    assert quiet.tidy()["conf_high"].isna().all()
    repr(quiet)


def test_the_result_keeps_the_contract(made):
    data = made(4)
    fit = nelson_aalen(data, "days", "event", by="z")
    assert isinstance(fit, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.level = 0.9
    assert repr(fit) == repr(nelson_aalen(data, "days", "event", by="z"))
    assert repr(fit).startswith("Nelson-Aalen; 95% log intervals; Aalen's variance\n0: n = ")
    axes = plt.subplots()[1]
    assert fit.plot(axes) is axes
    assert axes.get_ylabel() == "Cumulative hazard"
    assert len({line.get_linestyle() for line in axes.lines}) == 2
    assert not fit.plot(at_risk=False).texts
    kaplan = kaplan_meier(data, "days", "event", by="z")
    assert (np.exp(-fit.tidy()["estimate"]) >= kaplan.tidy()["estimate"] - 1e-12).all()
    plt.close("all")
