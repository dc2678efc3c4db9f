"""Figures of curves by group: shares that fall from 1, and hazards, incidence and counts that rise from 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from impact.figures import COLOURS
from impact.survival.figures.style import FEW_LINES, Counts, Line, axes_of, look, numbers_beneath, shade, time_axis
from impact.survival.riskset import FloatArray

HATCHES = ("", "///", "...", "\\\\\\", "xx", "--")
FREE = "#e6e6e6"


def falling_curves(
    lines: Sequence[Line],
    at_risk: Counts | None = None,
    *,
    ax: Axes | None = None,
    unit: str = "days",
    cumulative: bool = False,
) -> Axes:
    """Step curves from 1 with shaded intervals, and the counts of `at_risk` beneath; with `cumulative`, 1 − height."""
    labels = [line.label for line in lines]
    axes = axes_of(ax, beneath=None if at_risk is None else labels)
    top = 0.0
    for place, line in enumerate(lines):
        colour, style = look(place)
        time = np.r_[0.0, line.time]
        height, low, high = (np.r_[1.0, values] for values in (line.height, line.low, line.high))
        if cumulative:
            height, low, high = 1 - height, 1 - high, 1 - low
        axes.step(time, height, where="post", color=colour, linestyle=style, label=line.label)
        axes.fill_between(time, low, high, step="post", color=colour, alpha=shade(len(lines)), linewidth=0)
        top = max(top, float(np.nanmax(np.r_[height, high])))
    time_axis(axes, unit)
    axes.set_ylim(0, min(1.02, max(1.08 * top, 0.01)) if cumulative else 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_ylabel("With the event" if cumulative else "Without the event")
    if len(lines) > 1:
        axes.legend(frameon=False)
    if at_risk is not None:
        numbers_beneath(axes, labels, at_risk)
    return axes


def rising_curves(
    lines: Sequence[Line],
    at_risk: Counts | None = None,
    *,
    ylabel: str,
    share: bool,
    ax: Axes | None = None,
    unit: str = "days",
) -> Axes:
    """Step curves from 0 with shaded intervals: a colour for each group and a stroke for each cause.

    With a single group, or a single cause, colour and stroke go together. Heights are percentages where they are a
    `share`. The counts of `at_risk` stand beneath, a row for each group.
    """
    groups, causes = (list(dict.fromkeys(part)) for part in zip(*((x.label, x.cause) for x in lines), strict=True))
    axes = axes_of(ax, beneath=None if at_risk is None else groups)
    for line in lines:
        group, cause = groups.index(line.label), causes.index(line.cause)
        place, stroke = (cause, cause) if len(groups) == 1 else (group, group if len(causes) == 1 else cause)
        colour, style = look(place, stroke)
        words = [name for name, several in ((line.label, len(groups) > 1), (line.cause, len(causes) > 1)) if several]
        time, name = np.r_[0.0, line.time], ": ".join(words) or line.label
        axes.step(time, np.r_[0.0, line.height], where="post", color=colour, linestyle=style, label=name)
        low, high = (np.r_[0.0, np.where(np.isnan(limit), line.height, limit)] for limit in (line.low, line.high))
        axes.fill_between(time, low, high, step="post", color=colour, alpha=shade(len(lines)), linewidth=0)
    time_axis(axes, unit)
    axes.set_ylabel(ylabel)
    top = max(float(np.nanmax(np.r_[line.height, line.high, 0.0])) for line in lines)
    axes.set_ylim(0, min(1.02, 1.05 * top) if share and top else 1.05 * top or 1)
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if top > 0.05 else 1))
    if len(lines) > 1:
        beside = {"bbox_to_anchor": (1, 1)} if len(lines) > FEW_LINES else {}
        axes.legend(frameon=False, loc="upper left", **beside)
    if at_risk is not None:
        numbers_beneath(axes, groups, at_risk)
    return axes


def stacked_shares(
    time: FloatArray,
    heights: FloatArray,
    names: Sequence[object],
    at_risk: Counts | None,
    *,
    ax: Axes | None = None,
    unit: str = "days",
) -> Axes:
    """Shares piled up to 1: the causes from the bottom in their order, and then those without any event."""
    axes = axes_of(ax)
    along = np.r_[0.0, time]
    piled = np.c_[np.zeros(len(heights)), np.cumsum(heights, axis=0)]
    edges = [np.zeros(len(along)), *piled, np.ones(len(along))]
    for place, name in enumerate((*names, "without any event")):
        last = place == len(names)
        axes.fill_between(
            along,
            edges[place],
            edges[place + 1],
            step="post",
            facecolor=FREE if last else COLOURS[place % len(COLOURS)],
            edgecolor="white",
            hatch=None if last else HATCHES[place % len(HATCHES)],
            linewidth=0.5,
            label=str(name),
        )
    axes.set_xlim(0, along[-1])
    time_axis(axes, unit)
    axes.set_ylabel("Share")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    handles, words = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], words[::-1], frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    if at_risk is not None:
        numbers_beneath(axes, [""], at_risk)
    return axes


def up_to_horizon(
    lines: Sequence[Line], horizon: float, *, lost: bool, title: str, ax: Axes | None = None, unit: str = "days"
) -> Axes:
    """Step curves up to the horizon (from 0 where time is `lost`, else from 1), the mean or the difference shaded.

    One curve has the area beneath it shaded, two the area between them.
    """
    axes = axes_of(ax, 4.4)
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
    time_axis(axes, unit)
    axes.set_ylim(0, None if lost else 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("With the event" if lost else "Without the event")
    axes.set_title(title, loc="left", fontsize="medium")
    axes.legend(frameon=False)
    return axes
