"""The figure of an interrupted time series, readable in grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.figures import COLOURS, new_axes, open_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDES = (("programme", COLOURS[0], "o", "-"), ("comparison", COLOURS[2], "s", "-."))


def series_figure(
    curves: pd.DataFrame, start: int, outcome: str, exposure: str | None, level: float, ax: Axes | None
) -> Axes:
    """Observed marks, fitted lines broken at the start, and a dashed line with its band for what was expected."""
    from matplotlib.ticker import MaxNLocator

    axes = new_axes(ax, 4.2)
    scale = 1 if exposure is None else _scale(curves["observed"].to_numpy())
    both = curves["place"].nunique() > 1
    for place, colour, marker, style in SIDES:
        rows = curves[curves["place"] == place]
        label = f"{place} place, " if both else ""
        axes.plot(
            rows["time"],
            scale * rows["observed"],
            marker,
            color=colour,
            markersize=4,
            alpha=0.55,
            label=f"{label}observed",
        )
        for after in (False, True):
            part = rows[(rows["time"] >= start) == after]
            name = None if after else f"{label}fitted"
            axes.plot(part["time"], scale * part["fitted"], style, color=colour, linewidth=1.8, label=name)
        if not both:
            break
    expected = curves[curves["without"].notna()]
    axes.plot(
        expected["time"],
        scale * expected["without"],
        "--",
        color=COLOURS[1],
        linewidth=1.8,
        label=f"expected without the programme ({level:.0%} interval)",
    )
    axes.fill_between(
        expected["time"],
        scale * expected["conf_low"],
        scale * expected["conf_high"],
        color=COLOURS[1],
        alpha=0.18,
        lw=0,
    )
    axes.axvline(start - 0.5, color="0.6", linewidth=1)
    axes.annotate(" start", (start - 0.5, 0.02), xycoords=("data", "axes fraction"), color="0.3")
    axes.set_xlabel("Period")
    axes.set_ylabel(outcome if exposure is None else f"{outcome} per {f'{scale:,} ' if scale > 1 else ''}{exposure}")
    if float(np.nanmin(curves[["observed", "conf_low"]].to_numpy())) >= 0:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, ncols=2, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0))
    open_frame(axes)
    return axes


def _scale(observed: np.ndarray) -> int:
    """Rates too small to be read are shown for ten, a hundred and so on of the exposure."""
    middle = float(np.median(np.abs(observed)))
    return 10 ** int(np.ceil(-np.log10(middle))) if 0 < middle < 1 else 1
