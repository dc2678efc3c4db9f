"""The largest groups that are alike on average, on arrays: cardinality matching by mixed integer programming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from impact.errors import ConvergenceError
from impact.frames import BoolArray, FloatArray, IntArray

NODES = 2_000
"""Branches of the search before it is given up."""
SECONDS = 60.0
"""And its time. It has no say in what is found, only in whether the search is given up."""
FREE = 400
WHOLE = 1e-6
GIVEN_UP = (
    "The largest groups that are alike were not found within {:,} branches or {:g} seconds of the search. Widen "
    "tolerance a little, name fewer covariates or levels, or use method='optimal' with a caliper."
)


def largest_alike(
    terms: FloatArray, allowed: FloatArray, treated: BoolArray, stratum: IntArray, ratio: int
) -> BoolArray:
    """Whom to keep: as many treated people as can be, with `ratio` others for each, alike on average in every term.

    Maximise Σ z over the treated, z in {0, 1}, with Σ z of the others `ratio` times that in every stratum and
    |Σ z x (treated) − Σ z x (others) / ratio| ≤ allowed × Σ z (treated) for every term.

    Parameters
    ----------
    terms : array, shape (n, p)
    allowed : array, shape (p,)
        The greatest difference of means.
    treated : array, shape (n,)
    stratum : array, shape (n,)
        Codes from 0.

    Raises
    ------
    ConvergenceError
        Where the search ends before the best way is known.

    References
    ----------
    Zubizarreta, Paredes and Rosenbaum (2014), Annals of Applied Statistics 8, 204-231.
    """
    n, p = terms.shape
    middle = terms[treated].mean(axis=0)
    size = np.abs(terms - middle).max(axis=0, initial=0.0)
    size[size == 0] = 1.0
    centred, room = (terms - middle) / size, allowed / size
    signed = np.where(treated, 1.0, -1.0 / ratio)[:, None] * centred
    slack = np.where(treated, 1.0, 0.0)[:, None] * room
    people = np.arange(n)
    strata = csr_array((np.where(treated, ratio, -1.0), (stratum, people)), shape=(int(stratum.max()) + 1, n))
    table = vstack([csr_array((signed - slack).T), csr_array((-signed - slack).T), strata])
    high = np.zeros(table.shape[0])
    low = np.concatenate([np.full(2 * p, -np.inf), np.zeros(strata.shape[0])])
    search = Search(-treated.astype(float), LinearConstraint(table, low, high))
    found = search.rounded() if n > FREE else None
    if found is None:
        found = search.whole(np.zeros(n), np.ones(n), SECONDS)
    if found is None:
        raise ConvergenceError(GIVEN_UP.format(NODES, SECONDS))
    kept: BoolArray = found > 0.5
    return kept


@dataclass(frozen=True, slots=True)
class Search:
    """Minimise `cost` (n whole numbers) over z in {0, 1} within the limits."""

    cost: FloatArray
    limits: LinearConstraint

    def rounded(self) -> FloatArray | None:
        """The answer of the search without whole numbers, mended; None unless that is known to be a best one.

        Few people are kept in part by it. They, and `FREE` others spread over all, are chosen anew with everyone else
        held fast. Where that loses less than one of what the search without whole numbers allows, none is better.
        """
        n = len(self.cost)
        relaxed = milp(self.cost, bounds=Bounds(0, 1), constraints=self.limits, options={"time_limit": SECONDS})
        if relaxed.status != 0:
            raise ConvergenceError(GIVEN_UP.format(NODES, SECONDS))
        fixed = np.round(relaxed.x)
        free = np.abs(relaxed.x - fixed) > WHOLE
        free[np.linspace(0, n - 1, FREE).astype(np.int64)] = True
        found = self.whole(np.where(free, 0, fixed), np.where(free, 1, fixed), np.inf)
        bound = np.ceil(relaxed.fun - WHOLE)
        return found if found is not None and self.cost @ np.round(found) <= bound else None

    def whole(self, low: FloatArray, high: FloatArray, seconds: float) -> FloatArray | None:
        """The best z from `low` to `high`, or None where the search ends before it is known."""
        options = {"node_limit": NODES, "mip_rel_gap": 0.0, "time_limit": seconds}
        found = milp(
            self.cost,
            integrality=np.ones(len(self.cost)),
            bounds=Bounds(low, high),
            constraints=self.limits,
            options=options,
        )
        return found.x if found.status == 0 else None
