"""What is true of the world: counted block by block, written beside the tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from impact.synthetic.draw import NONE, BoolArray, IntArray
from impact.synthetic.joining import COMPLETED, DECISIONS, Referred
from impact.synthetic.offending import BREACH, CAUTION, Effects, Lives, live
from impact.synthetic.people import LONG, SHORT, People
from impact.synthetic.scores import Sums
from impact.synthetic.world import World

Counts = Counter[tuple[str, ...]]
FOLLOW_UP, WAITING = 365, 183
WHAT_THIS_IS = (
    "Everything in this folder was invented by a computer program to test methods; it describes no real person or "
    "place and says nothing about any real programme, whatever its name."
)
GROUPS = ("all", "women", "men", "community_or_suspended", "custody", "custody_under_183_days", "custody_longer")


def reoffences(lives: Lives, origin: IntArray, follow_up: int = FOLLOW_UP, waiting: int = WAITING) -> IntArray:
    """Proven reoffences of each person: after the origin, in the follow-up, proven within it and the waiting period.

    Convictions and cautions count; penalty notices and breach do not.
    """
    start = origin[lives.event_who]
    counted = (
        (lives.outcome <= CAUTION)
        & (lives.group != BREACH)
        & (lives.offended > start)
        & (lives.offended <= start + follow_up)
        & (lives.proven != NONE)
        & (lives.proven <= start + follow_up + waiting)
    )
    return np.bincount(lives.event_who[counted], lives.offences[counted], minlength=len(origin)).astype(np.int64)


def block_counts(
    world: World,
    people: People,
    lives: Lives,
    effects: Effects,
    slots: IntArray,
    referred: Mapping[str, Referred],
    luck: np.random.SeedSequence,
) -> Counts:
    """The counts of one block, with each programme's people lived again without it by the same luck."""
    counts: Counts = Counter()
    again = reoffences(lives, people.index)
    complete = people.index + FOLLOW_UP + WAITING <= world.complete_to
    participates = np.zeros(people.n, dtype=np.int64)
    for r in referred.values():
        participates[r.who[r.started & (r.who >= 0)]] += 1
    short, long = people.kind == SHORT, people.kind == LONG
    sexes = (people.sex == 0, people.sex == 1)
    masks = (np.ones(people.n, dtype=bool), *sexes, ~people.custody, people.custody, short, long)
    for name, mask in zip(GROUPS, masks, strict=True):
        _tally(counts, ("rates", name), again, mask & complete)
    _tally(counts, ("no_programme",), again, (participates == 0) & complete)
    counts["people", "complete"] += int(complete.sum())
    counts["people", "died"] += int((people.died != NONE).sum())
    counts["people", "never_on_a_programme"] += int((participates == 0).sum())
    counts["people", "on_a_programme"] += int((participates > 0).sum())
    counts["people", "on_two_or_more"] += int((participates > 1).sum())

    for place, name in enumerate(world.programmes):
        r = referred[name]
        counts["programme", name, "referred"] += len(r.number)
        for code, label in enumerate(DECISIONS):
            counts["programme", name, label] += int((r.decision == code).sum())
        counts["programme", name, "started"] += int(r.started.sum())
        counts["programme", name, "completed"] += int((r.started & (r.status == COMPLETED)).sum())
        elsewhere = r.started & (r.who >= 0) & (participates[r.who] > 1)
        counts["programme", name, "started_and_on_another_programme"] += int(elsewhere.sum())
        if "hazard_ratio" not in world.programme(name):
            continue
        sentenced = r.started & (r.who >= 0)
        who = r.who[sentenced]
        origin = people.index.copy()
        if world.programme(name)["route"] == "community":
            origin[who] = r.referred[sentenced]
        who = np.sort(who[origin[who] + FOLLOW_UP + WAITING <= world.complete_to])
        mine: BoolArray = np.zeros(people.n, dtype=bool)
        mine[who] = True
        _tally(counts, ("effect", name, "with"), reoffences(lives, origin), mine)
        if len(who):
            without = live(world, people, effects.without(slots == place), luck, who)
            _tally(counts, ("effect", name, "without"), reoffences(without, origin), mine)
    return counts


