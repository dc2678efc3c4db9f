"""The notebook on real data is skipped, and said to be, where those data are not on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "compas"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if DATA.is_dir():
        return
    absent = pytest.mark.skip(reason="the Broward data (../shared/data/compas) are not on this machine")
    for item in items:
        if item.path.name == "real_broward.ipynb":
            item.add_marker(absent)
