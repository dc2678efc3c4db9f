"""`instrument`: a questionnaire as a data file says it, with what is known of its scores and what is assumed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd

from impact.cohort import Programme
from impact.cohort.programme import Instrument as Stated
from impact.distance.facts import Fact
from impact.errors import DefinitionError, Fault, InputError
from impact.fields import Fields, read_definition
from impact.results import number, with_notes

SUM, MEAN = "sum", "mean"
WHOLE = "whole"
WHY = "scores would be taken for better or worse than they are."
REMEDY = "mend the definition; give another measure another name."


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale of an instrument.

    Attributes
    ----------
    name, title : str
    low, high : float
        The ends of its scores.
    better : str
        ``"higher"`` or ``"lower"``.
    items, reverse : tuple of str
        The items that make it, and those of them whose answers are turned round; none where it is only read.
    parts : tuple of str
        The scales whose scores it adds, where it is made of scales.
    answered : int
        The fewest items answered for a score, which is then the mean of the answers as if all had been given.
    method : str
        ``"sum"`` or ``"mean"`` of the answers.
    whole : bool
        Whether a score scaled up from fewer answers is rounded to a whole number, halves upward.
    conversion : tuple of (float, float)
        Score for each sum, where sums are converted.
    facts : dict of Fact
        Reliability, cut-offs, norms: what is known of it, by name.
    """

    name: str
    title: str
    low: float
    high: float
    better: str
    items: tuple[str, ...]
    reverse: tuple[str, ...]
    parts: tuple[str, ...]
    answered: int
    method: str
    whole: bool
    conversion: tuple[tuple[float, float], ...]
    facts: dict[str, Fact]

    def fact(self, name: str) -> Fact:
        """What is known under that name.

        Raises
        ------
        InputError
            Where nothing is: no number is invented.
        """
        if name not in self.facts:
            known = ", ".join(self.facts) or "nothing"
            raise InputError(f"No {name} is held for the scale {self.name!r}; held: {known}.")
        return self.facts[name]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire.

    Attributes
    ----------
    name : str
        The stem of its file.
    title, licence, note : str
    items : tuple of str
        All items, in their order on the form; none where only readings are held.
    answer_low, answer_high : float
        The lowest and the highest answer.
    scales : tuple of Scale
    sources, assumptions : tuple of str
        Where its rules are from, and what about them was not read in a source.
    """

    name: str
    title: str
    licence: str
    note: str
    items: tuple[str, ...]
    answer_low: float
    answer_high: float
    scales: tuple[Scale, ...]
    sources: tuple[str, ...]
    assumptions: tuple[str, ...]

    def scale(self, name: str) -> Scale:
        """The scale of that name."""
        found = next((scale for scale in self.scales if scale.name == name), None)
        if found is None:
            raise InputError(
                f"{self.title} has no scale {name!r}; it has: {', '.join(scale.name for scale in self.scales)}."
            )
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """Assumptions, unverified numbers, the licence and what else to know."""
        facts = [
            f"{scale.name}, {name}: {fact}"
            for scale in self.scales
            for name, fact in scale.facts.items()
            if not fact.verified
        ]
        assumed = [f"Assumed: {text}" for text in self.assumptions]
        return (*assumed, *facts, self.licence, *((self.note,) if self.note else ()))

    def tidy(self) -> pd.DataFrame:
        """What is held of each scale: ``scale, fact, value, source, verified``."""
        rows = [
            (scale.name, name, fact.value, fact.source, fact.verified)
            for scale in self.scales
            for name, fact in scale.facts.items()
        ]
        return pd.DataFrame(rows, columns=["scale", "fact", "value", "source", "verified"])

    def __repr__(self) -> str:
        lines = [self.title]
        for scale in self.scales:
            made = f"{len(scale.items)} items" if scale.items else "of scales" if scale.parts else "a reading"
            lines.append(
                f"{scale.name}: {scale.title}, {number(scale.low)} to {number(scale.high)}, {scale.better} is better"
                f" ({made})"
            )
        return with_notes("\n".join(lines), self.notes)


def instruments() -> dict[str, Path]:
    """The instruments that come with the library: name and file, sorted by name.

    Examples
    --------
    >>> list(instruments())
    ['core10', 'homelessness_star', 'rosenberg', 'sdq', 'swemwbs', 'wemwbs']
    """
    folder = Path(str(resources.files("impact").joinpath("definitions", "instruments")))
    return dict(sorted((path.stem, path) for path in folder.glob("*.toml")))


def instrument(name_or_path: str | Path) -> Instrument:
    """Read a questionnaire from its data file.

    Parameters
    ----------
    name_or_path : str or path
        The name of an instrument (`instruments()` lists them), or a file of one's own (ending in ``.toml``), which
        says the same things of a local questionnaire; ``docs/distance.md`` shows one.

    Raises
    ------
    DefinitionError
        Where there is no such instrument, or with every mistake of the file at once.

    Examples
    --------
    >>> print(instrument("core10").scale("total").fact("cutoff"))
    11 (Barkham and others 2013: clinical from 11)
    """
    return read_definition(name_or_path, instruments, _instrument, thing="instrument", file="instrument's file")


def check_instruments(programme: Programme) -> None:
    """Hold what a programme's definition says of an instrument to the instrument's own file, where it has one here.

    Raises
    ------
    DefinitionError
        With every scale that the file does not have, and every range or direction that differs.

    Examples
    --------
    >>> from impact.cohort import programme
    >>> check_instruments(programme("pops"))
    """
    held = instruments()
    faults = [
        Fault(problem, table=programme.name, column=f"instruments: {stated.name}", why=WHY, remedy=REMEDY)
        for stated in programme.instruments
        if stated.name in held
        for problem in _differences(stated, instrument(stated.name))
    ]
    if faults:
        raise DefinitionError(f"The definition of {programme.title} contradicts the files of its instruments:", faults)


def _differences(stated: Stated, held: Instrument) -> list[str]:
    scales = {scale.name: scale for scale in held.scales}
    found = []
    for named in stated.scales:
        scale = scales.get(named.name)
        if scale is None:
            found.append(f"the scale {named.name} is not one of {', '.join(scales)}")
        elif (stated.low, stated.high, stated.better) != (scale.low, scale.high, scale.better):
            found.append(
                f"{named.name} runs from {number(scale.low)} to {number(scale.high)} and {scale.better} is better,"
                f" not {number(stated.low)} to {number(stated.high)} and {stated.better}"
            )
    return found


def _instrument(name: str, top: Fields) -> Instrument:
    answers = top.table("answers")
    items = top.texts("items")
    ends = _ends(top, None)
    better = top.text("better", allowed=("higher", "lower"))
    low, high = _ends(answers, None)
    scales = [_scale(item, "reading", items, ends, better, (low, high)) for item in top.tables("readings")]
    scales += [_scale(item, "items", items, ends, better, (low, high)) for item in top.tables("scales")]
    scales += [_scale(item, "sum", items, ends, better, (low, high)) for item in top.tables("sums")]
    known = [scale.name for scale in scales]
    if not scales:
        top.fault("scales", "is missing", remedy="give at least one of readings, scales and sums.")
    if len(set(known)) < len(known):
        top.fault("name", "stands twice among the scales")
    for scale in scales:
        left = [part for part in scale.parts if part not in known]
        if left:
            top.fault("of", f"names scales that are not there: {', '.join(left)}")
    result = Instrument(
        name=name,
        title=top.text("title"),
        licence=top.text("licence"),
        note=top.text("note", optional=True),
        items=items,
        answer_low=low,
        answer_high=high,
        scales=tuple(scales),
        sources=top.texts("sources", least=1),
        assumptions=top.texts("assumptions"),
    )
    answers.close()
    top.close()
    return result


def _scale(
    fields: Fields,
    kind: str,
    items: tuple[str, ...],
    ends: tuple[float, float],
    better: str,
    answers: tuple[float, float],
) -> Scale:
    mine: tuple[str, ...] = fields.texts("items", allowed=items, least=1) if kind == "items" else ()
    reverse: tuple[str, ...] = fields.texts("reverse", allowed=mine) if kind == "items" else ()
    parts: tuple[str, ...] = fields.texts("of", least=2) if kind == "sum" else ()
    answered = fields.whole("answered", low=1, optional=True) if kind == "items" else None
    method = fields.text("method", allowed=(SUM, MEAN), optional=True) if kind == "items" else SUM
    rounding = fields.text("rounding", allowed=(WHOLE,), optional=True) if kind == "items" else ""
    conversion = _conversion(fields) if kind == "items" else ()
    low, high = _ends(fields, ends)
    result = Scale(
        name=fields.text("name"),
        title=fields.text("title"),
        low=low,
        high=high,
        better=fields.text("better", allowed=("higher", "lower"), optional=True) or better,
        items=mine,
        reverse=reverse,
        parts=parts,
        answered=len(mine) if answered is None else answered,
        method=method or SUM,
        whole=rounding == WHOLE,
        conversion=conversion,
        facts=dict(_fact(item) for item in fields.tables("facts")),
    )
    if answered is not None and answered > len(mine):
        fields.fault("answered", "is more than the items of the scale")
    if conversion and answered is not None and answered < len(mine):
        fields.fault("answered", "is below the number of items, but sums that are not whole cannot be converted")
    if kind == "items" and mine:
        _check_ends(fields, result, answers)
    fields.close()
    return result


def _check_ends(fields: Fields, scale: Scale, answers: tuple[float, float]) -> None:
    size = len(scale.items) if scale.method == SUM else 1
    ends = tuple(size * end for end in answers)
    if scale.conversion:
        sums = [total for total, _ in scale.conversion]
        if sorted(sums) != [ends[0] + place for place in range(int(ends[1] - ends[0]) + 1)]:
            fields.fault("conversion", "does not hold every sum of answers once")
        ends = (min(score for _, score in scale.conversion), max(score for _, score in scale.conversion))
    if (scale.low, scale.high) != ends:
        fields.fault("low, high", f"are not the scores that the answers can give, {ends[0]:g} to {ends[1]:g}")


def _ends(fields: Fields, otherwise: tuple[float, float] | None) -> tuple[float, float]:
    optional = otherwise is not None
    low, high = (fields.number(name, optional=optional) for name in ("low", "high"))
    if otherwise is not None and low is None and high is None:
        return otherwise
    if low is None or high is None or not low < high:
        fields.fault("high", "is not above low, or one of them is missing")
        return 0.0, 1.0
    return low, high


def _conversion(fields: Fields) -> tuple[tuple[float, float], ...]:
    pairs = []
    for item in fields.tables("conversion"):
        pairs.append((item.number("sum") or 0.0, item.number("score") or 0.0))
        item.close()
    return tuple(pairs)


def _fact(fields: Fields) -> tuple[str, Fact]:
    name = fields.text("name")
    found = Fact(fields.number("value") or 0.0, fields.text("source"), fields.flag("verified"))
    fields.close()
    return name, found
