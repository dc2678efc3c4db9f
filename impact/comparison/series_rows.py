"""Read the series of a place, and of one beside it: one count or rate for each period, none missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.comparison.panel_rows import whole_numbers
from impact.design import Design
from impact.errors import Fault, InputError
from impact.frames import Columns, FloatArray, IntArray

LEAST = 8
"""Periods needed on each side of the start: a choice of this library, not a rule of statistics."""


@dataclass(frozen=True, slots=True)
class Series:
    """Rows by side, then time: `side` is 1 for the place with the programme and 0 for the one beside it."""

    time: IntArray
    side: IntArray
    outcome: FloatArray
    exposure: FloatArray
    start: int
    controlled: bool

    @property
    def since(self) -> IntArray:
        """Periods since the start, 0 in the first with the programme."""
        return self.time - self.start

    @property
    def periods(self) -> int:
        """Length of a series."""
        return int((self.side == 1).sum())


@dataclass(frozen=True, slots=True)
class Season:
    """Sine and cosine pairs of a season of `length` periods."""

    length: int
    harmonics: int

    def columns(self, time: IntArray) -> FloatArray:
        """The waves, shape (n, k); half a season has no sine of its own in whole periods."""
        angle = 2 * np.pi * np.outer(time, np.arange(1, self.harmonics + 1)) / self.length
        sines = np.sin(angle)[:, 2 * np.arange(1, self.harmonics + 1) < self.length]
        return np.hstack([sines, np.cos(angle)])


def read_season(season: int | None, harmonics: int | None) -> Season | None:
    """The season asked for, or an error in words."""
    faults = []
    for name, value, least in (("season", season, 2), ("harmonics", harmonics, 1)):
        if value is not None and not _is_whole(value, least):
            faults.append(Fault(f"must be a whole number from {least}, not {value!r}", column=name))
    if not faults and season is None and harmonics is not None:
        faults.append(Fault("has no meaning without season", column="harmonics"))
    if not faults and season is not None and harmonics is not None and harmonics > season // 2:
        faults.append(Fault(f"can be {season // 2} at most in a season of {season}", column="harmonics"))
    if faults:
        raise InputError("The season cannot be used:", faults)
    if season is None:
        return None
    return Season(season, min(2, season // 2) if harmonics is None else harmonics)


def read_series(
    data: pd.DataFrame,
    *,
    time: str,
    outcome: str,
    start: int,
    exposure: str | None,
    treated: str | None,
    counts: bool,
    season: Season | None,
) -> Series:
    """The checked series, or every fault of the input at once."""
    if isinstance(data, Design):
        raise InputError("The series of a place is a DataFrame, one row a period; a Design is of people.")
    columns = Columns(data)
    names = [name for name in (time, outcome, exposure, treated) if name is not None]
    for name in sorted({name for name in names if names.count(name) > 1}, key=str):
        columns.refuse("is named for more than one thing", column=name, remedy="give each its own column.")
    period = whole_numbers(columns, time, columns.number(time))
    values = columns.code(outcome) if counts else columns.number(outcome)
    at_risk = np.ones(columns.n) if exposure is None else columns.number(exposure, above=0)
    side = np.ones(columns.n) if treated is None else columns.indicator(treated)
    for named, read in ((time, period), (outcome, values), (exposure, at_risk), (treated, side)):
        if named in columns.frame.columns:
            columns.forbid(
                np.isnan(read),
                str(named),
                "is missing",
                why="a series has no gaps: each period leans on those before.",
                remedy="give the value (0 where nothing happened), or a series that starts later or ends sooner.",
            )
    if not _is_whole(start, -(2**53)):
        columns.refuse(f"must be the number of a period, not {start!r}", column="start")
    columns.check()
    order = np.lexsort((period, side))
    series = Series(
        period[order].astype(np.int64),
        side[order].astype(np.int64),
        values[order],
        at_risk[order],
        start,
        bool(treated),
    )
    faults = _faults(series, season, time=time, outcome=outcome, treated=treated, counts=counts)
    if faults:
        raise InputError("The series cannot be used:", faults)
    return series


def _faults(
    series: Series, season: Season | None, *, time: str, outcome: str, treated: str | None, counts: bool
) -> list[Fault]:
    """What is wrong with the series as a whole."""
    if treated is not None and len(set(series.side)) < 2:
        return [Fault("is the same in every row", column=treated, remedy="1 for the place, 0 for the one beside it.")]
    faults: list[Fault] = []
    spans = set()
    for place, mine in (("the place", series.side == 1), ("the place beside it", series.side == 0)):
        if not mine.any():
            continue
        steps = np.diff(series.time[mine])
        if (steps == 0).any():
            remedy = "give one row for each period and place: add up areas, kinds or people first (groupby)."
            faults.append(Fault(f"stands twice for {place}", column=time, remedy=remedy))
        elif (steps > 1).any():
            problem = f"jumps over {int((steps - 1).sum())} periods for {place}"
            remedy = "give a row for each, with 0 where nothing happened, or a series without the gap."
            faults.append(Fault(problem, column=time, remedy=remedy))
        spans.add((series.time[mine].min(), series.time[mine].max()))
        for when, here in (("before the start", series.since < 0), ("from the start on", series.since >= 0)):
            n = len(np.unique(series.time[mine & here]))
            if n < LEAST:
                problem = f"has {n} periods {when} for {place}, and {LEAST} are needed"
                why = "a trend, and a change in it, cannot be told from chance on fewer."
                remedy = "give a longer series, or shorter periods if the counts bear it."
                faults.append(Fault(problem, column=time, why=why, remedy=remedy))
            elif counts and not series.outcome[mine & here].any():
                problem = f"has no event {when} for {place}"
                faults.append(Fault(problem, column=outcome, why="a ratio to nothing cannot be estimated."))
    if len(spans) > 1:
        faults.append(Fault("does not cover the same periods for both places", column=time))
    if season is not None:
        periods = np.unique(series.time)
        if (periods < series.start).sum() < season.length or len(periods) < 2 * season.length:
            problem = f"needs {season.length} periods before the start and {2 * season.length} in all"
            why = "a season seen once cannot be told from a change."
            remedy = "give a longer series, or leave season out and say so."
            faults.append(Fault(problem, column="season", why=why, remedy=remedy))
    return faults


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)
