"""`Cohort`: the people of one evaluation, and who was lost on the way."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from impact.cohort.programme import Programme
from impact.results import with_notes


@dataclass(frozen=True, eq=False)
class Cohort:
    """The people of one evaluation, fixed in time.

    Attributes
    ----------
    data : DataFrame
        One row a person, sorted by ``person_id``.
    flow : DataFrame
        ``step, treated, comparison, reason``: how many are left after each step, and why the others are not.
    left : DataFrame
        ``step, reason, treated, comparison``: how many left at each step for each reason. Each step of the flow is the
        step before it less those who left.
    programme : Programme
        What was evaluated.
    time_zero : str
        The rule by which people are followed from a day.
    follow_up, waiting : int
        Days of follow-up, and of waiting for proof after it.
    complete_to : date
        Last day on which the records are complete.
    notes : tuple of str
        Cautions.
    """

    data: pd.DataFrame
    flow: pd.DataFrame
    left: pd.DataFrame
    programme: Programme
    time_zero: str
    follow_up: int
    waiting: int
    complete_to: dt.date
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        head = (
            f"Cohort of {self.programme.title}: time zero {self.time_zero}; {self.follow_up:,} days of follow-up and "
            f"{self.waiting:,} of waiting; records complete to {self.complete_to.isoformat()}"
        )
        rows = [
            f"  {row.step}: {row.treated:,} treated, {row.comparison:,} comparison" for row in self.flow.itertuples()
        ]
        return with_notes("\n".join([head, *rows]), self.notes)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cohort is asked for, checked."""

    programme: Programme
    rule: str
    follow_up: int
    waiting: int
    complete_to: dt.date
