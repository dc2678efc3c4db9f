"""Read a panel (people by periods), and lay it out as rows of one or more stacks, each with clean controls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import Fault, InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Panel:
    """One entry for each person and period used; `start` is `NEVER` for people who never start."""

    person: IntArray
    period: IntArray
    start: IntArray
    outcome: FloatArray
    covariates: FloatArray
    weights: FloatArray
    cluster: IntArray
    notes: tuple[str, ...]

    def take(self, keep: BoolArray, notes: tuple[str, ...] = ()) -> Panel:
        """The rows where `keep` is true."""
        return Panel(
            self.person[keep],
            self.period[keep],
            self.start[keep],
            self.outcome[keep],
            self.covariates[keep],
            self.weights[keep],
            self.cluster[keep],
            (*self.notes, *notes),
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the regression: `unit` is a person in a stack, `cell` a period of it, `since` periods since the start."""

    unit: IntArray
    cell: IntArray
    since: IntArray
    treated: BoolArray
    outcome: FloatArray
    covariates: FloatArray
    weights: FloatArray
    cluster: IntArray
    person: IntArray
    stacks: int
    start: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns and the window that were asked for."""

    person: str
    period: str
    outcome: str
    start: str
    covariates: tuple[str, ...]
    weights: str | None
    cluster: str | None
    design: Design | None
    before: int | None
    after: int | None
    dip: int
    stack: bool


def check_window(before: int | None, after: int | None, dip: int, stack: bool) -> None:
    """Raise, with every fault at once, where the window around the start cannot be used."""
    faults = []
    for name, value, least in (("before", before, 1), ("after", after, 0), ("dip", dip, 0)):
        if value is None:
            if stack:
                faults.append(Fault("is needed with stack=True: periods around each start", column=name))
        elif isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            faults.append(Fault(f"must be a whole number from {least}, not {value!r}", column=name))
    if not faults and before is not None and before <= dip:
        faults.append(Fault(f"must be more than dip ({dip}): a period before the start must be left", column="before"))
    if faults:
        raise InputError("The window cannot be used:", faults)


def read_rows(data: pd.DataFrame, asked: Asked) -> Rows:
    """The rows of the regression, or every fault of the input at once."""
    if isinstance(data, Design):
        raise InputError(
            "The panel is a DataFrame, one row for each person and period; give the Design of its people as design=."
        )
    columns = Columns(data)
    panel = _read(columns, asked)
    return _stacked(panel, asked) if asked.stack else _one_start(panel, asked)


def _read(columns: Columns, asked: Asked) -> Panel:
    """Columns as checked arrays, those with a missing value left out."""
    names = (asked.person, asked.period, asked.outcome, asked.start, *asked.covariates)
    for name in sorted({name for name in names if names.count(name) > 1}, key=str):
        columns.refuse("is named for more than one thing", column=name, remedy="give each its own column.")
    person = columns.groups(asked.person).codes
    period = whole_numbers(columns, asked.period, columns.number(asked.period))
    outcome = columns.number(asked.outcome)
    started = whole_numbers(columns, asked.start, _starts(columns, asked.start))
    matrix = [columns.number(name) for name in asked.covariates]
    weights = columns.weights(asked.weights)
    cluster = None if asked.cluster is None else columns.groups(asked.cluster).codes
    if asked.design is not None:
        weights, sets = _of_design(columns, asked)
        cluster = sets if cluster is None else cluster
    start = np.where(np.isnan(started), float(NEVER), started)
    known = (person >= 0) & np.isfinite(period) & (True if weights is None else weights != 0)
    _one_value(columns, asked.start, person, start, known)
    if weights is not None and asked.design is None:
        _one_value(columns, str(asked.weights), person, weights, known & np.isfinite(weights))
    if cluster is not None and asked.cluster is not None:
        _one_value(columns, asked.cluster, person, cluster.astype(float), known & (cluster >= 0))
    pair = pd.DataFrame({"person": person, "period": period})
    again = pair.duplicated().to_numpy() & known
    columns.forbid(again, asked.period, "stands twice for one person", remedy="one row for each person and period.")
    usable = known & np.isfinite(outcome)
    first = np.full(int(person.max(initial=0)) + 1, np.inf)
    np.minimum.at(first, person[usable], period[usable])
    late = usable & (start < NEVER) & (first[person] >= start)
    if not asked.stack:
        columns.forbid(
            late,
            asked.start,
            "is the person's first period, or before it",
            why="their change cannot be seen without a period before.",
            remedy="give their earlier periods, or leave these people out and say so.",
        )
    _sides(columns, asked, start[known])
    keep = columns.rows()
    notes = columns.notes
    if weights is not None and not weights[keep].all():
        notes = (*notes, f"{int((weights[keep] == 0).sum()):,} rows have a weight of 0 and are left out.")
        keep = keep & (weights > 0)
    covariates = np.column_stack(matrix)[keep] if matrix else np.empty((int(keep.sum()), 0))
    return Panel(
        person[keep],
        period[keep].astype(np.int64),
        np.where(start[keep] >= NEVER, NEVER, np.where(start[keep] < NEVER, start[keep], 0).astype(np.int64)),
        outcome[keep],
        covariates,
        np.ones(int(keep.sum())) if weights is None else weights[keep],
        person[keep] if cluster is None else cluster[keep],
        notes,
    )


def _starts(columns: Columns, name: str) -> FloatArray:
    """First periods treated, NaN for nobody's; unlike other columns it may be empty."""
    started, _ = columns.answers(name)
    column = columns.frame.get(name)
    if isinstance(column, pd.Series) and column.notna().any() and not pd.api.types.is_numeric_dtype(column):
        remedy = "give the number of the first period treated, missing for people who never are."
        columns.refuse(f"is {column.dtype}, not a number", column=name, remedy=remedy)
    return started


