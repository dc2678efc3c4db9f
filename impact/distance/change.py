"""`change`: first against last reading of each person, with those who have one reading only kept in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.design import Design
from impact.distance.paired import NAN, mean_change, signed_rank
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, Groups, IntArray, check_choice, check_level
from impact.results import number, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REGRESSION_TO_THE_MEAN = (
    "There is no comparison here, so the change contains regression to the mean: people who join when their scores are"
    " poor tend to score better later with no programme at all. It cannot be put down to a programme."
)


@dataclass(frozen=True, eq=False)
class Change:
    """Change between the first and the last reading, one row for each level of `by`.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    pairs : DataFrame
        One row a person and level with both readings: the columns named by `person` and `by`, then ``before, after,
        change``. Rows of people: not for publication.
    score : str
        The column of scores.
    better : str
        ``"higher"`` or ``"lower"``.
    level : float
        Confidence level of the intervals.
    notes : tuple of str
        Cautions that travel with the numbers.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    score: str
    better: str
    level: float
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each level of `by`, sorted as the levels are.

        ``estimate`` is the mean change, after less before, of the ``n`` people with both readings, with its t test and
        interval; ``n_first`` have at least one reading, ``n_first_only`` exactly one. ``signed_rank`` is the sum of the
        positive ranks. ``p_holm`` and ``p_bh`` adjust ``p_value`` across the levels. ``d_z``, ``d_av`` carry Hedges'
        correction. ``improved, unchanged, declined`` count any change at all. ``floor_`` and ``ceiling_`` are shares
        of the ``n`` at the lowest and highest score. ``mean_before_missing`` is the mean first score of those without a
        second; ``carried_forward`` is the mean change of everyone with a first reading if those had not changed, and
        ``bound_low, bound_high`` if they had all ended at the lowest or the highest score.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Mean before (hollow) and after (filled) for each level; the bar is the interval of the change, set on the
        mean before, so a bar that crosses the hollow mark is a change that could be none."""
        from matplotlib import pyplot as plt

        ax = ax if ax is not None else plt.subplots(figsize=(7, 1.2 + 0.45 * len(self.table)), layout="constrained")[1]
        place = np.arange(len(self.table))[::-1]
        before = self.table["mean_before"].to_numpy(dtype=float)
        after = self.table["mean_after"].to_numpy(dtype=float)
        low = before + self.table["conf_low"].to_numpy(dtype=float)
        high = before + self.table["conf_high"].to_numpy(dtype=float)
        ax.hlines(place, low, high, color="0.75", linewidth=7, label=f"{self.level:.0%} interval of the change")
        ax.hlines(place, before, after, color="0.2", linewidth=1.2)
        ax.plot(before, place, "o", markerfacecolor="white", markeredgecolor="0.2", linestyle="", label="first reading")
        ax.plot(after, place, "o", color="0.2", linestyle="", label="last reading")
        named = zip(self.table["term"], self.table["n"], strict=True)
        ax.set_yticks(place, [f"{term} (n = {n:,})" for term, n in named])
        ax.set_ylim(-0.7, len(self.table) - 0.3)
        ax.set_xlabel(f"mean {self.score} ({self.better} is better)")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize="small")
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def __repr__(self) -> str:
        lines = [f"Change in {self.score} from first to last reading ({self.better} is better)"]
        lines += [
            f"{row['term']}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to"
            f" {number(row['conf_high'])}; p = {number(row['p_value'], 2)}; {row['n']:,} of {row['n_first']:,} with"
            f" both readings; if the others had not changed {number(row['carried_forward'])})"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


@dataclass(frozen=True, slots=True)
class _Readings:
    """First and last reading of each person and level, in the order of level then person."""

    level: IntArray
    person: IntArray
    first: FloatArray
    last: FloatArray
    count: IntArray
    first_wave: FloatArray


def change(
    data: pd.DataFrame,
    *,
    person: str,
    wave: str,
    score: str,
    by: str | None = None,
    level: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    better: str = "higher",
) -> Change:
    """Change of each person from the first to the last reading.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each person and wave (and level of `by`).
    person, wave, score : str
        Columns: who, when (a number, a date or an ordered categorical), and the reading (a number; missing where not
        taken).
    by : str, optional
        Column of scales, areas or groups; each level is analysed by itself.
    level : float
        Confidence level.
    low, high : float, optional
        The ends of the scale: scores beyond are refused; shares at the ends and bounds for missing second readings
        are given.
    better : {"higher", "lower"}
        Which way is improvement. The estimate is always after less before.

    Returns
    -------
    Change

    Raises
    ------
    InputError
        With every fault: a column that is not there, text among scores, scores beyond the scale, a wave whose order is
        not known, two readings of a person in one wave.

    Notes
    -----
    Signed-rank p-values are exact up to 50 people who changed (ties included), normal with the corrections for ties
    and continuity beyond; people who did not change are left out of that test. See `impact.distance.paired`.

    Examples
    --------
    >>> readings = pd.DataFrame({"who": list("aabbccd"), "wave": [1, 2, 1, 2, 1, 3, 1], "score": [3, 5, 4, 4, 2, 6, 3]})
    >>> result = change(readings, person="who", wave="wave", score="score", low=1, high=10)
    >>> result.tidy()[["n_first", "n", "estimate", "carried_forward", "improved"]].values.tolist()
    [[4.0, 3.0, 2.0, 1.5, 2.0]]
    """
    check_level(level)
    check_choice("better", better, ("higher", "lower"))
    if isinstance(data, Design):
        raise InputError("change takes the long readings, one row a person and wave; a Design has one row a person.")
    if low is not None and high is not None and not low < high:
        raise InputError(f"low must be below high, not {low!r} and {high!r}.")
    columns = Columns(data)
    people = columns.groups(person)
    levels = columns.groups(by) if by is not None else Groups(np.zeros(columns.n, dtype=np.int64), (score,))
    waves, numbered = _waves(columns, wave)
    scores = columns.number(score, low=low, high=high)
    _refuse_repeats(columns, people, levels, waves, scores, wave)
    keep = columns.rows()
    readings = _first_and_last(levels.codes[keep], people.codes[keep], waves[keep], scores[keep])
    rows = [
        _row(str(label), _at(readings, readings.level == code), level, low, high, better)
        for code, label in enumerate(levels.labels)
        if (readings.level == code).any()
    ]
    table = _adjusted(tidy_rows(rows))
    notes = (*columns.notes, *_notes(table, readings, numbered), REGRESSION_TO_THE_MEAN)
    return Change(table, _pairs(readings, people, levels, person, by), score, better, level, notes)


def _waves(columns: Columns, name: str) -> tuple[FloatArray, bool]:
    """The waves as numbers in their order, and whether the lowest is everyone's first by design (not so for dates)."""
    column = columns.frame[name] if name in columns.frame.columns else None
    if not isinstance(column, pd.Series):
        return columns.number(name), True
    dtype = column.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype):
        days = columns.date(name)
        return np.where(np.isnat(days), np.nan, days.astype(float)), False
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return columns.groups(name).codes.astype(float), True
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(dtype):
        columns.refuse(
            f"is {dtype}: which reading comes first is not known",
            column=name,
            remedy="give numbers (1, 2, …), dates, or an ordered pandas categorical.",
        )
        return np.full(columns.n, np.nan), False
    return columns.number(name), True


