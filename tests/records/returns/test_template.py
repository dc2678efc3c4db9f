"""The template says what the check will ask: filled in as its examples say, it comes back with nothing to mend."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from openpyxl import load_workbook

from impact.cli import run
from impact.errors import DefinitionError, InputError
from impact.records.returns.asked import asked_of
from impact.records.returns.check import check_return
from impact.records.returns.template import DEFINITIONS, FRONT, choices, example, tables, words, write_template
from impact.records.store import definition_files

ASKED = asked_of("pops", None)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of one programme."""
    path = tmp_path_factory.mktemp("template") / "pops.xlsx"
    write_template(path, "pops")
    return path


def _fill(template: Path, path: Path) -> None:
    book = load_workbook(template)
    for table in tables():
        book[table.name].append([example(table, column, ASKED) for column in table.columns])
    book["person"].append(["b81d04e6", "unknown", None, "2015-09", "unknown", None, None])
    book.save(path)


def _check(path: Path) -> list[tuple[object, ...]]:
    found = check_return(path, programme="pops", received_on=dt.date(2023, 6, 30)).findings
    return list(found[["rule", "sheet", "column"]].itertuples(index=False, name=None))


def test_an_empty_template_and_a_filled_one_need_nothing(template: Path, tmp_path: Path) -> None:
    assert _check(template) == []
    _fill(template, tmp_path / "filled.xlsx")
    assert _check(tmp_path / "filled.xlsx") == []


@pytest.mark.parametrize("programme", [path.stem for path in sorted(definition_files(None).values())])
def test_a_filled_template_of_any_programme_needs_nothing(programme: str, tmp_path: Path) -> None:
    path, asked = tmp_path / "a.xlsx", asked_of(programme, None)
    write_template(path, programme)
    book = load_workbook(path)
    nothing_of = {"participation": not asked.interventions, "assessment": not asked.instruments}
    for table in tables():
        if not nothing_of.get(table.name):
            book[table.name].append([example(table, column, asked) for column in table.columns])
    book["person"].append(["b81d04e6", "unknown", None, "2015-09", "unknown", None, None])
    if nothing_of["participation"]:
        book["referral"]["E2"] = "not_suitable"
    book.save(path)
    found = check_return(path, programme=programme, received_on=dt.date(2023, 6, 30)).findings
    assert found[["rule", "sheet", "column"]].to_numpy().tolist() == []


def test_a_slip_in_a_filled_template_is_found(template: Path, tmp_path: Path) -> None:
    _fill(template, tmp_path / "filled.xlsx")
    book = load_workbook(tmp_path / "filled.xlsx")
    book["need"]["C2"] = "housing"
    book["referral"]["B2"] = "moms"
    book.save(tmp_path / "filled.xlsx")
    assert _check(tmp_path / "filled.xlsx") == [
        ("not-allowed", "need", "pathway"),
        ("never-referred", "participation", "person_id"),
        ("accepted-not-started", "referral", "decision"),
        ("other-programme", "referral", "programme"),
    ]


def test_every_cell_that_can_have_a_limit_has_the_one_of_the_contract(template: Path) -> None:
    book = load_workbook(template)
    assert book.sheetnames == [FRONT, *words()["sheets"], DEFINITIONS]
    for table in tables():
        sheet = book[table.name]
        assert [cell.value for cell in sheet[1]] == [column.name for column in table.columns]
        for place, column in enumerate(table.columns):
            held = sheet.data_validations.dataValidation[place]
            letter = "ABCDEFGHI"[place]
            assert str(held.sqref) == f"{letter}2:{letter}1048576"
            assert len(held.formula1) <= 257, "a list in a cell's limit may have 255 characters"
            assert len(held.prompt) <= 255
            if choices(column, ASKED):
                assert held.formula1.strip('"').split(",") == list(choices(column, ASKED))
            elif column.kind in ("date", "whole"):
                assert held.type == column.kind
                assert column.low is None or float(held.formula1) == column.low
            else:
                assert held.type == {"number": "decimal", "flag": "list"}.get(column.kind, "custom")


def test_every_column_is_explained_with_an_example(template: Path) -> None:
    rows = list(load_workbook(template)[DEFINITIONS].iter_rows(min_row=2, values_only=True))
    assert [row[1] for row in rows] == [column.name for table in tables() for column in table.columns]
    assert all(row[2] and row[6] for row in rows)


def test_the_same_programme_gives_the_same_bytes_and_no_clock(template: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.xlsx"
    again.write_bytes(b"what stood here before")
    write_template(again, "pops")
    assert again.read_bytes() == template.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.xlsx"]
    with zipfile.ZipFile(again) as held:
        assert {part.date_time for part in held.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = held.read("docProps/core.xml").decode()
    assert "modified" not in core
    assert "1980-01-01" in core


def test_a_write_that_fails_leaves_what_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pops.xlsx"
    path.write_bytes(b"what stood here before")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("impact.records.atomic.os.replace", full)
    with pytest.raises(OSError, match="no space"):
        write_template(path, "pops")
    assert path.read_bytes() == b"what stood here before"
    assert [held.name for held in tmp_path.iterdir()] == ["pops.xlsx"]


def test_what_cannot_be_written_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.xlsx"):
        write_template(tmp_path / "pops.xls", "pops")
    with pytest.raises(DefinitionError, match="no programme named 'nobody'"):
        write_template(tmp_path / "nobody.xlsx", "nobody")
    with pytest.raises(InputError, match="no such folder"):
        write_template(tmp_path / "none" / "pops.xlsx", "pops")
    assert run(["template", "nobody", "--out", str(tmp_path / "a.xlsx")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_it(template: Path, tmp_path: Path) -> None:
    assert run(["template", "pops", "--out", str(tmp_path / "a.xlsx")]) == 0
    assert (tmp_path / "a.xlsx").read_bytes() == template.read_bytes()


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not on this machine")
def test_a_filled_template_saved_by_libreoffice_needs_nothing(template: Path, tmp_path: Path) -> None:
    _fill(template, tmp_path / "filled.xlsx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    how = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "saved")]
    subprocess.run([*how, str(tmp_path / "filled.xlsx")], check=True, capture_output=True, timeout=120)
    assert _check(tmp_path / "saved" / "filled.xlsx") == []
