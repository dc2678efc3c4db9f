"""Rates by piece of follow-up against a Poisson regression, exact tests, hand counts, and what must not change them."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.design import Design
from impact.errors import InputError
from impact.results import Result
from impact.survival.piecewise_hazard import piecewise_hazard

CUTS = [6, 13]
EDGES = [0, *CUTS, np.inf]


def split(data: pd.DataFrame) -> pd.DataFrame:
    """One row for each person and piece, by loops."""
    rows = []
    for person in data.to_dict("records"):
        for piece in range(len(EDGES) - 1):
            start, stop = max(person["from"], EDGES[piece]), min(person["days"], EDGES[piece + 1])
            if stop > start:
                died = person["event"] * (person["days"] <= EDGES[piece + 1])
                rows.append({**person, "piece": piece, "time": stop - start, "died": died})
    return pd.DataFrame(rows)


seeds = st.integers(0, 10_000)
modest = settings(max_examples=8, deadline=None)


@pytest.mark.parametrize("options", [{}, {"cluster": "pair"}, {"weights": "w"}, {"weights": "w", "cluster": "pair"}])
def test_rates_and_errors_are_those_of_poisson_regression(made, options):
    """The GLM with a rate for each group and piece; robust errors by its sandwich, without small-sample factors."""
    data = made(5, 120)
    rows = split(data)
    cell = 3 * rows["z"] + rows["piece"]
    design = np.eye(6)[cell]
    weights = rows["w"] if "weights" in options else np.ones(len(rows))
    model = sm.GLM(rows["died"], design, family=sm.families.Poisson(), offset=np.log(rows["time"]), var_weights=weights)
    fit = model.fit(tol=1e-14, maxiter=200)
    found = piecewise_hazard(data, "days", "event", CUTS, by="z", entry="from", **options)
    table = found.tidy()
    np.testing.assert_allclose(table["estimate"], 100 * np.exp(fit.params), rtol=1e-10)
    covariance = inverse = np.asarray(fit.cov_params())
    if options:
        score = design * (weights * (rows["died"] - fit.mu)).to_numpy()[:, None]
        groups = rows[options.get("cluster", "row")]
        sums = pd.DataFrame(score).groupby(groups.to_numpy()).sum().to_numpy()
        covariance = inverse @ sums.T @ sums @ inverse
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(table["std_error"], table["estimate"] * errors, rtol=1e-8)
    ratios = found.ratios()
    for piece in range(3):
        a, b = piece, 3 + piece
        row = ratios.iloc[piece]
        assert row["estimate"] == pytest.approx(np.exp(np.asarray(fit.params)[b] - np.asarray(fit.params)[a]), rel=1e-9)
        error = np.sqrt(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b])
        assert row["std_error"] == pytest.approx(error, rel=1e-8)
        if options:
            z = np.log(row["estimate"]) / error
            assert row["p_value"] == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-7)
            high = row["estimate"] * np.exp(scipy.stats.norm.ppf(0.975) * error)
            assert row["conf_high"] == pytest.approx(high, rel=1e-8)


@pytest.mark.parametrize("cluster", [None, "pair"])
@given(seed=seeds)
@modest
def test_counts_are_those_of_the_rows_split(made, cluster, seed):
    data = made(seed)
    rows = split(data)
    table = piecewise_hazard(data, "days", "event", CUTS, by="z", entry="from", weights="w", cluster=cluster).tidy()
    for row in table.itertuples():
        part = rows[(rows["z"] == row.group) & (rows["piece"] == EDGES.index(row.start))]
        assert row.n == len(part)
        assert row.person_days == pytest.approx((part["w"] * part["time"]).sum(), abs=1e-10)
        assert row.n_event == pytest.approx((part["w"] * part["died"]).sum(), abs=1e-12)


def test_exact_limits_hold_the_tails(made):
    """At each limit of a rate, and of a ratio, the chance of what was seen or beyond is 2.5%."""
    data = made(7)
    found = piecewise_hazard(data, "days", "event", CUTS, by="z")
    for row in found.tidy().itertuples():
        low, high = (limit / 100 * row.person_days for limit in (row.conf_low, row.conf_high))
        assert scipy.stats.poisson.sf(row.n_event - 1, low) == pytest.approx(0.025, rel=1e-8)
        assert scipy.stats.poisson.cdf(row.n_event, high) == pytest.approx(0.025, rel=1e-8)
    table = found.tidy().set_index(["group", "start"])
    for row in found.ratios().itertuples():
        first, second = table.loc[(0, row.start)], table.loc[(1, row.start)]
        total = first["n_event"] + second["n_event"]

        def share(ratio, first=first, second=second):
            return ratio * second["person_days"] / (first["person_days"] + ratio * second["person_days"])

        tails = (
            scipy.stats.binom.sf(second["n_event"] - 1, total, share(row.conf_low)),
            scipy.stats.binom.cdf(second["n_event"], total, share(row.conf_high)),
        )
        np.testing.assert_allclose(tails, 0.025, rtol=1e-8)
        under = scipy.stats.binom.sf(second["n_event"] - 1, total, share(1.0))
        over = scipy.stats.binom.cdf(second["n_event"], total, share(1.0))
        assert row.p_value == pytest.approx(min(1, 2 * min(under, over)), rel=1e-10)
        assert (row.p_value < 0.05) == (not row.conf_low <= 1 <= row.conf_high)


def test_limits_are_as_printed_in_tables():
    """Garwood (1936): no event gives 0 to 3.689, one 0.0253 to 5.572, ten 4.795 to 18.39."""
    for count, low, high in ((0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)):
        data = pd.DataFrame({"days": [100] * 20, "again": [1] * count + [0] * (20 - count)})
        row = piecewise_hazard(data, "days", "again", [50]).tidy().iloc[1]
        assert row["conf_low"] * 10 == pytest.approx(low, abs=6e-4)
        assert row["conf_high"] * 10 == pytest.approx(high, rel=2e-4)


@given(seed=seeds)
@modest
def test_weight_k_is_k_copies_and_what_changes_nothing(halved, made, seed):
    data = made(seed)
    arguments = {"by": "z", "entry": "from"}
    one = piecewise_hazard(data, "days", "event", CUTS, weights="k", **arguments)
    many = piecewise_hazard(data.loc[data.index.repeat(data["k"])], "days", "event", CUTS, **arguments)
    pd.testing.assert_frame_equal(one.tidy().drop(columns="n"), many.tidy().drop(columns="n"), rtol=1e-10)
    pd.testing.assert_frame_equal(one.ratios(), many.ratios(), rtol=1e-10)
    robust = {**arguments, "weights": "w", "cluster": "row"}
    whole = piecewise_hazard(data, "days", "event", CUTS, **robust).tidy()
    halves = halved(data)
    for frame in (halves, data.sample(frac=1, random_state=1)):
        other = piecewise_hazard(frame, "days", "event", CUTS, **robust).tidy()
        pd.testing.assert_frame_equal(other.drop(columns="n"), whole.drop(columns="n"), rtol=1e-9)
    no_cluster = piecewise_hazard(data, "days", "event", CUTS, **{**robust, "cluster": None}).tidy()
    pd.testing.assert_frame_equal(no_cluster, whole, rtol=1e-10)


def test_intervals_cover_a_true_rate():
    """1,000 samples of a rate of 3 and 1 per 100 days: exact limits cover at least 95%, robust ones about."""
    rng = np.random.default_rng(11)
    covered = {"exact": np.zeros(2), "robust": np.zeros(2)}
    for _ in range(1_000):
        early = rng.exponential(100 / 3, 150)
        days = np.where(early < 20, early, 20 + rng.exponential(100, 150))
        frame = pd.DataFrame({"days": np.minimum(days, 60), "event": (days < 60).astype(int), "row": np.arange(150)})
        for name, cluster in (("exact", None), ("robust", "row")):
            table = piecewise_hazard(frame, "days", "event", [20], cluster=cluster).tidy()
            covered[name] += ((table["conf_low"] <= [3, 1]) & (table["conf_high"] >= [3, 1])).to_numpy()
    assert (covered["exact"] / 1_000 > 0.95 - 2 * 0.007).all()
    assert (np.abs(covered["robust"] / 1_000 - 0.95) < 0.025).all()


def test_a_design_brings_its_weights_and_sets(made):
    data = made(9)
    weights = data["w"].where(data["row"] > 9, 0.0)
    design = Design(data, "z", weights, data["pair"].where(weights > 0), "ATT", (), "Made", pd.DataFrame(), ("Note.",))
    plain = piecewise_hazard(data[weights > 0], "days", "event", CUTS, by="z", weights="w", cluster="pair")
    found = piecewise_hazard(design, "days", "event", CUTS, by="z")
    pd.testing.assert_frame_equal(found.tidy(), plain.tidy())
    pd.testing.assert_frame_equal(found.ratios(), plain.ratios())
    assert "Note." in found.notes


def test_pathological_sets():
    """Nobody in a piece, no events in a piece, events at once, everyone on a cut."""
    data = pd.DataFrame({"days": [6, 6, 6, 0], "event": [1, 1, 0, 1], "z": ["a", "a", "b", "b"]})
    found = piecewise_hazard(data, "days", "event", [6, 9], by="z")
    table = found.tidy()
    assert table["n_event"].tolist() == [2, 0, 0, 1, 0, 0]
    assert table["person_days"].tolist() == [12, 0, 0, 6, 0, 0]
    assert table["estimate"].isna().tolist() == [False, True, True] * 2
    assert "1 events at time 0 add no time at risk." in found.notes
    assert "Group a: nobody is at risk after 6 days." in found.notes
    assert found.ratios()["estimate"].isna().tolist() == [False, True, True]
    quiet = piecewise_hazard(data.assign(event=0), "days", "event", [3], by="z")
    assert quiet.tidy().loc[0, ["estimate", "conf_low"]].tolist() == [0, 0]
    assert quiet.ratios()["estimate"].isna().all()
    robust = piecewise_hazard(data.assign(event=0, row=range(4)), "days", "event", [3], by="z", cluster="row")
    assert robust.tidy()["conf_high"].isna().all()
    assert robust.ratios()["p_value"].isna().all()
    one = piecewise_hazard(data.assign(event=[1, 0, 0, 0]), "days", "event", [3], by="z").ratios()
    assert one.loc[1, ["estimate", "conf_low"]].tolist() == [0, 0]
    assert np.isfinite(one.loc[1, "conf_high"])
    none_first = piecewise_hazard(data.assign(event=[0, 0, 1, 0]), "days", "event", [3], by="z").ratios()
    assert none_first.loc[1, "estimate"] == np.inf == none_first.loc[1, "conf_high"]
    assert none_first.loc[1, "conf_low"] > 0


def test_what_cannot_be_meant_is_said(made):
    data = made(4)
    for cuts in ([0, 5], [5, 5], [9, 3], [np.inf], [np.nan], [-1]):
        with pytest.raises(InputError, match="cuts must be days above 0"):
            piecewise_hazard(data, "days", "event", cuts)
    with pytest.raises(InputError, match="name a column of groups"):
        piecewise_hazard(data, "days", "event", CUTS).ratios()
    with pytest.raises(InputError, match="level must lie"):
        piecewise_hazard(data, "days", "event", CUTS, level=1)
    with pytest.raises(InputError, match="column days: is below 0"):
        piecewise_hazard(data.assign(days=-1), "days", "event", CUTS)


def test_the_result_keeps_the_contract(made):
    data = made(4)
    found = piecewise_hazard(data, "days", "event", CUTS, by="z")
    assert isinstance(found, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.level = 0.9
    assert repr(found) == repr(piecewise_hazard(data, "days", "event", CUTS, by="z"))
    assert repr(found).startswith("Events per 100 person-days; exact Poisson intervals\n0, days 0 to 6: ")
    axes = plt.subplots()[1]
    assert found.plot(axes) is axes
    assert axes.get_ylabel() == "Events per 100 person-days"
    plt.close("all")
