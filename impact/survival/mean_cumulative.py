"""The mean cumulative count: how many events a person has had on average by each time, repeats counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.codes import renumber
from impact.design import Design
from impact.errors import InputError
from impact.frames import Columns, FloatArray, IntArray, check_choice, check_level
from impact.results import number
from impact.survival.models.step_curves import StepCurves
from impact.survival.numbers.limits import hazard_limits, standard_errors
from impact.survival.numbers.mean_count import MeanCount, influence_at, mean_count
from impact.survival.numbers.presence import presence
from impact.survival.reading.cautions import about_variance, robust_words
from impact.survival.reading.faults import read_times
from impact.survival.reading.groups import EVERYONE
from impact.survival.reading.histories import check_histories
from impact.survival.reading.outcome import Outcome, OutcomeColumns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONF_TYPES = ("log", "plain")


@dataclass(frozen=True, eq=False)
class MeanCumulative(StepCurves):
    """Mean cumulative counts of one or more groups; see `StepCurves` for what they hold. `n` counts people."""

    _curve: MeanCount
    _outcome: Outcome
    _cluster: IntArray

    def tidy(self) -> pd.DataFrame:
        """One row for each group and distinct stop.

        Columns group, time, n_risk, n_event, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those with start < time <= stop; with weights the counts are sums of weights. Intervals are
        NaN where the estimate is 0.
        """
        return super().tidy()

    def difference(self, times: float | Sequence[float], *, versus: object = None) -> pd.DataFrame:
        """Each group's mean count less that of one of them, at given times.

        Columns group, versus, time, estimate, std_error, statistic, p_value, conf_low, conf_high. The standard error
        counts in that sets of people may stand in both groups. NaN after the last stop of either.

        Parameters
        ----------
        times : float or list of float
        versus : optional
            The group that the others are compared with; the first where it is left out.
        """
        wanted = read_times(times)
        against = self.labels[0] if versus is None else versus
        if len(self.labels) < 2 or against not in self.labels:
            known = ", ".join(str(label) for label in self.labels)
            raise InputError(f"difference needs two groups or more, and versus to be one of them ({known}).")
        base = self.labels.index(against)
        table = (
            self.at(wanted.tolist()).set_index(["group", "time"])["estimate"].to_numpy().reshape(len(self.labels), -1)
        )
        outcome = self._outcome
        assert outcome.group is not None
        influences = [influence_at(self._curve, outcome.event, outcome.weights, time) for time in wanted]
        rows = []
        for code, label in enumerate(self.labels):
            if code == base:
                continue
            sign = (outcome.group == code).astype(float) - (outcome.group == base)
            for place, time in enumerate(wanted):
                estimate = table[code, place] - table[base, place]
                error = float(np.sqrt(np.sum(np.bincount(self._cluster, sign * influences[place]) ** 2)))
                rows.append((label, against, time, estimate, error if np.isfinite(estimate) else np.nan))
        frame = pd.DataFrame(rows, columns=["group", "versus", "time", "estimate", "std_error"])
        statistic = frame["estimate"] / frame["std_error"].where(frame["std_error"] > 0)
        reach = standard_errors(self.level) * frame["std_error"]
        return frame.assign(
            statistic=statistic,
            p_value=2 * scipy.special.ndtr(-np.abs(statistic)),
            conf_low=frame["estimate"] - reach,
            conf_high=frame["estimate"] + reach,
        )

    def plot(self, ax: Axes | None = None, *, at_risk: bool = True, unit: str = "days") -> Axes:
        """The curves with their intervals and, unless `at_risk` is False, the numbers at risk beneath.

        `unit` is ``"days"`` or ``"months"``.
        """
        from impact.survival.figures.curves import rising_curves

        counts = self._at_risk if at_risk else None
        return rising_curves(
            self._lines(), counts, ylabel="Mean number of events a person", share=False, ax=ax, unit=unit
        )

    @property
    def _start(self) -> float:
        return 0.0

    def _counts(self) -> dict[str, FloatArray]:
        return {"n_risk": self._curve.n_risk, "n_event": self._curve.n_event}

    def _values(self) -> tuple[FloatArray, FloatArray]:
        return self._curve.mean, self._curve.error

    def _shown(self, estimate: FloatArray, error: FloatArray) -> dict[str, FloatArray]:
        low, high = hazard_limits(estimate, error, self.level, self.conf_type)
        return {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}

    def __repr__(self) -> str:
        lines = []
        for code, label in enumerate(self.labels):
            last = self._last(code)
            lines.append(
                f"{label}: n = {self.n[code]:,}, events = {self.n_events[code]:,}, by {number(last['time'], 6)}"
                f" {number(last['estimate'])} a person ({number(last['conf_low'])} to {number(last['conf_high'])})"
            )
        return self._words("Mean cumulative count", lines)


def mean_cumulative(
    data: pd.DataFrame | Design,
    person: str,
    start: str,
    stop: str,
    event: str,
    *,
    by: str | None = None,
    weights: str | None = None,
    level: float = 0.95,
    conf_type: str = "log",
) -> MeanCumulative:
    """How many events a person has had on average by each time at risk, by group, repeats counted.

    The estimand is the mean count of people who stay under observation and at risk throughout. Time not at risk
    (custody) may be left out of the rows: what would have happened in it is then taken to be like what happened to
    others at risk at that time. A death that ends a person's rows is taken so too: the mean is that of a world without
    deaths, which is above the mean count of people some of whom die; where deaths are many, say so, or show
    `cumulative_incidence` of the first event beside it.

    Parameters
    ----------
    data : DataFrame or Design
        One row a stretch at risk. A Design brings its own weights and matched sets.
    person : str
        Column: whose stretch it is. The rows of a person may not overlap; gaps are allowed.
    start, stop : str
        Columns: the stretch is after `start`, up to and with `stop`; 0 or more.
    event : str
        Column: events at `stop`; 0 or 1, or how many happened on that day.
    by : str, optional
        Column of groups, the same in all rows of a person; one curve each.
    weights : str, optional
        Column of weights, 0 or more.
    level : float
        Confidence level of the pointwise intervals.
    conf_type : str
        ``"log"`` or ``"plain"``: the scale on which the interval is symmetric; the log scale covers better.

    Returns
    -------
    MeanCumulative
        ``tidy()``, ``at(times)``, ``difference(times, versus=None)``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where a person's rows overlap, or the group changes within a person.

    Notes
    -----
    Nelson (1988); the variance is robust by person (Lawless and Nadeau 1995, section 2), so that the counts need not
    be Poisson: some people may reoffend more than others, and one offence may bring on the next. With a Design in
    matched sets it is robust by set. As R's ``survfit(Surv(start, stop, event) ~ 1, id = person)``.

    Examples
    --------
    >>> rows = pd.DataFrame({"who": list("aabbc"), "from": [0, 4, 0, 3, 0], "to": [4, 9, 3, 8, 5]})
    >>> found = mean_cumulative(rows.assign(again=[1, 0, 1, 1, 0]), "who", "from", "to", "again")
    >>> found.at([3, 8])[["time", "n_risk", "estimate", "std_error"]].round(3)
       time  n_risk  estimate  std_error
    0   3.0       3     0.333      0.272
    1   8.0       2     1.167      0.446
    """
    check_level(level)
    check_choice("conf_type", conf_type, CONF_TYPES)
    columns = Columns(data)
    in_sets = columns.design is not None and columns.design.sets is not None
    people = columns.groups(person) if in_sets else None
    read = OutcomeColumns(
        columns,
        stop,
        event,
        entry=start,
        weights=weights,
        cluster=None if in_sets else person,
        groups=() if by is None else (by,),
        highest=None,
    )
    outcome = read.take(columns.rows())
    entry, cluster = outcome.ranks.entry, outcome.cluster
    assert entry is not None
    assert cluster is not None
    who = cluster if people is None else renumber(people.codes[outcome.keep])[1]
    same = {} if by is None or outcome.group is None else {by: outcome.group}
    check_histories(
        who, entry, outcome.ranks.exit, outcome.keep, start, {**same, "matched set": cluster} if in_sets else same
    )
    labels = (EVERYONE,) if by is None else outcome.labels
    codes = np.zeros(len(who), dtype=np.int64) if outcome.group is None else outcome.group
    notes = [*outcome.notes, *about_variance(outcome, robust=True, codes=codes, labels=labels)]
    found = mean_count(outcome.ranks, outcome.event, cluster, group=outcome.group, weights=outcome.weights)
    group_of = np.zeros(int(who.max()) + 1, dtype=np.int64)
    group_of[who] = codes
    n_events = np.bincount(codes, outcome.event, len(labels)).astype(np.int64)
    several = int((outcome.event > 1).sum())
    if several:
        notes.append(f"{several:,} rows with more than one event at their stop: {event} is taken as a count.")
    notes.extend(
        f"Group {label}: no events." if by else "No events."
        for label, k in zip(labels, n_events, strict=True)
        if k == 0
    )
    return MeanCumulative(
        labels,
        tuple(np.bincount(group_of, minlength=len(labels)).tolist()),
        tuple(n_events.tolist()),
        level,
        conf_type,
        outcome.weights is not None,
        robust_words(outcome, "matched sets" if in_sets else "people"),
        tuple(notes),
        found.sets,
        presence(found.sets, found.n_left, outcome.ranks, outcome.group, outcome.weights),
        found,
        outcome,
        cluster,
    )
