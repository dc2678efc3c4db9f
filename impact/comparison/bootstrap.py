"""Resampling of matched sets, on arrays: sets are drawn whole, and those alike are drawn together as counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from impact.frames import BoolArray, FloatArray, IntArray

BLOCK = 2_000_000
DIGITS = 10


def set_sums(
    outcome: FloatArray, exposure: FloatArray, treated: BoolArray, weights: FloatArray, clusters: IntArray
) -> FloatArray:
    """Of each set: Σwy and Σwe of its treated, then of its others. Shape (sets, 4)."""
    groups = int(clusters.max()) + 1
    parts = [weights * values * side for side in (treated, ~treated) for values in (outcome, exposure)]
    return np.stack([np.bincount(clusters, part, groups) for part in parts], axis=1)


def resampled_ratios(sums: FloatArray, replicates: int, rng: np.random.Generator) -> FloatArray:
    """Σwy / Σwe of either group in each resample of the sets; shape (replicates, 2).

    A resample is the multinomial count of each distinct set, so that nothing depends on the order of the sets; sums
    that differ by rounding alone are one.
    """
    size = np.abs(sums).max(axis=0)
    key = np.round(sums / np.where(size > 0, size, 1.0), DIGITS)
    _, first, copies = np.unique(key, axis=0, return_index=True, return_counts=True)
    distinct = sums[first]
    found = np.empty((replicates, 2))
    for rows, counts in _counts(len(sums), copies / len(sums), replicates, rng):
        total = counts @ distinct
        with np.errstate(divide="ignore", invalid="ignore"):
            found[rows] = total[:, [0, 2]] / total[:, [1, 3]]
    return found


def resampled(
    estimate: Callable[[FloatArray], FloatArray | None],
    clusters: IntArray,
    replicates: int,
    rng: np.random.Generator,
) -> FloatArray:
    """`estimate` of the times that each person is drawn, their set being drawn whole; NaN where it gives nothing.

    Returns
    -------
    array, shape (replicates, 2)
    """
    groups = int(clusters.max()) + 1
    found = np.full((replicates, 2), np.nan)
    for rows, counts in _counts(groups, np.full(groups, 1 / groups), replicates, rng):
        for row, count in zip(range(rows.start, rows.stop), counts, strict=True):
            means = estimate(count[clusters])
            if means is not None:
                found[row] = means
    return found


def _counts(
    draws: int, chances: FloatArray, replicates: int, rng: np.random.Generator
) -> Iterator[tuple[slice, FloatArray]]:
    """Multinomial counts, some resamples at a time."""
    block = max(1, BLOCK // len(chances))
    for start in range(0, replicates, block):
        stop = min(start + block, replicates)
        yield slice(start, stop), rng.multinomial(draws, chances, stop - start).astype(float)
