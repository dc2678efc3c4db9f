from __future__ import annotations

import json
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest

from impact.errors import ReportError
from impact.report import style
from impact.report.exhibits import (
    MIME,
    Figure,
    Section,
    Statement,
    Table,
    bundles,
    from_block,
    plain,
    read_output,
    to_block,
)


def table(key: str = "pops-flow") -> Table:
    frame = pd.DataFrame({"Step": ["Referred", "Began", "Began"], "People": ["60", "54", "-3"]}, index=[4, 7, 9])
    return Table(key, "From referral to analysis", frame, "All 7 prisons.")


def figure(key: str = "pops-curve") -> Figure:
    with style.style():
        canvas, axes = style.blank(height=2)
        axes.plot([0, 1], [2, 3])
    return Figure.of(key, "Time to reoffence", "The curve rises from 2 to 3.", canvas, {"All": {"0": "2", "1": "3"}})


def test_numbers_of_a_table_are_its_cells_and_the_numbers_in_its_words() -> None:
    assert table().numbers == {
        "Referred": {"People": "60"},
        "Began": {"People": "54"},
        "Began (2)": {"People": "−3"},
        "(note)": {"number 1": "7"},
    }


def test_every_number_in_a_statement_is_found_unless_it_was_given() -> None:
    text = "Of 1,204 people, -3.4% (2 to 5) reoffended in 2022-23; see @pops-flow-2."
    statement = Statement("said", text, {"difference": {"points": "-3.4%"}})
    assert statement.numbers["difference"] == {"points": "−3.4%"}
    assert list(statement.numbers["(text)"].values()) == ["1,204", "2", "5", "2022", "23"]


@pytest.mark.parametrize("exhibit", [table(), figure(), Statement("said", "Of 60, **54** began.", {"a": {"b": "9"}})])
def test_an_exhibit_survives_its_block_and_a_notebook(exhibit: Table | Figure | Statement) -> None:
    block = to_block(exhibit)
    assert to_block(from_block(json.loads(json.dumps(block)))) == block
    outputs = [nbformat.v4.new_output("display_data", data, metadata=meta) for data, meta in bundles(exhibit)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs, id="a")])
    again = nbformat.reads(nbformat.writes(notebook), as_version=4)
    read = [read_output(output.data) for output in again.cells[0].outputs]
    assert [found for found in read if found] == [block]


def test_a_figure_is_the_same_bytes_twice_and_carries_no_version() -> None:
    first, second = figure(), figure()
    assert first.png == second.png
    assert b"Software" not in first.png
    assert first.size == (6.3, 2.0)


def test_a_figure_shows_its_caption_in_an_output_of_its_own() -> None:
    (picture, metadata), (beneath, _) = bundles(figure())
    assert metadata["image/png"]["alt"] == "The curve rises from 2 to 3."
    assert "png" not in picture[MIME]
    assert beneath["text/markdown"] == "*[pops-curve] Time to reoffence*"
    assert read_output(beneath) is None


def test_a_table_in_html_has_a_caption_and_scoped_headers() -> None:
    found: list[tuple[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs).get("scope")))

    Reader().feed(bundles(table())[0][0]["text/html"])
    assert ("caption", None) in found
    assert found.count(("th", "col")) == 2
    assert found.count(("th", "row")) == 3


def test_text_of_a_table_is_aligned() -> None:
    assert plain(table()).splitlines() == [
        "[pops-flow] From referral to analysis",
        "Step      People",
        "Referred      60",
        "Began         54",
        "Began         −3",
        "All 7 prisons.",
    ]


def test_every_fault_of_a_table_is_named_at_once() -> None:
    frame = pd.DataFrame([["a", 1, "x"]], columns=["Step", "People", "People"])
    with pytest.raises(ReportError) as caught:
        Table("No Key", " ", frame)
    assert len(caught.value.faults) == 4


def test_a_figure_needs_words_and_numbers() -> None:
    with pytest.raises(ReportError) as caught:
        Figure("a", "Caption", "", b"", {})
    assert [fault.problem for fault in caught.value.faults] == ["has no alternative text", "has no numbers"]


def test_a_section_is_its_heading_and_its_exhibits() -> None:
    section = Section("Who came", (table(), figure()))
    assert [block["kind"] for block in section.blocks()] == ["heading", "table", "figure"]
    assert set(section.numbers) == {"pops-flow", "pops-curve"}
