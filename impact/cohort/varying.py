"""The cohort in which treatment changes with time: start-stop rows, untreated until the programme starts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY
from impact.cohort.flow import funnel
from impact.cohort.history import History
from impact.cohort.register import Register
from impact.cohort.reoffenders import company_notes, engaged, known_at, outcomes, referred_table
from impact.cohort.result import Asked, Cohort
from impact.cohort.stretches import split_rows
from impact.cohort.timezero import INDEX_STEPS, events_of, everyone_index

STEPS = ("on record", *INDEX_STEPS, "followed for a day or more")
FIRST = "people with a sentence: those who ever started the programme, and the others as comparison"


def varying_cohort(history: History, asked: Asked, register: Register) -> Cohort:
    """Everyone with an event to follow from, treated from the day after they start."""
    n = len(history.people)
    events = events_of(history, asked)
    starts = register.first_start(n)
    people = np.flatnonzero(history.sentenced)
    index = everyone_index(history, asked, events, people, starts, register.elsewhere)
    data = known_at(history, asked, events, index)
    who, day = data.pop("who").to_numpy(dtype=np.int64), index.day[index.arm.kept]
    after = outcomes(history, asked, who, day)
    known = after["duration"].notna().to_numpy()
    followed = np.zeros(n, dtype=bool)
    followed[who[known]] = True
    index.arm.lose(~followed[people], STEPS[-1], "records stop before any follow-up could be known")

    row, start, stop, event, treated = split_rows(
        np.flatnonzero(known),
        np.zeros(int(known.sum()), dtype=np.int64),
        after.loc[known, "duration"].to_numpy(dtype=np.int64),
        after.loc[known, "event"].to_numpy(dtype=np.int64),
        np.where(starts[who] == LAST_DAY, LAST_DAY, starts[who] - day),
    )
    rows = data.iloc[row].reset_index(drop=True)
    for place, (name, values) in enumerate(
        (("start", start), ("stop", stop), ("event", event), ("treated", treated)), 1
    ):
        rows.insert(place, name, values)
    ever = starts[people] < LAST_DAY
    started, completed = engaged(register, n)
    arms = index.arm.take(ever), index.arm.take(~ever)
    flow = funnel(STEPS, FIRST, *arms, started[people[ever]], completed[people[ever]])
    ever_treated = pd.DataFrame(
        {"treated": np.isin(np.arange(len(who)), row[treated == 1]).astype(int), "duration": after["duration"]}
    )
    notes = (
        f"Proven reoffending by rule set {asked.rules.version}; not counted: {asked.rules.left_out}.",
        "One row a stretch: untreated up to the day the programme starts, treated after it. Give entry='start' and "
        "cluster='person_id' to methods.",
        *company_notes(history, asked, register, ever_treated, who, day),
    )
    referred = referred_table(history, asked, people[ever], starts[people[ever]], arms[0])
    return Cohort.of(asked, rows, flow, referred, notes)
