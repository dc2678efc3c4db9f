"""The Justice Data Lab's measures of one comparison: its tables, boxes, key findings, and what may be said."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import scipy

from impact.cohort import Cohort
from impact.comparison import attrition, balance, compare
from impact.comparison.effects import Effect
from impact.design import Design
from impact.errors import InputError
from impact.evidence.claims import Finding, Verdict, verdict
from impact.evidence.jdl_words import (
    adds_up,
    difference_text,
    estimated,
    level_text,
    measured,
    needed_words,
    p_text,
    wording,
)
from impact.evidence.power import people_needed
from impact.evidence.shares import protected_shares
from impact.evidence.shown import shown_count, shown_rest
from impact.records.tables import SEVERITIES
from impact.results import TIDY_COLUMNS, adjusted_p_values, with_notes

HEADLINES = ("reoffended", "reoffences", "days_to_first")
AFTER = {
    "release": "after release",
    "sentence": "after the start of the sentence",
    "screening": "after the screening",
    "referral": "after being accepted or released",
    "start": "after starting or being released",
}
WORDS = {"people": "person", "men": "man", "women": "woman"}
PROFILE = ("sex", "ethnicity")
PER_PERSON = ("reoffended", "reoffences", "days_to_first", "severity_first", "custody_for_reoffence", "custody_spells")


@dataclass(frozen=True, eq=False)
class JusticeDataLab:
    """One comparison in the form of a Justice Data Lab report.

    Attributes
    ----------
    measures : DataFrame
        See `tidy`.
    tables : dict of str to DataFrame
        The printed tables by title: numbers as the Lab rounds them. Tables that its rules leave out are not there.
    measured, estimated : tuple of str
        The two boxes, their first line first; empty where no result may be shown.
    key_findings : tuple of str
        What the Lab's rule for a key finding lets through.
    verdict : Verdict
        What can be said of the reoffending rate, and what cannot.
    chevron : DataFrame
        ``description, total``: from those submitted to those analysed.
    profile : DataFrame
        ``characteristic, share``: of those who took part, as disclosure control lets through.
    notes : tuple of str
        Cautions.
    """

    measures: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    measured: tuple[str, ...]
    estimated: tuple[str, ...]
    key_findings: tuple[str, ...]
    verdict: Verdict
    chevron: pd.DataFrame
    profile: pd.DataFrame
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a measure, printed or not.

        ``term, estimate, std_error, statistic, p_value, conf_low, conf_high``; ``p_holm, p_bh`` over every measure
        tested; ``treatment, comparison`` (weighted means), ``n_treatment, n_comparison``; ``people``, those who took
        part with anything to count; ``significant, printed, reason``; where not significant ``needed_significance,
        needed_power``: people who took part for the present difference to be so, and to be found with 80% power;
        ``code`` of the Lab's own variable, ``table`` and ``kind``. Not for publication as it stands.
        """
        return self.measures.copy()

    def __repr__(self) -> str:
        lines = [*self.measured, *self.estimated, *self.key_findings] or [self.verdict.headline]
        for title, table in self.tables.items():
            lines += [title, table.to_string(index=False)]
        return with_notes("\n".join(lines), self.notes)


