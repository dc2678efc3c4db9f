"""Figures of tests and hazards, readable in grey: events seen and expected, hazards over time, rates by piece."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from impact.survival.figures import COLOURS
from impact.survival.riskset import FloatArray


def seen_and_expected(
    labels: Sequence[str], observed: FloatArray, expected: FloatArray, *, ax: Axes | None = None
) -> Axes:
    """A filled dot for the events seen in each group, an open one for those expected, the first group at the top."""
    axes = plt.subplots(figsize=(7, 1.4 + 0.42 * len(labels)), layout="constrained")[1] if ax is None else ax
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
    axes.spines[["top", "right"]].set_visible(False)
    return axes