def whole_numbers(columns: Columns, name: str, values: FloatArray) -> FloatArray:
    """Whole numbers, with a fault for each value that is none."""
    with np.errstate(invalid="ignore"):
        bad = ~np.isnan(values) & ((values != np.floor(values)) | (np.abs(values) > 2**53))
    columns.forbid(bad, name, "is not a whole number", remedy="number the periods: 1, 2, 3 and so on.")
    return np.where(bad, np.nan, values)


def _one_value(columns: Columns, name: str, person: IntArray, values: FloatArray, known: BoolArray) -> None:
    """A fault where a person does not have the same value in every period."""
    size = int(person.max(initial=0)) + 1
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, person[known], values[known])
    np.maximum.at(high, person[known], values[known])
    differs = known & (low[person] != high[person])
    columns.forbid(differs, name, "differs between the periods of one person", remedy="one value for each person.")


def _of_design(columns: Columns, asked: Asked) -> tuple[FloatArray, IntArray | None]:
    """Weights and sets of the Design's people, carried to their periods; others have a weight of 0."""
    nothing = np.zeros(columns.n), None
    design = asked.design
    if not isinstance(design, Design):
        columns.refuse(f"must be a Design, not {type(design).__name__}", column="design")
        return nothing
    if asked.weights is not None:
        columns.refuse(
            "was given beside a Design, which has its own", column=asked.weights, remedy="leave weights out."
        )
    if asked.person not in design.data.columns or asked.person not in columns.frame.columns:
        columns.refuse("is not a column of the Design's data", column=asked.person, remedy="one row a person there.")
        return nothing
    ids = pd.Index(design.data[asked.person])
    if not ids.is_unique:
        columns.refuse("stands more than once in the Design's data", column=asked.person, remedy="one row a person.")
        return nothing
    at = ids.get_indexer(pd.Index(columns.frame[asked.person]))
    if (at < 0).all():
        columns.refuse("has no value that is a person of the Design", column=asked.person)
    weights = np.where(at >= 0, design.weights.to_numpy(dtype=float)[at], 0.0)
    started, _ = columns.answers(asked.start)
    treated = design.data[design.treatment].to_numpy()[at] == 1
    columns.forbid(
        (weights > 0) & (treated != ~np.isnan(started)),
        asked.start,
        "does not agree with who is treated in the Design",
        remedy="give a first period to its treated people and to nobody else.",
    )
    if design.sets is None:
        return weights, None
    return weights, pd.factorize(design.sets, sort=True)[0].astype(np.int64)[at]


def _sides(columns: Columns, asked: Asked, start: FloatArray) -> None:
    """Faults of the whole: nobody treated, nobody to compare with, starts that differ without stacking."""
    if not len(start):
        return
    starts = np.unique(start[start < NEVER])
    if not len(starts):
        columns.refuse("is missing for everyone", column=asked.start, why="nobody is treated.")
    elif not asked.stack and not (start >= NEVER).any():
        columns.refuse("is missing for nobody", column=asked.start, why="nobody is there to compare with.")
    if len(starts) > 1 and not asked.stack:
        columns.refuse(
            f"has {len(starts)} different starts, from {starts[0]:.0f} to {starts[-1]:.0f} (a staggered start)",
            column=asked.start,
            why="two-way fixed effects then compare those who start later with those already treated, and are wrong "
            "where effects grow, fade or differ (Goodman-Bacon 2021).",
            remedy="stack=True with before= and after=: each group of starters beside people not treated meanwhile.",
        )


