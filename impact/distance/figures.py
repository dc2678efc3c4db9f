"""Figures of distance travelled, readable in grey: before against after, by area, by person and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb

from impact.figures import COLOURS, STYLES, new_axes, open_frame
from impact.frames import BoolArray, FloatArray, check_choice

MARKS = ("o", "^", "s", "v", "D", "X")
MOST_LINES = 600
THINNEST, WIDEST = 0.8, 6.0


@dataclass(frozen=True, slots=True)
class Kind:
    """People of one kind in a figure: what they are called, who they are, and how they are drawn."""

    label: str
    who: BoolArray
    colour: str
    style: Any
    mark: str


def blank(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes given, or new ones of this size in inches."""
    axes = new_axes(ax, height, width)
    open_frame(axes)
    return axes


def above(axes: Axes, columns: int) -> None:
    """The legend, above the axes and outside them."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, frameon=False, fontsize="small")


def dumbbell(
    table: pd.DataFrame, *, score: str, better: str, level: float, first: str, last: str, ax: Axes | None
) -> Axes:
    """Mean before (hollow) and after of each row; the bar is the interval of the change, set on the mean before."""
    axes = blank(ax, 7, 1.2 + 0.45 * len(table))
    place = np.arange(len(table))[::-1]
    before, after = (table[name].to_numpy(dtype=float) for name in ("mean_before", "mean_after"))
    low, high = (before + table[name].to_numpy(dtype=float) for name in ("conf_low", "conf_high"))
    axes.hlines(place, low, high, color="0.75", linewidth=7, label=f"{level:.0%} interval of the change")
    axes.hlines(place, before, after, color="0.2", linewidth=1.2)
    axes.plot(before, place, "o", markerfacecolor="white", markeredgecolor="0.2", linestyle="", label=first)
    axes.plot(after, place, "o", color="0.2", linestyle="", label=last)
    names = table["term"].astype(str)
    if "group" in table.columns:
        names = names + ", " + table["group"].astype(str)
    axes.set_yticks(place, [f"{name} (n = {n:,})" for name, n in zip(names, table["n"], strict=True)])
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.set_xlabel(f"mean {score} ({better} is better)")
    above(axes, 3)
    return axes


def people(
    before: FloatArray,
    after: FloatArray,
    kinds: Sequence[Kind],
    *,
    interval: tuple[float, float],
    words: tuple[str, str],
    score: str,
    ax: Axes | None,
) -> Axes:
    """A line for each person from the first reading to the last, thicker where people share it, and the mean in black.

    The bar on the mean is `interval`, of the mean change, set on the mean before.
    """
    axes = blank(ax, 5.2, 4.8)
    for kind in kinds:
        lines, width = _shared(before[kind.who], after[kind.who])
        axes.add_collection(
            LineCollection(list(lines), colors=kind.colour, linestyles=[kind.style], linewidths=width, alpha=0.45)
        )
        label = f"{kind.label} ({int(kind.who.sum()):,})"
        axes.plot([], [], color=kind.colour, linestyle=kind.style, linewidth=1.5, label=label)
    mean = float(before.mean()), float(after.mean())
    axes.plot([0, 1], mean, "o-", color="black", linewidth=2.4, markersize=7, label="mean", zorder=5)
    if np.isfinite(interval).all():
        axes.vlines(1, mean[0] + interval[0], mean[0] + interval[1], color="black", linewidth=1.2, zorder=5)
        axes.plot([1, 1], [mean[0] + end for end in interval], "_", color="black", markersize=11, zorder=5)
    axes.set_xticks([0, 1], list(words))
    axes.set_xlim(-0.12, 1.12)
    axes.autoscale(axis="y")
    axes.set_ylabel(score)
    above(axes, 2)
    return axes


def _shared(before: FloatArray, after: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The distinct lines, and a width for each; evenly thinned where there are too many to see."""
    if not len(before):
        return np.empty((0, 2, 2)), np.empty(0)
    pairs, count = np.unique(np.stack([before, after], axis=1), axis=0, return_counts=True)
    if len(pairs) > MOST_LINES:
        chosen = np.linspace(0, len(pairs) - 1, MOST_LINES).round().astype(int)
        pairs, count = pairs[chosen], count[chosen]
    lines: FloatArray = np.empty((len(pairs), 2, 2))
    lines[:, 0, 0], lines[:, 1, 0], lines[:, :, 1] = 0, 1, pairs
    width = THINNEST + (WIDEST - THINNEST) * (count - 1) / max(float(count.max()) - 1, 1)
    return lines, np.asarray(width, dtype=float)


