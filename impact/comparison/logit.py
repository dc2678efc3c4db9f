"""Logistic regression of treatment: plain functions of arrays, and the diagnosis of separation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from impact.comparison.covariates import independent_columns
from impact.errors import ConvergenceError
from impact.frames import BoolArray, FloatArray, IntArray

EXTREME = 1e-6


@dataclass(frozen=True, slots=True)
class Logit:
    """A fitted logit: coefficient and standard error of each column (NaN where redundant), log-odds of each row."""

    coefficients: FloatArray
    std_errors: FloatArray
    linear: FloatArray
    redundant: BoolArray


def fit_logit(matrix: FloatArray, treated: FloatArray, names: Sequence[str]) -> Logit:
    """Maximum likelihood by Newton's method.

    The rows are put in an order of their own first and rows alike are given one value, so neither the order of the
    rows nor the place of a person in it moves the last digit of a score.

    Parameters
    ----------
    matrix : array, shape (n, p)
        Columns of the model, the intercept among them.
    treated : array, shape (n,)
        0 or 1.
    names : sequence of str
        A name for each column, for the errors.

    Raises
    ------
    ConvergenceError
        Where the groups are separated, or no maximum is reached.
    """
    order = np.lexsort((treated, *matrix.T[::-1]))
    rows, outcome = matrix[order], treated[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    size = np.sqrt(np.mean(rows**2, axis=0))
    scaled = rows / np.where(size > 0, size, 1.0)
    kept = independent_columns(scaled)
    scaled, kept_names = scaled[:, kept], [name for name, keep in zip(names, kept, strict=True) if keep]

    beta, covariance, converged = _newton(scaled, outcome)
    patterns = scaled[first]
    linear = patterns @ beta
    if not converged or np.abs(linear).max() > -np.log(EXTREME):
        pattern = np.cumsum(first) - 1
        people = np.bincount(pattern)
        some = np.bincount(pattern, weights=outcome).astype(float)
        blame = separating(patterns, some, people.astype(np.int64))
        if blame.any():
            raise ConvergenceError(
                f"The propensity model has no finite solution: {_listed(kept_names, blame)} "
                f"separate{'s' if blame.sum() == 1 else ''} the treated from the others (for some of its values, all "
                "people or none are treated). What to do: merge the category with another, leave out the people with "
                "whom nobody of the other group can be compared, or leave the column out."
            )
    if not converged:
        largest = np.abs(beta) >= np.sort(np.abs(beta))[-min(3, len(beta))]
        raise ConvergenceError(
            "The propensity model did not converge; its largest coefficients are those of "
            f"{_listed(kept_names, largest)}. What to do: leave out or transform columns with extreme values, or "
            "simplify the formula."
        )
    everyone = np.empty(len(matrix))
    everyone[order] = linear[np.cumsum(first) - 1]
    coefficients, errors = np.full(len(names), np.nan), np.full(len(names), np.nan)
    coefficients[kept] = beta / size[kept]
    errors[kept] = np.sqrt(np.diag(covariance)) / size[kept]
    return Logit(coefficients, errors, everyone, ~kept)


def _newton(scaled: FloatArray, outcome: FloatArray) -> tuple[FloatArray, FloatArray, bool]:
    p = scaled.shape[1]
    from statsmodels.discrete.discrete_model import Logit as Model

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = Model(outcome, scaled).fit(method="newton", maxiter=50, tol=1e-10, disp=0)
            beta, covariance = np.asarray(fit.params), np.asarray(fit.cov_params())
            good = bool(fit.mle_retvals["converged"]) and bool(np.isfinite(covariance).all())
            return np.nan_to_num(beta), covariance, good
        except (np.linalg.LinAlgError, ValueError):
            return np.zeros(p), np.full((p, p), np.nan), False


def separating(patterns: FloatArray, treated: FloatArray, people: IntArray) -> BoolArray:
    """Which columns separate the groups, wholly or in part; none where the maximum likelihood estimate exists.

    A column that does so alone is named alone; otherwise those with a part in a separating direction, found by a
    linear programme (Konis 2007; Albert and Anderson 1984).

    Parameters
    ----------
    patterns : array, shape (m, p)
        Distinct rows of the model.
    treated, people : array, shape (m,)
        How many treated people, and how many people in all, have each row.
    """
    some, others = treated > 0, treated < people
    alone: BoolArray = np.zeros(patterns.shape[1], dtype=bool)
    for j, column in enumerate(patterns.T):
        inside, outside = column[some], column[others]
        apart = inside.min() >= outside.max() or outside.min() >= inside.max()
        alone[j] = apart and column.min() < column.max()
    if alone.any():
        return alone
    sign = np.where(some & ~others, 1.0, -1.0)
    pure = some != others
    directed = patterns[pure] * sign[pure, None]
    mixed = patterns[~pure]
    answer = scipy.optimize.linprog(
        -directed.sum(axis=0),
        A_ub=-directed,
        b_ub=np.zeros(len(directed)),
        A_eq=mixed if len(mixed) else None,
        b_eq=np.zeros(len(mixed)) if len(mixed) else None,
        bounds=(-1, 1),
        method="highs",
    )
    if answer.x is None or -answer.fun < 1e-6:
        return alone
    blame: BoolArray = np.abs(np.asarray(answer.x)) > 1e-6
    varying: BoolArray = patterns.min(axis=0) < patterns.max(axis=0)
    return blame & varying if (blame & varying).any() else blame


def _listed(names: Sequence[str], chosen: BoolArray) -> str:
    return ", ".join(name for name, pick in zip(names, chosen, strict=True) if pick)
