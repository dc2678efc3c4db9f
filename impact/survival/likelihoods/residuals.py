"""Residuals of Cox's model in numbers, exact under Efron's ties, with strata, delayed entry and weights.

Therneau and Grambsch (2000), sections 4.2 to 4.6, 6.2 and 7.2, and appendix E.2 for tied deaths.
"""

from __future__ import annotations

import numpy as np

from impact.survival.likelihoods.partial import Point, Sample, accrued, death_mass
from impact.survival.riskset import FloatArray


def expected_events(data: Sample, point: Point) -> FloatArray:
    """The hazard each row met while at risk, (n,); a death meets only its share of its own cell's denominators."""
    met = accrued(data, point.hazard, point.tied)
    return met * (point.risk if data.weights is None else point.risk / data.weights)


def deviance(martingale: FloatArray, events: FloatArray) -> FloatArray:
    """The martingale residuals made nearly symmetric: sign(M) √(−2 [M + N log(N − M)]), with N events.

    Examples
    --------
    >>> deviance(np.array([0.5, -2.0]), np.array([1.0, 0.0])).round(4)
    array([ 0.6215, -2.    ])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(events > 0, events * np.log((events - martingale) / np.maximum(events, 1)), 0.0)
    return np.sign(martingale) * np.sqrt(np.maximum(-2 * (martingale + logs), 0))


def schoenfeld(data: Sample, point: Point) -> FloatArray:
    """x − x̄ of each death, (p, D); under Efron's ties x̄ is the mean over the denominators of its cell."""
    mean = (point.hazard * point.sums - point.tied * point.tied_sums) / death_mass(data)
    return data.x[:, data.events] - mean[:, data.cells]
