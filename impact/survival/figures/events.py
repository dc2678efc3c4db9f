"""Figures of events that rise from 0: cumulative incidence, its parts piled up, and mean counts; readable in grey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from impact.survival.figures.curves import COLOURS, STYLES, Line, _numbers_beneath
from impact.survival.riskset import FloatArray

Counts = Callable[[int, FloatArray], FloatArray]
HATCHES = ("", "///", "...", "\\\\\\", "xx", "--")
FREE = "#e6e6e6"


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: its group, its cause ("" where there is one), times, heights and limits."""

    group: str
    cause: str
    time: FloatArray
    height: FloatArray
    low: FloatArray
    high: FloatArray


def rising_curves(
    curves: Sequence[Curve], at_risk: Counts | None, *, ylabel: str, percent: bool = True, ax: Axes | None = None
) -> Axes:
    """Step curves from 0 with shaded intervals: a colour for each group and a dash for each cause.

    With a single group, or a single cause, colour and dash go together. `at_risk` (number of the group, times) gives
    the counts printed beneath.
    """
    axes = plt.subplots(figsize=(7, 4.6), layout="constrained")[1] if ax is None else ax
    groups, causes = (list(dict.fromkeys(part)) for part in zip(*((c.group, c.cause) for c in curves), strict=True))
    for curve in curves:
        group, cause = groups.index(curve.group), causes.index(curve.cause)
        shade, dash = (cause, cause) if len(groups) == 1 else (group, group if len(causes) == 1 else cause)
        colour, style = COLOURS[shade % len(COLOURS)], STYLES[(dash + dash // len(COLOURS)) % len(STYLES)]
        words = [name for name, several in ((curve.group, len(groups) > 1), (curve.cause, len(causes) > 1)) if several]
        time = np.r_[0.0, curve.time]
        axes.step(time, np.r_[0.0, curve.height], where="post", color=colour, linestyle=style, label=": ".join(words))
        low, high = (np.r_[0.0, np.where(np.isnan(limit), curve.height, limit)] for limit in (curve.low, curve.high))
        axes.fill_between(time, low, high, step="post", color=colour, alpha=0.12, linewidth=0)
    _frame(axes, ylabel)
    top = max(float(np.nanmax(np.r_[curve.height, curve.high, 0.0])) for curve in curves)
    axes.set_ylim(0, min(1.02, 1.05 * top) if percent and top else 1.05 * top or 1)
    if percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if top > 0.05 else 1))
    if len(curves) > 1:
        axes.legend(frameon=False, loc="upper left")
    if at_risk is not None:
        none = np.empty(0)
        _numbers_beneath(axes, [Line(name, none, none, none, none) for name in groups], at_risk)
    return axes


def stacked(
    time: FloatArray, heights: FloatArray, names: Sequence[object], at_risk: Counts | None, *, ax: Axes | None = None
) -> Axes:
    """Shares piled up to 1: the causes from the bottom in their order, and then those without any event."""
    axes = plt.subplots(figsize=(7, 4.6), layout="constrained")[1] if ax is None else ax
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
    _frame(axes, "Share of people")
    axes.set_xlim(0, along[-1])
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    handles, words = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], words[::-1], frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    if at_risk is not None:
        none = np.empty(0)
        _numbers_beneath(axes, [Line("", none, none, none, none)], at_risk)
    return axes


def _frame(axes: Axes, ylabel: str) -> None:
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.set_xlabel("Days")
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
