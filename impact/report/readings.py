"""Pre and post interviews, and pathways progress: what changed between readings, and which needs were met."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from impact.cohort import Programme
from impact.cohort.programme import Instrument
from impact.distance.change import Change
from impact.distance.pathways import Pathways
from impact.evidence import default_rules, protected_shares, safe_mean, share, shown_count
from impact.report import style
from impact.report.analysis import MINIMUM_ANALYSED
from impact.report.exhibits import Exhibit, Figure, Section, Statement, Table
from impact.report.measured import Measured, own_instruments
from impact.report.released import released_proportion
from impact.report.statuses import Status, status_exhibits
from impact.report.words import decimal, exhibit_key, interval, listing, lower_first, probability, title

MINIMUM = default_rules().minimum
HIDDEN = "–"
FEW_WITHOUT = f"not shown (fewer than {MINIMUM} without)"
DASH = f"A dash stands for fewer than {MINIMUM} people."
PATHWAY_TITLES = {
    "accommodation": "Accommodation",
    "education_training_employment": "Education, training and employment",
    "health": "Health",
    "drugs_alcohol": "Drugs and alcohol",
    "finance_benefit_debt": "Finance, benefit and debt",
    "children_families": "Children and families",
    "attitudes_thinking_behaviour": "Attitudes, thinking and behaviour",
}


def interviews(programme: Programme, measured: tuple[Measured, ...], statuses: tuple[Status, ...]) -> Section:
    """Change between first and last reading on each instrument of the programme, with who has no second reading."""
    exhibits: list[Exhibit] = []
    for one in measured:
        exhibits += _instrument(programme, one)
    exhibits += status_exhibits(programme, statuses)
    return Section("", tuple(exhibits) or (_nothing(programme),))


def _nothing(programme: Programme) -> Statement:
    names = listing([instrument.title for instrument in own_instruments(programme)]) or "an outcome measure"
    return Statement(
        f"{exhibit_key(programme.name)}-interviews",
        "**The records hold no readings before and after, so nothing can be said of distance travelled.** What is"
        f" needed: {names}, asked of everyone at the start and again at a set time, those who leave early included.",
    )


def instrument_key(programme: Programme, instrument: Instrument) -> str:
    """How the exhibits of an instrument's readings begin."""
    return f"{exhibit_key(programme.name)}-{exhibit_key(instrument.name)}"


def _instrument(programme: Programme, measured: Measured) -> list[Exhibit]:
    instrument, titles, table = measured.instrument, measured.titles, measured.table
    key = instrument_key(programme, instrument)
    shown = table[table["n"] >= MINIMUM]
    exhibits: list[Exhibit] = [Statement(f"{key}-change-said", _said(instrument, table, titles, key))]
    if len(shown):
        exhibits.append(_figure(measured.change, shown, instrument, titles, key))
    exhibits += [make(table, instrument, titles, key) for make in (_change_table, _direction_table, _missing_table)]
    return exhibits


def _said(instrument: Instrument, table: pd.DataFrame, titles: dict[str, str], key: str) -> str:
    shown = table[table["n"] >= MINIMUM]
    direction = "Higher is better" if instrument.better == "higher" else "Lower is better"
    span = f"{decimal(instrument.low, 0)} to {decimal(instrument.high, 0)}"
    scale = f"**{instrument.title}** (readings from {span}. {direction}.) "
    if shown.empty:
        return (
            f"{scale}Fewer than {MINIMUM} people have two readings, too few to show a change. What is needed: a second"
            " reading of everyone who has a first."
        )
    first, both = int(table["n_first"].max()), int(table["n"].max())
    text = f"{scale}{share(both, first)} of the people with a first reading also have a later one (@{key}-missing). "
    judged = shown[shown["n"] >= MINIMUM_ANALYSED]
    if judged.empty:
        text += (
            f"Fewer than {MINIMUM_ANALYSED} people have both: enough to show what their readings were (@{key}-change),"
            " too few to say how people changed on average."
        )
    elif len(titles) == 1:
        row = judged.iloc[0]
        moved = interval(row["estimate"], row["conf_low"], row["conf_high"])
        text += (
            f"Among them the mean moved by {moved} points (95% interval in brackets; @{key}-change):"
            f" {_one_way(row, instrument)}."
        )
    else:
        text += f"Among them {_areas(judged, instrument, titles)} (@{key}-change)."
    return text + (
        "\n\n**This is not the effect of the programme.** People tend to join when things are at their worst, and low"
        " readings rise by themselves; people who do badly are less often asked a second time. Without a comparison"
        " group these cannot be told apart from what the programme did."
    )


