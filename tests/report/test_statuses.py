"""Yes-or-no outcomes: shares, changes and tests worked by hand; few people are not shown; half a yes is refused."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import impact as im
from impact.errors import InputError
from impact.report.chapter import Chapter
from impact.report.exhibits import Statement, Table, plain
from impact.report.measured import measure_readings
from impact.report.statuses import measure_statuses, status_entries, status_exhibits


@pytest.fixture(scope="module")
def linked(root: Path) -> Any:
    return im.read_linked(root / "data_synthetic")


def readings(yes_yes: int, no_yes: int, yes_no: int, no_no: int, first_alone: int = 0) -> pd.DataFrame:
    pairs = [(1, 1)] * yes_yes + [(0, 1)] * no_yes + [(1, 0)] * yes_no + [(0, 0)] * no_no
    rows = [(f"q{at}", wave, score) for at, pair in enumerate(pairs) for wave, score in enumerate(pair, start=1)]
    rows += [(f"r{at}", 1, 1) for at in range(first_alone)]
    table = pd.DataFrame(rows, columns=["person_id", "wave", "score"])
    return table.assign(programme="dwp", instrument="employment", scale="in_work", score=table["score"].astype(float))


def records(table: pd.DataFrame) -> Any:
    return SimpleNamespace(table=lambda name: {"assessment": table}[name])


def of(table: pd.DataFrame) -> Any:
    (one,) = measure_statuses(im.programme("dwp"), records(table))
    return one


def test_by_hand() -> None:
    one = of(readings(20, 30, 10, 40, first_alone=10))
    row = one.table.iloc[0]
    assert (row["n"], row["n_first"], row["first_yes"], row["last_yes"]) == (100, 110, 30, 50)
    assert row["estimate"] == pytest.approx(0.2)
    assert row["p_value"] == pytest.approx(2 * sum(_choose(40, k) for k in range(11)) / 2**40)  # 10 of 40 who moved
    assert (row["n_any"], row["any_yes"]) == (110, 60)
    centre, n, z = 60 / 110, 110, 1.959964
    middle = (centre + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * (centre * (1 - centre) / n + z**2 / (4 * n**2)) ** 0.5
    assert (row["share_low"], row["share_high"]) == pytest.approx((middle - reach, middle + reach), abs=1e-6)


def _choose(n: int, k: int) -> int:
    from math import comb

    return comb(n, k)


def test_each_is_in_the_ledger_and_the_table_and_no_mean_of_it_is_made() -> None:
    programme, table = im.programme("dwp"), readings(20, 30, 10, 40)
    one = of(table)
    entries = list(status_entries(programme, (one,)))
    assert [(entry.outcome, entry.measure, entry.shown) for entry in entries] == [
        ("employment:in_work", "share_change", "dwp-employment-status"),
        ("employment:in_work", "share_at_last", "dwp-employment-status"),
    ]
    said, shown = status_exhibits(programme, (one,))
    assert isinstance(said, Statement)
    assert "clearly more than at the first (20 (" in said.text
    assert "This is not the effect of the programme" in said.text
    assert isinstance(shown, Table)
    assert shown.frame.loc[0, ["Yes at the first", "Yes at the last"]].tolist() == ["30%", "50%"]
    assert measure_readings(programme, records(table)) == ()


def test_few_people_are_not_shown() -> None:
    programme = im.programme("dwp")
    few = of(readings(2, 3, 1, 2))
    assert {entry.withheld for entry in status_entries(programme, (few,))} == {"fewer than 10 people"}
    said, shown = status_exhibits(programme, (few,))
    assert "too few to say how the share changed" in said.text  # type: ignore[union-attr]
    assert not re.search(r"(?<![\d.])\d%|(?<!than )\b[1-9]\b", plain(shown).splitlines()[2])
    alone = of(readings(0, 0, 0, 0, first_alone=20))
    assert [entry.measure for entry in status_entries(programme, (alone,))] == ["share_at_last"]


@pytest.mark.parametrize(
    "counts",
    [(20, 30, 9, 41), (30, 9, 20, 41), (0, 20, 9, 40), (60, 15, 20, 5), (5, 15, 20, 60)],
    ids=["lost", "gained", "no yes", "no twice", "yes twice"],
)
def test_a_change_that_would_give_a_few_away_is_not_shown(linked: Any, counts: tuple[int, ...]) -> None:
    """The shares, the interval and the exact test together say how many moved each way."""
    programme, one = im.programme("dwp"), of(readings(*counts))
    change, _ = status_entries(programme, (one,))
    assert "moved one way" in change.withheld
    said, shown = status_exhibits(programme, (one,))
    assert "is not given: fewer than 10 people" in said.text  # type: ignore[union-attr]
    assert shown.frame.loc[0, ["Change (95% interval)", "p"]].tolist() == ["–", "–"]  # type: ignore[union-attr]
    made = im.chapter("dwp", linked)
    whole = Chapter(made.cohort, linked, made.plan)
    whole.__dict__["statuses"] = (one,)
    finding = next(found for found in whole.findings if "Employment" in found.outcome)
    assert math.isnan(finding.estimate)
    verdict = next(found for found in whole.verdicts if "Employment" in found.headline)
    assert verdict.headline.startswith(
        "How the per cent of people with a yes (Employment) changed on average is not given"
    )


def test_half_a_yes_is_refused_by_row_and_not_by_value() -> None:
    table = readings(3, 3, 3, 3)
    table.loc[4, "score"] = 0.5
    with pytest.raises(InputError) as refused:
        of(table)
    assert "readings of employment, column score: is neither 0 nor 1 (1 row: 5)" in str(refused.value)
    assert "0.5" not in str(refused.value)


def test_what_is_planned_and_on_record_is_kept_and_what_is_not_says_why(linked: Any) -> None:
    made = im.chapter("dwp", linked)
    why = {one.name: one.done for one in made.departures if one.kind == "planned, not run"}
    assert why["employment:in_work"] == "no first and last reading of it is on record"
    whole = Chapter(made.cohort, linked, made.plan)
    whole.__dict__["statuses"] = (of(readings(20, 30, 10, 40)),)
    kept = {one.name for one in whole.departures if one.kind == "planned, not run"}
    assert "employment:in_work" not in kept
    assert "benefit:in_payment" in kept
    keys = [exhibit.key for exhibit in whole.interviews().exhibits]
    assert keys[-2:] == ["dwp-employment-status-said", "dwp-employment-status"]
    finding = next(one for one in whole.findings if "Employment" in one.outcome)
    assert (finding.design, finding.n_analysed, finding.estimate) == ("before_after", 100, pytest.approx(20))
    verdict = next(one for one in whole.verdicts if "Employment" in one.headline)
    assert verdict.headline.startswith(
        "Among the 100 people with a first and a last reading, the per cent of people with a yes (Employment) rose by"
    )
    assert "cannot be put down to" in verdict.headline


def test_what_was_not_measured_still_says_how_many_took_part(linked: Any) -> None:
    made = im.chapter("dwp", linked)
    verdict = next(one for one in made.verdicts if "(Employment)" in one.headline)
    assert verdict.status == "not_measured"
    assert not verdict.can_say[0].lower().startswith("fewer than")
    tiny = replace(made.findings[-1], design="none", n_treated=3)
    assert im.verdict(tiny).can_say[0].startswith("Fewer than 10 people took part")
