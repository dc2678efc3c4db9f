"""The marked copy says on each cell what to mend; the return is not changed and nothing in the copy runs."""

from __future__ import annotations

import datetime as dt
import re
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation

from impact.cli import run
from impact.errors import InputError
from impact.records.returns import check, marked
from impact.records.returns.check import check_return
from impact.records.returns.template import TO_MEND
from impact.records.returns.workbook import MAIN, read_workbook


def _return(path: Path) -> Path:
    book = Workbook()
    sheet = book.active
    sheet.title = "family"
    for row in (["person_id", "related_id", "relation"], ["P1", "P1", "parent"], ["P2", "=1+1", "child"]):
        sheet.append(row)
    book.save(path)
    return path


def test_a_comment_on_every_cell_and_a_list(tmp_path: Path) -> None:
    path = _return(tmp_path / "a.xlsx")
    before = path.read_bytes()
    checked = check_return(path)
    checked.write_marked(tmp_path / "marked.xlsx")
    assert path.read_bytes() == before
    book = load_workbook(tmp_path / "marked.xlsx")
    assert book.sheetnames == [TO_MEND, "family"]
    sheet = book["family"]
    marked = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment}
    assert marked == {"B2", "B3"}
    assert "nobody is their own relative" in sheet["B2"].comment.text
    assert (sheet["B3"].value, sheet["B3"].data_type) == ("=1+1", "s") or sheet["B3"].quotePrefix
    assert sum(row[2] == "family" for row in book[TO_MEND].iter_rows(values_only=True)) == 2
    again = check_return(tmp_path / "marked.xlsx").findings["rule"].tolist()
    assert sorted(again) == ["formula", "tie-to-self"], "our own comments and list are no findings"
    checked.write_marked(tmp_path / "twice.xlsx")
    assert (tmp_path / "twice.xlsx").read_bytes() == (tmp_path / "marked.xlsx").read_bytes()


def test_a_formula_in_a_csv_file_is_never_made_live(tmp_path: Path) -> None:
    path = tmp_path / "family.csv"
    path.write_text('person_id,related_id,relation\nP1,"=HYPERLINK(""http://x"")",parent\nP2,+1,child\n')
    check_return(path).write_marked(tmp_path / "m.xlsx")
    with zipfile.ZipFile(tmp_path / "m.xlsx") as held:
        parts = {name: held.read(name) for name in held.namelist()}
    assert not any(b"<f>" in part or b"<f " in part for name, part in parts.items() if "worksheets" in name)


def test_a_copy_holds_every_cell_as_it_was(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "need"
    sheet.append(["person_id", "programme", "pathway", "identified_on", "met_on"])
    for n in range(2, 40):
        sheet.append([f"P{n}", "pops", "health", dt.date(2022, 1, n % 28 + 1), "=A1" if n % 7 == 0 else None])
        sheet.row_dimensions[n].height = 20 + n
    sheet["C9"] = 'hea_x000D_lth <&> "\n'
    sheet["B20"], sheet["C20"], sheet["E20"] = 3.25, True, "#REF!"
    sheet["A1"].font = Font(bold=True)
    sheet.column_dimensions["B"].width = 44
    sheet.merge_cells("A30:B31")
    sheet.freeze_panes = "A2"
    sheet.add_data_validation(DataValidation(type="list", formula1='"health,""x"""', sqref="C2:C99"))
    other = book.create_sheet("Anything & else")
    other["XFD1048576"], other["B2"] = "far away", 7
    book.save(tmp_path / "a.xlsx")
    checked = check_return(tmp_path / "a.xlsx")
    checked.write_marked(tmp_path / "m.xlsx")
    first, second = (read_workbook((tmp_path / name).read_bytes())[0] for name in ("a.xlsx", "m.xlsx"))
    assert [one.name for one in second] == [TO_MEND, "need", "Anything & else"]
    for before, after in zip(first, second[1:], strict=True):
        assert dict(after.rows()) == dict(before.rows())
    old, new = load_workbook(tmp_path / "a.xlsx")["need"], load_workbook(tmp_path / "m.xlsx")["need"]
    assert [new.row_dimensions[n].height for n in range(2, 40)] == [20 + n for n in range(2, 40)]
    for row in old.iter_rows():
        for cell in row:
            made = new[cell.coordinate]
            if cell.data_type == "f":
                assert (made.value, made.data_type, made.quotePrefix) == (cell.value, "s", True)
            elif type(cell).__name__ != "MergedCell":
                assert (made.value, made.data_type) == (cell.value, cell.data_type)
                assert made.number_format == cell.number_format
    assert new["A1"].font.bold
    assert (new.freeze_panes, new.column_dimensions["B"].width) == ("A2", 44)
    assert new.merged_cells.ranges == old.merged_cells.ranges
    assert new.data_validations.dataValidation[0].formula1 == '"health,""x"""'
    with zipfile.ZipFile(tmp_path / "m.xlsx") as held:
        numbers = re.findall(rb'<row r="([0-9]+)"', held.read("xl/worksheets/sheet2.xml"))
    assert [int(n) for n in numbers] == list(range(1, 40)), "each row once, from the top down"
    listed = [row[2] for row in load_workbook(tmp_path / "m.xlsx")[TO_MEND].iter_rows(min_row=4, values_only=True)]
    assert listed == [name or None for name in checked.findings["sheet"]]


def test_only_so_many_cells_are_marked_and_the_list_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marked, "MOST_MARKS", 3)
    monkeypatch.setattr(marked, "MOST_LISTED", 5)
    path = tmp_path / "family.csv"
    path.write_text("person_id,related_id,relation\n" + "".join(f"P{n},=1,Parent\n" for n in range(8)))
    check_return(path).write_marked(tmp_path / "m.xlsx")
    book = load_workbook(tmp_path / "m.xlsx")
    assert {c.coordinate for row in book["return"].iter_rows() for c in row if c.comment} == {"B2", "B3", "B4"}
    assert [book["return"].cell(n, 2).quotePrefix for n in range(2, 10)] == [True] * 8
    told = [row[0] for row in book[TO_MEND].iter_rows(values_only=True)]
    assert told[:3] == [
        "16 things to mend or look at. The cells concerned have a comment and a shade.",
        "13 further cells have no comment: they are in this list alone.",
        "The list ends after 5.",
    ]
    assert len(told) == 5 + 5


