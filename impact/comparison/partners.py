"""Partners for the treated by each method that forms pairs, from people in their own order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.comparison.arguments_of_match import Asked
from impact.comparison.candidates import Candidates, candidates
from impact.comparison.cardinality import largest_alike
from impact.comparison.closest import closest_first
from impact.comparison.full import covered, covered_on_a_line
from impact.comparison.in_space import Places, partners_in_space
from impact.comparison.missing import filled
from impact.comparison.nearest import NOBODY, People, give_back, with_replacement, without_replacement
from impact.comparison.optimal import assigned, paired_on_a_line
from impact.comparison.sides import Limits, Sides, places, turns
from impact.errors import InputError
from impact.frames import BoolArray, FloatArray, IntArray

MOST_PEOPLE = 20_000
"""For cardinality matching."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs in their order: positions among the treated and among the comparison people of `Sides`."""

    who: IntArray
    whom: IntArray


def greedy(sides: Sides, limits: Limits, at: FloatArray, asked: Asked) -> Pairs:
    """Each treated person in turn takes the nearest left; `at` (n, p) holds everyone's place."""
    standing = turns(sides, asked.order, asked.seed)
    closest, ratio, least = asked.order == "closest", asked.ratio, asked.least
    order: list[tuple[int, int]] = []
    if asked.on == "mahalanobis" or limits.within:
        mine, theirs = places(sides, limits, at)
        mine = Places(mine.at[standing], mine.stratum[standing], mine.limited[standing])
        found, order = partners_in_space(
            mine, theirs, limits.widths, ratio=ratio, least=least, replace=asked.replace, closest=closest
        )
    else:
        people = People(sides.treated.value[standing], sides.treated.stratum[standing])
        if closest:
            found, order = closest_first(people, sides.comparison, reach=limits.reach, ratio=ratio, least=least)
        elif asked.replace:
            found = with_replacement(people, sides.comparison, reach=limits.reach, ratio=ratio)
        else:
            found = without_replacement(people, sides.comparison, reach=limits.reach, ratio=ratio, least=least)
    if asked.replace:
        give_back(found, least)
    if closest:
        who, turn = np.array(order, dtype=np.int64).reshape(-1, 2).T
    else:
        who, turn = np.nonzero(found != NOBODY)
    return Pairs(standing[who], found[who, turn])


def optimal(sides: Sides, limits: Limits, at: FloatArray, asked: Asked) -> Pairs:
    """`ratio` partners each at the least total distance."""
    found = None
    if asked.on != "mahalanobis" and not len(limits.widths):
        found = _optimal_by_stratum(sides, at[:, 0], asked.ratio)
    if found is None:
        pairs = _candidates(sides, limits, at)
        found = assigned(pairs, len(sides.treated_rows), len(sides.comparison_rows), asked.ratio)
    return _rows_in_order(sides, found)


def _optimal_by_stratum(sides: Sides, value: FloatArray, ratio: int) -> IntArray | None:
    found = np.full((len(sides.treated_rows), ratio), NOBODY, dtype=np.int64)
    for mine, theirs in _strata(sides):
        here = paired_on_a_line(value[sides.treated_rows[mine]], value[sides.comparison_rows[theirs]], ratio)
        if here is None:
            return None
        found[mine] = np.where(here == NOBODY, NOBODY, here + theirs.start)
    return found


def full(sides: Sides, limits: Limits, at: FloatArray, asked: Asked) -> Pairs:
    """Sets of one treated person and others, or of one of the others and treated, at the least total distance."""
    if asked.on == "mahalanobis" or len(limits.widths):
        pairs = _candidates(sides, limits, at)
        return _in_order(sides, *covered(pairs, len(sides.treated_rows), len(sides.comparison_rows)))
    value, who, whom = at[:, 0], [], []
    for mine, theirs in _strata(sides):
        found = covered_on_a_line(value[sides.treated_rows[mine]], value[sides.comparison_rows[theirs]])
        who.append(found[0] + mine.start)
        whom.append(found[1] + theirs.start)
    nobody = np.empty(0, dtype=np.int64)
    return _in_order(sides, np.concatenate([nobody, *who]), np.concatenate([nobody, *whom]))


