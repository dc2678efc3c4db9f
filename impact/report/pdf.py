"""A document as a tagged PDF (PDF/UA-1) on A4, set by Typst in the typeface that it brings with it."""

from __future__ import annotations

import base64
import json
import tempfile
from importlib import resources
from pathlib import Path

import typst

from impact.errors import ReportError
from impact.report.document import EPOCH, Document, Node, mapped, pandoc, raw, tree
from impact.report.exhibits import Block, numeric_columns


def to_pdf(document: Document) -> bytes:
    """The PDF file.

    Raises
    ------
    ReportError
        With what Typst said, where it could not set the document.
    """
    pictures: dict[str, str] = {}

    def place(block: Block) -> list[Node]:
        if block["kind"] == "table":
            return [raw("typst", _table(document, block))]
        pictures[block["key"]] = block["png"]
        return [raw("typst", _figure(document, block))]

    nodes = [node for part in document.parts for node in document.nodes(part, place)]
    body = pandoc(tree(mapped(nodes, _said)), "-f", "json", "-t", "typst", "--wrap=none").decode("utf-8")
    settings = {
        "title": document.title,
        "subtitle": document.subtitle,
        "banner": document.banner,
        "whole": len(document.parts) > 1,
        "lists": [kind for kind in ("table", "figure") if document.exhibits(kind)],
    }
    template = (resources.files("impact.report") / "templates" / "report.typ").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        (folder / "main.typ").write_text(f"{template}\n{body}\n#closing()\n", encoding="utf-8")
        for key, picture in pictures.items():
            (folder / f"{key}.png").write_bytes(base64.b64decode(picture))
        try:
            return typst.compile(
                folder / "main.typ",
                root=folder,
                ignore_system_fonts=True,
                format="pdf",
                timestamp=EPOCH,
                pdf_standards=["ua-1"],
            )
        except typst.TypstError as error:
            raise ReportError(f"Typst failed: {error.message} {' '.join(error.hints)}".strip()) from None


def _said(node: Node) -> list[Node]:
    """A formula with its source as alternative text; a note beneath a table in its own size."""
    if node["t"] == "Div" and "note" in node["c"][0][1]:
        return [raw("typst", "#note["), *node["c"][1], raw("typst", "]")]
    if node["t"] != "Math":
        return [node]
    opened = f"#[#set math.equation(alt: {_quoted(node['c'][1])});"
    return [{"t": "RawInline", "c": ["typst", opened]}, node, {"t": "RawInline", "c": ["typst", "]"]}]


def _figure(document: Document, block: Block) -> str:
    alt = document.plain(block["alt"])
    picture = f"image({_quoted(block['key'] + '.png')}, alt: {_quoted(alt)}, width: 100%)"
    return _exhibit("image", picture, document, block, rows=0)


def _table(document: Document, block: Block) -> str:
    sides = ", ".join("right" if numeric else "left" for numeric in numeric_columns(block))
    head = ", ".join(_quoted(document.plain(text)) for text in block["columns"])
    cells = "\n".join(", ".join(_quoted(document.plain(cell)) for cell in row) + "," for row in block["rows"])
    table = f"data(({sides},), ({head},), (\n{cells}\n))"
    return _exhibit("table", table, document, block, rows=len(block["rows"]))


def _exhibit(kind: str, body: str, document: Document, block: Block, *, rows: int) -> str:
    name = _quoted(f"exhibit-{block['key']}")
    return f"#exhibit({kind}, {body}, {_quoted(document.caption(block))}, {name}, {rows})"


def _quoted(text: str) -> str:
    """A string of Typst's."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\t", " ")
    return f'"{escaped}"'
