"""Logistic regression of treatment, with Firth's penalty or without, and the diagnosis of separation, on arrays."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from scipy.special import expit

from impact.comparison.covariates import independent_columns
from impact.errors import ConvergenceError
from impact.frames import BoolArray, FloatArray, IntArray

EXTREME = 1e-6
MOST_STEPS = 200
STILL = 1e-22
NEARLY_STILL = 1e-14


@dataclass(frozen=True, slots=True)
class Logit:
    """A fitted logit: coefficient and standard error of each column (NaN where redundant), log-odds of each row."""

    coefficients: FloatArray
    std_errors: FloatArray
    linear: FloatArray
    redundant: BoolArray


def fit_logit(matrix: FloatArray, treated: FloatArray, names: Sequence[str], *, firth: bool = False) -> Logit:
    """Maximum likelihood by Newton's method, or the maximum of Firth's penalised likelihood.

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
    firth : bool
        Whether half the log determinant of the information is added to the log-likelihood, which has a finite maximum
        where the groups are separated too.

    Raises
    ------
    ConvergenceError
        Where the groups are separated and nothing is added, or no maximum is reached.

    References
    ----------
    Firth (1993), Biometrika 80, 27-38; Heinze and Schemper (2002), Statistics in Medicine 21, 2409-2419.
    """
    order = np.lexsort((treated, *matrix.T[::-1]))
    rows, outcome = matrix[order], treated[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    size = np.sqrt(np.mean(rows**2, axis=0))
    scaled = rows / np.where(size > 0, size, 1.0)
    kept = independent_columns(scaled)
    scaled, kept_names = scaled[:, kept], [name for name, keep in zip(names, kept, strict=True) if keep]

    beta, covariance, converged = (_firth if firth else _newton)(scaled, outcome)
    patterns = scaled[first]
    linear = patterns @ beta
    if not firth and (not converged or np.abs(linear).max() > -np.log(EXTREME)):
        pattern = np.cumsum(first) - 1
        people = np.bincount(pattern)
        some = np.bincount(pattern, weights=outcome).astype(float)
        blame = separating(patterns, some, people.astype(np.int64))
        if blame.any():
            raise ConvergenceError(
                f"The propensity model has no finite solution: {_listed(kept_names, blame)} "
                f"separate{'s' if blame.sum() == 1 else ''} the treated from the others (for some of its values, all "
                "people or none are treated). What to do: merge the category with another, leave out the people with "
                "whom nobody of the other group can be compared, leave the column out, or ask for penalty='firth'."
                + _crowded(outcome, int(kept.sum()))
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


def _crowded(outcome: FloatArray, coefficients: int) -> str:
    """A word on the smaller group where it has not even ten people for each coefficient."""
    fewer = int(min(outcome.sum(), (1 - outcome).sum()))
    if fewer >= 10 * coefficients:
        return ""
    return f" The smaller group has {fewer:,} people for {coefficients} coefficients: fewer covariates may be enough."


def _firth(scaled: FloatArray, outcome: FloatArray) -> tuple[FloatArray, FloatArray, bool]:
    """Steps by the Fisher information, corrected as the slope of the penalised likelihood is learnt (BFGS).

    They are taken in orthogonal columns, in which the maximum is the same.
    """
    p = scaled.shape[1]
    columns, turn = np.linalg.qr(scaled)
    beta = np.zeros(p)
    value, score, inverse = _penalised(columns, outcome, beta)
    curve = inverse
    for _ in range(MOST_STEPS):
        move = curve @ score
        gain = float(move @ score)
        if gain < STILL:
            break
        trial = None
        for halving in range(40):
            there = beta + move / 2**halving
            found = _penalised(columns, outcome, there)
            if found[0] >= value - 1e-13 * (1 + abs(value)):
                trial = (there, *found)
                break
        if trial is None:
            break
        step, bend = trial[0] - beta, score - trial[2]
        beta, value, score, inverse = trial
        along = float(step @ bend)
        curve = inverse
        if along > 0:
            left = np.eye(p) - np.outer(step, bend) / along
            curve = left @ inverse @ left.T + np.outer(step, step) / along
    back = np.linalg.inv(turn)
    return back @ beta, back @ inverse @ back.T, bool(score @ inverse @ score < NEARLY_STILL)


def _penalised(scaled: FloatArray, outcome: FloatArray, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """l(β) + ½ log |I(β)|, its slope Σ (y − π + h (½ − π)) x with h the leverages, and I⁻¹; −∞ where I is singular."""
    linear = scaled @ beta
    chance = expit(linear)
    weight = chance * expit(-linear)
    weighted = scaled * weight[:, None]
    try:
        root = scipy.linalg.cholesky(scaled.T @ weighted, lower=True)
    except (scipy.linalg.LinAlgError, ValueError):
        return -np.inf, np.zeros_like(beta), np.eye(len(beta))
    inverse = scipy.linalg.cho_solve((root, True), np.eye(len(beta)))
    leverage = np.einsum("ij,ij->i", weighted @ inverse, scaled)
    value = float((outcome * linear - np.logaddexp(0, linear)).sum() + np.log(np.diag(root)).sum())
    return value, scaled.T @ (outcome - chance + leverage * (0.5 - chance)), inverse


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
