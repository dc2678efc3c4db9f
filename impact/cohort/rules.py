"""What counts as a proven reoffence: a versioned rule set in a data file, by outcome and by offence group."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from impact.errors import DefinitionError
from impact.fields import Fields
from impact.frames import BoolArray, IntArray
from impact.records.tables import OFFENCE_GROUPS, TABLES

OUTCOMES = next(table for table in TABLES if table.name == "offence").column("outcome").allowed
LABELS = ("A", "B", "C", "R", "I", "own")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where one rule is from: `label` says how well it is known (A read at the source … R recalled, I inferred)."""

    rule: str
    label: str
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """A rule set: what proves an offence, and what is never a reoffence."""

    version: str
    title: str
    counted_outcomes: tuple[str, ...]
    not_counted_groups: tuple[str, ...]
    custody_within_days: int
    evidence: tuple[Evidence, ...]

    def counts(self, outcome: IntArray, group: IntArray) -> BoolArray:
        """Whether offences count, by the places of their outcome and group among the contract's; −1 is not known.

        An offence whose outcome is not known does not count; one whose group is not known does.
        """
        outcomes = np.append(np.isin(OUTCOMES, self.counted_outcomes), False)
        groups = np.append(~np.isin(OFFENCE_GROUPS, self.not_counted_groups), True)
        return outcomes[outcome] & groups[group]

    @property
    def left_out(self) -> str:
        """What is not counted, in words."""
        outcomes = [outcome for outcome in OUTCOMES if outcome not in self.counted_outcomes]
        return ", ".join(word.replace("_", " ") for word in (*outcomes, *self.not_counted_groups))


def reoffending_rules(path: str | Path | None = None) -> Rules:
    """The rule set of the library, or that of a file with the same keys.

    Raises
    ------
    DefinitionError
        With every mistake of the file at once.

    Examples
    --------
    >>> reoffending_rules().counted_outcomes
    ('conviction', 'caution')
    """
    if path is None:
        return _shipped()
    place = Path(path)
    try:
        return _read(place.read_text(encoding="utf-8"), place.name)
    except OSError as error:
        raise DefinitionError(f"The rule set {place.name} cannot be read.") from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"The rule set {place.name} is not UTF-8.") from error


@cache
def _shipped() -> Rules:
    name = "reoffending_rules.toml"
    return _read(resources.files("impact.cohort").joinpath(name).read_text(encoding="utf-8"), name)


def _read(text: str, name: str) -> Rules:
    try:
        fields = Fields(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"The rule set {name} is not TOML: {error}") from error
    result = Rules(
        version=fields.text("version"),
        title=fields.text("title"),
        counted_outcomes=fields.texts("counted_outcomes", allowed=OUTCOMES, least=1),
        not_counted_groups=fields.texts("not_counted_groups", allowed=OFFENCE_GROUPS),
        custody_within_days=fields.whole("custody_within_days", low=0) or 0,
        evidence=tuple(_evidence(entry) for entry in fields.tables("evidence", least=1)),
    )
    fields.close()
    if fields.faults:
        raise DefinitionError(f"The rule set {name} cannot be used:", fields.faults)
    return result


def _evidence(fields: Fields) -> Evidence:
    result = Evidence(fields.text("rule"), fields.text("label", allowed=LABELS), fields.text("source"))
    fields.close()
    return result
