"""The marked copy says on each cell what to mend; the return is not changed and nothing in the copy runs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from impact.cli import run
from impact.errors import InputError
from impact.records.returns.check import check_return
from impact.records.returns.template import TO_MEND


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
    import zipfile

    with zipfile.ZipFile(tmp_path / "m.xlsx") as held:
        parts = {name: held.read(name) for name in held.namelist()}
    assert not any(b"<f>" in part or b"<f " in part for name, part in parts.items() if "worksheets" in name)


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