def _one_way(row: pd.Series, instrument: Instrument) -> str:
    if not row["p_holm"] <= 0.05:
        return "not a clear change either way"
    better = (row["estimate"] > 0) == (instrument.better == "higher")
    return f"clearly {'better' if better else 'worse'} at the last reading than at the first"


def _areas(judged: pd.DataFrame, instrument: Instrument, titles: dict[str, str]) -> str:
    clear = judged["p_holm"] <= 0.05
    up = (judged["estimate"] > 0) == (instrument.better == "higher")
    parts = []
    for word, which in (("better", clear & up), ("worse", clear & ~up)):
        names = [lower_first(titles[name]) for name in judged.loc[which, "term"]]
        if names:
            parts.append(f"clearly {word} on {len(names)} of {len(judged)} areas ({listing(names)})")
    return f"readings were {listing(parts)}" if parts else f"none of {len(judged)} areas changed clearly"


def _figure(result: Change, shown: pd.DataFrame, instrument: Instrument, titles: dict[str, str], key: str) -> Figure:
    drawn = shown.assign(term=[titles[name] for name in shown["term"]])
    with style.style():
        canvas, ax = style.blank(height=1.5 + 0.36 * len(drawn))
        replace(result, table=drawn).plot(ax)
        ax.set_yticks(np.arange(len(drawn))[::-1], drawn["term"])
        ax.set_xlim(instrument.low, instrument.high)
        ax.get_legend().remove()
        canvas.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
        ax.set_xlabel(f"{instrument.title}: mean reading")
        ax.set_ylabel("")
        up = int((drawn["estimate"] > 0).sum())
        total = len(drawn)
        alt = (
            f"Mean readings before and after: {decimal(drawn['mean_before'].iloc[0])} before and"
            f" {decimal(drawn['mean_after'].iloc[0])} after."
            if total == 1
            else f"Mean readings before and after on {total} areas: higher after than before on {up} of them."
        )
        numbers = {
            row["term"]: {"Before": decimal(row["mean_before"]), "After": decimal(row["mean_after"])}
            for row in drawn.to_dict("records")
        }
        return Figure.of(f"{key}-change-figure", f"{instrument.title}: first and last reading", alt, canvas, numbers)


def _change_table(table: pd.DataFrame, instrument: Instrument, titles: dict[str, str], key: str) -> Table:
    rows = []
    for row in table.to_dict("records"):
        n = int(row["n"])
        cells = {"Area": titles[row["term"]], "People with both": shown_count(n)}
        names = ("Before", "After", "Change (95% interval)", "p", "p (Holm)")
        shown = (
            safe_mean(row["mean_before"], n),
            safe_mean(row["mean_after"], n),
            interval(row["estimate"], row["conf_low"], row["conf_high"]),
            probability(row["p_value"]),
            probability(row["p_holm"]),
        )
        rows.append(cells | dict(zip(names, shown if n >= MINIMUM else (HIDDEN,) * len(names), strict=True)))
    several = len(titles) > 1
    return Table(
        f"{key}-change",
        f"{instrument.title}: change from first to last reading",
        pd.DataFrame(rows) if several else pd.DataFrame(rows).drop(columns="p (Holm)"),
        f"{DASH} p (Holm) allows for several areas having been tested." if several else DASH,
    )


def _direction_table(table: pd.DataFrame, instrument: Instrument, titles: dict[str, str], key: str) -> Table:
    ways = ("improved", "unchanged", "declined")
    moved = pd.DataFrame(table[list(ways)].to_numpy(dtype=int).T, index=ways, columns=table["term"])
    shares = protected_shares(moved)
    rows = [
        {"Area": titles[name], **{title(way): _or_dash(str(shares.loc[way, name])) for way in ways}}
        for name in table["term"]
    ]
    return Table(
        f"{key}-direction",
        f"{instrument.title}: who moved which way between first and last reading",
        pd.DataFrame(rows),
        f"Any change at all counts, however small. {DASH[:-1]}, or for a number that would give such a one away.",
    )


