"""`submission_status`: which return came from which programme in which quarter, and what each gap does to a trend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError, row_fault
from impact.records.returns.gaps import FORMS, NONE, NOT_RUNNING, effects_of, listed, span
from impact.records.returns.quarters import read_quarter, written_quarter
from impact.results import with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUARTER = "write year, hyphen, Q and number: 2021-Q2 is April to June 2021."
HEADS = {
    NONE: "No return",
    "not usable": "Cannot be used as it is",
    "change of form": "The form changed",
    NOT_RUNNING: "Not running",
}
"""The kinds of effect that the alternative text names, and how."""
EFFECTS = ["programme", "kind", "quarters", "effect"]


@dataclass(frozen=True, eq=False, repr=False)
class SubmissionStatus:
    """Returns by programme and quarter. Made by `submission_status`.

    Attributes
    ----------
    table : DataFrame
        A row for each programme, a column for each quarter: old form, new form, individual-level template, no return,
        or not applicable (the programme was not running).
    usable : DataFrame
        The same rows and columns: whether a return came and can be used as it is.
    effects : DataFrame
        ``programme, kind, quarters, effect``: what each gap and each change of form does to a trend, in words.
    notes : tuple of str
        What holds for all programmes together.
    """

    table: pd.DataFrame
    usable: pd.DataFrame
    effects: pd.DataFrame
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row a programme and quarter: ``programme, quarter, status, usable``."""
        pairs = [(name, quarter) for name in self.table.index for quarter in self.table.columns]
        long = pd.DataFrame(pairs, columns=["programme", "quarter"])
        return long.assign(status=self.table.to_numpy().ravel(), usable=self.usable.to_numpy().ravel())

    @property
    def alt(self) -> str:
        """The alternative text of the figure: what came, what did not, where the form changed, and what was not due."""
        quarters = list(self.table.columns)
        said = [f"Returns by programme, {span(quarters)}. {self.notes[0]}"]
        for kind, head in HEADS.items():
            rows = self.effects[self.effects["kind"] == kind]
            where = [f"{name} ({', '.join(part['quarters'])})" for name, part in rows.groupby("programme", sort=False)]
            if where:
                said.append(f"{head}: {listed(where)}.")
        return " ".join(said)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A tile for each programme and quarter, with a letter and a pattern for its status; `alt` says it in words."""
        from impact.records.returns.tiles import draw

        return draw(self.table, self.usable, ax)

    def __repr__(self) -> str:
        lines = [self.table.to_string(), ""]
        lines += [f"{row.programme}, {row.kind}: {row.effect}" for row in self.effects.itertuples()]
        return with_notes("\n".join(lines), self.notes)


def submission_status(returns: pd.DataFrame, running: pd.DataFrame, *, first: str, last: str) -> SubmissionStatus:
    """Which return came from which programme in which quarter, and what each gap does to a trend.

    A quarter in which a programme ran and sent nothing is a gap; one in which it did not run is none. A return that
    came and cannot be used as it is (``usable`` is false, as `check_return` found) leaves a gap in the numbers too.

    Parameters
    ----------
    returns : DataFrame
        A row for each return that came: ``programme``; ``quarter``, as 2023-Q1 (calendar quarters); ``form``, as
        `check_return` calls it: old-2021, online-2021 or individual; and ``usable`` (true or false) if that is known:
        without it all are taken as usable. Where a return was sent again, the one that counts.
    running : DataFrame
        When each programme ran: ``programme``; ``first`` and ``last``, the first and the last quarter in which it ran,
        both included, ``last`` missing where it still runs. A programme that paused has a row for each stretch.
    first, last : str
        The first and the last quarter of the table.

    Returns
    -------
    SubmissionStatus
        ``.table``, ``.effects``, ``.notes``, ``.tidy()``, ``.plot()`` with its alternative text ``.alt``. Programmes
        are in the order of the alphabet.

    Raises
    ------
    InputError
        With every fault at once: a column missing, a cell empty or not of the words allowed, two returns of one
        programme for one quarter, a return of a programme that `running` does not name or says was not running.

    Examples
    --------
    >>> returns = pd.DataFrame({"programme": ["Shelter"] * 2, "quarter": ["2021-Q2", "2021-Q4"], "form": "online-2021"})
    >>> running = pd.DataFrame({"programme": ["Shelter"], "first": ["2021-Q2"], "last": [None]})
    >>> status = submission_status(returns, running, first="2021-Q2", last="2021-Q4")
    >>> status.table.loc["Shelter"].tolist()
    ['new form', 'no return', 'new form']
    >>> print(status.effects["effect"][0])
    The change from 2021-Q2 to 2021-Q4 cannot be read quarter by quarter. Sums over quarters that include 2021-Q3 are
    lower bounds, and how many different people there were is not known.
    """
    faults: list[Fault] = []
    for text, name in ((first, "first"), (last, "last")):
        if read_quarter(text) is None:
            faults.append(Fault("must be a quarter as 2023-Q1", column=name))
    if not faults and last < first:
        faults.append(Fault("is before first", column="last", remedy="give the earlier quarter as first."))
    came = _table(returns, "returns", ["programme", "quarter", "form"], faults)
    ran = _table(running, "running", ["programme", "first", "last"], faults)
    if came is not None:
        _check_returns(came, faults)
    if ran is not None:
        _check_running(ran, faults)
    if came is None or ran is None or faults:
        raise InputError("The table of returns cannot be made.", faults)
    _check_both(came, ran)
    quarters = [written_quarter(quarter) for quarter in pd.period_range(first, last, freq="Q")]
    inside = came["quarter"].isin(quarters)
    table, usable = _cells(came[inside], ran, quarters)
    rows = [
        (name, *found)
        for name in table.index
        for found in effects_of(table.loc[name].to_dict(), usable.loc[name].to_dict())
    ]
    notes = _notes(table, usable, int((~inside).sum()))
    return SubmissionStatus(table, usable, pd.DataFrame(rows, columns=EFFECTS), notes)


def _table(frame: pd.DataFrame, name: str, columns: list[str], faults: list[Fault]) -> pd.DataFrame | None:
    """A copy of the columns that are used, its rows numbered; None where one is not there."""
    if not isinstance(frame, pd.DataFrame):
        faults.append(Fault(f"must be a pandas DataFrame, not {type(frame).__name__}", table=name))
        return None
    wrong = {
        column: "is not in the table" if column not in frame.columns else "stands more than once in the table"
        for column in columns
        if list(frame.columns).count(column) != 1
    }
    faults += [Fault(problem, table=name, column=column) for column, problem in wrong.items()]
    if wrong:
        return None
    used = [*columns, *(["usable"] if name == "returns" and "usable" in frame.columns else [])]
    return frame[used].reset_index(drop=True)


class _Rows:
    """Notes the faults of rows of one table."""

    def __init__(self, table: str, faults: list[Fault]) -> None:
        self._table, self._faults = table, faults

    def __call__(self, column: str, bad: pd.Series, problem: str, why: str, remedy: str) -> None:
        if bad.any():
            flags = bad.to_list()
            self._faults.append(row_fault(problem, flags, table=self._table, column=column, why=why, remedy=remedy))


def _empty(column: pd.Series) -> pd.Series:
    return column.isna() | (column.astype(str).str.strip() == "")


def _unread(column: pd.Series) -> pd.Series:
    return column.map(lambda text: read_quarter(text) is None).astype(bool)


def _check_returns(came: pd.DataFrame, faults: list[Fault]) -> None:
    """Faults of the returns; where nothing is said all are usable."""
    add = _Rows("returns", faults)
    unread = _unread(came["quarter"])
    add("programme", _empty(came["programme"]), "is empty", "whose return it is is not known.", "name the programme.")
    add("quarter", unread, "is not a quarter as 2021-Q2", "a return belongs to one quarter.", QUARTER)
    remedy = f"use one of: {', '.join(FORMS)}."
    add("form", ~came["form"].isin(list(FORMS)), "is none of the forms", "a change of form breaks a series.", remedy)
    if "usable" in came:
        told = came["usable"].map(lambda held: isinstance(held, bool | np.bool_)).astype(bool)
        why, remedy = "numbers that cannot be used leave a gap.", "give the .ok that check_return found."
        add("usable", ~told, "is neither true nor false", why, remedy)
    else:
        came["usable"] = True
    twice = came.duplicated(["programme", "quarter"], keep=False) & ~unread & ~_empty(came["programme"])
    why = "it is not clear which of them to believe."
    add("quarter", twice, "has more than one return of a programme", why, "keep the one that counts.")


def _check_running(ran: pd.DataFrame, faults: list[Fault]) -> None:
    """Faults of the stretches."""
    add = _Rows("running", faults)
    if ran.empty:
        faults.append(Fault("has no rows", table="running", remedy="give a row for each programme."))
    why = "before it began and after it ended a programme owes no return."
    first, last = _unread(ran["first"]), _unread(ran["last"]) & ~_empty(ran["last"])
    add("programme", _empty(ran["programme"]), "is empty", "which programme it is is not known.", "name the programme.")
    add("first", first, "is not a quarter as 2021-Q2", why, QUARTER)
    add("last", last, "is neither empty nor a quarter as 2021-Q2", why, QUARTER)
    read = ~_unread(ran["first"]) & ~_unread(ran["last"])
    turned = read & (ran["last"].where(read, "") < ran["first"].where(read, ""))
    add("last", turned, "is before first", why, "change them over.")


def _check_both(came: pd.DataFrame, ran: pd.DataFrame) -> None:
    faults: list[Fault] = []
    add = _Rows("returns", faults)
    strange = ~came["programme"].isin(ran["programme"])
    remedy = "add the programme to running, or write its name alike in both."
    add("programme", strange, "is not in running", "whether a return was due is not known.", remedy)
    idle = [not _ran(ran, name, quarter) for name, quarter in zip(came["programme"], came["quarter"], strict=True)]
    remedy = "mend the quarter, or when the programme ran."
    problem = "is one in which the programme did not run, as running says"
    add("quarter", pd.Series(idle, dtype=bool) & ~strange, problem, "one of the two is wrong.", remedy)
    if faults:
        raise InputError("The table of returns cannot be made.", faults)


def _ran(ran: pd.DataFrame, programme: str, quarter: str) -> bool:
    here = ran[ran["programme"] == programme]
    return any(
        first <= quarter and (ended or quarter <= last)
        for first, last, ended in zip(here["first"], here["last"], _empty(here["last"]), strict=True)
    )


def _cells(came: pd.DataFrame, ran: pd.DataFrame, quarters: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = pd.Index(sorted(set(ran["programme"])), name="programme")
    pairs = list(zip(came["programme"], came["quarter"], strict=True))
    forms = dict(zip(pairs, came["form"].map(FORMS), strict=True))
    fit = dict(zip(pairs, came["usable"].astype(bool), strict=True))

    def cell(name: str, quarter: str) -> str:
        return forms.get((name, quarter), NONE if _ran(ran, name, quarter) else NOT_RUNNING)

    table = [[cell(name, quarter) for quarter in quarters] for name in names]
    usable = [[fit.get((name, quarter), False) for quarter in quarters] for name in names]
    return pd.DataFrame(table, names, quarters, dtype=object), pd.DataFrame(usable, names, quarters, dtype=bool)


def _notes(table: pd.DataFrame, usable: pd.DataFrame, outside: int) -> tuple[str, ...]:
    cells = table.to_numpy().ravel()
    due, by_form = int((cells != NOT_RUNNING).sum()), {word: int((cells == word).sum()) for word in FORMS.values()}
    came = sum(by_form.values())
    parts = [f"{n:,} by the {word}" for word, n in by_form.items() if n]
    first = f"{came:,} of {due:,} returns that were due came" + (f": {listed(parts)}." if parts else ".")
    notes = [first]
    bad = came - int(usable.to_numpy().sum())
    if bad:
        notes.append(f"{bad:,} of those that came cannot be used as they are.")
    if outside:
        notes.append(f"{outside:,} returns for quarters before or after the table are not in it.")
    if by_form["old form"] or by_form["new form"]:
        notes.append(
            "The old and the new form are quarterly totals: neither says whether they count the caseload or new "
            "referrals, nor whether a person counted in one quarter is counted again in the next (Harrison and others "
            "2022, section 4.2). They cannot be added up to people over quarters or programmes."
        )
    notes.append(_together(table, usable))
    return tuple(notes)


def _together(table: pd.DataFrame, usable: pd.DataFrame) -> str:
    """In which quarters all programmes that ran sent a usable return by one form."""
    by_form: dict[str, list[str]] = {}
    for quarter in table.columns:
        forms = set(table.loc[table[quarter] != NOT_RUNNING, quarter])
        whole = bool(usable.loc[table[quarter] != NOT_RUNNING, quarter].all())
        if len(forms) == 1 and whole:
            by_form.setdefault(forms.pop(), []).append(quarter)
    if not by_form:
        return "In no quarter did every running programme send a return by one form: no total covers all programmes."
    where = [f"{span(quarters)} ({form})" for form, quarters in by_form.items()]
    return (
        f"Every running programme sent a return by one form in {listed(where)} alone: no total of another quarter "
        "covers all programmes alike."
    )
