"""The Justice Data Lab's interval, flag and sentence from a published summary: sizes and rates alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from impact.errors import Fault, InputError
from impact.evidence.claims import span
from impact.evidence.jdl_words import difference_text, p_text, whole, wording
from impact.evidence.power import people_needed
from impact.results import tidy_rows, with_notes

_STEPS = 2001
_CAUTION = (
    "From published summaries: how alike the two groups were, and who was left out, cannot be judged from them. The "
    "Lab's own standard error is not published; this one gives the published intervals that were tried."
)
_ALIKE = (
    "Where all of those who took part reoffended, or none did, and no comparison group is counted, this error is 0: no"
    " interval and no test is given."
)


@dataclass(frozen=True, eq=False)
class Summary:
    """What two rates and their sizes say.

    Attributes
    ----------
    estimate, std_error, statistic, p_value, conf_low, conf_high : float
        Of the rate of those who took part less that of the comparison group, as proportions.
    significant : bool
        Whether p is 0.05 or less.
    statement : str
        The sentence of the Lab's early reports, from the unrounded interval.
    needed_significance, needed_power : int or None
        How many people who took part would make the present difference significant, and would find it with 80% power;
        None where it is significant, or where no number would.
    possible : bool or None
        Whether rates within the printed rounding can give the published interval; None where none was given.
    possible_share : float
        The share of the treated group's unrounded rates, within its rounding, for which some comparison rate gives the
        published interval; NaN where none was given.
    notes : tuple of str
        Cautions.
    """

    n_treatment: int
    n_comparison: int | None
    rate_treatment: float
    rate_comparison: float
    estimate: float
    std_error: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    significant: bool
    statement: str
    needed_significance: int | None
    needed_power: int | None
    possible: bool | None
    possible_share: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row: the columns of every result, then both rates and sizes, ``significant`` and both numbers needed."""
        names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        more = ("n_treatment", "n_comparison", "rate_treatment", "rate_comparison", "significant")
        needs = ("needed_significance", "needed_power")
        row = {"term": "one-year proven reoffending rate"} | {
            name: getattr(self, name) for name in (*names, *more, *needs)
        }
        return tidy_rows([row])

    @property
    def _difference(self) -> str:
        if math.isnan(self.p_value):
            return f"{whole(100 * self.estimate)}, without an interval".replace("-", "−")
        told = difference_text(self.estimate, self.conf_low, self.conf_high, "rate")
        return f"{told}; p = {p_text(self.p_value)}"

    def __repr__(self) -> str:
        size = "a very large comparison group" if self.n_comparison is None else f"{self.n_comparison:,} compared"
        lines = [
            f"{self.n_treatment:,} people who took part, {size}: {100 * self.rate_treatment:.4g}% against "
            f"{100 * self.rate_comparison:.4g}%",
            f"Difference in percentage points: {self._difference}",
            self.statement,
        ]
        return with_notes("\n".join(lines), self.notes)


def jdl_summary(
    *,
    n_treatment: int,
    rate_treatment: float,
    rate_comparison: float,
    n_comparison: int | None = None,
    published: tuple[int, int] | None = None,
    printed_to: float = 0.01,
) -> Summary:
    """Interval, flag and sentence of a difference of two published rates.

    The interval is that of a two-sample t-test: d ± t √(p₁(1 − p₁)/n₁ + p₀(1 − p₀)/n₀), on n₁ − 1 degrees of freedom
    where the comparison group is very large. It gives the intervals published for Blue Sky (2013) and the Prisoners'
    Education Trust (2014), whose comparison groups were so large that only the treated group's error counts.

    Parameters
    ----------
    n_treatment : int
        People who took part in the analysis, 2 or more.
    rate_treatment, rate_comparison : float
        Their rates, 0 to 1, as little rounded as they are known.
    n_comparison : int, optional
        The (effective) number of comparison people; left out where it is very large or not known.
    published : pair of int, optional
        A published interval in whole percentage points, its size alone (``(1, 23)``), to be checked against the rates.
    printed_to : float
        What the rates were rounded to: 0.01 for whole per cent, as the Lab prints.

    Returns
    -------
    Summary

    Raises
    ------
    InputError
        With every fault: rates outside 0 to 1, sizes below 2, a comparison group smaller than the treated, an interval
        that is not one.

    Examples
    --------
    >>> blue_sky = jdl_summary(n_treatment=72, rate_treatment=0.31, rate_comparison=0.43, published=(1, 23))
    >>> blue_sky.statement.split(" of ")[1], blue_sky.possible
    ('between 1 and 23 percentage points.', True)
    """
    _check(n_treatment, rate_treatment, rate_comparison, n_comparison, published, printed_to)
    estimate = rate_treatment - rate_comparison
    error, df = _error(n_treatment, rate_treatment, n_comparison, rate_comparison)
    reach = float(scipy.stats.t.ppf(0.975, df)) * error
    low, high = estimate - reach, estimate + reach
    statistic = estimate / error if error > 0 else math.nan
    p_value = float(2 * scipy.stats.t.sf(abs(statistic), df)) if error > 0 else math.nan
    significant = p_value <= wording()["rules"]["significant"]
    notes = [_CAUTION, wording()["source"]]
    if not error > 0:
        low = high = math.nan
        notes.append(_ALIKE)
    branch = ("reduction" if estimate < 0 else "increase") if significant else "insufficient"
    normal = float(scipy.stats.norm.ppf(0.975))
    by_size = None
    if not significant and error > 0 and abs(estimate) >= 1e-9:
        by_size = math.ceil(n_treatment * (normal * error / estimate) ** 2)
    share = (
        math.nan
        if published is None
        else _possible(n_treatment, rate_treatment, rate_comparison, n_comparison, published, printed_to)
    )
    return Summary(
        n_treatment,
        n_comparison,
        rate_treatment,
        rate_comparison,
        estimate,
        error,
        statistic,
        p_value,
        low,
        high,
        significant,
        wording()["said"][branch].format(span=_span(low, high) if significant else ""),
        by_size,
        people_needed(n_treatment, estimate, error) if error > 0 and not significant else None,
        None if published is None else share > 0,
        share,
        tuple(notes),
    )


