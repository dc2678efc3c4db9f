"""The end of a chapter: what can be said, what cannot, and the stories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from impact.cohort import Cohort, Programme
from impact.cohort.programme import Instrument
from impact.evidence import Finding, Verdict
from impact.records import Linked
from impact.report.analysis import MINIMUM_ANALYSED, Compared, NotPossible, period
from impact.report.exhibits import Section, Statement
from impact.report.measured import Measured, is_status, own_instruments
from impact.report.statuses import Status
from impact.report.words import exhibit_key

TOOK_PART = "“Took part” means accepted by the programme, whether or not the person then started."


def findings(
    cohort: Cohort, compared: Compared | NotPossible, measured: tuple[Measured, ...], statuses: tuple[Status, ...]
) -> tuple[Finding, ...]:
    """What a chapter found, its main finding first: on reoffending, then on each reading before and after."""
    found = [_on_reoffending(cohort, compared)] if cohort.programme.reoffending else []
    tables = {one.instrument.name: one.table for one in measured} | {one.instrument.name: one.table for one in statuses}
    for instrument in own_instruments(cohort.programme):
        if len(instrument.scales) == 1:
            found.append(_on_change(cohort, instrument, tables.get(instrument.name)))
    return tuple(found) or (Finding(programme=cohort.programme.title, design="none", n_treated=_accepted(cohort)),)


def _accepted(cohort: Cohort) -> int:
    return int(cohort.flow.set_index("step")["treated"]["accepted"])


def _on_reoffending(cohort: Cohort, compared: Compared | NotPossible) -> Finding:
    outcome = f"a proven reoffence within {period(cohort.follow_up)}"
    plan, title = cohort.programme.comparison, cohort.programme.title
    design = {"none": "none", "randomised": "randomised"}.get(plan.kind, "matched")
    if isinstance(compared, NotPossible):
        return Finding(
            programme=title,
            design=design,
            outcome=outcome,
            n_treated=_accepted(cohort),
            n_analysed=compared.n_treated,
            n_comparison=compared.n_comparison,
            minimum_analysed=MINIMUM_ANALYSED,
        )
    effect = compared.reoffending[0].effect
    return Finding(
        programme=title,
        design=design,
        outcome=outcome,
        n_treated=_accepted(cohort),
        n_analysed=effect.n_treated,
        n_comparison=compared.design.effective_n["comparison"],
        estimate=effect.estimate,
        conf_low=effect.conf_low,
        conf_high=effect.conf_high,
        p_value=effect.p_value,
        rate_treated=effect.mean_treated,
        rate_comparison=effect.mean_comparison,
        worst_smd=compared.worst_smd,
        minimum_analysed=MINIMUM_ANALYSED,
    )


def _on_change(cohort: Cohort, instrument: Instrument, table: pd.DataFrame | None) -> Finding:
    programme = cohort.programme
    outcome, scale = f"the mean reading ({instrument.title})", 1
    if is_status(instrument):
        outcome, scale = f"the per cent of people with a yes ({instrument.title})", 100
    if table is None or table.empty:
        return Finding(programme=programme.title, design="none", outcome=outcome, n_treated=_accepted(cohort))
    row = table.iloc[0]
    if row.get("few"):
        return Finding(
            programme=programme.title,
            design="before_after",
            outcome=outcome,
            n_treated=int(row["n_first"]),
            n_analysed=int(row["n"]),
        )
    return Finding(
        programme=programme.title,
        design="before_after",
        outcome=outcome,
        n_treated=int(row["n_first"]),
        n_analysed=int(row["n"]),
        estimate=scale * float(row["estimate"]),
        conf_low=scale * float(row["conf_low"]),
        conf_high=scale * float(row["conf_high"]),
        p_value=float(row["p_value"]),
    )


def what_can_be_said(cohort: Cohort, verdicts: tuple[Verdict, ...]) -> Section:
    """Each verdict: the headline, what can be said, what cannot, the cautions, and what would tell more."""
    key = exhibit_key(cohort.programme.name)
    exhibits = [
        Statement(f"{key}-said" if number == 1 else f"{key}-said-{number}", _text(found, cohort, number))
        for number, found in enumerate(verdicts, start=1)
    ]
    if not cohort.programme.reoffending:
        text = (
            "**Risk management and re-offending are not looked at in this chapter.**"
            f" {cohort.programme.reoffending_reason}"
        )
        exhibits.append(Statement(f"{key}-not-an-outcome", text))
    return Section("", tuple(exhibits))


def _text(found: Verdict, cohort: Cohort, number: int) -> str:
    parts = [f"**{found.headline}** {found.maryland}"]
    on_reoffending = cohort.programme.reoffending and number == 1
    for heading, sentences in (
        ("You can say", found.can_say),
        ("You cannot say", found.cannot_say),
        ("Keep in mind", ((TOOK_PART,) if on_reoffending else ()) + found.caveats),
        ("To learn more", found.needed),
    ):
        if sentences:
            parts.append("\n".join([f"**{heading}**", "", *(f"- {sentence}" for sentence in sentences)]))
    parts += [f"*{source}*" for source in found.sources]
    return "\n\n".join(parts)


def stories(programme: Programme, linked: Linked) -> Section:
    """Stories whose tellers agreed to publication, by quarter."""
    table = linked.table("story")
    table = table[(table["programme"] == programme.name) & table["consent"]].sort_values(["quarter", "text"])
    key = f"{exhibit_key(programme.name)}-stories"
    if table.empty:
        text = (
            "**No stories that may be published are in the records.** What is needed: a few sentences each quarter,"
            " with nothing that identifies anyone, and the teller's consent."
        )
        return Section("", (Statement(key, text),))
    return Section("", (Statement(key, "\n\n".join(_story(row) for row in table.to_dict("records"))),))


def _story(row: Mapping[Any, Any]) -> str:
    year, quarter = str(row["quarter"]).split("-Q")
    names = {"1": "January to March", "2": "April to June", "3": "July to September", "4": "October to December"}
    text = str(row["text"]).strip().replace("\n", " ")
    return f"> {text}\n>\n> *{names[quarter]} {year}*"
