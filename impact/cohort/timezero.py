"""Time zero: the day each treated person is followed from, and for comparison people a day that could have been one."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY
from impact.cohort.history import Events, History, age_on
from impact.cohort.programme import Eligibility
from impact.cohort.spells import holding
from impact.errors import Fault, TimeZeroError
from impact.frames import BoolArray, IntArray

SENTENCE_DAYS = 91
"""Rule sentence: how long after acceptance the sentence may start. Any later and it may be one for a new offence."""

NO_EVENT, NOT_ELIGIBLE, NOT_OUT, INDEXED = range(4)
BIASED_RULES = ("start", "completion")

_EVENTS = {
    "release": "release from custody",
    "sentence": "start of a sentence in the community",
    "referral": "release or start of a sentence in the community",
}


@dataclass(frozen=True, slots=True)
class Index:
    """One entry a person of an arm: how far they came (`stage`), why no further, and the index date and its event."""

    who: IntArray
    stage: IntArray
    reason: np.ndarray
    day: IntArray
    event: IntArray

    @property
    def indexed(self) -> BoolArray:
        """Who has an index date."""
        return self.stage == INDEXED


def events_of(history: History, rule: str) -> Events:
    """The events that a rule counts from."""
    events = history.events
    if rule == "referral":
        return events
    return events.take(events.custodial if rule == "release" else ~events.custodial)


def treated_index(
    history: History, eligibility: Eligibility, rule: str, people: IntArray, who: IntArray, accepted: IntArray
) -> Index:
    """Index dates of the treated: their first that qualifies.

    Parameters
    ----------
    people : array of int
        Everyone accepted, sorted.
    who, accepted : array of int
        Accepted referrals: person, and the day by which the referral was made and accepted.
    """
    events = events_of(history, rule)
    if rule == "referral":
        spell = holding(history.spells, who, accepted)
        day = accepted if not len(history.spells.left) else np.where(spell < 0, accepted, history.spells.left[spell])
        event = np.where(day == LAST_DAY, -1, events.latest(who, day))
    else:
        pairs = pd.DataFrame({"who": who, "accepted": accepted}).merge(
            pd.DataFrame({"who": events.who, "event": np.arange(len(events.who))}), on="who"
        )
        who, accepted, event = (pairs[name].to_numpy() for name in ("who", "accepted", "event"))
        day = events.day[event]
        fits = (
            (events.started[event] <= accepted) & (accepted <= day)
            if rule == "release"
            else (accepted <= day) & (day <= accepted + SENTENCE_DAYS)
        )
        event = np.where(fits, event, -1)
    stage, reason = _judge(history, eligibility, who, day, event)
    best = _furthest(who, stage, reason, day, event)
    return _everyone(history, people, best, _missing_words(rule))


def comparison_index(history: History, eligibility: Eligibility, rule: str, people: IntArray, treated: Index) -> Index:
    """Index dates for comparison people, each of which could have been a treated person's.

    Only days between the first and the last index date of the treated count, and only events of a disposal that some
    treated person had: where everyone treated left custody, the start of a community sentence is none. A person with
    several that qualify gets the first. To choose among them at random would be to look ahead: somebody who reoffends
    has more releases, and each of them would then be less likely to be chosen. Under the rule referral, a person's day
    is an event plus a delay; the delays are the treated people's own, spread evenly over the pool in the order of a
    hash of the pseudonym.
    """
    indexed = treated.indexed
    words = f"no {_EVENTS[rule]} of the kind, and in the months, of those who took part"
    if not indexed.any():
        nobody = np.full(len(people), "no index date among the treated to go by", dtype=object)
        none = np.full(len(people), NO_DAY)
        return Index(people, np.full(len(people), NO_EVENT), nobody, none, np.full(len(people), -1))
    events = events_of(history, rule)
    low, high = treated.day[indexed].min(), treated.day[indexed].max()
    spread = _hashes(history.people["person_id"].to_numpy(dtype=object)[people])
    at = np.searchsorted(people, events.who)
    in_pool = people[np.minimum(at, len(people) - 1)] == events.who if len(people) else np.zeros(len(at), dtype=bool)
    event = np.flatnonzero(in_pool)
    place, who = at[event], events.who[event]
    day = events.day[event]
    fits = pd.Series(events.disposal[event]).isin(events.disposal[treated.event[indexed]]).to_numpy()
    if rule == "referral":
        delays = np.sort(treated.day[indexed] - events.day[treated.event[indexed]])
        rank = np.empty(len(people), dtype=np.int64)
        rank[np.argsort(spread, kind="stable")] = np.arange(len(people))
        day = day + delays[(2 * rank[place] + 1) * len(delays) // (2 * len(people))]
        fits = fits & (events.latest(who, day) == event)
    event = np.where(fits & (day >= low) & (day <= high), event, -1)
    stage, reason = _judge(history, eligibility, who, day, event)
    best = _furthest(who, stage, reason, day, event)
    return _everyone(history, people, best, {"": words})


def refuse_biased(rule: str, accepted: int, started: int, completed: int) -> None:
    """Raise `TimeZeroError` for a rule whose follow-up would begin after people have been chosen by what came after."""
    if rule not in BIASED_RULES:
        return
    kept = started if rule == "start" else completed
    raise TimeZeroError(
        f"Follow-up cannot be counted from the {rule} of the programme:",
        [
            Fault(
                f"{accepted - kept:,} of {accepted:,} people accepted never came to that day and would be left out, "
                f"and the other {kept:,} had to stay at liberty and in touch until it",
                table="participation",
                why="the time before it is immortal: nobody who reoffended in it could be counted as treated, which "
                "makes any programme look good.",
                remedy="one of three: start both groups at referral or release (time_zero='referral' or 'release'); "
                "set a landmark, a fixed day after referral, and keep those of both groups who reach it; or treat "
                "taking part as changing with time (start-stop rows).",
            )
        ],
    )


def _judge(
    history: History, eligibility: Eligibility, who: IntArray, day: IntArray, event: IntArray
) -> tuple[IntArray, np.ndarray]:
    """How far each possible index date comes, and why no further."""
    stage, reason = np.full(len(who), INDEXED), np.full(len(who), "", dtype=object)

    def lose(lost: BoolArray, at: int, words: str) -> None:
        lost = lost & (stage == INDEXED)
        stage[lost], reason[lost] = at, words

    lose(event < 0, NO_EVENT, "")
    _, years = age_on(history.born[who], np.where(event < 0, 0, day))
    if eligibility.age_low is not None or eligibility.age_high is not None:
        lose(np.isnan(years), NOT_ELIGIBLE, "age not known")
        low, high = eligibility.age_low or 0, LAST_DAY if eligibility.age_high is None else eligibility.age_high
        lose((years < low) | (years > high), NOT_ELIGIBLE, "outside the ages served")
    if eligibility.sex:
        served = history.people["sex"].isin(eligibility.sex).to_numpy()
        lose(~served[who], NOT_ELIGIBLE, "sex not served")
    died = history.died[who]
    lose((died != NO_DAY) & (died <= day), NOT_OUT, "died before or on the index date")
    lose(holding(history.spells, who, np.where(event < 0, 0, day)) >= 0, NOT_OUT, "in custody on the index date")
    return stage, reason


def _furthest(who: IntArray, stage: IntArray, reason: np.ndarray, day: IntArray, event: IntArray) -> Index:
    """Of each person's possible index dates the one that came furthest, the earliest of those."""
    order = np.lexsort((event, day, -stage, who))
    first = np.ones(len(order), dtype=bool)
    first[1:] = who[order][1:] != who[order][:-1]
    keep = order[first]
    return Index(who[keep], stage[keep], reason[keep], day[keep], event[keep])


