"""Figures of survival, readable in grey: curves with the numbers at risk beneath, hazard ratios, and their drift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, PercentFormatter

from impact.frames import check_choice
from impact.results import number
from impact.survival.riskset import FloatArray

COLOURS = ("#0b3c5d", "#c8553d", "#5aa9a3", "#8c6bb1", "#b8860b", "#4d4d4d")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
UNITS = ("days", "months")
MONTH = 30.4375
MONTH_STEPS = (1, 2, 3, 6, 12)
MOST_TICKS = 9
CROWDED = 0.07
LONG_LABEL = 22
FEW_LINES = 3
LABEL_GAP = 9
CHARACTER = 6.5
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
    lines: Sequence[Line],
    at_risk: Callable[[int, FloatArray], Any] | None = None,
    *,
    ax: Axes | None = None,
    unit: str = "days",
    cumulative: bool = False,
) -> Axes:
    """Step curves with shaded intervals; `at_risk` (number of the line, times) gives the counts printed beneath.

    Times are in days; with `unit` ``"months"`` ticks stand at whole months. With `cumulative` 1 − height is drawn.
    """
    check_choice("unit", unit, UNITS)
    stacked = at_risk is not None and _labels_are_long(lines)
    rows = 0 if at_risk is None else len(lines) * (2 if stacked else 1)
    axes = _axes(ax, 4.6 + 0.18 * max(rows - 2, 0))
    top, shade = 0.0, 0.15 if len(lines) <= FEW_LINES else 0.06
    for place, line in enumerate(lines):
        colour, style = look(place)
        time = np.r_[0.0, line.time]
        height, low, high = (np.r_[1.0, values] for values in (line.height, line.low, line.high))
        if cumulative:
            height, low, high = 1 - height, 1 - high, 1 - low
        axes.step(time, height, where="post", color=colour, linestyle=style, label=line.label)
        axes.fill_between(time, low, high, step="post", color=colour, alpha=shade, linewidth=0)
        top = max(top, float(np.nanmax(np.r_[height, high])))
    axes.set_xlim(left=0)
    axes.set_ylim(0, min(1.02, max(1.08 * top, 0.01)) if cumulative else 1.02)
    time_axis(axes, unit)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_ylabel("With the event" if cumulative else "Without the event")
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        axes.legend(frameon=False)
    if at_risk is not None:
        _numbers_beneath(axes, lines, at_risk)
    return axes


def look(place: int) -> tuple[str, Any]:
    """Colour and line style of a group; no two of the first thirty-six share both."""
    return COLOURS[place % len(COLOURS)], STYLES[(place + place // len(COLOURS)) % len(STYLES)]


def time_axis(axes: Axes, unit: str) -> None:
    """Ticks and label of an axis of days, at whole days or whole months."""
    check_choice("unit", unit, UNITS)
    if unit == "days":
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.set_xlabel("Days")
        return
    months = axes.get_xlim()[1] / MONTH
    step = next((step for step in MONTH_STEPS if months / step <= MOST_TICKS), None)
    step = step or 12 * int(np.ceil(months / MOST_TICKS / 12))
    axes.xaxis.set_major_locator(MultipleLocator(step * MONTH))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda days, _: f"{days / MONTH:.0f}"))
    axes.set_xlabel(f"Months of {MONTH:g} days")


def _axes(ax: Axes | None, height: float) -> Axes:
    return plt.subplots(figsize=(7, height), layout="constrained")[1] if ax is None else ax


def _labels_are_long(lines: Sequence[Line]) -> bool:
    return len(lines) > 1 and max(len(line.label) for line in lines) > LONG_LABEL


def _numbers_beneath(axes: Axes, lines: Sequence[Line], at_risk: Callable[[int, FloatArray], Any]) -> None:
    """The counts under the ticks, a row for each line; long labels stand above their row, short ones beside it."""
    low, high = axes.get_xlim()
    ticks = np.array([tick for tick in axes.get_xticks() if low <= tick <= high])
    axes.set_xticks(ticks)
    axes.set_xlim(low, high)
    beneath = axes.get_xaxis_transform()
    stacked = _labels_are_long(lines)
    counts = [[f"{count:,.0f}" for count in at_risk(place, ticks)] for place in range(len(lines))]
    beside = -LABEL_GAP - CHARACTER * max(len(row[0]) for row in counts) / 2

    def write(text: str, at: float, along: float, row: int, **style: Any) -> None:
        offset = (along, FIRST_LINE - LINE_STEP * row)
        axes.annotate(
            text, (at, 0), offset, xycoords=beneath, textcoords="offset points", va="center", fontsize="small", **style
        )

    write("At risk", low, beside, 0, ha="right")
    for place, line in enumerate(lines):
        row = (2 * place + 1 if stacked else place) + (len(lines) > 1)
        if stacked:
            write(line.label, low, 0, row - 1, ha="left", color=look(place)[0])
        elif len(lines) > 1:
            write(line.label, low, beside, row, ha="right", color=look(place)[0])
        for tick, count in zip(ticks, counts[place], strict=True):
            write(count, tick, 0, row, ha="center")


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
    """Scaled Schoenfeld residuals at `x` (transformed times of events), a smooth with its band, and the constant."""
    check_choice("unit", unit, UNITS)
    axes = _axes(ax, 4.4)
    axes.plot(x, y, "o", color="0.45", markersize=3, alpha=0.6, label="One event")
    at = curve["transformed"]
    axes.fill_between(at, curve["conf_low"], curve["conf_high"], color=COLOURS[0], alpha=0.18, linewidth=0)
    axes.plot(at, curve["estimate"], color=COLOURS[0], label=f"Smooth ({level:.0%} band)")
    axes.axhline(constant, color=COLOURS[1], linestyle="--", label="Proportional hazards")
    marks, words = _time_marks(time, x, unit)
    axes.set_xticks(marks, words)
    axes.set_xlabel("Days" if unit == "days" else f"Months of {MONTH:g} days")
    axes.set_ylabel(f"Log hazard ratio of {label}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize="small", framealpha=0.85, edgecolor="none")
    return axes


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


def forest(
    labels: Sequence[str],
    estimate: FloatArray,
    low: FloatArray,
    high: FloatArray,
    *,
    xlabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Ratios with their intervals on a logarithmic axis and in figures, the first at the top, and a line at 1."""
    axes = _axes(ax, 1.2 + 0.38 * len(labels))
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
    for row in range(len(labels)):
        words = f"{number(estimate[row], 3)} ({number(low[row], 3)} to {number(high[row], 3)})"
        axes.annotate(words, (1.02, height[row]), xycoords=("axes fraction", "data"), va="center", fontsize="small")
    axes.set_xlabel(xlabel)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _ratio_ticks(low: float, high: float) -> plt.FixedLocator:
    steps = np.array([1.0, 2.0, 5.0]) if high / low < 200 else np.array([1.0])
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    return plt.FixedLocator(np.outer(powers, steps).ravel().tolist())
