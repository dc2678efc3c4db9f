"""Pseudonyms: a keyed hash of normalised identifiers in the place of the identifiers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError, row_fault
from impact.frames import Columns
from impact.records.linkage.guard import direct_identifiers
from impact.records.linkage.keys import Key
from impact.records.linkage.normal import NAME_OR_NOTHING, NORMAL, written

HEX = 24
PERSON = "person_id"


def pseudonymise(
    frame: pd.DataFrame, *, key: str | os.PathLike[str], identifiers: Mapping[str, str] | Sequence[str]
) -> pd.DataFrame:
    """Put a pseudonym in the place of direct identifiers.

    The pseudonym is the BLAKE2b hash (RFC 7693, keyed, 96 bits) of the identifiers in their written form: small
    letters, no accents, marks or titles; forename and surname together with their parts in the order of the alphabet,
    so that swapped names give the same pseudonym; dates as YYYY-MM-DD, read with the day first; postcodes without
    spaces; police numbers with four digits of year. The same identifiers and key give the same pseudonym in every file.

    A pseudonym is not anonymity: the data stay personal data, and whoever holds the key can try every name. One letter
    typed differently gives another pseudonym; where that matters, `link` first.

    Parameters
    ----------
    frame : DataFrame
    key : str or path
        The path of a file that holds the secret, or ``"env:NAME"``. It is never written, logged or shown.
    identifiers : mapping of str to str, or sequence of str
        Each kind of identifier (forename, surname, name, birth_date, sex, postcode, police_id, number, email, phone,
        place, address) and its column; a sequence where the columns are named as the kinds.

    Returns
    -------
    DataFrame
        ``person_id`` and the other columns, the identifiers gone.

    Raises
    ------
    InputError
        Where a kind is unknown or a column missing; where an identifier is empty or cannot be read in any row (a
        pseudonym of less would join different people), or is a name that others type for none (Na, Null); or where a
        column that stays looks like a direct identifier.

    Examples
    --------
    >>> people = pd.DataFrame({"forename": ["Zoë", "SMITH"], "surname": ["Smith", "Zoe"], "visits": [1, 2]})
    >>> import os
    >>> os.environ["DOCTEST_KEY"] = "only-for-this-example-0123456789"
    >>> pseudonymise(people, key="env:DOCTEST_KEY", identifiers=["forename", "surname"])["person_id"].nunique()
    1
    """
    columns = named_kinds(identifiers)
    data = Columns(frame)
    for column in columns.values():
        if column not in frame.columns:
            data.refuse("is not in the data", column=column, remedy="name the columns that hold the identifiers.")
        elif isinstance(frame[column], pd.DataFrame):
            data.refuse("stands more than once in the data", column=column, remedy="give each column its own name.")
    if PERSON in frame.columns and PERSON not in columns.values():
        data.refuse("is there already", column=PERSON, remedy="rename it, or name it among the identifiers.")
    data.check()
    faults: list[Fault] = []
    forms = {}
    for kind, column in columns.items():
        forms[kind] = written(frame[column], kind)
        empty = forms[kind] == ""
        if empty.any():
            faults.append(
                row_fault(
                    f"is empty or cannot be read as {kind}",
                    empty.tolist(),
                    table="data",
                    column=column,
                    why="a pseudonym of fewer identifiers would join different people.",
                    remedy="mend these rows, leave them out, or use link(), which bears gaps.",
                )
            )
        doubtful = np.isin(forms[kind], list(NAME_OR_NOTHING)) & (kind in ("forename", "surname", "name"))
        if doubtful.any():
            faults.append(
                row_fault(
                    "reads Na, Nil, None or Null, which is a name or stands for none",
                    doubtful.tolist(),
                    table="data",
                    column=column,
                    why="if it stands for none, a pseudonym would join different people.",
                    remedy="leave these rows out, or use link() with a key, which takes it for a name and says so.",
                )
            )
    rest = frame.drop(columns=list(columns.values()))
    faults.extend(direct_identifiers(rest, "data"))
    if faults:
        raise InputError("The data given cannot be pseudonymised:", faults)
    rest.insert(0, PERSON, pseudonyms(forms, Key(key)))
    return rest


def named_kinds(identifiers: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Each kind of identifier and its column.

    Raises
    ------
    InputError
        Where a kind is unknown or none is named.
    """
    if isinstance(identifiers, str):
        raise InputError("identifiers must be a list of columns, or a mapping from kinds to columns, not one text.")
    columns = dict(identifiers) if isinstance(identifiers, Mapping) else {name: name for name in identifiers}
    unknown = sorted(str(kind) for kind in columns if kind not in NORMAL)
    if unknown or not columns:
        problem = f"{', '.join(unknown)} is no kind of identifier" if unknown else "No identifier is named"
        raise InputError(f"{problem}; the kinds are: {', '.join(NORMAL)}.")
    return columns


def pseudonyms(forms: Mapping[str, np.ndarray], key: Key) -> np.ndarray:
    """The pseudonym of each row of identifiers in their written form."""
    parts = dict(forms)
    if {"forename", "surname"} <= set(parts):
        whole = parts.pop("forename") + " " + parts.pop("surname")
        parts["name"] = np.array([" ".join(sorted(text.split())) for text in whole], dtype=object)
    kinds = sorted(parts)
    rows = zip(*(parts[kind] for kind in kinds), strict=True)
    label = ",".join(kinds)
    return np.array(
        ["P" + key.digest("pseudonym", f"{label}\x1f" + "\x1f".join(row), HEX // 2).hex() for row in rows], dtype=object
    )
