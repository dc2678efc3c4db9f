"""`protect_sums`: a table of sums (hours, offences, pounds) in which one person may hold most of a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import DisclosureError, Fault, InputError
from impact.evidence.adversary import Known, Relation, withhold
from impact.evidence.disclosure import HIDDEN, SHOWN, WITHHELD, Protected
from impact.evidence.rules import Rules, default_rules
from impact.evidence.shown import rows_left_out
from impact.frames import Columns, FloatArray, Groups, IntArray

ALL = "all"


@dataclass(frozen=True, slots=True)
class Cells:
    """Each cell of a table: its sum, how many people it is of, and what the largest of them give to it."""

    total: FloatArray
    people: IntArray
    first: FloatArray
    second: FloatArray
    top: FloatArray


def cells_of(person: IntArray, cell: IntArray, value: FloatArray, n_cells: int, *, top: int) -> Cells:
    """The cells' sums and largest contributions; values of one person in one cell are added up first."""
    pairs, place = np.unique(np.column_stack([cell, person]), axis=0, return_inverse=True)
    given = np.bincount(place.ravel(), weights=value, minlength=len(pairs)).astype(float)
    order = np.lexsort((-given, pairs[:, 0]))
    where, given = pairs[order, 0], given[order]
    start = np.searchsorted(where, np.arange(n_cells))
    rank = np.arange(len(where)) - start[where]

    def added(at: IntArray, what: FloatArray) -> FloatArray:
        return np.bincount(at, weights=what, minlength=n_cells).astype(float)

    def largest(first: int, last: int) -> FloatArray:
        chosen = (rank >= first) & (rank < last)
        return added(where[chosen], given[chosen])

    return Cells(
        added(where, given),
        np.bincount(where, minlength=n_cells),
        largest(0, 1),
        largest(1, 2),
        largest(0, top),
    )


def protect_sums(
    data: pd.DataFrame,
    value: str,
    *,
    rows: str,
    columns: str | None = None,
    person: str = "person_id",
    digits: int = 0,
    rules: Rules | None = None,
) -> Protected:
    """A table of sums with its totals, made safe to publish.

    A sum is withheld where it is of fewer people than the minimum (of nobody too, where zeros are hidden); where the
    ``dominance_people`` largest contributors hold more than ``dominance_share`` of it; or where the second largest
    contributor, who knows their own part, could work out the largest to within ``p_percent`` (the p-percent rule).
    Further sums are withheld until the totals do not give these away: for each sum T that a rule withholds, linear
    programmes show that everything from T − U to T + U (or from 0) agrees with the whole published table, where U is
    what the rule that withholds it asks for: p × x₁ − (T − x₁ − x₂), or (x₁ + … + xₙ)/k − T, and never less than
    p × x₁ (Willenborg and de Waal 2001, chapter 6). Shown sums are taken as known to the reader in full.

    Parameters
    ----------
    data : DataFrame
        One row or more a person.
    value : str
        Column to add up; 0 or more.
    rows, columns : str
        Columns of the categories; without `columns` the table has one column.
    person : str
        Column that tells people apart.
    digits : int
        Decimal places of what is shown.
    rules : Rules, optional
        Other thresholds than those shipped.

    Returns
    -------
    Protected
        The table has a last row, and with `columns` a last column, ``all``.

    Raises
    ------
    InputError
        Where a column is missing or cannot be used, a value is negative, or a category is called ``all``.
    DisclosureError
        Where nothing could be shown.

    Examples
    --------
    >>> hours = pd.DataFrame({"person_id": range(24), "district": ["one"] * 12 + ["two"] * 12,
    ...     "hours": [5.0] * 12 + [900.0] + [1.0] * 11})
    >>> protect_sums(hours, "hours", rows="district").table["hours"].tolist()
    ['60', 'not shown', 'not shown']
    """
    rules = rules or default_rules()
    door = Columns(data)
    amount, who, down = door.number(value, low=0), door.groups(person), door.groups(rows)
    across = door.groups(columns) if columns is not None else Groups(np.zeros(len(data), dtype=np.int64), (value,))
    keep = door.rows()
    _refuse_all(rows, down, columns, across)
    n_rows, n_columns = len(down.labels) + 1, len(across.labels) + (columns is not None)
    inner = down.codes[keep] * n_columns + across.codes[keep]
    people, amounts = who.codes[keep], amount[keep]
    last_row = (n_rows - 1) * n_columns + across.codes[keep]
    everywhere = [inner, last_row]
    if columns is not None:
        everywhere += [down.codes[keep] * n_columns + n_columns - 1, np.full(len(inner), n_rows * n_columns - 1)]
    cells = cells_of(
        np.tile(people, len(everywhere)),
        np.concatenate(everywhere),
        np.tile(amounts, len(everywhere)),
        n_rows * n_columns,
        top=rules.dominance_people,
    )
    relations = _totals(n_rows, n_columns, across=columns is not None)
    why, need = sensitive(cells, rules)
    hidden = [cell for cell, reason in enumerate(why) if reason]
    shown_of = {cell: cells.total[cell] for cell, reason in enumerate(why) if not reason and cells.total[cell] > 0}
    known: list[Known] = [(0.0, None) if why[cell] else (total, total) for cell, total in enumerate(cells.total)]

    def enough(cell: int, low: float, high: float | None) -> bool:
        total, width = cells.total[cell], need[cell]
        slack = 1e-7 * (total + width)
        return low <= max(total - width, 0) + slack and (high is None or high >= total + width - slack)

    for cell in withhold(hidden, shown_of, known, relations, enough=enough, withheld=(0.0, None)):
        why[cell] = f"beside a sum that is withheld, p-percent {rules.p_percent:g}"
    if all(why):
        raise DisclosureError(
            "The table cannot be made safe to publish: every sum gives away one person's part.",
            [Fault("would show nothing", remedy="merge rows or columns.")],
        )
    labels = [*down.labels, ALL]
    heads = [*across.labels, ALL] if columns is not None else [value]
    texts = ["not shown" if reason else f"{total:,.{digits}f}" for total, reason in zip(cells.total, why, strict=True)]
    table = pd.DataFrame(np.array(texts, dtype=object).reshape(n_rows, n_columns), index=labels, columns=heads)
    table.index.name = rows
    lines = [
        (str(row), str(head), HIDDEN if cell in hidden else WITHHELD if why[cell] else SHOWN, texts[cell], why[cell])
        for cell, (row, head) in enumerate((row, head) for row in labels for head in heads)
    ]
    record = pd.DataFrame(lines, columns=["row", "column", "status", "shown", "rule"])
    notes = list(rows_left_out(int(keep.sum()), len(keep), rules=rules))
    if any(why):
        notes.append("Some sums are not shown because too few people, or one or two of them, stand behind them.")
    return Protected(table, record, rules, tuple(notes), tuple(relations))


