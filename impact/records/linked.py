"""`Linked`: the tables of one checked store, held by the embedded engine."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.records.sources import CONTRACT
from impact.records.tables import TABLES, Table

TEXT = pd.StringDtype(storage="python", na_value=np.nan)


@dataclass(frozen=True, eq=False, repr=False)
class Linked:
    """Linked records that kept every rule of the contract. Made by `read_linked`.

    Attributes
    ----------
    path : Path
        Where they were read from.
    complete_to : date
        The last day on which every source is complete: the earliest of the sources' own days.
    synthetic : bool
        Whether any source's records are made up.
    definitions : mapping of str to Path
        The programme definition files that may be named, by programme.
    rows : mapping of str to int
        Rows of each table.
    """

    path: Path
    complete_to: dt.date
    synthetic: bool
    definitions: Mapping[str, Path]
    rows: Mapping[str, int]
    _connection: duckdb.DuckDBPyConnection

    def table(self, name: str) -> pd.DataFrame:
        """A fresh copy of one table, sorted by its key and then by its other columns.

        Parameters
        ----------
        name : str
            A table of the contract.

        Returns
        -------
        DataFrame
            Text and months as str, dates as datetime64[us], flags as bool, numbers as float64, whole numbers as int64,
            or Int64 where the contract allows an empty cell.

        Raises
        ------
        InputError
            Where the contract has no such table.
        """
        if name not in CONTRACT:
            raise InputError(f"There is no table {name!r}; the tables are: {', '.join(CONTRACT)}.")
        table = CONTRACT[name]
        order = [*table.key, *(column.name for column in table.columns if column.name not in table.key)]
        frame = self.query(f"SELECT * FROM {name} ORDER BY {', '.join(order)}")
        whole = {c.name: "int64" if c.required else "Int64" for c in table.columns if c.kind == "whole"}
        return frame.astype(whole)

    def query(self, sql: str) -> pd.DataFrame:
        """The rows of one SELECT in the SQL of DuckDB; the tables are named as in the contract.

        Rows come in no promised order without an ORDER BY.

        Parameters
        ----------
        sql : str
            One statement that only reads.

        Returns
        -------
        DataFrame
            Text as str, dates as datetime64[us]; whole numbers and flags as nullable types where a value is missing.

        Raises
        ------
        InputError
            Where the SQL is wrong, is more than one statement, would write, or gives two columns of one name.
        """
        cursor = self._connection.cursor()
        try:
            statements = cursor.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise InputError("query() takes one SELECT statement; the records cannot be changed.")
            cursor.execute(statements[0])
            names = [column[0] for column in cursor.description or ()]
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise InputError(f"The query gives more than one column named {', '.join(repeated)}: rename with AS.")
            return pd.DataFrame({name: _series(values) for name, values in cursor.fetchnumpy().items()})
        except duckdb.Error as error:
            raise InputError(f"The query cannot be run: {str(error).splitlines()[0]}") from None
        finally:
            cursor.close()

    @cached_property
    def digest(self) -> str:
        """A hash of the content (64 hexadecimal digits): the same for any order of rows and any file format.

        The sum, over the rows of each table, of a hash of the row; so repeated rows count.
        """
        total = hashlib.sha256(b"impact linked records 1\n")
        for table in TABLES:
            found = self._connection.execute(_digest_sql(table)).fetchone()
            total.update(f"{table.name} {found}\n".encode())
        return total.hexdigest()

    def __repr__(self) -> str:
        width = max(len(name) for name in self.rows)
        return "\n".join(["Linked records", *(f"  {name:<{width}}  {n:>10,}" for name, n in self.rows.items())])


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
