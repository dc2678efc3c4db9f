"""A return is never misread in silence, and no content makes the check fail."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import InputError
from impact.records.returns.check import check_return


def _found(path: Path, text: str | bytes, **how: object) -> list[str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return check_return(path, **how).findings["rule"].tolist()  # type: ignore[arg-type]


def test_39_people_or_21_adults(tmp_path: Path) -> None:
    form = "Adults,Lone Parent,\n,Parent/Carers,18\n,18 - 25,5\n,25+,16\n"
    path = tmp_path / "q1.csv"
    assert "ambiguous-total" in _found(path, form, form="old-2021")
    held = check_return(path, form="old-2021").findings.set_index("rule")["value"]
    assert held["ambiguous-total"] == "39 people or 21"
    assert "overlapping-ages" in held.index


def test_overlapping_bands_of_children(tmp_path: Path) -> None:
    form = "Children: Age Group,0-4 years,1\n,5-11 years,2\n,11- 16 years,3\n,16 – 18 years,4\n"
    assert _found(tmp_path / "q.csv", form, form="old-2021").count("overlapping-ages") == 2


@pytest.mark.parametrize("form", ["old-2021", "online-2021"])
def test_70_people_but_18_female_and_10_male(tmp_path: Path, form: str) -> None:
    text = "Total,Beneficiaries,70\nSex,Female,18\n,Male,10\nEthnicity,White,60\n"
    assert _found(tmp_path / "q.csv", text, form=form) == ["sex-total-differs", "section-total-differs"]


def test_a_total_of_zero_and_yes_for_a_number(tmp_path: Path) -> None:
    text = "Section,Category,Number\nTotal,Beneficiaries,0\nEthnicity,White,yes\n"
    assert set(_found(tmp_path / "q.csv", text, form="old-2021")) == {"total-zero", "word-for-number"}


PARTICIPATION = (
    "person_id,programme,intervention,started_on,ended_on,status,sessions_planned,sessions_attended,qualification\n"
)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("P1,pops,family_support,2022-02-01,2022-01-01,completed,,,", "end-before-start"),
        ("P1,pops,family_support,2022-02-01,,completed,,,", "ended-without-date"),
        ("P1,pops,family_support,2022-02-01,2022-03-01,active,,,", "active-with-end"),
        ("P1,pops,family_support,44593,,active,,,", "date-as-number"),
        ("P1,pops,family_support,01/02/2022,,active,,,", "date-order"),
        ("P1,pops,family_support,2022-02-30,,active,,,", "not-a-date"),
        ("P1,pops,family_support,2032-02-01,,active,,,", "date-future"),
        ("P1,pops,family_support,1822-02-01,,active,,,", "date-too-early"),
        ("P1,pops,family_support,2022-02-01,,Active,,,", "other-case"),
        ("P1,pops,family_support,2022-02-01,,gone,,,", "not-allowed"),
        ("P1,pops,family_support,2022-02-01,,active,2,3,", "attended-over-planned"),
        ("P1,pops,family_support,2022-02-01,,active,yes,,", "word-for-number"),
        ("P1,pops,family_support,2022-02-01,,active,2.5,,", "not-whole"),
        ("P1,pops,family_support,2022-02-01,,active,-2,,", "out-of-range"),
        ("P1,pops,family_support,2022-02-01,,active,,,=1+1", "formula"),
        ("P1,pops,family_support,2022-02-01,,active,,,@SUM", "live-text"),
        ("P1,pops,family_support,2022-02-01,,active,,,#REF!", "error-value"),
        ("P1,pops,family_support,2022-02-01,,active,,,a ", "spaces"),
        ("P1,pops,family_support,2022-02-01,,active,,,a@b.org", "email"),
        ("P1,pops,family_support,2022-02-01,,active,,,call 0151 496 0000", "phone"),
        ("P1,pops,family_support,2022-02-01,,active,,,L3 5UX", "postcode"),
        ("P1,moms,family_support,2022-02-01,,active,,,", "other-programme"),
        ("P1,pops,family_support,2022-02-01,,active,,,,x", "ragged-row"),
    ],
)
def test_each_slip_is_its_own_rule(tmp_path: Path, row: str, rule: str) -> None:
    found = _found(
        tmp_path / "participation.csv", PARTICIPATION + row, programme="pops", received_on=dt.date(2022, 6, 30)
    )
    assert found == [rule]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"%PDF-1.7 ...", "not-a-return"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old-xls"),
        (b"PK\x03\x04 torn", "damaged"),
        (b"person_id\ncaf\xe9\n", "encoding"),
        (b"person_id\n\0", "encoding"),
    ],
)
def test_a_file_that_is_something_else(tmp_path: Path, content: bytes, rule: str) -> None:
    assert _found(tmp_path / "person.xlsx", content) == [rule]


def test_a_workbook_with_sheets_that_disagree(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "person"
    sheet.append(["person_id", "sex", "birth_date", "ethnicity"])
    sheet.append(["P1", "female", dt.date(2001, 5, 1), "white"])
    sheet.append(["P1", "female", dt.date(2001, 5, 1), "white"])
    family = book.create_sheet("family")
    family.append(["person_id", "related_id", "relation"])
    family.append(["P2", "P2", "parent"])
    family.sheet_state = "hidden"
    path = tmp_path / "return.xlsx"
    book.save(path)
    before = path.read_bytes()
    checked = check_return(path)
    assert set(checked.findings["rule"]) == {
        "duplicate-row",
        "hidden-sheet",
        "person-unlisted",
        "related-unlisted",
        "tie-to-self",
    }
    assert not checked.ok
    assert "nobody is their own relative" in checked.requests
    assert "2001" not in checked.requests
    assert path.read_bytes() == before


def test_a_clean_return_needs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "participation.csv"
    assert _found(path, PARTICIPATION + "P1,pops,a,2022-02-01,,active,2,1,\n") == []
    assert check_return(path).ok


def test_no_file_and_no_form_are_the_callers_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        check_return(tmp_path / "none.csv")
    with pytest.raises(InputError, match="form must be"):
        check_return(tmp_path, form="other")


def test_a_file_that_cannot_be_opened_is_the_callers_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "family.csv"
    path.write_text("person_id")

    def refused(*_: object) -> bytes:
        raise PermissionError("not yours")

    monkeypatch.setattr("impact.records.returns.check.content_of", refused)
    with pytest.raises(InputError, match="cannot be opened"):
        check_return(path)


@pytest.mark.parametrize("before", [b"\n" * 20, b"\xef\xbb\xbf" + b"\r\n" * 40])
def test_a_file_that_begins_with_empty_lines_is_not_empty(tmp_path: Path, before: bytes) -> None:
    assert _found(tmp_path / "family.csv", before + b"person_id,related_id,relation\nP1,P2,parent\n") == [
        "header-moved"
    ]
    assert _found(tmp_path / "family.csv", before) == ["empty-file"]


@pytest.mark.parametrize(
    ("born", "started", "rules"),
    [
        ("2004-10-17", "2022-10-17", []),
        ("2004-10-18", "2022-10-17", ["age-outside"]),
        ("2004-02-29", "2022-02-28", ["age-outside"]),
        ("2004-02-29", "2022-03-01", []),
        ("1991-10-18", "2022-10-17", []),
        ("1991-10-17", "2022-10-17", ["age-outside"]),
    ],
)
def test_somebody_is_18_from_their_birthday_to_the_day_before_they_are_31(
    tmp_path: Path, born: str, started: str, rules: list[str]
) -> None:
    from openpyxl import Workbook

    book = Workbook()
    person, episode = book.active, book.create_sheet("participation")
    person.title = "person"
    person.append(["person_id", "sex", "birth_date", "ethnicity"])
    person.append(["P1", "male", born, "white"])
    episode.append(PARTICIPATION.strip().split(","))
    episode.append(["P1", "magistra", "lifeboat", started, None, "active"])
    book.save(tmp_path / "a.xlsx")
    assert check_return(tmp_path / "a.xlsx", programme="magistra").findings["rule"].tolist() == rules


def test_each_total_that_differs_is_told_by_its_own_numbers(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("Total,Beneficiaries,70\nEthnicity,White,60\nNeeds,Housing,50\n")
    letter = check_return(path, form="old-2021").requests
    assert "60 of 70 (row 2)" in letter
    assert "50 of 70 (row 3)" in letter


def test_a_workbook_without_any_sheet_of_the_template_is_no_return(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "About this return"
    book.active["A1"] = "Partners of Prisoners (POPs)"
    book.save(tmp_path / "a.xlsx")
    assert check_return(tmp_path / "a.xlsx").findings["rule"].tolist() == ["no-header"]


def test_what_is_given_is_used_or_said_not_to_be(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("Total,Beneficiaries,70\n")
    notes = check_return(path, form="old-2021", programme="pops", areas=["E01006512"]).notes
    assert [note.split()[0] for note in notes] == ["programme", "areas"]
    with pytest.raises(InputError, match="areas must be"):
        check_return(path, areas="E01006512")
    with pytest.raises(InputError, match="received_on must be"):
        check_return(path, received_on="2023-06-30")  # type: ignore[arg-type]
    path = tmp_path / "need.csv"
    path.write_text("person_id,programme,pathway,identified_on,met_on\nP1,pops,health,2023-07-01,\n")
    assert not check_return(path, received_on=dt.datetime(2023, 7, 1, 9, 30)).findings["rule"].tolist()
    assert check_return(path, received_on=dt.datetime(2023, 6, 30, 9, 30)).findings["rule"].tolist() == ["date-future"]


def test_a_row_sent_twice_does_not_differ_from_itself(tmp_path: Path) -> None:
    text = PARTICIPATION + "P1,pops,a,2022-02-01,,active,2,1,\n" * 3
    assert _found(tmp_path / "participation.csv", text) == ["duplicate-row"] * 2
    text += "P1,pops,a,2022-02-01,,active,2,0,\n"
    assert sorted(_found(tmp_path / "participation.csv", text)) == ["duplicate-differs"] * 2 + ["duplicate-row"] * 2


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    form=st.sampled_from(["individual", "old-2021"]),
)
def test_no_content_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes, form: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "referral.csv"
    path.write_bytes(content)
    check_return(path, form=form)
    path.write_bytes(b"person_id,referred_on,source\n" + content)
    check_return(path, form=form)
    assert path.read_bytes().endswith(content)
