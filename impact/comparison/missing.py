"""A covariate that is missing for some: its missing values filled in, and an indicator of where they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.comparison.covariates import Covariate
from impact.frames import Columns

SUFFIX = "_missing"
LEVEL = "missing"


@dataclass(frozen=True, slots=True)
class Completed:
    """Covariates without a missing value, the indicators made, and the columns to add to the data."""

    covariates: tuple[Covariate, ...]
    indicators: tuple[Covariate, ...]
    columns: dict[str, pd.Series]


def filled(covariate: Covariate) -> Covariate:
    """A number's missing values as the mean of those known; a category's as a level of their own, after the others."""
    gaps = covariate.missing
    if not gaps.any():
        return covariate
    if covariate.levels is None:
        mean = np.sort(covariate.values[~gaps]).mean()
        return Covariate(covariate.name, np.where(gaps, mean, covariate.values))
    values = np.where(gaps, float(len(covariate.levels)), covariate.values)
    return Covariate(covariate.name, values, (*covariate.levels, LEVEL))


def complete(columns: Columns, covariates: Sequence[Covariate]) -> Completed:
    """Fill in what is missing; faults are left with `columns` to raise."""
    whole: list[Covariate] = []
    indicators: list[Covariate] = []
    added: dict[str, pd.Series] = {}
    index = columns.frame.index
    for covariate in covariates:
        gaps, name = covariate.missing, covariate.name
        if gaps.all() and columns.n:
            if name in columns.frame.columns:
                columns.forbid(gaps, name, "is missing for everyone", remedy="leave the column out.")
            continue
        if gaps.any() and LEVEL in (covariate.levels or ()):
            columns.refuse(f"has missing values beside the level {LEVEL!r}", column=name, remedy="rename that level.")
            continue
        one = filled(covariate)
        whole.append(one)
        if not gaps.any():
            continue
        if one.levels is not None:
            added[name] = pd.Series(
                pd.Categorical.from_codes(one.values.astype(int), categories=pd.Index(one.levels, dtype=object)),
                index=index,
            )
            continue
        mark = f"{name}{SUFFIX}"
        if mark in columns.frame.columns:
            columns.refuse(
                "is there already, and would be the indicator of a missing value", column=mark, remedy="rename it."
            )
        indicators.append(Covariate(mark, gaps.astype(float)))
        added[mark] = pd.Series(gaps.astype(np.int64), index=index)
    return Completed(tuple(whole), tuple(indicators), added)
