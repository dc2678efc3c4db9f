"""Robust intervals of Cox's model: Student's t with the effective number of rows or clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy

from impact.survival.cox import cox
from tests.survival.depth import people

LUNG = ("time", "status", ["age", "sex"])


def lung() -> pd.DataFrame:
    return people("lung").assign(pair=lambda frame: np.arange(len(frame)) // 2)


@pytest.mark.parametrize("cluster", [None, "pair"])
def test_degrees_of_freedom_are_those_of_the_influences_by_hand(cluster):
    fit = cox(lung(), *LUNG, robust=True, cluster=cluster)
    influence = fit.residuals("dfbeta", collapse=cluster is not None).dropna().to_numpy()
    square = influence**2
    np.testing.assert_allclose(fit.df, square.sum(axis=0) ** 2 / (square**2).sum(axis=0), rtol=1e-9)
    table = fit.tidy()
    reach = scipy.stats.t.ppf(0.975, fit.df) * table["std_error"]
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], reach, rtol=1e-12)
    np.testing.assert_allclose(table["estimate"] - table["conf_low"], reach, rtol=1e-12)
    np.testing.assert_allclose(
        table["p_value"], 2 * scipy.stats.t.sf(np.abs(table["estimate"] / table["std_error"]), fit.df), rtol=1e-12
    )


def test_one_coefficient_is_tested_as_in_the_table_and_several_by_f():
    fit = cox(lung(), *LUNG, cluster="pair")
    for name, p_value in zip(fit.names, fit.tidy()["p_value"], strict=True):
        assert fit.test(name).p_value == pytest.approx(p_value, rel=1e-10)
    both = fit.test(["age", "sex"])
    assert both.p_value == pytest.approx(scipy.stats.f.sf(both.statistic / 2, 2, min(fit.df)), rel=1e-12)


def test_people_who_stand_three_times_count_three_times():
    once = cox(lung(), *LUNG, robust=True, ties="breslow")
    thrice = cox(pd.concat([lung()] * 3, ignore_index=True), *LUNG, robust=True, ties="breslow")
    np.testing.assert_allclose(thrice.df, 3 * once.df, rtol=1e-8)


def test_where_rows_are_independent_people_intervals_are_normal():
    fit = cox(lung(), *LUNG)
    assert fit.df is None
    table = fit.tidy()
    reach = scipy.stats.norm.ppf(0.975) * table["std_error"]
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], reach, rtol=1e-12)
