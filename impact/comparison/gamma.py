"""Tail probabilities of matched-set statistics when the odds of treatment inside a set are biased, on arrays.

Inside a set two people alike on what was matched may differ in their odds of treatment by a factor of at most gamma.
The distributions here put the bias where it does most: on those with the outcome, or on the pairs whose difference is
positive. A gamma below 1 turns the bias round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from impact.frames import BoolArray, FloatArray, IntArray

EXACT_SETS = 2_000
EXACT_PAIRS = 100


@dataclass(frozen=True, slots=True)
class Tails:
    """P(T ≥ t) and P(T ≤ t) for the statistic observed."""

    upper: float
    lower: float


@dataclass(frozen=True, slots=True)
class Kinds:
    """Sets by people, events and treated, those whose outcome varies only; `total` events among the treated there."""

    people: IntArray
    events: IntArray
    treated: IntArray
    sets: IntArray
    total: int


def kinds_of_sets(outcome: FloatArray, treated: BoolArray, clusters: IntArray) -> Kinds:
    """Count the sets of each kind. Sets in which everyone or nobody had the event say nothing and are left out."""
    people, some = np.bincount(clusters), np.bincount(clusters, weights=treated).astype(np.int64)
    events = np.bincount(clusters, weights=outcome).astype(np.int64)
    varies = (events > 0) & (events < people)
    kinds, sets = np.unique(np.stack([people, events, some], axis=1)[varies], axis=0, return_counts=True)
    total = int(np.bincount(clusters, weights=outcome * treated)[varies].sum())
    return Kinds(kinds[:, 0], kinds[:, 1], kinds[:, 2], sets.astype(np.int64), total)


def is_exact(kinds: Kinds) -> bool:
    """Whether `binary_tails` adds up the exact distribution, not its normal approximation."""
    return len(kinds.sets) <= 1 or int(kinds.sets.sum()) <= EXACT_SETS


def binary_tails(kinds: Kinds, gamma: float) -> Tails:
    """Of the number of events among the treated, each set an extended hypergeometric draw with odds ratio gamma.

    For one treated person in a set this is an event with probability gamma·m / (gamma·m + n − m), m being the events
    among n people; for pairs the statistic is McNemar's.

    References
    ----------
    Rosenbaum (2002), Observational Studies, 2nd ed., sections 4.3.2 and 4.4.3.
    """
    if not is_exact(kinds):
        mean = variance = 0.0
        for kind in zip(kinds.people, kinds.events, kinds.treated, kinds.sets, strict=True):
            values, chances = _one_set(*kind[:3], gamma)
            centre = values @ chances
            mean += kind[3] * centre
            variance += kind[3] * ((values - centre) ** 2 @ chances)
        return _normal(kinds.total, mean, variance)
    distribution, least = np.ones(1), 0
    for people, events, treated, sets in zip(kinds.people, kinds.events, kinds.treated, kinds.sets, strict=True):
        values, chances = _one_set(people, events, treated, gamma)
        least += int(sets * values[0])
        distribution = np.convolve(distribution, _repeated(chances, int(sets)))
    at = kinds.total - least
    return Tails(_share(distribution[at:]), _share(distribution[: at + 1]))


def _one_set(people: int, events: int, treated: int, gamma: float) -> tuple[FloatArray, FloatArray]:
    """Possible events among the treated of one set, and their chances."""
    values = np.arange(max(0, treated + events - people), min(treated, events) + 1)
    log = _log_choose(events, values) + _log_choose(people - events, treated - values) + values * np.log(gamma)
    chances = np.exp(log - log.max())
    return values.astype(float), chances / chances.sum()


def _log_choose(n: int, k: IntArray) -> FloatArray:
    log = scipy.special.gammaln
    return np.asarray(log(n + 1) - log(k + 1) - log(n - k + 1))


def _repeated(chances: FloatArray, times: int) -> FloatArray:
    """The distribution of a sum of `times` draws."""
    if len(chances) == 1:
        return np.ones(1)
    if len(chances) == 2:
        return np.asarray(scipy.stats.binom.pmf(np.arange(times + 1), times, chances[1]))
    found, power = np.ones(1), chances
    while times:
        if times % 2:
            found = np.convolve(found, power)
        times //= 2
        power = np.convolve(power, power) if times else power
    return found


def signed_ranks(differences: FloatArray) -> tuple[FloatArray, float]:
    """Mid-ranks of the pair differences that are not 0, by size, and the sum of those of positive differences."""
    kept = differences[differences != 0]
    ranks = scipy.stats.rankdata(np.abs(kept))
    return ranks, float(ranks[kept > 0].sum())


def signed_rank_tails(ranks: FloatArray, statistic: float, gamma: float) -> Tails:
    """Of Wilcoxon's signed-rank statistic, each difference positive with chance gamma / (1 + gamma).

    Exact for up to 100 pairs, normal without a continuity correction beyond.

    References
    ----------
    Rosenbaum (2002), Observational Studies, 2nd ed., section 4.3.3.
    """
    chance = gamma / (1 + gamma)
    if len(ranks) > EXACT_PAIRS:
        return signed_rank_normal(ranks, statistic, gamma)
    halves = np.rint(2 * ranks).astype(np.int64)
    distribution = np.zeros(int(halves.sum()) + 1)
    distribution[0] = 1.0
    for step in halves:
        shifted = np.zeros_like(distribution)
        shifted[step:] = distribution[: len(distribution) - step]
        distribution = (1 - chance) * distribution + chance * shifted
    at = round(2 * statistic)
    return Tails(_share(distribution[at:]), _share(distribution[: at + 1]))


def signed_rank_normal(ranks: FloatArray, statistic: float, gamma: float) -> Tails:
    """The normal approximation of `signed_rank_tails`."""
    chance = gamma / (1 + gamma)
    return _normal(statistic, chance * ranks.sum(), chance * (1 - chance) * (ranks**2).sum())


def hodges_lehmann(differences: FloatArray, gamma: float) -> tuple[float, float]:
    """The least and the greatest Hodges-Lehmann estimate of a constant effect of treatment that the bias allows.

    An estimate is the shift at which the signed-rank statistic is what would be expected of it: an order statistic of
    the means of pairs of differences, found without forming them.

    References
    ----------
    Rosenbaum (1993), JASA 88, 1250-1253; (2002), section 4.3.4.
    """
    ordered = np.sort(differences)
    everything = len(ordered) * (len(ordered) + 1) / 2
    ends = []
    for chance in (gamma / (1 + gamma), 1 / (1 + gamma)):
        expected = chance * everything
        nearest = round(expected)
        if abs(expected - nearest) < 1e-9 * everything and nearest < everything:
            ends.append((_walsh(ordered, nearest) + _walsh(ordered, nearest + 1)) / 2)
        else:
            ends.append(_walsh(ordered, int(np.ceil(expected - 1e-9 * everything))))
    return ends[0], ends[1]


def _walsh(ordered: FloatArray, place: int) -> float:
    """The mean of two differences (or of one with itself) that is at `place` from the top, by halving."""
    low, high = float(ordered[0]), float(np.nextafter(ordered[-1], np.inf))
    count = np.arange(len(ordered))
    while True:
        middle = low + (high - low) / 2
        if not low < middle < high:
            return low
        first = np.searchsorted(ordered, 2 * middle - ordered)
        above = int((len(ordered) - np.maximum(first, count)).sum())
        low, high = (middle, high) if above >= place else (low, middle)


def _normal(statistic: float, mean: float, variance: float) -> Tails:
    if not variance > 0:
        return Tails(float(statistic <= mean), float(statistic >= mean))
    z = (statistic - mean) / np.sqrt(variance)
    return Tails(float(scipy.stats.norm.sf(z)), float(scipy.stats.norm.cdf(z)))


def _share(chances: FloatArray) -> float:
    return float(min(chances.sum(), 1.0))
