"""Readings: usual level plus a passing state, so that those who join at a low ebb rise by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from impact.records.tables import PATHWAYS
from impact.synthetic.draw import NONE, BoolArray, FloatArray, IntArray, Stream, logistic, lognormal
from impact.synthetic.joining import LEFT_EARLY, Referred
from impact.synthetic.people import People
from impact.synthetic.rows import Coded, Rows
from impact.synthetic.world import World

METRIC = (
    *(7.0, 9.51, 11.25, 12.4, 13.33, 14.08, 14.75, 15.32, 15.84, 16.36, 16.88, 17.43, 17.98, 18.59, 19.25),
    *(19.98, 20.73, 21.54, 22.35, 23.21, 24.11, 25.03, 26.02, 27.03, 28.13, 29.31, 30.7, 32.55, 35.0),
)
"""Metric scores of the short Warwick-Edinburgh scale for raw sums 7 to 35 (warwick.ac.uk/wemwbs)."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over those who started and gave a first reading, of one scale."""

    started: int
    without: float
    with_programme: float
    second: int
    second_change: float
    last_change: float

    def __add__(self, more: Sums) -> Sums:
        return Sums(*(getattr(self, part.name) + getattr(more, part.name) for part in fields(self)))


def programme_scores(
    world: World, referred: Referred, stream: Stream
) -> tuple[list[Rows], dict[tuple[str, str], Sums]]:
    """Rows of the assessment table for one programme, and what its readings would have been without it."""
    rows: list[Rows] = []
    sums: dict[tuple[str, str], Sums] = {}
    n = len(referred.number)
    due = referred.started & referred.asked
    for instrument in world.programme(referred.programme).get("instrument", ()):
        waves = int(instrument["waves"])
        day = _days(instrument, referred, stream)
        seen = _seen(world, instrument, referred, due, day, stream)
        common, state = stream.normal(n), stream.normal(n, waves)
        state[:, 0] = referred.dip
        for scale in instrument["scales"]:
            own, passing = stream.normal(n), stream.normal(n, waves)
            factual, without = _readings(world, instrument, referred, common, own, state, passing)
            sums[instrument["name"], scale] = _sums(factual, without, seen)
            who, wave = np.nonzero(seen)
            rows.append(
                Rows(
                    "assessment",
                    {
                        "person_id": referred.number[who],
                        "programme": _same(referred.programme, len(who)),
                        "instrument": _same(instrument["name"], len(who)),
                        "scale": _same(scale, len(who)),
                        "wave": wave + 1,
                        "assessed_on": day[who, wave],
                        "score": _unsigned(factual[who, wave]),
                    },
                )
            )
    return rows, sums


def _days(instrument: Mapping[str, Any], referred: Referred, stream: Stream) -> IntArray:
    n, waves = len(referred.number), int(instrument["waves"])
    jitter = np.floor(stream.uniform(n, waves) * 15).astype(np.int64)
    return np.asarray(referred.start[:, None] + instrument["gap"] * np.arange(waves)[None, :] + jitter)


def _seen(
    world: World, instrument: Mapping[str, Any], referred: Referred, due: BoolArray, day: IntArray, stream: Stream
) -> BoolArray:
    """Which readings were taken: the worse it goes, the likelier there is no second one; nobody comes back later."""
    r, (n, waves) = world.section("readings"), day.shape
    worse = instrument["second_missing"] + r["missing_gain"] * referred.gain
    worse = worse + r["missing_left_early"] * (referred.status == LEFT_EARLY)
    lost = stream.uniform(n, waves) < logistic(worse)[:, None]
    lost[:, 0] = stream.uniform(n) < r["first_missing"]
    taken = ~lost & (day <= referred.limit[:, None]) & due[:, None]
    return np.asarray(np.logical_and.accumulate(taken, axis=1))


