"""Strata in which treated people are compared with everyone else there: exact, coarsened and subclass matching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from impact.comparison.covariates import Covariate
from impact.errors import InputError
from impact.frames import BoolArray, FloatArray, IntArray
from impact.results import number

Cutpoints = Mapping[str, int | Sequence[float]]


def joined(codes: Sequence[IntArray], n: int) -> IntArray:
    """One code from 0 for each combination there is of several."""
    together = np.zeros(n, dtype=np.int64)
    for code in codes:
        values = np.unique(code, return_inverse=True)[1]
        together = np.unique(together * (int(values.max(initial=0)) + 1) + values, return_inverse=True)[1]
    return together


def exactly(covariate: Covariate) -> IntArray:
    """A code for each value."""
    return np.unique(covariate.values, return_inverse=True)[1].astype(np.int64)


def coarsened(covariate: Covariate, cut: int | Sequence[float] | None) -> tuple[IntArray, str]:
    """A code for each range of values, and the ranges in words.

    Without cutpoints a number of more than two values is cut into ranges of equal width, as many as Sturges's rule
    says: the whole number at or above log₂ n, and one more. A value at a cutpoint belongs to the range above it.

    References
    ----------
    Iacus, King and Porro (2012), Political Analysis 20, 1-24; Sturges (1926), JASA 21, 65-66.
    """
    values = covariate.values
    if covariate.levels is not None or (cut is None and len(np.unique(values)) <= 2):
        return exactly(covariate), f"{covariate.name} by value"
    if cut is None or isinstance(cut, int):
        bins = int(np.ceil(np.log2(len(values)))) + 1 if cut is None else cut
        edges = np.linspace(values.min(), values.max(), bins + 1)[1:-1]
        words = f"{covariate.name} in {bins} equal ranges"
    else:
        edges = np.asarray(cut, dtype=float)
        words = f"{covariate.name} at {', '.join(number(edge) for edge in edges)}"
    return np.searchsorted(edges, values, side="right").astype(np.int64), words


def subclasses_of(score: FloatArray, treated: BoolArray, count: int) -> IntArray:
    """A code for each of `count` subclasses with equal numbers of the treated; a score at a bound is in the upper.

    References
    ----------
    Rosenbaum and Rubin (1984), JASA 79, 516-524.
    """
    bounds = np.quantile(score[treated], np.arange(1, count) / count)
    return np.searchsorted(np.unique(bounds), score, side="right").astype(np.int64)


def stratum_weights(stratum: IntArray, treated: BoolArray) -> FloatArray:
    """1 for the treated, treated over others for the others of their stratum; 0 where one side is missing."""
    top = np.bincount(stratum, treated)
    others = np.bincount(stratum, ~treated)
    share = np.divide(top, others, out=np.zeros(len(top)), where=others > 0)
    return np.where(treated, (others > 0).astype(float)[stratum], share[stratum])


def check_cutpoints(cutpoints: Cutpoints, covariates: Sequence[str]) -> dict[str, int | tuple[float, ...]]:
    """The cutpoints of each covariate as a whole number of ranges or ascending numbers.

    Raises
    ------
    InputError
        For a name that is no covariate, or cutpoints that are neither.
    """
    if not isinstance(cutpoints, Mapping):
        raise InputError("cutpoints must be a mapping from covariates to cutpoints, such as {'age': [21, 25, 30]}.")
    found: dict[str, int | tuple[float, ...]] = {}
    faults = []
    for name, cut in cutpoints.items():
        if name not in covariates:
            faults.append(f"cutpoints has {name}, which is not a covariate")
        elif isinstance(cut, int | np.integer) and not isinstance(cut, bool):
            if cut < 1:
                faults.append(f"cutpoints of {name} must be 1 range or more, not {cut}")
            found[name] = int(cut)
        else:
            try:
                edges = tuple(float(edge) for edge in cut)  # type: ignore[union-attr]
            except (TypeError, ValueError):
                edges = ()
            if not edges or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
                faults.append(f"cutpoints of {name} must be a whole number or ascending numbers")
            found[name] = edges
    if faults:
        raise InputError("match() cannot use its cutpoints: " + "; ".join(faults) + ".")
    return found
