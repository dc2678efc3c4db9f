"""Cells become typed columns of a table on the engine; a cell that cannot is a fault with its row, never a crash.

A loaded table `loaded.NAME` has the contract's columns, `_row` (counted from 1) and `_bad`, a mask with one bit for
each column, set where a cell was not empty and could not be read: it stands as missing, but not as an empty one.
"""

from __future__ import annotations

import re
from dataclasses import replace

import duckdb

from impact.errors import SHOWN_ROWS, Fault
from impact.records.sources import Source
from impact.records.tables import Column, Table

SQL_TYPES = {
    "text": "VARCHAR",
    "date": "DATE",
    "month": "VARCHAR",
    "whole": "BIGINT",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
}
_WRITTEN = {
    "text": "text",
    "date": "a date written YYYY-MM-DD",
    "month": "a month written YYYY-MM",
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
}
_EXAMPLES = {
    "text": "store the column as text.",
    "date": "write every date as year, month, day with hyphens and no time: 2023-03-25.",
    "month": "write every month as year and month: 2023-03.",
    "whole": "write digits alone (12); leave the cell empty where nothing is known and the contract allows it.",
    "number": "write digits alone (12.5): no words, units, commas or signs such as %; unknown is an empty cell.",
    "flag": "write true or false.",
}
_WHY = {
    "text": "codes stored as numbers or dates lose zeros and stop matching the other tables.",
    "date": "25 March and the 3rd of a 25th month look alike to nobody but a computer; every time span rests on dates.",
    "month": "ages are worked out from it.",
    "whole": "it is counted and added up.",
    "number": "it is averaged and compared.",
    "flag": "nobody should have to guess what was meant.",
}
_FAMILIES = {
    "text": re.compile(r"VARCHAR|ENUM.*|UUID|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?"),
    "date": re.compile(r"VARCHAR|ENUM.*|DATE|TIMESTAMP(_S|_MS|_NS)?"),
    "month": re.compile(r"VARCHAR|ENUM.*"),
    "whole": re.compile(r"VARCHAR|ENUM.*|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*"),
    "number": re.compile(r"VARCHAR|ENUM.*|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*"),
    "flag": re.compile(r"VARCHAR|ENUM.*|BOOLEAN"),
}
_KNOWN_DATE_FAULTS = (
    (r"\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})", "is a date in another order than YYYY-MM-DD"),
    (r"\d{4}-\d{2}-\d{2}[T ].+", "holds a time beside the date"),
    (r"\d{4}-\d{2}-\d{2}", "is not a day of the calendar"),
)


def bit(table: Table, name: str) -> int:
    """The bit of a column in `_bad`."""
    return 1 << [column.name for column in table.columns].index(name)


def settle(connection: duckdb.DuckDBPyConnection, source: Source) -> tuple[Source, list[Fault]]:
    """The source without the columns whose stored type cannot hold what the contract asks for, and a fault for each.

    A column that is wholly empty may carry any type: writers give it one at random.

    Raises
    ------
    duckdb.Error
        Where the source cannot be read.
    """
    columns, faults = {}, []
    for name, (ref, stored) in source.columns.items():
        kind = source.table.column(name).kind
        if _FAMILIES[kind].fullmatch(stored):
            columns[name] = (ref, stored)
            continue
        used = connection.execute(f"SELECT count({_filled(ref, stored)}) FROM {source.relation}").fetchone()
        if used == (0,):
            columns[name] = ("NULL::VARCHAR", "VARCHAR")
            continue
        faults.append(
            Fault(
                f"is stored as {stored.split('(')[0].lower()}, not as {_WRITTEN[kind]}",
                source.table.name,
                name,
                why=_WHY[kind],
                remedy=_EXAMPLES[kind],
            )
        )
    return replace(source, columns=columns), faults


