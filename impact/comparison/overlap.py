"""Where both groups have people: the score in each group, the range they share, and who lies outside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.comparison.nearest import People, with_replacement
from impact.figures import open_frame
from impact.frames import BoolArray, FloatArray
from impact.results import number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEAR = 0.2
"""In standard deviations of the log-odds: the caliper that Austin (2011) found best for pairs."""
BINS = 30


@dataclass(frozen=True, eq=False)
class Overlap:
    """Common support of a score.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    low, high : float
        The range that both groups reach: from the higher of their minima to the lower of their maxima.
    concordance : float
        The chance that a treated person has a higher score than a comparison person, ties counting half. One half where
        the score does not tell the groups apart, 1 where they do not overlap. It says how unlike the groups are, not
        how good the model is.
    bars : DataFrame
        ``low, high, treated, comparison``: the share of each group in each of 30 equal ranges of the score.
    label : str
        What the score is.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    low: float
    high: float
    concordance: float
    bars: pd.DataFrame
    label: str
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row a group.

        Returns
        -------
        DataFrame
            ``group, n, mean, sd, minimum, quartile_1, median, quartile_3, maximum`` of the score; ``inside`` the range
            that both groups reach, ``outside`` it, of these ``below`` and ``above``; and ``alone``: with nobody of the
            other group within 0.2 standard deviations on the log-odds (on the column given, where one was).
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """The score in each group, treated above the line and others below; the range both reach between dashes."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots(figsize=(7, 4), layout="constrained")[1]
        width = self.bars["high"] - self.bars["low"]
        sides = (("treated", 1, "Treated", "0.25", ""), ("comparison", -1, "Comparison", "0.8", "///"))
        sizes = self.table.set_index("group")["n"]
        for name, sign, label, colour, hatch in sides:
            bars = ax.bar(
                self.bars["low"],
                sign * self.bars[name],
                width,
                align="edge",
                color=colour,
                edgecolor="black",
                linewidth=0.5,
                hatch=hatch,
            )
            bars.set_label(f"{label} (n = {sizes[name]:,})")
        ax.axhline(0, color="black", linewidth=0.8)
        for place, edge in enumerate((self.low, self.high)):
            ax.axvline(edge, color="black", linestyle="--", linewidth=1, label=None if place else "Both groups reach")
        ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.2f}")
        ax.set(xlabel=self.label, ylabel="Share of the group")
        open_frame(ax)
        ax.legend(frameon=False)
        return ax

    def __repr__(self) -> str:
        lines = [f"Overlap of {self.label[0].lower()}{self.label[1:]}"]
        for _, row in self.table.iterrows():
            lines.append(
                f"  {row['group']}: n = {row['n']:,}, median {number(row['median'])} ({number(row['minimum'])} to "
                f"{number(row['maximum'])}), {row['outside']:,} outside the range of the other group"
            )
        lines.append(f"  chance that a treated person has the higher score: {number(self.concordance, 2)}")
        return with_notes("\n".join(lines), self.notes)


def overlap_of(score: FloatArray, distance: FloatArray, treated: BoolArray, label: str) -> Overlap:
    """The overlap of a score; `distance` is the scale on which near is judged."""
    parts = {"treated": score[treated], "comparison": score[~treated]}
    low, high = max(part.min() for part in parts.values()), min(part.max() for part in parts.values())
    reach = NEAR * float(np.std(np.sort(distance), ddof=1))
    rows = []
    for name, part in parts.items():
        mine = treated if name == "treated" else ~treated
        quartiles = np.quantile(part, [0, 0.25, 0.5, 0.75, 1])
        below, above = int((part < low).sum()), int((part > high).sum())
        if low > high:
            below, above = (len(part), 0) if part.max() < low else (0, len(part))
        rows.append(
            {
                "group": name,
                "n": len(part),
                "mean": float(np.sort(part).mean()),
                "sd": float(np.sort(part).std(ddof=1)) if len(part) > 1 else np.nan,
                **dict(
                    zip(
                        ("minimum", "quartile_1", "median", "quartile_3", "maximum"),
                        (float(value) for value in quartiles),
                        strict=True,
                    )
                ),
                "inside": len(part) - below - above,
                "outside": below + above,
                "below": below,
                "above": above,
                "alone": _alone(distance[mine], distance[~mine], reach),
            }
        )
    edges = np.histogram_bin_edges(score, bins=BINS)
    shares = {name: np.histogram(part, edges)[0] / len(part) for name, part in parts.items()}
    bars = pd.DataFrame({"low": edges[:-1], "high": edges[1:], **shares})
    ranks = scipy.stats.rankdata(score)
    n_treated, n_others = len(parts["treated"]), len(parts["comparison"])
    higher = (ranks[treated].sum() - n_treated * (n_treated + 1) / 2) / (n_treated * n_others)
    table = pd.DataFrame(rows)
    return Overlap(table, float(low), float(high), float(higher), bars, label, _notes(table, low, high))


def _alone(mine: FloatArray, others: FloatArray, reach: float) -> int:
    nobody = np.zeros(len(mine), dtype=np.int64)
    there = People(np.sort(others), np.zeros(len(others), dtype=np.int64))
    return int((with_replacement(People(mine, nobody), there, reach=reach)[:, 0] < 0).sum())


def _notes(table: pd.DataFrame, low: float, high: float) -> tuple[str, ...]:
    if low > high:
        return ("The groups do not overlap: nobody can be compared with anybody of a like score.",)
    treated = table.iloc[0]
    if not treated["outside"]:
        return ()
    return (
        f"{treated['outside']:,} of {treated['n']:,} treated people have a score that no comparison person reaches "
        f"({treated['below']:,} lower than any, {treated['above']:,} higher): what would have become of them without "
        "the programme can only be guessed from people unlike them.",
    )
