"""Survival curves predicted by a Cox model for given people, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import FloatArray, IntArray
from impact.results import with_notes
from impact.survival.likelihoods.baseline import Baseline, curve_errors
from impact.survival.numbers.product_limit import limits
from impact.survival.reading.new_rows import NewRows
from impact.survival.riskset import RiskSets

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class PredictedCurves:
    """Predicted survival of given people over time.

    Attributes
    ----------
    labels : tuple
        The index of each row predicted for, in the order of the rows of `tidy`.
    level, conf_type : float, str
        Of the pointwise intervals.
    method : str
    notes : tuple of str
    """

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

        `std_error` is that of the survival. Intervals are NaN where their scale has none (survival of 1 on the log-log
        and arcsine scales), and everything is NaN after the last time observed in the stratum.
        """
        survival, low, high = self._curves()
        sizes = np.diff(self._bounds)
        table = pd.DataFrame({"row": np.repeat(_objects(self.labels), sizes)})
        if self._strata:
            table["stratum"] = np.repeat(_objects(self._strata), sizes)
        with np.errstate(invalid="ignore"):
            error = survival * self._error
        return table.assign(
            time=self._time,
            cumulative_hazard=self._hazard,
            estimate=survival,
            std_error=error,
            conf_low=low,
            conf_high=high,
        )

    def plot(self, ax: Axes | None = None, *, unit: str = "days", cumulative: bool = False) -> Axes:
        """The curves with their intervals; with `cumulative` the share with the event instead, 1 − S."""
        from impact.survival.figures import curves as figures

        survival, low, high = self._curves()
        lines = []
        for place, label in enumerate(self.labels):
            part = slice(self._bounds[place], self._bounds[place + 1])
            lines.append(figures.Line(str(label), self._time[part], survival[part], low[part], high[part]))
        return figures.survival_curves(lines, ax=ax, unit=unit, cumulative=cumulative)

    def _curves(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        survival = np.exp(-self._hazard)
        low, high = limits(survival, self._error, self.level, self.conf_type)
        return survival, low, high

    def __repr__(self) -> str:
        people = "1 person" if len(self.labels) == 1 else f"{len(self.labels):,} people"
        head = f"Survival predicted for {people}; {self.level:.0%} {self.conf_type} intervals; {self.method}"
        return with_notes(head, self.notes)


def _objects(values: tuple[object, ...]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def predicted_curves(
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
    """The curves at `times`, or at the event times of each person's stratum.

    `linear` (m,) is the linear predictor on the centred covariates; `last_seen` (S,) the last time of each stratum.
    """
    if times is not None and np.isnan(times).any():
        raise InputError("times must be numbers without missing values.")
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
