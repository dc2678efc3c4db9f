"""The test of proportional hazards, as a score test for drift of the coefficients with a function of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.errors import InputError
from impact.frames import FloatArray, check_choice
from impact.results import Test, with_notes
from impact.survival.likelihoods.newton import Maximum
from impact.survival.likelihoods.partial import Sample, cell_scores, information
from impact.survival.likelihoods.residuals import schoenfeld
from impact.survival.numbers.limits import standard_errors
from impact.survival.numbers.natural_spline import smooth
from impact.survival.numbers.product_limit import product_limit
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTH_POINTS = 101
TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True, slots=True)
class Drift:
    """What a figure of the drift shows: scaled Schoenfeld residuals of the D events against transformed time.

    Attributes
    ----------
    names : tuple of str
        The coefficients.
    estimate, error : (p,) float
        Each as one number, and the standard error of one residual.
    time, x : (D,) float
        Time and transformed time of each event.
    y : (p, D) float
        The coefficients as each event alone would have them, nearly.
    """

    names: tuple[str, ...]
    estimate: FloatArray
    error: FloatArray
    time: FloatArray
    x: FloatArray
    y: FloatArray


@dataclass(frozen=True, eq=False)
class ProportionalHazards:
    """The tests, one for each covariate and then one of all together.

    Attributes
    ----------
    transform : str
    tests : tuple of Test
    level : float
        Of the bands of `plot`.
    notes : tuple of str
    """

    transform: str
    tests: tuple[Test, ...]
    level: float
    notes: tuple[str, ...]
    _made: Callable[[], Drift]

    def tidy(self) -> pd.DataFrame:
        """One row a test: term, statistic, df, p_value; the last is ``all``."""
        return pd.concat([test.tidy() for test in self.tests], ignore_index=True)

    @cached_property
    def _drift(self) -> Drift:
        return self._made()

    def smooth(self, term: str) -> pd.DataFrame:
        """The coefficient as it drifts: time, transformed, estimate, std_error, conf_low, conf_high.

        A natural cubic spline with four degrees of freedom through the scaled Schoenfeld residuals, at 101 points.

        Parameters
        ----------
        term : str
            A coefficient, as `tidy` of the model names it.

        Raises
        ------
        InputError
            For an unknown coefficient, and where there are too few event times for a curve.
        """
        drift, place = self._drift, self._place(term)
        at = np.linspace(drift.x.min(), drift.x.max(), SMOOTH_POINTS)
        found = smooth(drift.x, drift.y[place], at)
        if found is None:
            raise InputError("There are too few distinct event times for a smooth curve; six at least are needed.")
        estimate, unit = found
        error = unit * drift.error[place]
        reach = standard_errors(self.level) * error
        order = np.argsort(drift.x, kind="stable")
        return pd.DataFrame(
            {
                "time": np.interp(at, drift.x[order], drift.time[order]),
                "transformed": at,
                "estimate": estimate,
                "std_error": error,
                "conf_low": estimate - reach,
                "conf_high": estimate + reach,
            }
        )

    def plot(self, term: str, ax: Axes | None = None, *, unit: str = "days") -> Axes:
        """The coefficient over time: scaled Schoenfeld residuals, a smooth with its band, and the model's one number.

        The axis is laid out as the test sees time (`transform`) and labelled in `unit`. One dot is one event.
        """
        from impact.survival.figures.drift import drift as figure

        place, drift = self._place(term), self._drift
        return figure(
            drift.time,
            drift.x,
            drift.y[place],
            float(drift.estimate[place]),
            self.smooth(term),
            label=term,
            level=self.level,
            unit=unit,
            ax=ax,
        )

    def _place(self, term: str) -> int:
        if term not in self._drift.names:
            raise InputError(f"{term!r} is not a coefficient of the model: {', '.join(self._drift.names)}.")
        return self._drift.names.index(term)

    def __repr__(self) -> str:
        table = self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        head = f"Proportional hazards (transform: {self.transform})"
        return with_notes(f"{head}\n{table}\nNull hypothesis: {self.tests[0].null}", self.notes)


def proportional_hazards(
    data: Sample, found: Maximum, matrix: Matrix, outcome: Outcome, transform: str, level: float, notes: tuple[str, ...]
) -> ProportionalHazards:
    """Score tests of adding x · g(t) for each covariate, g centred at its mean over events."""
    check_choice("transform", transform, TRANSFORMS)
    g = _transformed(data, outcome, transform)
    deaths = np.bincount(data.cells, minlength=data.sets.size)
    transformed = g
    g = g - np.average(g, weights=deaths)
    score = cell_scores(data, found.point) @ g
    cross = information(data, found.point, g)
    size = len(score)
    whole = np.block([[found.information, cross], [cross, information(data, found.point, g * g)]])

    def test(name: str, columns: tuple[int, ...]) -> Test:
        chosen = [*range(size), *(size + column for column in columns)]
        u = np.r_[np.zeros(size), score[list(columns)]]
        inside = whole[np.ix_(chosen, chosen)]
        statistic = float(u @ np.linalg.lstsq(inside, u, rcond=None)[0])
        null = "the coefficients do not change with time"
        return Test(name, null, statistic, float(scipy.stats.chi2.sf(statistic, len(columns))), float(len(columns)))

    tests = [test(name, columns) for name, columns in matrix.terms.items()]
    tests.append(test("all", tuple(range(size))))
    return ProportionalHazards(transform, tuple(tests), level, notes, partial(_drift, data, found, matrix, transformed))


def _drift(data: Sample, found: Maximum, matrix: Matrix, g: FloatArray) -> Drift:
    inverse, n_events = np.linalg.inv(found.information), len(data.events)
    estimate = found.point.beta / matrix.scale
    y = n_events * (inverse @ schoenfeld(data, found.point)) / matrix.scale[:, None] + estimate[:, None]
    error = np.sqrt(n_events * np.diag(inverse)) / matrix.scale
    return Drift(matrix.names, estimate, error, data.sets.times[data.cells], g[data.cells], y)


def _transformed(data: Sample, outcome: Outcome, transform: str) -> FloatArray:
    times = data.sets.times
    if transform == "identity":
        return times
    if transform == "log":
        if times.min() <= 0:
            raise InputError("transform='log' needs every event to be after time 0; use 'km', 'rank' or 'identity'.")
        return np.log(times)
    if transform == "rank":
        return _mean_ranks(outcome.ranks.grid[outcome.ranks.exit], times)
    curve = product_limit(outcome.ranks, outcome.event)
    return 1 - np.r_[1.0, curve.survival][np.searchsorted(curve.sets.times, times)]


def _mean_ranks(values: FloatArray, at: FloatArray) -> FloatArray:
    ordered = np.sort(values)
    return (np.searchsorted(ordered, at) + np.searchsorted(ordered, at, side="right") + 1) / 2
