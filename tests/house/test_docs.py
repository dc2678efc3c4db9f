"""The documents around the code say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from impact.records import data_dictionary

BLOCKS = re.compile(r"```python\n(.*?)```", re.S)
DOCS = Path(__file__).parents[2] / "docs"
GUIDES = [page for page in sorted(DOCS.glob("*.md")) if BLOCKS.search(page.read_text(encoding="utf-8"))]


def test_the_printed_dictionary_is_the_one_of_the_code(root: Path) -> None:
    printed = (root / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert printed == data_dictionary(), "run: impact dictionary > docs/data-dictionary.md"


def test_the_python_of_the_readme_runs(root: Path, monkeypatch: object) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    (code,) = BLOCKS.findall(text)
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    code = code.replace('"data_synthetic"', repr(str(root / "data_synthetic")))
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert "design" in names


@pytest.mark.parametrize("page", GUIDES, ids=[page.stem for page in GUIDES])
def test_the_python_of_a_guide_runs_from_the_root(page: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    names: dict[str, object] = {}
    try:
        for place, code in enumerate(BLOCKS.findall(page.read_text(encoding="utf-8"))):
            exec(compile(code, f"{page.name}, block {place + 1}", "exec"), names)
    finally:
        plt.close("all")


def test_the_guides_are_found() -> None:
    assert {"who-is-compared", "effects", "survival"} <= {page.stem for page in GUIDES}


def test_the_readme_shows_page_code_and_commands_in_that_order(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    places = [text.index(part) for part in ("docs/report-first-page.png", "```python", "make report")]
    assert places == sorted(places)
    assert (root / "docs" / "report-first-page.png").is_file()
