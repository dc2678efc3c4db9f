"""Difference in differences: how those treated changed, less how those not treated changed over the same periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.comparison.panel_fit import SMALL_SAMPLE, two_way
from impact.comparison.panel_rows import Asked, Rows, check_window, read_rows
from impact.comparison.sandwich import Fit
from impact.design import Design
from impact.errors import InputError
from impact.figures import COLOURS, STYLES, new_axes, open_frame
from impact.frames import check_level
from impact.results import number, t_test, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_CLUSTERS = 40
ROUNDING = 1e-13
JOINING = (
    "People often join at a peak, and would have come down without the programme (Ashenfelter 1978): part of a fall "
    "after the start can be that. See event_study for the periods before, and what dip= does to the estimate."
)
ASSUMED = "Right only where both groups would have changed alike without the programme, which no data can show."


@dataclass(frozen=True, eq=False, repr=False)
class DifferenceInDifferences:
    """The effect on those treated, from changes over time.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    means : DataFrame
        ``side, period, mean, n``: weighted mean outcome of each side in each period, and the people in it; in periods
        since the start where starts are stacked.
    outcome, method : str
    start : int or None
        First period treated; None where starts are stacked.
    level : float
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    means: pd.DataFrame
    outcome: str
    method: str
    start: int | None
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row: term, estimate, std_error, statistic, p_value, conf_low, conf_high, n (people), n_rows, n_clusters.

        The estimate is in units of the outcome in one period.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """The mean of each side by period, with the start."""
        from matplotlib.ticker import MaxNLocator

        axes = new_axes(ax, 4.0)
        periods = range(self.means["period"].min(), self.means["period"].max() + 1)
        for place, (side, rows) in enumerate(self.means.groupby("side", sort=False)):
            mean = rows.set_index("period")["mean"].reindex(periods)
            axes.plot(periods, mean, STYLES[place], color=COLOURS[place], marker="os"[place], label=str(side))
        axes.axvline((0 if self.start is None else self.start) - 0.5, color="0.6", linewidth=1)
        axes.annotate(
            " start",
            ((0 if self.start is None else self.start) - 0.5, 0.02),
            xycoords=("data", "axes fraction"),
            color="0.3",
        )
        axes.set_xlabel("Period" if self.start is not None else "Periods since the start")
        axes.set_ylabel(f"Mean {self.outcome} in a period")
        axes.set_ylim(bottom=min(0.0, float(self.means["mean"].min()) * 1.05))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        open_frame(axes)
        return axes

    def __repr__(self) -> str:
        row = self.table.iloc[0]
        lines = [
            f"{row['term']}: {number(row['estimate'])} a period ({self.level:.0%} interval {number(row['conf_low'])} "
            f"to {number(row['conf_high'])}; p = {number(row['p_value'], 2)}; n = {row['n']:,})",
            self.method,
        ]
        return with_notes("\n".join(lines), self.notes)


