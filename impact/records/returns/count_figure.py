"""The figure of counts by quarter, small ones hidden and all others rounded, and the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError
from impact.figures import COLOURS, STYLES, new_axes, open_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST, BASE = 10, 5
"""What may be drawn, as the rules of disclosure control say: no count below FEWEST, every other to the nearest BASE."""
MARKERS = ("o", "s", "^", "D", "v", "P")
EVERYONE = "everyone"
ASIDE = 0.09


def by_quarter(data: pd.DataFrame, by: Sequence[str], measure: str, only: Sequence[str]) -> pd.DataFrame:
    """One measure as it may be shown: a row for each group, a column for each quarter, NaN for a count below FEWEST.

    Raises
    ------
    InputError
        Where nothing is counted by quarter, a group is not there, or there are more than six groups.
    """
    if "quarter" not in by:
        raise InputError("A figure by quarter needs counts by quarter: name quarter in by.")
    if data.empty:
        raise InputError("There is nothing to draw: nobody was counted in these quarters.")
    keys = [name for name in by if name != "quarter"]
    label = data[keys].astype(str).agg(", ".join, axis=1) if keys else pd.Series(EVERYONE, index=data.index)
    wide = data.assign(label=label).pivot(index="label", columns="quarter", values=measure)
    asked = [only] if isinstance(only, str) else list(only)
    strange = [name for name in asked if name not in wide.index]
    if strange:
        raise InputError(
            "The counts cannot be drawn.",
            [Fault(f"holds no such group: {', '.join(map(str, strange))}", column="only",
                   remedy=f"the groups are: {'; '.join(wide.index)}.")],
        )  # fmt: skip
    wide = wide.loc[[name for name in wide.index if not asked or name in asked]]
    if len(wide) > len(MARKERS):
        raise InputError(
            f"{len(wide)} groups cannot be told apart in one figure: name {len(MARKERS)} of them at most in only, or "
            "count by less."
        )
    return wide.where(wide >= FEWEST).map(lambda n: (n + BASE // 2) // BASE * BASE)


def in_words(shown: pd.DataFrame, meaning: str) -> str:
    """What the figure says: for each group where it began, where it ended and where it was highest."""
    quarters = list(shown.columns)
    said = [f"{meaning.rstrip('.')}, by quarter from {quarters[0]} to {quarters[-1]}."]
    for name, row in shown.iterrows():
        if row.isna().all():
            said.append(f"{name}: fewer than {FEWEST} in every quarter.")
            continue
        first, last = (f"fewer than {FEWEST}" if np.isnan(n) else f"{n:,.0f}" for n in (row.iloc[0], row.iloc[-1]))
        course = f"{first} in {quarters[0]}"
        if len(quarters) > 1:
            course += f" and {last} in {quarters[-1]}; highest in {row.idxmax()}, {row.max():,.0f}"
        said.append(f"{name}: {course}.")
    said.append(f"Counts are rounded to the nearest {BASE}.")
    return " ".join(said)


def draw(shown: pd.DataFrame, meaning: str, ax: Axes | None) -> Axes:
    """A line for each group; counts below FEWEST as hollow marks at one height in a shaded band."""
    axes = new_axes(ax, 3.8)
    place = np.arange(shown.shape[1])
    axes.axhspan(0, FEWEST, color="0.92", zorder=0)
    axes.annotate(
        f"fewer than {FEWEST}", (1.0, 0.0), xycoords=("axes fraction", "data"), xytext=(-3, 2),
        textcoords="offset points", ha="right", va="bottom", fontsize="small", color="0.3",
    )  # fmt: skip
    looks = list(zip(COLOURS, STYLES, MARKERS, strict=True))
    # Rounded counts are often equal: beside each other they can all be seen.
    aside = (np.arange(len(shown)) - (len(shown) - 1) / 2) * ASIDE
    for (name, row), at, (colour, style, marker) in zip(shown.iterrows(), aside, looks, strict=False):
        values = row.to_numpy(dtype=float)
        axes.plot(place + at, values, color=colour, linestyle=style, marker=marker, label=str(name))
        hidden = np.isnan(values)
        axes.plot(place[hidden] + at, np.full(hidden.sum(), FEWEST / 2), color=colour, linestyle="none", marker=marker,
                  markerfacecolor="white")  # fmt: skip
    axes.set_xticks(place, list(shown.columns), rotation=0 if len(place) <= 8 else 90)
    axes.set_xlabel(f"Calendar quarter. Counts from {FEWEST} on, rounded to the nearest {BASE}")
    axes.set_ylabel(fill(meaning.rstrip("."), 40))
    axes.set_ylim(0, max(2 * FEWEST, np.nanmax(shown.to_numpy(dtype=float), initial=0) * 1.1))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    open_frame(axes)
    return axes
