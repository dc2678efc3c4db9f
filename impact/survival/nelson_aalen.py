"""Nelson-Aalen curves: the cumulative hazard over time, by group, with intervals right under weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import FloatArray, IntArray, check_choice, check_level
from impact.results import number, with_notes
from impact.survival.numbers.cumulative_hazard import (
    CONF_TYPES,
    TIES,
    CumulativeHazard,
    count_at_risk,
    cumulative_hazard,
    hazard_limits,
)
from impact.survival.reading.groups import Grouped, read_groups, robust_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class NelsonAalen:
    """Cumulative hazards of one or more groups.

    Attributes
    ----------
    labels : tuple
        The groups, in the order of the rows of `tidy`; ``("all",)`` where there is no `by`.
    n, n_events : tuple of int
        People (rows) and events of each group, uncounted by weights.
    level, conf_type, ties : float, str, str
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
    ties: str
    method: str
    notes: tuple[str, ...]
    _curve: CumulativeHazard
    _people: Grouped

    def tidy(self) -> pd.DataFrame:
        """One row for each group and distinct time.

        Columns group, time, n_risk, n_event, n_censored, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those with entry < time <= duration; with weights the three counts are sums of weights.
        Intervals are NaN where the cumulative hazard is 0.
        """
        curve, counts = self._curve, self._curve.counts
        low, high = hazard_limits(curve.hazard, curve.error, self.level, self.conf_type)
        return pd.DataFrame(
            {
                "group": np.repeat(np.array(self.labels, dtype=object), np.diff(counts.bounds)),
                "time": counts.time,
                "n_risk": self._counts(counts.n_risk),
                "n_event": self._counts(counts.n_event),
                "n_censored": self._counts(counts.n_censored),
                "estimate": curve.hazard,
                "std_error": curve.error,
                "conf_low": low,
                "conf_high": high,
            }
        )

    def at(self, times: float | Sequence[float]) -> pd.DataFrame:
        """The curves at given times: group, time, n_risk, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those at risk just before the time. After a group's last observed time the estimate is NaN.
        """
        wanted = np.atleast_1d(np.asarray(times, dtype=float))
        if np.isnan(wanted).any():
            raise InputError("times must be numbers without missing values.")
        at_risk = self._at_risk(wanted)
        parts = []
        for code, label in enumerate(self.labels):
            time, hazard, error = self._of(code)
            place = np.searchsorted(time, wanted, side="right")
            h, e = np.r_[0.0, hazard][place], np.r_[0.0, error][place]
            h[wanted > time[-1]] = e[wanted > time[-1]] = np.nan
            low, high = hazard_limits(h, e, self.level, self.conf_type)
            columns = {"time": wanted, "n_risk": at_risk[code], "estimate": h, "std_error": e}
            part = pd.DataFrame({**columns, "conf_low": low, "conf_high": high})
            part.insert(0, "group", pd.Series([label] * len(part), dtype=object))
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def plot(self, ax: Axes | None = None, *, at_risk: bool = True) -> Axes:
        """The curves with their intervals and, unless `at_risk` is False, the numbers at risk beneath."""
        from impact.survival.figures import curves as figures
        from impact.survival.figures import hazards as hazard_figures

        low, high = hazard_limits(self._curve.hazard, self._curve.error, self.level, self.conf_type)
        lines = []
        for code, label in enumerate(self.labels):
            part, (time, hazard, _) = self._cells(code), self._of(code)
            lines.append(figures.Line(str(label), time, hazard, low[part], high[part]))
        counts = (lambda code, times: self._at_risk(times)[code]) if at_risk else None
        return hazard_figures.cumulative_hazards(lines, counts, ax=ax)

    def _of(self, code: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        part = self._cells(code)
        return self._curve.counts.time[part], self._curve.hazard[part], self._curve.error[part]

    def _cells(self, code: int) -> slice:
        return slice(self._curve.counts.bounds[code], self._curve.counts.bounds[code + 1])

    def _at_risk(self, times: FloatArray) -> FloatArray | IntArray:
        return self._counts(count_at_risk(self._people, times))

    def _counts(self, values: FloatArray) -> FloatArray | IntArray:
        return np.rint(values).astype(np.int64) if self._people.outcome.weights is None else values

    def __repr__(self) -> str:
        lines = [f"Nelson-Aalen; {self.level:.0%} {self.conf_type} intervals; {self.method}"]
        last = self.at([self._of(code)[0][-1] for code in range(len(self.labels))])
        for code, label in enumerate(self.labels):
            row = last.iloc[code * len(self.labels) + code]
            lines.append(
                f"{label}: n = {self.n[code]:,}, events = {self.n_events[code]:,}, cumulative hazard"
                f" {number(row['estimate'])} ({number(row['conf_low'])} to {number(row['conf_high'])})"
                f" by {number(row['time'])}"
            )
        return with_notes("\n".join(lines), self.notes)


def nelson_aalen(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    *,
    by: str | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
    conf_type: str = "log",
    ties: str = "nelson-aalen",
) -> NelsonAalen:
    """Nelson-Aalen estimate of the cumulative hazard of the event, by group.

    Where the curve is steep, people have the event fast; a straight stretch is a constant hazard.

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
        ``"log"``, ``"plain"`` or ``"arcsine"``: the scale on which the interval is symmetric. On the log scale it is
        the log-log interval of the survival exp(−H).
    ties : str
        ``"nelson-aalen"`` (d events among Y at risk add d / Y) or ``"fleming-harrington"`` (they add 1 / Y + … +
        1 / (Y − d + 1), as if one came after another); the latter only where people count once.

    Returns
    -------
    NelsonAalen
        ``tidy()``, ``at(times)``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; with Fleming and Harrington's ties beside weights, clusters or a
        Design.

    Notes
    -----
    Aalen (1978); the variance is Aalen's, Σ d / Y² (Klein and Moeschberger 2003, section 4.2), where people count once
    or by whole weights (a weight of k is then k copies). With a cluster, with weights that are not whole, and with a
    Design, it is the infinitesimal jackknife's, summed by cluster, as in R's ``survfit(stype = 2, robust = TRUE)``.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [1, 3, 6, 6, 8, 9], "again": [1, 0, 1, 1, 0, 1]})
    >>> nelson_aalen(people, "days", "again").tidy()[["time", "n_risk", "n_event", "estimate"]].round(3)
       time  n_risk  n_event  estimate
    0   1.0       6        1     0.167
    1   3.0       5        0     0.167
    2   6.0       4        2     0.667
    3   8.0       2        0     0.667
    4   9.0       1        1     1.667
    """
    check_level(level)
    check_choice("conf_type", conf_type, CONF_TYPES)
    check_choice("ties", ties, TIES)
    once = weights is None and cluster is None and not isinstance(data, Design)
    if ties == "fleming-harrington" and not once:
        raise InputError(
            "ties='fleming-harrington' puts tied events one after another and needs people who count once; leave out"
            " weights and cluster, give .data of the Design, or use ties='nelson-aalen'."
        )
    people = read_groups(data, duration, event, by, entry=entry, weights=weights, cluster=cluster)
    outcome = people.outcome
    curve = cumulative_hazard(
        outcome.ranks,
        outcome.event,
        group=outcome.group,
        weights=outcome.weights,
        cluster=outcome.cluster,
        robust=people.robust,
        ties=ties,
    )
    method = robust_words(outcome) if people.robust else "Aalen's variance"
    return NelsonAalen(
        people.labels,
        people.n,
        people.n_events,
        level,
        conf_type,
        ties,
        f"{method}; Fleming and Harrington's ties" if ties == "fleming-harrington" else method,
        (*people.notes, *people.without_events()),
        curve,
        people,
    )
