"""An .xlsx workbook read in one pass over its parts: cells as text, and what lies hidden around them.

Nothing is unpacked to disk, followed, run or evaluated. Part names and meanings are those of ECMA-376, part 1.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from impact.records.returns.rules import Found
from impact.records.returns.sheets import MOST_CELLS, Sheet, TooLargeError, sheet_of_cells

LARGEST = 128 << 20
LARGEST_RATIO = 200
MOST_PARTS = 1_000
MARKER = "impact check"
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_CHUNK = 1 << 18
_HEAD = 4096
_SMALL = 4 << 20
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NOT_CODE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_TRICK = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:|\\")
_WHOLE_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})T00:00(:00(\.0+)?)?Z?")
_AROUND = (
    ("macros", r"vbaproject|xl/macrosheets/"),
    ("external-links", r"xl/externallinks/|xl/connections\.xml|xl/querytables/"),
    ("embedded-files", r"xl/embeddings/|xl/activex/"),
    ("pictures", r"xl/media/"),
)


class DamagedError(Exception):
    """A workbook is not what it says it is."""


Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]


def read_workbook(path: Path) -> tuple[list[Sheet], list[Found]]:
    """The sheets of a workbook, and what stands in the way of reading it or hides in it.

    Raises
    ------
    DamagedError, TooLargeError, zipfile.BadZipFile, expat.ExpatError, or what else a damaged file brings about
        Nothing can be read.
    """
    with zipfile.ZipFile(path) as held:
        parts = held.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST:
            raise TooLargeError
        if any(p.file_size > _SMALL and p.file_size > LARGEST_RATIO * max(p.compress_size, 1) for p in parts):
            raise TooLargeError
        if any(part.flag_bits & 1 for part in parts):
            return [], [Found("password")]
        names = [part.filename for part in parts]
        if not any(name.lower().startswith("xl/") for name in names):
            return [], [Found("not-a-return")]
        if any(_TRICK.search(name) for name in names):
            return [], [Found("path-tricks")]
        for part in parts:
            with held.open(part) as file:
                if re.search(rb"<!(DOCTYPE|ENTITY)", file.read(_HEAD)):
                    raise DamagedError
        if "xl/workbook.bin" in names:
            return [], [Found("old-xls")]
        found = [Found(rule) for rule, names_of in _AROUND if any(re.search(names_of, name.lower()) for name in names)]
        found += [Found("comments")] if _comments(held, names) else []
        return _sheets(held, found)


def _comments(held: zipfile.ZipFile, names: list[str]) -> bool:
    """Whether cells have comments that the check has not written itself."""
    for name in names:
        if re.search(r"(threaded)?comments/?[^/]*\.xml$", name.lower()):
            with held.open(name) as file:
                authors = re.findall(rb"<(?:\w+:)?author>([^<]*)<", file.read(_CHUNK))
            if authors != [MARKER.encode()]:
                return True
    return False


def _sheets(held: zipfile.ZipFile, found: list[Found]) -> tuple[list[Sheet], list[Found]]:
    book = _Book()
    _parse(held, "xl/workbook.xml", book.start)
    links: dict[str, str] = {}

    def link(tag: str, attributes: Attributes) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            links[attributes.get("Id", "")] = posixpath.normpath(posixpath.join("xl", target)).removeprefix("/")

    _parse(held, "xl/_rels/workbook.xml.rels", link)
    names = set(held.namelist())
    strings, styles = _Strings(), _Styles()
    if "xl/sharedStrings.xml" in names:
        _parse(held, "xl/sharedStrings.xml", strings.start, strings.end, strings.data)
    if "xl/styles.xml" in names:
        _parse(held, "xl/styles.xml", styles.start)
    sheets, left = [], MOST_CELLS
    for place, (name, state, link_id) in enumerate(book.sheets, start=1):
        part = links.get(link_id, "")
        if "worksheets/" not in part:
            continue
        if part not in names:
            raise DamagedError
        read = _Cells(strings.held, styles.dates, book.from_1904, left)
        _parse(held, part, read.start, read.end, read.data)
        left -= len(read.rows)
        sheet = sheet_of_cells(name, place, read.rows, read.columns, read.texts)
        sheets.append(sheet)
        found += [Found("hidden-sheet", name)] if state != "visible" else []
        found += [Found(rule, name, row) for rule, row in sorted(read.around)]
    if book.protected:
        found.append(Found("protected"))
    return sheets, found


def _parse(
    held: zipfile.ZipFile,
    name: str,
    start: Start,
    end: Callable[[str], None] | None = None,
    data: Callable[[str], None] | None = None,
) -> None:
    """Run over one part, names of elements without their namespace; one with definitions of its own is refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    local = _Local()

    def refused(*_: object) -> None:
        raise DamagedError

    parser.StartDoctypeDeclHandler = refused
    parser.StartElementHandler = lambda tag, attributes: start(local[tag], attributes)
    if end is not None:
        parser.EndElementHandler = lambda tag: end(local[tag])
    if data is not None:
        parser.CharacterDataHandler = data
    with held.open(name) as file:
        while chunk := file.read(_CHUNK):
            parser.Parse(chunk)
        parser.Parse(b"", True)


