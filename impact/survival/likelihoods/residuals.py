"""Residuals of Cox's model in numbers, exact under Efron's ties, with strata, delayed entry and weights.

Therneau and Grambsch (2000), sections 4.2 to 4.6, 6.2 and 7.2, and appendix E.2 for tied deaths.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.survival.likelihoods.partial import Maximum, Point, Sample, score_residuals
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.outcome import Outcome
from impact.survival.riskset import FloatArray, over_time

KINDS = ("martingale", "deviance", "score", "schoenfeld", "scaled-schoenfeld", "dfbeta", "dfbetas")


def expected_events(data: Sample, point: Point) -> FloatArray:
    """The hazard each row met while at risk, (n,); a death meets only its share of its own cell's denominators."""
    met = over_time(data.sets, point.hazard)
    met[data.events] -= point.tied[data.cells]
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
    mass = data.step_weight * np.bincount(data.step_cell, minlength=data.sets.size)
    mean = (point.hazard * point.sums - point.tied * point.tied_sums) / mass
    return data.x[:, data.events] - mean[:, data.cells]


def residual_table(
    kind: str,
    data: Sample,
    found: Maximum,
    matrix: Matrix,
    outcome: Outcome,
    index: pd.Index,
    clusters: pd.Series | None,
) -> pd.Series | pd.DataFrame:
    """Residuals in the units of the data, on the index of its rows, or summed on that of the clusters."""
    point = found.point
    if kind in ("martingale", "deviance"):
        values = (outcome.event - expected_events(data, point))[None, :]
    elif kind.endswith("schoenfeld"):
        values = np.full((len(matrix.names), len(outcome.event)), np.nan)
        own = schoenfeld(data, point)
        if kind == "schoenfeld":
            values[:, data.events] = own * matrix.scale[:, None]
        else:
            moved = len(data.events) * np.linalg.solve(found.information, own) + point.beta[:, None]
            values[:, data.events] = moved / matrix.scale[:, None]
    else:
        values = score_residuals(data, point)
        if kind == "score":
            values *= matrix.scale[:, None]
            if data.weights is not None:
                values /= data.weights
        else:
            inverse = np.linalg.inv(found.information)
            unit = np.sqrt(np.diag(inverse)) if kind == "dfbetas" else matrix.scale
            values = (inverse / unit[:, None]) @ values
    events = outcome.event
    if clusters is None:
        rows = index
        whole = np.full((len(values), len(index)), np.nan)
        whole[:, outcome.keep] = deviance(values, events) if kind == "deviance" else values
        values = whole
    else:
        codes, labels = pd.factorize(clusters[outcome.keep], sort=True)
        rows = pd.Index(labels, name=clusters.name)
        values = np.stack([np.bincount(codes, row, len(rows)) for row in values])
        if kind == "deviance":
            values = deviance(values, np.bincount(codes, events, len(rows)).astype(float))
    if kind in ("martingale", "deviance"):
        return pd.Series(values[0], rows, name=kind)
    return pd.DataFrame(values.T, rows, columns=list(matrix.names))
