"""Event codes of several causes: 0 for none, 1, 2, … for what happened, with names where they were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.errors import InputError
from impact.frames import FloatArray, IntArray
from impact.survival.reading.faults import refuse


@dataclass(frozen=True, slots=True)
class Causes:
    """The event of each row as a code, and what the codes 1, 2, … are called.

    Attributes
    ----------
    event : (n,) int
        0 for none.
    names : tuple
        Of causes 1, 2, …: those given, otherwise the codes themselves.
    """

    event: IntArray
    names: tuple[object, ...]

    def words(self, cause: object) -> str:
        """A cause as it is spoken of: by its name, or as ``cause 2``."""
        return cause if isinstance(cause, str) else f"cause {cause}"

    def code(self, cause: object, column: str) -> int:
        """The code of a cause given by its name or code, of which there must be an event."""
        if isinstance(cause, str) and cause in self.names:
            code = self.names.index(cause) + 1
        elif isinstance(cause, (int, np.integer)) and not isinstance(cause, bool) and 1 <= cause <= len(self.names):
            code = int(cause)
        else:
            raise InputError(f"cause must be one of {', '.join(str(name) for name in self.names)}, not {cause!r}.")
        if not (self.event == code).any():
            refuse(column, f"has no event of cause {cause} in the rows used")
        return code


def check_causes(causes: Sequence[str] | None) -> None:
    """Raise unless the names of the causes, where given, are words and differ."""
    if causes is None:
        return
    words = not isinstance(causes, str) and all(isinstance(name, str) for name in causes)
    if not words or not causes or len(set(causes)) < len(causes):
        raise InputError('causes must name what 1, 2, … stand for, each once: causes=("reoffence", "death").')


def highest_code(causes: Sequence[str] | None) -> int | None:
    """The highest code that the names allow; None where none were given and any may stand."""
    return None if causes is None else len(causes)


def read_causes(event: FloatArray, causes: Sequence[str] | None, column: str) -> Causes:
    """The causes of the rows used.

    Raises
    ------
    InputError
        Where no names were given and the codes skip a number: a code such as 9 or 99 may stand for a missing value.
    """
    codes = event.astype(np.int64)
    if causes is not None:
        return Causes(codes, tuple(causes))
    highest = int(codes.max())
    skipped = highest > len(codes) or not np.bincount(codes)[1:].all()
    if skipped:
        refuse(
            column,
            f"goes to {highest}, but some code from 1 to {highest} has no event",
            why="a high code may stand for a missing value, and would be counted as a cause of its own.",
            remedy="make such values missing, or name what 1, 2, … stand for in causes=.",
        )
    return Causes(codes, tuple(range(1, highest + 1)))
