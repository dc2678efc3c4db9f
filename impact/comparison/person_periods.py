"""From dated events to a panel: how many each person had in each period around their own index date."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from impact.cohort.dates import NO_DAY, date_column, need_columns, note_rows, one_day
from impact.cohort.reoffending import index_people, person_codes
from impact.cohort.spells import days_inside, merge
from impact.errors import Fault, InputError
from impact.frames import IntArray

STRIDE = 2**32
OWN = ("person_id", "period", "start", "days_at_liberty")


def count_panel(
    people: pd.DataFrame,
    events: pd.DataFrame,
    *,
    before: int,
    after: int,
    complete_from: dt.date | str,
    complete_to: dt.date | str,
    days: int = 28,
    name: str = "events",
    treated: str = "treated",
    custody: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count events by person and period, with period 0 beginning on each person's index date.

    Parameters
    ----------
    people : DataFrame
        One row a person: ``person_id, index_on``, the column `treated` (0 or 1), ``died_on`` where known.
    events : DataFrame
        One row an event, of these people only: ``person_id, occurred_on``.
    before, after : int
        Periods before the index date (−`before` to −1), and the number of the last one (0 to `after`).
    complete_from, complete_to : date
        First and last day on which the records of events are complete.
    days : int
        Length of a period.
    name : str
        The name of the count.
    custody : DataFrame, optional
        ``person_id, entered_on, left_on`` (missing: still inside), of these people only.

    Returns
    -------
    DataFrame
        ``person_id, period, start`` (0 for treated people, missing for others), the count, and ``days_at_liberty`` with
        `custody`. Only periods that lie whole in the records, and end before a death, have a row: the panel is
        unbalanced where people died or the records are short.

    Raises
    ------
    InputError
        With every fault of the tables and arguments at once.

    Examples
    --------
    >>> people = pd.DataFrame({"person_id": ["a", "b"], "index_on": pd.to_datetime(["2022-03-01", "2022-03-01"]),
    ...                        "treated": [1, 0]})
    >>> events = pd.DataFrame({"person_id": ["a", "a"], "occurred_on": pd.to_datetime(["2022-02-28", "2022-03-01"])})
    >>> count_panel(people, events, before=1, after=0, complete_from="2022-01-01", complete_to="2022-12-31")
      person_id  period  start  events
    0         a      -1    0.0       1
    1         a       0    0.0       1
    2         b      -1    NaN       0
    3         b       0    NaN       0
    """
    faults: list[Fault] = []
    for word, value, least in (("before", before, 1), ("after", after, 0), ("days", days, 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            faults.append(Fault(f"must be a whole number from {least}, not {value!r}", column=word))
    if name in OWN:
        faults.append(Fault(f"cannot be {name}, which is another column", column="name"))
    first = one_day(complete_from, "complete_from", faults)
    last = one_day(complete_to, "complete_to", faults)
    faults += need_columns(people, ("person_id", "index_on", treated), "people")
    faults += need_columns(events, ("person_id", "occurred_on"), "events")
    if custody is not None:
        faults += need_columns(custody, ("person_id", "entered_on", "left_on"), "custody")
    if faults:
        raise InputError("The panel cannot be made:", faults)
    ids, index, died = index_people(people, faults)
    side = people[treated].to_numpy()
    note_rows(faults, ~np.isin(side, (0, 1)), "people", treated, "is not 0 or 1")
    owner = person_codes(events, ids, "events", faults)
    day = date_column(events, "occurred_on", "events", faults)
    inside = None if custody is None else _spells(custody, ids, faults)
    if faults:
        raise InputError("The panel cannot be made:", faults)
    n, periods = len(ids), np.arange(-before, after + 1)
    edge = index[:, None] + days * np.append(periods, after + 1)[None, :]
    key = np.sort(owner * STRIDE + day)
    found = np.diff(np.searchsorted(key, np.arange(n)[:, None] * STRIDE + edge), axis=1)
    whole = (edge[:, :-1] >= first) & (edge[:, 1:] - 1 <= last)
    whole &= (died == NO_DAY)[:, None] | (edge[:, 1:] <= died[:, None])
    frame = pd.DataFrame(
        {
            "person_id": np.repeat(np.asarray(ids), len(periods)),
            "period": np.tile(periods, n),
            "start": np.repeat(np.where(side == 1, 0.0, np.nan), len(periods)),
            name: found.ravel(),
        }
    )
    if inside is not None:
        spells = merge(*inside)
        held = [days_inside(spells, edge[:, place], edge[:, place + 1]) for place in range(len(periods))]
        frame["days_at_liberty"] = days - np.column_stack(held).ravel()
    return frame[whole.ravel()].reset_index(drop=True)


def _spells(custody: pd.DataFrame, ids: pd.Index, faults: list[Fault]) -> tuple[IntArray, IntArray, IntArray]:
    """Person, first day and day of release of each spell; open ones never end."""
    owner = person_codes(custody, ids, "custody", faults)
    entered = date_column(custody, "entered_on", "custody", faults)
    left = date_column(custody, "left_on", "custody", faults, may_miss=True)
    left = np.where(left == NO_DAY, STRIDE // 2, left)
    note_rows(faults, (left < entered) & (entered != NO_DAY), "custody", "left_on", "is before the spell started")
    return owner, entered, left
