"""An extract or a file to link, CSV, workbook or Parquet, becomes a table of texts; nothing is guessed."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from impact.errors import Fault
from impact.records.csvfile import encoding_fault, shape_faults
from impact.records.returns.reading import read
from impact.records.returns.rules import rules
from impact.records.sources import text_literal

SUFFIXES = (".csv", ".xlsx", ".parquet")
_WHY = "records would be lost without anyone noticing."


def read_extract(path: Path, sheet: str = "") -> tuple[pd.DataFrame, list[Fault]]:
    """The cells as text without spaces around them, empty where nothing stands, and what stands in the way.

    Dates stored as dates become YYYY-MM-DD. Where there is a fault the table is empty.
    """
    kind = path.suffix.lower()
    name = path.name
    if kind not in SUFFIXES:
        return _refused(name, "is none of the kinds that can be read", f"give {', '.join(SUFFIXES)}.")
    if not path.is_file():
        return _refused(name, "is not there", "check its name and its folder.")
    if sheet and kind != ".xlsx":
        return _refused(name, "has no sheets", "take `sheet` out of the map.")
    try:
        if kind == ".csv":
            return _csv(path)
        return _workbook(path, sheet) if kind == ".xlsx" else _parquet(path)
    except OSError:
        return _refused(name, "cannot be opened", "check that you may read it, and that no other program holds it.")


def _refused(name: str, problem: str, remedy: str) -> tuple[pd.DataFrame, list[Fault]]:
    return pd.DataFrame(), [Fault(problem, name, why=_WHY, remedy=remedy)]


def _table(header: list[str], rows: list[tuple[str, ...]] | list[list[str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=pd.Index(header, dtype=object), dtype=object)


def _csv(path: Path) -> tuple[pd.DataFrame, list[Fault]]:
    if path.stat().st_size == 0:
        return _refused(path.name, "is an empty file (0 bytes)", "export it again.")
    fault = encoding_fault(path, path.name)
    if fault is not None:
        return pd.DataFrame(), [fault]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [cell.strip() for cell in next(reader, [])]
            rows = [[cell.strip() for cell in row] for row in reader if row]
    except csv.Error:
        return pd.DataFrame(), shape_faults(path, path.name, 0)
    if any(len(row) != len(header) for row in rows):
        return pd.DataFrame(), shape_faults(path, path.name, len(header))
    return _table(header, rows), []


def _workbook(path: Path, sheet: str) -> tuple[pd.DataFrame, list[Fault]]:
    sheets, found = read(path, path.stem)
    held = rules()
    faults = [
        Fault(f"cannot be read safely: {one.rule.replace('-', ' ')}", path.name, why=held[one.rule][1],
              remedy=held[one.rule][2])
        for one in found
        if held[one.rule][0] == "error"
    ]  # fmt: skip
    if faults:
        return pd.DataFrame(), faults
    named = {one.name: one for one in sheets}
    if not sheet and len(named) != 1:
        return _refused(path.name, f"has {len(named)} sheets", "say in the map which is meant: sheet = …")
    if sheet and sheet not in named:
        return _refused(path.name, f"has no sheet {sheet}", f"its sheets are: {', '.join(named)}.")
    cells = dict((named[sheet] if sheet else next(iter(named.values()))).rows())
    if not cells:
        return _refused(path.name, "holds nothing", "export it again.")
    nothing = ("",) * len(next(iter(cells.values())))
    rows = [tuple(cell.strip() for cell in cells.get(number, nothing)) for number in range(1, max(cells) + 1)]
    formulas = sum(any(cell.startswith("=") for cell in row) for row in rows)
    if formulas:
        return _refused(
            path.name,
            f"holds formulas in {formulas:,} rows",
            "paste them as values: what a formula shows depends on who last opened the file.",
        )
    return _table(list(rows[0]), rows[1:]), []


def _text(cell: Any) -> str:
    if isinstance(cell, dt.datetime):
        return (cell.date() if cell.time() == dt.time() else cell).isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None or cell != cell else str(cell).strip()


def _parquet(path: Path) -> tuple[pd.DataFrame, list[Fault]]:
    where = f"read_parquet({text_literal(''.join(f'[{s}]' if s in '[*?' else s for s in str(path.resolve())))})"
    try:
        with duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False}) as engine:
            header = [str(row[0]) for row in engine.execute(f"DESCRIBE SELECT * FROM {where}").fetchall()]
            rows = engine.execute(f"SELECT * FROM {where}").fetchall()
    except duckdb.Error:
        # The engine's own message may hold cells.
        return _refused(path.name, "cannot be read: it is damaged, or not what its name says", "copy it again.")
    return _table([name.strip() for name in header], [tuple(_text(cell) for cell in row) for row in rows]), []
