"""Outcomes that a person has or has not, such as being in work: how many at the first and at the last reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from impact.cohort import Programme
from impact.cohort.programme import Instrument
from impact.distance import category_change
from impact.errors import InputError, row_fault
from impact.evidence import default_rules, share, shown_count
from impact.evidence.ledger import Entry
from impact.records import Linked
from impact.report.analysis import MINIMUM_ANALYSED
from impact.report.exhibits import Exhibit, Statement, Table
from impact.report.measured import is_status, own_instruments
from impact.report.released import released_proportion
from impact.report.words import NOT_KNOWN, exhibit_key, interval, lower_first, probability

MINIMUM = default_rules().minimum
LEVEL = 0.95
FEW = f"fewer than {MINIMUM} people"
FEW_APART = f"fewer than {MINIMUM} people moved one way, or said the same twice"


@dataclass(frozen=True, eq=False)
class Status:
    """A yes or no at two readings, scale by scale.

    Attributes
    ----------
    instrument : Instrument
    table : DataFrame
        One row a scale: ``term, title``; of those with two readings ``n, first_yes, last_yes``, the change of the share
        ``estimate, conf_low, conf_high, p_value``, and in ``few`` why it may not be shown (empty where it may); of
        everyone with a reading ``n_any, any_yes`` and the share at the last one ``share, share_low, share_high``, of
        the rounded counts; and ``n_first``. Counts are exact: not for publication as they stand.
    """

    instrument: Instrument
    table: pd.DataFrame


def measure_statuses(programme: Programme, linked: Linked) -> tuple[Status, ...]:
    """Each yes-or-no outcome of the programme that has readings.

    Raises
    ------
    InputError
        Where a reading is neither 0 nor 1.
    """
    readings = linked.table("assessment")
    mine = readings[(readings["programme"] == programme.name).fillna(False)]
    found = []
    for instrument in filter(is_status, own_instruments(programme)):
        held = mine[mine["instrument"] == instrument.name].dropna(subset=["score"])
        if held.empty:
            continue
        odd = ~held["score"].astype(float).isin([0.0, 1.0])
        if odd.any():
            remedy = "write 1 for yes and 0 for no, and leave out what is not known."
            fault = row_fault(
                "is neither 0 nor 1",
                odd.tolist(),
                table=f"readings of {instrument.name}",
                column="score",
                remedy=remedy,
            )
            raise InputError("The yes-or-no outcome cannot be read:", [fault])
        found.append(Status(instrument, _table(instrument, held)))
    return tuple(found)


def _table(instrument: Instrument, held: pd.DataFrame) -> pd.DataFrame:
    held = held.assign(score=pd.Categorical(held["score"].astype(int), [0, 1], ordered=True))
    made = category_change(held, person="person_id", wave="wave", category="score", by="scale", level=LEVEL)
    moves = made.transitions.assign(n=made.transitions["n"].astype(int))
    changed = made.tidy().set_index("term")
    last = held.sort_values("wave").drop_duplicates(["person_id", "scale"], keep="last")
    rows = []
    for scale in instrument.scales:
        if scale.name not in changed.index:
            continue
        of_scale = moves[moves["term"] == scale.name]
        ends = last.loc[last["scale"] == scale.name, "score"].astype(int)
        row = changed.loc[scale.name, ["n", "n_first", "estimate", "conf_low", "conf_high", "p_value"]].to_dict()
        row |= {
            "term": scale.name,
            "title": scale.title,
            "first_yes": int(of_scale.loc[of_scale["before"] == 1, "n"].sum()),
            "last_yes": int(of_scale.loc[of_scale["after"] == 1, "n"].sum()),
            "n_any": len(ends),
            "any_yes": int(ends.sum()),
        }
        gained = int(of_scale.loc[(of_scale["before"] == 0) & (of_scale["after"] == 1), "n"].sum())
        row["few"] = _few(int(row["n"]), row["first_yes"], row["last_yes"], gained)
        row |= dict(
            zip(("share", "share_low", "share_high"), released_proportion(int(ends.sum()), len(ends)), strict=True)
        )
        rows.append(row)
    return pd.DataFrame(rows)


def _few(n: int, first_yes: int, last_yes: int, gained: int) -> str:
    """Why a change may not be shown: with the shares, its interval and test give back how many moved each way."""
    if n < MINIMUM:
        return FEW
    lost = first_yes + gained - last_yes
    return FEW_APART if min(gained, lost, first_yes - lost, n - first_yes - gained) < MINIMUM else ""


def status_entries(programme: Programme, statuses: tuple[Status, ...]) -> Iterator[Entry]:
    """The change and the share at the end of each, for the ledger."""
    for one in statuses:
        key = _key(programme, one)
        for row in one.table.to_dict("records"):
            words = f"{one.instrument.title}: {lower_first(row['title'])}"
            if row["n"]:
                few = row["few"]
                yield Entry(
                    outcome=f"{one.instrument.name}:{row['term']}",
                    measure="share_change",
                    title=f"{words}, change of the share",
                    estimate=row["estimate"],
                    conf_low=row["conf_low"],
                    conf_high=row["conf_high"],
                    p_value=row["p_value"],
                    unit="percentage points",
                    scale=100,
                    places=0,
                    shown="" if few else key,
                    withheld=few,
                )
            few = "" if share(row["any_yes"], row["n_any"]).endswith("%") else FEW
            yield Entry(
                outcome=f"{one.instrument.name}:{row['term']}",
                measure="share_at_last",
                title=f"{words}, at the last reading",
                estimate=row["share"],
                conf_low=row["share_low"],
                conf_high=row["share_high"],
                unit="per cent",
                scale=100,
                places=0,
                shown="" if few else key,
                withheld=few,
            )


def status_exhibits(programme: Programme, statuses: tuple[Status, ...]) -> list[Exhibit]:
    """For each yes-or-no outcome a statement, and the shares with their intervals."""
    exhibits: list[Exhibit] = []
    for one in statuses:
        key = _key(programme, one)
        exhibits += [Statement(f"{key}-said", _said(one, key)), _shown(one, key)]
    return exhibits


def _key(programme: Programme, one: Status) -> str:
    return f"{exhibit_key(programme.name)}-{exhibit_key(one.instrument.name)}-status"


def _said(one: Status, key: str) -> str:
    parts = [f"**{one.instrument.title}**, yes or no (@{key})."]
    for row in one.table.to_dict("records"):
        words = lower_first(row["title"])
        if row["n"] < MINIMUM_ANALYSED:
            parts.append(
                f"Fewer than {MINIMUM_ANALYSED} people have a first and a last reading of {words}, too few to say how"
                " the share changed."
            )
            continue
        if row["few"]:
            parts.append(f"How the share with a yes to {words} changed is not given: {row['few']}.")
            continue
        clear = "not a clear change either way"
        if row["p_value"] <= 1 - LEVEL:
            clear = f"clearly {'more' if row['estimate'] > 0 else 'fewer'} than at the first"
        moved = interval(row["estimate"], row["conf_low"], row["conf_high"], 0, scale=100)
        parts.append(
            f"Of those with both readings, {share(row['last_yes'], row['n'])} said yes to {words} at the last one:"
            f" {clear} ({moved} percentage points, 95% interval in brackets)."
        )
    return (
        " ".join(parts) + "\n\n**This is not the effect of the programme.** There is no comparison group, and those who"
        " do badly are less often asked a second time."
    )


def _shown(one: Status, key: str) -> Table:
    rows = []
    for row in one.table.to_dict("records"):
        told = not row["few"]
        at_last = share(row["any_yes"], row["n_any"])
        reach = f"{at_last} ({100 * row['share_low']:.0f}% to {100 * row['share_high']:.0f}%)"
        rows.append(
            {
                "Outcome": row["title"],
                "With a first reading": shown_count(int(row["n_first"])),
                "With both": shown_count(int(row["n"])),
                "Yes at the first": share(row["first_yes"], int(row["n"])),
                "Yes at the last": share(row["last_yes"], int(row["n"])),
                "Change (95% interval)": interval(row["estimate"], row["conf_low"], row["conf_high"], 0, scale=100)
                if told
                else NOT_KNOWN,
                "p": probability(row["p_value"]) if told else NOT_KNOWN,
                "Yes at the last, of all with a reading (95% interval)": reach if at_last.endswith("%") else NOT_KNOWN,
            }
        )
    return Table(
        key,
        f"{one.instrument.title}: yes at the first and at the last reading",
        pd.DataFrame(rows),
        "The change is in percentage points, of those with both readings, with Tango's interval and McNemar's exact"
        f" test. Shares are worked out from numbers rounded to the nearest five. A dash stands for {FEW}, or"
        " for a number that would give so few away: how many moved one way, or said the same twice.",
    )
