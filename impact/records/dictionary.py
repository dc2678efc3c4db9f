"""The data dictionary, printed from the contract of the tables."""

from __future__ import annotations

from impact.records.tables import TABLES, Column, Table

KINDS = {
    "text": "text",
    "date": "date (YYYY-MM-DD)",
    "month": "month (YYYY-MM)",
    "whole": "whole number",
    "number": "number",
    "flag": "true or false",
}


def data_dictionary() -> str:
    """The contract of the linked tables as Markdown: a section for each table, a line for each column.

    Returns
    -------
    str
        Markdown, the same on every call.

    Examples
    --------
    >>> print(data_dictionary().splitlines()[0])
    # Data dictionary of the linked tables
    """
    head = (
        "# Data dictionary of the linked tables\n\n"
        "Each table is one CSV file (UTF-8, commas, the column names on its first line), one Parquet file, or one "
        "table of a DuckDB file, by the name given here. Every table is there; where it may be empty, one without "
        "records has its column names alone. An empty cell means not known or not applicable.\n"
    )
    return "\n".join([head, *(_section(table) for table in TABLES)])


def _section(table: Table) -> str:
    key = " and ".join(table.key) if len(table.key) < 3 else f"{', '.join(table.key[:-1])} and {table.key[-1]}"
    lines = [
        f"## {table.name}",
        "",
        f"One row a {table.row}.",
        f"Key: {key} {'never repeats' if len(table.key) == 1 else 'together never repeat'}."
        if table.key
        else "No key: rows may repeat.",
        "It may be empty." if table.may_be_empty else "It must have at least one row.",
        *([f"Of {' and '.join(table.either)} one column is enough."] if table.either else []),
        "",
        "| column | type | required | allowed | meaning |",
        "|---|---|---|---|---|",
        *(_line(column) for column in table.columns),
        "",
    ]
    return "\n".join(lines)


def allowed_values(column: Column) -> str:
    """What a cell of the column may hold beyond its type, in words; empty where there is no limit."""
    if column.low is not None and column.high is not None:
        return f"{column.low:g} to {column.high:g}"
    if column.low is not None:
        return f"{column.low:g} or more"
    if column.high is not None:
        return f"{column.high:g} or less"
    return ", ".join(column.allowed)


def _line(column: Column) -> str:
    required = "yes" if column.required else "no"
    cells = (column.name, KINDS[column.kind], required, allowed_values(column), column.meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
