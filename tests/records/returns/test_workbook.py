"""The reader of workbooks gives the cells that another reader gives, and refuses what it would otherwise misread."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
from openpyxl.worksheet.formula import ArrayFormula

from impact.records.returns.archive import MARKER
from impact.records.returns.check import check_return
from impact.records.returns.reading import read_content
from impact.records.returns.sheets import DamagedError, TooLargeError
from impact.records.returns.workbook import read_workbook

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
STYLES = (
    '<numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="171" formatCode="0&quot; days&quot;"/></numFmts>'
    '<cellXfs><xf/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs>'
    '<dxfs><dxf><numFmt numFmtId="171" formatCode="dd"/></dxf></dxfs>'
)


def rels(*links: tuple[str, str, str], more: str = "") -> str:
    held = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{kind}" Target="{t}"/>' for i, kind, t in links)
    return f'<Relationships xmlns="{PACKAGE}">{held}{more}</Relationships>'


def package(
    cells: str = '<row r="1"><c r="A1"><v>1</v></c></row>',
    *,
    after: str = "",
    strings: str = "<si><t>a</t></si>",
    book: str = "",
    space: str = SPREADSHEET,
    changed: dict[str, str | bytes | None] | None = None,
) -> bytes:
    """A workbook made by hand, with parts changed, added or (None) left out."""
    parts: dict[str, str | bytes | None] = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": rels(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{space}" xmlns:r="{OFFICE}">{book}'
        '<sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": rels(
            ("rId1", "worksheet", "worksheets/sheet1.xml"),
            ("rId2", "sharedStrings", "sharedStrings.xml"),
            ("rId3", "styles", "styles.xml"),
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{space}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{space}">{STYLES}</styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{space}"><sheetData>{cells}</sheetData>{after}</worksheet>',
        **(changed or {}),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as held:
        for name, content in parts.items():
            if content is not None:
                held.writestr(name, content)
    return made.getvalue()


def read_cells(content: bytes) -> dict[str, str]:
    (sheet,), _ = read_workbook(content)
    return {
        f"{chr(65 + place)}{number}": text
        for number, row in sheet.rows()
        for place, text in enumerate(row)
        if text
    }  # fmt: skip


def one(cell: str, **how: Any) -> str:
    """What the cell A1 holds."""
    return read_cells(package(f'<row r="1">{cell}</row>', **how)).get("A1", "")


DATES = st.datetimes(dt.datetime(1904, 1, 2), dt.datetime(9999, 12, 31, 23, 59, 59)).map(
    lambda moment: moment.replace(microsecond=0)
)
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t", exclude_characters="\ufffe\uffff"),
    max_size=20,
).filter(lambda text: "_x" not in text and not text.startswith("="))
VALUES = (
    TEXTS
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | DATES
    | DATES.map(lambda moment: moment.date())
    | st.sampled_from(["#REF!", "#N/A", "=SUM(A1:B2)", "=1+1", None])
)


def _expected(cell: Any) -> str:
    """What another reader holds, in the words of ours."""
    value = cell.value
    if value is None or cell.data_type == "f":
        return "" if value is None else str(getattr(value, "text", value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    return str(value)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    cells=st.dictionaries(st.tuples(st.integers(1, 40), st.integers(1, 30)), VALUES, max_size=25),
    from_1904=st.booleans(),
    rich=st.booleans(),
)
def test_cells_are_those_that_openpyxl_reads(cells: dict[tuple[int, int], Any], from_1904: bool, rich: bool) -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904 if from_1904 else CALENDAR_WINDOWS_1900
    for (row, column), value in cells.items():
        cell = book.active.cell(row, column)
        if rich and isinstance(value, str) and value and value[0] not in "=#":
            value = CellRichText(value, TextBlock(InlineFont(b=True), "bold"))
        cell.value = value
    made = io.BytesIO()
    book.save(made)
    theirs = load_workbook(io.BytesIO(made.getvalue()))
    (ours,), found = read_workbook(made.getvalue())
    assert found == []
    held = {(number, place): text for number, row in ours.rows() for place, text in enumerate(row, 1) if text}
    expected = {
        (cell.row, cell.column): text for row in theirs.active.iter_rows() for cell in row if (text := _expected(cell))
    }
    assert held.keys() == expected.keys()
    for where, text in held.items():
        told = theirs.active.cell(*where)
        same = text == expected[where]
        if told.data_type == "n":
            same = float(text) == float(expected[where])
        elif told.data_type == "d" and not same:  # a second that both round from a fraction of a day
            gap = dt.datetime.fromisoformat(text) - dt.datetime.fromisoformat(expected[where])
            same = abs(gap) <= dt.timedelta(seconds=1)
        assert same, told.data_type


def test_array_formulas_are_formulas() -> None:
    book = Workbook()
    book.active["A1"] = ArrayFormula("A1:A2", "=SUM(B1:B2)")
    made = io.BytesIO()
    book.save(made)
    assert read_cells(made.getvalue())["A1"] == "=SUM(B1:B2)"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="A1" t="s"><v>0</v></c>', "a"),
        ("<c><v>7</v></c>", "7"),
        ('<c r="A1" t="str"><v>a_x000D_b</v></c>', "a\rb"),
        ('<c r="A1" t="str"><v>_x005F_x000D_</v></c>', "_x000D_"),
        ('<c r="A1" t="str"><v>_xD83D__xDE00_ _xD83D_</v></c>', "\U0001f600 \ufffd"),
        ('<c r="A1" t="str"><v>_x0000__x0007_</v></c>', "\ufffd\ufffd"),
        ('<c r="A1" t="inlineStr"><is><t xml:space="preserve"> a </t></is></c>', " a "),
        ('<c r="A1" t="inlineStr"><is><r><t>a</t></r><r><rPr><b/></rPr><t>b</t></r></is></c>', "ab"),
        ('<c r="A1" t="inlineStr"><is><t>a</t><rPh sb="0" eb="1"><t>read aloud</t></rPh></is></c>', "a"),
        ('<c r="A1" t="inlineStr"><v>left over</v><is><t>a</t></is></c>', "a"),
        ('<c r="A1" t="inlineStr"><is><t>a<![CDATA[<b>]]>&amp;&#99;</t></is></c>', "a<b>&c"),
        ('<c r="A1" t="b"><v>1</v></c>', "true"),
        ('<c r="A1" t="b"><v>true</v></c>', "true"),
        ('<c r="A1" t="b"><v>0</v></c>', "false"),
        ('<c r="A1" t="e"><v>#REF!</v></c>', "#REF!"),
        ('<c r="A1"><f t="shared" si="0"/><v>3</v></c>', "="),
        ('<c r="A1"><f>B1+1</f><v>3</v></c>', "=B1+1"),
        ('<c r="A1"><v>1.5E+300</v></c>', "1.5E+300"),
        ('<c r="A1"><v>NaN</v></c>', "NaN"),
        ('<c r="A1"/>', ""),
        ('<c r="A1"><v/></c>', ""),
        ('<c r="A1" s="1"><v>NaN</v></c>', "NaN"),
        ('<c r="A1" s="1"><v>44593</v></c>', "2022-02-01"),
        ('<c r="A1" s="2"><v>44593.5</v></c>', "2022-02-01 12:00:00"),
        ('<c r="A1" s="3"><v>44593</v></c>', "44593"),
        ('<c r="A1" s="1"><v>59</v></c>', "1900-02-28"),
        ('<c r="A1" s="1"><v>60</v></c>', "1900-02-29"),
        ('<c r="A1" s="1"><v>61</v></c>', "1900-03-01"),
        ('<c r="A1" s="1"><v>0</v></c>', "1899-12-31"),
        ('<c r="A1" s="1"><v>-1</v></c>', "-1"),
        ('<c r="A1" s="1"><v>2958465</v></c>', "9999-12-31"),
        ('<c r="A1" s="1"><v>2958465.99999999</v></c>', "9999-12-31 23:59:59"),
        ('<c r="A1" s="1"><v>2958466</v></c>', "2958466"),
        ('<c r="A1" t="d"><v>2022-02-01T00:00:00.000Z</v></c>', "2022-02-01"),
        ('<c r="A1" t="d"><v>2022-02-01T00:00:30</v></c>', "2022-02-01T00:00:30"),
        ('<c r="A1" t="d"><v>2022-02-01</v></c>', "2022-02-01"),
    ],
)  # fmt: skip
def test_a_cell_of_every_kind(cell: str, text: str) -> None:
    assert one(cell) == text
    assert one(cell, space=STRICT) == text


def test_days_from_1904() -> None:
    book = '<workbookPr date1904="1"/>'
    assert one('<c r="A1" s="1"><v>43131</v></c>', book=book) == "2022-02-01"
    assert one('<c r="A1" s="1"><v>0</v></c>', book=book) == "1904-01-01"
    assert one('<c r="A1" s="1"><v>60</v></c>', book=book) == "1904-03-01"
    assert one('<c r="A1" s="1"><v>2957003</v></c>', book=book) == "9999-12-31"
    assert one('<c r="A1" s="1"><v>2957004</v></c>', book=book) == "2957004"


def test_rows_and_cells_out_of_order_are_put_in_order() -> None:
    cells = '<row r="3"><c r="B3"><v>4</v></c><c r="A3"><v>3</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>'
    assert read_cells(package(cells)) == {"A1": "1", "A3": "3", "B3": "4"}
    assert read_cells(package("<row><c><v>1</v></c></row><row><c/><c><v>2</v></c></row>")) == {"A1": "1", "B2": "2"}


ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'


@pytest.mark.parametrize(
    "cells",
    [
        ONE + ONE,
        '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="A2"><v>2</v></c></row>',
        '<row r="1"><c r="A"><v>1</v></c></row>',
        '<row r="1"><c r="A01"><v>1</v></c></row>',
        '<row r="0"><c r="A0"><v>1</v></c></row>',
        '<row r="-1"><c r="A-1"><v>1</v></c></row>',
        '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
        f'<row r="{"9" * 5000}"/>',
        '<row r="1"><c r="ZZZZ1"><v>1</v></c></row>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        '<row r="1"><c r="XFD1"/><c><v>1</v></c></row>',
        '<row r="1"><c r="a1"><v>1</v></c></row>',
        '<row r="1"><c r="1"><v>1</v></c></row>',
        '<row r="1"><c r=""><v>1</v></c></row>',
        '<c r="A1"><v>1</v></c>',
        '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>x</v></c></row>',
        '<row r="1"><c r="A1" t="b"><v>2</v></c></row>',
        '<row r="1"><c r="A1" t="text"><v>2</v></c></row>',
        '<row r="1"><c r="A1"><v>two</v></c></row>',
        '<row r="1"><c r="A1"><v>1_0</v></c></row>',
        '<row r="1"><c r="A1" s="9"><v>1</v></c></row>',
        '<row r="1"><c r="A1" s="-1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" s="9" t="str"><v>a</v></c></row>',
        f'<row r="1"><c r="A1" t="str"><v>{"x" * 32_768}</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></row>',
        '<row r="1"><c r="A1" r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>&undefined;</v></c></row>',
        '<row r="1"><x:c r="A1"><v>1</v></x:c></row>',
        f'<row r="1" x="{"y" * (3 << 20)}"/>',
    ],
)  # fmt: skip
def test_a_sheet_that_would_be_misread_is_damaged(cells: str) -> None:
    with pytest.raises(DamagedError):
        read_workbook(package(cells))
    assert [one.rule for one in read_content(package(cells), "a")[1]] == ["damaged"]


WORKSHEET = f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{ONE}</sheetData></worksheet>'
SHEETS = '<workbook xmlns="{}" xmlns:r="{}"><sheets>{}</sheets></workbook>'


def _book(*sheets: tuple[str, str]) -> str:
    return SHEETS.format(SPREADSHEET, OFFICE, "".join(f'<sheet name="{n}" sheetId="1" r:id="{i}"/>' for n, i in sheets))


@pytest.mark.parametrize(
    "changed",
    [
        {"xl/worksheets/sheet1.xml": None},
        {"xl/sharedStrings.xml": None},
        {"xl/styles.xml": None},
        {"xl/workbook.xml": None},
        {"_rels/.rels": None},
        {"xl/_rels/workbook.xml.rels": None},
        {"xl/workbook.xml": _book(("s", "rId9"))},
        {"xl/workbook.xml": _book(("s", "rId1"), ("S", "rId1"))},
        {"xl/workbook.xml": _book()},
        {"xl/workbook.xml": "<workbook><sheets/></workbook>"},
        {"xl/workbook.xml": b"\xff\xfe<workbook/>"},
        {"xl/workbook.xml": ""},
        {"_rels/.rels": rels(("a", "officeDocument", "xl/workbook.xml"), ("b", "officeDocument", "xl/other.xml"))},
        {"_rels/.rels": rels(("a", "officeDocument", "http://example.org/workbook.xml"))},
        {"xl/_rels/workbook.xml.rels": rels(("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId1", "styles", "x"))},
        {"XL/Workbook.xml": _book(("s", "rId1"))},
        {"xl/theme.xml": "<!--" + "x" * 9000 + '--><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'},
        {"xl/theme.xml": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16")},
        {"xl/sharedStrings.xml": "<!DOCTYPE sst SYSTEM 'file:///etc/passwd'><sst/>"},
    ],
)  # fmt: skip
def test_parts_missing_repeated_or_trapped(changed: dict[str, str | bytes | None]) -> None:
    with pytest.raises(DamagedError):
        read_workbook(package(changed=changed))


def test_parts_are_found_by_what_they_are_and_not_by_their_names() -> None:
    links = rels(("rId1", "worksheet", "/XL/People.xml"), ("rId2", "sharedStrings", "../words.xml"))
    changed = {
        "xl/_rels/workbook.xml.rels": links,
        "xl/people.xml": WORKSHEET.replace('<c r="A1">', '<c r="A1" t="s">').replace("<v>1<", "<v>0<"),
        "words.xml": f'<sst xmlns="{SPREADSHEET}"><si><t>by name</t></si></sst>',
    }
    assert read_cells(package(changed=changed)) == {"A1": "by name"}


def test_elements_of_other_namespaces_are_no_cells() -> None:
    after = '<extLst xmlns:x="urn:x"><ext><x:row r="2"><x:c r="A2"><x:v>9</x:v></x:c></x:row></ext></extLst>'
    assert read_cells(package(ONE, after=after)) == {"A1": "1"}
    prefixed = WORKSHEET.replace("xmlns=", "xmlns:p=").replace("</", "</p:").replace("<", "<p:").replace("<p:/", "</")
    assert read_cells(package(changed={"xl/worksheets/sheet1.xml": prefixed})) == {"A1": "1"}
    assert read_cells(package(changed={"xl/worksheets/sheet1.xml": WORKSHEET.encode("utf-16")})) == {"A1": "1"}


def test_formats_count_wherever_they_stand() -> None:
    later = f'<styleSheet xmlns="{SPREADSHEET}"><cellXfs><xf numFmtId="200"/></cellXfs><numFmts><numFmt numFmtId="200" formatCode="d mmm"/></numFmts></styleSheet>'  # noqa: E501
    cells = '<row r="1"><c r="A1"><v>44593</v></c></row>'
    assert read_cells(package(cells, changed={"xl/styles.xml": later})) == {"A1": "2022-02-01"}


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("vbaProject", "macros"), ("xlMacrosheet", "macros"), ("connections", "external-links"), ("image", "pictures"),
     ("oleObject", "embedded-files"), ("comments", "comments"), ("threadedComment", "comments")],
)  # fmt: skip
def test_what_hides_is_found_by_what_it_is(kind: str, rule: str) -> None:
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": rels(("rId1", kind, "../odd.bin")),
        "xl/odd.bin": b"<comments/>",
    }
    _, found = read_workbook(package(changed=parts))
    assert [one.rule for one in found] == [rule]


def test_links_to_the_web_are_no_links_to_files() -> None:
    outside = f'<Relationship Id="a" Type="{OFFICE}/{{}}" Target="http://x" TargetMode="External"/>'
    for kind, rules in (("hyperlink", []), ("image", ["external-links", "pictures"])):
        parts = {"xl/worksheets/_rels/sheet1.xml.rels": rels(more=outside.format(kind))}
        assert [one.rule for one in read_workbook(package(changed=parts))[1]] == rules


def test_comments_of_the_check_alone_are_no_finding() -> None:
    for author, rules in ((MARKER, []), ("somebody", ["comments"])):
        parts = {"xl/comments1.xml": f"<comments><authors><author>{author}</author></authors></comments>"}
        assert [one.rule for one in read_workbook(package(changed=parts))[1]] == rules


def test_the_name_of_a_sheet_that_is_not_ours_is_never_shown(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "Ann Example"
    book.active.append(["x", "y"])
    book.active.merge_cells("A2:B2")
    book.active.protection.sheet = True
    chart = book.create_chartsheet("Bob Example")
    chart.sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    checked = check_return(tmp_path / "a.xlsx")
    shown = " ".join([checked.requests, repr(checked), checked.findings.to_string()])
    assert "Example" not in shown
    assert {"number 1", "number 2"} <= set(checked.findings["sheet"])


@pytest.mark.parametrize(
    "how",
    [
        {"cells": "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 800))},
        {"after": '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'},
    ],
)
def test_a_sheet_too_wide_to_lay_out_is_too_large(how: dict[str, str]) -> None:
    with pytest.raises(TooLargeError):
        read_workbook(package(**how))


@pytest.mark.parametrize("ref", ["", "A0:B2", "B2:A1", "A1:XFE2", "A1:B1048577", "$A$1:B2"])
def test_merged_cells_that_are_nowhere(ref: str) -> None:
    with pytest.raises(DamagedError):
        read_workbook(package(after=f'<mergeCells><mergeCell ref="{ref}"/></mergeCells>'))


def test_many_wide_sheets_do_not_add_up_to_more_than_one_may_hold() -> None:
    """Each by itself may be laid out; a hundred of them would fill the memory of a computer."""
    wide = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 400))
    sheet = WORKSHEET.replace(ONE, wide)
    names = [(f"s{n}", f"rId{n}") for n in range(100)]
    changed: dict[str, str | bytes | None] = {
        "xl/workbook.xml": _book(*names),
        "xl/_rels/workbook.xml.rels": rels(*((link, "worksheet", f"worksheets/{link}.xml") for _, link in names)),
        **{f"xl/worksheets/{link}.xml": sheet for _, link in names},
    }
    with pytest.raises(TooLargeError):
        read_workbook(package(changed=changed))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_packed_in_another_way_are_damaged(method: int) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package())) as old, zipfile.ZipFile(made, "w", method) as held:
        for name in old.namelist():
            held.writestr(name, old.read(name))
    with pytest.raises(DamagedError):
        read_workbook(made.getvalue())


def test_a_part_that_stands_twice_is_damaged() -> None:
    made = io.BytesIO(package())
    with zipfile.ZipFile(made, "a") as held, pytest.warns(UserWarning, match="Duplicate name"):
        held.writestr("xl/worksheets/sheet1.xml", WORKSHEET.replace("<v>1<", "<v>2<"))
    with pytest.raises(DamagedError):
        read_workbook(made.getvalue())


def test_every_cut_of_a_workbook_is_damaged_or_no_workbook() -> None:
    whole = package()
    for end in range(4, len(whole) - 1, 7):
        assert [one.rule for one in read_content(whole[:end], "a")[1]] == ["damaged"]


MARKS = ["<", ">", "&", '"', "'", "/", "=", "\0", "<c>", "</c>", "<row>", "]]>", "<!--", "&#0;", "A1", "-1", "9" * 400]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    where=st.sampled_from(["xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml", "xl/sharedStrings.xml",
                           "xl/_rels/workbook.xml.rels", "_rels/.rels"]),
    at=st.floats(0, 1),
    cut=st.integers(0, 30),
    put=st.sampled_from(MARKS) | st.text(max_size=3) | st.binary(max_size=3),
)  # fmt: skip
def test_a_part_changed_anywhere_is_read_or_refused(where: str, at: float, cut: int, put: str | bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(package(strings="<si><t>a</t><rPh sb='0' eb='1'><t>b</t></rPh></si>"))) as held:
        whole = held.read(where)
    start = int(at * len(whole))
    more = put if isinstance(put, bytes) else put.encode()
    with contextlib.suppress(DamagedError, TooLargeError):
        read_workbook(package(changed={where: whole[:start] + more + whole[start + cut :]}))
