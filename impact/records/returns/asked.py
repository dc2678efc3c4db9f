"""What a programme's definition says that its returns are held to: whom it is for, what it does and measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from impact.fields import Fields, read_definition
from impact.records.store import definition_files


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
    eligibility = top.table("eligibility")
    instruments = {}
    for item in top.tables("instruments"):
        scales = tuple(scale.text("name") for scale in item.tables("scales", least=1))
        instruments[item.text("name")] = (scales, item.number("low") or 0.0, item.number("high") or 0.0)
    return Asked(
        name,
        top.text("title"),
        eligibility.whole("age_low", low=0, optional=True),
        eligibility.whole("age_high", low=0, optional=True),
        eligibility.texts("sex"),
        tuple(item.text("name") for item in top.tables("interventions")),
        instruments,
    )
