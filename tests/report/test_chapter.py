"""A chapter: the four heads, what it never shows, and that what it shows is what the methods give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import impact as im
from impact.errors import InputError
from impact.report import notebook
from impact.report.analysis import Compared, NotPossible
from impact.report.chapter import Chapter
from impact.report.exhibits import Figure, Statement, Table

PROGRAMMES = ("dwp", "magistra", "moms", "pops", "shelter", "time_matters")
SMALL = re.compile(r"^[0-9]$")


@pytest.fixture(scope="module")
def linked(root: Path) -> object:
    return im.read_linked(root / "data_synthetic")


@pytest.fixture(scope="module")
def chapters(linked: object) -> dict[str, Chapter]:
    return {name: im.chapter(name, linked) for name in PROGRAMMES}


@pytest.mark.parametrize("name", PROGRAMMES)
def test_the_heads_of_the_framework_are_answered(chapters: dict[str, Chapter], name: str) -> None:
    heads = [heading for heading, _ in chapters[name].sections()]
    wanted = ["The programme", "Who came", "Pre and post interviews", "Pathways progress"]
    if name != "time_matters":
        wanted += ["Risk management", "Re-offending"]
    assert heads == [*wanted, "What it cost", "What can be said, and what cannot", "Stories", "For the record"]


@pytest.mark.parametrize("name", PROGRAMMES)
def test_the_prose_of_each_notebook_says_no_more_than_its_results(
    chapters: dict[str, Chapter], root: Path, name: str
) -> None:
    cells = notebook.read(root / "notebooks" / "programmes" / f"{name}.ipynb").cells
    found = chapters[name].check("\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))
    assert found.sentences > 5
    assert found.ok, repr(found)
    assert not found.unread


def test_a_chapter_lists_what_a_text_says_too_much(chapters: dict[str, Chapter]) -> None:
    found = chapters["shelter"].check("Shelter cut reoffending by 43%.")
    assert found.tidy()["code"].tolist() == ["causal_without_difference", "figure"]


@pytest.mark.parametrize("name", PROGRAMMES)
def test_no_count_of_people_under_ten_is_shown(chapters: dict[str, Chapter], name: str) -> None:
    counted = {"Took part", "Comparison", "People with both", "People with a need", "Needs", "With a first reading"}
    seen = 0
    for _, section in chapters[name].sections():
        for exhibit in section.exhibits:
            if isinstance(exhibit, Table) and not exhibit.key.endswith(("-balance", "-risk", "-reoffending")):
                for row in exhibit.numbers.values():
                    for column, shown in row.items():
                        if column in counted:
                            seen += 1
                            assert not SMALL.match(shown), f"{exhibit.key}, {column}: {shown}"
                            number = shown.replace(",", "")
                            assert not number.isdigit() or int(number) % 5 == 0
    assert seen


@pytest.mark.parametrize("name", PROGRAMMES)
def test_every_figure_says_its_finding_and_holds_its_numbers(chapters: dict[str, Chapter], name: str) -> None:
    figures = [x for _, section in chapters[name].sections() for x in section.exhibits if isinstance(x, Figure)]
    assert figures
    for figure in figures:
        assert len(figure.alt.split()) > 6
        assert figure.numbers


def test_children_never_get_a_reoffending_section(chapters: dict[str, Chapter]) -> None:
    chapter = chapters["time_matters"]
    with pytest.raises(InputError, match="has no section on reoffending"):
        chapter.reoffending()
    assert not {"reoffended", "reoffences", "event", "recalled"} & set(chapter.cohort.data.columns)
    said = " ".join(x.text for _, s in chapter.sections() for x in s.exhibits if isinstance(x, Statement))
    assert "not looked at in this chapter" in said


def test_what_cannot_be_supported_is_said_with_what_is_needed(chapters: dict[str, Chapter]) -> None:
    chapter = chapters["shelter"]
    assert isinstance(chapter.comparison, NotPossible)
    for section in (chapter.risk_management(), chapter.reoffending()):
        (statement,) = section.exhibits
        assert isinstance(statement, Statement)
        assert statement.text.startswith("**Nothing can be said of")
        assert "What would be needed" in statement.text


@pytest.mark.parametrize("name", ["dwp", "magistra"])
def test_the_effect_shown_is_the_one_that_the_methods_give(chapters: dict[str, Chapter], name: str) -> None:
    chapter = chapters[name]
    compared = chapter.comparison
    assert isinstance(compared, Compared)
    plan = chapter.programme.comparison
    data = chapter.cohort.data
    known = data[data["complete"]].dropna(subset=[*plan.covariates]).set_index("person_id", drop=False)
    known = known.assign(reoffended=known["reoffended"].astype(float))
    score = im.propensity("treated ~ " + " + ".join(plan.covariates), known)
    design = im.match(score, method=plan.method, ratio=plan.ratio, caliper=plan.caliper, exact=plan.exact)
    effect = im.compare(design, "reoffended", measure="risk_difference")
    mine = compared.reoffending[0].effect
    assert (mine.estimate, mine.conf_low, mine.n_treated) == (effect.estimate, effect.conf_low, effect.n_treated)


def test_unbalanced_groups_show_no_outcome(linked: object) -> None:
    from dataclasses import replace

    plain = im.programme("pops")
    loose = replace(plain.comparison, method="nearest", radius=None, caliper=None, ratio=20)
    spoilt = im.chapter(replace(plain, comparison=loose), linked)
    compared = spoilt.comparison
    assert isinstance(compared, Compared)
    assert compared.worst_smd > 0.10
    keys = {exhibit.key for section in (spoilt.reoffending(), spoilt.risk_management()) for exhibit in section.exhibits}
    assert "pops-balance" in keys
    assert not {"pops-reoffending", "pops-curves", "pops-risk"} & keys
    assert spoilt.verdicts[0].status == "not_comparable"
    shown = " ".join(x.text for _, s in spoilt.sections() for x in s.exhibits if isinstance(x, Statement))
    assert "times the rate" not in shown
    assert "no outcome is shown" in shown


def test_no_person_stands_in_a_chapter(linked: object, chapters: dict[str, Chapter]) -> None:
    people = set(linked.table("person")["person_id"])  # type: ignore[attr-defined]
    for chapter in chapters.values():
        words = set(re.findall(r"[A-Za-z0-9_-]+", repr(chapter.blocks()) + repr(chapter)))
        assert not words & people


def test_a_programme_nobody_was_referred_to_is_refused(linked: object) -> None:
    with pytest.raises(InputError, match="holds no referral to beacon"):
        im.chapter("beacon", linked)
