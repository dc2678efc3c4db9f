"""Which return came when, and what each gap does to a trend: as the report of 2022 printed it, and looked at slowly."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from impact.errors import InputError
from impact.records import submission_status
from impact.records.returns.gaps import FORMS
from impact.records.returns.status import SubmissionStatus
from impact.results import Result

QUARTERS = ["2021-Q2", "2021-Q3", "2021-Q4", "2022-Q1"]
TABLE_1 = {
    "Time-MattersUK": ["Old form", "Old form", "New form", "New form"],
    "Shelter": ["Old form", "New form", "New form", "New form"],
    "POPs": ["Old form", "New form", "New form", "New form"],
    "Magistra": ["N/A", "New form", "New form", "New form"],
    "Sefton CVS (MOMS)": ["No return", "No return", "New form", "New form"],
}
"""Harrison and others 2022, table 1: the quarters of 2021/22."""
AS_CALLED = {"Old form": "old-2021", "New form": "online-2021"}


def records(began: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    came = [
        (name, quarter, AS_CALLED[cell])
        for name, cells in TABLE_1.items()
        for quarter, cell in zip(QUARTERS, cells, strict=True)
        if cell in AS_CALLED
    ]
    ran = [(name, began.get(name, "2021-Q2"), None) for name in TABLE_1]
    return (
        pd.DataFrame(came, columns=["programme", "quarter", "form"]),
        pd.DataFrame(ran, columns=["programme", "first", "last"]),
    )


def made(cells: list[str], *, usable: list[bool] | None = None, first: str = "2021-Q2") -> SubmissionStatus:
    """One programme's quarters: o, n, i for the forms, - for no return, . for not running."""
    called = dict(zip("oni", FORMS, strict=True))
    quarters = [f"{q.year}-Q{q.quarter}" for q in pd.period_range(first, periods=len(cells), freq="Q")]
    came = [("Shelter", q, called[cell]) for q, cell in zip(quarters, cells, strict=True) if cell in called]
    returns = pd.DataFrame(came, columns=["programme", "quarter", "form"])
    if usable is not None:
        returns["usable"] = usable
    stretches = [("Shelter", q, q) for q, cell in zip(quarters, cells, strict=True) if cell != "."]
    stretches = stretches or [("Shelter", "2010-Q1", "2010-Q2")]
    running = pd.DataFrame(stretches, columns=["programme", "first", "last"])
    return submission_status(returns, running, first=quarters[0], last=quarters[-1])


def said(status: SubmissionStatus, kind: str) -> list[str]:
    return status.effects.loc[status.effects["kind"] == kind, "effect"].tolist()


def test_the_table_of_the_report_of_2022() -> None:
    status = submission_status(*records({"Magistra": "2021-Q3"}), first="2021-Q2", last="2022-Q1")
    words = {"N/A": "not applicable", "No return": "no return", "Old form": "old form", "New form": "new form"}
    for name, cells in TABLE_1.items():
        assert status.table.loc[name].tolist() == [words[cell] for cell in cells]
    assert list(status.table.columns) == QUARTERS
    assert status.notes[0] == "17 of 19 returns that were due came: 4 by the old form and 13 by the new form."
    assert "in 2021-Q4 to 2022-Q1 (new form) alone" in status.notes[-1]
    assert "cannot be added up to people" in status.notes[1]
    assert isinstance(status, Result)


def test_its_own_text_says_that_one_had_not_begun_and_owed_nothing() -> None:
    began = {"Magistra": "2021-Q3", "Sefton CVS (MOMS)": "2021-Q4"}
    status = submission_status(*records(began), first="2021-Q2", last="2022-Q1")
    assert status.table.loc["Sefton CVS (MOMS)"].tolist() == ["not applicable"] * 2 + ["new form"] * 2
    assert status.notes[0].startswith("17 of 17")
    assert said(status, "no return") == []


def test_a_gap_inside() -> None:
    assert said(made(["n", "-", "n"]), "no return") == [
        "The change from 2021-Q2 to 2021-Q4 cannot be read quarter by quarter. Sums over quarters that include 2021-Q3 "
        "are lower bounds, and how many different people there were is not known."
    ]
    (text,) = said(made(["n", "-", "-", "i"]), "no return")
    assert "from 2021-Q2 to 2022-Q1" in text
    assert "include 2021-Q3 to 2021-Q4 are" in text
    assert "The template of 2022-Q1 may hold the dates of people served earlier" in text
    assert "template" not in said(made(["i", "-", "n"]), "no return")[0]


