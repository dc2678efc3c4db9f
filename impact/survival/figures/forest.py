"""Figures without time on an axis: ratios with their intervals, and events seen beside those expected."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from impact.results import number
from impact.survival.figures.style import COLOURS, axes_of, open_frame
from impact.survival.riskset import FloatArray

NARROW = 4.0


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
    axes = axes_of(ax, 1.2 + 0.38 * len(labels))
    height = np.arange(len(labels))[::-1]
    axes.axvline(1, color="0.6", linewidth=1)
    axes.errorbar(
        estimate, height, xerr=[estimate - low, high - estimate], fmt="s", color=COLOURS[0], capsize=3, markersize=5
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(_ratio_ticks(min(float(low.min()), 1.0), max(float(high.max()), 1.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(plt.NullLocator())
    axes.set_yticks(height, list(labels))
    axes.set_ylim(-0.6, len(labels) - 0.4)
    for row in range(len(labels)):
        words = f"{number(estimate[row], 3)} ({number(low[row], 3)} to {number(high[row], 3)})"
        axes.annotate(words, (1.02, height[row]), xycoords=("axes fraction", "data"), va="center", fontsize="small")
    axes.set_xlabel(xlabel)
    open_frame(axes)
    return axes


def _ratio_ticks(low: float, high: float) -> plt.FixedLocator:
    if high / low < NARROW:
        return plt.FixedLocator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    steps = np.array([1.0, 2.0, 5.0]) if high / low < 200 else np.array([1.0])
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    return plt.FixedLocator(np.outer(powers, steps).ravel().tolist())


def seen_and_expected(
    labels: Sequence[str], observed: FloatArray, expected: FloatArray, *, ax: Axes | None = None
) -> Axes:
    """A filled dot for the events seen in each group, an open one for those expected, the first group at the top."""
    axes = axes_of(ax, 1.4 + 0.42 * len(labels))
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
    open_frame(axes)
    return axes
