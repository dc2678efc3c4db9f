"""Random numbers: everything is drawn as uniforms and turned here, so that a world rests on one stable stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NEVER = 10**6
NONE = -(10**6)
"""Days beyond every date of a world: `NEVER` in comparisons, `NONE` for an empty date in a table."""


class Stream:
    """A stream of uniforms with the few shapes that a world needs."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def uniform(self, *shape: int) -> FloatArray:
        """Numbers in (0, 1)."""
        return np.asarray(1.0 - self._generator.random(shape) * (1.0 - 2.0**-40))

    def normal(self, *shape: int) -> FloatArray:
        """Standard normal numbers."""
        return normal(self.uniform(*shape))

    def pick(self, size: int, shares: Sequence[float]) -> IntArray:
        """Codes 0, 1, … in proportion to the shares."""
        return pick(self.uniform(size), shares)

    def between(self, limits: Sequence[int], size: int) -> IntArray:
        """Whole numbers from the first limit to the second, both included."""
        low, high = limits
        span = high - low + 1
        return low + np.minimum(np.floor(self.uniform(size) * span), span - 1).astype(np.int64)

    def chance(self, probability: FloatArray | float, size: int) -> BoolArray:
        """True with the probability given."""
        return np.asarray(self.uniform(size) < probability)


def normal(u: FloatArray) -> FloatArray:
    """Uniforms as standard normal numbers."""
    return np.asarray(ndtri(u))


def pick(u: FloatArray, shares: Sequence[float]) -> IntArray:
    """Uniforms as codes in proportion to the shares."""
    edges = np.cumsum(np.asarray(shares, dtype=float))
    return np.minimum(np.searchsorted(edges / edges[-1], u), len(edges) - 1).astype(np.int64)


def pick_by_row(u: FloatArray, shares: FloatArray) -> IntArray:
    """Uniforms as codes, each with its own row of shares."""
    edges = np.cumsum(shares, axis=1)
    return np.minimum((u[:, None] * edges[:, -1:] > edges).sum(axis=1), shares.shape[1] - 1).astype(np.int64)


def poisson(u: FloatArray, mean: FloatArray, largest: int) -> IntArray:
    """Uniforms as Poisson counts, by inversion, cut at `largest`."""
    count = np.zeros(len(u), dtype=np.int64)
    mass = np.exp(-mean)
    total = mass.copy()
    for value in range(1, largest + 1):
        more = u > total
        if not more.any():
            break
        count[more] = value
        mass = mass * mean / value
        total = total + mass
    return count


def lognormal(u: FloatArray, days: Sequence[float], speed: FloatArray | float = 1.0) -> IntArray:
    """Uniforms as whole days, at least 1, log-normal: `days` is the median and the spread of the logarithm."""
    median, spread = days
    return np.maximum(np.round(median * speed * np.exp(spread * normal(u))), 1).astype(np.int64)


def logistic(x: FloatArray | float) -> FloatArray:
    """The inverse logit."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(x, dtype=float))))


def labels_and_shares(table: Mapping[str, float]) -> tuple[tuple[str, ...], list[float]]:
    """Names and shares of a table of the world, in its order."""
    return tuple(table), [float(share) for share in table.values()]


def spread_out(counts: IntArray) -> tuple[IntArray, IntArray]:
    """For counts a person: the person of each item, and its number within the person (from 0)."""
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - first[owner]