class _Local(dict[str, str]):
    def __missing__(self, tag: str) -> str:
        self[tag] = tag.rpartition(":")[2]
        return self[tag]


@dataclass
class _Book:
    """The sheets a workbook lists: name, state, link."""

    sheets: list[tuple[str, str, str]] = field(default_factory=list)
    from_1904: bool = False
    protected: bool = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "sheet":
            link = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            self.sheets.append((attributes.get("name", ""), attributes.get("state", "visible"), link))
        elif tag == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true")
        elif tag == "workbookProtection":
            self.protected = attributes.get("lockStructure") in ("1", "true")


class _Strings:
    """The texts that cells share; how they are read aloud is left out."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self._parts: list[str] = []
        self._text = self._aloud = False

    def start(self, tag: str, _: Attributes) -> None:
        if tag == "si":
            self._parts = []
        elif tag == "rPh":
            self._aloud = True
        elif tag == "t":
            self._text = not self._aloud

    def end(self, tag: str) -> None:
        if tag == "si":
            self.held.append("".join(self._parts))
        elif tag == "rPh":
            self._aloud = False
        elif tag == "t":
            self._text = False

    def data(self, text: str) -> None:
        if self._text:
            self._parts.append(text)


class _Styles:
    """Which styles of cells show a number as a date."""

    def __init__(self) -> None:
        self.dates: list[bool] = []
        self._formats = set(_DATE_FORMATS)
        self._cells = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "numFmt":
            code = _NOT_CODE.sub("", attributes.get("formatCode", ""))
            shows = re.search("[dmyhs]", code.replace("General", ""), re.I)
            number = int(attributes.get("numFmtId", "0"))
            (self._formats.add if shows else self._formats.discard)(number)
        elif tag in ("cellXfs", "cellStyleXfs"):
            self._cells = tag == "cellXfs"
        elif tag == "xf" and self._cells:
            self.dates.append(int(attributes.get("numFmtId", "0")) in self._formats)


class _Cells:
    """The cells of one sheet that hold anything, and merged, hidden and locked stretches of it."""

    def __init__(self, strings: list[str], dates: list[bool], from_1904: bool, left: int) -> None:
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.texts: list[str] = []
        self.around: set[tuple[str, int]] = set()
        self._strings, self._dates, self._left = strings, dates, left
        self._zero = dt.datetime(1904, 1, 1) if from_1904 else dt.datetime(1899, 12, 30)
        self._row = self._column = 0
        self._kind = self._style = ""
        self._text: list[str] = []
        self._formula: list[str] | None = None
        self._into: list[str] | None = None
        self._letters: dict[str, int] = {}

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._place(reference)
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._text, self._formula = [], None
        elif tag == "v" or (tag == "t" and self._kind == "inlineStr"):
            self._into = self._text
        elif tag == "f":
            self._formula = self._into = []
        elif tag == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
            if not 1 <= self._row <= _LAST_ROW:
                raise DamagedError
            if attributes.get("hidden") in ("1", "true"):
                self.around.add(("hidden-rows", 0))
        elif tag == "col" and attributes.get("hidden") in ("1", "true"):
            self.around.add(("hidden-columns", 0))
        elif tag == "mergeCell":
            first = re.match(r"[A-Z]{1,3}([0-9]{1,7})", attributes.get("ref", ""))
            self.around.add(("merged-cells", int(first[1]) if first else 0))
        elif tag == "sheetProtection" and attributes.get("sheet") in ("1", "true"):
            self.around.add(("protected", 0))

    def end(self, tag: str) -> None:
        if tag == "c":
            text = self._value()
            if text:
                self.rows.append(self._row)
                self.columns.append(self._column)
                self.texts.append(text)
                if len(self.texts) > self._left:
                    raise TooLargeError
        elif tag in ("v", "t", "f"):
            self._into = None

    def data(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def _place(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        if letters not in self._letters:
            if not re.fullmatch("[A-Z]{1,3}", letters):
                raise DamagedError
            column = 0
            for letter in letters:
                column = 26 * column + ord(letter) - 64
            if column > _LAST_COLUMN:
                raise DamagedError
            self._letters[letters] = column
        return self._letters[letters]

    def _value(self) -> str:
        if self._formula is not None:
            return "=" + "".join(self._formula)
        text = "".join(self._text)
        if not text:
            return ""
        if self._kind == "s":
            return self._strings[int(text)]
        if self._kind == "b":
            return "true" if text == "1" else "false"
        if self._kind == "d":
            return _WHOLE_ISO.sub(r"\1", text)
        if self._kind == "n" and self._dates and self._dates[int(self._style)]:
            return self._date(text)
        return text

    def _date(self, text: str) -> str:
        """A day counted from 1900 (which had no 29 February) or 1904, as ISO; a number that is no day stays one."""
        number = float(text)
        if not 0 <= number < 2_958_466:
            return text
        if self._zero.year == 1899 and number < 60:
            number += 1
        moment = self._zero + dt.timedelta(days=number)
        return moment.date().isoformat() if number == int(number) else moment.isoformat(" ", "seconds")
