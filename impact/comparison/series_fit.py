"""Segmented regression of a series on arrays: quasi-Poisson or least squares, Newey-West errors, test of lags."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy

from impact.comparison.sandwich import Fit
from impact.comparison.series_rows import Season, Series
from impact.errors import ConvergenceError
from impact.frames import FloatArray
from impact.results import Test

EFFECT = 2
"""The last two columns of the matrix: the change in level and in slope that the programme is held to have made."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """A fitted series.

    Attributes
    ----------
    fit : Fit
        Coefficients on the scale of the model (logarithms for counts), their covariance and degrees of freedom.
    matrix : array, shape (n, p)
        Its last two columns are the change in level and in slope; with a comparison, beyond that of the comparison.
    fitted : array, shape (n,)
        Expected outcome of each row.
    dispersion : float
        Pearson's χ² over n − p.
    autocorrelation : Test
    """

    fit: Fit
    matrix: FloatArray
    fitted: FloatArray
    dispersion: float
    autocorrelation: Test


def rule_lags(periods: int) -> int:
    """⌊4 (T / 100)^(2/9)⌋ (Newey and West 1994), 1 at least."""
    return max(1, int(4 * (periods / 100) ** (2 / 9)))


def design_matrix(series: Series, season: Season | None) -> FloatArray:
    """Constant, season and trend, then the changes at the start; with a comparison all of them twice but the season."""
    since = series.since.astype(float)
    after = (since >= 0).astype(float)
    segments = np.column_stack([np.ones(len(since)), since, after, after * since])
    waves = np.empty((len(since), 0)) if season is None else season.columns(series.time)
    if not series.controlled:
        return np.hstack([waves, segments])
    return np.hstack([waves, segments, segments * series.side[:, None]])


def segmented(series: Series, season: Season | None, *, counts: bool, lags: int | None) -> Segmented:
    """Fit the series.

    Parameters
    ----------
    series : Series
    season : Season or None
    counts : bool
        Poisson with a log link and the exposure as offset, or least squares of the outcome over the exposure.
    lags : int or None
        Newey and West's errors with so many lags; None takes those of the dispersion (of the variance left).

    Returns
    -------
    Segmented
        Newey-West covariance: (XᵀWX)⁻¹ S (XᵀWX)⁻¹ · T/(T − p), where S = Σ_t u_t u_tᵀ + Σ_l (1 − l/(L + 1)) Σ_t
        (u_t u_{t−l}ᵀ + its transpose), and u_t is the sum over the places of the scores of period t (Driscoll and Kraay
        1998), so that what shakes both places at once is allowed for. p counts the terms of one series, and with a
        comparison not those of the season, which drop out of the difference. Degrees of freedom T − p; those of the
        dispersion are n less all the terms.

    References
    ----------
    Newey and West (1987), Econometrica 55, 703-708, and (1994), Review of Economic Studies 61, 631-653; Driscoll and
    Kraay (1998), Review of Economics and Statistics 80, 549-560; McCullagh and Nelder (1989), chapter 6.
    """
    import statsmodels.api as sm

    matrix = design_matrix(series, season)
    n, terms = matrix.shape
    outcome = series.outcome if counts else series.outcome / series.exposure
    family = sm.families.Poisson() if counts else sm.families.Gaussian()
    offset = np.log(series.exposure) if counts else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = sm.GLM(outcome, matrix, family=family, offset=offset).fit(tol=1e-12, scale="X2")
        settled = bool(found.converged) and np.isfinite(found.params).all()
    except (np.linalg.LinAlgError, ValueError, FloatingPointError):
        settled = False
    if not settled:
        raise ConvergenceError("The model of the series did not converge; look at the counts: most may be 0.")
    fitted = np.asarray(found.mu)
    root = np.sqrt(fitted) if counts else np.ones(n)
    pearson = (outcome - fitted) / root
    df, covariance = float(n - terms), np.asarray(found.cov_params())
    if lags is not None:
        df = float(series.periods - (4 if series.controlled else terms))
        bread = np.linalg.inv((matrix * root[:, None] ** 2).T @ matrix)
        scores = matrix * (outcome - fitted)[:, None]
        by_period = scores.reshape(-1, series.periods, terms).sum(axis=0)
        covariance = bread @ newey_west(by_period, lags) @ bread * series.periods / df
    test = _autocorrelation(pearson, matrix * root[:, None], series.periods)
    return Segmented(
        Fit(np.asarray(found.params), covariance, df), matrix, fitted, float(pearson @ pearson / (n - terms)), test
    )


def newey_west(scores: FloatArray, lags: int) -> FloatArray:
    """The long-run sum of outer products of scores in order of time, (T, p) to (p, p), by Bartlett's weights."""
    total = scores.T @ scores
    for lag in range(1, lags + 1):
        apart = scores[lag:].T @ scores[:-lag]
        total = total + (1 - lag / (lags + 1)) * (apart + apart.T)
    return np.asarray(total)


def _autocorrelation(residuals: FloatArray, columns: FloatArray, periods: int) -> Test:
    """Breusch and Godfrey's test: the artificial regression of residuals on the model's columns and their past."""
    order = rule_lags(periods)
    past = np.column_stack([_before(residuals, lag, periods) for lag in range(1, order + 1)])
    names = "correlation of residuals with those " + ("before" if order == 1 else f"of {order} periods before")
    null = "what is left of a period does not depend on what was left of those before"
    total = float(residuals @ residuals)
    scale = np.linalg.norm(columns, axis=0)
    everything = np.hstack([columns / scale, past])
    rest = residuals - everything @ np.linalg.lstsq(everything, residuals, rcond=None)[0]
    if total <= 1e-20 * max(1.0, float(scale.max()) ** 2):
        return Test(f"Breusch-Godfrey test, {names}", null, np.nan, np.nan, float(order), ("the fit is exact.",))
    statistic = len(residuals) * (1 - float(rest @ rest) / total)
    p = float(scipy.stats.chi2.sf(statistic, order))
    return Test(f"Breusch-Godfrey test, {names}", null, statistic, p, float(order))


def _before(values: FloatArray, lag: int, periods: int) -> FloatArray:
    """Values of `lag` periods before within each series, 0 where there is none."""
    table = values.reshape(-1, periods)
    moved = np.zeros_like(table)
    moved[:, lag:] = table[:, :-lag]
    return moved.ravel()
