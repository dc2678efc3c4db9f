"""Reading a survival outcome: duration, event, entry, weights and clusters of one call as checked arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from impact.codes import renumber
from impact.errors import InputError, row_fault
from impact.frames import BoolArray, Columns, FloatArray, Groups, IntArray
from impact.survival.reading.faults import UNUSABLE
from impact.survival.riskset import TimeRanks, rank_times

LATE_ENTRY = "must come before the duration: a person is at risk after entry, up to and with the duration."


class OutcomeColumns:
    """The outcome's columns as read, before the rows to use are known.

    `groups` are columns that split the people (strata, or the groups of curves). `highest` is the highest event code
    allowed: 1 where an event either happens or not, the number of causes with competing events, None for any. With
    `above_zero` a duration of 0 is a fault.
    """

    def __init__(
        self,
        columns: Columns,
        duration: str,
        event: str,
        *,
        entry: str | None,
        weights: str | None,
        cluster: str | None,
        groups: Sequence[str],
        highest: int | None = 1,
        above_zero: bool = False,
    ) -> None:
        self._columns = columns
        self._duration = columns.number(duration, above=0) if above_zero else columns.number(duration, low=0)
        self._event = columns.code(event, highest=highest)
        self._entry = None if entry is None else columns.number(entry, low=0)
        self._entry_name = entry or ""
        if self._entry is not None:
            columns.forbid(
                self._entry >= self._duration, self._entry_name, "is at or after the duration", remedy=LATE_ENTRY
            )
        self._weights = columns.weights(weights)
        self._cluster = columns.cluster(cluster)
        self._groups = [columns.groups(name) for name in groups]

    def take(self, keep: BoolArray) -> Outcome:
        """The outcome of the rows to use, people of weight 0 left out."""
        notes = list(self._columns.notes)
        if self._weights is not None and self._columns.design is None:
            empty = keep & (self._weights == 0)
            if empty.any():
                notes.append(f"{int(empty.sum()):,} rows of weight 0 left out.")
                keep = keep & ~empty
        used: BoolArray | slice = slice(None) if keep.all() else keep
        entry = None if self._entry is None else self._entry[used]
        ranks = rank_times(self._duration[used], entry)
        if ranks.near_ties:
            which = "time differs" if ranks.near_ties == 1 else "times differ"
            notes.append(f"{ranks.near_ties:,} {which} from another by rounding only: taken as equal.")
            if ranks.entry is not None and (ranks.entry >= ranks.exit).any():
                bad = np.zeros(len(keep), dtype=bool)
                bad[np.flatnonzero(keep)[ranks.entry >= ranks.exit]] = True
                fault = row_fault(
                    "equals the duration but for rounding",
                    bad.tolist(),
                    table="data",
                    column=self._entry_name,
                    remedy=LATE_ENTRY,
                )
                raise InputError(UNUSABLE, [fault])
        codes, labels = combine([Groups(group.codes[used], group.labels) for group in self._groups])
        for group in self._groups:
            gone = sorted(set(range(len(group.labels))) - set(np.unique(group.codes[used]).tolist()))
            notes.extend(f"Group {group.labels[code]}: no row has every value needed." for code in gone)
        cluster = None if self._cluster is None else renumber(self._cluster[used])[1]
        return Outcome(
            keep,
            ranks,
            self._event[used],
            None if self._weights is None else self._weights[used],
            cluster,
            codes,
            labels,
            tuple(notes),
            self._columns.design is not None,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A checked survival outcome of the n rows used.

    Attributes
    ----------
    keep : (rows of the data,) bool
        The rows used.
    ranks : TimeRanks
    event : (n,) float
        0 for none; 1 for an event, or the code of its cause.
    weights : (n,) float or None
    cluster, group : (n,) int or None
        Codes 0, 1, …; None where there are none.
    labels : tuple
        What each code of `group` stands for.
    notes : tuple of str
    designed : bool
        Whether a Design was given, whose weights were made and not drawn.
    order : (n,) int or None
        Which of the rows kept each row is, where they were put in another order.
    """

    keep: BoolArray
    ranks: TimeRanks
    event: FloatArray
    weights: FloatArray | None
    cluster: IntArray | None
    group: IntArray | None
    labels: tuple[object, ...]
    notes: tuple[str, ...]
    designed: bool = False
    order: IntArray | None = None

    @property
    def rows(self) -> BoolArray | IntArray:
        """Which rows of the data these are, to take columns by and to put values back by."""
        return self.keep if self.order is None else np.flatnonzero(self.keep)[self.order]

    @property
    def needs_robust(self) -> bool:
        """Whether only a robust variance is right: a Design, a cluster, or weights that are not whole."""
        return self.designed or self.cluster is not None or not self.whole_weights

    def by_time(self, first: BoolArray) -> Outcome:
        """The same rows by stratum and time, those in `first` leading their time, so that rows of a time are a run."""
        key = 2 * self.ranks.exit + ~first
        if self.group is not None:
            key += self.group * np.int64(2 * len(self.ranks.grid))
        low, high = int(key.min()), int(key.max())
        if high - low < np.iinfo(np.int16).max:  # a radix sort, in O(n)
            key = (key - low).astype(np.int16)
        order = np.argsort(key, kind="stable")

        ranks = self.ranks
        return replace(
            self,
            ranks=replace(ranks, exit=ranks.exit[order], entry=None if ranks.entry is None else ranks.entry[order]),
            event=self.event[order],
            weights=None if self.weights is None else self.weights[order],
            cluster=None if self.cluster is None else self.cluster[order],
            group=None if self.group is None else self.group[order],
            order=order,
        )

    def of_cause(self, code: int) -> Outcome:
        """The same rows with the events of one cause; those of others end the time at risk as censoring does."""
        return replace(self, event=(self.event == code).astype(float))

    def strata_words(self, columns: Sequence[str]) -> str:
        """The strata of some columns in words; empty where there are none."""
        return f"{len(self.labels):,} strata of {', '.join(columns)}" if columns else ""

    @property
    def whole_weights(self) -> bool:
        """True where every weight is a whole number (or there are none): they can then stand for copies of people."""
        return self.weights is None or bool(np.array_equal(self.weights, np.floor(self.weights)))


def combine(groups: Sequence[Groups]) -> tuple[IntArray | None, tuple[object, ...]]:
    """One code and label for each combination of groups that occurs; None where there are no groups."""
    if not groups:
        return None, ()
    key = groups[0].codes
    for group in groups[1:]:
        key = key * len(group.labels) + group.codes
    present, codes = renumber(key)
    labels = []
    for value in present.tolist():
        parts = []
        for group in reversed(groups[1:]):
            value, part = divmod(value, len(group.labels))
            parts.append(group.labels[part])
        parts.append(groups[0].labels[value])
        labels.append(parts[0] if len(parts) == 1 else ", ".join(str(part) for part in reversed(parts)))
    return codes, tuple(labels)
