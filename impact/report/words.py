"""Numbers and lists in words: how a chapter writes them. Nothing here decides what may be shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import pandas as pd

NOT_KNOWN = "–"
COVARIATE_TITLES = {
    "age": "Age",
    "sex": "Sex",
    "ethnicity": "Ethnic group",
    "district": "District",
    "imd_decile": "Deprivation decile of the area",
    "disposal": "Kind of sentence",
    "offence_group": "Kind of offence",
    "previous_offences": "Proven offences before",
    "previous_custody": "Spells in custody before",
    "contacts_before": "Police contacts in the year before",
    "needs_before": "Needs assessed by probation",
    "days_since_sentence": "Days since release or sentence",
}


def decimal(value: float, places: int = 1, *, signed: bool = False) -> str:
    """A number with fixed decimals, a true minus sign, and never a minus zero.

    Examples
    --------
    >>> decimal(-0.04), decimal(-2.25, 1), decimal(3.0, 0, signed=True), decimal(float("nan"))
    ('0.0', '−2.2', '+3', '–')
    """
    if math.isnan(value):
        return NOT_KNOWN
    text = f"{value:,.{places}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    elif signed and value > 0:
        text = f"+{text}"
    return text.replace("-", "−")


def interval(estimate: float, low: float, high: float, places: int = 1, *, scale: float = 1.0) -> str:
    """An estimate with its interval: ``−4 (−12 to 5)``.

    Examples
    --------
    >>> interval(-0.041, -0.12, 0.049, 0, scale=100)
    '−4 (−12 to 5)'
    """
    if math.isnan(estimate):
        return NOT_KNOWN
    parts = [decimal(scale * value, places) for value in (estimate, low, high)]
    return parts[0] if math.isnan(low) else f"{parts[0]} ({parts[1]} to {parts[2]})"


def probability(p: float) -> str:
    """A p-value at two decimals, three below 0.01.

    Examples
    --------
    >>> probability(0.034), probability(0.004), probability(0.0002)
    ('0.03', '0.004', 'under 0.001')
    """
    if math.isnan(p):
        return NOT_KNOWN
    if p < 0.001:
        return "under 0.001"
    return f"{p:.3f}" if p < 0.01 else f"{p:.2f}"


def month(day: date | pd.Timestamp) -> str:
    """A month in words: ``April 2021``."""
    return pd.Timestamp(day).strftime("%B %Y")


def long_date(day: date | pd.Timestamp) -> str:
    """A date in words: ``3 April 2021``."""
    stamp = pd.Timestamp(day)
    return f"{stamp.day} {stamp.strftime('%B %Y')}"


def listing(items: Sequence[str], last: str = "and") -> str:
    """Items as a list in a sentence, parted by semicolons where an item has a comma of its own.

    Examples
    --------
    >>> listing(["prison", "probation", "court"])
    'prison, probation and court'
    >>> listing(["health", "finance, benefit and debt"])
    'health; and finance, benefit and debt'
    """
    if len(items) < 2:
        return "".join(items)
    if any("," in item for item in items):
        return f"{'; '.join(items[:-1])}; {last} {items[-1]}"
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def exhibit_key(name: str) -> str:
    """A name from the data as an exhibit's key holds it: ``time_matters`` is ``time-matters``."""
    return name.replace("_", "-")


def title(name: str) -> str:
    """A name from the data as words with a capital: ``drugs_alcohol`` is ``Drugs alcohol``."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def lower_first(text: str) -> str:
    """The text with a small first letter, unless it starts with an abbreviation."""
    return text if len(text) > 1 and text[1].isupper() else text[:1].lower() + text[1:]


def sentence(text: str) -> str:
    """The text with a capital first letter and one full stop."""
    stripped = text.strip()
    ended = stripped if stripped.endswith((".", "!", "?")) else f"{stripped}."
    return ended[:1].upper() + ended[1:]


def covariate_title(name: str) -> str:
    """What is on record of people, in words; a level stands after a colon.

    Examples
    --------
    >>> covariate_title("sex[male]"), covariate_title("needs_before")
    ('Sex: male', 'Needs assessed by probation')
    """
    if name.startswith("assessment:"):
        return name.split(":")[-1].replace("_", " ").capitalize()
    base, _, level = name.partition("[")
    words = COVARIATE_TITLES.get(base, base.replace("_", " ").capitalize())
    return f"{words}: {level.rstrip(']').removeprefix('T.')}" if level else words


def mean_of(value: float) -> str:
    """A mean at one decimal, two below 1.

    Examples
    --------
    >>> mean_of(12.34), mean_of(0.126)
    ('12.3', '0.13')
    """
    return decimal(float(value), 1 if abs(value) >= 1 else 2)
