"""Restricted mean time without the event, and time lost to it, up to a horizon: by group, difference and ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.design import Design
from impact.errors import Fault, InputError
from impact.frames import FloatArray, check_level
from impact.results import number, tidy_rows, with_notes
from impact.survival.numbers.limits import standard_errors
from impact.survival.numbers.restricted import LostTime, lost_time
from impact.survival.reading.cautions import robust_words
from impact.survival.reading.faults import UNUSABLE
from impact.survival.reading.groups import Grouped, read_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class RestrictedMean:
    """Mean days, of the first `horizon`, without the event (or lost to it) in each group, and their comparison.

    Attributes
    ----------
    quantity : str
        What is averaged, in words.
    horizon : float
    labels : tuple
        The groups; each after the first is compared with the first.
    estimates : (G,) float
    covariance : (G, G) float
        Of the estimates; groups that share clusters are not independent.
    n, n_events : tuple of int
        People (rows) of each group and their counted events up to the horizon, uncounted by weights.
    level, method : float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    quantity: str
    horizon: float
    labels: tuple[object, ...]
    estimates: FloatArray
    covariance: FloatArray
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    level: float
    method: str
    notes: tuple[str, ...]
    _curve: LostTime
    _lost: bool

    def tidy(self) -> pd.DataFrame:
        """One row a group (``mean``), then for each later group its ``difference`` from and ``ratio`` to the first.

        Columns term, estimate, std_error, statistic, p_value, conf_low, conf_high, group, reference, n, n_events. The
        `std_error` of a ratio is that of its logarithm, on which scale its interval is symmetric.
        """
        rows: list[dict[str, object]] = []
        for code in range(len(self.labels)):
            error = float(np.sqrt(self.covariance[code, code]))
            rows.append(self._row("mean", code, None, float(self.estimates[code]), error if error > 0 else np.nan))
        for code in range(1, len(self.labels)):
            a, b = float(self.estimates[0]), float(self.estimates[code])
            v = self.covariance[np.ix_([0, code], [0, code])]
            known = v[0, 0] > 0 and v[1, 1] > 0
            error = float(np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1])) if known else np.nan
            rows.append(self._row("difference", code, self.labels[0], b - a, error))
            relative = np.nan
            if known and a > 0 and b > 0:
                relative = float(np.sqrt(max(v[0, 0] / a**2 + v[1, 1] / b**2 - 2 * v[0, 1] / (a * b), 0.0)))
            rows.append(self._row("ratio", code, self.labels[0], b / a if a > 0 else np.nan, relative))
        return tidy_rows(rows)

    def _row(self, term: str, code: int, reference: object, estimate: float, error: float) -> dict[str, object]:
        reach = standard_errors(self.level) * error
        if term == "ratio":
            statistic = float(np.log(estimate)) / error if estimate > 0 and error > 0 else np.nan
            low, high = estimate * np.exp(-reach), estimate * np.exp(reach)
        else:
            statistic = estimate / error if term == "difference" and error > 0 else np.nan
            low, high = estimate - reach, estimate + reach
        return {
            "term": term,
            "estimate": estimate,
            "std_error": error,
            "statistic": statistic,
            "p_value": float(2 * scipy.special.ndtr(-abs(statistic))),
            "conf_low": low,
            "conf_high": high,
            "group": self.labels[code],
            "reference": reference,
            "n": self.n[code],
            "n_events": self.n_events[code],
        }

    def plot(self, ax: Axes | None = None, *, unit: str = "days") -> Axes:
        """The curves up to the horizon with their means; the area of one, or between two, is shaded.

        `unit` is ``"days"`` or ``"months"`` (the means are in days either way).
        """
        from impact.survival.figures.curves import up_to_horizon
        from impact.survival.figures.style import Line

        curve, lines = self._curve, []
        for code, label in enumerate(self.labels):
            part = slice(curve.bounds[code], curve.bounds[code + 1])
            height = curve.incidence[part] if self._lost else curve.survival[part]
            words = f"{label}: {number(self.estimates[code])} days"
            lines.append(Line(words, curve.time[part], height, height, height))
        return up_to_horizon(lines, self.horizon, lost=self._lost, title=self.quantity, ax=ax, unit=unit)

    def __repr__(self) -> str:
        lines = [f"{self.quantity}, first {number(self.horizon, 6)} days; {self.method}"]
        for row in self.tidy().to_dict("records"):
            interval = f"{self.level:.0%} interval {number(row['conf_low'])} to {number(row['conf_high'])}"
            if row["term"] == "mean":
                head, tail = f"{row['group']}", f"n = {row['n']:,}, events = {row['n_events']:,}"
            else:
                minus = "less" if row["term"] == "difference" else "over"
                head = f"{row['term'].capitalize()}, {row['group']} {minus} {row['reference']}"
                tail = f"p = {number(row['p_value'], 2)}"
            lines.append(f"{head}: {number(row['estimate'])} ({interval}; {tail})")
        return with_notes("\n".join(lines), self.notes)


