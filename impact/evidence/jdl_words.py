"""The Justice Data Lab's rounding and sentences: numbers in, words out."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

SCALES = {"rate": 100.0, "frequency": 100.0, "days": 1.0}
"""Headlines count people or offences for every 100 people, and days."""
DECIMALS = {"rate": 0, "frequency": 2, "days": 0}
UNITS = {
    "rate": ("percentage point", "percentage points"),
    "frequency": ("offence", "offences"),
    "days": ("day", "days"),
}


@cache
def wording() -> dict[str, Any]:
    """The measures, rules and sentences of `jdl_wording.toml`."""
    return tomllib.loads(files("impact.evidence").joinpath("jdl_wording.toml").read_text(encoding="utf-8"))


def whole(value: float) -> int:
    """To the nearest whole number, halves away from zero; never minus zero.

    Examples
    --------
    >>> whole(2.5), whole(-2.5), whole(-0.2)
    (3, -3, 0)
    """
    return int(math.copysign(math.floor(abs(value) + 0.5 + 1e-9), value))


def fixed(value: float, places: int) -> str:
    """With so many decimals, halves away from zero, a true minus sign and no minus zero.

    Examples
    --------
    >>> fixed(-0.004, 2), fixed(0.125, 2), fixed(-1.5, 0)
    ('0.00', '0.13', '−2')
    """
    size = math.floor(abs(value) * 10**places + 0.5 + 1e-9) / 10**places
    text = f"{size:,.{places}f}"
    return f"−{text}" if value < 0 and size > 0 else text


def level_text(value: float, kind: str) -> str:
    """A level as a table prints it: rates in whole per cent, frequencies per person, days."""
    return f"{fixed(100 * value, 0)}%" if kind == "rate" else fixed(value, DECIMALS[kind])


def difference_text(estimate: float, low: float, high: float, kind: str) -> str:
    """A difference with its interval as a table prints it.

    Examples
    --------
    >>> difference_text(-0.12, -0.227, -0.013, "rate")
    '−12 (−23 to −1)'
    """
    scale = 100.0 if kind == "rate" else 1.0
    parts = [fixed(scale * value, DECIMALS[kind]) for value in (estimate, low, high)]
    return f"{parts[0]} ({parts[1]} to {parts[2]})"


def p_text(p: float) -> str:
    """A p-value at two decimals, and in words below 0.01."""
    return "less than 0.01" if p < 0.01 else fixed(p, 2)


def adds_up(treated: float, comparison: float, estimate: float, kind: str) -> bool:
    """Whether the rounded difference is the difference of the rounded levels."""
    scale = 10 ** DECIMALS[kind] * (100.0 if kind == "rate" else 1.0)
    return whole(scale * treated) - whole(scale * comparison) == whole(scale * estimate)


def measured(kind: str, treated: float, estimate: float, words: dict[str, str]) -> str:
    """A line of the first box: what those who took part did, and how it differs from the comparison group."""
    text, scale = wording()["measured"], SCALES[kind]
    size = abs(whole(scale * estimate))
    fewer, more = ("earlier", "later") if kind == "days" else ("fewer", "more")
    parts = {
        "size": f"{size:,}",
        "side": fewer if estimate < 0 else more,
        "of_people": words["person"] if size == 1 else words["people"],
        "offences": "offence" if size == 1 else "offences",
        "days": "day" if size == 1 else "days",
    }
    difference = text[f"{kind}_difference"].format(**parts) if size else text["similar"]
    level, each = f"{whole(scale * treated):,}", fixed(treated, 1)
    return str(text[kind].format(level=level, each=each, difference=difference, **words))


def estimated(kind: str, low: float, high: float, words: dict[str, str], needed: str = "") -> str:
    """A line of the second box: what the interval says, and how many people it would take where it does not tell."""
    text, scale = wording()["estimated"], SCALES[kind]
    subject = text[kind].format(**words)
    down, up = ("shorter", "longer") if kind == "days" else ("lower", "higher")
    units = {"rate": words["people"], "frequency": "offences", "days": "days"}[kind]
    if low > 0 or high < 0:
        near, far = sorted((abs(whole(scale * low)), abs(whole(scale * high))))
        form = "told_alike" if near == far else "told"
        return str(
            text[form].format(
                subject=subject, side=down if high < 0 else up, near=near or "less than 1", far=far, units=units
            )
        )
    parts = {"down": down, "up": up, "fall": abs(whole(scale * low)), "rise": whole(scale * high), "units": units}
    return str(text["untold"].format(subject=subject, **parts, **words)) + needed


def needed_words(significance: int | None, power: int | None, words: dict[str, str]) -> str:
    """How many people would be needed, by both readings."""
    text = wording()["estimated"]
    if significance is None or power is None or power > 1_000_000:
        return str(text["never_needed"].format(**words))
    return str(text["needed"].format(significance=f"{significance:,}", power=f"{power:,}", **words))
