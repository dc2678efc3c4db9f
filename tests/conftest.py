"""What every test shares: quiet figures, repeatable property tests, and where data that is not shipped would lie."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import settings

mpl.use("Agg")
settings.register_profile("impact", derandomize=True, deadline=None, database=None)
settings.load_profile("impact")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data for tests; a test that needs it skips where it is absent."""
    folder = Path(os.environ.get("IMPACT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the folder of real data (../shared, or IMPACT_SHARED) is not on this machine")
    return folder
