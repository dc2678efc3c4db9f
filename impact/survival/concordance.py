"""Harrell's concordance on risk sets, with weights, strata and delayed entry, in O(n log n)."""

from __future__ import annotations

import numpy as np

from impact.survival.riskset import FloatArray, IntArray


def mass_below(value: IntArray, weights: FloatArray, prefix: IntArray, limit: IntArray) -> FloatArray:
    """For each query q the sum of ``weights[:prefix[q]]`` where ``value[:prefix[q]] < limit[q]``.

    Values are split bit by bit from the highest, keeping their order (a wavelet tree), all queries going down together.

    Examples
    --------
    >>> mass_below(np.array([2, 0, 1]), np.ones(3), np.array([3, 2]), np.array([2, 2]))
    array([2., 1.])
    """
    answer = np.zeros(len(prefix))
    start, stop = np.zeros(len(prefix), dtype=np.int64), prefix.copy()
    top = max(int(value.max(initial=0)), int(limit.max(initial=0)))
    for bit in range(top.bit_length() - 1, -1, -1):
        high = (value >> bit) & 1 == 1
        zeros = np.concatenate([[0], np.cumsum(~high)])
        mass = np.concatenate([[0.0], np.cumsum(np.where(high, 0.0, weights))])
        up = (limit >> bit) & 1 == 1
        answer[up] += mass[stop[up]] - mass[start[up]]
        start = np.where(up, zeros[-1] + start - zeros[start], zeros[start])
        stop = np.where(up, zeros[-1] + stop - zeros[stop], zeros[stop])
        order = np.concatenate([np.flatnonzero(~high), np.flatnonzero(high)])
        value, weights = value[order], weights[order]
    return answer


def concordance(
    predictor: FloatArray,
    exit: IntArray,
    event: FloatArray,
    *,
    entry: IntArray | None = None,
    strata: IntArray | None = None,
    weights: FloatArray | None = None,
) -> float:
    """The share of comparable pairs where whoever had the event first had the higher predictor; ties count a half.

    Comparable: of one stratum, one has the event while the other is at risk and goes on longer (being censored at that
    very time included). NaN where no pair is comparable.

    Parameters
    ----------
    predictor : (n,) float
    exit, entry, strata : (n,) int
        Positions of times on one grid, and codes.
    event, weights : (n,) float
    """
    mass = np.ones(len(exit)) if weights is None else weights
    code = np.zeros(len(exit), dtype=np.int64) if strata is None else strata
    rank = np.unique(predictor, return_inverse=True)[1].astype(np.int64)
    dies = event == 1
    width = 2 * (int(exit.max()) + 2)
    leaves = code * width + (width - 1 - (2 * exit + 1 - dies))
    wanted = code[dies] * width + (width - 1 - 2 * exit[dies])
    concordant, tied, total = _compare(leaves, wanted, code[dies] * width, rank, mass, dies)
    if entry is not None:
        enters = code * width + (width - 1 - 2 * entry)
        parts = _compare(enters, wanted + 1, code[dies] * width, rank, mass, dies)
        concordant, tied, total = concordant - parts[0], tied - parts[1], total - parts[2]
    return float((concordant + tied / 2) / total) if total > 0 else float("nan")


def _compare(
    keys: IntArray, wanted: IntArray, first: IntArray, rank: IntArray, mass: FloatArray, dies: np.ndarray
) -> tuple[float, float, float]:
    order = np.argsort(keys, kind="stable")
    keys, value, weights = keys[order], rank[order], mass[order]
    stop, start = np.searchsorted(keys, wanted), np.searchsorted(keys, first)
    own, limit = mass[dies], rank[dies]

    def below(limits: IntArray) -> FloatArray:
        return mass_below(value, weights, stop, limits) - mass_below(value, weights, start, limits)

    less, upto = below(limit), below(limit + 1)
    running = np.concatenate([[0.0], np.cumsum(weights)])
    return float(own @ less), float(own @ (upto - less)), float(own @ (running[stop] - running[start]))
