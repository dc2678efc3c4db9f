"""The main outcome in each group that a plan names: by the same estimator as for everyone, or why it is not given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from impact.cohort import Programme
from impact.cohort.programme import COVARIATES
from impact.comparison import subgroups
from impact.comparison.subgroup import FEWEST
from impact.distance import change
from impact.errors import InputError
from impact.evidence.claims import BALANCE_LIMIT
from impact.evidence.plan import Plan
from impact.records import Linked
from impact.report.analysis import MINIMUM_ANALYSED, Compared, NotPossible, Outcome
from impact.report.words import covariate_title
from impact.results import Test, adjusted_p_values

UNLIKE = "the groups are too unlike to be compared"
NOT_MAIN = "the main outcome was not computed by a method that can look at groups apart"
MARK = " and over"


@dataclass(frozen=True, eq=False)
class Apart:
    """The main outcome in the groups of one thing, or why it is not given.

    Attributes
    ----------
    name, title : str
        What makes the groups, as the plan names it and in words.
    outcome : str
        The main outcome.
    measure : str
        By which it is given: that of everyone.
    table : DataFrame
        One row a group: ``part, estimate, conf_low, conf_high, p_value, n_treated, n_comparison, refused``. Counts are
        exact, so not for publication as they stand; `refused` says in words why there is no estimate.
    interaction : Test or None
        Whether the effects differ; None where fewer than two are given, or where the method has no such test.
    why : str
        Why it was not looked at; empty where it was.
    """

    name: str
    title: str
    outcome: str
    measure: str = ""
    table: pd.DataFrame | None = None
    interaction: Test | None = None
    why: str = ""

    @property
    def estimated(self) -> int:
        """How many groups have an estimate."""
        return 0 if self.table is None else int((self.table["refused"] == "").sum())


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
    instrument, _, scale = plan.main.partition(":")
    if scale:
        return tuple(_of_readings(name, plan.main, programme, people, linked) for name in plan.subgroups)
    if isinstance(compared, NotPossible):
        return tuple(_not(name, instrument, compared.reason) for name in plan.subgroups)
    if not compared.comparable:
        return tuple(_not(name, instrument, UNLIKE) for name in plan.subgroups)
    outcome = next((one for one in (*compared.reoffending, *compared.risk) if one.name == plan.main), None)
    if outcome is None or outcome.name == "days_to_first":
        return tuple(_not(name, instrument, NOT_MAIN) for name in plan.subgroups)
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
    if not at or any(right <= left for left, right in zip(at, at[1:], strict=False)):
        return "where it is cut is not said in numbers that rise"
    return _bands(values.astype(float), at)


def _bands(values: pd.Series, at: list[float]) -> pd.Series:
    labels = [
        f"under {at[0]:g}",
        *(f"{low:g} to under {high:g}" for low, high in zip(at, at[1:], strict=False)),
        f"{at[-1]:g}{MARK}",
    ]
    codes = pd.Series(0, index=values.index)
    for edge in at:
        codes += (values >= edge).astype(int)
    return codes.map(dict(enumerate(labels))).astype(object).where(values.notna(), None)


def _title(name: str) -> str:
    return covariate_title(name.partition(":")[0])


def _not(name: str, outcome: str, why: str) -> Apart:
    return Apart(name, _title(name), outcome, why=why)


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
        return _not(name, outcome.name, groups)
    data = design.data.assign(**{name: groups, outcome.name: design.data[outcome.name].astype(float)})
    if data.loc[design.weights > 0, name].nunique() < 2:
        return _not(name, outcome.name, "everyone who is compared is in the same group")
    measure = outcome.effect.measure
    found = subgroups(
        replace(design, data=data), outcome.name, name, measure=measure, fewest=FEWEST, threshold=BALANCE_LIMIT
    )
    table = found.tidy().rename(columns={"term": "part"})
    few = table[["n_treated", "n_comparison"]].min(axis=1) < FEWEST
    # The method's own words on a small group hold how many there were.
    table["refused"] = table["refused"].mask(few, f"fewer than {FEWEST} people on one side")
    return Apart(name, _title(name), outcome.name, measure, _in_order(table), found.interaction)


def _of_readings(name: str, main: str, programme: Programme, people: pd.DataFrame, linked: Linked) -> Apart:
    groups = groups_of(people.set_index("person_id"), name)
    if isinstance(groups, str):
        return _not(name, main, groups)
    asked, _, scale = main.partition(":")
    readings = linked.table("assessment")
    chosen = (readings["programme"] == programme.name) & (readings["instrument"] == asked)
    held = readings[(chosen & (readings["scale"] == scale)).fillna(False)]
    if held.empty or asked not in {one.name for one in programme.instruments}:
        return _not(name, main, NOT_MAIN)
    held = held.assign(**{name: held["person_id"].map(groups)}).dropna(subset=[name])
    if held[name].nunique() < 2:
        return _not(name, main, "everyone with a reading is in the same group")
    instrument = programme.instrument(asked)
    try:
        found = change(
            held,
            person="person_id",
            wave="wave",
            score="score",
            group=name,
            low=instrument.low,
            high=instrument.high,
            better=instrument.better,
        )
    except InputError as refused:
        return _not(name, main, refused.summary)
    table = found.tidy().drop(columns="term").rename(columns={"group": "part", "n": "n_treated"})
    few = table["n_treated"] < MINIMUM_ANALYSED
    table[["estimate", "conf_low", "conf_high", "p_value"]] = table[
        ["estimate", "conf_low", "conf_high", "p_value"]
    ].mask(few)
    table["refused"] = ["" if not less else f"fewer than {MINIMUM_ANALYSED} people with both readings" for less in few]
    return Apart(name, _title(name), main, "mean_change", _in_order(table.assign(n_comparison=0)))