def rmst(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    horizon: float,
    *,
    by: str | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
) -> RestrictedMean:
    """Restricted mean survival time: mean days without the event among the first `horizon` days.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: days from the start to the event or to the end of follow-up, 0 or more; 1 for an event and 0 for none.
    horizon : float
        Days over which the mean is taken. Every group must be followed so long: up to its last event or censoring,
        without end where all have had the event.
    by : str, optional
        Column of groups; each after the first is compared with the first.
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
    RestrictedMean
        ``tidy()`` (each group, difference, ratio), ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where a group is not followed to the horizon, with the longest horizon
        that serves every group.

    Notes
    -----
    The area under the Kaplan-Meier curve (Irwin 1949; Royston and Parmar 2013). Where people count once or by whole
    weights (a weight of k is then k copies) the variance is Σ A² d / (Y (Y − d)), A being the area after each event
    time (Klein and Moeschberger 2003, section 4.5). With a cluster, with weights that are not whole, and with a Design,
    it is the infinitesimal jackknife's, summed by cluster, also across groups. The ratio's is by the delta method. With
    100 people a group intervals cover 94 to 95 in a hundred, as the errors of small samples lean low.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [10, 30, 30, 20, 30, 30], "again": [1, 0, 0, 1, 1, 0], "group": list("aaabbb")})
    >>> rmst(people, "days", "again", 30, by="group").tidy().round(3)[["term", "group", "estimate", "std_error"]]
             term group  estimate  std_error
    0        mean     a    23.333      5.443
    1        mean     b    26.667      2.722
    2  difference     b     3.333      6.086
    3       ratio     b     1.143      0.255
    """
    return _restricted(
        data, duration, event, horizon, None, None, by=by, entry=entry, weights=weights, cluster=cluster, level=level
    )


def rmtl(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    horizon: float,
    *,
    cause: int | str = 1,
    causes: Sequence[str] | None = None,
    by: str | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
) -> RestrictedMean:
    """Restricted mean time lost to one cause: mean days, of the first `horizon`, after an event of that cause.

    Parameters
    ----------
    data, duration, by, entry, weights, cluster, level
        As in `rmst`.
    event : str
        Column: 0 for none, and 1, 2, … for the cause of the event that came first (reoffence, recall, death).
    horizon : float
        Days over which the mean is taken; as in `rmst`.
    cause : int or str
        The cause to which time is lost, by its code or its name in `causes`; the others compete.
    causes : sequence of str, optional
        What 1, 2, … stand for. Left out, the causes are the codes, none of which may be skipped.

    Returns
    -------
    RestrictedMean
        ``tidy()`` (each group, difference, ratio), ``plot()``, ``notes``.

    Raises
    ------
    InputError
        As `rmst`; where no event is of that cause.

    Notes
    -----
    The area under the Aalen-Johansen cumulative incidence (Andersen 2013). The times lost to all causes and the
    restricted mean without any event add to the horizon. Where people count once or by whole weights the variance is
    Greenwood's extended to causes, deaths by cause being multinomial at each time; without delayed entry it equals the
    infinitesimal jackknife's, which is used (summed by cluster) with a cluster, with weights that are not whole, and
    with a Design.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [10, 30, 20, 30], "outcome": [1, 0, 2, 0]})
    >>> rmtl(people, "days", "outcome", 30, cause=1).tidy()[["estimate", "std_error"]].round(3)
       estimate  std_error
    0       5.0       4.33
    """
    return _restricted(
        data,
        duration,
        event,
        horizon,
        cause,
        causes,
        by=by,
        entry=entry,
        weights=weights,
        cluster=cluster,
        level=level,
    )


