"""Freireich's and Gehan's leukaemia remissions, in weeks, as every textbook prints their answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.survival.logrank import logrank
from impact.survival.nelson_aalen import nelson_aalen
from impact.survival.parametric import parametric
from impact.survival.piecewise_hazard import piecewise_hazard
from impact.survival.restricted_mean import rmst

DRUG = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "weeks": DRUG + PLACEBO,
            "relapse": [1] * 9 + [0] * 12 + [1] * 21,
            "treatment": pd.Categorical(["drug"] * 21 + ["placebo"] * 21),
        }
    )


def test_the_log_rank_test(people):
    """χ² 16.79 (Cox and Oakes 1984; Kleinbaum and Klein 2012, chapter 2), Gehan's 13.46."""
    assert round(logrank(people, "weeks", "relapse", "treatment").statistic, 2) == 16.79
    assert round(logrank(people, "weeks", "relapse", "treatment", family="gehan").statistic, 2) == 13.46


def test_the_nelson_aalen_curve(people):
    """Klein and Moeschberger (2003), table 4.2: the drug's cumulative hazard and its variance, last digits cut off."""
    table = nelson_aalen(people[people["treatment"] == "drug"], "weeks", "relapse").tidy().query("n_event > 0")
    np.testing.assert_allclose(
        table["estimate"], [0.1428, 0.2017, 0.2683, 0.3517, 0.4426, 0.5854, 0.7521], atol=1.01e-4
    )
    variance = [0.0068, 0.0103, 0.0147, 0.0217, 0.0299, 0.0503, 0.0780]
    np.testing.assert_allclose(table["std_error"] ** 2, variance, atol=1.1e-4)


def test_the_mean_time_in_remission(people):
    """Klein and Moeschberger (2003), example 4.2: 23.29 weeks of the first 35, standard error 2.83."""
    row = rmst(people[people["treatment"] == "drug"], "weeks", "relapse", 35).tidy().iloc[0]
    assert round(row["estimate"], 2) == 23.29
    assert round(row["std_error"], 2) == 2.83


def test_the_rates(people):
    """9 relapses in 359 weeks and 21 in 182."""
    table = piecewise_hazard(people, "weeks", "relapse", [1000], by="treatment").tidy().query("start == 0")
    assert table["n_event"].tolist() == [9, 21]
    assert table["person_days"].tolist() == [359, 182]


def test_the_weibull_model(people):
    """Venables and Ripley (2002), section 13.2: −1.267 (0.311) for placebo, scale 0.732, log-likelihood −106.6."""
    fit = parametric(people, "weeks", "relapse", ["treatment"])
    table = fit.tidy().set_index("term")
    assert round(table.loc["(Intercept)", "estimate"], 3) == 3.516
    assert round(table.loc["treatment[placebo]", "estimate"], 3) == -1.267
    assert round(table.loc["treatment[placebo]", "std_error"], 3) == 0.311
    assert round(fit.tidy(exponentiate=True)["estimate"].iloc[-1], 3) == 0.732
    assert round(fit.log_likelihood_null, 1) == -116.4
    assert round(fit.log_likelihood, 1) == -106.6
