"""Column maps: which file and column becomes which table and column of the contract, read from a TOML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from impact.errors import Fault
from impact.fields import Fields, read_definition
from impact.records.linkage.fields import COMPARED
from impact.records.sources import CONTRACT
from impact.records.tables import TABLES, Column, Table

ISO = "%Y-%m-%d"
DROPS = {
    "no-person": "the person's number is empty",
    "unreadable": "a cell cannot be read as the date, number or flag that it should be",
    "not-allowed": "a cell holds a value that the contract does not allow and the map does not translate",
    "missing": "a cell that must be filled is empty",
    "repeated": "the row stands again, the same in every cell, in a table whose rows may not repeat",
    "contradicts": "dates come in an order that cannot be, or outside the person's life, or do not fit the outcome",
    "not-in-person": "the person is not in the table person",
    "alone": "the person is in no other table",
}
"""The rules by which a row may be dropped, where the map lists them under `drop`; otherwise the store is refused."""
_DIRECTIVES = frozenset("dmYbBHMS")
PEOPLE = ("person_id", "related_id")


@dataclass(frozen=True, slots=True)
class SourceMap:
    """How one file (or one sheet of it) becomes rows of one table; `values` translates cells, column by column."""

    file: str
    sheet: str
    table: Table
    numbering: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    identifiers: Mapping[str, str]
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReturnMap:
    """A programme's return: its sheets are tables of the contract already."""

    file: str
    programme: str
    numbering: str


@dataclass(frozen=True, slots=True)
class StoreMap:
    """A whole map; `threshold` is None where people are not linked beyond their numbers."""

    name: str
    sources: tuple[SourceMap, ...]
    returns: tuple[ReturnMap, ...]
    extracts: tuple[tuple[str, str, str], ...]
    drop: frozenset[str]
    threshold: float | None


def read_map(path: Path) -> StoreMap:
    """A map from its file.

    Raises
    ------
    DefinitionError
        With every mistake of the map at once.
    """
    return read_definition(path, dict, _store_map, thing="column map", file="column map")


def _store_map(name: str, fields: Fields) -> StoreMap:
    drop = fields.texts("drop", allowed=tuple(DROPS)) if fields.has("drop") else ()
    threshold = None
    if fields.has("link"):
        inner = fields.table("link")
        threshold = inner.number("threshold", low=0, high=1)
        if threshold == 0:
            inner.fault("threshold", "must lie above 0")
        inner.close()
    sources = tuple(_source(inner, threshold is not None) for inner in fields.tables("source"))
    returns = tuple(_return(inner) for inner in fields.tables("return"))
    extracts = tuple(_extract(inner) for inner in fields.tables("extract", least=1))
    if not sources and not returns:
        fields.fault("source", "is missing", remedy="give a [[source]] for each file, or a [[return]].")
    if threshold is not None and not any(source.identifiers for source in sources):
        fields.fault("link", "has nothing to link by", remedy="name [source.identifiers], or take [link] out.")
    fields.close()
    return StoreMap(name, sources, returns, extracts, frozenset(drop), threshold)


def _file(fields: Fields) -> str:
    file = fields.text("file")
    if file and (Path(file).name != file or "\\" in file):
        fields.fault("file", "is a path", remedy="give the file's name alone, as it stands in the folder of sources.")
    return file


