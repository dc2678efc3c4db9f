"""Rates of the event in pieces of follow-up: the first six weeks after release, the next, and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.design import Design
from impact.errors import InputError
from impact.frames import FloatArray, check_level
from impact.results import number, with_notes
from impact.survival.numbers.limits import standard_errors
from impact.survival.numbers.person_time import PersonTime, person_time, poisson_limits, rate_ratio
from impact.survival.reading.cautions import robust_words
from impact.survival.reading.groups import read_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PER = 100.0


@dataclass(frozen=True, eq=False)
class PiecewiseHazard:
    """Events per 100 person-days in each piece of follow-up, by group.

    Attributes
    ----------
    labels : tuple
        The groups, in the order of the rows of `tidy`; ``("all",)`` where there is no `by`.
    edges : (P + 1,) float
        Where the pieces start and end: 0, the cuts, infinity.
    level, method : float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    labels: tuple[object, ...]
    edges: FloatArray
    level: float
    method: str
    notes: tuple[str, ...]
    _numbers: PersonTime
    _end: float
    _whole: bool

    def tidy(self) -> pd.DataFrame:
        """One row for each group and piece.

        Columns group, start, end, estimate, std_error, conf_low, conf_high, n, n_event, person_days.

        `estimate` is events per 100 person-days, `n` the rows at risk at some time in the piece; with weights `n_event`
        and `person_days` are weighted. NaN where nobody is at risk in the piece.
        """
        found = self._numbers
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(found.days > 0, found.n_event / found.days, np.nan)
            if found.log_covariance is None:
                error = np.sqrt(found.n_event) / np.where(found.days > 0, found.days, np.nan)
                low, high = (limit / found.days for limit in poisson_limits(found.n_event, self.level))
                low, high = (np.where(found.days > 0, limit, np.nan) for limit in (low, high))
            else:
                log_error = np.sqrt(np.diagonal(found.log_covariance, axis1=1, axis2=2).T)
                reach = standard_errors(self.level) * log_error
                error, low, high = rate * log_error, rate * np.exp(-reach), rate * np.exp(reach)
        n_groups, pieces = rate.shape
        counts = np.rint(found.n_event).astype(np.int64) if self._whole else found.n_event
        return pd.DataFrame(
            {
                "group": np.repeat(np.array(self.labels, dtype=object), pieces),
                "start": np.tile(self.edges[:-1], n_groups),
                "end": np.tile(self.edges[1:], n_groups),
                "estimate": PER * rate.ravel(),
                "std_error": PER * error.ravel(),
                "conf_low": PER * low.ravel(),
                "conf_high": PER * high.ravel(),
                "n": found.n.ravel(),
                "n_event": counts.ravel(),
                "person_days": found.days.ravel(),
            }
        )

    def ratios(self) -> pd.DataFrame:
        """The rate of each group after the first over that of the first, piece by piece.

        Columns estimate, std_error, statistic, p_value, conf_low, conf_high, group, reference, start, end.

        `std_error` is that of the logarithm. Where people count once, limits and p-value are exact given the events of
        the two groups together, and there is no statistic; otherwise they are the robust Wald's on the log scale.
        """
        found, rows = self._numbers, []
        z = standard_errors(self.level)
        for code in range(1, len(self.labels)):
            for piece in range(len(self.edges) - 1):
                counts = float(found.n_event[0, piece]), float(found.n_event[code, piece])
                days = float(found.days[0, piece]), float(found.days[code, piece])
                if found.log_covariance is None:
                    ratio, low, high, p = rate_ratio(counts, days, self.level)
                    error = float(np.sqrt(1 / counts[0] + 1 / counts[1])) if min(counts) else np.nan
                    statistic = np.nan
                else:
                    v = found.log_covariance[piece][np.ix_([0, code], [0, code])]
                    known = min(*counts, *days) > 0
                    ratio = counts[1] / days[1] / (counts[0] / days[0]) if known else np.nan
                    error = float(np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1])) if known else np.nan
                    statistic = float(np.log(ratio)) / error if error > 0 else np.nan
                    low, high = ratio * np.exp(-z * error), ratio * np.exp(z * error)
                    p = float(2 * scipy.special.ndtr(-abs(statistic)))
                pair = {"group": self.labels[code], "reference": self.labels[0]}
                where = {"start": self.edges[piece], "end": self.edges[piece + 1]}
                numbers = {"estimate": ratio, "std_error": error, "statistic": statistic, "p_value": p}
                rows.append({**numbers, "conf_low": low, "conf_high": high, **pair, **where})
        if not rows:
            raise InputError("rate ratios need two groups or more: name a column of groups as `by`.")
        return pd.DataFrame(rows)

    def plot(self, ax: Axes | None = None, *, unit: str = "days") -> Axes:
        """The rate of each piece as a level line with its interval, group by group; `unit` is days or months."""
        from impact.survival.figures.rates import rates

        return rates(self.tidy(), [str(label) for label in self.labels], self._end, ax=ax, unit=unit)

    def __repr__(self) -> str:
        lines = [f"Events per 100 person-days; {self.method}"]
        for row in self.tidy().to_dict("records"):
            span = f"after {row['start']:g}" if np.isinf(row["end"]) else f"{row['start']:g} to {row['end']:g}"
            lines.append(
                f"{row['group']}, days {span}: {number(row['estimate'])} ({self.level:.0%} interval"
                f" {number(row['conf_low'])} to {number(row['conf_high'])}; events = {number(row['n_event'], 6)},"
                f" person-days = {number(row['person_days'], 6)})"
            )
        return with_notes("\n".join(lines), self.notes)


