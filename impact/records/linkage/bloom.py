"""Keyed Bloom-filter encodings of identifiers, by which partners who may not share names can still compare people."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import Columns, FloatArray, IntArray
from impact.records.linkage.keys import Key
from impact.records.linkage.normal import written
from impact.records.linkage.pseudonyms import named_kinds
from impact.records.linkage.sound import soundex

ENCODING, SCHEME, BLOCKS = "encoding", "scheme", ("block_1", "block_2", "block_3", "block_4")
SIZE = 1024
"""Bits of a filter: a choice of this library."""
HASHES = {"forename": 14, "surname": 14, "birth_date": 14, "sex": 10, "postcode": 10, "police_id": 14}
"""Bits set for each token of each kind: a date has fewer tokens than a name, so each weighs about as much as a name.
Choices of this library."""


def encode(
    frame: pd.DataFrame,
    *,
    key: str | os.PathLike[str],
    id: str = "record_id",
    fields: Mapping[str, str] | Sequence[str] = ("forename", "surname", "birth_date", "sex", "postcode"),
) -> pd.DataFrame:
    """Encode identifiers so that records can be compared without being read.

    Each record becomes one filter of 1,024 bits (a cryptographic long-term key: Schnell, Bachteler and Reiher 2009,
    2011): pairs of letters of names and postcodes, and the digits of a date by their place, each set some bits chosen
    by a keyed hash of their own (random hashing, Schnell and Borgs 2016, in the place of double hashing, whose few
    patterns can be guessed). Similar records share bits. Four keyed blocks say which records are worth comparing.

    **What such an encoding does not protect against.** Whoever holds the key can encode every likely name and compare:
    the key must stay with the partners and never reach whoever links. Without the key, frequent names can still be
    guessed from frequent patterns of bits, by anyone with a list of names and enough records, and the blocks show how
    many share a birthday and a sound. The encodings are personal data; they make a trusted linker's error or curiosity
    harmless, not an attack impossible.

    Parameters
    ----------
    frame : DataFrame
    key : str or path
        A file that holds the secret which the partners share, or ``"env:NAME"``. Never written, logged or shown.
    id : str
        The column of the record's number; it goes out as it is, so it must not identify anyone.
    fields : mapping of str to str, or sequence of str
        Kinds (forename, surname, birth_date, sex, postcode, police_id) and their columns. Both partners must give the
        same kinds. An empty value sets no bits.

    Returns
    -------
    DataFrame
        The id; ``encoding``, 256 hexadecimal digits; ``scheme``, the same wherever key and kinds are the same;
        ``block_1`` to ``block_4``, empty where their parts are.

    Raises
    ------
    InputError
        Where a column is missing, a kind cannot be encoded, an id repeats, or the key cannot be used.

    Examples
    --------
    >>> people = pd.DataFrame({"record_id": [1, 2], "forename": ["Zoë", "Zoe"], "surname": ["Smith", "Smyth"]})
    >>> import os
    >>> os.environ["DOCTEST_KEY"] = "only-for-this-example-0123456789"
    >>> coded = encode(people, key="env:DOCTEST_KEY", fields=["forename", "surname"])
    >>> bits = unpacked(coded["encoding"])
    >>> round(float(dice(bits, bits, np.array([0]), np.array([1]))[0]), 1)
    0.8
    """
    columns = named_kinds(fields)
    beyond = sorted(set(columns) - set(HASHES))
    if beyond:
        raise InputError(f"{', '.join(beyond)} cannot be encoded; the kinds are: {', '.join(HASHES)}.")
    data = Columns(frame)
    data.groups(id)
    for column in columns.values():
        if column not in frame.columns:
            data.refuse("is not in the data", column=column, remedy="name the columns that hold the identifiers.")
        elif isinstance(frame[column], pd.DataFrame):
            data.refuse("stands more than once in the data", column=column, remedy="give each column its own name.")
    data.check()
    if frame[id].duplicated().any() or frame[id].isna().any():
        raise InputError(f"The column {id} must number each record once.")
    secret = Key(key)
    forms = {kind: written(frame[column], kind) for kind, column in columns.items()}
    packed = np.zeros((len(frame), SIZE // 8), dtype=np.uint8)
    for kind, values in forms.items():
        packed |= _filters(kind, values, secret)
    blocks = {
        name: _block(parts, secret, name) for name, parts in zip(BLOCKS, _block_parts(forms, len(frame)), strict=True)
    }
    scheme = secret.digest("scheme", ",".join(sorted(columns)), 8).hex()
    encoded = [row.tobytes().hex() for row in packed]
    return pd.DataFrame({id: frame[id].to_numpy(), ENCODING: encoded, SCHEME: scheme, **blocks})


def tokens(kind: str, text: str) -> list[str]:
    """The tokens of one value: pairs of letters within padding, or letters and digits by their place.

    Examples
    --------
    >>> tokens("surname", "lee"), tokens("birth_date", "1995-04-12")[:3], tokens("sex", "male")
    (['_l', 'le', 'ee', 'e_'], ['0:1', '1:9', '2:9'], ['male'])
    """
    if not text:
        return []
    if kind == "sex":
        return [text]
    if kind == "birth_date":
        return [f"{place}:{digit}" for place, digit in enumerate(text.replace("-", ""))]
    padded = f"_{text}_"
    return [padded[place : place + 2] for place in range(len(padded) - 1)]


def unpacked(encodings: pd.Series) -> np.ndarray:
    """Encodings as rows of bytes.

    Raises
    ------
    InputError
        Where one is not an encoding of this library.
    """
    try:
        rows = np.frombuffer(bytes.fromhex("".join(encodings)), dtype=np.uint8).reshape(len(encodings), SIZE // 8)
        if (encodings.str.len() == SIZE // 4).all():
            return rows
    except (TypeError, ValueError):
        pass
    raise InputError(f"The column {ENCODING} must hold {SIZE // 4} hexadecimal digits in every row, as encode() gives.")


def dice(left: np.ndarray, right: np.ndarray, at_left: IntArray, at_right: IntArray) -> FloatArray:
    """The Dice coefficient of pairs of filters: twice the bits shared over the bits of both; 0 where both are empty."""
    ones_left, ones_right = (np.bitwise_count(side).sum(axis=1, dtype=np.int64) for side in (left, right))
    out = np.zeros(len(at_left))
    step = 1 << 18
    for start in range(0, len(at_left), step):
        one, two = at_left[start : start + step], at_right[start : start + step]
        shared = np.bitwise_count(left[one] & right[two]).sum(axis=1, dtype=np.int64)
        total = ones_left[one] + ones_right[two]
        out[start : start + step] = 2 * shared / np.maximum(total, 1)
    return out


def _filters(kind: str, values: np.ndarray, key: Key) -> np.ndarray:
    """The packed bits that each row's value of one kind sets; each distinct value and token is hashed once."""
    known: dict[str, np.ndarray] = {}
    codes, distinct = pd.factorize(values)
    table = np.zeros((len(distinct), SIZE // 8), dtype=np.uint8)
    for place, text in enumerate(distinct):
        bits = np.zeros(SIZE, dtype=bool)
        for token in tokens(kind, text):
            if token not in known:
                digest = key.digest("bloom", f"{kind}\x1f{token}", 2 * HASHES[kind])
                known[token] = np.frombuffer(digest, dtype=">u2") % SIZE
            bits[known[token]] = True
        table[place] = np.packbits(bits)
    return table[codes]


def _block_parts(forms: Mapping[str, np.ndarray], n: int) -> list[list[np.ndarray]]:
    none = np.full(n, "", dtype=object)
    sounds = {
        kind: np.array([soundex(text) for text in forms.get(kind, none)], dtype=object)
        for kind in ("forename", "surname")
    }
    born = forms.get("birth_date", none)
    year = np.array([text[:4] for text in born], dtype=object)
    home = np.array([text[:-2] for text in forms.get("postcode", none)], dtype=object)
    return [
        [sounds["surname"], year],
        [sounds["forename"], born],
        [born, home],
        [sounds["forename"], sounds["surname"]],
    ]


def _block(parts: list[np.ndarray], key: Key, name: str) -> np.ndarray:
    return np.array(
        [
            key.digest("block", name + "\x1f" + "\x1f".join(row), 8).hex() if all(row) else ""
            for row in zip(*parts, strict=True)
        ],
        dtype=object,
    )