def _restricted(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    horizon: float,
    cause: int | str | None,
    causes: Sequence[str] | None,
    *,
    by: str | None,
    entry: str | None,
    weights: str | None,
    cluster: str | None,
    level: float,
) -> RestrictedMean:
    check_level(level)
    if not 0 < horizon < np.inf:
        raise InputError(f"horizon must be a number of days above 0, not {horizon!r}.")
    people = read_groups(
        data,
        duration,
        event,
        by,
        entry=entry,
        weights=weights,
        cluster=cluster,
        competing=cause is not None,
        causes=causes,
    )
    outcome, codes, labels = people.outcome, people.codes, people.labels
    quantity, code = "Restricted mean time without the event", 1
    if people.causes is not None:
        code, quantity = people.causes.code(cause, event), f"Restricted mean time lost to {people.causes.words(cause)}"
    counted = outcome.event == code
    found = lost_time(
        outcome.ranks,
        outcome.event,
        counted,
        float(horizon),
        group=outcome.group,
        weights=outcome.weights,
        cluster=outcome.cluster,
        robust=people.robust,
    )
    _check_followed(people, found, float(horizon), duration)
    times = outcome.ranks.grid[outcome.ranks.exit]
    n_events = np.bincount(codes[counted & (times <= horizon)], minlength=len(labels))
    return RestrictedMean(
        quantity,
        float(horizon),
        labels,
        horizon - found.estimate if cause is None else found.estimate,
        found.covariance,
        people.n,
        tuple(n_events.tolist()),
        level,
        robust_words(outcome) if people.robust else "Greenwood's variance",
        (*people.notes, *_notes(people, found, float(horizon))),
        found,
        cause is not None,
    )


def _check_followed(people: Grouped, found: LostTime, horizon: float, duration: str) -> None:
    labels, ranks = people.labels, people.outcome.ranks
    last = np.full(len(labels), -np.inf)
    np.maximum.at(last, people.codes, ranks.grid[ranks.exit])
    for code in range(len(labels)):
        part = found.survival[found.bounds[code] : found.bounds[code + 1]]
        if len(part) and part[-1] == 0:
            last[code] = np.inf
    short = np.flatnonzero(last < horizon)
    if len(short):
        longest = f"the longest horizon that serves every group is {last.min():g}."
        raise InputError(
            UNUSABLE,
            [
                Fault(
                    f"ends at {last[code]:g}"
                    + (f" in group {labels[code]}" if people.named else "")
                    + ", before the horizon",
                    table="data",
                    column=duration,
                    why="the curve is not known after it.",
                    remedy=longest,
                )
                for code in short.tolist()
            ],
        )


def _notes(people: Grouped, found: LostTime, horizon: float) -> list[str]:
    notes, ranks = [], people.outcome.ranks
    error = np.diag(found.covariance)
    for code in range(len(people.labels)):
        if not error[code] > 0:
            notes.append(people.note(code, "no spread to estimate a standard error from (no events, or all at once)."))
        part = slice(found.bounds[code], found.bounds[code + 1])
        ended = found.time[part][found.survival[part] == 0]
        if ranks.entry is not None and len(ended) and ended[0] < horizon:
            entry = ranks.grid[ranks.entry[people.codes == code]]
            if (entry >= ended[0]).any():
                falls = f"the curve falls to 0 at {ended[0]:g}, when everyone at risk has the event,"
                notes.append(people.note(code, f"{falls} though others enter later: start the time scale later."))
    return notes
