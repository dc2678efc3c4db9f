"""The check of a programme's return: what to mend, in a table and in a letter; the file itself is only read."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from impact.errors import InputError
from impact.records.returns.asked import asked_of
from impact.records.returns.cells import Rows, check_sheet
from impact.records.returns.clean import clean_tables
from impact.records.returns.legacy import FORMS, check_form
from impact.records.returns.letter import letter
from impact.records.returns.marked import mark
from impact.records.returns.reading import content_of, read_content
from impact.records.returns.rows import check_rows
from impact.records.returns.rules import Found, rules
from impact.records.returns.sheets import Sheet
from impact.records.returns.template import PLAIN_SHEETS, tables
from impact.results import with_notes

COLUMNS = ["rule", "severity", "sheet", "row", "column", "value", "why", "ask"]


@dataclass(frozen=True, eq=False)
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
    clean : mapping of DataFrame
        The tables ready for the store, by name, in the contract's columns and types: the rows without an error. An
        error of a whole sheet or file sets all its rows aside, and a person set aside takes their rows on the other
        sheets with them. Empty for the aggregate forms, which hold no rows of people.
    set_aside : DataFrame
        One row a table: table, rows, clean, set_aside (the last two add up to rows).
    notes : tuple of str
        What was set aside, and what was not checked.
    """

    ok: bool
    findings: pd.DataFrame
    requests: str
    clean: Mapping[str, pd.DataFrame]
    set_aside: pd.DataFrame
    notes: tuple[str, ...]
    _source: Path = field(repr=False)
    _hash: str = field(repr=False)

    def tidy(self) -> pd.DataFrame:
        """The findings: rule, severity, sheet, row, column, value, why, ask."""
        return self.findings.copy()

    def write_marked(self, path: str | Path) -> None:
        """Write a copy of the return, as a workbook, with a comment on every cell to mend and a list of them all.

        The return itself is not changed. In the copy a formula is text, so that nothing runs; macros, pictures and
        links to other files are left out. Beyond the first 2,000 cells only the list goes on; it says so.

        Parameters
        ----------
        path : str or Path
            Where to write it, ending in ``.xlsx``; a file already there is replaced whole, or not at all.

        Raises
        ------
        InputError
            The path does not end in .xlsx, is the return itself or has no folder; the return has changed since the
            check; or it is so damaged that no copy can be made.
        """
        mark(self._source, self._hash, self.findings, Path(path))

    def __repr__(self) -> str:
        errors = int((self.findings["severity"] == "error").sum())
        warnings = len(self.findings) - errors
        head = (
            f"A return that {'can' if self.ok else 'cannot'} be used as it is: {errors:,} errors, {warnings:,} warnings"
        )
        return with_notes(head, self.notes)


def check_return(
    path: str | Path,
    *,
    form: str = "individual",
    programme: str | None = None,
    received_on: dt.date | None = None,
    areas: Collection[str] | None = None,
    definitions: str | Path | None = None,
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
        The programme that sent it, by the name of its definition file, which then says whom it is for and what it
        does and measures; without it that is not checked.
    received_on : date, optional
        The day it came; without it dates in the future are not looked for.
    areas : collection of str, optional
        The codes of the partnership's small areas (LSOA); without it areas elsewhere are not looked for.
    definitions : path, optional
        Folder of further programme definition files.

    Raises
    ------
    InputError
        There is no such file or form, or the file cannot be opened; `received_on` is no date, or `areas` one text.
    DefinitionError
        There is no such programme, or its definition file cannot be used.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "family.csv"
    >>> _ = path.write_text("person_id,related_id,relation\\nP1,P1,parent\\nP1,P2,child\\n")
    >>> checked = check_return(path)
    >>> checked.findings["rule"].tolist()
    ['tie-to-self']
    >>> checked.set_aside.to_dict("records")
    [{'table': 'family', 'rows': 2, 'clean': 1, 'set_aside': 1}]
    """
    path = Path(path)
    if form not in ("individual", *FORMS):
        raise InputError(f"form must be one of individual, {', '.join(FORMS)}.")
    if isinstance(areas, str):
        raise InputError("areas must be a list of codes of small areas, not one text.")
    if isinstance(received_on, dt.datetime):
        received_on = received_on.date()
    if not (received_on is None or isinstance(received_on, dt.date)):
        raise InputError("received_on must be a date, as datetime.date(2023, 6, 30).")
    if not path.is_file():
        raise InputError("There is no such file to check.")
    asked = None if programme is None else asked_of(programme, definitions)
    try:
        content = content_of(path)
    except OSError as error:
        raise InputError("The file cannot be opened: check that you may read it, and close it elsewhere.") from error
    sheets, found = read_content(content, path.stem)
    found = [replace(one, sheet=_shown(one.sheet, sheets)) for one in found]
    notes: list[str] = []
    held: dict[str, Rows] = {}
    if form in FORMS:
        found += check_form(sheets)
        if not (sheets or found):
            found.append(Found("no-count-found"))
        unused = {"programme": programme, "received_on": received_on, "areas": areas}
        notes += [f"{name} was not used: totals hold no rows of people." for name, given in unused.items() if given]
    else:
        held = _tables(sheets, found, received_on, areas)
        found += check_rows(held, asked)
        notes += [f"{what} not checked: {name} was not given." for what, name, given in (
            ("Dates in the future were", "received_on", received_on),
            ("The programme's name, its limits of age and sex, interventions and instruments were", "programme", asked),
            ("Areas outside the partnership's were", "areas", areas),
        ) if given is None]  # fmt: skip
    found.sort(key=lambda one: (one.sheet, one.row, one.column, one.rule))
    known = rules()
    frame = pd.DataFrame(
        [(f.rule, known[f.rule][0], f.sheet, f.row, f.column, f.value, *known[f.rule][1:]) for f in found],
        columns=COLUMNS,
    )
    clean, set_aside = clean_tables(held, frame)
    lost = int(set_aside["set_aside"].sum())
    if lost:
        notes.insert(0, f"{lost:,} of {int(set_aside['rows'].sum()):,} rows were set aside: an error stands in them.")
    ok = not (frame["severity"] == "error").any()
    digest = "" if content is None else hashlib.sha256(content).hexdigest()
    return ReturnCheck(ok, frame, letter(frame), clean, set_aside, tuple(notes), path, digest)


def _shown(name: str, sheets: list[Sheet]) -> str:
    """What a sheet is called in a finding: by its number where its name, which may be a person's, is not ours."""
    if not name or name in PLAIN_SHEETS or any(table.name == name for table in tables()):
        return name
    return next((f"number {sheet.place}" for sheet in sheets if sheet.name == name), name)


def _tables(
    sheets: list[Sheet], found: list[Found], received_on: dt.date | None, areas: Collection[str] | None
) -> dict[str, Rows]:
    """The rows of every table that the return holds; findings are added to those found."""
    known = {table.name: table for table in tables()}
    codes = None if areas is None else frozenset(areas)
    held: dict[str, Rows] = {}
    own = [sheet for sheet in sheets if sheet.name not in PLAIN_SHEETS]
    for sheet in own:
        if sheet.name not in known:
            found.append(Found("unknown-sheet", f"number {sheet.place}"))
            continue
        rows, faults = check_sheet(sheet, known[sheet.name], received_on=received_on, areas=codes)
        found += faults
        if rows is not None:
            held[sheet.name] = rows
    if not held and not any(rules()[one.rule][0] == "error" for one in found):
        found.append(Found("no-header"))
    return held
