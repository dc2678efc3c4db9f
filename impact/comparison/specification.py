"""Every defensible way of making one comparison, side by side: the specification table and curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.comparison.contrasts import RATIOS
from impact.comparison.effect import Effect
from impact.errors import ImpactError, InputError
from impact.figures import COLOURS, new_axes, open_frame, ratio_axis
from impact.results import number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NUMBERS = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "n", "n_treated", "n_comparison")


@dataclass(frozen=True, eq=False)
class Specifications:
    """The effects of all specifications; none is picked.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    choices : tuple of str
        What is chosen in each: the first columns of the table.
    median, low, high : float
        The median, the least and the greatest estimate.
    same_sign : float
        Share of the estimates on the median's side of no effect.
    clear : float
        Share of the intervals that lie wholly on the median's side.
    measure : str
    level : float
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    choices: tuple[str, ...]
    median: float
    low: float
    high: float
    same_sign: float
    clear: float
    measure: str
    level: float
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each specification, in the order given.

        A column for each choice, ``estimate, std_error, p_value, conf_low, conf_high, n, n_treated, n_comparison``, and
        ``failed``: why there is no estimate, empty where there is one.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Estimates with their intervals in ascending order, above the choices behind each.

        Onto axes given, the estimates alone are drawn.
        """
        drawn = self.table[self.table["failed"] == ""].sort_values("estimate", kind="stable")
        at = np.arange(len(drawn))
        below: Axes | None = None
        if ax is None:
            axes, below = _panels(sum(drawn[name].nunique() for name in self.choices), len(drawn))
        else:
            axes = new_axes(ax, 4.0)
        ratio = self.measure in RATIOS
        values = [drawn[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high")]
        axes.vlines(at, values[1], values[2], color="0.6", linewidth=1.5)
        axes.plot(at, values[0], "s", color=COLOURS[0], markersize=4)
        axes.axhline(1 if ratio else 0, color="0.3", linewidth=1)
        axes.axhline(
            self.median, color=COLOURS[1], linestyle="--", linewidth=1, label=f"Median {number(self.median, 3)}"
        )
        if ratio:
            ratio_axis(axes, values[1], values[2], vertical=True)
        axes.set_xlim(-0.6, len(drawn) - 0.4)
        axes.set_ylabel(f"{self.measure.replace('_', ' ').capitalize()}\n({self.level:.0%} interval)")
        open_frame(axes)
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
        if below is None:
            axes.set_xlabel("Specifications, by estimate")
            axes.set_xticks([])
        else:
            _choices(below, drawn, self.choices)
        return axes

    def __repr__(self) -> str:
        run, failed = len(self.table), int((self.table["failed"] != "").sum())
        head = (
            f"{run:,} specifications of the {self.measure.replace('_', ' ')}: median {number(self.median)}, from "
            f"{number(self.low)} to {number(self.high)}; {self.same_sign:.0%} on the median's side of no effect, "
            f"{self.clear:.0%} with the whole {self.level:.0%} interval there"
        )
        if failed:
            head += f"; {failed:,} could not be estimated"
        return with_notes(head, self.notes)


def specifications(
    runs: Mapping[str | tuple[str, ...], Callable[[], Effect] | Effect], *, choices: Sequence[str] = ("specification",)
) -> Specifications:
    """Run every specification, and set the effects side by side. None is picked.

    Parameters
    ----------
    runs : mapping
        From the label of a specification, one word for each of the `choices`, to an `Effect`, or to what makes one when
        called without arguments, such as ``functools.partial(compare, design, "reoffended", ...)``. All are of one
        measure and level. What cannot be estimated keeps its row, with the reason.
    choices : sequence of str
        What is chosen: ``("caliper", "covariates", "follow-up")``.

    Returns
    -------
    Specifications

    Raises
    ------
    InputError
        For labels that do not fit the choices, fewer than two specifications, runs that give no Effect, effects of
        several measures or levels, or where nothing could be estimated.

    Notes
    -----
    List every choice that could be defended before looking at any result: a curve of chosen choices says nothing. The
    estimates share people, so they are no sample, and the shares are descriptions, not tests. Where specifications
    leave out different people they are about different people, which `n_treated` shows.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), Nature Human Behaviour 4, 1208-1214; Steegen, Tuerlinckx, Gelman and Vanpaemel
    (2016), Perspectives on Psychological Science 11, 702-712.

    Examples
    --------
    >>> from functools import partial
    >>> from impact.comparison import compare, match, propensity
    >>> people = pd.DataFrame({"joined": [1, 0, 0] * 30, "age": range(90), "again": [0, 1, 1, 1, 0, 0, 0, 1, 0] * 10})
    >>> score = propensity("joined ~ age", people)
    >>> runs = {
    ...     (f"{ratio}:1", order): partial(
    ...         compare, match(score, ratio=ratio, order=order), "again", measure="risk_difference"
    ...     )
    ...     for ratio in (1, 2)
    ...     for order in ("descending", "ascending")
    ... }
    >>> found = specifications(runs, choices=("ratio", "order"))
    >>> found.tidy()[["ratio", "order", "n"]].values.tolist()[0]
    ['1:1', 'descending', 60]
    """
    names = (choices,) if isinstance(choices, str) else tuple(choices)
    labels = [(label,) if isinstance(label, str) else tuple(label) for label in runs]
    _check(labels, names)
    rows: list[dict[str, object]] = []
    effects: list[Effect] = []
    for label, run in zip(labels, runs.values(), strict=True):
        row: dict[str, object] = dict(zip(names, label, strict=True))
        try:
            effect = run if isinstance(run, Effect) else run()
        except ImpactError as refused:
            rows.append({**row, **dict.fromkeys(NUMBERS, np.nan), "failed": str(refused).splitlines()[0]})
            continue
        if not isinstance(effect, Effect):
            raise InputError(f"The specification {', '.join(label)} gives {type(effect).__name__}, not an Effect.")
        effects.append(effect)
        rows.append({**row, **{name: getattr(effect, name) for name in NUMBERS}, "failed": ""})
    if not effects:
        raise InputError(f"No specification could be estimated. The first: {rows[0]['failed']}")
    kinds = {(effect.measure, effect.level) for effect in effects}
    if len(kinds) > 1:
        raise InputError(
            "Specifications must share a measure and a level; these have "
            f"{', '.join(f'{measure} at {level:g}' for measure, level in sorted(kinds))}."
        )
    measure, level = kinds.pop()
    none = 1.0 if measure in RATIOS else 0.0
    estimates, lows, highs = (
        np.array([getattr(effect, name) for effect in effects]) for name in ("estimate", "conf_low", "conf_high")
    )
    median = float(np.median(estimates))
    below = median < none
    table = pd.DataFrame(rows)
    return Specifications(
        table=table,
        choices=names,
        median=median,
        low=float(estimates.min()),
        high=float(estimates.max()),
        same_sign=float(np.mean((estimates < none) if below else (estimates > none))),
        clear=float(np.mean((highs < none) if below else (lows > none))),
        measure=measure,
        level=level,
        notes=_notes(table),
    )


def _notes(table: pd.DataFrame) -> tuple[str, ...]:
    sizes = table.loc[table["failed"] == "", "n_treated"].astype(int)
    if sizes.min() == sizes.max():
        return ()
    return (f"From {sizes.min():,} to {sizes.max():,} treated people: specifications are not all about the same ones.",)


def _check(labels: list[tuple[str, ...]], names: tuple[str, ...]) -> None:
    if len(labels) < 2:
        raise InputError("specifications() needs at least two specifications; for one, its effect says all.")
    taken = {*NUMBERS, "failed"}
    if not names or len(set(names)) < len(names) or taken & set(names):
        raise InputError(f"choices must be names of their own, and not any of {', '.join(sorted(taken))}.")
    if any(len(label) != len(names) for label in labels):
        raise InputError(f"Each label must have one word for each of the choices: {', '.join(names)}.")


def _panels(rows: int, columns: int) -> tuple[Axes, Axes]:
    """Axes for the curve, and for the choices under it."""
    from matplotlib import pyplot as plt

    height = 0.6 + 0.24 * rows
    top, below = plt.subplots(
        2,
        1,
        sharex=True,
        figsize=(max(7.0, min(14.0, 2.5 + 0.12 * columns)), 3.2 + height),
        height_ratios=[3.2, height],
        layout="constrained",
    )[1]
    return top, below


def _choices(axes: Axes, drawn: pd.DataFrame, choices: tuple[str, ...]) -> None:
    """A row of marks for each option of each choice."""
    height, ticks, labels = 0.0, [], []
    for place, name in enumerate(choices):
        for option in dict.fromkeys(drawn[name].sort_index()):
            there = np.flatnonzero((drawn[name] == option).to_numpy())
            axes.plot(there, np.full(len(there), height), "|", color=COLOURS[place % len(COLOURS)], markersize=9, mew=2)
            ticks.append(height)
            labels.append(f"{name}: {option}" if len(choices) > 1 else str(option))
            height -= 1
        height -= 0.5
    axes.set_yticks(ticks, labels, fontsize="small")
    axes.set_ylim(height + 0.7, 0.8)
    axes.set_xticks([])
    axes.set_xlabel("Specifications, by estimate")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
