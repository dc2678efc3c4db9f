"""The effect of treatment on one outcome, in a design fixed before the outcome was named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from impact.comparison.arguments import Asked, check_asked
from impact.comparison.compared import Compared, enough, read_compared, whole_sets
from impact.comparison.contrasts import RATIOS, contrast, infer
from impact.comparison.effect import Effect, Found, effect
from impact.comparison.outcome_model import logistic_regression, standardised, terms
from impact.comparison.propensity import Propensity
from impact.comparison.resampling import resampled_effect
from impact.comparison.sandwich import Fit, group_ratios, ratios_with_score, regression, two_samples
from impact.comparison.score_model import forbid_other_score, log_weight_slope, score_model
from impact.comparison.served import served_effect
from impact.design import Design
from impact.frames import FloatArray


def compare(
    design: Design,
    outcome: str,
    *,
    measure: str,
    se: str = "cluster",
    adjust: str | Sequence[str] = (),
    model: str | None = None,
    time: str | None = None,
    among: str | None = None,
    propensity: Propensity | None = None,
    replicates: int = 2000,
    interval: str = "percentile",
    seed: int = 1,
    level: float = 0.95,
) -> Effect:
    """Compare an outcome between the groups of a design.

    Parameters
    ----------
    design : Design
        From `match` or `weight`, or `whole_sample` for a randomised comparison.
    outcome : str
        A column of its data: 0 or 1 for risks and odds, a count for rates, a number for means.
    measure : str
        ``"risk_difference"``, ``"risk_ratio"``, ``"odds_ratio"``, ``"mean_difference"``, ``"rate_difference"`` or
        ``"rate_ratio"`` (the last two: events per unit of `time`).
    se : {"cluster", "jdl", "abadie-imbens", "bootstrap"}
        ``"cluster"``: sandwich errors summed by matched set, t on sets − 1; by person where the design has no sets.
        ``"jdl"``: the two groups as independent samples, a t-test of their weighted means with effective sizes, as the
        Justice Data Lab reports it (differences of risks and means only; the Lab's own formula is not published).
        ``"abadie-imbens"``: for nearest-neighbour matching with replacement (differences only; needs `propensity`).
        ``"bootstrap"``: matched sets drawn whole.
    adjust : str or sequence of str
        Covariates of a weighted regression of the outcome (``"cluster"`` and ``"bootstrap"``; not for rates).
    model : {"linear", "logistic"}, optional
        What to do with `adjust`. Without it the estimate is the coefficient of treatment in a linear regression
        (differences only). With it the outcome is modelled on treatment, covariates and their products, predicted for
        everyone with and without treatment, and averaged (g-computation): over the treated where the estimand is an
        ATT, over everyone for an ATE, by the design's weights for an ATO.
    time : str, optional
        Time at risk, for rates.
    among : str, optional
        A column that is 1 for those to compare, such as ``"reoffended"`` for days to the first offence. What comes
        after treatment chose them, which the term and a note say.
    propensity : Propensity, optional
        The score that made the design. Needed by ``"abadie-imbens"``; with ``"cluster"`` and inverse probability or
        overlap weights it makes the error count that the score was estimated.
    replicates, interval, seed : int, {"percentile", "normal"}, int
        Of the bootstrap. Its p-value is the normal one under either interval.
    level : float
        Confidence level.

    Returns
    -------
    Effect
        For ratios `std_error` and `statistic` are of the natural logarithm; estimate and interval are the ratio's.

    Raises
    ------
    InputError
        For columns or arguments that cannot be used, an error that does not belong to the design, or an outcome on
        which people were matched.
    ConvergenceError
        Where the estimate has no finite value (a ratio with no events in a group, a logistic model whose terms
        separate the outcome).

    Notes
    -----
    People whose outcome is missing are left out and counted. By matched set (``"cluster"``, ``"bootstrap"``), a set
    left with one side only is dropped whole, and where a set loses some of its people the comparison weights left are
    scaled so that the set's two sides stand to each other as before. ``"jdl"`` knows no sets: those left keep their
    weights. So the two can differ in the estimate where an outcome is missing, and both say what they did.

    Weights are taken as fixed, unless `propensity` says how they came about. For an ATT by inverse probability that
    can be too wide or too narrow; for an ATE it is too wide as a rule. Errors after g-computation are of the effect
    among people with the covariates of these. With about 60 treated people, errors that count the score's estimation,
    and g-computation on weights, undercover (90 to 94 in a hundred for 95); the default less, if at all (93 to 95). How
    each error fares on known truth, by size of sample, is in ``docs/coverage-comparison.md``; ``docs/effects.md`` says
    which belongs to which design.

    References
    ----------
    Abadie and Spiess (2022), JASA 117, 983-995; Liang and Zeger (1986), Biometrika 73, 13-22; Welch (1947), Biometrika
    34, 28-35; Abadie and Imbens (2006), Econometrica 74, 235-267, and (2016), 84, 781-807; Austin and Small (2014),
    Statistics in Medicine 33, 4306-4319, on resampling sets; Robins (1986), Mathematical Modelling 7, 1393-1512, on
    g-computation.

    Examples
    --------
    >>> import pandas as pd
    >>> from impact.comparison.whole import whole_sample
    >>> people = pd.DataFrame({"aid": [1, 1, 1, 1, 0, 0, 0, 0], "again": [0, 1, 0, 0, 1, 1, 0, 1]})
    >>> compare(whole_sample(people, "aid"), "again", measure="risk_difference").estimate
    -0.5
    """
    covariates = (adjust,) if isinstance(adjust, str) else tuple(adjust)
    asked = Asked(measure, se, covariates, model, time, among, propensity, replicates, interval, seed, level)
    check_asked(design, outcome, asked)
    by_set = se in ("cluster", "bootstrap") and design.sets is not None
    people, notes = read_compared(design, outcome, measure, sets=by_set, adjust=covariates, time=time, among=among)
    if by_set:
        people, more = whole_sets(people)
        notes = (*notes, *more)
    enough(people)
    if se == "abadie-imbens":
        found, people, more = served_effect(design, outcome, people, asked)
        notes = (*notes, *more)
    elif se == "jdl":
        fit = two_samples(people.outcome, people.treated, people.weights)
        found = _of_means(fit, asked, "Two-sample t-test of weighted means with effective sample sizes")
    elif covariates:
        found = _adjusted(design, people, asked)
    else:
        found = _weighted(design, people, asked)
    notes = (*notes, *found.notes)
    if not found.inference.std_error > 0:
        notes = (*notes, "The outcome does not vary within the groups, so there is no standard error to go by.")
    counted = measure != "mean_difference"
    return effect(
        measure,
        outcome if among is None else f"{outcome} among those with {among}",
        found.inference,
        level=level,
        counts=(int(people.treated.sum()), int((~people.treated).sum())),
        n_events=int(people.outcome.sum()) if counted else None,
        means=(float(found.means[0]), float(found.means[1])),
        method=f"{found.words}. {design.method}; estimand: {design.estimand}",
        notes=notes,
    )


def _of_means(fit: Fit, asked: Asked, words: str, notes: tuple[str, ...] = ()) -> Found:
    value, error = contrast(fit.estimates, fit.covariance, asked.measure)
    return Found(infer(value, error, fit.df, asked.measure, asked.level), fit.estimates, words, notes)


def _weighted(design: Design, people: Compared, asked: Asked) -> Found:
    """Weighted means or rates."""
    fit = group_ratios(people.outcome, people.exposure, people.treated, people.weights, people.clusters)
    how = "Weighted events over weighted time" if asked.time else "Weighted means"
    if asked.se == "bootstrap":
        return resampled_effect(people, asked, how)
    words, notes = _clustering(design, people)
    if asked.propensity is not None:
        forbid_other_score(design, asked.propensity)
        model = score_model(asked.propensity)
        slope = log_weight_slope(design, model)
        fit = ratios_with_score(
            people.outcome,
            people.exposure,
            people.treated,
            people.weights,
            slope[people.rows],
            people.rows,
            model.matrix,
            model.influence,
        )
        words, notes = "standard error robust, by person, the estimation of the score counted", ()
    scale = "; interval on the log scale" if asked.measure in RATIOS else ""
    return _of_means(fit, asked, f"{how}; {words}{scale}", notes)


def _adjusted(design: Design, people: Compared, asked: Asked) -> Found:
    """A regression coefficient, or means standardised over a model's predictions."""
    found = terms(design.treatment, people.treated, people.adjust, products=asked.model is not None)
    notes: tuple[str, ...] = ()
    if found.left_out:
        notes = (f"Left out of the regression, being constant or a combination: {', '.join(found.left_out)}.",)
    means = group_ratios(people.outcome, people.exposure, people.treated, people.weights, people.clusters).estimates
    listed = ", ".join(asked.adjust)
    if asked.model is None:
        how = f"Weighted linear regression on {listed}"
    else:
        how = f"Standardised means from a weighted {asked.model} regression on {listed}, with products of treatment"
    if asked.se == "bootstrap":
        again = resampled_effect(people, asked, how, found, target_weights(design, people))
        return replace(again, notes=(*notes, *again.notes))
    words, more = _clustering(design, people)
    notes = (*notes, *more)
    logistic = asked.model == "logistic"
    if logistic:
        fit = logistic_regression(found.matrix, people.outcome, people.weights, people.clusters, found.names)
    else:
        fit = regression(found.matrix, people.outcome, people.weights, people.clusters)
    if asked.model is None:
        value, error = float(fit.estimates[1]), float(np.sqrt(fit.covariance[1, 1]))
        return Found(infer(value, error, fit.df, asked.measure, asked.level), means, f"{how}; {words}", notes)
    target = target_weights(design, people)
    standard, slopes = standardised(found, fit.estimates, target, logistic=logistic)
    scale = "; interval on the log scale" if asked.measure in RATIOS else ""
    return _of_means(Fit(standard, slopes @ fit.covariance @ slopes.T, fit.df), asked, f"{how}; {words}{scale}", notes)


def target_weights(design: Design, people: Compared) -> FloatArray:
    """Over whom predictions are averaged: the treated, everyone, or everyone by weight."""
    if design.estimand.startswith("ATT"):
        return np.where(people.treated, people.weights, 0.0)
    return np.ones(len(people.weights)) if design.estimand.startswith("ATE") else people.weights


def _clustering(design: Design, people: Compared) -> tuple[str, tuple[str, ...]]:
    if design.sets is not None:
        return f"standard error clustered by matched set ({int(people.clusters.max()) + 1:,} sets)", ()
    words = "standard error robust, by person"
    if (people.weights == 1).all():
        return words, ()
    return words, ("The design has no sets, so the standard error takes people as independent and weights as fixed.",)
