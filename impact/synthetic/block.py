"""One block of people, from birth to the end of the records: its rows of every table, and what is true of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from impact.records.tables import OFFENCE_GROUPS, SEVERITIES
from impact.synthetic.areas import Areas
from impact.synthetic.custody import REASONS, Spells
from impact.synthetic.draw import NEVER, NONE, BoolArray, IntArray, Stream, pick_by_row, spread_out
from impact.synthetic.families import Others, at_risk, families
from impact.synthetic.history import ROLES, Past, make_contacts, make_past
from impact.synthetic.joining import DECISIONS, STATUSES, Referred, course, interrupted, refer
from impact.synthetic.offending import Effects, Lives, live, no_effects
from impact.synthetic.people import People, make_people, person_rows
from impact.synthetic.rows import Coded, Rows, first_of_each
from impact.synthetic.scores import Sums, probation_scores, programme_needs, programme_scores
from impact.synthetic.truth import Counts, block_counts
from impact.synthetic.world import World

OUTCOMES = ("conviction", "caution", "penalty_notice", "not_proven", "pending")
DISPOSALS = ("custody", "suspended", "community", "other")
ELSEWHERE = ("housing_options", "drug_and_alcohol_service", "talking_therapies", "citizens_advice")


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of a block and its counts for the truth."""

    rows: list[Rows]
    counts: Counts
    sums: dict[tuple[str, str, str], Sums]
    others: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Everyone referred, the people who have no sentence, and their rows."""

    referred: dict[str, Referred]
    others: list[Others]
    rows: list[Rows]


def make_block(
    world: World,
    areas: Areas,
    *,
    first: int,
    n: int,
    first_other: int,
    sizes: dict[str, int],
    seed: np.random.SeedSequence,
) -> Block:
    """Simulate people `first` to `first + n − 1`, with `sizes` of them referred to each programme."""
    seeds = iter(seed.spawn(12))
    people = make_people(world, areas, first, n, next(seeds))
    past = make_past(world, people, next(seeds))
    luck = next(seeds)
    joined = _join(world, areas, people, past, first_other, sizes, luck, next(seeds))
    effects, slots = _effects(world, people, joined.referred)
    everyone = np.arange(n)
    lives = live(world, people, effects, luck, everyone)
    spells = past.spells.and_(lives.spells)

    stream = Stream(next(seeds))
    referred = {name: interrupted(world, r, lives.spells, stream) for name, r in joined.referred.items()}
    rows = list(joined.rows)
    sums: dict[tuple[str, str, str], Sums] = {}
    for name, r in referred.items():
        some, totals = programme_scores(world, r, stream)
        rows += [*some, *programme_needs(world, r, stream)]
        sums.update({(name, instrument, scale): total for (instrument, scale), total in totals.items()})
    rows += _referral_rows(world, referred, stream)
    early = np.zeros(n, dtype=bool)
    early[lives.event_who[lives.offended <= people.index[lives.event_who] + 180]] = True
    rows.append(probation_scores(world, people, early, next(seeds)))
    rows += _person_rows(world, areas, people, joined.others)
    rows += _record_rows(world, people, past, lives, spells, next(seeds))

    contacts_of = (np.concatenate([past.who, lives.event_who]), np.concatenate([past.offended, lives.offended]))
    contacts = make_contacts(world, people, spells, *contacts_of, next(seeds))
    rows.append(
        Rows(
            "police_contact",
            {
                "person_id": people.numbers(contacts.who),
                "occurred_on": contacts.day,
                "role": Coded(contacts.role, ROLES),
            },
        )
    )
    counts = block_counts(world, people, lives, effects, slots, referred, luck)
    return Block(rows, counts, sums, sum(len(o.number) for o in joined.others))


def _join(
    world: World,
    areas: Areas,
    people: People,
    past: Past,
    first_other: int,
    sizes: dict[str, int],
    luck: np.random.SeedSequence,
    seed: np.random.SeedSequence,
) -> Joined:
    """Programmes in their order; those in the community see who is inside by then."""
    taken = np.zeros(people.n, dtype=np.int64)
    referred: dict[str, Referred] = {}
    others: list[Others] = []
    rows: list[Rows] = []
    everyone = np.arange(people.n)
    for name, own in zip(world.programmes, seed.spawn(len(world.programmes)), strict=True):
        p, stream, size = world.programme(name), Stream(own), sizes[name]
        route = p["route"]
        at = first_other + sum(len(o.number) for o in others)
        outside: Others | None = None
        carer: BoolArray = np.zeros(0, dtype=bool)
        spells: Spells | None = None
        if route == "family":
            outside, carer, ties = families(world, people, name, at, size, taken, stream)
            rows.append(ties)
            size = 0
        elif route == "community":
            few = round(size * p["not_convicted"])
            outside, contacts = at_risk(world, areas, name, at, few, stream)
            carer = np.zeros(few, dtype=bool)
            rows.append(contacts)
            size -= few
            so_far = live(world, people, _effects(world, people, referred)[0], luck, everyone)
            spells = past.spells.and_(so_far.spells)
        dip = stream.normal(people.n)
        who, on = refer(world, name, people, size, taken, dip, spells, stream)
        ends_before = people.index[who] if route == "in_prison" else np.full(len(who), NEVER)
        if outside is None:
            outside = _nobody()
        m = len(outside.number)
        age = (outside.referred - outside.birth) / 365.25
        others.append(outside)
        referred[name] = course(
            world,
            name,
            number=np.concatenate([people.numbers(who), outside.number]),
            who=np.concatenate([who, np.full(m, -1)]),
            need=np.concatenate([people.need[who], outside.need]),
            dip=np.concatenate([dip[who], -p["dip_pull"] + stream.normal(m)]),
            limit=np.concatenate([people.limit[who], np.full(m, world.complete_to)]),
            referred=np.concatenate([on, outside.referred]),
            ends_before=np.concatenate([ends_before, np.full(m, NEVER)]),
            group={"in_prison": "women", "family": "carers"}.get(route),
            special=np.concatenate([people.sex[who] == 0, carer]),
            asked=np.concatenate([np.ones(len(who), dtype=bool), age >= p.get("asked_from", 0)]),
            stream=stream,
        )
        taken[who] += 1
    return Joined(referred, others, rows)


def _nobody() -> Others:
    none, no = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    return Others(none, none, none, no, none, none, np.zeros(0), none)


def _effects(world: World, people: People, referred: dict[str, Referred]) -> tuple[Effects, IntArray]:
    """The effect of each programme on each person from its first day; and the programme (its place) of each slot."""
    names = [name for name in referred if "hazard_ratio" in world.programme(name)]
    start = np.full((people.n, max(len(names), 1)), NEVER)
    log_ratio = no_effects(*start.shape).log_ratio
    for slot, name in enumerate(names):
        r = referred[name]
        mine = r.started & (r.who >= 0)
        start[r.who[mine], slot] = r.start[mine]
        log_ratio[r.who[mine], slot] = np.log(world.programme(name)["hazard_ratio"])
    order = np.argsort(start, axis=1, kind="stable")
    places = np.array([world.programmes.index(name) for name in names] or [-1])
    return (
        Effects(np.take_along_axis(start, order, axis=1), np.take_along_axis(log_ratio, order, axis=1)),
        np.asarray(places[order]),
    )


def _referral_rows(world: World, referred: dict[str, Referred], stream: Stream) -> Iterator[Rows]:
    """Referrals, each passed on to the person's next programme or, now and then, elsewhere; and episodes."""
    labels = (*world.programmes, *ELSEWHERE)
    number = np.concatenate([r.number for r in referred.values()])
    day = np.concatenate([r.referred for r in referred.values()])
    place = np.concatenate([np.full(len(r.number), world.programmes.index(name)) for name, r in referred.items()])
    decision = np.concatenate([r.decision for r in referred.values()])
    order = np.lexsort((place, day, number))
    following = np.full(len(number), -1)
    same = number[order][1:] == number[order][:-1]
    following[order[:-1][same]] = place[order[1:][same]]
    elsewhere = stream.pick(len(number), [1.0] * len(ELSEWHERE)) + len(world.programmes)
    onward_share = world.section("joining")["passed_elsewhere"]
    passed_on = stream.uniform(len(number)) < np.array([onward_share[label] for label in DECISIONS])[decision]
    onward = np.where(following >= 0, following, np.where(passed_on, elsewhere, -1))
    for name, r in referred.items():
        mine = place == world.programmes.index(name)
        programme = Coded(np.zeros(len(r.number), dtype=np.int64), (name,))
        yield Rows(
            "referral",
            {
                "person_id": r.number,
                "programme": programme,
                "referred_on": r.referred,
                "source": r.source,
                "decision": Coded(r.decision, DECISIONS),
                "decided_on": r.decided,
                "onward_to": Coded(onward[mine], labels),
            },
        )
        gained = world.programme(name).get("qualification")
        completed = r.status == STATUSES.index("completed")
        yield Rows(
            "participation",
            {
                "person_id": r.number,
                "programme": programme,
                "intervention": r.intervention,
                "started_on": r.start,
                "ended_on": r.end,
                "status": Coded(r.status, STATUSES),
                "sessions_planned": r.planned,
                "sessions_attended": r.attended,
                "qualification": Coded(np.where(completed & (gained is not None), 0, -1), (gained or "",)),
            },
        ).where(r.started)


