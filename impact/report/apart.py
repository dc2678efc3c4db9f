"""The main outcome in each group that a plan names: by the same estimator as for everyone, or why it is not given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite, nan

import pandas as pd

from impact.cohort import Programme
from impact.cohort.programme import COVARIATES, Instrument
from impact.comparison import subgroups
from impact.comparison.subgroup import FEWEST
from impact.distance import change
from impact.evidence import default_rules
from impact.evidence.claims import BALANCE_LIMIT
from impact.evidence.plan import Plan
from impact.records import Linked
from impact.report.analysis import MINIMUM_ANALYSED, Compared, NotPossible, Outcome
from impact.report.measured import is_status
from impact.report.released import few_apart
from impact.report.words import covariate_title, decimal
from impact.results import Estimate, Test, adjusted_p_values

LEVEL = 0.95
UNLIKE = "the groups are too unlike to be compared"
NOT_MAIN = "the main outcome was not computed by a method that can look at groups apart"
YES_OR_NO = "the main outcome is a yes or no before and after, which is not looked at in groups apart"
FEW_APART = f"all but fewer than {default_rules().minimum} people on one side have the same outcome"
NUMBERS = ["estimate", "conf_low", "conf_high", "p_value"]
MARK = " and over"


@dataclass(frozen=True, slots=True)
class Main:
    """The main outcome: its name in a plan, the measure, its title, and the unit and scale it is shown in."""

    name: str
    measure: str
    title: str
    unit: str
    scale: float

    @property
    def places(self) -> int:
        """Decimals that are shown."""
        return 0 if self.scale == 100 else 1


@dataclass(frozen=True, eq=False)
class Apart:
    """The main outcome in the groups of one thing, or why it is not given.

    Attributes
    ----------
    name, title : str
        What makes the groups, as the plan names it and in words.
    main : Main or None
        The main outcome, by the measure of everyone; None where it was not computed.
    table : DataFrame or None
        One row a group: ``part, estimate, conf_low, conf_high, p_value, n_treated, n_comparison, refused``. Counts are
        exact, so not for publication as they stand; `refused` says in words why there is no estimate.
    interaction : Test or None
        Whether the effects differ; None where fewer than two are given, or where the method has no such test.
    why : str
        Why it was not looked at; empty where it was.
    whole : tuple of int
        People who took part and comparison people in the result of everyone, in a group or not.
    """

    name: str
    title: str
    main: Main | None = None
    table: pd.DataFrame | None = None
    interaction: Test | None = None
    why: str = ""
    whole: tuple[int, int] = (0, 0)

    @property
    def estimated(self) -> int:
        """How many groups have an estimate."""
        return len(self.estimates)

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """The estimate of each group that has one."""
        if self.table is None:
            return ()
        return tuple(
            Estimate(
                f"{self.title}: {row['part']}",
                row["estimate"],
                nan,
                nan,
                row["p_value"],
                row["conf_low"],
                row["conf_high"],
                LEVEL,
                row["n_treated"] + row["n_comparison"],
            )
            for row in self.table[self.table["refused"] == ""].to_dict("records")
        )


def look_apart(
    plan: Plan, programme: Programme, people: pd.DataFrame, compared: Compared | NotPossible, linked: Linked
) -> tuple[Apart, ...]:
    """Each planned grouping of the main outcome.

    Parameters
    ----------
    plan : Plan
    programme : Programme
    people : DataFrame
        One row a person of the cohort, with what was on record before.
    compared : Compared or NotPossible
    linked : Linked
    """
    if ":" in plan.main:
        return _all_of_readings(plan, programme, people, linked)
    if isinstance(compared, NotPossible):
        return _none(plan, compared.reason)
    if not compared.comparable:
        return _none(plan, UNLIKE)
    outcome = next((one for one in (*compared.reoffending, *compared.risk) if one.name == plan.main), None)
    if outcome is None or outcome.name == "days_to_first":
        return _none(plan, NOT_MAIN)
    return tuple(_of_comparison(name, compared, outcome) for name in plan.subgroups)


def holm(looked: tuple[Apart, ...]) -> tuple[list[list[float]], list[float]]:
    """Holm's p-values, of the groups' effects over all groups looked at, and of the tests whether they differ."""
    effects = [[] if one.table is None else one.table["p_value"].tolist() for one in looked]
    flat = adjusted_p_values([p for part in effects for p in part], "holm").tolist()
    adjusted = [[flat.pop(0) for _ in part] for part in effects]
    tests = [float("nan") if one.interaction is None else one.interaction.p_value for one in looked]
    return adjusted, adjusted_p_values(tests, "holm").tolist()


def groups_of(people: pd.DataFrame, name: str) -> pd.Series | str:
    """The group of each person by what a plan names, or why there is none.

    Examples
    --------
    >>> people = pd.DataFrame({"age": [19.0, 26.0, None], "sex": ["male", "female", "male"]})
    >>> groups_of(people, "age:26").tolist()
    ['under 26', '26 and over', None]
    >>> groups_of(people, "age")
    'it is a number, and the plan does not say where it is cut'
    """
    column, cut, edges = name.partition(":")
    if column not in COVARIATES or column not in people:
        return "nothing of that name is on record of these people before they are followed"
    values = people[column]
    if not pd.api.types.is_numeric_dtype(values):
        return "it is a kind, which cannot be cut at a number" if cut else values
    if not cut:
        return "it is a number, and the plan does not say where it is cut"
    try:
        at = [float(edge) for edge in edges.split(",")]
    except ValueError:
        at = []
    if not all(map(isfinite, at)) or not at or any(right <= left for left, right in pairwise(at)):
        return "where it is cut is not said in numbers that rise"
    return _bands(values.astype(float), at)


def _bands(values: pd.Series, at: list[float]) -> pd.Series:
    labels = [
        f"under {at[0]:g}",
        *(f"{low:g} to under {high:g}" for low, high in pairwise(at)),
        f"{at[-1]:g}{MARK}",
    ]
    codes = pd.Series(0, index=values.index)
    for edge in at:
        codes += (values >= edge).astype(int)
    return codes.map(dict(enumerate(labels))).astype(object).where(values.notna(), None)


def _title(name: str) -> str:
    return covariate_title(name.partition(":")[0])


def _not(name: str, why: str) -> Apart:
    return Apart(name, _title(name), why=why)


def _none(plan: Plan, why: str) -> tuple[Apart, ...]:
    return tuple(_not(name, why) for name in plan.subgroups)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Bands from the lowest; kinds as they are sorted."""
    place = [
        (not part.startswith("under"), part.endswith(MARK), float(part.split()[0]) if part[0].isdigit() else 0.0, part)
        for part in table["part"]
    ]
    return table.iloc[sorted(range(len(place)), key=place.__getitem__)].reset_index(drop=True)


