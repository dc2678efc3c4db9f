"""Every fault a store can have: where it is named, in which rows, how many, and nothing else beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from impact.errors import RecordsError
from impact.records import TABLES, read_linked
from tests.records.conftest import ROWS, Tiny, csv_text, header

Where = tuple[str, str, tuple[int, ...], int, str]

# (table, row, column, value): one cell spoilt; then the one fault expected: column, rows, count, words of the problem.
CELLS: list[tuple[str, int, str, str, Where]] = [
    ("person", 2, "sex", "", ("person", "sex", (2,), 1, "is empty")),
    ("story", 1, "text", "  ", ("story", "text", (1,), 1, "is empty")),
    ("person", 2, "sex", "F", ("person", "sex", (2,), 1, "not allowed")),
    ("area", 2, "district", "Halton", ("area", "district", (2,), 1, "five districts")),
    ("person", 1, "birth_month", "1995-05", ("person", "birth_month", (1,), 1, "not the month of birth_date")),
    ("person", 1, "birth_month", "April 95", ("person", "birth_month", (1,), 1, "not a month")),
    ("person", 1, "birth_month", "1995-13", ("person", "birth_month", (1,), 1, "not a month")),
    ("person", 1, "lsoa", "E01999999", ("person", "lsoa", (1,), 1, "not in the table area")),
    ("assessment", 2, "score", "six", ("assessment", "score", (2,), 1, "not a number")),
    ("assessment", 2, "score", "1e999", ("assessment", "score", (2,), 1, "not a number")),
    ("assessment", 2, "score", "nan", ("assessment", "score", (2,), 1, "not a number")),
    ("assessment", 2, "score", "£5", ("assessment", "score", (2,), 1, "not a number")),
    ("assessment", 3, "wave", "0", ("assessment", "wave", (3,), 1, "below 1")),
    ("assessment", 3, "wave", "1.5", ("assessment", "wave", (3,), 1, "not a whole number")),
    ("area", 1, "imd_decile", "11", ("area", "imd_decile", (1,), 1, "above 10")),
    ("area", 1, "population", "-1", ("area", "population", (1,), 1, "below 0")),
    ("area", 1, "population", "many", ("area", "population", (1,), 1, "not a whole number")),
    ("participation", 1, "sessions_planned", "-2", ("participation", "sessions_planned", (1,), 1, "below 0")),
    ("story", 2, "consent", "yes", ("story", "consent", (2,), 1, "not true or false")),
    ("story", 2, "quarter", "Q3 2023", ("story", "quarter", (2,), 1, "calendar quarter")),
    ("story", 2, "quarter", "2023-Q5", ("story", "quarter", (2,), 1, "calendar quarter")),
    ("story", 2, "programme", "gamma", ("story", "programme", (2,), 1, "not a programme")),
    ("need", 1, "programme", "gamma", ("need", "programme", (1,), 1, "not a programme")),
    ("assessment", 1, "programme", "gamma", ("assessment", "programme", (1,), 1, "not a programme")),
    ("referral", 1, "programme", "gamma", ("referral", "programme", (1,), 1, "not a programme")),
    ("participation", 2, "programme", "gamma", ("participation", "programme", (2,), 1, "not a programme")),
    ("custody", 3, "entered_on", "03/25/2023", ("custody", "entered_on", (3,), 1, "another order")),
    ("custody", 3, "entered_on", "25.03.2023", ("custody", "entered_on", (3,), 1, "another order")),
    ("custody", 3, "entered_on", "2023-03-25 10:15", ("custody", "entered_on", (3,), 1, "a time beside the date")),
    ("custody", 3, "entered_on", "2023-03-25T00:00:00", ("custody", "entered_on", (3,), 1, "a time beside the date")),
    ("custody", 3, "entered_on", "2023-02-29", ("custody", "entered_on", (3,), 1, "not a day of the calendar")),
    ("custody", 3, "entered_on", "45010", ("custody", "entered_on", (3,), 1, "is not a date")),
    ("custody", 3, "entered_on", "0000-01-01", ("custody", "entered_on", (3,), 1, "not a day of the calendar")),
    ("offence", 1, "proven_on", "05/05/2022", ("offence", "proven_on", (1,), 1, "another order")),
    ("participation", 1, "ended_on", "in August", ("participation", "ended_on", (1,), 1, "is not a date")),
    ("participation", 1, "ended_on", "2023-01-31", ("participation", "ended_on", (1,), 1, "ends before it starts")),
    ("custody", 1, "left_on", "2022-04-30", ("custody", "left_on", (1,), 1, "ends before it starts")),
    ("sentence", 1, "released_on", "2022-04-30", ("sentence", "released_on", (1,), 1, "before the sentence started")),
    ("need", 1, "met_on", "2023-02-01", ("need", "met_on", (1,), 1, "before the need was identified")),
    ("referral", 1, "decided_on", "2023-01-09", ("referral", "decided_on", (1,), 1, "before the referral was made")),
    ("offence", 1, "proven_on", "2022-02-28", ("offence", "proven_on", (1,), 1, "before the offence was committed")),
    ("offence", 1, "proven_on", "", ("offence", "proven_on", (1,), 1, "is empty although")),
    ("offence", 2, "proven_on", "", ("offence", "proven_on", (2,), 1, "is empty although")),
    ("offence", 4, "proven_on", "2023-12-01", ("offence", "proven_on", (4,), 1, "is given although")),
    ("offence", 2, "outcome", "not_proven", ("offence", "proven_on", (2,), 1, "is given although")),
    ("participation", 1, "ended_on", "", ("participation", "ended_on", (1,), 1, "is empty although")),
    ("family", 2, "related_id", "ZQ99", ("family", "related_id", (2,), 1, "not in the table person")),
    ("extract", 1, "source", "hospital", ("extract", "source", (1,), 1, "not allowed")),
    ("extract", 2, "source", "programmes", ("extract", "source", (2,), 1, "stands more than once")),
]


def faults_of(store: Tiny, path: Path | None = None) -> list[Where]:
    """The faults of a store as (table, column, rows, count, problem)."""
    with pytest.raises(RecordsError) as caught:
        read_linked(path or store.folder, definitions=store.definitions)
    message = str(caught.value)
    assert "ZQ" not in message
    assert len(re.findall(r"^  - ", message, re.M)) == len(caught.value.faults)
    assert all(fault.why and fault.remedy for fault in caught.value.faults)
    return [(fault.table, fault.column, fault.rows, fault.count, fault.problem) for fault in caught.value.faults]


def expect(found: list[Where], *expected: Where) -> None:
    """Exactly the expected faults, the last part being words of the problem."""
    assert [fault[:4] for fault in found] == [fault[:4] for fault in expected]
    for (*_, problem), (*_, words) in zip(found, expected, strict=True):
        assert words in problem


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "expected"), CELLS, ids=[f"{c[0]}-{c[2]}-{c[3] or 'empty'}" for c in CELLS]
)
def test_one_spoilt_cell(tiny: Tiny, table: str, row: int, column: str, value: str, expected: Where) -> None:
    tiny.cell(table, row, column, value)
    expect(faults_of(tiny), expected)


def test_dates_before_birth_one_fault_for_each_column(tiny: Tiny) -> None:
    tiny.cell("person", 1, "birth_date", "2022-12-12")
    tiny.cell("person", 1, "birth_month", "")
    expect(
        faults_of(tiny),
        ("sentence", "sentenced_on", (1,), 1, "before the person was born"),
        ("sentence", "started_on", (1,), 1, "before the person was born"),
        ("offence", "offended_on", (1,), 1, "before the person was born"),
        ("offence", "proven_on", (1,), 1, "before the person was born"),
        ("custody", "entered_on", (1, 2), 2, "before the person was born"),
        ("custody", "left_on", (2,), 1, "before the person was born"),
    )


def test_month_of_birth_alone_is_its_first_day(tiny: Tiny) -> None:
    tiny.cell("person", 2, "birth_month", "2023-02")
    assert read_linked(tiny.folder, definitions=tiny.definitions).rows["person"] == 4
    tiny.cell("person", 2, "birth_month", "2023-03")
    expect(
        faults_of(tiny),
        ("referral", "referred_on", (2, 3), 2, "before the person was born"),
    )


def test_dead_before_born(tiny: Tiny) -> None:
    tiny.cell("person", 2, "died_on", "1990-10-31")
    found = faults_of(tiny)
    expect(found[:1], ("person", "died_on", (2,), 1, "before the person was born"))
    assert {fault[4] for fault in found[1:]} == {"is after the person died"}


def test_dates_after_death_but_not_the_closing_of_a_file(tiny: Tiny) -> None:
    tiny.cell("person", 1, "died_on", "2023-01-15")
    expect(
        faults_of(tiny),
        ("participation", "started_on", (1,), 1, "after the person died"),
        ("assessment", "assessed_on", (1, 2), 2, "after the person died"),
        ("sentence", "released_on", (1,), 1, "after the person died"),
        ("custody", "left_on", (1,), 1, "after the person died"),
        ("need", "identified_on", (1, 2), 2, "after the person died"),
        ("need", "met_on", (1,), 1, "after the person died"),
    )


def test_what_is_no_fault(tiny: Tiny) -> None:
    tiny.cell("sentence", 2, "started_on", "2022-05-31")
    tiny.cell("participation", 1, "sessions_attended", "99")
    tiny.cell("custody", 2, "left_on", "2022-06-01")
    tiny.cell("person", 2, "died_on", "2023-03-01")
    tiny.cell("area", 1, "population", "1500.0")
    tiny.cell("story", 1, "consent", "True")
    tiny.cell("police_contact", 2, "occurred_on", "2024-06-30")
    assert read_linked(tiny.folder, definitions=tiny.definitions).rows["custody"] == 3


def test_dates_after_every_extract(tiny: Tiny) -> None:
    dates = [(t.name, c.name) for t in TABLES for c in t.columns if c.kind == "date" and t.name != "extract"]
    for table, column in dates:
        tiny.cell(table, 1, column, "2024-07-01")
    found = [fault for fault in faults_of(tiny) if "source is complete to" in fault[4]]
    expect(found, *((table, column, (1,), 1, "after the last day") for table, column in dates))


def test_a_date_that_cannot_be_read_in_extract_starts_no_other_fault(tiny: Tiny) -> None:
    tiny.cell("extract", 2, "complete_to", "30/06/2024")
    tiny.cell("offence", 5, "proven_on", "2024-05-01")
    expect(faults_of(tiny), ("extract", "complete_to", (2,), 1, "another order"))


def test_repeated_keys_name_the_later_rows(tiny: Tiny) -> None:
    for table in ("person", "family", "referral", "participation", "assessment", "sentence", "custody", "need", "area"):
        tiny.add(table, ROWS[table][-1])
        tiny.add(table, ROWS[table][-1])
    found = faults_of(tiny)
    assert [fault[0] for fault in found] == [table.name for table in TABLES if table.key and table.name != "extract"]
    for table, column, rows, count, problem in found:
        n = len(ROWS[table])
        assert (rows, count) == ((n + 1, n + 2), 2)
        assert column == ", ".join(next(t.key for t in TABLES if t.name == table))
        assert "must never repeat" in problem


def test_people_in_one_table_and_in_no_other(tiny: Tiny) -> None:
    tiny.add("person", "ZQ05,male,,,white,,")
    for table in (
        "referral",
        "participation",
        "assessment",
        "sentence",
        "offence",
        "custody",
        "police_contact",
        "need",
    ):
        tiny.cell(table, 1, "person_id", "ZQ77")
    tiny.cell("family", 1, "person_id", "ZQ78")
    found = faults_of(tiny)
    expect(found[:1], ("person", "person_id", (5,), 1, "in no other table"))
    others = [table for table in ROWS if table not in ("person", "area", "story", "extract")]
    expect(found[1:], *((table, "person_id", (1,), 1, "not in the table person") for table in others))


def test_more_than_five_rows_are_counted_and_five_named(tiny: Tiny) -> None:
    for day in range(1, 9):
        tiny.add("police_contact", f"ZQ03,2023-05-0{day},bystander")
    expect(faults_of(tiny), ("police_contact", "role", (3, 4, 5, 6, 7), 8, "not allowed"))


class TestFiles:
    def test_no_such_path(self, tiny: Tiny) -> None:
        expect(faults_of(tiny, tiny.folder / "nowhere"), ("", "", (), 0, "no such file or folder"))

    def test_folder_without_tables(self, tiny: Tiny, tmp_path: Path) -> None:
        folder = tmp_path / "bare"
        folder.mkdir()
        (folder / "notes.txt").write_text("x")
        expect(faults_of(tiny, folder), ("", "", (), 0, "holds no .csv or .parquet file"))

    def test_a_file_that_is_no_database(self, tiny: Tiny) -> None:
        expect(faults_of(tiny, tiny.folder / "person.csv"), ("", "", (), 0, "neither a folder"))
        empty = tiny.folder / "x.duckdb"
        empty.touch()
        expect(faults_of(tiny, empty), ("", "", (), 0, "empty file"))

    @pytest.mark.parametrize("table", ["person", "family", "offence", "police_contact", "area", "extract"])
    def test_missing_table_and_nothing_else(self, tiny: Tiny, table: str) -> None:
        (tiny.folder / f"{table}.csv").unlink()
        expect(faults_of(tiny), (table, "", (), 0, "is missing"))

    def test_table_given_twice(self, tiny: Tiny, as_format: Callable[[Path, str], Path]) -> None:
        parquet = as_format(tiny.folder, "typed")
        (parquet / "need.parquet").rename(tiny.folder / "need.parquet")
        expect(faults_of(tiny), ("need", "", (), 0, "is given 2 times: need.csv, need.parquet"))

    def test_unknown_table(self, tiny: Tiny) -> None:
        tiny.write("people", "person_id\n")
        tiny.write("Person", b"", ".PARQUET")
        found = faults_of(tiny)
        assert [fault[4] for fault in found] == [
            "the file Person.PARQUET is not a table of the contract",
            "the file people.csv is not a table of the contract",
        ]

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_empty_file(self, tiny: Tiny, suffix: str) -> None:
        (tiny.folder / "need.csv").unlink()
        tiny.write("need", b"", suffix)
        expect(faults_of(tiny), ("need", "", (), 0, "empty file (0 bytes)"))

    @pytest.mark.parametrize("table", ["person", "extract"])
    def test_header_alone_where_rows_are_needed(self, tiny: Tiny, table: str) -> None:
        tiny.write(table, header(table) + "\n")
        found = faults_of(tiny)
        expect(found[-1:] if table == "extract" else found[:1], (table, "", (), 0, "has no rows"))

    def test_folder_with_the_name_of_a_table(self, tiny: Tiny) -> None:
        (tiny.folder / "need.csv").unlink()
        (tiny.folder / "need.csv").mkdir()
        expect(faults_of(tiny), ("need", "", (), 0, "cannot be opened"))


class TestHeaders:
    @pytest.mark.parametrize("left_out", ["birth_date", "birth_month"])
    def test_of_birth_date_and_month_one_column_is_enough(self, tiny: Tiny, left_out: str) -> None:
        frame = tiny.frame("person").assign(birth_date="1990-05-04", birth_month="1990-05").drop(columns=left_out)
        frame.to_csv(tiny.folder / "person.csv", index=False)
        assert read_linked(tiny.folder, definitions=tiny.definitions).table("person")[left_out].isna().all()
        tiny.cell("offence", 2, "offended_on", "1989-01-01")
        expect(faults_of(tiny), ("offence", "offended_on", (2,), 1, "before the person was born"))

    def test_without_either_column_of_birth_both_are_missing(self, tiny: Tiny) -> None:
        frame = tiny.frame("person").drop(columns=["birth_date", "birth_month"])
        frame.to_csv(tiny.folder / "person.csv", index=False)
        expect(
            faults_of(tiny),
            ("person", "birth_date", (), 0, "is missing"),
            ("person", "birth_month", (), 0, "is missing"),
        )

    def test_missing_column_and_the_other_rules_still_run(self, tiny: Tiny) -> None:
        tiny.cell("offence", 2, "offended_on", "2029-01-01")
        frame = tiny.frame("offence").drop(columns=["proven_on", "severity"])
        frame.to_csv(tiny.folder / "offence.csv", index=False)
        expect(
            faults_of(tiny),
            ("offence", "proven_on", (), 0, "is missing"),
            ("offence", "severity", (), 0, "is missing"),
            ("offence", "offended_on", (2,), 1, "after the last day"),
        )

    @pytest.mark.parametrize("table", ["person", "family", "offence", "need"])
    def test_missing_person_id_starts_no_false_orphans(self, tiny: Tiny, table: str) -> None:
        tiny.frame(table).drop(columns="person_id").to_csv(tiny.folder / f"{table}.csv", index=False)
        expect(faults_of(tiny), (table, "person_id", (), 0, "is missing"))

    def test_unknown_column(self, tiny: Tiny) -> None:
        frame = tiny.frame("need")
        frame["surname"] = "x"
        frame.to_csv(tiny.folder / "need.csv", index=False)
        expect(faults_of(tiny), ("need", "surname", (), 0, "not a column of the contract"))

    def test_repeated_column(self, tiny: Tiny) -> None:
        tiny.write("family", "person_id,related_id,relation,relation\nZQ01,ZQ02,parent,child\n")
        expect(faults_of(tiny), ("family", "relation", (), 0, "stands 2 times"))

    def test_no_header_shows_nobody_s_data(self, tiny: Tiny) -> None:
        tiny.write("person", "\n".join([*ROWS["person"], ""]))
        expect(faults_of(tiny), ("person", "", (), 0, "does not hold the column names"))

    def test_a_header_run_into_the_first_row_shows_nobody_s_data(self, tiny: Tiny) -> None:
        tiny.write("family", "person_id,related_id,relationZebedee,Ermintrude,parent\nZQ01,ZQ02,parent,x,x\n")
        with pytest.raises(RecordsError) as caught:
            read_linked(tiny.folder, definitions=tiny.definitions)
        assert "Zebedee" not in str(caught.value)
        assert "Ermintrude" not in str(caught.value)

    def test_semicolons(self, tiny: Tiny) -> None:
        tiny.write("need", csv_text("need").replace(",", ";"))
        expect(faults_of(tiny), ("need", "", (), 0, "does not hold the column names"))


class TestText:
    def test_other_encoding_names_the_place(self, tiny: Tiny) -> None:
        raw = csv_text("story").encode("cp1252")
        tiny.write("story", raw)
        place, line = raw.index(b"\xe9") + 1, raw[: raw.index(b"\xe9")].count(b"\n") + 1
        expect(faults_of(tiny), ("story", "", (line - 1,), 1, f"byte {place}, on line {line}"))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
    def test_wide_encodings(self, tiny: Tiny, encoding: str) -> None:
        tiny.write("area", csv_text("area").encode(encoding))
        words = "zero byte" if encoding == "utf-16-le" else encoding.upper()
        expect(faults_of(tiny), ("area", "", (), 0, words))

    def test_a_letter_cut_in_two_at_the_end_of_a_chunk(self, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = csv_text("story").encode()
        monkeypatch.setattr("impact.records.csvfile.CHUNK", raw.index(b"\xc3") + 1)
        assert read_linked(tiny.folder, definitions=tiny.definitions).rows["story"] == 2
        tiny.write("story", raw.replace(b"\xc3\xa9", b"\xc3!"))
        place = raw.index(b"\xc3") + 1
        expect(faults_of(tiny), ("story", "", (3,), 1, f"byte {place}, on line 4"))

    def test_ragged_rows(self, tiny: Tiny) -> None:
        tiny.write("story", header("story") + '\nalpha,2023-Q1,"two\nlines",true\nalpha,2023-Q1\n\na,b,c,d,e\n')
        expect(faults_of(tiny), ("story", "", (2, 3), 2, "rows that do not have 4 cells"))

    def test_open_quotation_mark(self, tiny: Tiny) -> None:
        tiny.write("story", header("story") + '\nalpha,2023-Q1,"never closed,true\n')
        expect(faults_of(tiny), ("story", "", (), 0, "never closed"))

    def test_mixed_line_ends(self, tiny: Tiny) -> None:
        tiny.write("area", csv_text("area").replace("1500\n", "1500\r\n"))
        expect(faults_of(tiny), ("area", "", (), 0, "cannot be read as comma-separated text"))


class TestParquet:
    @pytest.fixture
    def parquet(self, tiny: Tiny, as_format: Callable[[Path, str], Path]) -> Path:
        return as_format(tiny.folder, "typed")

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
    def test_cut_short(self, tiny: Tiny, parquet: Path, share: float) -> None:
        file = parquet / "offence.parquet"
        raw = file.read_bytes()
        file.write_bytes(raw[: int(len(raw) * share)])
        expect(faults_of(tiny, parquet), ("offence", "", (), 0, "damaged, cut short"))

    def test_text_that_calls_itself_parquet(self, tiny: Tiny, parquet: Path) -> None:
        (parquet / "need.parquet").write_text(csv_text("need"))
        expect(faults_of(tiny, parquet), ("need", "", (), 0, "damaged, cut short"))

    def test_damaged_pages(self, tiny: Tiny, parquet: Path) -> None:
        file = parquet / "offence.parquet"
        raw = bytearray(file.read_bytes())
        raw[4:60] = bytes(56)
        file.write_bytes(bytes(raw))
        expect(faults_of(tiny, parquet), ("offence", "", (), 0, "damaged, cut short"))

    def rewrite(self, parquet: Path, table: str, select: str) -> None:
        file = parquet / f"{table}.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t AS SELECT {select} FROM read_parquet('{file}')")
            connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")

    @pytest.mark.parametrize(
        ("table", "select", "expected"),
        [
            (
                "custody",
                "* REPLACE (year(entered_on) AS entered_on)",
                ("custody", "entered_on", (), 0, "is stored as bigint, not as a date"),
            ),
            (
                "custody",
                "* REPLACE (entered_on::TIMESTAMP + INTERVAL 1 HOUR AS entered_on)",
                ("custody", "entered_on", (1, 2, 3), 3, "a time beside the date"),
            ),
            (
                "person",
                "* REPLACE (1.5::DOUBLE AS person_id)",
                ("person", "person_id", (), 0, "is stored as double, not as text"),
            ),
            (
                "assessment",
                "* REPLACE (score = 3 AS score)",
                ("assessment", "score", (), 0, "is stored as boolean, not as a number"),
            ),
            ("assessment", "* REPLACE ('inf'::DOUBLE AS score)", ("assessment", "score", (1, 2, 3), 3, "not a number")),
            ("assessment", "* REPLACE ('nan'::DOUBLE AS score)", ("assessment", "score", (1, 2, 3), 3, "is empty")),
            ("area", "* REPLACE (population + 0.5 AS population)", ("area", "population", (1, 2), 2, "not a whole")),
            ("story", "* REPLACE (NULL AS consent)", ("story", "consent", (1, 2), 2, "is empty")),
            ("story", "* REPLACE ([consent] AS consent)", ("story", "consent", (), 0, "is stored as")),
            (
                "custody",
                "* REPLACE ('infinity'::DATE AS left_on)",
                ("custody", "left_on", (1, 2, 3), 3, "is not a date"),
            ),
        ],
    )
    def test_wrong_types(self, tiny: Tiny, parquet: Path, table: str, select: str, expected: Where) -> None:
        self.rewrite(parquet, table, select)
        expect(faults_of(tiny, parquet), expected)


def test_database_with_other_tables(tiny: Tiny, as_format: Callable[[Path, str], Path]) -> None:
    path = as_format(tiny.folder, "duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE extra (a INTEGER)")
        connection.execute("CREATE SCHEMA old; CREATE TABLE old.person (a INTEGER)")
        connection.execute("DROP TABLE need")
        connection.execute("ALTER TABLE offence RENAME severity TO mode")
    found = faults_of(tiny, path)
    expect(
        found,
        ("", "", (), 0, "the table extra is not"),
        ("", "", (), 0, "the table old.person is not"),
        ("offence", "severity", (), 0, "is missing"),
        ("offence", "mode", (), 0, "not a column of the contract"),
        ("need", "", (), 0, "is missing"),
    )


def test_damaged_database(tiny: Tiny, as_format: Callable[[Path, str], Path]) -> None:
    path = as_format(tiny.folder, "duckdb")
    path.write_bytes(path.read_bytes()[:5000])
    expect(faults_of(tiny, path), ("", "", (), 0, "neither a folder"))


def test_every_fault_is_told_at_once_in_the_order_of_the_contract(tiny: Tiny) -> None:
    tiny.cell("person", 1, "sex", "M")
    tiny.cell("person", 3, "birth_date", "31/01/1988")
    (tiny.folder / "family.csv").unlink()
    tiny.write("people", "a\n")
    tiny.cell("referral", 1, "programme", "gamma")
    tiny.cell("participation", 1, "ended_on", "2022-01-01")
    tiny.cell("assessment", 1, "score", "low")
    tiny.frame("sentence").drop(columns="disposal").to_csv(tiny.folder / "sentence.csv", index=False)
    tiny.cell("offence", 1, "proven_on", "2022-01-01")
    tiny.add("custody", ROWS["custody"][0])
    tiny.write("police_contact", csv_text("police_contact").encode("utf-16"))
    tiny.write("need", "")
    tiny.cell("area", 1, "district", "Halton")
    tiny.write("story", header("story") + "\nalpha\n")
    tiny.cell("extract", 1, "synthetic", "perhaps")
    found = faults_of(tiny)
    assert [(table, column) for table, column, *_ in found] == [
        ("", ""),
        ("person", "birth_date"),
        ("person", "sex"),
        ("family", ""),
        ("referral", "programme"),
        ("participation", "ended_on"),
        ("assessment", "score"),
        ("sentence", "disposal"),
        ("offence", "proven_on"),
        ("custody", "person_id, entered_on"),
        ("police_contact", ""),
        ("need", ""),
        ("area", "district"),
        ("story", ""),
        ("extract", "synthetic"),
    ]
