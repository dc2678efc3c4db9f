"""The hazard over time, smoothed: when after release reoffending is fastest, by group, with pointwise intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import FloatArray, check_level
from impact.results import number, with_notes
from impact.survival.models.step_curves import by_group
from impact.survival.numbers.limits import hazard_limits
from impact.survival.numbers.smoothing import STILL_FOLLOWED, SmoothHazard, smooth_hazard, usual_bandwidth
from impact.survival.reading.cautions import robust_words
from impact.survival.reading.faults import refuse
from impact.survival.reading.groups import Grouped, read_groups
from impact.survival.reading.outcome import Outcome
from impact.survival.riskset import TimeRanks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PER = 100.0
POINTS = 101


@dataclass(frozen=True, eq=False)
class Hazard:
    """Smoothed hazards of one or more groups, in events per 100 people a day.

    Attributes
    ----------
    labels : tuple
        The groups, in the order of the rows of `tidy`; ``("all",)`` where there is no `by`.
    n, n_events : tuple of int
        People (rows) and events of each group, uncounted by weights.
    bandwidth : tuple of float
        Days to either side that each estimate draws on, by group; NaN in a group without events.
    level, method : float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    labels: tuple[object, ...]
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    bandwidth: tuple[float, ...]
    level: float
    method: str
    notes: tuple[str, ...]
    _times: tuple[FloatArray, ...]
    _curves: tuple[SmoothHazard, ...]

    def tidy(self) -> pd.DataFrame:
        """One row for each group and time: group, time, estimate, std_error, conf_low, conf_high.

        Events per 100 people at risk a day. The interval is symmetric for the logarithm; NaN where the estimate is 0.
        It is that of the smoothed hazard, without the bias that smoothing brings at a peak.
        """
        parts = []
        for times, curve in zip(self._times, self._curves, strict=True):
            low, high = hazard_limits(curve.hazard, curve.error, self.level, "log")
            numbers = {"estimate": curve.hazard, "std_error": curve.error, "conf_low": low, "conf_high": high}
            parts.append({"time": times, **{name: PER * value for name, value in numbers.items()}})
        return by_group(self.labels, parts)

    def plot(self, ax: Axes | None = None, *, unit: str = "days") -> Axes:
        """The hazards with their intervals; `unit` is ``"days"`` or ``"months"`` (hazards are a day either way)."""
        from impact.survival.figures.rates import smooth_hazards

        return smooth_hazards(self.tidy(), [str(label) for label in self.labels], ax=ax, unit=unit)

    def __repr__(self) -> str:
        lines = [f"Smoothed hazard, events per 100 people a day; {self.method}"]
        for code, label in enumerate(self.labels):
            curve, times = self._curves[code].hazard, self._times[code]
            top = int(np.argmax(curve))
            lines.append(
                f"{label}: n = {self.n[code]:,}, events = {self.n_events[code]:,}, bandwidth"
                f" {number(self.bandwidth[code])} days, highest {number(PER * curve[top])} on day {number(times[top])}"
            )
        return with_notes("\n".join(lines), self.notes)


