"""The data dictionary says all that the contract says."""

from __future__ import annotations

from impact.records import TABLES, data_dictionary


def test_every_table_and_column_is_there_in_order() -> None:
    text = data_dictionary()
    sections = text.split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == [table.name for table in TABLES]
    for table, section in zip(TABLES, sections, strict=True):
        assert f"One row a {table.row}." in section
        rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
        assert [row[0] for row in rows] == [column.name for column in table.columns]
        for row, column in zip(rows, table.columns, strict=True):
            assert row[2] == ("yes" if column.required else "no")
            assert all(value in row[3] for value in column.allowed)
            assert row[-1] == column.meaning


def test_keys_limits_and_types_are_said() -> None:
    text = data_dictionary()
    assert "Key: person_id never repeats." in text
    assert "Key: person_id, programme and referred_on together never repeat." in text
    assert "No key: rows may repeat." in text
    assert "| imd_decile | whole number | yes | 1 to 10 | Deprivation decile, 1 the most deprived. |" in text
    assert "| population | whole number | yes | 0 or more | Residents. |" in text
    assert text == data_dictionary()
