"""From files to a folder of files, all of it or nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impact.cli import run
from tests.records.linkage.conftest import people


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    places = tmp_path / "left.csv", tmp_path / "right.csv"
    for frame, place in zip(people(40)[:2], places, strict=True):
        frame.rename(columns={"forename": "first"}).to_csv(place, index=False)
    return places


def test_files_are_linked_and_written(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    fields = [f"--field={kind}" for kind in ("forename=first", "surname=surname", "birth_date=birth_date", "sex=sex")]
    assert run(["link", *map(str, files), "--out", str(out), "--one-to-one", *fields]) == 0
    assert sorted(place.name for place in out.iterdir()) == [
        "clusters.csv", "compared.csv", "flow.csv", "model.csv", "pairs.csv", "review.csv"
    ]  # fmt: skip
    assert pd.read_csv(out / "pairs.csv")["linked"].sum() > 20
    assert run(["link", str(files[0]), "--out", str(out)]) == 2


@pytest.mark.parametrize(
    "extra", [["--field", "forename"], ["--threshold", "2"], ["--id", "nowhere"], ["--key", "env:ZQ"]]
)
def test_what_is_refused_writes_nothing(
    files: tuple[Path, Path], tmp_path: Path, extra: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    assert run(["link", *map(str, files), "--out", str(tmp_path / "out"), *extra]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
