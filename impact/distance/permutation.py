"""The sign-flip test of a mean change: every change could as well have gone the other way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.frames import FloatArray

BLOCK = 4_000_000
TIE = 1e-9
ENUMERATED = 24


@dataclass(frozen=True, slots=True)
class SignFlip:
    """Two-sided p-value of the sum of changes among all, or some random, choices of their signs."""

    p_value: float
    method: str


def sign_flip(changes: FloatArray, resamples: int, seed: int) -> SignFlip:
    """Fisher's randomisation test of paired differences (Fisher 1935, section 21), given their sizes.

    All 2ⁿ choices of signs of the n changes that are not zero are counted where there are no more of them than
    `resamples`: the test is exact. Otherwise `resamples` choices are drawn, and the p-value is (b + 1) / (resamples +
    1) for b draws at least as far from zero as the data (Phipson and Smyth 2010), so it is never 0. Draws of people
    whose changes are of the same size are made together, by the binomial distribution, which is the same thing.

    Parameters
    ----------
    changes : array of float, shape (n,)
        After less before, one for each person; their order does not matter.
    resamples : int
        Choices of signs to draw.
    seed : int
        Seed of the draws.

    Examples
    --------
    >>> sign_flip(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 10_000, 1)
    SignFlip(p_value=0.0625, method='exact')
    """
    moved = changes[changes != 0]
    if not len(moved):
        return SignFlip(float("nan"), "none: no score changed")
    size = np.abs(moved)
    reach = abs(float(moved.sum())) - TIE * float(size.sum())
    if len(moved) <= ENUMERATED and 2 ** len(moved) <= resamples:
        return SignFlip(float((np.abs(_every_sum(size)) >= reach).mean()), "exact")
    beyond = int((np.abs(_random_sums(size, resamples, np.random.default_rng(seed))) >= reach).sum())
    return SignFlip((beyond + 1) / (resamples + 1), f"{resamples:,} resamples")


def _every_sum(size: FloatArray) -> FloatArray:
    sums = np.zeros(1)
    for one in size:
        sums = np.concatenate([sums - one, sums + one])
    return sums


def _random_sums(size: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    values, counts = np.unique(size, return_counts=True)
    sums = np.empty(resamples)
    if len(values) > 0.5 * len(size):
        step = max(1, BLOCK // len(size))
        padded = np.zeros(-(-len(size) // 8) * 8)
        padded[: len(size)] = np.sort(size)
        for start in range(0, resamples, step):
            rows = min(step, resamples - start)
            bits = np.frombuffer(rng.bytes(rows * len(padded) // 8), dtype=np.uint8).reshape(rows, -1)
            sums[start : start + rows] = 2 * (np.unpackbits(bits, axis=1) @ padded)
    else:
        step = max(1, BLOCK // len(values))
        for start in range(0, resamples, step):
            rows = min(step, resamples - start)
            sums[start : start + rows] = 2 * (rng.binomial(counts, 0.5, (rows, len(values))) @ values)
    return sums - size.sum()