def _person_rows(world: World, areas: Areas, people: People, others: list[Others]) -> Iterator[Rows]:
    yield person_rows(
        world,
        areas,
        people.numbers(np.arange(people.n)),
        sex=people.sex,
        birth=people.birth,
        child=np.zeros(people.n, dtype=bool),
        ethnicity=people.ethnicity,
        area=people.area,
        died=people.died,
    )
    for o in others:
        if len(o.number):
            yield person_rows(
                world,
                areas,
                o.number,
                sex=o.sex,
                birth=o.birth,
                child=o.child,
                ethnicity=o.ethnicity,
                area=o.area,
                died=np.full(len(o.number), NONE),
            )


def _record_rows(
    world: World, people: People, past: Past, lives: Lives, spells: Spells, seed: np.random.SeedSequence
) -> Iterator[Rows]:
    """Offences, sentences and custody."""
    stream = Stream(seed)
    event, _ = spread_out(lives.offences)
    groups = _groups(world, lives, event, stream)
    who = np.concatenate([past.who, lives.event_who[event]])
    group = np.concatenate([past.group, groups])
    severities = np.array([g["severity"] for g in world.section("offence_groups").values()], dtype=float)
    yield Rows(
        "offence",
        {
            "person_id": people.numbers(who),
            "offended_on": np.concatenate([past.offended, lives.offended[event]]),
            "proven_on": np.concatenate([past.proven, lives.proven[event]]),
            "outcome": Coded(np.concatenate([past.outcome, lives.outcome[event]]), OUTCOMES),
            "offence_group": Coded(group, OFFENCE_GROUPS),
            "severity": Coded(pick_by_row(stream.uniform(len(who)), severities[group]), SEVERITIES),
        },
    )
    yield Rows(
        "custody",
        {
            "person_id": people.numbers(spells.who),
            "entered_on": spells.entered,
            "left_on": spells.left,
            "reason": Coded(spells.reason, REASONS),
        },
    )
    yield _sentences(world, people, past, lives)


