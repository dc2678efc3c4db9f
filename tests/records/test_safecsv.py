"""A CSV that this library writes holds no live cell, and its numbers stay numbers."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.cli import run
from impact.records.safecsv import defused, to_csv
from tests.records.linkage.conftest import people


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", " =", "\n=", "  \t"])
def test_live_text_is_defused(sign: str) -> None:
    assert defused(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["-3.5", "+2", "-1e-5", " -3", "-.5", "a=1", "", "'=1", "£5"])
def test_numbers_and_plain_text_are_left(text: str) -> None:
    assert defused(text) == text


@given(st.lists(st.text("=+-@\t\r\n ab1.e'\",", max_size=8), min_size=1, max_size=5))
def test_every_cell_read_back_is_the_one_given_or_has_one_apostrophe_more(texts: list[str]) -> None:
    back = pd.read_csv(
        io.StringIO(to_csv(pd.DataFrame({"x": ["first", *texts], "n": -1.5})), newline=""),
        dtype={"x": str},
        keep_default_na=False,
    )
    for given_text, cell in zip(["first", *texts], back["x"], strict=True):
        assert cell in (given_text, f"'{given_text}")
        if cell == given_text:
            assert not re.match(r"[ \n]*[=+\-@\t\r](?!$)", cell) or re.fullmatch(r" *[+-]?[\d.]+(e[+-]?\d+)? *", cell)
    assert (back["n"] == -1.5).all()


def test_numbers_dates_flags_gaps_and_headers() -> None:
    frame = pd.DataFrame(
        {
            "=x": pd.Series([-1, pd.NA], dtype="Int64"),
            "d": pd.to_datetime(["2023-01-02", None]),
            "f": [True, False],
            "c": pd.Categorical(["@a", "b"]),
            "o": [-2.5, "-b"],
            "t": [np.nan, "+z"],
        }
    ).set_axis([5, 5])
    assert to_csv(frame) == "'=x,d,f,c,o,t\r\n-1,2023-01-02,True,'@a,-2.5,\r\n,,False,b,'-b,'+z\r\n"


def test_ids_that_are_live_are_written_dead_by_the_command(tmp_path: Path) -> None:
    left, right, _ = people(40)
    places = tmp_path / "left.csv", tmp_path / "right.csv"
    for frame, place in zip((left, right), places, strict=True):
        frame.assign(record_id="=HYPERLINK(" + frame["record_id"] + ")").to_csv(place, index=False)
    assert run(["link", *map(str, places), "--out", str(tmp_path / "out"), "--one-to-one"]) == 0
    for table in ("pairs", "clusters", "review"):
        cells = pd.read_csv(tmp_path / "out" / f"{table}.csv", dtype=str)
        for name in set(cells) & {"left_id", "right_id", "record_id"}:
            assert cells[name].str.startswith("'=HYPERLINK").all()
    weights = pd.read_csv(tmp_path / "out" / "pairs.csv")["match_weight"]
    assert weights.dtype == float


def test_no_csv_is_written_in_another_way(root: Path) -> None:
    writers = [
        str(path.relative_to(root))
        for path in sorted((root / "impact").rglob("*.py"))
        if re.search(r"\.to_csv\(|csv\.writer|csv\.DictWriter", path.read_text(encoding="utf-8"))
    ]
    assert writers == ["impact/records/safecsv.py"]