def cardinality(sides: Sides, at: FloatArray, asked: Asked) -> Pairs:
    """The largest groups alike on average, then paired at the least total distance."""
    rows = np.concatenate([sides.treated_rows, sides.comparison_rows])
    if len(rows) > MOST_PEOPLE:
        raise InputError(
            f"method='cardinality' takes up to {MOST_PEOPLE:,} people, not {len(rows):,}: use method='optimal', or "
            "match on a sample of the comparison people."
        )
    side = np.arange(len(rows)) < len(sides.treated_rows)
    terms = [term for one in sides.covariates for term in filled(one).terms()]
    matrix = np.column_stack([values[rows] for _, values in terms])
    spread = np.where(np.ptp(matrix[side], axis=0) > 0, matrix[side].std(axis=0), matrix.std(axis=0))
    stratum = np.concatenate([sides.treated.stratum, sides.comparison.stratum])
    kept = largest_alike(matrix, asked.tolerance * spread, side, stratum, asked.ratio)
    mine, theirs = np.flatnonzero(kept[side]), np.flatnonzero(kept[~side])
    chosen = Sides(
        sides.treated_rows[mine],
        sides.comparison_rows[theirs],
        People(sides.treated.value[mine], sides.treated.stratum[mine]),
        People(sides.comparison.value[theirs], sides.comparison.stratum[theirs]),
        sides.covariates,
        sides.tie,
    )
    found = _optimal_by_stratum(chosen, at[:, 0], asked.ratio)
    assert found is not None
    pairs = _rows_in_order(chosen, found)
    return Pairs(mine[pairs.who], theirs[pairs.whom])


def _candidates(sides: Sides, limits: Limits, at: FloatArray) -> Candidates:
    mine, theirs = places(sides, limits, at)
    return candidates(mine, theirs, (sides.treated, sides.comparison), limits.widths, limits.reach)


def _strata(sides: Sides) -> list[tuple[slice, slice]]:
    """Where each stratum with people on both sides stands on each side."""
    common = np.intersect1d(sides.treated.stratum, sides.comparison.stratum)
    bounds = [
        (np.searchsorted(side.stratum, common), np.searchsorted(side.stratum, common, side="right"))
        for side in (sides.treated, sides.comparison)
    ]
    return [(slice(int(a), int(b)), slice(int(c), int(d))) for a, b, c, d in zip(*bounds[0], *bounds[1], strict=True)]


def _rows_in_order(sides: Sides, found: IntArray) -> Pairs:
    who, turn = np.nonzero(found != NOBODY)
    return _in_order(sides, who, found[who, turn])


def _in_order(sides: Sides, who: IntArray, whom: IntArray) -> Pairs:
    """The highest scores first."""
    rank = np.empty(len(sides.treated_rows), dtype=np.int64)
    rank[turns(sides, "descending", None)] = np.arange(len(rank))
    order = np.lexsort((whom, rank[who]))
    return Pairs(who[order], whom[order])


def sets_of(pairs: Pairs, n_treated: int, n_comparison: int) -> tuple[IntArray, IntArray]:
    """The set of everyone on each side, numbered from 1 in the order of the pairs, 0 for nobody's.

    Every set is a star: it has one treated person, or one comparison person.
    """
    many = np.bincount(pairs.whom, minlength=n_comparison) > 1
    centre = np.where(many[pairs.whom], pairs.whom + n_treated, pairs.who)
    seen, first, code = np.unique(centre, return_index=True, return_inverse=True)
    number = np.empty(len(seen), dtype=np.int64)
    number[np.argsort(first)] = np.arange(1, len(seen) + 1)
    mine, theirs = np.zeros(n_treated, dtype=np.int64), np.zeros(n_comparison, dtype=np.int64)
    mine[pairs.who] = theirs[pairs.whom] = number[code]
    return mine, theirs


def shared_weights(pairs: Pairs, sets: tuple[IntArray, IntArray] | None, n_comparison: int) -> FloatArray:
    """Comparison weights: of each set the treated over the others; without sets 1 / partners of each one served."""
    if sets is None:
        partners = np.bincount(pairs.who)
        return np.bincount(pairs.whom, 1.0 / partners[pairs.who], n_comparison).astype(float)
    top, others = (np.bincount(side, minlength=int(max(one.max() for one in sets)) + 1) for side in sets)
    inside: BoolArray = sets[1] > 0
    return np.where(inside, (top / np.maximum(others, 1))[sets[1]], 0.0)
