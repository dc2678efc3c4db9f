"""Reporting standards filled from what a chapter knows of its own run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from impact.errors import InputError
from impact.evidence import shown_count
from impact.evidence.reporting import STANDARDS, Checklist, fill_checklist
from impact.records import Linked
from impact.records.building.store import linkage_of
from impact.report.analysis import Compared
from impact.report.exhibits import Attachment, Exhibit, Statement, Table
from impact.report.naming import KEY
from impact.report.words import covariate_title, exhibit_key, listing, long_date, lower_first, sentence

if TYPE_CHECKING:
    from impact.report.chapter import Chapter

SEE = re.compile(rf"See ({KEY})\.")
ITEMS = "reporting"
"""The file of every item beside a chapter, by the end of its name."""


def reporting_checklist(chapter: Chapter | Mapping[str, str], *, standard: str = "RECORD") -> Checklist:
    """A reporting standard's items, filled from what a run knows; the others are blank.

    Parameters
    ----------
    chapter : Chapter or mapping of str to str
        A chapter, or facts in words by the names that `impact/evidence/standards` uses.
    standard : {"RECORD", "STROBE", "TREND", "TIDieR", "EMMIE"}
        RECORD extends STROBE: report both.

    Returns
    -------
    Checklist

    Raises
    ------
    InputError
        Where the standard is none of these, or there is neither a chapter nor facts.

    Examples
    --------
    >>> reporting_checklist({"name": "Mentoring"}, standard="TIDieR").counts()["blank"]
    11
    """
    if isinstance(chapter, Mapping):
        return fill_checklist(chapter, standard)
    if not hasattr(chapter, "ledger"):
        raise InputError(f"chapter must be a chapter or facts by name, not {type(chapter).__name__}.")
    return fill_checklist(facts(chapter), standard)


def facts(chapter: Chapter) -> dict[str, str]:
    """What a chapter knows of its own run, in words, by the names that the standards use."""
    programme, key = chapter.programme, exhibit_key(chapter.programme.name)
    found = {
        "name": sentence(programme.title),
        "provider": sentence(programme.provider),
        "purpose": sentence(programme.purpose),
        "logic": _see(key, "logic"),
        "activities": sentence("; ".join(programme.logic_model.activities)) if programme.logic_model.activities else "",
        "length": sentence(programme.expected_length),
        "eligibility": sentence(programme.eligibility.note),
        "routes": sentence(programme.routes_note),
        "records": f"Linked records of programmes, probation, prisons, courts and police, complete to"
        f" {long_date(chapter.linked.complete_to)}.",
        "linkage": _linkage(chapter.linked),
        "linked": f"How many were found in the records: {_see(key, 'flow')}",
        "cleaning": "Records that break the table contract are refused whole; nothing is mended.",
        "dates": f"Dates of referral: {_see(key, 'came')}",
        "outcomes": f"Primary: {'; '.join(programme.primary)}. Secondary: {'; '.join(programme.secondary) or 'none'}.",
        "flow": _see(key, "flow"),
        "lost": _see(key, "lost"),
        "kept": _see(key, "kept"),
        "profile": _see(key, "profile"),
        "attended": f"How many started and completed: {_see(key, 'came')}",
        "ledger": _see(key, "ledger"),
        "verdict": _see(key, "said"),
        "cautions": _see(key, "said"),
        "software": "The Python library impact.",
        "plan": f"Plan with the SHA-256 {chapter.plan.digest}." if chapter.plan else "",
        "departures": _see(key, "departures" if chapter.departures else "plan") if chapter.plan else "",
        "instruments": " ".join(
            sentence(f"{one.instrument.title}, {one.instrument.low:g} to {one.instrument.high:g}")
            for one in chapter.readings
        ),
    }
    if chapter.spent is not None:
        found["cost"] = f"In {chapter.spent.price_year} prices: {_see(key, 'cost')}"
    if chapter.worth is not None:
        found["worth"] = f"The cost of crime avoided, with its interval: {_see(key, 'cost')}"
    if any(one.table is not None for one in chapter.apart):
        found["subgroups"] = (
            "Groups named in the plan, worked out as for everyone, with a test whether they differ where the method has"
            f" one: {_see(key, 'subgroups')}"
        )
    return {
        name: text
        for name, text in (found | _of_comparison(chapter, key)).items()
        if text and chapter.keys.issuperset(SEE.findall(text))
    }


def _linkage(linked: Linked) -> str:
    """How the store's people were linked, as the store says that was built here; empty where it says nothing."""
    held = linkage_of(linked.path)
    if held is None:
        return ""
    how = "the people of one source are taken to have the same number in another"
    if held.threshold is not None:
        how = f"by rules and then a probability of {held.threshold:g} or more"
    steps = "; ".join(f"{step}: {shown_count(n)}" for step, n in held.steps)
    return f"Of persons, {how}. {sentence(steps)}"


