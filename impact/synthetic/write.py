"""Rows to files: each block is appended to its table's CSV; Parquet is made from the CSV at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from impact.errors import Fault, InputError
from impact.records.tables import TABLES, Column, Table
from impact.synthetic.draw import NONE
from impact.synthetic.rows import Coded, Rows, Values

PEOPLE_COLUMNS = ("person_id", "related_id")
TEXT = "VARCHAR"
TYPES = {"text": TEXT, "date": "DATE", "month": TEXT, "whole": "BIGINT", "number": "DOUBLE", "flag": "BOOLEAN"}
TRUTH = "truth.json"


class Writer:
    """Appends rows to the tables of a folder; the same rows give the same bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._engine = duckdb.connect(":memory:", config={"threads": 1})
        self._engine.execute("SET enable_progress_bar = false")
        for table in TABLES:
            header = ",".join(column.name for column in table.columns)
            self._file(table).write_text(header + "\n", encoding="utf-8", newline="\n")

    def append(self, rows: Iterable[Rows]) -> None:
        """Append rows, sorted within the call by every column in turn."""
        gathered: dict[str, list[Rows]] = defaultdict(list)
        for some in rows:
            gathered[some.table].append(some)
        part = self.folder / "part"
        for table in TABLES:
            if table.name not in gathered:
                continue
            batches = gathered[table.name]
            frame = pd.DataFrame({c.name: _join([batch.columns[c.name] for batch in batches]) for c in table.columns})
            self._engine.register("rows", frame)
            shown = ", ".join(f"{_expression(c)} AS {c.name}" for c in table.columns)
            sorted_rows = f"SELECT {shown} FROM rows ORDER BY ALL"
            self._engine.execute(f"COPY ({sorted_rows}) TO '{_quoted(part)}' (FORMAT csv, HEADER false)")
            self._engine.unregister("rows")
            with part.open("rb") as source, self._file(table).open("ab") as target:
                shutil.copyfileobj(source, target)
            part.unlink()

    def close(self, form: str) -> None:
        """End the writing, as CSV or as Parquet."""
        for table in TABLES if form == "parquet" else ():
            source, target = self._file(table), self._file(table).with_suffix(".parquet")
            columns = ", ".join(f"'{c.name}': '{TYPES[c.kind]}'" for c in table.columns)
            dialect = "header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', auto_detect = false"
            self._engine.execute(
                f"COPY (SELECT * FROM read_csv('{_quoted(source)}', {dialect}, columns = {{{columns}}})) "
                f"TO '{_quoted(target)}' (FORMAT parquet, COMPRESSION zstd)"
            )
            source.unlink()
        self._engine.close()

    def _file(self, table: Table) -> Path:
        return self.folder / f"{table.name}.csv"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _join(parts: list[Values]) -> Any:
    """Columns of several batches as one; text under one sorted list of labels."""
    if not isinstance(parts[0], Coded):
        return np.concatenate([np.asarray(part) for part in parts])
    texts = [part for part in parts if isinstance(part, Coded)]
    labels = sorted({label for part in texts for label in part.labels})
    place = {label: code for code, label in enumerate(labels)}
    codes = [np.array([*(place[label] for label in part.labels), -1], dtype=np.int64)[part.codes] for part in texts]
    return pd.Categorical.from_codes(np.concatenate(codes).astype(np.int64), categories=pd.Index(labels))


def _expression(column: Column) -> str:
    if column.name in PEOPLE_COLUMNS:
        return f"printf('P%07d', {column.name})"
    if column.kind in ("date", "month"):
        on = f"CASE WHEN {column.name} = {NONE} THEN NULL ELSE DATE '1970-01-01' + CAST({column.name} AS INTEGER) END"
        return on if column.kind == "date" else f"strftime({on}, '%Y-%m')"
    return f"CAST({column.name} AS {TYPES[column.kind]})"


@contextmanager
def new_world(folder: Path) -> Iterator[Path]:
    """A hidden sibling folder to write in, put in the place of `folder` when all went well and removed otherwise.

    Raises
    ------
    InputError
        If `folder` is a file, or holds anything but an earlier world.
    """
    _check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fresh, old = work / "new", work / "old"
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        return
    remedy = "give a new folder, or one that holds an earlier world and nothing else."
    if not folder.is_dir():
        raise InputError("The world cannot be written:", [Fault("the folder given is a file", remedy=remedy)])
    known = {TRUTH} | {f"{table.name}.{form}" for table in TABLES for form in ("csv", "parquet")}
    held = {entry.name for entry in folder.iterdir()}
    if held and (TRUTH not in held or held - known):
        why = "writing a world replaces the whole folder."
        raise InputError(
            "The world cannot be written:",
            [Fault("the folder given holds files that are not an earlier world", why=why, remedy=remedy)],
        )
