"""Published files read back: the text and the tables of notebooks, HTML, Word and PDF."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from impact.errors import ImpactError

LARGEST = 300_000_000
FILE = ("text", "holds a file, which was not read")
EARLIER = ("text", "holds an earlier version of itself, which was not read")
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
WRITTEN = (f"{WORD}t", f"{WORD}delText")
OF_THE_PAGE = ("data:image", "data:font", "data:application/font", "data:text/css", "data:text/javascript")
"""Beginnings of what is put into a page to show it; any other file in it was attached."""
READ = ("text/html", "text/markdown", "text/plain")


@dataclass(frozen=True)
class Grid:
    """A table as it is read: where it stands, its heads, and its rows of text."""

    where: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)


@dataclass(frozen=True)
class Reading:
    """What a reader finds in a file.

    Attributes
    ----------
    name : str
        The file's name.
    texts : tuple of (where, text)
        Paragraphs, headings and printed outputs.
    grids : tuple of Grid
        Tables.
    hidden : str
        Everything else that is text: scripts, attributes, metadata, sources, comments.
    images : int
        Pictures, which are not read.
    faults : tuple of (where, problem)
        What keeps the file from being read whole: a cell that was not run.
    """

    name: str
    texts: tuple[tuple[str, str], ...] = field(repr=False)
    grids: tuple[Grid, ...] = field(repr=False)
    hidden: str = field(default="", repr=False)
    images: int = 0
    faults: tuple[tuple[str, str], ...] = ()


def read(path: Path) -> Reading:
    """Read a notebook (.ipynb), .html, .docx or .pdf.

    Raises
    ------
    ImpactError
        Where the file is not there, is of another kind, or cannot be read.
    """
    readers = {".ipynb": _notebook, ".html": _page, ".htm": _page, ".docx": _word, ".pdf": _pdf}
    if path.suffix.lower() not in readers:
        raise ImpactError(f"{path.name} is not a notebook, HTML, Word or PDF file, so it cannot be checked.")
    try:
        content = path.read_bytes()
    except OSError:
        raise ImpactError(f"{path.name} is not there, or cannot be opened.") from None
    try:
        return readers[path.suffix.lower()](path.name, content)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        ElementTree.ParseError,
        RecursionError,
    ):
        raise ImpactError(f"{path.name} cannot be read as {path.suffix[1:]}, so it cannot be checked.") from None


def _notebook(name: str, content: bytes) -> Reading:
    whole = json.loads(content.decode("utf-8"))
    cells = whole["cells"]
    texts, grids, faults, images, hidden = [], [], [], 0, [json.dumps(whole.get("metadata", {}), ensure_ascii=False)]
    for number, cell in enumerate(cells, start=1):
        where = f"cell {number}"
        source = _joined(cell["source"])
        images += len(cell.get("attachments", {}))
        hidden += [
            json.dumps(cell.get("metadata", {}), ensure_ascii=False),
            source if cell["cell_type"] == "code" else "",
        ]
        if cell["cell_type"] != "code":
            texts.append((where, source))
            continue
        if source.strip() and cell.get("execution_count") is None:
            faults.append((where, "was not run, so what it shows cannot be checked"))
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                faults.append((where, "holds an error, which may repeat a value of the records"))
                hidden.append(json.dumps(output))
            texts.append((where, _joined(output.get("text", ""))))
            data = output.get("data", {})
            images += sum(kind.startswith("image/") for kind in data)
            hidden += [
                json.dumps(part, ensure_ascii=False)
                for part in (
                    output.get("metadata", {}),
                    *(data[kind] for kind in data if kind not in READ and not _picture(kind)),
                )
            ]
            if "text/html" in data:
                page = _page(name, _joined(data["text/html"]).encode("utf-8"))
                texts += [(where, text) for _, text in page.texts]
                grids += [Grid(where, one.head, one.rows) for one in page.grids]
                hidden.append(page.hidden)
                faults += [(where, problem) for _, problem in page.faults]
            texts += [(where, _joined(data[kind])) for kind in ("text/markdown", "text/plain") if kind in data]
    return Reading(name, tuple(texts), tuple(grids), "\n".join(hidden), images, tuple(faults))


def _picture(kind: str) -> bool:
    """Whether a kind of output is a picture that cannot be read; a drawing in SVG is text."""
    return kind.startswith("image/") and kind != "image/svg+xml"


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)


class _Page(HTMLParser):
    """Collects paragraphs and tables; what stands in scripts, styles and attributes is kept apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.hidden: list[str] = []
        self.images = 0
        self.files = 0
        self._open: list[list[list[str]]] = []
        self._apart = 0
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = [value.strip() for _, value in attrs if value]
        self.hidden += [value for value in values if not value.startswith("data:image")]
        self.files += sum(value.startswith("data:") and not value.startswith(OF_THE_PAGE) for value in values)
        self.images += tag in ("img", "svg", "canvas")
        self._apart += tag in ("script", "style")
        if tag in ("table", "tr", "td", "th"):
            self._end()
            if tag == "table":
                self._open.append([])
                self.tables.append(self._open[-1])
            elif self._open and tag == "tr":
                self._open[-1].append([])
            elif self._open and self._open[-1]:
                self._open[-1][-1].append("")
        elif tag in ("p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "figcaption", "caption", "br"):
            self._end()

    def handle_endtag(self, tag: str) -> None:
        self._apart -= tag in ("script", "style") and self._apart > 0
        if tag in ("td", "th", "p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "figcaption", "caption"):
            self._end()
        elif tag == "table" and self._open:
            self._end()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._apart:
            self.hidden.append(data)
        else:
            self._text += data

    def handle_comment(self, data: str) -> None:
        self.hidden.append(data)

    def handle_pi(self, data: str) -> None:
        self.hidden.append(data)

    def unknown_decl(self, data: str) -> None:
        self.hidden.append(data)

    def _end(self) -> None:
        text = self._text if "\n" in self._text.strip() else " ".join(self._text.split())
        self._text = ""
        if not text.strip():
            return
        if self._open and self._open[-1] and self._open[-1][-1]:
            self._open[-1][-1][-1] = f"{self._open[-1][-1][-1]} {' '.join(text.split())}".strip()
        self.texts.append(text)

    def close(self) -> None:
        super().close()
        self._end()


def _page(name: str, content: bytes) -> Reading:
    page = _Page()
    page.feed(content.decode("utf-8"))
    page.close()
    grids = [_grid(f"table {number}", rows) for number, rows in enumerate(page.tables, start=1) if rows]
    texts = tuple(("text", text) for text in page.texts)
    return Reading(name, texts, tuple(grids), "\n".join(page.hidden), page.images, (FILE,) * page.files)


def _grid(where: str, rows: list[list[str]]) -> Grid:
    return Grid(where, tuple(rows[0]), tuple(tuple(row) for row in rows[1:] if row))


def _word(name: str, content: bytes) -> Reading:
    texts: list[tuple[str, str]] = []
    grids: list[Grid] = []
    hidden: list[str] = []
    with zipfile.ZipFile(BytesIO(content)) as whole:
        if sum(part.file_size for part in whole.infolist()) > LARGEST:
            raise ValueError("too large")
        parts = [part for part in whole.namelist() if part.endswith((".xml", ".rels"))]
        pictures = [part for part in whole.namelist() if part.startswith(("word/media/", "docProps/thumbnail"))]
        others = {part for part in whole.namelist() if not part.endswith(("/", ".odttf"))} - {*parts, *pictures}
        if "word/document.xml" not in parts:
            raise ValueError("no document")
        for part in parts:
            read_part = whole.read(part)
            if b"<!DOCTYPE" in read_part:
                raise ValueError("a document type is not read")
            tree = ElementTree.fromstring(read_part)
            if part == "word/document.xml" and tree.find(f"{WORD}body") is None:
                raise ValueError("no text")
            hidden += [value for node in tree.iter() for value in node.attrib.values()]
            hidden.append(" ".join(tree.itertext()))
            if not part.startswith("word/"):
                continue
            texts += [("text" if part == "word/document.xml" else part, text) for text in _paragraphs(tree) if text]
            grids += [
                _grid(
                    f"table {number}", [[" ".join(_paragraphs(cell)) for cell in row.iter(f"{WORD}tc")] for row in rows]
                )
                for number, table in enumerate(tree.iter(f"{WORD}tbl"), start=1)
                if (rows := list(table.iter(f"{WORD}tr")))
            ]
    return Reading(name, tuple(texts), tuple(grids), "\n".join(hidden), len(pictures), (FILE,) * len(others))


def _paragraphs(node: ElementTree.Element) -> Iterator[str]:
    for paragraph in node.iter(f"{WORD}p"):
        yield "".join(text.text or "" for text in paragraph.iter() if text.tag in WRITTEN)


def _pdf(name: str, content: bytes) -> Reading:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise ImpactError(f"{name} cannot be checked: reading PDF needs the package pypdf.") from None
    try:
        whole = PdfReader(BytesIO(content))
        if whole.is_encrypted:
            raise ValueError("encrypted")
        pages = [(f"page {number}", page.extract_text()) for number, page in enumerate(whole.pages, start=1)]
        hidden = [str(value) for value in (whole.metadata or {}).values()]
        hidden += [str(one["/Title"]) for one in _outline(whole.outline)]
        hidden += [str(field) for field in (whole.get_fields() or {}).values()]
        stream = whole.root_object.get("/Metadata")
        hidden += [stream.get_object().get_data().decode("utf-8", "replace")] if stream is not None else []
        faults = [FILE] * len(list(whole.attachments))
        notes = [note.get_object() for page in whole.pages for note in page.get("/Annots") or ()]
        for note in notes:
            pages.append(("a comment", str(note.get("/Contents", ""))))
            hidden += [str(note.get(name, "")) for name in ("/T", "/Subj", "/RC", "/V", "/TU", "/A")]
            faults += [FILE] if note.get("/Subtype") == "/FileAttachment" else []
    except PyPdfError as broken:
        raise ValueError("broken") from broken
    saved = len(re.findall(rb"%%EOF", content)) - (b"/Linearized" in content[:2048])
    faults += [EARLIER] if saved > 1 else []
    texts = tuple((where, re.sub(r"[ \t]+", " ", text)) for where, text in pages if text)
    return Reading(name, texts, (), "\n".join(hidden), 0, tuple(faults))


def _outline(items: Iterable[Any]) -> Iterator[Any]:
    """The bookmarks of a PDF, those beneath others too."""
    for item in items:
        yield from _outline(item) if isinstance(item, list) else (item,)
