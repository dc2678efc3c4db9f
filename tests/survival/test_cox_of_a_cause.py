"""The hazard of one cause: the fit on an indicator of it, others ending the time at risk as censoring does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.design import Design
from impact.errors import InputError
from impact.survival.cox import cox
from impact.survival.cumulative_incidence import cumulative_incidence
from impact.survival.fine_gray import fine_gray
from impact.survival.gray_test import gray_test
from impact.survival.logrank import logrank

NAMES = ("again", "recall", "death")
OPTIONS = [
    {},
    {"ties": "breslow"},
    {"entry": "from"},
    {"strata": "site", "weights": "k"},
    {"entry": "from", "strata": "site", "weights": "w", "cluster": "pair"},
    {"penalty": "firth"},
]


@pytest.fixture
def data(made) -> pd.DataFrame:
    people = made(7, 150)
    rng = np.random.default_rng(8)
    return people.assign(x=rng.normal(size=150), site=rng.integers(0, 2, 150))


def same(one, other) -> None:
    np.testing.assert_array_equal(one.tidy(), other.tidy())
    np.testing.assert_array_equal(one.covariance, other.covariance)
    assert one.log_likelihood == other.log_likelihood
    assert (one.n, one.n_events, one.method, one.notes) == (other.n, other.n_events, other.method, other.notes)
    np.testing.assert_array_equal(one.residuals(), other.residuals())
    np.testing.assert_array_equal(one.baseline().iloc[:, 1:], other.baseline().iloc[:, 1:])


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cause", [1, 2, 3])
def test_it_is_the_fit_on_an_indicator_of_the_cause(data, options, cause):
    recoded = data.assign(own=(data["outcome"] == cause).astype(int))
    plain = cox(recoded, "days", "own", ["x", "z"], **options)
    same(cox(data, "days", "outcome", ["x", "z"], cause=cause, **options), plain)
    same(cox(data, "days", "outcome", ["x", "z"], cause=NAMES[cause - 1], causes=NAMES, **options), plain)
    same(cox(data, "days", "outcome", ["x", "z"], cause=np.int64(cause), causes=NAMES, **options), plain)


def test_a_design_brings_its_weights_and_sets(data):
    design = Design(data, "z", data["w"], data["pair"], "ATT", (), "Made by hand", pd.DataFrame())
    fit = cox(design, "days", "outcome", ["x", "z"], cause=2)
    recoded = data.assign(own=(data["outcome"] == 2).astype(int))
    plain = cox(recoded, "days", "own", ["x", "z"], weights="w", cluster="pair")
    np.testing.assert_array_equal(fit.tidy(), plain.tidy())


def test_its_score_test_is_the_log_rank_test_of_the_cause(data):
    """Where no two have the event at once; with ties the two variances differ."""
    apart = data.assign(days=data["days"] + np.arange(len(data)) / 1000)
    fit = cox(apart, "days", "outcome", ["z"], cause=1)
    plain = logrank(apart.assign(own=(apart["outcome"] == 1).astype(int)), "days", "own", "z")
    assert fit.test("z", "score").statistic == pytest.approx(plain.statistic, rel=1e-10)


def test_the_hazards_of_the_causes_add_to_the_hazard_of_any(data):
    """By Breslow's estimate at coefficients of 0: everyone stands there twice, once with x = 0 and once with x = 1."""
    twice = pd.concat([data.assign(x=0), data.assign(x=1)], ignore_index=True)
    fits = [cox(twice, "days", "outcome", ["x"], cause=cause, ties="breslow") for cause in (1, 2, 3)]
    whole = cox(twice, "days", "event", ["x"], ties="breslow").baseline()
    parts = [np.interp(whole["time"], *_steps(fit.baseline(), whole["time"])) for fit in fits]
    np.testing.assert_allclose(sum(parts), whole["cumulative_hazard"], rtol=1e-10)


