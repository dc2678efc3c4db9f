"""What can go wrong, in words: a fault is one thing to mend; an error carries every fault found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input.

    Attributes
    ----------
    problem : str
        What is wrong, as a clause: ``"ends before it starts"``.
    table, column : str
        Where. Either may be empty where it has no meaning.
    rows : tuple of int
        The first rows concerned, counted from 1 at the first row of data; never a value, which may be personal.
    count : int
        How many rows are concerned; 0 where the fault is not one of rows.
    why, remedy : str
        Why it matters and what to do.
    """

    problem: str
    table: str = ""
    column: str = ""
    rows: tuple[int, ...] = ()
    count: int = 0
    why: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.table, f"column {self.column}" if self.column else "") if part)
        text = f"{where}: {self.problem}" if where else self.problem
        if self.count:
            first = ", ".join(f"{row:,}" for row in self.rows)
            more = ", …" if self.count > len(self.rows) else ""
            text += f" ({self.count:,} {'row' if self.count == 1 else 'rows'}: {first}{more})"
        for label, part in (("Why it matters", self.why), ("What to do", self.remedy)):
            if part:
                text += f"\n    {label}: {part}"
        return text


def row_fault(problem: str, bad: Sequence[bool], **where: str) -> Fault:
    """The fault of the rows where `bad` is true, counted from 1."""
    rows = [number for number, flag in enumerate(bad, start=1) if flag]
    return Fault(problem, rows=tuple(rows[:SHOWN_ROWS]), count=len(rows), **where)


class ImpactError(Exception):
    """Every error that this library raises on purpose; carries its faults."""

    def __init__(self, summary: str, faults: Iterable[Fault] = ()) -> None:
        self.summary = summary
        self.faults = tuple(faults)
        super().__init__("\n".join([summary, *(f"  - {fault}" for fault in self.faults)]))


class InputError(ImpactError, ValueError):
    """Data or arguments given to a method cannot be used."""


class RecordsError(ImpactError):
    """A store of linked records was refused; nothing was loaded."""


class DefinitionError(ImpactError):
    """A programme's definition file cannot be used."""


class TimeZeroError(ImpactError):
    """Follow-up would start before treatment could, or people were chosen by what came after."""


class ConvergenceError(ImpactError):
    """An estimate does not exist or could not be reached."""


class DisclosureError(ImpactError):
    """An output cannot be made safe to publish."""


class ReportError(ImpactError):
    """A report could not be built; the last good one stands."""
