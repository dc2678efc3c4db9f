"""Planned subgroups: the estimates are those of the method, refused groups say why, and no small number is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import impact as im
from impact.comparison import balance, compare, subgroups, whole_sample
from impact.report.analysis import Compared, Outcome
from impact.report.apart import Apart, groups_of, holm, look_apart
from impact.report.chapter import Chapter
from impact.report.exhibits import Statement, Table, plain
from impact.report.subgroups import subgroup_exhibits, subgroup_verdicts


@pytest.fixture(scope="module")
def linked(root: Path) -> Any:
    return im.read_linked(root / "data_synthetic")


@pytest.fixture(scope="module")
def pops(linked: Any) -> Chapter:
    return im.chapter("pops", linked)


def people(seed: int = 5, n: int = 1200) -> pd.DataFrame:
    """By lot; the programme lowers reoffending by 0.3 among those under 26 and by nothing among the others."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"treated": np.repeat([1, 0], n // 2), "age": np.tile([20.0, 40.0, 50.0, 24.0], n // 4)})
    table["sex"] = np.where(np.arange(n) % 60 == 0, "female", "male")
    chance = 0.5 - 0.3 * ((table["treated"] == 1) & (table["age"] < 26))
    return table.assign(reoffended=(rng.random(n) < chance).astype(float), previous_offences=3.0)


def compared(table: pd.DataFrame) -> Compared:
    design = whole_sample(table, "treated", ["age"])
    effect = compare(design, "reoffended", measure="risk_difference")
    main = Outcome("reoffended", "Reoffended within one year", "percentage points", 100, "more", "fewer", effect)
    return Compared(design, balance(design), (main,), (), (), None, None, 100, 0)  # type: ignore[arg-type]


def looked(table: pd.DataFrame, pops: Chapter, *names: str) -> tuple[Apart, ...]:
    plan = replace(im.read_plan("pops"), subgroups=names)
    return look_apart(plan, pops.programme, table, compared(table), pops.linked)


def test_effects_and_test_are_those_of_the_method(pops: Chapter) -> None:
    table = people()
    (one,) = looked(table, pops, "age:26")
    banded = table.assign(young=np.where(table["age"] < 26, "under 26", "26 and over"))
    alone = subgroups(whole_sample(banded, "treated", ["age"]), "reoffended", "young", measure="risk_difference")
    by_hand = alone.tidy().set_index("term")
    assert one.table is not None
    assert one.table["part"].tolist() == ["under 26", "26 and over"]
    for row in one.table.to_dict("records"):
        for name in ("estimate", "conf_low", "conf_high", "p_value"):
            assert row[name] == by_hand.loc[row["part"], name]
    young = table[table["age"] < 26].groupby("treated")["reoffended"].mean()
    assert one.table["estimate"][0] == pytest.approx(young[1] - young[0], abs=1e-12)
    assert one.interaction is not None
    assert alone.interaction is not None
    assert one.interaction.p_value == alone.interaction.p_value < 0.001


def test_a_difference_that_was_planned_and_is_clear_is_said_as_the_design_permits(pops: Chapter) -> None:
    table = people()
    found = looked(table, pops, "age:26", "sex")
    said = [one.status for one in subgroup_verdicts(pops.cohort, compared(table), found)]
    assert said == ["differ", "one_estimated"]
    statement, shown = subgroup_exhibits(pops.cohort, compared(table), found)
    assert isinstance(statement, Statement)
    assert isinstance(shown, Table)
    assert "The difference found (reoffended within one year) is not the same in all subgroups by age" in statement.text
    assert "In all 3 such results and 1 test whether groups differ could be made" in statement.text
    assert "**By sex.** Whether the result differs by sex cannot be told" in statement.text
    rows = shown.frame.set_index("Group")
    assert rows.loc["Sex: female", "Difference (95% interval)"] == "not given: fewer than 30 people on one side"
    assert rows.loc["Age: do they differ?", "p"] == "under 0.001"


