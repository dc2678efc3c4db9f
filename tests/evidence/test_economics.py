"""What is avoided, with its interval, beside what it cost: by hand, by identities and by simulation."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy

import impact as im
from impact.comparison import whole_sample
from impact.errors import InputError
from impact.evidence.unit_costs import UNVERIFIED, MeanCost
from impact.results import Estimate

FEWER = Estimate("offences", -0.3, 0.1, -3.0, 0.0027, -0.496, -0.104, 0.95, 400)
TEN_THOUSAND = MeanCost(10_000.0, "2023/24", pd.DataFrame())


def worth(effect: Estimate = FEWER, **changed: object):
    given = {
        "unit_cost": TEN_THOUSAND,
        "programme_cost": 200_000.0,
        "participants": 100,
        "price_year": "2023/24",
        **changed,
    }
    return im.value(effect, **given)


def of(result, term: str) -> pd.Series:
    return result.tidy().set_index("term").loc[term]


def test_by_hand() -> None:
    # 0.3 fewer at £10,000 is £3,000; £200,000 for 100 people is £2,000; (3,000 − 2,000)/1,000 is 1 standard error.
    found = worth(completers=40)
    assert of(found, "cost avoided per participant")[["estimate", "std_error"]].tolist() == [3000.0, 1000.0]
    limits = of(found, "cost avoided per participant")[["conf_low", "conf_high"]].astype(float)
    np.testing.assert_allclose(limits, [1040, 4960])
    assert of(found, "cost of the programme per participant")["estimate"] == 2000
    assert of(found, "cost of the programme per completer")["estimate"] == 5000
    assert of(found, "cost avoided per £1 spent")["estimate"] == 1.5
    assert of(found, "offences avoided per 100 participants")["estimate"] == 30
    assert of(found, "offences to avoid per 100 participants to break even")["estimate"] == 20
    net = of(found, "cost avoided less cost of the programme, per participant")[["estimate", "conf_low", "conf_high"]]
    np.testing.assert_allclose(net.astype(float), [1000, -960, 2960])
    assert found.probability == pytest.approx(0.841344746068543, abs=1e-12)
    assert found.said == (
        "For each participant the programme cost £2,000, and the crime avoided is put at £3,000 (95% interval £1,040 to"
        " £4,960; 2023/24 prices).",
        "The chance that it avoided more than it cost is about 8 in 10.",
    )
    assert "£1.50 (95% interval £0.52 to £2.48)" in repr(found)
    assert "−£960" in repr(found)
    unsure = worth(replace(FEWER, estimate=0.1, conf_low=-0.096, conf_high=0.296)).said[0]
    assert "put at −£1,000 (95% interval −£2,960 to £960; below zero is more crime; 2023/24 prices)" in unsure


def test_at_break_even_the_chance_is_one_half_and_it_falls_with_cost() -> None:
    assert worth(programme_cost=300_000).probability == pytest.approx(0.5, abs=1e-12)
    chances = [worth(programme_cost=cost).probability for cost in (1.0, 1e5, 2e5, 4e5)]
    assert chances == sorted(chances, reverse=True)
    # Against no cost at all it is the chance that there were fewer, which is 1 less half the two-sided p.
    assert chances[0] == pytest.approx(1 - scipy.stats.norm.sf(3.0), abs=1e-6)
    # A multiple of everything, or other pounds, changes neither the chance nor the ratio.
    doubled = worth(unit_cost=replace(TEN_THOUSAND, amount=20_000.0), programme_cost=400_000)
    assert doubled.probability == pytest.approx(worth().probability, abs=1e-12)
    assert worth(multiplier=2.0).avoided == 2 * worth().avoided
    assert "an assumption" in worth(multiplier=2.0).notes[-1]


def test_the_chance_and_the_interval_agree_with_a_simulation_of_the_effect() -> None:
    drawn = np.random.default_rng(8).normal(FEWER.estimate, FEWER.std_error, 400_000)
    found = worth(multiplier=1.7)
    avoided = -drawn * 17_000
    assert found.probability == pytest.approx((avoided > 2000).mean(), abs=0.003)
    row = of(found, "cost avoided per participant")
    np.testing.assert_allclose(np.quantile(avoided, [0.025, 0.975]), [row["conf_low"], row["conf_high"]], rtol=0.01)


def test_the_interval_holds_what_was_avoided_in_95_of_a_hundred_trials() -> None:
    rng = np.random.default_rng(31)
    unit, held, trials, beyond = TEN_THOUSAND.amount, 0, 400, 0
    for _ in range(trials):
        people = pd.DataFrame({"treated": np.repeat([1, 0], 150)})
        people["offences"] = rng.poisson(np.where(people["treated"] == 1, 0.7, 1.0))
        effect = im.compare(whole_sample(people, "treated"), "offences", measure="mean_difference")
        row = of(worth(effect, participants=150, programme_cost=450_000), "cost avoided per participant")
        held += row["conf_low"] <= 0.3 * unit <= row["conf_high"]
        beyond += worth(effect, participants=150, programme_cost=450_000).probability > 0.5
    assert 0.92 * trials <= held <= 0.98 * trials
    assert 0.42 * trials <= beyond <= 0.58 * trials, "at true break-even the chance is above one half half the time"


def test_what_must_travel_with_the_number() -> None:
    people = pd.DataFrame({"treated": [1, 0] * 50, "again": [0, 1, 1, 0, 0] * 20})
    effect = im.compare(whole_sample(people, "treated"), "again", measure="risk_difference")
    notes = " ".join(worth(effect, participants=80).notes)
    for words in ("as one offence", "part of the participants", "only as good as", "taken as exact"):
        assert words in notes
    few = worth(completers=9)
    assert "cost of the programme per completer" not in set(few.tidy()["term"])
    assert "fewer than 10 completed" in few.notes[-1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"price_year": "2015/16"}, "'2015/16', and that of the unit costs is '2023/24'"),
        ({"effect": replace(FEWER, std_error=float("nan"))}, "no standard error"),
        ({"effect": replace(FEWER, conf_low=float("nan"))}, "no interval"),
        ({"programme_cost": 0.0}, "programme_cost: is not a number above 0"),
        ({"participants": 0}, "participants: is not a whole number"),
        ({"participants": float("nan")}, "participants: is not a whole number"),
        ({"participants": float("inf")}, "participants: is not a whole number"),
        ({"effect": -0.3}, "effect: must be an Estimate, not float"),
        ({"unit_cost": 10_000}, "unit_cost: must be the mean cost of an offence, from .*not int"),
        ({"completers": 101}, "completers: is not a whole number from 1"),
        ({"multiplier": -1.0}, "multiplier: is not a number above 0"),
    ],
)
def test_what_cannot_be_valued_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        worth(**changed)


def test_nothing_is_never_written_as_minus_nothing() -> None:
    from impact.evidence.economics import pounds, shown

    assert [pounds(-0.3), pounds(-1234.0), pounds(0.0)] == ["£0", "−£1,230", "£0"]
    assert [shown(-0.001, "£1"), shown(-0.18, "£1")] == ["£0.00", "−£0.18"]


def test_a_ratio_is_refused() -> None:
    people = pd.DataFrame({"treated": [1, 0] * 50, "again": [0, 1, 1, 0, 0] * 20})
    effect = im.compare(whole_sample(people, "treated"), "again", measure="risk_ratio")
    with pytest.raises(InputError, match="effect: is a risk ratio"):
        worth(effect)


def test_every_shipped_cost_is_dated_sourced_and_marked() -> None:
    table = im.unit_costs().tidy()
    assert set(table["price_year"]) == {"2015/16"}
    assert table["source"].str.contains("Home Office").all()
    marked = table.set_index("offence")["evidence"]
    assert marked["robbery"] == "reported by others"
    assert marked["domestic burglary"] == UNVERIFIED
    from impact.records.tables import OFFENCE_GROUPS

    assert set(table["offence_group"]) <= set(OFFENCE_GROUPS)


def test_a_mix_is_a_weighted_mean_and_says_what_is_not_verified() -> None:
    costs = im.unit_costs()
    assert costs.mean_of({"robbery": 0.5, "arson": 0.5}).amount == (11_320 + 8_420) / 2
    with pytest.raises(InputError, match="'domestic burglary' that is not verified"):
        costs.mean_of({"domestic burglary": 1})
    allowed = costs.mean_of({"domestic burglary": 1}, unverified=True)
    assert "not to be quoted as official: the cost of “domestic burglary”" in repr(allowed)
    assert allowed.notes[0] in worth(unit_cost=allowed, price_year="2015/16").notes
    assert costs.mean_of({"robbery": 1, "domestic burglary": 0}).amount == 11_320
    for shares in ({"robbery": 0.5}, {}, {"robbery": 1.5, "arson": -0.5}, {"robbery": float("nan")}):
        with pytest.raises(InputError, match="1 together"):
            costs.mean_of(shares)
    for odd in ({"robbery": "all"}, {"robbery": None}, {"robbery": True}, ["robbery"]):
        with pytest.raises(InputError, match="shares must give for each offence a number"):
            costs.mean_of(odd)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="has no offence 'drugs'"):
        costs.mean_of({"drugs": 1})


def test_a_cost_without_a_date_is_refused_by_row_with_every_other_fault() -> None:
    table = im.unit_costs().tidy()
    table["price_year"] = table["price_year"].astype(object)
    table.loc[[2, 4], "price_year"] = None
    table.loc[5, "price_year"] = "last year"
    table.loc[0, "source"] = ""
    with pytest.raises(InputError) as refused:
        im.unit_costs(table)
    assert "column price_year: is missing, or is no year (3 rows: 3, 5, 6)" in str(refused.value)
    assert "column source: is empty (1 row: 1)" in str(refused.value)
    with pytest.raises(InputError, match=r"column price_year: is missing, or is no year \(1 row: 2\)"):
        im.unit_costs(
            im.unit_costs().tidy().assign(price_year=lambda t: ["2015/16", "2015/18", *["2016"] * (len(t) - 2)])
        )
    with pytest.raises(InputError, match="column price_year: is missing"):
        im.unit_costs(table.drop(columns="price_year"))


def test_deflating_there_and_back_is_nothing_and_years_are_never_mixed() -> None:
    gdp = pd.DataFrame({"year": ["2015/16", "2017/18", "2023/24"], "index": [80.0, 84.0, 100.0], "source": "made up"})
    later = im.unit_costs(prices="2023/24", deflator=gdp)
    assert later.mean_of({"robbery": 1}).amount == pytest.approx(11_320 / 0.8)
    assert "made up" in repr(later)
    back = im.unit_costs(later.tidy(), prices="2015/16", deflator=gdp).tidy()
    np.testing.assert_allclose(back["amount"], im.unit_costs().tidy()["amount"], rtol=1e-14)
    mixed = im.unit_costs().tidy()
    mixed.loc[mixed["offence"] == "arson", "price_year"] = "2017/18"
    with pytest.raises(InputError, match="different years: 2015/16, 2017/18"):
        im.unit_costs(mixed).mean_of({"robbery": 0.5, "arson": 0.5})
    one = im.unit_costs(mixed, prices="2017/18", deflator=gdp).mean_of({"robbery": 0.5, "arson": 0.5})
    assert one.amount == pytest.approx((11_320 * 84 / 80 + 8_420) / 2)
    with pytest.raises(InputError, match="has no 2016/17"):
        im.unit_costs(prices="2016/17", deflator=gdp)
    with pytest.raises(InputError, match="belong together"):
        im.unit_costs(prices="2016/17")
    with pytest.raises(InputError, match="prices must be a year, written 2015/16 or 2016, not 'now'"):
        im.unit_costs(prices="now", deflator=gdp)
    with pytest.raises(InputError, match="column index: is not a number above 0"):
        im.unit_costs(prices="2023/24", deflator=gdp.assign(index=[80.0, 0.0, 1.0]))


def test_the_figure_is_the_chance_over_the_cost() -> None:
    found = worth()
    axes = found.plot()
    costs, chances = axes.lines[0].get_data()
    at = int(np.argmin(np.abs(costs - 3000)))
    assert chances[at] == pytest.approx(100 * scipy.stats.norm.sf(costs[at], 3000, 1000))
    assert "It cost £2,000" in axes.texts[0].get_text()
    plt.close("all")