def sensitive(cells: Cells, rules: Rules) -> tuple[list[str], FloatArray]:
    """Why each cell must be withheld (empty where it need not), and how far from the truth its range must reach."""
    rest = np.maximum(cells.total - cells.first - cells.second, 0.0)
    percent, top_share = rules.p_percent, rules.dominance_share
    few = (cells.people < rules.minimum) & ((cells.people > 0) | (rules.zeros == "hide"))
    dominated = cells.top > top_share * cells.total * (1 + 1e-12)
    close = (rest < percent * cells.first * (1 - 1e-12)) & (cells.people > 0)
    tests = (
        (few, f"minimum {rules.minimum} people"),
        (dominated, f"dominance {rules.dominance_people} people, {top_share:g}"),
        (close, f"p-percent {percent:g}"),
    )
    why = ["; ".join(words for flags, words in tests if flags[cell]) for cell in range(len(rest))]
    largest = np.where(cells.first > 0, cells.first, cells.first.max(initial=0.0))
    need = np.maximum.reduce([percent * cells.first - rest, cells.top / top_share - cells.total, percent * largest])
    return why, need


def _totals(n_rows: int, n_columns: int, *, across: bool) -> list[Relation]:
    place = np.arange(n_rows * n_columns).reshape(n_rows, n_columns).tolist()
    found = [Relation(place[-1][at], tuple(row[at] for row in place[:-1])) for at in range(n_columns)]
    return [*found, *(Relation(row[-1], tuple(row[:-1])) for row in place)] if across else found


def _refuse_all(rows: str, down: Groups, columns: str | None, across: Groups) -> None:
    faults = [
        Fault(f"has a category called {ALL!r}", column=name, remedy="give it another name: the totals are called so.")
        for name, groups in ((rows, down), (columns or "", across))
        if ALL in groups.labels
    ]
    if faults:
        raise InputError("The sums cannot be worked out:", faults)
