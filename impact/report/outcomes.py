"""Risk management and re-offending: the matched comparison, how good it is, and what came out of it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from impact.cohort import Cohort
from impact.evidence import coarsen_curve, default_rules, rate, safe_mean, shown_count
from impact.report import style
from impact.report.analysis import (
    ALIKE,
    FEW_APART,
    FEW_KNOWN,
    MINIMUM_REOFFENDERS,
    Compared,
    NotPossible,
    Outcome,
    holm,
)
from impact.report.exhibits import Exhibit, Figure, Section, Statement, Table
from impact.report.released import released_means
from impact.report.words import (
    NOT_KNOWN,
    covariate_title,
    decimal,
    exhibit_key,
    interval,
    listing,
    lower_first,
    probability,
    sentence,
)

_UNLIKE = (
    "**Nothing can be said of {head}.** The people who could be compared are too unlike those who took part"
    " (@{key}-balance), so no outcome is shown. *What would be needed:* more people to compare with, or more records"
    " of what the groups differ in."
)
TOOK_PART, COMPARISON = "Took part", "Comparison"
GROUPS = {1: TOOK_PART, 0: COMPARISON}


def risk_management(cohort: Cohort, compared: Compared | NotPossible) -> Section:
    """Assessed need, recall and police contact, with the comparison group beside them."""
    key = exhibit_key(cohort.programme.name)
    if isinstance(compared, NotPossible):
        return Section("", (Statement(f"{key}-risk-said", _cannot(compared, "risk management")),))
    if not compared.comparable:
        return Section("", (Statement(f"{key}-risk-said", _UNLIKE.format(head="risk management", key=key)),))
    if not compared.risk:
        few = any(one.why == FEW_APART for one in compared.not_compared)
        text = (
            "**The records hold too little on assessed need, recall or police contact after these people's index date"
            " for a number that does not tell what a few people did, so risk management cannot be shown.** What is"
            " needed: a larger group, or one followed for longer."
            if few
            else "**The records hold nothing on assessed need, recall or police contact after these people's index"
            " date, so risk management cannot be shown.** What is needed: a second assessment by probation, and recalls"
            " to custody."
        )
        return Section("", (Statement(f"{key}-risk-said", text),))
    text = (
        f"These are the same people, in the same comparison, as under re-offending (@{key}-balance says how alike the"
        f" two groups are). {_findings(compared.risk)} See @{key}-risk."
    )
    table = _effects(
        compared.risk, f"{key}-risk", "Risk management: those who took part and similar people who did not"
    )
    return Section("", (Statement(f"{key}-risk-said", text), table))


def reoffending(cohort: Cohort, compared: Compared | NotPossible) -> Section:
    """How the comparison was made, how alike the groups are, and how much reoffending there was in each."""
    key = exhibit_key(cohort.programme.name)
    if isinstance(compared, NotPossible):
        return Section("", (Statement(f"{key}-reoffending-said", _cannot(compared, "re-offending")),))
    exhibits: list[Exhibit] = [
        Statement(f"{key}-comparison-said", _how(cohort, compared, key)),
        _balance_table(compared, key),
        *_love_plot(compared, key),
    ]
    if not compared.comparable:
        unlike = Statement(f"{key}-reoffending-said", _UNLIKE.format(head="re-offending", key=key))
        return Section("", (*exhibits, unlike))
    exhibits += [
        Statement(f"{key}-reoffending-said", _result(cohort, compared, key)),
        _effects(
            compared.reoffending,
            f"{key}-reoffending",
            "Re-offending: those who took part and similar people who did not",
        ),
        _curves(cohort, compared, key),
    ]
    return Section("", tuple(exhibits))


def _cannot(compared: NotPossible, head: str) -> str:
    needed = f"*What would be needed:* {sentence(compared.needed)}"
    return f"**Nothing can be said of {head}.** {sentence(compared.reason)} {needed}"


def _how(cohort: Cohort, compared: Compared, key: str) -> str:
    plan, design = cohort.programme.comparison, compared.design
    names = listing([lower_first(covariate_title(name)) for name in design.covariates])
    if plan.kind == "randomised":
        made = (
            f"Who was offered the programme was decided by lot, so the two groups, {_size(compared)}, differ only by"
            f" chance. Their balance is shown on {names}."
        )
    else:
        made = (
            f"{_size(compared)} are compared. The comparison is with {lower_first(sentence(plan.reason))} The two"
            f" groups are matched on what was on record before: {names}."
        )
    words = {
        "release": "their release from custody",
        "referral": "the day they were accepted (or released, if later); comparison people from a day as long after"
        " their own release or sentence",
        "sentence": "the start of their sentence",
        "screening": "their screening",
        "start": "the day they started (or were released, if later); comparison people from a day as long after their"
        " own release or sentence",
    }
    return (
        f"{made} Everyone is followed from {words[cohort.time_zero]}, for {cohort.follow_up}; a reoffence counts"
        f" if it was committed in those days and proven in them or in {cohort.waiting} more. The groups were"
        f" fixed before any outcome was looked at. {_quality(compared, key)}{_elsewhere(compared)}"
    )


def _elsewhere(compared: Compared) -> str:
    if not compared.elsewhere:
        return ""
    number = shown_count(compared.elsewhere)
    return (
        f" {number[:1].upper()}{number[1:]} of those who took part were also in another programme by the end of their"
        " follow-up; what the one did cannot be told apart from what the other did."
    )


def _size(compared: Compared) -> str:
    return (
        f"{shown_count(compared.n_treated)} people who took part and {shown_count(compared.n_comparison)} comparison"
        " people"
    )


def _quality(compared: Compared, key: str) -> str:
    worst = 100 * compared.worst_smd
    if compared.design.estimand == "ATE":
        left = f"{decimal(worst, 0)} in a hundred (@{key}-balance)"
        return f"The largest standardised difference that chance left is {left}."
    verdict = (
        "The groups are well matched"
        if worst <= 5
        else "The groups are reasonably well matched"
        if worst <= 10
        else "**The groups are not well matched**"
    )
    return (
        f"{verdict}: the largest standardised difference is {decimal(worst, 0)} in a hundred (@{key}-balance; up to 5"
        " is called well matched here, up to 10 reasonably well, more than that poorly)."
    )


def _balance_table(compared: Compared, key: str) -> Table:
    table = compared.balance.tidy()
    before = table[table["sample"] == "all"].set_index("term")
    last = table[table["sample"] == table["sample"].iloc[-1]].set_index("term")
    means = released_means(compared.design, last)
    randomised = table["sample"].nunique() == 1
    now = "Difference now" if not randomised else "Difference"
    rows = []
    for term in before.index:
        row = {"On record before": covariate_title(term), TOOK_PART: means[term][0], COMPARISON: means[term][1]}
        numbers = _differences_shown(term, means)
        if not randomised:
            row["Difference before matching"] = decimal(100 * before.loc[term, "smd"], 0) if numbers else NOT_KNOWN
        row[now] = decimal(100 * last.loc[term, "smd"], 0) if numbers else NOT_KNOWN
        row["Match"] = str(last.loc[term, "quality"])
        rows.append(row)
    note = (
        "Means in the groups compared (shares for kinds). Differences are standardised, in hundredths of a standard"
        " deviation."
    )
    if not all(_differences_shown(term, means) for term in before.index):
        note += (
            " Shares are worked out from rounded numbers, and the difference between them is given by the last column"
            " alone: its number would give the exact shares back. Dashes stand for what all but fewer than"
            f" {default_rules().minimum} people of a group have in common."
        )
    return Table(f"{key}-balance", "How alike the groups are", pd.DataFrame(rows), note)


def _differences_shown(term: str, means: Mapping[str, tuple[str, str]]) -> bool:
    """Whether a term's standardised difference is printed: not of shares, nor of what is not shown."""
    return all(text != NOT_KNOWN and text[-1].isdigit() for text in means[term])


