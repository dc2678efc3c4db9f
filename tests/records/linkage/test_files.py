"""From files to a folder of files, all of it or nothing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from impact.cli import run
from impact.records.linkage.bloom import encode
from impact.records.linkage.link import link
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


CALLED = "record_id,forename,surname,birth_date\n" + "".join(
    f"{row},Wren,{name},1990-11-0{row}\n"
    for row, name in enumerate(["NA", "Null", "None", "nil", "nan", "NaN"], start=1)
)


def test_people_called_null_keep_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, out = tmp_path / "people.csv", tmp_path / "out"
    place.write_text(CALLED + "7,Wren,,1990-11-07\n", encoding="utf-8")
    assert run(["link", str(place), str(place), "--out", str(out)]) == 0
    pairs = pd.read_csv(out / "pairs.csv", dtype=str)
    by_rule = pairs[pairs["rule"].notna()]
    assert by_rule["left_id"].tolist() == by_rule["right_id"].tolist() == ["1", "2", "3", "4", "5", "6"]
    said = capsys.readouterr().out
    for file in ("left", "right"):
        assert f"Records of the {file} file that read Na, Nil, None or Null: surname in 4; taken as names." in said


def parquet(frame: pd.DataFrame, place: Path) -> None:
    with duckdb.connect(":memory:") as engine:
        engine.register("given", frame)
        engine.execute(f"COPY given TO '{place}' (FORMAT parquet)")


def test_parquet_needs_no_further_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(pd, "read_parquet")
    left, right, _ = people(40)
    places = tmp_path / "left.parquet", tmp_path / "right.PARQUET"
    for frame, place in zip((left, right), places, strict=True):
        parquet(frame.assign(birth_date=pd.to_datetime(frame["birth_date"])), place)
    assert run(["link", *map(str, places), "--out", str(tmp_path / "out")]) == 0
    made = pd.read_csv(tmp_path / "out" / "pairs.csv")
    want = link(left, right).pairs
    assert made["left_id"].tolist() == want["left_id"].tolist()
    assert made["match_weight"].tolist() == pytest.approx(want["match_weight"].tolist(), rel=1e-12)


def test_every_file_that_cannot_be_read_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, ragged, other = tmp_path / "a.parquet", tmp_path / "b.csv", tmp_path / "c.txt"
    broken.write_bytes(b"PAR1 zqname")
    ragged.write_text("record_id,surname\n1,zqname,zqname\n", encoding="utf-8")
    other.write_text("record_id,surname\n1,zqname\n", encoding="utf-8")
    for files, words in {
        (broken, ragged): ["a.parquet: cannot be read: it is damaged", "b.csv: has rows that do not have 2 cells"],
        (other, tmp_path / "d.csv"): ["c.txt: is neither .csv nor .parquet", "d.csv: is not there"],
    }.items():
        assert run(["link", *map(str, files), "--out", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err
        assert all(part in said for part in words)
        assert "zqname" not in said
    assert not (tmp_path / "out").exists()


def test_encodings_are_the_same_after_a_way_through_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impact.records.linkage import encoded

    monkeypatch.setattr(encoded, "EVERY_PAIR", 100)
    monkeypatch.setenv("ZQ_KEY", "zq-secret-0123456789-abcdef")
    sides = [encode(frame.assign(postcode=None), key="env:ZQ_KEY") for frame in people(200)[:2]]
    want = link(*sides).pairs
    for name, side in zip(("left", "right"), sides, strict=True):
        side.to_csv(tmp_path / f"{name}.csv", index=False)
    read = [pd.read_csv(tmp_path / f"{name}.csv", dtype=str) for name in ("left", "right")]
    assert read[0]["block_3"].isna().all()
    pd.testing.assert_frame_equal(link(*read).pairs, want)
