"""What every method returns: frozen, with a tidy table, and its cautions in `.notes` and in the repr."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
CORRECTIONS = ("holm", "benjamini-hochberg")
TIDY_COLUMNS = ("term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


@runtime_checkable
class Result(Protocol):
    """The contract of a result: the same bytes for the same input, and nothing that changes between runs."""

    @property
    def notes(self) -> tuple[str, ...]: ...

    def tidy(self) -> pd.DataFrame: ...


def with_notes(text: str, notes: Sequence[str]) -> str:
    """A repr: the text, then one line for each note."""
    return "\n".join([text, *(f"Note: {note}" for note in notes)])


def number(value: float, digits: int = 4) -> str:
    """A number for a repr: fixed significant digits, true minus sign, a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:.{digits}g}"
    return text.replace("-", "−")


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimated quantity with its interval.

    Attributes
    ----------
    term : str
        What is estimated, in words.
    estimate, std_error, statistic, p_value, conf_low, conf_high : float
        The estimate, its standard error, the test of no effect and the interval; NaN where one has no meaning.
    level : float
        Confidence level of the interval, 0.95 unless said.
    n, n_events : int
        People and events the estimate rests on.
    method : str
        How it was obtained, in words.
    notes : tuple of str
        Cautions that must travel with the number.
    """

    term: str
    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    level: float
    n: int
    n_events: int | None = None
    method: str = ""
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row: term, estimate, std_error, statistic, p_value, conf_low, conf_high, n, n_events."""
        row = {name: getattr(self, name) for name in (*TIDY_COLUMNS, "n", "n_events")}
        return pd.DataFrame([row])

    def __repr__(self) -> str:
        interval = f"{self.level:.0%} interval {number(self.conf_low)} to {number(self.conf_high)}"
        head = f"{self.term}: {number(self.estimate)} ({interval}; p = {number(self.p_value, 2)}; n = {self.n:,})"
        return with_notes("\n".join(part for part in (head, self.method) if part), self.notes)


@dataclass(frozen=True, slots=True)
class Test:
    """One test, carrying its null hypothesis in words.

    Attributes
    ----------
    name, null : str
        The test, and what it takes to be true.
    statistic, p_value : float
        The statistic and its p-value.
    df : float or None
        Degrees of freedom where the reference distribution has any.
    notes : tuple of str
        Cautions.
    """

    __test__ = False

    name: str
    null: str
    statistic: float
    p_value: float
    df: float | None = None
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row: term, statistic, df, p_value."""
        return pd.DataFrame([{"term": self.name, "statistic": self.statistic, "df": self.df, "p_value": self.p_value}])

    def __repr__(self) -> str:
        df = "" if self.df is None else f", df = {number(self.df)}"
        head = f"{self.name}: statistic {number(self.statistic)}{df}, p = {number(self.p_value, 2)}"
        return with_notes(f"{head}\nNull hypothesis: {self.null}", self.notes)


def normal_interval(estimate: float, std_error: float, level: float) -> tuple[float, float]:
    """The two limits of the normal interval at `level`."""
    reach = float(scipy.stats.norm.ppf(0.5 + level / 2)) * std_error
    return estimate - reach, estimate + reach


@dataclass(frozen=True, slots=True)
class TTest:
    """A test that a quantity is zero, and its interval: arrays, or numbers where one quantity was given."""

    statistic: Any
    p_value: Any
    conf_low: Any
    conf_high: Any


def t_test(estimate: ArrayLike, std_error: ArrayLike, df: ArrayLike, level: float) -> TTest:
    """Student's t test and interval of estimates on `df` degrees of freedom, the normal where they are infinite.

    An estimate without error has no test, and an interval of no width.

    Examples
    --------
    >>> found = t_test(2.0, 1.0, 10, 0.95)
    >>> round(found.p_value, 4), round(found.conf_low, 4)
    (0.0734, -0.2281)
    """
    value, error = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    statistic = np.divide(value, error, out=np.full(np.broadcast(value, error).shape, np.nan), where=error > 0)
    p_value = 2 * scipy.stats.t.sf(np.abs(statistic), df)
    reach = scipy.stats.t.ppf(0.5 + level / 2, df) * error
    found = (statistic, p_value, value - reach, value + reach)
    return TTest(*(part.item() if np.ndim(part) == 0 else part for part in found))


def proportion(count: int, n: int, level: float) -> tuple[float, float, float]:
    """A proportion with Wilson's interval (Wilson 1927); NaN of nobody."""
    if not n:
        return math.nan, math.nan, math.nan
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, n, alpha=1 - level, method="wilson")
    return count / n, float(low), float(high)


def adjusted_p_values(p_values: ArrayLike, method: str) -> FloatArray:
    """p-values adjusted for having been looked at side by side; a missing one stays missing and does not count.

    Parameters
    ----------
    p_values : array-like, shape (n,)
    method : {"holm", "benjamini-hochberg"}
        Holm (1979), or Benjamini and Hochberg (1995).

    Examples
    --------
    >>> adjusted_p_values([0.01, math.nan, 0.04], "holm").tolist()
    [0.02, nan, 0.04]
    """
    adjusted = np.asarray(p_values, dtype=np.float64).copy()
    known = np.isfinite(adjusted)
    order = np.flatnonzero(known)[np.argsort(adjusted[known])]
    count = len(order)
    if method == "holm":
        steps = np.maximum.accumulate(adjusted[order] * np.arange(count, 0, -1))
    else:
        steps = np.minimum.accumulate((adjusted[order] / (np.arange(1, count + 1) / count))[::-1])[::-1]
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def tidy_rows(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows as a tidy frame, the contract's columns first and in their order."""
    frame = pd.DataFrame(list(rows))
    first = [name for name in TIDY_COLUMNS if name in frame.columns]
    return frame[[*first, *(name for name in frame.columns if name not in first)]]
