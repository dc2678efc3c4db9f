"""For the record: the plan beside what was done, and every test and interval that the chapter computed."""

from __future__ import annotations

import pandas as pd

from impact.cohort import Cohort
from impact.evidence.claims import BALANCE_LIMIT
from impact.evidence.ledger import IN_WORDS, Entry, Ledger
from impact.evidence.plan import Departure, Plan, Setting, departures
from impact.report.analysis import (
    MINIMUM_ANALYSED,
    MINIMUM_REOFFENDERS,
    Compared,
    NotPossible,
)
from impact.report.apart import Apart
from impact.report.exhibits import Exhibit, Statement, Table
from impact.report.readings import PATHWAY_TITLES
from impact.report.words import exhibit_key, interval, probability, title

NO_MODEL = "the model could not be fitted"
ON_GROUPS = {
    "reoffended": "Reoffended",
    "reoffences": "Reoffences",
    "custody_for_reoffence": "Given custody for a reoffence",
    "days_to_first": "Days to first reoffence",
    "needs_change": "Change in needs assessed by probation",
    "recalled": "Recalled to prison",
    "contacts_after": "Police contacts as a suspect",
    "first_reoffence": "First reoffence, day by day",
    "first_reoffence:took_part": "With a first reoffence: took part",
    "first_reoffence:comparison": "With a first reoffence: comparison",
}
"""What is computed of two groups, as a plan names it, and in words."""
LEVEL = 0.95
UNPLANNED = (
    "**No plan was written before the outcomes were joined.** Nothing below was planned, so a clear result may be one"
    " that was found by looking at many."
)


def departed(
    cohort: Cohort, compared: Compared | NotPossible, looked: tuple[Apart, ...], found: tuple[Entry, ...], plan: Plan
) -> tuple[Departure, ...]:
    """What was done that was not planned, planned and not done, or done otherwise."""
    why = {
        "mean_change": "too few readings before and after are on record",
        "share_change": "no first and last reading of it is on record",
        "share_at_last": "no reading of it is on record",
        "share_met": "no needs that could be watched for six months are on record",
    }
    if isinstance(compared, NotPossible):
        why |= dict.fromkeys(ON_GROUPS, compared.reason)
    else:
        why |= {one.name: one.why for one in compared.not_compared}
        if compared.hazard is None:
            why["first_reoffence"] = NO_MODEL
    why |= {one.name: one.why for one in looked}
    computed = {(entry.outcome, entry.measure) for entry in found if not entry.subgroup}
    apart = {one.name for one in looked if not one.why}
    return departures(plan, computed, _settings(cohort, compared), apart=apart, why_not=why)


def _settings(cohort: Cohort, compared: Compared | NotPossible) -> dict[str, Setting]:
    """How the chapter was made, by the names of a plan's settings."""
    how = cohort.programme.comparison
    comparison: dict[str, Setting | None] = {"kind": how.kind}
    if how.kind != "none":
        comparison["covariates"] = compared.design.covariates if isinstance(compared, Compared) else how.covariates
    if how.kind == "pool":
        comparison |= {name: getattr(how, name) for name in ("exact", "method", "on", "ratio", "replace")}
        comparison |= {name: getattr(how, name) for name in ("caliper", "radius")}
    return {
        "follow_up.time_zero": cohort.time_zero,
        "follow_up.length": str(cohort.follow_up),
        "follow_up.waiting": str(cohort.waiting),
        **{f"comparison.{name}": value for name, value in comparison.items() if value is not None},
        "thresholds.level": LEVEL,
        "thresholds.standardised_difference": BALANCE_LIMIT,
        "thresholds.people_compared": MINIMUM_ANALYSED,
        "thresholds.reoffenders": MINIMUM_REOFFENDERS,
    }


def plan_exhibits(cohort: Cohort, ledger: Ledger, found: tuple[Departure, ...]) -> list[Exhibit]:
    """The plan by its hash, and every departure from it."""
    key, plan = exhibit_key(cohort.programme.name), ledger.plan
    if plan is None:
        return [Statement(f"{key}-plan-said", UNPLANNED)]
    planned = sum(len(names) for names in plan.outcomes.values())
    of_all = [entry for entry in ledger.entries if not entry.subgroup]
    kept = sum(ledger.planned(entry) for entry in of_all)
    rows = [
        ("File", f"{plan.programme}.toml"),
        ("SHA-256 of its content", " ".join(plan.digest[at : at + 16] for at in range(0, 64, 16))),
        ("Main outcome", _named(ledger, plan.main)),
        ("Results planned", str(planned)),
        ("Of them computed", str(kept)),
        ("Computed, not planned", str(len(of_all) - kept)),
        ("Groups to be looked at apart", ", ".join(plan.subgroups) or "none"),
    ]
    table = Table(
        f"{key}-plan",
        "The plan, and how far it was kept",
        pd.DataFrame(rows, columns=["The plan", "In this chapter"]),
        "The hash is of the plan's content, not its layout: the same plan gives the same hash, any other plan another.",
    )
    departs = (
        f"@{key}-departures lists everything in which this chapter departs from it."
        if found
        else "Nothing in this chapter departs from it."
    )
    said = f"This chapter is held against a plan of what was to be computed, and how (@{key}-plan). {plan.notes[0]}"
    exhibits: list[Exhibit] = [Statement(f"{key}-plan-said", f"{said} {departs}"), table]
    return [*exhibits, _departures(ledger, found, f"{key}-departures")] if found else exhibits


