"""The rules that loaded tables must keep, as SQL conditions, and what is said where one is broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from impact.errors import SHOWN_ROWS, Fault
from impact.records.cells import bit
from impact.records.sources import CONTRACT, text_literal
from impact.records.tables import TABLES, Column, Table

# Days on which someone closes a file: they may come after a death.
CLOSING = frozenset({("referral", "decided_on"), ("participation", "ended_on")})


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows `t` of a table for which `where` holds are faulty; judged only where every column of `needs` was loaded."""

    table: str
    column: str
    problem: str
    where: str
    why: str
    remedy: str
    needs: frozenset[tuple[str, str]]
    source: str = ""

    def rows_from(self) -> str:
        """SQL of where the rows are taken from: by default each row, with the life of its person where it is known."""
        if self.source:
            return self.source
        life = " LEFT JOIN loaded.lives AS life USING (person_id)" if _of_people(CONTRACT[self.table]) else ""
        return f"loaded.{self.table} AS t{life}"


def broken(
    connection: duckdb.DuckDBPyConnection, usable: frozenset[tuple[str, str]], programmes: Iterable[str]
) -> list[Fault]:
    """Every fault within and between the loaded tables; `usable` names the (table, column) pairs that were loaded."""
    _lives(connection, ("person", "person_id") in usable)
    loaded = {table for table, _ in usable}
    faults = [
        Fault(
            "has no rows",
            table.name,
            why=f"it should hold one row a {table.row}; nothing can be worked out without it.",
            remedy="export it again with its records.",
        )
        for table in TABLES
        if not table.may_be_empty
        and table.name in loaded
        and connection.execute(f"SELECT count(*) FROM loaded.{table.name}").fetchone() == (0,)
    ]
    together: dict[str, list[Rule]] = {}
    for rule in rules(tuple(programmes)):
        if rule.needs <= usable:
            together.setdefault(rule.rows_from(), []).append(rule)
    for source, group in together.items():
        counts = ", ".join(f"count(*) FILTER (WHERE {rule.where})" for rule in group)
        found = connection.execute(f"SELECT {counts} FROM {source}").fetchone() or ()
        for rule, count in zip(group, found, strict=True):
            if count:
                first = connection.execute(
                    f"SELECT t._row FROM {source} WHERE {rule.where} ORDER BY t._row LIMIT {SHOWN_ROWS}"
                ).fetchall()
                rows = tuple(row for (row,) in first)
                faults.append(Fault(rule.problem, rule.table, rule.column, rows, count, rule.why, rule.remedy))
    connection.execute("DROP TABLE loaded.lives")
    return faults


def contradictions(connection: duckdb.DuckDBPyConnection) -> dict[str, list[int]]:
    """The `_row` of every row, table by table, whose dates are out of order, outside a life, or unfit for its words."""
    _lives(connection, known=True)
    found: dict[str, set[int]] = {}
    lives = [rule for table in TABLES if _of_people(table) for rule in _life_rules(table)]
    for rule in (*lives, *_order_rules(), *_meaning_rules()):
        rows = connection.execute(f"SELECT t._row FROM {rule.rows_from()} WHERE {rule.where}").fetchall()
        found.setdefault(rule.table, set()).update(row for (row,) in rows)
    connection.execute("DROP TABLE loaded.lives")
    return {table: sorted(rows) for table, rows in found.items()}


def _lives(connection: duckdb.DuckDBPyConnection, known: bool) -> None:
    """The table `loaded.lives`: when each person was born and died; empty where people are not known."""
    connection.execute(
        "CREATE TABLE loaded.lives AS SELECT person_id, max(died_on) AS died, "
        "min(coalesce(birth_date, TRY_CAST(birth_month || '-01' AS DATE))) AS born "
        "FROM loaded.person WHERE died_on IS NOT NULL OR birth_date IS NOT NULL OR birth_month IS NOT NULL GROUP BY ALL"
        if known
        else "CREATE TABLE loaded.lives AS SELECT NULL::VARCHAR AS person_id, NULL::DATE AS died, NULL::DATE AS born"
    )


def rules(programmes: tuple[str, ...]) -> Iterator[Rule]:
    """Every rule of the contract, table by table; `programmes` are the names that a programme may have."""
    for table in TABLES:
        for column in table.columns:
            yield from _cell_rules(table, column, programmes)
        yield from _key_rules(table)
        if _of_people(table):
            yield from _life_rules(table)
    yield from _order_rules()
    yield from _meaning_rules()
    yield from _link_rules()


