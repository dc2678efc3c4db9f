"""Every rule that the check can name is held as data, and every rule held is one that it can name."""

from __future__ import annotations

import re
from pathlib import Path

from impact.cli import run
from impact.records.returns.rules import rules


def test_rules_held_are_those_used(root: Path) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (root / "impact/records/returns").glob("*.py"))
    unused = [rule for rule in rules() if f'"{rule}"' not in code]
    assert unused == []
    named = set(re.findall(r'(?:Found\(|return \w+, |yield )"([a-z-]+)"', code))
    assert named <= set(rules())
    assert {severity for severity, _, _ in rules().values()} == {"error", "warning"}


def test_the_command_says_by_its_status_whether_a_return_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "family.csv"
    path.write_text("person_id,related_id,relation\nP1,P2,parent\n", encoding="utf-8")
    assert run(["check", str(path)]) == 0
    path.write_text("person_id,related_id,relation\nP1,P1,parent\n", encoding="utf-8")
    assert run(["check", str(path)]) == 1
    assert run(["check", str(tmp_path / "none.csv")]) == 2