def load(connection: duckdb.DuckDBPyConnection, source: Source) -> list[Fault]:
    """Fill `loaded.NAME` from a source, columns that it lacks left missing; returns the faults of its cells.

    Raises
    ------
    duckdb.Error
        Where the source itself cannot be read; the table then does not exist.
    """
    table, here = source.table, source.columns
    raw = [f"{_filled(ref, stored)} AS r_{name}" for name, (ref, stored) in here.items()]
    typed = [
        f"{_typed(column, here[column.name][1])} AS {column.name}"
        if column.name in here
        else f"NULL::{SQL_TYPES[column.kind]} AS {column.name}"
        for column in table.columns
    ]
    bad = " + ".join(
        f"(CASE WHEN r_{name} IS NOT NULL AND {name} IS NULL THEN {bit(table, name)} ELSE 0 END)" for name in here
    )
    rows = ", ".join(["row_number() OVER ()::UINTEGER AS _row", *raw])
    cells = ", ".join(["_row", *typed, *(f"r_{name}" for name in here)])
    cells = f"SELECT {cells} FROM (SELECT {rows} FROM {source.relation})"
    names = ", ".join(column.name for column in table.columns)
    connection.execute(
        f"CREATE TABLE loaded.{table.name} AS SELECT _row, {names}, ({bad or '0'})::USMALLINT AS _bad FROM ({cells})"
    )
    faults: list[Fault] = []
    used = connection.execute(f"SELECT bit_or(_bad) FROM loaded.{table.name}").fetchone()
    mask = int(used[0] or 0) if used else 0
    for name in here:
        if mask & bit(table, name):
            faults.extend(_cell_faults(connection, table, name, cells))
    return faults


def _cell_faults(connection: duckdb.DuckDBPyConnection, table: Table, name: str, cells: str) -> list[Fault]:
    """The faults of the unreadable cells of one column, told apart by what is wrong with them."""
    kind = table.column(name).kind
    known = _KNOWN_DATE_FAULTS if kind == "date" else ()
    tests = " ".join(
        f"WHEN regexp_full_match(r_{name}::VARCHAR, '{pattern}') THEN {place}"
        for place, (pattern, _) in enumerate(known)
    )
    which = f"CASE {tests} ELSE {len(known)} END" if tests else "0"
    found = connection.execute(
        f"SELECT {which} AS which, count(*), min(_row, {SHOWN_ROWS}) FROM ({cells}) "
        f"WHERE r_{name} IS NOT NULL AND {name} IS NULL GROUP BY which ORDER BY which"
    ).fetchall()
    problems = [*(problem for _, problem in known), f"is not {_WRITTEN[kind]}"]
    return [
        Fault(problems[which], table.name, name, tuple(rows), count, why=_WHY[kind], remedy=_EXAMPLES[kind])
        for which, count, rows in found
    ]


def _filled(ref: str, stored: str) -> str:
    """SQL of a cell as it lies, missing where it is empty, blank or not a number."""
    if stored in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isnan({ref}) THEN NULL ELSE {ref} END"
    if stored == "VARCHAR":
        return f"CASE WHEN trim({ref}, E' \\t\\r\\n') = '' THEN NULL ELSE {ref} END"
    if stored.startswith(("ENUM", "UUID")):
        return _filled(f"{ref}::VARCHAR", "VARCHAR")
    return ref


def _typed(column: Column, stored: str) -> str:
    """SQL of a cell in the contract's type, missing where it cannot be read."""
    cell = f"r_{column.name}"
    text = stored == "VARCHAR" or stored.startswith(("ENUM", "UUID"))
    match column.kind:
        case "text":
            return cell if text else f"{cell}::VARCHAR"
        case "month":
            month = r"\d{4}-(0[1-9]|1[0-2])"
            return f"CASE WHEN regexp_full_match({cell}, '{month}') AND {cell} >= '0001' THEN {cell} END"
        case "date":
            day = f"TRY_CAST({cell} AS DATE)"
            fits = f"{day} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
            if text:
                fits = rf"regexp_full_match({cell}, '\d{{4}}-\d{{2}}-\d{{2}}') AND {fits}"
            elif stored != "DATE":
                fits += f" AND {day} = {cell}"
            return f"CASE WHEN {fits} THEN {day} END"
        case "whole":
            if text:
                return (
                    rf"CASE WHEN regexp_full_match({cell}, '[+-]?\d+(\.0*)?') "
                    rf"THEN TRY_CAST(regexp_replace({cell}, '\.0*$', '') AS BIGINT) END"
                )
            return f"CASE WHEN {cell} = floor({cell}) THEN TRY_CAST({cell} AS BIGINT) END"
        case "number":
            value = f"TRY_CAST({cell} AS DOUBLE)"
            fits = f"isfinite({value})"
            if text:
                fits = rf"regexp_full_match({cell}, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?') AND {fits}"
            return f"CASE WHEN {fits} THEN {value} END"
        case "flag":
            if not text:
                return cell
            return f"CASE lower({cell}) WHEN 'true' THEN true WHEN 'false' THEN false END"
