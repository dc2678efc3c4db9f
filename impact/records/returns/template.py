"""The template of an individual-level return: a workbook made from the definitions that the check goes by."""

from __future__ import annotations

import datetime as dt
import io
import re
import tomllib
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from impact.errors import InputError
from impact.records.atomic import write_atomically
from impact.records.dictionary import KINDS, allowed_values
from impact.records.returns.cells import EARLIEST, LIVE
from impact.records.store import definition_files
from impact.records.tables import TABLES, Column, Table

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.worksheet.datavalidation import DataValidation  # type: ignore[import-untyped]
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

FRONT = "About this return"
DEFINITIONS = "Definitions"
LAST_ROW = 1_048_576
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LIMIT = 10**15 - 1
_FORMATS = {"date": "yyyy-mm-dd", "whole": "0", "number": "General", "flag": "General"}
_FRONT_WIDTH = 76
_WIDTHS = (32, 18, 40, 15, 20, 46, 26)
_FONT = "Arial"


def write_template(path: str | Path, programme: str, *, definitions: str | Path | None = None) -> None:
    """Write the workbook that a programme fills in: a front page, definitions, and a sheet for each table.

    The same programme gives the same bytes. A file already there is replaced whole, or not at all.

    Parameters
    ----------
    path : str or Path
        Where to write it, ending in ``.xlsx``.
    programme : str
        The programme, by the name of its definition file.
    definitions : path, optional
        Folder of further programme definition files.

    Raises
    ------
    InputError
        The path does not end in .xlsx or its folder is not there, or there is no such programme.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pops.xlsx"
    >>> write_template(path, "pops")
    >>> from impact.records import check_return
    >>> check_return(path, programme="pops").ok
    True
    """
    path = Path(path)
    if path.suffix.lower() != ".xlsx":
        raise InputError("The template is an Excel workbook: give a path that ends in .xlsx.")
    if not path.parent.is_dir():
        raise InputError("There is no such folder to write the template to.")
    known = definition_files(definitions)
    if programme not in known:
        raise InputError(f"There is no programme {programme!r}; the programmes are: {', '.join(sorted(known))}.")
    title = tomllib.loads(known[programme].read_text(encoding="utf-8")).get("title", programme)
    write_atomically(path, _without_clock(_workbook(programme, str(title))))


@cache
def words() -> dict[str, Any]:
    """What the template says: its title, its sheets, the front page by heading, an example for each column."""
    return tomllib.loads(files("impact.records.returns").joinpath("template.toml").read_text(encoding="utf-8"))


def tables() -> list[Table]:
    """The tables that a programme fills in, in the order of the contract."""
    return [table for table in TABLES if table.name in words()["sheets"]]


def example(table: Table, column: Column, programme: str) -> Any:
    """The example of a column, as a cell holds it."""
    if column.name == "programme":
        return programme
    held = words()["examples"][table.name][column.name]
    return dt.date.fromisoformat(held) if column.kind == "date" else held


def _workbook(programme: str, title: str) -> Workbook:
    from openpyxl import Workbook

    book = Workbook()
    _front(book.active, programme, title)
    for table in tables():
        _table(book.create_sheet(table.name), table, programme)
    _definitions(book.create_sheet(DEFINITIONS), programme)
    return book


def _front(sheet: Worksheet, programme: str, title: str) -> None:
    from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped]

    sheet.title = FRONT
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = _FRONT_WIDTH
    lines: list[tuple[str, Font]] = [(title, Font(_FONT, bold=True, size=18)), (words()["title"], Font(_FONT, size=13))]
    lines.append((f"In the column programme write: {programme}", Font(_FONT, size=11)))
    for heading, sentences in words()["front"].items():
        lines += [
            ("", Font(_FONT, size=8)),
            (heading, Font(_FONT, bold=True, size=12)),
            *((line, Font(_FONT, size=11)) for line in sentences),
        ]
    for row, (line, font) in enumerate(lines, start=1):
        cell = sheet.cell(row, 1, line or None)
        cell.font = font
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = _height(1.4 * font.size, (line, _FRONT_WIDTH))
    _page(sheet, landscape=False)


def _height(line: float, *texts: tuple[str, int]) -> float:
    """The height of a row whose cells, each with its column's width, wrap: not every reader works it out."""
    return line * max(len(wrap(text, int(1.1 * width))) or 1 for text, width in texts)


def _table(sheet: Worksheet, table: Table, programme: str) -> None:
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    for place, column in enumerate(table.columns, start=1):
        letter = get_column_letter(place)
        _heading(sheet.cell(1, place, column.name), column.required or column.name in table.either[:1])
        held = sheet.column_dimensions[letter]
        held.number_format = _FORMATS.get(column.kind, "@")
        held.width = 60 if column.name == "text" else max(14, len(column.name) + 4)
        allowed = _limit(column, letter, programme)
        allowed.add(f"{letter}2:{letter}{LAST_ROW}")
        sheet.add_data_validation(allowed)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    _page(sheet, landscape=True)


