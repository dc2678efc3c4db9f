"""The guard of time zero: follow-up that begins before people could be told apart by treatment, or after they were."""

from __future__ import annotations

import pandas as pd

from impact.cohort.dates import NO_DAY, date_column, need_columns, note_rows
from impact.cohort.reoffending import index_people
from impact.errors import Fault, InputError, TimeZeroError

THREE_WAYS = (
    "one of three: start both groups at referral or release (time_zero='referral' or 'release'), whoever takes part "
    "later; set a landmark (landmark='3 months'), a fixed time after the start, and keep those of both groups who "
    "reach it; or treat taking part as changing with time (treatment='time-varying': start-stop rows)."
)
_IMMORTAL = (
    "the time before it is immortal: nobody who reoffended in it could be counted as treated, which makes any "
    "programme look good."
)


def refuse_completion(accepted: int, completed: int) -> None:
    """Raise for follow-up counted from the end of the programme."""
    raise TimeZeroError(
        "Follow-up cannot be counted from the completion of the programme:",
        [
            Fault(
                f"{accepted - completed:,} of {accepted:,} people accepted never came to that day and would be left "
                f"out, and the other {completed:,} had to stay at liberty and in touch until it",
                table="participation",
                column="status",
                why=_IMMORTAL,
                remedy=THREE_WAYS,
            )
        ],
    )


def refuse_later(treatment: str, later: int, accepted: int) -> None:
    """Raise where people would be told apart by what they did after the day from which they are followed."""
    if not later:
        return
    what = "completed" if treatment == "completers" else "were still on the programme"
    raise TimeZeroError(
        f"treatment={treatment!r} needs a landmark:",
        [
            Fault(
                f"{later:,} of {accepted:,} people with an index date {what} after it",
                table="participation",
                why="people would be told apart by what came after the day they are followed from: those who "
                "reoffended first could not complete or go on, which makes any programme look good.",
                remedy=THREE_WAYS,
            )
        ],
    )


def refuse_mostly_late(rule: str, late: int, accepted: int) -> None:
    """Raise where most people were accepted only after the event that the rule follows them from."""
    if 2 * late <= accepted:
        return
    raise TimeZeroError(
        f"time_zero={rule!r} does not fit this programme:",
        [
            Fault(
                f"{late:,} of {accepted:,} people accepted were accepted only after their {rule}",
                table="referral",
                column="decided_on",
                why="followed from it they would carry time in which they could not yet be treated; without them most "
                "of the programme is left out.",
                remedy=THREE_WAYS,
            )
        ],
    )


def check_time_zero(index: pd.DataFrame, *, treated_on: str, completed_on: str | None = None) -> None:
    """Refuse a table of index dates that holds immortal time, or people chosen by completing.

    Immortal time is follow-up in which a treated person could not have had the event and still be counted as treated:
    it makes any programme look good (Suissa 2008, American Journal of Epidemiology 167: 492 to 499).

    Parameters
    ----------
    index : DataFrame
        One row a person: ``person_id, index_on``, and the columns named below.
    treated_on : str
        The date column of the first day of treatment; missing for people who were never treated.
    completed_on : str, optional
        The date column of completing, missing for those who did not.

    Raises
    ------
    TimeZeroError
        Where treated people are followed from a day before treatment could start (how many, and how many days of
        immortal time), or where everyone treated completed, after the day they are followed from.
    InputError
        Where the table cannot be used.

    Examples
    --------
    >>> index = pd.DataFrame({"person_id": ["a", "b"], "index_on": pd.to_datetime(["2022-01-01", "2022-01-01"]),
    ...                       "started_on": pd.to_datetime(["2022-02-10", None])})
    >>> try:
    ...     check_time_zero(index, treated_on="started_on")
    ... except TimeZeroError as refused:
    ...     print(refused.faults[0].problem)
    is after the index date: 40 days of immortal time
    """
    names = tuple(name for name in (treated_on, completed_on) if name is not None)
    faults = need_columns(index, ("person_id", "index_on", *names), "index")
    if not faults:
        _, start, _ = index_people(index, faults)
        begun, done = (date_column(index, name, "index", faults, may_miss=True) for name in (treated_on, names[-1]))
    if faults:
        raise InputError("Time zero cannot be checked:", faults)
    treated = begun != NO_DAY
    early = treated & (begun > start)
    days = int((begun - start)[early].sum())
    found: list[Fault] = []
    note_rows(
        found,
        early,
        "index",
        treated_on,
        f"is after the index date: {days:,} days of immortal time",
        why=_IMMORTAL,
        remedy=THREE_WAYS,
    )
    if completed_on is not None and treated.any() and (done[treated] != NO_DAY).all():
        note_rows(
            found,
            treated & (done > start),
            "index",
            completed_on,
            "is after the index date, and nobody treated is without it",
            why="those who did not complete have been left out, and to complete takes staying at liberty and in touch.",
            remedy=THREE_WAYS,
        )
    if found:
        raise TimeZeroError("Follow-up begins before treatment could:", found)
