"""The plan of a programme's evaluation: written before outcomes are joined, hashed, and held beside what was done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from impact.cohort.programme import RULES, programmes
from impact.errors import DefinitionError, Fault
from impact.fields import Fields, read_definition

MEASURES = {
    "risk_difference": "difference of two shares",
    "mean_difference": "difference of two means",
    "hazard_ratio": "ratio of two rates over time",
    "share_by_then": "share of a group by the end",
    "mean_change": "mean change between two readings",
    "signed_rank": "signed-rank test of a change",
    "share_change": "change of a share between two readings",
    "share_at_last": "share at the last reading",
    "share_met": "share of needs met in time",
    "share_met_so_far": "share of needs met by now",
}
"""What may be planned and computed, in words."""
FOLDER = "plans"

Setting = str | float | bool | tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """What was to be computed, and how.

    Attributes
    ----------
    programme : str
        The programme's name.
    main : str
        The outcome that decides.
    lodged : str
        With whom, and when, the hash was left before outcomes were looked at; empty where with nobody.
    outcomes : mapping of str to tuple of str
        For each measure the outcomes to be computed. Readings are named ``instrument:scale``, needs by their pathway.
    subgroups : tuple of str
        What makes the groups in which the main outcome is looked at apart: something on record before (``"sex"``), a
        number with the values at which it is cut (``"age:26"``: under 26, and 26 and over).
    settings : mapping of str to value
        How: follow-up, comparison and thresholds, each key under its table (``"comparison.method"``).
    digest : str
        SHA-256 of the content as JSON in UTF-8, with keys and lists sorted and no spaces: comments, layout and order
        do not change it, and where it was lodged is no part of it.
    """

    programme: str
    main: str
    lodged: str
    outcomes: Mapping[str, tuple[str, ...]]
    subgroups: tuple[str, ...]
    settings: Mapping[str, Setting]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        content = {
            "programme": self.programme,
            "main": self.main,
            "outcomes": {measure: sorted(names) for measure, names in self.outcomes.items()},
            "subgroups": sorted(self.subgroups),
            "settings": {
                name: sorted(value) if isinstance(value, tuple) else value for name, value in self.settings.items()
            },
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        object.__setattr__(self, "digest", hashlib.sha256(text.encode("utf-8")).hexdigest())

    @property
    def notes(self) -> tuple[str, ...]:
        """What the hash can show."""
        return (
            f"The hash was lodged before outcomes were looked at: {self.lodged}."
            if self.lodged
            else "The hash was lodged with nobody, so it shows which plan this is, not when it was written.",
        )

    def has(self, outcome: str, measure: str) -> bool:
        """Whether an outcome was planned by a measure."""
        return outcome in self.outcomes.get(measure, ())

    def tidy(self) -> pd.DataFrame:
        """One row a thing planned: kind (outcome, subgroup, setting), name, value."""
        rows = [("outcome", name, measure) for measure, names in self.outcomes.items() for name in names]
        rows += [("subgroup", name, "") for name in self.subgroups]
        rows += [("setting", name, in_words(value)) for name, value in self.settings.items()]
        return pd.DataFrame(rows, columns=["kind", "name", "value"])

    def __repr__(self) -> str:
        lines = [f"Plan for {self.programme}, main outcome {self.main}, SHA-256 {self.digest}"]
        lines += [f"{measure}: {', '.join(names)}" for measure, names in self.outcomes.items()]
        lines += [f"{name}: {in_words(value)}" for name, value in self.settings.items()]
        lines.append(f"subgroups: {', '.join(self.subgroups) or 'none'}")
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which what was done is not what was planned.

    Attributes
    ----------
    kind : str
        ``"run, not planned"``, ``"planned, not run"`` or ``"setting differs"``.
    name : str
        The outcome, subgroup or setting.
    measure : str
        The measure of an outcome; empty otherwise.
    planned, done : str
        The two values of a setting; for what was not run `done` says why.
    """

    kind: str
    name: str
    measure: str = ""
    planned: str = ""
    done: str = ""


def read_plan(name_or_path: str | Path) -> Plan:
    """Read the plan of a programme's evaluation.

    Parameters
    ----------
    name_or_path : str or path
        A programme of the library, or a plan file (ending in ``.toml``).

    Returns
    -------
    Plan

    Raises
    ------
    DefinitionError
        Where there is no such plan, or with every mistake of the file at once.

    Examples
    --------
    >>> plan = read_plan("pops")
    >>> plan.main, plan.settings["follow_up.length"], len(plan.digest)
    ('reoffended', '365 days', 64)
    """
    return read_definition(name_or_path, _shipped, _plan, thing="plan", file="plan file")


def plan_file(definition: Path) -> Path:
    """Where the plan of a programme lies: in the folder `plans` beside its definition file, under the same name."""
    return definition.parent / FOLDER / definition.name