def _love_plot(compared: Compared, key: str) -> list[Figure]:
    """The differences that the table of balance prints, drawn; nothing where it prints none."""
    table = compared.balance.tidy()
    means = released_means(compared.design, table[table["sample"] == table["sample"].iloc[-1]].set_index("term"))
    table = table[[_differences_shown(term, means) for term in table["term"]]]
    if table.empty:
        return []
    drawn = table.assign(term=[covariate_title(term) for term in table["term"]])
    samples = list(dict.fromkeys(drawn["sample"]))
    names = {"all": "Before matching", "matched": "After matching"}
    if len(samples) == 1:
        names["all"] = "Everyone"
    terms = list(dict.fromkeys(drawn["term"]))
    with style.style():
        canvas, ax = style.blank(height=1.4 + 0.28 * len(terms))
        place = {term: where for where, term in enumerate(reversed(terms))}
        for sample, marker, face in zip(samples, style.MARKERS, ("white", style.COLOURS[0]), strict=False):
            part = drawn[drawn["sample"] == sample]
            heights = [place[term] for term in part["term"]]
            ax.plot(
                100 * part["smd"].abs(),
                heights,
                marker,
                markerfacecolor=face if len(samples) > 1 else style.COLOURS[0],
                markeredgecolor=style.COLOURS[0],
                linestyle="none",
                label=names[sample],
            )
        ax.axvline(10, color=style.GREY, linestyle="--", linewidth=1, label="10 (limit)")
        ax.set_yticks(list(place.values()), list(place))
        ax.set_xlim(left=0)
        ax.set_xlabel("Standardised difference, in hundredths of a standard deviation")
        canvas.legend(loc="outside upper center", ncols=3)
        worst = {sample: float(drawn.loc[drawn["sample"] == sample, "smd"].abs().max()) for sample in samples}
        alt = "The largest difference between the groups " + (
            f"falls from {decimal(100 * worst[samples[0]], 0)} to {decimal(100 * worst[samples[1]], 0)} hundredths"
            " with matching."
            if len(samples) > 1 and worst[samples[1]] < worst[samples[0]]
            else f"is {decimal(100 * worst[samples[-1]], 0)} hundredths of a standard deviation."
        )
        numbers = {
            term: {
                names[row["sample"]]: decimal(100 * abs(row["smd"]), 0)
                for row in drawn[drawn["term"] == term].to_dict("records")
            }
            for term in terms
        }
        return [Figure.of(f"{key}-love-plot", "Differences between the groups", alt, canvas, numbers)]


