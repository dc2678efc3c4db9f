"""How exhibits are named, and the numbers in them: each found, or given, as the text that is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from impact.errors import Fault, ReportError

KEY = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"
REFERENCE = re.compile(rf"(?<![\w@/.\\])@({KEY})")
NUMBER = re.compile(r"(?<![\w.])[−-]?£?\d[\d,]*(?:\.\d+)?%?")
HYPHEN = re.compile(r"(?<![\w–-])-(?=£?\d)")

Numbers = Mapping[str, Mapping[str, str]]


def true_minus(text: str) -> str:
    """The text with a minus sign where a hyphen stood before a number.

    Examples
    --------
    >>> true_minus("-3.4 points in 2022-23")
    '−3.4 points in 2022-23'
    """
    return HYPHEN.sub("−", text)


def keys_in_brackets(text: str) -> str:
    """The text with each key as a reader of plain text sees it."""
    return REFERENCE.sub(r"[\1]", text)


def with_words(numbers: Numbers, **words: str) -> Numbers:
    """The numbers, and those found in words that none of them already holds."""
    found_before = {f"({part})" for part in words}
    given = {
        row: {column: true_minus(cell) for column, cell in cells.items()}
        for row, cells in numbers.items()
        if row not in found_before
    }
    held = {cell for cells in given.values() for cell in cells.values()}
    for part, text in words.items():
        found = [number.rstrip(",") for number in NUMBER.findall(REFERENCE.sub("", text))]
        if left := [number for number in found if number not in held]:
            given[f"({part})"] = {f"number {place}": number for place, number in enumerate(left, start=1)}
    return given


def key_faults(key: str, **words: str) -> list[Fault]:
    """What is wrong with a key, and which of the words that an exhibit needs are missing."""
    faults = []
    if not re.fullmatch(KEY, key):
        remedy = "use small letters, digits, hyphens and underscores, beginning with a letter."
        faults.append(Fault("is not a key that can be referred to", table=repr(key), remedy=remedy))
    for part, text in words.items():
        if not isinstance(text, str) or not text.strip():
            faults.append(Fault(f"has no {part}", table=key))
    return faults


def number_faults(key: str, numbers: Numbers) -> Sequence[Fault]:
    """Whether every number is text, as it is shown."""
    shown = [cell for cells in numbers.values() for cell in cells.values()]
    if all(isinstance(cell, str) for cell in shown):
        return []
    return [Fault("has numbers that are not text", table=key, remedy="give each number as it is shown.")]


def refuse(faults: Sequence[Fault]) -> None:
    """Raise what was found."""
    if faults:
        raise ReportError("An exhibit cannot be used:", faults)
