"""The largest groups that are alike on average, on arrays: cardinality matching by mixed integer programming."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from impact.errors import ConvergenceError
from impact.frames import BoolArray, FloatArray, IntArray

NODES = 2_000
"""Branches of the search before it is given up."""


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
    found = milp(
        -treated.astype(float),
        integrality=np.ones(n),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(table, low, high),
        options={"node_limit": NODES, "mip_rel_gap": 0.0},
    )
    if found.status != 0 or found.x is None:
        raise ConvergenceError(
            f"The largest groups that are alike were not found within {NODES:,} branches of the search. "
            "Widen tolerance a little, name fewer covariates or levels, or use method='optimal' with a caliper."
        )
    kept: BoolArray = found.x > 0.5
    return kept
