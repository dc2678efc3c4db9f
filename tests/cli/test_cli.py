"""The command: what it prints, what it writes, and what it does with bad input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from impact.cli import run


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_dictionary_names_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    from impact.records import TABLES

    assert run(["dictionary"]) == 0
    printed = capsys.readouterr().out
    assert all(table.name in printed and table.row in printed for table in TABLES)


def test_refused_records_end_with_two_and_write_nothing(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for path in (root / "data_synthetic").glob("*.csv"):
        (data / path.name).write_bytes(path.read_bytes())
    (data / "sentence.csv").unlink()
    person = (data / "person.csv").read_text(encoding="utf-8").splitlines()
    (data / "person.csv").write_text("\n".join([*person, person[1]]) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    before = files(data)
    assert run(["chapter", "dwp", "--data", str(data), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "sentence" in said
    assert "person" in said
    assert "Why it matters" in said
    assert "What to do" in said
    assert "Traceback" not in said
    assert not out.exists()
    assert files(data) == before


def test_a_programme_without_records_is_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["chapter", "navigator", "--data", str(root / "data_synthetic"), "--out", str(out)]) == 2
    assert "holds no referral to navigator" in capsys.readouterr().err
    assert not out.exists()


def test_an_unknown_programme_is_refused_with_the_names(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["chapter", "nobody", "--data", str(root / "data_synthetic"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "nobody" in said
    assert "pops" in said


def test_a_chapter_is_three_files_and_their_record_the_same_twice(root: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        assert run(["chapter", "shelter", "--data", str(root / "data_synthetic"), "--out", str(folder)]) == 0
    first = files(tmp_path / "one")
    named = ["shelter.docx", "shelter.html", "shelter.pdf", "shelter_outputs.csv", "shelter_reporting.csv"]
    assert sorted(first) == named
    assert files(tmp_path / "two") == first


def test_a_wrong_option_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chapter"]) == 2
    assert "Usage" in capsys.readouterr().err


def test_simulate_writes_a_world_that_can_be_read(tmp_path: Path) -> None:
    import impact as im

    assert run(["simulate", str(tmp_path / "world"), "--people", "600", "--seed", "3"]) == 0
    linked = im.read_linked(tmp_path / "world")
    assert linked.synthetic
    assert run(["simulate", str(tmp_path), "--people", "600"]) == 2


def test_the_module_runs_as_a_command() -> None:
    done = subprocess.run([sys.executable, "-m", "impact", "--help"], capture_output=True, text=True, check=True)
    assert "report" in done.stdout


def test_a_place_that_cannot_be_written_to_ends_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("a file, not a folder", encoding="utf-8")
    assert run(["simulate", str(tmp_path / "taken" / "world")]) == 2
    assert "taken could not be read or written: File exists." in capsys.readouterr().err
