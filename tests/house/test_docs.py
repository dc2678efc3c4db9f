"""The documents around the code say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from impact.records import data_dictionary


def test_the_printed_dictionary_is_the_one_of_the_code(root: Path) -> None:
    printed = (root / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert printed == data_dictionary(), "run: impact dictionary > docs/data-dictionary.md"


def test_the_python_of_the_readme_runs(root: Path, monkeypatch: object) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    code = code.replace('"data_synthetic"', repr(str(root / "data_synthetic")))
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert "design" in names


def test_the_python_of_the_guide_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    text = (root / "docs" / "who-is-compared.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for place, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.S)):
        exec(compile(code, f"who-is-compared.md, block {place + 1}", "exec"), names)


def test_the_readme_shows_page_code_and_commands_in_that_order(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    places = [text.index(part) for part in ("docs/report-first-page.png", "```python", "make report")]
    assert places == sorted(places)
    assert (root / "docs" / "report-first-page.png").is_file()
