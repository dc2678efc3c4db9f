"""`fixed_lag`: change to the reading nearest a fixed time after a start, such as three months after referral."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.distance.change import Change, change
from impact.distance.readings import refuse_design
from impact.distance.versions import refuse_two_versions
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, Groups, IntArray
from impact.results import with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTSIDE = (
    "both",
    "before only: none later",
    "before only: next too early",
    "before only: next too late",
    "before only: too early and too late",
    "no reading at the start",
)


@dataclass(frozen=True, eq=False)
class FixedLag:
    """Change to a fixed time after a start, and the readings that fall outside the window.

    Attributes
    ----------
    change : Change
        The change of those with a reading at the start, as `change` gives it.
    window : DataFrame
        ``term, outcome, n``: people by what they have, every outcome included.
    lag, within, start_within : int
        Days: the lag, how far from it a reading may be, and how far from the start the first may be.
    notes : tuple of str
    """

    change: Change
    window: pd.DataFrame
    lag: int
    within: int
    start_within: int
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row for each level of `by`, as `Change.tidy` has it; `window` says what falls outside."""
        return self.change.tidy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Mean before and after for each scale, as `Change.plot`."""
        return self.change.plot(ax)

    def __repr__(self) -> str:
        first = (
            f"Change at {self.lag:,} days from the start, {self.within:,} either way, from a reading within"
            f" {self.start_within:,} days of the start"
        )
        lines = [first]
        for term in self.window["term"].unique():
            rows = self.window[(self.window["term"] == term) & (self.window["n"] > 0)]
            counts = (f"{outcome} {n:,}" for outcome, n in zip(rows["outcome"], rows["n"], strict=True))
            lines.append(f"{term}: {', '.join(counts)}")
        return with_notes("\n".join([*lines, repr(self.change).split("\nNote: ")[0]]), self.notes)


def fixed_lag(
    data: pd.DataFrame,
    *,
    person: str,
    date: str,
    start: str,
    score: str,
    lag: int = 91,
    within: int = 30,
    start_within: int = 30,
    by: str | None = None,
    level: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    better: str = "higher",
    threshold: float | None = None,
    version: str | None = None,
) -> FixedLag:
    """Change from the reading nearest the start to the reading nearest a fixed lag.

    Everyone is followed the same time, so people who stay longer are not given longer to change.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each person and date (and level of `by`).
    person, date, start, score : str
        Columns: who, the day of the reading, the day of the start (the same in every row of a person), the reading.
    lag : int
        Days from the start to the reading after.
    within : int
        The most days that reading may be from the lag; of several the nearest counts, of two as near the earlier.
    start_within : int
        The most days the reading before may be from the start, on either side; the nearest counts, likewise.
    by, level, low, high, better, threshold, version
        As in `change`.

    Raises
    ------
    InputError
        With every fault of the columns; where a person has two starts; where the two windows overlap.

    Examples
    --------
    >>> days = [0, 95, 3, 200, 40]
    >>> readings = pd.DataFrame({"who": list("aabbc"), "score": [3, 6, 4, 8, 5], "start": pd.Timestamp("2023-01-01")})
    >>> readings["on"] = readings["start"] + pd.to_timedelta(days, unit="D")
    >>> found = fixed_lag(readings, person="who", date="on", start="start", score="score")
    >>> found.window.query("n > 0")[["outcome", "n"]].values.tolist()
    [['both', 1], ['before only: next too late', 1], ['no reading at the start', 1]]
    """
    refuse_design(data, "fixed_lag")
    for name, value, least in (("lag", lag, 1), ("within", within, 0), ("start_within", start_within, 0)):
        if isinstance(value, bool) or value < least:
            raise InputError(f"{name} must be a whole number of days, {least} or more, not {value!r}.")
    if lag - within <= start_within:
        raise InputError(
            f"A reading {start_within} days from the start could be both before and after: make lag ({lag}) greater"
            f" than within ({within}) and start_within ({start_within}) together."
        )
    columns = Columns(data)
    people = columns.groups(person)
    scales = columns.groups(by) if by is not None else Groups(np.zeros(columns.n, dtype=np.int64), (score,))
    on, begun = (columns.date(name).astype("datetime64[D]") for name in (date, start))
    scores = columns.number(score, low=low, high=high)
    versions = None if version is None else columns.groups(version)
    known = ~np.isnat(begun) & (people.codes >= 0)
    columns.forbid(
        _changing(people.codes, begun, known),
        start,
        "differs between rows of one person",
        why="the lag would be counted from two days.",
        remedy="give each person one start.",
    )
    repeated = pd.DataFrame({"p": people.codes, "s": scales.codes, "d": on}).duplicated(keep=False).to_numpy()
    columns.forbid(
        repeated & ~np.isnat(on) & (people.codes >= 0) & (scales.codes >= 0) & np.isfinite(scores),
        date,
        "has two readings of one person on one day",
        why="which of them counts would be a guess.",
        remedy="keep one.",
    )
    keep = columns.rows()
    rows = np.flatnonzero(keep)
    days = (on[rows] - begun[rows]).astype(float)
    cell = scales.codes[rows] * len(people.labels) + people.codes[rows]
    cells, place = np.unique(cell, return_inverse=True)
    first = _nearest(place, len(cells), days, 0.0, float(start_within))
    last = _nearest(place, len(cells), days, float(lag), float(within))
    early = _any(place, len(cells), (days > start_within) & (days < lag - within))
    late = _any(place, len(cells), days > lag + within)
    outcome = _outcome(first >= 0, last >= 0, early, late)
    window = _window(outcome, cells // len(people.labels), scales.labels)
    chosen = [(0, rows[first[first >= 0]]), (1, rows[last[(first >= 0) & (last >= 0)]])]
    if not len(chosen[0][1]):
        raise InputError(f"Nobody has a reading within {start_within} days of the start.")
    if versions is not None:
        both = (first >= 0) & (last >= 0)
        refuse_two_versions(rows[first[both]], rows[last[both]], versions, str(version))
    frame = pd.concat([data.iloc[where].assign(**{_WAVE: wave}) for wave, where in chosen], ignore_index=True)
    found = change(
        frame,
        person=person,
        wave=_WAVE,
        score=score,
        by=by,
        level=level,
        low=low,
        high=high,
        better=better,
        threshold=threshold,
        date=date,
    )
    return FixedLag(found, window, lag, within, start_within, (*columns.notes, *found.notes))


_WAVE = "wave of the fixed lag"


def _changing(people: IntArray, begun: np.ndarray, known: BoolArray) -> BoolArray:
    """Rows whose start is not the earliest start of the same person."""
    earliest = np.full(int(people.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(earliest, people[known], begun[known].astype(np.int64))
    differs = np.zeros(len(people), dtype=bool)
    differs[known] = begun[known].astype(np.int64) != earliest[people[known]]
    return differs


def _nearest(place: IntArray, cells: int, days: FloatArray, target: float, within: float) -> IntArray:
    """The row of each cell nearest the target and no farther than `within`, −1 where there is none."""
    away = np.abs(days - target)
    near = np.flatnonzero(away <= within)
    order = near[np.lexsort((days[near], away[near]))][::-1]
    found = np.full(cells, -1, dtype=np.int64)
    found[place[order]] = order
    return found


def _any(place: IntArray, cells: int, chosen: BoolArray) -> BoolArray:
    return np.bincount(place[chosen], minlength=cells) > 0


def _outcome(first: BoolArray, last: BoolArray, early: BoolArray, late: BoolArray) -> IntArray:
    """The place of each person and scale in `OUTSIDE`."""
    without = np.select([early & late, late, early], [4, 3, 2], default=1)
    return np.where(~first, 5, np.where(last, 0, without)).astype(np.int64)


def _window(outcome: IntArray, scale: IntArray, labels: tuple[object, ...]) -> pd.DataFrame:
    rows = [
        (str(label), name, int(((scale == code) & (outcome == place)).sum()))
        for code, label in enumerate(labels)
        for place, name in enumerate(OUTSIDE)
        if (scale == code).any()
    ]
    return pd.DataFrame(rows, columns=["term", "outcome", "n"])
