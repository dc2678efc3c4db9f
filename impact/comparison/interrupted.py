"""Interrupted time series: how a place's counts or rates changed in level and trend when a programme started there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.comparison.interrupted_figure import series_figure
from impact.comparison.series_fit import EFFECT, Segmented, rule_lags, segmented
from impact.comparison.series_rows import Series, read_season, read_series
from impact.errors import InputError
from impact.frames import BoolArray, FloatArray, check_choice, check_level
from impact.results import Test, number, t_test, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MODELS = ("counts", "linear")
DOUBT = 0.05
FEW_EVENTS = 5
LONG = 100
ALONE = (
    "Right only where the trend before the start would have gone on without the programme. Whatever else began in the "
    "same period counts as its effect; a comparison place (treated=) takes out what both places shared."
)
BESIDE = (
    "Right only where, but for the programme, the place would have changed from its own trend as the comparison "
    "changed from its own, which no data can show."
)


@dataclass(frozen=True, eq=False, repr=False)
class InterruptedTimeSeries:
    """What changed in a place when a programme started.

    Attributes
    ----------
    table, curves : DataFrame
        See `tidy`, and `plot`: ``place, time, observed, fitted, without, conf_low, conf_high``, with what would be
        expected without the programme, and its interval, from the start on.
    autocorrelation : Test
        Whether what is left of a period depends on those before.
    dispersion : float
        Variance over mean of the counts, or the variance left (linear).
    observed, expected : float
        Sum of the counts from the start on and that expected without the programme; means where linear.
    outcome, method, model : str
    exposure : str or None
    start : int
    level : float
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    autocorrelation: Test
    dispersion: float
    observed: float
    expected: float
    outcome: str
    method: str
    model: str
    exposure: str | None
    start: int
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Four rows: the trend before, the change in level, the change in trend, and the effect over the periods after.

        Columns term, estimate, std_error, statistic, p_value, conf_low, conf_high, n (rows). Counts: ratios, a period
        for trends, with the standard error of the logarithm. Linear: differences. With a comparison place every row is
        against that of the comparison.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """What was observed, the fitted lines, and what would be expected without the programme with its interval."""
        return series_figure(self.curves, self.start, self.outcome, self.exposure, self.level, ax)

    def __repr__(self) -> str:
        shape = "{}: {} ({:.0%} interval {} to {}; p = {})"
        what = self.outcome if self.exposure is None else f"{self.outcome} by {self.exposure}"
        lines = [f"Interrupted time series of {what}; {self.method}"]
        lines += [
            "  "
            + shape.format(
                row["term"],
                *(number(row["estimate"]), self.level, number(row["conf_low"]), number(row["conf_high"])),
                number(row["p_value"], 2),
            )
            for row in self.table.to_dict("records")
        ]
        unit = "events" if self.model == "counts" else "on average"
        lines.append(
            f"From the start on: {number(self.observed)} {unit} observed, {number(self.expected)} expected without the "
            "programme"
        )
        lines.append(f"{self.autocorrelation.name}: p = {number(self.autocorrelation.p_value, 2)}")
        return with_notes("\n".join(lines), self.notes)


