"""A sheet of a return as columns of text, whatever file it came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 3_000_000


class TooLargeError(Exception):
    """A file holds more than a return can."""


class DamagedError(Exception):
    """A file is not what it says it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One sheet.

    Attributes
    ----------
    name : str
        As the file has it; it may be anything, a person's name too.
    place : int
        Which of the file's sheets it is, from 1.
    numbers : array of int, shape (n,)
        The rows that hold anything, as a spreadsheet numbers them, rising.
    columns : tuple of arrays of str, each of shape (n,)
        Every column from the first on: the text of its cells, empty where they are; a formula begins with ``=``.
    widths : array of int, shape (n,), or None
        How many cells each row of a CSV file has.
    """

    name: str
    place: int
    numbers: NDArray[np.int64]
    columns: tuple[NDArray[np.object_], ...]
    widths: NDArray[np.int64] | None = None

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each row that holds anything: its number and its cells."""
        cells = zip(*self.columns, strict=True) if self.columns else iter(())
        return zip((int(number) for number in self.numbers), cells, strict=True)


def sheet_of_rows(name: str, rows: Sequence[Sequence[str]]) -> Sheet:
    """The sheet of rows of cells, numbered from 1; rows without any text are left out."""
    held = [(number, row) for number, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    width = max((len(row) for _, row in held), default=0)
    grid = np.full((len(held), width), "", dtype=object)
    for place, (_, row) in enumerate(held):
        grid[place, : len(row)] = row
    return Sheet(
        name,
        1,
        np.array([number for number, _ in held], dtype=np.int64),
        tuple(grid[:, place] for place in range(width)),
        np.array([len(row) for _, row in held], dtype=np.int64),
    )


def sheet_of_cells(name: str, place: int, rows: list[int], columns: list[int], texts: list[str], room: int) -> Sheet:
    """The sheet of single cells, each with its row and its column (from 1), laid out in `room` cells at most.

    Raises
    ------
    DamagedError, TooLargeError
        A cell stands twice, or there is no room.
    """
    numbers, at = np.unique(np.array(rows, dtype=np.int64), return_inverse=True)
    where = np.array(columns, dtype=np.int64)
    width = int(where.max(initial=0))
    if len(numbers) * width > room:
        raise TooLargeError
    if not (np.diff(np.sort(at * width + where)) > 0).all():
        raise DamagedError
    grid = np.full((width, len(numbers)), "", dtype=object)
    if texts:
        grid[where - 1, at] = texts
    return Sheet(name, place, numbers, tuple(grid))
