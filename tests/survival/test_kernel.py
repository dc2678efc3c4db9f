"""The kernel against the definitions written as loops, for every combination of its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.survival.likelihoods.concordance import concordance
from impact.survival.likelihoods.partial import evaluate, information, sample, score_residuals
from impact.survival.numbers.product_limit import product_limit
from impact.survival.riskset import TABLE_ROOM, at_risk, over_time, rank_times, risk_sets, scan


@dataclass
class Plain:
    """What the loops found."""

    log_likelihood: float
    score: np.ndarray
    information: np.ndarray
    residuals: np.ndarray


def partial_likelihood(time, event, x, beta, *, entry=None, strata=None, weights=None, ties="efron") -> Plain:
    """The partial likelihood with Efron's or Breslow's ties, its derivatives and weighted score residuals, in O(n²)."""
    n, p = x.shape
    entry = np.full(n, -1.0) if entry is None else entry
    strata = np.zeros(n) if strata is None else strata
    weights = np.ones(n) if weights is None else weights
    log_likelihood, score, information, residuals = 0.0, np.zeros(p), np.zeros((p, p)), np.zeros((n, p))
    for stratum in set(strata):
        for t in sorted({time[i] for i in range(n) if event[i] and strata[i] == stratum}):
            risk = [i for i in range(n) if strata[i] == stratum and entry[i] < t <= time[i]]
            dead = [i for i in risk if event[i] and time[i] == t]
            d = len(dead)
            for i in dead:
                log_likelihood += weights[i] * float(x[i] @ beta)
            mean_weight = sum(weights[i] for i in dead) / d
            for step in range(d):
                share = step / d if ties == "efron" else 0.0
                part = {i: weights[i] * np.exp(x[i] @ beta) * (1 - share if i in dead else 1.0) for i in risk}
                phi = sum(part.values())
                mean = sum(part[i] * x[i] for i in risk) / phi
                log_likelihood -= mean_weight * np.log(phi)
                information += mean_weight * sum(part[i] * np.outer(x[i] - mean, x[i] - mean) for i in risk) / phi
                for i in dead:
                    score += weights[i] * (x[i] - mean) / d
                    residuals[i] += weights[i] * (x[i] - mean) / d
                for i in risk:
                    residuals[i] -= (x[i] - mean) * part[i] * mean_weight / phi
    return Plain(log_likelihood, score, information, residuals)


def product_over_times(time, event, at, *, entry=None, weights=None) -> float:
    """The product-limit estimate at one time."""
    n = len(time)
    entry = np.full(n, -1.0) if entry is None else entry
    weights = np.ones(n) if weights is None else weights
    estimate = 1.0
    for t in sorted({time[i] for i in range(n) if event[i] and time[i] <= at}):
        risk = [i for i in range(n) if entry[i] < t <= time[i]]
        dead = [i for i in risk if event[i] and time[i] == t]
        estimate *= 1 - sum(weights[i] for i in dead) / sum(weights[i] for i in risk) if len(dead) < len(risk) else 0.0
    return estimate


def pairs_in_order(score, time, event, *, entry=None, strata=None, weights=None) -> float:
    """The weighted share of comparable pairs that the score orders rightly."""
    n = len(time)
    entry = np.full(n, -1.0) if entry is None else entry
    strata = np.zeros(n) if strata is None else strata
    weights = np.ones(n) if weights is None else weights
    right = total = 0.0
    for i in range(n):
        for j in range(n):
            later = time[j] > time[i] or (time[j] == time[i] and not event[j])
            if event[i] and later and entry[j] < time[i] and strata[i] == strata[j] and i != j:
                mass = weights[i] * weights[j]
                total += mass
                right += mass * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return right / total if total else float("nan")


@st.composite
def outcomes(draw, most=14):
    """Small samples full of ties, with every optional part."""
    n = draw(st.integers(2, most))

    def row(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=float)

    entry = row(st.integers(0, 5))
    time = entry + row(st.integers(1, 5))
    event = row(st.integers(0, 1))
    event[draw(st.integers(0, n - 1))] = 1
    x = np.stack([row(st.integers(-2, 2)), row(st.integers(0, 1))], axis=1)
    return {
        "time": time,
        "event": event,
        "x": x,
        "entry": entry,
        "strata": row(st.integers(0, 2)),
        "weights": row(st.integers(1, 8)) / 4,
        "unit": draw(st.sampled_from([1.0, 0.37, 1e5])),
    }


OPTIONS = list(product([False, True], repeat=3))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize(("entered", "stratified", "weighted"), OPTIONS)
@given(data=outcomes())
@settings(max_examples=12, deadline=None)
def test_likelihood_and_residuals_are_their_definitions(ties, entered, stratified, weighted, data):
    beta = np.array([0.7, -1.1])
    options = {
        "entry": data["entry"] if entered else None,
        "strata": data["strata"] if stratified else None,
        "weights": data["weights"] if weighted else None,
    }
    plain = partial_likelihood(data["time"], data["event"], data["x"], beta, ties=ties, **options)
    ranks = rank_times(data["time"] * data["unit"], data["entry"] * data["unit"] if entered else None)
    codes = np.unique(data["strata"], return_inverse=True)[1] if stratified else None
    sets = risk_sets(ranks, data["event"] == 1, codes)
    prepared = sample(sets, np.ascontiguousarray(data["x"].T), data["event"], options["weights"], ties)
    point = evaluate(prepared, beta)
    assert point.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-11, abs=1e-11)
    np.testing.assert_allclose(point.score, plain.score, atol=1e-11)
    np.testing.assert_allclose(information(prepared, point), plain.information, atol=1e-11)
    np.testing.assert_allclose(score_residuals(prepared, point).T, plain.residuals, atol=1e-11)
    exit, entry = ranks.exit, ranks.entry
    score = data["x"] @ np.array([1.0, 2.0])
    found = concordance(score, exit, data["event"], entry=entry, strata=codes, weights=options["weights"])
    assert found.estimate == pytest.approx(pairs_in_order(score, data["time"], data["event"], **options), nan_ok=True)


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@given(data=outcomes())
@settings(max_examples=25, deadline=None)
def test_curve_is_the_product_over_event_times(entered, weighted, data):
    entry = data["entry"] if entered else None
    weights = data["weights"] if weighted else None
    codes = np.unique(data["strata"], return_inverse=True)[1]
    curve = product_limit(rank_times(data["time"], entry), data["event"], group=codes, weights=weights)
    for group in range(codes.max() + 1):
        inside = codes == group
        options = {"entry": entry[inside] if entered else None, "weights": weights[inside] if weighted else None}
        cells = slice(curve.sets.bounds[group], curve.sets.bounds[group + 1])
        assert list(curve.sets.times[cells]) == sorted(set(data["time"][inside]))
        for t, estimate in zip(curve.sets.times[cells], curve.survival[cells], strict=True):
            assert estimate == pytest.approx(
                product_over_times(data["time"][inside], data["event"][inside], t, **options)
            )


@given(data=outcomes(), clusters=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_jackknife_variance_is_the_derivative_by_each_weight(data, clusters):
    """log S differentiated by each weight numerically, squared and summed by cluster."""
    time, event, entry, weights = (data[name] for name in ("time", "event", "entry", "weights"))
    cluster = np.arange(len(time)) % clusters
    curve = product_limit(rank_times(time, entry), event, weights=weights, cluster=cluster, robust=True)
    for t, survival, error in zip(curve.sets.times, curve.survival, curve.log_error, strict=True):
        if survival < 1e-9:
            assert np.isinf(error)
            continue
        slopes = []
        for i in range(len(time)):
            step = np.zeros(len(time))
            step[i] = 1e-5
            up, down = (
                np.log(product_over_times(time, event, t, entry=entry, weights=weights + s)) for s in (step, -step)
            )
            slopes.append(weights[i] * (up - down) / 2e-5)
        assert error**2 == pytest.approx(float(np.sum(np.bincount(cluster, slopes) ** 2)), rel=1e-5, abs=1e-8)


def test_dense_and_sparse_times_give_the_same_cells():
    rng = np.random.default_rng(3)
    time = rng.integers(1, 40, 200).astype(float)
    entry = np.floor(time * rng.uniform(0, 0.9, 200))
    event, strata = rng.integers(0, 2, 200) == 1, rng.integers(0, 3, 200)
    dense = risk_sets(rank_times(time, entry), event, strata)
    sparse = risk_sets(rank_times(time * 10 * TABLE_ROOM, entry * 10 * TABLE_ROOM), event, strata)
    many = risk_sets(rank_times(time, entry), event, strata * TABLE_ROOM)
    for other in (sparse, many):
        np.testing.assert_array_equal(dense.last, other.last)
        np.testing.assert_array_equal(dense.before, other.before)
    never = dense.last == dense.size
    assert never.any()
    np.testing.assert_array_equal(dense.before[never], dense.size)
    assert (dense.before[~never] != dense.last[~never]).all()
    values = rng.uniform(size=200)
    for cell, (t, s) in enumerate(zip(dense.times, dense.stratum, strict=True)):
        there = (strata == s) & (entry < t) & (t <= time)
        assert at_risk(dense, values)[cell] == pytest.approx(values[there].sum())
    heights = rng.uniform(size=dense.size)
    for i in (0, 17, 101):
        inside = (dense.stratum == strata[i]) & (dense.times > entry[i]) & (dense.times <= time[i])
        assert over_time(dense, heights)[i] == pytest.approx(heights[inside].sum())


def test_scan_starts_afresh_in_segments_of_every_size():
    rng = np.random.default_rng(5)
    lengths = [3, 0, 1, 8, 5, 17, 1, 2]
    bounds = np.r_[0, np.cumsum(lengths)]
    values = rng.uniform(size=(2, bounds[-1]))
    parts = [values[:, a:b] for a, b in pairwise(bounds)]
    forward = np.concatenate([part.cumsum(axis=1) for part in parts], axis=1)
    backward = np.concatenate([part[:, ::-1].cumsum(axis=1)[:, ::-1] for part in parts], axis=1)
    np.testing.assert_allclose(scan(values, bounds), forward)
    np.testing.assert_allclose(scan(values, bounds, reverse=True), backward)
    np.testing.assert_allclose(scan(values, bounds, product=True)[:, -2:], parts[-1].cumprod(axis=1))


def test_times_apart_by_rounding_are_tied():
    ranks = rank_times(np.array([0.1 + 0.2, 0.3, 1.0, 1.0 + 1e-6]))
    assert ranks.exit.tolist() == [0, 0, 1, 2]
    assert ranks.near_ties == 1
