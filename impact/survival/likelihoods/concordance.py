"""Harrell's concordance on risk sets, with weights, strata, delayed entry and its standard error, in O(n log n)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.codes import distinct, renumber
from impact.survival.riskset import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Concordance:
    """A concordance and its standard error, by the infinitesimal jackknife; NaN where no pair is comparable."""

    estimate: float
    std_error: float


def mass_below(value: IntArray, weights: FloatArray, limit: IntArray, *prefixes: IntArray) -> FloatArray:
    """For each query q the sum of ``weights[:prefix[q]]`` where ``value[:prefix[q]] < limit[q]``, over the prefixes.

    Values are split bit by bit from the highest, keeping their order (a wavelet tree), all queries going down together.

    Examples
    --------
    >>> mass_below(np.array([2, 0, 1]), np.ones(3), np.array([2, 2]), np.array([3, 2]))
    array([2., 1.])
    """
    answer = np.zeros(len(limit))
    start, stops = np.zeros(len(limit), dtype=np.int32), [prefix.astype(np.int32) for prefix in prefixes]
    value, limit = value.astype(np.int32), limit.astype(np.int32)
    zeros, mass = np.zeros(len(value) + 1, dtype=np.int32), np.zeros(len(value) + 1)
    top = max(int(value.max(initial=0)), int(limit.max(initial=0)))
    for bit in range(top.bit_length() - 1, -1, -1):
        low = (value >> bit) & 1 == 0
        np.cumsum(low, out=zeros[1:])
        np.cumsum(np.where(low, weights, 0.0), out=mass[1:])
        up = (limit >> bit) & 1 == 1
        down, begun = ~up, mass[start[up]]
        for stop in stops:
            answer[up] += mass[stop[up]] - begun
        del begun
        for edge in (start, *stops):
            passed = zeros[edge]
            edge += zeros[-1] - passed
            np.copyto(edge, passed, where=down)
        value = np.concatenate([value[low], value[~low]])
        weights = np.concatenate([weights[low], weights[~low]])
    return answer


def concordance(
    predictor: FloatArray,
    exit: IntArray,
    event: FloatArray,
    *,
    entry: IntArray | None = None,
    strata: IntArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
) -> Concordance:
    """The share of comparable pairs where whoever had the event first had the higher predictor; ties count a half.

    Comparable: of one stratum, one has the event while the other is at risk and goes on longer (being censored at that
    very time included). The variance is the sum of squares, by cluster, of w_i ∂C/∂w_i, the weights' influence on C
    (Therneau and Watson 2017).

    Parameters
    ----------
    predictor : (n,) float
    exit, entry, strata, cluster : (n,) int
        Positions of times on one grid, and codes.
    event, weights : (n,) float
    """
    n = len(exit)
    mass = np.broadcast_to(1.0, n) if weights is None else weights
    rank = distinct(predictor)[1]
    del predictor
    dies = np.flatnonzero(event == 1)
    width = 2 * (int(exit.max()) + 2)
    base = np.broadcast_to(np.int64(0), n) if strata is None else strata * np.int64(width)

    # Times of one stratum in descending order; a death comes after those who leave at its time without the event.
    leave = base + (width - 1 - (2 * exit + (event == 0)))
    right, pairs = np.zeros(n), np.zeros(n)
    first = base[dies]
    at_event = first + (width - 1 - 2 * exit[dies])
    longer = _Queue(leave, rank, mass)
    _add(right, pairs, dies, longer.below(at_event, rank[dies]), longer.total(first, at_event), 1.0)
    if strata is not None:
        _add(right, pairs, dies, longer.below(first, rank[dies]), np.zeros(len(dies)), -1.0)
    if entry is not None:
        come = _Queue(base + (width - 1 - 2 * entry), rank, mass)
        _add(right, pairs, dies, come.below(at_event + 1, rank[dies]), come.total(first, at_event + 1), -1.0)
        if strata is not None:
            _add(right, pairs, dies, come.below(first, rank[dies]), np.zeros(len(dies)), 1.0)
    total = float(mass[dies] @ pairs[dies])
    if total <= 0:
        return Concordance(float("nan"), float("nan"))
    estimate = float(mass[dies] @ right[dies]) / total

    # The same pairs once more from the other side: the deaths while each person was at risk and went on longer.
    del longer, leave, at_event
    everyone = slice(None)
    mirrored = rank.max() - rank
    deaths = _Queue(first + 2 * exit[dies], mirrored[dies], mass[dies])
    until = base + 2 * exit + (event == 0)
    since = base if entry is None else base + 2 * entry + 1
    _add(right, pairs, everyone, deaths.below(until, mirrored), deaths.total(since, until), 1.0)
    if entry is not None or strata is not None:
        _add(right, pairs, everyone, deaths.below(since, mirrored), np.zeros(n), -1.0)
    influence = mass * (right - estimate * pairs) / total
    if cluster is not None:
        influence = np.bincount(cluster, influence).astype(float)
    return Concordance(estimate, float(np.sqrt(influence @ influence)))


def _add(
    right: FloatArray, pairs: FloatArray, rows: IntArray | slice, below: FloatArray, total: FloatArray, sign: float
) -> None:
    right[rows] += sign * below
    pairs[rows] += sign * total


class _Queue:
    """People in the order of a key, asked for the weight of those before a key with a lower rank (ties a half)."""

    def __init__(self, keys: IntArray, rank: IntArray, mass: FloatArray) -> None:
        order = np.argsort(rank, kind="stable")
        self._keys, place = renumber(keys)
        self._place, self._mass = place[order], mass[order]
        self._lower = np.concatenate([[0], np.cumsum(np.bincount(rank))])
        self._running = np.concatenate([[0.0], np.cumsum(np.bincount(place, mass))])

    def below(self, key: IntArray, rank: IntArray) -> FloatArray:
        lower = (self._lower[np.minimum(rank + tied, len(self._lower) - 1)] for tied in (0, 1))
        found = mass_below(self._place, self._mass, np.searchsorted(self._keys, key), *lower)
        found /= 2
        return found

    def total(self, first: IntArray, key: IntArray) -> FloatArray:
        return self._running[np.searchsorted(self._keys, key)] - self._running[np.searchsorted(self._keys, first)]
