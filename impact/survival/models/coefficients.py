"""What models with coefficients share: their table, words and forest, their terms, and why there may be no maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.errors import ConvergenceError, Fault, InputError
from impact.figures import interval_rows
from impact.frames import FloatArray
from impact.results import number
from impact.survival.likelihoods.newton import Maximum
from impact.survival.numbers.limits import standard_errors
from impact.survival.reading.covariates import UNUSABLE, Matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDLESS = "The likelihood rises without end:"
ARBITRARY = "any estimate shown would be arbitrary."


def coefficient_table(
    names: Sequence[str],
    estimate: FloatArray,
    covariance: FloatArray,
    level: float,
    *,
    df: FloatArray | None = None,
    profile: tuple[FloatArray, FloatArray, FloatArray] | None = None,
    exponentiate: bool = False,
) -> pd.DataFrame:
    """One row a coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

    By the normal distribution, by Student's t where there are degrees of freedom `df` (p,), or by `profile`: signed
    roots of likelihood ratios, lower and upper limits. With `exponentiate` the estimate and its limits are ratios; the
    error stays that of the logarithm. NaN where a robust variance is 0, every row or cluster being just as the model
    has it.
    """
    variance = np.diag(covariance)
    error = np.sqrt(np.where(variance > 0, variance, np.nan))
    if profile is None:
        statistic = estimate / error
        reach = error * (standard_errors(level) if df is None else scipy.stats.t.ppf(0.5 + level / 2, df))
        low, high = estimate - reach, estimate + reach
    else:
        statistic, low, high = profile
    beyond = np.abs(statistic)
    tail = scipy.special.ndtr(-beyond) if df is None else scipy.stats.t.sf(beyond, df)
    shown = np.exp if exponentiate else np.asarray
    return pd.DataFrame(
        {
            "term": list(names),
            "estimate": shown(estimate),
            "std_error": error,
            "statistic": statistic,
            "p_value": 2 * tail,
            "conf_low": shown(low),
            "conf_high": shown(high),
        }
    )


def ratio_lines(table: pd.DataFrame, ratio: str, level: float) -> list[str]:
    """A line of a repr for each ratio."""
    return [
        f"{row['term']}: {ratio} {number(row['estimate'])} ({level:.0%} interval {number(row['conf_low'])} to"
        f" {number(row['conf_high'])}; p = {number(row['p_value'], 2)})"
        for row in table.to_dict("records")
    ]


def ratio_forest(table: pd.DataFrame, ratio: str, level: float, ax: Axes | None) -> Axes:
    """A forest of ratios with their intervals."""
    columns = (table[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high"))
    xlabel = f"{ratio[0].upper()}{ratio[1:]} ({level:.0%} interval)"
    return interval_rows(table["term"].tolist(), *columns, ratio=True, xlabel=xlabel, ax=ax)


def places_of(
    term: str | Sequence[str], names: Sequence[str], terms: Mapping[str, tuple[int, ...]]
) -> tuple[list[str], list[int]]:
    """The covariates or coefficients named, and the places of their coefficients."""
    wanted = [term] if isinstance(term, str) else list(term)
    places = {name: (place,) for place, name in enumerate(names)} | dict(terms)
    unknown = [name for name in wanted if name not in places]
    if unknown or not wanted:
        raise InputError(f"{unknown} are not terms of the model, which are: {', '.join(places)}.")
    return wanted, sorted({column for name in wanted for column in places[name]})


def check_maximum(found: Maximum, matrix: Matrix, *, instead: str) -> None:
    """Raise where the likelihood has no maximum, naming the columns; `instead` is what to do about separation."""
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
        raise ConvergenceError(ENDLESS, [Fault(problem, column=name, why=ARBITRARY, remedy=instead) for name in names])
    if found.outcome == "lost":
        raise ConvergenceError(
            f"No maximum of the likelihood was reached in {found.steps} steps; covariates: {', '.join(matrix.names)}."
        )
