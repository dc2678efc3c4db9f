"""Questionnaires: what their files hold, scores from answers by hand, and answers that cannot be one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.cohort import programme
from impact.cohort.programme import programmes
from impact.distance import instrument, instruments, score_items
from impact.distance.instruments import check_instruments
from impact.errors import DefinitionError, InputError


def filled(name: str, *rows: float) -> pd.DataFrame:
    """A row for each answer, given to every item."""
    return pd.DataFrame({item: list(rows) for item in instrument(name).items}, dtype=float)


@pytest.mark.parametrize("name", [name for name in instruments() if name != "homelessness_star"])
def test_lowest_and_highest_answers_give_the_ends_of_each_scale(name: str) -> None:
    known = instrument(name)
    turned = {item for scale in known.scales for item in scale.reverse}
    low, high = known.answer_low, known.answer_high
    data = pd.DataFrame({item: [high, low] if item in turned else [low, high] for item in known.items})
    scores = score_items(data, known).scores
    for scale in known.scales:
        if scale.parts or scale.items:
            assert scores[scale.name].tolist() == [scale.low, scale.high]


def test_core10_prorates_one_missing_answer() -> None:
    data = filled("core10", 2, 2, 2)
    data.loc[1, "1"] = np.nan
    data.loc[2, ["1", "4"]] = np.nan
    scored = score_items(data, "core10")
    assert scored.scores["total"].tolist()[:2] == [20, 20]
    assert np.isnan(scored.scores["total"].iloc[2])
    row = scored.tidy().iloc[0]
    assert (row["n"], row["n_prorated"], row["n_missing"]) == (2, 1, 1)


def test_sdq_prorates_and_rounds_as_its_scoring_sheet_says() -> None:
    data = filled("sdq", 0)
    data.loc[0, ["3", "8", "13"]] = [2, 1, 1]
    data.loc[0, ["16", "24"]] = np.nan
    assert score_items(data, "sdq").scores["emotional"].tolist() == [7], "4 / 3 · 5 = 6.67"
    data.loc[0, "13"] = np.nan
    scores = score_items(data, "sdq").scores
    assert np.isnan(scores.loc[0, "emotional"])
    assert np.isnan(scores.loc[0, "total"])


def test_alpha_is_its_formula_by_hand() -> None:
    """Three people, 2 items of a local questionnaire: variances 1 and 1, of the sum 3: alpha = 2 (1 − 2 / 3)."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.integers(1, 6, (40, 7)).astype(float), columns=list("1234567"))
    sums = data.sum(axis=1)
    expected = 7 / 6 * (1 - data.var(ddof=1).sum() / sums.var(ddof=1))
    assert score_items(data, "swemwbs").tidy()["alpha"].iloc[0] == pytest.approx(expected, rel=1e-12)


def test_every_answer_that_cannot_be_one_is_refused_at_once_or_listed() -> None:
    data = filled("core10", 1, 1, 1, 1).astype(object)
    data.loc[0, "2"], data.loc[1, "2"], data.loc[2, "5"], data.loc[3, "5"] = "N/A", 7, 1.5, -1
    with pytest.raises(InputError) as caught:
        score_items(data, "core10")
    assert len(caught.value.faults) == 4
    assert "N/A" not in str(caught.value)
    scored = score_items(data, "core10", faulty="missing")
    assert scored.listed["row"].tolist() == [1, 2, 3, 4]
    assert scored.listed["problem"].tolist()[0] == "is not a number"
    assert any("4 answers that cannot be one" in note for note in scored.notes)


def test_turned_items_and_columns_may_be_named() -> None:
    data = filled("core10", 0)
    assert score_items(data, "core10").scores["total"].tolist() == [8]
    assert score_items(data, "core10", reverse=()).scores["total"].tolist() == [0]
    named = data.rename(columns=lambda item: f"q{item}")
    assert score_items(named, "core10", items=list(named.columns)).scores["total"].tolist() == [8]
    with pytest.raises(InputError, match="10 items"):
        score_items(named, "core10", items=["q1"])
    with pytest.raises(InputError, match="unknown: 11"):
        score_items(data, "core10", reverse=[11])


def test_what_was_not_read_in_a_source_is_named_as_an_assumption() -> None:
    for name in ("rosenberg", "swemwbs", "wemwbs"):
        assert any("ssum" in note for note in instrument(name).notes)
    unverified = instrument("rosenberg").tidy().query("not verified")
    assert unverified["fact"].tolist() == ["cutoff"]
    assert "an assumption" in str(instrument("rosenberg").scale("total").fact("cutoff"))
    with pytest.raises(InputError, match="No reliability is held"):
        instrument("homelessness_star").scale("offending").fact("reliability")


def test_the_star_has_readings_and_no_items() -> None:
    star = instrument("homelessness_star")
    assert len(star.scales) == 10
    assert {(scale.low, scale.high) for scale in star.scales} == {(1, 10)}
    with pytest.raises(InputError, match="no items"):
        score_items(pd.DataFrame({"a": [1]}), star)


def test_swemwbs_conversion_is_the_published_one() -> None:
    pairs = dict(instrument("swemwbs").scale("total").conversion)
    assert (pairs[7], pairs[20], pairs[29], pairs[35]) == (7.0, 18.59, 26.02, 35.0)
    assert list(pairs.values()) == sorted(pairs.values())


LOCAL = """
title = "How things are"
better = "higher"
low = 0
high = 6
items = ["a", "b", "c"]
answers = { low = 0, high = 2 }
licence = "Our own."
sources = ["Made here"]
assumptions = []

[[scales]]
name = "total"
title = "How things are"
items = ["a", "b", "c"]
reverse = ["c"]
answered = 2
"""


def test_a_local_questionnaire_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "local.toml"
    path.write_text(LOCAL, encoding="utf-8")
    data = pd.DataFrame({"a": [2, 1], "b": [1, None], "c": [0, 1]})
    assert score_items(data, instrument(path)).scores["total"].tolist() == [5, 3]
    path.write_text(LOCAL.replace('better = "higher"', 'better = "up"').replace("high = 6", "high = 9"), "utf-8")
    with pytest.raises(DefinitionError) as caught:
        instrument(path)
    assert len(caught.value.faults) >= 2
    with pytest.raises(DefinitionError, match="no instrument named"):
        instrument("star")


@pytest.mark.parametrize("name", programmes())
def test_definitions_say_what_the_files_of_their_instruments_say(name: str) -> None:
    check_instruments(programme(name))


def test_a_definition_that_contradicts_an_instruments_file_is_refused_with_every_contradiction() -> None:
    known = programme("pops")
    star, *others = known.instruments
    first, *rest = star.scales
    wrong = replace(star, better="lower", scales=(replace(first, name="motives"), *rest))
    with pytest.raises(DefinitionError, match="contradicts the files of its instruments") as caught:
        check_instruments(replace(known, instruments=(wrong, *others)))
    problems = [str(fault) for fault in caught.value.faults]
    assert len(problems) == len(star.scales) == 10
    assert "the scale motives is not one of motivation" in problems[0]
    assert all("higher is better, not 1 to 10 and lower" in problem for problem in problems[1:])
    twice = replace(star, low=0.0)
    with pytest.raises(DefinitionError, match="runs from 1 to 10"):
        check_instruments(replace(known, instruments=(twice, *others)))
