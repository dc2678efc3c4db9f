"""Contacts with the police in windows around a person's index date, one group beside another and never alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, date_column, need_columns, note_rows, one_day
from impact.cohort.history import CONTACT_ROLES, STRIDE, YEAR
from impact.cohort.reoffending import index_people
from impact.errors import Fault, InputError
from impact.frames import BoolArray, IntArray
from impact.records.tables import TABLES
from impact.results import with_notes

Window = tuple[int, int] | tuple[str, str]
WINDOWS: tuple[Window, ...] = ((-365, -1), (0, 182), (183, 365))
ROLES = next(table for table in TABLES if table.name == "police_contact").column("role").allowed
NOT_ALONE = (
    "People join when things are at their worst, and their contacts fall afterwards with no programme at all "
    "(regression to the mean); only the same windows of a comparison group show how much."
)
_REFUSED = "Contacts with the police cannot be counted:"


@dataclass(frozen=True, eq=False)
class ContactWindows:
    """Contacts with the police in windows, group beside group.

    Attributes
    ----------
    people : DataFrame
        One row a person and window, persons in the order of the index given: ``person_id, group, window, contacts,
        days`` (of the window observed) and ``complete`` (observed to its end). Contacts are missing where no day is
        observed.
    roles : tuple of str
        The parts in a contact that were counted.
    notes : tuple of str
        Cautions.
    """

    people: pd.DataFrame
    roles: tuple[str, ...]
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a window and group.

        Returns
        -------
        DataFrame
            ``window, group``; ``people`` (with a day observed), ``contacts``, ``person_years`` observed, ``rate``
            (contacts per person-year); ``people_complete`` (observed to the end of the window) and ``share_any`` (of
            those, the proportion with a contact).
        """
        seen = self.people[self.people["days"] > 0].assign(
            whole=lambda frame: frame["complete"].astype(np.int64),
            any=lambda frame: (frame["complete"] & (frame["contacts"] > 0)).astype(np.int64),
        )
        sums = seen.groupby(["window", "group"], sort=True, observed=False).agg(
            people=("person_id", "size"),
            contacts=("contacts", "sum"),
            days=("days", "sum"),
            people_complete=("whole", "sum"),
            any=("any", "sum"),
        )
        years, whole = sums["days"] / YEAR, sums["people_complete"]
        result = pd.DataFrame(
            {
                "people": sums["people"],
                "contacts": sums["contacts"].astype(np.int64),
                "person_years": years,
                "rate": sums["contacts"].astype(float) / years.where(years > 0),
                "people_complete": whole,
                "share_any": sums["any"] / whole.where(whole > 0),
            }
        ).reset_index()
        return result.assign(window=result["window"].astype("str"), group=_plain(result["group"]))

    def __repr__(self) -> str:
        table = self.tidy().to_string(index=False, float_format=lambda value: f"{value:.3f}", na_rep="–")
        head = f"Contacts with the police as {' or '.join(self.roles)}, by window and group"
        return with_notes(f"{head}\n{table}", self.notes)


