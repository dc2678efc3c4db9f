"""The Python of the guide to distance travelled runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest


def test_the_python_of_the_guide_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    text = (root / "docs" / "distance.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for place, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.S)):
        exec(compile(code, f"distance.md, block {place + 1}", "exec"), names)
    plt.close("all")
