"""Synthesis: metafor's numbers, integrals done the slow way, published intervals, identities, and what is refused."""

from __future__ import annotations

import itertools
from math import isnan, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from impact.errors import InputError
from impact.evidence import synthesise
from impact.evidence.random_effects import restricted_log_likelihood, restricted_maximum
from impact.evidence.synthesis import chance_in_words

REFERENCE = Path(__file__).parents[1] / "reference" / "evidence"
DATA = pd.read_csv(REFERENCE / "synthesis_data.csv", dtype={"term": str})
NUMBERS = pd.read_csv(REFERENCE / "synthesis.csv")
SETS = NUMBERS[["set", "moderated"]].drop_duplicates().to_numpy().tolist()
SCHOOLS = DATA[DATA["set"] == "schools"].reset_index(drop=True)


def frame(name: str) -> pd.DataFrame:
    return DATA[DATA["set"] == name].reset_index(drop=True)


@pytest.mark.parametrize(("name", "moderated"), SETS)
def test_metafors_numbers(name: str, moderated: bool) -> None:
    found = synthesise(frame(name), better="lower", moderators=["moderator"] if moderated else [])
    rows = NUMBERS[(NUMBERS["set"] == name) & (NUMBERS["moderated"] == moderated)]
    for mine, row in zip(found.coefficients.to_dict("records"), rows.to_dict("records"), strict=False):
        for column in ("estimate", "std_error", "p_value", "conf_low", "conf_high"):
            assert mine[column] == pytest.approx(row[column], rel=1e-8), column
    row = rows.iloc[0]
    assert found.tau**2 == pytest.approx(row["tau2"], rel=1e-8, abs=1e-14)
    assert found.i2 == pytest.approx(row["i2"], rel=1e-8, abs=1e-14)
    assert found.q == pytest.approx(row["q"], rel=1e-10)
    assert found.q_p_value == pytest.approx(row["q_p"], rel=1e-8)
    if name == "agree":  # metafor prints 0 to 0 where no heterogeneity fits
        assert isnan(found.tau_low)
        assert any("more closely than chance" in note for note in found.notes)
    else:
        assert found.tau_low**2 == pytest.approx(row["tau2_low"], rel=1e-8, abs=1e-14)
        assert found.tau_high**2 == pytest.approx(row["tau2_high"], rel=1e-8)
    if not moderated and name != "two":
        assert found.prediction_low == pytest.approx(row["prediction_low"], rel=1e-8)
        assert found.prediction_high == pytest.approx(row["prediction_high"], rel=1e-8)
    else:
        assert isnan(found.prediction_low)


@pytest.mark.parametrize("name", ["schools", "bcg", "two"])
def test_a_common_effect_is_metafors(name: str) -> None:
    found = synthesise(frame(name), better="lower", model="common")
    row = NUMBERS[NUMBERS["set"] == name].iloc[0]
    assert found.coefficients.loc[0, "estimate"] == pytest.approx(row["common"], rel=1e-12)
    assert found.coefficients.loc[0, "std_error"] == pytest.approx(row["common_se"], rel=1e-12)
    assert found.tidy()["pooled_estimate"].isna().all()
    assert found.said == ()
    assert "nan" not in repr(found)
    assert "differ with a standard deviation" not in repr(found)


def test_eight_schools_as_published() -> None:
    """Gelman and others, Bayesian Data Analysis, table 5.3: the 2.5 and 97.5 points of 200 draws, so only nearly."""
    found = synthesise(SCHOOLS, better="higher").tidy()
    assert found["pooled_low"].to_numpy() == pytest.approx([-2, -5, -11, -7, -9, -7, -1, -6], abs=3)
    assert found["pooled_high"].to_numpy() == pytest.approx([31, 23, 19, 21, 16, 18, 26, 33], abs=7.5)


@pytest.mark.parametrize("scale", [None, 0.5, 5.0])
@pytest.mark.parametrize("name", ["schools", "three"])
def test_pooled_effects_are_the_slow_integral(name: str, scale: float | None) -> None:
    data = frame(name)
    y, v = data["estimate"].to_numpy(), data["std_error"].to_numpy() ** 2
    factor = 0.1 if name == "three" else 1.0
    prior = None if scale is None else scale * factor

    def density(tau: float) -> float:
        w = 1 / (v + tau**2)
        mean = (w @ y) / w.sum()
        likelihood = np.prod(np.sqrt(w)) / np.sqrt(w.sum()) * np.exp(-0.5 * (w @ (y - mean) ** 2))
        return float(likelihood * (1.0 if prior is None else np.exp(-0.5 * (tau / prior) ** 2)))

    def given_tau(tau: float, i: int) -> tuple[float, float]:
        w = 1 / (v + tau**2)
        mean = (w @ y) / w.sum()
        towards = v[i] / (v[i] + tau**2)
        return towards * mean + (1 - towards) * y[i], sqrt((1 - towards) * v[i] + towards**2 / w.sum())

    def integral(function: object) -> float:
        unit = float(np.sqrt(v.mean()))
        parts = [0, 0.1 * unit, unit, 5 * unit, 50 * unit, np.inf]
        options = {"epsabs": 0, "epsrel": 1e-11, "limit": 500}
        return sum(scipy.integrate.quad(function, a, b, **options)[0] for a, b in itertools.pairwise(parts))

    total = integral(density)
    found = synthesise(data, better="lower", heterogeneity_scale=prior).tidy()
    for i in range(len(y)):
        mean = integral(lambda t, i=i: density(t) * given_tau(t, i)[0]) / total
        below = integral(lambda t, i=i: density(t) * scipy.stats.norm.cdf(-given_tau(t, i)[0] / given_tau(t, i)[1]))
        assert found.loc[i, "pooled_estimate"] == pytest.approx(mean, rel=1e-7)
        assert found.loc[i, "probability_better"] == pytest.approx(below / total, rel=1e-7)
        for limit, share in (("pooled_low", 0.025), ("pooled_high", 0.975)):
            at = found.loc[i, limit]
            mass = integral(
                lambda t, i=i, at=at: density(t) * scipy.stats.norm.cdf((at - given_tau(t, i)[0]) / given_tau(t, i)[1])
            )
            assert mass / total == pytest.approx(share, rel=1e-6)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=2, max_size=9))