def test_holm_is_over_all_groups_and_over_all_tests_of_a_difference(pops: Chapter) -> None:
    table = people().assign(previous_offences=np.tile([1.0, 1.0, 9.0], 400))
    found = looked(table, pops, "age:26", "previous_offences:5")
    effects, tests = holm(found)
    raw = [p for one in found for p in one.table["p_value"]]  # type: ignore[index]
    assert len(raw) == 4
    assert min(p for part in effects for p in part) == pytest.approx(min(1.0, 4 * min(raw)))
    assert min(tests) == pytest.approx(min(1.0, 2 * min(one.interaction.p_value for one in found)))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("women", "nothing of that name is on record"),
        ("reoffended", "nothing of that name is on record"),
        ("treated", "nothing of that name is on record"),
        ("age", "it is a number, and the plan does not say where it is cut"),
        ("age:", "where it is cut is not said in numbers that rise"),
        ("age:young", "where it is cut is not said in numbers that rise"),
        ("age:30,20", "where it is cut is not said in numbers that rise"),
        ("age:nan", "where it is cut is not said in numbers that rise"),
        ("sex:1", "it is a kind, which cannot be cut at a number"),
        ("previous_offences:10", "everyone who is compared is in the same group"),
    ],
)
def test_what_cannot_be_looked_at_says_why_and_is_a_departure(
    pops: Chapter, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    (one,) = looked(people(), pops, name)
    assert one.why.startswith(why)
    assert one.table is None
    made = replace(pops, plan=replace(im.read_plan("pops"), subgroups=(name,)))
    made.__dict__["apart"] = (one,)
    found = [departure for departure in made.departures if departure.measure == "subgroup"]
    assert [(departure.kind, departure.name, departure.done) for departure in found] == [
        ("planned, not run", name, one.why)
    ]


def test_bands_hold_their_lower_end() -> None:
    told = groups_of(pd.DataFrame({"age": [20.9, 21.0, 25.9, 26.0, np.nan]}), "age:21,26")
    assert isinstance(told, pd.Series)
    assert told.tolist() == ["under 21", "21 to under 26", "21 to under 26", "26 and over", None]


def test_no_small_number_of_people_is_shown_or_can_be_worked_out(pops: Chapter) -> None:
    table = people()
    table["sex"] = np.where(np.arange(len(table)) < 3, "other", "male")
    found = looked(table, pops, "sex")
    _, shown = subgroup_exhibits(pops.cohort, compared(table), found)
    assert isinstance(shown, Table)
    rows = shown.frame.set_index("Group")
    assert rows.loc["Sex: other", "Took part"] == "fewer than 10"
    assert not re.search(r"(?<![\d.])[1-9](?![\d.])", " ".join(rows[["Took part", "Comparison"]].to_numpy().ravel()))
    everyone = {"Took part": 600, "Comparison": 600}
    for side, total in everyone.items():
        parts = [text for text in rows[side] if text.isdigit()]
        assert all(int(text) % 5 == 0 for text in parts)
        left = total - sum(map(int, parts))
        assert abs(left) <= 5, "what is hidden is not narrower than rounding leaves it"


def test_numbers_that_would_give_a_small_one_away_are_all_withheld(
    pops: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from impact.errors import DisclosureError

    def refuse(*_: object, **__: object) -> None:
        raise DisclosureError("no")

    monkeypatch.setattr("impact.report.subgroups.protect", refuse)
    table = people()
    _, shown = subgroup_exhibits(pops.cohort, compared(table), looked(table, pops, "age:26"))
    assert isinstance(shown, Table)
    assert set(shown.frame["Took part"]) == {"–"}
    assert "Comparison" not in shown.frame


def test_an_unbalanced_or_impossible_comparison_looks_at_no_group(linked: Any) -> None:
    moms = im.chapter("moms", linked)
    moms = replace(moms, plan=replace(im.read_plan("moms"), subgroups=("sex",)))
    assert [one.why for one in moms.apart] == ["the groups are too unlike to be compared"]
    assert all("subgroups" not in exhibit.key for exhibit in moms.reoffending().exhibits)
    shelter = im.chapter("shelter", linked)
    assert [one.why[:20] for one in shelter.apart] == ["Fewer than 30 people"]
    no_plan = im.chapter("pops", linked, unplanned=True)
    assert no_plan.apart == ()
    assert not [exhibit for exhibit in no_plan.reoffending().exhibits if "subgroups" in exhibit.key]


def test_a_chapter_shows_its_groups_and_fills_the_items_that_ask_for_them(pops: Chapter) -> None:
    keys = [exhibit.key for exhibit in pops.reoffending().exhibits]
    assert keys[-2:] == ["pops-subgroups-said", "pops-subgroups"]
    emmie = im.reporting_checklist(pops, standard="EMMIE").tidy().set_index("section")
    assert emmie.loc["Moderators", "status"] == "filled"
    strobe = im.reporting_checklist(pops, standard="STROBE").tidy().set_index("number")
    assert strobe.loc["12b", "status"] == "filled"
    of_groups = [entry for entry in pops.ledger.entries if entry.subgroup]
    assert [(entry.subgroup, entry.part) for entry in of_groups] == [("sex", "male")]
    assert pops.ledger.planned(of_groups[0])
    record = {exhibit.key: plain(exhibit) for exhibit in pops.for_the_record().exhibits}
    assert "Reoffended within one year: sex, male" in record["pops-ledger"]


def test_an_author_may_give_the_figures_of_a_group_that_is_shown(pops: Chapter) -> None:
    (of_men,) = [entry for entry in pops.ledger.entries if entry.subgroup]
    assert pops.check(f"Among men it was {100 * of_men.conf_high:.1f} percentage points at most.").ok
    assert not pops.check("Among men it was 61.7 percentage points at most.").ok


def test_groups_of_a_before_and_after_outcome_have_changes_and_no_test(linked: Any) -> None:
    made = im.chapter("time_matters", linked)
    made = replace(made, plan=replace(im.read_plan("time_matters"), subgroups=("sex", "imd_decile:3")))
    assert [one.estimated for one in made.apart] == [0, 0]
    assert all(one.interaction is None for one in made.apart)
    assert made.apart[0].table["refused"].tolist() == ["fewer than 30 people with both readings"] * 2  # type: ignore[index]
    assert made.apart[0].table["estimate"].isna().all()  # type: ignore[index]
    _, shown = [exhibit for exhibit in made.interviews().exhibits if "subgroups" in exhibit.key]
    assert isinstance(shown, Table)
    assert "Comparison" not in shown.frame
    nobody = replace(made, plan=replace(im.read_plan("time_matters"), main="weight:total", subgroups=("sex",)))
    assert "not computed by a method" in nobody.apart[0].why


def test_the_words_on_groups_are_not_taken_for_small_counts_of_people(pops: Chapter, tmp_path: Path) -> None:
    from impact.report.build import write_documents
    from impact.report.document import Chapter as Part
    from impact.report.document import assemble

    blocks = pops.blocks()
    files = write_documents(assemble([Part("pops", blocks)], title="POPs"), blocks, tmp_path, "pops")
    found = im.disclose([path for path in files if path.suffix in (".html", ".docx")])
    assert found.safe, repr(found)


def test_a_group_where_few_have_the_outcome_is_not_given_nor_the_test_with_it(pops: Chapter) -> None:
    """The interval of a group of 300 with nine reoffenders on one side would say that they are nine."""
    table = people()
    young = table.index[(table["treated"] == 1) & (table["age"] < 26)]
    for some, estimated in ((10, 2), (9, 1)):
        table.loc[young, "reoffended"] = (np.arange(len(young)) < some).astype(float)
        (one,) = looked(table, pops, "age:26")
        assert one.estimated == estimated
        assert (one.interaction is None) == (estimated == 1)
    assert one.table is not None
    assert one.table["refused"].tolist() == ["all but fewer than 10 people on one side have the same outcome", ""]
    assert one.table.loc[0, ["estimate", "conf_low", "conf_high", "p_value"]].isna().all()


def test_a_yes_or_no_main_outcome_is_not_looked_at_in_groups(linked: Any) -> None:
    made = im.chapter("dwp", linked)
    readings = linked.table("assessment")
    yes = readings[readings["programme"] == "dwp"].assign(instrument="employment", scale="in_work", score=1.0)
    plan = replace(im.read_plan("dwp"), main="employment:in_work", subgroups=("sex",))
    held = SimpleNamespace(table=lambda _: yes)
    (one,) = look_apart(plan, made.programme, made.cohort.data, made.comparison, held)  # type: ignore[arg-type]
    assert "yes or no" in one.why
