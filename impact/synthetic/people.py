"""The justice population: who they are, what they need, and the sentence that starts their follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from impact.synthetic.areas import Areas
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
    pick,
    poisson,
)
from impact.synthetic.rows import Coded, Rows
from impact.synthetic.world import World

SEXES = ("female", "male")
COMMUNITY, SUSPENDED, SHORT, LONG = range(4)


@dataclass(frozen=True, slots=True)
class People:
    """One block of people with a sentence; arrays have one entry a person, days are since 1970-01-01.

    Attributes
    ----------
    first : int
        The number of the first person of the block.
    need : array of float
        Latent need, standard normal: what drives offending, contacts, scores and joining.
    kind : array of int
        Sentence that starts follow-up: community, suspended, short custody, long custody.
    index, sentenced, offended : array of int
        Release or start of the order; day of sentence; day of the offence sentenced.
    held : array of int
        First day inside before the index release (remand or sentence); `NEVER` without custody.
    previous, spells : array of int
        Earlier offences and earlier custody spells.
    limit : array of int
        Last day of which anything is known: death, or the end of the records.
    """

    first: int
    need: FloatArray
    sex: IntArray
    age: FloatArray
    birth: IntArray
    ethnicity: IntArray
    area: IntArray
    kind: IntArray
    index: IntArray
    sentenced: IntArray
    offended: IntArray
    held: IntArray
    previous: IntArray
    spells: IntArray
    died: IntArray
    limit: IntArray
    hazard: FloatArray
    recall: FloatArray

    @property
    def n(self) -> int:
        """How many people."""
        return len(self.need)

    @property
    def custody(self) -> BoolArray:
        """Whose follow-up starts at a release."""
        return self.kind >= SHORT

    def numbers(self, who: IntArray) -> IntArray:
        """Numbers of people for the tables."""
        return who + self.first


def make_people(world: World, areas: Areas, first: int, n: int, seed: np.random.SeedSequence) -> People:
    """Draw `n` people with a sentence, numbered from `first`."""
    stream = Stream(seed)
    settings = world.section("people")
    need, man = stream.normal(n), stream.chance(1 - settings["women"], n).astype(np.int64)
    index = stream.between((world.index_from, world.index_to), n)
    edges = np.asarray(settings["age_bands"], dtype=float)
    band = stream.pick(n, settings["age_shares"])
    age = edges[band] + (edges[band + 1] - edges[band]) * stream.uniform(n)

    p = settings["previous"]
    expected = p["level"] + p["need"] * need + p["man"] * (man - 0.5) + p["years"] * (age - 18)
    spread = p["spread"] * stream.normal(n)
    previous = poisson(stream.uniform(n), np.exp(np.minimum(expected + spread, 3.9)), p["largest"])
    log_previous = np.log1p(previous)

    kind, served = _sentence(settings["disposal"], stream, need, man, log_previous)
    custody = kind >= SHORT
    sentenced = np.where(custody, index - served, index)
    lag = lognormal(stream.uniform(n), settings["index_lag"])
    remanded = stream.chance(settings["disposal"]["remanded_before"], n) & custody & (lag > 5)
    held = np.where(custody, np.where(remanded, sentenced - lag + 1, sentenced), NEVER)
    # Nobody has offended before the age of 14, whatever the lag and the time served.
    birth = np.minimum(index - np.round(age * 365.25), sentenced - lag - 14 * 366).astype(np.int64)
    age = (index - birth) / 365.25

    c = settings["custody_spells"]
    expected = c["level"] + c["need"] * need + c["previous"] * log_previous + c["custody_now"] * custody
    spells = poisson(stream.uniform(n), np.exp(np.minimum(expected, 2.0)), c["largest"])

    alive = np.floor(-np.log(stream.uniform(n)) * 365.25 / settings["death_rate"]).astype(np.int64)
    died = index + 1 + np.minimum(alive, NEVER // 2)
    died = np.where(died <= world.complete_to, died, NONE)
    o = world.section("offending")
    log_hazard = (
        o["level"]
        + o["need"] * need
        + o["man"] * (man - 0.5)
        + o["age"] * (age - 30) / 10
        + o["previous"] * (log_previous - o["previous_centre"])
        + o["short_custody"] * (kind == SHORT)
        + o["long_custody"] * (kind == LONG)
        + o["frailty"] * stream.normal(n)
    )
    ethnicity = stream.pick(n, labels_and_shares(settings["ethnicity"])[1])
    area = stream.pick(n, areas.weight.tolist())
    area = np.where(stream.chance(settings["lsoa_missing"], n), -1, area)
    return People(
        first=first,
        need=need,
        sex=man,
        age=age,
        birth=birth,
        ethnicity=ethnicity,
        area=area,
        kind=kind,
        index=index,
        sentenced=sentenced,
        offended=sentenced - lag,
        held=held,
        previous=previous,
        spells=np.minimum(spells, previous),
        died=died,
        limit=np.where(died == NONE, world.complete_to, died),
        hazard=np.exp(np.minimum(log_hazard, o["ceiling"])),
        recall=np.exp(o["recall_level"] + o["recall_need"] * need),
    )


def _sentence(
    d: Mapping[str, Any], stream: Stream, need: FloatArray, man: IntArray, log_previous: FloatArray
) -> tuple[IntArray, IntArray]:
    n = len(need)
    more = log_previous - d["previous_centre"]
    custody = stream.chance(logistic(d["custody"] + d["need"] * need + d["man"] * man + d["previous"] * more), n)
    short = stream.chance(logistic(d["short_custody"] + d["short_need"] * need + d["short_previous"] * more), n)
    suspended = stream.chance(d["suspended"], n)
    kind = np.where(custody, np.where(short, SHORT, LONG), np.where(suspended, SUSPENDED, COMMUNITY))
    served = np.zeros(n, dtype=np.int64)
    for value, (low, high) in ((SHORT, d["served_short"]), (LONG, d["served_long"])):
        # Skewed to the shorter: the square of a uniform.
        drawn = np.minimum(low + np.floor((high - low + 1) * stream.uniform(n) ** 2), high)
        served = np.where(kind == value, drawn, served).astype(np.int64)
    return kind, served


def person_rows(
    world: World,
    areas: Areas,
    numbers: IntArray,
    *,
    sex: IntArray,
    birth: IntArray,
    child: BoolArray,
    ethnicity: IntArray,
    area: IntArray,
    died: IntArray,
) -> Rows:
    """Rows of the person table; of children only the month of birth is given."""
    ethnicities, _ = labels_and_shares(world.section("people")["ethnicity"])
    return Rows(
        "person",
        {
            "person_id": numbers,
            "sex": Coded(sex, SEXES),
            "birth_date": np.where(child, NONE, birth),
            "birth_month": np.where(child, birth, NONE),
            "ethnicity": Coded(ethnicity, ethnicities),
            "lsoa": Coded(area, areas.codes),
            "died_on": died,
        },
    )


def draw_ethnicity(world: World, u: FloatArray) -> IntArray:
    """Ethnic groups of people who are not in the justice population."""
    return pick(u, labels_and_shares(world.section("people")["ethnicity"])[1])