def _one_start(panel: Panel, asked: Asked) -> Rows:
    """Everyone treated starts in one period: one stack, of every period."""
    start = int(panel.start.min())
    since = panel.period - start
    keep = ~((since < 0) & (since >= -asked.dip))
    keep &= since >= (since.min() if asked.before is None else -asked.before)
    keep &= since <= (since.max() if asked.after is None else asked.after)
    panel, since = panel.take(keep, _dip_note(asked)), since[keep]
    treated = panel.start < NEVER
    people, code = np.unique(panel.person, return_inverse=True)
    both = (np.bincount(code, since < 0) > 0) & (np.bincount(code, since >= 0) > 0)
    side = np.zeros(len(people), dtype=bool)
    side[code] = treated
    faults = [
        f"no {words} person has a period before and one after the start"
        for words, who in (("treated", side), ("comparison", ~side))
        if not (both & who).any()
    ]
    if faults:
        raise InputError(f"The data given cannot be used: {'; '.join(faults)}.")
    periods, cell = np.unique(panel.period, return_inverse=True)
    incomplete = int((np.bincount(code) < len(periods)).sum())
    notes = panel.notes
    if incomplete:
        notes = (*notes, f"{incomplete:,} of {len(people):,} people do not have all {len(periods)} periods.")
    if len(gaps := np.setdiff1d(np.arange(periods[0], periods[-1] + 1), panel.period)) > asked.dip:
        notes = (*notes, f"Nobody has a row in {len(gaps)} periods between the first and the last.")
    cluster = np.unique(panel.cluster, return_inverse=True)[1]
    return Rows(
        code, cell, since, treated, panel.outcome, panel.covariates, panel.weights, cluster, code, 1, start, notes
    )


def _stacked(panel: Panel, asked: Asked) -> Rows:
    """A stack for each start whose whole window is on record, with people not treated until after it.

    Within a stack the comparison weighs as much as its treated people do among all the treated (Wing, Freedman and
    Hollingsworth 2024), so that the estimate is the mean effect over the treated.
    """
    before, after = int(asked.before or 0), int(asked.after or 0)
    order = np.lexsort((panel.period, panel.person))
    first, last = int(panel.period.min()), int(panel.period.max())
    people, code = np.unique(panel.person, return_inverse=True)
    start = np.full(len(people), NEVER)
    start[code] = panel.start
    offsets = np.array([t for t in range(-before, after + 1) if not -asked.dip <= t < 0])
    starts = np.unique(start[start < NEVER])
    outside = [g for g in starts if g - before < first or g + after > last]
    parts: list[tuple[IntArray, IntArray, IntArray]] = []
    alone, short = [], 0
    for place, g in enumerate(starts):
        if g in outside:
            continue
        clean = (start > g + after + asked.dip) | (start == g)
        since = panel.period[order] - g
        rows = order[clean[code[order]] & np.isin(since, offsets)]
        whole = np.bincount(code[rows], minlength=len(people)) == len(offsets)
        short += int((clean & ~whole).sum())
        rows = rows[whole[code[rows]]]
        if not (start[code[rows]] == g).any() or not (start[code[rows]] > g).any():
            alone.append(g)
            continue
        parts.append((rows, panel.period[rows] - g, np.full(len(rows), place)))
    if not parts:
        raise InputError(
            f"No start has {before} periods before and {after} after it on record, with people not treated meanwhile. "
            "Take a shorter window (before, after), or give more periods."
        )
    rows, since, stack = (np.concatenate(part) for part in zip(*parts, strict=True))
    treated = start[code[rows]] == panel.period[rows] - since
    weights = panel.weights[rows].copy()
    numbers = np.unique(stack, return_inverse=True)[1]
    mass = [np.bincount(numbers, weights * side) for side in (treated, ~treated)]
    weights[~treated] *= ((mass[0] / mass[0].sum()) / (mass[1] / mass[1].sum()))[numbers[~treated]]
    notes = [
        *panel.notes,
        *_dip_note(asked),
        f"{len(parts)} of {len(starts)} starts are used, each beside people not treated until after its window.",
    ]
    for some, words in ((outside, "have no whole window on record"), (alone, "have nobody to compare with")):
        if some:
            gone = int(np.isin(start, some).sum())
            notes.append(f"{len(some)} starts ({gone:,} people) {words}: the effect is not about them.")
    if short:
        notes.append(f"{short:,} times a person was left out of a stack for want of a period of its window.")
    size = np.int64(len(people))
    return Rows(
        np.unique(numbers * size + code[rows], return_inverse=True)[1],
        np.unique(numbers * np.int64(before + after + 1) + since + before, return_inverse=True)[1],
        since,
        treated,
        panel.outcome[rows],
        panel.covariates[rows],
        weights,
        np.unique(panel.cluster[rows], return_inverse=True)[1],
        code[rows],
        len(parts),
        None,
        tuple(notes),
    )


def _dip_note(asked: Asked) -> tuple[str, ...]:
    if not asked.dip:
        return ()
    words = "period" if asked.dip == 1 else f"{asked.dip} periods"
    return (f"The {words} before the start is left out for everyone, as asked (dip={asked.dip}).",)
