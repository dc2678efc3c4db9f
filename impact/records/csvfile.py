"""What can be wrong with a CSV file before any cell is looked at: encoding, header, ragged rows."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

from impact.errors import SHOWN_ROWS, Fault
from impact.records.tables import Table

CHUNK = 1 << 20
SAVE_AGAIN = "open the original and save it again as 'CSV UTF-8 (comma delimited)'."
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def encoding_fault(path: Path, table: str) -> Fault | None:
    """The fault of a file that is not UTF-8 text (with or without its byte order mark), or None."""
    why = "names and places with accents would come out wrong, or records would be lost."
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    line, offset = 1, 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            if offset == 0:
                for mark, name in _WIDE_MARKS:
                    if chunk.startswith(mark):
                        return Fault(f"is saved as {name}, not UTF-8", table, why=why, remedy=SAVE_AGAIN)
            held = decoder.getstate()[0]
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += (held + chunk)[: error.start].count(b"\n")
                place = offset - len(held) + error.start + 1
                return Fault(
                    f"is not saved as UTF-8: the first byte that does not fit is byte {place:,}, on line {line:,}",
                    table,
                    rows=(line - 1,) if line > 1 else (),
                    count=1 if line > 1 else 0,
                    why=why,
                    remedy=SAVE_AGAIN,
                )
            if b"\0" in chunk:
                place = offset + chunk.index(b"\0") + 1
                return Fault(
                    f"holds a zero byte (byte {place:,}): it is saved as UTF-16, or damaged",
                    table,
                    why=why,
                    remedy=SAVE_AGAIN,
                )
            if not chunk:
                return None
            line += chunk.count(b"\n")
            offset += len(chunk)


def read_header(path: Path) -> list[str]:
    """The cells of the first line; empty where that line cannot be read."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            return next(csv.reader(file, strict=True), [])
        except csv.Error:
            return []


def header_faults(table: Table, header: list[str]) -> list[Fault]:
    """Faults of the column names: repeated, unknown, missing.

    A name that the contract does not know is shown only where it can be nothing but a name: where the first line is
    not a header, its cells are somebody's data.
    """
    known = [column.name for column in table.columns]
    found = Counter(header)
    enough = any(name in found for name in table.either)
    missing = [name for name in known if name not in found and not (enough and name in table.either)]
    unknown = [(place, name) for place, name in enumerate(header, start=1) if name not in known]
    if len(missing) == len(known):
        return [
            Fault(
                "has no column of the contract: its first line does not hold the column names",
                table.name,
                why="without names nobody can tell what a cell means.",
                remedy=f"begin with the line {','.join(known)} (commas between, one line).",
            )
        ]
    faults = [
        Fault(
            f"stands {count} times in the header",
            table.name,
            name,
            why="it is not clear which of them to believe.",
            remedy="keep one and delete the others.",
        )
        for name, count in found.items()
        if count > 1 and name in known
    ]
    faults += [
        Fault(
            "is missing",
            table.name,
            name,
            why=f"it should hold: {table.column(name).meaning}",
            remedy=f"add a column {name}"
            + ("." if table.column(name).required else "; its cells may be empty where nothing is known."),
        )
        for name in missing
    ]
    trusted = len(unknown) <= len(missing) or not missing
    for place, name in unknown:
        shown = trusted and re.fullmatch(r"[A-Za-z][A-Za-z0-9_ ]{0,39}", name) and not re.search(r"\d{3}", name)
        faults.append(
            Fault(
                "is not a column of the contract" if shown else f"has an unknown column, number {place} in its header",
                table.name,
                name if shown else "",
                why="data must never be ignored in silence.",
                remedy=f"delete it, or give it its name in the contract: {', '.join(known)}.",
            )
        )
    return faults


def shape_faults(path: Path, table: str, width: int) -> list[Fault]:
    """Why a CSV file could not be parsed: rows with too few or too many cells, a quotation mark left open."""
    rows: list[int] = []
    count = 0
    why = "every cell after the gap would be read into the wrong column."
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            next(reader, None)
            for number, cells in enumerate((row for row in reader if row), start=1):
                if len(cells) != width:
                    count += 1
                    if len(rows) < SHOWN_ROWS:
                        rows.append(number)
    except csv.Error:
        return [
            Fault(
                "holds a quotation mark that is never closed, or a cell too long to read",
                table,
                why="everything after it would be read as one cell.",
                remedy='put cells with commas or line breaks between "…", and write a quotation mark inside as "".',
            )
        ]
    if count:
        return [
            Fault(
                f"has rows that do not have {width} cells, as its header has",
                table,
                rows=tuple(rows),
                count=count,
                why=why,
                remedy='give every row as many commas as the header has; put text that holds a comma between "…".',
            )
        ]
    return [
        Fault(
            "cannot be read as comma-separated text",
            table,
            why=why,
            remedy="every line must end in the same way and quotation marks must come in pairs; " + SAVE_AGAIN,
        )
    ]
