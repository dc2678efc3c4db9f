"""Files that could do harm, or that hide what they hold, end in a finding: bounded, unopened and unchanged."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from impact.records.returns import archive
from impact.records.returns.check import check_return


def _workbook(path: Path, *, merged: bool = False) -> Path:
    book = Workbook()
    sheet = book.active
    sheet.title = "family"
    sheet.append(["person_id", "related_id", "relation"])
    sheet.append(["P1", "P2", "parent"])
    if merged:
        sheet.append(["P3", "P4", "child"])
        sheet.merge_cells("A2:A3")
    book.save(path)
    return path


def _with(path: Path, part: str, content: bytes) -> Path:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as held:
        held.writestr(part, content)
    return path


def _rules(path: Path) -> list[str]:
    before = path.read_bytes()
    found = check_return(path).findings["rule"].tolist()
    assert path.read_bytes() == before
    return found


def _peak(path: Path) -> tuple[list[str], int]:
    tracemalloc.start()
    try:
        return _rules(path), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_plain_workbook_has_no_finding(tmp_path: Path) -> None:
    assert _rules(_workbook(tmp_path / "a.xlsx")) == []


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "bomb.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as held, held.open("xl/media/bomb.xml", "w") as part:
        for _ in range(257):
            part.write(bytes(1 << 20))
    rules, peak = _peak(path)
    assert rules == ["too-large"]
    assert peak < 20 << 20


def test_a_bomb_that_lies_about_its_size_is_bounded_by_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    path = tmp_path / "lie.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr("xl/workbook.xml", b"<a>" + bytes(64 << 20))
    raw, said = bytearray(path.read_bytes()), struct.pack("<I", 3 + (64 << 20))
    assert raw.count(said) == 2
    path.write_bytes(raw.replace(said, struct.pack("<I", 100)))
    rules, peak = _peak(path)
    assert rules == ["damaged"]
    assert peak < 20 << 20


def test_many_parts_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "many.xlsx"
    with zipfile.ZipFile(path, "w") as held:
        for place in range(5001):
            held.writestr(f"xl/{place}", b"")
    assert _rules(path) == ["too-large"]


def test_a_sheet_that_claims_to_be_endless_is_not_laid_out(tmp_path: Path) -> None:
    book = Workbook()
    book.active["XFD1048576"] = 1
    book.save(tmp_path / "wide.xlsx")
    rules, peak = _peak(tmp_path / "wide.xlsx")
    assert rules == ["no-header", "unknown-sheet"]
    assert peak < 20 << 20
    for row in range(1, 1000):
        book.active.cell(row, 1, "x")
    book.save(tmp_path / "wide.xlsx")
    rules, peak = _peak(tmp_path / "wide.xlsx")
    assert rules == ["too-large"]
    assert peak < 20 << 20


@pytest.mark.parametrize(
    ("part", "content", "rule"),
    [
        ("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0", "macros"),
        ("xl/externalLinks/externalLink1.xml", b"<externalLink/>", "external-links"),
        ("xl/bad.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "damaged"),
    ],
)
def test_what_could_do_harm_is_named(tmp_path: Path, part: str, content: bytes, rule: str) -> None:
    assert _rules(_with(_workbook(tmp_path / "a.xlsx"), part, content)) == [rule]


def test_merged_cells_are_named_with_their_row(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "a.xlsx", merged=True)
    found = check_return(path).findings.set_index("rule")
    assert found.loc["merged-cells", "row"] == 2
    assert found.loc["value-missing", "row"] == 3


def test_a_zip_of_something_else_is_no_return(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as held:
        held.writestr("../../etc/evil", b"x")
    assert _rules(tmp_path / "a.xlsx") == ["not-a-return"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


@pytest.mark.parametrize(
    ("part", "rule"),
    [("xl/../../evil", "path-tricks"), ("/xl/evil", "path-tricks"), ("C:evil", "path-tricks"),
     ("xl/embeddings/a.docx", "embedded-files"), ("xl/media/a.png", "pictures")],
)  # fmt: skip
def test_parts_that_have_no_place_in_a_return(tmp_path: Path, part: str, rule: str) -> None:
    assert _rules(_with(_workbook(tmp_path / "a.xlsx"), part, b"x")) == [rule]


def test_a_workbook_with_a_password_has_a_rule_of_its_own(tmp_path: Path) -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016)
    path = tmp_path / "locked.xlsx"
    path.write_bytes(container + "EncryptedPackage".encode("utf-16-le") + bytes(96))
    assert _rules(path) == ["password"]
    path.write_bytes(container + "Workbook".encode("utf-16-le") + bytes(96))
    assert _rules(path) == ["old-xls"]


def test_an_archive_with_a_password_has_the_same_rule(tmp_path: Path) -> None:
    path = _workbook(tmp_path / "a.xlsx")
    raw = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(mark)
        while at >= 0:
            raw[at + place] |= 1
            at = raw.find(mark, at + 4)
    path.write_bytes(raw)
    assert _rules(path) == ["password"]
