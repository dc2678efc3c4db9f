"""The one way to write a CSV: no cell of it is live when a spreadsheet opens it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

_LIVE = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def defused(text: str) -> str:
    """A text with an apostrophe before it where a spreadsheet would take it for a formula.

    That is where it begins with =, +, -, @, a tab or a carriage return, whatever spaces stand before, and is no number.

    Examples
    --------
    >>> [defused(text) for text in ("=1+1", " @SUM(A1)", "-3.5", "+44 20", "a=b", "")]
    ["'=1+1", "' @SUM(A1)", '-3.5', "'+44 20", 'a=b', '']
    """
    live = _LIVE.match(text.lstrip(" \n")) and not _NUMBER.fullmatch(text.strip(" "))
    return f"'{text}" if live else text


def to_csv(frame: pd.DataFrame) -> str:
    """A table as CSV, its texts and column names defused, its numbers and dates as they are.

    Examples
    --------
    >>> to_csv(pd.DataFrame({"id": ["=A1", "b"], "weight": [-3.5, 2.0]}))
    "id,weight\\r\\n'=A1,-3.5\\r\\nb,2.0\\r\\n"
    """
    safe = frame.set_axis([defused(str(name)) for name in frame.columns], axis=1)
    for place, kind in enumerate(frame.dtypes):
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind)):
            cells = [defused(cell) if isinstance(cell, str) else cell for cell in frame.iloc[:, place]]
            safe.isetitem(place, np.array([*cells, None], dtype=object)[:-1])
    # With these line ends (RFC 4180) a carriage return inside a cell is put between quotation marks, and begins no row.
    return safe.to_csv(index=False, lineterminator="\r\n")
