"""A copy of a return with its findings written on the cells, and a list of them all; the return is not changed."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from impact.errors import InputError
from impact.records.atomic import write_atomically
from impact.records.returns.archive import MARKER
from impact.records.returns.book import FONT, heading, page, without_clock
from impact.records.returns.cells import header_of
from impact.records.returns.copying import Row, dead, number_cell, shell, spliced, text_cell
from impact.records.returns.reading import ZIP, content_of, read_content
from impact.records.returns.sheets import Sheet
from impact.records.returns.template import TO_MEND, tables

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

Mark = tuple[int, int, str, str]
MOST_MARKS = 2_000
MOST_LISTED = 100_000
_TITLES = (
    ("what", 28),
    ("how serious", 14),
    ("sheet", 16),
    ("row", 10),
    ("column", 20),
    ("why it matters", 54),
    ("what to do", 54),
)
_SHADES = {"error": "F4B6A6", "warning": "FFF2C2"}


def mark(source: Path, digest: str, findings: pd.DataFrame, path: Path) -> None:
    """Write the copy.

    Raises
    ------
    InputError
        As `ReturnCheck.write_marked` says.
    """
    if path.suffix.lower() != ".xlsx":
        raise InputError("The marked copy is an Excel workbook: give a path that ends in .xlsx.")
    if not path.parent.is_dir():
        raise InputError("There is no such folder to write the marked copy to.")
    content = content_of(source) if source.is_file() else b""
    if content is not None and hashlib.sha256(content).hexdigest() != digest:
        raise InputError("The return has changed since it was checked: check it again, then mark it.")
    if path.exists() and path.samefile(source):
        raise InputError("The marked copy cannot take the place of the return: give it another path.")
    sheets = [sheet for sheet in read_content(content, source.stem)[0] if sheet.name != TO_MEND]
    if content is None or not sheets:
        raise InputError("No copy can be made of a return that cannot be read: the letter says why.")
    marks, left = _marks(findings, sheets)
    book, rest = _copy(content, marks) if content.startswith(ZIP) else _laid_out(sheets[0], marks)
    for sheet, own in zip(book.worksheets, marks.values(), strict=True):
        _comment(sheet, own)
    style = _inert(book)
    change = {name: partial(spliced, rows=[(n, dead(row, style)) for n, row in rows]) for name, rows in rest.items()}
    listed = _list(book, findings, left)
    change[book.worksheets[0].title] = partial(spliced, rows=listed)
    with _odd():
        made = without_clock(book, change)
    write_atomically(path, made)


@contextmanager
def _odd() -> Iterator[None]:
    """Whatever an odd workbook makes the package raise that reads and writes it here is the same to the caller."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        raise InputError("No copy can be made of this workbook: ask for one saved again as .xlsx.") from error


def _marks(findings: pd.DataFrame, sheets: list[Sheet]) -> tuple[dict[str, list[Mark]], int]:
    """What stands on which cell of each sheet, at most so many and errors first, and on how many more it would.

    What a whole column or sheet breaks stands at the sheet's header; what a whole file breaks, on its only sheet.
    """
    headers = {sheet.name: _header(sheet) for sheet in sheets}
    only = sheets[0].name if len(sheets) == 1 else ""
    words: dict[tuple[str, int, int], list[str]] = {}
    worst: dict[tuple[str, int, int], str] = {}
    held = findings[["sheet", "row", "column", "rule", "severity", "why", "ask"]]
    for name, row, column, rule, severity, why, ask in held.itertuples(index=False):
        on = name if name in headers else only
        if not on:
            continue
        top, places = headers[on]
        where = (on, int(row) or top, places.get(column) or (int(column) if column.isdecimal() else 1))
        words.setdefault(where, []).append(f"{_told(rule)}: {why} {ask}")
        worst[where] = "error" if "error" in (severity, worst.get(where)) else "warning"
    marked = sorted(words, key=lambda where: (worst[where], where))[:MOST_MARKS]
    marks: dict[str, list[Mark]] = {sheet.name: [] for sheet in sheets}
    for where in marked:
        marks[where[0]].append((*where[1:], worst[where], "\n".join(words[where])))
    return marks, len(words) - len(marked)


def _header(sheet: Sheet) -> tuple[int, dict[str, int]]:
    """The row of a sheet's column names, and the column of each; that of a sheet that is none of ours is its first."""
    table = next((table for table in tables() if table.name == sheet.name), None)
    at, header = (None, []) if table is None else header_of(sheet, [column.name for column in table.columns])
    if at is None:
        return 1, {}
    return int(sheet.numbers[at]), {title: place for place, title in reversed([*enumerate(header, start=1)]) if title}


def _copy(content: bytes, marks: dict[str, list[Mark]]) -> tuple[Workbook, dict[str, list[Row]]]:
    """A workbook of the rows that are marked, and its other rows by sheet."""
    from openpyxl import load_workbook

    made, rest = shell(content, {name: {row for row, *_ in own} for name, own in marks.items()})
    with _odd():
        book = load_workbook(io.BytesIO(made))
        if book.sheetnames != list(marks):
            raise ValueError("a sheet has a name that no spreadsheet gives")
    for sheet in book.worksheets:
        for cell in sheet._cells.values():
            if cell.data_type == "s" and str(cell.value).startswith("="):
                _as_text(cell)
    return book, rest


