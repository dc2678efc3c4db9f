"""Observed against expected: a count of reoffenders beside the one that risk scores predict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from impact.errors import InputError
from impact.frames import Columns, FloatArray, check_level
from impact.results import number, tidy_rows, with_notes

LABEL = "benchmark, not impact"
_CAUTION = (
    f"{LABEL}: the scores were made on other people in other years, and those who join a programme differ from those "
    "who do not; a ratio below 1 does not show that the programme worked. For that, use a matched comparison."
)
_METHOD = (
    "The expected probabilities are taken as known and people as independent. The p-value is twice the smaller tail of "
    "the exact Poisson-binomial distribution of the count. The interval holds every ratio that the same test does not "
    "reject when the log-odds of all people are shifted by one amount."
)
_BLOCK = 64
_NIL = 1e-300


@dataclass(frozen=True, slots=True)
class ObservedExpected:
    """A count of events beside the expected one: a benchmark, not impact.

    Attributes
    ----------
    observed : int
        People with the event.
    expected : float
        Sum of their expected probabilities.
    ratio, conf_low, conf_high : float
        `observed` / `expected` and its exact interval.
    p_value : float
        Exact, two-sided, of the hypothesis that every expected probability is right.
    level : float
        Confidence level of the interval.
    n : int
        People counted.
    notes : tuple of str
        Cautions; the first always says what the number is not.
    """

    observed: int
    expected: float
    ratio: float
    p_value: float
    conf_low: float
    conf_high: float
    level: float
    n: int
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row: the columns of every result, then ``n, n_events, expected, label``."""
        row = {
            "term": "observed / expected",
            "estimate": self.ratio,
            "std_error": np.nan,
            "statistic": np.nan,
            "p_value": self.p_value,
            "conf_low": self.conf_low,
            "conf_high": self.conf_high,
            "n": self.n,
            "n_events": self.observed,
            "expected": self.expected,
            "label": LABEL,
        }
        return tidy_rows([row])

    def __repr__(self) -> str:
        head = (
            f"Observed {self.observed:,} against {self.expected:,.1f} expected among {self.n:,} ({LABEL})\n"
            f"Observed / expected: {number(self.ratio)} ({self.level:.0%} interval {number(self.conf_low)} to "
            f"{number(self.conf_high)}; p = {number(self.p_value, 2)})"
        )
        return with_notes(head, self.notes)


def observed_expected(
    observed: pd.Series | ArrayLike, expected: pd.Series | ArrayLike, *, level: float = 0.95
) -> ObservedExpected:
    """Compare how many reoffended with how many their risk scores predict. It is a benchmark, not impact.

    The count is set against its exact distribution under the expected probabilities (Poisson-binomial: a sum of
    independent events of unequal chance). The p-value is twice the smaller of the two tails, at most 1.

    The interval inverts that test. For a shift d, everyone's log-odds become logit(pᵢ) + d; the shifts d that are not
    rejected are those with P(X ≥ observed) and P(X ≤ observed) both above (1 − `level`) / 2; its limits are given as
    ratios Σ pᵢ(d) / Σ pᵢ. The observed ratio is the maximum-likelihood value in that family, so it lies inside, and the
    interval leaves 1 out exactly where p is at most 1 − `level`. With no event the lower limit is 0; with events alone
    the upper limit is n / Σ pᵢ.

    Parameters
    ----------
    observed : Series or array
        0 or 1 for each person.
    expected : Series or array
        The expected probability of each, above 0 and below 1, on the same index.
    level : float
        Confidence level.

    Returns
    -------
    ObservedExpected
        Frozen, with `.tidy()`. People without an outcome or a score are left out, counted in `.notes`.

    Raises
    ------
    InputError
        With every fault at once: values that are not 0 or 1, or not probabilities; unequal lengths or indexes.

    Examples
    --------
    >>> result = observed_expected([1, 0, 0, 1, 0, 0, 0, 0], [0.5] * 8)
    >>> result.observed, result.expected, result.ratio, result.p_value
    (2, 4.0, 0.5, 0.2890625)
    """
    check_level(level)
    columns = _columns(observed, expected)
    events, chance = columns.indicator("observed"), columns.number("expected", above=0)
    columns.forbid(chance >= 1, "expected", "is not below 1", remedy="give probabilities, not percentages.")
    keep = columns.rows()
    p = np.sort(chance[keep])
    n, count, total = len(p), int(events[keep].sum()), float(p.sum())
    below, above = _tails(p, count)
    low, high = _interval(p, count, (1 - level) / 2)
    return ObservedExpected(
        observed=count,
        expected=total,
        ratio=count / total,
        p_value=min(1.0, 2 * min(below, above)),
        conf_low=low / total,
        conf_high=high / total,
        level=level,
        n=n,
        notes=(_CAUTION, *columns.notes, _METHOD),
    )


