"""Rows of all sources become the tables of one store: people joined, rows that cannot stand left out by rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from impact.errors import SHOWN_ROWS, Fault, RecordsError
from impact.records.building.maps import PEOPLE, SourceMap, StoreMap, not_allowed
from impact.records.cells import SQL_TYPES
from impact.records.checks import contradictions
from impact.records.sources import text_literal
from impact.records.tables import TABLES, Table

JOINED = "same person"
SOURCE, ROW = "_source", "_row"
_UNKNOWN = ("", "unknown")
Part = tuple[SourceMap, pd.DataFrame, np.ndarray]


@dataclass(frozen=True, slots=True)
class Assembled:
    """The tables, as texts; how many rows of each source each rule dropped; and what else must be said."""

    tables: dict[str, pd.DataFrame]
    dropped: tuple[Counter[str], ...]
    notes: tuple[str, ...]


def assemble(parts: list[Part], plan: StoreMap, before: tuple[str, ...]) -> Assembled:
    """The tables of the store.

    Raises
    ------
    RecordsError
        With every rule that rows break and that the map does not list under `drop`.
    """
    dropped = tuple(
        Counter({str(rule): int(n) for rule, n in Counter(lost[lost != ""]).items()}) for _, _, lost in parts
    )
    faults: list[Fault] = []

    def leave_out(frame: pd.DataFrame, bad: np.ndarray, rule: str) -> pd.DataFrame:
        for at, rows in frame[bad].groupby(SOURCE)[ROW]:
            place = int(str(at))
            dropped[place][rule] += len(rows)
            if rule not in plan.drop:
                source = parts[place][0]
                where = f"{source.file} [{source.sheet}]" if source.sheet else source.file
                first = tuple(sorted(rows)[:SHOWN_ROWS])
                faults.append(not_allowed(rule, where, first, len(rows)))
        return frame[~bad]

    tables = {table.name: _stacked(table, parts, plan) for table in TABLES}
    whole, notes = _one_row_a_person(tables["person"], dropped)
    tables["person"] = whole
    for table in TABLES:
        names = [column.name for column in table.columns]
        if table.key and table.name not in ("person", "extract"):
            # Of rows that are the same the first in the order of the map stands.
            again = tables[table.name].sort_values([SOURCE, ROW]).duplicated(names).reindex(tables[table.name].index)
            tables[table.name] = leave_out(tables[table.name], again.to_numpy(dtype=bool), "repeated")
    for name, rows in _contradictions(tables).items():
        tables[name] = leave_out(tables[name], tables[name].index.isin(rows), "contradicts")
    known = set(tables["person"]["person_id"])
    seen: set[str] = set()
    for name, frame in tables.items():
        people = [column for column in PEOPLE if column in frame]
        if name != "person" and people:
            inside = np.logical_and.reduce([frame[column].isin(known).to_numpy(dtype=bool) for column in people])
            tables[name] = leave_out(frame, ~inside, "not-in-person")
            seen.update(*(tables[name][column] for column in people))
    alone = ~tables["person"]["person_id"].isin(seen).to_numpy(dtype=bool)
    tables["person"] = leave_out(tables["person"], alone, "alone")
    if faults:
        raise RecordsError("The sources cannot make a store; nothing was written:", faults)
    notes += _between_files(tables)
    plain = {name: frame.drop(columns=[SOURCE, ROW]) for name, frame in tables.items()}
    return Assembled(plain, dropped, tuple(note for note in notes if note not in before))


def _stacked(table: Table, parts: list[Part], plan: StoreMap) -> pd.DataFrame:
    """The kept rows of all sources of a table, each with its source and its row there."""
    names = [column.name for column in table.columns]
    if table.name == "extract":
        frame = pd.DataFrame(plan.extracts, columns=names, dtype=object)
        return frame.assign(**{SOURCE: 0, ROW: 0})
    found = [pd.DataFrame(columns=[*names, SOURCE, ROW]).astype({SOURCE: np.int64, ROW: np.int64})]
    for place, (source, frame, lost) in enumerate(parts):
        if source.table.name == table.name:
            numbered = frame.copy()
            numbered[SOURCE], numbered[ROW] = place, np.arange(1, len(frame) + 1)
            found.append(numbered[lost == ""])
    kept = [part for part in found if len(part)] or found[:1]
    return pd.concat(kept, ignore_index=True)


def _one_row_a_person(frame: pd.DataFrame, dropped: tuple[Counter[str], ...]) -> tuple[pd.DataFrame, list[str]]:
    """One row a person: each cell that of the first source, in the order of the map, that knows it."""
    first = frame.sort_values([SOURCE, ROW]).drop_duplicates("person_id").set_index("person_id")
    kept = Counter(first[SOURCE])
    for place, n in Counter(frame[SOURCE]).items():
        if n > kept[place]:
            dropped[place][JOINED] += n - kept[place]
    notes = []
    for name in [column for column in frame.columns if column not in ("person_id", SOURCE, ROW)]:
        held = frame[~frame[name].isin(_UNKNOWN)]
        counts = held.groupby(["person_id", SOURCE, name]).size().rename("n").reset_index()
        counts = counts.sort_values(["person_id", SOURCE, "n", name], ascending=[True, True, False, True])
        best = counts.drop_duplicates("person_id").set_index("person_id")[name]
        first[name] = best.reindex(first.index).fillna(first[name])
        differ = int((held.groupby("person_id")[name].nunique() > 1).sum())
        if differ:
            notes.append(
                f"The sources disagree on {name} for {differ:,} people; the first source in the map is believed."
            )
    both = (first["birth_date"] != "") & (first["birth_month"] != "")
    month = first["birth_date"].str[:7]
    differ = int((both & (month != first["birth_month"])).sum())
    if differ:
        notes.append(
            f"For {differ:,} people the month of birth is not that of the date of birth; the date is believed."
        )
        first["birth_month"] = first["birth_month"].where(~both, month)
    return first.reset_index()[list(frame.columns)], notes


def _contradictions(tables: dict[str, pd.DataFrame]) -> dict[str, list[int]]:
    """The index of rows whose dates or words contradict each other, table by table."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute("CREATE SCHEMA loaded")
        for table in TABLES:
            _load(connection, table, tables[table.name])
        return contradictions(connection)


