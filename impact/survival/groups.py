"""What every estimate by group starts from: the checked outcome, its groups, and which variance is right for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.frames import Columns, IntArray
from impact.survival.outcome import Outcome, OutcomeColumns

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
    robust : bool
        Whether rows do not count once or by whole weights, or are not independent.
    named : bool
        Whether the groups have names of their own.
    """

    outcome: Outcome
    labels: tuple[object, ...]
    codes: IntArray
    n: tuple[int, ...]
    robust: bool
    named: bool

    @property
    def n_events(self) -> tuple[int, ...]:
        """Events of each group, of whatever cause, uncounted by weights."""
        died = self.codes[self.outcome.event > 0]
        return tuple(np.bincount(died, minlength=len(self.labels)).tolist())

    def who(self, code: int) -> str:
        """How a note about one group starts."""
        return f"Group {self.labels[code]}: " if self.named else ""

    def without_events(self) -> list[str]:
        """A note for each group that has no event."""
        words = [self.who(code) + "no events." for code, events in enumerate(self.n_events) if not events]
        return [note[0].upper() + note[1:] for note in words]


def read_groups(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    by: str | None,
    *,
    entry: str | None,
    weights: str | None,
    cluster: str | None,
    causes: bool = False,
) -> Grouped:
    """Read and check the columns of a call; every fault is raised at once."""
    columns = Columns(data)
    read = OutcomeColumns(
        columns,
        duration,
        event,
        entry=entry,
        weights=weights,
        cluster=cluster,
        groups=() if by is None else (by,),
        causes=causes,
    )
    outcome = read.take(columns.rows())
    labels = (EVERYONE,) if by is None else outcome.labels
    codes = np.zeros(len(outcome.event), dtype=np.int64) if outcome.group is None else outcome.group
    return Grouped(
        outcome,
        labels,
        codes,
        tuple(np.bincount(codes, minlength=len(labels)).tolist()),
        needs_robust(columns, outcome),
        by is not None,
    )


def needs_robust(columns: Columns, outcome: Outcome) -> bool:
    """Whether only the robust variance is right: a Design, a cluster, or weights that are not whole."""
    return columns.design is not None or outcome.cluster is not None or not outcome.whole_weights


def robust_words(outcome: Outcome) -> str:
    """The robust variance in words, with its clusters."""
    if outcome.cluster is None:
        return "robust variance"
    return f"robust variance, {int(outcome.cluster.max()) + 1:,} clusters"
