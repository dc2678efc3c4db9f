"""The cells of one sheet of an individual-level return, held against the contract: each distinct text is read once."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.records.linkage.guard import direct_identifiers
from impact.records.returns.rules import Found
from impact.records.returns.sheets import Sheet
from impact.records.tables import Column, Table

EARLIEST = dt.date(1900, 1, 1)
LIVE = "+-@"
QUARTER = r"[0-9]{4}-Q[1-4]"
FREE_TEXT = "text"
_HEADER_WITHIN = 10
_DTYPES = {"date": "datetime64[s]", "whole": "Int64", "number": "float64", "flag": "boolean"}
_PRIVATE = (
    ("email", re.compile(r"(?<![^@\s])[^@\s]+@[^@\s]+\.[^@\s]")),
    ("phone", re.compile(r"(\+44|\b0)[\d ]{9,12}\b")),
    ("postcode", re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b", re.I)),
    ("official-number", re.compile(
     r"\b(\d\d){1,2}/\d{4,7}[A-Z]\b|\b[A-Z]\d{4}[A-Z]{2}\b|\b[A-Z]{2} ?(\d\d ?){3}[A-D]\b"
    )),
    ("named-person", re.compile(r"\b(Mr|Mrs|Ms|Miss|Mx|Dr|PC|Officer)\.? [A-Z][a-z]+")),
)  # fmt: skip
_ERROR = re.compile(r"#(REF!|N/A|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|#+)")
_PLACEHOLDER = re.compile(
    r"[-–—?.*/x]+|n/?[akrs]|nil|none|null|nan|tb[acd]|d/?k|not (known|stated|recorded|given|applicable|available)"
    r"|don'?t know|unknown|blank|missing|refused|not asked", re.I,
)  # fmt: skip
_TORN = re.compile("Ã[\u0080-\u00bf]|â€|Â[\u00a0-\u00bf]|ï¿½|\ufffd")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The typed rows of one table of a return; what could not be read is missing in `values` and true in `filled`."""

    sheet: str
    table: Table
    numbers: NDArray[np.int64]
    values: pd.DataFrame
    filled: pd.DataFrame


def check_sheet(
    sheet: Sheet, table: Table, *, received_on: dt.date | None, areas: Collection[str] | None
) -> tuple[Rows | None, list[Found]]:
    """The typed rows, and the findings of a sheet's header and cells; no rows where there is no header."""
    name = table.name
    known = {column.name: column for column in table.columns}
    at, header = header_of(sheet, known)
    if at is None:
        return None, [Found("no-header", name)]
    found = [Found("header-moved", name, int(sheet.numbers[at]))] if sheet.numbers[at] != 1 else []
    found += [
        Found("column-missing", name, column=c)
        for c, column in known.items()
        if c not in header and (column.required or c in table.either)
        and not (c in table.either and set(table.either) & set(header))
    ]  # fmt: skip
    found += [Found("column-repeated", name, column=c) for c in known if header.count(c) > 1]
    numbers = sheet.numbers[at + 1 :]
    columns = [column[at + 1 :] for column in sheet.columns]
    found += _beyond(sheet, at, header, known, columns)
    values, filled = {}, {}
    for title, column in known.items():
        raw = columns[header.index(title)] if title in header else np.full(len(numbers), "", dtype=object)
        values[title], filled[title], broken = _column(raw, column, received_on, areas)
        found += [Found(rule, name, int(numbers[place]), title) for place, rule in broken]
        if column.required and title in header and len(numbers):
            empty = ~filled[title]
            if empty.all():
                found.append(Found("column-empty", name, column=title))
            else:
                found += [Found("value-missing", name, int(number), title) for number in numbers[empty]]
    held = Rows(name, table, numbers, pd.DataFrame(values), pd.DataFrame(filled))
    return held, found


def header_of(sheet: Sheet, known: Collection[str]) -> tuple[int | None, list[str]]:
    """Where the column names stand, within the first rows, and the row of them."""
    for at in range(min(_HEADER_WITHIN, len(sheet.numbers))):
        header = [str(column[at]).strip() for column in sheet.columns]
        if len(set(header) & set(known)) >= min(2, len(known)):
            return at, header
    return None, []


def _beyond(
    sheet: Sheet, at: int, header: list[str], known: dict[str, Column], columns: list[NDArray[np.object_]]
) -> list[Found]:
    """Findings of columns without a name or with one that nobody asked for, and of rows torn apart."""
    name, numbers = sheet.name, sheet.numbers[at + 1 :]
    found = [
        Found("column-unknown", name, column=str(place)) for place, c in enumerate(header, 1) if c and c not in known
    ]
    for place, c in enumerate(header, 1):
        suspect = c.endswith("_id") or (c not in known and (columns[place - 1] != "").any())
        if suspect and direct_identifiers(pd.DataFrame({c or "column": columns[place - 1]}), ""):
            found.append(Found("identifying-column", name, column=c if c in known else str(place)))
    used = max((place for place, c in enumerate(header, 1) if c), default=0)
    torn = np.zeros(len(numbers), dtype=bool)
    for place, c in enumerate(header):
        if not c:
            torn |= columns[place] != ""
    if sheet.widths is not None:
        torn |= sheet.widths[at + 1 :] < used
    return found + [Found("ragged-row", name, int(number)) for number in numbers[torn]]