def _laid_out(held: Sheet, marks: dict[str, list[Mark]]) -> tuple[Workbook, dict[str, list[Row]]]:
    """The rows of a CSV file on a sheet, as text: a workbook of those that are marked, and the others."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    book = Workbook()
    sheet = book.active
    sheet.title = "return"
    letters = [get_column_letter(place) for place in range(1, len(held.columns) + 1)]
    needed = {row for row, *_ in marks[held.name]}
    rows = []
    for number, cells in held.rows():
        filled = [(letter, _plain(text)) for letter, text in zip(letters, cells, strict=True) if text]
        if number not in needed:
            told = "".join(text_cell(f"{letter}{number}", "dead:", text) for letter, text in filled)
            rows.append((number, f'<row r="{number}">{told}</row>'))
            continue
        for letter, text in filled:
            cell = sheet[f"{letter}{number}"]
            cell.value = text
            _as_text(cell)
    return book, {sheet.title: rows}


def _plain(text: str) -> str:
    """Text without the characters that a workbook cannot hold, at its greatest length."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped]

    return str(ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))[:32_767]


def _as_text(cell: object) -> None:
    cell.data_type = "s"  # type: ignore[attr-defined]
    cell.quotePrefix = True  # type: ignore[attr-defined]


def _inert(book: Workbook) -> int:
    """The style of a cell whose text a spreadsheet never takes for a formula."""
    from openpyxl.cell import Cell  # type: ignore[import-untyped]

    cell = Cell(book.create_sheet(), 1, 1)
    cell.quotePrefix = True
    style = int(cell.style_id)
    book.remove(cell.parent)
    return style


def _comment(sheet: Worksheet, marks: list[Mark]) -> None:
    """Write the marks on their cells; one on a merged cell stands on the first of those that it is merged with."""
    from openpyxl.comments import Comment  # type: ignore[import-untyped]
    from openpyxl.styles import Font, PatternFill  # type: ignore[import-untyped]

    for row, column, severity, text in marks:
        cell = sheet.cell(row, column)
        if type(cell).__name__ == "MergedCell":
            held = next(one for one in sheet.merged_cells.ranges if cell.coordinate in one)
            cell = sheet.cell(held.min_row, held.min_col)
        if cell.comment is not None:  # an earlier mark, at least as severe
            cell.comment.text += f"\n{text}"
            continue
        cell.fill = PatternFill("solid", start_color=_SHADES[severity])
        cell.font = Font(FONT, bold=cell.font.bold, color="000000")
        cell.comment = Comment(text, MARKER, width=320, height=18 * (2 + len(text) // 42))


def _told(rule: str) -> str:
    return rule.replace("-", " ").capitalize()


def _list(book: Workbook, findings: pd.DataFrame, unmarked: int) -> list[Row]:
    """A first sheet that lists the findings: its head, and its rows as they are put in between."""
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet(TO_MEND, 0)
    book.active = 0
    for other in book.worksheets[1:]:
        other.sheet_view.tabSelected = False
    said = [f"{len(findings):,} things to mend or look at. The cells concerned have a comment and a shade."]
    if unmarked:
        said.append(f"{unmarked:,} further cells have no comment: they are in this list alone.")
    if len(findings) > MOST_LISTED:
        said.append(f"The list ends after {MOST_LISTED:,}.")
    for row, text in enumerate(said, start=1):
        sheet.cell(row, 1, text).font = Font(FONT, bold=row == 1)
    top = len(said) + 2
    for place, (title, width) in enumerate(_TITLES, start=1):
        heading(sheet.cell(top, place, title), True)
        sheet.column_dimensions["ABCDEFG"[place - 1]].width = width
    sheet.freeze_panes = sheet.cell(top + 1, 1)
    page(sheet, landscape=True)
    cell = sheet.cell(top + 1, 1)
    cell.font, cell.alignment = Font(FONT), Alignment(wrap_text=True, vertical="top")
    style = cell.style_id
    del sheet._cells[(top + 1, 1)]
    rows = []
    listed = findings.head(MOST_LISTED)[["rule", "value", "severity", "sheet", "row", "column", "why", "ask"]]
    for number, (rule, value, severity, name, row, column, why, ask) in enumerate(
        listed.itertuples(index=False), start=top + 1
    ):
        told = f"{_told(rule)}: {value}" if value else _told(rule)
        texts = {"A": told, "B": severity, "C": name, "E": column, "F": why, "G": ask}
        cells = {letter: text_cell(f"{letter}{number}", style, text) for letter, text in texts.items() if text}
        if row:
            cells["D"] = number_cell(f"D{number}", style, row)
        rows.append((number, f'<row r="{number}">{"".join(cells[letter] for letter in sorted(cells))}</row>'))
    return rows
