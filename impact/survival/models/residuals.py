"""Residuals of Cox's model as tables, in the units of the data and on the index of its rows or clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.survival.likelihoods.newton import Maximum
from impact.survival.likelihoods.partial import Sample, score_residuals
from impact.survival.likelihoods.residuals import deviance, expected_events, schoenfeld
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.outcome import Outcome

KINDS = ("martingale", "deviance", "score", "schoenfeld", "scaled-schoenfeld", "dfbeta", "dfbetas")


def residual_table(
    kind: str,
    data: Sample,
    found: Maximum,
    matrix: Matrix,
    outcome: Outcome,
    index: pd.Index,
    clusters: pd.Series | None,
) -> pd.Series | pd.DataFrame:
    """The residuals of a kind, NaN for rows that were not used; summed by cluster where `clusters` are given."""
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
        whole[:, outcome.rows] = deviance(values, events) if kind == "deviance" else values
        values = whole
    else:
        codes, labels = pd.factorize(clusters.iloc[outcome.rows], sort=True)
        rows = pd.Index(labels, name=clusters.name)
        values = np.stack([np.bincount(codes, row, len(rows)) for row in values])
        if kind == "deviance":
            values = deviance(values, np.bincount(codes, events, len(rows)).astype(float))
    if kind in ("martingale", "deviance"):
        return pd.Series(values[0], rows, name=kind)
    return pd.DataFrame(values.T, rows, columns=list(matrix.names))
