"""What a chapter says of money: its own effect times the unit cost, or which figure is missing; never a small count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import impact as im
from impact.errors import InputError
from impact.evidence.programme_cost import ProgrammeCost, read_cost
from impact.report.chapter import Chapter
from impact.report.exhibits import Statement, Table, plain
from tests.evidence.test_programme_cost import TEXT


@pytest.fixture(scope="module")
def linked(root: Path) -> Any:
    return im.read_linked(root / "data_synthetic")


def cost_file(folder: Path, programme: str, text: str = TEXT) -> Path:
    path = folder / f"{programme}.toml"
    path.write_text(text.replace('"dwp"', f'"{programme}"'), encoding="utf-8")
    return path


def costed(linked: Any, folder: Path, programme: str, text: str = TEXT) -> Chapter:
    return im.chapter(programme, linked, cost=cost_file(folder, programme, text))


def texts(made: Chapter) -> tuple[str, Table | None]:
    said, *tables = made.value_for_money().exhibits
    assert isinstance(said, Statement)
    return said.text, (tables[0] if tables else None)  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["dwp", "magistra"])
def test_the_value_is_the_effect_on_offences_times_the_unit_cost(linked: Any, tmp_path: Path, name: str) -> None:
    made = costed(linked, tmp_path, name)
    effect = next(one.effect for one in made.comparison.reoffending if one.name == "reoffences")  # type: ignore[union-attr]
    assert made.spent is not None
    assert made.worth is not None
    each = made.spent.offence.amount  # type: ignore[union-attr]
    assert made.worth.avoided == pytest.approx(-effect.estimate * each)
    assert made.worth.cost_per_participant == 1500
    text, table = texts(made)
    assert table is not None
    rows = table.frame.set_index("Quantity")
    assert rows.loc["Cost of the programme per participant", "Estimate"] == "£1,500"
    assert rows.loc["Cost of the programme per completer", "Estimate"] == "£2,250"
    assert " to " in rows.loc["Cost avoided per participant", "95% interval"]
    assert "Chance that it avoided more than it cost" in rows.index
    assert "2015/16 prices; made up" in text
    assert table.note.startswith("The records are made up, so nothing here is the cost or the value of a real")
    assert "Accounts of the programme, 2016 (read at the source)" in table.note
    assert "reported by others" in table.note
    emmie = im.reporting_checklist(made, standard="EMMIE").tidy().set_index("section")
    assert emmie.loc["Economic cost", "status"] == "filled"


def test_no_note_of_the_design_with_an_exact_number_of_people_is_shown(linked: Any, tmp_path: Path) -> None:
    text, table = texts(costed(linked, tmp_path, "dwp"))
    assert "treated people have fewer than" not in text + plain(table)  # type: ignore[arg-type]


def test_without_a_cost_the_chapter_says_which_figure_is_missing(linked: Any) -> None:
    made = im.chapter("dwp", linked)
    text, table = texts(made)
    assert text.startswith(
        "**What Department for Work and Pensions work coaches costs, and whether it pays for itself,"
    )
    assert "no file with its cost was given" in text
    assert "£" not in text
    assert table is None
    emmie = im.reporting_checklist(made, standard="EMMIE").tidy().set_index("section")
    assert emmie.loc["Economic cost", "status"] == "blank"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("shelter", TEXT, "cannot be said: fewer than 30 people, of those who took part"),
        ("moms", TEXT, "cannot be said: the groups are too unlike to be compared"),
        ("dwp", TEXT.partition("[offences]")[0], "cannot be said: the cost file names no mix of offences"),
        ("time_matters", TEXT, "is not asked here, because reoffending is no outcome of it"),
    ],
)
def test_a_cost_alone_is_given_with_what_is_missing(
    linked: Any, tmp_path: Path, name: str, text: str, said: str
) -> None:
    made = costed(linked, tmp_path, name, text)
    told, table = texts(made)
    assert said in told
    assert table is not None
    assert not any("avoid" in row for row in table.frame["Quantity"])
    emmie = im.reporting_checklist(made, standard="EMMIE").tidy().set_index("section")
    assert emmie.loc["Economic cost", "status"] == "in part"


def test_the_cost_of_few_completers_is_not_shown_and_numbers_of_people_are_rounded(linked: Any, tmp_path: Path) -> None:
    few = TEXT.replace("completers = 80", "completers = 9").replace("participants = 120", "participants = 122")
    _, table = texts(costed(linked, tmp_path, "dwp", few))
    rows = table.frame.set_index("Quantity")["Estimate"]  # type: ignore[union-attr]
    assert rows["Cost of the programme per completer"] == "not shown (fewer than 10 people)"
    assert rows["Cost of the programme per participant"] == "£1,500"
    none = TEXT.replace("completers = 80\n", "")
    _, table = texts(costed(linked, tmp_path, "dwp", none))
    rows = table.frame.set_index("Quantity")["Estimate"]  # type: ignore[union-attr]
    assert rows["Cost of the programme per completer"].startswith("not known")


def test_a_result_that_is_clear_by_itself_alone_is_not_called_clear(linked: Any, tmp_path: Path) -> None:
    made = costed(linked, tmp_path, "dwp")
    row = made.worth.tidy().set_index("term").loc["cost avoided per participant"]  # type: ignore[union-attr]
    assert row["conf_high"] < 0, "by itself the interval is of more crime"
    assert "is not clear once all the outcomes that were tested are allowed for" in texts(made)[0]


def test_another_programmes_cost_and_a_made_up_one_beside_real_records_are_refused(linked: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is 'dwp', and the chapter is on 'pops'"):
        im.chapter("pops", linked, cost=cost_file(tmp_path, "dwp"))
    made_up = cost_file(tmp_path, "dwp", TEXT.replace("read at the source", "made up"))
    im.chapter("dwp", linked, cost=made_up)
    real = replace(linked, synthetic=False)
    with pytest.raises(InputError, match="made-up cost must not stand beside the records of real people"):
        im.chapter("dwp", real, cost=made_up)
    genuine = read_cost(cost_file(tmp_path, "dwp"))
    assert isinstance(genuine, ProgrammeCost)
