"""People with no sentence: young people at risk who are known to the police, and families of people in custody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.synthetic.areas import Areas
from impact.synthetic.draw import BoolArray, FloatArray, IntArray, Stream, poisson, spread_out
from impact.synthetic.history import ROLES
from impact.synthetic.joining import choose
from impact.synthetic.people import People, draw_ethnicity
from impact.synthetic.rows import Coded, Rows
from impact.synthetic.world import World

RELATIONS = ("parent", "child", "partner", "sibling")


@dataclass(frozen=True, slots=True)
class Others:
    """People without a sentence; arrays have one entry a person."""

    number: IntArray
    sex: IntArray
    birth: IntArray
    child: BoolArray
    ethnicity: IntArray
    area: IntArray
    need: FloatArray
    referred: IntArray


def at_risk(world: World, areas: Areas, name: str, first: int, size: int, stream: Stream) -> tuple[Others, Rows]:
    """Young people referred to a programme who have no sentence, and their contacts with the police."""
    p, r = world.programme(name), world.section("at_risk")
    low, high = p["ages"]
    referred = stream.between((world.index_from + 30, world.index_to), size)
    age = low + (high - low) * stream.uniform(size)
    need = r["need"] + stream.normal(size)
    others = Others(
        number=first + np.arange(size),
        sex=stream.chance(r["men"], size).astype(np.int64),
        birth=(referred - np.floor(age * 365.25)).astype(np.int64),
        child=np.zeros(size, dtype=bool),
        ethnicity=draw_ethnicity(world, stream.uniform(size)),
        area=stream.pick(size, areas.weight.tolist()),
        need=need,
        referred=referred,
    )
    counts = 1 + poisson(stream.uniform(size), np.exp(r["contacts"] + r["contacts_need"] * need), 20)
    owner, number = spread_out(counts)
    before = np.floor(700 * stream.uniform(len(owner))).astype(np.int64)
    after = np.floor((world.complete_to - referred[owner]) * stream.uniform(len(owner))).astype(np.int64)
    later = (number > 0) & stream.chance(r["contacts_later"], len(owner))
    role = stream.pick(len(owner), [r["roles"][name] for name in ROLES])
    contacts = Rows(
        "police_contact",
        {
            "person_id": others.number[owner],
            "occurred_on": np.where(later, referred[owner] + after, referred[owner] - 1 - before),
            "role": Coded(role, ROLES),
        },
    )
    return others, contacts


def families(
    world: World, people: People, name: str, first: int, size: int, taken: IntArray, stream: Stream
) -> tuple[Others, BoolArray, Rows]:
    """Children and carers of people in custody: the people, who is a carer, and the ties in the family table."""
    p, f = world.programme(name), world.section("families")
    opens = (p["opens"] - world.raw["index_from"]).days + world.index_from
    lead = stream.between(p["lead"], people.n)
    on = np.maximum(people.index + lead, people.sentenced)
    eligible = people.custody & (people.age >= 26) & (on >= opens) & (on < people.limit)
    inside = choose(np.where(taken > 0, f["with_programme"], 0.0), eligible, size, stream)
    inside = inside[np.argsort(stream.uniform(len(inside)), kind="stable")]
    children = 1 + stream.pick(len(inside), f["children"])
    carers = stream.chance(p["carers"], len(inside)).astype(np.int64)
    family, place = spread_out(children + carers)
    family, place = family[:size], place[:size]
    carer = place >= children[family]
    total, head = len(family), inside[family]
    referred = on[head]

    eldest = people.age[head] - 18
    low, high = p["ages"]
    u = stream.uniform(total)
    age = low + (np.clip(eldest, low, high) - low) * stream.uniform(total)
    age = np.where(u < p["younger"], 2 + 3 * stream.uniform(total), age)
    age = np.where((u > 1 - p["older"]) & (eldest >= 21), 19 + 2 * stream.uniform(total), age)
    age = np.where(carer, np.maximum(people.age[head] - 6 + 12 * stream.uniform(total), 19), age)
    woman = stream.uniform(total) < np.where(carer, np.where(people.sex[head] == 1, 0.95, 0.1), 0.5)
    others = Others(
        number=first + np.arange(total),
        sex=np.where(woman, 0, 1),
        birth=(referred - np.floor(age * 365.25)).astype(np.int64),
        child=~carer,
        ethnicity=people.ethnicity[head],
        area=people.area[head],
        need=f["need_inside"] * people.need[head] + f["need_own"] * stream.normal(total),
        referred=referred,
    )
    return others, carer, _ties(people.numbers(head), others.number, family, carer)


def _ties(head: IntArray, number: IntArray, family: IntArray, carer: BoolArray) -> Rows:
    """Every tie, both ways."""
    to_head = np.where(carer, RELATIONS.index("partner"), RELATIONS.index("parent"))
    from_head = np.where(carer, RELATIONS.index("partner"), RELATIONS.index("child"))
    left, right = np.nonzero(family[:, None] == family[None, :])
    pair = left != right
    left, right = left[pair], right[pair]
    between = np.where(
        carer[left],
        RELATIONS.index("child"),
        np.where(carer[right], RELATIONS.index("parent"), RELATIONS.index("sibling")),
    )
    return Rows(
        "family",
        {
            "person_id": np.concatenate([number, head, number[left]]),
            "related_id": np.concatenate([head, number, number[right]]),
            "relation": Coded(np.concatenate([to_head, from_head, between]), RELATIONS),
        },
    )
