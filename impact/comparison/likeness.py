"""How alike two groups are in one term, on arrays: means, spreads and distribution functions, in a few passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.frames import BoolArray, FloatArray, IntArray

NUMBERS = ("mean_treated", "mean_comparison", "smd", "variance_ratio", "ks", "ecdf_mean")
ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Side:
    """The weights of one group, what they and their squares add up to, and how many are above 0."""

    weights: FloatArray
    total: float
    squares: float
    people: int

    @classmethod
    def of(cls, weights: FloatArray) -> Side:
        """With its sums."""
        return cls(weights, float(weights.sum()), float((weights**2).sum()), int(np.count_nonzero(weights)))


@dataclass(frozen=True, slots=True)
class Sample:
    """The weights of one sample: of the treated, of the others, and of all, the others' below 0.

    In `signed` the weights of each group add up to 1; it is None where a group has no weight.
    """

    treated: Side
    comparison: Side
    signed: FloatArray | None


def sample_of(weights: FloatArray, treated: BoolArray) -> Sample:
    """The weights of one sample by group."""
    top, bottom = Side.of(weights[treated]), Side.of(weights[~treated])
    signed = None
    if top.total > 0 and bottom.total > 0:
        signed = np.where(treated, weights / top.total, -weights / bottom.total)
    return Sample(top, bottom, signed)


def likeness(
    values: FloatArray, treated: BoolArray, samples: Sequence[Sample], *, pooled: bool
) -> tuple[list[dict[str, float]], bool]:
    """The numbers of one term in each sample, none missing; and whether it had the usual standard deviation.

    Parameters
    ----------
    values, treated : arrays, shape (n,)
    samples : sequence of Sample
        Of the same people.
    pooled : bool
        Whether to standardise by both groups' variances; otherwise by that of the treated.
    """
    if not len(values) or not treated.any() or treated.all():
        return [dict.fromkeys(NUMBERS, np.nan) for _ in samples], True
    binary = is_binary(values)
    sides = values[treated], values[~treated]
    spread, usual = _denominator(values, sides, binary=binary, pooled=pooled)
    apart = [(np.nan, np.nan)] * len(samples) if binary else _apart(values, samples)
    return [
        _numbers(sides, sample, spread, distances, binary=binary)
        for sample, distances in zip(samples, apart, strict=True)
    ], usual


def is_binary(values: FloatArray) -> bool:
    """Whether every value is 0 or 1."""
    return bool(((values == 0) | (values == 1)).all())


def weighted_moments(values: FloatArray, side: Side) -> tuple[float, float]:
    """The mean, and Σw(x − m)² Σw / ((Σw)² − Σw²): the usual variance where weights are equal, NaN for one person.

    Below the rounding of the mean the variance is 0.
    """
    work = side.weights * values
    mean = float(work.sum() / side.total)
    if side.people < 2:
        return mean, float("nan")
    np.subtract(values, mean, out=work)
    work *= work
    work *= side.weights
    variance = float(work.sum() * side.total / (side.total**2 - side.squares))
    return mean, variance if variance > (ROUNDING * mean) ** 2 else 0.0


def _numbers(
    sides: tuple[FloatArray, FloatArray],
    sample: Sample,
    spread: float,
    distances: tuple[float, float],
    *,
    binary: bool,
) -> dict[str, float]:
    if sample.signed is None:
        return dict.fromkeys(NUMBERS, np.nan)
    (mean, top), (other, bottom) = (
        weighted_moments(x, side) for x, side in zip(sides, (sample.treated, sample.comparison), strict=True)
    )
    apart = mean - other
    smd = apart / spread if spread > 0 else np.nan
    if abs(apart) <= 1e-12 * max(abs(mean), abs(other)):
        smd = 0.0
    ks, ecdf = (abs(apart), abs(apart)) if binary else distances
    ratio = top / bottom if not binary and bottom > 0 else np.nan
    return dict(zip(NUMBERS, (mean, other, smd, ratio, ks, ecdf), strict=True))


def _denominator(
    values: FloatArray, sides: tuple[FloatArray, FloatArray], *, binary: bool, pooled: bool
) -> tuple[float, bool]:
    """The standard deviation of the treated (or of both), or of everyone where that is zero; whether it was usual."""
    parts = sides if pooled else sides[:1]
    variance = float(np.mean([_variance(part, binary=binary) for part in parts]))
    if variance > 0:
        return float(np.sqrt(variance)), True
    everyone = _variance(values, binary=binary)
    return float(np.sqrt(everyone)), everyone == 0


def _variance(values: FloatArray, *, binary: bool) -> float:
    if binary:
        return float(values.mean() * (1 - values.mean()))
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def _apart(values: FloatArray, samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """The greatest and the mean distance of the distribution functions, for each sample."""
    order = np.argsort(values)
    ascending = values[order]
    ends: BoolArray | None = ascending[1:] != ascending[:-1]
    if ends is not None and ends.all():
        ends = None
    return [_of_functions(sample.signed, order, ends) for sample in samples]


def _of_functions(signed: FloatArray | None, order: IntArray, ends: BoolArray | None) -> tuple[float, float]:
    if signed is None:
        return np.nan, np.nan
    apart = signed[order]
    np.cumsum(apart, out=apart)
    apart = apart[:-1] if ends is None else apart[:-1][ends]
    np.abs(apart, out=apart)
    return (float(apart.max()), float(apart.mean())) if len(apart) else (0.0, 0.0)
