"""A document as a Word file: alternative text, repeated header rows, the banner on every page."""

from __future__ import annotations

import base64
import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from xml.sax.saxutils import escape

from impact.report.document import Document, Node, div, link, pandoc, spaced, tree
from impact.report.exhibits import Block, numeric_columns
from impact.report.style import DPI, WIDTH

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FIXED = (2020, 1, 1, 0, 0, 0)
DEFAULTS = (
    '<w:rPr><w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri" w:eastAsia="Calibri"/>'
    '<w:sz w:val="22"/><w:szCs w:val="22"/><w:lang w:val="en-GB" w:eastAsia="en-GB" w:bidi="ar-SA"/></w:rPr>'
)
WIDEST = 34
"""Characters of a cell beyond which it is to wrap."""
LINE = 88
"""Characters of a table's type across the page."""


def to_docx(document: Document) -> bytes:
    """The Word file."""
    pictures: dict[str, str] = {}

    def place(block: Block) -> list[Node]:
        if block["kind"] == "table":
            return [div([_table(document, block)], anchor=f"exhibit-{block['key']}")]
        pictures[block["key"]] = block["png"]
        return [_figure(document, block)]

    nodes = _front(document)
    for part in document.parts:
        nodes += document.nodes(part, place)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, picture in pictures.items():
            (folder / f"{key}.png").write_bytes(base64.b64decode(picture))
        made = pandoc(tree(nodes), "-f", "json", "-t", "docx", "-o", "-", folder=folder)
    return _finished(made, document)


def _front(document: Document) -> list[Node]:
    front = [_styled("Title", document.title)]
    front += [_styled("Subtitle", document.subtitle)] if document.subtitle else []
    front += [_styled("Banner", document.banner)] if document.banner else []
    front.append(_heading("Contents"))
    for part in document.parts:
        for heading in part.headings:
            if heading.level <= 2:
                front.append(_entry(f"{heading.number} {heading.text}", heading.anchor, f"TOC {heading.level}"))
    for kind, title in (("table", "Tables"), ("figure", "Figures")):
        found = document.exhibits(kind)
        front += [_styled("List Title", title)] if found else []
        front += [_entry(f"{label}: {caption}", anchor, "TOC 2") for label, caption, anchor in found]
    return front


def _styled(style: str, text: str) -> Node:
    return div([{"t": "Para", "c": spaced(text)}], custom_style=style)


def _entry(text: str, anchor: str, style: str) -> Node:
    return div([{"t": "Para", "c": [link(spaced(text), anchor)]}], custom_style=style)


def _heading(text: str) -> Node:
    return {"t": "Header", "c": [1, ["contents", ["unnumbered"], []], spaced(text)]}


def _plain(text: str) -> list[Node]:
    return [{"t": "Plain", "c": spaced(text)}] if text.strip() else []


def _figure(document: Document, block: Block) -> Node:
    width = min(int.from_bytes(base64.b64decode(block["png"][:64])[16:20], "big") / DPI, WIDTH)
    alt = spaced(document.plain(block["alt"]))
    image = {"t": "Image", "c": [["", [], [["width", f"{width:.2f}in"]]], alt, [f"{block['key']}.png", ""]]}
    caption = [None, [{"t": "Plain", "c": spaced(document.caption(block))}]]
    return {"t": "Figure", "c": [[f"exhibit-{block['key']}", [], []], caption, [{"t": "Plain", "c": [image]}]]}


def _table(document: Document, block: Block) -> Node:
    numeric = numeric_columns(block)
    columns = [
        [document.plain(cell) for cell in column] for column in zip(block["columns"], *block["rows"], strict=True)
    ]
    sides = [{"t": "AlignRight" if right else "AlignLeft"} for right in numeric]
    widths = [{"t": "ColWidth", "c": width} for width in _widths(columns)]

    def row(cells: list[str]) -> list[object]:
        made = [[["", [], []], {"t": "AlignDefault"}, 1, 1, _plain(document.plain(cell))] for cell in cells]
        return [["", [], []], made]

    none = ["", [], []]
    caption = [None, _plain(document.caption(block))]
    body = [none, 1, [], [row(cells) for cells in block["rows"]]]
    specs = [list(pair) for pair in zip(sides, widths, strict=True)]
    return {"t": "Table", "c": [none, caption, specs, [none, [row(block["columns"])]], [body], [none, []]]}