def _steps(table: pd.DataFrame, times: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    place = np.searchsorted(table["time"], times, side="right")
    return times.to_numpy(), np.r_[0.0, table["cumulative_hazard"]][place]


def test_it_says_which_cause_and_that_its_curve_is_not_the_share(data):
    fit = cox(data, "days", "outcome", ["x"], cause="recall", causes=NAMES)
    assert repr(fit).startswith("Cox model of recall; Efron ties; n = 150, events = ")
    assert repr(cox(data, "days", "outcome", ["x"], cause=2)).startswith("Cox model of cause 2; ")
    curve = fit.predict(pd.DataFrame({"x": [0.0]}), [10, 20])
    assert curve.notes[-1].startswith("As if no other cause came first: the share")
    share = cumulative_incidence(data, "days", "outcome", causes=NAMES).at([20]).query("cause == 'recall'")
    assert (1 - curve.tidy()["estimate"]).iloc[-1] > share["estimate"].item()
    assert not cox(data, "days", "event", ["x"]).predict(pd.DataFrame({"x": [0.0]}), 10).notes


CALLS = {
    "cox": lambda data, **causes: cox(data, "days", "outcome", ["x"], **causes),
    "fine_gray": lambda data, **causes: fine_gray(data, "days", "outcome", ["x"], **causes),
    "gray_test": lambda data, **causes: gray_test(data, "days", "outcome", "z", **causes),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("change", "causes", "message"),
    [
        (None, {"cause": 4}, "cause must be one of 1, 2, 3, not 4"),
        (None, {"cause": 0}, "cause must be one of 1, 2, 3, not 0"),
        (None, {"cause": True}, "cause must be one of 1, 2, 3, not True"),
        (None, {"cause": "again"}, "cause must be one of 1, 2, 3, not 'again'"),
        (None, {"cause": "flood", "causes": NAMES}, "cause must be one of again, recall, death, not 'flood'"),
        (None, {"cause": 1, "causes": "again"}, "each once"),
        (None, {"cause": 1, "causes": ()}, "each once"),
        (None, {"cause": 1, "causes": (2, 1, 3)}, "each once"),
        (None, {"cause": 1, "causes": ("again", "again", "death")}, "each once"),
        (None, {"cause": 1, "causes": NAMES[:2]}, r"column outcome: is not a whole number from 0 to 2 \("),
        (None, {"cause": "flood", "causes": (*NAMES, "flood")}, "column outcome: has no event of cause flood"),
        (99, {"cause": 1}, "column outcome: goes to 99, but some code from 1 to 99 has no event"),
        (1.5, {"cause": 1}, r"column outcome: is not a whole number from 0 \(1 row: 4\)"),
        (-1, {"cause": 1}, r"column outcome: is not a whole number from 0 \(1 row: 4\)"),
        (np.inf, {"cause": 1}, r"column outcome: is .* \(1 row: 4\)"),
    ],
)
def test_causes_and_codes_that_cannot_be_meant_are_refused_everywhere_alike(data, name, change, causes, message):
    if change is not None:
        data = data.astype({"outcome": float})
        data.loc[3, "outcome"] = change
    with pytest.raises(InputError, match=message):
        CALLS[name](data, **causes)


def test_a_missing_code_is_left_out_and_names_without_a_cause_are_refused(data):
    gaps = data.astype({"outcome": float})
    gaps.loc[3, "outcome"] = np.nan
    fit = cox(gaps, "days", "outcome", ["x"], cause=1)
    assert fit.notes[0] == "1 of 150 rows left out: outcome is missing (1)."
    with pytest.raises(InputError, match="say in `cause` which one is modelled"):
        cox(data, "days", "outcome", ["x"], causes=NAMES)
    with pytest.raises(InputError, match="column outcome: is not 0 or 1"):
        cox(data, "days", "outcome", ["x"])
    with pytest.raises(InputError, match="column outcome: has no event"):
        cox(data.assign(outcome=0), "days", "outcome", ["x"], cause=1, causes=NAMES)
