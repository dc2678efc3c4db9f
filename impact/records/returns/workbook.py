"""An .xlsx workbook read in one pass over its parts: cells as text, and what lies hidden around them.

Elements and their meanings are those of ECMA-376, part 1, in both its namespaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from impact.records.returns.archive import (
    Archive,
    Attributes,
    Relation,
    around,
    parse,
    refuse_definitions,
    trick,
)
from impact.records.returns.rules import Found
from impact.records.returns.sheetpart import MOST_LAID_OUT, TRUE, Cells, unescaped, whole
from impact.records.returns.sheets import MOST_CELLS, DamagedError, Sheet, TooLargeError, sheet_of_cells

MAIN = ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NOT_CODE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')


def read_workbook(content: bytes) -> tuple[list[Sheet], list[Found]]:
    """The sheets of a workbook, and what stands in the way of reading it or hides in it.

    Raises
    ------
    DamagedError, TooLargeError
        Nothing can be read.
    """
    archive = Archive(content)
    if archive.locked:
        return [], [Found("password")]
    if not any(name.lower().startswith("xl/") for name in archive.names):
        return [], [Found("not-a-return")]
    if trick(archive):
        return [], [Found("path-tricks")]
    refuse_definitions(archive)
    if "xl/workbook.bin" in archive:
        return [], [Found("old-xls")]
    return _sheets(archive, around(archive))


@dataclass(frozen=True, slots=True)
class Opened:
    """What the sheets of a workbook need to be read: its list of them, shared texts, and styles that show dates."""

    book: Book
    strings: list[str]
    dates: list[bool]
    links: dict[str, Relation]

    def cells(self) -> Iterator[tuple[int, str, str, Relation]]:
        """Place, name, state and part of each sheet."""
        for place, (name, state, link) in enumerate(self.book.sheets, start=1):
            yield place, name, state, self.links[link]


def opened(archive: Archive) -> Opened:
    """A workbook's own parts read.

    Raises
    ------
    DamagedError, TooLargeError
        A part is missing or damaged, or a sheet stands twice.
    """
    roots = [one.target for one in archive.relations("") if one.kind == "officedocument"]
    if len(roots) != 1:
        raise DamagedError
    book, strings, styles = Book(), _Strings(), _Styles()
    parse(archive, roots[0], MAIN, book.starts)
    links = archive.relations(roots[0])
    for one in links:
        if one.kind == "sharedstrings":
            parse(archive, one.target, MAIN, strings.starts, strings.ends, strings.data)
        elif one.kind == "styles":
            parse(archive, one.target, MAIN, styles.starts, styles.ends)
    of_link = {one.link: one for one in links}
    names = [name.casefold() for name, _, _ in book.sheets]
    if not names or len(set(names)) < len(names) or len(of_link) < len(links):
        raise DamagedError
    if any(link not in of_link for _, _, link in book.sheets):
        raise DamagedError
    return Opened(book, strings.held, styles.dates(), of_link)


def _sheets(archive: Archive, found: list[Found]) -> tuple[list[Sheet], list[Found]]:
    whole_book = opened(archive)
    sheets, left, room = [], MOST_CELLS, MOST_LAID_OUT
    for place, name, state, part in whole_book.cells():
        holds_cells = part.kind == "worksheet"
        found += [Found("hidden-sheet", name if holds_cells else f"number {place}")] if state != "visible" else []
        if not holds_cells:
            continue
        read = Cells(whole_book.strings, whole_book.dates, whole_book.book.from_1904, left)
        parse(archive, part.target, MAIN, read.starts, read.ends, read.data)
        sheet = sheet_of_cells(name, place, read.rows, read.columns, read.texts, room)
        left -= len(read.texts)
        room -= len(sheet.numbers) * len(sheet.columns)
        sheets.append(sheet)
        found += [Found(rule, name, row) for rule, row in sorted(read.around)]
    if whole_book.book.protected:
        found.append(Found("protected"))
    return sheets, found


class Book:
    """The sheets a workbook lists (name, state, link), the first day it counts from, and whether it is locked."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.from_1904 = self.protected = False
        self.starts = {"sheet": self._sheet, "workbookPr": self._properties, "workbookProtection": self._protection}

    def _sheet(self, attributes: Attributes) -> None:
        link = next((value for key, value in attributes.items() if key.endswith(" id")), "")
        self.sheets.append((attributes.get("name", ""), attributes.get("state", "visible"), link))

    def _properties(self, attributes: Attributes) -> None:
        self.from_1904 = attributes.get("date1904") in TRUE

    def _protection(self, attributes: Attributes) -> None:
        self.protected = attributes.get("lockStructure") in TRUE


class _Strings:
    """The texts that cells share; how they are read aloud is left out."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self._parts: list[str] = []
        self._text = self._aloud = False
        self.starts = {"si": self._begin, "t": self._take, "rPh": self._hush}
        self.ends = {"si": self._finish, "t": self._leave, "rPh": self._speak}

    def data(self, text: str) -> None:
        if self._text:
            self._parts.append(text)

    def _begin(self, _: Attributes) -> None:
        self._parts = []

    def _take(self, _: Attributes) -> None:
        self._text = not self._aloud

    def _hush(self, _: Attributes) -> None:
        self._aloud = True

    def _leave(self) -> None:
        self._text = False

    def _speak(self) -> None:
        self._aloud = False

    def _finish(self) -> None:
        self.held.append(unescaped("".join(self._parts)))
        if len(self.held) > MOST_CELLS:
            raise TooLargeError


class _Styles:
    """Which styles of cells show a number as a date."""

    def __init__(self) -> None:
        self._formats: dict[int, bool] = dict.fromkeys(_DATE_FORMATS, True)
        self._cells: list[int] = []
        self._within = ""
        self.starts = {
            "numFmts": lambda _: self._enter("numFmts"),
            "cellXfs": lambda _: self._enter("cellXfs"),
            "numFmt": self._format,
            "xf": self._cell,
        }
        self.ends = {"numFmts": lambda: self._enter(""), "cellXfs": lambda: self._enter("")}

    def dates(self) -> list[bool]:
        """For each style, in the order in which cells number them."""
        return [self._formats.get(number, False) for number in self._cells]

    def _enter(self, within: str) -> None:
        self._within = within

    def _format(self, attributes: Attributes) -> None:
        if self._within == "numFmts":
            code = _NOT_CODE.sub("", attributes.get("formatCode", "")).replace("General", "")
            self._formats[whole(attributes.get("numFmtId", ""))] = bool(re.search("[dmyhs]", code, re.I))

    def _cell(self, attributes: Attributes) -> None:
        if self._within == "cellXfs":
            self._cells.append(whole(attributes.get("numFmtId", "0")))
