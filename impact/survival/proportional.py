"""The test of proportional hazards, as a score test for drift of the coefficients with a function of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from impact.errors import InputError
from impact.frames import FloatArray, check_choice
from impact.results import Test, with_notes
from impact.survival.outcome import Outcome
from impact.survival.partial import Maximum, Sample, cell_scores, information
from impact.survival.product_limit import product_limit

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True, slots=True)
class ProportionalHazards:
    """The tests, one for each covariate and then one of all together.

    Attributes
    ----------
    transform : str
    tests : tuple of Test
    notes : tuple of str
    """

    transform: str
    tests: tuple[Test, ...]
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row a test: term, statistic, df, p_value; the last is ``all``."""
        return pd.concat([test.tidy() for test in self.tests], ignore_index=True)

    def __repr__(self) -> str:
        table = self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        head = f"Proportional hazards (transform: {self.transform})"
        return with_notes(f"{head}\n{table}\nNull hypothesis: {self.tests[0].null}", self.notes)


def proportional_hazards(
    data: Sample, found: Maximum, terms: Mapping[str, tuple[int, ...]], outcome: Outcome, transform: str
) -> ProportionalHazards:
    """Score tests of adding x · g(t) for each covariate, g centred at its mean over events."""
    check_choice("transform", transform, TRANSFORMS)
    g = _transformed(data, outcome, transform)
    deaths = np.bincount(data.cells, minlength=data.sets.size)
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

    tests = [test(name, columns) for name, columns in terms.items()]
    tests.append(test("all", tuple(range(size))))
    return ProportionalHazards(transform, tuple(tests))


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
    return 1 - np.r_[1.0, curve.survival][np.searchsorted(curve.time, times)]


def _mean_ranks(values: FloatArray, at: FloatArray) -> FloatArray:
    ordered = np.sort(values)
    return (np.searchsorted(ordered, at) + np.searchsorted(ordered, at, side="right") + 1) / 2