def interrupted_time_series(
    data: pd.DataFrame,
    *,
    time: str,
    outcome: str,
    start: int,
    model: str = "counts",
    exposure: str | None = None,
    treated: str | None = None,
    season: int | None = None,
    harmonics: int | None = None,
    lags: int | None = None,
    level: float = 0.95,
) -> InterruptedTimeSeries:
    """Segmented regression of a place's counts or rates by period: the change in level and in trend at a start.

    Parameters
    ----------
    data : DataFrame
        One row a period, and a place where there are two.
    time : str
        Column with the number of the period (whole; 1 apart; no gaps).
    outcome : str
        Column with the count, or the number or rate where linear.
    start : int
        First period with the programme. It comes from the programme's records, never from a look at the series.
    model : {"counts", "linear"}
        Poisson regression with the dispersion of the data, or least squares.
    exposure : str, optional
        Column with what the count is of: population, days at liberty. Offset of counts; where linear the outcome is
        divided by it.
    treated : str, optional
        Column that is 1 for the place and 0 for one beside it that never had the programme: a controlled series.
    season : int, optional
        Periods in a season: 12 for months of a year.
    harmonics : int, optional
        Pairs of waves that make the season, the same in both places; 2 where left out (1 in a season of 2 or 3).
    lags : int, optional
        So many periods back, residuals may depend on each other: Newey and West's errors. Left out, periods are taken
        as independent given the model, and errors are those of the dispersion. ⌊4 (T / 100)^(2/9)⌋ is a usual number.
    level : float
        Confidence level.

    Returns
    -------
    InterruptedTimeSeries

    Raises
    ------
    InputError
        With every fault at once: fewer than 8 periods on a side of the start, periods missing or twice, two places
        that do not cover the same periods, no event on a side, fewer than two seasons, or too few periods for the
        terms.
    ConvergenceError
        Where the model of the counts does not settle.

    Notes
    -----
    With s the periods since the start and D = 1 from it on, log E(y) (or E(y)) = b₀ + b₁ s + b₂ D + b₃ D s + season +
    log exposure; with a comparison, the same again times `treated`. The change in level is b₂, that in the first
    period; in trend b₃, a period. The effect over the periods after is Σ fitted / Σ expected without the programme
    (counts) or the mean difference, by the delta method. Intervals are of t.

    Newey and West's errors are too small in short series, so that they are not the default: of 24 independent periods
    their 95% intervals hold about 8 times in 10, of 72 about 9. Those of the dispersion hold there, but are too small
    where a period depends on those before, which `autocorrelation` tests; where it depends strongly neither holds. See
    ``docs/coverage-series.md``.

    References
    ----------
    Wagner, Soumerai, Zhang and Ross-Degnan (2002), Journal of Clinical Pharmacy and Therapeutics 27, 299-309; Bernal,
    Cummins and Gasparrini (2017), International Journal of Epidemiology 46, 348-355, and (2018) 47, 2082-2093 on
    controls; Linden (2015), Stata Journal 15, 480-500; Breusch (1978) and Godfrey (1978) on the test.

    Examples
    --------
    >>> months = pd.DataFrame({"month": range(1, 21), "crimes": [20, 22, 19, 21, 23, 20, 18, 22, 21, 20] + [15, 16, 14,
    ...                        15, 13, 16, 15, 14, 12, 15]})
    >>> found = interrupted_time_series(months, time="month", outcome="crimes", start=11)
    >>> found.tidy()[["term", "estimate"]].round(2).values.tolist()[1:]
    [['change in level', 0.74], ['change in trend', 0.99], ['effect over the 10 periods', 0.71]]
    """
    check_level(level)
    check_choice("model", model, MODELS)
    if lags is not None and (isinstance(lags, bool) or not isinstance(lags, int | np.integer) or lags < 0):
        raise InputError(f"lags must be a whole number from 0, not {lags!r}.")
    counts = model == "counts"
    waves = read_season(season, harmonics)
    series = read_series(
        data,
        time=time,
        outcome=outcome,
        start=start,
        exposure=exposure,
        treated=treated,
        counts=counts,
        season=waves,
    )
    if lags is not None and lags >= series.periods // 2:
        raise InputError(f"lags must be less than half of the {series.periods} periods, not {lags}.")
    fit = segmented(series, waves, counts=counts, lags=lags)
    after = (series.side == 1) & (series.since >= 0)
    unit = np.ones(len(after)) if exposure is None or counts else series.exposure
    expected = _without(fit, series, counts)
    total = np.sum if counts else np.mean
    return InterruptedTimeSeries(
        table=_table(fit, series, after, expected, counts, level),
        curves=_curves(fit, series, after, expected, counts, exposure is not None, level),
        autocorrelation=fit.autocorrelation,
        dispersion=fit.dispersion,
        observed=float(total((series.outcome / unit)[after])),
        expected=float(total(expected[after])),
        outcome=outcome,
        method=_method(fit, counts, lags),
        model=model,
        exposure=exposure,
        start=series.start,
        level=level,
        notes=_notes(fit, series, counts, lags),
    )


def _without(fit: Segmented, series: Series, counts: bool) -> FloatArray:
    """Expected outcome of each row without the programme."""
    mine = fit.matrix[:, :-EFFECT] @ fit.fit.estimates[:-EFFECT]
    return series.exposure * np.exp(mine) if counts else mine


