"""What a reader who knows the rules can work out about hidden counts from the totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from impact.errors import ImpactError


@dataclass(frozen=True, slots=True)
class Relation:
    """A published sum: the cells `parts` add up to the cell `total` (places in one list of cells)."""

    total: int
    parts: tuple[int, ...]

    @property
    def cells(self) -> tuple[int, ...]:
        """Every cell of the sum."""
        return (self.total, *self.parts)


def bounds(cell: int, known: Sequence[tuple[int, int | None]], relations: Sequence[Relation]) -> tuple[int, int | None]:
    """The smallest and largest value of a cell that agree with what is known of all cells and with every sum.

    Two linear programmes. In a table with one set of row totals and one of column totals the constraints are those of a
    network, whose extreme points are whole numbers, and every whole number between them is possible too (total
    unimodularity: Schrijver 1986, chapter 19); so the bounds are exact for whole counts.

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
    if not relations:
        return known[cell]
    equal = np.zeros((len(relations), len(known)))
    for row, relation in enumerate(relations):
        equal[row, list(relation.parts)] = 1
        equal[row, relation.total] = -1
    aim = np.zeros(len(known))
    found: list[int | None] = []
    for sign in (1, -1):
        aim[cell] = sign
        result = scipy.optimize.linprog(
            aim, A_eq=equal, b_eq=np.zeros(len(relations)), bounds=list(known), method="highs"
        )
        if result.status == 3:
            found.append(None)
        elif result.status == 0:
            found.append(round(sign * result.fun))
        else:
            raise ImpactError("The bounds of a hidden count could not be worked out, so the table is not released.")
    low, high = found
    assert low is not None
    return low, high
