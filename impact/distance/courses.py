"""Readings of people at their times with the columns of a formula: what models of a course over time read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from impact.distance.change import check_scale
from impact.distance.model_terms import Formula, Terms
from impact.distance.readings import refuse_design
from impact.distance.versions import forbid_versions
from impact.errors import InputError
from impact.frames import Columns, FloatArray, IntArray
from impact.results import number

MOST_CURVES = 6
POINTS = 60
AT_RANDOM = (
    "Every reading counts. Readings that are missing are taken to be like those of people with the same other readings"
    " and covariates."
)
NO_COMPARISON = (
    "The course over time holds regression to the mean and whatever time alone does; it cannot be put down to a"
    " programme."
)


@dataclass(frozen=True, slots=True)
class Course:
    """Readings in the order of people, then time.

    Attributes
    ----------
    terms : Terms
    who : (n,) int
        Codes of the people, each of them there.
    times, scores : (n,) float
    counts : (people,) int
        Readings of each person.
    notes : tuple of str
        What was left out, and how many people have one reading.
    """

    terms: Terms
    who: IntArray
    times: FloatArray
    scores: FloatArray
    counts: IntArray
    notes: tuple[str, ...]

    def readings(self) -> pd.DataFrame:
        """``person`` (a number), ``time, score`` of each reading."""
        return pd.DataFrame({"person": self.who, "time": self.times, "score": self.scores})


def read_course(
    function: str,
    data: pd.DataFrame,
    *,
    person: str,
    time: str,
    score: str,
    formula: str | None,
    low: float | None,
    high: float | None,
    version: str | None,
) -> Course:
    """Read long data for a model over time.

    Raises
    ------
    InputError
        With every fault of the columns; two readings of a person at one time; a formula that fails; every score the
        same.
    """
    check_scale(low, high)
    refuse_design(data, function)
    columns = Columns(data)
    people, times = columns.groups(person), columns.number(time)
    scores = columns.number(score, low=low, high=high)
    read = Formula(columns, formula if formula is not None else f"`{time}`")
    known = (people.codes >= 0) & np.isfinite(times) & np.isfinite(scores)
    forbid_versions(columns, version, np.zeros(columns.n, dtype=np.int64), known)
    repeated = np.zeros(columns.n, dtype=bool)
    repeated[known] = pd.DataFrame({"p": people.codes[known], "t": times[known]}).duplicated(keep=False)
    columns.forbid(
        repeated,
        time,
        "has two readings of one person at one time",
        why="which counts would be a guess.",
        remedy="keep one.",
    )
    rows = np.flatnonzero(columns.rows())
    rows = rows[np.lexsort((times[rows], people.codes[rows]))]
    if scores[rows].min() == scores[rows].max():
        raise InputError(f"Every {score} is {number(float(scores[rows[0]]))}: there is no course to be seen.")
    who = np.unique(people.codes[rows], return_inverse=True)[1]
    counts = np.bincount(who)
    notes = [*columns.notes]
    once = int((counts == 1).sum())
    if once:
        notes.append(f"{once:,} of {len(counts):,} people have one reading, which tells little of how they change.")
    return Course(read.terms(rows), who, times[rows], scores[rows], counts, tuple(notes))


def grid(
    terms: Terms, time: str, times: pd.Series, by: str | None, at: Mapping[str, object]
) -> list[tuple[str, pd.DataFrame]]:
    """Evenly spaced times for a curve, other columns typical or as `at` has them: one curve, or one a value of `by`.

    Raises
    ------
    InputError
        Where a column is not in the formula, or `by` has too many values.
    """
    unknown = [name for name in (*at, *([by] if by else [])) if name not in terms.seen or name == time]
    if unknown:
        raise InputError(f"Not a column of the formula that can be fixed: {', '.join(unknown)}.")
    line = np.linspace(float(times.min()), float(times.max()), POINTS)
    fixed: dict[str, Any] = {**terms.typical, **at, time: line}
    if by is None:
        return [("", pd.DataFrame(fixed))]
    values = terms.seen[by] or terms.levels.get(by, ())
    if not 1 <= len(values) <= MOST_CURVES:
        raise InputError(f"{by} has too many values to draw a curve for each: fix it in at.")
    return [(f"{by} {_plain(value)}", pd.DataFrame(fixed | {by: value})) for value in sorted(values, key=str)]


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
