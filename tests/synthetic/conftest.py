"""The default world, made once, and its tables as plain text rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from impact.synthetic import simulate

Row = dict[str, str]


def read_tables(folder: Path) -> dict[str, list[Row]]:
    tables = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            tables[path.stem] = list(csv.DictReader(lines))
    return tables


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds") / "default"
    simulate(folder)
    return folder


@pytest.fixture(scope="session")
def tables(world: Path) -> dict[str, list[Row]]:
    return read_tables(world)


@pytest.fixture(scope="session")
def truth(world: Path) -> dict[str, Any]:
    return json.loads((world / "truth.json").read_text(encoding="utf-8"))
