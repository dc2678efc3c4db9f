"""Files beside a chapter: every item of every standard, by the numbers of the chapter, the same bytes, all or none."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import impact as im
from impact.errors import DisclosureError, ReportError
from impact.evidence.reporting import STANDARDS, fill_checklist
from impact.report.attached import attached_files, attached_names
from impact.report.build import write_documents
from impact.report.chapter import Chapter
from impact.report.document import Chapter as Part
from impact.report.document import Document, assemble
from impact.report.exhibits import Attachment, Block, from_block, plain, to_block
from impact.report.reporting import reporting_checklist


@pytest.fixture(scope="module")
def made(root: Path) -> Chapter:
    return im.chapter("time_matters", im.read_linked(root / "data_synthetic"))


@pytest.fixture(scope="module")
def blocks(made: Chapter) -> list[Block]:
    return made.blocks()


@pytest.fixture(scope="module")
def document(blocks: list[Block]) -> Document:
    return assemble([Part("time_matters", blocks)], title="Time-MattersUK")


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))


def test_every_item_of_every_standard_stands_in_the_file(
    made: Chapter, blocks: list[Block], document: Document
) -> None:
    ((name, content),) = attached_files("time_matters", blocks, document).items()
    assert name == "time_matters_reporting.csv"
    rows = rows_of(content)
    wanted = [(one, row["number"]) for one in STANDARDS for row in fill_checklist({}, one).tidy().to_dict("records")]
    assert [(row["standard"], row["number"]) for row in rows] == [
        ({"TIDIER": "TIDieR"}.get(one.upper(), one), number) for one, number in wanted
    ]
    for standard in STANDARDS:
        counts = im.reporting_checklist(made, standard=standard).counts()
        for status, count in counts.items():
            assert sum(row["standard"] == standard and row["status"] == status for row in rows) == count
    assert all((row["reported"] == "") is (row["status"] == "blank") for row in rows)


def test_where_an_item_is_reported_is_named_as_the_chapter_numbers_it(blocks: list[Block], document: Document) -> None:
    rows = rows_of(attached_files("time_matters", blocks, document)["time_matters_reporting.csv"])
    flow = next(row["reported"] for row in rows if (row["standard"], row["number"]) == ("STROBE", "13a"))
    assert flow == f"See {document.targets['time-matters-flow'].label}."
    assert flow.startswith("See Table 1.")
    assert "@" not in "".join(row["reported"] for row in rows)


def test_the_chapter_names_its_file_and_no_document_holds_it(blocks: list[Block], document: Document) -> None:
    words = " ".join(block["text"] for block in blocks if block["kind"] == "statement")
    assert attached_names("time_matters", blocks)[0] in words
    assert "time-matters-standards-items" not in document.targets


def test_files_are_written_with_the_documents_all_or_none_and_are_the_same_bytes(
    blocks: list[Block], document: Document, tmp_path: Path
) -> None:
    def refuse(_: object) -> None:
        raise DisclosureError("no")

    with pytest.raises(DisclosureError):
        write_documents(document, blocks, tmp_path / "out", "time_matters", check=refuse)
    assert list((tmp_path / "out").iterdir()) == []
    files = write_documents(document, blocks, tmp_path / "out", "time_matters")
    beside = tmp_path / "out" / "time_matters_reporting.csv"
    assert beside in files
    first = beside.read_bytes()
    write_documents(document, blocks, tmp_path / "out", "time_matters")
    assert beside.read_bytes() == first


def test_no_cell_of_the_file_is_live_in_a_spreadsheet() -> None:
    live = Attachment("x-items", "reporting", pd.DataFrame({"item": ["=1+1", "@SUM(A1)"]}))
    document = assemble([Part("x", [{"kind": "heading", "level": 1, "text": "X"}])], title="X")
    rows = rows_of(attached_files("x", [to_block(live)], document)["x_reporting.csv"])
    assert [row["item"] for row in rows] == ["'=1+1", "'@SUM(A1)"]


def test_an_attachment_goes_through_a_notebook_and_back() -> None:
    one = Attachment("x-items", "reporting", pd.DataFrame({"item": ["a"], "status": ["blank"]}))
    back = from_block(to_block(one))
    assert isinstance(back, Attachment)
    assert to_block(back) == to_block(one)
    assert plain(one) == "[x-items] A file beside the chapter; rows: 1."


def test_what_cannot_be_attached_is_refused() -> None:
    with pytest.raises(ReportError) as refused:
        Attachment("X", "Re port", pd.DataFrame({"item": [1]}))
    assert [fault.problem for fault in refused.value.faults] == [
        "is not a key that can be referred to",
        "has a name that is not small letters",
        "has cells that are not text",
    ]
    block = to_block(Attachment("x-items", "reporting", pd.DataFrame({"item": ["a"]})))
    document = assemble([Part("x", [{"kind": "heading", "level": 1, "text": "X"}])], title="X")
    with pytest.raises(ReportError, match="have the same name"):
        attached_files("x", [block, block], document)


def test_how_people_were_linked_is_said_where_the_store_says_it(root: Path, tmp_path: Path) -> None:
    made = im.chapter("pops", im.read_linked(root / "data_synthetic"))

    def number(chapter: Chapter) -> pd.Series:
        return reporting_checklist(chapter).table.set_index("number").loc["12.3"]

    assert number(made)["status"] == "blank"
    steps = [{"step": "links by rule", "n": 112}, {"step": "links by the model", "n": 7}]
    (tmp_path / "provenance.json").write_text(json.dumps({"threshold": 0.9, "linkage": steps}), encoding="utf-8")
    told = number(replace(made, linked=replace(made.linked, path=tmp_path)))
    assert told["status"] == "in part"
    assert told["said"].endswith("0.9 or more. Links by rule: 110; links by the model: fewer than 10.")
