"""The sentences of the claims gate, and the lock that lets a design print only the kinds that it permits."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def wording() -> dict[str, Any]:
    """What `wording.toml` holds."""
    return tomllib.loads(files("impact.evidence").joinpath("wording.toml").read_text(encoding="utf-8"))


def permitted(sentences: Sequence[Mapping[str, Any]], level: int) -> list[Mapping[str, Any]]:
    """The sentences whose kind the Maryland level permits, 0 where there is none."""
    kinds = wording()["permitted"][str(level)]
    return [entry for entry in sentences if entry["kind"] in kinds and entry.get("only", level) == level]


def filled(sentences: Sequence[Mapping[str, Any] | str], words: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences with their words filled in, each begun with a capital."""
    told = [(one if isinstance(one, str) else one["text"]).format(**words) for one in sentences]
    return tuple(text[:1].upper() + text[1:] for text in told)
