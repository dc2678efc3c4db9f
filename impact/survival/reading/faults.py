"""Refusals in one form: which column, what is wrong with it, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from impact.errors import Fault, InputError
from impact.frames import FloatArray

UNUSABLE = "The data given cannot be used:"


def refuse(column: str, problem: str, *, why: str = "", remedy: str = "") -> NoReturn:
    """Raise the one fault of a column of the data."""
    raise InputError(UNUSABLE, [Fault(problem, table="data", column=column, why=why, remedy=remedy)])


def require_event(event: FloatArray, column: str) -> None:
    """Raise unless some row has the event."""
    if not event.any():
        refuse(column, "has no event in the rows used", why="there is nothing to learn from rows without events.")


def read_times(times: float | Sequence[float]) -> FloatArray:
    """The times at which a result is asked for, one or several."""
    wanted = np.atleast_1d(np.asarray(times, dtype=float)).ravel()
    if np.isnan(wanted).any():
        raise InputError("times must be numbers without missing values.")
    return wanted
