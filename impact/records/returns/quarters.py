"""Calendar quarters as they are written: 2023-Q1 is January to March 2023."""

from __future__ import annotations

import re

import pandas as pd


def read_quarter(text: object) -> pd.Period | None:
    """The quarter, or None where the text is not one.

    Examples
    --------
    >>> read_quarter("2023-Q1").end_time.date().isoformat(), read_quarter("2023Q1")
    ('2023-03-31', None)
    """
    found = re.fullmatch(r"([0-9]{4})-Q([1-4])", str(text))
    return None if found is None else pd.Period(f"{found[1]}Q{found[2]}", freq="Q")


def written_quarter(quarter: pd.Period) -> str:
    """The quarter as the contract of the tables writes it."""
    return f"{quarter.year}-Q{quarter.quarter}"


def follows(one: str, two: str) -> bool:
    """Whether one quarter, as it is written, comes right before the other.

    Examples
    --------
    >>> follows("2022-Q4", "2023-Q1"), follows("2023-Q1", "2022-Q4")
    (True, False)
    """
    return 4 * int(one[:4]) + int(one[-1]) + 1 == 4 * int(two[:4]) + int(two[-1])
