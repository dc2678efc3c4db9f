"""Doubt about links reaches the result: thresholds, draws that keep each pair's probability, Rubin's rules."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from impact.errors import InputError
from impact.records.linkage.link import link
from impact.records.linkage.links import Links
from impact.records.linkage.uncertainty import draw_links, impute_links, link_sensitivity, rubin
from impact.results import Estimate
from tests.records.linkage.conftest import people


@pytest.fixture(scope="module")
def links() -> Links:
    left, right, _ = people(150, seed=8)
    return link(
        left.drop(columns=["police_id", "postcode"]), right.drop(columns=["police_id", "postcode"]), one_to_one=True
    )


def share(pairs: pd.DataFrame) -> Estimate:
    p = len(pairs) / 150
    return Estimate("linked", p, math.sqrt(p * (1 - p) / 150), math.nan, math.nan, math.nan, math.nan, 0.95, 150)


def with_pairs(links: Links, rows: list[tuple[str, str, float]], one_to_one: bool) -> Links:
    import dataclasses

    frame = pd.DataFrame(rows, columns=["left_id", "right_id", "match_probability"])
    frame = frame.assign(match_weight=0.0, rule="", linked=True)
    return dataclasses.replace(links, pairs=frame, one_to_one=one_to_one)


def test_fewer_links_at_a_higher_threshold(links: Links) -> None:
    found = link_sensitivity(links, share).tidy()
    assert found["n_links"].is_monotonic_decreasing
    assert np.allclose(found["estimate"], found["n_links"] / 150)
    assert (found["conf_low"] < found["estimate"]).all()
    assert np.isnan(link_sensitivity(links, len).tidy()["std_error"]).all()
    assert "runs from" in repr(link_sensitivity(links, len))


@pytest.mark.parametrize("one_to_one", [False, True])
def test_a_pair_alone_is_drawn_with_its_probability(links: Links, one_to_one: bool) -> None:
    lone = with_pairs(links, [("a", "b", 0.3), ("c", "d", 1.0)], one_to_one)
    rng = np.random.default_rng(1)
    drawn = [draw_links(lone, rng)["left_id"].tolist() for _ in range(4000)]
    assert all("c" in pairs for pairs in drawn)
    assert np.mean(["a" in pairs for pairs in drawn]) == pytest.approx(0.3, abs=0.025)


def test_pairs_that_compete_win_by_their_odds_and_never_together(links: Links) -> None:
    rival = with_pairs(links, [("a", "x", 0.6), ("a", "y", 0.3)], True)
    rng = np.random.default_rng(2)
    drawn = [draw_links(rival, rng)["right_id"].tolist() for _ in range(6000)]
    assert max(map(len, drawn)) == 1
    odds = np.array([0.6 / 0.4, 0.3 / 0.7, 1.0])
    counts = np.array([drawn.count(["x"]), drawn.count(["y"]), drawn.count([])])
    assert np.allclose(counts / 6000, odds / odds.sum(), atol=0.02)


def test_every_draw_is_one_to_one(links: Links) -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        drawn = draw_links(links, rng)
        assert drawn["left_id"].is_unique
        assert drawn["right_id"].is_unique


def test_rubins_rules_by_hand() -> None:
    values, errors = np.array([0.2, 0.4, 0.3, 0.5]), np.array([0.1, 0.2, 0.1, 0.2])
    within, between = (0.01 + 0.04 + 0.01 + 0.04) / 4, (0.0225 + 0.0025 + 0.0025 + 0.0225) / 3
    total = within + 1.25 * between
    mean, std_error, df, part = rubin(values, errors)
    assert mean == pytest.approx(0.35, rel=1e-12)
    assert std_error == pytest.approx(math.sqrt(total), rel=1e-12)
    assert df == pytest.approx(3 * (1 + within / (1.25 * between)) ** 2, rel=1e-12)
    assert part == pytest.approx(1.25 * between / total, rel=1e-12)
    assert rubin(np.full(4, 0.25), np.full(4, 0.5))[1:] == pytest.approx((0.5, math.inf, 0.0))


def test_imputation_is_wider_than_one_set_of_links_and_repeats(links: Links) -> None:
    uncertain = with_pairs(links, [(f"a{i}", f"b{i}", 0.5) for i in range(100)], False)
    one, two = (impute_links(uncertain, share) for _ in range(2))
    assert repr(one) == repr(two)
    assert one.std_error > share(uncertain.pairs.head(50)).std_error
    assert one.estimate == pytest.approx(50 / 150, abs=0.03)
    assert "comes from not knowing" in repr(one)


def test_what_cannot_be_combined_is_refused(links: Links) -> None:
    with pytest.raises(InputError, match="needs an Estimate"):
        impute_links(links, len)
    with pytest.raises(InputError, match="2 or more"):
        impute_links(links, share, draws=1)
    with pytest.raises(InputError, match="2 or more"):
        impute_links(links, share, draws=2.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="certain must lie"):
        impute_links(links, share, certain=0)
    with pytest.raises(InputError, match="an Estimate or a number"):
        link_sensitivity(links, lambda pairs: pairs)  # type: ignore[arg-type,return-value]
    with pytest.raises(InputError, match="at least one"):
        link_sensitivity(links, len, thresholds=[])
