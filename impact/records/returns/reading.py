"""A return becomes sheets of cells; a file that cannot be read safely becomes findings, never a crash."""

from __future__ import annotations

import csv
import io
import mmap
import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impact.records.returns.rules import Found

LARGEST = 256 << 20
LARGEST_CSV = 512 << 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name and its rows of cells as they lie, the first the header."""

    name: str
    rows: list[tuple[Any, ...]]


def read(path: Path, name: str) -> tuple[list[Sheet], list[Found]]:
    """The sheets of a workbook, or the one sheet `name` of a CSV file, and what stands in the way."""
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return [], [Found("password") if _encrypted(path) else Found("old-xls")]
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path)
    if path.stat().st_size > LARGEST_CSV:
        return [], [Found("too-large")]
    if start.startswith((b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8")):
        return [], [Found("not-a-return")]
    return _csv(path, name)


def _encrypted(path: Path) -> bool:
    """Whether an older container holds a newer workbook behind a password: its directory then names the package."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return held.find("EncryptedPackage".encode("utf-16-le")) >= 0


def _csv(path: Path, name: str) -> tuple[list[Sheet], list[Found]]:
    raw = path.read_bytes()
    if b"\0" in raw:
        return [], [Found("encoding", name)]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [Found("encoding", name)]
    try:
        rows: list[tuple[Any, ...]] = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error:
        return [], [Found("damaged", name)]
    return [Sheet(name, rows)], []


def _workbook(path: Path) -> tuple[list[Sheet], list[Found]]:
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(path) as held:
            parts = held.infolist()
            if sum(part.file_size for part in parts) > LARGEST or len(parts) > 5000:
                return [], [Found("too-large")]
            if any(part.flag_bits & 1 for part in parts):
                return [], [Found("password")]
            names = [part.filename.lower() for part in parts]
            if not any(part.startswith("xl/") for part in names):
                return [], [Found("not-a-return")]
            for part in parts:
                with held.open(part) as file:
                    if re.search(rb"<!(DOCTYPE|ENTITY)", file.read(4096)):
                        return [], [Found("damaged")]
        found = [Found("macros")] if any("vbaproject" in part for part in names) else []
        found += [Found("external-links")] if any("externallinks/" in part for part in names) else []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(path, keep_links=False)
            sheets = []
            for sheet in book.worksheets:
                if sheet.sheet_state != "visible":
                    found.append(Found("hidden-sheet", sheet.title))
                found += [Found("merged-cells", sheet.title, span.min_row) for span in sheet.merged_cells.ranges]
                if sheet.max_column * sheet.max_row > 20_000_000:
                    return [], [*found, Found("too-large", sheet.title)]
                sheets.append(Sheet(sheet.title, list(sheet.iter_rows(values_only=True))))
    except Exception:  # whatever a damaged file makes the reader raise, it is one finding
        return [], [Found("damaged")]
    return sheets, found
