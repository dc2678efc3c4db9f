"""No content keeps a check for long: every pattern reads a cell in one go, however long it is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from impact.records.returns import reading
from impact.records.returns.check import check_return

SECONDS = 15  # of the processor: other work on the machine does not count
STORY = "programme,quarter,text,consent\npops,2023-Q1,{},true\n"
NOTE = "person_id,related_id,relation,note\nP1,P2,parent,{}\n"
LONG = 32_700


def _found(path: Path, text: str, form: str = "individual") -> list[str]:
    path.write_text(text, encoding="utf-8")
    start = time.process_time()
    found = check_return(path, form=form).findings["rule"].tolist()
    assert time.process_time() - start < SECONDS
    return found


@pytest.mark.parametrize(
    "text", ["a" * LONG, "a" * (LONG - 1) + "@", "a@" * (LONG // 2), "0 " * (LONG // 2), "1" * LONG]
)
def test_a_long_cell_is_read_in_one_go(tmp_path: Path, text: str) -> None:
    assert _found(tmp_path / "story.csv", STORY.format(text)) in ([], ["phone"])
    assert "column-unknown" in _found(tmp_path / "family.csv", NOTE.format(text + "1"))


def test_what_identifies_somebody_is_found_in_a_long_story_too(tmp_path: Path) -> None:
    assert _found(tmp_path / "story.csv", STORY.format("a " * 15_000 + "then to b@c.org")) == ["email"]


def test_a_cell_longer_than_a_spreadsheet_holds_is_one_that_was_never_closed(tmp_path: Path) -> None:
    assert _found(tmp_path / "story.csv", STORY.format("a" * 32_768)) == ["quotes"]
    assert _found(tmp_path / "story.csv", STORY.format("a" * 32_767)) == []


@pytest.mark.parametrize("text", ["9" * 5_000 + "-1", "9" * LONG, "1 " * (LONG // 2), "18 - 25" + " " * LONG])
def test_a_long_number_on_a_form_is_no_age(tmp_path: Path, text: str) -> None:
    form = f"Total,Beneficiaries,70\nAge,{text},3\n,also,67\n"
    assert set(_found(tmp_path / "form.csv", form, "old-2021")) <= {"age-total-differs", "overlapping-ages"}


def test_a_long_section_with_many_rows(tmp_path: Path) -> None:
    form = "a" * LONG + ",b,1\n" + ",c,2\n" * 20_000
    assert _found(tmp_path / "form.csv", form, "old-2021") == []


def test_lines_without_cells_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_CELLS", 1_000)
    assert _found(tmp_path / "family.csv", "person_id\n" + "\n" * 1_000) == ["too-large"]
    assert _found(tmp_path / "family.csv", "\n" * 900 + "person_id,related_id,relation\n")[0] == "header-moved"


def test_many_columns_that_nobody_asked_for(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(4_000))
    text = f"person_id,related_id,relation,{header}\n" + ("P1,P2,parent" + ",7" * 4_000 + "\n") * 20
    assert _found(tmp_path / "family.csv", text).count("column-unknown") == 4_000
