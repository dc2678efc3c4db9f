"""What `fine_gray` returns: the fitted model, its test, baseline and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.frames import FloatArray, check_choice
from impact.results import Test, number, with_notes
from impact.survival.likelihoods.partial import cumulative_hazard
from impact.survival.likelihoods.subdistribution import Influence, by_cluster, predicted_hazard
from impact.survival.models.coefficients import coefficient_table, places_of, ratio_forest, ratio_lines
from impact.survival.models.predicted_curves import PredictedCurves, of_table
from impact.survival.models.risk_scores import last_seen
from impact.survival.numbers.algebra import wald_statistic
from impact.survival.numbers.limits import SURVIVAL_TYPES
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.faults import read_times
from impact.survival.reading.new_rows import Reading, read_rows
from impact.survival.reading.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATIO = "subdistribution hazard ratio"


@dataclass(frozen=True, eq=False)
class FineGray:
    """A fitted Fine-Gray model.

    Attributes
    ----------
    names : tuple of str
        The coefficients, in the order of `tidy`.
    coefficients : (p,) float
        Log subdistribution hazard ratios.
    covariance : DataFrame
        Of the coefficients: the sandwich that counts the estimate of censoring in.
    log_likelihood, log_likelihood_null : float
        The log pseudo-likelihood at the coefficients and at 0; their difference has no chi-squared distribution.
    n, n_events, n_competing : int
        Rows used, events of the cause and of others, uncounted by weights.
    cause : int or str
    ties, level, method : str, float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: pd.DataFrame
    log_likelihood: float
    log_likelihood_null: float
    n: int
    n_events: int
    n_competing: int
    cause: int | str
    ties: str
    level: float
    method: str
    notes: tuple[str, ...]
    _influence: Influence
    _inverse: FloatArray
    _spread: FloatArray
    _matrix: Matrix
    _outcome: Outcome
    _copies: FloatArray | None
    _reading: Reading

    def tidy(self, exponentiate: bool = False) -> pd.DataFrame:
        """One row a coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        With `exponentiate` the estimate and its limits are subdistribution hazard ratios; `std_error` stays that of
        the log.
        """
        spread = self.covariance.to_numpy()
        return coefficient_table(self.names, self.coefficients, spread, self.level, exponentiate=exponentiate)

    def test(self, term: str | Sequence[str] | None = None) -> Test:
        """Wald's test that the coefficients of one covariate, of several or of all are 0.

        Parameters
        ----------
        term : str or list of str, optional
            Covariates (a categorical one has several coefficients), or coefficients; all where it is left out.
        """
        wanted, places = places_of(list(self.names) if term is None else term, self.names, self._matrix.terms)
        statistic = wald_statistic(self.coefficients[places], self.covariance.to_numpy()[np.ix_(places, places)])
        null = "every coefficient is 0" if term is None else f"every coefficient of {', '.join(wanted)} is 0"
        p_value = float(scipy.stats.chi2.sf(statistic, len(places)))
        return Test("Wald", null, statistic, p_value, float(len(places)))

    def baseline(self) -> pd.DataFrame:
        """The cumulative incidence at covariates of 0, one row an event time.

        Columns stratum, time, cumulative_hazard (of the subdistribution), incidence.
        """
        data, sets = self._influence.data, self._influence.data.sets
        at_zero = float(-(self.coefficients @ self._matrix.centre))
        hazard = cumulative_hazard(data, self._influence.point) * np.exp(at_zero)
        labels = np.array(self._outcome.labels or ("all",), dtype=object)
        return pd.DataFrame(
            {
                "stratum": labels[sets.stratum],
                "time": sets.times,
                "cumulative_hazard": hazard,
                "incidence": -np.expm1(-hazard),
            }
        )

    def predict(
        self, data: pd.DataFrame, times: float | Sequence[float], *, conf_type: str = "log-log"
    ) -> PredictedCurves:
        """The cumulative incidence of the cause at given times for the people of a table, with intervals.

        Parameters
        ----------
        data : DataFrame
            A row for each curve: the covariates and, where the fit had them, the strata.
        times : float or list of float
            When; the work grows with their number.
        conf_type : str
            ``"log-log"``, ``"log"``, ``"plain"`` or ``"arcsine"``: the scale of 1 − F on which intervals are symmetric.

        Notes
        -----
        Rows with a missing value are left out and counted. The error is that of the coefficients and of the baseline
        together, censoring counted in.
        """
        check_choice("conf_type", conf_type, SURVIVAL_TYPES)
        wanted, outcome = read_times(times), self._outcome
        rows = read_rows(data, self._reading, self._matrix, times=False, strata=True)
        hazard, error = predicted_hazard(
            self._influence,
            (self._inverse, self._spread),
            (rows.z, rows.stratum),
            wanted,
            last_seen(outcome),
            lambda values: by_cluster(values, outcome.cluster, self._copies),
        )
        labels = tuple(outcome.labels[code] for code in rows.stratum.tolist()) if outcome.labels else ()
        return of_table(
            "incidence",
            data.index[rows.keep],
            labels,
            wanted,
            hazard,
            hazard * error,
            level=self.level,
            conf_type=conf_type,
            method=self.method,
            notes=rows.notes,
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """A forest of subdistribution hazard ratios with their intervals."""
        return ratio_forest(self.tidy(exponentiate=True), RATIO, self.level, ax)

    def __repr__(self) -> str:
        of = self.cause if isinstance(self.cause, str) else f"cause {self.cause}"
        lines = [
            f"Fine-Gray model of {of}; {self.method}; n = {self.n:,}, events = {self.n_events:,},"
            f" competing = {self.n_competing:,}",
            *ratio_lines(self.tidy(exponentiate=True), RATIO, self.level),
            f"Log pseudo-likelihood {number(self.log_likelihood, 6)}"
            f" (without covariates {number(self.log_likelihood_null, 6)})",
        ]
        return with_notes("\n".join(lines), self.notes)
