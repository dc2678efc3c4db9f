"""Doubly robust effects on the treated: right where the score or the model of the outcome is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impact.comparison.augmented import augmented_means
from impact.comparison.contrasts import MEASURES, RATES, RATIOS, RISKS, contrast, infer
from impact.comparison.covariates import Covariate, forbid_missing, forbid_outcome, independent_columns, read_covariates
from impact.comparison.effect import Effect, effect
from impact.comparison.outcome_model import MODELS
from impact.comparison.propensity import Propensity
from impact.comparison.score_model import ScoreModel, score_model
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, check_choice, check_level

ESTIMATORS = ("aipw", "tmle")
HEAVY = 0.1


def doubly_robust(
    propensity: Propensity,
    outcome: str,
    *,
    measure: str,
    estimator: str = "aipw",
    model: str | None = None,
    adjust: str | Sequence[str] | None = None,
    level: float = 0.95,
) -> Effect:
    """The effect on the treated (ATT) from a score and a model of the outcome together.

    The outcome without treatment is modelled among the comparison people and predicted for the treated; the comparison
    people's residuals, weighted by their odds of treatment, correct the prediction. The estimate is consistent where
    either the score or the model of the outcome is right.

    Parameters
    ----------
    propensity : Propensity
        The score, estimated by logistic regression, and its people. Nobody is matched or left out.
    outcome : str
        A column of its data: 0 or 1 for risks and odds, a number for means.
    measure : str
        ``"risk_difference"``, ``"risk_ratio"``, ``"odds_ratio"`` or ``"mean_difference"``.
    estimator : {"aipw", "tmle"}
        ``"aipw"``: augmented inverse probability weighting, its weights adding up to 1. ``"tmle"``: targeted maximum
        likelihood, whose predictions stay between 0 and 1 (for a mean, between the least and the greatest value seen).
    model : {"logistic", "linear"}, optional
        Of the outcome: logistic for outcomes of 0 and 1, linear for means, unless said.
    adjust : str or sequence of str, optional
        Covariates of the model of the outcome; those of the score unless said.
    level : float
        Confidence level.

    Returns
    -------
    Effect
        `mean_comparison` is what the treated would have had without treatment. Standard errors are of the influence
        function with the estimation of both models counted (stacked estimating equations), so they hold where one of
        the models is wrong; t on the number of treated people less one.

    Raises
    ------
    InputError
        For columns or arguments that cannot be used.
    ConvergenceError
        Where a model has no finite solution, or a ratio is not finite.

    Notes
    -----
    Neither way mends a lack of overlap: look at ``propensity.overlap()`` first. A comparison person who carries more
    than a tenth of the weight is noted. There is no cross-fitting: both models are parametric, and their estimation is
    counted. Coverage on known truth is in ``docs/coverage-comparison.md``.

    References
    ----------
    Hahn (1998), Econometrica 66, 315-331; Robins, Rotnitzky and Zhao (1994), JASA 89, 846-866; van der Laan and Rose
    (2011), Targeted Learning, chapters 4 and 8; Gruber and van der Laan (2010), International Journal of Biostatistics
    6(1), 26, on bounded outcomes; Stefanski and Boos (2002), The American Statistician 56, 29-38, on stacking.

    Examples
    --------
    >>> import pandas as pd
    >>> from impact.comparison.propensity import propensity
    >>> people = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 1, 0, 0], "age": [20.0, 30, 25, 24, 41, 38, 22, 35]})
    >>> people["again"] = [1, 0, 0, 1, 0, 1, 0, 1]
    >>> found = doubly_robust(propensity("joined ~ age", people), "again", measure="risk_difference", model="linear")
    >>> round(found.estimate, 3)
    0.254
    """
    if not isinstance(propensity, Propensity):
        raise InputError(f"doubly_robust() needs the result of propensity(), not {type(propensity).__name__}.")
    check_choice("measure", measure, MEASURES)
    if measure in RATES:
        raise InputError(f"{measure} is not offered; use mean_difference for the number per person.")
    check_choice("estimator", estimator, ESTIMATORS)
    model = model or ("linear" if measure == "mean_difference" else "logistic")
    check_choice("model", model, MODELS)
    if model == "logistic" and measure == "mean_difference":
        raise InputError("model='logistic' is for outcomes of 0 and 1; for mean_difference use model='linear'.")
    check_level(level)
    names = propensity.covariates if adjust is None else (adjust,) if isinstance(adjust, str) else tuple(adjust)
    if not names:
        raise InputError("adjust names no covariate; leave it out to use those of the score.")
    forbid_outcome(outcome, treatment=propensity.treatment, used=(*propensity.covariates, *names))
    if propensity.treatment in names:
        raise InputError(f"{propensity.treatment} is the treatment; it cannot be adjusted for.")
    scored = score_model(propensity)
    columns = Columns(propensity.data)
    values = columns.indicator(outcome) if measure in RISKS else columns.number(outcome)
    covariates = read_covariates(columns, names)
    forbid_missing(columns, covariates)
    known = columns.rows()
    counts = _enough(known, scored)
    matrix, left_out = _matrix(covariates, known & ~scored.treated)
    low, high = float(values[known].min()), float(values[known].max())
    scale = high - low if estimator == "tmle" and measure == "mean_difference" and high > low else 1.0
    shift = low if scale != 1.0 or (estimator == "tmle" and measure == "mean_difference") else 0.0
    means, influence = augmented_means(
        np.where(known, (values - shift) / scale, 0.0),
        known,
        matrix,
        scored,
        logistic=model == "logistic",
        targeted=estimator == "tmle",
    )
    means, influence = shift + scale * means, scale * influence
    n = int(known.sum())
    value, error = contrast(means, n / (n - 1) * influence.T @ influence, measure)
    notes = (*propensity.notes, *columns.notes, *left_out, *_heavy(scored, known))
    if not error > 0:
        notes = (*notes, "The outcome does not vary within the groups, so there is no standard error to go by.")
    how = "Augmented inverse probability weighting" if estimator == "aipw" else "Targeted maximum likelihood"
    tail = "; interval on the log scale" if measure in RATIOS else ""
    return effect(
        measure,
        outcome,
        infer(value, error, counts[0] - 1, measure, level),
        level=level,
        counts=counts,
        n_events=None if measure == "mean_difference" else int(values[known].sum()),
        means=(float(means[0]), float(means[1])),
        method=(
            f"{how}: logistic score on {', '.join(propensity.covariates)}, {model} model of the outcome on "
            f"{', '.join(names)}; influence-function standard error, both models' estimation counted{tail}; "
            "estimand: ATT"
        ),
        notes=notes,
    )


def _enough(known: BoolArray, scored: ScoreModel) -> tuple[int, int]:
    counts = (int((known & scored.treated).sum()), int((known & ~scored.treated).sum()))
    if min(counts) < 2:
        raise InputError(
            f"At least 2 people with the outcome are needed in each group; there are {counts[0]} treated and "
            f"{counts[1]} comparison."
        )
    return counts


def _matrix(covariates: Sequence[Covariate], others: BoolArray) -> tuple[FloatArray, tuple[str, ...]]:
    """Intercept and covariates that are independent among the comparison people, and what was left out."""
    found = [term for covariate in covariates for term in covariate.terms(drop_first=True)]
    matrix = np.column_stack([np.ones(len(others)), *(values for _, values in found)])
    kept = independent_columns(matrix[others])
    if kept.sum() >= others.sum():
        raise InputError(
            f"The model of the outcome has {int(kept.sum())} terms for {int(others.sum())} comparison people: too "
            "many. Name fewer covariates in adjust."
        )
    dropped = ", ".join(name for (name, _), flag in zip(found, kept[1:], strict=True) if not flag)
    words = f"Left out of the model of the outcome, being constant or a combination among comparison people: {dropped}."
    return matrix[:, kept], (words,) if dropped else ()


def _heavy(scored: ScoreModel, known: BoolArray) -> tuple[str, ...]:
    odds = (scored.chance / (1 - scored.chance))[known & ~scored.treated]
    share = float(odds.max() / odds.sum())
    if share <= HEAVY:
        return ()
    return (f"One comparison person carries {share:.0%} of the comparison weight: the groups hardly overlap there.",)
