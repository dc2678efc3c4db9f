"""What a programme's definition says that its returns are held to: whom it is for, what it does and measures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from impact.errors import Fault
from impact.fields import Fields, read_definition
from impact.records.store import definition_files
from impact.records.tables import TABLES

_LISTED = re.compile(r"[^\W_]([\w '()/&.:-]*[\w)])?")
_WHY = "the template and the check of returns could not agree on it."
_REMEDY = "begin with a letter or digit, and use no comma or quotation mark."


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a definition for returns; `instruments` holds scales, lowest and highest reading by name."""

    name: str
    title: str
    age_low: int | None
    age_high: int | None
    sex: tuple[str, ...]
    interventions: tuple[str, ...]
    instruments: dict[str, tuple[tuple[str, ...], float, float]]


def asked_of(programme: str, definitions: str | Path | None) -> Asked:
    """What is asked of one programme.

    Raises
    ------
    DefinitionError
        There is no such programme, or with every mistake in this part of its definition file.
    """
    return read_definition(
        programme, lambda: definition_files(definitions), _asked, thing="programme", file="definition file"
    )


def _asked(name: str, top: Fields) -> Asked:
    title = top.text("title")
    if not title.isprintable() or title.startswith("="):
        top.fault("title", "cannot stand in a cell", why=_WHY, remedy=_REMEDY)
    if not _LISTED.fullmatch(name):
        top.faults.append(Fault("has a name that cannot stand in a list", f"{name}.toml", why=_WHY, remedy=_REMEDY))
    eligibility = top.table("eligibility")
    low = eligibility.whole("age_low", low=0, optional=True)
    high = eligibility.whole("age_high", low=0, optional=True)
    if low is not None and high is not None and high < low:
        eligibility.fault("age_high", "is below age_low", why="nobody could be of the right age.")
    sexes = next(table for table in TABLES if table.name == "person").column("sex").allowed
    return Asked(
        name,
        title,
        low,
        high,
        eligibility.texts("sex", allowed=sexes),
        tuple(_listed(item) for item in top.tables("interventions")),
        dict(_instrument(item) for item in top.tables("instruments")),
    )


def _instrument(item: Fields) -> tuple[str, tuple[tuple[str, ...], float, float]]:
    scales = tuple(_listed(scale) for scale in item.tables("scales", least=1))
    low, high = item.number("low") or 0.0, item.number("high") or 0.0
    if high <= low:
        item.fault("high", "is not above low", why="no reading could be right.")
    return _listed(item), (scales, low, high)


def _listed(item: Fields) -> str:
    """A name that the template can list in a cell, and that the check takes back as it stands."""
    name = item.text("name")
    if name.strip() and not _LISTED.fullmatch(name):
        item.fault("name", "cannot stand in a list of the template", why=_WHY, remedy=_REMEDY)
    return name
