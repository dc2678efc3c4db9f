"""Residuals against R, against their definitions, and as sums that must be what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.errors import InputError
from impact.survival.cox import cox
from impact.survival.likelihoods.partial import evaluate, sample
from impact.survival.likelihoods.residuals import deviance, expected_events, schoenfeld
from impact.survival.riskset import rank_times, risk_sets
from tests.survival.depth import MODELS, fitted, people, stored
from tests.survival.test_kernel import partial_likelihood

STORED = stored("residuals").set_index(["case", "type"]).sort_index()
KINDS = {"scaledsch": "scaled-schoenfeld"}


def in_order_of_r(case: str, table: pd.DataFrame) -> pd.DataFrame:
    """Schoenfeld residuals by stratum and time, as R gives them."""
    frame, model = people(case), MODELS[case]
    keys = [frame[model["strata"]]] if "strata" in model else []
    keys.append(frame[model.get("duration", "time")])
    order = pd.concat(keys, axis=1).sort_values([key.name for key in keys], kind="stable").index
    return table.loc[order].dropna()


@pytest.mark.parametrize("case", sorted({case for case, _ in STORED.index if ":" not in case}))
def test_residuals_are_those_of_r(case):
    fit = fitted(case)
    for kind in sorted({kind for name, kind in STORED.index if name == case}):
        found = fit.residuals(KINDS.get(kind, kind))
        found = in_order_of_r(case, found) if "sch" in kind else found.dropna()
        expected = STORED.loc[[(case, kind)], "value"].to_numpy()
        np.testing.assert_allclose(found.to_numpy().ravel(order="F"), expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("case", ["veteran_all", "heart_cluster"])
def test_residuals_summed_by_cluster_are_those_of_r(case):
    fit = fitted(case)
    for kind in ("martingale", "deviance", "score", "dfbeta", "dfbetas"):
        found = fit.residuals(kind, collapse=True)
        expected = STORED.loc[[(f"{case}:collapsed", kind)], "value"].to_numpy()
        if kind == "deviance":
            # R leaves − N log N out where a cluster has N > 1 events, and so gives no deviance there.
            events = people(case).groupby(MODELS[case]["cluster"])[MODELS[case].get("event", "status")].sum()
            single = events.loc[found.index].to_numpy() <= 1
            assert single.all() == (case == "heart_cluster")
            found, expected = found[single], expected[single]
        np.testing.assert_allclose(found.to_numpy().ravel(order="F"), expected, rtol=1e-8, atol=1e-9)


def test_deviance_of_several_events_is_that_of_a_poisson_count():
    """2 [N log(N / E) − (N − E)], by hand, with the sign of N − E."""
    events, expected = np.array([3.0, 2.0, 0.0, 1.0]), np.array([1.2, 2.7, 0.4, 1.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(events > 0, events * np.log(events / expected), 0)
    by_hand = np.sign(events - expected) * np.sqrt(2 * (logs - (events - expected)))
    np.testing.assert_allclose(deviance(events - expected, events), by_hand, rtol=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("case", ["veteran_all", "veteran_naive", "heart", "weighted1"])
def test_residuals_sum_to_what_they_must(case, ties):
    fit = cox(people(case), **{"duration": "time", "event": "status", **MODELS[case], "ties": ties})
    frame, weights = people(case), MODELS[case].get("weights")
    w = 1.0 if weights is None else frame[weights]
    assert (w * fit.residuals("martingale")).sum() == pytest.approx(0, abs=1e-8)
    unit = fit.residuals("score").abs().sum()
    np.testing.assert_allclose(fit.residuals("score").mul(w, axis=0).sum() / unit, 0, atol=1e-8)
    np.testing.assert_allclose(fit.residuals("schoenfeld").mul(w, axis=0).sum() / unit, 0, atol=1e-8)
    influence = fit.residuals("dfbeta")
    if MODELS[case].get("cluster"):
        influence = fit.residuals("dfbeta", collapse=True)
    if fit.robust:
        np.testing.assert_allclose(influence.T.to_numpy() @ influence.to_numpy(), fit.covariance, rtol=1e-9)


def test_dfbeta_is_nearly_the_change_when_a_row_is_left_out():
    frame = people("ovarian")
    fit = cox(frame, "time", "status", ["age"])
    moved = fit.residuals("dfbeta")["age"]
    dropped = [fit.coefficients[0] - cox(frame.drop(i), "time", "status", ["age"]).coefficients[0] for i in frame.index]
    assert np.corrcoef(moved, dropped)[0, 1] > 0.99
    weights = frame.assign(w=1.0)
    for row in (3, 7):
        up, down = weights.copy(), weights.copy()
        up.loc[row, "w"] += 1e-4
        down.loc[row, "w"] -= 1e-4
        slopes = [cox(part, "time", "status", ["age"], weights="w").coefficients[0] for part in (up, down)]
        assert moved[row] == pytest.approx((slopes[0] - slopes[1]) / 2e-4, rel=1e-5)


def test_residuals_stand_on_the_rows_given():
    frame = people("lung").set_index("row")
    frame.index = [f"p{row}" for row in frame.index]
    fit = cox(frame, "time", "status", ["age", "ecog"], weights="w")
    used = frame["ecog"].notna() & (frame["w"] > 0)
    martingale = fit.residuals()
    assert martingale.index.equals(frame.index)
    assert martingale.notna().equals(used)
    assert fit.residuals("schoenfeld").notna().all(axis=1).equals(used & (frame["status"] == 1))
    assert fit.residuals("score").columns.tolist() == ["age", "ecog"]
    with pytest.raises(InputError, match="name a cluster"):
        fit.residuals("score", collapse=True)
    with pytest.raises(InputError, match="kind must be one of martingale"):
        fit.residuals("pearson")
    grouped = cox(frame, "time", "status", ["age", "ecog"], cluster="inst").residuals("martingale", collapse=True)
    assert grouped.index.name == "inst"
    assert grouped.index.tolist() == sorted(frame.loc[frame["ecog"].notna(), "inst"].dropna().unique())
    with pytest.raises(InputError, match="not for Schoenfeld's"):
        cox(frame, "time", "status", ["age"], cluster="inst").residuals("schoenfeld", collapse=True)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_expected_events_and_schoenfeld_are_their_definitions(ties):
    rng = np.random.default_rng(8)
    n = 25
    entry = rng.integers(0, 4, n).astype(float)
    time, event = entry + rng.integers(1, 5, n), rng.integers(0, 2, n).astype(float)
    x, strata, weights = rng.normal(size=(n, 2)), rng.integers(0, 2, n), rng.integers(1, 6, n) / 4
    beta = np.array([0.4, -0.8])
    sets = risk_sets(rank_times(time, entry), event == 1, strata)
    data = sample(sets, np.ascontiguousarray(x.T), event, weights, ties)
    point = evaluate(data, beta)
    expected, own = np.zeros(n), {}
    for i in np.flatnonzero(event):
        there = (strata == strata[i]) & (entry < time[i]) & (time[i] <= time)
        dead = there & (event == 1) & (time == time[i])
        d = int(dead.sum())
        means = []
        for step in range(d):
            share = step / d if ties == "efron" else 0.0
            part = np.where(there, weights * np.exp(x @ beta) * (1 - share * dead), 0)
            means.append(part @ x / part.sum())
            alive = there * np.exp(x @ beta) * (1 - share * dead) / part.sum()
            expected += weights[i] / d * alive
        own[i] = x[i] - np.mean(means, axis=0)
    np.testing.assert_allclose(expected_events(data, point), expected, rtol=1e-10)
    np.testing.assert_allclose(schoenfeld(data, point).T, [own[i] for i in data.events], rtol=1e-9, atol=1e-12)
    loops = partial_likelihood(time, event, x, beta, entry=entry, strata=strata, weights=weights, ties=ties)
    total = sum(weights[i] * row for i, row in own.items())
    np.testing.assert_allclose(total, loops.score, rtol=1e-9)
