"""Every test and interval that a chapter computes, as entries of its ledger, with where each is shown."""

from __future__ import annotations

import math
from collections.abc import Iterator

from impact.cohort import Cohort, Programme
from impact.distance.pathways import Pathways
from impact.evidence import coarsen_curve, share
from impact.evidence.ledger import INTERACTION, Entry
from impact.report.analysis import Compared, NotPossible, Outcome, period
from impact.report.apart import UNLIKE, Apart
from impact.report.measured import Measured
from impact.report.outcomes import GROUPS
from impact.report.readings import MINIMUM, PATHWAY_TITLES, instrument_key
from impact.report.released import released_proportion
from impact.report.words import exhibit_key, interval, lower_first

FEW = f"fewer than {MINIMUM} people"
BESIDE = "made beside the t test, which is the one shown"
SO_FAR = "made beside the share met in time, which is the one shown"
FEW_EVENTS = "too few reoffences for a curve"


def entries(
    cohort: Cohort,
    compared: Compared | NotPossible,
    readings: tuple[Measured, ...],
    needs: Pathways | None,
    looked: tuple[Apart, ...],
) -> tuple[Entry, ...]:
    """Every test and interval of a chapter about what came after, in the order of its sections.

    The coefficients of the score model are none: they describe who took part, and no outcome is in them.
    """
    key = exhibit_key(cohort.programme.name)
    found = [entry for measured in readings for entry in _of_readings(cohort.programme, measured)]
    if needs is not None:
        found += _of_needs(needs, f"{key}-pathways")
    if isinstance(compared, Compared):
        found += _of_comparison(cohort, compared, key)
    return (*found, *(entry for one in looked for entry in _of_groups(one, f"{key}-subgroups")))


def _of_groups(one: Apart, key: str) -> Iterator[Entry]:
    """The result of each group that has one, and the test whether they differ."""
    if one.table is None or one.main is None:
        return
    main = one.main
    for row in one.table[one.table["refused"] == ""].to_dict("records"):
        yield Entry(
            outcome=main.name,
            measure=main.measure,
            title=f"{main.title}: {lower_first(one.title)}, {row['part']}",
            estimate=row["estimate"],
            conf_low=row["conf_low"],
            conf_high=row["conf_high"],
            p_value=row["p_value"],
            unit=main.unit,
            scale=main.scale,
            places=main.places,
            shown=key,
            subgroup=one.name,
            part=str(row["part"]),
        )
    if one.interaction is not None:
        yield Entry(
            outcome=main.name,
            measure=INTERACTION,
            title=f"{main.title}: does it differ by {lower_first(one.title)}?",
            estimate=one.interaction.statistic,
            p_value=one.interaction.p_value,
            unit="F",
            shown=key,
            subgroup=one.name,
        )


def _of_readings(programme: Programme, measured: Measured) -> Iterator[Entry]:
    key = f"{instrument_key(programme, measured.instrument)}-change"
    for row in measured.table.to_dict("records"):
        outcome = f"{measured.instrument.name}:{row['term']}"
        words = f"{measured.instrument.title}: {measured.titles[row['term']]}"
        few = "" if row["n"] >= MINIMUM else FEW
        if not math.isnan(row["conf_low"]):
            yield Entry(
                outcome=outcome,
                measure="mean_change",
                title=words,
                estimate=row["estimate"],
                conf_low=row["conf_low"],
                conf_high=row["conf_high"],
                p_value=row["p_value"],
                unit="points",
                shown="" if few else key,
                withheld=few,
            )
        if not math.isnan(row["signed_rank_p"]):
            yield Entry(
                outcome=outcome,
                measure="signed_rank",
                title=words,
                estimate=row["signed_rank"],
                p_value=row["signed_rank_p"],
                withheld=few or BESIDE,
            )


def _of_needs(needs: Pathways, key: str) -> Iterator[Entry]:
    for row in needs.tidy().to_dict("records"):
        words = lower_first(PATHWAY_TITLES[row["term"]])
        few = "" if share(int(row["n_events"]), int(row["n"])).endswith("%") else FEW
        if row["n"]:
            yield Entry(
                outcome=row["term"],
                measure="share_met",
                title=f"Needs met within six months: {words}",
                estimate=row["estimate"],
                conf_low=row["conf_low"],
                conf_high=row["conf_high"],
                unit="per cent",
                scale=100,
                places=0,
                shown="" if few else key,
                withheld=few,
                printed=""
                if few
                else interval(*released_proportion(int(row["n_events"]), int(row["n"])), 0, scale=100),
            )
        if row["needs"]:
            yield Entry(
                outcome=row["term"],
                measure="share_met_so_far",
                title=f"Needs met so far: {words}",
                estimate=row["share_met"],
                conf_low=row["share_low"],
                conf_high=row["share_high"],
                withheld=SO_FAR,
            )


def _of_comparison(cohort: Cohort, compared: Compared, key: str) -> Iterator[Entry]:
    unlike = "" if compared.comparable else UNLIKE
    for head, outcomes in (("risk", compared.risk), ("reoffending", compared.reoffending)):
        yield from (_of_outcome(outcome, f"{key}-{head}", unlike) for outcome in outcomes)
    if compared.hazard is not None:
        row = compared.hazard.tidy(exponentiate=True).iloc[0]
        yield Entry(
            outcome="first_reoffence",
            measure="hazard_ratio",
            title="First reoffence, day by day",
            estimate=float(row["estimate"]),
            conf_low=float(row["conf_low"]),
            conf_high=float(row["conf_high"]),
            p_value=float(row["p_value"]),
            unit="ratio of rates",
            places=2,
            shown="" if unlike else f"{key}-reoffending-said",
            withheld=unlike,
        )
    exact = compared.curves.tidy()
    drawn = coarsen_curve(exact).table
    for group, name in ((1, "took_part"), (0, "comparison")):
        held = drawn[drawn["group"] == group]
        withheld = unlike or ("" if len(held) else FEW_EVENTS)
        last = (held if len(held) else exact[exact["group"] == group]).iloc[-1]
        yield Entry(
            outcome=f"first_reoffence:{name}",
            measure="share_by_then",
            title=f"With a first reoffence within {period(cohort.follow_up)}: {lower_first(GROUPS[group])}",
            estimate=1 - float(last["estimate"]),
            conf_low=1 - float(last["conf_high"]),
            conf_high=1 - float(last["conf_low"]),
            unit="per cent",
            scale=100,
            places=0,
            shown="" if withheld else f"{key}-curves",
            withheld=withheld,
        )


def _of_outcome(outcome: Outcome, key: str, withheld: str) -> Entry:
    effect = outcome.effect
    return Entry(
        outcome=outcome.name,
        measure="risk_difference" if outcome.is_share else "mean_difference",
        title=outcome.title,
        estimate=effect.estimate,
        conf_low=effect.conf_low,
        conf_high=effect.conf_high,
        p_value=effect.p_value,
        unit=outcome.unit,
        scale=outcome.scale,
        places=0 if outcome.scale == 100 else 1,
        shown="" if withheld else key,
        withheld=withheld,
    )