def jdl(
    design: Design, outcomes: pd.DataFrame | None = None, *, cohort: Cohort, people: str = "people"
) -> JusticeDataLab:
    """The eleven measures of the Justice Data Lab for a comparison, under its print rules and this library's gate.

    Every measure is a two-sample t-test of weighted means (``compare(..., se="jdl")``). The Lab's rules: a measure that
    fewer than 10 of those who took part have anything of is not printed; tables of reoffenders need 30 of them among
    those who took part; a key finding needs p of 0.05 or less as well. Over and above them, nothing is printed where
    the groups are not alike (`verdict`), since the Lab's sentences presume that they are.

    Parameters
    ----------
    design : Design
        Of the cohort's people, fixed before outcomes are looked at; its data have ``person_id``.
    outcomes : DataFrame, optional
        What came after, one row a person with ``person_id``, as `proven_reoffending` gives it; left out, the columns of
        the design's data are used.
    cohort : Cohort
        Where the people come from: the flow, the follow-up, the programme's name.
    people : {"people", "men", "women"}
        What to call them.

    Returns
    -------
    JusticeDataLab

    Raises
    ------
    InputError
        Where outcomes lack a column or a person, or the design is not one of the cohort.
    """
    if people not in WORDS:
        raise InputError(f"people must be one of {', '.join(WORDS)}, not {people!r}.")
    flow = attrition(cohort, design)
    data = _with_outcomes(design, outcomes)
    used = design.weights > 0
    treated = (data[design.treatment] == 1) & used
    ready = replace(design, data=data)
    rules = wording()["rules"]
    reoffenders = int(data.loc[treated, "reoffended"].sum())
    rows, effects = [], {}
    for measure in wording()["measure"]:
        values = data[measure["name"]]
        with_any = int((values[treated] > 0).sum())
        effect = _effect(ready, measure)
        reason = _not_printed(measure, effect, with_any, reoffenders, rules)
        effects[measure["name"]] = effect
        rows.append(_row(measure, effect, with_any, reason, rules))
    table = _adjusted(pd.DataFrame(rows))
    found = _verdict(cohort, design, effects["reoffended"], flow.flow)
    shown = table[table["printed"]] if found.status in ("fewer", "more", "unclear") else table.iloc[:0]
    words = _words(cohort, people)
    boxes = _boxes(shown, effects, words)
    notes = _notes(table, shown, found, reoffenders, flow.flow)
    return JusticeDataLab(
        table.assign(printed=table["term"].isin(shown["term"])),
        _tables(shown, effects, words),
        *boxes,
        _key_findings(shown, effects, reoffenders, rules, words),
        found,
        pd.DataFrame({"description": flow.flow["step"], "total": [shown_count(n) for n in flow.flow["treated"]]}),
        _profile(data[treated]),
        tuple(notes),
    )


def _with_outcomes(design: Design, outcomes: pd.DataFrame | None) -> pd.DataFrame:
    """The design's data with the eleven measures as numbers, missing where a person's outcome is."""
    names = (*PER_PERSON, *(f"reoffences_{severity}" for severity in SEVERITIES))
    data = design.data
    if outcomes is not None:
        lacking = [name for name in ("person_id", *names) if name not in outcomes.columns]
        if lacking:
            raise InputError(f"The outcomes lack {', '.join(lacking)}: give what proven_reoffending() gives.")
        if outcomes["person_id"].duplicated().any() or not data["person_id"].isin(outcomes["person_id"]).all():
            raise InputError("The outcomes must hold every person of the design, once.")
        held = outcomes.set_index("person_id")[list(names)].reindex(data["person_id"]).set_axis(data.index)
        data = data.drop(columns=[name for name in names if name in data.columns]).join(held)
    lacking = [name for name in names if name not in data.columns]
    if lacking:
        raise InputError(f"The design's data lack {', '.join(lacking)}: give them as outcomes.")
    again = data["reoffended"].astype(float) == 1
    more = {
        f"first_{severity}": (data["severity_first"] == severity)
        .astype(float)
        .where(again & data["severity_first"].notna())
        for severity in SEVERITIES
    }
    numbers = {name: data[name].astype(float) for name in names if name != "severity_first"}
    return data.assign(**numbers, **more)


def _effect(design: Design, measure: dict[str, Any]) -> Effect | None:
    """The effect on one measure; None where too few on either side have it, or it is the same for everybody."""
    values = design.data[measure["name"]]
    known = values.notna() & (design.weights > 0)
    sides = design.data.loc[known, design.treatment].value_counts()
    if len(sides) < 2 or sides.min() < 2 or values[known].nunique() < 2:
        return None
    kind = "risk_difference" if measure["kind"] == "rate" else "mean_difference"
    return compare(design, measure["name"], measure=kind, se="jdl")


