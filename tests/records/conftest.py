"""A tiny store that keeps every rule, as frames of text, and how to write it in each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from impact.records.tables import TABLES

Frames = dict[str, pd.DataFrame]

ROWS: dict[str, list[str]] = {
    "person": [
        "ZQ01,male,1995-04-12,1995-04,white,E01006512,",
        "ZQ02,female,,1990-11,black,E01006513,2023-10-01",
        "ZQ03,male,1988-01-31,,unknown,,",
        "ZQ04,unknown,,,asian,E01006512,",
    ],
    "family": ["ZQ01,ZQ02,parent", "ZQ02,ZQ01,child"],
    "referral": [
        "ZQ01,alpha,2023-01-10,prison,accepted,2023-01-20,",
        "ZQ02,alpha,2023-02-01,self,waiting,,",
        "ZQ02,beta,2023-02-01,court,declined_by_person,2023-11-05,Elsewhere",
    ],
    "participation": [
        "ZQ01,alpha,mentoring,2023-02-01,2023-08-01,completed,12,14,OCN level 2",
        "ZQ02,beta,groups,2023-03-01,,active,,,",
    ],
    "assessment": [
        "ZQ01,alpha,homelessness_star,money,1,2023-02-02,3",
        "ZQ01,alpha,homelessness_star,money,2,2023-07-20,6.5",
        "ZQ03,,probation_needs,total,1,2022-06-01,21",
    ],
    "sentence": [
        "ZQ01,2022-05-05,custody,2022-05-01,2023-01-30,theft",
        "ZQ03,2022-06-01,community,2022-06-01,,violence",
    ],
    "offence": [
        "ZQ01,2022-03-01,2022-05-05,conviction,theft,summary",
        "ZQ03,2023-09-01,2023-12-01,caution,drugs,triable_either_way",
        "ZQ03,2023-11-01,,pending,drugs,triable_either_way",
        "ZQ03,2023-11-01,,pending,drugs,triable_either_way",
        "ZQ04,2021-01-01,2021-01-02,penalty_notice,public_order,summary",
    ],
    "custody": ["ZQ01,2022-05-01,2023-01-30,sentence", "ZQ01,2022-06-01,2022-07-01,other", "ZQ03,2023-12-02,,remand"],
    "police_contact": ["ZQ03,2023-09-01,arrested", "ZQ04,2023-09-02,victim"],
    "need": ["ZQ01,alpha,accommodation,2023-02-02,2023-05-01", "ZQ01,alpha,health,2023-02-02,"],
    "area": ["E01006512,Central,Liverpool,1,1500", "E01006513,Church,Sefton,10,1620"],
    "story": [
        'alpha,2023-Q2,"He said: ""I kept my tenancy"",\nand did.",true',
        "beta,2023-Q3,Café visits helped,false",
    ],
    "extract": ["programmes,2023-12-31,true", "police,2024-06-30,true", "courts,2024-03-31,true"],
}


def header(table: str) -> str:
    """The line of column names of a table."""
    return ",".join(column.name for spec in TABLES if spec.name == table for column in spec.columns)


def csv_text(table: str) -> str:
    """The tiny store's table as the text of a CSV file."""
    return "\n".join([header(table), *ROWS[table], ""])


class Tiny:
    """A tiny store in a folder of its own, to be spoilt one fault at a time."""

    def __init__(self, folder: Path, definitions: Path) -> None:
        self.folder = folder
        self.definitions = definitions

    def write(self, table: str, content: str | bytes, suffix: str = ".csv") -> None:
        """Put the content in the place of a table's file."""
        raw = content.encode("utf-8") if isinstance(content, str) else content
        (self.folder / f"{table}{suffix}").write_bytes(raw)

    def cell(self, table: str, row: int, column: str, value: str) -> None:
        """Put a value (without commas) into the cell of one row, counted from 1."""
        frame = self.frame(table)
        frame.loc[row - 1, column] = value
        frame.to_csv(self.folder / f"{table}.csv", index=False)

    def add(self, table: str, row: str) -> None:
        """Add a line to a table."""
        with (self.folder / f"{table}.csv").open("a", encoding="utf-8") as file:
            file.write(row + "\n")

    def frame(self, table: str) -> pd.DataFrame:
        """A table as text, as it stands in the folder now."""
        return pd.read_csv(self.folder / f"{table}.csv", dtype=str, keep_default_na=False)


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    """A folder of two further programme definitions."""
    folder = tmp_path / "definitions"
    folder.mkdir()
    for name in ("alpha", "beta"):
        (folder / f"{name}.toml").write_text(f'title = "{name}"\n')
    return folder


@pytest.fixture
def tiny(tmp_path: Path, definitions: Path) -> Tiny:
    """The tiny store as a folder of CSV files."""
    folder = tmp_path / "store"
    folder.mkdir()
    store = Tiny(folder, definitions)
    for table in ROWS:
        store.write(table, csv_text(table))
    return store


@pytest.fixture
def as_format(tmp_path: Path) -> Callable[[Path, str], Path]:
    """Write a folder of CSV files again as Parquet (``text`` or ``typed``) or as a DuckDB file."""

    def convert(folder: Path, kind: str) -> Path:
        target = tmp_path / f"store_{kind}"
        if kind == "duckdb":
            target = target.with_suffix(".duckdb")
        else:
            target.mkdir()
        sql_types = {"text": "VARCHAR", "month": "VARCHAR", "date": "DATE", "whole": "INTEGER", "number": "DOUBLE"}
        with duckdb.connect(str(target) if kind == "duckdb" else ":memory:") as connection:
            for table in TABLES:
                casts = ", ".join(
                    f"{c.name}::{'VARCHAR' if kind == 'text' else sql_types.get(c.kind, 'BOOLEAN')} AS {c.name}"
                    for c in table.columns
                )
                rows = f"SELECT {casts} FROM read_csv('{folder}/{table.name}.csv', all_varchar = true, header = true)"
                if kind == "duckdb":
                    connection.execute(f"CREATE TABLE {table.name} AS {rows}")
                else:
                    connection.execute(f"COPY ({rows}) TO '{target}/{table.name}.parquet' (FORMAT parquet)")
        return target

    return convert
