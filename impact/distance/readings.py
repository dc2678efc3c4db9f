"""Long readings to pairs: which two readings of a person on a scale are compared, and what may not be compared."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.distance.versions import refuse_two_versions
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, Groups, IntArray

FIRST, SECOND, LAST = "first", "second", "last"
DAYS_NEEDED = "give dates as the wave, or their column in `date`; or leave minimum_days out."


@dataclass(frozen=True, slots=True)
class Pairs:
    """The two readings of each person on each scale, in the order of scale, then person.

    Attributes
    ----------
    scale, person : (m,) int
        Codes of the level of `by` and of the person.
    row, row_after : (m,) int
        Rows of the data that hold the two readings, counted from 0; −1 where there is no second.
    before, after : (m,) float
        The scores; `after` is NaN where there is no second.
    readings : (m,) int
        Readings of the person on the scale in all.
    days : (m,) float or None
        Days between the two, NaN where there is no second; None where dates were not given.
    late : int
        Of how many the first reading is in a later wave than the first of all; 0 for dates.
    without : int
        People and scales with a reading, but none that the rule takes for the one before.
    """

    scale: IntArray
    person: IntArray
    row: IntArray
    row_after: IntArray
    before: FloatArray
    after: FloatArray
    readings: IntArray
    days: FloatArray | None
    late: int
    without: int

    @property
    def both(self) -> BoolArray:
        """Where there are two readings."""
        return self.row_after >= 0

    def part(self, where: BoolArray | slice) -> Pairs:
        """Some of the pairs."""
        return Pairs(
            self.scale[where],
            self.person[where],
            self.row[where],
            self.row_after[where],
            self.before[where],
            self.after[where],
            self.readings[where],
            None if self.days is None else self.days[where],
            self.late,
            self.without,
        )

    def change(self) -> FloatArray:
        """After less before of those with both."""
        return (self.after - self.before)[self.both]


@dataclass(frozen=True, slots=True)
class Rule:
    """Which two readings: words or values of the wave, and the fewest days between them."""

    before: Hashable = FIRST
    after: Hashable = LAST
    minimum_days: int | None = None

    def __str__(self) -> str:
        words = f"{_spoken(self.before)} to {_spoken(self.after)} reading"
        return words if self.minimum_days is None else f"{words}, at least {self.minimum_days:,} days apart"


@dataclass(frozen=True, slots=True)
class Readings:
    """Long readings as read: the people, the scales, and the pairs."""

    columns: Columns
    people: Groups
    scales: Groups
    pairs: Pairs


def read_pairs(
    columns: Columns,
    *,
    person: str,
    wave: str,
    score: str,
    by: str | None = None,
    date: str | None = None,
    version: str | None = None,
    low: float | None = None,
    high: float | None = None,
    rule: Rule | None = None,
    values: FloatArray | None = None,
) -> Readings:
    """Read long data and choose two readings of each person on each scale.

    Every fault of the columns, those the caller has noted included, is raised here.

    Parameters
    ----------
    columns : Columns
        Of the long data; the caller may have read further columns from it.
    person, wave, score : str
        Columns: who, when (a number, a date or an ordered categorical), and the reading.
    by : str, optional
        Column of scales.
    date : str, optional
        Column of the dates of the readings, which must not contradict the waves.
    version : str, optional
        Column that says which version of the scale was used; the two readings must be of the same.
    low, high : float, optional
        The ends of the scale.
    rule : Rule, optional
        Which two; the first and the last unless said.
    values : (rows of the data,) float, optional
        The readings, where the caller has read the column `score` itself; NaN where missing.

    Raises
    ------
    InputError
        With every fault at once.
    """
    rule = rule or Rule()
    people = columns.groups(person)
    scales = columns.groups(by) if by is not None else Groups(np.zeros(columns.n, dtype=np.int64), (score,))
    waves, numbered = read_waves(columns, wave)
    scores = columns.number(score, low=low, high=high) if values is None else values
    days = None if date is None else _days(columns, date)
    if date is None and _is_date(columns, wave):
        days = waves
    versions = None if version is None else columns.groups(version)
    ends = tuple(place_of(columns, wave, end, words) for end, words in ((rule.before, _BEFORE), (rule.after, _AFTER)))
    complete = (people.codes >= 0) & (scales.codes >= 0) & np.isfinite(waves) & np.isfinite(scores)
    known = np.flatnonzero(complete if days is None else complete & np.isfinite(days))
    order = known
    if len(known) and people.labels and scales.labels:
        order = known[np.argsort(_key(people.codes[known], scales.codes[known], waves[known]), kind="stable")]
        _refuse_repeats(columns, order, people.codes, scales.codes, waves, wave)
        if days is not None and date is not None:
            _refuse_contradictions(columns, order, people.codes, scales.codes, days, date)
    if rule.minimum_days is not None and days is None:
        columns.refuse("are not dates, and minimum_days is given", column=wave, remedy=DAYS_NEEDED)
    keep = columns.rows()
    order = order[keep[order]]
    if not isinstance(ends[0], str) and not isinstance(ends[1], str) and ends[1] <= ends[0]:
        raise InputError(f"after ({rule.after!r}) must be a later wave than before ({rule.before!r}).")
    pairs = _choose(
        order,
        None if days is None else days[order],
        people.codes[order],
        scales.codes[order],
        waves[order],
        scores[order],
        ends,
        rule.minimum_days,
        numbered,
    )
    if versions is not None:
        refuse_two_versions(pairs.row[pairs.both], pairs.row_after[pairs.both], versions, str(version))
    return Readings(columns, people, scales, pairs)


_BEFORE, _AFTER = (FIRST,), (LAST, SECOND)


def refuse_design(data: object, function: str) -> None:
    """Raise where long readings are asked for and a Design is given."""
    if isinstance(data, Design):
        raise InputError(
            f"{function} takes the long readings, one row a person and wave; a Design has one row a person. Compare the"
            " groups of a Design with ancova."
        )


def check_rule(before: Hashable, after: Hashable, minimum_days: int | None) -> Rule:
    """The rule that these arguments make, or an error that says what they may be."""
    if minimum_days is not None and (isinstance(minimum_days, bool) or minimum_days < 1):
        raise InputError(f"minimum_days must be a whole number of days, 1 or more, not {minimum_days!r}.")
    if before == after:
        raise InputError(f"before and after are the same reading, {before!r}: a change needs two.")
    return Rule(before, after, minimum_days)


def read_waves(columns: Columns, name: str) -> tuple[FloatArray, bool]:
    """The waves as numbers in their order, and whether the lowest is everyone's first by design (not so for dates)."""
    column = columns.frame[name] if name in columns.frame.columns else None
    if not isinstance(column, pd.Series):
        return columns.number(name), True
    dtype = column.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _days(columns, name), False
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        codes = columns.groups(name).codes.astype(float)
        return np.where(codes < 0, np.nan, codes), True
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(dtype):
        columns.refuse(
            f"is {dtype}: which reading comes first is not known",
            column=name,
            remedy="give numbers (1, 2, …), dates, or an ordered pandas categorical.",
        )
        return np.full(columns.n, np.nan), False
    return columns.number(name), True


