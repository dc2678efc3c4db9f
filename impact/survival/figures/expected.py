"""Events seen beside those expected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from impact.figures import COLOURS, new_axes, open_frame
from impact.survival.riskset import FloatArray


def seen_and_expected(
    labels: Sequence[str], observed: FloatArray, expected: FloatArray, *, ax: Axes | None = None
) -> Axes:
    """A filled dot for the events seen in each group, an open one for those expected, the first group at the top."""
    axes = new_axes(ax, 1.4 + 0.42 * len(labels))
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
