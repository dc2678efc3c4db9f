"""What the workbooks written here share: headings, pages, and bytes that hold no time of their making."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

FONT = "Arial"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def heading(cell: Any, filled: bool) -> None:
    """A column's title, white on black where it must be filled in."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side  # type: ignore[import-untyped]

    cell.font = Font(FONT, bold=True, color="FFFFFF" if filled else "000000")
    if filled:
        cell.fill = PatternFill("solid", start_color="000000")
    cell.border = Border(*[Side(style="thin")] * 4)
    cell.alignment = Alignment(wrap_text=True, vertical="top")


def page(sheet: Worksheet, *, landscape: bool) -> None:
    """Print on A4, as wide as the page."""
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def without_clock(book: Workbook, change: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType({})) -> bytes:
    """The workbook's bytes with no time of its making, in its properties or in the archive around them.

    `change` says what becomes of the sheets that are to be changed once they are written, by their titles.
    """
    of_part = {f"xl/worksheets/sheet{n}.xml": change.get(one.title) for n, one in enumerate(book.worksheets, start=1)}
    book.properties.creator = "impact"
    book.properties.created = dt.datetime(*_EPOCH)
    made, kept = io.BytesIO(), io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"<dcterms:modified[^>]*>[^<]*</dcterms:modified>", b"", content)
            changed = of_part.get(name)
            if changed is not None:
                content = changed(content)
            part = zipfile.ZipInfo(name, _EPOCH)
            part.compress_type, part.create_system, part.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            new.writestr(part, content)
    return kept.getvalue()
