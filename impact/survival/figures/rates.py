"""Figures of hazards: level rates by piece of follow-up, and smooth curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from impact.survival.figures.style import axes_of, look, shade, time_axis

MARKERS = ("o", "s", "^", "D", "v", "P")


def rates(
    table: pd.DataFrame, labels: Sequence[str], end: float, *, ax: Axes | None = None, unit: str = "days"
) -> Axes:
    """Level lines over each piece with an interval in its middle, the groups side by side."""
    axes = axes_of(ax, 4.4)
    pieces = len(table) // len(labels)
    for place, label in enumerate(labels):
        colour, style = look(place)
        part = table.iloc[place * pieces : (place + 1) * pieces]
        start, stop = part["start"].to_numpy(), np.minimum(part["end"].to_numpy(), max(end, part["start"].max()))
        rate, low, high = (part[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high"))
        axes.hlines(rate, start, stop, color=colour, linestyle=style, label=label)
        middle = start + (stop - start) * (place + 1) / (len(labels) + 1)
        marker = MARKERS[place % len(MARKERS)]
        axes.errorbar(middle, rate, yerr=[rate - low, high - rate], fmt=marker, color=colour, capsize=3, markersize=5)
    for edge in table["start"].unique()[1:]:
        axes.axvline(edge, color="0.85", linewidth=1, zorder=0)
    time_axis(axes, unit)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Events per 100 person-days")
    if len(labels) > 1:
        axes.legend(frameon=False)
    return axes


def smooth_hazards(table: pd.DataFrame, labels: Sequence[str], *, ax: Axes | None = None, unit: str = "days") -> Axes:
    """Smooth curves with shaded intervals, from 0 upwards."""
    axes = axes_of(ax, 4.4)
    points = len(table) // len(labels)
    for place, label in enumerate(labels):
        colour, style = look(place)
        part = table.iloc[place * points : (place + 1) * points]
        axes.plot(part["time"], part["estimate"], color=colour, linestyle=style, label=label)
        limits = part["conf_low"], part["conf_high"]
        axes.fill_between(part["time"], *limits, color=colour, alpha=shade(len(labels)), linewidth=0)
    time_axis(axes, unit)
    axes.set_ylim(0, 1.6 * table["estimate"].max() or None)
    axes.set_ylabel("Events per 100 people a day")
    if len(labels) > 1:
        axes.legend(frameon=False)
    return axes
