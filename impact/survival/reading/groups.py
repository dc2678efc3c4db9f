"""What every estimate by group starts from: the checked outcome, its groups, and which variance is right for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import Columns, IntArray
from impact.survival.reading.outcome import Outcome, OutcomeColumns

EVERYONE = "all"
FEW_CLUSTERS = 20


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
    """

    outcome: Outcome
    labels: tuple[object, ...]
    codes: IntArray
    n: tuple[int, ...]
    notes: tuple[str, ...]
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
    highest: int | None = 1,
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
        highest=highest,
    )
    outcome = read.take(columns.rows())
    refuse_one_cluster(outcome)
    labels = (EVERYONE,) if by is None else outcome.labels
    codes = np.zeros(len(outcome.event), dtype=np.int64) if outcome.group is None else outcome.group
    return Grouped(
        outcome,
        labels,
        codes,
        tuple(np.bincount(codes, minlength=len(labels)).tolist()),
        (*outcome.notes, *few_clusters(outcome), *_within_one_cluster(outcome, codes, labels)),
        needs_robust(columns, outcome),
        by is not None,
    )


def refuse_one_cluster(outcome: Outcome) -> None:
    """Raise where every row is in one cluster, which says nothing about how clusters differ."""
    cluster = outcome.cluster
    if cluster is not None and len(cluster) > 1 and not cluster.any():
        raise InputError(
            "All rows used are in one cluster: a standard error is learnt from how clusters differ. Use finer clusters,"
            " or none if the rows are independent."
        )


def few_clusters(outcome: Outcome) -> list[str]:
    """A caution where there are too few clusters for the robust variance to be trusted."""
    if outcome.cluster is None or (count := int(outcome.cluster.max()) + 1) >= FEW_CLUSTERS:
        return []
    return [f"{count} clusters (fewer than {FEW_CLUSTERS}): robust standard errors are too small, and p-values too."]


def _within_one_cluster(outcome: Outcome, codes: IntArray, labels: tuple[object, ...]) -> list[str]:
    if outcome.cluster is None or len(labels) == 1:
        return []
    low, high = np.full(len(labels), np.iinfo(np.int64).max), np.full(len(labels), -1)
    np.minimum.at(low, codes, outcome.cluster)
    np.maximum.at(high, codes, outcome.cluster)
    return [
        f"Group {labels[code]}: all in one cluster, so that its standard errors are 0 and mean nothing."
        for code in np.flatnonzero(low == high).tolist()
    ]


def needs_robust(columns: Columns, outcome: Outcome) -> bool:
    """Whether only the robust variance is right: a Design, a cluster, or weights that are not whole."""
    return columns.design is not None or outcome.cluster is not None or not outcome.whole_weights


def robust_words(outcome: Outcome) -> str:
    """The robust variance in words, with its clusters."""
    if outcome.cluster is None:
        return "robust variance"
    return f"robust variance, {int(outcome.cluster.max()) + 1:,} clusters"
