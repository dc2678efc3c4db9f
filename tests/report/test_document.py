from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from impact.errors import ReportError
from impact.report import style
from impact.report.document import Chapter, Document, assemble, markdown
from impact.report.docx import to_docx
from impact.report.exhibits import Figure, Section, Statement, Table, to_block
from impact.report.html import to_html
from impact.report.pdf import to_pdf

BANNER = "Made from synthetic data: nothing here describes real people"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"


def chapter(name: str, title: str) -> Chapter:
    with style.style():
        canvas, axes = style.blank(height=2)
        axes.plot([0, 1], [2, 3])
    drawn = Figure.of(f"{name}-curve", "Time & reoffence", 'The "curve" <rises>.', canvas, {"All": {"0": "2"}})
    frame = pd.DataFrame(
        {"Step": ["Declined <6", 'A "b" \\ #c $d e@f.g'], "People": ["6", "-1,204"], "Why": ["", "x y"]}
    )
    flow = Table(f"{name}-flow", "From referral", frame, "See @pops-curve.")
    long = Table(f"{name}-long", "Long", pd.DataFrame({"Row": [str(n) for n in range(90)], "N": ["1"] * 90}))
    text = (
        f"# {title}\n\nSee @pops-flow, @magistra-said and @magistra. Fell -3.4 points, $x^2$, £5, *a_b*.\n\n## Who came"
    )
    said = Statement(f"{name}-said", "- It's 1\n- two")
    blocks = [{"kind": "text", "text": text}, to_block(flow), to_block(drawn)]
    return Chapter(name, [*blocks, *Section("What can be said", (said, long)).blocks()])


def report() -> Document:
    chapters = [chapter("pops", "Partners of Prisoners"), chapter("magistra", "Magistra & co")]
    return assemble(chapters, title="Annual report <2022>", subtitle="Six programmes", banner=BANNER)


@pytest.fixture(scope="module")
def document() -> Document:
    return report()


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(document: Document) -> Page:
    return Page(to_html(document).decode("utf-8"))


@pytest.fixture(scope="module")
def word(document: Document) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(to_docx(document)))


def test_exhibits_are_numbered_by_chapter(document: Document) -> None:
    labels = {key: target.label for key, target in document.targets.items()}
    assert labels["pops-flow"] == "Table 1.1"
    assert labels["magistra-long"] == "Table 2.2"
    assert labels["magistra-curve"] == "Figure 2.1"
    assert labels["magistra-said"] == "section 2.2"
    assert labels["magistra"] == "chapter 2"
    assert [heading.number for heading in document.parts[1].headings] == ["2", "2.1", "2.2"]


def test_html_has_language_one_title_and_alternative_text(page: Page) -> None:
    assert page.all("html") == [{"lang": "en-GB"}]
    assert len(page.all("h1")) == 1
    assert [image["alt"] for image in page.all("img")] == ['The "curve" <rises>.'] * 2
    assert {header["scope"] for header in page.all("th")} == {"col", "row"}
    assert len(page.all("main")) == len(page.all("nav")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_html_needs_nothing_but_itself(page: Page) -> None:
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(value and value.startswith(("#", "data:image/png;base64,iVBOR")) for value in addresses)
    assert not page.all("script")
    assert not page.all("link")
    assert "url(" not in page.text
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in addresses if value and value.startswith("#")} <= set(ids)


def test_html_says_references_numbers_and_banner(page: Page) -> None:
    words = page.text.replace("\u00a0", " ")
    assert "See Table 1.1, section 2.2 and chapter 2. Fell −3.4 points" in words
    assert "See Figure 1.1." in words
    assert 'A "b" \\ #c $d e@f.g' in words
    assert "−1,204" in words
    assert BANNER in words


