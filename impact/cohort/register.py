"""The register of a programme: who was referred, accepted, started and completed; and who was in no programme."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.cohort.dates import NO_DAY, days
from impact.cohort.history import History
from impact.cohort.programme import Programme
from impact.frames import BoolArray, IntArray

DECISIONS = {
    "accepted": "",
    "waiting": "still waiting for a decision",
    "declined_by_person": "declined by the person",
    "not_suitable": "not suitable",
}
"""What became of a referral, the one that counts of a person's several first; and why it was not accepted."""


@dataclass(frozen=True, slots=True)
class Referrals:
    """Everyone referred (sorted), what became of them, and each accepted referral with the day it was accepted by."""

    people: IntArray
    decision: np.ndarray
    accepted_who: IntArray
    accepted: IntArray
    undated: int
    without_referral: int


def read_referrals(history: History, definition: Programme) -> Referrals:
    table = history.table("referral")
    table = table[(table["programme"] == definition.name).to_numpy(dtype=bool)]
    who = history.who(table)
    referred, decided = days(table["referred_on"]), days(table["decided_on"])
    accepted = (table["decision"] == "accepted").to_numpy(dtype=bool)
    fate = pd.DataFrame({"who": who, "decision": table["decision"].to_numpy(dtype=object), "referred": -referred})
    fate["order"] = fate["decision"].map({word: at for at, word in enumerate(DECISIONS)})
    fate = fate.sort_values(["who", "order", "referred"]).drop_duplicates("who")
    participation = history.table("participation")
    mine = (participation["programme"] == definition.name).to_numpy(dtype=bool)
    taken = np.unique(history.who(participation[mine]))
    people = fate["who"].to_numpy(dtype=np.int64)
    return Referrals(
        people,
        fate["decision"].to_numpy(dtype=object),
        who[accepted],
        np.maximum(referred, decided)[accepted],
        int((accepted & (decided == NO_DAY)).sum()),
        len(np.setdiff1d(taken, people)),
    )


def read_engagement(history: History, definition: Programme) -> tuple[BoolArray, BoolArray]:
    """Who of everyone started the programme, and who completed any of its interventions."""
    table = history.table("participation")
    table = table[(table["programme"] == definition.name).to_numpy(dtype=bool)]
    started, completed = np.zeros(len(history.people), dtype=bool), np.zeros(len(history.people), dtype=bool)
    who = history.who(table)
    started[who] = True
    completed[who[(table["status"] == "completed").to_numpy(dtype=bool)]] = True
    return started, completed


def comparison_pool(history: History, referred: IntArray) -> tuple[IntArray, BoolArray]:
    """Everyone with a sentence who was never referred here, sorted, and who of them is in some programme."""
    sentenced = np.unique(history.who(history.table("sentence")))
    people = np.setdiff1d(sentenced, referred)
    participation, referral = history.table("participation"), history.table("referral")
    accepted = referral[(referral["decision"] == "accepted").to_numpy(dtype=bool)]
    return people, np.isin(people, np.concatenate([history.who(participation), history.who(accepted)]))


def register_notes(referrals: Referrals, history: History, who: IntArray) -> list[str]:
    """What is to be said of the register, and of the dates of birth of the people at `who`."""
    notes = []
    if referrals.without_referral:
        notes.append(
            f"Took part with no referral on record: {referrals.without_referral:,}. They have no time zero and are in "
            "neither group."
        )
    if referrals.undated:
        notes.append(
            f"Accepted with no date of decision: {referrals.undated:,}. They are taken as accepted on the day of "
            "referral."
        )
    month_only = (days(history.people["birth_date"]) == NO_DAY) & (history.born != NO_DAY)
    if month_only[who].any():
        notes.append(
            f"Only the month of birth is held: {int(month_only[who].sum()):,}. They are taken to be born on its 15th."
        )
    return notes
