"""What the data can support: for each method, can it be done, what could it find, and what is missing if not."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import scipy

from impact.cohort import Cohort
from impact.errors import Fault, InputError
from impact.evidence.contacts_plan import contacts_plan
from impact.evidence.planned_arms import Arms, planned_arms
from impact.evidence.power import minimum_detectable_difference, people_needed
from impact.evidence.shown import rate as shown_rate
from impact.results import number, with_notes

NAN = math.nan
DIFFERENCE = "difference of two rates"
HAZARD = "hazard ratio below 1"
CONTACTS = "difference of contacts a year"
CHANGE = "standard deviations of the change"
COLUMNS = (
    *("part", "term", "title", "answer", "detectable", "unit", "n_treated", "n_comparison", "rate"),
    *("maryland_level", "required", "label", "why", "missing"),
)
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Evaluability:
    """What the data of a programme can support.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    programme : str
        Its title.
    power, level : float
        Chance of finding the detectable difference, and the confidence level of the test.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    programme: str
    power: float
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a method, and one a minimum.

        ``part`` (method or minimum), ``term, title``; ``answer`` (yes; yes, weakly; no; does not apply); ``detectable``
        in ``unit``, for ``n_treated`` people, an effective ``n_comparison`` and the comparison group's ``rate``;
        ``maryland_level`` that it would reach; for a minimum what is ``required``, against ``n_treated``, and its
        ``label`` (A read at the source, B reported by others, R recalled and not verified, given); ``why`` and what is
        ``missing``, in plain English.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        lines = [f"What the data of {self.programme} can support ({self.power:.0%} power, {self.level:.0%} level)"]
        rows: list[Row] = self.table.to_dict("records")  # type: ignore[assignment]
        for row in rows:
            facts = []
            if row["part"] == "minimum":
                facts = [f"needs {row['required']:.0f}, has {number(row['n_treated'])}; label {row['label']}"]
            if not math.isnan(row["detectable"]):
                facts.append(f"detectable {number(row['detectable'], 3)}: {row['unit']}")
            if not math.isnan(row["maryland_level"]):
                facts.append(f"Maryland level {row['maryland_level']:.0f}")
            lines.append(f"  {row['title']}: {row['answer']}" + (f" ({'; '.join(facts)})" if facts else ""))
            lines += [f"    {row['why']}"] + ([f"    Missing: {row['missing']}"] if row["missing"] else [])
        return with_notes("\n".join(lines), self.notes)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every row is made from; where reoffending is no outcome nobody is in `complete` and `some`."""

    cohort: Cohort
    minimums: Mapping[str, float]
    power: float
    level: float
    complete: Arms
    some: Arms

    @property
    def kind(self) -> str:
        """How people are compared: pool, randomised or none."""
        return self.cohort.programme.comparison.kind

    @property
    def reach(self) -> float:
        """The detectable difference in standard errors."""
        return float(scipy.stats.norm.ppf(0.5 + self.level / 2) + scipy.stats.norm.ppf(self.power))

    def difference(self, arms: Arms) -> float:
        """The detectable difference of two rates."""
        sizes = (arms.n_treated, arms.n_comparison, arms.rate)
        return minimum_detectable_difference(*sizes, power=self.power, level=self.level)

    def needed(self, arms: Arms, large: float, detectable: float) -> str:
        """People who took part for `large` to be detectable, the comparison group growing in step."""
        if arms.rate <= self.minimums["large_difference"]:
            return _common()["missing_rare"].format(**self.words)
        n = people_needed(arms.n_treated, large, detectable / self.reach, power=self.power, level=self.level)
        return _common()["missing_people"].format(needed=f"{n:,}", **self.words)

    @property
    def words(self) -> dict[str, str]:
        """What fills the braces of every sentence."""
        programme, limits = self.cohort.programme, self.minimums
        words = {name: f"{limits[name]:.0f}" for name in ("analysed", "readings")}
        words |= {"large": _points(limits["large_difference"]), "power": f"{self.power:.0%}"}
        made = ", ".join(item.title for item in programme.instruments if item.made_by == "programme")
        no_outcome = _common()["not_an_outcome"].format(reason=programme.reoffending_reason)
        return words | {"instruments": made, "no_outcome": no_outcome}


def evaluability(
    cohort: Cohort, *, minimums: Mapping[str, float] | None = None, power: float = 0.8, level: float = 0.95
) -> Evaluability:
    """Judge what the data of a programme can support, before any outcome of the people who took part is looked at.

    Parameters
    ----------
    cohort : Cohort
        The people of one programme.
    minimums : mapping, optional
        How many are enough, where not as in ``evaluability.toml``: ``submitted``, ``analysed``, ``reoffenders`` and
        ``readings`` (people), ``large_difference`` (of two rates) and ``large_fall`` (share of the comparison group's
        contacts in a year); a comparison that would miss it is weak.
    power, level : float
        Chance of finding the detectable difference, and the confidence level of the test.

    Returns
    -------
    Evaluability

    Raises
    ------
    InputError
        Where an argument cannot be used.

    Notes
    -----
    Comparison people are those that the definition's `ratio` and `exact` would give, in rounds as `match` goes, before
    any caliper; their effective number is Kish's, (Σw)² / Σw². Rates: `minimum_detectable_difference`. Hazards:
    exp(−(z₁₋α⸝₂ + z_power) √((1/n₁ + 1/n₀) / p)), p the share of the comparison group with an event (Schoenfeld 1983,
    Biometrics 39: 499 to 503). Readings: (z₁₋α⸝₂ + z_power) / √n. Contacts: (z₁₋α⸝₂ + z_power) s √(1/n₁ + 1/n₀), s
    their standard deviation in the comparison group's year before. People submitted are those accepted.
    """
    if not isinstance(cohort, Cohort):
        raise InputError(f"evaluability() needs the result of cohort(), not {type(cohort).__name__}.")
    if cohort.treatment == "time-varying":
        raise InputError("evaluability() plans with one row a person: give a cohort by intention to treat.")
    minimum_detectable_difference(1, 1, 0.5, power=power, level=level)
    plan = _Plan(cohort, _limits(minimums or {}), power, level, *planned_arms(cohort))
    if cohort.programme.reoffending:
        methods = [_survival(plan), _rates(plan, "matched"), _rates(plan, "randomised"), _in_differences(plan)]
    else:
        terms = ("survival", "matched", "randomised", "difference_in_differences")
        methods = [_row(term, "no", plan.words["no_outcome"], _common()["nothing"]) for term in terms]
    of_a_place = _wording()["method"]["interrupted_time_series"]
    place = _row("interrupted_time_series", "no", of_a_place["why"], of_a_place["missing"])
    table = pd.DataFrame([_before_after(plan), *methods, place, *_minimums(plan)], columns=list(COLUMNS))
    return Evaluability(table, cohort.programme.title, power, level, _notes(plan))


def _limits(given: Mapping[str, float]) -> dict[str, float]:
    """The minimums asked for, over those that ship with the library."""
    limits = {name: entry["value"] for name, entry in _wording()["minimum"].items()}
    shares = ("large_difference", "large_fall")
    limits |= {name: _wording()[name]["value"] for name in shares}
    faults = []
    for name, value in given.items():
        known = isinstance(value, float | int) and not isinstance(value, bool)
        if name not in limits:
            faults.append(Fault("is no minimum", column=str(name), remedy=f"the minimums are: {', '.join(limits)}."))
        elif name in shares and not (known and 0 < value < 1):
            faults.append(Fault(f"must lie between 0 and 1, not {value!r}", column=name))
        elif name not in shares and not (known and value >= 1 and value == int(value)):
            faults.append(Fault(f"must be a whole number, 1 or more, not {value!r}", column=name))
    if faults:
        raise InputError("The minimums cannot be used:", faults)
    return limits | dict(given)


def _row(term: str, answer: str, why: str, missing: str = "", **numbers: Any) -> Row:
    method = _wording()["method"][term]
    row: Row = dict.fromkeys(COLUMNS, NAN) | {"maryland_level": float(method["level"]), "unit": "", "label": ""}
    row |= {"part": "method", "term": term, "title": method["title"], "answer": answer, "why": why, "missing": missing}
    return row | numbers


def _before_after(plan: _Plan) -> Row:
    words, text, data = plan.words, _wording()["method"]["before_after"], plan.cohort.data
    if not words["instruments"]:
        return _row("before_after", "no", text["none_made"], text["missing_instrument"])
    held = "second_reading" in data.columns
    n = int(data.loc[data["treated"] == 1, "second_reading" if held else "started"].sum())
    numbers: Row = {"n_treated": float(n), "unit": CHANGE, "detectable": plan.reach / math.sqrt(n) if n else NAN}
    few = n < plan.minimums["readings"]
    why = text["few" if few else "weak"].format(**words) + ("" if held else f" {text['assumed']}")
    missing = _wording()["minimum"]["readings"]["missing"] if few else text["missing_weak"]
    return _row("before_after", "no" if few else "yes, weakly", why, missing, **numbers)


def _survival(plan: _Plan) -> Row:
    text, arms, large = _wording()["method"]["survival"], plan.some, plan.minimums["large_difference"]
    if plan.kind == "none":
        missing, n = _common()["missing_comparison"], float(arms.n_treated)
        return _row("survival", "yes, weakly", text["described"], missing, n_treated=n, maryland_level=NAN)
    if refused := _too_few(plan, "survival", arms, "some_follow_up"):
        return refused
    log_ratio = plan.reach * math.sqrt((1 / arms.n_treated + 1 / arms.n_comparison) / arms.rate)
    level = float(_wording()["method"]["randomised" if plan.kind == "randomised" else "survival"]["level"])
    numbers = arms.numbers | {"detectable": math.exp(-log_ratio), "unit": HAZARD, "maryland_level": level}
    possible = arms.rate > large
    log_large = math.log(math.log1p(-arms.rate) / math.log1p(large - arms.rate)) if possible else 0.0
    if log_ratio <= log_large:
        return _row("survival", "yes", text["yes"], **numbers)
    missing = plan.needed(arms, log_large, log_ratio)
    return _row("survival", "yes, weakly", text["weak"].format(**plan.words), missing, **numbers)


def _rates(plan: _Plan, term: str) -> Row:
    """The row of the matched or the randomised comparison, of which a definition asks for one at most."""
    text, arms, large = _wording()["method"][term], plan.complete, plan.minimums["large_difference"]
    if term == "randomised" and plan.kind != term:
        return _row(term, "no", text["not_randomised"], text["missing"])
    if plan.kind == "none":
        why = _common()["no_comparison"].format(reason=plan.cohort.programme.comparison.reason)
        return _row(term, "no", why, _common()["missing_comparison"])
    if term == "matched" and plan.kind != "pool":
        return _row(term, "does not apply", text["instead"])
    if refused := _too_few(plan, term, arms, "complete_follow_up"):
        return refused
    found = plan.difference(arms)
    branch = "beyond" if found > arms.rate else "weak" if found > large else "yes"
    shown = shown_rate(arms.rate, arms.smallest)
    words = plan.words | {"detectable": _points(found), "rate": shown if shown.endswith("%") else _common()["extreme"]}
    why, missing = text[branch].format(**words), plan.needed(arms, large, found)
    answer, missing = ("yes", "") if branch == "yes" else ("yes, weakly", missing)
    return _row(term, answer, why, missing, detectable=found, unit=DIFFERENCE, **arms.numbers)


def _too_few(plan: _Plan, term: str, arms: Arms, followed: str) -> Row | None:
    """The row that says no for want of people or of a rate; None where there are enough."""
    common, numbers, least = _common(), arms.numbers, plan.minimums["analysed"]
    words = plan.words | {"followed": common[followed]}
    usable = 0 < arms.rate < 1 and arms.smallest > 0
    if arms.smallest >= least:
        return None if usable else _row(term, "no", common["no_rate"], common["missing_rate"], **numbers)
    missing = common["missing_few"].format(**words)
    if usable and term != "survival":
        found = plan.difference(arms)
        numbers |= {"detectable": found, "unit": DIFFERENCE}
        missing += " " + plan.needed(arms, plan.minimums["large_difference"], found)
    few = "few_treated" if arms.n_treated < least else "few_comparison"
    return _row(term, "no", common[few].format(**words), missing, **numbers)


def _in_differences(plan: _Plan) -> Row:
    text, term = _wording()["method"]["difference_in_differences"], "difference_in_differences"
    found = contacts_plan(plan.cohort)
    if plan.kind == "none":
        return _row(term, "no", text["none"], _common()["missing_comparison"])
    if found is None or not found.mean > 0:
        return _row(term, "no", text["no_contacts"], text["missing_contacts"])
    numbers: Row = {"n_treated": float(found.n_treated), "n_comparison": float(found.n_comparison), "rate": found.mean}
    if min(found.n_treated, found.n_comparison) < plan.minimums["analysed"]:
        side = "those who took part" if found.n_treated < plan.minimums["analysed"] else "the comparison group"
        return _row(term, "no", text["few"].format(side=side, **plan.words), text["missing_few"], **numbers)
    detectable, large = plan.reach * found.std_error, plan.minimums["large_fall"] * found.mean
    words = plan.words | {
        "mean": number(found.mean, 2),
        "detectable": f"{math.ceil(100 * detectable - 1e-9) / 100:.2f}",
    }
    numbers |= {"detectable": detectable, "unit": CONTACTS}
    branch, missing = ("yes", "") if detectable <= large else ("weak", text["missing_people"])
    needed = people_needed(found.n_treated, large, found.std_error, power=plan.power, level=plan.level)
    missing = missing.format(needed=f"{needed:,}", fall=f"{plan.minimums['large_fall']:.0%}")
    answer = "yes" if branch == "yes" else "yes, weakly"
    return _row(term, answer, f"{text[branch].format(**words)} {text['assumed']}", missing, **numbers)


def _minimums(plan: _Plan) -> list[Row]:
    """The Justice Data Lab's minimums, each with how well it is known."""
    flow, arms = plan.cohort.flow, plan.complete
    held = {"submitted": float(flow.loc[flow["step"] == "accepted", "treated"].iloc[0])}
    held |= {"analysed": float(arms.n_treated if arms.n_comparison else 0), "reoffenders": arms.n_treated * arms.rate}
    rows = []
    for term, n in held.items():
        entry, value = _wording()["minimum"][term], plan.minimums[term]
        met, shipped = n >= value, value == entry["value"]
        says = entry["says"] if shipped else _common()["given"]
        row: Row = dict.fromkeys(COLUMNS, NAN) | {"part": "minimum", "term": term, "title": entry["title"], "unit": ""}
        row |= {"n_treated": n, "required": float(value), "label": entry["label"] if shipped else "given"}
        row |= {"answer": "yes" if met else "no", "missing": "" if met else entry["missing"]}
        row["why"] = says.format(value=f"{value:.0f}", source=entry["source"])
        if not plan.cohort.programme.reoffending:
            row |= {"answer": "does not apply", "n_treated": NAN, "missing": "", "why": plan.words["no_outcome"]}
        rows.append(row)
    return rows


