"""Time zero: the day each treated person is followed from, and for comparison people a day that could have been one."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY
from impact.cohort.flow import Arm
from impact.cohort.guard import refuse_mostly_late
from impact.cohort.history import DISPOSALS, STRIDE, Events, History, age_on, reoffended_between, screenings
from impact.cohort.register import Register
from impact.cohort.result import Asked
from impact.cohort.spells import holding
from impact.frames import BoolArray, IntArray

NEAR_DAYS = 91
"""Rules sentence and screening: how long after acceptance the event may come. Any later and it may be about another
offence."""
DELAYED = ("referral", "start")
"""Rules that follow people from a day of the programme's own; comparison people are given the delays of the treated."""
BEFORE_EVENT = ("release", "sentence", "screening")
INDEX_STEPS = ("index event", "eligible", "alive and at liberty")
LANDMARK_STEP = "no reoffence by the landmark"

_EVENTS = {
    "release": "release from custody",
    "sentence": "start of a sentence in the community",
    "screening": "screening",
    "referral": "release or start of a sentence in the community",
    "start": "release or start of a sentence in the community",
}
_MISSING = {
    "release": "no release, on or after acceptance, from a custodial sentence then being served",
    "sentence": f"no sentence in the community that started within {NEAR_DAYS} days of acceptance",
    "screening": f"no screening within {NEAR_DAYS} days of acceptance",
    "referral": "no release or sentence in the community by the day of acceptance, or still in custody since",
    "start": "never started, or no release or sentence in the community by then, or still in custody since",
}


