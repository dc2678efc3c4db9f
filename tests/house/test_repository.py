"""The files around the package agree with each other and speak of the project alone."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

NAME_AND_BOUND = re.compile(r"^([A-Za-z0-9_.-]+)\s*(.*)$")


def _split(requirement: str) -> tuple[str, str]:
    match = NAME_AND_BOUND.match(requirement.strip())
    assert match is not None
    return match[1], match[2]


def test_conda_and_pyproject_name_the_same_packages_and_bounds(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    ours = dict(map(_split, [*project["dependencies"], *extras]))
    ours["python"] = project["requires-python"]
    lines = (root / "environment.yml").read_text(encoding="utf-8").split("dependencies:")[1].splitlines()
    theirs = dict(_split(line.strip("- ")) for line in lines if line.strip() and line.strip() != "- pip:")
    theirs.pop("pip")
    assert theirs == ours


LOCKS = {"requirements.lock": 50, "requirements-spark.lock": 3}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_hashes_and_no_address(root: Path, name: str) -> None:
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "://" in line or "index-url" in line]
    pins = [number for number, line in enumerate(lines) if "==" in line]
    assert len(pins) > LOCKS[name]
    assert all(lines[number + 1].strip().startswith("--hash=sha256:") for number in pins)


def test_lock_pins_everything_that_pyproject_asks_for(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {_split(text)[0].lower() for text in project["dependencies"]}
    asked |= {_split(text)[0].lower() for group in project["optional-dependencies"].values() for text in group}
    lines = [line for name in LOCKS for line in (root / name).read_text(encoding="utf-8").splitlines()]
    assert asked <= {line.split("==")[0].lower() for line in lines if "==" in line}


def _tracked(root: Path) -> list[Path]:
    if not (root / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of tracked files")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True).stdout
    return [root / name for name in names.split("\0") if name]


def test_no_machine_path_or_key_stands_in_tracked_text(root: Path) -> None:
    pattern = re.compile(rb"(?<![A-Za-z0-9_.-])/(tmp|root|home|work)/[A-Za-z0-9]|BEGIN [A-Z ]*PRIVATE" + rb" KEY")
    found = []
    for path in _tracked(root):
        if path.is_file() and path.suffix != ".png" and pattern.search(path.read_bytes()):
            found.append(str(path.relative_to(root)))
    assert found == []


def test_tracked_files_stay_under_five_megabytes(root: Path) -> None:
    assert [str(path) for path in _tracked(root) if path.is_file() and path.stat().st_size > 5_000_000] == []


def test_reports_are_output_but_for_the_expected_numbers(root: Path) -> None:
    inside = {path.name for path in _tracked(root) if path.parent == root / "reports"}
    assert inside <= {"expected.json"}