def _source(fields: Fields, linking: bool) -> SourceMap:
    file = _file(fields)
    sheet = fields.text("sheet", optional=True)
    table = CONTRACT.get(fields.text("table", allowed=tuple(CONTRACT)), TABLES[0])
    people = [column.name for column in table.columns if column.name in PEOPLE]
    numbering = ""
    if people:
        numbering = fields.text("numbering", why="people are told apart by whose number they have.")
    columns = fields.pairs("columns") if fields.has("columns") else {}
    constants = fields.pairs("constants") if fields.has("constants") else {}
    identifiers = fields.pairs("identifiers", allowed=COMPARED) if fields.has("identifiers") else {}
    values = _values(fields, table)
    formats = fields.texts("date_formats") if fields.has("date_formats") else ()
    for text in formats:
        if not _readable(text):
            fields.fault(
                "date_formats",
                f"holds {text!r}, by which no date can be read for certain",
                remedy="use %d, %m or %b, and %Y (never %y: nobody knows the century); for times %H, %M, %S.",
            )
    _check_columns(fields, table, columns, constants)
    if identifiers and not people:
        fields.fault("identifiers", "has no use in a table without people")
    elif identifiers and not linking:
        fields.fault("identifiers", "has no use without [link]", remedy="add [link] with a threshold, or take it out.")
    fields.close()
    return SourceMap(file, sheet, table, numbering, columns, constants, values, identifiers, formats)


def _check_columns(fields: Fields, table: Table, columns: Mapping[str, str], constants: Mapping[str, str]) -> None:
    known = {column.name: column for column in table.columns}
    for key, named in (("columns", columns), ("constants", constants)):
        for name in named:
            if name not in known:
                fields.fault(
                    key, f"names {name}, which {table.name} does not have", remedy=f"its columns: {', '.join(known)}."
                )
    for name in sorted(set(columns) & set(constants)):
        fields.fault("constants", f"gives {name}, which [columns] gives too")
    for name in sorted(set(constants) & set(PEOPLE)):
        fields.fault("constants", f"gives {name}: rows of different people would become one person's")
    given = set(columns) | set(constants)
    for column in table.columns:
        if column.required and column.name not in given:
            fields.fault("columns", f"lacks {column.name}", why=column.meaning, remedy="map it, or give a constant.")
    for name, value in constants.items():
        if name in known and known[name].allowed and value not in known[name].allowed:
            fields.fault("constants", f"gives {name} a value that is not allowed", remedy=_allowed(known[name]))


def _values(fields: Fields, table: Table) -> dict[str, dict[str, str]]:
    if not fields.has("values"):
        return {}
    known = {column.name: column for column in table.columns}
    inner = fields.table("values")
    found = {}
    for name in inner.names():
        pairs = inner.pairs(name)
        if name not in known or name in PEOPLE:
            fields.fault("values", f"translates {name}, which {table.name} does not have or is a person's number")
            continue
        wrong = sorted({new for new in pairs.values() if known[name].allowed and new not in known[name].allowed})
        if wrong:
            fields.fault("values", f"makes {name} {', '.join(wrong)}", remedy=_allowed(known[name]))
        found[name] = pairs
    return found


def _allowed(column: Column) -> str:
    return f"use one of: {', '.join(column.allowed)}."


def _return(fields: Fields) -> ReturnMap:
    made = ReturnMap(_file(fields), fields.text("programme"), fields.text("numbering"))
    fields.close()
    return made


def _extract(fields: Fields) -> tuple[str, str, str]:
    source = fields.text("source", allowed=CONTRACT["extract"].column("source").allowed)
    complete_to = fields.text("complete_to")
    if complete_to and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", complete_to):
        fields.fault("complete_to", "is not a date written YYYY-MM-DD between quotation marks")
    synthetic = fields.flag("synthetic")
    fields.close()
    return source, complete_to, "true" if synthetic else "false"


def _readable(text: str) -> bool:
    used = re.findall(r"%(.)", text)
    months = sum(used.count(letter) for letter in "mbB")
    return set(used) <= _DIRECTIVES and used.count("d") == used.count("Y") == months == 1


def not_allowed(rule: str, where: str, rows: tuple[int, ...], count: int, column: str = "") -> Fault:
    """The fault of rows that break a rule which the map does not list under `drop`."""
    return Fault(
        f"has rows in which {DROPS[rule]}",
        where,
        column,
        rows,
        count,
        why="a row left out in silence would change the results.",
        remedy=f'mend the source or the map; or add "{rule}" to drop, by which such rows are left out and counted.',
    )
