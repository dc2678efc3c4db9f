"""Figures of balance, readable in grey: every term at a glance, and one covariate as it is spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.comparison.covariates import Covariate, read_covariates
from impact.comparison.designs import WeightedDesign
from impact.design import Design
from impact.figures import COLOURS, new_axes, open_frame
from impact.frames import Columns, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RANGES = 20
FEW = 12
"""A number with at most so many values is shown value by value."""
HOW = {"matched": "matching", "weighted": "weighting"}
SIDES = (("treated", 1, "Treated", "0.25", ""), ("comparison", -1, "Comparison", "0.8", "///"))


def sample_name(design: Design) -> str:
    """What those kept by a design are called: matched or weighted."""
    return "weighted" if isinstance(design, WeightedDesign) else "matched"


def love(table: pd.DataFrame, thresholds: tuple[float, float], ax: Axes | None) -> Axes:
    """Absolute standardised differences, hollow before matching and filled after."""
    terms = list(dict.fromkeys(table["term"]))
    axes = new_axes(ax, 1.2 + 0.3 * len(terms))
    where = {term: place for place, term in enumerate(reversed(terms))}
    for sample in dict.fromkeys(table["sample"]):
        part = table[table["sample"] == sample]
        label, marker, face = ("Everyone", "o", "white") if sample == "all" else (f"After {HOW[sample]}", "s", "black")
        heights = [where[term] for term in part["term"]]
        look: dict[str, Any] = {"mfc": face, "mec": "black", "clip_on": False, "zorder": 3}
        axes.plot(part["smd"].abs(), heights, marker, label=label, linestyle="none", **look)
    for threshold, style in zip(thresholds, (":", "--"), strict=True):
        axes.axvline(threshold, color="0.4", linestyle=style, linewidth=1, label=f"{threshold:g}")
    axes.set_yticks(list(where.values()), list(where))
    axes.set_xlim(left=0)
    axes.set_xlabel("Absolute standardised mean difference")
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
    axes.legend(frameon=False)
    return axes


def spread_of(name: str, design: Design) -> pd.DataFrame:
    """The share of each group's weight at each value or in each range of a covariate; see `Balance.distribution`."""
    columns = Columns(design)
    (covariate,) = read_covariates(columns, [name])
    columns.check()
    known = ~covariate.missing
    values = covariate.values[known]
    treated = design.data[design.treatment].to_numpy(dtype=float)[known] == 1
    weights = design.weights.to_numpy(dtype=float)
    samples = {"all": np.ones(len(values))}
    if not (weights == 1).all():
        samples[sample_name(design)] = weights[known]
    places, rows = _cells(covariate, values)
    tables = []
    for sample, weight in samples.items():
        shares = {}
        for side, members in (("treated", treated), ("comparison", ~treated)):
            found = np.bincount(places[members], weight[members], minlength=len(rows))
            shares[side] = found / found.sum() if found.sum() > 0 else np.full(len(rows), np.nan)
        tables.append(rows.assign(**shares))
        tables[-1].insert(0, "sample", sample)
    return pd.concat(tables, ignore_index=True)


def _cells(covariate: Covariate, values: FloatArray) -> tuple[np.ndarray, pd.DataFrame]:
    """The place of each value, and the values or ranges that the places stand for."""
    distinct = np.unique(values)
    if covariate.levels is not None or len(distinct) <= FEW:
        labels = [covariate.levels[int(code)] if covariate.levels is not None else code for code in distinct]
        empty = np.full(len(labels), np.nan)
        return np.searchsorted(distinct, values), pd.DataFrame({"value": labels, "low": empty, "high": empty})
    edges = np.linspace(distinct[0], distinct[-1], RANGES + 1)
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, RANGES - 1)
    return places, pd.DataFrame({"value": np.nan, "low": edges[:-1], "high": edges[1:]})


def mirrored(table: pd.DataFrame, name: str, ax: Axes | None) -> Axes:
    """The treated above the line and the others below: bars after matching or weighting, a stepped outline before."""
    axes = new_axes(ax, 4.0)
    last = table["sample"].iloc[-1]
    shown = table[table["sample"] == last]
    at_values = shown["value"].notna().to_numpy()
    places = np.arange(len(shown))
    low = np.where(at_values, places - 0.4, shown["low"])
    high = np.where(at_values, places + 0.4, shown["high"])
    for side, sign, words, colour, hatch in SIDES:
        label = words if last == "all" else f"{words}, after"
        height = sign * shown[side].to_numpy(dtype=float)
        axes.bar(
            low, height, high - low, align="edge", color=colour, ec="black", lw=0.5, hatch=hatch, label=label, zorder=1
        )
        if last != "all":
            before = sign * table.loc[table["sample"] == "all", side].to_numpy(dtype=float)
            _outline(axes, low, high, before, f"Before {HOW[last]}" if sign == 1 else None)
    axes.axhline(0, color="black", linewidth=0.8, zorder=3)
    if at_values.all():
        axes.set_xticks(places, [f"{one:g}" if isinstance(one, float) else str(one) for one in shown["value"]])
    tallest = float(np.nanmax(table[["treated", "comparison"]].to_numpy(dtype=float)))
    axes.set_ylim(-1.08 * tallest, 1.08 * tallest)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.2f}")
    axes.set(xlabel=name, ylabel="Share of the group")
    open_frame(axes)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return axes


def _outline(axes: Axes, low: FloatArray, high: FloatArray, height: FloatArray, label: str | None) -> None:
    """A line over the tops of bars, down to nothing between those that do not touch."""
    if (low[1:] == high[:-1]).all():
        x, y = np.append(np.repeat(low, 2), [high[-1]] * 2), np.concatenate([[0.0], np.repeat(height, 2), [0.0]])
    else:
        zero = np.zeros(len(height))
        x, y = np.column_stack([low, low, high, high]).ravel(), np.column_stack([zero, height, height, zero]).ravel()
    for colour, width in (("white", 3.0), (COLOURS[1], 1.5)):
        axes.plot(x, y, color=colour, linewidth=width, label=label if width < 3 else None, zorder=2)
