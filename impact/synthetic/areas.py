"""Small areas: invented codes and wards in the five districts, skewed to the most deprived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.records.tables import DISTRICTS
from impact.synthetic.draw import FloatArray, IntArray, Stream
from impact.synthetic.rows import Coded, Rows
from impact.synthetic.world import World


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas: `code` labels, and the weight with which people in the system live there."""

    codes: tuple[str, ...]
    district: IntArray
    decile: IntArray
    population: IntArray
    weight: FloatArray
    rows: Rows


def make_areas(world: World, seed: np.random.SeedSequence) -> Areas:
    """Draw the areas of the world."""
    settings, stream = world.section("areas"), Stream(seed)
    counts = [int(settings["lsoas"][name]) for name in DISTRICTS]
    total = sum(counts)
    district = np.repeat(np.arange(len(DISTRICTS)), counts)
    within = np.concatenate([np.arange(count) for count in counts])
    decile = np.concatenate(
        [1 + stream.pick(count, settings["deciles"][name]) for name, count in zip(DISTRICTS, counts, strict=True)]
    )
    population = stream.between(settings["residents"], total)
    codes = tuple(f"S{number:08d}" for number in range(1_000_001, 1_000_001 + total))
    wards = tuple(
        f"{DISTRICTS[place]} ward {number // settings['lsoas_a_ward'] + 1}"
        for place, number in zip(district.tolist(), within.tolist(), strict=True)
    )
    everywhere = np.arange(total)
    rows = Rows(
        "area",
        {
            "lsoa": Coded(everywhere, codes),
            "ward": Coded(everywhere, wards),
            "district": Coded(district, DISTRICTS),
            "imd_decile": decile,
            "population": population,
        },
    )
    weight: FloatArray = population.astype(float) * np.exp(-float(settings["deprivation_pull"]) * decile.astype(float))
    return Areas(codes, district, decile, population, weight, rows)
