"""Figures of fitted models of timing: the fitted curve over the Kaplan-Meier curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from impact.survival.figures.curves import COLOURS, Line, survival_curves
from impact.survival.numbers.product_limit import limits, product_limit

if TYPE_CHECKING:
    from impact.survival.models.timing_model import TimingModel

POINTS = 121
GREY = "0.45"


def fit_over_curve(model: TimingModel, name: str, *, never: float | None = None, ax: Axes | None = None) -> Axes:
    """The Kaplan-Meier curve in grey steps, the fitted curve over it, with intervals; `never` is its last level."""
    outcome = model._people.outcome
    curve = product_limit(
        outcome.ranks,
        outcome.event,
        weights=outcome.weights,
        cluster=outcome.cluster,
        robust=model.robust,
    )
    low, high = limits(curve.survival, curve.log_error, model.level, "log-log")
    axes = survival_curves([Line("Kaplan-Meier", curve.time, curve.survival, low, high)], ax=ax)
    axes.lines[-1].set_color(GREY)
    axes.collections[-1].set_facecolor(GREY)
    times = np.linspace(0, curve.time[-1], POINTS).tolist()
    table = model.predict(times)
    axes.plot(table["time"], table["estimate"], color=COLOURS[1], linewidth=2, label=name)
    axes.plot(table["time"], table["conf_low"], color=COLOURS[1], linestyle=":", linewidth=1)
    axes.plot(table["time"], table["conf_high"], color=COLOURS[1], linestyle=":", linewidth=1)
    if never is not None:
        axes.axhline(never, color=COLOURS[0], linestyle="--", linewidth=1, label="Never, by the model")
    axes.legend(frameon=False)
    return axes
