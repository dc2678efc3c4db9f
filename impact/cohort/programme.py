"""What a programme is: its definition file, read and judged, every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from impact.errors import DefinitionError
from impact.fields import Fields, read_definition
from impact.records.tables import PATHWAYS, TABLES

RULES = ("release", "sentence", "screening", "referral", "start")
COVARIATES = (
    "age",
    "sex",
    "ethnicity",
    "district",
    "imd_decile",
    "disposal",
    "offence_group",
    "previous_offences",
    "previous_custody",
    "contacts_before",
    "needs_before",
    "days_since_sentence",
    "days_served",
)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Who the programme is for: whole years of age, both ends included; no `sex` means any; `note` says what occurs."""

    age_low: int | None
    age_high: int | None
    sex: tuple[str, ...]
    convicted: bool
    note: str


@dataclass(frozen=True, slots=True)
class Named:
    """A name as the data hold it, and its title in words."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """An outcome measure: its scales, the lowest and highest reading, which way is better, how often it is taken."""

    name: str
    title: str
    scales: tuple[Named, ...]
    low: float
    high: float
    better: str
    made_by: str
    rhythm_days: int | None
    reliability: float | None
    reliability_source: str
    note: str


@dataclass(frozen=True, slots=True)
class LogicModel:
    """How the programme is meant to work."""

    inputs: tuple[str, ...]
    activities: tuple[str, ...]
    outputs: tuple[str, ...]
    outcomes: tuple[str, ...]
    impact: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimeZero:
    """From when people are followed, and why; `instrument` is the one that people are screened with, if they are."""

    rule: str
    reason: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """With whom the programme's people are compared, and how; `kind` is pool, randomised or none."""

    kind: str
    reason: str
    covariates: tuple[str, ...]
    exact: tuple[str, ...]
    method: str
    on: str
    ratio: int
    replace: bool
    caliper: float | None
    radius: float | None


@dataclass(frozen=True, slots=True)
class Programme:
    """One programme, as its definition file says.

    Attributes
    ----------
    name : str
        The stem of the definition file: the programme's name in every table.
    title, provider, purpose, expected_length, routes_note : str
        In words.
    sources, unknown : tuple of str
        Where the facts are from, and what the sources do not say.
    routes : tuple of str
        Routes in, as values of `referral.source`.
    pathways : tuple of str
        The resettlement pathways it works on.
    reoffending : bool
        Whether reoffending is an outcome of the people in its records; `reoffending_reason` says why.
    primary, secondary : tuple of str
        Outcomes.
    """

    name: str
    title: str
    provider: str
    purpose: str
    sources: tuple[str, ...]
    unknown: tuple[str, ...]
    expected_length: str
    routes: tuple[str, ...]
    routes_note: str
    pathways: tuple[str, ...]
    reoffending: bool
    reoffending_reason: str
    primary: tuple[str, ...]
    secondary: tuple[str, ...]
    eligibility: Eligibility
    interventions: tuple[Named, ...]
    instruments: tuple[Instrument, ...]
    logic_model: LogicModel
    time_zero: TimeZero
    comparison: Comparison

    def instrument(self, name: str) -> Instrument:
        """The instrument of that name."""
        return next(instrument for instrument in self.instruments if instrument.name == name)

    def __repr__(self) -> str:
        return (
            f"{self.title} ({self.name}): time zero {self.time_zero.rule}, comparison {self.comparison.kind}, "
            f"reoffending {'an outcome' if self.reoffending else 'not an outcome'}"
        )


def programmes(definitions: str | Path | Mapping[str, str | Path] | None = None) -> dict[str, Path]:
    """The programmes defined: name and definition file, sorted by name.

    Parameters
    ----------
    definitions : path or mapping, optional
        A folder of further definition files, none named as one of the library's; or names and their files, which take
        the place of the library's.

    Examples
    --------
    >>> list(programmes())[:3]
    ['beacon', 'dwp', 'magistra']
    """
    shipped = Path(str(resources.files("impact").joinpath("definitions")))
    found = {path.stem: path for path in shipped.glob("*.toml")}
    if isinstance(definitions, Mapping):
        found |= {name: Path(path) for name, path in definitions.items()}
    elif definitions is not None:
        if not Path(definitions).is_dir():
            raise DefinitionError("The folder of definitions does not exist.")
        further = {path.stem: path for path in Path(definitions).glob("*.toml")}
        twice = ", ".join(sorted(set(found) & set(further)))
        if twice:
            raise DefinitionError(f"Defined both by the library and in the folder of definitions: {twice}.")
        found |= further
    return dict(sorted(found.items()))


def programme(
    name_or_path: str | Path, *, definitions: str | Path | Mapping[str, str | Path] | None = None
) -> Programme:
    """Read a programme from its definition file.

    Parameters
    ----------
    name_or_path : str or path
        The name of a programme (`programmes()` lists them), or a definition file (ending in ``.toml``).
    definitions : path or mapping, optional
        Further definition files, as for `programmes`.

    Raises
    ------
    DefinitionError
        Where there is no such programme, or with every mistake of the file at once.

    Examples
    --------
    >>> programme("pops").time_zero.rule
    'referral'
    """
    return read_definition(
        name_or_path, lambda: programmes(definitions), _programme, thing="programme", file="definition file"
    )


