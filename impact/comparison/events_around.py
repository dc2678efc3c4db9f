"""The event study: the difference in differences of each period around the start, with a test of those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.comparison.panel import ASSUMED, JOINING, few, inferred, method
from impact.comparison.panel_fit import two_way
from impact.comparison.panel_rows import Asked, Rows, check_window, read_rows
from impact.comparison.sandwich import Fit
from impact.design import Design
from impact.errors import InputError
from impact.figures import COLOURS, new_axes, open_frame
from impact.frames import BoolArray, IntArray, check_level
from impact.results import Test, number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TICKS = 12
CAN_SHOW = (
    "a small p says that the groups did not move alike before the start; a large p does not show that they would have "
    "moved alike after it, and with few people the test misses differences that matter (Roth 2022)."
)


@dataclass(frozen=True, eq=False, repr=False)
class EventStudy:
    """Differences between the groups in each period around the start.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    leads : Test
        Whether the differences before the start are all zero.
    reference : int
        The period, counted from the start, that the others are measured against.
    outcome, method : str
    level : float
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    leads: Test
    reference: int
    outcome: str
    method: str
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a period, the reference left out.

        Columns term, estimate, std_error, statistic, p_value, conf_low, conf_high, n (people), n_rows, n_clusters,
        since_start (0 is the first period treated).
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Estimates with intervals by period; the reference is hollow."""
        axes = new_axes(ax, 4.0)
        axes.axhline(0, color="0.6", linewidth=1)
        axes.axvline(-0.5, color="0.6", linewidth=1, linestyle="--")
        for side, colour, marker in ((self.table["since_start"] < 0, 1, "o"), (self.table["since_start"] >= 0, 0, "s")):
            rows = self.table[side]
            axes.errorbar(
                rows["since_start"],
                rows["estimate"],
                yerr=[rows["estimate"] - rows["conf_low"], rows["conf_high"] - rows["estimate"]],
                fmt=marker,
                color=COLOURS[colour],
                capsize=3,
                markersize=5,
                label="after the start" if colour == 0 else "before the start",
            )
        axes.plot(self.reference, 0, "o", color="0.3", markerfacecolor="white", label="reference")
        axes.set_xlabel("Periods since the start (0 is the first one treated)")
        axes.set_ylabel(f"Difference in {self.outcome}\n({self.level:.0%} interval)")
        ticks = [*self.table["since_start"], self.reference]
        labels = [*self.table["term"].str.replace(" and ", "\nand "), number(self.reference)]
        step = -(-len(ticks) // MOST_TICKS)
        ends = [t for t, label in zip(ticks, labels, strict=True) if "\n" in label]
        far = [all(abs(t - end) >= step for end in ends) and t % step == 0 for t in ticks]
        shown = [place for place, t in enumerate(ticks) if t in ends or far[place]]
        axes.set_xticks([ticks[place] for place in shown], [labels[place] for place in shown])
        axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        open_frame(axes)
        return axes

    def __repr__(self) -> str:
        lines = [f"Event study of {self.outcome}, against period {number(self.reference)}; {self.method}"]
        lines += [
            f"  {row['term']}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to "
            f"{number(row['conf_high'])})"
            for row in self.table.to_dict("records")
        ]
        lines.append(f"Before the start: {self.leads.name}: p = {number(self.leads.p_value, 2)}")
        return with_notes("\n".join(lines), self.notes)


def event_study(
    data: pd.DataFrame,
    *,
    person: str,
    period: str,
    outcome: str,
    start: str,
    before: int,
    after: int,
    covariates: str | Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    design: Design | None = None,
    dip: int = 0,
    stack: bool = False,
    level: float = 0.95,
) -> EventStudy:
    """The difference between treated and others in each period around the start, against the last period before it.

    Parameters
    ----------
    data, person, period, outcome, start, covariates, weights, cluster, design, level
        As in `difference_in_differences`.
    before, after : int
        Periods told apart. Without stacking, all earlier periods are pooled with the first and all later ones with
        the last; stacks hold no others.
    dip : int
        Leave out so many periods just before the start; the reference is then the last one left.
    stack : bool
        For starts in different periods, as in `difference_in_differences`; the differences are then means over the
        treated.

    Returns
    -------
    EventStudy

    Raises
    ------
    InputError
        As in `difference_in_differences`, and where no period before the reference is left to test.

    References
    ----------
    Freyaldenhoven, Hansen and Shapiro (2019), American Economic Review 109, 3307-3338; Roth (2022), American Economic
    Review: Insights 4, 305-322, on the test of the leads; Ashenfelter (1978), Review of Economics and Statistics 60,
    47-57, on the dip.

    Examples
    --------
    >>> panel = pd.DataFrame({"person_id": np.repeat(list("abcd"), 3), "period": [1, 2, 3] * 4,
    ...                       "start": [3.0] * 6 + [None] * 6, "contacts": [4, 6, 2, 4, 4, 2, 3, 3, 2, 3, 2, 3]})
    >>> found = event_study(panel, person="person_id", period="period", outcome="contacts", start="start",
    ...                     before=2, after=0)
    >>> found.tidy()[["since_start", "estimate"]].round(3).values.tolist()
    [[-2.0, -1.5], [0.0, -3.0]]
    """
    check_level(level)
    check_window(before, after, dip, True)
    reference = -1 - dip
    if -before >= reference:
        raise InputError(
            f"before must be {dip + 2} or more: with dip={dip} the reference is period {reference}, and the "
            "differences before it are what is tested."
        )
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    least, most = (before, after) if stack else (None, None)
    asked = Asked(person, period, outcome, start, names, weights, cluster, design, least, most, dip, stack)
    rows = read_rows(data, asked)
    bins = np.clip(rows.since, -before, after)
    shown = _shown(bins[rows.treated], bins[~rows.treated], reference)
    effects = np.column_stack([(rows.treated & (bins == t)).astype(float) for t in shown])
    fit = two_way(rows, effects)
    table = inferred([_term(t, rows, before, after) for t in shown], fit, rows, level).assign(since_start=shown)
    leads = _joint(fit, np.array(shown) < 0)
    return EventStudy(
        table,
        leads,
        reference,
        outcome,
        method(rows),
        level,
        (*rows.notes, *few(fit), f"The test of the periods before: {CAN_SHOW}", ASSUMED, JOINING),
    )


def _shown(treated: IntArray, others: IntArray, reference: int) -> list[int]:
    """Periods with people of both sides, the reference left out."""
    found = [int(t) for t in np.intersect1d(treated, others)]
    if reference not in found:
        raise InputError(f"Nobody treated, or nobody to compare with, has a row in the reference period ({reference}).")
    if found[0] >= reference:
        raise InputError("There is no period before the reference, so nothing can be tested; give earlier periods.")
    return [t for t in found if t != reference]


def _term(since: int, rows: Rows, before: int, after: int) -> str:
    words = number(since) if since < 0 else f"+{since}" if since else "0"
    if since == -before and (rows.since < -before).any():
        return f"{words} and earlier"
    if since == after and (rows.since > after).any():
        return f"{words} and later"
    return words


def _joint(fit: Fit, which: BoolArray) -> Test:
    """Wald's F that the estimates of `which` are all zero."""
    estimates, covariance = fit.estimates[which], fit.covariance[np.ix_(which, which)]
    q = len(estimates)
    notes: tuple[str, ...] = ()
    statistic = float("nan")
    if np.linalg.matrix_rank(covariance, hermitian=True) == q:
        statistic = float(estimates @ np.linalg.solve(covariance, estimates)) / q
    else:
        notes = ("not estimated: there are too few clusters for so many periods.",)
    return Test(
        f"Wald test of {q} {'period' if q == 1 else 'periods'} before the start, F({q}, {fit.df:.0f})",
        "treated and others moved alike before the start",
        statistic,
        float(scipy.stats.f.sf(statistic, q, fit.df)),
        float(q),
        (*notes, CAN_SHOW),
    )
