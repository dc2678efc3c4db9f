"""The guard of direct identifiers: a column that looks like one is refused, by its header and by what it holds."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from impact.errors import SHOWN_ROWS, Fault
from impact.records.linkage.nicknames import FORENAMES, SURNAMES
from impact.records.linkage.normal import name

_HEADERS = {
    "a name": r"(first|given|middle|fore|sur|family|last|full|maiden|client|person|offender|nominal|known)[_ ]?names?"
    r"|names?|initials?|alias(es)?|aka|next[_ ]of[_ ]kin",
    "an address": r"(home[_ ]|current[_ ])?address([_ ]?(line)?[_ ]?\d)?|street([_ ](name|number))?"
    r"|house([_ ](name|number))?",
    "a full postcode": r"(home[_ ])?post[_ ]?code|zip([_ ]?code)?",
    "a number of the health service": r"nhs([_ ]?(number|no|num|id))?",
    "a police number": r"pnc([_ ]?(id|number|no|num))?|cro([_ ]?(number|no))?|arrest[_ ]?summons([_ ]?(number|no))?",
    "a prison number": r"(nomis|prison|noms)([_ ]?(id|number|no|num))",
    "a National Insurance number": r"nino|ni[_ ]?(number|no)|national[_ ]insurance([_ ]?(number|no))?",
    "an e-mail address": r"e[_ -]?mail([_ ]?address)?",
    "a telephone number": r"(tele|home[_ ])?phone([_ ]?(number|no))?"
    r"|mobile([_ ]?(phone|number|no))*|tel([_ ]?(number|no))?",
}
_HEADERS_READ = {what: re.compile(pattern) for what, pattern in _HEADERS.items()}
_CONTENT = {
    "an e-mail address": r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[a-z]{2,}",
    "a telephone number": r"(?<![\w./-])(?:\+44 ?\(?0?\)?|\(?0)[1-9](?:[ ()-]{0,2}\d){8,9}(?![\w/-])",
    "a full postcode": r"(?<!\w)(?:gir ?0aa"
    r"|[a-pr-uwyz](?:\d{1,2}|[a-hk-y]\d{1,2}|\d[a-hjkstuw]|[a-hk-y]\d[abehmnprv-y])"
    r" ?\d[abd-hjlnp-uw-z]{2})(?!\w)",
    "a police number": r"(?<![\w/])(?:19|20)?\d{2}/\d{4,7}[a-hj-np-rt-z](?!\w)",
    "a prison number": r"(?<!\w)[a-z]\d{4}[a-z]{2}(?!\w)",
    "a National Insurance number": r"(?<!\w)[a-ceghj-prtwxyz][a-ceghj-nprtwxyz] ?\d{2} ?\d{2} ?\d{2} ?[a-d](?!\w)",
}
_CONTENT_READ = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in _CONTENT.items()}
_HINT = re.compile(r"@|\d")
_SHARE_OF_NAMES, _FEWEST_NAMES = 0.3, 3
_SHARE_OF_NUMBERS, _LONGEST_NAME = 0.5, 40
"""From which share of distinct cells a column is one of names or numbers: choices of this library, by which none of the
contract's own tables is taken for one."""
_WHY = "the linked store holds pseudonyms; whoever reads it must not be able to tell who a person is."
_REMEDY = "delete the column, or name it among the identifiers of pseudonymise() or of the column map."


