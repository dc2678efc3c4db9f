"""Kaplan-Meier curves: the share without the event over time, by group, with intervals right under weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.design import Design
from impact.frames import FloatArray, check_choice, check_level
from impact.results import number
from impact.survival.models.step_curves import StepCurves
from impact.survival.numbers.limits import SURVIVAL_TYPES, check_probabilities, crossing, survival_limits
from impact.survival.numbers.presence import presence
from impact.survival.numbers.product_limit import ProductLimit, product_limit
from impact.survival.reading.cautions import robust_words
from impact.survival.reading.groups import read_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class KaplanMeier(StepCurves):
    """Kaplan-Meier curves of one or more groups; see `StepCurves` for what they hold."""

    _curve: ProductLimit

    def tidy(self) -> pd.DataFrame:
        """One row for each group and distinct time.

        Columns group, time, n_risk, n_event, n_censored, estimate, std_error, conf_low, conf_high.

        `n_risk` counts those with entry < time <= duration; with weights the three counts are sums of weights.
        `std_error` is that of S(t), NaN where S(t) is 0. Intervals are NaN where their scale has none: S = 0, and S =
        1 for log-log and arcsine.
        """
        return super().tidy()

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
        check_probabilities(probabilities)
        rows = []
        for code, label in enumerate(self.labels):
            cells = self._cells(code)
            time, survival = self._sets.times[cells], self._curve.survival[cells]
            low, high = survival_limits(survival, self._curve.log_error[cells], self.level, self.conf_type)
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
        from impact.survival.figures.curves import falling_curves

        return falling_curves(
            self._lines(), self._at_risk if at_risk else None, ax=ax, unit=unit, cumulative=cumulative
        )

    @property
    def _start(self) -> float:
        return 1.0

    def _over(self, code: int) -> bool:
        return bool(self._curve.survival[self._cells(code).stop - 1] == 0)

    def _counts(self) -> dict[str, FloatArray]:
        counts = self._curve.counts
        return {"n_risk": counts.n_risk, "n_event": counts.n_event, "n_censored": counts.n_censored}

    def _values(self) -> tuple[FloatArray, FloatArray]:
        return self._curve.survival, self._curve.log_error

    def _shown(self, estimate: FloatArray, error: FloatArray) -> dict[str, FloatArray]:
        low, high = survival_limits(estimate, error, self.level, self.conf_type)
        with np.errstate(invalid="ignore"):
            return {"estimate": estimate, "std_error": estimate * error, "conf_low": low, "conf_high": high}

    def __repr__(self) -> str:
        return self._words(
            "Kaplan-Meier",
            [
                f"{row['group']}: n = {row['n']:,}, events = {row['n_events']:,}, median {number(row['estimate'])}"
                f" ({number(row['conf_low'])} to {number(row['conf_high'])})"
                for row in self.median.to_dict("records")
            ],
        )


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
    check_choice("conf_type", conf_type, SURVIVAL_TYPES)
    people = read_groups(data, duration, event, by, entry=entry, weights=weights, cluster=cluster)
    outcome = people.outcome
    curve = product_limit(
        outcome.ranks,
        outcome.event,
        group=outcome.group,
        weights=outcome.weights,
        cluster=outcome.cluster,
        robust=people.robust,
    )
    leaving = curve.counts.n_event + curve.counts.n_censored
    return KaplanMeier(
        people.labels,
        people.n,
        people.n_events,
        level,
        conf_type,
        outcome.weights is not None,
        robust_words(outcome) if people.robust else "Greenwood's variance",
        (*people.notes, *people.without_events()),
        curve.sets,
        presence(curve.sets, leaving, outcome.ranks, outcome.group, outcome.weights),
        curve,
    )