def difference_in_differences(
    data: pd.DataFrame,
    *,
    person: str,
    period: str,
    outcome: str,
    start: str,
    covariates: str | Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    design: Design | None = None,
    before: int | None = None,
    after: int | None = None,
    dip: int = 0,
    stack: bool = False,
    level: float = 0.95,
) -> DifferenceInDifferences:
    """The mean effect on those treated: their change from before to after, less that of the others.

    Parameters
    ----------
    data : DataFrame
        One row for each person and period.
    person, period, outcome : str
        Columns: who, the number of the period (whole; 1 apart), and a count, rate or other number in it.
    start : str
        Column with the first period treated, missing for people who never are; the same in every row of a person.
    covariates : str or sequence of str
        Columns that change over time and are not results of treatment. What never changes in a person is held
        constant already.
    weights : str, optional
        Column of weights, one for each person.
    cluster : str, optional
        Column within which errors may depend, such as a place; the person where left out.
    design : Design, optional
        A comparison with one row a person: its weights, and its sets as clusters. People not in it are left out.
    before, after : int, optional
        Use periods from `before` periods before the start to `after` periods after its first; all where left out.
    dip : int
        Leave out so many periods just before the start, for everyone: those in which people come to join.
    stack : bool
        For starts in different periods: a stack for each start that has its whole window on record, of those who start
        then and of people who do not start until after its window. Needs `before` and `after`.
    level : float
        Confidence level.

    Returns
    -------
    DifferenceInDifferences

    Raises
    ------
    InputError
        With every fault of the data at once; where starts differ and `stack` is not asked for, since two-way fixed
        effects are then wrong wherever effects change with time.

    Notes
    -----
    Least squares with an effect for each person and each period (of a stack). Errors: clustered sandwich times
    G/(G − 1) · (n − 1)/(n − p), with G clusters, n rows and p the regressors, a constant and the effects of periods;
    t with G − 1 degrees of freedom. In a stack, comparison people are weighted so that they count as its treated do
    among all treated; people without every period of a window are left out of its stack.

    References
    ----------
    Angrist and Pischke (2009), Mostly Harmless Econometrics, 5.2; Goodman-Bacon (2021), Journal of Econometrics 225,
    254-277; Cengiz et al. (2019), Quarterly Journal of Economics 134, 1405-1454; Wing, Freedman and Hollingsworth
    (2024), NBER working paper 32054, on the weights of stacks.

    Examples
    --------
    >>> panel = pd.DataFrame({"person_id": list("aabbccdd"), "period": [1, 2] * 4, "start": [2.0] * 4 + [None] * 4,
    ...                       "contacts": [6, 2, 4, 2, 3, 2, 3, 3]})
    >>> found = difference_in_differences(panel, person="person_id", period="period", outcome="contacts", start="start")
    >>> round(float(found.tidy()["estimate"].iloc[0]), 3)
    -2.5
    """
    check_level(level)
    check_window(before, after, dip, stack)
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    asked = Asked(person, period, outcome, start, names, weights, cluster, design, before, after, dip, stack)
    rows = read_rows(data, asked)
    fit = two_way(rows, (rows.treated & (rows.since >= 0)).astype(float)[:, None])
    return DifferenceInDifferences(
        inferred([f"difference in differences in {outcome}"], fit, rows, level),
        _means(rows),
        outcome,
        method(rows),
        rows.start,
        level,
        (*rows.notes, *few(fit), ASSUMED, JOINING),
    )


def inferred(terms: Sequence[str], fit: Fit, rows: Rows, level: float) -> pd.DataFrame:
    """Estimates with t intervals as a tidy frame."""
    error = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    error = np.where(error > ROUNDING * np.abs(rows.outcome).max(), error, 0.0)
    made = t_test(fit.estimates, error, fit.df, level)
    people = len(np.unique(rows.person))
    return tidy_rows(
        [
            {
                "term": term,
                "estimate": float(fit.estimates[place]),
                "std_error": float(error[place]),
                **{name: float(values[place]) for name, values in asdict(made).items()},
                "n": people,
                "n_rows": len(rows.outcome),
                "n_clusters": int(fit.df) + 1,
            }
            for place, term in enumerate(terms)
        ]
    )


def method(rows: Rows) -> str:
    """How it was estimated, in words."""
    where = "person and period" if rows.start is not None else "person and period of each stack"
    return f"Effects of {where}; {SMALL_SAMPLE}"


def few(fit: Fit) -> tuple[str, ...]:
    """A caution where the errors rest on few clusters."""
    if fit.df + 1 >= FEW_CLUSTERS:
        return ()
    return (f"Only {int(fit.df) + 1} clusters: with fewer than {FEW_CLUSTERS} the errors tend to be too small.",)


def _means(rows: Rows) -> pd.DataFrame:
    """Weighted means of each side by period."""
    if (rows.treated & (rows.since >= 0)).sum() == 0:
        raise InputError("No treated person has a period after the start.")
    frame = pd.DataFrame(
        {
            "side": np.where(rows.treated, "treated", "comparison"),
            "period": rows.since + (rows.start or 0),
            "total": rows.weights * rows.outcome,
            "weight": rows.weights,
            "person": rows.person,
        }
    )
    grouped = frame.groupby(["side", "period"], sort=True)
    means = grouped[["total", "weight"]].sum()
    means = means.assign(mean=means["total"] / means["weight"], n=grouped["person"].nunique())
    means = means[["mean", "n"]].reset_index()
    return means.sort_values(["side", "period"], ascending=[False, True], ignore_index=True)