def _of_comparison(name: str, compared: Compared, outcome: Outcome) -> Apart:
    design = compared.design
    groups = groups_of(design.data, name)
    if isinstance(groups, str):
        return _not(name, groups)
    data = design.data.assign(**{name: groups, outcome.name: design.data[outcome.name].astype(float)})
    if data.loc[design.weights > 0, name].nunique() < 2:
        return _not(name, "everyone who is compared is in the same group")
    main = Main(outcome.name, outcome.effect.measure, outcome.title, outcome.unit, outcome.scale)
    found = subgroups(
        replace(design, data=data),
        main.name,
        name,
        measure=main.measure,
        fewest=FEWEST,
        threshold=BALANCE_LIMIT,
        level=LEVEL,
    )
    table = found.tidy().rename(columns={"term": "part"})
    few = table[["n_treated", "n_comparison"]].min(axis=1) < FEWEST
    # The method's own words hold how many people a small group has, and names of columns.
    unlike = [
        f"people there are too unlike (by {decimal(100 * abs(smd), 0)} in a hundred)" for smd in table["largest_smd"]
    ]
    words = pd.Series(unlike, index=table.index).mask(few, f"fewer than {FEWEST} people on one side")
    table["refused"] = table["refused"].mask(table["refused"] != "", words)
    used = data[(design.weights > 0) & data[main.name].notna()]
    alike = table["part"].map(
        {str(part): few_apart(one[main.name], one[design.treatment]) for part, one in used.groupby(name)}
    )
    told = alike.fillna(False).astype(bool) & (table["refused"] == "")
    table[NUMBERS] = table[NUMBERS].mask(told)
    table["refused"] = table["refused"].mask(told, FEW_APART)
    return Apart(
        name,
        _title(name),
        main,
        _in_order(table),
        None if told.any() else found.interaction,
        whole=(compared.n_treated, compared.n_comparison),
    )


def _all_of_readings(plan: Plan, programme: Programme, people: pd.DataFrame, linked: Linked) -> tuple[Apart, ...]:
    asked, _, scale = plan.main.partition(":")
    readings = linked.table("assessment")
    chosen = (readings["programme"] == programme.name) & (readings["instrument"] == asked)
    held = readings[(chosen & (readings["scale"] == scale)).fillna(False)]
    instrument = next((one for one in programme.instruments if one.name == asked), None)
    if held.empty or instrument is None:
        return _none(plan, NOT_MAIN)
    if is_status(instrument):
        return _none(plan, YES_OR_NO)
    own = people[people["treated"] == 1].set_index("person_id")
    return tuple(_of_readings(name, plan.main, instrument, own, held) for name in plan.subgroups)


def _of_readings(name: str, main: str, instrument: Instrument, people: pd.DataFrame, held: pd.DataFrame) -> Apart:
    groups = groups_of(people, name)
    if isinstance(groups, str):
        return _not(name, groups)

    def made(rows: pd.DataFrame, group: str | None) -> pd.DataFrame:
        return change(
            rows,
            person="person_id",
            wave="wave",
            score="score",
            group=group,
            level=LEVEL,
            low=instrument.low,
            high=instrument.high,
            better=instrument.better,
        ).tidy()

    everyone = int(made(held, None)["n"].iloc[0])
    held = held.assign(**{name: held["person_id"].map(groups)}).dropna(subset=[name])
    if held[name].nunique() < 2:
        return _not(name, "everyone with a reading is in the same group")
    table = made(held, name).drop(columns="term").rename(columns={"group": "part", "n": "n_treated"})
    few = table["n_treated"] < MINIMUM_ANALYSED
    table[NUMBERS] = table[NUMBERS].mask(few)
    table["refused"] = ["" if not less else f"fewer than {MINIMUM_ANALYSED} people with both readings" for less in few]
    return Apart(
        name,
        _title(name),
        Main(main, "mean_change", instrument.title, "points", 1),
        _in_order(table.assign(n_comparison=0)),
        whole=(everyone, 0),
    )