def _or_dash(text: str) -> str:
    return HIDDEN if text.startswith("not shown") else text


def _missing_table(table: pd.DataFrame, instrument: Instrument, titles: dict[str, str], key: str) -> Table:
    rows = []
    for row in table.to_dict("records"):
        first, both, alone = int(row["n_first"]), int(row["n"]), int(row["n_first_only"])
        rows.append(
            {
                "Area": titles[row["term"]],
                "With a first reading": shown_count(first),
                "Of them with a later one": _or_dash(share(both, first)),
                "First reading of those with a later one": _or_dash(safe_mean(row["mean_before"], both)),
                "First reading of those without": _or_dash(safe_mean(row["mean_before_missing"], alone)),
                "Change if those without had not changed": _carried_forward(row["estimate"], first, both, alone),
            }
        )
    return Table(
        f"{key}-missing",
        f"{instrument.title}: who has no second reading, and what it could mean",
        pd.DataFrame(rows),
        f"{DASH} The last column is the change of those with both readings, times the share who have both, of the"
        f" rounded numbers; where fewer than {MINIMUM} have no second reading it is not shown, because it would tell"
        " how many.",
    )


def _carried_forward(change: float, first: int, both: int, alone: int) -> str:
    """The change of everyone had those without a second reading not changed, from the numbers that are shown.

    Divided by the change of those with both readings it is the share who have both: exact numbers would be given back.
    """
    rules = default_rules()
    if both < rules.minimum:
        return HIDDEN
    if alone < rules.minimum:
        return FEW_WITHOUT
    return decimal(change * rules.rounded(both) / rules.rounded(first))


def pathways_progress(programme: Programme, needs: Pathways | None) -> Section:
    """Needs identified and met on the seven pathways."""
    key = exhibit_key(programme.name)
    works_on = listing([lower_first(PATHWAY_TITLES[name]) for name in programme.pathways])
    if needs is None:
        text = (
            "**The records hold no needs on the seven resettlement pathways, so pathways progress cannot be shown.**"
            " What is needed: for each person, each need, the day it was identified and the day it was met."
        )
        if works_on:
            text += f" The programme says that it works on {works_on}."
        return Section("", (Statement(f"{key}-pathways-said", text),))
    table = needs.tidy()
    rows = []
    for row in table.to_dict("records"):
        n = int(row["n"])
        met_share = _or_dash(share(int(row["n_events"]), n))
        _, low, high = released_proportion(int(row["n_events"]), n)
        rows.append(
            {
                "Pathway": PATHWAY_TITLES[row["term"]],
                "People with a need": shown_count(int(row["people"])),
                "Needs": shown_count(int(row["needs"])),
                "Met within six months": met_share,
                "95% interval": f"{decimal(100 * low, 0)}% to {decimal(100 * high, 0)}%"
                if met_share.endswith("%")
                else "–",
            }
        )
    can_be_shown = [share(int(row["n_events"]), int(row["n"])).endswith("%") for row in table.to_dict("records")]
    met = table[can_be_shown]
    text = f"The programme works on {works_on}. " if works_on else ""
    if len(met):
        most = met.sort_values(["estimate", "term"]).iloc[-1]
        least = met.sort_values(["estimate", "term"]).iloc[0]
        text += (
            f"Needs were met within six months most often on {lower_first(PATHWAY_TITLES[most['term']])}"
            f" ({share(int(most['n_events']), int(most['n']))})"
        )
        if len(met) > 1:
            text += (
                f" and least often on {lower_first(PATHWAY_TITLES[least['term']])}"
                f" ({share(int(least['n_events']), int(least['n']))})"
            )
        text += f" (@{key}-pathways). "
    text += (
        "The shares are of needs that could be watched for six months. They say what was recorded as met, not what"
        " would have happened without the programme."
    )
    return Section(
        "",
        (
            Statement(f"{key}-pathways-said", text),
            Table(
                f"{key}-pathways",
                "Needs identified and met on the seven pathways",
                pd.DataFrame(rows),
                f"Shares and intervals are worked out from the rounded numbers. {DASH}",
            ),
        ),
    )
