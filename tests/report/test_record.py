"""The ledger and the plan of a chapter: nothing computed is left out, and what was not done as planned is listed."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import impact as im
from impact.comparison.propensity import Propensity
from impact.distance.change import Change
from impact.distance.pathways import Pathways
from impact.errors import DefinitionError
from impact.evidence.ledger import Ledger
from impact.report import (
    analysis,
    annual,
    apart,
    chapter,
    computed,
    measured,
    outcomes,
    people,
    readings,
    record,
    said,
    statuses,
)
from impact.report.chapter import Chapter
from impact.report.exhibits import Statement, Table, plain
from impact.survival.kaplan_meier import KaplanMeier

PROGRAMMES = ("dwp", "magistra", "moms", "pops", "shelter", "time_matters")
METHODS = re.compile(r"impact\.(distance|survival|comparison|system|cohort)\b")
MODULES = (analysis, apart, chapter, computed, measured, outcomes, people, readings, record, said, statuses)
INTERVAL = re.compile(r"[−\d][\d.,]* \([−\d][\d.,]* to [−\d][\d.,]*\)")
TESTED = {"p_value", "signed_rank_p"}
ADJUSTED = {"p_holm", "p_bh", "p_adjusted"}
GROUP = {1: "took_part", 0: "comparison"}
COLUMNS = {
    ("p_value",): "",
    ("conf_low", "conf_high"): "",
    ("signed_rank_p",): "signed_rank",
    ("share_low", "share_high"): "share_met_so_far",
}
"""Columns of tests and intervals, and the measure of an entry that holds them where it is not the result's own."""
ON_GROUPS = ("risk_difference", "mean_difference", "hazard_ratio")


@pytest.fixture(scope="module")
def linked(root: Path) -> Any:
    return im.read_linked(root / "data_synthetic")


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every result that a method gives to the report's modules from now on."""
    seen: list[Any] = []

    def listening(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*given: Any, **named: Any) -> Any:
            result = method(*given, **named)
            seen.append(result)
            return result

        return call

    for module in MODULES:
        for name, value in list(vars(module).items()):
            if inspect.isfunction(value) and METHODS.match(value.__module__):
                monkeypatch.setattr(module, name, listening(value))
    return seen


def in_ledger(ledger: Ledger, kinds: tuple[str, ...], term: str, values: tuple[float, ...]) -> bool:
    """Whether an entry of these kinds holds all the values, as they are or exponentiated (ratios are logs)."""
    for entry in ledger.entries:
        if entry.measure not in kinds or (kinds != ON_GROUPS and entry.outcome.rpartition(":")[2] != term):
            continue
        held = (entry.estimate, entry.conf_low, entry.conf_high, entry.p_value)
        for scale in (float, math.exp):
            if all(any(math.isclose(scale(x), y, rel_tol=1e-9, abs_tol=1e-12) for y in held) for x in values):
                return True
    return False


def missing(ledger: Ledger, results: list[Any]) -> list[str]:
    """What the methods tested or gave an interval of, and the ledger does not hold."""
    left_out = []
    for result in results:
        if isinstance(result, Propensity):  # of who took part: it tests no outcome
            continue
        table = result.tidy() if hasattr(result, "tidy") else pd.DataFrame()
        test = getattr(result, "interaction", None)
        if test is not None and not any(
            entry.measure == "interaction" and entry.p_value == test.p_value for entry in ledger.entries
        ):
            left_out.append(f"interaction by {result.by}")
        if isinstance(result, KaplanMeier):
            left_out += [
                f"curve of {group}"
                for group in table["group"].unique()
                if not any(e.measure == "share_by_then" and GROUP[int(group)] in e.outcome for e in ledger.entries)
            ]
            continue
        unknown = {name for name in table if re.search(r"(^|_)p(_|$)", str(name))} - TESTED - ADJUSTED
        assert not unknown, f"{type(result).__name__} has tests of which this test knows nothing: {unknown}"
        for row in table.to_dict("records"):
            for columns, measure in COLUMNS.items():
                values = tuple(float(row.get(name, math.nan)) for name in columns)
                kinds = {Change: ("mean_change",), Pathways: ("share_met",)}.get(type(result), ON_GROUPS)
                kinds = (measure,) if measure else kinds
                if all(map(math.isfinite, values)) and not in_ledger(ledger, kinds, row["term"], values):
                    left_out.append(f"{type(result).__name__}, {row['term']}, {', '.join(columns)}")
    return left_out