def _widths(columns: Sequence[list[str]]) -> list[float]:
    """Shares of the line: to each column its longest word, and what is left by how much longer its cells are."""
    least = [1.15 * max(len(word) for cell in cells for word in cell.split() or [""]) + 3 for cells in columns]
    wanted = [min(max(map(len, cells)), WIDEST) + 3 for cells in columns]
    more = [max(wish - need, 0.01) for wish, need in zip(wanted, least, strict=True)]
    spare = max(LINE - sum(least), 0)
    widths = [need + spare * extra / sum(more) for need, extra in zip(least, more, strict=True)]
    return [width / sum(widths) for width in widths]


def _finished(made: bytes, document: Document) -> bytes:
    """Pandoc's file with A4, a header and a footer, the library's styles and fixed dates."""
    source = zipfile.ZipFile(io.BytesIO(made))
    parts = {item.filename: source.read(item) for item in source.infolist()}

    def edit(name: str, *changes: tuple[str, str]) -> None:
        text = parts[name].decode("utf-8")
        for pattern, replacement in changes:
            text, count = re.subn(pattern, replacement.replace("\\", r"\\"), text, flags=re.DOTALL)
            if not count:
                raise AssertionError(f"{name} has no {pattern}")
        parts[name] = text.encode("utf-8")

    section = (
        f'<w:sectPr><w:headerReference w:type="default" r:id="rIdHeader" xmlns:r="{RELATIONS}"/>'
        f'<w:footerReference w:type="default" r:id="rIdFooter" xmlns:r="{RELATIONS}"/>'
        '<w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1417" w:right="1361" w:bottom="1361" w:left="1361"'
        ' w:header="624" w:footer="624" w:gutter="0"/>'
        "</w:sectPr>"
    )
    edit("word/document.xml", (r"<w:sectPr\b.*?</w:sectPr>|<w:sectPr\s*/>", section))
    edit("word/_rels/document.xml.rels", ("</Relationships>", _relations()))
    edit("[Content_Types].xml", ("</Types>", _types()))
    parts["word/styles.xml"] = _styles(parts["word/styles.xml"].decode("utf-8"))
    parts["word/header1.xml"] = _margin("hdr", _run(document.banner), "center")
    begin, separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
    page = f'{begin}<w:r><w:instrText xml:space="preserve"> PAGE </w:instrText></w:r>{separate}{_run("1")}{end}'
    parts["word/footer1.xml"] = _margin("ftr", _run(f"{document.title} – ") + page, "right")
    parts["docProps/core.xml"] = _core(document)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            item = zipfile.ZipInfo(name, FIXED)
            item.compress_type, item.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            file.writestr(item, content)
    return target.getvalue()


def _styles(text: str) -> bytes:
    """Pandoc's styles with the library's in the place of those of the same name."""
    ours = (resources.files("impact.report") / "templates" / "styles.xml").read_text(encoding="utf-8")
    styles = re.findall(r"<w:style .*?</w:style>", ours, flags=re.DOTALL)
    names = {re.search(r'w:styleId="(\w+)"', style).group(1) for style in styles}  # type: ignore[union-attr]

    def kept(found: re.Match[str]) -> str:
        name = re.search(r'w:styleId="([^"]+)"', found.group())
        return "" if name and name.group(1) in names else found.group()

    text = re.sub(r"<w:style .*?</w:style>", kept, text, flags=re.DOTALL)
    text = re.sub(
        r"<w:rPrDefault>.*?</w:rPrDefault>", f"<w:rPrDefault>{DEFAULTS}</w:rPrDefault>", text, flags=re.DOTALL
    )
    return text.replace("</w:styles>", "".join(styles) + "</w:styles>").encode("utf-8")


def _relations() -> str:
    kinds = (("rIdHeader", "header", "header1.xml"), ("rIdFooter", "footer", "footer1.xml"))
    made = "".join(f'<Relationship Type="{RELATIONS}/{kind}" Id="{i}" Target="{target}"/>' for i, kind, target in kinds)
    return f"{made}</Relationships>"


def _types() -> str:
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    made = "".join(f'<Override PartName="/word/{p}1.xml" ContentType="{kind}.{p}+xml"/>' for p in ("header", "footer"))
    return f"{made}</Types>"


def _run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _margin(kind: str, runs: str, side: str) -> bytes:
    paragraph = f'<w:p><w:pPr><w:pStyle w:val="PageMargin"/><w:jc w:val="{side}"/></w:pPr>{runs}</w:p>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<w:{kind} xmlns:w="{WORD}">{paragraph}</w:{kind}>'.encode()


def _core(document: Document) -> bytes:
    package = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
    date = '<dcterms:{0} xsi:type="dcterms:W3CDTF">2020-01-01T00:00:00Z</dcterms:{0}>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<cp:coreProperties xmlns:cp="{package}" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(document.title)}</dc:title><dc:language>en-GB</dc:language>"
        f"{date.format('created')}{date.format('modified')}</cp:coreProperties>"
    ).encode()
