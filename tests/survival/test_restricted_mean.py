"""Restricted means against R, areas, the jackknife done by leaving people out, and what must not change them."""

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
from impact.survival.restricted_mean import rmst, rmtl

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
STORED = pd.read_csv(STORE / "reference_rmst.csv").set_index(["case", "horizon", "item"]).sort_index()
CASES = {
    "lung": {"by": "sex"},
    "lung_one": {},
    "lung_whole": {"by": "sex", "weights": "k"},
    "lung_entry": {"by": "sex", "entry": "late"},
    "veteran": {"by": "celltype"},
    "lung_cluster": {"by": "sex", "cluster": "pair"},
    "lung_weights": {"by": "sex", "weights": "w"},
    "lung_weights_cluster": {"by": "sex", "weights": "w", "cluster": "pair"},
    "lung_entry_weights": {"by": "sex", "entry": "late", "weights": "w"},
    "lung_all": {"by": "sex", "entry": "late", "weights": "w", "cluster": "pair"},
}
CAUSES = {
    "mgus": {},
    "mgus_weights": {"weights": "w", "cluster": "pair"},
    "mgus_all": {"entry": "late", "weights": "w", "cluster": "pair"},
}


def people(case: str) -> pd.DataFrame:
    name = case.split("_")[0]
    return pd.read_csv(STORE / f"{'mgus2' if name == 'mgus' else name}.csv")


def means(result) -> pd.DataFrame:
    return result.tidy().query("term == 'mean'")


