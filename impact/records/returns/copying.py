"""A workbook's sheets written again for a copy: cells, widths and limits; a formula as text, and nothing else.

Only the rows that have a mark or merged cells go through the package that writes workbooks, which takes a minute for
100,000 of them. The others are put in between those that it has written, as they are.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Mapping
from functools import partial
from xml.sax.saxutils import escape

from impact.records.returns.archive import Archive, Attributes, parse
from impact.records.returns.sheetpart import ESCAPE, Cells, area
from impact.records.returns.sheets import MOST_CELLS
from impact.records.returns.workbook import MAIN, opened

Row = tuple[int, str]
_TOP = {
    "sheetPr", "sheetViews", "sheetFormatPr", "cols", "sheetProtection", "mergeCells", "dataValidations",
    "printOptions", "pageMargins", "pageSetup",
}  # fmt: skip
_WITHIN = {
    "tabColor", "outlinePr", "pageSetUpPr", "sheetView", "pane", "selection", "col", "mergeCell", "dataValidation",
    "formula1", "formula2",
}  # fmt: skip
_OF_ROW = ("ht", "customHeight", "hidden")
_PLAIN = re.compile(r"[0-9]{1,4}(\.[0-9]{1,20})?|true|false")
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_DEAD = re.compile('s="dead:([0-9]*)"')
_WRITTEN = re.compile(rb'<row r="([0-9]+)"[^>]*?(?:/>|>.*?</row>)', re.DOTALL)


def quoted(text: str) -> str:
    """A text as it stands in a part."""
    text = ESCAPE.sub(lambda held: f"_x005F{held[0]}", text)
    return escape(text, {'"': "&quot;", "\r": "_x000D_"})


def text_cell(reference: str, style: object, text: str) -> str:
    """A cell that holds a text, which no spreadsheet takes for anything else."""
    return f'<c r="{reference}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{quoted(text)}</t></is></c>'


def number_cell(reference: str, style: object, number: object, kind: str = "n") -> str:
    """A cell that holds a number, or another value of its kind, as it is written."""
    return f'<c r="{reference}" s="{style}" t="{kind}"><v>{number}</v></c>'


def dead(row: str, style: int) -> str:
    """A row whose formulas have the style of cells that stay text when somebody edits them."""
    return _DEAD.sub(f's="{style}"', row)


class _Copied(Cells):
    """The rows of one sheet as they are written again, by number, and what of the sheet stands around them."""

    def __init__(self, strings: list[str], dates: list[bool], from_1904: bool) -> None:
        super().__init__(strings, dates, from_1904, MOST_CELLS)
        self.laid: dict[int, tuple[str, dict[int, str]]] = {}
        self.kept: list[str] = []
        self.joined: set[int] = set()
        self._open: list[str] = []
        self._words: list[str] = []
        self._names: dict[int, str] = {}
        tags = _TOP | _WITHIN
        self.starts |= {tag: partial(self._begin_other, tag) for tag in tags}
        self.ends |= {tag: partial(self._end_other, tag) for tag in tags}

    def written(self) -> list[Row]:
        """Every row: its number and how it is written, cells from left to right."""
        return [
            (number, f"<row {told}>{''.join(cell for _, cell in sorted(cells.items()))}</row>")
            for number, (told, cells) in self.laid.items()
        ]

    def _begin_row(self, attributes: Attributes) -> None:
        super()._begin_row(attributes)
        held = {name: attributes.get(name, "") for name in _OF_ROW}
        told = "".join(f' {name}="{value}"' for name, value in held.items() if _PLAIN.fullmatch(value))
        self.laid.setdefault(self._row, (f'r="{self._row}"{told}', {}))

    def _finish(self) -> None:
        text = self._text()
        place, style = f"{self._letter()}{self._row}", self._style if self._dates else "0"
        if self._formula is not None:
            made = text_cell(place, f"dead:{style}", text)
        elif not text:
            made = f'<c r="{place}" s="{style}"/>'
        elif self._kind in ("n", "b", "e", "d"):
            made = number_cell(place, style, quoted("".join(self._value)), self._kind)
        else:
            made = text_cell(place, style, text)
        self.laid[self._row][1][self._column] = made

    def _letter(self) -> str:
        if self._column not in self._names:
            column, letters = self._column, ""
            while column:
                column, place = divmod(column - 1, 26)
                letters = chr(65 + place) + letters
            self._names[self._column] = letters
        return self._names[self._column]

    def _begin_other(self, tag: str, attributes: Attributes) -> None:
        if tag == "mergeCell":
            top, bottom, _ = area(attributes.get("ref", ""))
            self.joined.update(range(top, bottom + 1))
        if self._open or tag in _TOP:
            told = "".join(f' {name}="{quoted(value)}"' for name, value in attributes.items() if " " not in name)
            self.kept.append(f"<{tag}{told}>")
            self._open.append(tag)
            self._into = self._words = []

    def _end_other(self, tag: str) -> None:
        if self._open:
            self._into = None
            words = quoted("".join(self._words)) if tag.startswith("formula") else ""
            self.kept.append(f"{words}</{self._open.pop()}>")


def shell(content: bytes, needed: Mapping[str, Collection[int]]) -> tuple[bytes, dict[str, list[Row]]]:
    """A workbook of these sheets with their needed rows alone, and their other rows by the name of the sheet."""
    archive = Archive(content)
    held = opened(archive)
    rest: dict[str, list[Row]] = {}
    parts: dict[str, str | bytes] = {}
    listed: list[str] = []
    links: list[str] = []
    types: list[str] = []
    for _, name, state, part in held.cells():
        if part.kind != "worksheet" or name not in needed:
            continue
        number = len(listed) + 1
        copied = _Copied(held.strings, held.dates, held.book.from_1904)
        parse(archive, part.target, MAIN, copied.starts, copied.ends, copied.data)
        own = copied.joined.union(needed[name])
        rows = copied.written()
        rest[name] = [row for row in rows if row[0] not in own]
        cells = "".join(_DEAD.sub(r's="\1"', row) for at, row in sorted(rows) if at in own)
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN[0]}">{"".join(copied.kept)}<sheetData>{cells}</sheetData></worksheet>'
        )
        listed.append(f'<sheet name="{quoted(name)}" sheetId="{number}" state="{quoted(state)}" r:id="s{number}"/>')
        links.append(f'<Relationship Id="s{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>')
        types.append(f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}worksheet+xml"/>')
    for kind, target, of_type in (
        ("styles", "styles.xml", f"{_TYPE}styles+xml"),
        ("theme", "theme/theme1.xml", "application/vnd.openxmlformats-officedocument.theme+xml"),
    ):
        source = next((one.target for one in held.links.values() if one.kind == kind), "")
        if source in archive:
            parts[f"xl/{target}"] = b"".join(archive.chunks(source)).replace(MAIN[1].encode(), MAIN[0].encode())
            links.append(f'<Relationship Id="{kind}" Type="{_OFFICE}/{kind}" Target="{target}"/>')
            types.append(f'<Override PartName="/xl/{target}" ContentType="{of_type}"/>')
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{MAIN[0]}" xmlns:r="{_OFFICE}"><workbookPr date1904="{int(held.book.from_1904)}"/>'
        f"<sheets>{''.join(listed)}</sheets></workbook>"
    )
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{_RELATIONS}">{"".join(links)}</Relationships>'
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="book" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    )
    parts["[Content_Types].xml"] = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}sheet.main+xml"/>{"".join(types)}</Types>'
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archived:
        for name, part_content in parts.items():
            archived.writestr(name, part_content)
    return made.getvalue(), rest


def spliced(part: bytes, rows: list[Row]) -> bytes:
    """The part of a sheet as it was written, with further rows in between."""
    part = re.sub(rb"<dimension [^>]*/>", b"", part, count=1)
    before, _, after = part.replace(b"<sheetData />", b"<sheetData></sheetData>", 1).partition(b"<sheetData>")
    cells, _, after = after.partition(b"</sheetData>")
    own = [(int(held[1]), held[0]) for held in _WRITTEN.finditer(cells)]
    every = sorted([*own, *((number, row.encode()) for number, row in rows)])
    return b"".join([before, b"<sheetData>", *(row for _, row in every), b"</sheetData>", after])
