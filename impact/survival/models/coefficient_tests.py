"""Tests that coefficients of Cox's model are 0: Wald, score and likelihood ratio, with robust forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from impact.errors import ConvergenceError
from impact.frames import FloatArray, IntArray
from impact.results import Test, with_notes
from impact.survival.likelihoods.firth import Penalised, held_at
from impact.survival.likelihoods.hypotheses import score_statistic, without_columns
from impact.survival.likelihoods.newton import Maximum
from impact.survival.likelihoods.partial import Sample
from impact.survival.numbers.algebra import wald_statistic

NAMES = {
    "wald": "Wald",
    "score": "score",
    "likelihood-ratio": "likelihood ratio",
    "robust-score": "robust score",
}
KINDS = tuple(NAMES)


@dataclass(frozen=True, slots=True)
class CoefficientTests:
    """The tests that all coefficients are 0.

    Attributes
    ----------
    tests : tuple of Test
    valid : tuple of bool
        Whether each holds for these data; the likelihood ratio and the plain score test do not where rows are not
        independent or weights are not copies of people.
    notes : tuple of str
    """

    tests: tuple[Test, ...]
    valid: tuple[bool, ...]
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row a test: term, statistic, df, p_value, valid."""
        return pd.concat([test.tidy() for test in self.tests], ignore_index=True).assign(valid=list(self.valid))

    def __repr__(self) -> str:
        table = self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return with_notes(f"{table}\nNull hypothesis: {self.tests[0].null}", self.notes)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a test needs of a fit, covariates centred and scaled.

    Attributes
    ----------
    data, found : Sample, Maximum
    top : Penalised or None
        The maximum with Firth's penalty.
    covariance : (p, p) float
    df : (p,) float or None
        Degrees of freedom of robust standard errors.
    cluster : (n,) int or None
    """

    data: Sample
    found: Maximum
    top: Penalised | None
    covariance: FloatArray
    df: FloatArray | None
    cluster: IntArray | None


def run_test(fit: Fit, kind: str, terms: Sequence[str], columns: Sequence[int]) -> Test:
    """One test of `KINDS` that the coefficients in `columns`, those of `terms`, are 0.

    By chi-squared; Wald's by F where there are degrees of freedom `df`, the fewest of those in `columns`.
    """
    if kind == "wald":
        chosen = np.array(columns)
        statistic = wald_statistic(fit.found.point.beta[chosen], fit.covariance[np.ix_(chosen, chosen)])
    elif kind == "likelihood-ratio" and fit.top is not None:
        held, reached = held_at(fit.data, fit.top, columns)
        if not reached:
            raise ConvergenceError("The penalised model without the terms tested could not be fitted.")
        statistic = 2 * (fit.top.value - held.value)
    else:
        fewer, there = without_columns(fit.data, columns)
        if fewer is not None and fewer.outcome != "reached":
            raise ConvergenceError("The model without the terms tested has no maximum; use kind='wald'.")
        if kind == "likelihood-ratio":
            statistic = 2 * (fit.found.point.log_likelihood - there.log_likelihood)
        else:
            robust = kind == "robust-score"
            statistic = score_statistic(fit.data, there, columns, robust=robust, cluster=fit.cluster)
    null = f"every coefficient of {', '.join(terms)} is 0" if terms else "every coefficient is 0"
    df = len(columns)
    if kind == "wald" and fit.df is not None:
        p_value = scipy.stats.f.sf(statistic / df, df, fit.df[list(columns)].min())
    else:
        p_value = scipy.stats.chi2.sf(statistic, df)
    return Test(NAMES[kind], null, statistic, float(p_value), float(df))