def _column(
    raw: NDArray[np.object_], column: Column, received_on: dt.date | None, areas: Collection[str] | None
) -> tuple[pd.Series, NDArray[np.bool_], list[tuple[int, str]]]:
    """A column typed, which of its cells hold anything, and the place and rule of each cell that breaks one."""
    codes, texts = pd.factorize(raw)
    read = [_cell(str(text), column, received_on, areas) for text in texts]
    rules = np.array([rule for _, rule in read], dtype=object)[codes] if len(codes) else np.empty(0, dtype=object)
    filled = np.array([bool(str(text).strip()) for text in texts], dtype=bool)[codes]
    values = pd.Series([value for value, _ in read], dtype=_DTYPES.get(column.kind, "object")).take(codes)
    return values.reset_index(drop=True), filled, [(int(place), str(rules[place])) for place in np.flatnonzero(rules)]


def _cell(text: str, column: Column, received_on: dt.date | None, areas: Collection[str] | None) -> tuple[Any, str]:
    """The value of a cell (None where empty or unreadable) and the rule it breaks ("" for none)."""
    value = text.strip()
    if not value:
        return None, ""
    if column.kind == "flag" and value in ("=TRUE()", "=FALSE()"):
        return value == "=TRUE()", ""  # as LibreOffice saves true and false
    if value.startswith("="):
        return None, "formula"
    if _ERROR.fullmatch(value):
        return None, "error-value"
    if column.kind == "text":
        return _text(value, column, text, areas)
    if _PLACEHOLDER.fullmatch(value):
        return None, "placeholder"
    if column.kind == "date":
        return _date(value, received_on)
    if column.kind == "month":
        return (value, "") if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value) else (None, "not-a-month")
    if column.kind == "flag":
        low = value.lower()
        return (low == "true", "") if low in ("true", "false") else (None, "not-true-or-false")
    return _number(value, column)


def _number(value: str, column: Column) -> tuple[Any, str]:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", value):
        return None, "word-for-number" if re.search("[A-Za-z]", value) else "not-a-number"
    held = float(value)
    if not math.isfinite(held) or abs(held) >= 1e15:
        return None, "out-of-range"
    if column.kind == "whole" and held != int(held):
        return None, "not-whole"
    outside = (column.low is not None and held < column.low) or (column.high is not None and held > column.high)
    return (int(held) if column.kind == "whole" else held), "out-of-range" if outside else ""


def _text(value: str, column: Column, text: str, areas: Collection[str] | None) -> tuple[Any, str]:
    if column.allowed:
        if value in column.allowed:
            return value, "spaces" if value != text else ""
        if value.lower() in column.allowed:
            return value.lower(), "other-case"
        return None, "placeholder" if _PLACEHOLDER.fullmatch(value) else "not-allowed"
    identifier = column.name.endswith("_id")
    for rule, pattern in _PRIVATE:
        if not identifier and pattern.search(value):
            return value, rule
    if value[0] in LIVE:
        return value, "live-text"
    if _TORN.search(value):
        return value, "torn-letters"
    if column.name == "quarter":
        return (value, "") if re.fullmatch(QUARTER, value) else (None, "not-a-quarter")
    if column.name == "lsoa":
        if not re.fullmatch(r"[ESW]01[0-9]{6}", value):
            return None, "not-an-area"
        return value, "outside-area" if areas is not None and value not in areas else ""
    if column.name != FREE_TEXT:
        if _UNSEEN.search(value):
            return value, "unseen-characters"
        if re.fullmatch(r"[0-9]{1,2}-[A-Z][a-z]{2}(-[0-9]{2,4})?|[0-9]{4}-[0-9]{2}-[0-9]{2}( .*)?", value):
            return value, "turned-to-date"
        if re.fullmatch(r"[0-9](\.[0-9]+)?E\+[0-9]+", value):
            return value, "shortened-number"
        if identifier and _PLACEHOLDER.fullmatch(value):
            return None, "placeholder"
    return value, "spaces" if value != text else ""


def _date(value: str, received_on: dt.date | None) -> tuple[Any, str]:
    if re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", value):
        return None, "date-as-number"
    if re.fullmatch(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4}|[0-9]{2})", value):
        return None, "date-order"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+", value):
        return None, "date-with-time"
    try:
        day = dt.date.fromisoformat(value) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else None
    except ValueError:
        day = None
    if day is None:
        return None, "not-a-date"
    if received_on is not None and day > received_on:
        return day, "date-future"
    if day in (EARLIEST, dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1904, 1, 1)):
        return day, "date-filler"
    return day, "date-too-early" if day < EARLIEST else ""
