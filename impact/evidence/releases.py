"""`compare_releases`: what two published tables on overlapping people tell together that neither tells alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from impact.errors import Fault, ImpactError, InputError
from impact.evidence.adversary import Known, Relation, ranges, withhold
from impact.evidence.disclosure import HIDDEN, NONE, WITHHELD, Protected
from impact.evidence.rules import Rules
from impact.frames import check_choice
from impact.results import with_notes

PEOPLE = ("overlapping", "nested", "same")
LEFT, BOTH, JOINED = "only in the first", "in both", "only in the second"


@dataclass(frozen=True, eq=False)
class ReleaseComparison:
    """What a reader of two releases could work out, and the second release with that closed.

    Attributes
    ----------
    findings : DataFrame
        Columns ``row, column, who, low, high``: each group of people whose number the second release as it was given
        would have told too closely. For the analyst: it is not to be published.
    after : Protected
        The second release with further counts withheld; as it was given where nothing was found.
    checked : int
        How many numbers were tried.
    notes : tuple of str
        What was assumed of the reader.
    """

    findings: pd.DataFrame
    after: Protected
    checked: int
    notes: tuple[str, ...]

    @property
    def safe(self) -> bool:
        """Whether nothing was found in the second release as it was given."""
        return self.findings.empty

    def tidy(self) -> pd.DataFrame:
        """The findings."""
        return self.findings.copy()

    def __repr__(self) -> str:
        found = f"{len(self.findings)} of {self.checked} numbers are told too closely by the two together."
        return with_notes(found, self.notes)


def compare_releases(
    before: Protected, after: Protected, *, people: str, shared: Protected | None = None
) -> ReleaseComparison:
    """Attack two protected tables together, and withhold more of the second until nothing is found.

    Two chapters may share people, and this year's report holds last year's. Where counts with the same row and column
    stand in both, the people behind them are those only in the first, those in both and those only in the second. A
    linear programme bounds each of these numbers, and every hidden count of either table, from all that is published.
    One is told too closely where it may be under the minimum and fewer than ``width`` values are possible. The bounds
    hold for any whole numbers; the programme may overlook that numbers between its bounds need be whole.

    Parameters
    ----------
    before, after : Protected
        From `protect`, or read back by `read_record`. The first is published and stays as it is.
    people : str
        What a reader knows: ``"overlapping"`` nothing; ``"nested"`` that everyone of the first is in the second;
        ``"same"`` that they are the same people.
    shared : Protected, optional
        A published table of those in both, with the same labels.

    Returns
    -------
    ReleaseComparison

    Raises
    ------
    InputError
        Where the tables have no count in common, a label stands twice, or the two contradict each other.
    DisclosureError
        Where withholding counts of the second cannot close what the first has opened.

    Examples
    --------
    >>> from impact.evidence import protect
    >>> last = protect(pd.DataFrame({"people": [11, 40]}, index=["women", "men"]))
    >>> this = protect(pd.DataFrame({"people": [12, 52]}, index=["women", "men"]))
    >>> found = compare_releases(last, this, people="nested")
    >>> found.findings[["row", "who", "low", "high"]].values.tolist()
    [['women', 'only in the second', 0, 2]]
    >>> found.after.table["people"].tolist()
    ['not shown', '50']
    """
    system = _together(before, after, people, shared)
    findings = _told(system, after.rules)
    chosen: list[int] = []
    known, first = list(system.known), system.second
    sizes = {first + at: float(at_most[1] or 0) for at, at_most in enumerate(_known(after)) if _open(after, at)}
    enough, held = _enough(after.rules), (after.rules.minimum, None)
    asked = list(system.names)
    while more := withhold(asked, sizes, known, system.relations, enough=enough, withheld=held):
        chosen += more
        for cell in more:
            known[cell] = held
            del sizes[cell]
    return ReleaseComparison(
        findings, _without(after, [cell - first for cell in chosen]), len(asked), _notes(people, shared, chosen)
    )


def told_together(before: Protected, after: Protected, *, people: str) -> pd.DataFrame:
    """The `findings` of `compare_releases`, where nothing more is to be withheld.

    Raises
    ------
    InputError
        As `compare_releases`.
    """
    return _told(_together(before, after, people, None), after.rules)


@dataclass(frozen=True, slots=True)
class _System:
    """All that two releases tell: what is known of each cell, the sums, and the names of the numbers asked for.

    `second` is the place of the first cell of the second release.
    """

    known: list[Known]
    relations: list[Relation]
    names: dict[int, tuple[tuple[str, str], str]]
    second: int


def _told(system: _System, rules: Rules) -> pd.DataFrame:
    """Each number that is told too closely."""
    asked, enough = list(system.names), _enough(rules)
    try:
        told = ranges([(cell, system.known) for cell in asked], system.relations)
    except ImpactError:
        raise InputError(
            "The two releases cannot be compared: what they show and what is said of their people contradict each"
            " other."
        ) from None
    rows = [
        (*system.names[cell][0], system.names[cell][1], round(low), round(high))
        for cell, (low, high) in zip(asked, told, strict=True)
        if high is not None and not enough(cell, low, high)
    ]
    return pd.DataFrame(rows, columns=["row", "column", "who", "low", "high"])


def _together(before: Protected, after: Protected, people: str, shared: Protected | None) -> _System:
    check_choice("people", people, PEOPLE)
    given = [before, after, *([shared] if shared is not None else [])]
    labels = [_labels(one) for one in given]
    places = [{label: place for place, label in enumerate(found)} for found in labels]
    common = [label for label in labels[0] if label in places[1]]
    _check(given, places, common)
    known: list[Known] = []
    relations: list[Relation] = []
    start = []
    for one in given:
        start.append(len(known))
        relations += [
            Relation(total.total + start[-1], tuple(part + start[-1] for part in total.parts)) for total in one.sums
        ]
        known += _known(one)
    names: dict[int, tuple[tuple[str, str], str]] = {}
    for which, found in enumerate(labels[:2]):
        hidden = given[which].record["status"] == HIDDEN
        names |= {
            start[which] + at: (label, ("the first", "the second")[which])
            for at, label in enumerate(found)
            if hidden.iloc[at]
        }
    for label in common:
        left, both, joined = range(len(known), len(known) + 3)
        known += [
            (0, 0 if people in ("nested", "same") else None),
            (0, None),
            (0, 0 if people == "same" else None),
        ]
        relations.append(Relation(start[0] + places[0][label], (left, both)))
        relations.append(Relation(start[1] + places[1][label], (both, joined)))
        if shared is not None and label in places[2]:
            relations.append(Relation(start[2] + places[2][label], (both,)))
        names |= {at: (label, who) for at, who in ((left, LEFT), (both, BOTH), (joined, JOINED)) if known[at][1] != 0}
    return _System(known, relations, names, start[1])


def _check(given: Sequence[Protected], places: Sequence[dict[tuple[str, str], int]], common: Sequence[object]) -> None:
    faults = [
        Fault("has a row and column of the same names twice", table=name, remedy="give each its own label.")
        for name, one, found in zip(("before", "after", "shared"), given, places, strict=False)
        if len(found) != len(one.record)
    ]
    if not common:
        faults.append(Fault("have no count with the same row and column", table="before and after"))
    if len({one.rules.minimum for one in given}) > 1:
        faults.append(Fault("were protected with different minima", table="before, after and shared"))
    if faults:
        raise InputError("The two releases cannot be compared:", faults)


def _labels(one: Protected) -> list[tuple[str, str]]:
    return list(zip(one.record["row"].astype(str), one.record["column"].astype(str), strict=True))


def _known(one: Protected) -> list[Known]:
    """What each line of a record of counts tells by itself."""
    found: list[Known] = []
    for status, shown in zip(one.record["status"], one.record["shown"], strict=True):
        if status == HIDDEN:
            found.append((one.rules.lowest, one.rules.minimum - 1))
        elif status == WITHHELD:
            found.append((one.rules.minimum, None))
        elif status == NONE:
            found.append((0, None))
        elif str(shown).replace(",", "").isdigit():
            found.append(one.rules.behind(int(str(shown).replace(",", ""))))
        else:
            raise InputError(
                "The two releases cannot be compared: a record holds something that is not a count. Curves and sums are"
                " not compared here."
            )
    return found


def _open(one: Protected, at: int) -> bool:
    return one.record["status"].iloc[at] not in (HIDDEN, WITHHELD, NONE)


def _enough(rules: Rules) -> Callable[[int, float, float | None], bool]:
    def enough(_: int, low: float, high: float | None) -> bool:
        return high is None or round(high) - round(low) + 1 >= rules.width or round(low) >= rules.minimum

    return enough


def _without(after: Protected, cells: Sequence[int]) -> Protected:
    if not cells:
        return after
    record, table = after.record.copy(), after.table.copy()
    rows, columns = table.index.astype(str), table.columns.astype(str)
    for cell in cells:
        row, column = record.loc[cell, ["row", "column"]]
        record.loc[cell, ["status", "shown", "rule"]] = WITHHELD, "not shown", "difference between releases"
        table.iloc[list(rows).index(row), list(columns).index(column)] = "not shown"
    note = "Some counts are not shown because they would tell, beside an earlier or another table, a small number."
    return replace(after, table=table, record=record, notes=(*after.notes, note))


def _notes(people: str, shared: Protected | None, chosen: Sequence[int]) -> tuple[str, ...]:
    told = {
        "overlapping": "A reader is taken to know nothing of how many are in both",
        "nested": "A reader is taken to know that everyone of the first is in the second",
        "same": "A reader is taken to know that both are of the same people",
    }[people] + (", but for the table of those in both." if shared is not None else ".")
    return (told, *([f"{len(chosen)} counts of the second are withheld for it."] if chosen else []))
