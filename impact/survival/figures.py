"""Figures of survival, readable in grey: curves with the numbers at risk beneath, and a forest of hazard ratios."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from impact.survival.riskset import FloatArray

COLOURS = ("#0b3c5d", "#c8553d", "#5aa9a3", "#8c6bb1", "#b8860b", "#4d4d4d")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
LEFT_OF_AXES = -18
FIRST_LINE = -48
LINE_STEP = 13


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its label, times, heights and limits."""

    label: str
    time: FloatArray
    height: FloatArray
    low: FloatArray
    high: FloatArray


def survival_curves(
    lines: Sequence[Line], at_risk: Callable[[int, FloatArray], Any] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Step curves with shaded intervals; `at_risk` (number of the line, times) gives the counts printed beneath."""
    axes = plt.subplots(figsize=(7, 4.6), layout="constrained")[1] if ax is None else ax
    for place, line in enumerate(lines):
        colour, style = COLOURS[place % len(COLOURS)], STYLES[(place + place // len(COLOURS)) % len(STYLES)]
        time = np.r_[0.0, line.time]
        axes.step(time, np.r_[1.0, line.height], where="post", color=colour, linestyle=style, label=line.label)
        low, high = (np.r_[1.0, limit] for limit in (line.low, line.high))
        axes.fill_between(time, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("Days")
    axes.set_ylabel("Without the event")
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        axes.legend(frameon=False)
    if at_risk is not None:
        _numbers_beneath(axes, lines, at_risk)
    return axes


def _numbers_beneath(axes: Axes, lines: Sequence[Line], at_risk: Callable[[int, FloatArray], Any]) -> None:
    low, high = axes.get_xlim()
    ticks = np.array([tick for tick in axes.get_xticks() if low <= tick <= high])
    axes.set_xticks(ticks)
    axes.set_xlim(low, high)
    beneath = axes.get_xaxis_transform()

    def write(text: str, at: float, along: float, row: int, **style: Any) -> None:
        offset = (along, FIRST_LINE - LINE_STEP * row)
        axes.annotate(
            text, (at, 0), offset, xycoords=beneath, textcoords="offset points", va="center", fontsize="small", **style
        )

    write("At risk", low, LEFT_OF_AXES, 0, ha="right")
    for place, line in enumerate(lines):
        if len(lines) > 1:
            write(line.label, low, LEFT_OF_AXES, place + 1, ha="right", color=COLOURS[place % len(COLOURS)])
        row = place + 1 if len(lines) > 1 else 0
        for tick, count in zip(ticks, at_risk(place, ticks), strict=True):
            write(f"{count:,.0f}", tick, 0, row, ha="center")


def forest(
    labels: Sequence[str],
    estimate: FloatArray,
    low: FloatArray,
    high: FloatArray,
    *,
    xlabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Ratios with their intervals on a logarithmic axis, the first at the top, and a line at 1."""
    axes = plt.subplots(figsize=(7, 1.2 + 0.38 * len(labels)), layout="constrained")[1] if ax is None else ax
    height = np.arange(len(labels))[::-1]
    axes.axvline(1, color="0.6", linewidth=1)
    axes.errorbar(
        estimate, height, xerr=[estimate - low, high - estimate], fmt="s", color=COLOURS[0], capsize=3, markersize=5
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(_ratio_ticks(float(low.min()), float(high.max())))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(plt.NullLocator())
    axes.set_yticks(height, list(labels))
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlabel(xlabel)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _ratio_ticks(low: float, high: float) -> plt.FixedLocator:
    steps = np.array([1.0, 2.0, 5.0]) if high / low < 200 else np.array([1.0])
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    return plt.FixedLocator(np.outer(powers, steps).ravel().tolist())
