"""The numbers of a chapter's comparison: made once, before any of them is put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact.cohort import Cohort
from impact.cohort.dates import dates, days
from impact.cohort.window import Window
from impact.comparison import balance, compare, match, propensity, whole_sample
from impact.comparison.balance import Balance
from impact.comparison.effects import Effect
from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.evidence import default_rules
from impact.evidence.claims import BALANCE_LIMIT
from impact.records import Linked
from impact.report.released import few_apart
from impact.results import adjusted_p_values
from impact.survival import cox, kaplan_meier
from impact.survival.cox import Cox
from impact.survival.kaplan_meier import KaplanMeier

MINIMUM_ANALYSED = 30
"""People who took part below which no comparison is made: this library's rule, stated in the chapter."""
MINIMUM_REOFFENDERS = 30
"""Reoffenders who took part below which time to first reoffence is not shown, as in the Justice Data Lab's reports."""
NEEDS = ("probation_needs", "total")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One compared outcome: its title, the unit it is shown in, its effect, and a clear difference in words.

    `more` and `fewer` end a sentence that begins "Of those who took part,", where the estimate is above or below zero.
    """

    name: str
    title: str
    unit: str
    scale: float
    more: str
    fewer: str
    effect: Effect

    @property
    def is_share(self) -> bool:
        """Whether it is a share of people."""
        return self.unit == "percentage points"


@dataclass(frozen=True, slots=True)
class NotCompared:
    """An outcome that is not compared though the groups are, and why."""

    name: str
    title: str
    why: str


ALIKE = "the records show it of nobody or of everybody"
FEW_KNOWN = f"it is known of fewer than {default_rules().minimum} people in one of the groups"
FEW_APART = f"in one of the groups it is the same for all but fewer than {default_rules().minimum} people"
FEW_REOFFENDERS = f"fewer than {MINIMUM_REOFFENDERS} of those who took part reoffended"


@dataclass(frozen=True, eq=False)
class Compared:
    """A comparison that could be made.

    Attributes
    ----------
    design : Design
        Fixed before an outcome was named.
    balance : Balance
        Of its covariates.
    reoffending, risk : tuple of Outcome
        Compared outcomes under the two heads of the framework; the first under re-offending is the main one.
    not_compared : tuple of NotCompared
        Outcomes that the records do not allow to be compared.
    curves, hazard
        Time to first proven reoffence in the design, by group.
    reoffenders : int
        People who took part and reoffended.
    elsewhere : int
        Of those who took part, people who had also started another programme by the end of their follow-up.
    """

    design: Design
    balance: Balance
    reoffending: tuple[Outcome, ...]
    risk: tuple[Outcome, ...]
    not_compared: tuple[NotCompared, ...]
    curves: KaplanMeier
    hazard: Cox | None
    reoffenders: int
    elsewhere: int

    @property
    def worst_smd(self) -> float:
        """The largest absolute standardised difference in the sample analysed."""
        table = self.balance.tidy()
        last = table["sample"].iloc[-1]
        return float(table.loc[table["sample"] == last, "smd"].abs().max())

    @property
    def comparable(self) -> bool:
        """Whether the groups are alike enough for an outcome to be shown: always where chance made them."""
        return self.worst_smd <= BALANCE_LIMIT or self.design.estimand == "ATE"

    @property
    def n_treated(self) -> int:
        """People who took part in the sample analysed."""
        return self._analysed(1)

    @property
    def n_comparison(self) -> int:
        """Comparison people in the sample analysed."""
        return self._analysed(0)

    def _analysed(self, arm: int) -> int:
        return int(((self.design.data[self.design.treatment] == arm) & (self.design.weights > 0)).sum())


@dataclass(frozen=True, slots=True)
class NotPossible:
    """A comparison that the data cannot support: why, what it would take, and how many were there."""

    reason: str
    needed: str
    n_treated: int = 0
    n_comparison: int = 0


def holm(outcomes: Sequence[Outcome]) -> list[float]:
    """Holm's adjusted p-values of outcomes tested side by side."""
    return adjusted_p_values([outcome.effect.p_value for outcome in outcomes], "holm").tolist()