def _not_printed(
    measure: dict[str, Any], effect: Effect | None, with_any: int, reoffenders: int, rules: dict[str, Any]
) -> str:
    if effect is None:
        return "the same for everybody, or known of too few"
    if measure["of"] == "reoffenders" and reoffenders < rules["reoffenders"]:
        return f"fewer than {rules['reoffenders']} of those who took part reoffended"
    if with_any < rules["people"]:
        return f"fewer than {rules['people']} of those who took part have any"
    return ""


def _row(
    measure: dict[str, Any], effect: Effect | None, with_any: int, reason: str, rules: dict[str, Any]
) -> dict[str, object]:
    names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    row: dict[str, object] = {"term": measure["name"]}
    row |= {name: getattr(effect, name) if effect else math.nan for name in names}
    p = effect.p_value if effect else math.nan
    by_size, by_power = (None, None) if p <= rules["significant"] else _needed(effect)
    row |= {
        "treatment": effect.mean_treated if effect else math.nan,
        "comparison": effect.mean_comparison if effect else math.nan,
        "n_treatment": effect.n_treated if effect else 0,
        "n_comparison": effect.n_comparison if effect else 0,
        "people": with_any,
        "significant": bool(p <= rules["significant"]),
        "printed": not reason,
        "reason": reason,
        "needed_significance": by_size,
        "needed_power": by_power,
    }
    return row | {name: measure[name] for name in ("code", "table", "kind", "row")}


def _needed(effect: Effect | None) -> tuple[int | None, int | None]:
    if effect is None or not effect.std_error > 0 or abs(effect.estimate) < 1e-9:
        return None, None
    reach = float(scipy.stats.norm.ppf(0.975))
    by_size = math.ceil(effect.n_treated * (reach * effect.std_error / effect.estimate) ** 2)
    return by_size, people_needed(effect.n_treated, effect.estimate, effect.std_error)


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """With Holm's and Benjamini and Hochberg's p-values over every measure that was tested."""
    table["p_holm"] = adjusted_p_values(table["p_value"], "holm")
    table["p_bh"] = adjusted_p_values(table["p_value"], "benjamini-hochberg")
    first = [name for name in TIDY_COLUMNS if name in table.columns]
    table = table[[*first, *(name for name in table.columns if name not in first)]]
    return table.astype({"needed_significance": "Int64", "needed_power": "Int64"})


def _verdict(cohort: Cohort, design: Design, effect: Effect | None, flow: pd.DataFrame) -> Verdict:
    smd = balance(design).tidy()
    worst = float(smd.loc[smd["sample"] == smd["sample"].iloc[-1], "smd"].abs().max())
    accepted = int(flow.set_index("step")["treated"]["accepted"])
    result = Finding(
        programme=cohort.programme.title,
        design="randomised" if design.estimand == "ATE" and design.sets is None else "matched",
        outcome=f"a proven reoffence within {_time(cohort)}",
        n_treated=accepted,
        n_analysed=effect.n_treated if effect else 0,
        n_comparison=design.effective_n["comparison"],
        worst_smd=worst,
        minimum_analysed=30,
    )
    if effect is not None:
        result = replace(
            result,
            estimate=effect.estimate,
            conf_low=effect.conf_low,
            conf_high=effect.conf_high,
            p_value=effect.p_value,
            rate_treated=effect.mean_treated,
            rate_comparison=effect.mean_comparison,
        )
    return verdict(result)


def _time(cohort: Cohort) -> str:
    return "one year" if str(cohort.follow_up) in ("365 days", "12 months") else str(cohort.follow_up)


def _words(cohort: Cohort, people: str) -> dict[str, str]:
    year = _time(cohort) == "one year"
    period = "one-year period" if year else f"period of {cohort.follow_up}"
    return {
        "people": people,
        "person": WORDS[people],
        "period": period,
        "time": "the year" if year else f"these {cohort.follow_up}",
        "after": AFTER[cohort.time_zero],
    }