def _is_date(columns: Columns, name: str) -> bool:
    column = columns.frame[name] if name in columns.frame.columns else None
    return isinstance(column, pd.Series) and pd.api.types.is_datetime64_any_dtype(column.dtype)


def _days(columns: Columns, name: str) -> FloatArray:
    days = columns.date(name)
    return np.where(np.isnat(days), np.nan, days.astype(float))


def place_of(columns: Columns, name: str, end: Hashable, words: tuple[str, ...]) -> str | float:
    """A word as it is, or the value of a wave as the number that stands for it; a fault where it is neither."""
    if isinstance(end, str) and end in words:
        return end
    column = columns.frame[name] if name in columns.frame.columns else None
    if not isinstance(column, pd.Series):
        return FIRST
    given = f"{words[-1]!r}" if len(words) == 1 else " or ".join(repr(word) for word in words)
    found: object = None
    if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
        known = list(column.cat.remove_unused_categories().cat.categories)
        found = known.index(end) if end in known else None
    elif _is_date(columns, name) and isinstance(end, pd.Timestamp):
        found = np.datetime64(end, "D").astype(float)
    elif isinstance(end, int | float | np.number) and not isinstance(end, bool):
        found = float(end) if bool((column == end).any()) else None
    if found is None:
        columns.refuse(f"has no wave {end!r}", column=name, remedy=f"name a wave of the data, or {given}.")
        return FIRST
    return float(found)  # type: ignore[arg-type]


