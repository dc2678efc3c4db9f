"""The rules of the check of a return, as data, and a finding of one of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to mend: its rule, where it is, and a value only where that cannot identify anyone."""

    rule: str
    sheet: str = ""
    row: int = 0
    column: str = ""
    value: str = ""


@cache
def rules() -> dict[str, tuple[str, str, str]]:
    """Every rule by its code: severity, why it matters, what to ask for."""
    text = files("impact.records.returns").joinpath("rules.toml").read_text(encoding="utf-8")
    return {code: (held[0], held[1], held[2]) for code, held in tomllib.loads(text).items()}
