"""The first sections of a chapter: what the programme is, and who came, from referred to analysed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from impact.cohort import Cohort, Programme
from impact.comparison import Attrition, attrition
from impact.design import Design
from impact.evidence import default_rules, protected_shares
from impact.records import Linked
from impact.report import style
from impact.report.analysis import Compared, NotPossible
from impact.report.exhibits import Exhibit, Figure, Section, Statement, Table
from impact.report.released import WITHHELD, few_apart, released_flow
from impact.report.words import (
    covariate_title,
    decimal,
    exhibit_key,
    listing,
    lower_first,
    mean_of,
    month,
    sentence,
    title,
)

NOT_KNOWN, DASH = "not known", "–"
AGES = ((0, 9), (10, 17), (18, 20), (21, 24), (25, 29), (30, 39), (40, 120))
STEP_WORDS = {
    "referred": "Referred",
    "accepted": "Accepted",
    "linked": "Found in records of courts, prisons or police",
    "index event": "With a release or sentence to follow from",
    "eligible": "In the age and sex served",
    "alive and at liberty": "Alive and in the community on that day",
    "follow-up complete": "Followed to the end",
    "started": "Started",
    "completed": "Completed",
    "second reading": "With a second reading",
    "given to the comparison": "With a complete record before",
    "on common support": "With somebody like them",
    "analysed": "Compared",
}


def about(programme: Programme) -> Section:
    """What the programme is and how it is meant to work, from its definition file."""
    who = programme.eligibility
    ages = {
        (True, True): f"aged {who.age_low} to {who.age_high}",
        (True, False): f"aged {who.age_low} and over",
        (False, True): f"aged up to {who.age_high}",
        (False, False): "of any age",
    }[(who.age_low is not None, who.age_high is not None)]
    sexes = {"male": "men", "female": "women"}
    people = listing([sexes.get(sex, "people") for sex in who.sex], "or") if who.sex else "people"
    text = [
        sentence(programme.purpose),
        f"\n\n**Who it is for.** {people.capitalize()} {ages}{' with a conviction' if who.convicted else ''}."
        f" {sentence(who.note)}",
        f"\n\n**Routes in.** {sentence(listing([lower_first(title(route)) for route in programme.routes]))}"
        f" {sentence(programme.routes_note)}",
        f"\n\n**How long.** {sentence(programme.expected_length)}",
        f"\n\n**What the sources do not say.** {' '.join(sentence(item) for item in programme.unknown)}"
        if programme.unknown
        else "",
        f"\n\n*Sources: {'; '.join(programme.sources)}.*",
    ]
    model = programme.logic_model
    rows = [
        (name, "; ".join(items) or "not stated")
        for name, items in (
            ("What goes in", model.inputs),
            ("What is done", model.activities),
            ("What comes of it", model.outputs),
            ("What changes", model.outcomes),
            ("What it is for", model.impact),
        )
    ]
    return Section(
        "",
        (
            Statement(f"{exhibit_key(programme.name)}-about", "".join(text)),
            Table(
                f"{exhibit_key(programme.name)}-logic",
                f"How it is meant to work: {programme.title}",
                pd.DataFrame(rows, columns=["Step", "In this programme"]),
            ),
        ),
    )


def who_came(cohort: Cohort, linked: Linked, compared: Compared | NotPossible) -> Section:
    """The flow from referred to analysed with reasons, and the profile of those accepted."""
    key = exhibit_key(cohort.programme.name)
    design = compared.design if isinstance(compared, Compared) else None
    found = attrition(cohort, design)
    arms = {"Took part": "treated", **({"Comparison": "comparison"} if _has_comparison(cohort) else {})}
    shown = {title: released_flow(found.flow, found.left, arm) for title, arm in arms.items()}
    at = dict(zip(found.flow["step"], shown["Took part"][0], strict=True))
    exhibits: list[Exhibit] = [
        Statement(f"{key}-came", _came(cohort, linked, at, key)),
        *_flow_figure(cohort.programme, at),
        _flow_table(cohort.programme, at, {title: steps for title, (steps, _) in shown.items()}),
        *([_lost_table(cohort, found, {title: lost for title, (_, lost) in shown.items()})] if len(found.left) else []),
        _kept_and_lost(found, _few_apart(cohort, design), key),
        _profile(cohort),
    ]
    return Section("", tuple(exhibits))


def _has_comparison(cohort: Cohort) -> bool:
    return bool(cohort.flow["comparison"].max() > 0)


def _came(cohort: Cohort, linked: Linked, at: Mapping[str, str], key: str) -> str:
    referral = linked.table("referral")
    referred_on = referral.loc[referral["programme"] == cohort.programme.name, "referred_on"]
    started = int(cohort.data.loc[cohort.data["treated"] == 1, "started"].sum())
    text = sentence(
        f"{_people(at['referred'])} were referred {_between(referred_on)}, and {_number(at['accepted'])} were accepted."
    )
    if _has_comparison(cohort):
        indexed = int((cohort.data["treated"] == 1).sum())
        last = "analysed" if "analysed" in at else "follow-up complete"
        shares = protected_shares(pd.DataFrame({"people": [started, indexed - started]}))["people"].tolist()
        began = f", of whom {shares[0]} are recorded as having started" if not shares[0].startswith("not") else ""
        text += " " + sentence(
            f"{_number(at['alive and at liberty'])} of them could be followed from {_zero(cohort)}{began}"
        )
        text += " " + sentence(f"{_number(at[last])} reach the comparison of reoffending (@{key}-flow)")
        text += (
            " **Everyone accepted is counted as having taken part, whether or not they started**: to count only those"
            " who started or finished would be to choose those who were doing well."
        )
    else:
        text += f" @{key}-flow shows how many started, completed and were asked a second time."
    return text + " Numbers of people are rounded to the nearest five, and numbers under ten are not shown."


def _number(shown: str) -> str:
    return "a number not shown here" if shown == WITHHELD else shown


def _people(shown: str) -> str:
    return "A number of people not shown here" if shown == WITHHELD else f"{shown} people"


def _between(days: pd.Series) -> str:
    first, last = month(days.min()), month(days.max())
    return f"in {first}" if first == last else f"between {first} and {last}"


def _zero(cohort: Cohort) -> str:
    return {
        "release": "their release",
        "referral": "the day they were accepted (or released, if later)",
        "sentence": "the start of their sentence",
        "screening": "their screening",
        "start": "the day they started (or were released, if later)",
    }[cohort.time_zero]


def _flow_figure(programme: Programme, at: Mapping[str, str]) -> list[Figure]:
    """The steps whose numbers may be shown, as bars; nothing where there is none."""
    numbers = {step: int(shown.replace(",", "")) for step, shown in at.items() if shown[0].isdigit()}
    if not numbers:
        return []
    rounded, labels = list(numbers.values()), [STEP_WORDS[step] for step in numbers]
    with style.style():
        canvas, ax = style.blank(height=0.9 + 0.34 * len(rounded))
        place = np.arange(len(rounded))[::-1]
        ax.barh(place, rounded, color=style.COLOURS[0], height=0.62)
        for where, value in zip(place, rounded, strict=True):
            ax.annotate(str(value), (value, where), (4, 0), textcoords="offset points", va="center")
        ax.set_yticks(place, labels)
        ax.set_xlabel("People who were referred to the programme")
        ax.set_xlim(0, max(rounded, default=10) * 1.12)
        ax.grid(axis="y", visible=False)
        alt = f"Bars that shorten from {rounded[0]} people referred to {rounded[-1]} {lower_first(labels[-1])}."
        drawn = {"People": {label: str(value) for label, value in zip(labels, rounded, strict=True)}}
        key, caption = f"{exhibit_key(programme.name)}-flow-figure", f"From referral to analysis, {programme.title}"
        return [Figure.of(key, caption, alt, canvas, drawn)]


def _flow_table(programme: Programme, at: Mapping[str, str], counts: Mapping[str, list[str]]) -> Table:
    return Table(
        f"{exhibit_key(programme.name)}-flow",
        f"From referral to analysis, {programme.title}",
        pd.DataFrame({"Step": [STEP_WORDS[step] for step in at], **counts}),
    )


def _lost_table(cohort: Cohort, found: Attrition, counts: Mapping[str, list[str]]) -> Table:
    rows = pd.DataFrame(
        {
            "Why people left": [title(reason) for reason in found.left["reason"]],
            "Before the step": [STEP_WORDS[step] for step in found.left["step"]],
            **counts,
        }
    )
    return Table(f"{exhibit_key(cohort.programme.name)}-lost", "Who was lost on the way, and why", rows)


def _few_apart(cohort: Cohort, design: Design | None) -> set[str]:
    """What is on record of those referred in which fewer than may be counted differ from the rest, kept or lost."""
    people = cohort.referred
    kept = people["step"] == ""
    if design is not None:
        kept = people["person_id"].isin(design.data.loc[design.weights > 0, "person_id"])
    return {name for name in people.columns if few_apart(people[name], kept)}


def _kept_and_lost(found: Attrition, too_alike: set[str], key: str) -> Table | Statement:
    """Those kept beside those lost, as they were when referred; only a statement where there are too few of either."""
    table, rules = found.kept_and_lost, default_rules()
    if table.empty or min(table["n_kept"].max(), table["n_lost"].max()) < rules.minimum:
        return Statement(
            f"{key}-kept-said",
            "Too few people were kept, or lost, for the one group to be described beside the other.",
        )
    rows = []
    bases = table["term"].str.split("[", n=1).str[0]
    for base, terms in table.groupby(bases, sort=False):
        if "[" in terms["term"].iloc[0]:
            rows += _kept_kinds(terms)
        elif base not in too_alike and min(terms["n_kept"].min(), terms["n_lost"].min()) >= rules.minimum:
            (row,) = terms.to_dict("records")
            means = {"Kept": mean_of(row["mean_kept"]), "Lost": mean_of(row["mean_lost"])}
            rows.append({"When referred": covariate_title(base), **means, "Difference": decimal(100 * row["smd"], 0)})
    if not rows:
        return Statement(f"{key}-kept-said", "Nothing can be shown of those kept beside those lost: all is of too few.")
    return Table(
        f"{key}-kept",
        "Those kept to the last step, beside those lost on the way",
        pd.DataFrame(rows),
        "Means, or shares of people, on the day they were first referred. The difference is standardised, in hundredths"
        " of a standard deviation: where it is large, what is said of those kept need not hold for those lost. Shares"
        " are worked out from rounded numbers, and have no difference beside them, because it would give the exact"
        " numbers back. What fewer than ten people on either side have, or differ in, is left out.",
    )


def _kept_kinds(terms: pd.DataFrame) -> list[dict[str, str]]:
    """The levels of one kind that may be shown of both, without the difference, which would give the counts back."""
    sides = {"Kept": "kept", "Lost": "lost"}
    counts = pd.DataFrame({head: terms[f"n_{side}"] * terms[f"mean_{side}"] for head, side in sides.items()})
    counts = counts.round().astype(int).set_index(terms["term"])
    counts.loc[NOT_KNOWN] = [int(terms[f"n_{side}"].iloc[0]) - counts[head].sum() for head, side in sides.items()]
    shares = protected_shares(counts)
    rows = []
    for term in terms["term"]:
        shown = {head: str(shares.loc[term, head]) for head in sides}
        if not any(text.startswith("not shown") for text in shown.values()):
            rows.append({"When referred": covariate_title(term), **shown, "Difference": DASH})
    return rows


def _profile(cohort: Cohort) -> Table:
    data = cohort.data
    arms = {"Took part": data[data["treated"] == 1]}
    if _has_comparison(cohort):
        arms["Comparison, before matching"] = data[data["treated"] == 0]
    rows: list[dict[str, str]] = []
    for heading, levels in _characteristics(data).items():
        counts = pd.DataFrame(
            {name: [int(flags[part.index].sum()) for flags in levels.values()] for name, part in arms.items()},
            index=list(levels),
        )
        counts = counts.drop(index=NOT_KNOWN, errors="ignore")
        counts.loc[NOT_KNOWN] = [len(part) - counts[name].sum() for name, part in arms.items()]
        shares = protected_shares(counts)
        for level in shares.index:
            shown = {name: str(shares.loc[level, name]) for name in arms}
            dashed = {name: DASH if text.startswith("not shown") else text for name, text in shown.items()}
            if set(dashed.values()) != {DASH}:
                rows.append({"Characteristic": f"{heading}: {level}", **dashed})
    return Table(
        f"{exhibit_key(cohort.programme.name)}-profile",
        "Who they were, on the day they are followed from",
        pd.DataFrame(rows, columns=["Characteristic", *arms]),
        "Shares are worked out from rounded numbers. A dash stands for fewer than ten people, or for a number that"
        " would give such a one away. Lines of dashes only are left out.",
    )


def _characteristics(data: pd.DataFrame) -> dict[str, dict[str, pd.Series]]:
    found: dict[str, dict[str, pd.Series]] = {}
    found["Sex"] = {level: data["sex"] == level for level in ("female", "male", "other", "unknown", "not_asked")}
    age = data["age"].astype(float) // 1
    found["Age"] = {
        (f"{low} to {high}" if high < 120 else f"{low} and over"): age.between(low, high) for low, high in AGES
    }
    found["Ethnic group"] = {level: data["ethnicity"] == level for level in sorted(data["ethnicity"].dropna().unique())}
    if "district" in data:
        found["District"] = {
            str(level): data["district"] == level for level in sorted(data["district"].dropna().unique())
        }
    if "disposal" in data:
        found["Sentence"] = {
            str(level): data["disposal"] == level for level in sorted(data["disposal"].dropna().unique())
        }
    if "previous_offences" in data:
        past = data["previous_offences"].astype(float)
        found["Proven offences before"] = {
            "none": past == 0,
            "1 to 5": past.between(1, 5),
            "6 to 10": past.between(6, 10),
            "11 or more": past >= 11,
        }
    return found
