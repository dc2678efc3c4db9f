"""Tests that coefficients of Cox's model are 0 in numbers: the smaller model, and score statistics in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impact.survival.likelihoods.newton import Maximum, maximise
from impact.survival.likelihoods.partial import Point, Sample, evaluate, information, score_residuals
from impact.survival.numbers.algebra import products
from impact.survival.riskset import IntArray


def without_columns(data: Sample, columns: Sequence[int]) -> tuple[Maximum | None, Point]:
    """The fit without some columns (None where none is left), and the whole likelihood's point there."""
    rest = np.delete(np.arange(len(data.x)), list(columns))
    beta = np.zeros(len(data.x))
    if not len(rest):
        return None, evaluate(data, beta)
    fewer = maximise(data.without(columns))
    beta[rest] = fewer.point.beta
    return fewer, evaluate(data, beta)


def score_statistic(
    data: Sample, point: Point, columns: Sequence[int], *, robust: bool, cluster: IntArray | None
) -> float:
    """The score statistic of the chosen coefficients at the maximum of the others.

    Uᵀ V⁻¹ U, where U is the score less what the other coefficients take up, and V its information, or with `robust`
    the sum of squares of its terms by cluster (Lin and Wei 1989; Boos 1992).
    """
    chosen = np.array(columns)
    rest = np.delete(np.arange(len(data.x)), chosen)
    info = information(data, point)
    taken = np.linalg.solve(info[np.ix_(rest, rest)], info[np.ix_(rest, chosen)]).T
    u = point.score[chosen] - taken @ point.score[rest]
    if robust:
        terms = score_residuals(data, point, cluster)
        terms = terms[chosen] - taken @ terms[rest]
        spread = products(terms, terms)
    else:
        spread = info[np.ix_(chosen, chosen)] - taken @ info[np.ix_(rest, chosen)]
    return float(u @ np.linalg.lstsq(spread, u, rcond=None)[0])
