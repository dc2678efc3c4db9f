"""The two aggregate forms of 2021/22: what their numbers may mean, and where they contradict each other."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from impact.records.returns.reading import Sheet
from impact.records.returns.rules import Found

FORMS = ("old-2021", "online-2021")
_TOTAL = re.compile(r"(total|beneficiaries|number of people)", re.I)
_SEX = re.compile(r"\b(sex|gender)\b", re.I)
_BAND = re.compile(r"(\d+)\s*[-–]\s*(\d+)|(\d+)\s*\+")


def check_form(sheets: list[Sheet]) -> list[Found]:
    """Findings of a form of rows: section (empty: as above), category, number of people."""
    found: list[Found] = []
    for sheet in sheets:
        found += _check(sheet)
    return found


def _check(sheet: Sheet) -> list[Found]:
    found: list[Found] = []
    places: dict[str, int] = {}
    section, numbers = "", 0
    sections: dict[str, list[tuple[int, str, int | None]]] = {}
    for row, cells in enumerate(sheet.rows, start=1):
        section = str(cells[0]).strip() if cells and cells[0] not in (None, "") else section
        category = str(cells[1]).strip() if len(cells) > 1 and cells[1] is not None else ""
        held = cells[2] if len(cells) > 2 else None
        number = _number(held)
        if number is None and held not in (None, "") and row > 1:
            found.append(Found("word-for-number", sheet.name, row))
        if number is not None and number < 0:
            found.append(Found("out-of-range", sheet.name, row))
        numbers += number is not None
        places.setdefault(section, row)
        sections.setdefault(section, []).append((row, category, number))
    totals = [
        (row, n) for name, held in sections.items() for row, c, n in held
        if n is not None and _TOTAL.search(f"{name} {c}") and not _SEX.search(name)
    ]  # fmt: skip
    if not numbers:
        return [*found, Found("no-count-found", sheet.name)]
    found += [Found("total-zero", sheet.name, row) for row, n in totals if n == 0]
    for name, held in sections.items():
        filled = [(c.lower(), n) for _, c, n in held if n]
        added = sum(n for _, n in filled)
        row = places[name]
        if any("parent" in c for c, _ in filled) and any(_BAND.search(c) for c, _ in filled):
            people = sum(n for c, n in filled if _BAND.search(c))
            found.append(Found("ambiguous-total", sheet.name, row, value=f"{added} people or {people}"))
        elif totals and filled and not any(_TOTAL.search(f"{name} {c}") for _, c, _ in held) and added != totals[0][1]:
            rule = "sex-total-differs" if _SEX.search(name) else "section-total-differs"
            found.append(Found(rule, sheet.name, row, value=f"{added} of {totals[0][1]}"))
        bands = sorted(
            (int(m[1]), int(m[2])) if m[1] else (int(m[3]), 200) for _, c, _ in held if (m := _BAND.search(c))
        )
        found += [Found("overlapping-ages", sheet.name, row) for a, b in pairwise(bands) if b[0] <= a[1]]
    return found


def _number(held: Any) -> int | None:
    text = str(held).strip().removesuffix(".0")
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None
