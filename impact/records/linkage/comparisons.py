"""The model's comparisons: for each field the levels of agreement, in SQL that both engines read the same way.

Each level has two probabilities (Fellegi and Sunter 1969): m, of the level between two records of one person, and u,
between records of different people. The values here are used where there are too few records to estimate them, and
hold the estimates steady where there are few. They are round numbers chosen by the authors from what British
administrative records are usually like; they are no official figures.

Only Levenshtein's distance and equality are used, since both engines count them alike, in whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """One level of agreement: what it is called, when it holds (SQL), and its fixed m and u."""

    label: str
    condition: str
    m: float
    u: float
    frequency: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field: `missing` says in SQL when it cannot be compared; the last level is all else."""

    field: str
    missing: str
    levels: tuple[Level, ...]

    def settings(self, m: tuple[float, ...], u: tuple[float, ...], frequencies: bool) -> dict[str, object]:
        """The comparison as Splink reads it, with given m and u."""
        levels: list[dict[str, object]] = [
            {"sql_condition": self.missing, "label_for_charts": "missing", "is_null_level": True}
        ]
        for level, m_here, u_here in zip(self.levels, m, u, strict=True):
            one: dict[str, object] = {
                "sql_condition": level.condition,
                "label_for_charts": level.label,
                "m_probability": m_here,
                "u_probability": u_here,
            }
            if level.frequency and frequencies:
                one |= {"tf_adjustment_column": level.frequency, "tf_minimum_u_value": 1e-6}
            levels.append(one)
        return {"output_column_name": self.field, "comparison_levels": levels}


def _missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _close(column: str, edits: int, shortest: int) -> str:
    return (
        f"(length({column}_l) >= {shortest} AND length({column}_r) >= {shortest} "
        f"AND levenshtein({column}_l, {column}_r) <= {edits})"
    )


def _crossed(one: str, two: str) -> str:
    """The left record's one field close to the right record's other."""
    return f"levenshtein({one}_l, {two}_r) <= 2 AND length({one}_l) >= 4 AND length({two}_r) >= 4"


def _number(field: str) -> Comparison:
    return Comparison(
        field,
        _missing(field),
        (
            Level("same", f"{field}_l = {field}_r", 0.97, 1e-6),
            Level("one character differs", _close(field, 1, 6), 0.02, 1e-5),
            Level("other", "ELSE", 0.01, 0.999989),
        ),
    )


_SWAPPED = "(forename_l = surname_r AND surname_l = forename_r)"
_CROSSED = f"({_crossed('forename', 'surname')} AND {_crossed('surname', 'forename')})"
COMPARISONS: dict[str, Comparison] = {
    "forename": Comparison(
        "forename",
        _missing("forename"),
        (
            Level("same", "forename_l = forename_r", 0.8, 0.008, "forename"),
            Level("short form, or one of several", "forename_long_l = forename_long_r", 0.07, 0.004),
            Level("swapped with the surname", _SWAPPED, 0.01, 0.0002),
            Level("one letter differs", _close("forename", 1, 4), 0.05, 0.004),
            Level("nearly swapped with the surname", _CROSSED, 0.005, 0.0003),
            Level(
                "alike in sound or spelling",
                f"forename_sound_l = forename_sound_r OR {_close('forename', 2, 6)}",
                0.03,
                0.02,
            ),
            Level("other", "ELSE", 0.035, 0.9635),
        ),
    ),
    "surname": Comparison(
        "surname",
        _missing("surname"),
        (
            Level("same", "surname_l = surname_r", 0.82, 0.003, "surname"),
            Level("swapped with the forename", _SWAPPED, 0.01, 0.0002),
            Level(
                "one letter differs, or one of two names",
                f"{_close('surname', 1, 4)} OR surname_first_l = surname_first_r OR surname_last_l = surname_last_r",
                0.07,
                0.003,
            ),
            Level("nearly swapped with the forename", _CROSSED, 0.005, 0.0003),
            Level(
                "alike in sound or spelling",
                f"surname_sound_l = surname_sound_r OR {_close('surname', 2, 6)}",
                0.03,
                0.012,
            ),
            Level("other", "ELSE", 0.065, 0.9815),
        ),
    ),
    "birth_date": Comparison(
        "birth_date",
        _missing("birth_date"),
        (
            Level("same", "birth_date_l = birth_date_r", 0.9, 0.00006),
            Level("day and month changed over", "birth_date_l = birth_flipped_r", 0.01, 0.00003),
            Level("one digit differs", "levenshtein(birth_date_l, birth_date_r) <= 1", 0.04, 0.0006),
            Level("two digits differ", "levenshtein(birth_date_l, birth_date_r) <= 2", 0.015, 0.006),
            Level(
                "two parts of three the same",
                "(birth_year_l = birth_year_r AND (birth_month_l = birth_month_r OR birth_day_l = birth_day_r)) "
                "OR (birth_month_l = birth_month_r AND birth_day_l = birth_day_r)",
                0.015,
                0.004,
            ),
            Level("same year", "birth_year_l = birth_year_r", 0.01, 0.015),
            Level("other", "ELSE", 0.01, 0.97431),
        ),
    ),
    "sex": Comparison(
        "sex",
        _missing("sex"),
        (Level("same", "sex_l = sex_r", 0.985, 0.6), Level("other", "ELSE", 0.015, 0.4)),
    ),
    "postcode": Comparison(
        "postcode",
        _missing("postcode"),
        (
            Level("same", "postcode_l = postcode_r", 0.45, 0.0005),
            Level("one character differs", _close("postcode", 1, 4), 0.05, 0.002),
            Level("same district", "district_l = district_r", 0.25, 0.03),
            Level("other", "ELSE", 0.25, 0.9675),
        ),
    ),
    "police_id": _number("police_id"),
    "number": _number("number"),
    "email": Comparison(
        "email",
        _missing("email"),
        (
            Level("same", "email_l = email_r", 0.75, 0.00001),
            Level(
                "same before the @, or up to two characters differ",
                f"email_user_l = email_user_r OR {_close('email', 2, 8)}",
                0.12,
                0.0001,
            ),
            Level("other", "ELSE", 0.13, 0.99989),
        ),
    ),
    "place": Comparison(
        "place",
        _missing("place"),
        (
            Level("same", "place_l = place_r", 0.7, 0.08, "place"),
            Level("up to two letters differ", _close("place", 2, 5), 0.1, 0.01),
            Level("other", "ELSE", 0.2, 0.91),
        ),
    ),
    "address": Comparison(
        "address",
        _missing("address"),
        (
            Level("same", "address_l = address_r", 0.6, 0.001),
            Level("up to two characters differ", _close("address", 2, 6), 0.12, 0.001),
            Level("other", "ELSE", 0.28, 0.998),
        ),
    ),
}


def comparison(field: str, fields: frozenset[str]) -> Comparison:
    """The comparison of a field, without the levels that need a field which is not there."""
    whole = COMPARISONS[field]
    if {"forename", "surname"} <= fields:
        return whole
    kept = tuple(level for level in whole.levels if level.condition not in (_SWAPPED, _CROSSED))
    return Comparison(whole.field, whole.missing, _whole(kept))


def _whole(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Levels whose probabilities again sum to 1, what was taken away added to the last."""
    last = levels[-1]
    m, u = 1 - sum(level.m for level in levels[:-1]), 1 - sum(level.u for level in levels[:-1])
    return (*levels[:-1], Level(last.label, last.condition, m, u))
