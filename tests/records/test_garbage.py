"""Whatever lies in a file, the answer is a list of faults or the records; never a crash, never somebody's data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact.errors import RecordsError
from impact.records import read_linked
from tests.records.conftest import ROWS, Tiny

QUIET = [HealthCheck.function_scoped_fixture]
SPLINTERS = st.sampled_from([b"", b'"', b",", b"\n", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b";", b"'", b"9" * 40])


@st.composite
def damage(draw: st.DrawFn, size: int) -> tuple[int, int, bytes]:
    """A span to cut out of a file of that size, and what to put in its place."""
    start = draw(st.integers(0, size))
    length = draw(st.one_of(st.just(0), st.integers(0, 4), st.integers(0, size)))
    return start, start + length, draw(st.one_of(SPLINTERS, st.binary(max_size=40)))


def survives(folder: Path, definitions: Path) -> None:
    try:
        linked = read_linked(folder, definitions=definitions)
    except RecordsError as error:
        assert error.faults
        assert "ZQ" not in str(error)
        assert "kept my tenancy" not in str(error)
    else:
        assert linked.rows["person"] > 0
        assert len(linked.digest) == 64


@settings(max_examples=15, suppress_health_check=QUIET)
@given(data=st.data())
def test_damaged_csv(tiny: Tiny, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(sorted(ROWS)))
    file = tiny.folder / f"{table}.csv"
    whole = file.read_bytes()
    try:
        start, stop, splinter = data.draw(damage(len(whole)))
        file.write_bytes(whole[:start] + splinter + whole[stop:])
        survives(tiny.folder, tiny.definitions)
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("kind", ["typed", "duckdb"])
@settings(max_examples=8, suppress_health_check=QUIET)
@given(data=st.data())
def test_damaged_binary(tiny: Tiny, as_format: Callable[[Path, str], Path], kind: str, data: st.DataObject) -> None:
    path = tiny.folder.parent / f"kept_{kind}"
    if not path.exists():
        shutil.move(as_format(tiny.folder, kind), path)
    file = path / f"{data.draw(st.sampled_from(sorted(ROWS)))}.parquet" if path.is_dir() else path
    whole = file.read_bytes()
    try:
        start, stop, splinter = data.draw(damage(len(whole)))
        file.write_bytes(whole[:start] + splinter + whole[stop:])
        survives(path, tiny.definitions)
    finally:
        file.write_bytes(whole)