def analyse(cohort: Cohort, linked: Linked) -> Compared | NotPossible:
    """Make the comparison that the definition asks for, or say why it cannot be made."""
    definition = cohort.programme
    plan = definition.comparison
    if not definition.reoffending:
        return NotPossible(definition.reoffending_reason, "Nothing is needed: it is not an outcome of this programme.")
    if plan.kind == "none":
        return NotPossible(plan.reason, "A group of similar people who were not offered the programme.")
    complete = cohort.data[cohort.data["complete"]].set_index("person_id", drop=False)
    covariates = list(plan.covariates)
    known = _alike(complete.dropna(subset=[*covariates, *plan.exact]), plan.exact)
    n_treated, n_comparison = int((known["treated"] == 1).sum()), int((known["treated"] == 0).sum())
    if min(n_treated, n_comparison) < MINIMUM_ANALYSED:
        return NotPossible(
            f"Fewer than {MINIMUM_ANALYSED} people, of those who took part or of those they could be compared with,"
            " have a complete follow-up and a complete record before it.",
            f"At least {MINIMUM_ANALYSED} people in each group, each followed for {cohort.follow_up} and a"
            f" further {cohort.waiting} for proof.",
            n_treated,
            n_comparison,
        )
    try:
        design = _design(known, cohort)
    except (InputError, ConvergenceError) as refused:
        return NotPossible(
            f"The comparison that was planned could not be made. {refused.summary}",
            "A larger group, or fewer things to match on.",
            n_treated,
            n_comparison,
        )
    kept = int((design.weights[known["treated"] == 1] > 0).sum())
    if kept < MINIMUM_ANALYSED:
        return NotPossible(
            f"Fewer than {MINIMUM_ANALYSED} of the people who took part have somebody similar to be compared with.",
            "A larger group, or comparison people whose records look more like theirs.",
            kept,
            n_comparison,
        )
    design = replace(design, data=design.data.join(_after(known, cohort, linked)))
    return _compared(cohort, design, known, _elsewhere(known[design.weights > 0], cohort, linked))


def _alike(people: pd.DataFrame, exact: tuple[str, ...]) -> pd.DataFrame:
    """Those in a stratum that holds somebody who took part: the score is to describe only people who can be matched."""
    if not exact:
        return people
    strata = people.groupby(list(exact), sort=True)["treated"].transform("max")
    return people[strata == 1]


def _design(known: pd.DataFrame, cohort: Cohort) -> Design:
    plan = cohort.programme.comparison
    varied = [name for name in plan.covariates if known[name].nunique() > 1]
    if plan.kind == "randomised":
        return whole_sample(known, "treated", varied)
    score = propensity(f"treated ~ {' + '.join(_quoted(name) for name in varied)}", known)
    return match(
        score,
        method=plan.method,
        on=plan.on,
        ratio=plan.ratio,
        replace=plan.replace,
        caliper=plan.caliper,
        radius=plan.radius,
        exact=plan.exact,
    )


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"


def _after(known: pd.DataFrame, cohort: Cohort, linked: Linked) -> pd.DataFrame:
    """What came after the index date under the head of risk: change in assessed need, contacts with the police."""
    index_on = known["index_on"]
    readings = linked.table("assessment")
    instrument, scale = NEEDS
    readings = readings[(readings["instrument"] == instrument) & (readings["scale"] == scale)]
    contacts = linked.table("police_contact")
    contacts = contacts[contacts["role"].isin(["suspect", "arrested"])]
    result = pd.DataFrame(index=known.index)
    last_day = _last_day(cohort, index_on)
    later = _within(readings, "assessed_on", index_on, last_day).sort_values(["assessed_on", "wave"])
    after = later.drop_duplicates("person_id").set_index("person_id")["score"]
    before = known["needs_before"] if "needs_before" in known else pd.Series(np.nan, index=known.index)
    result["needs_change"] = after.reindex(known.index).astype(float) - before.astype(float)
    counted = _within(contacts, "occurred_on", index_on, last_day).groupby("person_id").size()
    result["contacts_after"] = counted.reindex(known.index).fillna(0).astype(float)
    return result


def _last_day(cohort: Cohort, index_on: pd.Series) -> pd.Series:
    """The last day of each person's follow-up, by person."""
    return dates(cohort.follow_up.end(days(index_on))).set_axis(index_on.index)


def _within(table: pd.DataFrame, column: str, index_on: pd.Series, last_day: pd.Series) -> pd.DataFrame:
    """The rows of a table that lie in the follow-up of their person."""
    after, until = table["person_id"].map(index_on), table["person_id"].map(last_day)
    return table[(table[column] > after) & (table[column] <= until)]


