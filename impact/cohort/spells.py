"""Spells in custody as arrays: merged, counted, and the days that they take out of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.frames import BoolArray, IntArray

_STRIDE = 2**32


@dataclass(frozen=True, slots=True)
class Spells:
    """Spells sorted by person and first day; one holds the days `entered` ≤ day < `left`: the day of release is out."""

    person: IntArray
    entered: IntArray
    left: IntArray


def merge(person: IntArray, entered: IntArray, left: IntArray) -> Spells:
    """Merge the overlapping and touching spells of each person.

    Parameters
    ----------
    person : array of int, shape (n,)
        Codes 0, 1, …
    entered, left : array of int, shape (n,)
        Days, `left` ≥ `entered` and below 2³².

    Examples
    --------
    >>> merged = merge(np.array([0, 0, 0]), np.array([10, 5, 30]), np.array([20, 10, 40]))
    >>> merged.entered, merged.left
    (array([ 5, 30]), array([20, 40]))
    """
    order = np.lexsort((left, entered, person))
    person, entered, left = person[order], entered[order], left[order]
    furthest = np.maximum.accumulate(person * _STRIDE + left) if len(person) else left
    first = np.ones(len(person), dtype=bool)
    first[1:] = person[1:] * _STRIDE + entered[1:] > furthest[:-1]
    starts = np.flatnonzero(first)
    last = np.append(starts[1:], len(person))[: len(starts)] - 1
    return Spells(person[starts], entered[starts], furthest[last] - person[starts] * _STRIDE)


def holding(spells: Spells, person: IntArray, day: IntArray) -> IntArray:
    """The position of the merged spell that holds each person on each day, −1 where the person is out."""
    if not len(spells.person):
        return np.full(len(person), -1)
    key = spells.person * _STRIDE + spells.entered
    at = np.searchsorted(key, person * _STRIDE + day, side="right") - 1
    safe = np.maximum(at, 0)
    inside: BoolArray = (at >= 0) & (spells.person[safe] == person) & (day < spells.left[safe])
    return np.where(inside, at, -1)


def entered_before(spells: Spells, person: IntArray, day: IntArray) -> IntArray:
    """How many spells each person had entered before each day."""
    key = spells.person * _STRIDE + spells.entered
    return np.searchsorted(key, person * _STRIDE + day) - np.searchsorted(key, person * _STRIDE - _STRIDE // 2)


def days_inside(spells: Spells, first: IntArray, end: IntArray) -> IntArray:
    """Days that person 0, 1, … spends inside from day `first` to the day before `end`."""
    inside = np.minimum(spells.left, end[spells.person]) - np.maximum(spells.entered, first[spells.person])
    total = np.bincount(spells.person, weights=np.maximum(inside, 0), minlength=len(first))
    return total.astype(np.int64)