def _groups(world: World, lives: Lives, event: IntArray, stream: Stream) -> IntArray:
    """The offence group of each offence: the event's own for its first, another (never breach) for the rest."""
    further = [0.0 if name == "breach" else g["after"] for name, g in world.section("offence_groups").items()]
    first = np.concatenate([[True], event[1:] != event[:-1]])[: len(event)]
    return np.where(first, lives.group[event], stream.pick(len(event), further))


def _sentences(world: World, people: People, past: Past, lives: Lives) -> Rows:
    """The index sentence, those of later convictions, and lesser ones of the years before since the records begin."""
    everyone = np.arange(people.n)
    index_disposal = np.where(people.custody, 0, np.where(people.kind == 1, 1, 2))
    later = lives.disposal >= 0
    lesser = (past.outcome == 0) & (past.proven >= world.index_from) & (past.offended != people.offended[past.who])
    other = (np.full(lesser.sum(), DISPOSALS.index("other")), np.full(lesser.sum(), NONE))
    parts = [
        (everyone, people.sentenced, index_disposal, np.where(people.custody, people.index, NONE), past.index_group),
        (lives.event_who[later], lives.proven[later], lives.disposal[later], lives.released[later], lives.group[later]),
        (past.who[lesser], past.proven[lesser], *other, past.group[lesser]),
    ]
    who, day, disposal, released, group = (np.concatenate(column) for column in zip(*parts, strict=True))
    keep = first_of_each(who, day, group)
    return Rows(
        "sentence",
        {
            "person_id": people.numbers(who),
            "sentenced_on": day,
            "disposal": Coded(disposal, DISPOSALS),
            "started_on": day,
            "released_on": released,
            "offence_group": Coded(group, OFFENCE_GROUPS),
        },
    ).where(keep)
