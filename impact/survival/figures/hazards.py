"""Figures of tests and hazards, readable in grey: events seen and expected, hazards over time, rates by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from impact.survival.figures.curves import COLOURS, STYLES, Line, _numbers_beneath
from impact.survival.riskset import FloatArray

MARKERS = ("o", "s", "^", "D", "v", "P")


def seen_and_expected(
    labels: Sequence[str], observed: FloatArray, expected: FloatArray, *, ax: Axes | None = None
) -> Axes:
    """A filled dot for the events seen in each group, an open one for those expected, the first group at the top."""
    axes = plt.subplots(figsize=(7, 1.4 + 0.42 * len(labels)), layout="constrained")[1] if ax is None else ax
    height = np.arange(len(labels))[::-1]
    axes.hlines(height, observed, expected, color="0.6", linewidth=1)
    axes.plot(expected, height, "o", color=COLOURS[0], markerfacecolor="white", label="Expected were the groups alike")
    axes.plot(observed, height, "o", color=COLOURS[0], label="Seen")
    axes.set_yticks(height, list(labels))
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.set_xlabel("Events")
    axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def cumulative_hazards(
    lines: Sequence[Line], at_risk: Callable[[int, FloatArray], Any] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Step curves from 0 with shaded intervals; `at_risk` (number of the line, times) gives the counts beneath."""
    axes = plt.subplots(figsize=(7, 4.6), layout="constrained")[1] if ax is None else ax
    for place, line in enumerate(lines):
        colour, style = look(place)
        time = np.r_[0.0, line.time]
        axes.step(time, np.r_[0.0, line.height], where="post", color=colour, linestyle=style, label=line.label)
        low, high = (np.r_[0.0, limit] for limit in (line.low, line.high))
        axes.fill_between(time, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
    _days_axis(axes, len(lines))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Cumulative hazard")
    if at_risk is not None:
        _numbers_beneath(axes, lines, at_risk)
    return axes


def up_to_horizon(lines: Sequence[Line], horizon: float, *, lost: bool, title: str, ax: Axes | None = None) -> Axes:
    """Step curves up to the horizon (from 0 where time is `lost`, else from 1), the mean or the difference shaded.

    One curve has the area beneath it shaded, two the area between them.
    """
    axes = plt.subplots(figsize=(7, 4.4), layout="constrained")[1] if ax is None else ax
    steps = []
    for place, line in enumerate(lines):
        colour, style = look(place)
        seen = line.time < horizon
        height = np.r_[0.0 if lost else 1.0, line.height[seen]]
        steps.append((np.r_[0.0, line.time[seen], horizon], np.r_[height, height[-1]]))
        axes.step(*steps[-1], where="post", color=colour, linestyle=style, label=line.label)
    if len(lines) <= 2:
        time = np.unique(np.concatenate([part for part, _ in steps]))
        heights = [height[np.searchsorted(part, time, side="right") - 1] for part, height in steps]
        other = heights[1] if len(lines) == 2 else 0.0
        axes.fill_between(time, heights[0], other, step="post", color="0.5", alpha=0.2, linewidth=0)
    axes.axvline(horizon, color="0.6", linewidth=1)
    _days_axis(axes, 1)
    axes.set_ylim(0, None if lost else 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("With the event" if lost else "Without the event")
    axes.set_title(title, loc="left", fontsize="medium")
    axes.legend(frameon=False)
    return axes


def rates(table: pd.DataFrame, labels: Sequence[str], end: float, *, ax: Axes | None = None) -> Axes:
    """Level lines over each piece with an interval in its middle, the groups side by side."""
    axes = plt.subplots(figsize=(7, 4.4), layout="constrained")[1] if ax is None else ax
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
    _days_axis(axes, len(labels))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("Events per 100 person-days")
    return axes


def smooth_hazards(table: pd.DataFrame, labels: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Smooth curves with shaded intervals, from 0 upwards."""
    axes = plt.subplots(figsize=(7, 4.4), layout="constrained")[1] if ax is None else ax
    points = len(table) // len(labels)
    for place, label in enumerate(labels):
        colour, style = look(place)
        part = table.iloc[place * points : (place + 1) * points]
        axes.plot(part["time"], part["estimate"], color=colour, linestyle=style, label=label)
        axes.fill_between(part["time"], part["conf_low"], part["conf_high"], color=colour, alpha=0.15, linewidth=0)
    _days_axis(axes, len(labels))
    axes.set_ylim(0, 1.6 * table["estimate"].max() or None)
    axes.set_ylabel("Events per 100 people a day")
    return axes


def look(place: int) -> tuple[str, Any]:
    """The colour and the line style of the line at a place; no two alike in grey."""
    return COLOURS[place % len(COLOURS)], STYLES[(place + place // len(COLOURS)) % len(STYLES)]


def _days_axis(axes: Axes, n_lines: int) -> None:
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.set_xlabel("Days")
    axes.spines[["top", "right"]].set_visible(False)
    if n_lines > 1:
        axes.legend(frameon=False)
