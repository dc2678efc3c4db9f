"""One outcome read from a design: the people it compares, as arrays, and what becomes of sets that lost somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from impact.comparison.contrasts import RATES, RISKS
from impact.comparison.covariates import Covariate, forbid_repeated_labels, read_covariates, read_treatment
from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray

CONDITIONAL = ("days_to_first",)
"""Outcomes that `im.proven_reoffending` gives only for those who reoffended."""
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Compared:
    """The people used, one entry each but for `standing` and `adjust`.

    Attributes
    ----------
    rows : array
        Positions in the data of the design.
    outcome, exposure, treated, weights, clusters : array
        `clusters` are codes from 0: of the matched set, or of the person.
    standing : array
        Of each set, comparison over treated weight before anyone was left out; empty where sets have no say.
    adjust : tuple of Covariate
        The covariates of a regression of the outcome.
    """

    rows: IntArray
    outcome: FloatArray
    exposure: FloatArray
    treated: BoolArray
    weights: FloatArray
    clusters: IntArray
    standing: FloatArray
    adjust: tuple[Covariate, ...] = ()

    def only(self, keep: BoolArray) -> Compared:
        """Those people alone; codes of clusters and `standing` stay as they are."""
        return replace(
            self,
            rows=self.rows[keep],
            outcome=self.outcome[keep],
            exposure=self.exposure[keep],
            treated=self.treated[keep],
            weights=self.weights[keep],
            clusters=self.clusters[keep],
            adjust=tuple(Covariate(one.name, one.values[keep], one.levels) for one in self.adjust),
        )


def read_compared(
    design: Design,
    outcome: str,
    measure: str,
    *,
    sets: bool = True,
    adjust: Sequence[str] = (),
    time: str | None = None,
    among: str | None = None,
) -> tuple[Compared, tuple[str, ...]]:
    """The people of weight above 0 with every value needed, and what is to be said of those left out.

    Parameters
    ----------
    design : Design
    outcome, measure : str
        The outcome, read as 0 or 1 for risks, a count for rates and a number for means.
    sets : bool
        Whether matched sets, where the design has them, are the clusters.
    adjust, time, among : optional
        Covariates, the column of time at risk, and a column that is 1 for those to compare.

    Raises
    ------
    InputError
        With every fault of the columns.
    """
    columns = Columns(design)
    treated = read_treatment(columns, design.treatment)
    forbid_repeated_labels(columns)
    read = columns.indicator if measure in RISKS else columns.code if measure in RATES else columns.number
    values = read(outcome)
    exposure = np.ones(columns.n) if time is None else columns.number(time, low=0)
    member = np.ones(columns.n) if among is None else columns.indicator(among)
    covariates = read_covariates(columns, adjust)
    keep = columns.rows()
    notes = columns.notes
    if among is not None:
        inside = int(keep.sum())
        keep &= member == 1
        notes = (*notes, _among(among, inside, int(keep.sum())))
        if not keep.any():
            raise InputError(f"Nobody with the outcome has {among} = 1, so there is nobody to compare.")
    elif outcome in CONDITIONAL:
        notes = (*notes, _conditional(f"{outcome} exists only for those who reoffended"))
    codes = columns.cluster(None) if sets else None
    clusters = np.arange(int(keep.sum())) if codes is None else codes[keep]
    weights = design.weights.to_numpy(dtype=float)
    if (clusters < 0).any():
        raise InputError("The design gives weight to people who are in no set. Give everyone of weight above 0 a set.")
    people = Compared(
        np.flatnonzero(keep),
        values[keep],
        exposure[keep],
        treated[keep] == 1,
        weights[keep],
        clusters.astype(np.int64),
        np.empty(0) if codes is None else _standing(codes, treated == 1, weights),
        tuple(Covariate(one.name, one.values[keep], one.levels) for one in covariates),
    )
    return people, notes


def whole_sets(people: Compared) -> tuple[Compared, tuple[str, ...]]:
    """Drop sets with one side only; scale comparison weights so that each set's sides stand as they did.

    Raises
    ------
    InputError
        Where no set has both sides.
    """
    sums = [
        np.bincount(people.clusters, np.where(side, people.weights, 0.0), len(people.standing))
        for side in (people.treated, ~people.treated)
    ]
    both = (sums[0] > 0) & (sums[1] > 0)
    broken = int(((sums[0] > 0) ^ (sums[1] > 0)).sum())
    if not both.any():
        raise InputError("No matched set has the outcome on both sides, so nothing can be compared within sets.")
    keep = both[people.clusters]
    scale = np.where(both, people.standing * sums[0] / np.where(both, sums[1], 1.0), 0.0)
    weights = np.where(people.treated, people.weights, people.weights * scale[people.clusters])
    rescaled = int((both & (np.abs(scale - 1) > 1e-9)).sum())
    notes = []
    if broken:
        lost = int((~keep).sum())
        notes.append(
            f"{broken:,} matched {'set' if broken == 1 else 'sets'} lost one side and {'is' if broken == 1 else 'are'} "
            f"dropped, with {lost:,} more {'person' if lost == 1 else 'people'}: the estimate is about the other sets."
        )
    if rescaled:
        notes.append(
            f"{rescaled:,} {'set' if rescaled == 1 else 'sets'} lost people on one side; the weights left were scaled."
        )
    kept = replace(people, weights=weights).only(keep)
    codes = np.unique(kept.clusters, return_inverse=True)[1].astype(np.int64)
    return replace(kept, clusters=codes, standing=people.standing[both]), tuple(notes)


def enough(people: Compared) -> None:
    """Raise unless each group has at least two people and some time at risk."""
    counts = {"treated": int(people.treated.sum()), "comparison": int((~people.treated).sum())}
    few = [f"{name} {count}" for name, count in counts.items() if count < FEWEST]
    if few:
        raise InputError(f"At least 2 people with the outcome are needed in each group; there are: {', '.join(few)}.")
    for name, side in (("treated", people.treated), ("comparison", ~people.treated)):
        if not people.exposure[side] @ people.weights[side] > 0:
            raise InputError(f"The {name} group has no time at risk.")


def _standing(sets: IntArray, treated: BoolArray, weights: FloatArray) -> FloatArray:
    """Comparison weight over treated weight of each set, 0 where a set has no treated people."""
    inside = sets >= 0
    sides = [np.bincount(sets[inside], np.where(side, weights, 0.0)[inside]) for side in (treated, ~treated)]
    return np.where(sides[0] > 0, sides[1] / np.where(sides[0] > 0, sides[0], 1.0), 0.0)


def _among(name: str, inside: int, kept: int) -> str:
    return _conditional(f"Only the {kept:,} of {inside:,} with {name} = 1 are compared")


def _conditional(what: str) -> str:
    return (
        f"{what}: people are chosen by what came after, so the groups need no longer be alike and the difference is "
        "not an effect on everyone."
    )
