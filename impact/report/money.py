"""What a programme cost and whether it pays, as a chapter shows it; or which figure is missing."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan

import pandas as pd

from impact.cohort import Programme
from impact.errors import Fault, InputError
from impact.evidence import default_rules
from impact.evidence.claims import Verdict
from impact.evidence.cost_claims import VALUED, CostFinding, cost_verdict
from impact.evidence.economics import Value, pounds, shown, value
from impact.evidence.programme_cost import MADE_UP, ProgrammeCost
from impact.evidence.synthesis import chance_in_words
from impact.report.analysis import Compared, NotPossible, Outcome, holm
from impact.report.apart import UNLIKE
from impact.report.exhibits import Exhibit, Section, Statement, Table
from impact.report.words import NOT_KNOWN, exhibit_key, lower_first, title

NO_COST = "no file with its cost was given"
WANTED = (
    "What it cost in pounds, for how many participants, in prices of which year and by whose account, in a cost file."
)
NO_OFFENCES = "the cost file names no mix of offences, so what one offence costs is not known"
WANTED_OFFENCES = "The share of each kind of offence, in the table [offences] of the cost file."


def worth_of(cost: ProgrammeCost | None, compared: Compared | NotPossible) -> Value | None:
    """What the difference in proven reoffences is worth beside the cost; None where either is missing.

    Numbers of people are taken as rounded, so that a cost for each tells no more of them than they do.
    """
    outcome = _offences(compared)
    if cost is None or cost.offence is None or outcome is None:
        return None
    base = default_rules()
    return value(
        replace(outcome.effect, notes=()),  # Its notes count people exactly.
        unit_cost=cost.offence,
        programme_cost=cost.amount,
        participants=base.rounded(cost.participants),
        price_year=cost.price_year,
    )


def check_cost(cost: ProgrammeCost, programme: Programme, *, synthetic: bool) -> None:
    """Refuse a cost that is another programme's, or a made-up one beside real records.

    Raises
    ------
    InputError
        Where the cost file is of no use to this chapter.
    """
    faults = []
    if cost.programme != programme.name:
        faults.append(Fault(f"is {cost.programme!r}, and the chapter is on {programme.name!r}", column="programme"))
    if cost.evidence == MADE_UP and not synthetic:
        faults.append(
            Fault(
                "is made up",
                column="evidence",
                why="a made-up cost must not stand beside the records of real people.",
                remedy="give the cost from the programme's accounts, or no cost file.",
            )
        )
    if faults:
        raise InputError("The cost cannot be used in this chapter:", faults)


def cost_section(
    programme: Programme,
    cost: ProgrammeCost | None,
    compared: Compared | NotPossible,
    worth: Value | None,
    *,
    synthetic: bool,
) -> Section:
    """What can be said of the cost, and the figures; or which figure is missing."""
    key = exhibit_key(programme.name)
    judged = cost_judged(programme, cost, compared, worth, synthetic=synthetic)
    parts = [f"**{judged.headline}**"]
    for heading, sentences in (
        ("You can say", judged.can_say),
        ("You cannot say", judged.cannot_say),
        ("Keep in mind", judged.caveats),
        ("To learn more", judged.needed),
    ):
        if sentences:
            parts.append("\n".join([f"**{heading}**", "", *(f"- {sentence}" for sentence in sentences)]))
    exhibits: list[Exhibit] = [Statement(f"{key}-cost-said", "\n\n".join(parts))]
    if cost is not None:
        exhibits.append(_table(cost, worth if judged.status in VALUED else None, key, synthetic=synthetic))
    return Section("", tuple(exhibits))


def cost_judged(
    programme: Programme,
    cost: ProgrammeCost | None,
    compared: Compared | NotPossible,
    worth: Value | None,
    *,
    synthetic: bool,
) -> Verdict:
    """What may be said of the cost."""
    missing, wanted = _missing(cost, compared)
    kind = programme.comparison.kind
    return cost_verdict(
        CostFinding(
            programme=programme.title,
            design={"none": "none", "randomised": "randomised"}.get(kind, "matched"),
            reoffending=programme.reoffending,
            worst_smd=compared.worst_smd if isinstance(compared, Compared) else nan,
            cost=nan if cost is None else cost.amount / default_rules().rounded(cost.participants),
            price_year="" if cost is None else cost.price_year,
            value=worth,
            p_value=_p_of_offences(compared),
            missing=missing,
            wanted=wanted,
            made_up=synthetic or (cost is not None and cost.evidence == MADE_UP),
        )
    )


def _missing(cost: ProgrammeCost | None, compared: Compared | NotPossible) -> tuple[str, str]:
    """Which figure is missing first, and what it would take."""
    if cost is None:
        return NO_COST, WANTED
    if isinstance(compared, NotPossible):
        return lower_first(compared.reason.rstrip(".")), compared.needed
    if not compared.comparable:
        return UNLIKE, "A fair comparison of those who took part with others."
    if cost.offence is None:
        return NO_OFFENCES, WANTED_OFFENCES
    why = next((one.why for one in compared.not_compared if one.name == "reoffences"), "")
    return why, "Proven reoffences that some people have and some do not, in both groups." if why else ""


def _offences(compared: Compared | NotPossible) -> Outcome | None:
    if isinstance(compared, NotPossible) or not compared.comparable:
        return None
    return next((one for one in compared.reoffending if one.name == "reoffences"), None)


def _p_of_offences(compared: Compared | NotPossible) -> float:
    """Holm's p-value of the difference in reoffences, among the outcomes that stand beside it."""
    if isinstance(compared, NotPossible):
        return nan
    adjusted = holm(compared.reoffending)
    return next((p for one, p in zip(compared.reoffending, adjusted, strict=True) if one.name == "reoffences"), nan)


