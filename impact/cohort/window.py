"""Lengths of follow-up and waiting: so many days, or so many months of the calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from impact.errors import Fault
from impact.frames import IntArray

_WRITTEN = re.compile(r"(\d{1,4}) (day|month|year)s?")
_MOST_MONTHS = 1200


@dataclass(frozen=True, slots=True)
class Window:
    """A length of time; months end on the same day of a later month, or on its last day where it has none."""

    length: int
    unit: Literal["days", "months"]

    def end(self, start: IntArray) -> IntArray:
        """The last day of a window that begins after each day of `start` (days since 1970-01-01).

        Examples
        --------
        >>> day = np.array(["2020-01-31", "2020-02-29"], dtype="datetime64[D]").astype(np.int64)
        >>> Window(1, "months").end(day).astype("datetime64[D]").tolist()
        [datetime.date(2020, 2, 29), datetime.date(2020, 3, 29)]
        """
        if self.unit == "days":
            return start + self.length
        day = start.astype("datetime64[D]")
        month = day.astype("datetime64[M]")
        of_month = (day - month).astype(np.int64)
        first, after = (
            (month + ahead).astype("datetime64[D]").astype(np.int64) for ahead in (self.length, self.length + 1)
        )
        return np.minimum(first + of_month, after - 1)

    def latest_start(self, last: int) -> int:
        """The latest day whose window ends by the day `last`."""
        if self.unit == "days":
            return last - self.length
        around = last - 31 * self.length + np.arange(-1, 4 * self.length + 5)
        return int(around[self.end(around) <= last].max())

    def then(self, more: Window, start: IntArray) -> IntArray:
        """The last day of this window and of one more after it; months and months are added before they are counted."""
        if self.unit == more.unit:
            return Window(self.length + more.length, self.unit).end(start)
        return more.end(self.end(start))

    def __str__(self) -> str:
        return f"{self.length:,} {self.unit if self.length != 1 else self.unit[:-1]}"


def read_window(value: object, argument: str, lowest: int, faults: list[Fault]) -> Window:
    """A number of days, or text such as ``"12 months"``; a fault is added where it is neither, or is below `lowest`.

    Examples
    --------
    >>> str(read_window("1 year", "follow_up", 1, []))
    '12 months'
    """
    if isinstance(value, Window):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= lowest:
        return Window(int(value), "days")
    found = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if found is not None and int(found[1]) >= lowest:
        length = int(found[1]) * (12 if found[2] == "year" else 1)
        if found[2] == "day":
            return Window(length, "days")
        if length <= _MOST_MONTHS:
            return Window(length, "months")
    faults.append(
        Fault(
            f"is not a whole number of days, {lowest} or more, nor a length such as '12 months'",
            column=argument,
            remedy="give days as a number (365), or text: '90 days', '6 months', '1 year'.",
        )
    )
    return Window(max(lowest, 1), "days")
