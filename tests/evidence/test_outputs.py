"""The record of outputs: a line for each, no true value, and read back as it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impact.errors import ImpactError
from impact.evidence import compare_releases, output_record, protect, read_record, write_record
from impact.evidence.outputs import record_of_texts


def counts(values: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"people": [*values, sum(values)]}, index=["women", "men", "all"])


def test_each_number_has_status_reason_and_rule() -> None:
    record = output_record({"one": protect(counts([2, 10]), total_row="all"), "two": protect(counts([47, 61]))})
    assert list(record.columns) == ["output", "row", "column", "status", "shown", "reason", "rule"]
    assert record["status"].tolist() == ["hidden", "shown", "withheld", "shown", "shown", "shown"]
    assert record["rule"].tolist()[:3] == ["minimum 10", "base 5", "width 5"]
    assert (record["reason"].str.len() > 5).all()
    assert not {"47", "61", "108"} & set(record["shown"])
    assert output_record({}).empty


def test_last_years_record_is_compared_with_this_years_table(tmp_path: Path) -> None:
    last = protect(counts([11, 40]), total_row="all")
    path = write_record({"sex": last}, tmp_path / "record.json")
    back = read_record(path)["sex"]
    pd.testing.assert_frame_equal(back.record, last.record)
    assert (back.sums, back.rules, back.notes) == (last.sums, last.rules, last.notes)
    assert back.table["people"].tolist() == last.table["people"].tolist()
    this = protect(counts([12, 60]), total_row="all")
    assert compare_releases(back, this, people="nested").findings.equals(
        compare_releases(last, this, people="nested").findings
    )
    again = write_record(read_record(path), tmp_path / "again.json")
    assert again.read_bytes() == path.read_bytes()


def test_a_reports_texts_are_told_apart() -> None:
    texts = ["45", "fewer than 10", "not shown (fewer than 10 people)", "not shown", "–", "31%"]
    record = record_of_texts({"flow": {f"row {n}": {"people": text} for n, text in enumerate(texts)}})
    assert record["status"].tolist() == ["shown", "hidden", "hidden", "withheld", "no count", "shown"]


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": {"rules": {}}}'])
def test_what_is_no_record_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(content)
    with pytest.raises(ImpactError, match=r"record\.json is not a record"):
        read_record(path)
