"""Planned subgroups as a chapter shows them: each result, the test whether they differ, and what may be said."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from math import nan

import pandas as pd

from impact.cohort import Cohort
from impact.comparison.subgroup import FEWEST
from impact.errors import DisclosureError
from impact.evidence import protect
from impact.evidence.claims import Verdict
from impact.evidence.subgroup_claims import SubgroupFinding, subgroup_verdict
from impact.report.analysis import MINIMUM_ANALYSED, Compared, NotPossible
from impact.report.apart import Apart, holm
from impact.report.exhibits import Exhibit, Statement, Table
from impact.report.words import NOT_KNOWN, exhibit_key, interval, listing, lower_first, probability, sentence

REST, ALL = "in none of these groups", "all"
TOOK_PART, COMPARISON = "Took part", "Comparison"
DIFFER = "do they differ?"


def subgroup_exhibits(
    cohort: Cohort, compared: Compared | NotPossible, looked: tuple[Apart, ...]
) -> tuple[Exhibit, ...]:
    """What came of each planned grouping; nothing where none could be looked at, which is a departure from the plan."""
    if not any(one.table is not None for one in looked):
        return ()
    key = exhibit_key(cohort.programme.name)
    said = [_how(looked, key)]
    for one, judged in zip(looked, subgroup_verdicts(cohort, compared, looked), strict=True):
        said.append(f"**By {lower_first(one.title)}.** {_text(one, judged)}")
    return Statement(f"{key}-subgroups-said", "\n\n".join(said)), _table(looked, key)


def subgroup_verdicts(
    cohort: Cohort, compared: Compared | NotPossible, looked: tuple[Apart, ...]
) -> tuple[Verdict, ...]:
    """What may be said of each planned grouping."""
    _, tests = holm(looked)
    kind = cohort.programme.comparison.kind
    found = []
    for one, p_value in zip(looked, tests, strict=True):
        of_readings = one.main is not None and one.main.measure == "mean_change"
        found.append(
            subgroup_verdict(
                SubgroupFinding(
                    programme=cohort.programme.title,
                    outcome="" if one.main is None else lower_first(one.main.title),
                    by=lower_first(one.title),
                    design="before_after" if of_readings or kind == "none" else {"pool": "matched"}.get(kind, kind),
                    planned=True,
                    groups=0 if one.table is None else len(one.table),
                    estimated=one.estimated,
                    p_value=p_value,
                    tests=sum(other.interaction is not None for other in looked),
                    worst_smd=compared.worst_smd if isinstance(compared, Compared) else nan,
                    minimum_analysed=MINIMUM_ANALYSED if of_readings else FEWEST,
                )
            )
        )
    return tuple(found)


def _how(looked: tuple[Apart, ...], key: str) -> str:
    names = listing([lower_first(one.title) for one in looked])
    effects = _many(sum(one.estimated for one in looked), "such result")
    tests = _many(sum(one.interaction is not None for one in looked), "test")
    return (
        f"The plan names groups in which the main outcome is looked at apart: by {names} (@{key}-subgroups). Each is"
        " worked out as for everyone, and given only where there are enough people who are alike inside the group. In"
        f" all {effects} and {tests} whether groups differ could be made; p (Holm) allows for all of them. Only such a"
        " test says whether groups differ: that one result is clear and another is not does not."
    )


def _many(count: int, thing: str) -> str:
    return f"{count or 'no'} {thing}{'' if count == 1 else 's'}"


def _text(one: Apart, judged: Verdict) -> str:
    if one.why:
        return sentence(f"not looked at: {lower_first(one.why)}")
    parts = [judged.headline, *judged.can_say, *(f"*You cannot say* {text}" for text in judged.cannot_say)]
    return " ".join(parts)


def _table(looked: tuple[Apart, ...], key: str) -> Table:
    rows: list[dict[str, str]] = []
    adjusted, tests = holm(looked)
    for one, of_groups, of_test in zip(looked, adjusted, tests, strict=True):
        if one.table is None or one.main is None:
            continue
        counts = _counts(one)
        for row, p_holm in zip(one.table.to_dict("records"), of_groups, strict=True):
            told = interval(row["estimate"], row["conf_low"], row["conf_high"], one.main.places, scale=one.main.scale)
            told = f"not given: {row['refused']}" if row["refused"] else told
            rows.append(_row(one, str(row["part"]), counts[str(row["part"])], told, row["p_value"], p_holm))
        rows.append(_row(one, REST, counts[REST], NOT_KNOWN, nan, nan))
        if one.interaction is not None:
            nobody = {TOOK_PART: NOT_KNOWN, COMPARISON: NOT_KNOWN}
            rows.append(_row(one, DIFFER, nobody, NOT_KNOWN, one.interaction.p_value, of_test))
    main = next(one.main for one in looked if one.main is not None)
    frame = pd.DataFrame(rows)
    return Table(
        f"{key}-subgroups",
        f"{main.title}: groups looked at apart, as planned (differences in {main.unit})",
        frame.drop(columns=COMPARISON) if (frame[COMPARISON] == NOT_KNOWN).all() else frame,
        "Numbers of people are rounded to the nearest five. A dash stands for nothing to show, or for a number that"
        " would give a small one away. No level is given of a part, since a small group could be worked out from it. p"
        " (Holm) allows for every result of a group in this table; of the tests whether groups differ, for every one.",
    )


def _row(one: Apart, part: str, counts: Mapping[str, str], told: str, p: float, p_holm: float) -> dict[str, str]:
    return {
        "Group": f"{one.title}: {part}",
        TOOK_PART: counts[TOOK_PART],
        COMPARISON: counts[COMPARISON],
        "Difference (95% interval)": told,
        "p": probability(p),
        "p (Holm)": probability(p_holm),
    }


def _counts(one: Apart) -> dict[str, dict[str, str]]:
    """How many people each group has, as may be shown beside how many there are in all; dashes where none may be."""
    assert one.table is not None
    names = [str(part) for part in one.table["part"]]
    shown = {part: {TOOK_PART: NOT_KNOWN, COMPARISON: NOT_KNOWN} for part in (*names, REST)}
    counted = {}
    for side, column, whole in zip(shown[REST], ("n_treated", "n_comparison"), one.whole, strict=True):
        parts = one.table[column].tolist()
        if whole:
            counted[side] = [*parts, whole - sum(parts), whole]
    with suppress(DisclosureError):
        safe = protect(pd.DataFrame(counted, index=[*names, REST, ALL]), total_row=ALL).table
        for part, told in shown.items():
            told |= {side: str(safe.at[part, side]) for side in counted}
    return shown
