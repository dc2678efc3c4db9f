"""Reporting standards: every item of each, its number right, and nothing said to be filled that is not known."""

from __future__ import annotations

from typing import Any

import pytest

import impact as im
from impact.errors import InputError
from impact.evidence.reporting import STANDARDS, _standard, fill_checklist
from impact.report.reporting import facts

NUMBERS = {
    "RECORD": "1.1 1.2 1.3 6.1 6.2 6.3 7.1 12.1 12.2 12.3 13.1 19.1 22.1",
    "STROBE": "1a 1b 2 3 4 5 6a 6b 7 8 9 10 11 12a 12b 12c 12d 12e 13a 13b 13c 14a 14b 14c 15 16a 16b 16c 17 18 19 20"
    " 21 22",
    "TREND": " ".join(map(str, range(1, 23))),
    "TIDieR": " ".join(map(str, range(1, 13))),
    "EMMIE": "1 2 3 4 5",
}


@pytest.fixture(scope="module")
def chapters(root: Any) -> dict[str, Any]:
    linked = im.read_linked(root / "data_synthetic")
    return {name: im.chapter(name, linked) for name in ("pops", "time_matters")}


@pytest.mark.parametrize("standard", STANDARDS)
def test_the_items_are_numbered_as_published(standard: str) -> None:
    table = fill_checklist({}, standard).tidy()
    assert table["number"].tolist() == NUMBERS[standard].split()
    assert set(table["status"]) == {"blank"}
    assert (table["said"] == "").all()


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_fact_that_is_asked_for_can_be_known(standard: str, chapters: dict[str, Any]) -> None:
    # What is known only of a store that was built here, or with a cost file; no chapter runs a sensitivity analysis.
    never = {"sensitivity", "cost", "worth", "linkage"}
    known = set(facts(chapters["pops"]))
    asked = {name for item in _standard(standard)["items"] for name in item.get("facts", [])}
    assert asked - known <= never
    assert not known & never


@pytest.mark.parametrize("standard", STANDARDS)
def test_taking_a_fact_away_never_fills_an_item(standard: str, chapters: dict[str, Any]) -> None:
    known = facts(chapters["pops"])
    rank = {"blank": 0, "in part": 1, "filled": 2}
    whole = fill_checklist(known, standard).tidy()["status"].map(rank)
    for name in known:
        less = fill_checklist({key: text for key, text in known.items() if key != name}, standard).tidy()
        assert (less["status"].map(rank) <= whole).all()
        empty = fill_checklist(known | {name: " "}, standard).tidy()
        assert empty["status"].tolist() == less["status"].tolist()


def test_what_was_not_compared_is_not_said_to_be(chapters: dict[str, Any]) -> None:
    status = im.reporting_checklist(chapters["time_matters"], standard="STROBE").tidy().set_index("number")["status"]
    assert (status[["4", "6b", "12a", "15", "16a", "16c"]] == "blank").all()
    emmie = im.reporting_checklist(chapters["time_matters"], standard="EMMIE").tidy().set_index("section")["status"]
    assert emmie["Effect"] == emmie["Economic cost"] == emmie["Moderators"] == "blank"


def test_the_exhibits_that_a_checklist_names_are_in_the_chapter(chapters: dict[str, Any]) -> None:
    for made in chapters.values():
        keys = {exhibit.key for _, section in made.sections() for exhibit in section.exhibits}
        named = {word.rstrip(".") for text in facts(made).values() for word in text.split("See ")[1:]}
        assert named <= keys


def test_what_is_neither_chapter_nor_standard_is_refused() -> None:
    with pytest.raises(InputError, match="standard must be one of RECORD, STROBE"):
        im.reporting_checklist({}, standard="CONSORT")
    with pytest.raises(InputError, match="chapter must be a chapter or facts by name, not str"):
        im.reporting_checklist("pops")  # type: ignore[arg-type]
