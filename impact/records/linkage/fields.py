"""Records made ready for comparison: every field in its written form, with its sounds, parts and short forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import Columns
from impact.records.linkage.nicknames import FORENAMES
from impact.records.linkage.normal import NAME_OR_NOTHING, is_uk_postcode, written
from impact.records.linkage.sound import soundex

COMPARED = ("forename", "surname", "birth_date", "sex", "postcode", "police_id", "number", "email", "place", "address")
"""The kinds of field that the model can compare."""
NAMES = ("forename", "surname")
NUMBER = "unique_id"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One file: the prepared records, sorted by id and numbered, and the ids by number.

    `unread` counts, by kind, the cells that hold something but are taken as missing; `doubtful` the names that others
    type where they know no name.
    """

    records: pd.DataFrame
    ids: np.ndarray
    order: np.ndarray
    unread: Mapping[str, int]
    doubtful: Mapping[str, int]


def named_fields(
    left: pd.DataFrame, right: pd.DataFrame | None, fields: Mapping[str, str | Pair] | None
) -> dict[str, Pair]:
    """Each kind compared, and its column on either side.

    Raises
    ------
    InputError
        Where a kind is unknown, or nothing that can be compared is there.
    """
    sides = [left] if right is None else [left, right]
    if fields is None:
        return _checked({kind: (kind, kind) for kind in COMPARED if all(kind in side.columns for side in sides)})
    unknown = sorted(set(fields) - set(COMPARED))
    if unknown:
        raise InputError(
            f"{', '.join(unknown)} is no field that can be compared; the fields are: {', '.join(COMPARED)}."
        )
    return _checked({kind: (how, how) if isinstance(how, str) else (how[0], how[1]) for kind, how in fields.items()})


def _checked(found: dict[str, Pair]) -> dict[str, Pair]:
    if len(found) < 2:
        raise InputError(
            "Two fields at least are needed to link people: name the columns, as fields={'forename': 'first_name', …}; "
            f"the fields are: {', '.join(COMPARED)}."
        )
    return found


def prepare(frame: pd.DataFrame, columns: Mapping[str, str], id: str) -> Side:
    """One file made ready.

    Raises
    ------
    InputError
        Where a column is missing, or an id is missing or repeated.
    """
    data = Columns(frame)
    numbers = data.groups(id)
    if len(numbers.labels):
        if frame[id].duplicated().any():
            data.forbid(
                frame[id].duplicated(keep=False).to_numpy(),
                id,
                "repeats",
                why="a link must say which record it means.",
                remedy="number the records afresh.",
            )
        data.forbid(numbers.codes < 0, id, "is empty", remedy="number the records afresh.")
    for column in columns.values():
        if column not in frame.columns:
            data.refuse("is not in the data", column=column, remedy="name the columns in fields.")
        elif isinstance(frame[column], pd.DataFrame):
            data.refuse("stands more than once in the data", column=column, remedy="give each column its own name.")
    data.check()
    order = np.argsort(numbers.codes, kind="stable")
    forms = {kind: written(frame[column], kind)[order] for kind, column in columns.items()}
    records = pd.DataFrame({NUMBER: np.arange(len(frame), dtype=np.int64)})
    for kind, values in forms.items():
        for name, make in _PARTS[kind].items():
            records[name] = _each(values, make)
    unread = {
        kind: int(((forms[kind] == "") & _filled(frame[column])[order]).sum()) for kind, column in columns.items()
    }
    doubtful = {kind: int(np.isin(forms[kind], list(NAME_OR_NOTHING)).sum()) for kind in forms if kind in NAMES}
    return Side(records, frame[id].to_numpy()[order], order, unread, doubtful)


def reading_notes(one: Side, two: Side | None) -> tuple[str, ...]:
    """What was in the files and could not be compared, and what may not mean what it says."""
    notes = []
    for side, file in ((one, "the file" if two is None else "the left file"), (two, "the right file")):
        if side is None:
            continue
        unread = [f"{kind} in {n:,}" for kind, n in side.unread.items() if n]
        if unread:
            notes.append(
                f"Records of {file} that hold something that cannot be read, or says that nothing is known: "
                f"{', '.join(unread)}; taken as missing."
            )
        doubtful = [f"{kind} in {n:,}" for kind, n in side.doubtful.items() if n]
        if doubtful:
            notes.append(
                f"Records of {file} that read Na, Nil, None or Null: {', '.join(doubtful)}; taken as names. "
                "Where they stand for no name, empty the cells."
            )
    return tuple(notes)


def _filled(column: pd.Series) -> np.ndarray:
    codes, distinct = pd.factorize(column)
    return np.array([*(bool(str(value).strip()) for value in distinct), False])[codes]


def _each(values: np.ndarray, make: Callable[[str], str]) -> pd.Series:
    codes, distinct = pd.factorize(values)
    made = np.array([(make(text) or None) if text else None for text in distinct], dtype=object)
    return pd.Series(made[codes] if len(made) else np.full(len(values), None, dtype=object), dtype=object)


def _same(text: str) -> str:
    return text


def _tight(text: str) -> str:
    return text.replace(" ", "")


def _short_form_of(text: str) -> str:
    first = text.split()[0]
    return FORENAMES.get(first, first)


def _district(text: str) -> str:
    return text[:-3] if is_uk_postcode(text) else text[:2]


def _flipped(text: str) -> str:
    """The date with day and month changed over, where that is a date that could be meant."""
    year, month, day = text.split("-")
    return f"{year}-{day}-{month}" if day != month and int(day) <= 12 else ""


_PARTS: dict[str, dict[str, Callable[[str], str]]] = {
    "forename": {
        "forename": _tight,
        "forename_first": lambda text: text.split()[0],
        "forename_long": _short_form_of,
        "forename_sound": lambda text: soundex(text.split()[0]),
    },
    "surname": {
        "surname": _tight,
        "surname_first": lambda text: text.split()[0],
        "surname_last": lambda text: text.split()[-1],
        "surname_sound": soundex,
    },
    "birth_date": {
        "birth_date": _same,
        "birth_flipped": _flipped,
        "birth_year": lambda text: text[:4],
        "birth_month": lambda text: text[5:7],
        "birth_day": lambda text: text[8:],
    },
    "sex": {"sex": _same},
    "postcode": {"postcode": _same, "district": _district},
    "police_id": {"police_id": _same},
    "number": {"number": _same},
    "email": {"email": _same, "email_user": lambda text: text.split("@")[0]},
    "place": {"place": _same},
    "address": {"address": _same},
}