def test_a_gap_at_an_end_and_nothing_but_gaps() -> None:
    assert said(made(["-", "n"]), "no return")[0].startswith("There is nothing before 2021-Q3 to set it beside")
    assert said(made(["n", "-"]), "no return")[0].startswith("What came after 2021-Q2 is not known")
    none = made(["-", "-"])
    assert none.effects["effect"].tolist() == [
        "There is no return that can be used at all: nothing can be said of this programme from its returns."
    ]
    assert none.notes == (
        "0 of 2 returns that were due came.",
        "In no quarter did every running programme send a return by one form: no total covers all programmes.",
    )
    idle = made([".", "."])
    assert said(idle, "not applicable") == ["It ran in none of these quarters: nothing was due, and nothing is said."]
    assert idle.notes[0] == "0 of 0 returns that were due came."


def test_a_change_of_form_breaks_the_series_across_a_gap_too() -> None:
    status = made(["o", "o", "-", "n", "n", "n"])
    (change,) = said(status, "change of form")
    assert "a step from 2021-Q3 to 2022-Q1 may come from the form" in change
    assert said(status, "comparable") == [
        "Quarter can be set beside quarter within 2021-Q2 to 2021-Q3 (old form) and 2022-Q1 to 2022-Q3 (new form), "
        "and nowhere else."
    ]
    assert said(made(["o", "n", "i"]), "comparable") == [
        "No two quarters in a row came by one form: no change between quarters can be read."
    ]


def test_a_pause_is_neither_a_gap_nor_a_zero_and_parts_the_stretches() -> None:
    status = made(["n", "n", ".", "n", "n"])
    assert said(status, "not applicable") == ["It was not running, so no return was due: neither a gap nor a zero."]
    assert said(status, "no return") == []
    assert "2021-Q2 to 2021-Q3 (new form) and 2022-Q1 to 2022-Q2 (new form)" in said(status, "comparable")[0]


def test_a_return_that_cannot_be_used_leaves_a_gap_in_the_numbers() -> None:
    status = made(["n", "n", "n"], usable=[True, False, True])
    assert status.table.loc["Shelter"].tolist() == ["new form"] * 3
    (text,) = said(status, "not usable")
    assert text.startswith("A return came and cannot be used as it is. Until it is mended: The change from 2021-Q2 to")
    assert said(status, "comparable")[0].startswith("No two quarters in a row")
    assert status.notes[1] == "1 of those that came cannot be used as they are."
    assert status.tidy()["usable"].tolist() == [True, False, True]
    assert "Cannot be used as it is: Shelter (2021-Q3)." in status.alt


def test_returns_outside_the_table_are_counted_and_said() -> None:
    returns, running = records({"Magistra": "2021-Q3"})
    status = submission_status(returns, running, first="2021-Q4", last="2022-Q1")
    assert "7 returns for quarters before or after the table are not in it." in status.notes
    assert status.notes[0].startswith("10 of 10")


CELLS = st.lists(st.sampled_from("oni-."), min_size=1, max_size=7)


@settings(max_examples=60)
@given(cells=CELLS, data=st.data())
def test_every_quarter_is_spoken_of_as_a_slow_look_finds(cells: list[str], data: st.DataObject) -> None:
    fit = [data.draw(st.booleans()) for cell in cells if cell in "oni"]
    status = made(cells, usable=fit)
    quarters = list(status.table.columns)
    usable = iter(fit)
    good = [cell in "oni" and next(usable) for cell in cells]
    kinds = status.effects.groupby("kind")["quarters"].apply(list).to_dict()

    def covered(kind: str) -> set[str]:
        found = set()
        for part in " and ".join(kinds.get(kind, [])).replace(", ", " and ").split(" and "):
            ends = part.split(" to ")
            found |= {q for q in quarters if part and ends[0] <= q <= ends[-1]}
        return found

    assert covered("no return") == {q for q, cell in zip(quarters, cells, strict=True) if cell == "-"}
    assert covered("not applicable") == {q for q, cell in zip(quarters, cells, strict=True) if cell == "."}
    bad = {q for q, cell, fits in zip(quarters, cells, good, strict=True) if cell in "oni" and not fits}
    assert covered("not usable") == bad
    used = [(q, cell) for q, cell, fits in zip(quarters, cells, good, strict=True) if fits]
    assert kinds.get("change of form", []) == [f"{a[0]} to {b[0]}" for a, b in pairwise(used) if a[1] != b[1]]
    steps = [
        {quarters[at], quarters[at + 1]}
        for at in range(len(cells) - 1)
        if good[at] and good[at + 1] and cells[at] == cells[at + 1]
    ]
    assert covered("comparable") == set().union(*steps)


@given(seed=st.integers(0, 5))
@settings(max_examples=6)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    returns, running = records({"Magistra": "2021-Q3"})
    one = submission_status(returns, running, first="2021-Q2", last="2022-Q1")
    two = submission_status(
        returns.sample(frac=1, random_state=seed),
        running.sample(frac=1, random_state=seed),
        first="2021-Q2",
        last="2022-Q1",
    )
    assert repr(one) == repr(two)
    assert one.alt == two.alt


