"""Rows of a table on their way to a file: columns as arrays, text as codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.synthetic.draw import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of text: codes into labels, −1 for an empty value."""

    codes: IntArray
    labels: tuple[str, ...]

    def __getitem__(self, keep: IntArray | BoolArray) -> Coded:
        return Coded(self.codes[keep], self.labels)


Values = IntArray | FloatArray | Coded


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table. People are numbers (from 1), dates are days since 1970-01-01 (`NONE` where empty)."""

    table: str
    columns: Mapping[str, Values]

    def where(self, keep: BoolArray | IntArray) -> Rows:
        """The rows chosen."""
        return Rows(self.table, {name: values[keep] for name, values in self.columns.items()})

    def whole(self, name: str) -> IntArray:
        """A column of whole numbers or days."""
        values = self.columns[name]
        assert not isinstance(values, Coded)
        return np.asarray(values, dtype=np.int64)


def coded(values: Sequence[str]) -> Coded:
    """Text as codes."""
    labels = tuple(sorted(set(values)))
    place = {label: code for code, label in enumerate(labels)}
    return Coded(np.array([place[value] for value in values], dtype=np.int64), labels)


def first_of_each(*keys: NDArray[np.int64]) -> BoolArray:
    """True on the first row of each distinct combination of keys."""
    order = np.lexsort(keys[::-1])
    changed = np.zeros(len(order), dtype=bool)
    for key in keys:
        placed = key[order]
        changed[1:] |= placed[1:] != placed[:-1]
    changed[:1] = True
    keep = np.zeros(len(order), dtype=bool)
    keep[order[changed]] = True
    return keep