def poisson_binomial(p: FloatArray) -> FloatArray:
    """Chances of 0, 1, …, n events among n independent people with chances `p`.

    Blocks of people are added one person at a time, then convolved in pairs; every step adds products of numbers above
    0, so small tails keep their relative accuracy (to 1e-300, below which they are 0). Does not depend on order.

    Examples
    --------
    >>> poisson_binomial(np.array([0.5, 0.5])).tolist()
    [0.25, 0.5, 0.25]
    """
    p = np.sort(p)
    padded = np.concatenate([p, np.zeros(-len(p) % _BLOCK)]).reshape(-1, _BLOCK)
    block = np.zeros((len(padded), _BLOCK + 1))
    block[:, 0] = 1.0
    for chance in padded.T:
        yes, no = chance[:, None], 1 - chance[:, None]
        block[:, 1:] = block[:, 1:] * no + block[:, :-1] * yes
        block[:, 0] *= no[:, 0]
    parts = [_trim(0, row) for row in block]
    while len(parts) > 1:
        pairs = [parts[place : place + 2] for place in range(0, len(parts), 2)]
        parts = [_join(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    first, values = parts[0]
    whole = np.zeros(len(p) + 1)
    whole[first : first + len(values)] = values
    return whole


def _trim(first: int, values: FloatArray) -> tuple[int, FloatArray]:
    """Chances of `first`, `first` + 1, … events, without the ends that are nothing in double precision."""
    inside = np.flatnonzero(values > _NIL)
    return first + int(inside[0]), values[inside[0] : inside[-1] + 1]


def _join(left: tuple[int, FloatArray], right: tuple[int, FloatArray]) -> tuple[int, FloatArray]:
    return _trim(left[0] + right[0], np.convolve(left[1], right[1]))


def _tails(p: FloatArray, count: int) -> tuple[float, float]:
    """P(X ≤ count) and P(X ≥ count)."""
    chances = poisson_binomial(p)
    return float(chances[: count + 1].sum()), float(chances[count:].sum())


def _interval(p: FloatArray, count: int, tail: float) -> tuple[float, float]:
    """The two limits of the expected count over the shifts of the log-odds that the test does not reject."""
    odds = scipy.special.logit(p)
    step = min(1.0, 1 / float(np.sqrt((p * (1 - p)).sum())))

    def shifted(shift: float) -> FloatArray:
        return scipy.special.expit(odds + shift)

    middle = 0.0
    if 0 < count < len(p):
        middle = _root(lambda shift: float(shifted(shift).sum()) - count, 0.0, step)
    low, high = 0.0, float(len(p))
    if count > 0:
        low = float(shifted(_root(lambda shift: _tails(shifted(shift), count)[1] - tail, middle, step)).sum())
    if count < len(p):
        high = float(shifted(_root(lambda shift: tail - _tails(shifted(shift), count)[0], middle, step)).sum())
    return low, high


def _root(rising: Callable[[float], float], start: float, step: float) -> float:
    """Where a rising function crosses 0, searched outwards from `start`."""
    here = rising(start)
    if here == 0:
        return start
    way = -1.0 if here > 0 else 1.0
    near, far = start, start + way * step
    while rising(far) * here > 0:
        step *= 2
        near, far = far, far + way * step
    return float(scipy.optimize.brentq(rising, *sorted((near, far)), xtol=1e-13))


def _columns(observed: object, expected: object) -> Columns:
    series = {
        name: part if isinstance(part, pd.Series) else pd.Series(np.asarray(part))
        for name, part in (("observed", observed), ("expected", expected))
    }
    if len(series["observed"]) != len(series["expected"]):
        sizes = " and ".join(f"{len(part):,}" for part in series.values())
        raise InputError(f"observed and expected must be of one length, not {sizes}.")
    both = isinstance(observed, pd.Series) and isinstance(expected, pd.Series)
    if both and not series["observed"].index.equals(series["expected"].index):
        raise InputError("observed and expected must have the same index in the same order: they are people.")
    return Columns(pd.DataFrame({name: part.array for name, part in series.items()}))