def _of_comparison(chapter: Chapter, key: str) -> dict[str, str]:
    """What is known only where two groups are compared."""
    compared, cohort = chapter.comparison, chapter.cohort
    if not isinstance(compared, Compared):
        return {}
    found = {
        "design": f"{'Randomised' if compared.design.estimand == 'ATE' else 'Matched'} comparison of linked records;"
        f" estimand: {compared.design.estimand}.",
        "matching": sentence(compared.design.method),
        "time_zero": sentence(cohort.programme.time_zero.reason),
        "follow_up": f"Everyone is followed for {cohort.follow_up}, and {cohort.waiting} more for proof.",
        "outcome_rules": "A proven reoffence by the library's versioned rules, committed and proven in those days.",
        "covariates": sentence(listing([lower_first(covariate_title(name)) for name in compared.design.covariates])),
        "numbers": _see(key, "flow"),
        "balance": _see(key, "balance"),
        "methods": "Differences with errors clustered by matched set; a Cox model; curves with pointwise intervals.",
        "missing": "People with an incomplete record before are left out of the comparison, and counted:"
        f" {_see(key, 'lost')}",
        "intention": "Everyone accepted counts as having taken part, whether or not they started.",
    }
    if compared.comparable:
        found |= {"effect": _see(key, "reoffending"), "curves": _see(key, "curves")}
    return found


def _see(key: str, name: str) -> str:
    """Where it is; a fact whose exhibit the chapter does not have is not known."""
    return f"See {key}-{name}."


def checklist_exhibits(chapter: Chapter) -> list[Exhibit]:
    """How far each standard is filled, and the file of every item."""
    key = exhibit_key(chapter.programme.name)
    known = facts(chapter)
    filled = [fill_checklist(known, name) for name in STANDARDS]
    rows = [
        {
            "Standard": made.standard,
            **{f"Items {status}": f"{count} of {len(made.table)}" for status, count in made.counts().items()},
            "Source": made.citation,
        }
        for made in filled
    ]
    said = (
        f"@{key}-standards counts the items of five reporting standards of which this run says something. A blank item"
        " is one that nobody but the authors can fill: it is not met. Every item, and where it is reported, stands in"
        f" the file {chapter.programme.name}_{ITEMS}.csv beside this chapter."
    )
    return [
        Statement(f"{key}-standards-said", said),
        Table(f"{key}-standards", "How far reporting standards are filled", pd.DataFrame(rows)),
        Attachment(f"{key}-standards-items", ITEMS, _items(filled)),
    ]


def _items(filled: list[Checklist]) -> pd.DataFrame:
    """Every item of every standard, its status, and where it is reported."""
    parts = [made.tidy().assign(standard=made.standard) for made in filled]
    table = pd.concat(parts, ignore_index=True).rename(columns={"said": "reported"})
    named = [SEE.sub(r"See @\1.", text) for text in table["reported"]]
    return table.assign(reported=named)[["standard", "number", "section", "item", "status", "reported"]]
