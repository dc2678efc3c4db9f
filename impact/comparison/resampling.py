"""The bootstrap of matched sets: estimate, error and interval of one effect."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from impact.comparison.arguments import Asked
from impact.comparison.bootstrap import resampled, resampled_ratios, set_sums
from impact.comparison.compared import Compared
from impact.comparison.contrasts import RATIOS, Inference, values
from impact.comparison.effect import Found
from impact.comparison.outcome_model import Terms, coefficients, standardised
from impact.comparison.sandwich import group_ratios
from impact.errors import ConvergenceError
from impact.frames import FloatArray

MOST_LOST = 0.05


def resampled_effect(
    people: Compared, asked: Asked, how: str, terms: Terms | None = None, target: FloatArray | None = None
) -> Found:
    """An effect whose error is that of resamples of the sets.

    Parameters
    ----------
    people : Compared
        Whole sets.
    asked : Asked
    how : str
        How the estimate is made, in words.
    terms, target : optional
        The columns of a regression, and over whom its predictions are averaged.

    Raises
    ------
    ConvergenceError
        Where the estimate, or that of many resamples, has no finite value.
    """
    rng = np.random.default_rng(asked.seed)
    means = group_ratios(people.outcome, people.exposure, people.treated, people.weights, people.clusters).estimates
    first = means
    if terms is None:
        sums = set_sums(people.outcome, people.exposure, people.treated, people.weights, people.clusters)
        drawn = resampled_ratios(sums, asked.replicates, rng)
    else:
        first, estimate = _regression(people, asked, terms, people.weights if target is None else target)
        drawn = resampled(estimate, people.clusters, asked.replicates, rng)
        means = means if asked.model is None else first
    value = float(values(first[:1], first[1:], asked.measure)[0])
    found = values(drawn[:, 0], drawn[:, 1], asked.measure)
    if not np.isfinite(value):
        what = asked.measure.replace("_", " ")
        raise ConvergenceError(f"One group has no events, so the {what} is not finite. Use the difference instead.")
    finite = np.isfinite(found)
    lost = int((~finite).sum())
    if lost > MOST_LOST * asked.replicates:
        raise ConvergenceError(
            f"{lost:,} of {asked.replicates:,} resamples have no finite estimate: there are too few events for a "
            "bootstrap. Use se='cluster' or a difference."
        )
    notes = (f"{lost:,} of {asked.replicates:,} resamples have no finite estimate and are left out.",) if lost else ()
    words = f"{how}; bootstrap of matched sets ({asked.replicates:,} resamples, {asked.interval} interval)"
    return Found(_inference(value, found[finite], asked), means, words, notes)


def _regression(
    people: Compared, asked: Asked, terms: Terms, target: FloatArray
) -> tuple[FloatArray, Callable[[FloatArray], FloatArray | None]]:
    """The two means of a regression, and the same of the times that each person is drawn.

    A coefficient stands for the first mean, beside a second of 0.
    """
    logistic = asked.model == "logistic"
    whole = coefficients(terms.matrix, people.outcome, people.weights, logistic=logistic)
    if whole is None:
        raise ConvergenceError(
            "The logistic model of the outcome has no finite solution. Use model='linear', or fewer covariates."
        )

    def means(beta: FloatArray, times: FloatArray) -> FloatArray:
        if asked.model is None:
            return np.array([beta[1], 0.0])
        return standardised(terms, beta, target * times, logistic=logistic)[0]

    def estimate(times: FloatArray) -> FloatArray | None:
        drawn = times > 0
        weights = (people.weights * times)[drawn]
        beta = coefficients(terms.matrix[drawn], people.outcome[drawn], weights, logistic=logistic, start=whole)
        return None if beta is None else means(beta, times)

    return means(whole, np.ones(len(people.outcome))), estimate


def _inference(value: float, found: FloatArray, asked: Asked) -> Inference:
    error = float(found.std(ddof=1))
    tail = 0.5 - asked.level / 2
    if asked.interval == "normal":
        reach = float(scipy.stats.norm.isf(tail)) * error
        low, high = value - reach, value + reach
    else:
        low, high = (float(one) for one in np.quantile(found, [tail, 1 - tail]))
    statistic = value / error if error > 0 else np.nan
    p_value = 2 * float(scipy.stats.norm.sf(abs(statistic))) if error > 0 else np.nan
    if asked.measure in RATIOS:
        value, low, high = (float(np.exp(one)) for one in (value, low, high))
    return Inference(value, error, statistic, p_value, low, high)
