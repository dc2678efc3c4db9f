"""Counts that go on changing after the index date, as rows that hold from a day: covariates for `emulated_trial`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.cohort.dates import date_column, dates, need_columns
from impact.cohort.reoffending import index_people, person_codes
from impact.errors import Fault, InputError

STRIDE = 2**32


def running_count(index: pd.DataFrame, events: pd.DataFrame, name: str, *, days: int | None = None) -> pd.DataFrame:
    """How many events each person had before each day, from the index date on.

    Parameters
    ----------
    index : DataFrame
        One row a person: ``person_id, index_on``.
    events : DataFrame
        One row an event, of people in `index` only: ``person_id, occurred_on``.
    name : str
        The name of the count.
    days : int, optional
        Count the events of so many days before; left out, all events so far.

    Returns
    -------
    DataFrame
        ``person_id, from_on`` and the count, one row at the index date and one for each day on which it changes. An
        event counts from the day after it, so that nothing of a day itself is in what was known before it.

    Raises
    ------
    InputError
        With every fault of the tables and arguments.

    Examples
    --------
    >>> index = pd.DataFrame({"person_id": ["a"], "index_on": pd.to_datetime(["2022-01-10"])})
    >>> events = pd.DataFrame({"person_id": ["a", "a"], "occurred_on": pd.to_datetime(["2022-01-05", "2022-01-20"])})
    >>> running_count(index, events, "contacts", days=10)
      person_id    from_on  contacts
    0         a 2022-01-10         1
    1         a 2022-01-16         0
    2         a 2022-01-21         1
    3         a 2022-01-31         0
    """
    faults: list[Fault] = need_columns(index, ("person_id", "index_on"), "index")
    faults += need_columns(events, ("person_id", "occurred_on"), "events")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or days < 1):
        faults.append(Fault(f"must be a whole number from 1, not {days!r}", column="days"))
    if name in ("person_id", "from_on"):
        faults.append(Fault(f"cannot be {name}, which is another column", column="name"))
    if not faults:
        ids, start, _ = index_people(index, faults)
        owner = person_codes(events, ids, "events", faults)
        day = date_column(events, "occurred_on", "events", faults)
    if faults:
        raise InputError("The running count cannot be made:", faults)
    base = np.arange(len(start)), start
    change = [(owner, day + 1)] + ([(owner, day + 1 + days)] if days is not None else [])
    person, on = (np.concatenate(part) for part in zip(base, *change, strict=True))
    key = np.unique((person * STRIDE + on)[on >= start[person]])
    person, on = key // STRIDE, key % STRIDE
    happened = np.sort(owner * STRIDE + day)
    count = np.searchsorted(happened, key)
    since = person * STRIDE - STRIDE // 2 if days is None else key - days
    count = count - np.searchsorted(happened, since)
    new = np.append(True, (person[1:] != person[:-1]) | (count[1:] != count[:-1])) if len(key) else np.zeros(0, bool)
    return pd.DataFrame(
        {"person_id": ids[person[new]], "from_on": dates(on[new]).to_numpy(), name: count[new]},
    )