def _tally(counts: Counts, where: tuple[str, ...], again: IntArray, mask: BoolArray) -> None:
    counts[(*where, "n")] += int(mask.sum())
    counts[(*where, "reoffenders")] += int((again[mask] > 0).sum())
    counts[(*where, "reoffences")] += int(again[mask].sum())


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole else None


def _rates(counts: Counts, *where: str) -> dict[str, Any]:
    n, who, what = (counts[(*where, name)] for name in ("n", "reoffenders", "reoffences"))
    ratios = {"rate": (who, n), "reoffences_per_person": (what, n), "reoffences_per_reoffender": (what, who)}
    return {"n": n, **{name: _ratio(part, whole) for name, (part, whole) in ratios.items()}}


def assemble(
    world: World, *, seed: int, people: int, counts: Counts, sums: Mapping[tuple[str, str, str], Sums]
) -> dict[str, Any]:
    """The truth, as written to `truth.json`."""
    programmes: dict[str, Any] = {}
    for name in world.programmes:
        p = world.programme(name)
        shown = ("referred", *DECISIONS, "started", "started_and_on_another_programme", "completed")
        here = {what: counts["programme", name, what] for what in shown}
        truth: dict[str, Any] = {"counts": here, "hazard_ratio": p.get("hazard_ratio")}
        if "hazard_ratio" in p:
            with_it, without = (_rates(counts, "effect", name, side) for side in ("with", "without"))
            n = with_it["n"]
            gap = counts["effect", name, "with", "reoffenders"] - counts["effect", name, "without", "reoffenders"]
            more = counts["effect", name, "with", "reoffences"] - counts["effect", name, "without", "reoffences"]
            truth["reoffending"] = {
                "measured_from": "referral" if p["route"] == "community" else "first release at or after referral",
                "started_with_complete_window": n,
                "with_programme": with_it["rate"],
                "without_programme": without["rate"],
                "risk_difference": _ratio(gap, n),
                "reoffences_per_person_difference": _ratio(more, n),
            }
        truth["scores"] = [
            _score_truth(instrument, scale, sums[name, instrument["name"], scale])
            for instrument in p.get("instrument", ())
            for scale in instrument["scales"]
        ]
        programmes[name] = truth
    on_any = counts["people", "on_a_programme"]
    return {
        "what_this_is": WHAT_THIS_IS,
        "seed": seed,
        "people": people,
        "programmes": programmes,
        "proven_reoffending": {
            "definition": (
                f"offence within {FOLLOW_UP} days after a person's first release or order in the records, proven "
                f"within {FOLLOW_UP} + {WAITING} days of it; convictions and cautions; breach and penalty notices not "
                "counted; people whose window is complete"
            ),
            "never_on_a_programme": _rates(counts, "no_programme"),
            **{name: _rates(counts, "rates", name) for name in GROUPS},
        },
        "population": {
            "with_complete_window": counts["people", "complete"],
            "died": counts["people", "died"],
            "never_on_a_programme": counts["people", "never_on_a_programme"],
            "on_a_programme": on_any,
            "on_two_or_more_share": _ratio(counts["people", "on_two_or_more"], on_any),
        },
        "parameters": _plain(world.raw),
    }


def _score_truth(instrument: Mapping[str, Any], scale: str, total: Sums) -> dict[str, Any]:
    return {
        "instrument": instrument["name"],
        "scale": scale,
        "reliability_planted": instrument["reliability"],
        "change_planted": instrument["change"],
        "started_with_first_reading": total.started,
        "mean_change_without_programme": _ratio(total.without, total.started),
        "mean_change_with_programme": _ratio(total.with_programme, total.started),
        "true_change_realised": _ratio(total.with_programme - total.without, total.started),
        "second_readings": total.second,
        "mean_change_observed": _ratio(total.second_change, total.second),
        "mean_change_observed_first_to_last": _ratio(total.last_change, total.second),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def to_text(truth: Mapping[str, Any]) -> str:
    """The truth as the text of its file."""
    return json.dumps(truth, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
