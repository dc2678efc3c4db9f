"""What figures of every room share, readable in grey: colours and strokes, axes, rows of estimates with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from impact.frames import FloatArray
from impact.results import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0b3c5d", "#c8553d", "#5aa9a3", "#8c6bb1", "#b8860b", "#4d4d4d")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
STEPS = (1.0, 2.0, 5.0)
WIDE = 200.0
NARROW = 4.0


def new_axes(ax: Axes | None, height: float, width: float = 7.0) -> Axes:
    """The axes given, or new ones."""
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1] if ax is None else ax


def open_frame(axes: Axes) -> None:
    """No lines at the top and to the right."""
    axes.spines[["top", "right"]].set_visible(False)


def interval_rows(
    labels: Sequence[str],
    estimate: FloatArray,
    low: FloatArray,
    high: FloatArray,
    *,
    ratio: bool,
    xlabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Estimates with intervals, the first at the top, in figures beside the axis; NaN leaves a row empty."""
    axes = new_axes(ax, 1.2 + 0.38 * len(labels))
    height = np.arange(len(labels))[::-1]
    axes.axvline(1 if ratio else 0, color="0.6", linewidth=1)
    there = np.isfinite(estimate) & np.isfinite(low) & np.isfinite(high)
    axes.errorbar(
        estimate[there],
        height[there],
        xerr=[(estimate - low)[there], (high - estimate)[there]],
        fmt="s",
        color=COLOURS[0],
        capsize=3,
        markersize=5,
    )
    if ratio:
        ratio_axis(axes, low[there], high[there])
    axes.set_yticks(height, list(labels))
    axes.set_ylim(-0.6, len(labels) - 0.4)
    for row in range(len(labels)):
        words = f"{number(estimate[row], 3)} ({number(low[row], 3)} to {number(high[row], 3)})"
        if not there[row]:
            words = "not estimated"
        axes.annotate(words, (1.02, height[row]), xycoords=("axes fraction", "data"), va="center", fontsize="small")
    axes.set_xlabel(xlabel)
    open_frame(axes)
    return axes


def ratio_axis(axes: Axes, low: FloatArray, high: FloatArray, *, vertical: bool = False) -> None:
    """A logarithmic axis with ticks at 1, 2 and 5 times the powers of ten, or evenly where it is narrow."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    axis = axes.yaxis if vertical else axes.xaxis
    (axes.set_yscale if vertical else axes.set_xscale)("log")
    least = float(np.min(low[low > 0], initial=1.0))
    most = float(np.max(high[np.isfinite(high)], initial=1.0))
    if most / least < NARROW:
        ticks = np.asarray(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(least, most), dtype=float)
    else:
        steps = np.array(STEPS if most / least < WIDE else STEPS[:1])
        powers = 10.0 ** np.arange(np.floor(np.log10(least)), np.ceil(np.log10(most)) + 1)
        ticks = np.outer(powers, steps).ravel()
    axis.set_major_locator(FixedLocator(ticks.tolist()))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