def _findings(outcomes: tuple[Outcome, ...], *, main: bool = False) -> str:
    """What is clear: by p after Holm's adjustment; where the first outcome is the main one, that by its own p."""
    judged = holm(outcomes)
    if main:
        judged[0] = outcomes[0].effect.p_value
    clear = [outcome for outcome, p in zip(outcomes, judged, strict=True) if p <= 0.05]
    if not clear:
        return (
            "No clear difference was found between the groups on any of these measures, which is not the same as"
            " showing that there is none: the intervals say how large a difference could be."
        )
    parts = [outcome.more if outcome.effect.estimate > 0 else outcome.fewer for outcome in clear]
    more = " On the other measures no clear difference was found." if len(clear) < len(outcomes) else ""
    return f"Of those who took part, {listing(parts)} than of similar people who did not.{more}"


def _effects(outcomes: tuple[Outcome, ...], key: str, caption: str) -> Table:
    rows = []
    for outcome, adjusted in zip(outcomes, holm(outcomes), strict=True):
        effect = outcome.effect
        places = 0 if outcome.scale == 100 else 1
        rows.append(
            {
                "Measure": outcome.title,
                TOOK_PART: _level(outcome, effect.mean_treated, effect.n_treated),
                COMPARISON: _level(outcome, effect.mean_comparison, effect.n_comparison),
                "Difference (95% interval)": interval(
                    effect.estimate, effect.conf_low, effect.conf_high, places, scale=outcome.scale
                ),
                "Unit": outcome.unit,
                "p": probability(effect.p_value),
                "p (Holm)": probability(adjusted),
            }
        )
    return Table(
        key,
        caption,
        pd.DataFrame(rows),
        "The comparison column is weighted to stand for people like those who took part. Differences are taken before"
        " rounding, so parts may not seem to add up. p (Holm) allows for several measures having been tested; the"
        " first measure under re-offending is the main one and is judged by its own p.",
    )


