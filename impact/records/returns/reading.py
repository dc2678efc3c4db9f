"""A return becomes sheets of cells; a file that cannot be read safely becomes findings, never a crash."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path

from impact.records.returns.rules import Found
from impact.records.returns.sheetpart import LONGEST_CELL
from impact.records.returns.sheets import MOST_CELLS, DamagedError, Sheet, TooLargeError, sheet_of_rows
from impact.records.returns.workbook import read_workbook

LARGEST_FILE = 64 << 20
ZIP = b"PK\x03\x04"
_OTHER_FILES = (
    b"%PDF",
    b"{\\rtf",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"<",
    b"MZ",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"Rar!",
    b"PK\x05\x06",
)
_TWO_BYTES = re.compile("[\u0080-\ud7ff\ue000-\uffff]")
_MARK = b"\xef\xbb\xbf"


def read(path: Path, name: str) -> tuple[list[Sheet], list[Found]]:
    """The sheets of a workbook, or the one sheet `name` of a CSV file, and what stands in the way."""
    return read_content(content_of(path), name)


def content_of(path: Path) -> bytes | None:
    """The bytes of a file, read once, so that what is checked is what is hashed; None where it is too large."""
    with path.open("rb") as file:
        return None if os.fstat(file.fileno()).st_size > LARGEST_FILE else file.read()


def read_content(content: bytes | None, name: str) -> tuple[list[Sheet], list[Found]]:
    """As `read`, from the bytes of the file."""
    if content is None:
        return [], [Found("too-large")]
    if not content.removeprefix(_MARK).strip():
        return [], [Found("empty-file")]
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        # An older container that holds a newer workbook behind a password names the package in its directory.
        return [], [Found("password" if "EncryptedPackage".encode("utf-16-le") in content else "old-xls")]
    if content.startswith(ZIP):
        try:
            return read_workbook(content)
        except TooLargeError:
            return [], [Found("too-large")]
        except DamagedError:
            return [], [Found("damaged")]
    if content.removeprefix(_MARK).lstrip().startswith(_OTHER_FILES):
        return [], [Found("not-a-return")]
    return _csv(content, name)


def _csv(raw: bytes, name: str) -> tuple[list[Sheet], list[Found]]:
    if b"\0" in raw or raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [], [Found("encoding")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        mixed = _TWO_BYTES.search(raw.decode("utf-8-sig", errors="surrogateescape"))
        return [], [Found("mixed-encodings" if mixed else "encoding")]
    rows: list[list[str]] = []
    room = MOST_CELLS
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            rows.append(row)
            room -= max(len(row), 1)
            if room < 0:
                return [], [Found("too-large")]
            if max(map(len, row), default=0) > LONGEST_CELL:
                return [], [Found("quotes")]
    except csv.Error:
        return [], [Found("quotes")]
    if rows and len(rows[0]) == 1 and re.search("[;\t|]", rows[0][0]):
        return [], [Found("separator")]
    width = max((len(row) for row in rows), default=0)
    if len(rows) * width > 4 * MOST_CELLS:
        return [], [Found("too-large")]
    return [sheet_of_rows(name, rows)], []
