"""One written form for each name, date, postcode and number, however it was typed."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd

_TITLES = frozenset(["mr", "mrs", "ms", "miss", "master", "dr", "prof", "rev", "sir", "lady"])
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "-": " ",
        "‐": " ",
        "–": " ",
    }
)
_NOBODY = frozenset(
    ["unknown", "unk", "n/a", "not known", "notknown", "not stated", "notstated", "anonymous", "anon", "test", "xx"]
) | {"xxx"}
NAME_OR_NOTHING = frozenset(["na", "nil", "none", "null"])
"""Names of people that others type where they know no name."""
_DATES = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[t ].*)?"), "ymd"),
    (re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})"), "ymd"),
    (re.compile(r"(\d{4})(\d{2})(\d{2})"), "ymd"),
    (re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})(?: .*)?"), "dmy"),
    (re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3})[a-z]*[ ,-]+(\d{4})"), "dby"),
)
_MONTHS = {
    name: place
    for place, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
_STAND_INS = frozenset({"1900-01-01", "1901-01-01", "1800-01-01", "9999-12-31"})
_POSTCODE = re.compile(r"[a-z]{1,2}\d[a-z\d]?\d[a-z]{2}")
_PNC = re.compile(r"(\d{2}|\d{4})/?(\d{1,7})([a-z])")
_SEXES = {"m": "male", "male": "male", "man": "male", "boy": "male", "1": "male", "f": "female"} | dict.fromkeys(
    ("female", "woman", "girl", "2"), "female"
)
CENTURY = 40
"""Two digits of a police number's year from which it is 19xx: a choice of this library."""


def name(text: str) -> str:
    """A name in small letters without accents, marks or titles, its parts in the order given.

    Hyphens part a name, apostrophes and stops do not; letters of other scripts stay. What says that the name is not
    known is nothing; Na, Nil, None and Null are names that people have.

    Examples
    --------
    >>> [name(text) for text in ("Dr. Zoë  O'Neill-SMITH", "ŁUKASZ", "Na", "N/A", "not known", "3")]
    ['zoe oneill smith', 'lukasz', 'na', '', '', '']
    """
    low = text.strip().casefold()
    if low in _NOBODY:
        return ""
    plain = unicodedata.normalize("NFKD", low.translate(_LETTERS)).translate(_LETTERS)
    kept = "".join(letter for letter in plain if letter.isalpha() or letter.isspace())
    parts = kept.split()
    while len(parts) > 1 and parts[0] in _TITLES:
        parts.pop(0)
    whole = " ".join(parts)
    return "" if whole in _NOBODY else whole


def any_order(text: str) -> str:
    """The parts of a name in the order of the alphabet, so that forename and surname may change places.

    Examples
    --------
    >>> any_order("Smith, John") == any_order("JOHN SMITH")
    True
    """
    return " ".join(sorted(name(text.replace(",", " ")).split()))


def date(text: str) -> str:
    """A date as YYYY-MM-DD; the day before the month where only digits stand; nothing where there is no such day.

    Days that stand in for an unknown date (1 January of 1800, 1900 or 1901, 31 December 9999) count as nothing.

    Examples
    --------
    >>> [date(text) for text in ("12/04/1995", "19950412", "12 April 1995", "1995-04-12 00:00:00", "31/02/1995")]
    ['1995-04-12', '1995-04-12', '1995-04-12', '1995-04-12', '']
    """
    low = text.strip().casefold()
    for pattern, order in _DATES:
        found = pattern.fullmatch(low)
        if found:
            parts = dict(zip(order, found.groups(), strict=True))
            month = _MONTHS.get(parts["b"], 0) if "b" in parts else int(parts["m"])
            try:
                written = dt.date(int(parts["y"]), month, int(parts["d"])).isoformat()
            except ValueError:
                return ""
            return "" if written in _STAND_INS else written
    return ""


def sex(text: str) -> str:
    """``male``, ``female`` or nothing: from words, letters, or 1 and 2 as the health service codes them."""
    return _SEXES.get(text.strip().casefold(), "")


def postcode(text: str) -> str:
    """A postcode in small letters without spaces: ``"L8 1XE"`` is ``"l81xe"``; O typed for 0 is mended."""
    tight = code(text)
    if len(tight) > 4 and tight[-3] == "o":
        tight = f"{tight[:-3]}0{tight[-2:]}"
    return tight


def is_uk_postcode(tight: str) -> bool:
    """Whether a postcode so written is a full one of the United Kingdom."""
    return bool(_POSTCODE.fullmatch(tight))


def code(text: str) -> str:
    """A number or code: letters and digits alone, in small letters."""
    return "".join(letter for letter in text.casefold() if letter.isalnum() and letter.isascii())


def police_id(text: str) -> str:
    """A Police National Computer number with four digits of year and seven of serial.

    Examples
    --------
    >>> [police_id(text) for text in ("95/123456X", "1995/0123456x", "1995/0123456X ", "none")]
    ['1995/0123456x', '1995/0123456x', '1995/0123456x', '']
    """
    found = _PNC.fullmatch("".join(text.split()).casefold())
    if not found:
        return ""
    year = found[1] if len(found[1]) == 4 else f"{19 if int(found[1]) >= CENTURY else 20}{found[1]}"
    return f"{year}/{int(found[2]):07d}{found[3]}"


def email(text: str) -> str:
    """An address of electronic mail in small letters; nothing without a single @."""
    low = "".join(text.split()).casefold()
    return low if low.count("@") == 1 and not low.startswith("@") and not low.endswith("@") else ""


def phone(text: str) -> str:
    """A telephone number as digits alone, 0 in the place of +44."""
    digits = "".join(letter for letter in text if letter.isascii() and letter.isdigit())
    for abroad in ("0044", "44"):
        if digits.startswith(abroad) and len(digits) > 10:
            digits = "0" + digits.removeprefix(abroad).removeprefix("0")
            break
    return digits if len(digits) >= 7 else ""


def place(text: str) -> str:
    """A place or address: words and numbers in small letters without accents or marks."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return " ".join(
        "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter)).split()
    )


NORMAL: dict[str, Callable[[str], str]] = {
    "forename": name,
    "surname": name,
    "name": any_order,
    "birth_date": date,
    "sex": sex,
    "postcode": postcode,
    "police_id": police_id,
    "number": code,
    "email": email,
    "phone": phone,
    "place": place,
    "address": place,
}
"""Each kind of identifier and its written form; ``name`` is a whole name, whose parts may stand in any order."""


def written(column: pd.Series, kind: str) -> np.ndarray:
    """A column in its written form: text, empty where nothing usable stands. Each distinct value is written once."""
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.dt.strftime("%Y-%m-%d")
    elif pd.api.types.is_float_dtype(column) and bool((column.dropna() % 1 == 0).all()):
        column = column.astype("Int64")
    codes, values = pd.factorize(column)
    forms = np.array([*(NORMAL[kind](str(value)) for value in values), ""], dtype=object)
    return forms[codes]
