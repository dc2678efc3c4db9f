"""The template of an individual-level return: a workbook made from the definitions that the check goes by."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from impact.errors import InputError
from impact.records.atomic import write_atomically
from impact.records.dictionary import KINDS, allowed_values
from impact.records.returns.asked import Asked, asked_of
from impact.records.returns.book import FONT, heading, page, without_clock
from impact.records.returns.cells import EARLIEST, LIVE
from impact.records.tables import TABLES, Column, Table

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.worksheet.datavalidation import DataValidation  # type: ignore[import-untyped]
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

FRONT = "About this return"
DEFINITIONS = "Definitions"
TO_MEND = "To mend"
PLAIN_SHEETS = (FRONT, DEFINITIONS, TO_MEND)
LAST_ROW = 1_048_576
_LIMIT = 10**15 - 1
_LONGEST_LIST = 255
_FORMATS = {"date": "yyyy-mm-dd", "whole": "0", "number": "General", "flag": "General"}
_FRONT_WIDTH = 76
_WIDTHS = (32, 18, 40, 15, 20, 46, 26)


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
        The path does not end in .xlsx or its folder is not there.
    DefinitionError
        There is no such programme, or its definition file cannot be used.

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
    asked = asked_of(programme, definitions)
    write_atomically(path, without_clock(_workbook(asked)))


@cache
def words() -> dict[str, Any]:
    """What the template says: its title, its sheets, the front page by heading, an example for each column."""
    return tomllib.loads(files("impact.records.returns").joinpath("template.toml").read_text(encoding="utf-8"))


def tables() -> list[Table]:
    """The tables that a programme fills in, in the order of the contract."""
    return [table for table in TABLES if table.name in words()["sheets"]]


def example(table: Table, column: Column, asked: Asked) -> Any:
    """The example of a column, as a cell holds it; somebody whom the programme is for, and what it defines first."""
    first = next(iter(asked.instruments.items()), None)
    born = _born(asked)
    own: dict[str, Any] = {"programme": asked.name, "birth_date": born, "birth_month": f"{born:%Y-%m}"}
    if asked.sex:
        own["sex"] = asked.sex[0]
    if asked.interventions:
        own["intervention"] = asked.interventions[0]
    if first is not None:
        name, (scales, low, high) = first
        own |= {"instrument": name, "scale": scales[0], "score": (low + high) / 2}
    if column.name in own:
        return own[column.name]
    held = words()["examples"][table.name][column.name]
    return dt.date.fromisoformat(held) if column.kind == "date" else held


def _born(asked: Asked) -> dt.date:
    """The birth date of the example, moved by whole years until the age at its start lies in the programme's limits."""
    held = words()["examples"]
    born = dt.date.fromisoformat(held["person"]["birth_date"])
    begun = dt.date.fromisoformat(held["participation"]["started_on"])
    age = begun.year - born.year
    low, high = asked.age_low or 0, age if asked.age_high is None else asked.age_high
    return born.replace(year=begun.year - max(low, min(age, high)))


def choices(column: Column, asked: Asked) -> tuple[str, ...]:
    """The values a cell may hold: those of the contract, or of the programme's definition; none where it is free."""
    if column.kind == "flag":
        return ("true", "false")
    scales = (scale for scales, _, _ in asked.instruments.values() for scale in scales)
    own = {
        "programme": (asked.name,),
        "intervention": asked.interventions,
        "instrument": tuple(asked.instruments),
        "scale": tuple(dict.fromkeys(scales)),
    }
    return own.get(column.name, column.allowed)


def _workbook(asked: Asked) -> Workbook:
    from openpyxl import Workbook

    book = Workbook()
    _front(book.active, asked)
    for table in tables():
        _table(book.create_sheet(table.name), table, asked)
    _definitions(book.create_sheet(DEFINITIONS), asked)
    return book


