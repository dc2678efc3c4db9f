"""Nelson-Aalen curves: the cumulative hazard over time, by group, with intervals right under weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import FloatArray, check_choice, check_level
from impact.results import number
from impact.survival.models.step_curves import StepCurves
from impact.survival.numbers.cumulative_hazard import TIES, CumulativeHazard, cumulative_hazard
from impact.survival.numbers.limits import HAZARD_TYPES, hazard_limits
from impact.survival.numbers.presence import presence
from impact.survival.reading.cautions import robust_words
from impact.survival.reading.groups import read_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class NelsonAalen(StepCurves):
    """Cumulative hazards of one or more groups; see `StepCurves` for what they hold.

    Attributes
    ----------
    ties : str
    """

    ties: str
    _curve: CumulativeHazard

    def tidy(self) -> pd.DataFrame:
        """One row for each group and distinct time.

        Columns group, time, n_risk, n_event, n_censored, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those with entry < time <= duration; with weights the three counts are sums of weights.
        Intervals are NaN where the cumulative hazard is 0.
        """
        return super().tidy()

    def plot(self, ax: Axes | None = None, *, at_risk: bool = True, unit: str = "days") -> Axes:
        """The curves with their intervals and, unless `at_risk` is False, the numbers at risk beneath.

        `unit` is ``"days"`` or ``"months"``.
        """
        from impact.survival.figures.curves import rising_curves

        counts = self._at_risk if at_risk else None
        return rising_curves(self._lines(), counts, ylabel="Cumulative hazard", share=False, ax=ax, unit=unit)

    @property
    def _start(self) -> float:
        return 0.0

    def _counts(self) -> dict[str, FloatArray]:
        counts = self._curve.counts
        return {"n_risk": counts.n_risk, "n_event": counts.n_event, "n_censored": counts.n_censored}

    def _values(self) -> tuple[FloatArray, FloatArray]:
        return self._curve.hazard, self._curve.error

    def _shown(self, estimate: FloatArray, error: FloatArray) -> dict[str, FloatArray]:
        low, high = hazard_limits(estimate, error, self.level, self.conf_type)
        return {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}

    def __repr__(self) -> str:
        lines = []
        for code, label in enumerate(self.labels):
            last = self._last(code)
            lines.append(
                f"{label}: n = {self.n[code]:,}, events = {self.n_events[code]:,}, cumulative hazard"
                f" {number(last['estimate'])} ({number(last['conf_low'])} to {number(last['conf_high'])})"
                f" by {number(last['time'], 6)}"
            )
        return self._words("Nelson-Aalen", lines)


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
    check_choice("conf_type", conf_type, HAZARD_TYPES)
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
    leaving = curve.counts.n_event + curve.counts.n_censored
    return NelsonAalen(
        people.labels,
        people.n,
        people.n_events,
        level,
        conf_type,
        outcome.weights is not None,
        f"{method}; Fleming and Harrington's ties" if ties == "fleming-harrington" else method,
        (*people.notes, *people.without_events()),
        curve.sets,
        presence(curve.sets, leaving, outcome.ranks, outcome.group, outcome.weights),
        ties,
        curve,
    )
