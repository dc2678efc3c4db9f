"""Kaplan-Meier curves: the share without the event over time, by group, with intervals right under weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import Columns, FloatArray, IntArray, check_choice, check_level
from impact.results import number, with_notes
from impact.survival.numbers.product_limit import CONF_TYPES, ProductLimit, crossing, limits, product_limit
from impact.survival.reading.outcome import Outcome, OutcomeColumns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVERYONE = "all"


@dataclass(frozen=True, eq=False)
class KaplanMeier:
    """Kaplan-Meier curves of one or more groups.

    Attributes
    ----------
    labels : tuple
        The groups, in the order of the rows of `tidy`; ``("all",)`` where there is no `by`.
    n, n_events : tuple of int
        People (rows) and events of each group, uncounted by weights.
    level, conf_type : float, str
        Of the intervals.
    weighted : bool
        Whether the numbers at risk are sums of weights.
    method : str
        The variance, in words.
    notes : tuple of str
        Rows left out, and cautions.
    """

    labels: tuple[object, ...]
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    level: float
    conf_type: str
    weighted: bool
    method: str
    notes: tuple[str, ...]
    _curve: ProductLimit
    _arrivals: tuple[tuple[FloatArray, FloatArray], ...]

    def tidy(self) -> pd.DataFrame:
        """One row for each group and distinct time.

        Columns group, time, n_risk, n_event, n_censored, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those with entry < time <= duration; with weights the three counts are sums of weights.
        `std_error` is that of S(t), NaN where S(t) is 0. Intervals are NaN where their scale has none: S = 0, and S =
        1 for log-log and arcsine.
        """
        curve = self._curve
        low, high = limits(curve.survival, curve.log_error, self.level, self.conf_type)
        counts = (curve.n_risk, curve.n_event, curve.n_censored)
        n_risk, n_event, n_censored = counts if self.weighted else (np.rint(part).astype(np.int64) for part in counts)
        return pd.DataFrame(
            {
                "group": np.repeat(np.array(self.labels, dtype=object), np.diff(curve.bounds)),
                "time": curve.time,
                "n_risk": n_risk,
                "n_event": n_event,
                "n_censored": n_censored,
                "estimate": curve.survival,
                "std_error": _std_error(curve.survival, curve.log_error),
                "conf_low": low,
                "conf_high": high,
            }
        )

    def at(self, times: float | Sequence[float]) -> pd.DataFrame:
        """The curves at given times: group, time, n_risk, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those at risk just before the time. After a group's last observed time the estimate is NaN,
        unless the curve has reached 0.
        """
        wanted = np.atleast_1d(np.asarray(times, dtype=float))
        if np.isnan(wanted).any():
            raise InputError("times must be numbers without missing values.")
        parts = []
        for code, label in enumerate(self.labels):
            time, survival, error = self._of(code)
            place = np.searchsorted(time, wanted, side="right")
            s, e = np.r_[1.0, survival][place], np.r_[0.0, error][place]
            unseen = (wanted > time[-1]) & (survival[-1] > 0)
            s[unseen] = e[unseen] = np.nan
            low, high = limits(s, e, self.level, self.conf_type)
            columns = {
                "time": wanted,
                "n_risk": self._at_risk(code, wanted),
                "estimate": s,
                "std_error": _std_error(s, e),
            }
            part = pd.DataFrame({**columns, "conf_low": low, "conf_high": high})
            part.insert(0, "group", pd.Series([label] * len(part), dtype=object))
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    @property
    def median(self) -> pd.DataFrame:
        """The median time of each group with its interval: group, n, n_events, estimate, conf_low, conf_high."""
        return self.quantiles((0.5,)).drop(columns="probability")

    def quantiles(self, probabilities: Sequence[float] = (0.25, 0.5, 0.75)) -> pd.DataFrame:
        """The times by which given shares have had the event.

        Columns group, n, n_events, probability, estimate, conf_low, conf_high.

        The interval is where the curve's own limits cross (Brookmeyer and Crowley 1982). NaN where a curve or limit
        never falls so far; the middle of the stretch where it lies flat on the level.
        """
        if not all(0 < probability < 1 for probability in probabilities):
            raise InputError("probabilities must lie between 0 and 1.")
        rows = []
        for code, label in enumerate(self.labels):
            time, survival, error = self._of(code)
            low, high = limits(survival, error, self.level, self.conf_type)
            for probability in probabilities:
                found = [crossing(time, curve, 1 - probability) for curve in (survival, low, high)]
                rows.append((label, self.n[code], self.n_events[code], probability, *found))
        names = ["group", "n", "n_events", "probability", "estimate", "conf_low", "conf_high"]
        return pd.DataFrame(rows, columns=names)

    def plot(
        self, ax: Axes | None = None, *, at_risk: bool = True, unit: str = "days", cumulative: bool = False
    ) -> Axes:
        """The curves with their intervals and, unless `at_risk` is False, the numbers at risk beneath.

        Parameters
        ----------
        ax : Axes, optional
        at_risk : bool
        unit : str
            ``"days"``, or ``"months"`` of 30.4375 days (durations are in days either way).
        cumulative : bool
            Draw the share with the event, 1 − S(t).
        """
        from impact.survival.figures import curves as figures

        time, survival, bounds = self._curve.time, self._curve.survival, self._curve.bounds
        low, high = limits(survival, self._curve.log_error, self.level, self.conf_type)
        lines = []
        for code, label in enumerate(self.labels):
            part = slice(bounds[code], bounds[code + 1])
            lines.append(figures.Line(str(label), time[part], survival[part], low[part], high[part]))
        counts = (lambda code, times: self._at_risk(code, times)) if at_risk else None
        return figures.survival_curves(lines, counts, ax=ax, unit=unit, cumulative=cumulative)

    def _of(self, code: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        part = slice(self._curve.bounds[code], self._curve.bounds[code + 1])
        return self._curve.time[part], self._curve.survival[part], self._curve.log_error[part]

    def _at_risk(self, code: int, times: FloatArray) -> FloatArray | IntArray:
        part = slice(self._curve.bounds[code], self._curve.bounds[code + 1])
        left = np.r_[0.0, np.cumsum(self._curve.n_event[part] + self._curve.n_censored[part])]
        come_at, come = self._arrivals[code]
        count = come[np.searchsorted(come_at, times)] - left[np.searchsorted(self._curve.time[part], times)]
        return count if self.weighted else np.rint(count).astype(np.int64)

    def __repr__(self) -> str:
        lines = [f"Kaplan-Meier; {self.level:.0%} {self.conf_type} intervals; {self.method}"]
        for row in self.median.to_dict("records"):
            lines.append(
                f"{row['group']}: n = {row['n']:,}, events = {row['n_events']:,}, median {number(row['estimate'])}"
                f" ({number(row['conf_low'])} to {number(row['conf_high'])})"
            )
        return with_notes("\n".join(lines), self.notes)


def _std_error(survival: FloatArray, log_error: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return survival * log_error


def kaplan_meier(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    *,
    by: str | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
    conf_type: str = "log-log",
) -> KaplanMeier:
    """Kaplan-Meier estimate of the share who have not yet had the event, by group.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: time from the start to the event or to the end of follow-up, 0 or more; 1 for an event and 0 for none.
    by : str, optional
        Column of groups; one curve each.
    entry : str, optional
        Column: time from which the person is at risk, before `duration` (delayed entry).
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent: spells of one person, people of one matched set.
    level : float
        Confidence level of the pointwise intervals.
    conf_type : str
        ``"log-log"``, ``"log"``, ``"plain"`` or ``"arcsine"``: the scale on which the interval is symmetric. Log-log
        intervals hold the truth as often as they say with 200 people; the others fall a little short while few have
        had the event (docs/coverage-survival.md).

    Returns
    -------
    KaplanMeier
        ``tidy()``, ``at(times)``, ``median``, ``quantiles()``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once.

    Notes
    -----
    The standard error is Greenwood's where people count once or by whole weights (a weight of k is then k copies).
    With a cluster, with weights that are not whole, and with a Design, it is the infinitesimal jackknife's, summed by
    cluster, as in R's ``survfit(robust = TRUE)``.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [1, 3, 6, 6, 8, 9], "again": [1, 0, 1, 1, 0, 1]})
    >>> kaplan_meier(people, "days", "again").tidy()[["time", "n_risk", "n_event", "estimate"]].round(3)
       time  n_risk  n_event  estimate
    0   1.0       6        1     0.833
    1   3.0       5        0     0.833
    2   6.0       4        2     0.417
    3   8.0       2        0     0.417
    4   9.0       1        1     0.000
    """
    check_level(level)
    check_choice("conf_type", conf_type, CONF_TYPES)
    columns = Columns(data)
    read = OutcomeColumns(
        columns, duration, event, entry=entry, weights=weights, cluster=cluster, groups=() if by is None else (by,)
    )
    outcome = read.take(columns.rows())
    robust = columns.design is not None or outcome.cluster is not None or not outcome.whole_weights
    curve = product_limit(
        outcome.ranks,
        outcome.event,
        group=outcome.group,
        weights=outcome.weights,
        cluster=outcome.cluster,
        robust=robust,
    )
    labels = (EVERYONE,) if by is None else outcome.labels
    n, n_events = (_by_group(outcome, values, len(labels)).astype(int).tolist() for values in (None, outcome.event))
    notes = list(outcome.notes)
    notes.extend(
        f"Group {label}: no events." if by else "No events."
        for label, k in zip(labels, n_events, strict=True)
        if k == 0
    )
    method = "Greenwood's variance"
    if robust:
        method = "robust variance" + (
            "" if outcome.cluster is None else f", {int(outcome.cluster.max()) + 1:,} clusters"
        )
    return KaplanMeier(
        labels,
        tuple(n),
        tuple(n_events),
        level,
        conf_type,
        outcome.weights is not None,
        method,
        tuple(notes),
        curve,
        _arrivals(outcome, len(labels)),
    )


def _by_group(outcome: Outcome, values: FloatArray | None, n_groups: int) -> FloatArray:
    """The sum of `values` over the rows of each group; the number of rows where it is None."""
    if outcome.group is None:
        return np.array([float(len(outcome.event)) if values is None else values.sum()])
    return np.bincount(outcome.group, values, n_groups).astype(float)


def _arrivals(outcome: Outcome, n_groups: int) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """For each group its distinct entry times, and the people (or weights) who had come before each and at the end."""
    ranks = outcome.ranks
    if ranks.entry is None:
        total = _by_group(outcome, outcome.weights, n_groups)
        return tuple((np.empty(0), np.array([mass])) for mass in total)
    out = []
    for code in range(n_groups):
        inside = np.ones(len(outcome.event), dtype=bool) if outcome.group is None else outcome.group == code
        place, which = np.unique(ranks.entry[inside], return_inverse=True)
        mass = np.bincount(which, None if outcome.weights is None else outcome.weights[inside])
        out.append((ranks.grid[place], np.r_[0.0, np.cumsum(mass)]))
    return tuple(out)