def departures(
    plan: Plan,
    computed: Set[tuple[str, str]],
    settings: Mapping[str, Setting],
    *,
    apart: Set[str] = frozenset(),
    why_not: Mapping[str, str],
) -> tuple[Departure, ...]:
    """Everything in which what was done is not what was planned.

    Parameters
    ----------
    plan : Plan
    computed : set of (outcome, measure)
        What was computed, shown or not.
    settings : mapping
        How it was done, by the names of the plan's settings.
    apart : set of str
        What made groups that were looked at apart, shown or not.
    why_not : mapping of str to str
        For an outcome, a measure or what makes groups, why it was not computed.
    """
    planned = {(name, measure) for measure, names in plan.outcomes.items() for name in names}
    found = [Departure("run, not planned", name, measure) for name, measure in sorted(computed - planned)]
    for measure, names in plan.outcomes.items():
        for name in names:
            if (name, measure) not in computed:
                why = why_not.get(name) or why_not.get(measure) or "the chapter makes no such analysis"
                found.append(Departure("planned, not run", name, measure, done=why))
    found += [
        Departure("planned, not run", name, "subgroup", done=why_not.get(name, "the chapter looks at no group apart"))
        for name in plan.subgroups
        if name not in apart
    ]
    for name in dict.fromkeys([*plan.settings, *settings]):
        was, now = plan.settings.get(name), settings.get(name)
        if _sorted(was) != _sorted(now):
            found.append(Departure("setting differs", name, planned=in_words(was), done=_done(was, now)))
    return tuple(found)


def in_words(value: Setting | None) -> str:
    """A setting as it is written in a table."""
    if value is None:
        return "nothing said"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return value if isinstance(value, str) else f"{value:g}"


def _done(was: Setting | None, now: Setting | None) -> str:
    """What was done in place of a setting; of two lists only what came and went."""
    if not (isinstance(was, tuple) and isinstance(now, tuple)):
        return in_words(now)
    parts = (
        ("without", [name for name in was if name not in now]),
        ("with", [name for name in now if name not in was]),
    )
    return "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names)


def _sorted(value: Setting | None) -> object:
    return sorted(value) if isinstance(value, tuple) else value


def _shipped() -> dict[str, Path]:
    files = {name: plan_file(path) for name, path in programmes().items()}
    return {name: path for name, path in files.items() if path.is_file()}


def _plan(name: str, top: Fields) -> Plan:
    programme, main = top.text("programme"), top.text("main")
    lodged = top.text("lodged", optional=True)
    subgroups = top.texts("subgroups")
    follow_up, comparison = top.table("follow_up"), top.table("comparison")
    thresholds, outcomes = top.table("thresholds"), top.table("outcomes")
    settings = {
        **{f"follow_up.{key}": value for key, value in _follow_up(follow_up).items()},
        **{f"comparison.{key}": value for key, value in _comparison(comparison).items()},
        **{f"thresholds.{key}": value for key, value in _thresholds(thresholds).items()},
    }
    named = {measure: outcomes.texts(measure, optional=True) for measure in MEASURES}
    for fields in (follow_up, comparison, thresholds, outcomes, top):
        fields.close()
    if main and not any(main in names for names in named.values()):
        top.fault("main", "is none of the outcomes", why="the outcome that decides must be one that is computed.")
    if programme and programme != name:
        top.fault("programme", "is not the name of the file", why="the plan would be held against another programme.")
    return Plan(programme, main, lodged, {key: names for key, names in named.items() if names}, subgroups, settings)


def _follow_up(fields: Fields) -> dict[str, Setting]:
    return {
        "time_zero": fields.text("time_zero", allowed=RULES),
        "length": fields.text("length"),
        "waiting": fields.text("waiting"),
    }


def _comparison(fields: Fields) -> dict[str, Setting]:
    kind = fields.text("kind", allowed=("pool", "randomised", "none"))
    found: dict[str, Setting | None] = {"kind": kind}
    if kind in ("pool", "randomised"):
        found["covariates"] = fields.texts("covariates", least=1)
    if kind == "pool":
        found |= {
            "exact": fields.texts("exact"),
            "method": fields.text("method"),
            "on": fields.text("on"),
            "ratio": fields.number("ratio", low=1),
            "replace": fields.flag("replace"),
            "caliper": fields.number("caliper", low=0, optional=True),
            "radius": fields.number("radius", low=0, optional=True),
        }
    return {key: value for key, value in found.items() if value is not None}


def _thresholds(fields: Fields) -> dict[str, Setting]:
    return {
        name: fields.number(name, low=0) or 0.0
        for name in ("level", "standardised_difference", "people_compared", "reoffenders")
    }


def find_plan(definition: Path, title: str) -> Plan:
    """The plan beside a definition file.

    Raises
    ------
    DefinitionError
        Where none was written, or it cannot be used.
    """
    path = plan_file(definition)
    if not path.is_file():
        raise DefinitionError(
            f"No plan was written for {title} before its outcomes were joined.",
            [
                Fault(
                    f"is not in the folder {FOLDER} beside the definition file",
                    table=path.name,
                    why="without a plan nobody can tell what was looked for from what was found by looking.",
                    remedy="write one, as docs/claims.md shows; or say unplanned=True (--unplanned), and the chapter"
                    " says that nothing in it was planned.",
                )
            ],
        )
    return read_plan(path)
