"""`Linked`: the tables of one checked store, and the engine that answers questions of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from impact.errors import InputError
from impact.records.engine import Engine
from impact.records.sources import CONTRACT


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
    _engine: Engine

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

    def query(self, sql: str, **frames: pd.DataFrame) -> pd.DataFrame:
        """The rows of one SELECT in the SQL of DuckDB, whatever the engine; the tables are named as in the contract.

        Rows come in no promised order without an ORDER BY.

        Parameters
        ----------
        sql : str
            One statement that only reads.
        **frames : DataFrame
            Further tables for this query alone, by the names that it calls them.

        Returns
        -------
        DataFrame
            Text as str, dates as datetime64[us]; whole numbers and flags as nullable types where a value is missing.

        Raises
        ------
        InputError
            Where the SQL is wrong, is more than one statement, would write, or gives two columns of one name; or a
            further table has the name of one of the contract.
        """
        taken = sorted(set(frames) & set(CONTRACT))
        if taken:
            raise InputError(f"A further table cannot be named {', '.join(taken)}: the contract has one of that name.")
        return self._engine.query(sql, frames)

    @property
    def digest(self) -> str:
        """A hash of the content (64 hexadecimal digits): the same for any order of rows, file format and engine."""
        return self._engine.digest

    def __repr__(self) -> str:
        width = max(len(name) for name in self.rows)
        return "\n".join(["Linked records", *(f"  {name:<{width}}  {n:>10,}" for name, n in self.rows.items())])