def _named(ledger: Ledger, outcome: str, measure: str = "") -> str:
    """An outcome in words: as the ledger calls it by this measure, or else as the records are spoken of."""
    exact = {(entry.outcome, entry.measure): entry.title for entry in ledger.entries}
    others = {entry.outcome: entry.title for entry in reversed(ledger.entries)} | PATHWAY_TITLES | ON_GROUPS
    return exact.get((outcome, measure)) or others.get(outcome) or title(outcome.replace(":", ": "))


def _departures(ledger: Ledger, found: tuple[Departure, ...], key: str) -> Table:
    """The departures, those of one kind for one reason in one row."""
    held = {(entry.outcome, entry.measure): entry for entry in ledger.entries}
    rows: dict[tuple[str, str, str], list[Departure]] = {}
    for one in found:
        done, apart = one.done, one.name if one.kind == "setting differs" else ""
        if one.kind == "run, not planned":
            entry = held[one.name, one.measure]
            done = f"shown in @{entry.shown}" if entry.shown else f"not shown: {entry.withheld}"
            apart = "" if entry.shown else one.measure
        rows.setdefault((one.kind, apart, done), []).append(one)
    frame = pd.DataFrame(
        [
            {"What": _what(ledger, group, apart), "Departure": kind, "What was done, or why not": _spaced(done)}
            for (kind, apart, done), group in rows.items()
        ]
    )
    return Table(key, "Where what was done departs from the plan", frame)


def _what(ledger: Ledger, group: list[Departure], measure: str) -> str:
    """What a row of departures is about: a setting as planned, or results by name; those not shown by measure."""
    first = group[0]
    if first.kind == "setting differs":
        return _spaced(f"{title(first.name.rpartition('.')[2])}: {first.planned}")
    if measure:
        return f"{title(IN_WORDS[measure])} ({len(group)})"
    named = [
        f"Groups by {one.name}" if one.measure == "subgroup" else _named(ledger, one.name, one.measure) for one in group
    ]
    return "; ".join(dict.fromkeys(named))


def _spaced(text: str) -> str:
    """Names from the data as words; references to exhibits stay as they are."""
    return text if "@" in text else text.replace("_", " ")


def ledger_exhibits(cohort: Cohort, ledger: Ledger) -> list[Exhibit]:
    """Every test and interval in one table, then what was computed and is not shown."""
    key = exhibit_key(cohort.programme.name)
    if not ledger.entries:
        text = "No test and no interval was computed in this chapter."
        return [Statement(f"{key}-ledger-said", text)]
    table = ledger.tidy()
    shown = [(entry, row) for entry, row in zip(ledger.entries, table.to_dict("records"), strict=True) if entry.shown]
    tests = int(table["p_value"].notna().sum())
    exhibits: list[Exhibit] = [Statement(f"{key}-ledger-said", _ledger_said(ledger, len(shown), tests, key))]
    if shown:
        rows = [
            {
                "Result": entry.title if entry.unit in entry.title else f"{entry.title} ({entry.unit})",
                "Estimate (95% interval)": entry.printed
                or interval(entry.estimate, entry.conf_low, entry.conf_high, entry.places, scale=entry.scale),
                **{
                    head: probability(row[name]).replace("under", "<")
                    for head, name in (("p", "p_value"), ("p (Holm)", "p_holm"), ("p (BH)", "p_bh"))
                },
                "Planned": "yes" if row["planned"] else "no",
                "Shown in": f"@{entry.shown}",
            }
            for entry, row in shown
        ]
        note = "A dash stands for an interval without a test."
        if tests > 1:
            note += (
                f" p (Holm) and p (BH, Benjamini and Hochberg) allow for all {tests} tests of the chapter, where a"
                " table above allows for its own alone. The main outcome is judged by its own p."
            )
        exhibits.append(Table(f"{key}-ledger", "Every test and interval of this chapter", pd.DataFrame(rows), note))
    return exhibits


def _ledger_said(ledger: Ledger, shown: int, tests: int, key: str) -> str:
    table = ledger.tidy()
    text = f"{len(ledger.entries)} tests and intervals were computed for this chapter"
    text += f"; {shown} are shown (@{key}-ledger)." if shown else "; none is shown."
    if tests > 1:
        raw, left = (int((table[name] <= 1 - LEVEL).sum()) for name in ("p_value", "p_holm"))
        text += (
            f" Where many tests are made, some are under 0.05 by chance alone. Of the {tests} tests shown,"
            f" {raw or 'none'} {'is' if raw < 2 else 'are'} at 0.05 or under as they stand, and {left or 'none'} after"
            " Holm's adjustment for all of them."
        )
    hidden: dict[tuple[str, str], int] = {}
    for entry in ledger.entries:
        if entry.withheld:
            what = (IN_WORDS[entry.measure], entry.withheld)
            hidden[what] = hidden.get(what, 0) + 1
    if hidden:
        lines = [f"- {title(measure)} ({count}): {why}." for (measure, why), count in hidden.items()]
        text += "\n\nComputed and not shown:\n\n" + "\n".join(lines)
    return text
