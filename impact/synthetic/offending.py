"""Offending after the index: rounds of each person's next event, in the community, in calendar days.

A round draws the same uniforms for everyone whatever happens, so that the same people lived twice, with and without a
programme, meet the same luck (common random numbers).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.synthetic.custody import RECALL, REMAND, SENTENCE, Spells
from impact.synthetic.draw import NEVER, NONE, BoolArray, FloatArray, IntArray, Stream, logistic, lognormal, pick
from impact.synthetic.people import LONG, SHORT, People
from impact.synthetic.world import World

CONVICTION, CAUTION, PENALTY_NOTICE, NOT_PROVEN, PENDING = range(5)
BREACH = 12
DRAWS = 12


@dataclass(frozen=True, slots=True)
class Effects:
    """Programmes of each person in slots: first day (`NEVER` where none) and log hazard ratio, sorted by first day."""

    start: IntArray
    log_ratio: FloatArray

    def without(self, slot: BoolArray) -> Effects:
        """The same, with the effect of the slots chosen taken away."""
        return Effects(self.start, np.where(slot, 0.0, self.log_ratio))


@dataclass(frozen=True, slots=True)
class Lives:
    """Events after the index. `who` is a place among the people; an event is one or more offences of one day."""

    event_who: IntArray
    offended: IntArray
    proven: IntArray
    outcome: IntArray
    group: IntArray
    offences: IntArray
    disposal: IntArray
    released: IntArray
    spells: Spells


def no_effects(n: int, slots: int) -> Effects:
    """Nobody on any programme."""
    return Effects(np.full((n, slots), NEVER), np.zeros((n, slots)))


def live(world: World, people: People, effects: Effects, seed: np.random.SeedSequence, who: IntArray) -> Lives:
    """The events of the people at places `who` from their index to their limit."""
    o = world.section("offending")
    stream = Stream(seed)
    grids = (_clock(world, float(o["early_order"])), _clock(world, float(o["early_release"])))
    shares = [o["outcome"][name] for name in ("conviction", "caution", "penalty_notice", "not_proven")]
    after = [group["after"] for group in world.section("offence_groups").values()]

    limit, hazard, recall = people.limit[who], people.hazard[who], people.recall[who]
    log_previous = np.log1p(people.previous[who])
    start, ratio = effects.start[who], effects.log_ratio[who]
    now = people.index[who].copy()
    clock = now.copy()
    inside_before = (people.kind[who] == SHORT) | (people.kind[who] == LONG)
    released_clock = inside_before.copy()
    served = np.where(inside_before, now - people.sentenced[who], 0)
    licence_to = np.where(inside_before, now + np.clip(served, o["licence_least"], o["licence_most"]), NONE)
    pending, pending_remand, pending_days = (np.full(len(who), value) for value in (NEVER, 0, 0))
    pending_event = np.full(len(who), -1)
    events: list[dict[str, IntArray]] = []
    spells: list[tuple[IntArray, ...]] = []
    freed: list[tuple[IntArray, IntArray]] = []
    told = 0

    while True:
        a = np.flatnonzero(now < limit)
        if not len(a):
            break
        draws = stream.uniform(people.n, DRAWS)[who[a]]
        at_large = (released_clock[a], clock[a], now[a])
        next_offence = _next_offence(grids, *at_large, hazard[a], draws[:, 0], start[a], ratio[a])
        next_recall = now[a] + np.ceil(-np.log(draws[:, 1]) / recall[a]).astype(np.int64)
        next_recall = np.where(next_recall <= licence_to[a], next_recall, NEVER)
        entry = np.maximum(pending[a], now[a])
        day = np.minimum(np.minimum(next_offence, next_recall), entry)
        over = day >= limit[a]
        now[a[over]] = NEVER

        goes_in = ~over & (entry == day)
        if goes_in.any():
            p = a[goes_in]
            tried = day[goes_in] + pending_remand[p]
            out = tried + pending_days[p]
            held = pending_remand[p] > 0
            spells.append((p[held], day[goes_in][held], tried[held], np.full(held.sum(), REMAND)))
            sent = pending_days[p] > 0
            spells.append((p[sent], tried[sent], out[sent], np.full(sent.sum(), SENTENCE)))
            freed.append((pending_event[p][sent], out[sent]))
            now[p], clock[p] = out, out
            licence = np.clip(pending_days[p], o["licence_least"], o["licence_most"])
            licence_to[p] = np.where(sent, out + licence, licence_to[p])
            released_clock[p] = True
            pending[p], pending_event[p] = NEVER, -1

        recalled = ~over & ~goes_in & (next_recall == day)
        if recalled.any():
            p, (low, high) = a[recalled], o["recall_days"]
            out = day[recalled] + low + np.floor((high - low + 1) * draws[recalled, 2]).astype(np.int64)
            out = np.minimum(out, pending[p])
            spells.append((p, day[recalled], out, np.full(len(p), RECALL)))
            now[p], clock[p] = out, out
            released_clock[p] = True

        offends = ~over & ~goes_in & ~recalled
        if offends.any():
            p, d, u = a[offends], day[offends], draws[offends]
            outcome, group = pick(u[:, 2], shares), pick(u[:, 3], after)
            speed = np.where((outcome == CAUTION) | (outcome == PENALTY_NOTICE), o["out_of_court_speed"], 1.0)
            lag = lognormal(u[:, 4], o["proof_days"], speed)
            free = pending[p] == NEVER
            convicted = outcome == CONVICTION
            to_custody = convicted & free & (u[:, 5] < logistic(o["custody"] + o["custody_previous"] * log_previous[p]))
            to_court = np.where(convicted | (outcome == NOT_PROVEN), o["remand_otherwise"], 0.0)
            held = free & (u[:, 6] < np.where(to_custody, o["remand"], to_court))
            lag = np.where(held, np.maximum(lag, 8), lag)
            proven = d + lag
            days = np.where(to_custody, np.maximum(lognormal(u[:, 7], o["custody_days"]), 7), 0)
            goes = to_custody | held
            pending[p] = np.where(goes, np.where(held, d + 1, proven), pending[p])
            pending_remand[p] = np.where(goes, np.where(held, lag - 1, 0), pending_remand[p])
            pending_days[p] = np.where(goes, days, pending_days[p])
            numbers = told + np.arange(len(p))
            told += len(p)
            pending_event[p] = np.where(to_custody, numbers, pending_event[p])
            more = np.floor(np.log(u[:, 8]) / np.log(o["more_offences"])).astype(np.int64)
            light = np.where(u[:, 9] < o["suspended"], 1, np.where(u[:, 9] < o["suspended"] + o["community"], 2, 3))
            events.append(
                {
                    "who": p,
                    "offended": d,
                    "proven": proven,
                    "outcome": outcome,
                    "group": group,
                    "offences": np.where(group == BREACH, 1, 1 + np.minimum(more, o["most_offences"] - 1)),
                    "disposal": np.where(convicted, np.where(to_custody, 0, light), -1),
                }
            )
            now[p] = d
    return _gather(world, people, who, events, freed, spells)


def _clock(world: World, early: float) -> FloatArray:
    """Cumulative hazard, in days of the later level, by day since the clock started."""
    days = np.arange(world.complete_to - world.index_from + 2, dtype=float)
    tau = float(world.section("offending")["early_days"])
    return np.asarray(days + early * tau * (1 - np.exp(-days / tau)))


def _next_offence(
    grids: tuple[FloatArray, FloatArray],
    released: BoolArray,
    clock: IntArray,
    now: IntArray,
    hazard: FloatArray,
    u: FloatArray,
    start: IntArray,
    log_ratio: FloatArray,
) -> IntArray:
    """The day on which the cumulative hazard since now passes an exponential number, programmes in their order."""

    def passed(day: IntArray) -> FloatArray:
        place = np.clip(day - clock, 0, len(grids[0]) - 1)
        return np.where(released, grids[1][place], grids[0][place])

    left = -np.log(u) / hazard
    at = passed(now)
    ratio = np.exp(np.where(start <= now[:, None], log_ratio, 0.0).sum(axis=1))
    target = np.full(len(u), np.nan)
    for slot in range(start.shape[1]):
        later = start[:, slot] > now
        boundary = np.where(later, passed(start[:, slot]), at)
        room = (boundary - at) * ratio
        ends = np.isnan(target) & later & (left <= room)
        target = np.where(ends, at + left / ratio, target)
        left, at = np.where(later, left - room, left), np.where(later, boundary, at)
        ratio = np.where(later, ratio * np.exp(log_ratio[:, slot]), ratio)
    target = np.where(np.isnan(target), at + left / ratio, target)
    day = clock + np.where(released, np.searchsorted(grids[1], target), np.searchsorted(grids[0], target))
    return np.maximum(day, now + 1).astype(np.int64)


def _gather(
    world: World,
    people: People,
    who: IntArray,
    events: list[dict[str, IntArray]],
    freed: list[tuple[IntArray, IntArray]],
    parts: list[tuple[IntArray, ...]],
) -> Lives:
    names = ("who", "offended", "proven", "outcome", "group", "offences", "disposal")
    e = {name: np.concatenate([batch[name] for batch in events]) for name in names}
    place, entered, left, reason = (np.concatenate(column) for column in zip(*parts, strict=True))
    known = entered <= people.limit[who[place]]
    spells = Spells(who[place], entered, left, reason).where(known).cut(people.limit)

    owner = who[e["who"]]
    released = np.full(len(owner), NONE)
    for number, day in freed:
        released[number] = day
    released = np.where(released > people.limit[owner], NONE, released)
    unknown = e["proven"] > people.limit[owner]
    outcome = np.where(unknown, np.where(people.died[owner] == NONE, PENDING, NOT_PROVEN), e["outcome"])
    proven = np.where(unknown | (outcome == NOT_PROVEN), NONE, e["proven"])
    disposal = np.where(unknown, -1, e["disposal"])
    # An order passed on someone inside does not start a follow-up in the community.
    disposal = np.where((disposal > 0) & spells.inside(owner, proven), 3, disposal)
    return Lives(owner, e["offended"], proven, outcome, e["group"], e["offences"], disposal, released, spells)
