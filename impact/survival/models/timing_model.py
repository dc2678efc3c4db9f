"""What fitted models of timing share: coefficients, predicted survival, hazards and quantiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import scipy

from impact.errors import InputError
from impact.frames import FloatArray
from impact.results import number, with_notes
from impact.survival.likelihoods.families import FAMILIES
from impact.survival.likelihoods.timing_predictions import QUIET, delta_error, gradient, log_free, log_rate, log_time
from impact.survival.models.timing import Fitted, People, coefficient_table
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.new_people import coded


@dataclass(frozen=True, eq=False)
class TimingModel:
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
    _covariates: str | Sequence[str] | None
    _share: str | Sequence[str] | None
    _split_parts: ClassVar[bool] = False

    def tidy(self, exponentiate: bool = False) -> pd.DataFrame:
        """One row a parameter: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        With `exponentiate` estimates and limits are time ratios (hazard ratios of the Gompertz family, odds ratios of
        the share), and the scale itself; `std_error` stays that of the logarithm. The shape of the Gompertz family
        stays as it is. A split population has a column `part`: ``share`` or ``timing``.
        """
        table = coefficient_table(self.coefficients, self.covariance.to_numpy(), self.level)
        table.insert(0, "term", list(self.names))
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
    def predict(self, times: float | Sequence[float], data: pd.DataFrame | None = None) -> pd.DataFrame:
        """The share without the event at given times: row, time, estimate, std_error, conf_low, conf_high.

        Parameters
        ----------
        times : float or list of float
            Days, 0 or more.
        data : DataFrame, optional
            Covariates of the people to predict; `row` is its index. Left out, the mean over the people of the fit,
            each at their own covariates (and by their weights).

        Notes
        -----
        By the delta method; the interval is symmetric for log(−log S), and NaN where S is 1.
        """
        wanted = _checked(times, "times", lambda t: t >= 0, "0 or more")
        if data is None:
            return self._mean_survival(wanted)
        z, x = self._of(data)
        parts: list[tuple[FloatArray, ...]] = []
        for t in wanted.tolist():
            if t == 0:
                one, zero, nothing = np.ones(x.shape[1]), np.zeros(x.shape[1]), np.full(x.shape[1], np.nan)
                parts.append((one, zero, nothing, nothing))
                continue
            row = log_free(FAMILIES[self.family], t, *self._predictors(z, x))
            error = delta_error(gradient(row.v, row.u, row.a, z, x, self._ancillary), self._fitted.covariance)
            parts.append(self._survival_limits(np.exp(row.value), row.value, error))
        return _by_row(data.index, "time", wanted, parts)

    @QUIET
    def hazard(self, times: float | Sequence[float], data: pd.DataFrame | None = None) -> pd.DataFrame:
        """The hazard a day at given times: row, time, estimate, std_error, conf_low, conf_high.

        `times` must be above 0; `data` as in `predict`, and needed where the model has covariates. The interval is
        symmetric for the logarithm.
        """
        wanted = _checked(times, "times", lambda t: t > 0, "above 0")
        z, x, index = self._one_or(data)
        parts = []
        for t in wanted.tolist():
            row = log_rate(FAMILIES[self.family], t, *self._predictors(z, x))
            error = delta_error(gradient(row.v, row.u, row.a, z, x, self._ancillary), self._fitted.covariance)
            parts.append(self._log_limits(np.exp(row.value), error))
        return _by_row(index, "time", wanted, parts)

    @QUIET
    def quantiles(
        self, probabilities: Sequence[float] = (0.25, 0.5, 0.75), data: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """The days by which given shares have had the event.

        Columns row, probability, estimate, std_error, conf_low, conf_high.

        Infinite, without interval, where so many never have it. `data` as in `predict`, and needed where the model has
        covariates. The interval is symmetric for the logarithm.
        """
        wanted = _checked(probabilities, "probabilities", lambda p: (p > 0) & (p < 1), "between 0 and 1")
        z, x, index = self._one_or(data)
        parts = []
        for p in wanted.tolist():
            value, by_v, by_u, by_a = log_time(FAMILIES[self.family], p, *self._predictors(z, x))
            error = delta_error(gradient(by_v, by_u, by_a, z, x, self._ancillary), self._fitted.covariance)
            parts.append(self._log_limits(np.exp(value), error))
        return _by_row(index, "probability", wanted, parts)

    @property
    def _ancillary(self) -> bool:
        return self._fitted.sizes["a"] == 1

    def _predictors(self, z: FloatArray | None, x: FloatArray) -> tuple[FloatArray | None, FloatArray, float]:
        q, p = self._fitted.sizes["v"], self._fitted.sizes["u"]
        v = None if z is None else self.coefficients[:q] @ z
        return v, self.coefficients[q : q + p] @ x, float(self.coefficients[-1]) if self._ancillary else 0.0

    def _of(self, data: pd.DataFrame) -> tuple[FloatArray | None, FloatArray]:
        if not isinstance(data, pd.DataFrame) or not len(data):
            raise InputError("data must be a DataFrame of covariates with at least one row.")
        people = self._people

        def stacked(covariates: str | Sequence[str] | None, matrix: Matrix | None) -> FloatArray:
            ones = np.ones((1, len(data)))
            if covariates is None or matrix is None:
                return ones
            return np.concatenate([ones, coded(people.frame, people.outcome.keep, covariates, matrix, data)])

        z = stacked(self._share, people.share) if self._fitted.sizes["v"] else None
        return z, stacked(self._covariates, people.timing)

    def _one_or(self, data: pd.DataFrame | None) -> tuple[FloatArray | None, FloatArray, pd.Index]:
        if data is not None:
            return (*self._of(data), data.index)
        if self._people.timing is not None or self._people.share is not None:
            raise InputError("the model has covariates: give `data`, the covariates of the people to predict.")
        z = np.ones((1, 1)) if self._fitted.sizes["v"] else None
        return z, np.ones((1, 1)), pd.Index(["all"])

    def _of_the_fit(self) -> tuple[FloatArray | None, FloatArray]:
        def stacked(matrix: Matrix | None) -> FloatArray:
            ones = np.ones((1, self.n))
            if matrix is None:
                return ones
            return np.concatenate([ones, matrix.x * matrix.scale[:, None] + matrix.centre[:, None]])

        return stacked(self._people.share) if self._fitted.sizes["v"] else None, stacked(self._people.timing)

    def _mean_survival(self, times: FloatArray) -> pd.DataFrame:
        z, x = self._of_the_fit()
        weights = self._people.outcome.weights
        mass = np.full(self.n, 1 / self.n) if weights is None else weights / weights.sum()
        parts: list[tuple[FloatArray, ...]] = []
        for t in times.tolist():
            if t == 0:
                parts.append((np.ones(1), np.zeros(1), np.full(1, np.nan), np.full(1, np.nan)))
                continue
            row = log_free(FAMILIES[self.family], t, *self._predictors(z, x))
            share = mass * np.exp(row.value)
            left = share > 0
            inside = None if z is None else z[:, left]
            slopes = gradient(row.v[left], row.u[left], row.a[left], inside, x[:, left], self._ancillary) @ share[left]
            mean = np.array([share.sum()])
            with np.errstate(divide="ignore", invalid="ignore"):
                log, error = np.log(mean), delta_error(slopes[:, None], self._fitted.covariance) / mean
            parts.append(self._survival_limits(mean, log, error))
        return _by_row(pd.Index(["all"]), "time", times, parts)

    def _survival_limits(self, survival: FloatArray, log: FloatArray, error: FloatArray) -> tuple[FloatArray, ...]:
        """Estimate, error and the log-log interval, from log S and the error of log S."""
        z = float(scipy.stats.norm.ppf(0.5 + self.level / 2))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reach = z * error / np.abs(log)
            low, high = np.exp(log * np.exp(reach)), np.exp(log * np.exp(-reach))
            error = np.where(survival > 0, survival * error, 0.0)
        known = (log < 0) & (survival > 0)
        return survival, error, np.where(known, low, np.nan), np.where(known, high, np.nan)

    def _log_limits(self, estimate: FloatArray, error: FloatArray) -> tuple[FloatArray, ...]:
        reach = float(scipy.stats.norm.ppf(0.5 + self.level / 2)) * error
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


def _by_row(index: pd.Index, name: str, values: FloatArray, parts: Sequence[Sequence[FloatArray]]) -> pd.DataFrame:
    """One row for each person and value, people together."""
    size, many = len(index), len(values)
    columns = ("estimate", "std_error", "conf_low", "conf_high")
    stacked = {column: np.array([part[i] for part in parts]).T.ravel() for i, column in enumerate(columns)}
    return pd.DataFrame({"row": index.repeat(many), name: np.tile(values, size), **stacked})
