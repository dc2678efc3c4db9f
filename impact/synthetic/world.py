"""The parameters of the world, read from `world.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

EPOCH = date(1970, 1, 1)


def day(value: date) -> int:
    """Days since 1970-01-01."""
    return (value - EPOCH).days


@dataclass(frozen=True, slots=True)
class World:
    """What the world is made of; `raw` is the file as read, by section."""

    raw: Mapping[str, Any]
    index_from: int
    index_to: int
    complete_to: int
    programmes: tuple[str, ...]

    def section(self, *names: str) -> Mapping[str, Any]:
        """A section by its dotted name."""
        part: Any = self.raw
        for name in names:
            part = part[name]
        return part

    def programme(self, name: str) -> Mapping[str, Any]:
        """The section of one programme."""
        return self.section("programme", name)

    def referred(self, name: str, people: int) -> int:
        """How many people a programme has referred to it in a world of that many people with a sentence."""
        size = int(self.programme(name)["referred"])
        scaled = round(size * people / int(self.raw["default_people"]))
        return max(scaled, int(self.raw["smallest_programme"]))


def read_world() -> World:
    """The world of `world.toml`."""
    raw = tomllib.loads(files("impact.synthetic").joinpath("world.toml").read_text(encoding="utf-8"))
    order = sorted(raw["programme"], key=lambda name: raw["programme"][name]["order"])
    return World(raw, day(raw["index_from"]), day(raw["index_to"]), day(raw["complete_to"]), tuple(order))