def _span(low: float, high: float) -> str:
    """The size of the interval in whole percentage points."""
    return span(*sorted((abs(whole(100 * low)), abs(whole(100 * high)))))


def _error(n: int, rate: float, others: int | None, other_rate: float) -> tuple[float, float]:
    """The standard error of the difference, and Welch's degrees of freedom."""
    mine = rate * (1 - rate) / n
    theirs = 0.0 if others is None else other_rate * (1 - other_rate) / others
    if not mine + theirs > 0:
        return 0.0, float(n - 1)
    below = mine**2 / (n - 1) + (0.0 if others is None else theirs**2 / (others - 1))
    return math.sqrt(mine + theirs), (mine + theirs) ** 2 / below


def _possible(
    n: int, rate: float, other_rate: float, others: int | None, published: tuple[int, int], printed_to: float
) -> float:
    """The share of rates within the rounding of the first for which some rate within that of the second fits."""
    half = printed_to / 2
    near, far = sorted(published)
    down = rate < other_rate
    ends = (-far, -near) if down else (near, far)
    mine = np.linspace(max(rate - half, 0.0), min(rate + half, 1.0), _STEPS)
    theirs = np.linspace(max(other_rate - half, 0.0), min(other_rate + half, 1.0), _STEPS if others else 2)
    fits = np.zeros(len(mine), dtype=bool)
    for place, one in enumerate(mine.tolist()):
        if others is None:
            error, df = _error(n, one, None, 0.0)
            reach = float(scipy.stats.t.ppf(0.975, df)) * error
            bounds = [
                (one + way * reach - (end + 0.5) / 100, one + way * reach - (end - 0.5) / 100)
                for way, end in zip((-1, 1), ends, strict=True)
            ]
            lowest = max(theirs[0], *(low for low, _ in bounds))
            highest = min(theirs[-1], *(high for _, high in bounds))
            fits[place] = lowest <= highest
        else:
            error = np.sqrt(one * (1 - one) / n + theirs * (1 - theirs) / others)
            reach = float(scipy.stats.t.ppf(0.975, _error(n, one, others, other_rate)[1])) * error
            low, high = 100 * (one - theirs - reach), 100 * (one - theirs + reach)
            fits[place] = bool(((np.abs(low - ends[0]) <= 0.5) & (np.abs(high - ends[1]) <= 0.5)).any())
    return float(fits.mean())


def _check(
    n: int, rate: float, other_rate: float, others: int | None, published: tuple[int, int] | None, printed_to: float
) -> None:
    faults = []
    for name, value in (("rate_treatment", rate), ("rate_comparison", other_rate)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
            faults.append(Fault("must lie between 0 and 1", column=name, remedy="give proportions: 0.31 for 31%."))
    for name, size in (("n_treatment", n), ("n_comparison", others)):
        if size is not None and (isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 2):
            faults.append(Fault("must be a whole number, 2 or more", column=name))
    if not faults and others is not None and others < n:
        faults.append(
            Fault(
                "is smaller than n_treatment",
                column="n_comparison",
                why="the Lab compares with many more people than took part; the two may have been swapped.",
                remedy="give the effective number of comparison people; for small groups use compare() on the records.",
            )
        )
    if published is not None and not (
        isinstance(published, tuple | list)
        and len(published) == 2
        and all(isinstance(end, int) and not isinstance(end, bool) and 0 <= end <= 100 for end in published)
    ):
        faults.append(Fault("must be two whole numbers of percentage points, such as (1, 23)", column="published"))
    if not 0 < printed_to <= 0.1:
        faults.append(Fault("must lie above 0 and be 0.1 or less", column="printed_to"))
    if faults:
        raise InputError("The summary cannot be used:", faults)
