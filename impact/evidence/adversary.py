"""What a reader who knows the rules can work out about hidden numbers from the sums they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from impact.errors import DisclosureError, ImpactError

Known = tuple[float, float | None]
BATCH = 200
"""Questions asked of one linear programme at most."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A published sum: the cells `parts` add up to the cell `total` (places in one list of cells)."""

    total: int
    parts: tuple[int, ...]

    @property
    def cells(self) -> tuple[int, ...]:
        """Every cell of the sum."""
        return (self.total, *self.parts)


def bounds(cell: int, known: Sequence[Known], relations: Sequence[Relation]) -> Known:
    """The smallest and largest whole number of a cell that agree with what is known of all cells and with every sum.

    Two linear programmes. In a table with one set of column totals, and row totals that may themselves be added up to
    higher ones (a ward in a district in the whole), the constraints are those of a network, whose extreme points are
    whole numbers, and every whole number between them is possible too (total unimodularity: Schrijver 1986, chapter 19;
    hierarchies on one side: Kelly, Golden and Assad 1992); so the bounds are exact for whole counts.

    Parameters
    ----------
    cell : int
        Place of the cell.
    known : sequence of (low, high)
        What is known of each cell by itself; high is None where there is no upper limit.
    relations : sequence of Relation
        The sums.

    Examples
    --------
    >>> bounds(0, [(0, 9), (10, 12), (10, 12)], [Relation(2, (0, 1))])
    (0, 2)
    """
    low, high = ranges([(cell, known)], relations)[0]
    return round(low), None if high is None else round(high)


def ranges(questions: Sequence[tuple[int, Sequence[Known]]], relations: Sequence[Relation]) -> list[Known]:
    """`bounds` of many cells, each with its own knowledge, unrounded; up to `BATCH` questions in one programme.

    Parameters
    ----------
    questions : sequence of (cell, known)
        As in `bounds`.
    relations : sequence of Relation
        The sums, the same for every question.
    """
    if not relations:
        return [known[cell] for cell, known in questions]
    found: list[Known] = []
    for start in range(0, len(questions), BATCH):
        found += _solve(questions[start : start + BATCH], relations)
    return found


def _solve(questions: Sequence[tuple[int, Sequence[Known]]], relations: Sequence[Relation]) -> list[Known]:
    """One block for each end of each question. Where no upper limit is known a far one stands for it: the extreme
    points of a bounded range lie within the sum of all limits, and what reaches beyond has no bound."""
    n = len(questions[0][1])
    rows = np.repeat(np.arange(len(relations)), [len(one.cells) for one in relations])
    places = np.array([cell for one in relations for cell in one.cells])
    signs = np.array([sign for one in relations for sign in (-1.0, *(1.0 for _ in one.parts))])
    equal = scipy.sparse.csr_array((signs, (rows, places)), shape=(len(relations), n))
    low = np.array([[one[0] for one in known] for _, known in questions], dtype=float)
    high = np.array([[np.inf if one[1] is None else one[1] for one in known] for _, known in questions], dtype=float)
    reach = np.abs(low).sum(axis=1) + np.where(np.isinf(high), 0.0, np.abs(high)).sum(axis=1) + 1
    capped = np.where(np.isinf(high), 10 * reach[:, None] + low, high)
    blocks = 2 * len(questions)
    aim = np.zeros((blocks, n))
    cells = [cell for cell, _ in questions]
    aim[np.arange(len(questions)), cells] = 1
    aim[np.arange(len(questions), blocks), cells] = -1
    result = scipy.optimize.linprog(
        aim.ravel(),
        A_eq=scipy.sparse.kron(scipy.sparse.eye_array(blocks), equal, format="csr"),
        b_eq=np.zeros(blocks * len(relations)),
        bounds=np.column_stack([np.tile(low, (2, 1)).ravel(), np.tile(capped, (2, 1)).ravel()]),
        method="highs",
    )
    if result.status != 0:
        raise ImpactError("The bounds of a hidden number could not be worked out, so the table is not released.")
    at = result.x.reshape(blocks, n)[np.arange(blocks), [*cells, *cells]]
    least, most = at[: len(questions)], at[len(questions) :]
    return [
        (float(bottom), None if top > far else float(top)) for bottom, top, far in zip(least, most, reach, strict=True)
    ]


def withhold(
    hidden: Iterable[int],
    sizes: Mapping[int, float],
    known: Sequence[Known],
    relations: Sequence[Relation],
    *,
    enough: Callable[[int, float, float | None], bool],
    withheld: Known,
) -> list[int]:
    """Choose further cells to withhold until the range of every hidden one is wide enough.

    Cells are taken one at a time from the sums that the hidden cell stands in: the smallest that makes its range wide
    enough, otherwise the smallest. What is withheld only widens what is possible elsewhere, so a cell once wide enough
    stays so.

    Parameters
    ----------
    hidden : iterable of int
        The cells to protect.
    sizes : mapping of int to float
        The cells that may be withheld, and how large each is; the smaller are preferred.
    known, relations
        As in `bounds`.
    enough : callable
        Told the cell and the ends of its range; whether that is wide enough.
    withheld : (low, high)
        What a reader knows of a cell that is withheld.

    Returns
    -------
    list of int
        In the order in which they were withheld.

    Raises
    ------
    DisclosureError
        Where nothing is left to withhold.
    """
    now, chosen, waiting = list(known), [], list(hidden)
    found = ranges([(cell, now) for cell in waiting], relations)
    narrow = [cell for cell, (low, high) in zip(waiting, found, strict=True) if not enough(cell, low, high)]
    while narrow:
        cell = narrow[0]
        beside = {near for one in relations if cell in one.cells for near in one.cells}
        left = [place for place in sizes if place not in chosen and place != cell]
        nearest = sorted([place for place in left if place in beside] or left, key=lambda place: (sizes[place], place))
        if not nearest:
            raise DisclosureError(
                "The table cannot be made safe to publish: a small count is given away, and there is"
                " no other count left to withhold."
            )
        tried = ranges([(cell, [*now[:place], withheld, *now[place + 1 :]]) for place in nearest], relations)
        wide = [place for place, (low, high) in zip(nearest, tried, strict=True) if enough(cell, low, high)]
        chosen.append((wide or nearest)[0])
        now[chosen[-1]] = withheld
        found = ranges([(place, now) for place in narrow], relations)
        narrow = [place for place, (low, high) in zip(narrow, found, strict=True) if not enough(place, low, high)]
    return chosen