def _elsewhere(people: pd.DataFrame, cohort: Cohort, linked: Linked) -> int:
    taken = linked.table("participation")
    treated = people.loc[people["treated"] == 1, "index_on"]
    until = taken["person_id"].map(_last_day(cohort, treated))
    other = (taken["programme"] != cohort.programme.name) & (taken["started_on"] <= until)
    return int(taken.loc[other, "person_id"].nunique())


def _compared(cohort: Cohort, design: Design, known: pd.DataFrame, elsewhere: int) -> Compared | NotPossible:
    used = design.weights > 0
    treated = known["treated"] == 1
    time = period(cohort.follow_up)
    reoffenders = int(design.data.loc[used & treated, "reoffended"].sum())
    reoffending: list[Outcome | NotCompared] = [
        _outcome(design, "reoffended", f"Reoffended within {time}", *_share("reoffended")),
        _outcome(design, "reoffences", f"Reoffences within {time}, per 100 people", *_count("proven reoffences")),
        _outcome(design, "custody_for_reoffence", "Given custody for a reoffence", *_share("were given custody again")),
    ]
    title = "Days to first reoffence, of those who reoffended"
    words = ("those who reoffended did so later", "those who reoffended did so earlier")
    reoffending.append(
        _outcome(design, "days_to_first", title, "days", 1, *words)
        if reoffenders >= MINIMUM_REOFFENDERS
        else NotCompared("days_to_first", title, FEW_REOFFENDERS)
    )
    words = (
        "need as assessed by probation moved up, against the others",
        "need as assessed moved down, against the others",
    )
    risk = [
        _outcome(design, "needs_change", "Change in needs assessed by probation", "points", 1, *words),
        _outcome(design, "recalled", f"Recalled to prison within {time}", *_share("were recalled to prison")),
        _outcome(
            design,
            "contacts_after",
            f"Police contacts as a suspect within {time}, per 100 people",
            *_count("contacts with the police as a suspect"),
        ),
    ]
    if not isinstance(reoffending[0], Outcome):
        few = default_rules().minimum
        return NotPossible(
            f"In one of the groups compared, fewer than {few} people have a proven reoffence within {time}, or fewer"
            f" than {few} have none, so a rate would tell what a few people did.",
            "A larger group, followed for longer.",
            int((treated & used).sum()),
            int((~treated & used).sum()),
        )
    try:
        hazard: Cox | None = cox(design, "duration", "event", ["treated"])
    except ConvergenceError:
        hazard = None
    return Compared(
        design=design,
        balance=balance(design),
        reoffending=tuple(outcome for outcome in reoffending if isinstance(outcome, Outcome)),
        risk=tuple(outcome for outcome in risk if isinstance(outcome, Outcome)),
        not_compared=tuple(outcome for outcome in (*reoffending, *risk) if isinstance(outcome, NotCompared)),
        curves=kaplan_meier(design, "duration", "event", by="treated"),
        hazard=hazard,
        reoffenders=reoffenders,
        elsewhere=elsewhere,
    )


def _share(done: str) -> tuple[str, float, str, str]:
    return "percentage points", 100, f"more {done}", f"fewer {done}"


def _count(things: str) -> tuple[str, float, str, str]:
    return "per 100 people", 100, f"there were more {things}", f"there were fewer {things}"


def _outcome(
    design: Design, name: str, title: str, unit: str, scale: float, more: str, fewer: str
) -> Outcome | NotCompared:
    """The outcome compared, or why it is not: known of too few, the same for everybody, or for all but a few.

    An estimate with its interval gives back how many had the outcome even where neither rate is printed, so nothing is
    estimated from fewer people than may be counted.
    """
    values = design.data[name].astype(float)
    used = (design.weights > 0) & values.notna()
    groups = design.data.loc[used, design.treatment]
    if groups.nunique() < 2 or groups.value_counts().min() < default_rules().minimum:
        return NotCompared(name, title, FEW_KNOWN)
    if values[used].nunique() < 2:
        return NotCompared(name, title, ALIKE)
    if few_apart(values[used], groups):
        return NotCompared(name, title, FEW_APART)
    ready = replace(design, data=design.data.assign(**{name: values}))
    measure = "risk_difference" if unit == "percentage points" else "mean_difference"
    # Of reoffenders alone most matched sets have one side only, so the groups are compared as a whole.
    se = "jdl" if name == "days_to_first" else "cluster"
    return Outcome(name, title, unit, scale, more, fewer, compare(ready, name, measure=measure, se=se))


def period(length: Window) -> str:
    """The follow-up in words."""
    return "one year" if str(length) in ("365 days", "12 months") else str(length)
