"""The two aggregate forms of 2021/22: what their numbers may mean, and where they contradict each other."""

from __future__ import annotations

import re
from itertools import pairwise

from impact.records.returns.rules import Found
from impact.records.returns.sheets import Sheet

FORMS = ("old-2021", "online-2021")
POSTCODES = ("CH", "L", "PR", "WA", "WN")
"""Postcode areas in which Merseyside lies: Wirral in CH, Liverpool, Knowsley and Sefton in L, Southport in PR,
St Helens in WA and WN. A choice of this library from common knowledge, read from no official list; parts of them lie
outside Merseyside."""
_PLACE = re.compile(r"post ?code", re.I)
_OUTWARD = re.compile(r"([A-Za-z]{1,2})[0-9]")
_TOTAL = re.compile(r"(total|beneficiaries|number of people)", re.I)
_SEX = re.compile(r"\b(sex|gender)\b", re.I)
_BAND = re.compile(r"(?<!\d)(?:(\d{1,3})\s{0,3}[-–]\s{0,3}(\d{1,3})(?!\d)|(\d{1,3})\s{0,3}\+)")


def check_form(sheets: list[Sheet]) -> list[Found]:
    """Findings of a form of rows: section (empty: as above), category, number of people."""
    found: list[Found] = []
    for sheet in sheets:
        found += _check(sheet, f"number {sheet.place}" if len(sheets) > 1 else "")
    return found


def _check(sheet: Sheet, name: str) -> list[Found]:
    found: list[Found] = []
    places: dict[str, int] = {}
    section, of_places, numbers = "", False, 0
    sections: dict[str, list[tuple[int, str, int | None]]] = {}
    for row, cells in sheet.rows():
        own, category, told = (*(cell.strip() for cell in cells[:3]), "", "", "")[:3]
        if own:
            section, of_places = own, bool(_PLACE.search(own))
        number = _number(told)
        if told and number is None and row > 1:
            found.append(Found("word-for-number", name, row))
        if number is not None and number < 0:
            found.append(Found("out-of-range", name, row))
        if of_places and (outward := _OUTWARD.match(category)) and outward[1].upper() not in POSTCODES:
            found.append(Found("postcode-outside", name, row))
        numbers += number is not None
        places.setdefault(section, row)
        sections.setdefault(section, []).append((row, category, number))
    of_totals = {title: bool(_TOTAL.search(title)) for title in sections}
    of_sex = {title: bool(_SEX.search(title)) for title in sections}
    totals = [
        (row, n) for title, held in sections.items() if not of_sex[title] for row, c, n in held
        if n is not None and (of_totals[title] or _TOTAL.search(c))
    ]  # fmt: skip
    if not numbers:
        return [*found, Found("no-count-found", name)]
    found += [Found("total-zero", name, row) for row, n in totals if n == 0]
    for title, held in sections.items():
        filled = [(c.lower(), n) for _, c, n in held if n]
        added = sum(n for _, n in filled)
        row = places[title]
        if any("parent" in c for c, _ in filled) and any(_BAND.search(c) for c, _ in filled):
            people = sum(n for c, n in filled if _BAND.search(c))
            found.append(Found("ambiguous-total", name, row, value=f"{added} people or {people}"))
        elif (
            totals and filled and added != totals[0][1]
            and not of_totals[title] and not any(_TOTAL.search(c) for _, c, _ in held)
        ):  # fmt: skip
            banded = any(_BAND.search(c) for c, _ in filled)
            rule = "age-total-differs" if banded else "section-total-differs"
            rule = "sex-total-differs" if of_sex[title] else rule
            found.append(Found(rule, name, row, value=f"{added} of {totals[0][1]}"))
        bands = sorted(
            (int(m[1]), int(m[2])) if m[1] else (int(m[3]), 200) for _, c, _ in held if (m := _BAND.search(c))
        )
        found += [Found("overlapping-ages", name, row) for a, b in pairwise(bands) if b[0] <= a[1]]
    return found


def _number(held: str) -> int | None:
    text = held.removesuffix(".0")
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else None