@pytest.mark.parametrize("name", PROGRAMMES)
def test_nothing_that_a_method_computed_is_left_out(linked: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    seen = watched(monkeypatch)
    made = im.chapter(name, linked)
    made.blocks()
    assert len(seen) >= 3
    assert any(getattr(result, "tidy", None) for result in seen)
    assert missing(made.ledger, seen) == []
    for place, entry in enumerate(made.ledger.entries):
        shorter = Ledger(made.ledger.entries[:place] + made.ledger.entries[place + 1 :], made.plan)
        assert missing(shorter, seen), f"nobody would see that {entry.title}, {entry.measure} is not in the ledger"


@pytest.fixture(scope="module")
def chapters(linked: Any) -> dict[str, Chapter]:
    return {name: im.chapter(name, linked) for name in PROGRAMMES}


@pytest.mark.parametrize("name", PROGRAMMES)
def test_every_interval_that_is_shown_stands_in_the_table(chapters: dict[str, Chapter], name: str) -> None:
    made = chapters[name]
    record_of = {exhibit.key: exhibit for exhibit in made.for_the_record().exhibits}
    table = record_of[f"{name.replace('_', '-')}-ledger"]
    listed = set(INTERVAL.findall(plain(table)))
    shown = {
        exhibit.key: set(INTERVAL.findall(plain(exhibit)))
        for _, section in made.sections()
        for exhibit in section.exhibits
        if exhibit.key not in record_of and not exhibit.key.endswith(("-said", "-said-2"))
    }
    assert any(shown.values())
    for key, found in shown.items():
        assert found <= listed, f"{key}: {found - listed}"
    assert isinstance(table, Table)
    for row in table.frame.to_dict("records"):
        place = row["Shown in"].removeprefix("@")
        if place.endswith(("-change", "-risk", "-reoffending")):
            assert row["Estimate (95% interval)"] in shown[place], row


@pytest.mark.parametrize("name", PROGRAMMES)
def test_what_is_shown_is_where_the_ledger_says_and_what_is_not_is_nowhere(
    chapters: dict[str, Chapter], name: str
) -> None:
    made = chapters[name]
    keys = {exhibit.key for _, section in made.sections() for exhibit in section.exhibits}
    assert {entry.shown for entry in made.ledger.entries} - {""} <= keys
    assert set(made.ledger.tidy()["shown"]) - {""} <= keys


def test_an_unbalanced_comparison_is_in_the_ledger_without_its_numbers(linked: Any) -> None:
    made = im.chapter("moms", linked)
    hidden = made.ledger.tidy().query("reason == 'the groups are too unlike to be compared'")
    assert {"reoffended", "first_reoffence", "first_reoffence:took_part"} <= set(hidden["term"])
    assert hidden[["estimate", "conf_low", "conf_high", "p_value", "p_holm", "p_bh"]].isna().all(axis=None)
    text = "\n".join(plain(exhibit) for exhibit in made.for_the_record().exhibits)
    for entry in made.ledger.entries:
        if entry.withheld and entry.measure == "hazard_ratio":
            assert f"{entry.estimate:.2f}" not in text


def test_the_hash_of_the_plan_is_printed(chapters: dict[str, Chapter]) -> None:
    made = chapters["pops"]
    assert made.plan is not None
    text = "\n".join(plain(exhibit) for exhibit in made.for_the_record().exhibits)
    assert made.plan.digest == im.read_plan("pops").digest
    assert made.plan.digest in text.replace(" ", "")
    assert "not when it was written" in text


def test_another_follow_up_than_planned_is_a_departure(linked: Any, chapters: dict[str, Chapter]) -> None:
    assert not [one for made in chapters.values() for one in made.departures if one.kind == "setting differs"]
    half = im.chapter("dwp", linked, follow_up=182, waiting=100)
    differs = [(one.name, one.planned, one.done) for one in half.departures if one.kind == "setting differs"]
    assert differs == [("follow_up.length", "365 days", "182 days"), ("follow_up.waiting", "183 days", "100 days")]
    text = "\n".join(plain(exhibit) for exhibit in half.for_the_record().exhibits)
    assert "Length: 365 days" in text
    assert "182 days" in text


def test_what_was_planned_and_not_run_says_why(chapters: dict[str, Chapter]) -> None:
    planned = {one.name: one.done for one in chapters["shelter"].departures if one.kind == "planned, not run"}
    assert planned["reoffended"].startswith("Fewer than 30 people")
    assert planned["tenancy:held"] == "no first and last reading of it is on record"
    assert planned["age:26"].startswith("Fewer than 30 people")
    dwp = {entry.outcome for entry in chapters["dwp"].ledger.entries if entry.shown.startswith(("dwp-r", "dwp-c"))}
    assert dwp == set(record.ON_GROUPS)


def test_without_a_plan_there_is_no_chapter_unless_it_is_asked_for(linked: Any, tmp_path: Path, root: Path) -> None:
    path = tmp_path / "dwp.toml"
    path.write_bytes((root / "impact" / "definitions" / "dwp.toml").read_bytes())
    with pytest.raises(DefinitionError, match="No plan was written for Department for Work and Pensions"):
        im.chapter(path, linked)
    made = im.chapter(path, linked, unplanned=True)
    assert made.departures == ()
    assert not made.ledger.tidy()["planned"].any()
    first = made.for_the_record().exhibits[0]
    assert isinstance(first, Statement)
    assert first.text.startswith("**No plan was written before the outcomes were joined.**")


def test_a_chapter_of_nothing_has_an_empty_ledger(linked: Any) -> None:
    plain_programme = im.programme("time_matters")
    made = im.chapter(replace(plain_programme, instruments=()), linked, unplanned=True)
    bare = Chapter(made.cohort, linked, None)
    assert {entry.measure for entry in bare.ledger.entries} <= {"share_met", "share_met_so_far"}


def test_the_annual_report_computes_nothing_that_a_chapter_does_not() -> None:
    methods = [
        name for name, value in vars(annual).items() if inspect.isfunction(value) and METHODS.match(value.__module__)
    ]
    assert methods == ["overlap"]


def test_nothing_for_the_record_is_taken_for_a_small_count_of_people(root: Path) -> None:
    found = im.disclose([root / "notebooks" / "programmes" / f"{name}.ipynb" for name in PROGRAMMES])
    assert found.safe, repr(found)
