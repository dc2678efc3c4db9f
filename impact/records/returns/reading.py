"""A return becomes sheets of cells; a file that cannot be read safely becomes findings, never a crash."""

from __future__ import annotations

import csv
import io
import mmap
import re
from pathlib import Path

from impact.records.returns.rules import Found
from impact.records.returns.sheets import MOST_CELLS, Sheet, TooLargeError, sheet_of_rows
from impact.records.returns.workbook import read_workbook

LARGEST_FILE = 64 << 20
_OTHER_FILES = (b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8", b"GIF8", b"<!DOCTYPE", b"<html", b"MZ", b"\x1f\x8b", b"7z")
_TWO_BYTES = re.compile("[\u0080-\ud7ff\ue000-\uffff]")


def read(path: Path, name: str) -> tuple[list[Sheet], list[Found]]:
    """The sheets of a workbook, or the one sheet `name` of a CSV file, and what stands in the way."""
    with path.open("rb") as file:
        start = file.read(16)
    if path.stat().st_size > LARGEST_FILE:
        return [], [Found("too-large")]
    if not start.strip():
        return [], [Found("empty-file")]
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return [], [Found("password") if _encrypted(path) else Found("old-xls")]
    if start.startswith(b"PK\x03\x04"):
        try:
            return read_workbook(path)
        except TooLargeError:
            return [], [Found("too-large")]
        except Exception:  # whatever a damaged file makes the reader raise, it is one finding
            return [], [Found("damaged")]
    if start.startswith(_OTHER_FILES):
        return [], [Found("not-a-return")]
    return _csv(path, name)


def _encrypted(path: Path) -> bool:
    """Whether an older container holds a newer workbook behind a password: its directory then names the package."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return held.find("EncryptedPackage".encode("utf-16-le")) >= 0


def _csv(path: Path, name: str) -> tuple[list[Sheet], list[Found]]:
    raw = path.read_bytes()
    if b"\0" in raw or raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [], [Found("encoding")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        mixed = _TWO_BYTES.search(raw.decode("utf-8-sig", errors="surrogateescape"))
        return [], [Found("mixed-encodings" if mixed else "encoding")]
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            rows.append(row)
            cells += len(row)
            if cells > MOST_CELLS:
                return [], [Found("too-large")]
    except csv.Error:
        return [], [Found("quotes")]
    if rows and len(rows[0]) == 1 and re.search("[;\t|]", rows[0][0]):
        return [], [Found("separator")]
    width = max((len(row) for row in rows), default=0)
    if len(rows) * width > 4 * MOST_CELLS:
        return [], [Found("too-large")]
    return [sheet_of_rows(name, rows)], []
