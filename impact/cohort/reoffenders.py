"""The cohort of a programme whose outcome is reoffending: index dates, what was known then, what came after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, dates
from impact.cohort.flow import Arm, funnel
from impact.cohort.guard import refuse_later
from impact.cohort.history import Events, History, background, offences_after, record_before
from impact.cohort.proven import Clock, Custody
from impact.cohort.received import dose_by, episode_dates
from impact.cohort.register import DECISIONS, Register, register_notes
from impact.cohort.reoffending import reoffending_columns
from impact.cohort.result import Asked, Cohort
from impact.cohort.timezero import (
    INDEX_STEPS,
    LANDMARK_STEP,
    Index,
    comparison_index,
    disposal_words,
    events_of,
    treated_index,
)
from impact.frames import BoolArray, IntArray
from impact.records.tables import OFFENCE_GROUPS

COMPLETED_STEP = "completed"
WITHOUT_REFERRAL = "took part with no referral on record"
FIRST = "referred to the programme"
FIRST_COMPARISON = "; comparison: people with a sentence who were never referred to it"


def reoffending_cohort(history: History, asked: Asked, register: Register) -> Cohort:
    """Everyone accepted, and those they are compared with."""
    n, definition = len(history.people), asked.programme
    events = events_of(history, asked)
    treated = treated_index(history, asked, events, register)
    pool, fate = comparison_pool(history, register)
    if definition.comparison.kind == "none":
        pool, fate = pool[:0], fate.take(np.zeros(0, dtype=np.int64))
    compared = comparison_index(history, asked, events, pool[fate.kept], treated, register.elsewhere)
    told_apart(asked, register, treated, n)

    data = pd.concat([known_at(history, asked, events, index) for index in (treated, compared)], ignore_index=True)
    who = data.pop("who").to_numpy(dtype=np.int64)
    data.insert(1, "treated", np.isin(who, treated.who).astype(np.int64))
    day = np.concatenate([index.day[index.arm.kept] for index in (treated, compared)])
    data = pd.concat(
        [
            data,
            _received(register, asked, n, who, day, data["treated"].to_numpy() == 1),
            outcomes(history, asked, who, day),
        ],
        axis=1,
    )
    order = np.argsort(who, kind="stable")
    data, who, day = data.iloc[order].reset_index(drop=True), who[order], day[order]
    whole = np.zeros(n, dtype=bool)
    whole[who[data["complete"].to_numpy(dtype=bool)]] = True

    mine = register_fate(history, register)
    for people, arm, index in ((register.people, mine, treated), (pool, fate, compared)):
        arm.then(np.searchsorted(people, index.who), index.arm)
        arm.lose(~whole[people], "follow-up complete", "window not complete when the records stop")
    started, completed = engaged(register, n)
    steps: tuple[str, ...] = ("referred", "accepted", "linked", *INDEX_STEPS)
    steps += (LANDMARK_STEP,) if asked.landmark is not None else ()
    steps += (COMPLETED_STEP,) if asked.treatment == "completers" else ()
    first = FIRST + ("" if definition.comparison.kind == "none" else FIRST_COMPARISON)
    flow = funnel(
        (*steps, "follow-up complete"), first, mine, fate, started[register.people], completed[register.people]
    )
    referred = referred_table(history, asked, register.people, register.referred, mine)
    notes = (*_notes(asked, data), *company_notes(history, asked, register, data, who, day))
    return Cohort.of(asked, data, flow, referred, notes)


def told_apart(asked: Asked, register: Register, treated: Index, n: int) -> None:
    """Keep completers alone, where they are asked for; refuse to tell people apart by what came after."""
    if asked.treatment == "intention-to-treat":
        return
    kept, day = treated.arm.kept, treated.day
    episodes = register.episodes
    completion = register.first_completion(n)[treated.who]
    if asked.treatment == "completers":
        later = kept & (completion > day) & (completion < LAST_DAY)
    else:
        over = np.full(n, NO_DAY)
        np.maximum.at(over, episodes.who, episodes.ended)
        later = kept & (over[treated.who] > day)
    if asked.landmark is None:
        refuse_later(asked.treatment, int(later.sum()), int(kept.sum()))
    if asked.treatment == "completers":
        treated.arm.lose(completion > day, COMPLETED_STEP, "had not completed by the day they are followed from")


def engaged(register: Register, n: int) -> tuple[BoolArray, BoolArray]:
    """Who of n people ever started, and who completed an episode."""
    started, completed = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    started[register.episodes.who] = True
    completed[register.episodes.who[register.episodes.completed]] = True
    return started, completed


def comparison_pool(history: History, register: Register) -> tuple[IntArray, Arm]:
    """Everyone with a sentence who was never referred here, sorted; those who took part all the same have left."""
    people = np.setdiff1d(np.flatnonzero(history.sentenced), register.people)
    fate = Arm.of(len(people))
    fate.lose(np.isin(people, register.without_referral), "accepted", WITHOUT_REFERRAL)
    return people, fate


def register_fate(history: History, register: Register) -> Arm:
    """How far everyone referred came before an index date is looked for."""
    fate = Arm.of(len(register.people))
    words = np.array([DECISIONS[decision] for decision in register.decision], dtype=object)
    fate.lose(~np.isin(register.people, register.offered), "accepted", words)
    found = history.flags("linked", asked_people=pd.DataFrame({"who": register.people}))
    fate.lose(~found[register.people], "linked", "no record with courts, prisons or police")
    return fate


def known_at(history: History, asked: Asked, events: Events, index: Index) -> pd.DataFrame:
    """What was known of the people of one arm at their index dates."""
    keep = index.arm.kept
    who, day, base, event = index.who[keep], index.day[keep], index.base[keep], index.event[keep]
    if asked.rule == "screening":
        events, event = history.events, history.events.latest(who, base)
    frame = pd.DataFrame({"who": who, "person_id": history.people["person_id"].to_numpy()[who], "index_on": dates(day)})
    has = event >= 0
    groups = np.array([*OFFENCE_GROUPS, None], dtype=object)
    sentence = pd.DataFrame(
        {
            "disposal": disposal_words(events, event),
            "offence_group": pd.Series(groups[np.where(has, events.offence_group[event], -1)], dtype="str"),
            "days_since_sentence": day - events.day[event],
            "days_served": np.where(events.custodial[event], events.day[event] - events.started[event], 0),
        }
    )
    if not has.all():
        sentence.loc[~has, ["days_since_sentence", "days_served"]] = np.nan
    readings = tuple(name for name in asked.programme.comparison.covariates if name.startswith("assessment:"))
    before = record_before(history, asked.rules, who, day, readings)
    return pd.concat([frame, background(history, who, day), sentence, before], axis=1)


def outcomes(history: History, asked: Asked, who: IntArray, day: IntArray) -> pd.DataFrame:
    """What came after the index date; and ``died_on``, for methods in which death competes."""
    clock = Clock.of(day, asked.follow_up, asked.waiting, asked.last)
    died = history.died[who]
    place = np.full(len(history.people), -1)
    place[who] = np.arange(len(who))
    mine = place[history.custody.person] >= 0
    spells = Custody(
        place[history.custody.person[mine]],
        history.custody.entered[mine],
        history.custody.left[mine],
        history.custody.sentenced[mine],
    )
    offences = offences_after(history, asked.rules, who, day, clock.end)
    result = reoffending_columns(clock, died, offences, spells, asked.rules)
    back, entered = spells.person[history.recalled[mine]], spells.entered[history.recalled[mine]]
    recalled = np.zeros(len(who))
    recalled[back[(entered > day[back]) & (entered <= clock.end[back])]] = 1.0
    result["recalled"] = pd.Series(recalled, dtype="Float64").mask(~clock.complete)
    result["died_on"] = dates(died)
    return result


def _received(
    register: Register, asked: Asked, n: int, who: IntArray, day: IntArray, treated: BoolArray
) -> pd.DataFrame:
    """What the treated received: whether they ever started and completed, when, and their dose where asked for."""
    started, completed = engaged(register, n)
    first, last = episode_dates(register.episodes, n)
    frame = pd.DataFrame(
        {
            "started": (started[who] & treated).astype(np.int64),
            "completed": (completed[who] & treated).astype(np.int64),
            "started_on": dates(np.where(treated, first[who], NO_DAY)),
            "ended_on": dates(np.where(treated, last[who], NO_DAY)),
        }
    )
    if asked.treatment == "dose":
        frame = pd.concat([frame, dose_by(register.episodes, n, who, np.where(treated, day, NO_DAY))], axis=1)
    return frame


def referred_table(history: History, asked: Asked, people: IntArray, referred: IntArray, fate: Arm) -> pd.DataFrame:
    """What was on record of the people of the register when they were first referred, and where they left."""
    frame = pd.DataFrame({"person_id": history.people["person_id"].to_numpy()[people], "referred_on": dates(referred)})
    parts = [frame, background(history, people, referred)]
    if asked.programme.reoffending:
        parts.append(record_before(history, asked.rules, people, referred))
    return pd.concat(parts, axis=1).assign(step=fate.step, reason=fate.reason)


def _notes(asked: Asked, data: pd.DataFrame) -> list[str]:
    notes = [f"Proven reoffending by rule set {asked.rules.version}; not counted: {asked.rules.left_out}."]
    incomplete = int((~data["complete"]).sum())
    if incomplete:
        notes.append(
            f"Follow-up is not complete for {incomplete:,} of {len(data):,} people: their reoffending is missing, "
            "not none."
        )
    if asked.treatment == "dose":
        open_ended = int(data["sessions_attended"].isna().sum())
        if open_ended:
            notes.append(
                f"Sessions by the day people are followed from are not known for {open_ended:,} of {len(data):,} "
                "people: an episode went on after it, or no number is on record."
            )
    if asked.rule == "start":
        notes.append(
            "Those who never started are left out: people who start are chosen by what made them start, and the "
            "comparison is with people as long after their own event."
        )
    return notes


def company_notes(
    history: History, asked: Asked, register: Register, data: pd.DataFrame, who: IntArray, day: IntArray
) -> list[str]:
    """Who could not be followed at all, who died, who was in another programme too, and what the register lacks."""
    notes = []
    unknown = int(data["duration"].isna().sum())
    if unknown:
        notes.append(
            f"Index date too late for any follow-up: {unknown:,} of {len(data):,} people, whose duration and event "
            "are missing."
        )
    end = asked.follow_up.end(day)
    deaths = int(((history.died[who] != NO_DAY) & (history.died[who] <= end)).sum())
    if deaths:
        notes.append(
            f"Died during follow-up: {deaths:,} of {len(data):,} people, who count as observed in reoffended; "
            "duration is censored at death."
        )
    elsewhere = register.joined_elsewhere[who] <= end
    for arm, words in ((1, "Treated people in another programme too"), (0, "Comparison people who joined a programme")):
        joined = int((elsewhere & (data["treated"].to_numpy() == arm)).sum())
        if joined:
            notes.append(f"{words}, before the end of follow-up: {joined:,}.")
    notes.extend(register_notes(register, history, who))
    if asked.programme.comparison.kind == "none":
        notes.append(f"No comparison group: {asked.programme.comparison.reason}")
    return notes
