"""Two-way fixed effects on arrays: linearmodels' PanelOLS, with errors clustered and their small-sample form stated."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from impact.comparison.panel_rows import Rows
from impact.comparison.sandwich import Fit
from impact.errors import InputError
from impact.frames import FloatArray

SMALL_SAMPLE = "errors clustered, times G/(G − 1) · (n − 1)/(n − p), t on G − 1"


def two_way(rows: Rows, effects: FloatArray) -> Fit:
    """Least squares of the outcome on `effects` and the covariates, within units and cells.

    Parameters
    ----------
    rows : Rows
    effects : array, shape (n, k)
        The columns whose coefficients are wanted.

    Returns
    -------
    Fit
        Of the columns of `effects`. The covariance is the clustered sandwich times G/(G − 1) · (n − 1)/(n − p), with G
        clusters, n rows and p the regressors, a constant and the effects of the periods; the effects of the people,
        each inside one cluster, are not counted.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73, 13-22; Cameron and Miller (2015), Journal of Human Resources 50, 317-372.
    """
    from linearmodels.panel import PanelOLS
    from linearmodels.panel.utility import AbsorbingEffectError

    covariates = rows.covariates - rows.covariates.mean(axis=0)
    spread = covariates.std(axis=0)
    if not spread.all():
        raise InputError("A covariate has one value in all the rows used; leave it out.")
    matrix = np.column_stack([effects, covariates / spread])
    index = pd.MultiIndex.from_arrays([rows.unit, rows.cell])
    clusters = int(rows.cluster.max()) + 1
    if clusters < 2:
        raise InputError("There is one cluster; errors need two at least, and are good with 40 or more.")
    for words, side in (("treated", rows.treated), ("comparison", ~rows.treated)):
        if len(np.unique(rows.cluster[side])) < 2:
            raise InputError(f"All {words} people are one cluster: no error can be had from one. Give two at least.")
    n, k = matrix.shape
    size = int(rows.unit.max()) + 1
    alone = np.bincount(rows.unit, minlength=size) == 1
    parameters = k + 1 + int(rows.cell.max()) + 1 - rows.stacks
    if n - int(alone.sum()) <= parameters:
        raise InputError(f"There are {n:,} rows for {parameters:,} coefficients; give more people or periods.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = PanelOLS(
                pd.Series(rows.outcome, index=index, name="y"),
                pd.DataFrame(matrix, index=index, columns=[f"x{place}" for place in range(k)]),
                weights=pd.Series(rows.weights, index=index, name="w"),
                entity_effects=True,
                time_effects=True,
            )
            fitted = model.fit(
                cov_type="clustered",
                clusters=pd.DataFrame({"cluster": rows.cluster}, index=index),
                group_debias=True,
                debiased=False,
                auto_df=False,
                count_effects=False,
                low_memory=False,
            )
            estimates, covariance = fitted.params.to_numpy(), fitted.cov.to_numpy()
    except (AbsorbingEffectError, ValueError) as error:
        raise InputError(
            "The effect cannot be told from the people, the periods and the covariates. A covariate that never changes "
            "within a person, or changes alike for everyone, is held constant already: leave it out."
        ) from error
    wanted = effects.shape[1]
    return Fit(estimates[:wanted], (covariance * n / (n - parameters))[:wanted, :wanted], float(clusters - 1))
