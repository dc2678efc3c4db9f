"""`Cohort`: the people of one evaluation, and who was lost on the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from impact.cohort.programme import Programme
from impact.cohort.rules import Rules
from impact.cohort.window import Window
from impact.results import with_notes

TREATMENTS = ("intention-to-treat", "completers", "dose", "time-varying")
LABELS = {
    "intention-to-treat": "intention to treat: everyone accepted, whether or not they started",
    "completers": "completers: of those accepted only those who had completed by the day they are followed from",
    "dose": "dose: everyone accepted, with what they had received by the day they are followed from",
    "time-varying": "time-varying: everyone with an event to follow from, treated from the day they start",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cohort is asked for, checked; `last` is `complete_to` as a day."""

    programme: Programme
    rule: str
    treatment: str
    landmark: Window | None
    follow_up: Window
    waiting: Window
    complete_to: dt.date
    last: int
    rules: Rules


@dataclass(frozen=True, eq=False)
class Cohort:
    """The people of one evaluation, fixed in time.

    Attributes
    ----------
    data : DataFrame
        One row a person, sorted by ``person_id``; with time-varying treatment one row a stretch of follow-up.
    flow : DataFrame
        ``step, treated, comparison, started, completed, reason``: how many are left after each step, how many of the
        treated among them started and completed the programme, and why the others are not.
    left : DataFrame
        ``step, reason, treated, comparison``: how many left at each step for each reason. Each step of the flow is the
        step before it less those who left.
    referred : DataFrame
        One row a person of the programme's register (with time-varying treatment: who started), with what was on record
        when they were first referred; ``step`` at which they left, empty for those kept, and ``reason``. `attrition`
        sets those kept beside those lost.
    programme : Programme
        What was evaluated.
    time_zero : str
        The rule by which people are followed from a day.
    treatment : str
        Who counts as treated: ``"intention-to-treat"``, ``"completers"``, ``"dose"`` or ``"time-varying"``.
    landmark : Window or None
        How long after the event people are classed and followed from.
    follow_up, waiting : Window
        Length of follow-up, and of waiting for proof after it.
    complete_to : date
        Last day on which the records are complete.
    notes : tuple of str
        Cautions.
    """

    data: pd.DataFrame
    flow: pd.DataFrame
    left: pd.DataFrame
    referred: pd.DataFrame
    programme: Programme
    time_zero: str
    treatment: str
    landmark: Window | None
    follow_up: Window
    waiting: Window
    complete_to: dt.date
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        asked: Asked,
        data: pd.DataFrame,
        flow: tuple[pd.DataFrame, pd.DataFrame],
        referred: pd.DataFrame,
        notes: Sequence[str],
    ) -> Cohort:
        """The cohort that was asked for; `flow` is as `funnel` gives it."""
        return cls(
            data,
            *flow,
            referred,
            asked.programme,
            asked.rule,
            asked.treatment,
            asked.landmark,
            asked.follow_up,
            asked.waiting,
            asked.complete_to,
            tuple(notes),
        )

    @property
    def label(self) -> str:
        """Who counts as treated, in words."""
        return LABELS[self.treatment]

    def __repr__(self) -> str:
        after = "" if self.landmark is None else f", landmark {self.landmark} later"
        head = (
            f"Cohort of {self.programme.title}\n"
            f"  {self.label}\n"
            f"  time zero {self.time_zero}{after}; {self.follow_up} of follow-up and {self.waiting} of waiting; "
            f"records complete to {self.complete_to.isoformat()}"
        )
        rows = [
            f"  {row.step}: {row.treated:,} treated, {row.comparison:,} comparison" for row in self.flow.itertuples()
        ]
        return with_notes("\n".join([head, *rows]), self.notes)
