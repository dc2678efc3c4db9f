"""Cox's proportional hazards model, with strata, delayed entry, weights, robust and clustered variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.design import Design
from impact.errors import ConvergenceError, Fault, InputError
from impact.frames import Columns, FloatArray, check_choice, check_level
from impact.results import number, with_notes
from impact.survival.concordance import concordance
from impact.survival.covariates import UNUSABLE, CovariateColumns, Matrix
from impact.survival.outcome import Outcome, OutcomeColumns
from impact.survival.partial import Maximum, Sample, cumulative_hazard, maximise, sample, score_residuals
from impact.survival.proportional import ProportionalHazards, proportional_hazards
from impact.survival.riskset import at_risk, in_cells, risk_sets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_EVENTS = 10


@dataclass(frozen=True, eq=False)
class Cox:
    """A fitted Cox model.

    Attributes
    ----------
    names : tuple of str
        The coefficients, in the order of `tidy`.
    coefficients : (p,) float
        Log hazard ratios.
    covariance, naive_covariance : DataFrame
        Of the coefficients; the second is the inverse information, the same as the first unless `robust`.
    log_likelihood, log_likelihood_null : float
        At the coefficients and at 0.
    n, n_events : int
        Rows and events used, uncounted by weights.
    robust : bool
        Whether the covariance is the robust one.
    ties, level, method : str, float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: pd.DataFrame
    naive_covariance: pd.DataFrame
    log_likelihood: float
    log_likelihood_null: float
    n: int
    n_events: int
    robust: bool
    ties: str
    level: float
    method: str
    notes: tuple[str, ...]
    _data: Sample
    _found: Maximum
    _matrix: Matrix
    _outcome: Outcome

    def tidy(self, exponentiate: bool = False) -> pd.DataFrame:
        """One row a coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        With `exponentiate` the estimate and its limits are hazard ratios; `std_error` stays that of the log.
        """
        error = np.sqrt(np.diag(self.covariance.to_numpy()))
        statistic = self.coefficients / error
        reach = scipy.stats.norm.ppf(0.5 + self.level / 2) * error
        shown = np.exp if exponentiate else np.asarray
        return pd.DataFrame(
            {
                "term": list(self.names),
                "estimate": shown(self.coefficients),
                "std_error": error,
                "statistic": statistic,
                "p_value": 2 * scipy.stats.norm.sf(np.abs(statistic)),
                "conf_low": shown(self.coefficients - reach),
                "conf_high": shown(self.coefficients + reach),
            }
        )

    @cached_property
    def concordance(self) -> float:
        """Harrell's concordance of the linear predictor, within strata, weighted; ties count a half."""
        predictor = np.zeros(self.n)
        for beta, column in zip(self._found.point.beta, self._matrix.x, strict=True):
            predictor += beta * column
        outcome = self._outcome
        return concordance(
            predictor,
            outcome.ranks.exit,
            outcome.event,
            entry=outcome.ranks.entry,
            strata=outcome.group,
            weights=outcome.weights,
        )

    def baseline(self) -> pd.DataFrame:
        """The baseline at covariates of 0, one row an event time.

        Columns stratum, time, n_risk, n_event, cumulative_hazard, survival.

        Efron's estimate of the hazard under Efron's ties, Breslow's under Breslow's; counts are sums of weights where
        there are any.
        """
        data, outcome, sets = self._data, self._outcome, self._data.sets
        at_zero = float(-(self.coefficients @ self._matrix.centre))
        hazard = cumulative_hazard(data, self._found.point) * np.exp(at_zero)
        events = None if data.weights is None else data.weights[data.events]
        labels = np.array(outcome.labels or ("all",), dtype=object)
        return pd.DataFrame(
            {
                "stratum": labels[sets.stratum],
                "time": sets.times,
                "n_risk": at_risk(sets, data.weights),
                "n_event": in_cells(sets, data.events, events),
                "cumulative_hazard": hazard,
                "survival": np.exp(-hazard),
            }
        )

    def ph_test(self, transform: str = "km") -> ProportionalHazards:
        """Test of proportional hazards: does a coefficient drift with time? Per covariate, and all together.

        The score test of Grambsch and Therneau (1994) in its exact form; the model's own variance is used, robust or
        not.

        Parameters
        ----------
        transform : str
            ``"km"`` (1 less the Kaplan-Meier estimate of all rows, unweighted, just before the time), ``"rank"``
            (among all durations), ``"identity"`` or ``"log"`` of time.
        """
        return proportional_hazards(self._data, self._found, self._matrix.terms, self._outcome, transform)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A forest of hazard ratios with their intervals."""
        table = self.tidy(exponentiate=True)
        columns = (table[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high"))
        from impact.survival import figures

        return figures.forest(
            table["term"].tolist(), *columns, xlabel=f"Hazard ratio ({self.level:.0%} interval)", ax=ax
        )

    def __repr__(self) -> str:
        lines = [f"Cox model; {self.method}; n = {self.n:,}, events = {self.n_events:,}"]
        for row in self.tidy(exponentiate=True).to_dict("records"):
            lines.append(
                f"{row['term']}: hazard ratio {number(row['estimate'])} ({self.level:.0%} interval"
                f" {number(row['conf_low'])} to {number(row['conf_high'])}; p = {number(row['p_value'], 2)})"
            )
        lines.append(
            f"Log-likelihood {number(self.log_likelihood, 6)}"
            f" (without covariates {number(self.log_likelihood_null, 6)})"
        )
        return with_notes("\n".join(lines), self.notes)


def cox(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    covariates: str | Sequence[str],
    *,
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    ties: str = "efron",
    level: float = 0.95,
) -> Cox:
    """Fit Cox's proportional hazards model.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: time from the start to the event or to the end of follow-up, 0 or more; 1 for an event and 0 for none.
    covariates : list of str, or str
        Columns: numbers as they stand, text and categories as dummies against the first value (``race[black]``). Or
        the right-hand side of a formula: ``"fin + C(race) * age"``.
    entry : str, optional
        Column: time from which the row is at risk, before `duration` (delayed entry, start-stop rows).
    strata : str or list of str, optional
        Columns whose every combination has a baseline of its own.
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent; the variance is then robust and clustered.
    robust : bool, optional
        Whether the variance is robust (Lin and Wei 1989). Left out, it is so with a cluster, with weights that are not
        whole numbers, and with a Design (where it cannot be refused).
    ties : str
        ``"efron"`` or ``"breslow"``.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Cox
        ``tidy(exponentiate=False)``, ``log_likelihood``, ``covariance``, ``concordance``, ``baseline()``,
        ``ph_test()``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where columns do not vary, or are combinations of others.
    ConvergenceError
        Where no finite estimate exists (the covariates named separate those with the event from those without) or none
        was reached.

    Notes
    -----
    Therneau and Grambsch (2000), chapters 3 (likelihood, ties) and 7 (robust variance). Residuals for the robust
    variance are exact under Efron's ties and with delayed entry.

    Examples
    --------
    >>> people = pd.DataFrame(
    ...     {"days": [9, 3, 1, 1, 6, 6, 8], "again": [1, None, 1, 0, 1, 1, 0], "x": [0, 2, 1, 1, 1, 0, 0]}
    ... )
    >>> fit = cox(people, "days", "again", ["x"])
    >>> fit.tidy().round(6)[["term", "estimate", "std_error"]]
      term  estimate  std_error
    0    x  1.676857   1.277616
    >>> fit.notes[0]
    '1 of 7 rows left out: again is missing (1).'
    """
    check_level(level)
    check_choice("ties", ties, ("efron", "breslow"))
    columns = Columns(data)
    if robust is False and (cluster is not None or columns.design is not None):
        raise InputError("robust=False cannot stand beside a cluster or a Design, whose rows are not independent.")
    by = () if strata is None else (strata,) if isinstance(strata, str) else tuple(strata)
    reader = OutcomeColumns(columns, duration, event, entry=entry, weights=weights, cluster=cluster, groups=by)
    covariate_reader = CovariateColumns(columns, covariates)
    outcome = reader.take(columns.rows())
    n, n_events = len(outcome.event), int(outcome.event.sum())
    if not n_events:
        raise InputError(
            "The data given cannot be used:", [Fault("has no event in the rows used", table="data", column=event)]
        )
    matrix = covariate_reader.take(outcome.keep)
    sets = risk_sets(outcome.ranks, outcome.event == 1, outcome.group)
    prepared = sample(sets, matrix.x, outcome.event, outcome.weights, ties)
    found = maximise(prepared)
    _check(found, matrix)

    if robust is None:
        robust = columns.design is not None or outcome.cluster is not None or not outcome.whole_weights
    notes = list(outcome.notes)
    inverse = np.linalg.inv(found.information)
    spread = inverse
    if robust:
        residuals = score_residuals(prepared, found.point, outcome.cluster)
        spread = inverse @ (residuals @ residuals.T) @ inverse
        if entry is not None and outcome.cluster is None:
            notes.append(
                "The robust variance takes each row for a person; name `cluster` where a person has several rows."
            )
    if n_events < FEW_EVENTS * len(matrix.names):
        notes.append(
            f"{n_events:,} events for {len(matrix.names)} coefficients (fewer than {FEW_EVENTS} each):"
            " estimates lean away from 0 and intervals are too short."
        )
    names = list(matrix.names)
    unit = np.outer(matrix.scale, matrix.scale)
    return Cox(
        matrix.names,
        found.point.beta / matrix.scale,
        pd.DataFrame(spread / unit, index=names, columns=names),
        pd.DataFrame(inverse / unit, index=names, columns=names),
        found.point.log_likelihood,
        found.start.log_likelihood,
        n,
        n_events,
        robust,
        ties,
        level,
        _method(ties, robust, outcome, by),
        tuple(notes),
        prepared,
        found,
        matrix,
        outcome,
    )


def _method(ties: str, robust: bool, outcome: Outcome, strata: Sequence[str]) -> str:
    parts = [f"{ties.capitalize()} ties"]
    if strata:
        parts.append(f"{len(outcome.labels):,} strata of {', '.join(strata)}")
    if robust:
        clusters = "" if outcome.cluster is None else f", {int(outcome.cluster.max()) + 1:,} clusters"
        parts.append(f"robust variance{clusters}")
    return "; ".join(parts)


def _check(found: Maximum, matrix: Matrix) -> None:
    names = [matrix.names[column] for column in found.columns]
    if found.outcome == "flat":
        problem = "does not vary among the people at risk together at any event"
        remedy = "leave it out; a covariate that is constant within strata cannot be told from their baselines."
        raise InputError(UNUSABLE, [Fault(problem, column=name, remedy=remedy) for name in names])
    if found.outcome == "aliased":
        problem = "is a linear combination of the covariates before it, at every event"
        raise InputError(UNUSABLE, [Fault(problem, column=name, remedy="leave it out.") for name in names])
    if found.outcome == "endless":
        problem = "has no finite coefficient: it separates those with the event from those at risk with them"
        remedy = "leave it out, merge its rare categories, or compare the groups by curves."
        raise ConvergenceError(
            "The likelihood rises without end:",
            [
                Fault(problem, column=name, why="any estimate shown would be arbitrary.", remedy=remedy)
                for name in names
            ],
        )
    if found.outcome == "lost":
        raise ConvergenceError(
            f"No maximum of the likelihood was reached in {found.steps} steps; covariates: {', '.join(matrix.names)}."
        )
