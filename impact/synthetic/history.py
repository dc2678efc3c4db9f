"""What came before the index: earlier offences, earlier custody, the sentence itself, contacts with the police."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.synthetic.custody import REMAND, SENTENCE, Spells
from impact.synthetic.draw import NEVER, NONE, IntArray, Stream, lognormal, pick, poisson, spread_out
from impact.synthetic.offending import CAUTION, CONVICTION, NOT_PROVEN, PENALTY_NOTICE
from impact.synthetic.people import People
from impact.synthetic.world import World

OLDEST_CHILD = 14 * 365


@dataclass(frozen=True, slots=True)
class Past:
    """Offences before the index (the one sentenced at it included) and custody up to the index release."""

    who: IntArray
    offended: IntArray
    proven: IntArray
    outcome: IntArray
    group: IntArray
    index_group: IntArray
    spells: Spells


def make_past(world: World, people: People, seed: np.random.SeedSequence) -> Past:
    """Draw the history of each person."""
    stream = Stream(seed)
    groups = world.section("offence_groups").values()
    earlier, index_group = [g["before"] for g in groups], stream.pick(people.n, [g["index"] for g in groups])

    before = people.birth + OLDEST_CHILD
    spells, spell_offended = _earlier_custody(world, people, stream)
    owner, _ = spread_out(people.previous - np.bincount(spells.who, minlength=people.n))
    span = people.offended[owner] - 1 - before[owner]
    offended = before[owner] + np.floor(span * stream.uniform(len(owner)) ** 0.6).astype(np.int64)
    entry = spells.entry_before(owner, offended)
    offended = np.where(entry == NEVER, offended, np.maximum(entry - 1, before[owner]))

    o = world.section("offending")
    outcome = stream.pick(
        len(owner), [o["outcome"][name] for name in ("conviction", "caution", "penalty_notice", "not_proven")]
    )
    speed = np.where((outcome == CAUTION) | (outcome == PENALTY_NOTICE), o["out_of_court_speed"], 1.0)
    proven = offended + lognormal(stream.uniform(len(owner)), o["proof_days"], speed)
    late = proven > people.limit[owner]
    outcome = np.where(late, NOT_PROVEN, outcome)
    proven = np.where(outcome == NOT_PROVEN, NONE, proven)

    everyone = np.arange(people.n)
    who = np.concatenate([owner, spells.who, everyone])
    sure = np.full(len(spells.who) + people.n, CONVICTION)
    return Past(
        who=who,
        offended=np.concatenate([offended, spell_offended, people.offended]),
        proven=np.concatenate([proven, spells.entered, people.sentenced]),
        outcome=np.concatenate([outcome, sure]),
        group=np.concatenate([pick(stream.uniform(len(owner) + len(spells.who)), earlier), index_group]),
        index_group=index_group,
        spells=spells.and_(_index_custody(people)),
    )


def _earlier_custody(world: World, people: People, stream: Stream) -> tuple[Spells, IntArray]:
    """Earlier spells, each in its own share of the years before, so that none overlap; and the offence of each."""
    begin = people.birth + OLDEST_CHILD + 365
    end = np.minimum(people.offended, world.index_from) - 1
    span = np.maximum(end - begin, 0)
    counts = np.minimum(people.spells, span // 120)
    owner, number = spread_out(counts)
    share = span[owner] / counts[owner]
    u = stream.uniform(len(owner), 3)
    entered = begin[owner] + np.floor((number + 0.1 + 0.4 * u[:, 0]) * share).astype(np.int64)
    days = lognormal(u[:, 1], world.section("people", "custody_spells")["days"])
    left = entered + np.clip(days, 7, np.floor(0.4 * share)).astype(np.int64)
    lag = np.maximum(1, np.floor(u[:, 2] * np.minimum(0.1 * share - 1, 120.0))).astype(np.int64)
    return Spells(owner, entered, left, np.full(len(owner), SENTENCE)), entered - lag


def _index_custody(people: People) -> Spells:
    inside = np.flatnonzero(people.custody)
    held = inside[people.held[inside] < people.sentenced[inside]]
    return Spells(
        np.concatenate([inside, held]),
        np.concatenate([people.sentenced[inside], people.held[held]]),
        np.concatenate([people.index[inside], people.sentenced[held]]),
        np.concatenate([np.full(len(inside), SENTENCE), np.full(len(held), REMAND)]),
    )


@dataclass(frozen=True, slots=True)
class Contacts:
    """Contacts with the police; roles by the order of `ROLES`."""

    who: IntArray
    day: IntArray
    role: IntArray


ROLES = ("suspect", "arrested", "victim", "witness", "missing", "other")


def make_contacts(
    world: World, people: People, spells: Spells, who: IntArray, offended: IntArray, seed: np.random.SeedSequence
) -> Contacts:
    """Contacts in the years before and after the index: those of recorded offences (`who`, `offended`) and others."""
    stream, c = Stream(seed), world.section("contacts")
    years = int(c["years_before"])
    begin = people.index - round(365.25 * years)
    length = people.limit - begin
    parts: list[tuple[IntArray, IntArray, IntArray]] = []
    roles = [0.0, 0.0, *(float(c["roles"][name]) for name in ROLES[2:])]
    for name, shares in (("suspected", [1 - c["arrested"], c["arrested"]]), ("otherwise", roles)):
        mean = np.exp(np.minimum(c[name] + c[f"{name}_need"] * people.need, 1.5)) * length / 365.25
        owner, _ = spread_out(poisson(stream.uniform(people.n), mean, 60))
        day = begin[owner] + np.floor((length[owner] + 1) * stream.uniform(len(owner))).astype(np.int64)
        role = stream.pick(len(owner), shares)
        free = ~spells.inside(owner, day)
        parts.append((owner[free], day[free], role[free]))
    day = offended + np.floor(20 * stream.uniform(len(offended)) ** 2).astype(np.int64)
    role = np.where(stream.uniform(len(offended)) < c["arrested"], 1, 0)
    near = (offended >= begin[who]) & (day <= people.limit[who]) & ~spells.inside(who, day)
    parts.append((who[near], day[near], role[near]))
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Contacts(*columns)
