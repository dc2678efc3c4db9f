"""The parts that people have in an emulated trial, as rows of a design with the flow and the cautions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY, dates
from impact.comparison.eligible import Everyone
from impact.comparison.emulated import EmulatedTrial
from impact.comparison.match import NOT_CHOSEN
from impact.comparison.riskset_matching import chains
from impact.frames import BoolArray, FloatArray, IntArray

REASONS = (
    "started before the index date",
    "started when the records had stopped",
    "died on the day they started",
    "had the event by the day they started",
    "in custody on the day they started",
    "a covariate is not known on the day they started",
    "nobody at risk and near enough was left on that day",
)
NEVER_AT_RISK = "never at risk with every covariate known"


@dataclass(frozen=True, slots=True)
class States:
    """People as they were: `starters` states of one day, on which somebody started, then stretches of days at risk."""

    frame: pd.DataFrame
    person: IntArray
    first: IntArray
    end: IntArray
    starters: int

    def take(self, keep: BoolArray) -> States:
        """The states where `keep` is true."""
        frame = self.frame[keep].reset_index(drop=True)
        return States(frame, self.person[keep], self.first[keep], self.end[keep], int(keep[: self.starters].sum()))


@dataclass(frozen=True, slots=True)
class Parts:
    """Those in matched sets, set by set, the treated first: the state each was in, set, day and distance."""

    state: IntArray
    set: IntArray
    day: IntArray
    distance: FloatArray


def assemble(
    everyone: Everyone,
    states: States,
    parts: Parts,
    reason: np.ndarray,
    value: FloatArray,
    names: tuple[str, ...],
    wanted: Sequence[str],
    later_treated: str,
    last: int,
    method: str,
    notes: tuple[str, ...],
    hazard: pd.DataFrame | None,
    ratio: int,
) -> EmulatedTrial:
    """The design: matched parts set by set, then starters left out, then people never chosen, by `person_id`."""
    members, inside = states.person[parts.state], len(parts.state)
    treated = parts.state < states.starters
    label = pd.factorize(everyone.table["person_id"], sort=True)[0]
    lost, never = np.flatnonzero(reason != ""), np.setdiff1d(np.flatnonzero(everyone.started == LAST_DAY), members)
    lost, never = lost[np.argsort(label[lost])], never[np.argsort(label[never])]
    risk_day = np.full(len(label), NO_DAY)
    stretch = slice(states.starters, None)
    np.maximum.at(risk_day, states.person[stretch], -states.first[stretch])
    ever = risk_day[never] != NO_DAY
    why = [
        np.full(inside, "", dtype=object),
        reason[lost],
        np.where(ever, NOT_CHOSEN, NEVER_AT_RISK).astype(object),
    ]
    person = np.concatenate([members, lost, never])
    seen = np.concatenate([parts.day, np.maximum(everyone.started[lost], 0), np.where(ever, -risk_day[never], 0)])
    held = np.concatenate([np.ones(inside + len(lost), dtype=bool), np.zeros(len(never), dtype=bool)])
    day = np.concatenate([parts.day, everyone.started[lost], np.zeros(len(never), dtype=np.int64)])
    later = np.zeros(len(person), dtype=bool)
    later[:inside] = ~treated & (everyone.started[members] < LAST_DAY)
    own_start = everyone.index[person] + everyone.started[person]
    known = everyone.known(person, seen, wanted)
    frame = {
        "person_id": everyone.table["person_id"].to_numpy()[person],
        "trial_id": np.arange(1, len(person) + 1),
        "treated": np.concatenate([treated, np.ones(len(lost), bool), np.zeros(len(never), bool)]).astype(np.int64),
        "matched_set": pd.array([*(parts.set + 1), *([pd.NA] * (len(person) - inside))], dtype="Int64"),
        "first_on": dates(everyone.index[person]).to_numpy(),
        "index_on": dates(np.where(held, everyone.index[person] + day, NO_DAY)).to_numpy(),
        "days_since_index": pd.array(np.where(held, day, 0), dtype="Int64"),
        **({"censored_on": dates(np.where(later, own_start, NO_DAY)).to_numpy()} if later_treated == "censor" else {}),
        **{name: known[name] for name in wanted if name != "score"},
        "score": np.concatenate([value[parts.state], np.full(len(person) - inside, np.nan)]),
    }
    rest = everyone.table.drop(columns=["person_id", "index_on", *wanted], errors="ignore")
    data = pd.DataFrame(frame).assign(**{name: rest[name].to_numpy()[person] for name in rest.columns})
    data.loc[~held, "days_since_index"] = pd.NA
    partners = np.bincount(parts.set) - 1
    weights = np.zeros(len(person))
    weights[:inside] = np.where(treated, 1.0, 1.0 / partners[parts.set])
    sets = pd.Series(pd.NA, index=data.index, dtype="Int64", name="set")
    sets.iloc[:inside] = chains(parts.set, members) + 1
    reasons = np.concatenate(why)
    chosen, first = np.flatnonzero(~treated), np.flatnonzero(treated)
    pairs = {"treated": first[parts.set[chosen]], "comparison": chosen, "distance": parts.distance[chosen]}
    return EmulatedTrial(
        data=data,
        treatment="treated",
        weights=pd.Series(weights, index=data.index, name="weight"),
        sets=sets,
        estimand="ATT among the matched" if len(lost) else "ATT",
        covariates=names,
        method=method,
        flow=_flow(reasons, data["treated"].to_numpy() == 1),
        notes=(*notes, *_notes(len(lost), partners, ratio, int(later.sum()), later_treated)),
        left_out=pd.Series(reasons, index=data.index, name="left_out", dtype="str"),
        pairs=pd.DataFrame(pairs),
        complete_to=dt.date(1970, 1, 1) + dt.timedelta(days=last),
        later_treated=later_treated,
        hazard=hazard,
    )


def _flow(reasons: np.ndarray, treated: BoolArray) -> pd.DataFrame:
    """Parts given, left out by reason, matched."""
    left = [why for why in (*REASONS, NEVER_AT_RISK, NOT_CHOSEN) if (reasons == why).any()]
    steps = [("Given", np.ones(len(reasons), dtype=bool)), *((f"Left out: {why}", reasons == why) for why in left)]
    rows = [(step, int((who & treated).sum()), int((who & ~treated).sum())) for step, who in steps]
    kept = reasons == ""
    rows.append(("Matched", int((kept & treated).sum()), int((kept & ~treated).sum())))
    return pd.DataFrame(rows, columns=["step", "treated", "comparison"])


def left_open(everyone: Everyone, custody: object, events: object) -> tuple[str, ...]:
    """What was not given, and so is not looked at when people are called at risk."""
    held = {
        "custody: people inside count as at risk": custody is not None,
        "events: people stay at risk after one": events is not None,
        "dates of death: everyone counts as alive": "died_on" in everyone.table.columns,
    }
    missing = [words for words, given in held.items() if not given]
    return (f"Not given: {'; '.join(missing)}.",) if missing else ()


def _notes(lost: int, partners: IntArray, ratio: int, later: int, later_treated: str) -> tuple[str, ...]:
    notes = []
    if lost:
        notes.append(
            f"{lost:,} of {lost + len(partners):,} people who started have no partner and are left out: "
            "the estimates are about those matched, not about everyone who started."
        )
    if short := int((partners < ratio).sum()):
        notes.append(f"{short:,} people who started have fewer than {ratio} partners.")
    if later:
        what = (
            "they are followed until that day, which is right only where starting has nothing to do with the outcome "
            "beyond the covariates"
            if later_treated == "censor"
            else "they are followed on, so the estimate is of starting on the day against not starting on it"
        )
        notes.append(f"{later:,} comparison {'person' if later == 1 else 'people'} started later: {what}.")
    return tuple(notes)
