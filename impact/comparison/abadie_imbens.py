"""Abadie and Imbens' variance of matching with replacement, on arrays.

Neighbours on the score are everyone at the shortest distances at which there are two people or more, so that ties need
no rule; they lie side by side when sorted, and sums of a neighbourhood are those of at most three tied groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from impact.frames import BoolArray, FloatArray, IntArray

ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who serves whom: positions of the treated and of their partners, one entry a pair."""

    who: IntArray
    whom: IntArray


@dataclass(frozen=True, slots=True)
class Matched:
    """The effect on the treated who have a partner, the two means behind it, and its variance with the score known."""

    estimate: float
    means: tuple[float, float]
    variance: float


@dataclass(frozen=True, slots=True)
class Tied:
    """People grouped by equal score: distinct values, counts, means and sums of products about the mean."""

    value: FloatArray
    count: FloatArray
    mean: FloatArray
    products: FloatArray


def tied(score: FloatArray, outcome: FloatArray, columns: FloatArray) -> Tied:
    """Group people by score: products of the outcome with itself and with each column, shape (groups, 1 + p)."""
    value, place = np.unique(score, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    every = np.column_stack([outcome, columns])
    mean = np.stack([np.bincount(place, column) for column in every.T], axis=1) / count[:, None]
    off = every - mean[place]
    products = np.stack([np.bincount(place, off[:, 0] * column) for column in off.T], axis=1)
    return Tied(value, count, mean, products.astype(np.float64))


def local_products(groups: Tied, score: FloatArray) -> FloatArray:
    """Variance of the outcome, then its covariance with each column, among those nearest to each score.

    Returns
    -------
    array, shape (n, 1 + p)
        Sums of products about the neighbours' mean, over their number less one.
    """
    low, high = _nearest(groups.value, groups.count, score)
    found = np.zeros((len(score), groups.mean.shape[1]))
    number, total = np.zeros(len(score)), np.zeros_like(found)
    last = len(groups.value) - 1
    steps = [(np.minimum(low + step, last), (low + step <= high).astype(float)) for step in range(3)]
    for place, inside in steps:
        number += inside * groups.count[place]
        total += (inside * groups.count[place])[:, None] * groups.mean[place]
    mean = total / number[:, None]
    for place, inside in steps:
        off = groups.mean[place] - mean
        found += inside[:, None] * (groups.products[place] + (groups.count[place] * off[:, 0])[:, None] * off)
    return found / (number - 1)[:, None]


def _nearest(value: FloatArray, count: FloatArray, score: FloatArray) -> tuple[IntArray, IntArray]:
    """First and last distinct value of the neighbourhood of each score."""
    padded = np.concatenate([[-np.inf], value, [np.inf]])
    people = np.concatenate([[0.0], count, [0.0]])
    right = np.searchsorted(value, score) + 1
    left = right - 1

    def step(left: IntArray, right: IntArray) -> tuple[BoolArray, BoolArray]:
        below, above = score - padded[left], padded[right] - score
        return below <= above, above <= below

    take_left, take_right = step(left, right)
    low, high = np.where(take_left, left, right), np.where(take_right, right, left)
    few = people[low] + np.where(high > low, people[high], 0.0) < ENOUGH
    take_left, take_right = step(np.maximum(low - 1, 0), np.minimum(high + 1, len(value) + 1))
    low, high = low - (few & take_left), high + (few & take_right)
    return low - 1, high - 1


def matched_effect(outcome: FloatArray, treated: BoolArray, score: FloatArray, pairs: Pairs) -> Matched:
    """The mean difference from partners, and its variance with the score as given.

    Σ(yᵢ − ȳ₍ᵢ₎ − τ)² / n₁² over the treated, plus Σ(w² − s) σ² / n₁² over the others, where w adds up 1/mᵢ and s 1/mᵢ²
    over the treated served (mᵢ partners each), and σ² is the variance of the outcome among the nearest of the same
    group. With m partners each w² − s is k(k − 1)/m².

    References
    ----------
    Abadie and Imbens (2006), Econometrica 74, 235-267, theorem 7.
    """
    n = len(outcome)
    partners = np.bincount(pairs.who, minlength=n)
    share = 1.0 / partners[pairs.who]
    other = np.bincount(pairs.who, share * outcome[pairs.whom], n)
    served = partners > 0
    size = int(served.sum())
    means = (float(outcome[served].mean()), float(other[served].mean()))
    estimate = means[0] - means[1]
    weight, squares = (np.bincount(pairs.whom, share**power, n) for power in (1, 2))
    used = weight > 0
    empty = np.empty((int((~treated).sum()), 0))
    spread = local_products(tied(score[~treated], outcome[~treated], empty), score[used])[:, 0]
    between = ((outcome[served] - other[served] - estimate) ** 2).sum()
    again = ((weight[used] ** 2 - squares[used]) * spread).sum()
    return Matched(estimate, means, float((between + again) / size**2))


def score_adjustment(
    outcome: FloatArray, treated: BoolArray, matrix: FloatArray, linear: FloatArray, estimate: float
) -> float:
    """What estimating a logistic score adds to (or takes from) the variance of the effect on the treated.

    (gᵀI⁻¹g − cᵀI⁻¹c) / n: I is the information of one person, c the covariance of the effect with the score's
    equations, g the slope of the effect in the coefficients. c takes local covariances on the score, g the nearest of
    the other group on all columns, by Mahalanobis distance.

    Parameters
    ----------
    matrix : array, shape (n, p)
        Columns of the score's model, the intercept among them, independent.
    linear : array, shape (n,)
        Log-odds.
    estimate : float
        The effect.

    References
    ----------
    Abadie and Imbens (2016), Econometrica 84, 781-807, theorem 2 and section 4.
    """
    order = np.lexsort((outcome, treated, *matrix.T[::-1]))
    outcome, treated, matrix, linear = outcome[order], treated[order], matrix[order], linear[order]
    n, size = len(outcome), int(treated.sum())
    chance = 1 / (1 + np.exp(-linear))
    slope = chance * (1 - chance)
    information = (matrix * slope[:, None]).T @ matrix / n
    of_group, covariance = {}, {}
    for side in (True, False):
        members = treated == side
        groups = tied(linear[members], outcome[members], matrix[members])
        local = local_products(groups, linear)[:, 1:]
        of_group[side], covariance[side] = _local_mean(groups, linear), local
    between = of_group[True] - of_group[False] - estimate
    within = covariance[True] + (chance / (1 - chance))[:, None] * covariance[False]
    c = ((slope * between) @ matrix + slope @ within) / size
    others = _nearest_outcome(outcome, treated, matrix)
    gap = np.where(treated, outcome - others, others - outcome) - estimate
    g = (slope * gap) @ matrix / size
    both = np.stack([g, c], axis=1)
    squares = np.sum(both * np.linalg.solve(information, both), axis=0)
    return float((squares[0] - squares[1]) / n)


def _local_mean(groups: Tied, score: FloatArray) -> FloatArray:
    """The mean outcome of those of a group who are nearest to each score."""
    low, high = _nearest(groups.value, groups.count, score)
    number, total = np.zeros(len(score)), np.zeros(len(score))
    last = len(groups.value) - 1
    for step in range(3):
        place = np.minimum(low + step, last)
        weight = groups.count[place] * (low + step <= high)
        number, total = number + weight, total + weight * groups.mean[place, 0]
    return total / number


def _nearest_outcome(outcome: FloatArray, treated: BoolArray, matrix: FloatArray) -> FloatArray:
    """The mean outcome of the people of the other group whose columns are nearest."""
    varying = matrix[:, matrix.max(axis=0) > matrix.min(axis=0)]
    columns = varying - varying.mean(axis=0)
    patterns, place = np.unique(columns, axis=0, return_inverse=True)
    place = place.ravel()
    spread = np.linalg.cholesky(columns.T @ columns / len(columns))
    white = np.linalg.solve(spread, patterns.T).T
    found = np.empty(len(outcome))
    for side in (treated, ~treated):
        count = np.bincount(place[~side], minlength=len(patterns))
        there = np.flatnonzero(count)
        mean = np.bincount(place[~side], outcome[~side], len(patterns))[there] / count[there]
        nearest = cKDTree(white[there]).query(white)[1]
        found[side] = mean[nearest][place[side]]
    return found
