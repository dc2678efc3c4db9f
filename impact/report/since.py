"""What a report's counts tell beside those of the last release: whose joining or leaving would show."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from impact.errors import ReportError
from impact.evidence.disclosure import HIDDEN, NONE, SHOWN, WITHHELD, Protected, known
from impact.evidence.outputs import record_of_texts
from impact.evidence.releases import told_together
from impact.evidence.rules import default_rules
from impact.evidence.shown import share
from impact.frames import check_choice
from impact.report.exhibits import Numbers
from impact.report.words import exhibit_key
from impact.results import with_notes

PROFILE = "-profile"
FOLLOWED = ("Alive and in the community on that day", "Accepted")
"""Steps of a flow at which a profile is taken: the first that the flow has."""
COUNTS: Mapping[str, tuple[str, ...]] = {
    "-flow": ("Took part", "Comparison"),
    "-lost": ("Took part", "Comparison"),
    "-change": ("People with both",),
    "-missing": ("With a first reading",),
    "-profile": ("Took part",),
    "-pathways": ("People with a need", "Needs"),
    "-subgroups": ("Took part", "Comparison"),
    "-status": ("With a first reading", "With both"),
    "annual-summary": ("Referred", "Accepted"),
    "annual-overlap": (),
}
"""Columns of counts by the ending of an exhibit's key; none named: all columns."""
KNOWN = {
    "nested": "A reader is taken to know that everyone of the last release is in this one.",
    "same": "A reader is taken to know that both releases are of the same people.",
    "overlapping": "A reader is taken to know nothing of who is in both releases.",
}
CLOSE = "told too closely"
FEW = f"differs by fewer than {default_rules().minimum}"
COLUMNS = ["output", "row", "column", "last", "shown", "who", "low", "high", "problem"]


@dataclass(frozen=True, eq=False)
class SinceLast:
    """What changed in a report's counts since the last release, and what that tells.

    Attributes
    ----------
    findings : DataFrame
        Columns ``output, row, column, last, shown, who, low, high, problem``. A number is ``told too closely`` where it
        may be small and fewer values than the rules ask for agree with both releases; it ``differs by fewer than 10``
        where the two counts that are shown are one step of rounding apart, so that somebody is seen to have joined or
        left. For the analyst: not to be published.
    compared : int
        How many counts stand in both.
    record : DataFrame
        The record of outputs with the columns ``last`` and ``since_last``.
    notes : tuple of str
        What was taken as known.
    """

    findings: pd.DataFrame
    compared: int
    record: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def safe(self) -> bool:
        """Whether no number is told too closely."""
        return not self.findings["problem"].str.startswith(CLOSE).any()

    def tidy(self) -> pd.DataFrame:
        """The findings."""
        return self.findings.copy()

    @property
    def lines(self) -> list[str]:
        """Each finding in words."""
        return [
            f"{row.output}, row {row.row}, column {row.column}: {row.last}, then {row.shown}; {row.who}:"
            f" {row.low} to {row.high} ({row.problem})"
            for row in self.findings.itertuples()
        ]

    def __repr__(self) -> str:
        return with_notes("\n".join(self.lines) or "Nothing was found.", self.notes)


