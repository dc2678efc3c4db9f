"""What fitted models of timing share: coefficients, predicted survival, hazards and quantiles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import BoolArray, FloatArray, check_choice
from impact.results import number, with_notes
from impact.survival.likelihoods.families import FAMILIES
from impact.survival.likelihoods.timing_predictions import QUIET, delta_error, gradient, log_free, log_rate, log_time
from impact.survival.models.coefficients import coefficient_table
from impact.survival.models.predicted_curves import PredictedCurves, of_table
from impact.survival.models.timing import Fitted, People
from impact.survival.numbers.limits import SURVIVAL_TYPES, standard_errors, survival_limits
from impact.survival.numbers.presence import presence
from impact.survival.numbers.product_limit import product_limit
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.new_rows import read_covariates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 101


@dataclass(frozen=True, eq=False)
class TimingModel(ABC):
    """A fitted family of timing.

    Attributes
    ----------
    family : str
    names : tuple of str
        The parameters, in the order of `tidy`.
    coefficients : (k,) float
    covariance, naive_covariance : DataFrame
        Of the parameters; the second is the inverse of the observed information, the same as the first unless `robust`.
    log_likelihood, log_likelihood_null : float
        At the estimates, and at those without covariates.
    aic : float
        −2 log-likelihood + 2 k; NaN where weights are not counts, since the likelihood is then not one.
    n, n_events : int
        Rows and events used, uncounted by weights.
    robust : bool
    level, method : float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    family: str
    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: pd.DataFrame
    naive_covariance: pd.DataFrame
    log_likelihood: float
    log_likelihood_null: float
    aic: float
    n: int
    n_events: int
    robust: bool
    level: float
    method: str
    notes: tuple[str, ...]
    _fitted: Fitted
    _people: People
    _split_parts: ClassVar[bool] = False

    def tidy(self, exponentiate: bool = False) -> pd.DataFrame:
        """One row a parameter: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        With `exponentiate` estimates and limits are time ratios (hazard ratios of the Gompertz family, odds ratios of
        the share), and the scale itself; `std_error` stays that of the logarithm. The shape of the Gompertz family
        stays as it is. A split population has a column `part`: ``share`` or ``timing``.
        """
        table = coefficient_table(self.names, self.coefficients, self.covariance.to_numpy(), self.level)
        if exponentiate:
            turned = table["term"] != "shape"
            limits = ["estimate", "conf_low", "conf_high"]
            table.loc[turned, limits] = np.exp(table.loc[turned, limits])
            table["term"] = table["term"].replace({"log(scale)": "scale"})
        q = self._fitted.sizes["v"]
        if self._split_parts:
            table.insert(1, "part", ["share"] * q + ["timing"] * (len(table) - q))
        return table

    @QUIET
    def predict(
        self,
        data: pd.DataFrame | None = None,
        times: float | Sequence[float] | None = None,
        *,
        conf_type: str = "log-log",
    ) -> PredictedCurves:
        """The share without the event over time, for the people of a table or on average, with intervals.

        Parameters
        ----------
        data : DataFrame, optional
            A row for each curve, with the covariates. Left out, the mean over the people of the fit, each at their own
            covariates (and by their weights).
        times : float or list of float, optional
            Days, 0 or more; left out, 101 evenly over the follow-up.
        conf_type : str
            ``"log-log"``, ``"log"``, ``"plain"`` or ``"arcsine"``: the scale on which intervals are symmetric.

        Notes
        -----
        By the delta method. Rows with a missing value are left out and counted.
        """
        check_choice("conf_type", conf_type, SURVIVAL_TYPES)
        wanted = self._days if times is None else _checked(times, "times", lambda t: t >= 0, "0 or more")
        if data is None:
            notes: tuple[str, ...] = ()
            labels, curves = pd.Index(["all"]), [self._mean_survival(t) for t in wanted.tolist()]
        else:
            keep, z, x, notes = self._of(data)
            labels, curves = data.index[keep], [self._survival(t, z, x) for t in wanted.tolist()]
        hazard, error = (np.array(part).T for part in zip(*curves, strict=True))
        return of_table(
            "survival",
            labels,
            (),
            wanted,
            hazard,
            error,
            level=self.level,
            conf_type=conf_type,
            method=self.method,
            notes=notes,
        )

    @QUIET
    def hazard(self, data: pd.DataFrame | None = None, times: float | Sequence[float] | None = None) -> pd.DataFrame:
        """The hazard a day over time: row, time, estimate, std_error, conf_low, conf_high.

        `times` must be above 0 (100 over the follow-up where they are left out); `data` as in `predict`, and needed
        where the model has covariates. The interval is symmetric for the logarithm; NaN for rows with a missing value.
        """
        wanted = self._days[1:] if times is None else _checked(times, "times", lambda t: t > 0, "above 0")
        keep, z, x, index = self._one_or(data)
        parts = []
        for t in wanted.tolist():
            row = log_rate(FAMILIES[self.family], t, *self._predictors(z, x))
            error = delta_error(gradient(row.v, row.u, row.a, z, x, self._ancillary), self._fitted.covariance)
            parts.append(self._log_limits(np.exp(row.value), error))
        return _by_row(index, keep, "time", wanted, parts)

    @QUIET
    def quantiles(
        self, data: pd.DataFrame | None = None, probabilities: Sequence[float] = (0.25, 0.5, 0.75)
    ) -> pd.DataFrame:
        """The days by which given shares have had the event.

        Columns row, probability, estimate, std_error, conf_low, conf_high.

        Infinite, without interval, where so many never have it. `data` as in `predict`, and needed where the model has
        covariates. The interval is symmetric for the logarithm; NaN for rows with a missing value.
        """
        wanted = _checked(probabilities, "probabilities", lambda p: (p > 0) & (p < 1), "between 0 and 1")
        keep, z, x, index = self._one_or(data)
        parts = []
        for p in wanted.tolist():
            value, by_v, by_u, by_a = log_time(FAMILIES[self.family], p, *self._predictors(z, x))
            error = delta_error(gradient(by_v, by_u, by_a, z, x, self._ancillary), self._fitted.covariance)
            parts.append(self._log_limits(np.exp(value), error))
        return _by_row(index, keep, "probability", wanted, parts)

    def plot(self, ax: Axes | None = None, *, at_risk: bool = True, unit: str = "days") -> Axes:
        """The fitted curve (the mean over the people of the fit) over the Kaplan-Meier curve, with the numbers at risk.

        `unit` is ``"days"`` or ``"months"``.
        """
        from impact.survival.figures.fitted import DATA, fit_over_curve
        from impact.survival.figures.style import Line

        outcome = self._people.outcome
        curve = product_limit(
            outcome.ranks, outcome.event, weights=outcome.weights, cluster=outcome.cluster, robust=self.robust
        )
        limits = survival_limits(curve.survival, curve.log_error, self.level, "log-log")
        counts = presence(
            curve.sets, curve.counts.n_event + curve.counts.n_censored, outcome.ranks, None, outcome.weights
        )
        return fit_over_curve(
            Line(DATA, curve.sets.times, curve.survival, *limits),
            self.predict().tidy(),
            self._name,
            counts.count if at_risk else None,
            never=self._never,
            ax=ax,
            unit=unit,
        )

    @property
    @abstractmethod
    def _name(self) -> str:
        """The fitted curve in words."""

    @property
    def _never(self) -> float | None:
        """The share who never have the event, where the model has one."""
        return None

    @property
    def _days(self) -> FloatArray:
        """Days evenly over the follow-up, from 0."""
        ranks = self._people.outcome.ranks
        return np.linspace(0, float(ranks.grid[ranks.exit.max()]), POINTS)

    @property
    def _ancillary(self) -> bool:
        return self._fitted.sizes["a"] == 1

    def _predictors(self, z: FloatArray | None, x: FloatArray) -> tuple[FloatArray | None, FloatArray, float]:
        q, p = self._fitted.sizes["v"], self._fitted.sizes["u"]
        v = None if z is None else self.coefficients[:q] @ z
        return v, self.coefficients[q : q + p] @ x, float(self.coefficients[-1]) if self._ancillary else 0.0

    def _of(self, data: pd.DataFrame) -> tuple[BoolArray, FloatArray | None, FloatArray, tuple[str, ...]]:
        """Which rows of a table are complete, their covariates of the share and of the timing, and notes."""
        people, split = self._people, self._fitted.sizes["v"] > 0
        given = [matrix for matrix in (people.share if split else None, people.timing) if matrix is not None]
        keep, found, notes = read_covariates(data, given)
        ones = np.ones((1, int(keep.sum())))

        def stacked(matrix: Matrix | None) -> FloatArray:
            return ones if matrix is None else np.concatenate([ones, found.pop(0)])

        z = stacked(people.share) if split else None
        return keep, z, stacked(people.timing), notes

    def _one_or(self, data: pd.DataFrame | None) -> tuple[BoolArray, FloatArray | None, FloatArray, pd.Index]:
        if data is not None:
            keep, z, x, _ = self._of(data)
            return keep, z, x, data.index
        if self._people.timing is not None or self._people.share is not None:
            raise InputError("the model has covariates: give `data`, the covariates of the people to predict.")
        z = np.ones((1, 1)) if self._fitted.sizes["v"] else None
        return np.ones(1, dtype=bool), z, np.ones((1, 1)), pd.Index(["all"])

    def _of_the_fit(self) -> tuple[FloatArray | None, FloatArray]:
        def stacked(matrix: Matrix | None) -> FloatArray:
            ones = np.ones((1, self.n))
            if matrix is None:
                return ones
            return np.concatenate([ones, matrix.x * matrix.scale[:, None] + matrix.centre[:, None]])

        return stacked(self._people.share) if self._fitted.sizes["v"] else None, stacked(self._people.timing)

    def _survival(self, t: float, z: FloatArray | None, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Minus the log of the share without the event at t, and its error."""
        if t == 0:
            return np.zeros(x.shape[1]), np.zeros(x.shape[1])
        row = log_free(FAMILIES[self.family], t, *self._predictors(z, x))
        return -row.value, delta_error(gradient(row.v, row.u, row.a, z, x, self._ancillary), self._fitted.covariance)

    def _mean_survival(self, t: float) -> tuple[FloatArray, FloatArray]:
        """The same of the mean over the people of the fit."""
        if t == 0:
            return np.zeros(1), np.zeros(1)
        z, x = self._of_the_fit()
        weights = self._people.outcome.weights
        mass = np.full(self.n, 1 / self.n) if weights is None else weights / weights.sum()
        row = log_free(FAMILIES[self.family], t, *self._predictors(z, x))
        share = mass * np.exp(row.value)
        left = share > 0
        inside = None if z is None else z[:, left]
        slopes = gradient(row.v[left], row.u[left], row.a[left], inside, x[:, left], self._ancillary) @ share[left]
        mean = np.array([share.sum()])
        return -np.log(mean), delta_error(slopes[:, None], self._fitted.covariance) / mean

    def _log_limits(self, estimate: FloatArray, error: FloatArray) -> tuple[FloatArray, ...]:
        reach = standard_errors(self.level) * error
        with np.errstate(invalid="ignore", over="ignore"):
            return estimate, estimate * error, estimate * np.exp(-reach), estimate * np.exp(reach)

    def _words(self, head: str) -> str:
        lines = [f"{head}; {self.method}; n = {self.n:,}, events = {self.n_events:,}"]
        for row in self.tidy().to_dict("records"):
            part = f"{row['part']}, " if "part" in row else ""
            lines.append(
                f"{part}{row['term']}: {number(row['estimate'])} ({self.level:.0%} interval"
                f" {number(row['conf_low'])} to {number(row['conf_high'])}; p = {number(row['p_value'], 2)})"
            )
        aic = "" if np.isnan(self.aic) else f"; AIC {number(self.aic, 6)}"
        lines.append(f"Log-likelihood {number(self.log_likelihood, 6)}{aic}")
        return with_notes("\n".join(lines), self.notes)


def _checked(
    values: float | Sequence[float], name: str, allowed: Callable[[FloatArray], np.ndarray], words: str
) -> FloatArray:
    wanted = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
    if not (np.isfinite(wanted) & allowed(wanted)).all():
        raise InputError(f"{name} must be numbers {words}.")
    return wanted


def _by_row(
    index: pd.Index, keep: BoolArray, name: str, values: FloatArray, parts: Sequence[Sequence[FloatArray]]
) -> pd.DataFrame:
    """One row for each person and value, people together; NaN for the people that are not kept."""
    size, many = len(index), len(values)
    columns = {}
    for place, column in enumerate(("estimate", "std_error", "conf_low", "conf_high")):
        columns[column] = np.full((size, many), np.nan)
        columns[column][keep] = np.array([part[place] for part in parts]).T
    shown = {column: found.ravel() for column, found in columns.items()}
    return pd.DataFrame({"row": index.repeat(many), name: np.tile(values, size), **shown})