def _refuse_repeats(
    columns: Columns, people: Groups, levels: Groups, waves: FloatArray, scores: FloatArray, name: str
) -> None:
    if not (people.labels and levels.labels):
        return
    taken = (people.codes >= 0) & (levels.codes >= 0) & np.isfinite(waves) & np.isfinite(scores)
    key = pd.DataFrame({"person": people.codes, "level": levels.codes, "wave": waves})
    repeated = np.zeros(columns.n, dtype=bool)
    repeated[taken] = key[taken].duplicated(keep=False).to_numpy()
    columns.forbid(
        repeated,
        name,
        "has two readings of one person in one wave",
        why="which of them counts would be a guess.",
        remedy="keep one, or number them as waves; where rows hold several scales, name their column in `by`.",
    )


def _first_and_last(level: IntArray, person: IntArray, wave: FloatArray, score: FloatArray) -> _Readings:
    order = np.lexsort((wave, person, level))
    level, person, wave, score = level[order], person[order], wave[order], score[order]
    starts = np.flatnonzero(np.r_[True, (level[1:] != level[:-1]) | (person[1:] != person[:-1])])
    ends = np.r_[starts[1:], len(level)]
    return _Readings(level[starts], person[starts], score[starts], score[ends - 1], ends - starts, wave[starts])