def _everyone(history: History, people: IntArray, best: Index, words: dict[str, str]) -> Index:
    """One entry for each of `people`: those without any possible index date too."""
    stage, reason = np.full(len(people), NO_EVENT), np.full(len(people), "", dtype=object)
    day, event = np.full(len(people), NO_DAY), np.full(len(people), -1)
    at = np.searchsorted(people, best.who)
    stage[at], reason[at] = best.stage, best.reason
    day[at], event[at] = best.day, best.event
    none = stage == NO_EVENT
    day[none], event[none] = NO_DAY, -1
    reason[none] = words[""]
    if "unsentenced" in words:
        sentenced = np.zeros(len(history.people), dtype=bool)
        sentenced[history.who(history.table("sentence"))] = True
        reason[none & ~sentenced[people]] = words["unsentenced"]
    return Index(people, stage, reason, day, event)


def _missing_words(rule: str) -> dict[str, str]:
    words = {
        "release": "no release, on or after acceptance, from a custodial sentence then being served",
        "sentence": f"no sentence in the community that started within {SENTENCE_DAYS} days of acceptance",
        "referral": "no release or sentence in the community by the day of acceptance, or still in custody since",
    }
    return {"": words[rule], "unsentenced": "no sentence on record"}


def _hashes(person_id: np.ndarray) -> np.ndarray:
    """A number for each pseudonym that depends on nothing else."""
    return np.array(
        [int.from_bytes(blake2b(str(value).encode(), digest_size=8).digest(), "little") for value in person_id]
    )