def _programme(name: str, top: Fields) -> Programme:
    outcomes = top.table("outcomes")
    instruments = tuple(_instrument(item) for item in top.tables("instruments"))
    result = Programme(
        name=name,
        title=top.text("title"),
        provider=top.text("provider"),
        purpose=top.text("purpose"),
        sources=top.texts("sources", least=1),
        unknown=top.texts("unknown"),
        expected_length=top.text("expected_length"),
        routes=top.texts("routes", allowed=_allowed("referral", "source")),
        routes_note=top.text("routes_note"),
        pathways=top.texts("pathways", allowed=PATHWAYS),
        reoffending=top.flag("reoffending"),
        reoffending_reason=top.text("reoffending_reason"),
        primary=outcomes.texts("primary", least=1),
        secondary=outcomes.texts("secondary"),
        eligibility=_eligibility(top.table("eligibility")),
        interventions=tuple(_named(item) for item in top.tables("interventions")),
        instruments=instruments,
        logic_model=_logic_model(top.table("logic_model")),
        time_zero=_time_zero(top.table("time_zero")),
        comparison=_comparison(top.table("comparison"), instruments),
    )
    outcomes.close()
    top.close()
    return result


def _allowed(table: str, column: str) -> tuple[str, ...]:
    return next(item for item in TABLES if item.name == table).column(column).allowed


def _eligibility(fields: Fields) -> Eligibility:
    result = Eligibility(
        age_low=fields.whole("age_low", low=0, optional=True),
        age_high=fields.whole("age_high", low=0, optional=True),
        sex=fields.texts("sex", allowed=_allowed("person", "sex")),
        convicted=fields.flag("convicted"),
        note=fields.text("note"),
    )
    if result.age_low is not None and result.age_high is not None and result.age_high < result.age_low:
        fields.fault("age_high", "is below age_low")
    fields.close()
    return result


def _named(fields: Fields) -> Named:
    result = Named(fields.text("name"), fields.text("title"))
    fields.close()
    return result


def _instrument(fields: Fields) -> Instrument:
    result = Instrument(
        name=fields.text("name"),
        title=fields.text("title"),
        scales=tuple(_named(item) for item in fields.tables("scales", least=1)),
        low=fields.number("low") or 0.0,
        high=fields.number("high") or 0.0,
        better=fields.text("better", allowed=("higher", "lower")),
        made_by=fields.text("made_by", allowed=("programme", "probation")),
        rhythm_days=fields.whole("rhythm_days", low=1, optional=True),
        reliability=fields.number("reliability", low=0, high=1, optional=True),
        reliability_source=fields.text("reliability_source", optional=True),
        note=fields.text("note", optional=True),
    )
    if result.high <= result.low:
        fields.fault("high", "is not above low")
    if (result.reliability is None) != (result.reliability_source == ""):
        fields.fault("reliability_source", "must stand beside reliability, and nowhere else")
    fields.close()
    return result


def _logic_model(fields: Fields) -> LogicModel:
    result = LogicModel(*(fields.texts(name) for name in ("inputs", "activities", "outputs", "outcomes", "impact")))
    fields.close()
    return result


def _time_zero(fields: Fields) -> TimeZero:
    why = "follow-up from there holds time in which nobody could reoffend and still be counted as treated."
    result = TimeZero(
        rule=fields.text("rule", allowed=RULES, why=why),
        reason=fields.text("reason"),
        instrument=fields.text("instrument", optional=True),
    )
    if result.rule == "screening" and not result.instrument:
        fields.fault("instrument", "is missing", remedy="name the instrument that people are screened with.")
    fields.close()
    return result


def _comparison(fields: Fields, instruments: tuple[Instrument, ...]) -> Comparison:
    kind = fields.text("kind", allowed=("pool", "randomised", "none"))
    reason = fields.text("reason")
    if kind == "none":
        fields.close()
        return Comparison(kind, reason, (), (), "", "", 0, False, None, None)
    readings = tuple(
        f"assessment:{instrument.name}:{scale.name}" for instrument in instruments for scale in instrument.scales
    )
    covariates = fields.texts("covariates", allowed=(*COVARIATES, *readings), least=1)
    if kind == "randomised":
        fields.close()
        return Comparison(kind, reason, covariates, (), "", "", 0, False, None, None)
    result = Comparison(
        kind=kind,
        reason=reason,
        covariates=covariates,
        exact=fields.texts("exact", allowed=COVARIATES),
        method=fields.text("method", allowed=("nearest", "radius")),
        on=fields.text("on", allowed=("logit", "probability", "odds")),
        ratio=fields.whole("ratio", low=1) or 1,
        replace=fields.flag("replace"),
        caliper=fields.number("caliper", low=0, optional=True),
        radius=fields.number("radius", low=0, optional=True),
    )
    if (result.method == "radius") != (result.radius is not None):
        fields.fault("radius", "is needed by the method radius, and by no other")
    fields.close()
    return result
