"""The notebooks on real data are skipped, and said to be, where those data are not on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
NEEDED = {"real_broward.ipynb": "compas", "real_btheb.ipynb": "trials/HSAUR_BtheB.csv"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        needed = NEEDED.get(item.path.name)
        if needed is not None and not (DATA / needed).exists():
            item.add_marker(pytest.mark.skip(reason=f"../shared/data/{needed} is not on this machine"))