def _table(
    fit: Segmented, series: Series, after: BoolArray, expected: FloatArray, counts: bool, level: float
) -> pd.DataFrame:
    terms = fit.matrix.shape[1]
    rows = fit.matrix[after]
    without = np.where(np.arange(terms) < terms - EFFECT, rows, 0.0)
    if counts:
        mass, alone = fit.fitted[after], expected[after]
        estimate = float(np.log(mass.sum() / alone.sum()))
        slope = mass @ rows / mass.sum() - alone @ without / alone.sum()
    else:
        slope = (rows - without).mean(axis=0)
        estimate = float(slope @ fit.fit.estimates)
    unit = np.eye(terms)
    against = ", against the comparison" if series.controlled else ""
    wanted = [
        ("trend before", fit.fit.estimates[-3], unit[-3]),
        ("change in level", fit.fit.estimates[-2], unit[-2]),
        ("change in trend", fit.fit.estimates[-1], unit[-1]),
        (f"effect over the {int(after.sum())} periods", estimate, slope),
    ]
    shown = np.exp if counts else float
    found = []
    for term, value, gradient in wanted:
        error = float(np.sqrt(max(gradient @ fit.fit.covariance @ gradient, 0.0)))
        error = error if error > 1e-13 * np.abs(series.outcome).max() else 0.0
        made = t_test(value, error, fit.fit.df, level)
        found.append(
            {
                "term": term + against,
                "estimate": float(shown(value)),
                "std_error": error,
                "statistic": made.statistic,
                "p_value": made.p_value,
                "conf_low": float(shown(made.conf_low)),
                "conf_high": float(shown(made.conf_high)),
                "n": len(series.time),
            }
        )
    return tidy_rows(found)


def _curves(
    fit: Segmented,
    series: Series,
    after: BoolArray,
    expected: FloatArray,
    counts: bool,
    exposed: bool,
    level: float,
) -> pd.DataFrame:
    """Observed, fitted and expected without the programme, by exposure where there is one."""
    unit = series.exposure if exposed else np.ones(len(after))
    without = np.where(np.arange(fit.matrix.shape[1]) < fit.matrix.shape[1] - EFFECT, fit.matrix, 0.0)
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", without, fit.fit.covariance, without), 0))
    reach = float(scipy.stats.t.ppf(0.5 + level / 2, fit.fit.df)) * error
    middle = expected / (unit if counts else 1)
    low, high = (middle * np.exp(-reach), middle * np.exp(reach)) if counts else (middle - reach, middle + reach)
    curves = pd.DataFrame(
        {
            "place": np.where(series.side == 1, "programme", "comparison"),
            "time": series.time,
            "observed": series.outcome / unit,
            "fitted": fit.fitted / (unit if counts else 1),
        }
    )
    for name, values in (("without", middle), ("conf_low", low), ("conf_high", high)):
        curves[name] = np.where(after, values, np.nan)
    return curves


def _method(fit: Segmented, counts: bool, lags: int | None) -> str:
    errors = "periods independent" if lags is None else f"Newey-West errors, {lags} lags"
    model = f"Poisson regression, dispersion {number(fit.dispersion, 3)}" if counts else "least squares"
    return f"{model}, {errors}, t on {fit.fit.df:.0f}"


def _notes(fit: Segmented, series: Series, counts: bool, lags: int | None) -> tuple[str, ...]:
    notes = []
    if lags is None and fit.autocorrelation.p_value < DOUBT:
        notes.append(
            f"What is left of a period depends on those before (p = {number(fit.autocorrelation.p_value, 2)}), so "
            "these intervals are too short. In long series Newey and West's are less so "
            f"(lags={rule_lags(series.periods)})."
        )
    if lags is not None and series.periods < LONG:
        notes.append(
            f"Newey and West's errors are too small in {series.periods} periods: 95% intervals hold 7 to 9 times in 10 "
            "(docs/coverage-series.md)."
        )
    if counts and series.outcome.mean() < FEW_EVENTS:
        notes.append(f"Fewer than {FEW_EVENTS} events in a mean period: intervals are rough. Take longer periods.")
    notes.append(BESIDE if series.controlled else ALONE)
    return tuple(notes)