def contact_windows(
    index: pd.DataFrame,
    contacts: pd.DataFrame,
    *,
    windows: Sequence[Window] = WINDOWS,
    roles: str | Sequence[str] = CONTACT_ROLES,
    group: str | None = None,
    complete_to: dt.date | str,
) -> ContactWindows:
    """Count contacts with the police before, during and after, in each group.

    A window is observed until the records stop, and until death where ``died_on`` is given (the day itself included).
    Rates are per person-year observed, so a person whose window is cut short counts for what was seen of it; the share
    with any contact is of the people whose window was seen to its end.

    Parameters
    ----------
    index : DataFrame
        One row a person: ``person_id, index_on``, the column of `group`, the columns that `windows` name, and
        ``died_on`` where known. The `data` of a cohort will do.
    contacts : DataFrame
        One row a contact: ``person_id, occurred_on, role``. Every row counts once.
    windows : sequence of pairs
        Each either two whole numbers, the first and last day counted from the index date (0 is the date itself, below
        0 is before it), or two names of date columns of `index`, the first and last day as dates: a window during
        engagement. A person without a first date has no such window; without a last date it is still open and runs to
        `complete_to`. Both ends are included. Comparison people need dates of their own, such as the index date and
        the median length of engagement after it.
    roles : str or sequence of str
        The parts in a contact to count: suspect, arrested, victim, witness, missing, other.
    group : str
        The column of `index` that tells the groups apart, such as ``treated``; at least two must be observed in every
        window. A bare before and after is refused.
    complete_to : date
        Last day on which the records of contacts are complete.

    Returns
    -------
    ContactWindows

    Raises
    ------
    InputError
        Where there are not two groups, in all or in a window; and with every fault of the tables and arguments.

    Examples
    --------
    >>> index = pd.DataFrame({"person_id": ["a", "b"], "treated": [1, 0],
    ...                       "index_on": pd.to_datetime(["2022-01-01", "2022-03-01"])})
    >>> contacts = pd.DataFrame({"person_id": ["a", "a", "b"], "role": "suspect",
    ...                          "occurred_on": pd.to_datetime(["2021-06-01", "2022-02-01", "2021-12-01"])})
    >>> found = contact_windows(index, contacts, windows=((-365, -1), (0, 182)), group="treated",
    ...                         complete_to="2023-06-30")
    >>> found.tidy()[["window", "group", "people", "contacts", "share_any"]]
                   window  group  people  contacts  share_any
    0  days −365 to −1         0       1         1        1.0
    1  days −365 to −1         1       1         1        1.0
    2    days 0 to 182         0       1         0        0.0
    3    days 0 to 182         1       1         1        1.0
    """
    if group is None:
        raise InputError(
            "Contacts before and after are not shown for one group alone.",
            [
                Fault(
                    "is not given",
                    column="group",
                    why=NOT_ALONE,
                    remedy="name the column that tells people who took part from those they are compared with.",
                )
            ],
        )
    asked = (roles,) if isinstance(roles, str) else tuple(roles)
    spans = tuple(tuple(window) if isinstance(window, list | tuple) else (window,) for window in windows)
    faults = [*_window_faults(spans), *_role_faults(asked)]
    dated = tuple(dict.fromkeys(name for span in spans for name in span if isinstance(name, str)))
    faults += need_columns(index, ("person_id", "index_on", group, *dated), "index")
    faults += need_columns(contacts, ("person_id", "occurred_on", "role"), "contacts")
    last = one_day(complete_to, "complete_to", faults)
    if faults:
        raise InputError(_REFUSED, faults)
    start, seen_to, columns = _dates(index, dated, last, faults)
    for span in spans:
        if isinstance(span[0], str) and isinstance(span[1], str):
            first, end = columns[span[0]], columns[span[1]]
            bad = (first != NO_DAY) & (end != NO_DAY) & (end < first)
            note_rows(faults, bad, "index", span[1], f"is before {span[0]}", remedy="mend one of the dates.")
    codes, labels = _groups(index, group, faults)
    occurred = date_column(contacts, "occurred_on", "contacts", faults)
    if faults:
        raise InputError(_REFUSED, faults)

    position = pd.Index(index["person_id"]).get_indexer(pd.Index(contacts["person_id"])).astype(np.int64)
    if len(contacts) and not (position >= 0).any():
        raise InputError(
            _REFUSED,
            [
                Fault(
                    "holds nobody of the index",
                    table="contacts",
                    column="person_id",
                    why="nobody would seem to have had a contact.",
                    remedy="check that both tables use the same pseudonyms.",
                )
            ],
        )
    counts = (position >= 0) & contacts["role"].isin(asked).to_numpy(dtype=bool)
    key = np.sort(position[counts] * STRIDE + occurred[counts])
    parts = []
    for span in spans:
        part = _count(_bounds(span, start, columns), seen_to, key)
        observed = {int(code) for code in np.unique(codes[part["days"].to_numpy() > 0])}
        if len(observed) < 2:
            faults.append(
                Fault(
                    f"has no day observed in {_absent(observed, labels)}",
                    column=f"windows ({_title(span)})",
                    why=NOT_ALONE,
                    remedy="leave the window out, or give both groups the dates and the follow-up that it needs.",
                )
            )
        parts.append(part.assign(window=_title(span), group=codes, person_id=index["person_id"].to_numpy()))
    if faults:
        raise InputError("Contacts before and after are not shown for one group alone.", faults)
    people = pd.concat(parts, ignore_index=True)
    people["window"] = pd.Categorical(people["window"], categories=[_title(span) for span in spans], ordered=True)
    people["group"] = pd.Categorical.from_codes(people["group"].to_numpy(), categories=pd.Index(labels))
    notes = _notes(people, position, contacts["role"], occurred[counts], last)
    return ContactWindows(people[["person_id", "group", "window", "contacts", "days", "complete"]], asked, notes)


def _title(span: tuple[object, ...]) -> str:
    first, last = (str(end).replace("-", "−") if isinstance(end, int | np.integer) else str(end) for end in span)
    return f"{first} to {last}" if isinstance(span[0], str) else f"days {first} to {last}"


def _absent(observed: set[int], labels: list[object]) -> str:
    if not observed:
        return "any group"
    here = ", ".join(str(labels[code]) for code in sorted(observed))
    return f"any group but {here}"