def _at(readings: _Readings, where: BoolArray) -> _Readings:
    return _Readings(*(getattr(readings, name)[where] for name in _Readings.__slots__))


def _row(
    term: str, readings: _Readings, level: float, low: float | None, high: float | None, better: str
) -> dict[str, object]:
    both = readings.count > 1
    before, after, alone = readings.first[both], readings.last[both], readings.first[~both]
    changes = after - before
    tested, ranked = mean_change(before, after, level), signed_rank(changes)
    up, down = int((changes > 0).sum()), int((changes < 0).sum())
    n_first = len(both)

    def if_ended_at(end: float | None) -> float:
        return NAN if end is None else float(changes.sum() + (end - alone).sum()) / n_first

    return {
        "term": term,
        **{name: getattr(tested, name) for name in _TESTED},
        "n": len(before),
        "n_first": n_first,
        "n_first_only": len(alone),
        "mean_before": _mean(before),
        "mean_after": _mean(after),
        "sd_before": _sd(before),
        "sd_after": _sd(after),
        "signed_rank": ranked.statistic,
        "signed_rank_p": ranked.p_value,
        "signed_rank_method": ranked.method,
        "d_z": tested.d_z,
        "d_av": tested.d_av,
        "rank_biserial": ranked.rank_biserial,
        "improved": up if better == "higher" else down,
        "unchanged": len(before) - up - down,
        "declined": down if better == "higher" else up,
        "floor_before": _share(before, low),
        "floor_after": _share(after, low),
        "ceiling_before": _share(before, high),
        "ceiling_after": _share(after, high),
        "mean_before_missing": _mean(alone),
        "carried_forward": float(changes.sum()) / n_first,
        "bound_low": if_ended_at(low),
        "bound_high": if_ended_at(high),
    }


_TESTED = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else NAN


def _sd(values: FloatArray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else NAN


def _share(values: FloatArray, end: float | None) -> float:
    return NAN if end is None or not len(values) else float((values == end).mean())


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    raw = table["p_value"].to_numpy(dtype=float)
    tested = np.isfinite(raw)
    place = list(table.columns).index("signed_rank")
    for name, method in (("p_bh", "fdr_bh"), ("p_holm", "holm")):
        adjusted = raw.copy()
        if tested.sum() > 1:
            from statsmodels.stats.multitest import multipletests

            adjusted[tested] = multipletests(raw[tested], method=method)[1]
        table.insert(place, name, adjusted)
    return table


def _notes(table: pd.DataFrame, readings: _Readings, numbered: bool) -> Sequence[str]:
    notes = []
    alone = table[table["n_first_only"] > 0]
    if len(alone):
        listed = "; ".join(f"{row.term} {row.n_first_only:,} of {row.n_first:,}" for row in alone.itertuples())
        notes.append(
            f"One reading only, so not in the mean change: {listed}. They may differ from the rest: set"
            " mean_before_missing beside mean_before, and carried_forward and the bounds beside the estimate."
        )
    between = int((readings.count > 2).sum())
    if between:
        notes.append(f"{between:,} with more than two readings: the first and the last are compared.")
    late = int((readings.first_wave > readings.first_wave.min()).sum()) if numbered else 0
    if late:
        notes.append(f"{late:,} have their first reading in a later wave than the first.")
    untested = table.loc[~np.isfinite(table["p_value"]), "term"]
    if len(untested):
        notes.append(
            f"No interval or t test, for want of two pairs or of any spread among the changes: {'; '.join(untested)}."
        )
    if len(table) > 1:
        notes.append(f"{len(table)} levels are tested: p_holm and p_bh allow for that, p_value does not.")
    notes.append("Improved and declined count any change at all, however small.")
    return notes


def _pairs(readings: _Readings, people: Groups, levels: Groups, person: str, by: str | None) -> pd.DataFrame:
    both = _at(readings, readings.count > 1)
    frame = pd.DataFrame({person: [people.labels[code] for code in both.person]})
    if by is not None:
        frame[by] = [levels.labels[code] for code in both.level]
    return frame.assign(before=both.first, after=both.last, change=both.last - both.first)