@dataclass(frozen=True, slots=True)
class Index:
    """One entry a person of an arm: where they left if they did, the event they are followed from, and the index date.

    `base` is the day of the rule, and `day` the index date: the same, or the landmark after it.
    """

    who: IntArray
    arm: Arm
    base: IntArray
    day: IntArray
    event: IntArray


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Possible index dates: person, day of the rule, its event."""

    who: IntArray
    base: IntArray
    event: IntArray


def events_of(history: History, asked: Asked) -> Events:
    """The events that a rule counts from."""
    events = history.events
    if asked.rule == "screening":
        return screenings(history, asked.programme.time_zero.instrument)
    if asked.rule in DELAYED:
        return events
    return events.take(events.custodial if asked.rule == "release" else ~events.custodial)


def index_day(asked: Asked, base: IntArray) -> IntArray:
    """The index dates of days of the rule: these days, or the landmark after them."""
    return base if asked.landmark is None else asked.landmark.end(base)


def treated_index(history: History, asked: Asked, events: Events, register: Register) -> Index:
    """Index dates of everyone accepted: their first that qualifies."""
    people = register.offered
    if asked.rule in DELAYED:
        who, on = (
            (register.accepted_who, register.accepted)
            if asked.rule == "referral"
            else (register.episodes.who, register.episodes.started)
        )
        mine = np.isin(who, people)
        found = _out_on(history, events, who[mine], on[mine])
    else:
        found = _fitting(asked, events, register)
    arm, at = _first_of(history, asked, people, found, elsewhere=None)
    index = _index(people, arm, at, found, asked)
    eventless = arm.step == "index event"
    arm.reason[eventless] = _MISSING[asked.rule]
    arm.reason[eventless & ~history.sentenced[people]] = "no sentence on record"
    if asked.rule in BEFORE_EVENT:
        late = eventless & np.isin(people, _late(asked, events, register, found))
        refuse_mostly_late(asked.rule, int(late.sum()), len(people))
        arm.reason[late] = f"accepted only after the {asked.rule}" + (" and the landmark" if asked.landmark else "")
    return index


def comparison_index(
    history: History, asked: Asked, events: Events, people: IntArray, treated: Index, elsewhere: IntArray
) -> Index:
    """Index dates for comparison people, each of which could have been a treated person's.

    Only days between the first and the last index date of the treated count, and only events of a disposal that some
    treated person had: where everyone treated left custody, the start of a community sentence is none. A person with
    several that qualify gets the first. To choose among them at random would be to look ahead: somebody who reoffends
    has more releases, and each of them would then be less likely to be chosen. Under the rules referral and start, a
    person's day is an event plus a delay; the delays are the treated people's own, spread evenly over the pool in the
    order of a hash of the pseudonym.
    """
    indexed = treated.arm.kept
    if not indexed.any():
        arm = Arm.of(len(people))
        arm.lose(np.ones(len(people), dtype=bool), "index event", "no index date among the treated to go by")
        none = np.full(len(people), -1)
        return Index(people, arm, none, none, none)
    low, high = treated.day[indexed].min(), treated.day[indexed].max()
    at = np.searchsorted(people, events.who)
    in_pool = people[np.minimum(at, len(people) - 1)] == events.who if len(people) else np.zeros(len(at), dtype=bool)
    fits = in_pool & np.isin(events.disposal, events.disposal[treated.event[indexed]])
    event = np.flatnonzero(fits)
    base = events.day[event]
    if asked.rule in DELAYED:
        delays = np.sort(treated.base[indexed] - events.day[treated.event[indexed]])
        spread = _hashes(history.people["person_id"].to_numpy(dtype=object)[people])
        rank = np.empty(len(people), dtype=np.int64)
        rank[np.argsort(spread, kind="stable")] = np.arange(len(people))
        base = base + delays[(2 * rank[at[event]] + 1) * len(delays) // (2 * len(people))]
        still = events.latest(events.who[event], base) == event
        event, base = event[still], base[still]
    day = index_day(asked, base)
    inside = (day >= low) & (day <= high)
    found = _Candidates(events.who[event[inside]], base[inside], event[inside])
    arm, at = _first_of(history, asked, people, found, elsewhere=elsewhere)
    arm.reason[arm.step == "index event"] = (
        f"no {_EVENTS[asked.rule]} of the kind, and in the months, of those who took part"
    )
    return _index(people, arm, at, found, asked)


def everyone_index(
    history: History, asked: Asked, events: Events, people: IntArray, starts: IntArray, elsewhere: IntArray
) -> Index:
    """For time-varying treatment: everyone's first qualifying event, in the span and of the kind of those who start.

    `starts` is the first day of everyone on the programme. The span runs from the first to the last of the events of
    those who start: the release from the sentence that they were then serving, or the latest event behind them.
    Nobody's own index date depends on whether they start.
    """
    starters = people[starts[people] < LAST_DAY]
    latest = _event_of(events, starters, starts[starters])
    latest = latest[latest >= 0]
    arm = Arm.of(len(people))
    if not len(latest):
        arm.lose(np.ones(len(people), dtype=bool), "index event", "nobody who started had an event to go by")
        none = np.full(len(people), -1)
        return Index(people, arm, none, none, none)
    low, high = events.day[latest].min(), events.day[latest].max()
    fits = (events.day >= low) & (events.day <= high) & np.isin(events.disposal, events.disposal[latest])
    event = np.flatnonzero(fits & np.isin(events.who, people))
    found = _Candidates(events.who[event], events.day[event], event)
    arm, at = _first_of(history, asked, people, found, elsewhere=elsewhere)
    arm.reason[arm.step == "index event"] = (
        f"no {_EVENTS[asked.rule]} of the kind, and in the months, of those who started"
    )
    return _index(people, arm, at, found, asked)


def _out_on(history: History, events: Events, who: IntArray, on: IntArray) -> _Candidates:
    """The day itself, or the day of release for somebody then in custody; and the latest event by then."""
    spell = holding(history.spells, who, on)
    day = on if not len(history.spells.left) else np.where(spell < 0, on, history.spells.left[spell])
    event = events.latest(who, day)
    keep = (day != LAST_DAY) & (event >= 0)
    return _Candidates(who[keep], day[keep], event[keep])


def _fitting(asked: Asked, events: Events, register: Register) -> _Candidates:
    """Events that people accepted by the index date may be followed from."""
    pairs = pd.DataFrame({"who": register.accepted_who, "accepted": register.accepted}).merge(
        pd.DataFrame({"who": events.who, "event": np.arange(len(events.who))}), on="who"
    )
    who, accepted, event = (pairs[name].to_numpy(dtype=np.int64) for name in ("who", "accepted", "event"))
    base = events.day[event]
    fits = accepted <= index_day(asked, base)
    fits &= events.started[event] <= accepted if asked.rule == "release" else base <= accepted + NEAR_DAYS
    return _Candidates(who[fits], base[fits], event[fits])


def _event_of(events: Events, who: IntArray, day: IntArray) -> IntArray:
    """The event that ends the sentence being served on a day, or else the latest event by then; −1 for none."""
    latest = events.latest(who, day)
    following = np.searchsorted(events.who * STRIDE + events.day, who * STRIDE + day, side="right")
    place = np.minimum(following, len(events.who) - 1)
    serving = (events.who[place] == who) & (following < len(events.who)) & (events.started[place] <= day)
    return np.where(serving, place, latest) if len(events.who) else latest


def _late(asked: Asked, events: Events, register: Register, found: _Candidates) -> IntArray:
    """Who was accepted only after the event that the rule would follow them from, and has no other."""
    latest = events.latest(register.accepted_who, register.accepted)
    after = np.flatnonzero(latest >= 0)
    gone = index_day(asked, events.day[latest[after]]) < register.accepted[after]
    return np.setdiff1d(register.accepted_who[after[gone]], found.who)


def _first_of(
    history: History, asked: Asked, people: IntArray, found: _Candidates, *, elsewhere: IntArray | None
) -> tuple[Arm, IntArray]:
    """For each of `people` how far the best of their candidates comes, and its place; −1 where there is none.

    The best is the one that leaves last, and of those the earliest: the first that qualifies, where any does.
    """
    judged = _judge(history, asked, found, elsewhere)
    steps = (*INDEX_STEPS, LANDMARK_STEP, "")
    order = np.lexsort((found.event, found.base, -pd.Index(steps).get_indexer(pd.Index(judged.step)), found.who))
    first = np.ones(len(order), dtype=bool)
    first[1:] = found.who[order][1:] != found.who[order][:-1]
    best = order[first]
    at = np.full(len(people), -1)
    at[np.searchsorted(people, found.who[best])] = best
    arm = Arm.of(len(people))
    arm.lose(at < 0, "index event", "")
    has = at >= 0
    arm.step[has], arm.reason[has] = judged.step[at[has]], judged.reason[at[has]]
    return arm, at


def _judge(history: History, asked: Asked, found: _Candidates, elsewhere: IntArray | None) -> Arm:
    """How far each possible index date comes, and why no further."""
    who, day = found.who, index_day(asked, found.base)
    arm = Arm.of(len(who))
    if elsewhere is not None:
        arm.lose(elsewhere[who] <= day, "eligible", "with another programme by then")
    served = asked.programme.eligibility
    _, years = age_on(history.born[who], day)
    if served.age_low is not None or served.age_high is not None:
        arm.lose(np.isnan(years), "eligible", "age not known")
        low, high = served.age_low or 0, LAST_DAY if served.age_high is None else served.age_high
        arm.lose((years < low) | (years > high), "eligible", "outside the ages served")
    if served.sex:
        sex = history.people["sex"].isin(served.sex).to_numpy(dtype=bool)
        arm.lose(~sex[who], "eligible", "sex not served")
    died = history.died[who]
    arm.lose((died != NO_DAY) & (died <= day), "alive and at liberty", "died before or on the index date")
    inside: BoolArray = holding(history.spells, who, day) >= 0
    arm.lose(inside, "alive and at liberty", "in custody on the index date")
    if asked.landmark is not None:
        again = reoffended_between(history, asked.rules, who, found.base, day, asked.waiting)
        arm.lose(again, LANDMARK_STEP, "reoffended before the landmark")
    return arm


def _index(people: IntArray, arm: Arm, at: IntArray, found: _Candidates, asked: Asked) -> Index:
    base, event = np.full(len(people), NO_DAY), np.full(len(people), -1)
    has = at >= 0
    base[has], event[has] = found.base[at[has]], found.event[at[has]]
    day = np.full(len(people), NO_DAY)
    day[has] = index_day(asked, base[has])
    return Index(people, arm, base, day, event)


def disposal_words(events: Events, event: IntArray) -> pd.Series:
    """The disposals of events in the contract's words, missing where an event is no sentence."""
    words = np.array([*DISPOSALS, None], dtype=object)
    return pd.Series(words[events.disposal[event]], dtype="str")


def _hashes(person_id: np.ndarray) -> np.ndarray:
    """A number for each pseudonym that depends on nothing else."""
    return np.array(
        [int.from_bytes(blake2b(str(value).encode(), digest_size=8).digest(), "little") for value in person_id]
    )
