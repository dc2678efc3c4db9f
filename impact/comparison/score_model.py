"""The model behind a propensity score, for errors that count its estimation: its columns, and what each person adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.comparison.propensity import Propensity
from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, FloatArray

REPRODUCED = 1e-6
WEIGHTS = ("ATT", "ATE", "ATO")


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """A logistic score of everyone.

    Attributes
    ----------
    matrix : array, shape (n, p)
        Independent columns of the model.
    linear, chance : array, shape (n,)
        Log-odds and probability of treatment.
    treated : array, shape (n,)
    """

    matrix: FloatArray
    linear: FloatArray
    chance: FloatArray
    treated: BoolArray

    @property
    def influence(self) -> FloatArray:
        """What each person adds to the coefficients: I⁻¹xᵢ(dᵢ − eᵢ), shape (n, p)."""
        spread = self.chance * (1 - self.chance)
        information = (self.matrix * spread[:, None]).T @ self.matrix
        return np.asarray(np.linalg.solve(information, (self.matrix * (self.treated - self.chance)[:, None]).T).T)

    def weights(self, estimand: str) -> tuple[FloatArray, FloatArray]:
        """Weights for an estimand, and the slope of their logarithms in the log-odds."""
        e, d = self.chance, self.treated
        if estimand == "ATT":
            return np.where(d, 1.0, e / (1 - e)), np.where(d, 0.0, 1.0)
        if estimand == "ATE":
            return np.where(d, 1 / e, 1 / (1 - e)), np.where(d, -(1 - e), e)
        return np.where(d, 1 - e, e), np.where(d, -e, 1 - e)


def score_model(propensity: Propensity) -> ScoreModel:
    """The model of a propensity score estimated by logistic regression.

    Raises
    ------
    InputError
        For a score that was given.
    """
    if not isinstance(propensity, Propensity):
        raise InputError(f"propensity must be the result of propensity(), not {type(propensity).__name__}.")
    if propensity.matrix is None:
        raise InputError(
            f"The score is the column {propensity.given} as it stands, not a probability estimated here; its "
            "estimation cannot be counted."
        )
    treated = propensity.data[propensity.treatment].to_numpy(dtype=float) == 1
    return ScoreModel(propensity.matrix, propensity.linear.to_numpy(), propensity.score.to_numpy(), treated)


def forbid_other_score(design: Design, propensity: Propensity) -> None:
    """Raise unless the score was made from the people and covariates of the design."""
    if not isinstance(propensity, Propensity):
        raise InputError(f"propensity must be the result of propensity(), not {type(propensity).__name__}.")
    same = (
        propensity.treatment == design.treatment
        and tuple(propensity.covariates) == tuple(design.covariates)
        and propensity.data.index.equals(design.data.index)
    )
    if not same:
        raise InputError("The propensity is not the one that this design was made from: other people or covariates.")


def log_weight_slope(design: Design, model: ScoreModel) -> FloatArray:
    """The slope, in the log-odds, of the logarithm of each weight of the design.

    Raises
    ------
    InputError
        Where the weights of people kept are not, in each group, those of the score times a constant.
    """
    weights = design.weights.to_numpy(dtype=float)
    estimand = next((name for name in WEIGHTS if design.estimand.startswith(name)), None)
    if estimand is not None:
        expected, slope = model.weights(estimand)
        kept = weights > 0
        alike = all(
            np.ptp(weights[side] / expected[side]) <= REPRODUCED * (weights[side] / expected[side]).max()
            for side in (kept & model.treated, kept & ~model.treated)
            if side.any()
        )
        if alike:
            return slope
    raise InputError(
        "The weights of this design are not inverse probability or overlap weights of the propensity given, so how "
        "they change with the score is not known. Leave propensity out: the error then takes the weights as known."
    )
