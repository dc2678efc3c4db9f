"""Curves predicted by a fitted model for given people, with intervals: survival, or the incidence of a cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.frames import FloatArray, IntArray
from impact.results import with_notes
from impact.survival.likelihoods.baseline import Baseline, curve_errors
from impact.survival.numbers.limits import survival_limits
from impact.survival.reading.new_rows import NewRows
from impact.survival.riskset import RiskSets

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class PredictedCurves:
    """Predicted curves of given people over time.

    Attributes
    ----------
    of : str
        ``"survival"``, the share without the event; or ``"incidence"``, the share to whom the cause has happened.
    labels : tuple
        The index of each row predicted for, in the order of the rows of `tidy`.
    level, conf_type : float, str
        Of the pointwise intervals.
    method : str
    notes : tuple of str
    """

    of: str
    labels: tuple[object, ...]
    level: float
    conf_type: str
    method: str
    notes: tuple[str, ...]
    _strata: tuple[object, ...]
    _bounds: IntArray
    _time: FloatArray
    _hazard: FloatArray
    _error: FloatArray

    def tidy(self) -> pd.DataFrame:
        """One row for each person and time.

        Columns row, stratum (where there are any), time, cumulative_hazard, estimate, std_error, conf_low, conf_high.

        `cumulative_hazard` is minus the log of the share without the event, `std_error` that of the estimate.
        Intervals are NaN where their scale has none (nobody has had the event yet, on the log-log and arcsine scales),
        and everything is NaN after the last time observed in the stratum.
        """
        estimate, low, high = self._curves()
        sizes = np.diff(self._bounds)
        table = pd.DataFrame({"row": np.repeat(_objects(self.labels), sizes)})
        if self._strata:
            table["stratum"] = np.repeat(_objects(self._strata), sizes)
        with np.errstate(invalid="ignore", under="ignore"):
            survival = np.exp(-self._hazard)
            error = np.where(survival == 0, 0.0, survival * self._error)
        return table.assign(
            time=self._time,
            cumulative_hazard=self._hazard,
            estimate=estimate,
            std_error=error,
            conf_low=low,
            conf_high=high,
        )

    def plot(self, ax: Axes | None = None, *, unit: str = "days", cumulative: bool = False) -> Axes:
        """The curves with their intervals; with `cumulative` the share with the event instead, 1 − S.

        `unit` is ``"days"`` or ``"months"``. Incidence is cumulative as it is.
        """
        from impact.survival.figures.curves import Line, falling_curves, rising_curves

        estimate, low, high = self._curves()
        lines = []
        for place, label in enumerate(self.labels):
            part = slice(self._bounds[place], self._bounds[place + 1])
            lines.append(Line(str(label), self._time[part], estimate[part], low[part], high[part]))
        if self.of == "incidence":
            return rising_curves(lines, ylabel="With the event", share=True, ax=ax, unit=unit)
        return falling_curves(lines, ax=ax, unit=unit, cumulative=cumulative)

    def _curves(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        with np.errstate(under="ignore"):
            survival = np.exp(-self._hazard)
        low, high = survival_limits(survival, self._error, self.level, self.conf_type)
        if self.of == "incidence":
            return -np.expm1(-self._hazard), 1 - high, 1 - low
        return survival, low, high

    def __repr__(self) -> str:
        people = "1 person" if len(self.labels) == 1 else f"{len(self.labels):,} people"
        head = f"{self.of.capitalize()} predicted for {people}; {self.level:.0%} {self.conf_type} intervals"
        return with_notes(f"{head}; {self.method}", self.notes)


def _objects(values: tuple[object, ...]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def of_table(
    of: str,
    labels: pd.Index,
    strata: tuple[object, ...],
    times: FloatArray,
    hazard: FloatArray,
    error: FloatArray,
    *,
    level: float,
    conf_type: str,
    method: str,
    notes: tuple[str, ...],
) -> PredictedCurves:
    """The curves of m people at the same T times, from cumulative hazards and their errors, (m, T)."""
    bounds = np.arange(len(labels) + 1) * len(times)
    return PredictedCurves(
        of,
        tuple(labels.tolist()),
        level,
        conf_type,
        method,
        notes,
        strata,
        bounds,
        np.tile(times, len(labels)),
        hazard.ravel(),
        error.ravel(),
    )


def of_baseline(
    base: Baseline,
    sets: RiskSets,
    rows: NewRows,
    linear: FloatArray,
    last_seen: FloatArray,
    times: FloatArray | None,
    labels: pd.Index,
    strata: tuple[object, ...],
    *,
    level: float,
    conf_type: str,
    method: str,
) -> PredictedCurves:
    """Survival by a Cox model at `times`, or at the event times of each person's stratum.

    `linear` (m,) is the linear predictor on the centred covariates; `last_seen` (S,) the last time of each stratum.
    """
    ratio = np.exp(linear)
    sizes = np.diff(sets.bounds) if times is None else np.full(len(sets.bounds) - 1, len(times))
    bounds = np.r_[0, np.cumsum(sizes[rows.stratum])]
    time, hazard, error = (np.empty(bounds[-1]) for _ in range(3))
    for code in np.unique(rows.stratum).tolist():
        start = sets.bounds[code]
        own = sets.times[start : sets.bounds[code + 1]]
        wanted = own if times is None else times
        cells = np.searchsorted(own, wanted, side="right") - 1 + start
        cells = np.where(cells < start, -1, cells)
        inside = rows.stratum == code
        unseen = np.where(wanted > last_seen[code], np.nan, 1.0)
        scale = np.multiply.outer(ratio[inside], unseen)
        places = bounds[:-1][inside, None] + np.arange(len(wanted))
        time[places] = wanted
        hazard[places] = np.where(cells >= 0, base.cumulative[cells], 0.0) * scale
        error[places] = curve_errors(base, rows.z[:, inside], cells) * scale
    return PredictedCurves(
        "survival",
        tuple(labels.tolist()),
        level,
        conf_type,
        method,
        rows.notes,
        tuple(strata[code] for code in rows.stratum.tolist()) if strata else (),
        bounds,
        time,
        hazard,
        error,
    )
