"""Squares of covariates and products of pairs of them, as terms on which balance can be judged too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from impact.comparison.covariates import Covariate
from impact.comparison.likeness import is_binary
from impact.frames import BoolArray, FloatArray

Term = tuple[str, FloatArray, BoolArray]
"""Its name, its values, and where they are known."""


def terms_of(covariates: Sequence[Covariate], *, squares: bool, interactions: bool) -> Iterator[Term]:
    """The covariates level by level, then the squares of those that are not 0 and 1, then the products of each pair.

    A product that is the same for everyone (a man in a place without men) is no term. One term stands in memory at a
    time.
    """
    for one in covariates:
        for name, values in one.terms():
            yield name, values, ~one.missing
    for one in covariates if squares else ():
        if one.levels is None and not is_binary(one.values[~one.missing]):
            yield f"{one.name}²", one.values**2, ~one.missing
    for first, second in combinations(covariates, 2) if interactions else ():
        known = ~(first.missing | second.missing)
        for left, some in first.terms():
            for right, others in second.terms():
                values = some * others
                if (values[known] != values[known][:1]).any():
                    yield f"{left} × {right}", values, known
