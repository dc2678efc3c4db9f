"""Rows of an extract become rows of a table of the contract, as texts; each row that cannot says by which rule."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import SHOWN_ROWS, Fault
from impact.records.building.maps import ISO, PEOPLE, SourceMap, not_allowed
from impact.records.tables import Column

BLANK = "blank"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FLAGS = {"true": "true", "false": "false"}


@dataclass(frozen=True, slots=True)
class Mapped:
    """The rows of one source: the table's columns as text in the contract's writing, and what became of each row.

    `frame` holds every row, `dropped` the rule by which each is left out ("" where it is kept), `identifiers` what
    the records of people are linked by.
    """

    frame: pd.DataFrame
    identifiers: pd.DataFrame
    dropped: np.ndarray
    not_used: int


def mapped(source: SourceMap, raw: pd.DataFrame, where: str, drop: frozenset[str]) -> tuple[Mapped | None, list[Fault]]:
    """One source through its map, and every fault of it."""
    header = list(raw.columns)
    wanted = [*source.columns.values(), *source.identifiers.values()]
    faults = [
        Fault(
            "is not in the file" if header.count(name) == 0 else "stands more than once in the header",
            where,
            name,
            why="the map cannot be followed.",
            remedy="correct the map, or the file's line of column names.",
        )
        for name in dict.fromkeys(wanted)
        if header.count(name) != 1
    ]
    if faults:
        return None, faults
    used = raw[list(dict.fromkeys(wanted))]
    blank = (used == "").all(axis=1).to_numpy(dtype=bool) if len(used) else np.zeros(0, dtype=bool)
    dropped = np.where(blank, BLANK, "").astype(object)
    cells: dict[str, np.ndarray] = {}
    for column in source.table.columns:
        if column.name in source.constants:
            given = np.full(len(raw), source.constants[column.name], dtype=object)
        elif column.name in source.columns:
            given = raw[source.columns[column.name]].to_numpy(dtype=object)
        else:
            cells[column.name] = np.full(len(raw), "", dtype=object)
            continue
        cells[column.name], broken = _column(column, given, source.values.get(column.name, {}), source.formats)
        broken[blank] = ""
        for rule in sorted(set(broken) - {""}):
            at = np.flatnonzero(broken == rule)
            if rule in drop:
                dropped[at] = np.where(dropped[at] == "", rule, dropped[at])
            else:
                rows = tuple(int(row) + 1 for row in at[:SHOWN_ROWS])
                faults.append(not_allowed(rule, where, rows, len(at), source.columns.get(column.name, column.name)))
    identifiers = pd.DataFrame({kind: raw[name] for kind, name in source.identifiers.items()}, index=raw.index)
    frame = pd.DataFrame(cells, columns=[column.name for column in source.table.columns], dtype=object)
    return Mapped(frame, identifiers, dropped, len(set(header) - set(wanted))), faults


def _column(
    column: Column, given: np.ndarray, values: Mapping[str, str], formats: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The cells in the contract's writing, and the rule that each breaks; every distinct cell is read once."""
    codes, distinct = pd.factorize(given)
    read = [_cell(column, values.get(str(text), str(text)), formats) for text in distinct]
    written = np.array([text for text, _ in read], dtype=object)
    broken = np.array([rule for _, rule in read], dtype=object)
    return written[codes], broken[codes]


def _cell(column: Column, text: str, formats: tuple[str, ...]) -> tuple[str, str]:
    if not text:
        if column.name in PEOPLE:
            return "", "no-person"
        return "", "missing" if column.required else ""
    match column.kind:
        case "text":
            new = text
        case "date":
            new = read_date(text, formats)
        case "month":
            new = text if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) else read_date(text, formats)[:7]
        case "flag":
            new = _FLAGS.get(text.lower(), "")
        case _:
            new = _number(text, whole=column.kind == "whole")
    if not new:
        return "", "unreadable"
    if column.allowed and new not in column.allowed:
        return "", "not-allowed"
    if column.kind in ("whole", "number"):
        low, high = column.low, column.high
        if (low is not None and float(new) < low) or (high is not None and float(new) > high):
            return "", "not-allowed"
    return new, ""


def read_date(text: str, formats: tuple[str, ...]) -> str:
    """A date as YYYY-MM-DD; nothing where no format reads it, or two formats read it as different days.

    Examples
    --------
    >>> [read_date(text, ("%d/%m/%Y",)) for text in ("05/04/2023", "2023-04-05", "31/02/2023", "5 April")]
    ['2023-04-05', '2023-04-05', '', '']
    >>> read_date("05/04/2023", ("%d/%m/%Y", "%m/%d/%Y"))
    ''
    """
    found = set()
    for pattern in (ISO, *formats):
        try:
            found.add(dt.datetime.strptime(text, pattern).date().isoformat())
        except ValueError:
            continue
    return found.pop() if len(found) == 1 else ""


def _number(text: str, *, whole: bool) -> str:
    if not _NUMBER.fullmatch(text):
        return ""
    value = float(text)
    if not np.isfinite(value):
        return ""
    if not whole:
        return repr(value)
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else ""
