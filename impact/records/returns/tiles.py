"""The figure of returns by programme and quarter: tiles that a letter and a pattern tell apart, in grey too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from impact.figures import new_axes
from impact.records.returns.gaps import FORMS, NONE, NOT_RUNNING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {
    FORMS["old-2021"]: ("O", "#d9d9d9", "black", ""),
    FORMS["online-2021"]: ("N", "#6b6b6b", "white", ""),
    FORMS["individual"]: ("I", "#0b3c5d", "white", ""),
    NONE: ("×", "white", "black", "////"),
    NOT_RUNNING: ("–", "white", "black", ""),
}
"""The letter, the face, the letter's colour and the pattern of each status."""
UNUSABLE = "!"


def draw(table: pd.DataFrame, usable: pd.DataFrame, ax: Axes | None) -> Axes:
    """The tiles, programmes from the top and quarters from the left."""
    from matplotlib.patches import Patch, Rectangle

    rows, columns = table.shape
    axes = new_axes(ax, 1.3 + 0.42 * rows)
    marked = False
    for row, name in enumerate(table.index):
        for column, quarter in enumerate(table.columns):
            status = str(table.at[name, quarter])
            letter, face, ink, pattern = LOOKS[status]
            if status in FORMS.values() and not usable.at[name, quarter]:
                letter, marked = letter + UNUSABLE, True
            axes.add_patch(
                Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, facecolor=face, edgecolor="0.3", hatch=pattern)
            )
            backing = {"facecolor": "white", "edgecolor": "none", "pad": 1.5} if pattern else None
            axes.text(column, row, letter, ha="center", va="center", color=ink, fontweight="bold", bbox=backing)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xticks(range(columns), list(table.columns), rotation=0 if columns <= 8 else 90)
    axes.set_yticks(range(rows), list(table.index))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    there = [status for status in LOOKS if (table == status).any(axis=None)]
    handles = [
        Patch(facecolor=LOOKS[s][1], edgecolor="0.3", hatch=LOOKS[s][3], label=f"{LOOKS[s][0]}  {s}") for s in there
    ]
    if marked:
        handles.append(Patch(facecolor="none", edgecolor="none", label=f"{UNUSABLE}  cannot be used as it is"))
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    return axes