def test_word_has_alternative_text_and_repeated_headers(word: zipfile.ZipFile) -> None:
    root = ElementTree.fromstring(word.read("word/document.xml"))
    assert [drawing.get("descr") for drawing in root.iter(f"{DRAWING}docPr")] == ['The "curve" <rises>.'] * 2
    tables = list(root.iter(f"{WORD}tbl"))
    assert len(tables) == 4
    assert all(found.find(f"{WORD}tr/{WORD}trPr/{WORD}tblHeader") is not None for found in tables)
    anchors = {found.get(f"{WORD}anchor") for found in root.iter(f"{WORD}hyperlink")}
    bookmarks = {found.get(f"{WORD}name") for found in root.iter(f"{WORD}bookmarkStart")}
    assert anchors <= bookmarks


def test_word_has_the_banner_on_each_page_a4_and_no_clock(word: zipfile.ZipFile) -> None:
    assert BANNER in word.read("word/header1.xml").decode("utf-8")
    assert 'w:w="11906" w:h="16838"' in word.read("word/document.xml").decode("utf-8")
    assert {item.date_time for item in word.infolist()} == {(2020, 1, 1, 0, 0, 0)}
    assert set(re.findall(r"20\d\d-", word.read("docProps/core.xml").decode("utf-8"))) == {"2020-"}
    for name in word.namelist():
        if name.endswith((".xml", ".rels")):
            ElementTree.fromstring(word.read(name))


def test_pdf_is_tagged_a4_and_names_its_language(document: Document) -> None:
    pdf = to_pdf(document)
    assert pdf.startswith(b"%PDF-1.7")
    for mark in (b"/Lang(en-GB)", b"/MarkInfo", b"pdfuaid:part", b"/StructTreeRoot"):
        assert mark in pdf.replace(b" ", b"") or mark in pdf
    assert b"595.27" in pdf
    assert b"841.88" in pdf


def test_one_chapter_keeps_its_numbers_and_names_the_others_in_words(document: Document) -> None:
    alone = Page(to_html(document.chapter("magistra")).decode("utf-8"))
    assert "Table 2.1: From referral" in alone.text
    assert "See Table 1.1 of the annual report, section 2.2 and chapter 2." in alone.text.replace("\u00a0", " ")


def test_the_same_bytes_in_two_processes(document: Document) -> None:
    code = (
        "import hashlib, test_document as t\n"
        "d = t.report()\n"
        "print(*(hashlib.sha256(w(d)).hexdigest() for w in (t.to_html, t.to_pdf, t.to_docx)))"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    here = [hashlib.sha256(write(document)).hexdigest() for write in (to_html, to_pdf, to_docx)]
    assert run.stdout.split() == here


def test_every_fault_of_a_report_is_named_at_once() -> None:
    flow = Table("a-flow", "Flow", pd.DataFrame({"Step": ["x"], "Why": ["@nothing-cell"]}))
    figure = {"kind": "figure", "key": "a-fig", "caption": "c", "alt": " ", "numbers": {}, "png": ""}
    text = {"kind": "text", "text": "# A\n\n## B\n\n#### D\n\nSee @nothing and @a-flow.\n\n# Two"}
    untitled = Chapter("b", [{"kind": "text", "text": "No title."}])
    with pytest.raises(ReportError) as caught:
        assemble([Chapter("a", [text, to_block(flow), to_block(flow), figure]), untitled], title="T")
    message = str(caught.value)
    for part in ("@nothing,", "@nothing-cell,", "a-flow: is the key of more", "a-fig: has no alternative text"):
        assert part in message
    for part in ("skips a level of heading at “D”", "has a second title, “Two”", "b: does not begin with a title"):
        assert part in message
    assert len(caught.value.faults) == 7


def test_footnotes_of_two_chapters_stay_apart() -> None:
    notes = [
        Chapter(name, [{"kind": "text", "text": f"# {name}\n\nSo.[^1]\n\n[^1]: Note of {name}."}]) for name in "ab"
    ]
    text = Page(to_html(assemble(notes, title="T")).decode("utf-8")).text
    assert "Note of a." in text
    assert "Note of b." in text


def test_markdown_marks_the_places_of_exhibits() -> None:
    assert ':::::: {.impact kind="exhibit" key="pops-curve"}' in markdown([chapter("pops", "P")])