def test_no_heterogeneity_is_likelier_than_the_one_found(pairs: list[tuple[float, float]]) -> None:
    y, se = (np.array(column) for column in zip(*pairs, strict=True))
    x, v = np.ones((len(y), 1)), se**2
    best = restricted_log_likelihood(y, v, x, restricted_maximum(y, v, x))
    for tau2 in (0.0, *np.geomspace(1e-6, 100, 200)):
        assert restricted_log_likelihood(y, v, x, tau2) <= best + 1e-9


def test_order_unit_and_sign_change_nothing_else() -> None:
    one = synthesise(SCHOOLS, better="higher")
    turned = synthesise(SCHOOLS.iloc[::-1], better="higher")
    pd.testing.assert_frame_equal(one.tidy(), turned.tidy())
    scaled = SCHOOLS.assign(estimate=-SCHOOLS["estimate"] / 100, std_error=SCHOOLS["std_error"] / 100)
    other = synthesise(scaled, better="lower")
    assert other.tidy()["probability_better"].to_numpy() == pytest.approx(one.tidy()["probability_better"], rel=1e-9)
    assert other.tidy()["pooled_low"].to_numpy() == pytest.approx(-one.tidy()["pooled_high"] / 100, rel=1e-9)
    assert repr(one) == repr(turned)


def test_a_small_programme_borrows_and_a_large_one_hardly() -> None:
    data = pd.DataFrame(
        {"term": list("abcd"), "estimate": [-0.05, -0.06, -0.04, -0.3], "std_error": [0.005, 0.006, 0.005, 0.15]}
    )
    found = synthesise(data, better="lower").tidy().set_index("term")
    assert abs(found.loc["d", "pooled_estimate"]) < 0.1
    assert found.loc["a", "pooled_estimate"] == pytest.approx(-0.05, abs=0.002)
    assert found.loc["d", "pooled_std_error"] < 0.15


def test_two_estimates_say_little_and_say_so() -> None:
    found = synthesise(frame("two"), better="lower")
    assert found.tidy()["probability_better"].isna().all()
    assert any("Two estimates cannot say how much to borrow" in note for note in found.notes)
    assert any("nobody can know how much true effects differ" in note for note in found.notes)
    with_scale = synthesise(frame("two"), better="lower", heterogeneity_scale=0.05)
    assert with_scale.tidy()["probability_better"].notna().all()
    assert any("half-normal with scale 0.05" in note for note in with_scale.notes)


def test_chances_are_told_in_tenths_and_never_as_certain() -> None:
    assert chance_in_words(0.9999999) == "more than 19 in 20"
    assert chance_in_words(0.051) == "about 1 in 10"
    assert chance_in_words(0.949) == "about 9 in 10"
    assert all("1.0" not in line for line in synthesise(SCHOOLS, better="higher").said)


def test_the_figure_has_a_row_for_each_and_for_all() -> None:
    axes = synthesise(SCHOOLS, better="higher").plot(xlabel="Points")
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [*"ABCDEFGH", "All together", "One more like these"]
    assert axes.get_xlabel() == "Points"


def test_every_fault_is_told_at_once() -> None:
    bad = pd.DataFrame({"term": ["a", "a", "b"], "estimate": [0.1, np.inf, 0.2], "std_error": [0.1, 0.0, 0.2]})
    with pytest.raises(InputError) as refused:
        synthesise(bad, better="lower")
    text = str(refused.value)
    assert all(part in text for part in ("is infinite", "is not above 0", "stands more than once"))


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(InputError, match="One estimate alone is its own result"):
        synthesise(SCHOOLS.head(1), better="lower")
    with pytest.raises(InputError, match="8 estimates cannot tell what 1 moderator would explain"):
        synthesise(SCHOOLS.assign(year=range(8)), better="lower", moderators=["year"])
    with pytest.raises(InputError, match="the same for every estimate"):
        synthesise(frame("bcg").assign(year=1), better="lower", moderators=["year"])
    with pytest.raises(InputError, match="better must be one of lower, higher"):
        synthesise(SCHOOLS, better="up")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Moderators need random effects"):
        synthesise(frame("bcg"), better="lower", model="common", moderators=["moderator"])
    with pytest.raises(InputError, match="heterogeneity_scale must be a number above 0"):
        synthesise(SCHOOLS, better="lower", heterogeneity_scale=0.0)
    with pytest.raises(InputError, match="heterogeneity_scale belongs to random effects"):
        synthesise(SCHOOLS, better="lower", heterogeneity_scale=1.0, model="common")


def test_a_missing_estimate_is_counted() -> None:
    gap = SCHOOLS.assign(estimate=SCHOOLS["estimate"].where(SCHOOLS["term"] != "C"))
    found = synthesise(gap, better="higher")
    assert len(found.tidy()) == 7
    assert found.notes[0] == "1 of 8 rows left out: estimate is missing (1)."