def _front(sheet: Worksheet, asked: Asked) -> None:
    from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped]

    sheet.title = FRONT
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = _FRONT_WIDTH
    lines: list[tuple[str, Font]] = [
        (asked.title, Font(FONT, bold=True, size=18)),
        (words()["title"], Font(FONT, size=13)),
    ]
    lines.append((f"In the column programme write: {asked.name}", Font(FONT, size=11)))
    for title, sentences in words()["front"].items():
        lines += [
            ("", Font(FONT, size=8)),
            (title, Font(FONT, bold=True, size=12)),
            *((line, Font(FONT, size=11)) for line in sentences),
        ]
    for row, (line, font) in enumerate(lines, start=1):
        cell = sheet.cell(row, 1, line or None)
        cell.font = font
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = _height(1.4 * font.size, (line, _FRONT_WIDTH))
    page(sheet, landscape=False)


def _height(line: float, *texts: tuple[str, int]) -> float:
    """The height of a row whose cells, each with its column's width, wrap: not every reader works it out."""
    return line * max(len(wrap(text, int(1.1 * width))) or 1 for text, width in texts)


def _table(sheet: Worksheet, table: Table, asked: Asked) -> None:
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    for place, column in enumerate(table.columns, start=1):
        letter = get_column_letter(place)
        heading(sheet.cell(1, place, column.name), column.required or column.name in table.either[:1])
        held = sheet.column_dimensions[letter]
        held.number_format = _FORMATS.get(column.kind, "@")
        held.width = 60 if column.name == "text" else max(14, len(column.name) + 4)
        allowed = _limit(column, letter, asked)
        allowed.add(f"{letter}2:{letter}{LAST_ROW}")
        sheet.add_data_validation(allowed)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    page(sheet, landscape=True)


def _limit(column: Column, letter: str, asked: Asked) -> DataValidation:
    """What a cell may hold, as the spreadsheet enforces it: the column's own rules in the check."""
    from openpyxl.worksheet.datavalidation import DataValidation

    cell = f"{letter}2"
    listed = choices(column, asked)
    if len(",".join(listed)) > _LONGEST_LIST:
        listed = ()
    if listed:
        how = {"type": "list", "formula1": '"' + ",".join(listed) + '"'}
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
        error=_told(column, listed),
    )


def _told(column: Column, listed: tuple[str, ...]) -> str:
    if listed:
        return "Choose from the list."
    if column.kind == "date":
        return "Write a date as 2023-03-25, not one in the future."
    if column.kind == "text":
        return f"Begin with a letter or a digit, not with a space or one of = {' '.join(LIVE)}."
    return f"Write a {KINDS[column.kind]}{': ' + allowed_values(column) if allowed_values(column) else ''}."


def _definitions(sheet: Worksheet, asked: Asked) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter

    titles = ("sheet", "column", "meaning", "needed", "type", "allowed", "example")
    for place, (name, width) in enumerate(zip(titles, _WIDTHS, strict=True), start=1):
        heading(sheet.cell(1, place, name), True)
        sheet.column_dimensions[get_column_letter(place)].width = width
    row = 1
    for table in tables():
        for first, column in enumerate(table.columns):
            row += 1
            needed = f"one of {' or '.join(table.either)}" if column.name in table.either else "yes"
            shown = example(table, column, asked)
            cells = (
                f"{table.name}: one row a {table.row}" if first == 0 else None,
                column.name,
                column.meaning,
                needed if column.required or column.name in table.either else "no",
                KINDS[column.kind],
                allowed_values(column) or ", ".join(choices(column, asked)) or None,
                str(shown).lower() if isinstance(shown, bool) else str(shown),
            )
            for place, value in enumerate(cells, start=1):
                cell = sheet.cell(row, place, value)
                cell.alignment = Alignment(wrap_text=True, vertical="top")
                cell.font = Font(FONT, bold=place == 2)
                cell.border = Border(top=Side(style="medium" if first == 0 else "hair"))
            sheet.row_dimensions[row].height = _height(15, *zip([str(c or "") for c in cells], _WIDTHS, strict=True))
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    page(sheet, landscape=True)
