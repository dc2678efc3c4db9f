"""A store of a few invented people, held in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pytest

from impact.records.cells import SQL_TYPES
from impact.records.engine import EmbeddedEngine
from impact.records.tables import TABLES

TEXTS = ("text", "month")


def engine_of(tables: Mapping[str, pd.DataFrame]) -> EmbeddedEngine:
    """An engine on tables held in memory, typed as the contract says."""
    connection = duckdb.connect(config={"threads": 1})
    for table in TABLES:
        connection.register(
            "held", tables[table.name].astype({c.name: object for c in table.columns if c.kind in TEXTS})
        )
        columns = ", ".join(f"CAST({c.name} AS {SQL_TYPES[c.kind]}) AS {c.name}" for c in table.columns)
        connection.execute(f"CREATE TABLE {table.name} AS SELECT {columns} FROM held")
        connection.unregister("held")
    return EmbeddedEngine(connection)


@dataclass
class Store:
    """Rows by table; whatever a row leaves out is missing."""

    rows: dict[str, list[dict[str, object]]] = field(default_factory=lambda: {table.name: [] for table in TABLES})
    complete_to: dt.date = dt.date(2025, 6, 30)
    definitions: dict[str, object] = field(default_factory=dict)
    order: int | None = None
    _held: tuple[str, EmbeddedEngine] | None = None

    def add(self, table: str, **row: object) -> None:
        self.rows[table].append(row)

    def person(self, person_id: str, born: str = "1995-03-10", sex: str = "male", **more: object) -> None:
        self.add("person", person_id=person_id, birth_date=born, sex=sex, ethnicity="white", **more)

    def sentence(self, person_id: str, started: str, released: str | None = None, disposal: str = "custody") -> None:
        self.add(
            "sentence",
            person_id=person_id,
            sentenced_on=started,
            started_on=started,
            released_on=released,
            disposal=disposal,
            offence_group="theft",
        )

    def custody(self, person_id: str, entered: str, left: str | None, reason: str = "sentence") -> None:
        self.add("custody", person_id=person_id, entered_on=entered, left_on=left, reason=reason)

    def stay(self, person_id: str, entered: str, left: str) -> None:
        """A custodial sentence and its spell."""
        self.sentence(person_id, entered, left)
        self.custody(person_id, entered, left)

    def referral(
        self,
        person_id: str,
        on: str,
        decision: str = "accepted",
        decided: str | None = None,
        programme: str = "moms",
    ) -> None:
        self.add(
            "referral",
            person_id=person_id,
            programme=programme,
            referred_on=on,
            decision=decision,
            decided_on=decided,
            source="prison",
        )

    def offence(self, person_id: str, on: str, proven: str | None, **more: object) -> None:
        row = {"outcome": "conviction" if proven else "pending", "offence_group": "theft", "severity": "summary"} | more
        self.add("offence", person_id=person_id, offended_on=on, proven_on=proven, **row)

    def joined(
        self,
        person_id: str,
        on: str,
        status: str = "completed",
        programme: str = "moms",
        ended: str | None = None,
        **more: object,
    ) -> None:
        self.add(
            "participation",
            person_id=person_id,
            programme=programme,
            intervention="mentoring",
            started_on=on,
            ended_on=ended,
            status=status,
            **more,
        )

    def reading(self, person_id: str, on: str, wave: int = 1, instrument: str = "probation_needs") -> None:
        self.add(
            "assessment",
            person_id=person_id,
            instrument=instrument,
            scale="total",
            wave=wave,
            assessed_on=on,
            score=10,
        )

    def query(self, sql: str, **frames: pd.DataFrame) -> pd.DataFrame:
        state = repr((self.order, self.rows))
        if self._held is None or self._held[0] != state:
            self._held = state, engine_of({table.name: self.table(table.name) for table in TABLES})
        return self._held[1].query(sql, frames)

    def table(self, name: str) -> pd.DataFrame:
        columns = next(table for table in TABLES if table.name == name).columns
        frame = pd.DataFrame(self.rows[name], columns=[column.name for column in columns])
        for column in columns:
            if column.kind == "date":
                frame[column.name] = pd.to_datetime(frame[column.name]).astype("datetime64[us]")
            elif column.kind in ("whole", "number"):
                frame[column.name] = frame[column.name].astype(float)
            else:
                frame[column.name] = frame[column.name].astype("str")
        return frame if self.order is None else frame.sample(frac=1, random_state=self.order).reset_index(drop=True)


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return Store()


@pytest.fixture(scope="session")
def new_store() -> type[Store]:
    """Makes a store: for property tests, which need one for each example."""
    return Store
