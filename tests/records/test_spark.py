"""Spark gives the same rows as the embedded engine: of every table, of any query, and of a cohort."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impact.cohort import cohort
from impact.errors import InputError, RecordsError
from impact.records import TABLES, Linked, counts, read_linked
from impact.records.spark import missing_for_spark
from impact.synthetic import simulate
from tests.records.conftest import Tiny

lacking = missing_for_spark()
pytestmark = pytest.mark.skipif(bool(lacking), reason=f"Spark is not tried: {lacking}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "world"
    simulate(folder, people=1500, seed=7)
    return folder


@pytest.fixture(scope="module")
def embedded(world: Path) -> Linked:
    return read_linked(world)


@pytest.fixture(scope="module")
def spark(world: Path) -> Linked:
    return read_linked(world, engine="spark")


def test_every_table_is_the_same(embedded: Linked, spark: Linked) -> None:
    assert spark.digest == embedded.digest
    assert spark.rows == embedded.rows
    assert (spark.complete_to, spark.synthetic) == (embedded.complete_to, embedded.synthetic)
    for table in TABLES:
        pd.testing.assert_frame_equal(spark.table(table.name), embedded.table(table.name))


@pytest.mark.parametrize(
    ("programme", "how"),
    [
        ("pops", {"treatment": "dose", "landmark": "3 months", "follow_up": "12 months"}),
        ("dwp", {"treatment": "time-varying"}),
    ],
)
def test_a_cohort_is_the_same(embedded: Linked, spark: Linked, programme: str, how: dict[str, str]) -> None:
    one, two = (cohort(linked, programme, complete_to=linked.complete_to, **how) for linked in (embedded, spark))  # type: ignore[arg-type]
    assert len(one.data) > 20
    for part in ("data", "flow", "left", "referred"):
        pd.testing.assert_frame_equal(getattr(two, part), getattr(one, part))
    assert repr(two) == repr(one)


def test_a_query_with_further_tables_is_the_same_and_leaves_nothing_behind(embedded: Linked, spark: Linked) -> None:
    frame = pd.DataFrame({"district": ["Sefton", "Wirral"], "since": pd.to_datetime(["2021-01-01", None])})
    sql = "SELECT district, since, imd_decile, count(*) AS n FROM area JOIN chosen USING (district) "
    sql += "GROUP BY ALL ORDER BY ALL"
    pd.testing.assert_frame_equal(spark.query(sql, chosen=frame), embedded.query(sql, chosen=frame))
    for linked in (embedded, spark):
        with pytest.raises(InputError, match="cannot be run"):
            linked.query(sql)
        with pytest.raises(InputError, match="the contract has one"):
            linked.query("SELECT 1 AS one", person=frame)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DROP TABLE person", "one SELECT statement"),
        ("SELECT 1 AS a; SELECT 2 AS a", "one SELECT statement"),
        ("SELEC 1", "cannot be run"),
        ("SELECT nothing FROM person", "cannot be run"),
        ("SELECT 1 AS a, 2 AS a", "more than one column named a"),
    ],
)
def test_what_the_embedded_engine_refuses_spark_refuses(spark: Linked, sql: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        spark.query(sql)


def test_a_value_that_defeats_a_query_is_not_told(embedded: Linked, spark: Linked) -> None:
    for linked in (embedded, spark):
        with pytest.raises(InputError) as caught:
            linked.query("SELECT CAST(person_id AS INT) AS number FROM person ORDER BY 1")
        person = linked.table("person")["person_id"][0]
        assert person not in str(caught.value)
        assert "a value in the records defeats it" in str(caught.value)


def test_the_same_faults_are_named_and_nothing_is_left(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    linked = read_linked(tiny.folder, definitions=tiny.definitions, engine="spark")
    assert len(list(spill.glob("impact-*/*.parquet"))) == len(TABLES)
    del linked
    assert list(spill.glob("impact-*")) == []
    tiny.cell("person", 1, "sex", "")
    faults = []
    for engine in ("duckdb", "spark"):
        with pytest.raises(RecordsError) as caught:
            read_linked(tiny.folder, definitions=tiny.definitions, engine=engine)
        faults.append(str(caught.value))
    assert faults[0] == faults[1]
    assert list(spill.glob("impact-*")) == []


def test_counts_are_the_same(embedded: Linked, spark: Linked) -> None:
    for by in (("programme", "quarter"), ("age_band", "ethnicity"), ("district", "ward", "sex")):
        one, two = (counts(linked, "2022-Q1", "2023-Q4", by=by) for linked in (embedded, spark))
        assert one.data["unique_people"].sum() > 50
        pd.testing.assert_frame_equal(two.data, one.data)
        assert two.notes == one.notes
