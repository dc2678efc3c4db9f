"""The annual report: built from the committed notebooks, with every number as it was accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from impact.errors import RecordsError, ReportError
from impact.report.build import compare_expected
from impact.report.publish import build_annual


def test_every_number_of_the_report_is_as_expected(root: Path, tmp_path: Path) -> None:
    cache = root / "reports" / ".cache"
    built = build_annual(root / "data_synthetic", tmp_path, root / "notebooks", cache=cache)
    changed = compare_expected(built.numbers, root / "reports" / "expected.json")
    assert not changed, "The report's numbers changed:\n" + "\n".join(changed)
    again = build_annual(root / "data_synthetic", tmp_path, root / "notebooks", cache=cache)
    assert again.executed == ()
    assert again.unchanged
    assert {path.suffix for path in built.files} == {".html", ".pdf", ".docx", ".csv"}


def test_refused_records_leave_the_last_report(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "reports"
    out.mkdir()
    (out / "annual_report.html").write_text("last year's", encoding="utf-8")
    with pytest.raises(RecordsError):
        build_annual(tmp_path / "nothing", out, root / "notebooks")
    assert [path.name for path in out.iterdir()] == ["annual_report.html"]


def test_a_folder_without_notebooks_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"There is no annual\.ipynb"):
        build_annual(root / "data_synthetic", tmp_path / "reports", tmp_path)
