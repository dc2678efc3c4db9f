"""Opening a store of linked records: everything is checked, every fault is named at once, nothing is half loaded."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb

from impact.errors import Fault, InputError, RecordsError
from impact.frames import check_choice
from impact.records.cells import load, settle
from impact.records.checks import broken
from impact.records.engine import EmbeddedEngine, Engine
from impact.records.linked import Linked
from impact.records.sources import find_tables, text_literal
from impact.records.spark import SparkEngine, missing_for_spark
from impact.records.tables import TABLES

ENGINES = ("duckdb", "spark")
SHIPPED = Path(__file__).resolve().parents[1] / "definitions"


def read_linked(
    path: str | os.PathLike[str], *, engine: str = "duckdb", definitions: str | os.PathLike[str] | None = None
) -> Linked:
    """Open a store of linked records and check it against the contract of its tables.

    Nothing is written beside the records. What does not fit into memory goes to a temporary folder that only the user
    can read, and is removed with the result.

    Parameters
    ----------
    path : path
        A folder with one CSV (UTF-8) or Parquet file for each table, named as the table, or a DuckDB file. Files of
        other kinds in the folder are left alone.
    engine : {"duckdb", "spark"}
        What answers queries afterwards. ``"duckdb"`` is the embedded engine. ``"spark"`` (with
        ``impact-evaluation[spark]`` and Java) gives the same rows from the session that is running, or from one on
        this machine. The records are checked by the embedded engine either way, so the same faults are named in the
        same words; Spark then reads the checked tables from a temporary folder, which every worker must be able to
        see.
    definitions : path, optional
        A folder of programme definition files (``NAME.toml``) beside those that come with the library.

    Returns
    -------
    Linked
        The tables, complete and checked.

    Raises
    ------
    RecordsError
        With every fault of the records: table, column, first rows, how many, why it matters and what to do.
    InputError
        Where another engine is asked for, or one that is not installed; or the folder of definitions cannot be used.

    Examples
    --------
    >>> read_linked("no_such_folder")
    Traceback (most recent call last):
    impact.errors.RecordsError: The records in no_such_folder were refused; nothing was loaded. 1 fault:
      - there is no such file or folder
        Why it matters: there is nothing to read.
        What to do: check the spelling, and that the drive is connected.
    """
    check_choice("engine", engine, ENGINES)
    lacking = missing_for_spark() if engine == "spark" else ""
    if lacking:
        raise InputError(f"engine='spark' cannot be used: {lacking}.")
    known = definition_files(definitions)
    path = Path(path)
    spill = tempfile.mkdtemp(prefix="impact-")
    connection = _engine(spill)
    try:
        faults = _fill(connection, path, known)
        if faults:
            words = "1 fault" if len(faults) == 1 else f"{len(faults):,} faults"
            name = path.name or str(path)
            raise RecordsError(f"The records in {name} were refused; nothing was loaded. {words}:", faults)
        linked = _linked(connection, path, known, spill if engine == "spark" else None)
    except BaseException:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)
        raise
    weakref.finalize(linked, shutil.rmtree, spill, ignore_errors=True)
    return linked


def definition_files(folder: str | os.PathLike[str] | None = None) -> Mapping[str, Path]:
    """The programme definition files by programme: those of the library, and those of a further folder.

    Raises
    ------
    InputError
        Where the folder does not exist, holds no definition, or defines a programme that the library defines.
    """
    found = {file.stem: file for file in sorted(SHIPPED.glob("*.toml"))}
    if folder is not None:
        if not Path(folder).is_dir():
            raise InputError(f"definitions must be a folder of definition files; {Path(folder).name} is not a folder.")
        further = {file.stem: file for file in sorted(Path(folder).glob("*.toml"))}
        if not further:
            raise InputError(f"The folder {Path(folder).name} given as definitions holds no .toml file.")
        twice = sorted(set(found) & set(further))
        if twice:
            raise InputError(
                f"The programmes {', '.join(twice)} are defined both by the library and in {Path(folder).name}: "
                "give the further files other names."
            )
        found |= further
    return MappingProxyType(dict(sorted(found.items())))


def _engine(spill: str) -> duckdb.DuckDBPyConnection:
    """An in-memory engine that gives the same rows in the same order every time and downloads nothing."""
    return duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "preserve_insertion_order": True,
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def _fill(connection: duckdb.DuckDBPyConnection, path: Path, known: Mapping[str, Path]) -> list[Fault]:
    """Load every table that can be loaded, and return every fault found, in the order of the contract."""
    connection.execute("CREATE SCHEMA loaded")
    sources, faults = find_tables(connection, path)
    usable: set[tuple[str, str]] = set()
    for source in sources:
        try:
            settled, unfit = settle(connection, source)
            faults.extend(unfit)
            faults.extend(load(connection, settled))
        except duckdb.Error as error:
            faults.extend(source.unreadable(error))
        else:
            usable.update((settled.table.name, name) for name in settled.columns)
    try:
        faults.extend(broken(connection, frozenset(usable), known))
    except duckdb.Error:
        remedy = "mend the other faults first; if there are none, use a machine with more memory or disk space."
        faults.append(Fault("could not be checked to the end", why="a fault may have been missed.", remedy=remedy))
    order = {table.name: place for place, table in enumerate(TABLES)}
    return sorted(faults, key=lambda fault: order.get(fault.table, -1))


def _linked(connection: duckdb.DuckDBPyConnection, path: Path, known: Mapping[str, Path], spill: str | None) -> Linked:
    """The loaded tables under their own names, cut off from every file; on Spark where there is a folder to fill."""
    rows = {}
    for table in TABLES:
        names = ", ".join(column.name for column in table.columns)
        connection.execute(f"CREATE VIEW main.{table.name} AS SELECT {names} FROM loaded.{table.name}")
        count = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
        rows[table.name] = int(count[0]) if count else 0
    if connection.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = 'source'").fetchone():
        connection.execute("DETACH source")
    found = connection.execute("SELECT min(complete_to), bool_or(synthetic) FROM extract").fetchone()
    assert found is not None
    engine: Engine = EmbeddedEngine(connection)
    if spill is not None:
        for table in TABLES:
            place = text_literal(str(Path(spill) / f"{table.name}.parquet"))
            connection.execute(f"COPY (SELECT * FROM {table.name}) TO {place} (FORMAT parquet)")
        engine = SparkEngine(Path(spill), engine.digest)
        connection.close()
    else:
        connection.execute("SET enable_external_access = false")
    return Linked(path, found[0], found[1], known, MappingProxyType(rows), engine)