def _level(outcome: Outcome, value: float, n: int) -> str:
    if outcome.is_share:
        return rate(min(max(value, 0.0), 1.0), n)
    return safe_mean(outcome.scale * value, n, digits=0 if outcome.scale == 100 else 1)


def _result(cohort: Cohort, compared: Compared, key: str) -> str:
    found = _findings(compared.reoffending, main=True)
    text = f"{found} See @{key}-reoffending; @{key}-curves shows when reoffending happened."
    if compared.hazard is not None:
        row = compared.hazard.tidy(exponentiate=True).iloc[0]
        text += (
            " Day by day over the follow-up, those who took part had a first reoffence at"
            f" {decimal(float(row['estimate']), 2)} times the rate of the comparison group (95% interval"
            f" {decimal(float(row['conf_low']), 2)} to {decimal(float(row['conf_high']), 2)}; 1 would be the same"
            " rate)."
        )
    for why in (ALIKE, FEW_KNOWN, FEW_APART):
        if titles := [lower_first(one.title) for one in compared.not_compared if one.why == why]:
            text += f" Not compared, because {why}: {'; '.join(titles)}."
    if compared.reoffenders < MINIMUM_REOFFENDERS:
        text += (
            f" Time to first reoffence is not compared: fewer than {MINIMUM_REOFFENDERS} of those who took part"
            " reoffended, too few for an average that can be relied on."
        )
    return text


def _curves(cohort: Cohort, compared: Compared, key: str) -> Figure:
    curve = coarsen_curve(compared.curves.tidy()).table
    groups = [value for value in (1, 0) if value in set(curve["group"])]
    with style.style():
        canvas, ax = style.blank(height=3.6)
        numbers: dict[str, dict[str, str]] = {}
        for group, colour, line, mark, beside in zip(
            groups, style.COLOURS, style.LINES, ("o", "s"), (-0.06, 0.06), strict=False
        ):
            part = curve[curve["group"] == group]
            months = part["time"].to_numpy() / 30
            reoffended = 100 * (1 - part["estimate"].to_numpy())
            high, low = (100 * (1 - part[name].fillna(part["estimate"])) for name in ("conf_low", "conf_high"))
            ax.plot(months + beside, reoffended, color=colour, linestyle=line, marker=mark, label=GROUPS[group])
            ax.vlines(months + beside, low, high, color=colour, linewidth=1)
            numbers[GROUPS[group]] = {
                f"month {int(month)}": f"{decimal(float(value), 0)}%"
                for month, value in zip(months, reoffended, strict=True)
            }
        ax.set_xlabel("Months (of 30 days) followed")
        ax.set_ylabel("Reoffended so far, per cent")
        ax.set_ylim(bottom=0)
        ax.set_xlim(left=-0.2)
        ax.legend(loc="upper left")
        ends = {group: list(numbers[GROUPS[group]].items())[-1] for group in groups}
        alt = "The share who have reoffended rises with time; it is known at the marks only. " + " ".join(
            f"{GROUPS[group]}: {value} by {when}." for group, (when, value) in ends.items()
        )
        return Figure.of(
            f"{key}-curves",
            "Share with a first proven reoffence, counted at the marks (95% intervals); lines between are guides",
            alt,
            canvas,
            numbers,
        )
