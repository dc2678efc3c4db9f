"""The rules of disclosure control, read from `disclosure.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from impact.errors import Fault, InputError

_SHARES = ("dominance_share", "p_percent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Thresholds of what may be published; `disclosure.toml` holds the defaults, with their meaning and sources.

    Examples
    --------
    >>> default_rules().minimum, default_rules().base
    (10, 5)
    """

    minimum: int
    base: int
    zeros: str
    width: int
    dominance_people: int
    dominance_share: float
    p_percent: float
    rate_each_side: int
    quantile_each_side: int
    plot_minimum: int
    curve_step: int
    curve_minimum: int
    curve_events: int

    def __post_init__(self) -> None:
        faults = [
            Fault(f"must be a whole number, 1 or more, not {value!r}", column=field.name)
            for field in fields(self)
            if field.name not in ("zeros", *_SHARES)
            and not (isinstance(value := getattr(self, field.name), int) and not isinstance(value, bool) and value >= 1)
        ]
        faults += [
            Fault(f"must be a share above 0 and not above 1, not {value!r}", column=name)
            for name in _SHARES
            if not (isinstance(value := getattr(self, name), int | float) and 0 < value <= 1)
        ]
        if self.zeros not in ("hide", "show"):
            faults.append(Fault(f"must be hide or show, not {self.zeros!r}", column="zeros"))
        if not faults:
            if self.minimum % self.base:
                faults.append(
                    Fault("must be a multiple of base, or a shown count could read as a hidden one", column="minimum")
                )
            if self.width > self.minimum - self.lowest:
                faults.append(Fault("asks for more values than a hidden count can have", column="width"))
        if faults:
            raise InputError("The rules of disclosure control cannot be used:", faults)

    @property
    def lowest(self) -> int:
        """The smallest count that is hidden."""
        return 0 if self.zeros == "hide" else 1

    def hides(self, count: float) -> bool:
        """Whether a count is shown as fewer than the minimum."""
        return self.lowest <= count < self.minimum

    def rounded(self, count: int) -> int:
        """The count to the nearest multiple of the base (a tie goes up)."""
        return (count + self.base // 2) // self.base * self.base

    def behind(self, shown: int) -> tuple[int, int]:
        """The smallest and largest count that is shown as `shown`."""
        if shown == 0:
            return 0, 0
        low = shown - self.base // 2
        return max(low, self.minimum), low + self.base - 1


@cache
def default_rules() -> Rules:
    """The rules that ship with the library."""
    return Rules(**{name: entry["value"] for name, entry in _entries().items()})


def rules_table() -> pd.DataFrame:
    """The shipped rules as a table: rule, value, meaning, label, source."""
    rows = [{"rule": name, **entry} for name, entry in _entries().items()]
    return pd.DataFrame(rows)[["rule", "value", "meaning", "label", "source"]]


def _entries() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("impact.evidence").joinpath("disclosure.toml").read_text(encoding="utf-8"))