def _table(cost: ProgrammeCost, worth: Value | None, key: str, *, synthetic: bool) -> Table:
    base = default_rules()
    each = cost.amount / base.rounded(cost.participants)
    rows = [_row("Cost of the programme per participant", pounds(each))]
    if cost.completers is None:
        rows.append(
            _row("Cost of the programme per completer", "not known: the cost file does not say how many completed")
        )
    elif cost.completers < base.minimum:
        rows.append(_row("Cost of the programme per completer", f"not shown (fewer than {base.minimum} people)"))
    else:
        rows.append(_row("Cost of the programme per completer", pounds(cost.amount / base.rounded(cost.completers))))
    if cost.offence is not None:
        rows.append(_row("Cost of one proven offence of this mix", pounds(cost.offence.amount)))
    if worth is not None:
        for row in worth.table.to_dict("records"):
            if row["term"].startswith("cost of the programme"):
                continue
            reach = (
                NOT_KNOWN
                if isnan(row["conf_low"])
                else f"{shown(row['conf_low'], row['unit'])} to {shown(row['conf_high'], row['unit'])}"
            )
            rows.append(_row(title(row["term"]), shown(row["estimate"], row["unit"]), reach))
        rows.append(_row("Chance that it avoided more than it cost", chance_in_words(worth.probability)))
    sources = [f"Cost of the programme: {cost.source} ({cost.evidence}), in {cost.price_year} prices."]
    if cost.offence is not None:
        parts = cost.offence.parts
        of_offences = "; ".join(
            dict.fromkeys(f"{one['source']} ({one['evidence']})" for one in parts.to_dict("records"))
        )
        mix = ", ".join(f"{one['offence']} {100 * one['share']:.0f}%" for one in parts.to_dict("records"))
        sources += [f"Cost of an offence: {of_offences}. Mix: {mix}.", *cost.offence.notes]
    if synthetic:
        sources.insert(0, "The records are made up, so nothing here is the cost or the value of a real programme.")
    sources.append("Costs for each person are worked out from numbers of people rounded to the nearest five.")
    return Table(
        f"{key}-cost",
        "What it cost, and what the difference in offences is worth" if worth is not None else "What it cost",
        pd.DataFrame(rows),
        " ".join(sources),
    )


def _row(what: str, amount: str, reach: str = NOT_KNOWN) -> dict[str, str]:
    return {"Quantity": what, "Estimate": amount, "95% interval": reach}
