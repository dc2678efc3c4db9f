"""The figure of a fitted model of timing: its curve over the Kaplan-Meier curve."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from impact.figures import COLOURS
from impact.survival.figures.curves import falling_curves
from impact.survival.figures.style import GREY, Counts, Line, numbers_beneath

DATA = "Kaplan-Meier"


def fit_over_curve(
    seen: Line,
    table: pd.DataFrame,
    name: str,
    at_risk: Counts | None,
    *,
    never: float | None,
    ax: Axes | None,
    unit: str,
) -> Axes:
    """The Kaplan-Meier curve in grey steps, the fitted curve over it, with intervals; `never` is its last level."""
    axes = falling_curves([seen], ax=ax, unit=unit)
    axes.lines[-1].set_color(GREY)
    axes.collections[-1].set_facecolor(GREY)
    axes.plot(table["time"], table["estimate"], color=COLOURS[1], linewidth=2, label=name)
    axes.plot(table["time"], table["conf_low"], color=COLOURS[1], linestyle=":", linewidth=1)
    axes.plot(table["time"], table["conf_high"], color=COLOURS[1], linestyle=":", linewidth=1)
    if never is not None:
        axes.axhline(never, color=COLOURS[0], linestyle="--", linewidth=1, label="Never, by the model")
    axes.legend(frameon=False)
    if at_risk is not None:
        numbers_beneath(axes, [""], at_risk)
    return axes
