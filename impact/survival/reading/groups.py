"""What every estimate by group starts from: the checked outcome, its groups, and which variance is right for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.codes import renumber
from impact.design import Design
from impact.frames import Columns, IntArray
from impact.survival.reading.causes import Causes, check_causes, highest_code, read_causes
from impact.survival.reading.cautions import about_variance
from impact.survival.reading.faults import refuse
from impact.survival.reading.outcome import Outcome, OutcomeColumns

EVERYONE = "all"


@dataclass(frozen=True, slots=True)
class Grouped:
    """An outcome by group.

    Attributes
    ----------
    outcome : Outcome
    labels : tuple
        The groups; ``("all",)`` where there is no `by`.
    codes : (n,) int
        The group of each row, a place in `labels`.
    n : tuple of int
        Rows of each group.
    notes : tuple of str
        Rows left out, few clusters, and groups that lie within one cluster.
    robust : bool
        Whether rows do not count once or by whole weights, or are not independent.
    named : bool
        Whether the groups have names of their own.
    causes : Causes or None
        Where events compete.
    """

    outcome: Outcome
    labels: tuple[object, ...]
    codes: IntArray
    n: tuple[int, ...]
    notes: tuple[str, ...]
    robust: bool
    named: bool
    causes: Causes | None = None

    @property
    def n_events(self) -> tuple[int, ...]:
        """Events of each group, of whatever cause, uncounted by weights."""
        if not self.named:
            return (int(np.count_nonzero(self.outcome.event > 0)),)
        died = self.codes[self.outcome.event > 0]
        return tuple(np.bincount(died, minlength=len(self.labels)).tolist())

    def who(self, code: int) -> str:
        """How a note about one group starts."""
        return f"Group {self.labels[code]}: " if self.named else ""

    def note(self, code: int, words: str) -> str:
        """A note about one group, or about everyone."""
        return self.who(code) + words if self.named else words[0].upper() + words[1:]

    def without_events(self) -> list[str]:
        """A note for each group that has no event."""
        return [self.note(code, "no events.") for code, events in enumerate(self.n_events) if not events]


def read_groups(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    by: str | None,
    *,
    entry: str | None,
    weights: str | None,
    cluster: str | None,
    competing: bool = False,
    causes: Sequence[str] | None = None,
) -> Grouped:
    """Read and check the columns of a call; every fault is raised at once.

    With `competing` the event is the code of a cause, with names in `causes`.
    """
    check_causes(causes)
    columns = Columns(data)
    read = OutcomeColumns(
        columns,
        duration,
        event,
        entry=entry,
        weights=weights,
        cluster=cluster,
        groups=() if by is None else (by,),
        highest=highest_code(causes) if competing else 1,
    )
    outcome = read.take(columns.rows())
    labels = (EVERYONE,) if by is None else outcome.labels
    n = len(outcome.event)
    codes = np.broadcast_to(np.int64(0), n) if outcome.group is None else outcome.group
    robust = outcome.needs_robust
    notes = about_variance(outcome, robust=robust, codes=codes, labels=labels)
    return Grouped(
        outcome,
        labels,
        codes,
        (n,) if by is None else tuple(np.bincount(codes, minlength=len(labels)).tolist()),
        (*outcome.notes, *notes),
        robust,
        by is not None,
        read_causes(outcome.event, causes, event) if competing else None,
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """An outcome whose groups are compared, within strata where there are any.

    Attributes
    ----------
    outcome : Outcome
        Its own groups are the strata.
    labels : tuple
    codes : (n,) int
        The group of each row, a place in `labels`.
    n : tuple of int
    strata : tuple of str
        The columns of the strata.
    notes : tuple of str
    """

    outcome: Outcome
    labels: tuple[object, ...]
    codes: IntArray
    n: tuple[int, ...]
    strata: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def within(self) -> str:
        """The strata in words; empty where there are none."""
        return self.outcome.strata_words(self.strata)


def read_compared(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    by: str,
    *,
    strata: str | Sequence[str] | None,
    entry: str | None,
    weights: str | None,
    cluster: str | None,
    highest: int | None = 1,
) -> Compared:
    """Read and check the columns of a comparison of two groups or more; every fault is raised at once."""
    columns = Columns(data)
    within = column_names(strata)
    read = OutcomeColumns(
        columns, duration, event, entry=entry, weights=weights, cluster=cluster, groups=within, highest=highest
    )
    groups = columns.groups(by)
    outcome = read.take(columns.rows())
    present, codes = renumber(groups.codes if outcome.keep.all() else groups.codes[outcome.keep])
    labels = tuple(groups.labels[code] for code in present.tolist())
    if len(labels) < 2:
        refuse(by, "has only one group in the rows used", remedy="compare two groups or more.")
    notes = [
        *outcome.notes,
        *(f"Group {label}: no row has every value needed." for label in groups.labels if label not in labels),
        *about_variance(outcome, robust=outcome.needs_robust),
    ]
    n = np.bincount(codes, minlength=len(labels))
    return Compared(outcome, labels, codes, tuple(n.tolist()), within, tuple(notes))


def column_names(columns: str | Sequence[str] | None) -> tuple[str, ...]:
    """The columns of strata, of which there may be none, one or several."""
    return () if columns is None else (columns,) if isinstance(columns, str) else tuple(columns)
