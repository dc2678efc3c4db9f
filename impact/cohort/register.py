"""The register of a programme: who was referred, accepted, started and completed; and who was in another programme."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY
from impact.cohort.history import History
from impact.cohort.programme import Programme
from impact.cohort.queries import ask, day_numbers, numbers
from impact.frames import BoolArray, FloatArray, IntArray

DECISIONS = {
    "accepted": "",
    "waiting": "still waiting for a decision",
    "declined_by_person": "declined by the person",
    "not_suitable": "not suitable",
}
"""What became of a referral, the one that counts of a person's several first; and why it was not accepted."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """Episodes on the programme, sorted by person and first day; `ended` is `LAST_DAY` while it goes on."""

    who: IntArray
    started: IntArray
    ended: IntArray
    completed: BoolArray
    planned: FloatArray
    attended: FloatArray


@dataclass(frozen=True, slots=True)
class Register:
    """What a programme's own records say.

    Attributes
    ----------
    people : (m,) int
        Everyone referred, sorted.
    referred : (m,) int
        The day of each person's first referral.
    decision : (m,) str
        What became of them.
    accepted_who, accepted : (k,) int
        Accepted referrals: person, and the day by which the referral was made and accepted.
    episodes : Episodes
    undated : int
        Accepted referrals with no date of decision.
    elsewhere, joined_elsewhere : (people,) int
        For everyone the first day of being accepted by, or taking part in, another programme, and of taking part in
        one; `LAST_DAY` where never.
    """

    people: IntArray
    referred: IntArray
    decision: np.ndarray
    accepted_who: IntArray
    accepted: IntArray
    episodes: Episodes
    undated: int
    elsewhere: IntArray
    joined_elsewhere: IntArray

    @property
    def offered(self) -> IntArray:
        """Everyone accepted, sorted."""
        return np.unique(self.accepted_who)

    @property
    def without_referral(self) -> IntArray:
        """People who took part with no referral on record: they have no time zero."""
        return np.setdiff1d(self.episodes.who, self.people)

    def first_start(self, n: int) -> IntArray:
        """The first day of each of n people on the programme, `LAST_DAY` where they never started."""
        return _earliest(n, self.episodes.who, self.episodes.started)

    def first_completion(self, n: int) -> IntArray:
        """The day on which each of n people first completed an episode, `LAST_DAY` where they never did."""
        done = self.episodes.completed
        return _earliest(n, self.episodes.who[done], self.episodes.ended[done])


def read_register(history: History, definition: Programme) -> Register:
    asked = pd.DataFrame({"programme": [definition.name]})
    table = ask(history.linked, "referrals", asked=asked)
    who, referred, decided = numbers(table, "who"), day_numbers(table, "referred_on"), day_numbers(table, "decided_on")
    decision = table["decision"].to_numpy(dtype=object)
    accepted = decision == "accepted"
    order = pd.Index(DECISIONS).get_indexer(pd.Index(decision))
    fate = pd.DataFrame({"who": who, "decision": decision, "order": order, "referred": -referred})
    fate = fate.sort_values(["who", "order", "referred"]).drop_duplicates("who")
    people = fate["who"].to_numpy(dtype=np.int64)
    n = len(history.people)
    other = ask(history.linked, "elsewhere", asked=asked)
    others = numbers(other, "who")
    joined = day_numbers(other, "joined_on")
    return Register(
        people,
        _earliest(n, who, referred)[people],
        fate["decision"].to_numpy(dtype=object),
        who[accepted],
        np.maximum(referred, decided)[accepted],
        _episodes(ask(history.linked, "episodes", asked=asked)),
        int((accepted & (decided == NO_DAY)).sum()),
        _earliest(n, others, day_numbers(other, "first_on")),
        _earliest(n, others, np.where(joined == NO_DAY, LAST_DAY, joined)),
    )


def _episodes(table: pd.DataFrame) -> Episodes:
    ended = day_numbers(table, "ended_on")
    planned, attended = (
        table[name].to_numpy(dtype=float, na_value=np.nan) for name in ("sessions_planned", "sessions_attended")
    )
    return Episodes(
        numbers(table, "who"),
        day_numbers(table, "started_on"),
        np.where(ended == NO_DAY, LAST_DAY, ended),
        table["completed"].to_numpy(dtype=bool),
        planned,
        attended,
    )


def _earliest(n: int, who: IntArray, day: IntArray) -> IntArray:
    first = np.full(n, LAST_DAY)
    np.minimum.at(first, who, day)
    return first


def register_notes(register: Register, history: History, who: IntArray) -> list[str]:
    """What is to be said of the register, and of the dates of birth of the people at `who`."""
    notes = []
    if len(register.without_referral):
        notes.append(
            f"Took part with no referral on record: {len(register.without_referral):,}. They have no time zero and are "
            "in neither group."
        )
    if register.undated:
        notes.append(
            f"Accepted with no date of decision: {register.undated:,}. They are taken as accepted on the day of "
            "referral."
        )
    month_only = int(history.people["month_only"].to_numpy(dtype=bool)[who].sum())
    if month_only:
        notes.append(f"Only the month of birth is held: {month_only:,}. They are taken to be born on its 15th.")
    return notes
