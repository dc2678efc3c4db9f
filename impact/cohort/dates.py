"""Dates of a table as whole days since 1970-01-01, with every fault of every table of a call noted together."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError, row_fault
from impact.frames import BoolArray, IntArray

NO_DAY = np.iinfo(np.int64).min
LAST_DAY = 2**31
"""A day after every date that a record can hold: an open end."""

_TEXT = "dates as text can be read in two orders (04/05 is April or May)"


def days(values: pd.Series) -> IntArray:
    """Days since 1970-01-01 of a datetime column, `NO_DAY` where missing."""
    return values.to_numpy(dtype="datetime64[D]").astype(np.int64)


def dates(day: IntArray) -> pd.Series:
    """The inverse of `days`: a datetime column, missing where the day is `NO_DAY`."""
    return pd.Series(np.asarray(day, dtype=np.int64).astype("datetime64[D]").astype("datetime64[s]"))


def date_column(
    frame: pd.DataFrame, column: str, table: str, faults: list[Fault], *, may_miss: bool = False
) -> IntArray:
    """Read a column of dates as days; a wrong type or a missing date is added to `faults`."""
    values = frame[column]
    if not pd.api.types.is_datetime64_any_dtype(values):
        held = values.dropna()
        if not all(isinstance(value, dt.date) for value in held):
            faults.append(
                Fault(
                    f"is {values.dtype}, not dates",
                    table=table,
                    column=column,
                    why=_TEXT,
                    remedy="convert it with pandas.to_datetime and an explicit format.",
                )
            )
            return np.full(len(frame), NO_DAY)
        values = pd.to_datetime(values)
    if getattr(values.dt, "tz", None) is not None:
        faults.append(
            Fault("has a time zone", table=table, column=column, remedy="give plain dates: .dt.tz_localize(None).")
        )
        values = values.dt.tz_localize(None)
    day = days(values)
    if not may_miss:
        note_rows(faults, day == NO_DAY, table, column, "is missing", remedy="give a date, or leave the row out.")
    return day


def one_day(value: object, argument: str, faults: list[Fault]) -> int:
    """One date (date, Timestamp or text as YYYY-MM-DD) as a day; a fault is added and 0 returned where it is none."""
    try:
        if isinstance(value, str):
            value = dt.date.fromisoformat(value)
        if isinstance(value, np.datetime64):
            value = pd.Timestamp(value)
        if isinstance(value, dt.date) and not pd.isna(value):
            return int(np.datetime64(f"{value.year:04d}-{value.month:02d}-{value.day:02d}", "D").astype(np.int64))
    except ValueError:
        pass
    faults.append(Fault("is not a date", column=argument, why=_TEXT, remedy="give a date, or text as YYYY-MM-DD."))
    return 0


def note_rows(
    faults: list[Fault], bad: BoolArray, table: str, column: str, problem: str, *, why: str = "", remedy: str = ""
) -> None:
    """Note as a fault the rows where `bad` is true."""
    if bad.any():
        faults.append(row_fault(problem, bad.tolist(), table=table, column=column, why=why, remedy=remedy))


def need_columns(frame: object, columns: tuple[str, ...], table: str) -> list[Fault]:
    """The faults of a table that is no DataFrame or lacks a column."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"{table} must be a pandas DataFrame, not {type(frame).__name__}.")
    known = ", ".join(str(column) for column in frame.columns)
    return [
        Fault("is not in the table", table=table, column=column, remedy=f"the columns are: {known}.")
        for column in columns
        if column not in frame.columns
    ]
