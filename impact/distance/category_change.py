"""`category_change`: readings that are categories, such as yes and no or the stages of a scale."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.distance.change import one_reading_notes
from impact.distance.change_table import adjusted
from impact.distance.readings import check_rule, read_pairs, refuse_design
from impact.distance.transitions import direction, homogeneity
from impact.frames import Columns, Groups, IntArray, check_level
from impact.results import number, tidy_rows, with_notes


@dataclass(frozen=True, eq=False)
class CategoryChange:
    """Who moved between categories from one reading to another, one row for each level of `by`.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    transitions : DataFrame
        ``term, before, after, n``: people by category before and after, pairs of categories of nobody included. Counts
        of people: not for publication as they stand.
    categories : tuple
        In their order.
    ordered : bool
        Whether the categories stand in an order, so that people move up and down.
    level : float
    notes : tuple of str
    """

    table: pd.DataFrame
    transitions: pd.DataFrame
    categories: tuple[object, ...]
    ordered: bool
    level: float
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each level of `by`.

        ``estimate`` is the share of the ``n`` with both readings who moved ``up`` less the share who moved ``down``
        (with two categories the change in the share of the second), with its score interval; ``odds_ratio`` is up over
        down. ``p_value`` is the exact sign test, McNemar's with two categories; for three or more without an order it
        is Stuart and Maxwell's, exact where possible. ``homogeneity`` is Stuart and Maxwell's statistic on
        ``homogeneity_df``, with ``homogeneity_p`` and ``homogeneity_exact_p`` (missing where there are too many ways to
        count). ``p_holm`` and ``p_bh`` adjust ``p_value`` across the rows. ``n_first`` have the reading before,
        ``n_first_only`` of them none after.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        order = " < ".join(map(str, self.categories)) if self.ordered else ", ".join(map(str, self.categories))
        lines = [f"Change between categories ({order})"]
        for row in self.table.to_dict("records"):
            text = f"{row['term']}: "
            if self.ordered:
                text += (
                    f"{row['up']:,} up, {row['down']:,} down, {row['same']:,} the same; difference"
                    f" {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to"
                    f" {number(row['conf_high'])}); "
                )
            text += f"p = {number(row['p_value'], 2)} ({row['method']}); {row['n']:,} of {row['n_first']:,} with both"
            lines.append(text)
        return with_notes("\n".join(lines), self.notes)


def category_change(
    data: pd.DataFrame,
    *,
    person: str,
    wave: str,
    category: str,
    by: str | None = None,
    level: float = 0.95,
    before: Hashable = "first",
    after: Hashable = "last",
    date: str | None = None,
    minimum_days: int | None = None,
) -> CategoryChange:
    """Change of each person from one category to another.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each person and wave (and level of `by`).
    person, wave : str
        Columns: who, and when (a number, a date or an ordered categorical).
    category : str
        Column of categories. Numbers, truth values and ordered categoricals are in order; two categories of any kind
        are, as they are sorted; three or more words are not.
    by, before, after, date, minimum_days
        As in `change`.
    level : float
        Confidence level.

    Returns
    -------
    CategoryChange

    Raises
    ------
    InputError
        With every fault of the columns, as `change`.

    Notes
    -----
    With three or more ordered categories the sign test asks whether people move one way rather than the other, Stuart
    and Maxwell's whether any category became more or less common; the two can differ. See
    `impact.distance.transitions`.

    Examples
    --------
    >>> answers = pd.DataFrame({"who": list("aabbccdd"), "wave": [1, 2] * 4, "housed": [0, 1, 0, 1, 1, 1, 0, 0]})
    >>> result = category_change(answers, person="who", wave="wave", category="housed")
    >>> result.tidy()[["up", "down", "same", "estimate", "p_value"]].values.tolist()
    [[2.0, 0.0, 2.0, 0.5, 0.5]]
    """
    check_level(level)
    refuse_design(data, "category_change")
    rule = check_rule(before, after, minimum_days)
    columns = Columns(data)
    groups = columns.groups(category)
    values = np.where(groups.codes < 0, np.nan, groups.codes.astype(float))
    read = read_pairs(columns, person=person, wave=wave, score=category, by=by, date=date, rule=rule, values=values)
    ordered = _ordered(data[category], groups)
    rows, moves = [], []
    for code, label in enumerate(read.scales.labels):
        here = read.pairs.part(read.pairs.scale == code)
        if not len(here.scale):
            continue
        both = here.both
        counts = _counts(here.before[both], here.after[both], len(groups.labels))
        numbers = {"n": int(both.sum()), "n_first": len(both), "n_first_only": int((~both).sum())}
        rows.append(_row(str(label), counts, numbers, ordered, level))
        moves += [
            (str(label), start, end, int(counts[i, j]))
            for i, start in enumerate(groups.labels)
            for j, end in enumerate(groups.labels)
        ]
    table = adjusted(tidy_rows(rows), before="method")
    transitions = pd.DataFrame(moves, columns=["term", "before", "after", "n"])
    notes = [*columns.notes, *one_reading_notes(table)]
    if ordered:
        notes.append(f"Up is towards {groups.labels[-1]}, down towards {groups.labels[0]}.")
    unmoved = table.loc[~np.isfinite(table["p_value"]), "term"]
    if len(unmoved):
        notes.append(f"No test, as nobody moved: {'; '.join(unmoved)}.")
    if len(table) > 1:
        notes.append(f"{len(table)} levels are tested: p_holm and p_bh allow for that, p_value does not.")
    notes.append("There is no comparison here: people's categories can change with no programme at all.")
    return CategoryChange(table, transitions, groups.labels, ordered, level, tuple(notes))


def _ordered(column: pd.Series, groups: Groups) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return bool(column.cat.ordered) or len(groups.labels) == 2
    return pd.api.types.is_numeric_dtype(column) or len(groups.labels) == 2


def _counts(before: np.ndarray, after: np.ndarray, categories: int) -> IntArray:
    place = before.astype(np.int64) * categories + after.astype(np.int64)
    return np.bincount(place, minlength=categories**2).reshape(categories, categories)


def _row(term: str, counts: IntArray, numbers: dict[str, int], ordered: bool, level: float) -> dict[str, object]:
    up, down = int(np.triu(counts, 1).sum()), int(np.tril(counts, -1).sum())
    found, same = direction(up, down, numbers["n"], level), homogeneity(counts)
    method = "sign test, exact" if len(counts) > 2 else "McNemar, exact"
    p_value = found.p_value
    if not ordered:
        exact = np.isfinite(same.exact_p)
        p_value, method = same.exact_p if exact else same.p_value, f"Stuart-Maxwell, {'exact' if exact else 'χ²'}"
    row: dict[str, object] = {"term": term, "p_value": p_value}
    if ordered:
        row |= {"estimate": found.difference, "conf_low": found.conf_low, "conf_high": found.conf_high}
    row |= numbers | {"method": method}
    if ordered:
        row |= {"up": up, "same": numbers["n"] - up - down, "down": down}
        row |= {"odds_ratio": found.odds_ratio, "odds_low": found.odds_low, "odds_high": found.odds_high}
    return row | {
        "homogeneity": same.statistic,
        "homogeneity_df": same.df,
        "homogeneity_p": same.p_value,
        "homogeneity_exact_p": same.exact_p,
    }
