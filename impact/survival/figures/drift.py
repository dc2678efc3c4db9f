"""The figure of a coefficient that may drift: residuals over time, a smooth with its band, and the one number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from impact.figures import COLOURS, open_frame
from impact.frames import check_choice
from impact.survival.figures.style import GREY, MONTH, UNITS, axes_of, time_label
from impact.survival.riskset import FloatArray

CROWDED = 0.07
WIDE = 4.0


def drift(
    time: FloatArray,
    x: FloatArray,
    y: FloatArray,
    constant: float,
    curve: pd.DataFrame,
    *,
    label: str,
    level: float,
    unit: str,
    ax: Axes | None = None,
) -> Axes:
    """Scaled Schoenfeld residuals at `x` (transformed times of events), a smooth with its band, and the constant.

    Residuals of a rare category lie far out; where all of them would leave the band a small part of the height, those
    beyond are counted in the legend.
    """
    check_choice("unit", unit, UNITS)
    axes = axes_of(ax, 4.4)
    limits = _heights(y, np.r_[curve["conf_low"], curve["conf_high"], constant])
    beyond = 0 if limits is None else int(((y < limits[0]) | (y > limits[1])).sum())
    words = f"One event ({beyond:,} more beyond)" if beyond else "One event"
    axes.plot(x, y, "o", color=GREY, markersize=3, alpha=0.6, label=words)
    at = curve["transformed"]
    axes.fill_between(at, curve["conf_low"], curve["conf_high"], color=COLOURS[0], alpha=0.18, linewidth=0)
    axes.plot(at, curve["estimate"], color=COLOURS[0], label=f"Smooth ({level:.0%} band)")
    axes.axhline(constant, color=COLOURS[1], linestyle="--", label="Proportional hazards")
    marks, days = _time_marks(time, x, unit)
    axes.set_xticks(marks, days)
    if limits is not None:
        axes.set_ylim(limits)
    axes.set_xlabel(time_label(unit))
    axes.set_ylabel(f"Log hazard ratio of {label}")
    open_frame(axes)
    axes.legend(fontsize="small", framealpha=0.85, edgecolor="none")
    return axes


def _heights(y: FloatArray, band: FloatArray) -> tuple[float, float] | None:
    """Limits that show the band well, where the residuals spread much wider than it."""
    low, high = float(np.nanmin(band)), float(np.nanmax(band))
    if np.ptp(y) < WIDE * (high - low):
        return None
    return low - (high - low), high + (high - low)


def _time_marks(time: FloatArray, x: FloatArray, unit: str) -> tuple[list[float], list[str]]:
    """Ticks of a transformed time axis, at round times that do not crowd each other."""
    order = np.argsort(time, kind="stable")
    time, x = time[order] / (1 if unit == "days" else MONTH), x[order]
    powers = 10.0 ** np.arange(np.floor(np.log10(max(time[0], time[-1] / 1e6))), np.ceil(np.log10(time[-1])) + 1)
    even = MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(time[0], time[-1])
    best: list[tuple[float, str]] = []
    for wanted in (even, np.outer(powers, [1, 2, 5]).ravel()):
        marks: list[tuple[float, str]] = []
        for value in wanted[(wanted >= time[0]) & (wanted <= time[-1])]:
            place = float(np.interp(value, time, x))
            if not marks or place - marks[-1][0] > CROWDED * (x[-1] - x[0]):
                marks.append((place, f"{value:g}"))
        best = marks if len(marks) > len(best) else best
    return [place for place, _ in best], [words for _, words in best]