def read_numbers(path: Path) -> dict[str, Numbers]:
    """The numbers of a release, as `write_expected` keeps them.

    Raises
    ------
    ReportError
        Where the file is not there or holds something else.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(text, str) for rows in kept.values() for cells in rows.values() for text in cells.values()):
            return dict(kept)
    except (OSError, ValueError, AttributeError):
        pass
    raise ReportError(f"{path.name} cannot be read as the numbers of the last release, so nothing can be compared.")


def since_last(numbers: Mapping[str, Numbers], last: Mapping[str, Numbers] | None, *, people: str) -> SinceLast:
    """Compare the counts that a report shows with those of the last release, by `compare_releases`' reader.

    Where every count that is shown in both is as it was, the same release is taken to be built again, and there is
    nothing to find.

    Parameters
    ----------
    numbers : mapping
        Exhibit to row to column to what is shown.
    last : mapping or None
        Those of the last release; None where there is none.
    people : str
        What a reader knows: ``"nested"`` that everyone of the last release is in this one, ``"overlapping"`` nothing,
        ``"same"`` that they are the same people.

    Raises
    ------
    InputError
        Where `people` is none of these, or what is shown as a count is not one.

    Examples
    --------
    >>> last = {"pops-flow": {"Referred": {"Took part": "60"}, "Started": {"Took part": "10"}}}
    >>> this = {"pops-flow": {"Referred": {"Took part": "65"}, "Started": {"Took part": "10"}}}
    >>> since_last(this, last, people="nested").findings[["row", "low", "high", "problem"]].values.tolist()
    [['Started', 0, 2, 'told too closely'], ['Referred', 1, 9, 'differs by fewer than 10']]
    """
    check_choice("people", people, tuple(KNOWN))
    record = record_of_texts(numbers).assign(last="", since_last="")
    if last is None:
        return SinceLast(pd.DataFrame(columns=COLUMNS), 0, record, ("There was no last release to compare with.",))
    before, after = released_tables(last), released_tables(numbers)
    held_in_both = {key: (_cells(before[key]), _cells(after[key])) for key in after if key in before}
    changed = any(
        now[place] != was[place] and {was[place][0], now[place][0]} <= {SHOWN, HIDDEN}
        for was, now in held_in_both.values()
        for place in now
        if place in was
    )
    found: list[tuple[object, ...]] = []
    compared = contrary = 0
    for key, (was, now) in held_in_both.items():
        common = [place for place in now if place in was]
        agree = [place for place in common if _may_be(was[place], now[place], people)]
        compared, contrary = compared + len(common), contrary + len(common) - len(agree)
        if changed and agree:
            told = told_together(_only(before[key], agree), _only(after[key], agree), people=people)
            found += [
                (key, row, column, was[row, column][1], now[row, column][1], who, low, high, CLOSE)
                for row, column, who, low, high in told.itertuples(index=False)
            ]
        for place in common:
            if step := _step(was[place], now[place]):
                found.append((key, *place, was[place][1], now[place][1], *step, FEW))
    findings = pd.DataFrame(found, columns=COLUMNS)
    findings = findings.sort_values("problem", ascending=False, kind="stable", ignore_index=True)
    notes = [KNOWN[people]]
    if contrary:
        notes.append(
            f"{contrary:,} counts are not as that says (they fell, or are of other people), and were passed over."
        )
    places = zip(record["output"], record["row"], record["column"], strict=True)
    record["last"] = [last.get(output, {}).get(row, {}).get(column, "") for output, row, column in places]
    return SinceLast(findings, compared, _recorded(record, findings), tuple(notes))


def between_chapters(numbers: Mapping[str, Numbers], nested: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """What two chapters tell together, where everyone of the one programme is in the other, as `findings`.

    Two chapters that share people are two releases. Comparison people are chosen for each chapter, so their numbers are
    not parts of one another.

    Parameters
    ----------
    numbers : mapping
        Exhibit to row to column to what is shown.
    nested : sequence of (str, str)
        Pairs of programmes: all people of the first are in the second.
    """
    found = [pd.DataFrame(columns=COLUMNS)]
    for first, second in nested:
        starts = [f"{exhibit_key(name)}-" for name in (first, second)]
        own = [{key: rows for key, rows in numbers.items() if key.startswith(start)} for start in starts]
        renamed = {f"{starts[1]}{key.removeprefix(starts[0])}": rows for key, rows in own[0].items()}
        told = since_last(own[1], renamed, people="nested").findings
        told = told[(told["problem"] == CLOSE) & (told["column"] != "Comparison")]
        found.append(told.assign(problem=f"{CLOSE} beside the chapter of {first}"))
    return pd.concat(found, ignore_index=True)


def with_findings(since: SinceLast, more: pd.DataFrame) -> SinceLast:
    """The same with further findings, in the record too."""
    findings = pd.concat([since.findings, more], ignore_index=True) if len(more) else since.findings
    return replace(since, findings=findings, record=_recorded(since.record, findings))


def _recorded(record: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """The record of outputs with what is told by each number beside another release."""
    said = {
        (row.output, row.row, row.column): f"{row.who}: {row.low} to {row.high} ({row.problem})"
        for row in findings[::-1].itertuples()
    }
    places = zip(record["output"], record["row"], record["column"], strict=True)
    return record.assign(since_last=[said.get(place, "") for place in places])


def released_tables(numbers: Mapping[str, Numbers]) -> dict[str, Protected]:
    """The counts of each exhibit that has any, as a record of what is shown, without true values."""
    found = {}
    for key, given in numbers.items():
        rows = _counts_of_profile(key, given, numbers) if key.endswith(PROFILE) else given
        columns = next((held for ending, held in COUNTS.items() if key.endswith(ending)), None)
        if columns is None:
            continue
        counted = {
            row: {column: text for column, text in cells.items() if not columns or column in columns}
            for row, cells in rows.items()
            if not row.startswith("(")
        }
        record = record_of_texts({key: counted}).drop(columns=["output", "reason"])
        # Where nothing is said to be small, what is not shown may be of any size.
        unsaid = (record["status"] == WITHHELD) & ~record["column"].isin(
            record.loc[record["status"] == HIDDEN, "column"]
        )
        record.loc[unsaid, "status"] = NONE
        found[key] = Protected(pd.DataFrame.from_dict(counted, orient="index"), record, default_rules())
    return found


def _counts_of_profile(key: str, rows: Numbers, numbers: Mapping[str, Numbers]) -> Numbers:
    """The rounded counts that a profile's shares stand for: the one multiple of the base that makes each."""
    flow = numbers.get(f"{key.removesuffix(PROFILE)}-flow", {})
    total = next((flow[step]["Took part"] for step in FOLLOWED if "Took part" in flow.get(step, {})), "")
    if not re.fullmatch(r"[\d,]+", total):
        return {}
    whole, rules = int(total.replace(",", "")), default_rules()
    texts = {share(n, whole): str(n) for n in range(whole, rules.minimum - 1, -rules.base)}
    return {
        row: {"Took part": texts[cells["Took part"]]} for row, cells in rows.items() if cells.get("Took part") in texts
    }