def _heading(cell: Any, filled: bool) -> None:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    cell.font = Font(_FONT, bold=True, color="FFFFFF" if filled else "000000")
    if filled:
        cell.fill = PatternFill("solid", start_color="000000")
    cell.border = Border(*[Side(style="thin")] * 4)
    cell.alignment = Alignment(wrap_text=True, vertical="top")


def _limit(column: Column, letter: str, programme: str) -> DataValidation:
    """What a cell may hold, as the spreadsheet enforces it: the column's own rules in the check."""
    from openpyxl.worksheet.datavalidation import DataValidation

    cell = f"{letter}2"
    choices = (programme,) if column.name == "programme" else column.allowed
    if column.kind == "flag":
        choices = ("true", "false")
    if choices:
        how = {"type": "list", "formula1": '"' + ",".join(choices) + '"'}
    elif column.kind == "date":
        first = f"DATE({EARLIEST.year},{EARLIEST.month},{EARLIEST.day})"
        how = {"type": "date", "operator": "between", "formula1": first, "formula2": "TODAY()"}
    elif column.kind == "month":
        how = {
            "type": "custom",
            "formula1": f'AND(LEN({cell})=7,MID({cell},5,1)="-",ISNUMBER(VALUE(LEFT({cell},4))),'
            f"VALUE(RIGHT({cell},2))>=1,VALUE(RIGHT({cell},2))<=12)",
        }
    elif column.kind in ("whole", "number"):
        low = -_LIMIT if column.low is None else column.low
        high = _LIMIT if column.high is None else column.high
        kind = "whole" if column.kind == "whole" else "decimal"
        how = {"type": kind, "operator": "between", "formula1": f"{low:.0f}", "formula2": f"{high:.0f}"}
    else:
        how = {
            "type": "custom",
            "formula1": f'AND(TRIM({cell})={cell},ISERROR(FIND(LEFT({cell},1),"={LIVE}")))',
        }
    return DataValidation(
        **how,
        allow_blank=True,
        showInputMessage=True,
        showErrorMessage=True,
        promptTitle=column.name,
        prompt=column.meaning,
        errorTitle=column.name,
        error=_told(column, choices),
    )


def _told(column: Column, choices: tuple[str, ...]) -> str:
    if choices:
        return "Choose from the list."
    if column.kind == "date":
        return "Write a date as 2023-03-25, not one in the future."
    if column.kind == "text":
        return f"Begin with a letter or a digit, not with a space or one of = {' '.join(LIVE)}."
    return f"Write a {KINDS[column.kind]}{': ' + allowed_values(column) if allowed_values(column) else ''}."


def _definitions(sheet: Worksheet, programme: str) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter

    titles = ("sheet", "column", "meaning", "needed", "type", "allowed", "example")
    for place, (name, width) in enumerate(zip(titles, _WIDTHS, strict=True), start=1):
        _heading(sheet.cell(1, place, name), True)
        sheet.column_dimensions[get_column_letter(place)].width = width
    row = 1
    for table in tables():
        for first, column in enumerate(table.columns):
            row += 1
            needed = f"one of {' or '.join(table.either)}" if column.name in table.either else "yes"
            shown = example(table, column, programme)
            cells = (
                f"{table.name}: one row a {table.row}" if first == 0 else None,
                column.name,
                column.meaning,
                needed if column.required or column.name in table.either else "no",
                KINDS[column.kind],
                programme if column.name == "programme" else allowed_values(column) or None,
                str(shown).lower() if isinstance(shown, bool) else str(shown),
            )
            for place, value in enumerate(cells, start=1):
                cell = sheet.cell(row, place, value)
                cell.alignment = Alignment(wrap_text=True, vertical="top")
                cell.font = Font(_FONT, bold=place == 2)
                cell.border = Border(top=Side(style="medium" if first == 0 else "hair"))
            sheet.row_dimensions[row].height = _height(15, *zip([str(c or "") for c in cells], _WIDTHS, strict=True))
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    _page(sheet, landscape=True)


def _page(sheet: Worksheet, *, landscape: bool) -> None:
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _without_clock(book: Workbook) -> bytes:
    """The workbook's bytes with no time of its making, in its properties or in the archive around them."""
    book.properties.creator = "impact"
    book.properties.created = dt.datetime(*_EPOCH)
    made, kept = io.BytesIO(), io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"<dcterms:modified[^>]*>[^<]*</dcterms:modified>", b"", content)
            part = zipfile.ZipInfo(name, _EPOCH)
            part.compress_type, part.create_system, part.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            new.writestr(part, content)
    return kept.getvalue()
