"""What answers a query on checked records: the embedded engine, or a cluster of the same tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

import duckdb
import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.records.tables import TABLES, Table

TEXT = pd.StringDtype(storage="python", na_value=np.nan)
SPEAKS_OF_SQL = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
ONE_SELECT = "query() takes one SELECT statement; the records cannot be changed."


class Engine(Protocol):
    """Answers one SELECT, written in the SQL of DuckDB, on the tables of the contract and on further frames."""

    @property
    def digest(self) -> str: ...

    def query(self, sql: str, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame: ...


class EmbeddedEngine:
    """DuckDB, in this process; the tables are views of its catalogue."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def query(self, sql: str, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows of one SELECT."""
        cursor = self._connection.cursor()
        try:
            statements = cursor.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise InputError(ONE_SELECT)
            for name, frame in frames.items():
                cursor.register(name, frame)
            cursor.execute(statements[0])
            refuse_repeated([column[0] for column in cursor.description or ()])
            return pd.DataFrame({name: _series(values) for name, values in cursor.fetchnumpy().items()})
        except SPEAKS_OF_SQL as error:
            raise InputError(cannot_run(str(error))) from None
        except duckdb.Error:
            raise InputError(cannot_run()) from None
        finally:
            cursor.close()

    @cached_property
    def digest(self) -> str:
        """The sum, over the rows of each table, of a hash of the row; so repeated rows count."""
        total = hashlib.sha256(b"impact linked records 1\n")
        for table in TABLES:
            found = self._connection.execute(_digest_sql(table)).fetchone()
            total.update(f"{table.name} {found}\n".encode())
        return total.hexdigest()


def cannot_run(message: str = "") -> str:
    """What is said of a query that fails; an engine's own words only where they speak of the SQL and not of a cell."""
    return f"The query cannot be run: {message.splitlines()[0] if message else 'a value in the records defeats it.'}"


def refuse_repeated(names: list[str]) -> None:
    """Raise where two columns of an answer have one name."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"The query gives more than one column named {', '.join(repeated)}: rename with AS.")


def _series(values: Any) -> Any:
    """One column as the engine hands it over, in the types that the library promises."""
    data, missing = np.ma.getdata(values), np.ma.getmaskarray(values)
    if data.dtype.kind == "O":
        cells = data.copy()
        cells[missing] = None
        return pd.array(cells, dtype=TEXT) if all(isinstance(cell, str) for cell in data[~missing]) else cells
    if data.dtype.kind == "M":
        days = data.astype("datetime64[us]")
        days[missing] = np.datetime64("NaT")
        return days
    if not missing.any():
        return data
    if data.dtype.kind in "iu":
        return pd.arrays.IntegerArray(data.copy(), missing.copy())
    if data.dtype.kind == "b":
        return pd.arrays.BooleanArray(data.copy(), missing.copy())
    return np.where(missing, np.nan, data)


def _digest_sql(table: Table) -> str:
    """SQL of the number of rows and the sums of the two halves of each row's hash."""
    cells = " || ".join(
        f"coalesce(length({column.name}::VARCHAR) || ':' || {column.name}::VARCHAR, '-')" for column in table.columns
    )
    return (
        "SELECT count(*), coalesce(sum((hash & 18446744073709551615)::HUGEINT), 0)::VARCHAR, "
        "coalesce(sum((hash >> 64)::HUGEINT), 0)::VARCHAR "
        f"FROM (SELECT md5_number({cells}) AS hash FROM {table.name})"
    )