def is_that_of_r(found, case: str, horizon: float) -> None:
    size = len(found.labels)
    np.testing.assert_allclose(found.estimates, STORED.loc[[(case, horizon, "mean")], "value"], rtol=1e-10)
    if (case, horizon, "error") in STORED.index:
        np.testing.assert_allclose(
            means(found)["std_error"], STORED.loc[[(case, horizon, "error")], "value"], rtol=1e-8
        )
    else:
        stored = STORED.loc[[(case, horizon, "cov")], "value"].to_numpy().reshape(size, size)
        np.testing.assert_allclose(found.covariance, stored, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_restricted_means_are_those_of_r(case):
    for horizon in {30, 150} if case == "veteran" else {100, 365.25, 500}:
        is_that_of_r(rmst(people(case), "time", "status", horizon, **CASES[case]), case, horizon)


@pytest.mark.parametrize("case", CAUSES)
@pytest.mark.parametrize("cause", [1, 2])
def test_times_lost_to_a_cause_are_those_of_r(case, cause):
    for horizon in (60, 200):
        found = rmtl(people(case), "days", "outcome", horizon, cause=cause, by="sex", **CAUSES[case])
        is_that_of_r(found, f"{case}_{cause}", horizon)


seeds = st.integers(0, 10_000)
modest = settings(max_examples=8, deadline=None)
OPTIONS = [{}, {"entry": "from"}, {"weights": "k"}, {"weights": "w", "entry": "from"}]


@pytest.mark.parametrize("options", OPTIONS)
@given(seed=seeds, horizon=st.sampled_from([3.0, 7.5, 12.0, 20.0]))
@modest
def test_it_is_the_area_under_kaplan_meier(made, options, seed, horizon):
    data = made(seed)
    fit = rmst(data, "days", "event", horizon, by="z", **options)
    curve = kaplan_meier(data, "days", "event", by="z", **options).tidy()
    for label, estimate in zip(fit.labels, fit.estimates, strict=True):
        part = curve[(curve["group"] == label) & (curve["time"] < horizon)]
        edges, heights = np.r_[0, part["time"], horizon], np.r_[1, part["estimate"]]
        assert estimate == pytest.approx(float(np.diff(edges) @ heights), rel=1e-12)


@given(seed=seeds)
@modest
def test_time_lost_to_every_cause_and_time_free_add_to_the_horizon(made, seed):
    data = made(seed)
    for options in OPTIONS:
        lost = sum(
            rmtl(data, "days", "outcome", 15, cause=cause, by="z", **options).estimates
            for cause in data["outcome"].unique()
            if cause
        )
        np.testing.assert_allclose(rmst(data, "days", "event", 15, by="z", **options).estimates + lost, 15, rtol=1e-12)


@given(seed=seeds)
@modest
def test_with_one_cause_the_errors_are_those_of_the_mean(made, seed):
    data = made(seed)
    for options in (*OPTIONS, {"cluster": "pair"}):
        one = rmtl(data, "days", "event", 15, by="z", **options)
        np.testing.assert_allclose(
            one.covariance, rmst(data, "days", "event", 15, by="z", **options).covariance, rtol=1e-10, atol=1e-14
        )


@given(seed=seeds)
@modest
def test_unit_weights_make_the_jackknife_greenwoods(made, seed):
    """Where nobody enters late; with causes too."""
    data = made(seed)
    for cause in (1, 2):
        plain = rmtl(data, "days", "outcome", 15, cause=cause, by="z")
        jackknife = rmtl(data, "days", "outcome", 15, cause=cause, by="z", cluster="row")
        np.testing.assert_allclose(np.diag(jackknife.covariance), np.diag(plain.covariance), rtol=1e-9)


@given(seed=seeds)
@modest
def test_greenwoods_formula_written_out(made, seed):
    data = made(seed)
    found = rmst(data, "days", "event", 12.5, entry="from")
    curve = kaplan_meier(data, "days", "event", entry="from").tidy()
    total = 0.0
    for row in curve[(curve["n_event"] > 0) & (curve["time"] < 12.5)].itertuples():
        later = curve[(curve["time"] >= row.time) & (curve["time"] < 12.5)]
        area = float(np.diff(np.r_[later["time"], 12.5]) @ later["estimate"])
        if row.n_risk > row.n_event:
            total += area**2 * row.n_event / (row.n_risk * (row.n_risk - row.n_event))
    assert found.covariance[0, 0] == pytest.approx(total, rel=1e-10)


def aalen_johansen(data: pd.DataFrame, horizon: float, cause: int, w: np.ndarray) -> float:
    """The area under the cumulative incidence, by loops."""
    time, outcome, entry = (data[name].to_numpy() for name in ("days", "outcome", "from"))
    survival, lost = 1.0, 0.0
    for t in sorted(set(time[(outcome > 0) & (time < horizon)])):
        at_risk = (entry < t) & (t <= time)
        here = at_risk & (time == t)
        total = w[at_risk].sum()
        lost += (horizon - t) * survival * w[here & (outcome == cause)].sum() / total
        everyone = here.sum() == at_risk.sum() and (outcome[here] > 0).all()
        survival *= 0.0 if everyone else 1 - w[here & (outcome > 0)].sum() / total
    return lost


@pytest.mark.parametrize("cause", [1, 2])
@given(seed=seeds)
@modest
def test_jackknife_variance_is_the_derivative_by_each_weight(made, cause, seed):
    data = made(seed, 24)
    data["outcome"] = data["outcome"].where(data["row"] > 1, [1] + [2] * (len(data) - 1))
    w = data["w"].to_numpy()
    found = rmtl(data, "days", "outcome", 12.5, cause=cause, entry="from", weights="w", cluster="pair")
    assert found.estimates[0] == pytest.approx(aalen_johansen(data, 12.5, cause, w), rel=1e-12, abs=1e-14)
    slopes = []
    for i in range(len(data)):
        step = np.zeros(len(data))
        step[i] = 1e-5
        up, down = (aalen_johansen(data, 12.5, cause, w + s) for s in (step, -step))
        slopes.append(w[i] * (up - down) / 2e-5)
    expected = float((pd.Series(slopes).groupby(data["pair"]).sum() ** 2).sum())
    assert found.covariance[0, 0] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_leaving_each_person_out_gives_nearly_the_same_error(made):
    data = made(8, 200)
    found = rmst(data, "days", "event", 15, by="z", weights="w")
    left_out = np.array(
        [rmst(data.drop(index=i), "days", "event", 15, by="z", weights="w").estimates for i in data.index]
    )
    spread = ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(spread, np.diag(found.covariance), rtol=0.05)


@pytest.mark.parametrize("options", [{}, {"entry": "from"}])
@given(seed=seeds)
@modest
def test_weight_k_is_k_copies(made, options, seed):
    data = made(seed)
    copies = data.loc[data.index.repeat(data["k"])]
    for cause in (1, 2):
        one = rmtl(data, "days", "outcome", 15, cause=cause, by="z", weights="k", **options)
        many = rmtl(copies, "days", "outcome", 15, cause=cause, by="z", **options)
        np.testing.assert_allclose(one.estimates, many.estimates, rtol=1e-12)
        np.testing.assert_allclose(one.covariance, many.covariance, rtol=1e-9, atol=1e-14)


@given(seed=seeds)
@modest
def test_splitting_rows_row_order_and_unit(halved, made, seed):
    data = made(seed)
    arguments = {"by": "z", "entry": "from", "weights": "w", "cluster": "row"}
    whole = rmst(data, "days", "event", 12, **arguments)
    split = halved(data)
    for frame, unit in ((split, 1), (data.sample(frac=1, random_state=1), 1), (data, 24.0)):
        frame = frame.assign(**{"days": frame["days"] * unit, "from": frame["from"] * unit})
        other = rmst(frame, "days", "event", 12 * unit, **arguments)
        np.testing.assert_allclose(other.estimates, whole.estimates * unit, rtol=1e-10)
        np.testing.assert_allclose(other.covariance, whole.covariance * unit**2, rtol=1e-8, atol=1e-12)


def test_difference_and_ratio_are_by_the_delta_method():
    data = people("lung")
    found = rmst(data, "time", "status", 365, by="sex", weights="w", cluster="pair", level=0.9)
    table = found.tidy().set_index("term")
    (a, b), v = found.estimates, found.covariance
    assert abs(v[0, 1]) > 0
    step = np.array([-1.0, 1.0])
    assert table.loc["difference", "estimate"] == b - a
    assert table.loc["difference", "std_error"] == pytest.approx(np.sqrt(step @ v @ step), rel=1e-12)
    slope = np.array([-1 / a, 1 / b])
    error = np.sqrt(slope @ v @ slope)
    z = scipy.stats.norm.ppf(0.95)
    assert table.loc["ratio", "estimate"] == b / a
    assert table.loc["ratio", "std_error"] == pytest.approx(error, rel=1e-12)
    assert table.loc["ratio", "conf_low"] == pytest.approx(b / a * np.exp(-z * error), rel=1e-12)
    assert table.loc["ratio", "p_value"] == pytest.approx(
        2 * scipy.stats.norm.sf(abs(np.log(b / a)) / error), rel=1e-10
    )
    assert table["group"].tolist() == [1, 2, 2, 2]


def test_the_error_is_that_of_samples_drawn_again():
    """800 samples of 80 people in two matched halves with weights: the spread of the estimates is the error said."""
    rng = np.random.default_rng(30)
    estimates, errors = [], []
    for _ in range(800):
        pair = np.tile(np.arange(40), 2)
        days = np.ceil(rng.exponential(20, 80) * np.tile(rng.gamma(2, 0.5, 40), 2))
        frame = pd.DataFrame({"days": np.minimum(days, 30), "event": (days <= 30) * 1, "pair": pair})
        frame["z"], frame["w"] = np.repeat([0, 1], 40), np.where(np.arange(80) < 40, 1.0, np.tile([0.5, 1.5], 40))
        row = rmst(frame, "days", "event", 25, by="z", weights="w", cluster="pair").tidy().query("term == 'difference'")
        estimates.append(row["estimate"].item())
        errors.append(row["std_error"].item())
    assert np.std(estimates) == pytest.approx(np.mean(errors), rel=0.09)


def test_a_horizon_that_not_all_are_followed_to_is_refused(made):
    data = made(4)
    data.loc[data["z"] == 1, "days"] = data["days"].clip(upper=11)
    data.loc[data["z"] == 1, "event"] = 0
    with pytest.raises(InputError) as caught:
        rmst(data, "days", "event", 15, by="z")
    assert "ends at 11 in group 1, before the horizon" in str(caught.value)
    assert "the longest horizon that serves every group is 11." in str(caught.value)
    assert rmst(data, "days", "event", 11, by="z").horizon == 11
    over = pd.DataFrame({"days": [1, 2, 3], "event": 1})
    assert rmst(over, "days", "event", 1e6).estimates[0] == pytest.approx(2)


def test_what_cannot_be_meant_is_said(made):
    data = made(4)
    for call, message in [
        (lambda: rmst(data, "days", "event", 0), "horizon must be a number of days above 0"),
        (lambda: rmst(data, "days", "event", np.nan), "horizon must be a number of days above 0"),
        (lambda: rmst(data, "days", "event", 15, level=0), "level must lie"),
        (lambda: rmst(data, "days", "outcome", 15), "column outcome: is not 0 or 1"),
        (lambda: rmtl(data, "days", "outcome", 15, cause=9), "cause must be one of 1, 2, 3, not 9"),
        (lambda: rmtl(data, "days", "outcome", 15, cause=0), "cause must be one of 1, 2, 3, not 0"),
        (lambda: rmtl(data.assign(outcome=-1), "days", "outcome", 15), "column outcome: is not a whole number from 0"),
        (lambda: rmst(data.assign(w=0.0), "days", "event", 15, weights="w"), "column w: is zero in every row"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_pathological_sets(made):
    quiet = pd.DataFrame({"days": [5, 6, 7], "event": 0})
    found = rmst(quiet, "days", "event", 7)
    assert found.estimates.tolist() == [7]
    assert np.isnan(means(found)["std_error"]).all()
    assert any("No spread to estimate" in note for note in found.notes)
    tied = pd.DataFrame({"days": 4, "event": [1, 1, 1, 1]})
    assert rmst(tied, "days", "event", 9).estimates.tolist() == [4]
    pair = pd.DataFrame({"days": [2, 6], "event": [1, 0]})
    found = rmst(pair, "days", "event", 6)
    assert found.estimates.tolist() == [4]
    assert found.covariance[0, 0] == pytest.approx(2**2 / 2)
    late = pd.DataFrame({"days": [3, 9, 12], "event": [1, 1, 0], "from": [0, 5, 5]})
    found = rmst(late, "days", "event", 8, entry="from")
    assert any("falls to 0 at 3" in note for note in found.notes)
    empty = made(1, 50).assign(z=np.where(np.arange(50) < 25, "a", "b"))
    empty.loc[empty["z"] == "b", "days"] = np.nan
    found = rmst(empty, "days", "event", 10, by="z")
    assert found.labels == ("a",)
    assert "Group b: no row has every value needed." in found.notes


def test_a_design_brings_its_weights_and_sets(made):
    data = made(9)
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(data, "z", weights, data["pair"].where(weights > 0), "ATT", (), "Made", pd.DataFrame(), ("Note.",))
    for function, event in ((rmst, "event"), (rmtl, "outcome")):
        plain = function(data[weights > 0], "days", event, 10, by="z", weights="w", cluster="pair")
        found = function(design, "days", event, 10, by="z")
        pd.testing.assert_frame_equal(found.tidy(), plain.tidy())
        assert "Note." in found.notes


def test_the_result_keeps_the_contract(made):
    data = made(4)
    fit = rmst(data, "days", "event", 15, by="z")
    assert isinstance(fit, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.level = 0.9
    assert repr(fit) == repr(rmst(data, "days", "event", 15, by="z"))
    assert repr(fit).startswith("Restricted mean time without the event, first 15 days; Greenwood's variance\n0: ")
    for result in (fit, rmtl(data, "days", "outcome", 15, by="z")):
        axes = plt.subplots()[1]
        assert result.plot(axes) is axes
        assert len({line.get_linestyle() for line in axes.lines[:2]}) == 2
        assert axes.get_legend().get_texts()[0].get_text().startswith("0: ")
    plt.close("all")
