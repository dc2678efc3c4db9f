"""The first sections of a chapter: what the programme is, and who came, from referred to analysed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from impact.cohort import Cohort, Programme
from impact.comparison import Attrition, attrition
from impact.evidence import default_rules, share, shown_count
from impact.records import Linked
from impact.report import style
from impact.report.analysis import Compared, NotPossible
from impact.report.exhibits import Exhibit, Figure, Section, Statement, Table
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
    found = attrition(cohort, compared.design if isinstance(compared, Compared) else None)
    exhibits: list[Exhibit] = [
        Statement(f"{key}-came", _came(cohort, linked, found.flow, key)),
        _flow_figure(cohort.programme, found.flow),
        _flow_table(cohort.programme, found.flow),
        *([_lost_table(cohort, found)] if len(found.left) else []),
        _kept_and_lost(found, key),
        _profile(cohort),
    ]
    return Section("", tuple(exhibits))


def _has_comparison(cohort: Cohort) -> bool:
    return bool(cohort.flow["comparison"].max() > 0)


def _came(cohort: Cohort, linked: Linked, flow: pd.DataFrame, key: str) -> str:
    referral = linked.table("referral")
    referred_on = referral.loc[referral["programme"] == cohort.programme.name, "referred_on"]
    at = flow.set_index("step")["treated"]
    started = int(cohort.data.loc[cohort.data["treated"] == 1, "started"].sum())
    text = sentence(
        f"{shown_count(int(at['referred']))} people were referred {_between(referred_on)}, and"
        f" {shown_count(int(at['accepted']))} were accepted."
    )
    if _has_comparison(cohort):
        indexed = int((cohort.data["treated"] == 1).sum())
        last = "analysed" if "analysed" in at.index else "follow-up complete"
        text += " " + sentence(
            f"{shown_count(indexed)} of them could be followed from {_zero(cohort)}, of whom {share(started, indexed)}"
            " are recorded as having started"
        )
        text += " " + sentence(f"{shown_count(int(at[last]))} reach the comparison of reoffending (@{key}-flow)")
        text += (
            " **Everyone accepted is counted as having taken part, whether or not they started**: to count only those"
            " who started or finished would be to choose those who were doing well."
        )
    else:
        text += f" @{key}-flow shows how many started, completed and were asked a second time."
    return text + " Numbers of people are rounded to the nearest five, and numbers under ten are not shown."


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


def _flow_figure(programme: Programme, flow: pd.DataFrame) -> Figure:
    rules = default_rules()
    shown = flow[flow["treated"] >= rules.minimum]
    rounded = [rules.rounded(int(value)) for value in shown["treated"]]
    labels = [STEP_WORDS[step] for step in shown["step"]]
    with style.style():
        canvas, ax = style.blank(height=0.9 + 0.34 * len(shown))
        place = np.arange(len(shown))[::-1]
        ax.barh(place, rounded, color=style.COLOURS[0], height=0.62)
        for where, value in zip(place, rounded, strict=True):
            ax.annotate(str(value), (value, where), (4, 0), textcoords="offset points", va="center")
        ax.set_yticks(place, labels)
        ax.set_xlabel("People who were referred to the programme")
        ax.set_xlim(0, max(rounded, default=10) * 1.12)
        ax.grid(axis="y", visible=False)
        alt = f"Bars that shorten from {rounded[0]} people referred to {rounded[-1]} {lower_first(labels[-1])}."
        return Figure.of(
            f"{exhibit_key(programme.name)}-flow-figure",
            f"From referral to analysis, {programme.title}",
            alt,
            canvas,
            {"People": {label: str(value) for label, value in zip(labels, rounded, strict=True)}},
        )


def _flow_table(programme: Programme, flow: pd.DataFrame) -> Table:
    columns = {"Step": [STEP_WORDS[step] for step in flow["step"]], "Took part": _counts(flow["treated"])}
    if flow["comparison"].max() > 0:
        columns["Comparison"] = _counts(flow["comparison"])
    return Table(
        f"{exhibit_key(programme.name)}-flow", f"From referral to analysis, {programme.title}", pd.DataFrame(columns)
    )


def _lost_table(cohort: Cohort, found: Attrition) -> Table:
    left = found.left
    rows = pd.DataFrame(
        {
            "Why people left": [title(reason) for reason in left["reason"]],
            "Before the step": [STEP_WORDS[step] for step in left["step"]],
            "Took part": _counts(left["treated"]),
        }
    )
    if _has_comparison(cohort):
        rows["Comparison"] = _counts(left["comparison"])
    return Table(f"{exhibit_key(cohort.programme.name)}-lost", "Who was lost on the way, and why", rows)


def _kept_and_lost(found: Attrition, key: str) -> Table | Statement:
    """Those kept beside those lost, as they were when referred; only a statement where there are too few of either."""
    table, rules = found.kept_and_lost, default_rules()
    if table.empty or min(table["n_kept"].max(), table["n_lost"].max()) < rules.minimum:
        return Statement(
            f"{key}-kept-said",
            "Too few people were kept, or lost, for the one group to be described beside the other.",
        )
    rows = []
    for row in table.to_dict("records"):
        sizes = {"Kept": (row["n_kept"], row["mean_kept"]), "Lost": (row["n_lost"], row["mean_lost"])}
        if "[" in row["term"]:
            shown = {name: share(round(n * mean), n) for name, (n, mean) in sizes.items()}
        else:
            shown = {name: mean_of(mean) if n >= rules.minimum else "not shown" for name, (n, mean) in sizes.items()}
        if not any(text.startswith("not shown") for text in shown.values()):
            title = covariate_title(row["term"])
            rows.append({"When referred": title, **shown, "Difference": decimal(100 * row["smd"], 0)})
    return Table(
        f"{key}-kept",
        "Those kept to the last step, beside those lost on the way",
        pd.DataFrame(rows),
        "Means, or shares of people, on the day they were first referred. The difference is standardised, in hundredths"
        " of a standard deviation: where it is large, what is said of those kept need not hold for those lost. Kinds"
        " with fewer than ten people on either side are left out.",
    )


def _counts(values: Sequence[int] | pd.Series) -> list[str]:
    return [shown_count(int(value)) for value in values]


def _profile(cohort: Cohort) -> Table:
    data = cohort.data
    arms = {"Took part": data[data["treated"] == 1]}
    if _has_comparison(cohort):
        arms["Comparison, before matching"] = data[data["treated"] == 0]
    rows: list[dict[str, str]] = []
    for heading, levels in _characteristics(data).items():
        for level, flags in levels.items():
            row = {"Characteristic": f"{heading}: {level}"}
            for name, part in arms.items():
                shown = share(int(flags.loc[part.index].sum()), len(part))
                row[name] = "–" if shown.startswith("not shown") else shown
            if set(list(row.values())[1:]) != {"–"}:
                rows.append(row)
    return Table(
        f"{exhibit_key(cohort.programme.name)}-profile",
        "Who they were, on the day they are followed from",
        pd.DataFrame(rows, columns=["Characteristic", *arms]),
        "A dash stands for fewer than ten people. Lines of dashes only are left out.",
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
        found["District"]["not known"] = data["district"].isna()
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
