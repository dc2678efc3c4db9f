"""Each rule fires on the smallest return that breaks it, at its sheet, row and column; a clean return breaks none."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment

from impact.records.returns.check import check_return
from impact.records.returns.rules import rules

RECEIVED = dt.date(2023, 6, 30)
AREAS = ("E01006512", "E01006513")
CLEAN: dict[str, list[dict[str, Any]]] = {
    "person": [
        {
            "person_id": "K000a1",
            "sex": "female",
            "birth_date": "1998-04-03",
            "birth_month": "1998-04",
            "ethnicity": "white",
            "lsoa": "E01006512",
            "died_on": None,
        },
        {
            "person_id": "K000b2",
            "sex": "male",
            "birth_date": "1970-09-30",
            "birth_month": None,
            "ethnicity": "black",
            "lsoa": "E01006513",
            "died_on": None,
        },
    ],
    "family": [{"person_id": "K000a1", "related_id": "K000b2", "relation": "parent"}],
    "referral": [
        {
            "person_id": "K000a1",
            "programme": "magistra",
            "referred_on": "2022-10-03",
            "source": "probation",
            "decision": "accepted",
            "decided_on": "2022-10-10",
            "onward_to": "housing advice",
        },
        {
            "person_id": "K000b2",
            "programme": "magistra",
            "referred_on": "2022-11-03",
            "source": "not_asked",
            "decision": "waiting",
            "decided_on": None,
            "onward_to": None,
        },
    ],
    "participation": [
        {
            "person_id": "K000a1",
            "programme": "magistra",
            "intervention": "lifeboat",
            "started_on": "2022-10-17",
            "ended_on": "2023-01-20",
            "status": "completed",
            "sessions_planned": 12,
            "sessions_attended": 9,
            "qualification": "OCN level 2",
        }
    ],
    "assessment": [
        {
            "person_id": "K000a1",
            "programme": "magistra",
            "instrument": "life_skills",
            "scale": "problem_solving",
            "wave": 1,
            "assessed_on": "2022-10-17",
            "score": 9.5,
        },
        {
            "person_id": "K000a1",
            "programme": "magistra",
            "instrument": "life_skills",
            "scale": "problem_solving",
            "wave": 2,
            "assessed_on": "2023-01-17",
            "score": 12,
        },
    ],
    "need": [
        {
            "person_id": "K000a1",
            "programme": "magistra",
            "pathway": "accommodation",
            "identified_on": "2022-10-17",
            "met_on": "2022-12-05",
        }
    ],
    "story": [
        {
            "programme": "magistra",
            "quarter": "2023-Q1",
            "text": "She passed the test and starts work in May.",
            "consent": True,
        }
    ],
}
CASES: list[tuple[str, str, int, str, Any]] = [
    ("formula", "participation", 2, "qualification", "=1+1"),
    ("error-value", "referral", 2, "onward_to", "#REF!"),
    ("live-text", "referral", 2, "onward_to", "@SUM(A1)"),
    ("spaces", "participation", 2, "qualification", "OCN level 2 "),
    ("unseen-characters", "participation", 2, "qualification", "OCN\u200blevel"),
    ("torn-letters", "referral", 2, "onward_to", "CafÃ© Nord"),
    ("email", "referral", 2, "onward_to", "a@b.org"),
    ("phone", "referral", 2, "onward_to", "ring 0151 496 0000"),
    ("postcode", "referral", 2, "onward_to", "L3 5UX"),
    ("official-number", "referral", 2, "onward_to", "A1234BC"),
    ("named-person", "story", 2, "text", "Then Mrs Example rang."),
    ("turned-to-date", "participation", 2, "qualification", "03-Apr"),
    ("turned-to-date", "participation", 2, "qualification", dt.date(2022, 4, 3)),
    ("shortened-number", "participation", 2, "qualification", "1.23E+15"),
    ("placeholder", "person", 2, "sex", "n/a"),
    ("placeholder", "participation", 2, "sessions_planned", "?"),
    ("not-allowed", "person", 2, "ethnicity", "purple"),
    ("other-case", "person", 2, "sex", "Female"),
    ("date-as-number", "need", 2, "met_on", 44593),
    ("date-order", "need", 2, "met_on", "03/04/2022"),
    ("date-with-time", "need", 2, "met_on", dt.datetime(2022, 12, 5, 10, 30)),
    ("date-with-time", "need", 2, "met_on", "2022-12-05 10:30"),
    ("not-a-date", "need", 2, "met_on", "2022-02-30"),
    ("date-future", "need", 2, "met_on", "2032-02-01"),
    ("date-too-early", "person", 3, "birth_date", "1822-02-01"),
    ("date-filler", "person", 3, "birth_date", "1900-01-01"),
    ("not-a-month", "person", 2, "birth_month", "April 1998"),
    ("birth-disagrees", "person", 2, "birth_month", "1998-05"),
    ("not-an-area", "person", 2, "lsoa", "Anfield"),
    ("outside-area", "person", 2, "lsoa", "E01000001"),
    ("not-a-quarter", "story", 2, "quarter", "Q1 2023"),
    ("not-true-or-false", "story", 2, "consent", "maybe"),
    ("word-for-number", "participation", 2, "sessions_planned", "yes"),
    ("not-a-number", "assessment", 2, "score", "9,5"),
    ("not-whole", "participation", 2, "sessions_planned", 12.5),
    ("out-of-range", "participation", 2, "sessions_attended", -1),
    ("value-missing", "referral", 3, "source", None),
    ("other-programme", "story", 2, "programme", "moms"),
    ("end-before-start", "participation", 2, "ended_on", "2022-10-16"),
    ("decided-before-referral", "referral", 2, "decided_on", "2022-10-02"),
    ("met-before-identified", "need", 2, "met_on", "2022-10-16"),
    ("ended-without-date", "participation", 2, "ended_on", None),
    ("active-with-end", "participation", 2, "status", "active"),
    ("attended-over-planned", "participation", 2, "sessions_attended", 13),
    ("completed-without-sessions", "participation", 2, "sessions_attended", 0),
    ("waiting-with-decision", "referral", 3, "decided_on", "2022-11-09"),
    ("decided-without-date", "referral", 2, "decided_on", None),
    ("accepted-not-started", "referral", 3, "decision", "accepted"),
    ("tie-to-self", "family", 2, "related_id", "K000a1"),
    ("parent-too-young", "family", 2, "relation", "child"),
    ("related-unlisted", "family", 2, "related_id", "K000c3"),
    ("wave-gap", "assessment", 3, "wave", 3),
    ("wave-order", "assessment", 3, "assessed_on", "2022-09-17"),
    ("waves-one-day", "assessment", 3, "assessed_on", "2022-10-17"),
    ("other-instrument", "assessment", 2, "instrument", "star"),
    ("other-scale", "assessment", 2, "scale", "part"),
    ("score-outside", "assessment", 2, "score", 21),
    ("other-intervention", "participation", 2, "intervention", "chess"),
    ("age-outside", "participation", 2, "started_on", "2029-04-03"),
    ("start-before-referral", "participation", 2, "started_on", "2022-10-02"),
    ("never-referred", "participation", 2, "person_id", "M000q8"),
    ("declined-but-started", "referral", 2, "decision", "not_suitable"),
    ("after-death", "need", 2, "met_on", None),
    ("before-birth", "need", 2, "identified_on", "1998-04-02"),
    ("birth-missing", "person", 3, "birth_date", None),
    ("episode-too-long", "participation", 2, "ended_on", "2033-01-20"),
    ("person-unlisted", "need", 2, "person_id", "K000z9"),
    ("id-nearly-same", "need", 2, "person_id", "K000A1"),
]
FINDS_AT = {"active-with-end": "ended_on", "wave-order": "wave"}
WITH_COMPANY = {
    "accepted-not-started",
    "end-before-start",
    "never-referred",
    "id-nearly-same",
    "after-death",
    "wave-gap",
    "other-instrument",
    "age-outside",
    "before-birth",
    "date-future",
    "other-scale",
    "date-too-early",
    "date-filler",
    "birth-missing",
    "related-unlisted",
    "wave-order",
    "episode-too-long",
    "start-before-referral",
}


def _write(path: Path, tables: dict[str, list[dict[str, Any]]]) -> Workbook:
    book = Workbook()
    book.remove(book.active)
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        sheet.append(list(rows[0]))
        for number, row in enumerate(rows, start=2):
            for place, value in enumerate(row.values(), start=1):
                cell = sheet.cell(number, place)
                cell.value = value
                if isinstance(value, str) and not value.startswith("="):
                    cell.data_type = "s"
    book.save(path)
    return book


def _copied() -> dict[str, list[dict[str, Any]]]:
    return {name: [dict(row) for row in rows] for name, rows in CLEAN.items()}


def _found(path: Path) -> set[tuple[str, str, int, str]]:
    checked = check_return(path, programme="magistra", received_on=RECEIVED, areas=AREAS)
    return set(checked.findings[["rule", "sheet", "row", "column"]].itertuples(index=False, name=None))


def _rules(path: Path) -> set[str]:
    return {rule for rule, *_ in _found(path)}


def _book(path: Path) -> Workbook:
    from openpyxl import load_workbook

    _write(path, CLEAN)
    return load_workbook(path)


def test_a_clean_return_breaks_no_rule(tmp_path: Path) -> None:
    _write(tmp_path / "a.xlsx", CLEAN)
    assert _found(tmp_path / "a.xlsx") == set()


@pytest.mark.parametrize(("rule", "sheet", "row", "column", "value"), CASES)
def test_one_changed_cell_breaks_its_rule(
    tmp_path: Path, rule: str, sheet: str, row: int, column: str, value: Any
) -> None:
    tables = _copied()
    tables[sheet][row - 2][column] = value
    if rule == "after-death":
        tables["person"][0]["died_on"], tables["need"][0]["met_on"] = "2022-12-01", "2022-12-05"
    _write(tmp_path / "a.xlsx", tables)
    found = _found(tmp_path / "a.xlsx")
    assert (rule, sheet, row, FINDS_AT.get(rule, column)) in found
    if rule not in WITH_COMPANY:
        assert {one for one, *_ in found} <= {rule, "accepted-not-started"}


ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("duplicate-row", "person", {}),
    ("duplicate-differs", "person", {"sex": "male"}),
    ("same-person-twice", "person", {"person_id": "M000q8"}),
    ("episodes-overlap", "participation", {"started_on": "2022-11-17"}),
    ("tie-contradicts", "family", {"person_id": "K000b2", "related_id": "K000a1"}),
]


@pytest.mark.parametrize(("rule", "sheet", "extra"), ROWS)
def test_one_row_more_breaks_its_rule(tmp_path: Path, rule: str, sheet: str, extra: dict[str, Any]) -> None:
    tables = _copied()
    tables[sheet].append({**tables[sheet][0], **extra})
    _write(tmp_path / "a.xlsx", tables)
    assert rule in _rules(tmp_path / "a.xlsx")


def test_no_sheet_that_is_empty_is_too_much_for_the_check(tmp_path: Path) -> None:
    """A template is often half filled in: any of its sheets may hold a header and nothing else."""
    path = tmp_path / "return.xlsx"
    for place in range(2 ** len(CLEAN)):
        empty = {name for bit, name in enumerate(CLEAN) if place >> bit & 1}
        book = _book(path)
        for name in empty:
            book[name].delete_rows(2, book[name].max_row)
        book.save(path)
        checked = check_return(path, programme="magistra", received_on=RECEIVED, areas=AREAS)
        assert checked.set_aside["rows"].sum() == sum(len(CLEAN[name]) for name in set(CLEAN) - empty)
        if "person" in empty and "referral" not in empty:
            assert "person-unlisted" in set(checked.findings["rule"])


@pytest.mark.parametrize("value", [None, "??", "2024-13-01", "9" * 400, "-1", True])
def test_no_column_of_one_value_is_too_much_for_the_check(tmp_path: Path, value: object) -> None:
    path = tmp_path / "return.xlsx"
    for name, rows in CLEAN.items():
        for column in range(1, len(rows[0]) + 1):
            book = _book(path)
            for row in range(2, len(rows) + 2):
                book[name].cell(row, column).value = value
            book.save(path)
            assert len(check_return(path, programme="magistra", received_on=RECEIVED, areas=AREAS).set_aside)


SAY_NOTHING = {
    ("all-unknown", "person", 0, "sex"),
    ("one-date", "need", 0, "identified_on"),
    ("zeros-lost", "person", 14, "person_id"),
    ("column-empty", "need", 0, "pathway"),
}


def test_columns_that_say_nothing(tmp_path: Path) -> None:
    tables = _copied()
    tables["person"] = [
        {**tables["person"][0], "person_id": f"{n:07d}", "sex": "not_asked", "ethnicity": "unknown"} for n in range(12)
    ]
    tables["person"].append({**tables["person"][0], "person_id": "77"})
    tables["story"] = [tables["story"][0]]
    tables["need"] = [{**tables["need"][0], "person_id": f"{n:07d}"} for n in range(12)]
    _write(tmp_path / "a.xlsx", tables)
    found = _found(tmp_path / "a.xlsx")
    for row in tables["need"]:
        row["pathway"] = None
    _write(tmp_path / "a.xlsx", tables)
    assert found | _found(tmp_path / "a.xlsx") >= SAY_NOTHING


HIDDEN = {
    ("hidden-sheet", "need", 0, ""), ("hidden-rows", "need", 0, ""), ("hidden-columns", "person", 0, ""),
    ("comments", "", 0, ""), ("protected", "family", 0, ""), ("merged-cells", "story", 3, ""),
    ("column-unknown", "referral", 0, "8"), ("identifying-column", "referral", 0, "8"),
    ("header-moved", "need", 2, ""), ("unknown-sheet", "number 8", 0, ""),
}  # fmt: skip


def test_what_hides_in_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = _book(path)
    book["need"].sheet_state = "veryHidden"
    book["need"].row_dimensions[2].hidden = True
    book["person"].column_dimensions["B"].hidden = True
    book["person"]["A2"].comment = Comment("look", "somebody")
    book["family"].protection.sheet = True
    book["story"].merge_cells("C3:D4")
    book["referral"]["H1"] = "full_name"
    book["referral"]["H2"] = "someone"
    book["need"].insert_rows(1)
    book["need"]["A1"] = "Quarter 4"
    book.create_sheet("Notes")["A1"] = "x"
    book.save(path)
    assert _found(path) >= HIDDEN


MISNAMED = {"column-missing", "column-repeated"}


def test_columns_missing_and_repeated(tmp_path: Path) -> None:
    path = tmp_path / "family.csv"
    path.write_text("person_id,related_id,related_id\nP1,P2,P2\n")
    assert _rules(path) == MISNAMED


FILES = [
    (b"", "empty-file"),
    (b" \n\n", "empty-file"),
    ("person_id,related_id,relation\nP1,Café\n".encode("utf-16"), "encoding"),
    ("person_id\ncafé\n".encode() + "café\n".encode("cp1252"), "mixed-encodings"),
    (b"person_id;related_id;relation\nP1;P2;parent\n", "separator"),
    (b'person_id,related_id,relation\nP1,"P2,parent\n', "quotes"),
    (b"person_id,related_id,relation\nP1,P2\n", "ragged-row"),
    (b"<html><table>", "not-a-return"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old-xls"),
    (b"PK\x03\x04 torn", "damaged"),
    (b"no,name,of,ours\n1,2,3,4\n", "no-header"),
    (b"x," * 3_100_000, "too-large"),
    ((Path(__file__).parents[2] / "reference/returns/locked.xlsx").read_bytes(), "password"),
]


@pytest.mark.parametrize(("content", "rule"), FILES, ids=[rule for _, rule in FILES])
def test_files_of_another_kind(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "family.csv"
    path.write_bytes(content)
    assert rule in _rules(path)


TOTALS = [
    ("Total,Beneficiaries,70\nChildren: Age Group,0-4 years,1\n,5-10 years,2\n", "age-total-differs"),
    ("Total,Beneficiaries,70\nPlace: post code,M1 1,70\n", "postcode-outside"),
    ("Total,Beneficiaries,-4\n", "out-of-range"),
    ("nothing,here,\n", "no-count-found"),
    ("Adults,Lone Parent,\n,Parent/Carers,18\n,18 - 25,5\n,25+,16\n", "ambiguous-total"),
    ("Total,Beneficiaries,70\nSex,Female,18\n,Male,10\n", "sex-total-differs"),
    ("Total,Beneficiaries,70\nEthnicity,White,60\n", "section-total-differs"),
    ("Total,Beneficiaries,0\n", "total-zero"),
    ("Children: Age Group,5-11 years,2\n,11- 16 years,3\n", "overlapping-ages"),
]


@pytest.mark.parametrize(("text", "rule"), TOTALS)
def test_aggregate_forms(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / "q.csv"
    path.write_text(text)
    assert rule in set(check_return(path, form="old-2021").findings["rule"])


PARTS = [
    ("xl/vbaProject.bin", "macros"),
    ("xl/externalLinks/externalLink1.xml", "external-links"),
    ("xl/../../evil", "path-tricks"),
    ("xl/embeddings/a.docx", "embedded-files"),
    ("xl/media/a.png", "pictures"),
]


@pytest.mark.parametrize(("part", "rule"), PARTS)
def test_parts_that_a_return_has_no_need_of(tmp_path: Path, part: str, rule: str) -> None:
    path = tmp_path / "a.xlsx"
    _write(path, CLEAN)
    with zipfile.ZipFile(path, "a") as held:
        held.writestr(part, b"x")
    assert _rules(path) == {rule}


def test_somebody_whom_the_programme_is_not_for(tmp_path: Path) -> None:
    path = tmp_path / "person.csv"
    path.write_text("person_id,sex,birth_date,ethnicity\nP1,female,2000-01-01,white\nP2,unknown,2000-01-01,white\n")
    found = check_return(path, programme="moms").findings
    assert found[["rule", "row", "column"]].to_numpy().tolist() == [["other-sex", 2, "sex"]]


def test_somebody_older_than_anyone(tmp_path: Path) -> None:
    tables = _copied()
    tables["person"][0] |= {"birth_date": "1901-04-03", "birth_month": "1901-04"}
    _write(tmp_path / "a.xlsx", tables)
    found = _found(tmp_path / "a.xlsx")
    assert ("age-impossible", "participation", 2, "started_on") in found
    assert not [rule for rule, *_ in found if rule == "age-outside"]


def test_no_rule_is_left_without_a_return_that_breaks_it() -> None:
    """Each name here stands in a test above that fails where its rule does not fire."""
    cells = {rule for rule, *_ in [*CASES, *ROWS, *SAY_NOTHING, *HIDDEN]}
    files = {rule for _, rule in [*FILES, *TOTALS, *PARTS]}
    assert cells | files | MISNAMED | {"other-sex", "age-impossible"} == set(rules())
