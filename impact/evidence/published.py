"""`disclose`: a published file read for rows of people, identifiers and small numbers, before anyone else reads it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import pandas as pd

from impact.evidence.reading import Grid, Reading, read
from impact.evidence.rules import Rules, default_rules
from impact.records import Linked
from impact.results import with_notes

COUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.0+)?(?: ?\([\d.]+ ?%\)| ?(?:/|of|out of) ?\d[\d,]*)?")
BLANK = re.compile(
    r"|–|—|-|\*+|c|x|\.+|n/?a|nan|<na>|none|null|not (shown|known|given).*|[<≤] ?\d+|(fewer|less) than \d+.*"
    r"|under \d+.*|suppressed|withheld|all or nearly all",
    re.IGNORECASE,
)
DATE = re.compile(
    r"\d{4}[-/]\d{2}[-/]\d{2}([ T][\d:.]+)?|\d{1,2}[/ .-](\d{1,2}|[A-Z][a-z]+)[/ .-](\d{4}|\d{2})", re.IGNORECASE
)
PER_HUNDRED = re.compile(r"\b(100|hundred)\b")
WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
PRINTED = {"person_id", "related_id", "birth_date"}
SHORTEST = 5
IDENTIFIERS = (("person", "person_id"), ("family", "related_id"))
FEWEST_DATES = 3


@dataclass(frozen=True, eq=False)
class DisclosureCheck:
    """What was found in published files.

    Attributes
    ----------
    findings : DataFrame
        Columns ``file, where, problem, count``. No value and no identifier is repeated.
    notes : tuple of str
        What was not read.
    """

    findings: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def safe(self) -> bool:
        """Whether nothing was found."""
        return self.findings.empty

    def tidy(self) -> pd.DataFrame:
        """The findings."""
        return self.findings.copy()

    def __repr__(self) -> str:
        lines = [
            f"{file}, {where}: {problem}" + (f" ({count:,})" if count > 1 else "")
            for file, where, problem, count in self.findings.to_numpy().tolist()
        ]
        return with_notes("\n".join(lines) or "Nothing was found.", self.notes)


def disclose(
    paths: Sequence[str | Path],
    *,
    identifiers: Collection[str] | Mapping[str, Collection[str]] = (),
    rules: Rules | None = None,
) -> DisclosureCheck:
    """Read executed notebooks, HTML, Word and PDF files, and find what may not be published.

    Found are: columns that hold people one by one, columns of single dates, identifiers (those given, wherever they
    stand in the file, and the usual forms of police, prison, health and insurance numbers, of email addresses,
    postcodes, telephone numbers and dates of birth, and of keyed hashes), whole numbers under the minimum in columns
    and rows of counts and in prose ("3 people", "4 of the 62 women", "n = 4"), cells that were not run, files inside
    the file, earlier versions kept in a PDF, and errors. A column of whole numbers counts as one of counts unless its
    head says otherwise (``published.toml``). What is said of 100 people in a sentence is a rate. Read too is what a
    reader does not see at first: text whose deletion is tracked, hidden text, comments, bookmarks, properties, scripts.

    **Not found**: pictures; the columns of tables in PDF, whose lines are read as prose (check the HTML or Word file of
    the same report beside it); counts said as "one" or "nobody", or of people by a name that ``published.toml`` lacks;
    names of people; and a count that two numbers of a safe size give away between them, which `protect` sees to.

    Parameters
    ----------
    paths : sequence of path
        The files.
    identifiers : collection of str, or mapping of str to collection
        Pseudonyms of the records, none of which may stand in a file; where they come from several columns, by the name
        of each. One of fewer than 5 characters cannot be told from other words and numbers: it is not looked for, and a
        note says how many were not.
    rules : Rules, optional
        Other thresholds than those shipped.

    Raises
    ------
    ImpactError
        Where a file cannot be read.

    Examples
    --------
    >>> disclose([])
    Nothing was found.
    """
    rules = rules or default_rules()
    columns = identifiers if isinstance(identifiers, Mapping) else {"the identifiers given": identifiers}
    known = {str(one).casefold() for held in columns.values() for one in held if len(str(one)) >= SHORTEST}
    found: list[tuple[str, str, str, int]] = []
    notes = list(not_looked_for(columns))
    for path in map(Path, paths):
        reading = read(path)
        found += [(reading.name, *line) for line in _findings(reading, known, rules)]
        if reading.images:
            notes.append(f"{reading.name}: {reading.images} pictures were not read.")
        if path.suffix.lower() == ".pdf":
            notes.append(f"{reading.name}: its pictures and the columns of its tables were not read.")
    findings = pd.DataFrame(found, columns=["file", "where", "problem", "count"])
    added = findings.groupby(["file", "where", "problem"], sort=False)["count"].sum().reset_index()
    return DisclosureCheck(added, tuple(notes))


def identifiers_of(linked: Linked) -> dict[str, set[str]]:
    """The identifiers of people in linked records, by table and column."""
    return {
        f"{table}, column {column}": set(linked.table(table)[column].dropna().astype(str))
        for table, column in IDENTIFIERS
    }


def not_looked_for(identifiers: Mapping[str, Collection[str]]) -> Iterator[str]:
    """A note for each column that has identifiers too short to be told from other words; none is repeated in it.

    Examples
    --------
    >>> list(not_looked_for({"person_id": ["17", "P0000042"]}))
    ['person_id: 1 of 2 identifiers have fewer than 5 characters, and were not looked for.']
    """
    for name, held in identifiers.items():
        short = sum(len(str(one)) < SHORTEST for one in held)
        if short:
            yield (
                f"{name}: {short:,} of {len(held):,} identifiers have fewer than {SHORTEST} characters, and were not"
                " looked for."
            )


def _findings(reading: Reading, known: set[str], rules: Rules) -> Iterator[tuple[str, str, int]]:
    for where, problem in reading.faults:
        yield where, problem, 1
    seen = [*reading.texts, *((grid.where, " ".join(row)) for grid in reading.grids for row in (grid.head, *grid.rows))]
    for where, text in [*seen, ("what is not seen", reading.hidden)]:
        if held := _held(text, known):
            yield where, "holds an identifier of the records", held
    for where, text in reading.texts:
        for name, pattern in _words()["identifiers"].items():
            if re.search(pattern, text):
                yield where, f"holds what looks like {name}", 1
        yield from ((where, problem, 1) for problem in _prose(text, rules))
    for grid in reading.grids:
        yield from _columns(grid, rules)


def _held(text: str, known: set[str]) -> int:
    """How many identifiers stand in a text as words, or as parts of words joined by hyphens or underscores."""
    if not known:
        return 0
    low = text.casefold()
    words = {*re.findall(r"[\w-]+", low), *re.findall(r"[^\W_]+", low)}
    # Words cannot hold an identifier with other signs in it; such a one is looked for as it stands.
    return len(known & words) + sum(one in low for one in known if re.search(r"[^\w-]", one))


def _prose(text: str, rules: Rules) -> Iterator[str]:
    least = 0 if rules.zeros == "hide" else 1
    for sentence in re.split(r"(?<=[.;:!?])\s+|\n{2,}", text):
        for match in _counted().finditer(sentence):
            size = WORDS.index(match[1].lower()) + 2 if match[1].lower() in WORDS else int(match[1])
            if least <= size < rules.minimum and not PER_HUNDRED.search(sentence):
                yield "counts fewer people than the minimum"
    for match in re.finditer(r"\bn\s*[=:]\s*(\d+)\b(?![.,]\d)", text, re.IGNORECASE):
        if least <= int(match[1]) < rules.minimum:
            yield "gives an n under the minimum"
    for line in text.splitlines():
        if set(line.lower().split()) & PRINTED and re.search(r"\S {2,}\S", line):
            yield "prints a table of people, one by one"


@cache
def _counted() -> re.Pattern[str]:
    """A number, perhaps of a larger one, at most two words that describe people, and people."""
    number = rf"(?<![\d.,−–%-])(?<!\d )\b(\d+|{'|'.join(WORDS)})"
    whole = r"(?:(?:out )?of (?:the |these |those |our |all )?(?:\d[\d,]* )?)?"
    described = rf"(?:(?!(?:{'|'.join(_words()['between'])})\b)[a-z]+ ){{0,2}}"
    people = "|".join(_words()["people"])
    return re.compile(rf"{number}\s+{whole}{described}(?:{people})\b(?! in every| of every)", re.IGNORECASE)


def _columns(grid: Grid, rules: Rules) -> Iterator[tuple[str, str, int]]:
    width = max((len(row) for row in grid.rows), default=0)
    # pandas leaves the head of an index empty; where a head row is shorter than its rows, it lacks the index's.
    head = ("",) * (width - len(grid.head)) + grid.head
    counted = set()
    for place in range(width):
        name = head[place].strip().lower()
        cells = [row[place].strip() for row in grid.rows if place < len(row)]
        filled = [cell for cell in cells if cell]
        if name in _words()["personal"] and filled:
            yield grid.where, "has a column of people, one by one", len(filled)
        elif len(filled) >= FEWEST_DATES and all(DATE.fullmatch(cell) for cell in filled):
            yield grid.where, "has a column of single dates", len(filled)
        elif _is_count(name, cells, place):
            counted.add(place)
            if small := _small(filled, rules):
                yield grid.where, "shows counts under the minimum", small
    for row in grid.rows:
        if row and row[0].strip().lower() in (*_words()["count_rows"], *_words()["people"]):
            others = [cell.strip() for place, cell in enumerate(row) if place and place not in counted]
            if small := _small(others, rules):
                yield grid.where, "shows counts under the minimum", small


def _small(cells: Sequence[str], rules: Rules) -> int:
    """How many cells hold a count under the minimum."""
    least = 0 if rules.zeros == "hide" else 1
    counts = [int(match[1].replace(",", "")) for cell in cells if (match := COUNT.fullmatch(cell))]
    return sum(least <= count < rules.minimum for count in counts)


def _is_count(name: str, cells: Sequence[str], place: int) -> bool:
    if place == 0 and not name:
        return False
    if not any(COUNT.fullmatch(cell) for cell in cells):
        return False
    if not all(COUNT.fullmatch(cell) or BLANK.fullmatch(cell) for cell in cells):
        return False
    heads = set(re.findall(r"[a-z]+", name))
    return not any(set(words.split()) <= heads for words in _words()["not_counts"])


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(package_files("impact.evidence").joinpath("published.toml").read_text(encoding="utf-8"))
