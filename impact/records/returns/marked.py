"""A copy of a return with its findings written on the cells, and a list of them all; the return is not changed."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from impact.errors import InputError
from impact.records.atomic import write_atomically
from impact.records.returns.archive import MARKER
from impact.records.returns.book import FONT, heading, page, without_clock
from impact.records.returns.cells import header_of
from impact.records.returns.reading import ZIP, content_of, read_content
from impact.records.returns.sheets import Sheet
from impact.records.returns.template import TO_MEND, tables

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

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
    sheets, _ = read_content(content, source.stem)
    if content is None or not sheets:
        raise InputError("No copy can be made of a return that cannot be read: the letter says why.")
    book = _copy(content) if content.startswith(ZIP) else _laid_out(sheets[0])
    _list(book, findings, _comment(book, findings, sheets))
    with _odd():
        made = without_clock(book)
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


def _copy(content: bytes) -> Workbook:
    """A workbook without what could run in it, and without an earlier list and earlier marks."""
    from openpyxl import load_workbook

    with _odd():
        book = load_workbook(io.BytesIO(content), keep_links=False)
    if TO_MEND in book.sheetnames:
        del book[TO_MEND]
    book.defined_names.clear()
    for sheet in book.worksheets:
        _deaden(sheet)
    return book


def _laid_out(held: Sheet) -> Workbook:
    """The rows of a CSV file on a sheet, as text."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "return"
    for number, cells in held.rows():
        for place, text in enumerate(cells, start=1):
            if text:
                sheet.cell(number, place).value = _plain(text)
                _as_text(sheet.cell(number, place))
    return book


def _plain(text: str) -> str:
    """Text without the characters that a workbook cannot hold, at its greatest length."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped]

    return str(ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))[:32_767]


def _as_text(cell: object) -> None:
    cell.data_type = "s"  # type: ignore[attr-defined]
    cell.quotePrefix = True  # type: ignore[attr-defined]


def _deaden(sheet: Worksheet) -> None:
    """Formulas become their text; links, pictures and tables over other data go, and earlier marks with them."""
    sheet.conditional_formatting = type(sheet.conditional_formatting)()
    sheet._images, sheet._charts, sheet._pivots = [], [], []
    sheet.defined_names.clear()
    for cell in sheet._cells.values():  # those that are there; a sheet may claim to have 17 thousand million
        if getattr(cell, "_hyperlink", None) is not None:
            cell.hyperlink = None
        if getattr(cell, "_comment", None) is not None:
            cell.comment = None
        if cell.data_type == "f":
            text = getattr(cell.value, "text", cell.value)
            cell.value = _plain(str(text))
            _as_text(cell)


def _comment(book: Workbook, findings: pd.DataFrame, sheets: list[Sheet]) -> int:
    """Write the findings on their cells; those of a column or sheet stand at its header. Returns how many are left."""
    from openpyxl.comments import Comment  # type: ignore[import-untyped]
    from openpyxl.styles import PatternFill  # type: ignore[import-untyped]

    words: dict[tuple[str, int, int], list[str]] = {}
    worst: dict[tuple[str, int, int], str] = {}
    titles = {sheet.title for sheet in book.worksheets}
    only = book.worksheets[0].title if len(titles) == 1 else ""
    headers = {sheet.name if sheet.name in titles else only: _header(sheet) for sheet in sheets}
    for sheet_of, row, column, rule, severity, why, ask in findings[
        ["sheet", "row", "column", "rule", "severity", "why", "ask"]
    ].itertuples(index=False):
        name = sheet_of if sheet_of in titles else only
        if not name:
            continue
        top, places = headers.get(name, (1, {}))
        place = places.get(column) or (int(column) if column.isdecimal() else 1)
        where = _visible(book[name], int(row) or top, place)
        words.setdefault(where, []).append(f"{_told(rule)}: {why} {ask}")
        worst[where] = "error" if "error" in (severity, worst.get(where)) else "warning"
    marked = sorted(words, key=lambda where: (worst[where], where))[:MOST_MARKS]
    for where in marked:
        name, row, column = where
        cell = book[name].cell(row, column)
        cell.fill = PatternFill("solid", start_color=_SHADES[worst[where]])
        text = "\n".join(words[where])
        cell.comment = Comment(text, MARKER, width=320, height=18 * (2 + len(text) // 42))
    return len(words) - len(marked)


def _visible(sheet: Worksheet, row: int, column: int) -> tuple[str, int, int]:
    """The cell itself, or the first of those that it is merged with."""
    if type(sheet._cells.get((row, column))).__name__ == "MergedCell":
        held = next(one for one in sheet.merged_cells.ranges if sheet.cell(row, column).coordinate in one)
        return sheet.title, held.min_row, held.min_col
    return sheet.title, row, column


def _header(sheet: Sheet) -> tuple[int, dict[str, int]]:
    """The row of a sheet's column names, and the column of each; that of a sheet that is none of ours is its first."""
    table = next((table for table in tables() if table.name == sheet.name), None)
    at, header = (None, []) if table is None else header_of(sheet, [column.name for column in table.columns])
    if at is None:
        return 1, {}
    return int(sheet.numbers[at]), {title: place for place, title in reversed([*enumerate(header, start=1)]) if title}


def _told(rule: str) -> str:
    return rule.replace("-", " ").capitalize()


def _list(book: Workbook, findings: pd.DataFrame, unmarked: int) -> None:
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
    for row, one in enumerate(findings.head(MOST_LISTED).to_dict("records"), start=top + 1):
        told = f"{_told(one['rule'])}: {one['value']}" if one["value"] else _told(one["rule"])
        cells = (told, one["severity"], one["sheet"], one["row"] or None, one["column"], one["why"], one["ask"])
        for place, value in enumerate(cells, start=1):
            cell = sheet.cell(row, place, value)
            cell.font, cell.alignment = Font(FONT), Alignment(wrap_text=True, vertical="top")
            if isinstance(value, str):
                cell.data_type = "s"
    sheet.freeze_panes = sheet.cell(top + 1, 1)
    page(sheet, landscape=True)
