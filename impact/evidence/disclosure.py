"""`protect`: a table of counts made safe to publish, or refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from impact.errors import DisclosureError, Fault, InputError
from impact.evidence.adversary import Known, Relation, withhold
from impact.evidence.rules import Rules, default_rules
from impact.results import with_notes

SHOWN, ROUNDED, HIDDEN, WITHHELD, NONE = "shown", "rounded", "hidden", "withheld", "no count"
PERSONAL = ("person_id", "related_id", "birth_date", "birth_month")


@dataclass(frozen=True, eq=False)
class Protected:
    """An output as it may be published, with a record of what was done to it.

    Attributes
    ----------
    table : DataFrame
        What may be shown. Of a table of counts: text throughout.
    record : DataFrame
        Columns ``row, column, status, shown, rule``: one row for each thing shown or not. It holds no true value.
    rules : Rules
        The rules that were kept.
    notes : tuple of str
        What a reader must be told.
    sums : tuple of Relation
        Which lines of the record add up to which.
    """

    table: pd.DataFrame
    record: pd.DataFrame
    rules: Rules
    notes: tuple[str, ...] = ()
    sums: tuple[Relation, ...] = field(default=(), repr=False)

    def tidy(self) -> pd.DataFrame:
        """The record."""
        return self.record.copy()

    def __repr__(self) -> str:
        return with_notes(self.table.to_string(), self.notes)


def protect(
    table: pd.DataFrame,
    *,
    rules: Rules | None = None,
    total_row: object | None = None,
    total_column: object | None = None,
    within: Mapping[Any, Any] | None = None,
    published: Collection[Any] = (),
) -> Protected:
    """Make a table of counts safe to publish.

    Counts under the minimum are shown as "fewer than 10"; every other count, totals too, is rounded to the base by
    itself. Where totals are named, what they give away is worked out exactly, and where a hidden count could be known
    too closely, further counts or totals are withheld ("not shown") until it cannot.

    **What is guaranteed.** For every hidden count at least ``rules.width`` different values (5 by default) agree with
    the whole published table, its named totals, and knowledge of these rules, withheld counts being taken as known to
    be the minimum or more. Without totals all values from 0 to 9 agree. **What is not.** Nothing is promised of counts
    that are shown (a shown 10 stands for 10, 11 or 12), of sums that are not named (a total published elsewhere must be
    given here, as a row or column), of other tables on the same people, or of a reader who replays which counts were
    withheld and in what order. Row and column labels and columns of text pass as they are: a count written into a label
    is not seen.

    Parameters
    ----------
    table : DataFrame
        Whole numbers, 0 or more (missing where there is no count), and columns of text.
    rules : Rules, optional
        Other thresholds than those shipped.
    total_row, total_column : label, optional
        The row that is the sum of all other rows, and the column that is the sum of all other columns of counts.
    within : mapping, optional
        For rows that add up to other rows, a part to what it is part of: ``{"Anfield": "Liverpool"}`` where the row
        Liverpool is the sum of its wards. The total row is then the sum of the rows that are part of nothing else.
    published : collection of labels
        Rows whose counts are published elsewhere too, so that to withhold them here would hide nothing.

    Returns
    -------
    Protected

    Raises
    ------
    DisclosureError
        Where the table cannot be made safe: rows of people, dates, numbers that are not counts, nothing left to show.
    InputError
        Where a named total is not there, or is not the sum of its parts.

    Examples
    --------
    >>> people = pd.DataFrame({"people": [45, 3, 48]}, index=["men", "women", "all"])
    >>> protect(people, total_row="all").table["people"].tolist()
    ['45', 'fewer than 10', '50']
    """
    rules = rules or default_rules()
    counted = _columns_of_counts(table)
    values = table[counted].to_numpy(dtype=float, na_value=np.nan)
    if missing := [label for label in published if label not in table.index]:
        raise InputError(f"published names rows that the table has not: {', '.join(map(repr, missing))}.")
    relations = _relations(table, counted, values, total_row, total_column, dict(within or {}))
    cells = values.ravel()
    status = [_first_status(count, rules) for count in cells]
    if relations:
        everywhere = np.repeat(table.index.isin(list(published)), values.shape[1])
        _withhold(cells, status, relations, rules, everywhere)
    texts = [_text(count, state, rules) for count, state in zip(cells, status, strict=True)]
    shown = table.copy()
    grid = np.array(texts, dtype=object).reshape(values.shape)
    for place, name in enumerate(counted):
        shown[name] = grid[:, place]
    record = _record(table, counted, status, texts, rules)
    return Protected(shown, record, rules, _notes(status, rules), tuple(relations))


def _columns_of_counts(table: pd.DataFrame) -> list[object]:
    if not isinstance(table, pd.DataFrame):
        raise DisclosureError(f"Only a table of counts can be protected here, not {type(table).__name__}.")
    if not (table.columns.is_unique and table.index.is_unique):
        raise InputError("Row and column labels must be unique, or a total cannot be told from a part.")
    faults: list[Fault] = []
    counted: list[object] = []
    named = [*table.columns, *table.index.names, *table.columns.names]
    for name in PERSONAL:
        if name in named:
            faults.append(Fault("holds people, one by one", column=name, remedy="count them first."))
    for name in table.columns:
        column = table[name]
        if name in PERSONAL:
            continue
        if pd.api.types.is_datetime64_any_dtype(column):
            faults.append(Fault("holds dates", column=str(name), remedy="count by month or quarter first."))
        elif pd.api.types.is_bool_dtype(column):
            faults.append(Fault("holds true and false, one by one", column=str(name), remedy="count them first."))
        elif pd.api.types.is_numeric_dtype(column):
            numbers = column.to_numpy(dtype=float, na_value=np.nan)
            given = numbers[~np.isnan(numbers)]
            if not np.isfinite(given).all() or (given < 0).any() or (given != np.floor(given)).any():
                faults.append(
                    Fault(
                        "holds numbers that are not counts",
                        column=str(name),
                        remedy="give whole numbers, 0 or more; shares and means have share, rate and safe_mean.",
                    )
                )
            counted.append(name)
        elif any(isinstance(value, date) for value in column.dropna()):
            faults.append(Fault("holds dates", column=str(name), remedy="count by month or quarter first."))
        elif any(isinstance(value, Number) for value in column.dropna()):
            faults.append(
                Fault(
                    "holds numbers, but is not a column of numbers",
                    column=str(name),
                    why="it would be shown as it stands.",
                    remedy="make it one of numbers if they are counts, or of text if they are labels.",
                )
            )
    if not faults and not counted:
        faults.append(Fault("holds no counts", remedy="give at least one column of counts."))
    if faults:
        raise DisclosureError("The table cannot be made safe to publish:", faults)
    return counted


def _relations(
    table: pd.DataFrame,
    counted: Sequence[object],
    values: np.ndarray,
    total_row: object | None,
    total_column: object | None,
    within: dict[Any, Any],
) -> list[Relation]:
    place = np.arange(values.size).reshape(values.shape)
    lines: list[tuple[np.ndarray, int]] = []
    faults = _within_faults(table, within)
    if total_row is not None and total_row not in table.index:
        faults.append(Fault(f"has no row {total_row!r}", remedy="name the row of totals as the index has it."))
    if total_column is not None and total_column not in counted:
        faults.append(Fault(f"has no column of counts {total_column!r}", remedy="name the column of totals."))
    if not faults:
        labels = list(table.index)
        if total_row is not None:
            within |= {label: total_row for label in labels if label not in within and label != total_row}
        for whole in dict.fromkeys(within.values()):
            rows = [labels.index(whole), *(at for at, label in enumerate(labels) if within.get(label) == whole)]
            lines += [(place[rows, column], 0) for column in range(values.shape[1])]
        if total_column is not None:
            lines += [(place[row, :], list(counted).index(total_column)) for row in range(len(labels))]
    relations = [Relation(int(line[at]), tuple(int(cell) for cell in np.delete(line, at))) for line, at in lines]
    cells = values.ravel()
    wrong = [one for one in relations if not np.isclose(cells[list(one.parts)].sum(), cells[one.total])]
    if wrong:
        faults.append(
            Fault(
                f"{len(wrong)} of {len(relations)} totals are not the sum of their parts, or a count is missing",
                why="what the totals give away could not be worked out.",
                remedy="mend the totals, or protect the table without naming them if they are not sums.",
            )
        )
    if faults:
        raise InputError("The totals of the table cannot be used:", faults)
    return relations


def _within_faults(table: pd.DataFrame, within: Mapping[Any, Any]) -> list[Fault]:
    faults = [
        Fault(
            f"has no row {label!r}", remedy="name the parts in within, and what they are part of, as the index has it."
        )
        for label in dict.fromkeys([*within, *within.values()])
        if label not in table.index
    ]
    for start in within:
        seen, at = {start}, within[start]
        while at in within and at not in seen:
            seen.add(at)
            at = within[at]
        if at in seen:
            faults.append(Fault(f"has the row {start!r} as a part of itself", remedy="mend within."))
    return faults


def _first_status(count: float, rules: Rules) -> str:
    if np.isnan(count):
        return NONE
    if rules.hides(count):
        return HIDDEN
    return SHOWN if count == rules.rounded(int(count)) else ROUNDED


def _withhold(
    cells: np.ndarray, status: list[str], relations: Sequence[Relation], rules: Rules, everywhere: np.ndarray
) -> None:
    """Withhold counts until every hidden one has values enough; `status` is changed in place."""
    hidden = [cell for cell, state in enumerate(status) if state == HIDDEN]
    chosen = withhold(
        hidden,
        {
            cell: cells[cell]
            for cell, state in enumerate(status)
            if state in (SHOWN, ROUNDED) and cells[cell] > 0 and not everywhere[cell]
        },
        [known(count, state, rules) for count, state in zip(cells, status, strict=True)],
        relations,
        enough=wide_enough(rules),
        withheld=(rules.minimum, None),
    )
    for cell in chosen:
        status[cell] = WITHHELD
    if WITHHELD in status and not any(state in (SHOWN, ROUNDED) for state in status):
        raise DisclosureError(
            "The table cannot be made safe to publish: with its totals, every count gives away a small one.",
            [Fault("would show nothing", remedy="merge rows or columns, or leave out the totals.")],
        )


def wide_enough(rules: Rules) -> Callable[[int, float, float | None], bool]:
    """Whether a range holds as many whole numbers as a hidden count must have."""
    return lambda _, low, high: high is None or round(high) - round(low) + 1 >= rules.width


def known(count: float, state: str, rules: Rules) -> Known:
    """What a reader of the rules knows of a count by itself; a missing one stands in no sum."""
    if state == HIDDEN:
        return rules.lowest, rules.minimum - 1
    if state == WITHHELD:
        return rules.minimum, None
    if state == NONE:
        return 0, None
    return rules.behind(rules.rounded(int(count)))


def _text(count: float, state: str, rules: Rules) -> str:
    words = {NONE: "–", HIDDEN: f"fewer than {rules.minimum}", WITHHELD: "not shown"}
    return words[state] if state in words else f"{rules.rounded(int(count)):,}"


def _record(
    table: pd.DataFrame, counted: Sequence[object], status: Sequence[str], texts: Sequence[str], rules: Rules
) -> pd.DataFrame:
    why = {
        SHOWN: f"base {rules.base}",
        ROUNDED: f"base {rules.base}",
        HIDDEN: f"minimum {rules.minimum}",
        WITHHELD: f"width {rules.width}",
        NONE: "",
    }
    places = [(str(row), str(column)) for row in table.index for column in counted]
    rows = [
        (row, column, "shown" if state in (SHOWN, ROUNDED) else state, text, why[state])
        for (row, column), state, text in zip(places, status, texts, strict=True)
    ]
    return pd.DataFrame(rows, columns=["row", "column", "status", "shown", "rule"])


def _notes(status: Sequence[str], rules: Rules) -> tuple[str, ...]:
    notes = []
    if any(state in (SHOWN, ROUNDED) for state in status):
        notes.append(
            f"Counts are rounded to the nearest {rules.base}, each by itself, so parts may not add up to their total."
        )
    if HIDDEN in status:
        zero = ", zero included" if rules.zeros == "hide" else ""
        notes.append(f"Counts under {rules.minimum}{zero}, are not given, to protect people's privacy.")
    if WITHHELD in status:
        notes.append("Some larger counts are not shown because a small count could be worked out from them.")
    return tuple(notes)
