"""Start-stop rows, split where treatment begins."""

from __future__ import annotations

import numpy as np

from impact.frames import BoolArray, IntArray


def split_rows(
    person: IntArray, start: IntArray, stop: IntArray, event: IntArray, cut: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Split rows (start, stop] at each person's cut: what lies up to it is untreated, what comes after it treated.

    `person` is a place in `cut`. Returns person, start, stop, event and treated (0 or 1) of the rows, in their order.

    Examples
    --------
    >>> split_rows(*(np.array([value]) for value in (0, 0, 90, 1, 30)))[1:]
    (array([ 0, 30]), array([30, 90]), array([0, 1]), array([0, 1]))
    """
    at = cut[person]
    divided: BoolArray = (at > start) & (at < stop)
    row = np.repeat(np.arange(len(person)), 1 + divided)
    second = np.zeros(len(row), dtype=bool)
    second[1:] = row[1:] == row[:-1]
    first = divided[row] & ~second
    begin, end = np.where(second, at[row], start[row]), np.where(first, at[row], stop[row])
    return person[row], begin, end, np.where(first, 0, event[row]), (at[row] <= begin).astype(np.int64)
