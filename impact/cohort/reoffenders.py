"""The cohort of a programme whose outcome is reoffending: index dates, what was known then, what came after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.cohort.dates import NO_DAY, dates, days
from impact.cohort.flow import Arm, funnel
from impact.cohort.history import History, background, record_before
from impact.cohort.register import DECISIONS, Referrals, comparison_pool, register_notes
from impact.cohort.reoffending import proven_reoffending, rules, time_to_reoffence
from impact.cohort.result import Asked, Cohort
from impact.cohort.timezero import INDEXED, Index, comparison_index, events_of, treated_index
from impact.frames import BoolArray, IntArray

STEPS = ("referred", "accepted", "index event", "eligible", "alive and at liberty", "follow-up complete")


def reoffending_cohort(
    history: History, asked: Asked, referrals: Referrals, started: BoolArray, completed: BoolArray
) -> Cohort:
    definition = asked.programme
    offered = np.unique(referrals.accepted_who)
    treated = treated_index(
        history, definition.eligibility, asked.rule, offered, referrals.accepted_who, referrals.accepted
    )
    everyone, taken = comparison_pool(history, referrals.people)
    if definition.comparison.kind == "none":
        everyone, taken = everyone[:0], taken[:0]
    compared = comparison_index(history, definition.eligibility, asked.rule, everyone[~taken], treated)

    parts = [_rows(history, asked, index, arm) for index, arm in ((treated, 1), (compared, 0))]
    data = pd.concat(parts, ignore_index=True)
    who = data.pop("who").to_numpy()
    data["started"] = (started[who] & (data["treated"] == 1)).astype(np.int64)
    data["completed"] = (completed[who] & (data["treated"] == 1)).astype(np.int64)
    data = pd.concat([data, _outcomes(history, asked, data, who)], axis=1)
    order = np.argsort(who, kind="stable")
    data, who = data.iloc[order].reset_index(drop=True), who[order]

    arms = (
        _arm(referrals.people, offered, [DECISIONS[d] for d in referrals.decision], treated, data, who),
        _arm(
            everyone,
            everyone[~taken],
            ["took part in, or was accepted by, another programme"] * len(everyone),
            compared,
            data,
            who,
        ),
    )
    first = "referred to the programme" + (
        ""
        if definition.comparison.kind == "none"
        else "; comparison: people with a sentence who were never referred to it"
    )
    flow, left = funnel(STEPS, first, *arms)
    return Cohort(
        data,
        flow,
        left,
        definition,
        asked.rule,
        asked.follow_up,
        asked.waiting,
        asked.complete_to,
        _notes(history, asked, referrals, data, who),
    )


def _rows(history: History, asked: Asked, index: Index, arm: int) -> pd.DataFrame:
    """What was known of the people of one arm at their index dates."""
    keep = index.indexed
    who, day, event = index.who[keep], index.day[keep], index.event[keep]
    events = events_of(history, asked.rule)
    frame = pd.DataFrame({"who": who, "person_id": history.people["person_id"].to_numpy()[who]})
    frame["treated"] = np.full(len(who), arm, dtype=np.int64)
    frame["index_on"] = dates(day)
    readings = tuple(name for name in asked.programme.comparison.covariates if name.startswith("assessment:"))
    sentence = pd.DataFrame(
        {
            "disposal": pd.Series(events.disposal[event], dtype="str"),
            "offence_group": pd.Series(events.offence_group[event], dtype="str"),
            "days_since_sentence": day - events.day[event],
            "days_served": np.where(events.custodial[event], events.day[event] - events.started[event], 0),
        }
    )
    return pd.concat(
        [frame, background(history, who, day), sentence, record_before(history, who, day, readings)], axis=1
    )


def _outcomes(history: History, asked: Asked, data: pd.DataFrame, who: IntArray) -> pd.DataFrame:
    """What came after the index date."""
    index = pd.DataFrame(
        {"person_id": data["person_id"], "index_on": data["index_on"], "died_on": dates(history.died[who])}
    )
    members = np.zeros(len(history.people), dtype=bool)
    members[who] = True
    offence, custody = (table[members[history.who(table)]] for table in map(history.table, ("offence", "custody")))
    windows = {"follow_up": asked.follow_up, "waiting": asked.waiting, "complete_to": asked.complete_to}
    reoffending = proven_reoffending(index, offence, custody=custody, **windows)  # type: ignore[arg-type]
    time = time_to_reoffence(index, offence, **windows)  # type: ignore[arg-type]
    back = custody[(custody["reason"] == "recall").to_numpy(dtype=bool)]
    position = np.full(len(history.people), -1)
    position[who] = np.arange(len(who))
    row = position[history.who(back)]
    after = days(back["entered_on"]) - days(data["index_on"])[row]
    recalled = np.zeros(len(data))
    recalled[row[(after >= 1) & (after <= asked.follow_up)]] = 1.0
    result = pd.concat([reoffending.drop(columns="person_id"), time], axis=1)
    result["recalled"] = pd.Series(recalled, dtype="Float64").mask(~result["complete"])
    return result


def _arm(
    people: IntArray, taken_on: IntArray, refused: list[str], index: Index, data: pd.DataFrame, who: IntArray
) -> Arm:
    """How far each of `people` came in the flow; `index` has an entry for each of `taken_on`."""
    stage, reason = np.zeros(len(people), dtype=np.int64), np.array(refused, dtype=object)
    at = np.searchsorted(people, taken_on)
    stage[at], reason[at] = index.stage + 1, index.reason
    complete = np.zeros(max(who.max(initial=0), people.max(initial=0)) + 1, dtype=bool)
    complete[who[data["complete"].to_numpy(dtype=bool)]] = True
    indexed = stage == INDEXED + 1
    reason[indexed] = "window not complete when the records stop"
    stage[indexed & complete[people]] += 1
    return Arm(stage, reason)


def _notes(history: History, asked: Asked, referrals: Referrals, data: pd.DataFrame, who: IntArray) -> tuple[str, ...]:
    rule = rules()
    notes = [f"Proven reoffending by rule set {rule.version}: penalty notices and breach offences are not counted."]
    incomplete = int((~data["complete"]).sum())
    if incomplete:
        notes.append(
            f"Follow-up is not complete for {incomplete:,} of {len(data):,} people: their reoffending is missing, "
            "not none."
        )
    unknown = int(data["duration"].isna().sum())
    if unknown:
        notes.append(
            f"Index date too late for any follow-up: {unknown:,} of {len(data):,} people, whose duration and event "
            "are missing."
        )
    end = days(data["index_on"]) + asked.follow_up
    died = history.died[who]
    deaths = int(((died != NO_DAY) & (died <= end)).sum())
    if deaths:
        notes.append(
            f"Died during follow-up: {deaths:,} of {len(data):,} people, who count as observed in reoffended; "
            "duration is censored at death."
        )
    other = history.table("participation")
    other = other[(other["programme"] != asked.programme.name).to_numpy(dtype=bool)]
    latest = np.full(len(history.people), NO_DAY)
    latest[who[data["treated"] == 1]] = end[data["treated"] == 1]
    owner = history.who(other)
    overlap = len(np.unique(owner[(latest[owner] != NO_DAY) & (days(other["started_on"]) <= latest[owner])]))
    if overlap:
        notes.append(f"Treated people in another programme too, before the end of follow-up: {overlap:,}.")
    notes.extend(register_notes(referrals, history, who))
    if asked.programme.comparison.kind == "none":
        notes.append(f"No comparison group: {asked.programme.comparison.reason}")
    else:
        notes.append(
            "Comparison people took part in no programme at any time on record, so those who joined "
            "one later are left out."
        )
    return tuple(notes)
