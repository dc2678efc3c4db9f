"""Interrupted time series: against R, sums that must agree, differences by hand, known truth; and what is refused."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import impact as im
from impact.comparison.series_rows import read_season
from impact.errors import InputError

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "comparison"
NAMES = {"time": "month", "outcome": "crimes", "start": 25}
ALL = {**NAMES, "exposure": "people", "season": 12}


@pytest.fixture(scope="module")
def stored() -> dict[str, float]:
    table = pd.read_csv(REFERENCE / "series_numbers.csv")
    return dict(zip(table["name"], table["value"], strict=True))


@pytest.fixture(scope="module")
def places() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "series.csv")


@pytest.fixture(scope="module")
def place(places: pd.DataFrame) -> pd.DataFrame:
    return places[places["treated"] == 1]


def same(found: object, stored: dict[str, float], name: str, *, ratio: bool, scale: float = 1.0) -> None:
    table = found.tidy()
    for row in range(3):
        estimate, error = (table[column].iloc[row] * scale for column in ("estimate", "std_error"))
        assert (np.log(estimate) if ratio else estimate) == pytest.approx(
            stored[f"{name} estimate {row + 1}"], rel=1e-8
        )
        assert error == pytest.approx(stored[f"{name} se {row + 1}"], rel=1e-8)


def test_counts_are_those_of_quasi_poisson_in_r(place: pd.DataFrame, stored: dict[str, float]) -> None:
    found = im.interrupted_time_series(place, **ALL)
    same(found, stored, "counts", ratio=True)
    assert found.dispersion == pytest.approx(stored["counts dispersion"], rel=1e-8)
    assert found.autocorrelation.statistic == pytest.approx(stored["counts lags statistic"], rel=1e-7)
    assert found.method.endswith(f"t on {stored['counts df']:.0f}")
    row = found.tidy().iloc[3]
    assert np.log(row["estimate"]) == pytest.approx(stored["counts effect"], rel=1e-8)
    assert row["std_error"] == pytest.approx(stored["counts effect se"], rel=1e-8)
    assert found.expected == pytest.approx(stored["counts expected"], rel=1e-8)
    last = found.curves.iloc[-1]
    people = place["people"].iloc[-1]
    assert last["without"] * people == pytest.approx(stored["counts last without"], rel=1e-8)
    reach = np.log(last["conf_high"] / last["without"]) / 2.0210753903  # t of 40 degrees of freedom
    assert reach == pytest.approx(stored["counts last without se"], rel=1e-8)
    same(im.interrupted_time_series(place, lags=3, **ALL), stored, "counts newey-west", ratio=True)


def test_rates_are_those_of_least_squares_in_r(place: pd.DataFrame, stored: dict[str, float]) -> None:
    found = im.interrupted_time_series(place, model="linear", lags=3, **ALL)
    same(found, stored, "linear", ratio=False, scale=1000)
    assert "3 lags, t on 40" in found.method
    assert found.autocorrelation.statistic == pytest.approx(stored["linear lags statistic"], rel=1e-7)
    assert found.autocorrelation.df == 3
    plain = im.interrupted_time_series(place, model="linear", lags=3, exposure="people", **NAMES).tidy().iloc[3]
    assert plain["estimate"] * 1000 == pytest.approx(stored["linear plain effect"], rel=1e-7)
    assert plain["std_error"] * 1000 == pytest.approx(stored["linear plain effect se"], rel=1e-8)


def test_two_places_are_those_of_r(places: pd.DataFrame, stored: dict[str, float]) -> None:
    found = im.interrupted_time_series(places, treated="treated", **ALL)
    same(found, stored, "controlled counts", ratio=True)
    lagged = im.interrupted_time_series(places, treated="treated", lags=3, **ALL)
    same(lagged, stored, "controlled counts newey-west", ratio=True)
    assert found.tidy()["term"].str.endswith(", against the comparison").all()


def test_two_places_by_least_squares_are_the_series_of_their_differences(
    places: pd.DataFrame, stored: dict[str, float]
) -> None:
    found = im.interrupted_time_series(places, treated="treated", model="linear", lags=3, **ALL)
    same(found, stored, "controlled linear", ratio=False, scale=1000)
    assert found.method.endswith(f"t on {stored['controlled linear df']:.0f}")
    rate = (places["crimes"] / places["people"]).groupby([places["month"], places["treated"]]).sum().unstack()
    gap = (rate[1] - rate[0]).rename("crimes").reset_index()
    by_hand = im.interrupted_time_series(gap, model="linear", lags=3, **NAMES)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert found.tidy()[column].to_numpy() == pytest.approx(by_hand.tidy()[column].to_numpy(), rel=1e-7)


def test_events_fitted_after_the_start_are_those_observed(place: pd.DataFrame) -> None:
    found = im.interrupted_time_series(place, **NAMES)
    after = found.curves[found.curves["time"] >= 25]
    assert after["fitted"].sum() == pytest.approx(found.observed) == place.loc[place["month"] >= 25, "crimes"].sum()
    assert after["without"].sum() == pytest.approx(found.expected)
    assert found.tidy()["estimate"].iloc[3] == pytest.approx(found.observed / found.expected)
    assert found.curves.loc[found.curves["time"] < 25, "without"].isna().all()


def test_lines_without_noise_are_found_and_have_no_error() -> None:
    month = np.arange(1.0, 31)
    wave = 2 * np.sin(np.pi * month / 2)
    after = month >= 16
    data = pd.DataFrame({"month": month, "crimes": 5 + 0.5 * month + wave - after * (3 + 0.25 * (month - 16))})
    found = im.interrupted_time_series(
        data, time="month", outcome="crimes", start=16, model="linear", season=4, harmonics=2
    )
    mean = -3 - 0.25 * 7
    assert found.tidy()["estimate"].to_numpy() == pytest.approx([0.5, -3, -0.25, mean])
    assert (found.tidy()["std_error"] == 0).all()
    assert np.isnan(found.autocorrelation.p_value)


@pytest.mark.parametrize("treated", [None, "treated"])
def test_the_intervals_hold_the_truth(treated: str | None) -> None:
    """400 places of known effect; a mean share of 0.95 has an error of 0.011."""
    rng = np.random.default_rng(20)
    month = np.tile(np.arange(1, 49), 2)
    side = np.repeat([1, 0], 48)
    mean = 40 * np.exp(0.005 * month + 0.2 * np.sin(np.pi * month / 6)) * np.where((side == 1) & (month >= 25), 0.8, 1)
    data = pd.DataFrame({"month": month, "treated": side})
    keep = slice(None) if treated else slice(0, 48)
    held, biases = [], []
    for _ in range(400):
        lumpy = rng.gamma(mean / 1.0, 1.0)
        rows = data.assign(crimes=rng.poisson(lumpy)).iloc[keep]
        found = im.interrupted_time_series(
            rows, time="month", outcome="crimes", start=25, season=12, treated=treated
        ).tidy()
        truth = np.array([0.8, 1.0, 0.8])
        last = found.iloc[1:]
        held.append((last["conf_low"].to_numpy() <= truth) & (truth <= last["conf_high"].to_numpy()))
        biases.append(np.log(last["estimate"].to_numpy() / truth))
    assert np.mean(held, axis=0) == pytest.approx(0.95, abs=0.033)
    assert np.mean(biases, axis=0) == pytest.approx(0, abs=3.5 * np.std(biases, axis=0).max() / 20)


def test_the_order_of_rows_and_the_origin_of_time_do_not_matter(places: pd.DataFrame) -> None:
    one = im.interrupted_time_series(places, treated="treated", **ALL)
    mixed = places.sample(frac=1, random_state=3)
    assert repr(im.interrupted_time_series(mixed, treated="treated", **ALL)) == repr(one)
    later = im.interrupted_time_series(
        places.assign(month=places["month"] + 24_000), treated="treated", **{**ALL, "start": 24_025}
    )
    assert later.tidy()["estimate"].to_numpy() == pytest.approx(one.tidy()["estimate"].to_numpy(), rel=1e-7)


def test_residuals_that_depend_on_their_past_are_told() -> None:
    rng = np.random.default_rng(2)
    noise = np.zeros(60)
    for t in range(1, 60):
        noise[t] = 0.8 * noise[t - 1] + rng.normal(0, 0.15)
    data = pd.DataFrame({"month": np.arange(1, 61), "crimes": rng.poisson(200 * np.exp(noise))})
    found = im.interrupted_time_series(data, **NAMES)
    assert found.autocorrelation.p_value < 0.05
    assert any("intervals are too short" in note and "lags=3" in note for note in found.notes)
    lagged = im.interrupted_time_series(data, lags=3, **NAMES)
    assert [note for note in lagged.notes if "too small in 60 periods" in note]
    assert not any("intervals are too short" in note for note in lagged.notes)


def test_least_squares_of_independent_periods_has_its_ordinary_errors(place: pd.DataFrame) -> None:
    import statsmodels.formula.api as smf

    rows = place.assign(
        s=place["month"] - 25, d=(place["month"] >= 25).astype(int), rate=place["crimes"] / place["people"]
    )
    wanted = smf.ols("rate ~ s + d + d:s", rows).fit()
    found = im.interrupted_time_series(place, model="linear", exposure="people", **NAMES).tidy().iloc[:3]
    assert found["estimate"].to_numpy() == pytest.approx(wanted.params[["s", "d", "d:s"]].to_numpy(), rel=1e-7)
    assert found["std_error"].to_numpy() == pytest.approx(wanted.bse[["s", "d", "d:s"]].to_numpy(), rel=1e-7)
    assert found[["conf_low", "conf_high"]].to_numpy() == pytest.approx(
        wanted.conf_int().loc[["s", "d", "d:s"]].to_numpy(), rel=1e-7
    )


def test_few_events_are_told(place: pd.DataFrame) -> None:
    few = im.interrupted_time_series(place.assign(crimes=place["crimes"] // 20), **NAMES)
    assert any("Fewer than 5 events" in note for note in few.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d[d["month"] >= 18], "has 7 periods before the start for the place, and 8 are needed"),
        (lambda d: d[d["month"] <= 31], "has 7 periods from the start on"),
        (lambda d: d[d["month"] != 9], "jumps over 1 periods for the place"),
        (lambda d: pd.concat([d, d.iloc[:1]]), "stands twice for the place"),
        (lambda d: d[(d["treated"] == 1) | (d["month"] > 2)], "does not cover the same periods"),
        (lambda d: d.assign(treated=1), "is the same in every row"),
        (lambda d: d.assign(crimes=d["crimes"].where(d["month"] != 7)), "a series has no gaps"),
        (lambda d: d.assign(crimes=d["crimes"].where(d["month"] < 25, 0)), "has no event from the start on"),
        (lambda d: d.assign(crimes=d["crimes"] + 0.5), "not a whole number"),
        (lambda d: d.assign(people=0), "not above 0"),
        (lambda d: d.assign(month=d["month"] + 0.5), "not a whole number"),
        (lambda d: d[d["month"].between(14, 44)], "needs 12 periods before the start and 24 in all"),
        (lambda d: d.assign(month=d["month"].astype(str)), "month"),
        (lambda d: d.drop(columns="people"), "is not in the data"),
        (lambda d: d.iloc[:0], "has no rows"),
    ],
)
def test_what_cannot_be_estimated_is_refused(change: object, words: str, places: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=words):
        im.interrupted_time_series(change(places), treated="treated", **ALL)


def test_every_fault_is_told_at_once(places: pd.DataFrame) -> None:
    with pytest.raises(InputError) as refused:
        im.interrupted_time_series(
            places.assign(crimes=-1), time="month", outcome="crimes", start=2.5, exposure="nobody", treated="month"
        )
    for part in ("named for more than one thing", "is not a whole number", "nobody", "start"):
        assert part in str(refused.value), part


def test_arguments_that_cannot_be_used_are_refused(place: pd.DataFrame) -> None:
    for given, words in (
        ({"harmonics": 2}, "has no meaning without season"),
        ({"season": 4, "harmonics": 3}, "can be 2 at most"),
        ({"season": 1.5}, "must be a whole number from 2"),
        ({"lags": -1}, "lags must be a whole number"),
        ({"lags": 24}, "less than half of the 48 periods"),
        ({"model": "poisson"}, "model must be one of"),
        ({"level": 95}, "level"),
    ):
        with pytest.raises(InputError, match=words):
            im.interrupted_time_series(place, **NAMES, **given)
    with pytest.raises(InputError, match="a Design is of people"):
        im.interrupted_time_series(
            im.match(im.propensity("t ~ x", pd.DataFrame({"t": [1, 0, 0, 1], "x": [1.0, 2, 1, 2]}))), **NAMES
        )


def test_a_season_has_no_sine_at_its_half() -> None:
    assert read_season(4, None).columns(np.arange(8)).shape == (8, 3)
    assert read_season(2, None).columns(np.arange(8)).shape == (8, 1)
    assert read_season(None, None) is None


def test_the_figure_shows_what_the_table_says(places: pd.DataFrame, place: pd.DataFrame) -> None:
    found = im.interrupted_time_series(place, **ALL)
    axes = found.plot()
    assert axes.lines[0].get_ydata() == pytest.approx((place["crimes"] / place["people"] * 100).to_numpy())
    assert axes.get_ylabel() == "crimes per 100 people"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "observed",
        "fitted",
        "expected without the programme (95% interval)",
    ]
    both = im.interrupted_time_series(places, treated="treated", **ALL).plot()
    assert len(both.get_legend().get_texts()) == 5
    plt.close("all")