def _window_faults(spans: Sequence[tuple[object, ...]]) -> list[Fault]:
    faults = []
    if not spans:
        faults.append(Fault("is empty", column="windows", remedy="give at least one window."))
    for number, span in enumerate(spans, start=1):
        named = len(span) == 2 and all(isinstance(end, str) for end in span)
        whole = len(span) == 2 and all(
            isinstance(end, int | np.integer) and not isinstance(end, bool) and abs(int(end)) < LAST_DAY / 4
            for end in span
        )
        if not named and not whole:
            faults.append(
                Fault(f"number {number} is neither two whole numbers of days nor two column names", column="windows")
            )
        elif whole and span[1] < span[0]:  # type: ignore[operator]
            faults.append(Fault(f"number {number} ends before it starts", column="windows"))
    if len(set(spans)) < len(spans):
        faults.append(Fault("holds the same window twice", column="windows"))
    return faults


def _role_faults(asked: tuple[str, ...]) -> list[Fault]:
    allowed = f"use: {', '.join(ROLES)}."
    if not asked:
        return [Fault("is empty", column="roles", remedy=allowed)]
    unknown = [str(role) for role in asked if role not in ROLES]
    return [Fault(f"holds unknown words: {', '.join(unknown)}", column="roles", remedy=allowed)] if unknown else []


def _dates(
    index: pd.DataFrame, dated: tuple[str, ...], last: int, faults: list[Fault]
) -> tuple[IntArray, IntArray, dict[str, IntArray]]:
    """The index dates, the last day each person is observed, and the date columns that windows name."""
    _, start, died = index_people(index, faults)
    columns = {name: date_column(index, name, "index", faults, may_miss=True) for name in dated}
    return start, np.where(died == NO_DAY, last, np.minimum(died, last)), columns


def _groups(index: pd.DataFrame, group: str, faults: list[Fault]) -> tuple[IntArray, list[object]]:
    column = index[group]
    category = pd.Categorical(column).remove_unused_categories()
    note_rows(faults, column.isna().to_numpy(), "index", group, "is missing", remedy="say which group it is.")
    labels = list(category.categories)
    if len(labels) < 2:
        faults.append(
            Fault(
                "holds one group alone",
                table="index",
                column=group,
                why=NOT_ALONE,
                remedy="add the people they are to be compared with.",
            )
        )
    return category.codes.astype(np.int64), labels


def _bounds(span: tuple[object, ...], start: IntArray, columns: dict[str, IntArray]) -> tuple[IntArray, IntArray]:
    """First and last day of everyone's window; `NO_DAY` for a first day that there is not."""
    first, last = span
    if isinstance(first, str) and isinstance(last, str):
        begins, ends = columns[first], columns[last]
        return begins, np.where(ends == NO_DAY, LAST_DAY, ends)
    return start + int(first), start + int(last)  # type: ignore[call-overload]


def _count(bounds: tuple[IntArray, IntArray], seen_to: IntArray, key: IntArray) -> pd.DataFrame:
    """Contacts and days observed of everyone's window; `key` holds person and day of each contact, sorted."""
    first, last = bounds
    upto = np.minimum(last, seen_to)
    observed: BoolArray = (first != NO_DAY) & (upto >= first)
    begin, end = np.where(observed, first, 0), np.where(observed, upto, -1)
    who = np.arange(len(first), dtype=np.int64) * STRIDE
    found = np.searchsorted(key, who + end, side="right") - np.searchsorted(key, who + begin, side="left")
    return pd.DataFrame(
        {
            "contacts": pd.Series(found).astype("Int64").mask(~observed),
            "days": np.where(observed, upto - first + 1, 0),
            "complete": observed & (last <= seen_to),
        }
    )


def _notes(people: pd.DataFrame, position: IntArray, role: pd.Series, occurred: IntArray, last: int) -> tuple[str, ...]:
    notes = []
    for window, part in people.groupby("window", observed=True):
        cut = int(((part["days"] > 0) & ~part["complete"]).sum())
        unseen = int((part["days"] == 0).sum())
        if cut:
            notes.append(f"Window {window}: {cut:,} of {len(part):,} people are observed for a part of it only.")
        if unseen:
            notes.append(f"Window {window}: {unseen:,} of {len(part):,} people are not observed in it at all.")
    for count, words in (
        (int((position < 0).sum()), "Contacts of people who are not in the index"),
        (int((role.isna().to_numpy() & (position >= 0)).sum()), "Contacts that do not say the person's part"),
        (int((occurred > last).sum()), "Contacts after the day to which the records are complete"),
    ):
        if count:
            notes.append(f"{words}: {count:,}. They are not counted.")
    notes.append("Days in custody are not taken off: fewer contacts are to be expected of people who were inside.")
    notes.append("No difference between the groups is tested here, and the groups as given may not be alike.")
    return tuple(notes)


def _plain(groups: pd.Series) -> pd.Series:
    """Labels of groups as they were given, no longer a categorical."""
    return pd.Series(groups.tolist(), index=groups.index)
