"""The cohort of a programme whose outcome is not reoffending: who came, started, completed and was read again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.cohort.dates import dates
from impact.cohort.flow import Arm, funnel
from impact.cohort.history import History, background
from impact.cohort.programme import Programme
from impact.cohort.register import DECISIONS, Referrals, register_notes
from impact.cohort.result import Asked, Cohort
from impact.frames import BoolArray

STEPS = ("referred", "accepted", "started", "completed", "second reading")


def engagement_cohort(
    history: History, asked: Asked, referrals: Referrals, started: BoolArray, completed: BoolArray
) -> Cohort:
    definition = asked.programme
    accepted = pd.DataFrame({"who": referrals.accepted_who, "day": referrals.accepted}).groupby("who")["day"].min()
    who, day = accepted.index.to_numpy(dtype=np.int64), accepted.to_numpy(dtype=np.int64)
    again = _second_reading(history, definition)
    data = pd.DataFrame({"person_id": history.people["person_id"].to_numpy()[who]})
    data["treated"] = np.ones(len(who), dtype=np.int64)
    data["index_on"] = dates(day)
    data = pd.concat([data, background(history, who, day)], axis=1)
    for name, flag in (("started", started), ("completed", completed), ("second_reading", again)):
        data[name] = flag[who].astype(np.int64)

    reason = np.array([DECISIONS[decision] for decision in referrals.decision], dtype=object)
    stage = np.zeros(len(referrals.people), dtype=np.int64)
    going = np.isin(referrals.people, who)
    words = ("never started", "started and did not complete", "completed without a second reading", "")
    for flag, lost in zip((np.ones(len(started), dtype=bool), started, completed, again), words, strict=True):
        going &= flag[referrals.people]
        stage[going] += 1
        reason[going] = lost
    nobody = Arm(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object))
    flow, left = funnel(STEPS, "referred to the programme", Arm(stage, reason), nobody)
    notes = [
        f"Reoffending is not an outcome of this programme: {definition.reoffending_reason}",
        f"No comparison group: {definition.comparison.reason}",
        *register_notes(referrals, history, who),
    ]
    return Cohort(
        data, flow, left, definition, asked.rule, asked.follow_up, asked.waiting, asked.complete_to, tuple(notes)
    )


def _second_reading(history: History, definition: Programme) -> BoolArray:
    """Who of everyone has a reading of the second wave or later, of any scale, made by the programme."""
    table = history.table("assessment")
    mine = (table["programme"] == definition.name).fillna(False).to_numpy(dtype=bool) & (table["wave"] >= 2).to_numpy()
    again = np.zeros(len(history.people), dtype=bool)
    again[history.who(table[mine])] = True
    return again