def _rule(
    table: str,
    column: str,
    problem: str,
    where: str,
    *,
    why: str,
    remedy: str,
    also: str = "",
    other: str = "",
    source: str = "",
) -> Rule:
    """A rule; `also` is a second column of the table, `other` columns elsewhere as table.column, spaces between."""
    needs = {(table, column), *((table, name) for name in also.split())}
    for name in other.split():
        elsewhere, _, there = name.partition(".")
        needs.add((elsewhere, there))
    return Rule(table, column, problem, where, why, remedy, frozenset(needs), source)


def _of_people(table: Table) -> bool:
    return table.columns[0].name == "person_id"


def _blank(table: str, column: str) -> str:
    """SQL: the cell was empty (not: could not be read)."""
    return f"(t.{column} IS NULL AND (t._bad & {bit(CONTRACT[table], column)}) = 0)"


def _choices(values: Iterable[str]) -> str:
    return ", ".join(text_literal(value) for value in values)


def _cell_rules(table: Table, column: Column, programmes: tuple[str, ...]) -> Iterator[Rule]:
    name = column.name
    if column.required:
        yield _rule(
            table.name,
            name,
            "is empty",
            _blank(table.name, name),
            why="the row cannot be used without it; a row left out in silence would change the results.",
            remedy="fill it in" + (", or write unknown." if "unknown" in column.allowed else ", or delete the row."),
        )
    if column.allowed:
        district = name == "district"
        yield _rule(
            table.name,
            name,
            "is not one of the five districts" if district else "holds a value that is not allowed",
            f"t.{name} NOT IN ({_choices(column.allowed)})",
            why="a word of one's own, or another spelling, would be counted as a group apart.",
            remedy=f"use exactly one of: {', '.join(column.allowed)}.",
        )
    if name == "programme":
        yield _rule(
            table.name,
            name,
            "is not a programme with a definition file",
            f"t.programme NOT IN ({_choices(programmes)})" if programmes else "t.programme IS NOT NULL",
            why="its people would be counted in no chapter.",
            remedy=f"use exactly one of: {', '.join(sorted(programmes))}; or add a definition file for it."
            if programmes
            else "add a definition file for it.",
        )
    if column.low is not None:
        yield _rule(
            table.name,
            name,
            f"is below {column.low:g}",
            f"t.{name} < {column.low!r}",
            why="such a number cannot be right and would pull every average.",
            remedy=f"it must be {column.low:g} or more; leave out the minus sign or correct the number.",
        )
    if column.high is not None:
        yield _rule(
            table.name,
            name,
            f"is above {column.high:g}",
            f"t.{name} > {column.high!r}",
            why="such a number cannot be right and would pull every average.",
            remedy=f"it must be {column.high:g} or less.",
        )
    if (table.name, name) == ("story", "quarter"):
        yield _rule(
            "story",
            name,
            "is not a calendar quarter written YYYY-Qn",
            r"NOT regexp_full_match(t.quarter, '\d{4}-Q[1-4]')",
            why="a story that belongs to no quarter appears in no report.",
            remedy="write year, hyphen, Q and the number of the quarter: 2023-Q1 is January to March 2023.",
        )
    if column.kind == "date" and table.name != "extract":
        yield _rule(
            table.name,
            name,
            "is after the last day that any source is complete to",
            f"t.{name} > (SELECT CASE WHEN count(*) = count(complete_to) THEN max(complete_to) END "
            "FROM loaded.extract)",
            why="a record cannot come from the future of its own extract: the date, or the extract's, is mistyped.",
            remedy="correct the date, or complete_to in the extract table.",
            other="extract.complete_to",
        )


def _key_rules(table: Table) -> Iterator[Rule]:
    if not table.key:
        return
    mask = sum(bit(table, name) for name in table.key)
    whole = [f"t.{name} IS NOT NULL" for name in table.key if table.column(name).required]
    words = " and ".join(table.key) if len(table.key) < 3 else f"{', '.join(table.key[:-1])} and {table.key[-1]}"
    yield Rule(
        table.name,
        ", ".join(table.key),
        f"stands more than once: {'this' if len(table.key) == 1 else 'these together'} must never repeat",
        " AND ".join([*whole, f"(t._bad & {mask}) = 0"]),
        f"a {table.row} would be counted twice.",
        f"keep one row for each {words}; the rows named are the second and later ones.",
        frozenset((table.name, name) for name in table.key),
        f"loaded.{table.name} AS t ANTI JOIN (SELECT min(_row) AS _row FROM loaded.{table.name} "
        f"GROUP BY {', '.join(table.key)}) AS first USING (_row)",
    )


