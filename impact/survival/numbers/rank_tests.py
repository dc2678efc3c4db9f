"""Weighted log-rank tests in numbers: observed and expected events, their scores, and two variances of the scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from impact.survival.numbers.algebra import dependent_columns, products
from impact.survival.riskset import (
    FloatArray,
    IntArray,
    RiskSets,
    TimeRanks,
    at_risk,
    in_cells,
    just_before,
    over_time,
    risk_sets,
    scan,
)

NEGLIGIBLE = 1e-13
Weigher = Callable[[FloatArray, FloatArray, IntArray], FloatArray]


@dataclass(frozen=True, slots=True)
class RankTest:
    """Sums over the distinct times of events, for each of G groups.

    Attributes
    ----------
    observed, expected : (G,) float
        Events, and those expected were the groups alike: Σ d Y_g / Y.
    score : (G,) float
        Σ W (d_g − d Y_g / Y), with the weight W of the test at each time.
    covariance : (G, G) float
        Of `score` under the null hypothesis.
    kept : (r,) int
        Groups whose scores are not combinations of those before them; r is the rank of the comparison.
    """

    observed: FloatArray
    expected: FloatArray
    score: FloatArray
    covariance: FloatArray
    kept: IntArray


def rank_test(
    ranks: TimeRanks,
    event: FloatArray,
    group: IntArray,
    weigh: Weigher,
    *,
    strata: IntArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    robust: bool = False,
) -> RankTest:
    """Compare the groups with the weight that `weigh(deaths, people at risk, bounds of strata)` gives to each time.

    The covariance is hypergeometric; with `robust` it is the sum over clusters of squared score residuals.
    """
    sets = risk_sets(ranks, event == 1, strata)
    died = np.flatnonzero(event == 1)
    size, n_groups = sets.size, int(group.max()) + 1
    mass = None if weights is None else weights[died]
    deaths, by_group = in_cells(sets, died, mass), at_risk_by_group(sets, group, n_groups, weights)
    people = by_group.sum(axis=0) if weights is None else at_risk(sets, weights)
    share = by_group / people
    seen = np.bincount(group[died] * np.int64(size) + sets.last[died], mass, n_groups * size).reshape(n_groups, size)
    expected = deaths * share
    weight = weigh(deaths, people, sets.bounds)
    everyone = deaths == people if weights is None else in_cells(sets, died) == at_risk(sets)
    chance = np.where(everyone, 0.0, weight**2 * deaths * (people - deaths) / people)
    kept = independent_groups(covariance_of(chance, share), NEGLIGIBLE * float(weight**2 @ deaths))
    if robust:
        residuals = score_residuals(sets, event, group, weight, weight * deaths / people, share, weights, cluster)
        covariance = products(residuals, residuals)
    else:
        covariance = covariance_of(chance * people / np.where(everyone, people, people - 1), share)
    return RankTest(seen.sum(axis=1), expected.sum(axis=1), (seen - expected) @ weight, covariance, kept)


def at_risk_by_group(sets: RiskSets, group: IntArray, n_groups: int, weights: FloatArray | None) -> FloatArray:
    """The number (or weight) of each group at risk in each cell, (G, K)."""
    room = sets.size + 1
    place = group * np.int64(room)
    place += sets.last
    change = np.bincount(place, weights, n_groups * room)
    if sets.before is not None:
        change = change - np.bincount(group * np.int64(room) + sets.before, weights, n_groups * room)
    return scan(change.reshape(n_groups, room)[:, :-1].astype(float), sets.bounds, reverse=True)


def covariance_of(spread: FloatArray, share: FloatArray) -> FloatArray:
    """Σ v (p_g [g = h] − p_g p_h), (G, G), with p = Y_g / Y.

    Hypergeometric where v = W² d (Y − d) / (Y − 1) (Klein and Moeschberger 2003, section 7.3).
    """
    return np.diag(share @ spread) - (share * spread) @ share.T


def score_residuals(
    sets: RiskSets,
    event: FloatArray,
    group: IntArray,
    weight: FloatArray,
    hazard: FloatArray,
    share: FloatArray,
    weights: FloatArray | None,
    cluster: IntArray | None,
) -> FloatArray:
    """w_i ∫ W ([g_i = g] − p_g) dM_i for each row or cluster, (G, rows or clusters).

    With W = 1 they are those of Cox's model at coefficients of 0 under Breslow's ties (Lin and Wei 1989); `hazard` is
    W d / Y, (K,).
    """
    died = np.flatnonzero(event == 1)
    cells = sets.last[died]
    own = -over_time(sets, hazard)
    own[died] += weight[cells]
    n_out = len(event) if cluster is None else int(cluster.max()) + 1
    out = np.empty((len(share), n_out))
    for code, part in enumerate(share):
        residual = over_time(sets, hazard * part)
        residual[died] -= (weight * part)[cells]
        inside = group == code
        residual[inside] += own[inside]
        if weights is not None:
            residual *= weights
        out[code] = residual if cluster is None else np.bincount(cluster, residual, n_out)
    return out


def independent_groups(covariance: FloatArray, least: float) -> IntArray:
    """The groups whose scores vary by more than `least` and are not combinations of those before them."""
    varied = np.flatnonzero(np.diag(covariance) > least)
    if not len(varied):
        return varied
    spare = dependent_columns(covariance[np.ix_(varied, varied)])
    return np.delete(varied, list(spare))


def chi_squared(score: FloatArray, covariance: FloatArray) -> float:
    """The quadratic form of a score in the inverse of its covariance."""
    return float(score @ scipy.linalg.solve(covariance, score, assume_a="pos"))


def weigher(family: str, rho: float = 0.0, gamma: float = 0.0) -> Weigher:
    """The weight of a family at each event time, from the deaths, the people at risk and the bounds of strata.

    Klein and Moeschberger (2003), table 7.2: 1 (log-rank), Y (Gehan), √Y (Tarone-Ware), S̃(t) (Peto-Peto, with
    S̃ = Π (1 − d / (Y + 1))), Ŝ(t−)^ρ (1 − Ŝ(t−))^γ (Fleming-Harrington), the curves being those of all groups together.
    """

    def fleming_harrington(deaths: FloatArray, people: FloatArray, bounds: IntArray) -> FloatArray:
        survival = just_before(scan(1 - deaths / people, bounds, product=True), bounds, 1.0)
        return survival**rho * (1 - survival) ** gamma

    weighers: dict[str, Weigher] = {
        "logrank": lambda deaths, people, bounds: np.ones(len(deaths)),
        "gehan": lambda deaths, people, bounds: people,
        "tarone-ware": lambda deaths, people, bounds: np.sqrt(people),
        "peto-peto": lambda deaths, people, bounds: scan(1 - deaths / (people + 1), bounds, product=True),
        "fleming-harrington": fleming_harrington,
    }
    return weighers[family]