def reliable_band(
    before: FloatArray,
    after: FloatArray,
    kinds: Sequence[Kind],
    band: tuple[FloatArray, FloatArray, FloatArray],
    *,
    cutoff: float | None,
    words: tuple[str, str],
    level: float,
    ax: Axes | None,
) -> Axes:
    """Before against after, one mark a person; inside the band (its places, lower and upper edges) chance would do."""
    axes = blank(ax, 5.6, 5.2)
    at, low, high = band
    axes.fill_between(at, low, high, color="0.88", linewidth=0, label=f"within chance ({level:.0%})")
    axes.plot(at, at, color="0.5", linewidth=0.8)
    axes.annotate("no change", (at[-9], at[-9]), ha="right", va="bottom", fontsize="x-small", color="0.4", rotation=40)
    if cutoff is not None:
        axes.axhline(cutoff, color="0.35", linestyle=":", linewidth=1)
        axes.axvline(cutoff, color="0.35", linestyle=":", linewidth=1, label=f"cut-off {cutoff:g}")
    for kind in kinds:
        spread = _spread(before[kind.who], after[kind.who])
        axes.scatter(
            before[kind.who],
            after[kind.who],
            s=spread,
            marker=kind.mark,
            color=kind.colour,
            edgecolors="white",
            linewidths=0.5,
            alpha=0.85,
            label=f"{kind.label} ({int(kind.who.sum()):,})",
            zorder=3,
        )
    axes.set_xlabel(words[0])
    axes.set_ylabel(words[1])
    axes.set_xlim(at[0], at[-1])
    axes.set_ylim(at[0], at[-1])
    axes.set_aspect("equal")
    handles, labels = axes.get_legend_handles_labels()
    legend = axes.legend(handles, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([36])
    return axes


def _spread(before: FloatArray, after: FloatArray) -> FloatArray:
    """The area of each mark: larger where people share a place."""
    if not len(before):
        return np.empty(0)
    _, place, count = np.unique(np.stack([before, after], axis=1), axis=0, return_inverse=True, return_counts=True)
    return 26.0 * np.minimum(count[place.reshape(-1)], 9)


def curves(
    drawn: Sequence[tuple[str, pd.DataFrame, pd.Series]],
    readings: pd.DataFrame | None,
    *,
    xlabel: str,
    ylabel: str,
    level: float,
    ax: Axes | None,
) -> Axes:
    """Predicted curves with their bands; behind them people's readings, evenly thinned where there are too many."""
    axes = blank(ax, 6.4, 4.2)
    if readings is not None:
        everyone = readings["person"].unique()
        chosen = everyone[np.linspace(0, len(everyone) - 1, min(MOST_LINES // 3, len(everyone))).round().astype(int)]
        shown = readings[readings["person"].isin(chosen)]
        lines = [rows[["time", "score"]].to_numpy() for _, rows in shown.groupby("person", sort=True)]
        axes.add_collection(LineCollection(lines, colors="0.7", linewidths=0.6, alpha=0.7))
        axes.plot([], [], color="0.7", linewidth=1, label=f"people ({len(chosen):,} of {len(everyone):,})")
    for place, (label, found, times) in enumerate(drawn):
        colour, style = COLOURS[place % len(COLOURS)], STYLES[place % len(STYLES)]
        name = label or "mean"
        axes.fill_between(times, found["conf_low"], found["conf_high"], color=colour, alpha=0.15, linewidth=0)
        axes.plot(times, found["estimate"], color=colour, linestyle=style, linewidth=2, label=name, zorder=4)
        axes.plot(times, found["conf_low"], color=colour, linestyle=style, linewidth=0.6)
        axes.plot(times, found["conf_high"], color=colour, linestyle=style, linewidth=0.6)
    axes.autoscale()
    axes.set_xlabel(xlabel)
    axes.set_ylabel(f"{ylabel} ({level:.0%} band)")
    above(axes, 3)
    return axes


def shares(
    times: FloatArray, chance: FloatArray, labels: Sequence[str], *, xlabel: str, legend: str, ax: Axes | None
) -> Axes:
    """Shares at each score over time, one upon the other, the lowest score lightest and at the foot."""
    axes = blank(ax, 6.4, 4.2)
    edges = 100 * np.column_stack([np.zeros(len(times)), np.cumsum(chance, axis=1)])
    for place, label in enumerate(labels):
        depth = place / max(len(labels) - 1, 1)
        colour = tuple(1 - (1 - part) * (0.12 + 0.88 * depth) for part in to_rgb(COLOURS[0]))
        axes.fill_between(
            times, edges[:, place], edges[:, place + 1], color=colour, edgecolor="white", linewidth=0.8, label=label
        )
    axes.set_xlim(times[0], times[-1])
    axes.set_ylim(0, 100)
    axes.set_xlabel(xlabel)
    axes.set_ylabel("people, per cent")
    handles, names = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1],
        names[::-1],
        title=legend,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize="small",
    )
    return axes


def mean_changes(
    table: pd.DataFrame,
    names: pd.Series,
    *,
    hollow: pd.Series,
    term: str | None,
    better: str,
    level: float,
    ax: Axes | None,
) -> Axes:
    """Mean changes with intervals, the first at the top, and a line at none; of one term, or of all with their terms.

    `names` and `hollow` go with the rows of the table.
    """
    terms = list(dict.fromkeys(table["term"]))
    if term is not None:
        check_choice("term", term, terms)
        chosen = table["term"] == term
        table, names, hollow = table[chosen], names[chosen], hollow[chosen]
    elif len(terms) > 1:
        names = table["term"].astype(str) + ": " + names
    axes = blank(ax, 7, 1.2 + 0.36 * len(table))
    place = np.arange(len(table))[::-1]
    estimate, low, high = (table[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high"))
    open_marks = hollow.to_numpy(dtype=bool)
    axes.axvline(0, color="0.6", linewidth=1)
    axes.hlines(place, low, high, color=COLOURS[0], linewidth=1.4)
    axes.plot(estimate[~open_marks], place[~open_marks], "s", color=COLOURS[0], linestyle="")
    axes.plot(
        estimate[open_marks],
        place[open_marks],
        "s",
        markerfacecolor="white",
        markeredgecolor=COLOURS[0],
        linestyle="",
    )
    axes.set_yticks(place, names.tolist())
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel(f"mean change, points ({better} is better; {level:.0%} intervals)")
    return axes
