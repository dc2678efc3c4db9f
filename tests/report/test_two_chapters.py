"""Two chapters that share people, and an adversary who subtracts any published number from any other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import impact as im
from impact.evidence import default_rules
from impact.report.build import numbers_of
from impact.report.exhibits import Numbers
from impact.report.publish import nested_programmes
from impact.report.since import between_chapters, released_tables

RULES = default_rules()
ALSO = 4
"""How many people the wider programme has besides all those of the other."""


@pytest.fixture(scope="module", params=["shelter", "dwp"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def world(name: str, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Records in which a programme took everyone of another, and a few more."""
    folder = tmp_path_factory.mktemp("world")
    data, definitions = folder / "data", folder / "definitions"
    shutil.copytree(root / "data_synthetic", data)
    definitions.mkdir()
    shutil.copy(root / "impact" / "definitions" / f"{name}.toml", definitions / "wider.toml")
    own = set(pd.read_csv(data / "referral.csv").query("programme == @name")["person_id"])
    for table in ("referral", "participation", "assessment", "need"):
        rows = pd.read_csv(data / f"{table}.csv", dtype=str, keep_default_na=False)
        others = sorted(set(pd.read_csv(data / "participation.csv").query("programme == 'pops'")["person_id"]) - own)
        mine = rows[rows["programme"] == name]
        more = rows[(rows["programme"] == "pops") & rows["person_id"].isin(others[:ALSO])]
        if table == "assessment":
            more = more.iloc[:0]
        added = pd.concat([mine, more]).assign(programme="wider")
        if table == "participation":
            added["intervention"] = mine["intervention"].iloc[0]
        pd.concat([rows, added]).to_csv(data / f"{table}.csv", index=False)
    return im.read_linked(data, definitions=definitions)


@pytest.fixture(scope="module")
def two(name: str, world: Any) -> tuple[str, Any, Any]:
    chapters = (im.chapter(name, world), im.chapter("wider", world, unplanned=True))
    narrow, wide = (numbers_of(chapter.blocks()) for chapter in chapters)
    return name, narrow, wide


def whole_numbers(numbers: dict[str, Numbers]) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Every published number of people with the counts that it can stand for: the counts, and shares times totals."""
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for key, table in released_tables(numbers).items():
        ending = key.split("-", 1)[1]
        for row, column, text in table.record[["row", "column", "shown"]].itertuples(index=False):
            if re.fullmatch(r"[\d,]+", text):
                found[ending, row, column] = RULES.behind(int(text.replace(",", "")))
            elif text.startswith("fewer"):
                found[ending, row, column] = (0, RULES.minimum - 1)
    indexed = next(
        behind
        for (ending, row, _), behind in found.items()
        if (ending, row) == ("flow", "Alive and in the community on that day")
    )
    for key, rows in numbers.items():
        if key.endswith("-profile"):
            for row, cells in rows.items():
                share = re.fullmatch(r"(\d+)%", cells.get("Took part", ""))
                if share:
                    counts = [n for n in range(RULES.minimum, indexed[1] + 1) if _share(n, indexed) == int(share[1])]
                    found["profile", row, "Took part"] = (min(counts), max(counts))
    return found


def _share(count: int, total: tuple[int, int]) -> int:
    return int(100 * RULES.rounded(count) / RULES.rounded(total[0] + 2) + 0.5)


def close(low: tuple[int, int], high: tuple[int, int]) -> bool:
    """Whether what one number has more than another is told as small, to fewer values than the rules ask for."""
    least, most = max(high[0] - low[1], 0), high[1] - low[0]
    return most >= 0 and least < RULES.minimum and most - least + 1 < RULES.width


def test_no_difference_of_two_published_numbers_is_a_small_cell(two: tuple[str, Any, Any]) -> None:
    """Everyone of the first is in the second; within a chapter every later step holds people of every earlier one."""
    name, narrow, wide = two
    first, second = whole_numbers(narrow), whole_numbers(wide)
    same = [place for place in first if place in second and place[2] != "Comparison"]
    assert len(same) > 25
    found = {place for place in same if close(first[place], second[place])}
    told = between_chapters(narrow | wide, [(name, "wider")])
    flagged = {(key.split("-", 1)[1], row, column) for key, row, column in told[["output", "row", "column"]].to_numpy()}
    assert found <= flagged, "what subtraction finds, the check before publication has found"
    assert len(flagged) < 0.1 * len(same)
    still = {place for place in same if place not in flagged and close(first[place], second[place])}
    assert still == set(), "with what was found withheld there is nothing left"
    for one in (first, second):
        steps = [place for place in one if place[0] == "flow"]
        pairs = [
            (later, earlier) for at, earlier in enumerate(steps) for later in steps[at + 1 :] if later[2] == earlier[2]
        ]
        assert len(pairs) > 10
        assert [pair for pair in pairs if close(one[pair[0]], one[pair[1]])] == []


def test_the_few_who_are_in_the_wider_programme_alone_are_not_told(two: tuple[str, Any, Any]) -> None:
    _, narrow, wide = two
    low, high = (whole_numbers(numbers)["flow", "Referred", "Took part"] for numbers in (narrow, wide))
    assert high[0] - low[1] <= ALSO <= high[1] - low[0]
    assert not close(low, high)


def test_chapters_of_programmes_that_hold_each_other_are_found(two: tuple[str, Any, Any], world: Any) -> None:
    name, _, _ = two
    assert nested_programmes(world, [name, "wider", "pops", "moms"]) == [(name, "wider")]


def test_the_adversary_would_find_them_in_exact_numbers() -> None:
    assert close((57, 57), (61, 61))
    assert not close((53, 57), (58, 62))
    assert close((10, 12), (10, 12)), "two counts shown as 10: compare_releases withholds one of them"
