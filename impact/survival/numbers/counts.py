"""Who leaves at each distinct time, with the event or without, who is at risk, and what share is left: every curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.survival.riskset import BoolArray, FloatArray, RiskSets, at_risk, scan


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over the rows of each cell, of weights where there are any.

    Attributes
    ----------
    n_risk, n_event, n_censored : (K,) float
    nobody_left : (K,) bool
        Whether everyone at risk has the event: told by rows, which no rounding of weights can blur.
    """

    n_risk: FloatArray
    n_event: FloatArray
    n_censored: FloatArray
    nobody_left: BoolArray


def count(sets: RiskSets, event: FloatArray, weights: FloatArray | None) -> Counts:
    """The counts of cells at every distinct time; `event` (n,) is 0 or 1."""
    size = sets.size
    place = event.astype(np.int64)
    for _ in range(2):
        place += sets.last
    stayed, deaths = np.bincount(place, minlength=2 * size).reshape(size, 2).T.astype(float)
    people = present(sets, stayed + deaths)
    if weights is None:
        return Counts(people, deaths, stayed, deaths == people)
    died = event * weights
    n_event = np.bincount(sets.last, died, size).astype(float)
    n_censored = np.bincount(sets.last, weights - died, size).astype(float)
    return Counts(at_risk(sets, weights), n_event, n_censored, deaths == people)


def present(sets: RiskSets, leaving: FloatArray) -> FloatArray:
    """The rows at risk in each cell, (K,), given how many leave in each."""
    come = 0 if sets.before is None else np.bincount(sets.before, minlength=sets.size + 1)[: sets.size]
    return scan(leaving - come, sets.bounds, reverse=True)


def left_after(
    people: FloatArray, gone: FloatArray, nobody_left: BoolArray, bounds: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """Those who remain of the `people` of each cell, and the product-limit estimate Π (1 − gone / people)."""
    remain = np.where(nobody_left, 0.0, people - gone)
    return remain, scan(remain / people, bounds, product=True)


def one_less(events: FloatArray, people: FloatArray) -> FloatArray:
    """The hypergeometric factor 1 − (d − 1)/(n − 1) of the variance of d tied events among n, not below 0.

    Examples
    --------
    >>> one_less(np.array([1.0, 3.0, 4.0]), np.array([9.0, 5.0, 2.0]))
    array([1. , 0.5, 0. ])
    """
    more = np.where(events > 1, events - 1, 0.0)
    return 1 - more / np.where(events > 1, np.maximum(people - 1, more), 1.0)