def _boxes(
    shown: pd.DataFrame, effects: dict[str, Effect | None], words: dict[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    first, second = [], []
    for row in shown[shown["term"].isin(HEADLINES)].to_dict("records"):
        effect = effects[row["term"]]
        assert effect is not None
        first.append(measured(row["kind"], effect.mean_treated, effect.estimate, words))
        by_size, by_power = (
            None if pd.isna(row[name]) else int(row[name]) for name in ("needed_significance", "needed_power")
        )
        needed = "" if row["significant"] else needed_words(by_size, by_power, words)
        within = words | {"time": "one year" if words["period"] == "one-year period" else words["time"]}
        second.append(estimated(row["kind"], effect.conf_low, effect.conf_high, within, needed))
    if not first:
        return (), ()
    heads = (wording()[box]["head"].format(**words) for box in ("measured", "estimated"))
    return (next(heads), *first), (next(heads), *second)


def _tables(shown: pd.DataFrame, effects: dict[str, Effect | None], words: dict[str, str]) -> dict[str, pd.DataFrame]:
    found = {}
    for number, part in shown.groupby("table", sort=True):
        rows = []
        for row in part.to_dict("records"):
            effect = effects[row["term"]]
            assert effect is not None
            rows.append(
                {
                    "Measure": row["row"],
                    "Number in treatment group": shown_count(effect.n_treated),
                    "Number in comparison group": shown_count(effect.n_comparison),
                    "Treatment group": level_text(effect.mean_treated, row["kind"]),
                    "Comparison group": level_text(effect.mean_comparison, row["kind"]),
                    "Estimated difference (95% interval)": difference_text(
                        effect.estimate, effect.conf_low, effect.conf_high, row["kind"]
                    ),
                    "Significant difference?": "Yes" if row["significant"] else "No",
                    "p-value": p_text(effect.p_value),
                    "p-value (Holm)": p_text(row["p_holm"]),
                    "p-value (Benjamini-Hochberg)": p_text(row["p_bh"]),
                }
            )
        found[wording()["titles"][str(number)].format(**words)] = pd.DataFrame(rows)
    return found


def _key_findings(
    shown: pd.DataFrame,
    effects: dict[str, Effect | None],
    reoffenders: int,
    rules: dict[str, Any],
    words: dict[str, str],
) -> tuple[str, ...]:
    if reoffenders < rules["reoffenders"]:
        return ()
    said, text = [], wording()["key"]
    for row in shown[shown["significant"]].to_dict("records"):
        effect = effects[row["term"]]
        assert effect is not None
        side = "fewer" if effect.estimate < 0 else "more"
        things = {"verb": text["verbs"].get(row["term"], ""), "things": text["things"].get(row["term"], "")}
        said.append(text[f"{row['kind']}_{side}"].format(**things, **words))
    return tuple(said)


def _notes(table: pd.DataFrame, shown: pd.DataFrame, found: Verdict, reoffenders: int, flow: pd.DataFrame) -> list[str]:
    text, rules = wording()["said"], wording()["rules"]
    if shown.empty:
        return [f"No measure is printed. {found.headline}", wording()["source"]]
    notes = []
    if reoffenders < rules["reoffenders"]:
        notes.append(text["few_reoffenders"])
    first, last = int(flow["treated"].iloc[0]), int(flow["treated"].iloc[-1])
    if last < first:
        lost = shown_rest(last, first)
        notes.append(text["others"].format(n="some" if lost == "not shown" else lost))
    raw, holm = (int((table[name] <= rules["significant"]).sum()) for name in ("p_value", "p_holm"))
    if raw:
        notes.append(text["many_tests"].format(tested=int(table["p_value"].notna().sum()), raw=raw, holm=holm))
    parts = shown[["treatment", "comparison", "estimate", "kind"]].itertuples(index=False)
    if not all(adds_up(*row) for row in parts):
        notes.append(text["rounding"])
    return [*notes, wording()["source"]]


def _profile(data: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name in PROFILE:
        if name in data.columns:
            held = data[name].astype(str).where(data[name].notna(), "not known")
            shares = protected_shares(held.value_counts().sort_index().to_frame("people"))["people"]
            rows += [(f"{name.capitalize()}: {level}", shown) for level, shown in shares.items()]
    return pd.DataFrame(rows, columns=["characteristic", "share"])
