"""Both sides of a match in an order of their own, which holds nothing of the order of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.comparison.covariates import Covariate, forbid_repeated_labels, read_covariates
from impact.comparison.in_space import Places, partners_in_space
from impact.comparison.later import forbid_later
from impact.comparison.metric import whitened
from impact.comparison.missing import filled
from impact.comparison.nearest import NOBODY, People, with_replacement
from impact.comparison.propensity import Propensity
from impact.frames import BoolArray, Columns, FloatArray, IntArray

ORDERS = ("descending", "ascending", "closest", "random")


@dataclass(frozen=True, slots=True)
class Sides:
    """The people of a match; each side by stratum, then score, then covariates in the formula's order, then label.

    Attributes
    ----------
    treated_rows, comparison_rows : array of int
        Rows of the data.
    treated, comparison : People
        Scores and strata.
    covariates : tuple of Covariate
        On the rows of the data.
    tie : array of int
        On the rows of the data: of people of the same group and score, who stands first.
    """

    treated_rows: IntArray
    comparison_rows: IntArray
    treated: People
    comparison: People
    covariates: tuple[Covariate, ...]
    tie: IntArray

    @property
    def score(self) -> FloatArray:
        """On the rows of the data."""
        values = np.empty(len(self.tie))
        values[self.treated_rows], values[self.comparison_rows] = self.treated.value, self.comparison.value
        return values


@dataclass(frozen=True, slots=True)
class Limits:
    """What keeps partners apart: `reach`, the greatest difference of scores, and `within`, that of other columns."""

    reach: float
    within: Mapping[str, float]
    columns: tuple[FloatArray, ...]

    @property
    def widths(self) -> FloatArray:
        """The limits as an array, the score's first where it has one."""
        score = [self.reach] if np.isfinite(self.reach) else []
        return np.array([*score, *self.within.values()], dtype=float)


def arrange(
    propensity: Propensity, distance: FloatArray, exact: Sequence[str], within: Mapping[str, float], reach: float
) -> tuple[Sides, Limits]:
    """Read the people and put each side in its order.

    Raises
    ------
    InputError
        For a repeated label, a missing value in `exact` or `within`, or a column there that cannot be used.
    """
    columns = Columns(propensity.data)
    forbid_repeated_labels(columns)
    forbid_later(columns, (*exact, *within))
    covariates = read_covariates(columns, propensity.covariates)
    stratum = np.zeros(columns.n, dtype=np.int64)
    for name in exact:
        groups = columns.groups(name)
        columns.forbid(groups.codes < 0, name, "is missing", remedy="make 'unknown' a category of its own.")
        stratum = np.unique(stratum * (len(groups.labels) + 1) + groups.codes, return_inverse=True)[1]
    limited = []
    for name in within:
        values = columns.number(name)
        missing = np.isnan(values) & (name in columns.frame.columns)
        columns.forbid(missing, name, "is missing", remedy="fill it in, or leave it out of within.")
        limited.append(values)
    columns.rows()
    treated = propensity.data[propensity.treatment].to_numpy(dtype=float) == 1
    tie = _ties(distance, treated, covariates, propensity.data.index)
    who, whom = np.flatnonzero(treated), np.flatnonzero(~treated)
    who = who[np.lexsort((tie[who], distance[who], stratum[who]))]
    whom = whom[np.lexsort((tie[whom], distance[whom], stratum[whom]))]
    sides = Sides(
        who,
        whom,
        People(distance[who], stratum[who]),
        People(distance[whom], stratum[whom]),
        tuple(covariates),
        tie,
    )
    return sides, Limits(reach, dict(within), tuple(limited))


def _ties(distance: FloatArray, treated: BoolArray, covariates: Sequence[Covariate], labels: pd.Index) -> IntArray:
    """Who stands first of people with the same score in the same group: by covariates, then by label."""
    tie = np.zeros(len(distance), dtype=np.int64)
    tied = np.flatnonzero(pd.DataFrame({"distance": distance, "treated": treated}).duplicated(keep=False))
    if len(tied):
        rank = pd.factorize(labels[tied], sort=True)[0]
        keys = [covariate.values[tied] for covariate in covariates]
        tie[tied[np.lexsort((rank, *reversed(keys)))]] = np.arange(len(tied))
    return tie


def turns(sides: Sides, order: str, seed: int | None) -> IntArray:
    """Positions among the treated in the order in which they choose; for ``"closest"`` the one that settles ties."""
    rows, value = sides.treated_rows, sides.treated.value
    sign = 1.0 if order == "ascending" else -1.0
    standing = np.lexsort((sides.tie[rows], sign * value))
    if order == "random":
        return standing[np.random.default_rng(seed).permutation(len(standing))]
    return standing


def places(sides: Sides, limits: Limits, at: FloatArray) -> tuple[Places, Places]:
    """Both sides where they stand: `at` has a row for each row of the data."""

    def side(rows: IntArray, people: People) -> Places:
        score = [people.value] if np.isfinite(limits.reach) else []
        limited = [*score, *(column[rows] for column in limits.columns)]
        stacked = np.column_stack(limited) if limited else np.empty((len(rows), 0))
        return Places(at[rows], people.stratum, stacked)

    return side(sides.treated_rows, sides.treated), side(sides.comparison_rows, sides.comparison)


def mahalanobis(sides: Sides, n: int) -> tuple[FloatArray, tuple[str, ...]]:
    """Places of everyone whose distance is Mahalanobis's on the covariates; the terms that have no part in it."""
    treated = np.zeros(n, dtype=bool)
    treated[sides.treated_rows] = True
    terms = [term for covariate in sides.covariates for term in filled(covariate).terms(drop_first=True)]
    at, used = whitened(np.column_stack([values for _, values in terms]), treated)
    return at, tuple(name for (name, _), flag in zip(terms, used, strict=True) if not flag)


def same_stratum(sides: Sides) -> BoolArray:
    """Whether anybody of the comparison side is in each treated person's stratum."""
    answer: BoolArray = np.isin(sides.treated.stratum, sides.comparison.stratum)
    return answer


def near(sides: Sides, limits: Limits, count: int) -> BoolArray:
    """Whether `count` of the comparison side are in each treated person's stratum and within every limit."""
    if limits.within:
        mine, theirs = places(sides, limits, sides.score[:, None])
        found = partners_in_space(mine, theirs, limits.widths, ratio=count, replace=True)[0]
    else:
        found = with_replacement(sides.treated, sides.comparison, reach=limits.reach, ratio=count)
    answer: BoolArray = found[:, count - 1] != NOBODY
    return answer
