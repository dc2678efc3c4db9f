"""Doubly robust means for the treated, on arrays, with the influence of each person."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from impact.comparison.outcome_model import logistic_coefficients
from impact.comparison.sandwich import least_squares
from impact.comparison.score_model import ScoreModel
from impact.errors import ConvergenceError
from impact.frames import BoolArray, FloatArray

EDGE = 1e-9


def augmented_means(
    outcome: FloatArray, known: BoolArray, columns: FloatArray, model: ScoreModel, *, logistic: bool, targeted: bool
) -> tuple[FloatArray, FloatArray]:
    """Mean outcome of the treated, and what it would have been without treatment.

    The outcome without treatment is modelled among the others and predicted for the treated. Then the others'
    residuals, weighted by the odds of treatment, correct the mean of the predictions (augmented weighting), or tilt the
    predictions until those weighted residuals add up to nothing (targeted likelihood).

    Parameters
    ----------
    outcome : array, shape (n,)
        Of everyone in the score's model, any number where it is not known; from 0 to 1 where `logistic` or `targeted`.
    known : array, shape (n,)
        Whose outcome is known: the others only help to estimate the score.
    columns : array, shape (n, k)
        Of the outcome's model, the intercept among them, independent among the comparison people.
    model : ScoreModel

    Returns
    -------
    means : array, shape (2,)
    influence : array, shape (n, 2)
        With the estimation of both models counted; columns add up to 0.

    Raises
    ------
    ConvergenceError
        Where the outcome's model has no finite solution.
    """
    treated, others = model.treated & known, ~model.treated & known
    odds = np.where(others, model.chance / (1 - model.chance), 0.0)
    if logistic:
        beta = logistic_coefficients(columns[others], outcome[others], np.ones(int(others.sum())))
        if beta is None:
            raise ConvergenceError(
                "The logistic model of the outcome among the comparison people has no finite solution. Name fewer "
                "covariates in adjust, or use model='linear'."
            )
    else:
        beta = least_squares(columns[others], outcome[others], np.ones(int(others.sum())))[0]
    linear = columns @ beta
    predicted = expit(linear) if logistic else linear
    slope = predicted * (1 - predicted) if logistic else np.ones(len(outcome))
    bread = np.linalg.inv((columns * (others * slope)[:, None]).T @ columns)
    of_model = (columns * (others * (outcome - predicted))[:, None]) @ bread
    size, total = treated.sum(), odds.sum()
    own = (treated * (outcome - outcome[treated].mean())) / size
    means = np.array([outcome[treated].mean(), np.nan])
    if targeted:
        inside = np.clip(predicted, EDGE, 1 - EDGE)
        tilt = _tilt(outcome, logit(inside), odds)
        tilted = expit(logit(inside) + tilt)
        spread = tilted * (1 - tilted)
        means[1] = tilted[treated].mean()
        pull = spread[treated].mean() / (odds @ spread)
        residual = odds * (outcome - tilted)
        free = (predicted > EDGE) & (predicted < 1 - EDGE)
        change = free * (1.0 if logistic else 1 / np.where(free, predicted * (1 - predicted), 1.0))
        in_model = (treated * spread / size - pull * odds * spread) * change
        influence = treated * (tilted - means[1]) / size + pull * residual
        in_score = pull * residual
    else:
        residual = odds * (outcome - predicted)
        correction = residual.sum() / total
        average = predicted[treated].mean()
        means[1] = average + correction
        in_model = slope * (treated / size - odds / total)
        influence = treated * (predicted - average) / size + (residual - odds * correction) / total
        in_score = (residual - odds * correction) / total
    influence = influence + of_model @ (columns.T @ in_model) + model.influence @ (model.matrix.T @ in_score)
    return means, np.stack([own, influence], axis=1)


def _tilt(outcome: FloatArray, linear: FloatArray, odds: FloatArray) -> float:
    """The constant on the log-odds of the predictions that makes Σ odds (y − prediction) nothing."""
    used = odds > 0
    found = logistic_coefficients(np.ones((int(used.sum()), 1)), outcome[used], odds[used], offset=linear[used])
    if found is None:
        raise ConvergenceError(
            "The predictions could not be targeted: the comparison people that count have all the same outcome. Use "
            "estimator='aipw'."
        )
    return float(found[0])
