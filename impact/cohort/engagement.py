"""The cohort of a programme whose outcome is not reoffending: who came, started, completed and was read again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.cohort.dates import dates
from impact.cohort.flow import Arm, funnel
from impact.cohort.history import History, background
from impact.cohort.register import DECISIONS, Register, register_notes
from impact.cohort.reoffenders import engaged, referred_table
from impact.cohort.result import Asked, Cohort

STEPS = ("referred", "accepted", "started", "completed", "second reading")


def engagement_cohort(history: History, asked: Asked, register: Register) -> Cohort:
    """Everyone accepted, from the day of acceptance."""
    definition = asked.programme
    accepted = pd.DataFrame({"who": register.accepted_who, "day": register.accepted}).groupby("who")["day"].min()
    who, day = accepted.index.to_numpy(dtype=np.int64), accepted.to_numpy(dtype=np.int64)
    again = history.flags("second_readings", asked=pd.DataFrame({"programme": [definition.name]}))
    started, completed = engaged(register, len(history.people))
    data = pd.DataFrame({"person_id": history.people["person_id"].to_numpy()[who]})
    data["treated"] = np.ones(len(who), dtype=np.int64)
    data["index_on"] = dates(day)
    data = pd.concat([data, background(history, who, day)], axis=1)
    for name, flag in (("started", started), ("completed", completed), ("second_reading", again)):
        data[name] = flag[who].astype(np.int64)

    people = register.people
    fate = Arm.of(len(people))
    refused = np.array([DECISIONS[decision] for decision in register.decision], dtype=object)
    fate.lose(~np.isin(people, who), "accepted", refused)
    fate.lose(~started[people], "started", "never started")
    fate.lose(~completed[people], "completed", "started and did not complete")
    fate.lose(~again[people], "second reading", "completed without a second reading")
    flow = funnel(STEPS, "referred to the programme", fate, Arm.of(0), started[people], completed[people])
    notes = [
        f"Reoffending is not an outcome of this programme: {definition.reoffending_reason}",
        f"No comparison group: {definition.comparison.reason}",
        *register_notes(register, history, who),
    ]
    return Cohort.of(asked, data, flow, referred_table(history, asked, people, register.referred, fate), notes)
