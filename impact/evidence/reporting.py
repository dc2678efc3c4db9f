"""Reporting standards: each item beside what a run knows of it; what is not known stays blank and is never met."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from impact.frames import check_choice
from impact.results import with_notes

STANDARDS = ("RECORD", "STROBE", "TREND", "TIDieR", "EMMIE")
STATUSES = ("filled", "in part", "blank")


@dataclass(frozen=True, eq=False)
class Checklist:
    """A reporting standard beside what a run knows.

    Attributes
    ----------
    standard, citation : str
        The standard and where it was published.
    table : DataFrame
        See `tidy`.
    """

    standard: str
    citation: str
    table: pd.DataFrame

    @property
    def notes(self) -> tuple[str, ...]:
        """What the checklist is not."""
        return (
            "Items are in this library's words; the standard itself decides.",
            "Filled means that the run says something of all that is asked, not that an editor would call it met.",
        )

    def tidy(self) -> pd.DataFrame:
        """One row an item: ``number, section, item, status`` (filled, in part, blank), ``said``."""
        return self.table.copy()

    def counts(self) -> dict[str, int]:
        """How many items have each status."""
        return {status: int((self.table["status"] == status).sum()) for status in STATUSES}

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {status}" for status, count in self.counts().items())
        lines = [f"{self.standard} ({self.citation}): {told}"]
        lines += [f"{row['number']} {row['section']}: {row['status']}" for row in self.table.to_dict("records")]
        return with_notes("\n".join(lines), self.notes)


def fill_checklist(facts: Mapping[str, str], standard: str) -> Checklist:
    """A standard's items, filled from facts by name; an empty or missing fact leaves its items blank.

    Parameters
    ----------
    facts : mapping of str to str
        What is known, in words.
    standard : {"RECORD", "STROBE", "TREND", "TIDieR", "EMMIE"}

    Raises
    ------
    InputError
        Where the standard is none of these.

    Examples
    --------
    >>> fill_checklist({"name": "Mentoring"}, "TIDieR").counts()
    {'filled': 1, 'in part': 0, 'blank': 11}
    """
    check_choice("standard", standard, STANDARDS)
    content = _standard(standard)
    rows = []
    for item in content["items"]:
        wanted = item.get("facts", [])
        known = [facts[name].strip() for name in wanted if facts.get(name, "").strip()]
        whole = len(known) == len(wanted) and not item.get("part", False)
        status = "blank" if not known else "filled" if whole else "in part"
        rows.append((item["number"], item["section"], item["item"], status, " ".join(known)))
    table = pd.DataFrame(rows, columns=["number", "section", "item", "status", "said"])
    return Checklist(content["title"], content["citation"], table)


@cache
def _standard(name: str) -> dict[str, Any]:
    path = files("impact.evidence") / "standards" / f"{name.lower()}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