def hazard(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    *,
    by: str | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    bandwidth: float | None = None,
    times: Sequence[float] | None = None,
    until: float | None = None,
    level: float = 0.95,
) -> Hazard:
    """Smoothed hazard of the event: how fast people have it, among those who have not had it yet.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: days from the start to the event or to the end of follow-up, 0 or more; 1 for an event and 0 for none.
    by : str, optional
        Column of groups; one curve each.
    entry : str, optional
        Column: time from which the person is at risk, before `duration` (delayed entry).
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent: spells of one person, people of one matched set.
    bandwidth : float, optional
        Days to either side that each estimate draws on, at most half the range. Left out, the range over 4 d^(1/5) for
        d events, group by group, so that about d^(4/5) / 2 events stand behind each estimate. Wiggles within one
        bandwidth mean nothing: try a half and a double.
    times : list of float, optional
        Days at which to estimate; left out, 101 evenly over the range.
    until : float, optional
        The end of the range, for every group. Left out, the last day on which 10 people of the group are still
        followed (its last day where it has fewer): beyond, a hazard is of a handful of people. The range starts at 0,
        or at the group's first entry.
    level : float
        Confidence level of the pointwise intervals.

    Returns
    -------
    Hazard
        ``tidy()``, ``bandwidth``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where the bandwidth is more than half the range, or a time outside it.

    Notes
    -----
    Epanechnikov's kernel over the jumps of the Nelson-Aalen estimate, with the boundary kernels of Müller and Wang
    (1994, table 1) within one bandwidth of either end, so that the first days are not drawn towards 0. The variance is
    Ramlau-Hansen's (1983) where people count once or by whole weights; with a cluster, with weights that are not whole,
    and with a Design it is the infinitesimal jackknife's, summed by cluster.

    Examples
    --------
    >>> people = pd.DataFrame({"days": range(1, 41), "again": [1, 1, 0, 1] * 10})
    >>> hazard(people, "days", "again", bandwidth=10, times=[5, 15]).tidy().round(2)
      group  time  estimate  std_error  conf_low  conf_high
    0   all   5.0      2.03       0.68      1.05       3.92
    1   all  15.0      2.94       0.84      1.68       5.16
    """
    check_level(level)
    if bandwidth is not None and not 0 < bandwidth < np.inf:
        raise InputError(f"bandwidth must be a number of days above 0, not {bandwidth!r}.")
    people = read_groups(data, duration, event, by, entry=entry, weights=weights, cluster=cluster)
    outcome = people.outcome
    notes, found = list(people.notes), []
    for code in range(len(people.labels)):
        who, inside = people.who(code), people.codes == code
        start, end = _range(outcome, inside, until, duration)
        chosen = np.linspace(start, end, POINTS) if times is None else np.asarray(times, dtype=float).ravel()
        if not ((chosen >= start) & (chosen <= end)).all():
            raise InputError(f"{who}times must lie within {start:g} and {end:g}, the range of the curve.")
        events = int((outcome.event[inside] * (outcome.ranks.grid[outcome.ranks.exit[inside]] <= end)).sum())
        if not events:
            notes.append(people.note(code, f"no events up to {end:g}: the hazard is 0 and has no interval."))
            found.append((np.nan, chosen, SmoothHazard(np.zeros(len(chosen)), np.full(len(chosen), np.nan))))
            continue
        reach = usual_bandwidth(events, end - start) if bandwidth is None else float(bandwidth)
        if reach > (end - start) / 2:
            raise InputError(
                f"{who}bandwidth must be at most half the range ({start:g} to {end:g} days): {(end - start) / 2:g}."
            )
        found.append((reach, chosen, _smooth(people, inside, chosen, reach, start, end)))
    return Hazard(
        people.labels,
        people.n,
        people.n_events,
        tuple(reach for reach, _, _ in found),
        level,
        robust_words(outcome) if people.robust else "Ramlau-Hansen's variance",
        tuple(notes),
        tuple(chosen for _, chosen, _ in found),
        tuple(curve for _, _, curve in found),
    )


def _range(outcome: Outcome, inside: np.ndarray, until: float | None, duration: str) -> tuple[float, float]:
    ranks = outcome.ranks
    leave = ranks.grid[ranks.exit[inside]]
    start = 0.0 if ranks.entry is None else float(ranks.grid[ranks.entry[inside]].min())
    last = float(leave.max())
    if until is not None:
        if not start < until <= last:
            raise InputError(
                f"until must lie after {start:g} and by {last:g}, the last day that every group is followed."
            )
        return start, float(until)
    end = float(np.partition(leave, -STILL_FOLLOWED)[-STILL_FOLLOWED]) if len(leave) >= STILL_FOLLOWED else last
    if not end > start:
        refuse(duration, "is the same as the start for all but a few")
    return start, end


def _smooth(
    people: Grouped, inside: np.ndarray, at: FloatArray, bandwidth: float, start: float, end: float
) -> SmoothHazard:
    outcome, ranks = people.outcome, people.outcome.ranks
    entry = None if ranks.entry is None else ranks.entry[inside]
    cluster = outcome.cluster
    return smooth_hazard(
        TimeRanks(ranks.grid, ranks.exit[inside], entry),
        outcome.event[inside],
        at,
        bandwidth,
        start,
        end,
        weights=None if outcome.weights is None else outcome.weights[inside],
        cluster=None if cluster is None else pd.factorize(cluster[inside], sort=True)[0].astype(np.int64),
        robust=people.robust,
    )
