"""Risk scores: the published chance of reoffending, from age, sex, record and offence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.cohort.dates import need_columns
from impact.errors import InputError
from impact.frames import Columns, FloatArray, check_choice

KINDS = {"general": "OGRS4G", "violent": "OGRS4V"}
YOUNGEST, OLDEST, MOST_SANCTIONS = 10, 109, 999
BANDS = ("low", "medium", "high", "very high")

Dates = NDArray[np.datetime64]


@cache
def coefficients() -> Mapping[str, Any]:
    """The numbers of `ogrs_coefficients.toml`, with their version, evidence and conflicts."""
    text = resources.files("impact.cohort").joinpath("ogrs_coefficients.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def ogrs3(people: pd.DataFrame, *, years: int = 1) -> pd.Series:
    """Chance of proven reoffending within one or two years by OGRS3 (Howard and others 2009).

    ``1 / (1 + exp(-z))`` with z = constant + 1.251 ln(n / (10 + age at conviction − age at first sanction)) + status +
    age and sex + offence, n the number of sanctions including the current one, and age in whole years at the start of
    follow-up. Coefficients, sources and one conflict between them (females aged 10 to 15):
    `impact/cohort/ogrs_coefficients.toml`.

    Parameters
    ----------
    people : DataFrame
        One row a person: ``sex`` (male or female), ``birth_date``, ``convicted_on`` (of the current sanction),
        ``start`` (of follow-up: release, or the sentence or caution), ``sanctions`` (the current one included, 1 to
        999), ``age_first_sanction`` (whole years), ``offence`` (a key of ``ogrs3.offence`` in the data file) and, where
        known, ``sanction_status`` (a key of ``ogrs3.sanction_status``). Without `sanction_status` one sanction is taken
        as a first conviction and more as a reconviction.
    years : int
        1 or 2.

    Returns
    -------
    Series
        Probabilities on the index of `people`, named ``OGRS3_1yr`` or ``OGRS3_2yr``; NaN wherever a value that the
        score needs is missing, so count them before you average.

    Raises
    ------
    InputError
        With every fault at once: a column that is absent or of the wrong type; a sex, offence or status that is not one
        of the allowed; sanctions, ages or dates that cannot be; no person with every value.

    Examples
    --------
    >>> person = pd.DataFrame({"sex": ["male"], "birth_date": pd.to_datetime(["1991-07-17"]),
    ...     "convicted_on": pd.to_datetime(["2021-08-05"]), "start": pd.to_datetime(["2021-12-12"]), "sanctions": [2],
    ...     "age_first_sanction": [21], "offence": ["other"]})
    >>> ogrs3(person, years=2).round(4).tolist()
    [0.1654]
    """
    if years not in (1, 2):
        raise InputError(f"years must be 1 or 2, not {years!r}.")
    held = coefficients()["ogrs3"]
    columns, known = _read(people, held["offence"])
    status = _status(columns, known.sanctions, held["sanction_status"])
    keep = columns.rows()
    band = np.searchsorted(held["age_from"], known.age, side="right") - 1
    by_age = np.where(known.female == 1, np.array(held["female"])[band], np.array(held["male"])[band])
    rate = np.log(known.sanctions / (held["career_boost_years"] + known.career))
    z = held[f"constant_{years}yr"] + held["copas"] * rate + status + by_age + known.offence
    return _probability(z, keep, people.index, f"OGRS3_{years}yr")


def ogrs4(people: pd.DataFrame, *, kind: str = "general") -> pd.Series:
    """Chance of proven reoffending within two years by the static form of OGRS4/G or OGRS4/V.

    The Ministry of Justice's All and Violent Reoffending Predictor without the dynamic items of an assessment: a
    logistic score in age at the start of follow-up (quartic, by sex), sex, offence, number of sanctions (with terms of
    their own for the first, the second and the rate of three or more), the months free of offences in the community
    and, for violence, the violent sanctions. Coefficients and sources: `impact/cohort/ogrs_coefficients.toml`.

    Parameters
    ----------
    people : DataFrame
        Columns as in `ogrs3` (no ``sanction_status``; ``offence`` is a key of ``ogrs4g.offence``, which are not those
        of OGRS3), ``violent_sanctions`` (0 to `sanctions`) for ``kind="violent"`` and, where known, ``assessed_on``:
        the day as of which the chance is asked. Whole months from `start` to it, to a limit of 36, count as free of
        offences; an assessment before `start` counts none. Without the column everyone is scored as on the day that
        follow-up starts, with no month free of offences.
    kind : str
        ``general`` (OGRS4/G) or ``violent`` (OGRS4/V).

    Returns
    -------
    Series
        Probabilities on the index of `people`, named ``OGRS4G`` or ``OGRS4V``; NaN wherever a value that the score
        needs is missing, so count them before you average.

    Raises
    ------
    InputError
        With every fault at once, as in `ogrs3`; and an assessment more than three months before the conviction.

    Examples
    --------
    >>> person = pd.DataFrame({"sex": ["male"], "birth_date": pd.to_datetime(["1990-01-01"]),
    ...     "convicted_on": pd.to_datetime(["2024-01-01"]), "start": pd.to_datetime(["2026-01-01"]), "sanctions": [2],
    ...     "age_first_sanction": [18], "offence": ["criminal_damage"]})
    >>> ogrs4(person).round(4).tolist()
    [0.1366]
    """
    check_choice("kind", kind, tuple(KINDS))
    name = KINDS[kind]
    held = coefficients()[name.lower()]
    columns, known = _read(people, held["offence"])
    months = _offence_free_months(columns, known, held["offence_free_months_cap"])
    violent = _violent(columns, known.sanctions) if kind == "violent" else None
    keep = columns.rows()
    z = _static(held, known, months)
    if violent is not None:
        z = z + _violence(held, known, violent)
    return _probability(z, keep, people.index, name)


def risk_band(probability: pd.Series, *, scale: str) -> pd.Series:
    """The published band of a score: low, medium, high or very high.

    Parameters
    ----------
    probability : Series
        Probabilities between 0 and 1, such as `ogrs3` with ``years=2`` and `ogrs4` give. A Series that bears the name
        of another score is refused: one-year OGRS3 has no bands.
    scale : str
        ``OGRS3_2yr``, ``OGRS4G`` or ``OGRS4V``.

    Returns
    -------
    Series
        Ordered categorical on the index of `probability`; missing where the probability is. As in the Ministry of
        Justice's own code the probability is first rounded, halves up: OGRS3 to the whole per cent (49.5% is medium),
        OGRS4 to two decimals of a per cent.

    Raises
    ------
    InputError
        Where `scale` is unknown or the values are not probabilities of that scale.

    Examples
    --------
    >>> risk_band(pd.Series([0.2, 0.6, 0.95]), scale="OGRS4V").tolist()
    ['low', 'high', 'very high']
    """
    held = coefficients()["bands"]
    check_choice("scale", scale, tuple(held))
    if not isinstance(probability, pd.Series):
        raise InputError(f"probability must be a pandas Series, not {type(probability).__name__}.")
    if probability.name in {"OGRS3_1yr", *held} - {scale}:
        raise InputError(f"probability is {probability.name}, which the bands of {scale} are not for.")
    columns = Columns(probability.to_frame("probability"))
    values = columns.number("probability", low=0, high=1)
    keep = columns.rows()
    band = held[scale]
    fine = 10.0 ** band["decimals"]
    percent = np.floor(np.where(keep, values, 0.0) * 100 * fine + 0.5) / fine
    code = np.searchsorted([band["medium"], band["high"], band["very_high"]], percent, side="right")
    words = pd.Categorical.from_codes(
        np.where(keep, code, -1).tolist(), dtype=pd.CategoricalDtype(list(BANDS), ordered=True)
    )
    return pd.Series(words, index=probability.index, name=probability.name)


@dataclass(frozen=True, slots=True)
class _Known:
    """What every score needs, NaN where missing: `career` is years from the first sanction to the current one."""

    female: FloatArray
    birth: Dates
    convicted: Dates
    start: Dates
    age: FloatArray
    career: FloatArray
    sanctions: FloatArray
    offence: FloatArray


def _read(people: pd.DataFrame, offences: Mapping[str, float]) -> tuple[Columns, _Known]:
    need_columns(people, (), "people")
    columns = Columns(people)
    female = _lookup(columns, "sex", {"male": 0.0, "female": 1.0})
    birth, convicted, start = columns.date("birth_date"), columns.date("convicted_on"), columns.date("start")
    columns.forbid(convicted <= birth, "convicted_on", "is not after the birth date")
    columns.forbid(start < convicted, "start", "is before the conviction", remedy="follow-up starts on it or later.")
    age, age_convicted = _whole_years(birth, start), _whole_years(birth, convicted)
    young = (convicted > birth) & (age_convicted < YOUNGEST)
    columns.forbid(young, "convicted_on", f"is before the age of {YOUNGEST}", why="a child under it cannot be guilty.")
    old = age > OLDEST
    columns.forbid(
        old, "birth_date", f"makes an age above {OLDEST}", remedy="make a date that stands for unknown missing."
    )
    sanctions = columns.code("sanctions")
    columns.forbid(sanctions == 0, "sanctions", "is below 1", remedy="count the current sanction too.")
    columns.forbid(sanctions > MOST_SANCTIONS, "sanctions", f"is above {MOST_SANCTIONS}")
    first = columns.code("age_first_sanction")
    late = (first > age_convicted) & (convicted > birth)
    columns.forbid(late, "age_first_sanction", "is above the age at the conviction")
    offence = _lookup(columns, "offence", offences)
    return columns, _Known(female, birth, convicted, start, age, age_convicted - first, sanctions, offence)


def _lookup(columns: Columns, name: str, allowed: Mapping[str, float]) -> FloatArray:
    """The number that stands for each word of a column, NaN where missing; other words are a fault."""
    groups = columns.groups(name)
    by_code = np.array([*(allowed.get(str(label), np.nan) for label in groups.labels), np.nan])
    values = by_code[groups.codes]
    if groups.labels:
        unknown = np.isnan(values) & (groups.codes >= 0)
        columns.forbid(
            unknown, name, "is none of the allowed values", remedy=f"use: {', '.join(allowed)}; make any other missing."
        )
    return values


def _status(columns: Columns, sanctions: FloatArray, held: Mapping[str, float]) -> FloatArray:
    if "sanction_status" not in columns.frame.columns:
        return np.where(sanctions == 1, held["first_conviction_no_prior"], held["repeat_conviction"])
    name = "sanction_status"
    firsts = _lookup(columns, name, {key: float(key in ("first_caution", "first_conviction_no_prior")) for key in held})
    columns.forbid((firsts == 1) & (sanctions > 1), name, "is of a first sanction where there are more")
    columns.forbid((firsts == 0) & (sanctions == 1), name, "needs an earlier sanction where there is one in all")
    return _lookup(columns, name, held)


def _offence_free_months(columns: Columns, known: _Known, cap: int) -> FloatArray:
    if "assessed_on" not in columns.frame.columns:
        return np.zeros(columns.n)
    assessed = columns.date("assessed_on")
    columns.forbid(
        _whole_months(assessed, known.convicted - np.timedelta64(1, "D")) >= 3,
        "assessed_on",
        "is more than three months before the conviction",
    )
    return np.clip(_whole_months(known.start, assessed), 0, cap)


def _violent(columns: Columns, sanctions: FloatArray) -> FloatArray:
    violent = columns.code("violent_sanctions")
    columns.forbid(violent > sanctions, "violent_sanctions", "is above the number of all sanctions")
    return violent


def _static(held: Mapping[str, Any], known: _Known, months: FloatArray) -> FloatArray:
    """The terms that OGRS4/G and OGRS4/V share; the logarithm of three or more sanctions is squared in G alone."""
    terms = held["terms"]
    letter = "g" if "three_plus_sanctions_copas_g_male" in terms else "v"
    n = known.sanctions

    def by_sex(term: str) -> FloatArray:
        return np.where(known.female == 1, terms[f"{term}_female"], terms[f"{term}_male"])

    age = [by_sex(f"aai{power}") for power in ("", "_quadratic", "_cubic", "_quartic")]
    free = [terms[f"offence_free_months{power}"] for power in ("", "_quadratic", "_cubic", "_quartic")]
    rate = np.log(n / (held["career_boost_years"] + known.career))
    many = by_sex(f"three_plus_sanctions_copas_{letter}") * rate
    if letter == "g":
        many = many + by_sex("three_plus_sanctions_copas_squared") * rate**2
    second = terms["second_sanction"] + by_sex("yrs_between_first_and_second_sanction") * known.career
    by_number = np.where(n == 1, terms["first_sanction"], np.where(n == 2, second, many))
    fixed = terms["two_year_constant"] + terms["female"] * known.female + known.offence
    return fixed + terms["sanction_occasions"] * n + by_number + _quartic(age, known.age) + _quartic(free, months)


def _violence(held: Mapping[str, Any], known: _Known, violent: FloatArray) -> FloatArray:
    terms = held["terms"]
    never = np.where(known.female == 1, terms["never_violent_female"], terms["never_violent_male"])
    rate = np.log(np.maximum(violent, 1) / (held["violent_career_boost_years"] + known.career))
    ever = terms["violent_sanctions"] * violent + terms["violent_rate"] * rate + terms["once_violent"] * (violent == 1)
    return np.where(violent == 0, never, ever)


def _quartic(coefficient: list[Any], x: FloatArray) -> FloatArray:
    """Polynomial without a constant term."""
    first, second, third, fourth = coefficient
    return x * (first + x * (second + x * (third + x * fourth)))


def _whole_months(start: Dates, end: Dates) -> FloatArray:
    """Whole calendar months from one day to another, NaN where a date is missing."""
    start_month, end_month = start.astype("datetime64[M]"), end.astype("datetime64[M]")
    short = (end - end_month.astype("datetime64[D]")) < (start - start_month.astype("datetime64[D]"))
    months = (end_month - start_month).astype(np.int64) - short
    return np.where(np.isnat(start) | np.isnat(end), np.nan, months)


def _whole_years(start: Dates, end: Dates) -> FloatArray:
    """Age in whole years; someone born on 29 February turns a year older on 1 March of a common year."""
    return np.floor(_whole_months(start, end) / 12)


def _probability(z: FloatArray, keep: NDArray[np.bool_], index: pd.Index, name: str) -> pd.Series:
    return pd.Series(np.where(keep, 1 / (1 + np.exp(-z)), np.nan), index=index, name=name)
