"""Matching in time order on arrays: each starter in turn takes the nearest person still at risk on that day.

Stretches stand sorted by stratum, then value, then any rule for ties. Those that hold the day are kept in a set of
bits that finds the next one on either side; days only go forward, so a stretch enters the set once and leaves it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from impact.comparison.nearest import NOBODY, People, place, run_starts
from impact.frames import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Stretches:
    """Who can be a partner and when: `person` is at risk on the days `first` ≤ day < `end`, as in `people`."""

    people: People
    person: IntArray
    first: IntArray
    end: IntArray


class Present:
    """A set of the whole numbers below `size` that knows the nearest member on either side of any number.

    Examples
    --------
    >>> present = Present(100)
    >>> present.add(7), present.add(40)
    (None, None)
    >>> present.at_or_above(8), present.at_or_below(8), present.at_or_above(41)
    (40, 7, -1)
    """

    def __init__(self, size: int) -> None:
        self._width = max(isqrt(size), 1)
        self._words = [0] * (size // self._width + 1)
        self._filled = 0

    def add(self, number: int) -> None:
        """Take a number in."""
        word, bit = divmod(number, self._width)
        self._words[word] |= 1 << bit
        self._filled |= 1 << word

    def remove(self, number: int) -> None:
        """Leave a number out; one that is not in the set stays out."""
        word, bit = divmod(number, self._width)
        self._words[word] &= ~(1 << bit)
        if not self._words[word]:
            self._filled &= ~(1 << word)

    def at_or_above(self, number: int) -> int:
        """The lowest member that is `number` or more, −1 where there is none."""
        word, bit = divmod(number, self._width)
        here = self._words[word] >> bit
        if here:
            return number + (here & -here).bit_length() - 1
        later = self._filled >> (word + 1)
        if not later:
            return NOBODY
        word += (later & -later).bit_length()
        found = self._words[word]
        return word * self._width + (found & -found).bit_length() - 1

    def at_or_below(self, number: int) -> int:
        """The highest member that is `number` or less, −1 where there is none."""
        if number < 0:
            return NOBODY
        word, bit = divmod(number, self._width)
        here = self._words[word] & ((1 << (bit + 1)) - 1)
        if not here:
            earlier = self._filled & ((1 << word) - 1)
            if not earlier:
                return NOBODY
            word = earlier.bit_length() - 1
            here = self._words[word]
        return word * self._width + here.bit_length() - 1


def match_in_time(
    starters: People, day: IntArray, stretches: Stretches, *, ratio: int = 1, reach: float = np.inf
) -> IntArray:
    """Greedy partners day by day; on one day everyone's first before anyone's second.

    Parameters
    ----------
    starters : People
        In the order in which they choose; `day` does not descend.
    day : array, shape (n,)
        The day each starts.
    stretches : Stretches
    ratio : int
        Partners for each.
    reach : float
        The greatest distance allowed.

    Returns
    -------
    array, shape (n, ratio)
        Positions in `stretches`, −1 where nobody at risk on that day is left within `reach`. No person is taken twice.
        Of two at one distance the lower value is taken, and of equal values the first in the order of `stretches`.
    """
    days = np.unique(day)
    useful = np.searchsorted(days, stretches.first) < np.searchsorted(days, stretches.end)
    kept = np.flatnonzero(useful)
    first, end = stretches.first[kept], stretches.end[kept]
    opening, closing = (kept[np.argsort(values, kind="stable")].tolist() for values in (first, end))
    opens, closes = np.sort(first).tolist(), np.sort(end).tolist()
    pool = stretches.people
    start = place(starters.value, starters.stratum, pool).tolist()
    low = np.searchsorted(pool.stratum, starters.stratum, side="left").tolist()
    high = np.searchsorted(pool.stratum, starters.stratum, side="right").tolist()
    value, wanted, run = pool.value.tolist(), starters.value.tolist(), run_starts(pool).tolist()
    person = stretches.person.tolist()
    present = Present(len(person) + 1)
    used: set[int] = set()
    found = np.full((len(wanted), ratio), NOBODY, dtype=np.int64)
    opened = closed = 0
    edges = np.append(np.searchsorted(day, days), len(day)).tolist()
    for step, today in enumerate(days.tolist()):
        while opened < len(opens) and opens[opened] <= today:
            if person[opening[opened]] not in used:
                present.add(opening[opened])
            opened += 1
        while closed < len(closes) and closes[closed] <= today:
            present.remove(closing[closed])
            closed += 1
        seeking = list(range(edges[step], edges[step + 1]))
        for turn in range(ratio):
            served = []
            for i in seeking:
                above, below = present.at_or_above(start[i]), present.at_or_below(start[i] - 1)
                to_above = value[above] - wanted[i] if low[i] <= above < high[i] else np.inf
                to_below = wanted[i] - value[below] if low[i] <= below < high[i] else np.inf
                if not min(to_above, to_below) <= reach or min(to_above, to_below) == np.inf:
                    continue
                taken = present.at_or_above(run[below]) if to_below <= to_above else above
                present.remove(taken)
                used.add(person[taken])
                found[i, turn] = taken
                served.append(i)
            seeking = served
    return found


def chains(sets: IntArray, persons: IntArray) -> IntArray:
    """Codes of the groups of sets that share a person, directly or through other sets, one for each entry.

    Examples
    --------
    >>> chains(np.array([0, 0, 1, 1, 2, 2]), np.array([7, 8, 8, 9, 1, 2]))
    array([0, 0, 0, 0, 1, 1])
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    known, who = np.unique(persons, return_inverse=True)
    n = int(sets.max(initial=-1)) + 1
    links = coo_matrix((np.ones(len(sets)), (sets, n + who)), shape=(n + len(known),) * 2)
    label = connected_components(links, directed=False)[1][sets]
    _, at, code = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(at))[code].astype(np.int64)


