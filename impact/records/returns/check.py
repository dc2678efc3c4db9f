"""The check of a programme's return: what to mend, in a table and in a letter; the file itself is only read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from impact.errors import InputError
from impact.records.returns.cells import check_rows, check_sheet
from impact.records.returns.legacy import FORMS, check_form
from impact.records.returns.reading import read
from impact.records.returns.rules import Found, rules
from impact.records.returns.template import DEFINITIONS, FRONT
from impact.records.tables import TABLES

COLUMNS = ["rule", "severity", "sheet", "row", "column", "value", "why", "ask"]


@dataclass(frozen=True)
class ReturnCheck:
    """What a check found.

    Attributes
    ----------
    ok : bool
        Whether nothing stops the return from being used; warnings may remain.
    findings : DataFrame
        One row a finding: rule, severity, sheet, row (as the spreadsheet numbers it, 0 for the whole sheet), column,
        value (empty unless it cannot identify anyone), why it matters, what to ask for.
    requests : str
        The letter to the programme, in plain English.
    notes : tuple of str
        What was not checked.
    """

    ok: bool
    findings: pd.DataFrame = field(repr=False)
    requests: str = field(repr=False)
    notes: tuple[str, ...] = ()


def check_return(
    path: str | Path, *, form: str = "individual", programme: str | None = None, received_on: dt.date | None = None
) -> ReturnCheck:
    """Check a return; its content never raises.

    Parameters
    ----------
    path : str or Path
        A workbook with a sheet for each table, or a CSV file named after its table (`referral.csv`).
    form : str
        ``"individual"``, or one of the aggregate forms of 2021/22, ``"old-2021"`` and ``"online-2021"``, as rows of
        section, category and number.
    programme : str, optional
        The programme that sent it; without it the programme's name is not checked.
    received_on : date, optional
        The day it came; without it dates in the future are not looked for.

    Raises
    ------
    InputError
        There is no such file, or no such form.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "family.csv"
    >>> _ = path.write_text("person_id,related_id,relation\\nP1,P1,parent\\n")
    >>> check_return(path).findings["rule"].tolist()
    ['tie-to-self']
    """
    path = Path(path)
    if form not in ("individual", *FORMS):
        raise InputError(f"form must be one of individual, {', '.join(FORMS)}.")
    if not path.is_file():
        raise InputError("There is no such file to check.")
    sheets, found = read(path, path.stem)
    notes: list[str] = []
    if form in FORMS:
        found += check_form(sheets)
    else:
        known = {table.name: table for table in TABLES}
        tables = {}
        for sheet in sheets:
            if sheet.name in (FRONT, DEFINITIONS):
                continue
            if sheet.name not in known:
                found.append(Found("unknown-sheet", sheet.name))
                continue
            rows, faults = check_sheet(sheet, known[sheet.name], received_on)
            tables[sheet.name] = (sheet.name, known[sheet.name], rows)
            found += faults
        if not tables and any(sheet.name not in (FRONT, DEFINITIONS) for sheet in sheets):
            found.append(Found("no-header", sheets[0].name))
        found += check_rows(tables, programme)
        if received_on is None:
            notes.append("Dates in the future were not looked for: received_on was not given.")
        if programme is None:
            notes.append("The programme's name was not checked: programme was not given.")
    found.sort(key=lambda one: (one.sheet, one.row, one.column, one.rule))
    held = rules()
    frame = pd.DataFrame(
        [(f.rule, held[f.rule][0], f.sheet, f.row, f.column, f.value, *held[f.rule][1:]) for f in found],
        columns=COLUMNS,
    )
    return ReturnCheck(not (frame["severity"] == "error").any(), frame, _letter(frame), tuple(notes))


def _letter(findings: pd.DataFrame) -> str:
    if findings.empty:
        return "Thank you for your return. Nothing in it needs mending."
    lines = ["Thank you for your return. Please mend what follows and send it again.", ""]
    for (rule, sheet, column), part in findings.groupby(["rule", "sheet", "column"], sort=True):
        where = ", ".join(x for x in (f"sheet {sheet}" if sheet else "", f"column {column}" if column else "") if x)
        numbers = [str(row) for row in part["row"] if row][:5]
        rows = f" (rows {', '.join(numbers)}{', …' if len(part) > len(numbers) else ''})" if numbers else ""
        first = part.iloc[0]
        value = f": {first['value']}" if first["value"] else ""
        lines.append(f"- {str(rule).replace('-', ' ').capitalize()}{value}. {where.capitalize()}{rows}")
        lines.append(f"  Why it matters: {first['why']} What to do: {first['ask']}")
    return "\n".join(lines)
