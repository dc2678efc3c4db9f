"""`unpaired_change`: two surveys that are not linked person by person, or for some people only."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.distance.change import check_scale
from impact.distance.change_table import adjusted
from impact.distance.partly_paired import FEWEST_PAIRS, NAN, PAIRED, UNPAIRED, two_means
from impact.distance.readings import FIRST, LAST, check_rule, place_of, read_waves, refuse_design
from impact.distance.versions import forbid_versions
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, Groups, IntArray, check_choice, check_level
from impact.results import number, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WHO_ANSWERED = (
    "The difference is between two surveys: it holds who answered each of them as well as how people changed. Where"
    " those who left or never answered again differ from the rest, it is no change of anybody."
)
NO_COMPARISON = "There is no comparison here, so the difference cannot be put down to a programme."
EVERYONE_LINKED = "Everyone is known in both surveys: change says more of such data."


@dataclass(frozen=True, eq=False)
class UnpairedChange:
    """The mean of a later survey less that of an earlier one, one row for each level of `by`.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    score : str
    before, after : hashable
        The two surveys.
    better : str
        ``"higher"`` or ``"lower"``.
    level : float
    notes : tuple of str
    """

    table: pd.DataFrame
    score: str
    before: Hashable
    after: Hashable
    better: str
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row for each level of `by`.

        ``estimate`` is the mean of the survey after less that of the survey before, with its t test on ``df`` and
        interval. ``n`` people gave ``n_before`` and ``n_after`` readings, ``n_pairs`` of them both, as far as is known;
        ``correlation`` is that of the pairs, missing where too few or not used, and ``method`` is ``unpaired``
        (Welch's), ``partly paired`` or ``paired``. ``p_holm`` and ``p_bh`` adjust ``p_value`` across the rows.
        ``floor_`` and ``ceiling_`` are shares at the lowest and highest score: of the scale, or of those seen where its
        ends were not given.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Mean of either survey for each row; the bar is the interval of the difference, set on the mean before."""
        from impact.distance import figures

        words = (_survey(self.before), _survey(self.after))
        return figures.dumbbell(
            self.table, score=self.score, better=self.better, level=self.level, first=words[0], last=words[1], ax=ax
        )

    def __repr__(self) -> str:
        lines = [
            f"Difference in {self.score} from {_survey(self.before)} to {_survey(self.after)} ({self.better} is better)"
        ]
        lines += [
            f"{row['term']}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to"
            f" {number(row['conf_high'])}; p = {number(row['p_value'], 2)}; {row['method']}: {row['n_before']:,}"
            f" before, {row['n_after']:,} after, {row['n_pairs']:,} known in both)"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


def unpaired_change(
    data: pd.DataFrame,
    *,
    wave: str,
    score: str,
    person: str | None = None,
    by: str | None = None,
    level: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    better: str = "higher",
    before: Hashable = FIRST,
    after: Hashable = LAST,
    version: str | None = None,
) -> UnpairedChange:
    """The difference between two surveys whose answers are not, or not all, linked person by person.

    Nobody is forced into a pair: those known to have answered both surveys count as pairs, everyone else once.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each answer (and level of `by`).
    wave, score : str
        Columns: which survey (a number or an ordered categorical), and the reading.
    person : str, optional
        Column that says who answered, missing where that is not known; without it nobody is linked.
    by : str, optional
        Column of scales or areas; each level is analysed by itself.
    level : float
        Confidence level.
    low, high : float, optional
        The ends of the scale: scores beyond are refused.
    better : {"higher", "lower"}
        Which way is improvement. The estimate is always after less before.
    before : "first" or a wave
        The survey before.
    after : "last" or a wave
        The survey after.
    version : str, optional
        Column that says which version of the scale a reading was taken with. Two versions are never compared.

    Raises
    ------
    InputError
        With every fault of the columns; two readings of a person in one survey; waves that are dates; a survey without
        readings.

    Notes
    -----
    People who answered both surveys but are not known to have are taken as two: where readings of one person go
    together, the interval is then too wide. Weights are not offered. See `impact.distance.partly_paired`.

    Examples
    --------
    >>> answers = pd.DataFrame({"survey": [1, 1, 1, 1, 2, 2, 2, 2], "score": [3, 4, 2, 5, 6, 5, 4, 7]})
    >>> found = unpaired_change(answers, wave="survey", score="score")
    >>> found.tidy()[["estimate", "n_before", "n_after", "method"]].values.tolist()
    [[2.0, 4, 4, 'unpaired']]
    """
    check_level(level)
    check_choice("better", better, ("higher", "lower"))
    check_scale(low, high)
    refuse_design(data, "unpaired_change")
    check_rule(before, after, None)
    columns = Columns(data)
    people = None if person is None else columns.groups(person, optional=True)
    scales = columns.groups(by) if by is not None else Groups(np.zeros(columns.n, dtype=np.int64), (score,))
    waves, numbered = read_waves(columns, wave)
    scores = columns.number(score, low=low, high=high)
    if not numbered and np.isfinite(waves).any():
        columns.refuse(
            "holds dates, and a survey may take many days",
            column=wave,
            remedy="give each survey a number, or name them in an ordered pandas categorical.",
        )
    ends = tuple(place_of(columns, wave, end, (word,)) for end, word in ((before, FIRST), (after, LAST)))
    who = np.full(columns.n, -1, dtype=np.int64) if people is None else people.codes
    known = np.isfinite(waves) & np.isfinite(scores) & (scales.codes >= 0)
    forbid_versions(columns, version, scales.codes, known)
    _refuse_twice(columns, who, scales.codes, waves, known, wave)
    keep = columns.rows()
    first, last = _waves(waves[keep], ends)
    if not first < last:
        raise InputError(f"after ({after!r}) must be a later survey than before ({before!r}), and there must be both.")
    chosen = keep & ((waves == first) | (waves == last))
    rows = []
    for code, label in enumerate(scales.labels):
        mine = np.flatnonzero(chosen & (scales.codes == code))
        if len(mine):
            rows.append(_row(str(label), who[mine], scores[mine], waves[mine] == last, (low, high), level))
    table = adjusted(tidy_rows(rows), before="df")
    others = int(keep.sum()) - int(chosen.sum())
    notes = [*columns.notes]
    if others:
        notes.append(f"{others:,} readings of other surveys are not used.")
    notes += _notes(table, int((chosen & (who < 0)).sum()), low is not None and high is not None)
    return UnpairedChange(table, score, before, after, better, level, (*notes, WHO_ANSWERED, NO_COMPARISON))


def _refuse_twice(
    columns: Columns, who: IntArray, scales: IntArray, waves: FloatArray, known: BoolArray, name: str
) -> None:
    rows = np.flatnonzero(known & (who >= 0))
    keys = pd.DataFrame({"p": who[rows], "s": scales[rows], "w": waves[rows]})
    repeated = np.zeros(columns.n, dtype=bool)
    repeated[rows] = keys.duplicated(keep=False)
    columns.forbid(
        repeated,
        name,
        "has two readings of one person in one survey",
        why="which of them counts would be a guess.",
        remedy="keep one; where rows hold several scales, name their column in `by`.",
    )


def _waves(waves: FloatArray, ends: tuple[str | float, ...]) -> tuple[float, float]:
    first, last = ends
    return (
        float(waves.min()) if isinstance(first, str) else first,
        float(waves.max()) if isinstance(last, str) else last,
    )


def _row(
    term: str,
    who: IntArray,
    scores: FloatArray,
    later: BoolArray,
    ends: tuple[float | None, float | None],
    level: float,
) -> dict[str, object]:
    before, after = scores[~later], scores[later]
    who_before, who_after = who[~later], who[later]
    place_before, place_after = np.flatnonzero(who_before >= 0), np.flatnonzero(who_after >= 0)
    _, first, second = np.intersect1d(
        who_before[place_before], who_after[place_after], assume_unique=True, return_indices=True
    )
    place_before, place_after = place_before[first], place_after[second]
    alone_before, alone_after = np.delete(before, place_before), np.delete(after, place_after)
    found = two_means(before[place_before], after[place_after], alone_before, alone_after, level)
    low, high = (float(pick(scores)) if end is None else end for end, pick in zip(ends, (np.min, np.max), strict=True))
    named = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
    return {
        "term": term,
        **{name: getattr(found.found, name) for name in named},
        "n": len(scores) - len(place_before),
        "df": found.found.df,
        "method": found.method,
        "n_before": len(before),
        "n_after": len(after),
        "n_pairs": len(place_before),
        "correlation": found.correlation,
        "mean_before": float(before.mean()) if len(before) else NAN,
        "mean_after": float(after.mean()) if len(after) else NAN,
        "sd_before": float(before.std(ddof=1)) if len(before) > 1 else NAN,
        "sd_after": float(after.std(ddof=1)) if len(after) > 1 else NAN,
        "floor_before": float((before == low).mean()) if len(before) else NAN,
        "floor_after": float((after == low).mean()) if len(after) else NAN,
        "ceiling_before": float((before == high).mean()) if len(before) else NAN,
        "ceiling_after": float((after == high).mean()) if len(after) else NAN,
    }


def _notes(table: pd.DataFrame, unlinked: int, ends_known: bool) -> list[str]:
    notes = []
    if (table["method"] == PAIRED).all():
        notes.append(EVERYONE_LINKED)
    elif unlinked:
        notes.append(f"{unlinked:,} readings say not whose they are: each is taken as another person's.")
    few = table.loc[(table["n_pairs"] > 0) & (table["method"] == UNPAIRED), "term"]
    if len(few):
        notes.append(f"Fewer than {FEWEST_PAIRS} pairs, so taken as independent: {'; '.join(few)}.")
    untested = table.loc[~np.isfinite(table["p_value"]), "term"]
    if len(untested):
        notes.append(
            f"No interval or test, for want of two readings in each survey or of any spread: {'; '.join(untested)}."
        )
    if len(table) > 1:
        notes.append(f"{len(table)} levels are tested: p_holm and p_bh allow for that, p_value does not.")
    if not ends_known:
        notes.append("The ends of the scale were not given: floor and ceiling are the lowest and highest scores seen.")
    return notes


def _survey(end: Hashable) -> str:
    return f"{end} survey" if isinstance(end, str) and end in (FIRST, LAST) else f"survey {end}"