def _key(people: IntArray, scales: IntArray, waves: FloatArray) -> IntArray:
    """One whole number a reading, in the order of scale, person, wave."""
    least = waves.min()
    span = waves.max() - least
    if span < 1e6 and bool((waves == np.floor(waves)).all()):
        ranks, count = (waves - least).astype(np.int64), int(span) + 1
    else:
        distinct, inverse = np.unique(waves, return_inverse=True)
        ranks, count = inverse.astype(np.int64), len(distinct)
    return (scales * (int(people.max()) + 1) + people) * count + ranks


def _refuse_repeats(
    columns: Columns, order: IntArray, people: IntArray, scales: IntArray, waves: FloatArray, name: str
) -> None:
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for values in (waves, people, scales):
        same &= values[order[1:]] == values[order[:-1]]
    repeated = np.zeros(columns.n, dtype=bool)
    repeated[order[1:][same]] = True
    repeated[order[:-1][same]] = True
    columns.forbid(
        repeated,
        name,
        "has two readings of one person in one wave",
        why="which of them counts would be a guess.",
        remedy="keep one, or number them as waves; where rows hold several scales, name their column in `by`.",
    )


def _refuse_contradictions(
    columns: Columns, order: IntArray, people: IntArray, scales: IntArray, days: FloatArray, name: str
) -> None:
    follows = (people[order[1:]] == people[order[:-1]]) & (scales[order[1:]] == scales[order[:-1]])
    gap = days[order[1:]] - days[order[:-1]]
    for wrong, problem, remedy in (
        (gap < 0, "is before the reading of the wave before", "mend the date or the wave."),
        (gap == 0, "is the day of the reading of the wave before", "mend the date, or keep one of the two readings."),
    ):
        bad = np.zeros(columns.n, dtype=bool)
        bad[order[1:][follows & wrong]] = True
        columns.forbid(bad, name, problem, why="a change would be measured over no time, or backwards.", remedy=remedy)


def _choose(
    order: IntArray,
    days: FloatArray | None,
    people: IntArray,
    scales: IntArray,
    waves: FloatArray,
    scores: FloatArray,
    ends: tuple[str | float, ...],
    minimum_days: int | None,
    numbered: bool,
) -> Pairs:
    new = np.r_[True, (scales[1:] != scales[:-1]) | (people[1:] != people[:-1])]
    starts = np.flatnonzero(new)
    stops = np.r_[starts[1:], len(order)]
    cell = np.cumsum(new) - 1
    first = starts if ends[0] == FIRST else _where(cell, waves == ends[0], len(starts))
    kept = first >= 0
    place = np.arange(len(order))
    later = place > first[cell]
    later &= kept[cell]
    if days is not None and minimum_days is not None:
        later &= days - days[np.maximum(first, 0)[cell]] >= minimum_days
    if ends[1] == LAST:
        second = _last(later, starts, stops)
    elif ends[1] == SECOND:
        second = _earliest(cell, later, len(starts))
    else:
        second = _where(cell, later & (waves == ends[1]), len(starts))
    first, second, found = first[kept], second[kept], second[kept] >= 0
    after = np.where(found, scores[second], np.nan)
    between = None if days is None else np.where(found, days[second] - days[first], np.nan)
    late = int((waves[first] > waves.min()).sum()) if numbered and ends[0] == FIRST else 0
    return Pairs(
        scales[first],
        people[first],
        order[first],
        np.where(found, order[second], -1),
        scores[first],
        after,
        (stops - starts)[kept],
        between,
        late,
        int((~kept).sum()),
    )


def _where(cell: IntArray, chosen: BoolArray, cells: int) -> IntArray:
    """The place of the one reading chosen in each cell, −1 where there is none."""
    found = np.full(cells, -1, dtype=np.int64)
    found[cell[chosen]] = np.flatnonzero(chosen)
    return found


def _earliest(cell: IntArray, chosen: BoolArray, cells: int) -> IntArray:
    """The place of the first reading chosen in each cell, −1 where there is none."""
    found = np.full(cells, -1, dtype=np.int64)
    places = np.flatnonzero(chosen)[::-1]
    found[cell[places]] = places
    return found


def _last(chosen: BoolArray, starts: IntArray, stops: IntArray) -> IntArray:
    """The last reading of each cell where it is chosen, −1 elsewhere: time runs on, so none before it would be."""
    return np.where(chosen[stops - 1], stops - 1, -1)


def _spoken(end: Hashable) -> str:
    return str(end) if isinstance(end, str) else f"wave {end}"
