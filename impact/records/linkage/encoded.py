"""Linking on keyed encodings: which pairs are compared, and what the Dice coefficient of their bits says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import IntArray
from impact.records.linkage.blocking import EVERY_PAIR, PAIRS_A_RECORD
from impact.records.linkage.bloom import BLOCKS, ENCODING, SCHEME, SIZE, dice, unpacked
from impact.records.linkage.comparisons import Comparison, Level
from impact.records.linkage.fields import NUMBER, Side, prepare
from impact.records.linkage.model import RECALLED, Model

SAMPLES, BITS, SEED = 24, 22, 2022
"""Samples of bits that a pair may agree on to be compared (locality-sensitive hashing by bit sampling): choices of this
library, tried on made-up records."""
FLOORS = (0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)
_M = (0.45, 0.1, 0.13, 0.1, 0.07, 0.05, 0.05, 0.05)
_U = (1e-7, 4e-7, 4e-6, 3e-5, 2e-4, 8e-4, 3e-3, 0.9959655)
_LABELS = (*(f"bits alike from {floor:g}" for floor in FLOORS), "other")
_COMPARISON = Comparison(
    ENCODING, "", tuple(Level(label, "", m, u) for label, m, u in zip(_LABELS, _M, _U, strict=True))
)
"""Round values of the authors', about right on made-up records; they are never estimated from the encodings."""
NOTE = (
    "The records are encodings: probabilities rest on fixed values for each step of likeness, and on nothing else. "
    "What those linked and those not linked are like cannot be compared."
)


def encoded_side(frame: pd.DataFrame, id: str) -> Side:
    """One file of encodings, sorted by id.

    Raises
    ------
    InputError
        Where a column of `encode` is missing, an id is missing or repeats, or more than one scheme is in the file.
    """
    lacking = [name for name in (ENCODING, SCHEME, *BLOCKS) if name not in frame.columns]
    if lacking:
        raise InputError(f"The encodings lack {', '.join(lacking)}: give the table as encode() made it, with a key.")
    if frame[SCHEME].nunique(dropna=False) > 1:
        raise InputError(
            "The encodings in one file were made with different keys or fields: encode them all again, alike."
        )
    side = prepare(frame, {}, id)
    held = frame[[ENCODING, SCHEME, *BLOCKS]].iloc[side.order].reset_index(drop=True)
    held = held.fillna(dict.fromkeys(BLOCKS, ""))
    return Side(side.records[[NUMBER]].join(held), side.ids, side.order, {}, {})


def score_encoded(one: Side, two: Side | None) -> tuple[Model, pd.DataFrame, tuple[str, ...]]:
    """The fixed model, the pairs at or above the lowest floor (``l, r, weight, encoding``), and what must be said.

    Raises
    ------
    InputError
        Where the files were encoded with different keys or fields, or a cell is no encoding.
    """
    left, right = one.records, (one if two is None else two).records
    if set(left[SCHEME]) != set(right[SCHEME]):
        raise InputError(
            "The two files were encoded with different keys or fields: nobody would be found in both. "
            "The partners must encode with one secret and the same fields."
        )
    bits = unpacked(left[ENCODING]), unpacked(right[ENCODING])
    at, with_, notes = _candidates(left, right, bits, dedupe=two is None)
    alike = dice(*bits, at, with_)
    kept = alike >= FLOORS[-1]
    at, with_, alike = at[kept], with_[kept], alike[kept]
    level = len(FLOORS) - np.searchsorted(np.array(FLOORS[::-1]), alike, side="right")
    total = len(left) * (len(left) - 1) / 2 if two is None else len(left) * len(right)
    likely = float((alike >= FLOORS[2]).sum()) / RECALLED
    prior = float(np.clip(max(likely, 1.0) / max(total, 2.0), 1e-12, 0.5))
    model = Model((_COMPARISON,), {ENCODING: _M}, {ENCODING: _U}, frozenset(), prior, False)
    weight = np.log2(np.array(_M) / np.array(_U))[level] + np.log2(prior / (1 - prior))
    return model, pd.DataFrame({"l": at, "r": with_, "weight": weight, ENCODING: level}), (NOTE, *notes)


def _candidates(
    left: pd.DataFrame, right: pd.DataFrame, bits: tuple[np.ndarray, np.ndarray], *, dedupe: bool
) -> tuple[IntArray, IntArray, tuple[str, ...]]:
    """The pairs to compare: all up to two million; beyond, those in one block or alike in one sample of bits."""
    n_left, n_right = len(left), len(right)
    if n_left * n_right // (2 if dedupe else 1) <= EVERY_PAIR:
        pairs = np.triu_indices(n_left, 1) if dedupe else np.indices((n_left, n_right)).reshape(2, -1)
        return pairs[0].astype(np.int64), pairs[1].astype(np.int64), ()
    rng = np.random.default_rng(SEED)
    open_bits = [np.unpackbits(side, axis=1) for side in bits]
    keys = [[side[name].to_numpy(dtype=object) for side in (left, right)] for name in BLOCKS]
    for _ in range(SAMPLES):
        at = rng.choice(SIZE, BITS, replace=False)
        powers = np.left_shift(1, np.arange(BITS, dtype=np.int64))
        keys.append([side[:, at].astype(np.int64) @ powers for side in open_bits])
    found = np.zeros(0, dtype=np.int64)
    dropped = 0
    for one, two in keys:
        a, b = (pd.DataFrame({"key": part, "at": np.arange(len(part))}) for part in (one, two))
        a, b = a[a["key"] != ""], b[b["key"] != ""]
        brought = a.groupby("key").size().mul(b.groupby("key").size(), fill_value=0).sum()
        if brought > PAIRS_A_RECORD * (n_left + n_right):
            dropped += 1
            continue
        both = a.merge(b, on="key")
        code = both["at_x"].to_numpy(dtype=np.int64) * n_right + both["at_y"].to_numpy(dtype=np.int64)
        found = np.union1d(found, code)
    if dedupe:
        found = found[found // n_right < found % n_right]
    note = f"{dropped} of {len(keys)} blocks and samples of bits would bring too many pairs and were not used."
    return found // n_right, found % n_right, (note,) if dropped else ()
