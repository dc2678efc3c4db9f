"""Those kept beside those lost: a difference between them is what the loss does to whom the result is about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from impact.comparison.balance import balance
from impact.comparison.whole import whole_sample
from impact.frames import BoolArray
from impact.results import number

FEWEST_DESCRIBED = 10
COLUMNS = ["term", "n_kept", "n_lost", "mean_kept", "mean_lost", "smd"]


def beside(people: pd.DataFrame, kept: BoolArray, names: Sequence[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Means of those kept and of those lost, and what was left out of them.

    Returns
    -------
    table : DataFrame
        ``term, n_kept, n_lost, mean_kept, mean_lost, smd``; ``smd`` is the difference of means over the root of the
        mean of both variances. Empty where nobody was lost, or nobody kept.
    notes : tuple of str
    """
    if kept.all() or not kept.any():
        words = "Nobody" if kept.all() else "Everybody"
        return pd.DataFrame(columns=COLUMNS), (f"{words} was lost, so there is nobody to set beside the others.",)
    described = [name for name in names if people[name].notna().any()]
    mark = "kept" + "_" * max((len(name) for name in described), default=0)
    data = people[described].reset_index(drop=True).assign(**{mark: kept.astype(np.int64)})
    design = whole_sample(data, mark, described)
    table = balance(design).tidy().rename(columns={"mean_treated": "mean_kept", "mean_comparison": "mean_lost"})
    base = table["term"].str.split("[", n=1).str[0]
    known = people[described].notna()
    for name, side in (("n_kept", kept), ("n_lost", ~kept)):
        table[name] = base.map(known[side].sum()).astype(np.int64)
    return table[COLUMNS], design.notes


def most_unlike(table: pd.DataFrame) -> str:
    """In which term those kept and those lost differ most, in words; empty where the table is.

    The mean of fewer than ten people lost is not said: it comes near to what one of them has.
    """
    size = table["smd"].abs().fillna(-1).to_numpy(dtype=float)
    if not len(table):
        return ""
    worst = table.iloc[int(np.argmax(size))]
    if worst["n_lost"] < FEWEST_DESCRIBED:
        return f"Fewer than {FEWEST_DESCRIBED} were lost, too few to describe"
    return (
        f"Kept and lost differ most in {worst['term']}: {number(worst['mean_kept'])} of those kept, "
        f"{number(worst['mean_lost'])} of those lost (standardised difference {number(worst['smd'], 2)})"
    )


def words_of_lost(people: pd.DataFrame, kept: BoolArray, names: Sequence[str]) -> str:
    """`most_unlike` as a sentence of its own, after a space; empty where nobody is left to describe."""
    words = most_unlike(beside(people, kept, names)[0])
    return f" {words}." if words else ""