def _load(connection: duckdb.DuckDBPyConnection, table: Table, frame: pd.DataFrame) -> None:
    """The table `loaded.NAME`, typed, its `_row` the frame's index."""
    texts = {c.name: pd.Series(frame[c.name].to_numpy(), dtype="str") for c in table.columns}
    given = pd.DataFrame(texts | {ROW: frame.index.to_numpy(dtype=np.int64)})
    connection.register("given", given)
    cells = ", ".join(f"CAST(nullif({c.name}, '') AS {SQL_TYPES[c.kind]}) AS {c.name}" for c in table.columns)
    connection.execute(
        f"CREATE TABLE loaded.{table.name} AS SELECT {ROW}::UINTEGER AS {ROW}, {cells}, 0::USMALLINT AS _bad FROM given"
    )
    connection.unregister("given")


def _between_files(tables: dict[str, pd.DataFrame]) -> list[str]:
    """A note for each table without a key in which files hold the same rows."""
    notes = []
    for table in TABLES:
        if table.key:
            continue
        names = [column.name for column in table.columns]
        files = tables[table.name].groupby(names, dropna=False)[SOURCE].nunique()
        shared = int((files > 1).sum())
        if shared:
            notes.append(
                f"{shared:,} rows of {table.name} stand in more than one source and are all kept: "
                "see that the extracts do not overlap."
            )
    return notes


def write_tables(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Each table as Parquet, its rows in order: the same rows give the same bytes."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute("CREATE SCHEMA loaded")
        for table in TABLES:
            _load(connection, table, tables[table.name])
            names = ", ".join(column.name for column in table.columns)
            place = text_literal(str(folder / f"{table.name}.parquet"))
            connection.execute(
                f"COPY (SELECT {names} FROM loaded.{table.name} ORDER BY ALL) TO {place} (FORMAT parquet)"
            )