def _notes(plan: _Plan) -> tuple[str, ...]:
    if not plan.cohort.programme.reoffending:
        return ()
    text, comparison = _wording()["notes"], plan.cohort.programme.comparison
    notes = [text["plan"]]
    shared = {"replace": comparison.replace, "radius": comparison.method == "radius"}
    notes += [text["at_most"].format(why=text[why]) for why, flag in shared.items() if flag]
    if comparison.caliper is not None:
        notes.append(text["caliper"])
    if plan.complete.unshared:
        notes.append(text["unshared"].format(treated=f"{plan.complete.unshared:,}"))
    complete = plan.cohort.data[plan.cohort.data["complete"]]
    unknown = complete[[*comparison.covariates, *comparison.exact]].isna().any(axis=1)
    if unknown.any():
        arm = complete["treated"].map({1: "treated", 0: "comparison"})
        counts = {name: f"{int((unknown & (arm == name)).sum()):,}" for name in ("treated", "comparison")}
        counts |= {f"all_{name}": f"{int((arm == name).sum()):,}" for name in ("treated", "comparison")}
        notes.append(text["record"].format(**counts))
    return (*notes, text["recalled"])


def _points(difference: float) -> str:
    points = math.ceil(100 * difference - 1e-9)
    return f"{points} percentage point{'' if points == 1 else 's'}"


def _common() -> dict[str, str]:
    return _wording()["common"]


@cache
def _wording() -> dict[str, Any]:
    return tomllib.loads(files("impact.evidence").joinpath("evaluability.toml").read_text(encoding="utf-8"))
