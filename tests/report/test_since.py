"""This year's report beside last year's, and two chapters that share people: subtraction finds no small number."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.cli import run
from impact.errors import InputError, ReportError
from impact.evidence import default_rules, shown_count
from impact.report.build import write_expected
from impact.report.since import COUNTS, read_numbers, released_tables, since_last

RULES = default_rules()
NOT_PEOPLE = re.compile(
    r"-(balance|kept|love-plot|curves|reoffending|risk|ledger|plan|standards|departures|logic|direction)$"
    r"|-figure$|-said(-\d)?$|-about$|-came$|-stories$|^annual-(forest|how)$|-said$"
)


def flow(counts: dict[str, int]) -> dict[str, dict[str, dict[str, str]]]:
    return {"x-flow": {row: {"Took part": shown_count(n)} for row, n in counts.items()}}


def possible(first: str, second: str) -> set[int]:
    """How many can have joined, found by trying every count behind the two texts, nobody having left."""
    behind = [[n for n in range(400) if shown_count(n) == text] for text in (first, second)]
    return {after - before for before, after in itertools.product(*behind) if after >= before}


def test_every_small_number_that_two_years_tell_is_found() -> None:
    rng, narrow = np.random.default_rng(3), 0
    for _ in range(200):
        before = dict(zip("abcdef", rng.choice([3, 9, 10, 11, 12, 13, 40, 58], 6).tolist(), strict=True))
        joined = dict(zip("abcdef", rng.choice([0, 0, 1, 2, 6, 12], 6).tolist(), strict=True))
        after = {row: n + joined[row] for row, n in before.items()}
        last, this = flow(before), flow(after)
        found = since_last(this, last, people="nested")
        close = found.findings[found.findings["problem"] == "told too closely"].set_index("row")
        steps = found.findings[found.findings["problem"] == "differs by fewer than 10"].set_index("row")
        for row in before:
            texts = [one["x-flow"][row]["Took part"] for one in (last, this)]
            agree = possible(*texts)
            few = len(agree) < RULES.width and min(agree) < RULES.minimum
            assert (row in close.index) == (few and last != this), (texts, agree)
            if row in close.index:
                assert close.loc[row, "low"] <= joined[row] <= close.loc[row, "high"]
                narrow += 1
            shown = [int(text) for text in texts if text.isdigit()]
            assert (row in steps.index) == (len(shown) == 2 and 0 < shown[1] - shown[0] < RULES.minimum)
            if row in steps.index:
                assert agree == set(range(steps.loc[row, "low"], steps.loc[row, "high"] + 1))
    assert narrow > 50


def test_the_same_release_built_again_has_nothing_to_find() -> None:
    last = flow({"a": 10, "b": 57})
    assert since_last(last, last, people="nested").findings.empty
    withheld = {
        "x-flow": {"a": {"Took part": "10"}, "b": {"Took part": "not shown"}, "c": {"Took part": "fewer than 10"}}
    }
    assert since_last(
        withheld, last | {"x-flow": last["x-flow"] | {"c": withheld["x-flow"]["c"]}}, people="nested"
    ).safe
    assert not since_last(flow({"a": 10, "b": 62}), last, people="nested").safe
    assert since_last(flow({"a": 10, "b": 62}), last, people="overlapping").safe


def test_counts_that_fell_are_said_and_not_taken_as_nested() -> None:
    found = since_last(flow({"a": 40, "b": 57}), flow({"a": 60, "b": 57}), people="nested")
    assert found.safe
    assert "1 counts are not as that says" in found.notes[1]


def test_the_record_says_what_the_last_release_showed_and_what_both_tell() -> None:
    this = flow({"a": 10, "b": 62, "c": 30}) | {"x-kept": {"Age": {"Kept": "24.6"}}}
    found = since_last(this, flow({"a": 11, "b": 57}) | {"x-kept": {"Age": {"Kept": "24.4"}}}, people="nested")
    record = found.record.set_index("row")
    assert record["last"].tolist() == ["10", "55", "", "24.4"]
    assert record.loc["a", "since_last"] == "only in the second: 0 to 2 (told too closely)"
    assert record.loc["b", "since_last"] == "more: 1 to 9 (differs by fewer than 10)"
    assert record.loc[["c", "Age"], "since_last"].tolist() == ["", ""]
    assert found.compared == 2
    first = since_last(this, None, people="nested")
    assert list(first.record.columns) == list(found.record.columns)
    assert first.safe


def test_shares_of_a_profile_are_turned_back_into_the_counts_they_stand_for() -> None:
    numbers = flow({"Alive and in the community on that day": 57}) | {
        "x-profile": {
            "Sex: male": {"Took part": "82%", "Comparison, before matching": "90%"},
            "Sex: female": {"Took part": "–"},
            "Age: 18 to 20": {"Took part": "18%"},
        }
    }
    record = released_tables(numbers)["x-profile"].record
    assert record[["row", "shown"]].to_numpy().tolist() == [["Sex: male", "45"], ["Age: 18 to 20", "10"]]


def test_what_is_no_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    for content in ("", "[]", '{"a": {"b": {"c": 4}}}', '{"a": 1}'):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ReportError, match=r"last\.json cannot be read"):
            read_numbers(path)
    with pytest.raises(InputError, match="people"):
        since_last({}, {}, people="subset")


def test_every_column_of_counts_in_the_report_is_compared(root: Path) -> None:
    """A new table of counts must be entered in COUNTS, or named here as one that holds no numbers of people."""
    numbers = json.loads((root / "reports" / "expected.json").read_text(encoding="utf-8"))
    tables = released_tables(numbers)
    assert len(tables) > 20
    for key, rows in numbers.items():
        if key in tables or NOT_PEOPLE.search(key):
            continue
        counted = {text for row in rows.values() for text in row.values() if re.fullmatch(r"\d+|fewer than \d+", text)}
        assert not counted, f"{key} shows {sorted(counted)[:5]}"
    for key, table in tables.items():
        listed = next(columns for ending, columns in COUNTS.items() if key.endswith(ending))
        for row, cells in numbers[key].items():
            for column, text in cells.items():
                if key.endswith("-profile"):
                    assert not re.fullmatch(r"\d+|fewer than \d+", text)
                elif re.fullmatch(r"\d+|fewer than \d+", text) and not row.startswith("("):
                    assert not listed or column in listed, (key, column)
        assert table.record["status"].isin(["shown", "hidden", "withheld", "no count"]).all()


def test_a_chapter_says_what_it_tells_beside_the_last(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pypandoc")
    out, kept = tmp_path / "out", tmp_path / "last.json"
    command = ["chapter", "shelter", "--data", str(root / "data_synthetic"), "--out", str(out)]
    assert run([*command, "--keep", str(kept)]) == 0
    assert run([*command, "--last", str(kept)]) == 0
    assert "counts were compared" in capsys.readouterr().err
    numbers = read_numbers(kept)
    lost = {row: dict(cells) for row, cells in numbers["shelter-lost"].items()}
    first = next(iter(numbers["shelter-flow"]))
    changed = {row: dict(cells) for row, cells in numbers["shelter-flow"].items()}
    changed[first]["Took part"] = str(int(changed[first]["Took part"]) - 5)
    write_expected(dict(numbers) | {"shelter-flow": changed, "shelter-lost": lost}, kept)
    assert run([*command, "--last", str(kept)]) in (0, 1)
    said = capsys.readouterr().err
    assert f"shelter-flow, row {first}, column Took part: {changed[first]['Took part']}, then" in said
    record = pd.read_csv(out / "shelter_outputs.csv", dtype=str, keep_default_na=False)
    row = record[(record["output"] == "shelter-flow") & (record["row"] == first)].iloc[0]
    assert row["since_last"] == "more: 1 to 9 (differs by fewer than 10)"
    assert row["last"] == changed[first]["Took part"]


def test_a_last_release_that_is_not_there_stops_the_chapter_at_once(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["chapter", "shelter", "--data", str(root / "data_synthetic"), "--out", str(out)]
    assert run([*command, "--last", str(tmp_path / "none.json")]) == 2
    assert not out.exists()