def piecewise_hazard(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    cuts: Sequence[float],
    *,
    by: str | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
) -> PiecewiseHazard:
    """Rate of the event in each piece of follow-up, taken as constant within the piece.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: days from the start to the event or to the end of follow-up, 0 or more; 1 for an event and 0 for none.
    cuts : list of float
        Days at which one piece ends and the next starts: ``[42, 182]`` for the first six weeks, the time to six months,
        and the rest. An event on a cut belongs to the piece that ends there.
    by : str, optional
        Column of groups.
    entry : str, optional
        Column: time from which the person is at risk, before `duration` (delayed entry).
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent: spells of one person, people of one matched set.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    PiecewiseHazard
        ``tidy()`` (events per 100 person-days), ``ratios()`` between groups, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where the cuts are not days above 0 in ascending order.

    Notes
    -----
    The piecewise exponential model (Holford 1980): events over time at risk. Where people count once or by whole
    weights (a weight of k is then k copies) limits are exact (Garwood 1936; of ratios, given the events of both
    groups). With a cluster, with weights that are not whole, and with a Design, they are symmetric for the logarithm
    with the robust variance of the Poisson score, summed by cluster, also across groups.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [10, 42, 100, 200, 30, 365], "again": [1, 1, 1, 0, 0, 0]})
    >>> rates = piecewise_hazard(people, "days", "again", [42])
    >>> rates.tidy().round(3)[["start", "end", "estimate", "n", "n_event", "person_days"]]
       start   end  estimate  n  n_event  person_days
    0    0.0  42.0     0.962  6        2        208.0
    1   42.0   inf     0.186  3        1        539.0
    """
    check_level(level)
    edges = np.r_[0.0, np.asarray(cuts, dtype=float).ravel(), np.inf]
    if np.isnan(edges).any() or np.isinf(edges[:-1]).any() or not (np.diff(edges) > 0).all():
        raise InputError("cuts must be days above 0, in ascending order and each once.")
    people = read_groups(data, duration, event, by, entry=entry, weights=weights, cluster=cluster)
    outcome, ranks = people.outcome, people.outcome.ranks
    time = ranks.grid[ranks.exit]
    found = person_time(
        time,
        outcome.event,
        edges,
        people.codes,
        len(people.labels),
        entry=None if ranks.entry is None else ranks.grid[ranks.entry],
        weights=outcome.weights,
        cluster=outcome.cluster,
        robust=people.robust,
    )
    notes = list(people.notes)
    at_once = int(((time == 0) & (outcome.event == 1)).sum())
    if at_once:
        notes.append(f"{at_once:,} events at time 0 add no time at risk.")
    for code in range(len(people.labels)):
        for piece in np.flatnonzero(found.days[code] == 0):
            notes.append(people.note(code, f"nobody is at risk after {edges[piece]:g} days."))
    method = robust_words(outcome) if people.robust else "exact Poisson intervals"
    return PiecewiseHazard(
        people.labels, edges, level, method, tuple(notes), found, float(time.max()), outcome.whole_weights
    )
