"""The guide to matching says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_the_python_of_the_guide_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    text = (root / "docs" / "matching.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for place, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.S)):
        exec(compile(code, f"matching.md, block {place + 1}", "exec"), names)
    assert {"design", "full", "close", "ranges", "even", "strict", "again"} <= set(names)