def test_tiles_are_told_apart_by_letter_and_pattern_and_the_words_say_the_finding() -> None:
    returns, running = records({"Magistra": "2021-Q3"})
    returns.loc[returns["programme"] == "POPs", "form"] = ["old-2021", "individual", "individual", "individual"]
    returns["usable"] = True
    returns.loc[0, "usable"] = False
    status = submission_status(returns, running, first="2021-Q2", last="2022-Q1")
    axes = status.plot()
    letters = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    wanted = {"old form": "O", "new form": "N", "individual-level template": "I", "no return": "×",
              "not applicable": "–"}  # fmt: skip
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == list(status.table.index)
    for row, name in enumerate(names):
        for column, quarter in enumerate(QUARTERS):
            bad = "!" if (name, quarter) == ("Time-MattersUK", "2021-Q2") else ""
            assert letters[(row, column)] == wanted[status.table.loc[name, quarter]] + bad
    tiles = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    grey = {(round(sum(tile.get_facecolor()[:3]), 2), tile.get_hatch()) for tile in tiles}
    assert len(grey) == 5
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 6
    assert status.alt == (
        "Returns by programme, 2021-Q2 to 2022-Q1. 17 of 19 returns that were due came: 4 by the old form, 10 by the "
        "new form and 3 by the individual-level template. No return: Sefton CVS (MOMS) (2021-Q2 to 2021-Q3). Cannot be "
        "used as it is: Time-MattersUK (2021-Q2). The form changed: POPs (2021-Q2 to 2021-Q3), Shelter (2021-Q2 to "
        "2021-Q3) and Time-MattersUK (2021-Q3 to 2021-Q4). Not running: Magistra (2021-Q2)."
    )
    given = plt.subplots()[1]
    assert status.plot(given) is given
    plt.close("all")


def test_all_faults_at_once_and_no_cell_is_told() -> None:
    returns = pd.DataFrame(
        {
            "programme": ["Zq", None, "Zb", "Zb", " "],
            "quarter": ["2021-Q5", "x", "2021-Q1", "2021-Q1", None],
            "form": ["individual", "zz", "individual", "individual", 3],
            "usable": [True, 1, None, False, True],
        }
    )
    running = pd.DataFrame({"programme": ["Zq", ""], "first": ["2021-Q3", "soon"], "last": ["2021-Q2", "later"]})
    with pytest.raises(InputError) as caught:
        submission_status(returns, running, first="2022", last="2021-Q1")
    text = str(caught.value)
    for words in (
        "column first: must be a quarter",
        "returns, column programme: is empty (2 rows: 2, 5)",
        "returns, column quarter: is not a quarter as 2021-Q2 (3 rows: 1, 2, 5)",
        "returns, column form: is none of the forms (2 rows: 2, 5)",
        "returns, column usable: is neither true nor false (2 rows: 2, 3)",
        "returns, column quarter: has more than one return of a programme (2 rows: 3, 4)",
        "running, column programme: is empty (1 row: 2)",
        "running, column first: is not a quarter as 2021-Q2 (1 row: 2)",
        "running, column last: is neither empty nor a quarter as 2021-Q2 (1 row: 2)",
        "running, column last: is before first (1 row: 1)",
    ):
        assert words in text, words
    assert "Zq" not in text
    assert len(caught.value.faults) == 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"last": "2021-Q1"}, "is before first"),
        ({"returns": "another name"}, r"returns, column programme: is not in running \(4 rows"),
        ({"running": {"first": ["2021-Q3"]}}, r"is one in which the programme did not run, as running says \(3 rows"),
        ({"returns": None}, "returns: must be a pandas DataFrame, not NoneType"),
        ({"running": "no rows"}, "running: has no rows"),
        ({"returns": "no form"}, "returns, column form: is not in the table"),
    ],
)
def test_what_cannot_be_put_together(change: dict[str, Any], words: str) -> None:
    returns, running = records({"Magistra": "2021-Q3"})
    frames: dict[str, Any] = {"returns": returns, "running": running}
    for name, how in change.items():
        if isinstance(how, dict):
            frames[name] = frames[name].assign(**{column: values * len(frames[name]) for column, values in how.items()})
        elif how == "no rows":
            frames[name] = frames[name].iloc[:0]
        elif how == "another name":
            frames[name] = frames[name].replace("Shelter", "Shelter ")
        elif how == "no form":
            frames[name] = frames[name].drop(columns="form")
        elif name in frames:
            frames[name] = how
    with pytest.raises(InputError, match=words):
        submission_status(frames["returns"], frames["running"], first="2021-Q2", last=change.get("last", "2022-Q1"))


def test_the_frames_given_are_left_as_they_were() -> None:
    returns, running = records({"Magistra": "2021-Q3"})
    before = returns.copy(), running.copy()
    submission_status(returns, running, first="2021-Q2", last="2022-Q1")
    pd.testing.assert_frame_equal(returns, before[0])
    pd.testing.assert_frame_equal(running, before[1])