def _life_rules(table: Table) -> Iterator[Rule]:
    for column in table.columns:
        if column.kind != "date" or column.name == "birth_date":
            continue
        yield _rule(
            table.name,
            column.name,
            "is before the person was born",
            f"t.{column.name} < life.born",
            why="one of the two dates is wrong, or the record belongs to somebody else.",
            remedy="check the date, the person's date of birth and the pseudonym against the source.",
            other="person.person_id",
        )
        if column.name != "died_on" and (table.name, column.name) not in CLOSING:
            yield _rule(
                table.name,
                column.name,
                "is after the person died",
                f"t.{column.name} > life.died",
                why="one of the two dates is wrong, or the record belongs to somebody else.",
                remedy="check the date, the person's date of death and the pseudonym against the source.",
                other="person.person_id",
            )


def _order_rules() -> Iterator[Rule]:
    why = "the time between the two would count backwards."
    for table, early, late, problem in (
        ("referral", "referred_on", "decided_on", "is before the referral was made (referred_on)"),
        ("participation", "started_on", "ended_on", "ends before it starts (started_on)"),
        ("sentence", "started_on", "released_on", "is before the sentence started (started_on)"),
        ("custody", "entered_on", "left_on", "ends before it starts (entered_on)"),
        ("need", "identified_on", "met_on", "is before the need was identified (identified_on)"),
    ):
        yield _rule(
            table,
            late,
            problem,
            f"t.{late} < t.{early}",
            why=why,
            remedy=f"check both dates; {late} must be {early} or later.",
            also=early,
        )
    yield _rule(
        "offence",
        "proven_on",
        "is before the offence was committed (offended_on)",
        "t.proven_on < t.offended_on",
        why="reoffending is counted from these two dates.",
        remedy="check both dates; they may have been swapped.",
        also="offended_on",
    )


def _meaning_rules() -> Iterator[Rule]:
    yield _rule(
        "person",
        "birth_month",
        "is not the month of birth_date",
        "strftime(t.birth_date, '%Y-%m') <> t.birth_month",
        why="it is not clear how old the person is.",
        remedy="correct one of them, or leave one empty.",
        also="birth_date",
    )
    yield _rule(
        "offence",
        "proven_on",
        "is empty although the outcome is a conviction or a caution",
        f"t.outcome IN ('conviction', 'caution') AND {_blank('offence', 'proven_on')}",
        why="without the date the offence could not be counted as proven reoffending.",
        remedy="give the date of the conviction or caution, or correct the outcome.",
        also="outcome",
    )
    yield _rule(
        "offence",
        "proven_on",
        "is given although the outcome is not_proven or pending",
        "t.outcome IN ('not_proven', 'pending') AND t.proven_on IS NOT NULL",
        why="an offence that was not proven must not count as reoffending.",
        remedy="leave the date empty, or correct the outcome.",
        also="outcome",
    )
    yield _rule(
        "participation",
        "ended_on",
        "is empty although the status is completed",
        f"t.status = 'completed' AND {_blank('participation', 'ended_on')}",
        why="how long people take to complete could not be worked out.",
        remedy="give the last day, or correct the status.",
        also="status",
    )


def _link_rules() -> Iterator[Rule]:
    others = [table for table in TABLES if table.name != "person" and _of_people(table)]
    ties = [(table.name, "person_id") for table in others] + [("family", "related_id")]
    for table, column in ties:
        related = column == "related_id"
        yield _rule(
            table,
            column,
            "is a person who is not in the table person" + (" (the related person)" if related else ""),
            f"t.{column} IS NOT NULL",
            why="nothing else is known of them, so they would drop out of every comparison unseen.",
            remedy="add the person to the table person, or correct the pseudonym: it must be the same in every table.",
            other="person.person_id",
            source=f"loaded.{table} AS t ANTI JOIN loaded.person AS p ON t.{column} = p.person_id",
        )
    stands = " UNION ALL ".join(f"SELECT {column} AS person_id FROM loaded.{table}" for table, column in ties)
    yield _rule(
        "person",
        "person_id",
        "is a person who is in no other table",
        "t.person_id IS NOT NULL",
        why="nobody knows why they are here: their records were lost on the way, or they should not have been sent.",
        remedy="add their records, or take them out of the table person.",
        other=" ".join(f"{table}.{column}" for table, column in ties),
        source=f"loaded.person AS t ANTI JOIN ({stands}) AS o USING (person_id)",
    )
    yield _rule(
        "person",
        "lsoa",
        "is an area that is not in the table area",
        "t.lsoa IS NOT NULL AND EXISTS (SELECT 1 FROM loaded.area)",
        why="the person could not be placed in a district or given a deprivation decile.",
        remedy="add the area to the table area, correct the code (2011 and 2021 differ), or leave the cell empty.",
        other="area.lsoa",
        source="loaded.person AS t ANTI JOIN loaded.area AS a USING (lsoa)",
    )
