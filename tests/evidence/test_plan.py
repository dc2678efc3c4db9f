"""The plan: read with every mistake at once, hashed by content alone, and every departure from it found."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import impact as im
from impact.errors import DefinitionError
from impact.evidence.plan import departures, find_plan, plan_file

TEXT = """
programme = "tiny"
main = "reoffended"
subgroups = ["women"]

[follow_up]
time_zero = "release"
length = "365 days"
waiting = "183 days"

[comparison]
kind = "pool"
covariates = ["age", "sex"]
exact = []
method = "nearest"
on = "logit"
ratio = 5
replace = false
caliper = 0.2

[thresholds]
level = 0.95
standardised_difference = 0.10
people_compared = 30
reoffenders = 30

[outcomes]
risk_difference = ["reoffended", "recalled"]
mean_change = ["star:money"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_hash_is_of_the_content_and_can_be_made_by_hand(tmp_path: Path) -> None:
    plan = im.read_plan(written(tmp_path, TEXT))
    content = {
        "main": "reoffended",
        "outcomes": {"mean_change": ["star:money"], "risk_difference": ["recalled", "reoffended"]},
        "programme": "tiny",
        "settings": {
            "comparison.caliper": 0.2,
            "comparison.covariates": ["age", "sex"],
            "comparison.exact": [],
            "comparison.kind": "pool",
            "comparison.method": "nearest",
            "comparison.on": "logit",
            "comparison.ratio": 5.0,
            "comparison.replace": False,
            "follow_up.length": "365 days",
            "follow_up.time_zero": "release",
            "follow_up.waiting": "183 days",
            "thresholds.level": 0.95,
            "thresholds.people_compared": 30.0,
            "thresholds.reoffenders": 30.0,
            "thresholds.standardised_difference": 0.1,
        },
        "subgroups": ["women"],
    }
    by_hand = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
    assert plan.digest == by_hand


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('["age", "sex"]', '[ "sex", "age" ]  # both', True),
        ("ratio = 5\n", "", None),
        ('main = "reoffended"', 'main = "reoffended"\nlodged = "the steering group, 3 May 2021"', True),
        ("caliper = 0.2", "caliper = 0.20", True),
        ("caliper = 0.2", "caliper = 0.25", False),
        ('"recalled"', '"reoffences"', False),
        ('["women"]', "[]", False),
        ('"365 days"', '"364 days"', False),
    ],
)
def test_only_content_changes_the_hash(tmp_path: Path, old: str, new: str, same: bool | None) -> None:
    assert TEXT.count(old) == 1
    first = im.read_plan(written(tmp_path, TEXT))
    path = written(tmp_path, TEXT.replace(old, new))
    if same is None:
        with pytest.raises(DefinitionError, match="key ratio is missing"):
            im.read_plan(path)
    else:
        assert (im.read_plan(path).digest == first.digest) is same


def test_what_the_hash_shows_is_said(tmp_path: Path) -> None:
    assert "not when it was written" in im.read_plan(written(tmp_path, TEXT)).notes[0]
    lodged = im.read_plan(written(tmp_path, TEXT.replace("subgroups", 'lodged = "the funder, May 2021"\nsubgroups')))
    assert "lodged before outcomes were looked at: the funder, May 2021" in repr(lodged)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    bad = TEXT.replace('"tiny"', '"other"').replace('main = "reoffended"', 'main = "weight"')
    bad = bad.replace("risk_difference", "risk_diference").replace('kind = "pool"', 'kind = "puddle"')
    with pytest.raises(DefinitionError) as caught:
        im.read_plan(written(tmp_path, bad))
    said = str(caught.value)
    for part in ("key main is none", "key programme is not the name", "risk_diference is unknown", "kind is none"):
        assert part in said


def test_a_plan_that_is_not_there_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="There is no plan named 'nobody'"):
        im.read_plan("nobody")
    with pytest.raises(DefinitionError) as caught:
        find_plan(tmp_path / "tiny.toml", "The tiny programme")
    assert "No plan was written for The tiny programme" in str(caught.value)
    assert "unplanned=True" in str(caught.value)
    (tmp_path / "plans").mkdir()
    written(tmp_path / "plans", TEXT)
    assert find_plan(tmp_path / "tiny.toml", "The tiny programme").programme == "tiny"
    assert plan_file(tmp_path / "tiny.toml") == tmp_path / "plans" / "tiny.toml"


def test_what_was_done_as_planned_departs_in_nothing(tmp_path: Path) -> None:
    plan = im.read_plan(written(tmp_path, TEXT.replace('["women"]', "[]")))
    computed = {(name, measure) for measure, names in plan.outcomes.items() for name in names}
    assert departures(plan, computed, dict(plan.settings), why_not={}) == ()


def test_every_departure_is_found_and_none_made_up(tmp_path: Path) -> None:
    plan = im.read_plan(written(tmp_path, TEXT))
    done = dict(plan.settings) | {
        "comparison.covariates": ("age", "district"),
        "follow_up.length": "12 months",
        "comparison.radius": 0.1,
    }
    del done["comparison.caliper"]
    computed = {("reoffended", "risk_difference"), ("reoffended", "hazard_ratio")}
    found = departures(plan, computed, done, why_not={"recalled": "nobody was recalled"})
    looked = departures(plan, computed, done, apart={"women"}, why_not={})
    assert not [one for one in looked if one.measure == "subgroup"]
    why = departures(plan, computed, done, why_not={"women": "nobody's sex is on record"})
    assert [one.done for one in why if one.measure == "subgroup"] == ["nobody's sex is on record"]
    assert [(one.kind, one.name, one.measure, one.planned, one.done) for one in found] == [
        ("run, not planned", "reoffended", "hazard_ratio", "", ""),
        ("planned, not run", "recalled", "risk_difference", "", "nobody was recalled"),
        ("planned, not run", "star:money", "mean_change", "", "the chapter makes no such analysis"),
        ("planned, not run", "women", "subgroup", "", "the chapter looks at no group apart"),
        ("setting differs", "follow_up.length", "", "365 days", "12 months"),
        ("setting differs", "comparison.covariates", "", "age, sex", "without sex; with district"),
        ("setting differs", "comparison.caliper", "", "0.2", "nothing said"),
        ("setting differs", "comparison.radius", "", "nothing said", "0.1"),
    ]


@pytest.mark.parametrize("name", ["dwp", "magistra", "moms", "pops", "shelter", "time_matters"])
def test_the_plans_shipped_can_be_read(name: str) -> None:
    plan = im.read_plan(name)
    assert plan.programme == name
    assert set(plan.tidy()["kind"]) == {"outcome", "setting", *(["subgroup"] if plan.subgroups else [])}
    assert plan.digest in repr(plan)
