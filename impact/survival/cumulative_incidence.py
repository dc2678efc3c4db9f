"""Cumulative incidence with competing events: the share to whom each cause has happened, over time and by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import FloatArray, check_choice, check_level
from impact.results import number, with_notes
from impact.survival.models.step_curves import by_group
from impact.survival.numbers.incidence import Incidence, aalen_johansen
from impact.survival.numbers.limits import SURVIVAL_TYPES, check_probabilities, crossing, survival_limits
from impact.survival.numbers.presence import Presence, presence
from impact.survival.reading.cautions import robust_words
from impact.survival.reading.faults import read_times
from impact.survival.reading.groups import Grouped, read_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VARIANCES = {"greenwood": "multinomial (Greenwood's) variance", "aalen": "Aalen's variance"}


@dataclass(frozen=True, eq=False)
class CumulativeIncidence:
    """Cumulative incidence of one or more causes, in one or more groups.

    Attributes
    ----------
    labels, causes : tuple
        The groups and the causes, in the order of the rows of `tidy`; ``("all",)`` where there is no `by`.
    n : tuple of int
        People (rows) of each group, uncounted by weights.
    n_events : tuple of tuple of int
        Events of each group by cause, uncounted by weights.
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
    causes: tuple[object, ...]
    n: tuple[int, ...]
    n_events: tuple[tuple[int, ...], ...]
    level: float
    conf_type: str
    weighted: bool
    method: str
    notes: tuple[str, ...]
    _curve: Incidence
    _presence: Presence

    def tidy(self) -> pd.DataFrame:
        """One row for each group, cause and distinct time.

        Columns group, cause, time, n_risk, n_event, n_censored, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those with entry < time <= duration, `n_event` events of the cause; with weights the three
        counts are sums of weights. Intervals are NaN where the estimate is 0, and where their scale has none.
        """
        curve, sets, size = self._curve, self._curve.sets, len(self.causes)
        lengths = np.diff(sets.bounds)
        cell = np.concatenate([np.tile(np.arange(*pair), size) for pair in pairwise(sets.bounds)])
        cause = np.repeat(np.tile(np.arange(size), len(lengths)), np.repeat(lengths, size))
        counts = (curve.n_risk[cell], curve.n_event[cause, cell], curve.n_censored[cell])
        return pd.DataFrame(
            {
                "group": np.repeat(np.array(self.labels, dtype=object), lengths * size),
                "cause": np.array(self.causes, dtype=object)[cause],
                "time": sets.times[cell],
                **dict(zip(("n_risk", "n_event", "n_censored"), map(self._whole, counts), strict=True)),
                **self._with_limits(curve.incidence[cause, cell], curve.std_error[cause, cell]),
            }
        )

    def at(self, times: float | Sequence[float]) -> pd.DataFrame:
        """The curves at given times: group, cause, time, n_risk, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those at risk just before the time (at 0, those who come in at 0). After a group's last observed
        time the estimate is NaN, unless everyone has had an event by then.
        """
        wanted = read_times(times)
        curve, parts = self._curve, []
        for code in range(len(self.labels)):
            cells = self._cells(code)
            time, free = curve.sets.times[cells], curve.free[cells]
            place = np.searchsorted(time, wanted, side="right")
            unseen = (wanted > time[-1]) & (free[-1] > 0)
            n_risk = self._whole(self._presence.count(code, wanted))
            for row in range(len(self.causes)):
                estimate, error = (
                    np.r_[0.0, values[row, cells]][place] for values in (curve.incidence, curve.std_error)
                )
                estimate[unseen] = error[unseen] = np.nan
                parts.append({"time": wanted, "n_risk": n_risk, **self._with_limits(estimate, error)})
        groups = [label for label in self.labels for _ in self.causes]
        return by_group(groups, parts, cause=self.causes * len(self.labels))

    def event_free(self) -> pd.DataFrame:
        """The share without an event of any cause: group, time, n_risk, estimate, std_error, conf_low, conf_high.

        With the causes it adds to 1 at every time. It is the Kaplan-Meier estimate for an event of any kind.
        """
        curve, sets = self._curve, self._curve.sets
        low, high = survival_limits(curve.free, curve.free_error, self.level, self.conf_type)
        with np.errstate(invalid="ignore"):
            error = curve.free * curve.free_error
        return pd.DataFrame(
            {
                "group": np.repeat(np.array(self.labels, dtype=object), np.diff(sets.bounds)),
                "time": sets.times,
                "n_risk": self._whole(curve.n_risk),
                "estimate": curve.free,
                "std_error": error,
                "conf_low": low,
                "conf_high": high,
            }
        )

    def quantiles(self, probabilities: Sequence[float] = (0.25, 0.5, 0.75)) -> pd.DataFrame:
        """The times by which a cause has happened to given shares.

        Columns group, cause, n, n_events, probability, estimate, conf_low, conf_high.

        The interval is where the curve's own limits cross (Peng and Fine 2007). NaN where a curve or limit never rises
        so far; the middle of the stretch where it lies flat on the share.
        """
        check_probabilities(probabilities)
        rows = []
        for code, label in enumerate(self.labels):
            cells = self._cells(code)
            for place, cause in enumerate(self.causes):
                shown = self._with_limits(self._curve.incidence[place, cells], self._curve.std_error[place, cells])
                for probability in probabilities:
                    found = [
                        crossing(self._curve.sets.times[cells], 1 - shown[name], 1 - probability)
                        for name in ("estimate", "conf_high", "conf_low")
                    ]
                    rows.append((label, cause, self.n[code], self.n_events[code][place], probability, *found))
        names = ["group", "cause", "n", "n_events", "probability", "estimate", "conf_low", "conf_high"]
        return pd.DataFrame(rows, columns=names)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        stacked: bool = False,
        group: object = None,
        at_risk: bool = True,
        unit: str = "days",
    ) -> Axes:
        """The curves with their intervals or, with `stacked`, one group's shares piled up to 1.

        Parameters
        ----------
        ax : Axes, optional
        stacked : bool
            Areas of every cause and of those without an event, for one group.
        group : optional
            Which group to stack; it must be named where there are several.
        at_risk : bool
            Print the numbers at risk beneath.
        unit : str
            ``"days"`` or ``"months"``.
        """
        from impact.survival.figures.curves import rising_curves, stacked_shares
        from impact.survival.figures.style import Line

        if group is not None and not stacked:
            raise InputError("group names whom to stack: give it with stacked=True.")
        curve, time = self._curve, self._curve.sets.times
        if stacked:
            code = self._code(group)
            cells = self._cells(code)
            counts = (lambda _, times: self._presence.count(code, times)) if at_risk else None
            return stacked_shares(time[cells], curve.incidence[:, cells], self.causes, counts, ax=ax, unit=unit)
        lines = []
        for code, label in enumerate(self.labels):
            cells = self._cells(code)
            for place, cause in enumerate(self.causes):
                shown = self._with_limits(curve.incidence[place, cells], curve.std_error[place, cells])
                heights = (shown["estimate"], shown["conf_low"], shown["conf_high"])
                lines.append(Line(str(label), time[cells], *heights, str(cause)))
        counts = self._presence.count if at_risk else None
        return rising_curves(lines, counts, ylabel="With the event", share=True, ax=ax, unit=unit)

    def _cells(self, code: int) -> slice:
        return slice(self._curve.sets.bounds[code], self._curve.sets.bounds[code + 1])

    def _code(self, group: object) -> int:
        if group is None and len(self.labels) == 1:
            return 0
        if group not in self.labels:
            known = ", ".join(str(label) for label in self.labels)
            raise InputError(f"group must be one of {known}, not {group!r}: one group is stacked at a time.")
        return self.labels.index(group)

    def _whole(self, counts: FloatArray) -> np.ndarray:
        return counts if self.weighted else np.rint(counts).astype(np.int64)

    def _with_limits(self, estimate: FloatArray, error: FloatArray) -> dict[str, FloatArray]:
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = survival_limits(estimate, error / estimate, self.level, self.conf_type)
        return {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}

    def __repr__(self) -> str:
        lines = [f"Cumulative incidence (Aalen-Johansen); {self.level:.0%} {self.conf_type} intervals; {self.method}"]
        for code, label in enumerate(self.labels):
            lines.append(f"{label}: n = {self.n[code]:,}")
            last = self._cells(code).stop - 1
            estimate, error = (values[:, last] for values in (self._curve.incidence, self._curve.std_error))
            shown = self._with_limits(estimate, error)
            for place, cause in enumerate(self.causes):
                lines.append(
                    f"  {cause}: events = {self.n_events[code][place]:,}, by {number(self._curve.sets.times[last], 6)}"
                    f" {number(estimate[place])} ({number(shown['conf_low'][place])}"
                    f" to {number(shown['conf_high'][place])})"
                )
        return with_notes("\n".join(lines), self.notes)


