"""What a good store gives: the same tables and digest from every format, and nothing written."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact.errors import InputError, RecordsError
from impact.records import TABLES, Linked, read_linked
from tests.records.conftest import ROWS, Tiny, csv_text, header

FORMATS = ("text", "typed", "duckdb")


def state(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(file): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_tables_come_back_typed_and_sorted(tiny: Tiny) -> None:
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    assert linked.rows == {table: len(rows) for table, rows in ROWS.items()}
    for table in TABLES:
        frame = linked.table(table.name)
        assert list(frame.columns) == [column.name for column in table.columns]
        for column in table.columns:
            expected = {
                "text": "str",
                "month": "str",
                "date": "datetime64[us]",
                "whole": "int64" if column.required else "Int64",
                "number": "float64",
                "flag": "bool",
            }[column.kind]
            assert str(frame[column.name].dtype) == expected, (table.name, column.name)
    person = linked.table("person")
    assert person["person_id"].tolist() == ["ZQ01", "ZQ02", "ZQ03", "ZQ04"]
    assert person.loc[0, "birth_date"] == pd.Timestamp("1995-04-12")
    assert person["birth_date"].isna().tolist() == [False, True, False, True]
    assert person["birth_month"].isna().tolist() == [False, False, True, True]
    part = linked.table("participation")
    assert part["sessions_attended"].tolist() == [14, pd.NA]
    assert linked.table("assessment")["score"].tolist() == [3.0, 6.5, 21.0]
    assert linked.table("story")["text"].tolist() == ['He said: "I kept my tenancy",\nand did.', "Café visits helped"]
    assert linked.table("extract")["source"].tolist() == ["courts", "police", "programmes"]
    assert linked.complete_to == dt.date(2023, 12, 31)
    assert linked.synthetic is True
    assert {"alpha", "beta"} <= set(linked.definitions)
    assert linked.definitions["alpha"] == tiny.definitions / "alpha.toml"


def test_table_is_a_fresh_copy(tiny: Tiny) -> None:
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    frame = linked.table("area")
    frame["population"] = np.array([0, 0])
    frame.loc[0, "district"] = "Wirral"
    assert linked.table("area")["population"].tolist() == [1500, 1620]
    assert linked.table("area")["district"].tolist() == ["Liverpool", "Sefton"]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same(tiny: Tiny, as_format: Callable[[Path, str], Path], kind: str) -> None:
    first = read_linked(tiny.folder, definitions=tiny.definitions)
    path = as_format(tiny.folder, kind)
    before = state(path.parent)
    other = read_linked(path, definitions=tiny.definitions)
    assert other.digest == first.digest
    for table in ROWS:
        pd.testing.assert_frame_equal(first.table(table), other.table(table))
    assert state(path.parent) == before


def test_shuffled_rows_columns_and_dialects_give_the_same(tiny: Tiny) -> None:
    first = read_linked(tiny.folder, definitions=tiny.definitions)
    generator = random.Random(3)
    for table in ROWS:
        frame = tiny.frame(table).sample(frac=1, random_state=generator.randrange(999))
        columns = generator.sample(list(frame.columns), len(frame.columns))
        text = frame[columns].to_csv(index=False, lineterminator="\r\n", quoting=generator.choice([0, 1]))
        tiny.write(table, b"\xef\xbb\xbf" + text.encode())
    other = read_linked(tiny.folder, definitions=tiny.definitions)
    assert other.digest == first.digest
    for table in ROWS:
        pd.testing.assert_frame_equal(first.table(table), other.table(table))


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("assessment", 1, "score", "4"),
        ("story", 2, "text", "Cafe visits helped"),
        ("participation", 2, "sessions_planned", "0"),
        ("offence", 3, "severity", "summary"),
    ],
)
def test_digest_sees_every_cell(tiny: Tiny, table: str, row: int, column: str, value: str) -> None:
    before = read_linked(tiny.folder, definitions=tiny.definitions).digest
    tiny.cell(table, row, column, value)
    assert read_linked(tiny.folder, definitions=tiny.definitions).digest != before


def test_digest_counts_repeated_rows_and_knows_columns_apart(tiny: Tiny) -> None:
    before = read_linked(tiny.folder, definitions=tiny.definitions).digest
    tiny.add("offence", ROWS["offence"][2])
    more = read_linked(tiny.folder, definitions=tiny.definitions).digest
    tiny.write("offence", csv_text("offence"))
    tiny.cell("area", 1, "ward", "")
    tiny.cell("area", 1, "ward", "Liverpool")
    moved = read_linked(tiny.folder, definitions=tiny.definitions).digest
    assert len({before, more, moved}) == 3


def test_repr_shows_names_and_counts_only(tiny: Tiny) -> None:
    text = repr(read_linked(tiny.folder, definitions=tiny.definitions))
    assert "offence" in text
    assert "5" in text
    assert str(tiny.folder) not in text
    assert "ZQ" not in text
    assert "0x" not in text


def test_other_files_are_left_alone(tiny: Tiny) -> None:
    (tiny.folder / "README.txt").write_text("about")
    (tiny.folder / "more").mkdir()
    before = state(tiny.folder)
    read_linked(tiny.folder, definitions=tiny.definitions)
    assert state(tiny.folder) == before


def test_folder_with_signs_of_a_pattern_in_its_name(tiny: Tiny, as_format: Callable[[Path, str], Path]) -> None:
    strange = tiny.folder.with_name("a[1]*? 'quoted'")
    tiny.folder.rename(strange)
    assert read_linked(strange, definitions=tiny.definitions).rows["person"] == 4


def test_tables_that_may_be_empty(tiny: Tiny) -> None:
    for table in TABLES:
        if table.may_be_empty and table.name != "police_contact":
            tiny.write(table.name, header(table.name) + "\n")
    for person in ("ZQ01", "ZQ02", "ZQ03"):
        tiny.add("police_contact", f"{person},2023-09-02,other")
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    assert len(linked.table("need")) == 0
    assert str(linked.table("area")["imd_decile"].dtype) == "int64"
    assert str(linked.table("need")["pathway"].dtype) == "str"


def test_midnight_stamps_whole_floats_and_empty_columns_of_a_database(
    tiny: Tiny, as_format: Callable[[Path, str], Path]
) -> None:
    path = as_format(tiny.folder, "duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE sentence ALTER sentenced_on TYPE TIMESTAMP")
        connection.execute("ALTER TABLE participation ALTER sessions_planned TYPE DOUBLE")
        connection.execute("UPDATE participation SET sessions_planned = 'nan'::DOUBLE WHERE sessions_planned IS NULL")
        connection.execute(
            "ALTER TABLE offence ALTER outcome TYPE ENUM ('conviction','caution','penalty_notice','pending')"
        )
        connection.execute("UPDATE referral SET onward_to = NULL")
        connection.execute("ALTER TABLE referral ALTER onward_to TYPE INTEGER")
        connection.execute("UPDATE referral SET decided_on = NULL")
        connection.execute("ALTER TABLE referral ALTER decided_on TYPE VARCHAR")
        connection.execute("ALTER TABLE referral ALTER decided_on TYPE DOUBLE")
    linked = read_linked(path, definitions=tiny.definitions)
    assert linked.table("sentence")["sentenced_on"].tolist() == [pd.Timestamp("2022-05-05"), pd.Timestamp("2022-06-01")]
    assert linked.table("participation")["sessions_planned"].tolist() == [12, pd.NA]
    assert linked.table("referral")["onward_to"].isna().all()


class TestQuery:
    @pytest.fixture
    def linked(self, tiny: Tiny) -> Linked:
        return read_linked(tiny.folder, definitions=tiny.definitions)

    def test_reads(self, linked: Linked) -> None:
        found = linked.query(
            "SELECT outcome, count(*) AS n, max(proven_on) AS last FROM offence GROUP BY ALL ORDER BY 1"
        )
        assert found["n"].tolist() == [1, 1, 1, 2]
        assert found["last"].isna().tolist() == [False, False, False, True]
        assert [str(dtype) for dtype in found.dtypes] == ["str", "int64", "datetime64[us]"]

    def test_missing_values_keep_their_type(self, linked: Linked) -> None:
        found = linked.query("SELECT sessions_planned, sessions_planned > 3 AS many FROM participation ORDER BY ALL")
        assert [str(dtype) for dtype in found.dtypes] == ["Int64", "boolean"]

    @pytest.mark.parametrize(
        "sql",
        [
            "DROP VIEW person",
            "DELETE FROM loaded.person",
            "SELECT 1; SELECT 2",
            "COPY person TO 'out.csv'",
            "SET threads = 4",
            "SELECT nothing FROM person",
            "SELECT 1 AS a, 2 AS a",
            "SELECT * FROM read_csv('/etc/hostname')",
            "ATTACH 'other.duckdb'",
            "",
            "SELEC",
        ],
    )
    def test_refuses(self, linked: Linked, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        before = state(tmp_path)
        with pytest.raises(InputError):
            linked.query(sql)
        assert state(tmp_path) == before
        assert len(linked.table("person")) == 4

    def test_unknown_table(self, linked: Linked) -> None:
        with pytest.raises(InputError, match="the tables are: person, family"):
            linked.table("people")


def test_an_engine_that_is_not_offered_or_not_installed_is_refused(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="engine must be one of duckdb, spark"):
        read_linked(tiny.folder, engine="sqlite")
    monkeypatch.setattr("impact.records.spark.shutil.which", lambda name: None)
    with pytest.raises(InputError, match="engine='spark' cannot be used"):
        read_linked(tiny.folder, engine="spark")


def test_definitions_must_be_a_folder_of_new_names(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        read_linked(tiny.folder, definitions=tmp_path / "none")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"holds no \.toml"):
        read_linked(tiny.folder, definitions=empty)
    (tiny.definitions / "pops.toml").write_text("")
    with pytest.raises(InputError, match="pops are defined both"):
        read_linked(tiny.folder, definitions=tiny.definitions)


def test_the_temporary_folder_goes_with_the_result(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    (own,) = spill.iterdir()
    assert linked.query("SELECT current_setting('temp_directory') AS place")["place"].tolist() == [str(own)]
    del linked
    assert list(spill.iterdir()) == []
    tiny.cell("person", 1, "sex", "")
    with pytest.raises(RecordsError):
        read_linked(tiny.folder, definitions=tiny.definitions)
    assert list(spill.iterdir()) == []


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(CELL.filter(lambda text: text.strip(" \t\r\n")), min_size=1, max_size=60), crlf=st.booleans())
def test_any_text_survives_a_csv_file(tiny: Tiny, texts: list[str], crlf: bool) -> None:
    frame = pd.DataFrame({"programme": "alpha", "quarter": "2023-Q1", "text": texts, "consent": "true"})
    text = frame.to_csv(index=False, lineterminator="\r\n" if crlf else "\n", quoting=1)
    tiny.write("story", text)
    linked = read_linked(tiny.folder, definitions=tiny.definitions)
    assert sorted(linked.table("story")["text"]) == sorted(texts)
