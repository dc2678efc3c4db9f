"""What curves by group share: a table of their steps, readings at any time, and the numbers at risk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.frames import FloatArray, IntArray
from impact.results import with_notes
from impact.survival.numbers.presence import Presence
from impact.survival.reading.faults import read_times
from impact.survival.riskset import RiskSets

if TYPE_CHECKING:
    from impact.survival.figures.style import Line


@dataclass(frozen=True, eq=False)
class StepCurves(ABC):
    """Step curves of one or more groups.

    Attributes
    ----------
    labels : tuple
        The groups, in the order of the rows of `tidy`; ``("all",)`` where there is no `by`.
    n, n_events : tuple of int
        People (rows) and events of each group, uncounted by weights.
    level, conf_type : float, str
        Of the intervals.
    weighted : bool
        Whether the numbers at risk are sums of weights.
    method : str
        The variance, in words.
    notes : tuple of str
        Rows left out, and cautions.
    """

    labels: tuple[object, ...]
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    level: float
    conf_type: str
    weighted: bool
    method: str
    notes: tuple[str, ...]
    _sets: RiskSets
    _presence: Presence

    @abstractmethod
    def _counts(self) -> dict[str, FloatArray]:
        """The counts of `tidy`, (K,) each."""

    @abstractmethod
    def _values(self) -> tuple[FloatArray, FloatArray]:
        """The estimate at each cell, and the error that `_shown` takes, (K,)."""

    @abstractmethod
    def _shown(self, estimate: FloatArray, error: FloatArray) -> dict[str, FloatArray]:
        """estimate, std_error, conf_low and conf_high."""

    @property
    @abstractmethod
    def _start(self) -> float:
        """The height of every curve at time 0."""

    def _over(self, code: int) -> bool:
        """Whether the curve of a group is known for ever after its last time."""
        return False

    def tidy(self) -> pd.DataFrame:
        """One row for each group and distinct time."""
        counts = {name: self._whole(values) for name, values in self._counts().items()}
        return pd.DataFrame(
            {
                "group": self._by_cell(self.labels),
                "time": self._sets.times,
                **counts,
                **self._shown(*self._values()),
            }
        )

    def at(self, times: float | Sequence[float]) -> pd.DataFrame:
        """The curves at given times: group, time, n_risk, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those at risk just before the time (at 0, those who come in at 0). After a group's last observed
        time the estimate is NaN, unless nothing more can happen.
        """
        wanted = read_times(times)
        parts = []
        for code in range(len(self.labels)):
            estimate, error = (
                self._read(code, wanted, values, start)
                for values, start in zip(self._values(), (self._start, 0.0), strict=True)
            )
            parts.append({"time": wanted, "n_risk": self._at_risk(code, wanted), **self._shown(estimate, error)})
        return by_group(self.labels, parts)

    def _read(self, code: int, wanted: FloatArray, values: FloatArray, start: float) -> FloatArray:
        """A step function of one group at given times."""
        cells = self._cells(code)
        time = self._sets.times[cells]
        found = np.r_[start, values[cells]][np.searchsorted(time, wanted, side="right")]
        if not self._over(code):
            found[wanted > time[-1]] = np.nan
        return found

    def _cells(self, code: int) -> slice:
        return slice(self._sets.bounds[code], self._sets.bounds[code + 1])

    def _lines(self) -> list[Line]:
        """What a figure draws of each group."""
        from impact.survival.figures.style import Line

        shown = self._shown(*self._values())
        parts = (self._sets.times, shown["estimate"], shown["conf_low"], shown["conf_high"])
        cells = (self._cells(code) for code in range(len(self.labels)))
        return [
            Line(str(label), *(part[place] for part in parts))  # type: ignore[arg-type]
            for label, place in zip(self.labels, cells, strict=True)
        ]

    def _by_cell(self, labels: Sequence[object]) -> np.ndarray:
        return np.repeat(np.array(labels, dtype=object), np.diff(self._sets.bounds))

    def _at_risk(self, code: int, times: FloatArray) -> FloatArray | IntArray:
        return self._whole(self._presence.count(code, times))

    def _whole(self, counts: FloatArray) -> FloatArray | IntArray:
        return counts if self.weighted else np.rint(counts).astype(np.int64)

    def _words(self, name: str, lines: Sequence[str]) -> str:
        head = f"{name}; {self.level:.0%} {self.conf_type} intervals; {self.method}"
        return with_notes("\n".join([head, *lines]), self.notes)

    def _last(self, code: int) -> dict[str, float]:
        """The time of a group's last cell, and what is shown there."""
        place = [self._cells(code).stop - 1]
        estimate, error = (values[place] for values in self._values())
        return {"time": self._sets.times[place[0]]} | {
            name: float(value[0]) for name, value in self._shown(estimate, error).items()
        }


def by_group(
    labels: Sequence[object], parts: Sequence[Mapping[str, np.ndarray]], **names: Sequence[object]
) -> pd.DataFrame:
    """Tables of each group (and of each of `names`) under each other, labelled in the first columns."""
    frames = []
    for place, part in enumerate(parts):
        frame = pd.DataFrame(part)
        for column, (name, values) in enumerate({"group": labels, **names}.items()):
            frame.insert(column, name, pd.Series([values[place]] * len(frame), dtype=object))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