def test_marks_stand_on_cells_that_can_be_seen_and_under_the_header_that_was_read(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = "family"
    for row in (["relation", "of", "Quarter 4"], [], ["person_id", "related_id", "relation"], ["P1", "P1", "cousin"]):
        sheet.append(row)
    sheet.append(["P2", "P3", "parent"])
    sheet.merge_cells("A5:B6")
    sheet["A3"].font = Font(bold=True, color="FFFFFF")
    book.save(tmp_path / "a.xlsx")
    check_return(tmp_path / "a.xlsx").write_marked(tmp_path / "m.xlsx")
    sheet = load_workbook(tmp_path / "m.xlsx")["family"]
    noted = {c.coordinate: c.comment.text for row in sheet.iter_rows() for c in row if c.comment}
    told = {place: [line.split(":")[0] for line in text.splitlines()] for place, text in noted.items()}
    assert told == {
        "A3": ["Header moved"], "B4": ["Tie to self"], "C4": ["Not allowed"], "A5": ["Value missing", "Merged cells"],
    }  # fmt: skip
    assert sheet["A5"].fill.start_color.rgb.endswith("F4B6A6")
    assert (sheet["A3"].font.bold, sheet["A3"].font.color.rgb[-6:]) == (True, "000000"), "white on a shade is unseen"


@pytest.mark.parametrize(
    "tail",
    [
        '<hyperlinks><hyperlink ref="A1:XFD1048576" location="A1"/></hyperlinks>',
        '<conditionalFormatting sqref="A1:XFD1048576"><cfRule type="expression" priority="1"><formula>NOW()</formula>'
        "</cfRule></conditionalFormatting>",
        '<legacyDrawing r:id="rId1"/>',
        '<tableParts count="1"><tablePart r:id="rId1"/></tableParts>',
        '<customSheetViews><customSheetView guid="{0}"><pane topLeftCell="A1"/></customSheetView></customSheetViews>',
    ],
)
def test_nothing_comes_along_that_a_copy_has_no_need_of(tmp_path: Path, tail: str) -> None:
    path = _return(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</worksheet>", f"{tail}</worksheet>".encode())
    parts[sheet] = parts[sheet].replace(
        b"<worksheet ", b'<worksheet xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" ', 1
    )
    parts["xl/worksheets/_rels/sheet1.xml.rels"] = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments" Target="../c.xml"/>'
        b"</Relationships>"
    )
    parts["xl/c.xml"] = b'<comments><commentList><comment ref="A1:XFD1048576"/></commentList></comments>'
    with zipfile.ZipFile(path, "w") as held:
        for name, content in parts.items():
            held.writestr(name, content)
    start = time.process_time()
    check_return(path).write_marked(tmp_path / "m.xlsx")
    assert time.process_time() - start < 10
    with zipfile.ZipFile(tmp_path / "m.xlsx") as held:
        text = b"".join(held.read(name) for name in held.namelist())
    assert not [word for word in (b"hyperlink", b"NOW()", b"customSheetView", b"tablePart") if word in text]


def test_a_strict_workbook_can_be_marked(tmp_path: Path) -> None:
    path = _return(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    loose = b"schemas.openxmlformats.org/officeDocument/2006"
    with zipfile.ZipFile(path, "w") as held:
        for name, content in parts.items():
            strict = content.replace(MAIN[0].encode(), MAIN[1].encode())
            held.writestr(name, strict.replace(loose, b"purl.oclc.org/ooxml/officeDocument"))
    check_return(path).write_marked(tmp_path / "m.xlsx")
    assert load_workbook(tmp_path / "m.xlsx")["family"]["B3"].value == "=1+1"


def test_the_list_is_whole_beside_a_sheet_with_nearly_its_name(tmp_path: Path) -> None:
    path = _return(tmp_path / "a.xlsx")
    book = load_workbook(path)
    book.create_sheet("to MEND")["A1"] = "mine"
    book.save(path)
    checked = check_return(path)
    checked.write_marked(tmp_path / "m.xlsx")
    first = load_workbook(tmp_path / "m.xlsx").worksheets[0]
    assert first.max_row == 3 + len(checked.findings)


def test_a_sheet_without_a_name_is_not_lost_on_the_way(tmp_path: Path) -> None:
    path = _return(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path) as held:
        parts = {name: held.read(name) for name in held.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b'name="family"', b'name=""')
    with zipfile.ZipFile(path, "w") as held:
        for name, content in parts.items():
            held.writestr(name, content)
    with pytest.raises(InputError, match="No copy can be made of this workbook"):
        check_return(path).write_marked(tmp_path / "m.xlsx")


def test_a_return_that_holds_an_earlier_list_alone(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = TO_MEND
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match="cannot be read"):
        check_return(tmp_path / "a.xlsx").write_marked(tmp_path / "m.xlsx")


def test_a_file_that_changes_while_it_is_checked_is_not_taken_for_the_one_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "family.csv"
    path.write_text("person_id,related_id,relation\nP1,P1,parent\n")
    read = check.read_content

    def read_and_change(content: bytes | None, name: str) -> object:
        path.write_text("person_id,related_id,relation\nP1,P2,parent\n")
        return read(content, name)

    monkeypatch.setattr(check, "read_content", read_and_change)
    checked = check_return(path)
    assert checked.findings["rule"].tolist() == ["tie-to-self"]
    with pytest.raises(InputError, match="changed since"):
        checked.write_marked(tmp_path / "m.xlsx")


def test_what_cannot_be_marked(tmp_path: Path) -> None:
    path = _return(tmp_path / "a.xlsx")
    checked = check_return(path)
    with pytest.raises(InputError, match="cannot take the place"):
        checked.write_marked(path)
    with pytest.raises(InputError, match=r"ends in \.xlsx"):
        checked.write_marked(tmp_path / "a.csv")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match="changed since"):
        checked.write_marked(tmp_path / "m.xlsx")
    (tmp_path / "torn.xlsx").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(InputError, match="cannot be read"):
        check_return(tmp_path / "torn.xlsx").write_marked(tmp_path / "m.xlsx")
    assert not (tmp_path / "m.xlsx").exists()


def test_the_command_writes_it(tmp_path: Path) -> None:
    path = _return(tmp_path / "a.xlsx")
    assert run(["check", str(path), "--received", "2023-06-30", "--marked", str(tmp_path / "m.xlsx")]) == 1
    assert (tmp_path / "m.xlsx").is_file()
    assert run(["check", str(path), "--areas", str(tmp_path / "none.csv")]) == 2


def test_clean_rows_are_typed_and_the_others_counted(tmp_path: Path) -> None:
    book = Workbook()
    person, story = book.active, book.create_sheet("need")
    person.title = "person"
    person.append(["person_id", "sex", "birth_date", "ethnicity"])
    person.append(["P1", "Female", dt.date(1998, 4, 3), "white"])
    person.append(["P2", "male", "3/4/1998", "white"])
    story.append(["person_id", "programme", "pathway", "identified_on", "met_on"])
    for who in ("P1", "P2"):
        story.append([who, "pops", "health", dt.date(2022, 1, 1), None])
    book.save(tmp_path / "a.xlsx")
    checked = check_return(tmp_path / "a.xlsx", programme="pops")
    assert checked.clean["person"]["sex"].tolist() == ["female"]
    assert checked.clean["person"]["birth_date"].tolist() == [pd.Timestamp("1998-04-03")]
    assert checked.clean["need"]["person_id"].tolist() == ["P1"], "P2 was set aside with its rows"
    assert checked.set_aside[["rows", "clean", "set_aside"]].sum().tolist() == [4, 2, 2]
    assert any("2 of 4 rows were set aside" in note for note in checked.notes)
    assert "1998" not in repr(checked)


def test_made_up_records_come_back_as_they_went_in(root: Path, tmp_path: Path) -> None:
    book = Workbook()
    book.remove(book.active)
    sent = {}
    for name in ("referral", "participation", "need"):
        frame = pd.read_csv(root / "data_synthetic" / f"{name}.csv", dtype=str, keep_default_na=False)
        sent[name] = frame[frame["programme"] == "magistra"].reset_index(drop=True)
        sheet = book.create_sheet(name)
        sheet.append(list(frame.columns))
        for row in sent[name].itertuples(index=False):
            sheet.append([value or None for value in row])
    book.save(tmp_path / "a.xlsx")
    checked = check_return(tmp_path / "a.xlsx", programme="magistra")
    assert not len(checked.findings[checked.findings["severity"] == "error"])
    for name, frame in sent.items():
        checked.clean[name].to_csv(tmp_path / "back.csv", index=False)
        back = pd.read_csv(tmp_path / "back.csv", dtype=str, keep_default_na=False)
        pd.testing.assert_frame_equal(back, frame)
