"""Who is referred to a programme, what is decided, and how their time on it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from impact.synthetic.custody import Spells
from impact.synthetic.draw import (
    NEVER,
    NONE,
    BoolArray,
    FloatArray,
    IntArray,
    Stream,
    labels_and_shares,
    logistic,
    lognormal,
)
from impact.synthetic.people import People
from impact.synthetic.rows import Coded
from impact.synthetic.world import World

ACCEPTED, DECLINED, NOT_SUITABLE, WAITING = range(4)
DECISIONS = ("accepted", "declined_by_person", "not_suitable", "waiting")
ACTIVE, COMPLETED, LEFT_EARLY = range(3)
STATUSES = ("active", "completed", "left_early")


@dataclass(frozen=True, slots=True)
class Referred:
    """People referred to one programme; arrays have one entry a person.

    Attributes
    ----------
    number, who : array of int
        Number in the tables; place among the people of the block with a sentence, −1 for others.
    need, dip, gain : array of float
        Latent need; how far the present reading lies from the person's usual one; how far the person's own
        true change lies from the programme's (standard normal).
    limit : array of int
        Last day of which anything is known.
    started : array of bool
        Whether the person started; `start` and `end` have no meaning otherwise.
    asked : array of bool
        Whether readings are taken (small children give none).
    """

    programme: str
    number: IntArray
    who: IntArray
    need: FloatArray
    dip: FloatArray
    gain: FloatArray
    limit: IntArray
    asked: BoolArray
    referred: IntArray
    source: Coded
    decision: IntArray
    decided: IntArray
    started: BoolArray
    start: IntArray
    end: IntArray
    status: IntArray
    intervention: Coded
    planned: IntArray
    attended: IntArray


def choose(utility: FloatArray, eligible: BoolArray, size: int, stream: Stream) -> IntArray:
    """Draw people without replacement, with odds that rise with exp(utility) (the Gumbel top-k draw)."""
    drawn = utility - np.log(-np.log(stream.uniform(len(utility))))
    order = np.argsort(np.where(eligible, -drawn, np.inf), kind="stable")
    return np.sort(order[: min(size, int(eligible.sum()))])


def refer(
    world: World,
    name: str,
    people: People,
    size: int,
    taken: IntArray,
    dip: FloatArray,
    spells: Spells | None,
    stream: Stream,
) -> tuple[IntArray, IntArray]:
    """Who of the people with a sentence is referred, and when.

    `taken` counts the programmes a person is already with; `spells` is custody so far, for programmes in the community.
    """
    p = world.programme(name)
    lead = stream.between(p["lead"], people.n)
    opens = (p["opens"] - world.raw["index_from"]).days + world.index_from
    pull = p["need_pull"] * people.need - p["dip_pull"] * dip + p["onward"] * (taken > 0)
    if p["route"] == "community":
        assert spells is not None
        on = people.index + lead
        eligible = ~spells.inside(np.arange(people.n), on) & (on < people.limit)
    elif p["route"] == "in_prison":
        on = people.index - lead
        eligible = people.custody & (on >= people.sentenced)
    else:
        on = np.maximum(people.index - lead, people.sentenced)
        eligible = people.custody
    age = (on - people.birth) / 365.25
    low, high = p["ages"]
    fits = (age >= low) & (np.maximum(age, people.age) < high)
    if "ages_stretched" in p:
        low, high = p["ages_stretched"]
        stretched = (age >= low) & (age < high)
        pull = pull + p["stretched_pull"] * stretched
        fits |= stretched
    if p.get("men_only", False):
        fits &= people.sex == 1
    who = choose(pull, eligible & fits & (on >= opens), size, stream)
    return who, on[who]


def course(
    world: World,
    name: str,
    *,
    number: IntArray,
    who: IntArray,
    need: FloatArray,
    dip: FloatArray,
    limit: IntArray,
    referred: IntArray,
    ends_before: IntArray,
    group: str | None,
    special: BoolArray,
    asked: BoolArray,
    stream: Stream,
) -> Referred:
    """What is decided on each referral and how the time on the programme goes.

    `special` marks people who go to the interventions of that `group` (women, carers) where the programme has some.
    """
    p, j, n = world.programme(name), world.section("joining"), len(number)
    early, late = j["left_after"]
    sources, source_shares = labels_and_shares(p["sources"])
    decision = stream.pick(n, [p["decisions"].get(label, 0.0) for label in DECISIONS])
    decided = np.where(decision == WAITING, NONE, referred + stream.between(p["decision_days"], n))
    gone = decided > limit
    decision, decided = np.where(gone, WAITING, decision), np.where(gone, NONE, decided)
    start = np.where(decision == ACCEPTED, decided + stream.between(p["start_days"], n), NEVER)
    started = (decision == ACCEPTED) & stream.chance(p["starts"], n) & (start < np.minimum(limit, ends_before))

    gain = stream.normal(n)
    odds = np.log(p["completes"] / (1 - p["completes"]))
    left_early = ~stream.chance(logistic(odds + j["completes_gain"] * gain + j["completes_need"] * need), n)
    days = lognormal(stream.uniform(n), p["days"])
    days = np.where(
        left_early, np.maximum(np.floor(days * (early + (late - early) * stream.uniform(n))), 7), days
    ).astype(np.int64)
    end = np.minimum(start + days, ends_before - 1)
    recent = start > world.complete_to - j["recent_days"]
    stays = recent & stream.chance(j["recent_active"], n) & ~left_early
    died = limit < world.complete_to
    active = (stays | (end > limit)) & ~died & (ends_before == NEVER)
    status = np.where(active, ACTIVE, np.where(left_early | (end > limit), LEFT_EARLY, COMPLETED))
    end = np.where(active, NONE, np.minimum(end, limit))

    planned = stream.between(p["sessions"], n)
    least, most = np.array([j["attended"][label] for label in STATUSES])[status].T
    share = least + (most - least) * stream.uniform(n)
    return Referred(
        programme=name,
        number=number,
        who=who,
        need=need,
        dip=dip,
        gain=gain,
        limit=limit,
        asked=asked,
        referred=referred,
        source=Coded(stream.pick(n, source_shares), sources),
        decision=decision,
        decided=decided,
        started=started,
        start=start,
        end=end,
        status=status,
        intervention=_interventions(p, group, special, stream),
        planned=planned,
        attended=np.round(planned * share).astype(np.int64),
    )


def _interventions(p: Mapping[str, Any], group: str | None, special: BoolArray, stream: Stream) -> Coded:
    labels, shares = labels_and_shares(p["interventions"])
    codes = stream.pick(len(special), shares)
    if group is not None:
        others, other_shares = labels_and_shares(p[f"interventions_{group}"])
        codes = np.where(special, len(labels) + stream.pick(len(special), other_shares), codes)
        labels += others
    return Coded(codes, labels)


def interrupted(world: World, referred: Referred, spells: Spells, stream: Stream) -> Referred:
    """Time on the programme as it was: some who go back inside before the end leave early on that day."""
    n = len(referred.number)
    top = int(max(referred.who.max(initial=-1), spells.who.max(initial=-1))) + 1
    start = np.full(top + 1, NEVER)
    start[referred.who] = np.where(referred.started, referred.start, NEVER)
    start[-1] = NEVER
    back = np.full(top + 1, NEVER)
    later = spells.entered > start[spells.who]
    np.minimum.at(back, spells.who[later], spells.entered[later])
    entry = np.where(referred.who < 0, NEVER, back[referred.who])
    end = np.where(referred.end == NONE, referred.limit, referred.end)
    leaves = referred.started & (entry < end) & stream.chance(world.section("joining")["back_inside_leaves"], n)
    share = np.where(leaves, (entry - referred.start) / np.maximum(end - referred.start, 1), 1.0)
    return replace(
        referred,
        end=np.where(leaves, entry, referred.end),
        status=np.where(leaves, LEFT_EARLY, referred.status),
        attended=np.floor(referred.attended * share).astype(np.int64),
    )
