"""Which pairs are worth comparing, and which are accepted before any model is fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.records.linkage.fields import NUMBER

EVERY_PAIR = 2_000_000
PAIRS_A_RECORD = 60
"""Choices of this library: what the embedded engine compares in some seconds, and pairs enough for any honest key."""
_KEYS: tuple[tuple[str, ...], ...] = (
    ("police_id",),
    ("number",),
    ("email",),
    ("birth_date",),
    ("birth_date", "forename_sound"),
    ("birth_date", "surname_sound"),
    ("birth_date", "district"),
    ("surname", "forename"),
    ("surname", "forename_long"),
    ("surname_sound", "forename_sound"),
    ("surname_sound", "forename_sound", "birth_year"),
    ("surname_sound", "birth_year"),
    ("forename_long", "birth_year", "birth_month"),
    ("forename_long", "birth_year", "birth_day"),
    ("postcode", "birth_year"),
    ("postcode", "forename_sound"),
    ("postcode", "surname_sound"),
    ("address", "surname_sound"),
    ("address", "forename_sound"),
    ("email_user",),
)
_CROSSED = (
    (("forename", "surname"), "l.forename = r.surname AND l.surname = r.forename"),
    (("birth_date", "surname_sound"), "l.birth_date = r.birth_flipped AND l.surname_sound = r.surname_sound"),
)
RULES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("same police number, and date of birth, sound of surname or forename", ("police_id",), ()),
    ("same number, and date of birth, sound of surname or forename", ("number",), ()),
    ("same name, date of birth and postcode", ("forename_long", "surname", "birth_date", "postcode"), ()),
    ("same name and date of birth, of which there is only one", ("forename_long", "surname", "birth_date"), ("one",)),
)
"""The rules of the deterministic pass, in order: what each is called, the columns that must agree, and whether it
holds only where it picks one record on either side."""
NO_RULE = pd.DataFrame({"l": np.zeros(0, np.int64), "r": np.zeros(0, np.int64), "rule": np.zeros(0, dtype=object)})
"""No pair accepted."""
_SUPPORT = ("birth_date", "surname_sound", "forename_long")
_CONFLICT = ("police_id", "number", "sex")


def pairs_to_compare(left: pd.DataFrame, right: pd.DataFrame | None) -> tuple[list[str], tuple[str, ...]]:
    """SQL conditions that bring together the pairs to compare, and a note where some would bring too many.

    Up to two million pairs are all compared. Beyond that a pair must agree on one of a list of keys; a key that would
    bring more than 60 pairs for each record is left out.

    Raises
    ------
    InputError
        Where there are more pairs than that and no key is left.
    """
    n = len(left) + (0 if right is None else len(right))
    total = len(left) * (len(left) - 1) // 2 if right is None else len(left) * len(right)
    if total <= EVERY_PAIR:
        return ["1 = 1"], ()
    rules: list[tuple[str, ...]] = []
    dropped: list[str] = []
    for keys in _KEYS:
        if all(key in left.columns for key in keys) and not any(set(kept) <= set(keys) for kept in rules):
            if _bring(left, right, keys) <= PAIRS_A_RECORD * n:
                rules.append(keys)
            else:
                dropped.append(" and ".join(keys))
    sql = [" AND ".join(f"l.{key} = r.{key}" for key in keys) for keys in rules]
    sql += [condition for needed, condition in _CROSSED if all(key in left.columns for key in needed)]
    if not sql:
        tried = f" but {' or '.join(dropped)}, by which there are too many" if dropped else ""
        raise InputError(
            f"{total:,} pairs are too many to compare them all, and the fields have nothing by which to choose"
            f"{tried}: give a date of birth, both names, a postcode or a number."
        )
    note = f"Pairs that agree on nothing but {' or '.join(dropped)} were not compared: there are too many."
    return sql, (note,) if dropped else ()


def _bring(left: pd.DataFrame, right: pd.DataFrame | None, keys: Sequence[str]) -> int:
    """How many pairs agree on the keys."""
    counts = [side.dropna(subset=list(keys)).groupby(list(keys)).size() for side in (left, right) if side is not None]
    if right is None:
        return int((counts[0] * (counts[0] - 1) // 2).sum())
    return int((counts[0] * counts[1].reindex(counts[0].index).fillna(0)).sum())


def accepted(left: pd.DataFrame, right: pd.DataFrame | None) -> pd.DataFrame:
    """The pairs that the deterministic pass accepts: ``l, r, rule``, numbers of records, each pair once."""
    found: list[pd.DataFrame] = []
    for rule, keys, how in RULES:
        if not all(key in left.columns for key in keys):
            continue
        agreed = _agreeing(left, right, keys)
        if keys in (("police_id",), ("number",)):
            supports = [(agreed[f"{name}_l"] == agreed[f"{name}_r"]) for name in _SUPPORT if f"{name}_l" in agreed]
            if supports:
                agreed = agreed[np.logical_or.reduce([part.to_numpy(dtype=bool) for part in supports])]
            else:
                rule = f"{rule.partition(',')[0]}, and neither name nor date of birth to support it"
        for name in _CONFLICT:
            if name not in keys and f"{name}_l" in agreed:
                one, two = agreed[f"{name}_l"], agreed[f"{name}_r"]
                agreed = agreed[(one.isna() | two.isna() | (one == two)).to_numpy(dtype=bool)]
        if right is not None or how:
            alone = ~agreed["l"].duplicated(keep=False) & ~agreed["r"].duplicated(keep=False)
            agreed = agreed[alone]
        found.append(agreed[["l", "r"]].assign(rule=rule))
    whole = pd.concat([NO_RULE, *found], ignore_index=True).drop_duplicates(["l", "r"])
    if right is not None:
        # A record that one rule has placed is not placed elsewhere by a later one.
        whole = whole[~whole["l"].duplicated() & ~whole["r"].duplicated()]
    return whole.sort_values(["l", "r"], ignore_index=True)


def _agreeing(left: pd.DataFrame, right: pd.DataFrame | None, keys: Sequence[str]) -> pd.DataFrame:
    """The pairs that agree on the keys, with what may support or contradict them."""
    names = [*dict.fromkeys([name for name in (*_SUPPORT, *_CONFLICT) if name in left.columns and name not in keys])]
    one = left.dropna(subset=list(keys))[[NUMBER, *keys, *names]]
    two = one if right is None else right.dropna(subset=list(keys))[[NUMBER, *keys, *names]]
    both = one.merge(two, on=list(keys), suffixes=("_l", "_r"))
    both = both.rename(columns={f"{NUMBER}_l": "l", f"{NUMBER}_r": "r"})
    return both[both["l"] < both["r"]] if right is None else both