def start_hazard(
    matrix: FloatArray, first: IntArray, end: IntArray, started: FloatArray
) -> tuple[FloatArray, FloatArray, bool]:
    """Coefficients of a proportional hazards model for starting, by Newton's method on Breslow's partial likelihood.

    Parameters
    ----------
    matrix : array, shape (n, p)
        Covariates of each stretch, of full rank beside a constant.
    first, end : array of int, shape (n,)
        At risk on the days `first` ≤ day < `end`.
    started : array, shape (n,)
        1 where the person started on the day `first` of a stretch of one day, else 0.

    Returns
    -------
    coefficients, std_errors : array, shape (p,)
    converged : bool

    References
    ----------
    Breslow (1974), Biometrics 30, 89-99; Lu (2005), Biometrics 61, 721-728, on matching by the score of a model whose
    covariates change with time.
    """
    centre, size = matrix.mean(axis=0), matrix.std(axis=0)
    x = (matrix - centre) / size
    events = started == 1
    days, at = np.unique(first[events], return_inverse=True)
    deaths = np.bincount(at).astype(float)
    low, high = np.searchsorted(days, first), np.searchsorted(days, end)
    m, p = len(days), x.shape[1]

    def evaluate(beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        linear = x @ beta
        top = float(linear.max())
        risk = np.exp(linear - top)

        def over_days(values: FloatArray) -> FloatArray:
            return np.cumsum(np.bincount(low, values, m + 1) - np.bincount(high, values, m + 1))[:m]

        total = over_days(risk)
        hazard = np.append(0.0, np.cumsum(deaths / total))
        load = risk * (hazard[high] - hazard[low])
        means = np.stack([over_days(risk * column) for column in x.T], axis=1) / total[:, None]
        value = float(linear[events].sum() - deaths @ (np.log(total) + top))
        gradient = x[events].sum(axis=0) - x.T @ load
        return value, gradient, x.T @ (x * load[:, None]) - (means * deaths[:, None]).T @ means

    beta, converged = np.zeros(p), False
    value, gradient, information = evaluate(beta)
    for _ in range(50):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            break
        if float(gradient @ step) < 1e-16 * max(1.0, abs(value)):
            beta = beta + step
            information, converged = evaluate(beta)[2], True
            break
        for half in range(30):
            trial = evaluate(beta + step / 2**half)
            if trial[0] >= value - 1e-12 * max(1.0, abs(value)):
                break
        beta = beta + step / 2**half
        value, gradient, information = trial
        if not np.isfinite(value) or np.abs(beta).max() > 50:
            break
    if not converged:
        return beta / size, np.full(p, np.nan), False
    return beta / size, np.sqrt(np.diag(np.linalg.inv(information))) / size, True
