"""The cells and rows of one sheet of an individual-level return, held against the contract."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from impact.records.returns.reading import Sheet
from impact.records.returns.rules import Found
from impact.records.tables import Column, Table

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"(\+44|\b0)[\d ]{9,12}\b")
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b", re.I)
_DAYS_ORDER = (
    ("participation", "started_on", "ended_on", "end-before-start"),
    ("referral", "referred_on", "decided_on", "decided-before-referral"),
    ("need", "identified_on", "met_on", "met-before-identified"),
)
EARLIEST = dt.date(1900, 1, 1)
LIVE = "+-@"
Row = dict[str, Any]


def check_sheet(sheet: Sheet, table: Table, received_on: dt.date | None) -> tuple[dict[int, Row], list[Found]]:
    """Typed rows by their place on the sheet, and the findings of its header and cells."""
    header = [str(cell).strip() if cell is not None else "" for cell in (sheet.rows[0] if sheet.rows else ())]
    known = {column.name: column for column in table.columns}
    name = sheet.name
    if not set(header) & set(known):
        return {}, [Found("no-header", name)]
    found = [
        Found("column-missing", name, column=c)
        for c, column in known.items()
        if c not in header and (column.required or c in table.either)
        and not (c in table.either and set(table.either) & set(header))
    ]  # fmt: skip
    found += [Found("column-unknown", name, 1, str(place)) for place, c in enumerate(header, 1) if c and c not in known]
    found += [Found("column-repeated", name, column=c) for c in sorted(set(header) & set(known)) if header.count(c) > 1]
    rows: dict[int, Row] = {}
    for number, cells in enumerate(sheet.rows[1:], start=2):
        if all(cell is None or str(cell).strip() == "" for cell in cells):
            continue
        if any(cell not in (None, "") for cell in cells[len(header) :]):
            found.append(Found("ragged-row", name, number))
        row: Row = {}
        for title, cell in zip(header, cells, strict=False):
            if title in known:
                row[title], rule = _cell(cell, known[title], received_on)
                if rule:
                    found.append(Found(rule, name, number, title))
        rows[number] = row
    for title in sorted(set(header) & set(known)):
        if rows and known[title].required:
            empty = [number for number, row in rows.items() if row.get(title) == ""]
            if len(empty) == len(rows):
                found.append(Found("column-empty", name, column=title))
            else:
                found += [Found("value-missing", name, number, title) for number in empty]
    return rows, found


def _cell(cell: Any, column: Column, received_on: dt.date | None) -> tuple[Any, str]:
    """The value of a cell ("" where empty, None where unreadable) and the rule it breaks ("" for none)."""
    if isinstance(cell, dt.datetime):
        cell = cell.date() if cell.time() == dt.time() else cell.isoformat(" ")
    text = "" if cell is None else str(cell)
    value = text.strip()
    if not value:
        return "", ""
    if column.kind == "flag" and value in ("=TRUE()", "=FALSE()"):
        return value == "=TRUE()", ""  # as LibreOffice saves true and false
    if value.startswith("="):
        return None, "formula"
    if re.fullmatch(r"#(REF!|N/A|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|#+)", value):
        return None, "error-value"
    if column.kind == "text":
        return _text(value, column, text)
    if column.kind == "date":
        return _date(value, received_on)
    if column.kind == "month":
        return (value, "") if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value) else (None, "not-a-month")
    if column.kind == "flag":
        low = value.lower()
        return (low == "true", "") if low in ("true", "false") else (None, "not-true-or-false")
    if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{0,15})?", value):
        return None, "word-for-number" if re.search("[A-Za-z]", value) else "not-a-number"
    held = float(value)
    if column.kind == "whole" and held != int(held):
        return None, "not-whole"
    outside = (column.low is not None and held < column.low) or (column.high is not None and held > column.high)
    return (held, "out-of-range" if outside else "")


def _text(value: str, column: Column, text: str) -> tuple[Any, str]:
    if column.allowed and value not in column.allowed:
        return None, "other-case" if value.lower() in column.allowed else "not-allowed"
    for rule, pattern in (("email", _EMAIL), ("phone", _PHONE), ("postcode", _POSTCODE)):
        if len(value) < 10_000 and not column.name.endswith("_id") and pattern.search(value):
            return value, rule
    if value[0] in LIVE:
        return value, "live-text"
    return value, "spaces" if value != text else ""


def _date(value: str, received_on: dt.date | None) -> tuple[Any, str]:
    if re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", value):
        return None, "date-as-number"
    if re.fullmatch(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4}|[0-9]{2})", value):
        return None, "date-order"
    try:
        day = dt.date.fromisoformat(value) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else None
    except ValueError:
        day = None
    if day is None:
        return None, "not-a-date"
    if received_on is not None and day > received_on:
        return day, "date-future"
    return day, "date-too-early" if day < EARLIEST else ""


def check_rows(tables: dict[str, tuple[str, Table, dict[int, Row]]], programme: str | None) -> Iterable[Found]:
    """Findings between the cells of a row, between rows and between sheets."""
    people = {row.get("person_id"): row for row in tables["person"][2].values()} if "person" in tables else None
    for table_name, (sheet, table, rows) in tables.items():
        seen: set[tuple[Any, ...]] = set()
        for number, row in rows.items():
            key = tuple(row.get(column) for column in table.key)
            if key and all(part not in (None, "") for part in key):
                if key in seen:
                    yield Found("duplicate-row", sheet, number)
                seen.add(key)
            for rule, column in _row(table_name, row, programme):
                yield Found(rule, sheet, number, column)
            who = row.get("person_id")
            if people is None or not who:
                continue
            if who not in people:
                yield Found("person-unlisted", sheet, number, "person_id")
            born = people.get(who, {}).get("birth_date")
            if isinstance(born, dt.date):
                for column, day in row.items():
                    if isinstance(day, dt.date) and day < born:
                        yield Found("before-birth", sheet, number, column)


def _row(table: str, row: Row, programme: str | None) -> Iterable[tuple[str, str]]:
    for name, first, last, rule in _DAYS_ORDER:
        start, end = row.get(first), row.get(last)
        if name == table and isinstance(start, dt.date) and isinstance(end, dt.date) and end < start:
            yield rule, last
    if programme is not None and row.get("programme") not in (None, "", programme):
        yield "other-programme", "programme"
    if table == "person" and row.get("birth_date", "") == "" and row.get("birth_month", "") == "":
        yield "birth-missing", "birth_date"
    if table == "participation":
        status, ended = row.get("status"), row.get("ended_on", "")
        if status in ("completed", "left_early", "transferred") and ended == "":
            yield "ended-without-date", "ended_on"
        if status == "active" and isinstance(ended, dt.date):
            yield "active-with-end", "ended_on"
        planned, attended = row.get("sessions_planned"), row.get("sessions_attended")
        if isinstance(planned, float) and isinstance(attended, float) and attended > planned:
            yield "attended-over-planned", "sessions_attended"
    if table == "referral":
        decision, decided = row.get("decision"), row.get("decided_on", "")
        if decision == "waiting" and isinstance(decided, dt.date):
            yield "waiting-with-decision", "decided_on"
        if decision not in (None, "", "waiting") and decided == "":
            yield "decided-without-date", "decided_on"
    if table == "family" and row.get("person_id") and row.get("person_id") == row.get("related_id"):
        yield "tie-to-self", "related_id"
