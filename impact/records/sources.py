"""Where the tables lie: a folder of CSV or Parquet files, or a DuckDB file, opened on the embedded engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from impact.errors import Fault
from impact.records.csvfile import encoding_fault, header_faults, read_header, shape_faults
from impact.records.tables import TABLES, Table

SUFFIXES = (".csv", ".parquet")
CONTRACT = {table.name: table for table in TABLES}
_COPY_AGAIN = "export or copy it again, and check that its size is that of the original."


@dataclass(frozen=True, slots=True)
class Source:
    """One table as it lies: `relation` is SQL; `columns` maps a column of the contract to (identifier, SQL type)."""

    table: Table
    relation: str
    columns: dict[str, tuple[str, str]]
    csv: Path | None = None

    def unreadable(self, error: duckdb.Error) -> list[Fault]:
        """Why the engine could not read it, without a word of the engine's own message, which may hold data."""
        if self.csv is not None:
            return shape_faults(self.csv, self.table.name, len(read_header(self.csv)))
        return [_damaged(self.table.name, error)]


def text_literal(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def find_tables(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[list[Source], list[Fault]]:
    """The tables that can be opened under `path`, and every fault met on the way."""
    if not path.exists():
        remedy = "check the spelling, and that the drive is connected."
        return [], [Fault("there is no such file or folder", why="there is nothing to read.", remedy=remedy)]
    try:
        sources, faults, seen = _folder(connection, path) if path.is_dir() else _database(connection, path)
    except OSError:
        remedy = "check that you may read it, and that the drive is connected."
        return [], [Fault("cannot be opened", why="nothing can be read from it.", remedy=remedy)]
    if seen is not None:
        for table in TABLES:
            if table.name not in seen:
                faults.append(
                    Fault(
                        "is missing",
                        table.name,
                        why=f"it should hold one row a {table.row}.",
                        remedy=f"add it; with no records to give, a file {table.name}.csv with the column names alone."
                        if table.may_be_empty
                        else "add it; it must have at least one row.",
                    )
                )
    return sources, faults


def _folder(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[list[Source], list[Fault], set[str] | None]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        remedy = "name the folder that holds person.csv (or person.parquet) and the other tables."
        return [], [Fault("holds no .csv or .parquet file", why="there is nothing to read.", remedy=remedy)], None
    sources: list[Source] = []
    faults: list[Fault] = []
    by_table: dict[str, list[Path]] = {}
    for file in files:
        by_table.setdefault(file.stem, []).append(file)
    for name, found in by_table.items():
        if name not in CONTRACT:
            faults.extend(_unknown_table(f"the file {file.name}") for file in found)
        elif len(found) > 1:
            faults.append(
                Fault(
                    f"is given {len(found)} times: {', '.join(file.name for file in found)}",
                    name,
                    why="it is not clear which of them to believe.",
                    remedy="keep one and move the others elsewhere.",
                )
            )
        else:
            try:
                source, more = _file(connection, CONTRACT[name], found[0])
            except OSError:
                source = None
                more = [
                    Fault(
                        "cannot be opened",
                        name,
                        why="its records would be missing.",
                        remedy="check that it is a file, that you may read it, and that no other program holds it.",
                    )
                ]
            faults.extend(more)
            if source is not None:
                sources.append(source)
    return sources, faults, set(by_table)


def _file(connection: duckdb.DuckDBPyConnection, table: Table, file: Path) -> tuple[Source | None, list[Fault]]:
    with file.open("rb") as stream:
        head = stream.read(4)
    if not head:
        return None, [
            Fault(
                "is an empty file (0 bytes)",
                table.name,
                why="an export that failed looks just like this; it does not say that there are no records.",
                remedy="export it again; a table without records still has its line of column names.",
            )
        ]
    place = text_literal("".join(f"[{sign}]" if sign in "[*?" else sign for sign in str(file.resolve())))
    if file.suffix.lower() == ".csv":
        fault = encoding_fault(file, table.name)
        if fault is not None:
            return None, [fault]
        return _csv(table, file, place)
    if not _whole_parquet(file):
        return None, [_damaged(table.name)]
    return _typed(connection, table, f"read_parquet({place})")


def _csv(table: Table, file: Path, place: str) -> tuple[Source | None, list[Fault]]:
    header = read_header(file)
    faults = header_faults(table, header)
    known = {column.name for column in table.columns}
    columns = {
        name: (f"c{place}", "VARCHAR") for place, name in enumerate(header) if name in known and header.count(name) == 1
    }
    if not columns:
        return None, faults
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header)))
    relation = (
        f"read_csv({place}, columns = {{{names}}}, auto_detect = false, header = true, delim = ',', quote = '\"', "
        "escape = '\"', null_padding = false, strict_mode = true)"
    )
    return Source(table, relation, columns, file), faults


def _whole_parquet(file: Path) -> bool:
    """Whether a file begins and ends as a Parquet file does."""
    with file.open("rb") as stream:
        head = stream.read(4)
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 4))
        return size >= 12 and head == b"PAR1" == stream.read(4)


def _typed(connection: duckdb.DuckDBPyConnection, table: Table, relation: str) -> tuple[Source | None, list[Fault]]:
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        return None, [_damaged(table.name, error)]
    faults = header_faults(table, [row[0] for row in described])
    known = {column.name for column in table.columns}
    columns = {row[0]: (identifier(row[0]), str(row[1])) for row in described if row[0] in known}
    return (Source(table, relation, columns) if columns else None), faults


def _database(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[list[Source], list[Fault], set[str] | None]:
    try:
        if file.stat().st_size == 0:
            problem = "is an empty file (0 bytes)"
            remedy = "export the database again."
            return [], [Fault(problem, why="there is nothing to read.", remedy=remedy)], None
        with file.open("rb") as stream:
            if stream.read(12)[8:] != b"DUCK":
                raise duckdb.IOException("no DuckDB file")
        connection.execute(f"ATTACH {text_literal(str(file.resolve()))} AS source (READ_ONLY, TYPE duckdb)")
        found = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'source' ORDER BY ALL"
        ).fetchall()
    except duckdb.Error:
        problem = "is neither a folder of tables nor a DuckDB file that can be opened"
        remedy = (
            "name the folder, not a file in it; or check that the DuckDB file is whole and not held by another program."
        )
        return [], [Fault(problem, why="nothing can be read from it.", remedy=remedy)], None
    if not found:
        return [], [Fault("holds no table", why="there is nothing to read.", remedy="name the right database.")], None
    sources: list[Source] = []
    faults: list[Fault] = []
    for schema, name in found:
        if schema != "main" or name not in CONTRACT:
            faults.append(_unknown_table(f"the table {name}" if schema == "main" else f"the table {schema}.{name}"))
            continue
        source, more = _typed(connection, CONTRACT[name], f"source.main.{identifier(name)}")
        faults.extend(more)
        if source is not None:
            sources.append(source)
    return sources, faults, {name for schema, name in found if schema == "main"}


def _unknown_table(what: str) -> Fault:
    return Fault(
        f"{what} is not a table of the contract",
        why="data must never be ignored in silence.",
        remedy=f"remove it, or give it its name in the contract: {', '.join(CONTRACT)}.",
    )


def _damaged(table: str, error: duckdb.Error | None = None) -> Fault:
    if isinstance(error, duckdb.OutOfMemoryException):
        problem = "does not fit into memory, or is damaged"
    else:
        problem = "cannot be read: it is damaged, cut short, or not what its name says"
    return Fault(problem, table, why="records would be lost without anyone noticing.", remedy=_COPY_AGAIN)
