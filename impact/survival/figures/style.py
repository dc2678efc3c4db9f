"""What every figure of the room shares: colours and strokes that differ in grey, axes of time, numbers at risk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from impact.figures import COLOURS, STYLES, new_axes, open_frame
from impact.frames import check_choice
from impact.survival.riskset import FloatArray

GREY = "0.45"
UNITS = ("days", "months")
MONTH = 30.4375
MONTH_STEPS = (1, 2, 3, 6, 12)
MOST_TICKS = 9
FEW_LINES = 3
HEIGHT = 4.6
LONG_LABEL = 22
LABEL_GAP = 9
CHARACTER = 6.5
FIRST_LINE = -48
LINE_STEP = 13
Counts = Callable[[int, FloatArray], Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its group, times, heights, limits, and its cause where there are several."""

    label: str
    time: FloatArray
    height: FloatArray
    low: FloatArray
    high: FloatArray
    cause: str = ""


def look(colour: int, stroke: int | None = None) -> tuple[str, Any]:
    """A colour and line style; by one place, no two of the first thirty-six share both."""
    place = colour if stroke is None else stroke
    return COLOURS[colour % len(COLOURS)], STYLES[(place + place // len(COLOURS)) % len(STYLES)]


def shade(lines: int) -> float:
    """How strongly an interval is shaded, so that several lie over each other and can still be told apart."""
    return 0.15 if lines <= FEW_LINES else 0.06


def axes_of(ax: Axes | None, height: float = HEIGHT, *, beneath: Sequence[str] | None = None) -> Axes:
    """The axes given, or new ones with room for the numbers at risk of the labels `beneath`."""
    if beneath is not None:
        rows = len(beneath) * (2 if _long(beneath) else 1)
        height += 0.18 * max(rows - 2, 0)
    return new_axes(ax, height)


def time_label(unit: str) -> str:
    """The label of an axis of time."""
    return "Days" if unit == "days" else f"Months of {MONTH:g} days"


def time_axis(axes: Axes, unit: str) -> None:
    """An axis of days from 0, with ticks at whole days or whole months."""
    check_choice("unit", unit, UNITS)
    axes.set_xlim(left=0)
    axes.set_xlabel(time_label(unit))
    open_frame(axes)
    if unit == "days":
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        return
    months = axes.get_xlim()[1] / MONTH
    step = next((step for step in MONTH_STEPS if months / step <= MOST_TICKS), None)
    step = step or 12 * int(np.ceil(months / MOST_TICKS / 12))
    axes.xaxis.set_major_locator(MultipleLocator(step * MONTH))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda days, _: f"{days / MONTH:.0f}"))


def _long(labels: Sequence[str]) -> bool:
    return len(labels) > 1 and max(len(label) for label in labels) > LONG_LABEL


def numbers_beneath(axes: Axes, labels: Sequence[str], at_risk: Counts, *, coloured: bool = True) -> None:
    """The counts under the ticks, a row for each label; long labels stand above their row, short ones beside it.

    `at_risk` (place of the label, times) gives the counts. Labels have the colours of their lines, where these tell
    the groups apart.
    """
    low, high = axes.get_xlim()
    ticks = np.array([tick for tick in axes.get_xticks() if low <= tick <= high])
    axes.set_xticks(ticks)
    axes.set_xlim(low, high)
    beneath = axes.get_xaxis_transform()
    stacked = _long(labels)
    counts = [[f"{count:,.0f}" for count in at_risk(place, ticks)] for place in range(len(labels))]
    beside = -LABEL_GAP - CHARACTER * max(len(row[0]) for row in counts) / 2

    def write(text: str, at: float, along: float, row: int, **style: Any) -> None:
        offset = (along, FIRST_LINE - LINE_STEP * row)
        axes.annotate(
            text, (at, 0), offset, xycoords=beneath, textcoords="offset points", va="center", fontsize="small", **style
        )

    write("At risk", low, beside, 0, ha="right")
    for place, label in enumerate(labels):
        row = (2 * place + 1 if stacked else place) + (len(labels) > 1)
        style = {"color": look(place)[0]} if coloured else {}
        if stacked:
            write(label, low, 0, row - 1, ha="left", **style)
        elif len(labels) > 1:
            write(label, low, beside, row, ha="right", **style)
        for tick, count in zip(ticks, counts[place], strict=True):
            write(count, tick, 0, row, ha="center")