def cumulative_incidence(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    *,
    by: str | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    causes: Sequence[str] | None = None,
    variance: str = "greenwood",
    level: float = 0.95,
    conf_type: str = "log-log",
) -> CumulativeIncidence:
    """The share to whom each cause has happened by each time, by group, where causes compete.

    A competing event (death, recall) ends the wait for the others without censoring it: nobody is treated as if they
    could still reoffend after it, as 1 less Kaplan-Meier would. With one cause the two are the same.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: time from the start to the first event or to the end of follow-up, 0 or more; 0 for no event and 1, 2,
        … for the cause.
    by : str, optional
        Column of groups; one curve for each cause in each.
    entry : str, optional
        Column: time from which the person is at risk, before `duration` (delayed entry).
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent: spells of one person, people of one matched set.
    causes : sequence of str, optional
        What 1, 2, … stand for: ``("reoffence", "death")``, or the `causes` of `at_risk`. Left out, the causes are the
        codes, none of which may be skipped.
    variance : str
        Where people count once or by whole weights: ``"greenwood"`` (multinomial, which is the infinitesimal
        jackknife's where nobody enters late, and Greenwood's with one cause) or ``"aalen"`` (as R's
        ``cmprsk::cuminc``). Elsewhere the jackknife's is used, and ``"aalen"`` is refused.
    level : float
        Confidence level of the pointwise intervals.
    conf_type : str
        ``"log-log"``, ``"log"``, ``"plain"`` or ``"arcsine"``: the scale of the estimate on which the interval is
        symmetric.

    Returns
    -------
    CumulativeIncidence
        ``tidy()``, ``at(times)``, ``quantiles()``, ``event_free()``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where event codes skip a number and have no names.

    Notes
    -----
    Aalen and Johansen (1978); the variance is that of Gaynor and others (1993), section 3, or Aalen's as in Gray
    (1988). A weight of k is k copies where all weights are whole. With a cluster, with weights that are not whole, and
    with a Design, the variance is the infinitesimal jackknife's, summed by cluster, as in R's ``survfit``. On simulated
    truth the two variances cover alike and the log-log scale covers best; with fewer than about twenty events of a
    cause no scale covers well (``docs/coverage-events.md``).

    Examples
    --------
    >>> people = pd.DataFrame({"days": [1, 3, 6, 6, 8, 9], "what": [1, 0, 1, 2, 0, 1]})
    >>> found = cumulative_incidence(people, "days", "what", causes=("reoffence", "death"))
    >>> found.at([6, 9])[["cause", "time", "n_risk", "estimate"]].round(3)
           cause  time  n_risk  estimate
    0  reoffence   6.0       4     0.375
    1  reoffence   9.0       1     0.792
    2      death   6.0       4     0.208
    3      death   9.0       1     0.208
    """
    check_level(level)
    check_choice("conf_type", conf_type, SURVIVAL_TYPES)
    check_choice("variance", variance, tuple(VARIANCES))
    people = read_groups(
        data, duration, event, by, entry=entry, weights=weights, cluster=cluster, competing=True, causes=causes
    )
    outcome, found = people.outcome, people.causes
    assert found is not None
    if people.robust and variance == "aalen":
        raise InputError(
            "variance='aalen' counts people once: leave it out with a cluster, a Design or weights that are not whole."
        )
    names = found.names or (1,)
    curve = aalen_johansen(
        outcome.ranks,
        found.event,
        len(names),
        group=outcome.group,
        weights=outcome.weights,
        cluster=outcome.cluster,
        variance="jackknife" if people.robust else variance,
    )
    wide = len(names) + 1
    place = people.codes * wide + found.event if people.named else found.event
    table = np.bincount(place, minlength=len(people.labels) * wide).reshape(-1, wide)
    leaving = curve.n_event.sum(axis=0) + curve.n_censored
    return CumulativeIncidence(
        people.labels,
        names,
        people.n,
        tuple(tuple(row) for row in table[:, 1:].tolist()),
        level,
        conf_type,
        outcome.weights is not None,
        robust_words(outcome) if people.robust else VARIANCES[variance],
        (*people.notes, *people.without_events(), *_cautions(curve, people, table, names)),
        curve,
        presence(curve.sets, leaving, outcome.ranks, outcome.group, outcome.weights),
    )


def _cautions(curve: Incidence, people: Grouped, table: np.ndarray, names: Sequence[object]) -> list[str]:
    notes: list[str] = []
    for code, events in enumerate(table[:, 1:].tolist()):
        if any(events):
            notes.extend(
                people.note(code, f"no events of {name}.") for name, k in zip(names, events, strict=True) if not k
            )
    if people.outcome.ranks.entry is not None:
        for code, (first, last) in enumerate(pairwise(curve.sets.bounds.tolist())):
            empty = np.flatnonzero(curve.free[first:last] == 0)
            if len(empty) and empty[0] < last - first - 1:
                by = f"everyone at risk by {curve.sets.times[first + empty[0]]:g} had had an event;"
                notes.append(people.note(code, f"{by} those who enter later cannot change the curves."))
    return notes