def direct_identifiers(frame: pd.DataFrame, table: str) -> list[Fault]:
    """A fault for each column that looks like a direct identifier: by header, or by what its cells hold.

    E-mail addresses, telephone numbers, full postcodes, police, prison and National Insurance numbers are found in any
    cell, inside text too; numbers of the health service by their check digit, where half the cells are such numbers;
    names where three distinct cells and three in ten of them are made of common forenames and surnames. A name inside a
    longer text, or a name that is common nowhere in England, is not found: nothing but reading finds those.

    Parameters
    ----------
    frame : DataFrame
    table : str
        What the faults call it.

    Returns
    -------
    list of Fault
        With rows and counts, never a value.

    Examples
    --------
    >>> faults = direct_identifiers(pd.DataFrame({"note": ["rang 0151 496 0000", "came"], "sex": ["m", "f"]}), "visits")
    >>> print(faults[0])
    visits, column note: holds a telephone number (1 row: 1)
        Why it matters: the linked store holds pseudonyms; whoever reads it must not be able to tell who a person is.
        What to do: delete the column, or name it among the identifiers of pseudonymise() or of the column map.
    """
    faults = []
    for place, header in enumerate(frame.columns):
        column = frame.iloc[:, place]
        by_header = next((what for what, pattern in _HEADERS_READ.items() if pattern.fullmatch(_header(header))), "")
        if by_header:
            faults.append(Fault(f"looks by its header like {by_header}", table, str(header), why=_WHY, remedy=_REMEDY))
            continue
        codes, values = pd.factorize(column)
        found = _numbers(column) if pd.api.types.is_numeric_dtype(column) else _texts(values)
        for what, bad in found.items():
            rows = np.flatnonzero(np.append(bad, False)[codes]) + 1
            faults.append(
                Fault(
                    f"holds {what}",
                    table,
                    str(header),
                    tuple(int(row) for row in rows[:SHOWN_ROWS]),
                    len(rows),
                    _WHY,
                    _REMEDY,
                )
            )
    return faults


def _header(header: object) -> str:
    return re.sub(r"[\s.-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(header)).strip()).lower()


def _texts(values: pd.Index | np.ndarray) -> dict[str, np.ndarray]:
    """Which distinct texts hold what."""
    texts = [value if isinstance(value, str) else "" for value in values]
    found = {what: np.zeros(len(texts), dtype=bool) for what in _CONTENT_READ}
    health = np.zeros(len(texts), dtype=bool)
    for place, text in enumerate(texts):
        if _HINT.search(text):
            for what, pattern in _CONTENT_READ.items():
                if pattern.search(text):
                    found[what][place] = True
            digits = re.sub(r"[ -]", "", text)
            health[place] = len(digits) == 10 and digits.isdigit() and is_health_number(digits)
    if health.sum() > _SHARE_OF_NUMBERS * max(len(texts), 2):
        found["a number of the health service"] = health
    named = np.array([_is_name(text) for text in texts], dtype=bool)
    if named.sum() >= max(_FEWEST_NAMES, _SHARE_OF_NAMES * len(texts)):
        found["names of people"] = named
    return {what: bad for what, bad in found.items() if bad.any()}


def _is_name(text: str) -> bool:
    """Whether a text is one to four words of which the first is a common forename or surname."""
    if not text or len(text) > _LONGEST_NAME or "_" in text or not text[0].isalpha():
        return False
    parts = name(text).split()
    return 1 <= len(parts) <= 4 and (parts[0] in FORENAMES or parts[0] in SURNAMES)


def _numbers(column: pd.Series) -> dict[str, np.ndarray]:
    """Whether distinct numbers are those of the health service, or telephone numbers that lost their first 0."""
    _, values = pd.factorize(column)
    whole = np.asarray(values, dtype=float)
    big = (whole >= 1e9) & (whole < 1e10) & (whole % 1 == 0)
    if not big.any():
        return {}
    digits = [f"{int(value):010d}" if ten else "" for value, ten in zip(whole, big, strict=True)]
    health = np.array([bool(text) and is_health_number(text) for text in digits])
    mobile = np.array([text.startswith("7") for text in digits])
    found = {"a number of the health service": health, "a telephone number": mobile & ~health}
    return {what: bad for what, bad in found.items() if bad.sum() > _SHARE_OF_NUMBERS * max(len(whole), 2)}


def is_health_number(digits: str) -> bool:
    """Whether ten digits pass the check of the health service's numbers (modulus 11).

    Examples
    --------
    >>> is_health_number("9434765919"), is_health_number("9434765918")
    (True, False)
    """
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(digits[9])