def _cells(one: Protected) -> dict[tuple[str, str], tuple[str, str]]:
    """Status and text of each count."""
    lines = one.record[["row", "column", "status", "shown"]].itertuples(index=False)
    return {(row, column): (status, text) for row, column, status, text in lines}


def _only(one: Protected, places: Sequence[tuple[str, str]]) -> Protected:
    keep = [(row, column) in places for row, column in zip(one.record["row"], one.record["column"], strict=True)]
    return replace(one, record=one.record[keep].reset_index(drop=True))


def _range(cell: tuple[str, str]) -> tuple[int, float]:
    """The smallest and the largest count behind what is shown."""
    status, text = cell
    size = int(text.replace(",", "")) if status == SHOWN else 0
    low, high = known(size, status, default_rules())
    return round(low), math.inf if high is None else high


def _may_be(was: tuple[str, str], now: tuple[str, str], people: str) -> bool:
    """Whether two counts can be of such people: those of the last release all in this one, or the same."""
    (low, high), (least, most) = _range(was), _range(now)
    return {"nested": most >= low, "same": most >= low and high >= least}.get(people, True)


def _step(was: tuple[str, str], now: tuple[str, str]) -> tuple[str, int, int] | None:
    """How many more or fewer, where both counts are shown and differ by fewer than the minimum."""
    if was[1] == now[1] or was[0] != SHOWN or now[0] != SHOWN:
        return None
    sizes = [int(text.replace(",", "")) for _, text in (was, now)]
    if abs(sizes[1] - sizes[0]) >= default_rules().minimum:
        return None
    (low, high), (least, most) = (default_rules().behind(size) for size in sorted(sizes))
    return "more" if sizes[1] > sizes[0] else "fewer", max(least - high, 0), most - low
