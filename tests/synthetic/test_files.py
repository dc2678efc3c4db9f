"""The files of a world: the same bytes whenever and wherever, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from impact.errors import InputError
from impact.records.tables import TABLES
from impact.synthetic import simulate


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_two_processes_write_the_same_bytes(tmp_path: Path, root: Path) -> None:
    code = "import sys; from impact.synthetic import simulate\n"
    code += "for form in sys.argv[2:]: simulate(sys.argv[1] + form, people=6200, seed=7, form=form)"
    for name, hash_seed, threads in (("one", "1", "1"), ("two", "77", "2")):
        settings = {"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", code, str(tmp_path / f"{name}-"), "csv", "parquet"]
        subprocess.run(command, check=True, cwd=root, env=os.environ | settings)
    for form in ("csv", "parquet"):
        assert digests(tmp_path / f"one-{form}") == digests(tmp_path / f"two-{form}")


def test_no_score_is_minus_zero(root: Path) -> None:
    assert b",-0" not in (root / "data_synthetic" / "assessment.csv").read_bytes()


def test_the_committed_world_is_the_default_one(world: Path, root: Path) -> None:
    committed = root / "data_synthetic"
    assert digests(committed) == digests(world)
    assert sum(path.stat().st_size for path in committed.iterdir()) < 10_000_000


def test_every_table_is_written_with_the_columns_of_the_contract(world: Path) -> None:
    assert {path.name for path in world.iterdir()} == {f"{table.name}.csv" for table in TABLES} | {"truth.json"}
    for table in TABLES:
        header = (world / f"{table.name}.csv").read_text(encoding="utf-8").split("\n", 1)[0]
        assert header == ",".join(column.name for column in table.columns)


def test_parquet_holds_what_the_csv_holds(tmp_path: Path) -> None:
    for form in ("csv", "parquet"):
        simulate(tmp_path / form, people=500, seed=3, form=form)
    assert {path.suffix for path in (tmp_path / "parquet").iterdir()} == {".parquet", ".json"}
    for table in TABLES:
        text, stored = (tmp_path / form / f"{table.name}.{form}" for form in ("csv", "parquet"))
        sides = (f"SELECT * FROM read_csv('{text}', header = true, all_varchar = true)", f"SELECT * FROM '{stored}'")
        shown = [duckdb.sql(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({side})").fetchall() for side in sides]
        assert shown[0] == shown[1]


def test_another_seed_is_another_world(tmp_path: Path) -> None:
    for seed in (1, 2):
        simulate(tmp_path / str(seed), people=500, seed=seed)
    one, two = digests(tmp_path / "1"), digests(tmp_path / "2")
    assert {name for name in one if one[name] == two[name]} == {"extract.csv", "story.csv"}


def test_truth_is_returned_as_written_and_says_what_it_is(tmp_path: Path) -> None:
    truth = simulate(tmp_path / "w", people=500, seed=4)
    text = (tmp_path / "w" / "truth.json").read_text(encoding="utf-8")
    assert json.loads(text) == truth
    assert text.endswith("}\n")
    assert text == json.dumps(truth, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert "nothing about any real programme" in truth["what_this_is"]
    assert str(tmp_path) not in text


def test_an_interrupted_run_leaves_the_earlier_world(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    simulate(folder, people=500, seed=1)
    before = digests(folder)

    def stop(done: int, blocks: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(folder, people=500, seed=2, progress=stop)
    assert digests(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["w"]
    simulate(folder, people=500, seed=2, form="parquet")
    assert not list(folder.glob("*.csv"))


@pytest.mark.parametrize("held", [["notes.txt"], ["truth.json", "notes.txt"], ["person.csv"]])
def test_a_folder_with_anything_else_is_refused(tmp_path: Path, held: list[str]) -> None:
    for name in held:
        (tmp_path / name).write_text("kept", encoding="utf-8")
    with pytest.raises(InputError, match="not an earlier world"):
        simulate(tmp_path, people=500)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(held)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("kept", encoding="utf-8")
    with pytest.raises(InputError, match="is a file"):
        simulate(tmp_path / "w", people=500)


def test_every_fault_of_the_arguments_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        simulate(tmp_path / "w", people=499, seed=-1, form="xlsx")
    assert len(told.value.faults) == 3
    assert not (tmp_path / "w").exists()


def test_a_larger_world_comes_in_blocks_and_its_programmes_grow(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    truth = simulate(tmp_path / "w", people=13_000, seed=5, progress=lambda done, blocks: seen.append((done, blocks)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    for programme in truth["programmes"]:
        planted = truth["parameters"]["programme"][programme]["referred"]
        assert truth["programmes"][programme]["counts"]["referred"] == round(planted * 13_000 / 6000)
    people = [line.split(",", 1)[0] for line in (tmp_path / "w" / "person.csv").read_text(encoding="utf-8").split("\n")]
    numbers = sorted(int(number[1:]) for number in people[1:-1])
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 13_000