def _readings(
    world: World,
    instrument: Mapping[str, Any],
    referred: Referred,
    common: FloatArray,
    own: FloatArray,
    state: FloatArray,
    passing: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Readings with the programme, and without it by the same random numbers."""
    reliability, waves = float(instrument["reliability"]), int(instrument["waves"])
    r = world.section("readings")
    shared, pull = r["shared"], r["need_in_level"]
    mixed = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    level = pull * referred.need + np.sqrt(1 - pull**2) * mixed
    ebb = np.sqrt(shared) * state + np.sqrt(1 - shared) * passing
    standing = np.sqrt(reliability) * level[:, None] + np.sqrt(1 - reliability) * ebb
    usual = instrument["middle"] + instrument["spread"] * standing
    wave = np.arange(waves)[None, :]
    grown = np.where(wave == 0, 0.0, 1 + r["later_waves"] * (wave - 1))
    change = grown * (instrument["change"] + instrument["change_spread"] * referred.gain)[:, None]
    low, high = instrument["range"]
    factual, without = (np.clip(np.round(reading), low, high) for reading in (usual + change, usual))
    if instrument.get("converted", False):
        metric = np.asarray(METRIC)
        factual, without = (metric[(reading - low).astype(np.int64)] for reading in (factual, without))
    return factual, without


def _unsigned(score: FloatArray) -> FloatArray:
    """The scores without minus zeros, which releases of NumPy do not clip alike."""
    return score + 0.0


def _sums(factual: FloatArray, without: FloatArray, seen: BoolArray) -> Sums:
    first, second = seen[:, 0], seen[:, 1]
    last = np.maximum(seen.sum(axis=1) - 1, 0)
    ended = factual[np.arange(len(last)), last]
    return Sums(
        started=int(first.sum()),
        without=float((without[:, 1] - without[:, 0])[first].sum()),
        with_programme=float((factual[:, 1] - factual[:, 0])[first].sum()),
        second=int(second.sum()),
        second_change=float((factual[:, 1] - factual[:, 0])[second].sum()),
        last_change=float((ended - factual[:, 0])[second].sum()),
    )


def probation_scores(world: World, people: People, again: BoolArray, seed: np.random.SeedSequence) -> Rows:
    """Probation's own reading of need, near the index and some months later; `again` marks who has reoffended early."""
    p, stream, n = world.section("probation_needs"), Stream(seed), people.n
    parts = []
    first_on = people.index - stream.between((0, p["first_days_before"]), n)
    second_on = people.index + stream.between(p["second_days"], n)
    missing = p["second_missing"] + p["second_missing_need"] * people.need + p["second_missing_again"] * again
    taken = ~stream.chance(logistic(missing), n) & (second_on <= people.limit)
    for wave, on, keep, drift in ((1, first_on, np.ones(n, dtype=bool), 0.0), (2, second_on, taken, p["drift"])):
        score = np.clip(np.round(p["middle"] + p["need"] * people.need + drift + p["noise"] * stream.normal(n)), 0, 40)
        who = np.flatnonzero(keep)
        parts.append((people.numbers(who), np.full(len(who), wave), on[who], score[who]))
    number, wave_of, on_day, reading = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Rows(
        "assessment",
        {
            "person_id": number,
            "programme": Coded(np.full(len(number), -1), ()),
            "instrument": _same("probation_needs", len(number)),
            "scale": _same("total", len(number)),
            "wave": wave_of,
            "assessed_on": on_day,
            "score": _unsigned(reading),
        },
    )


def programme_needs(world: World, referred: Referred, stream: Stream) -> list[Rows]:
    """Rows of the need table: needs identified on the pathways, and when they were met."""
    p, j, n = world.programme(referred.programme), world.section("joining"), len(referred.number)
    rows = []
    for pathway in PATHWAYS:
        u = stream.uniform(n, 4)
        if pathway not in p["needs"]:
            continue
        has, met = p["needs"][pathway]
        identified = referred.start + np.floor(22 * u[:, 0]).astype(np.int64)
        odds = np.log(met / (1 - met)) + j["met_gain"] * referred.gain
        odds = odds + j["met_left_early"] * (referred.status == LEFT_EARLY)
        met_on = identified + lognormal(u[:, 1], p["need_days"])
        met_on = np.where((u[:, 2] < logistic(odds)) & (met_on <= referred.limit), met_on, NONE)
        who = np.flatnonzero(referred.started & (u[:, 3] < has) & (identified <= referred.limit))
        rows.append(
            Rows(
                "need",
                {
                    "person_id": referred.number[who],
                    "programme": _same(referred.programme, len(who)),
                    "pathway": _same(pathway, len(who)),
                    "identified_on": identified[who],
                    "met_on": met_on[who],
                },
            )
        )
    return rows


def _same(label: str, n: int) -> Coded:
    return Coded(np.zeros(n, dtype=np.int64), (label,))
