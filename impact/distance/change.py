"""`change`: two readings of each person on each scale, with those who have one reading only kept in sight."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.distance.change_table import Asked, change_table
from impact.distance.readings import Pairs, Readings, Rule, check_rule, read_pairs, refuse_design
from impact.errors import InputError
from impact.figures import COLOURS
from impact.frames import Columns, Groups, check_choice, check_level
from impact.results import number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REGRESSION_TO_THE_MEAN = (
    "There is no comparison here, so the change contains regression to the mean: people who join when their scores are"
    " poor tend to score better later with no programme at all. It cannot be put down to a programme."
)
BESIDE = (
    "Set mean_before_missing beside mean_before, and carried_forward and the bounds beside the estimate;"
    " missing_bounds does more."
)
KINDS = ("areas", "people")


@dataclass(frozen=True, eq=False)
class Change:
    """Change between two readings, one row for each level of `by` (and of `group`).

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    pairs : DataFrame
        One row a person and level with both readings: the columns named by `person`, `by` and `group`, then ``before,
        after, change`` (and ``days`` between them where dates were given). Rows of people: not for publication.
    score : str
        The column of scores.
    better : str
        ``"higher"`` or ``"lower"``.
    level : float
        Confidence level of the intervals.
    notes : tuple of str
        Cautions that travel with the numbers.
    rule : Rule
        Which two readings are compared.
    threshold : float or None
        The least change that counts as improvement or decline; None where any does.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    score: str
    better: str
    level: float
    notes: tuple[str, ...] = ()
    rule: Rule = field(default_factory=Rule)
    threshold: float | None = None

    def tidy(self) -> pd.DataFrame:
        """One row for each level of `by` and `group`, sorted as the levels are.

        ``estimate`` is the mean change, after less before, of the ``n`` people with both readings, with its t test and
        interval; ``n_first`` have the reading before, ``n_first_only`` of them none after. ``signed_rank`` is the sum
        of the positive ranks. ``p_holm`` and ``p_bh`` adjust ``p_value`` across the rows. ``d_z``, ``d_av`` carry
        Hedges' correction. ``improved, unchanged, declined`` count changes of the threshold or more, or any change at
        all where none was given. ``floor_`` and ``ceiling_`` are shares of the ``n`` at the lowest and highest score:
        of the scale, or of those seen where its ends were not given. ``mean_before_missing`` is the mean first score of
        those without a second; ``carried_forward`` is the mean change of everyone with a first reading if those had not
        changed, and ``bound_low, bound_high`` if they had all ended at the lowest or the highest score.
        ``permutation_p`` where it was asked for, ``median_days`` where dates were given.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None, *, kind: str = "areas", term: str | None = None) -> Axes:
        """Means by area, or a line for each person.

        Parameters
        ----------
        ax : Axes, optional
        kind : {"areas", "people"}
            ``"areas"``: mean before (hollow) and after (filled) for each row; the bar is the interval of the change,
            set on the mean before, so a bar that crosses the hollow mark is a change that could be none.
            ``"people"``: a line for each person on one scale. Lines of people are not for publication.
        term : str, optional
            The scale whose people are drawn; needed where there are several.
        """
        from impact.distance import figures

        check_choice("kind", kind, KINDS)
        if kind == "areas":
            return figures.dumbbell(
                self.table,
                score=self.score,
                better=self.better,
                level=self.level,
                first=f"{_reading(self.rule.before)}",
                last=f"{_reading(self.rule.after)}",
                ax=ax,
            )
        return self._people(term, ax)

    def _people(self, term: str | None, ax: Axes | None) -> Axes:
        from impact.distance import figures

        terms = list(dict.fromkeys(self.table["term"]))
        if term is None and len(terms) > 1:
            raise InputError(f"There are several scales: say which in term, one of {', '.join(terms)}.")
        chosen = terms[0] if term is None else term
        check_choice("term", chosen, terms)
        mine = self.pairs if len(terms) == 1 else self.pairs[self.pairs.iloc[:, 1].astype(str) == chosen]
        if mine.empty:
            raise InputError(f"Nobody has two readings on {chosen}.")
        before, after = (mine[name].to_numpy(dtype=float) for name in ("before", "after"))
        moved = (after - before) * (1 if self.better == "higher" else -1)
        least = np.finfo(float).tiny if self.threshold is None else self.threshold - 1e-9 * max(self.threshold, 1.0)
        kinds = [
            figures.Kind("improved", moved >= least, COLOURS[0], "-", "o"),
            figures.Kind("unchanged", np.abs(moved) < least, "0.6", ":", "s"),
            figures.Kind("declined", moved <= -least, COLOURS[1], "--", "v"),
        ]
        rows = self.table[self.table["term"] == chosen]
        interval = (
            (float(rows["conf_low"].iloc[0]), float(rows["conf_high"].iloc[0])) if len(rows) == 1 else (np.nan,) * 2
        )
        words = (_reading(self.rule.before), _reading(self.rule.after))
        return figures.people(
            before, after, kinds, interval=interval, words=words, score=f"{chosen} ({self.better} is better)", ax=ax
        )

    def __repr__(self) -> str:
        lines = [f"Change in {self.score} from {self.rule} ({self.better} is better)"]
        lines += [self._line(row) for row in self.table.to_dict("records")]
        return with_notes("\n".join(lines), self.notes)

    def _line(self, row: dict[Any, Any]) -> str:
        name = row["term"] if "group" not in row else f"{row['term']}, {row['group']}"
        return (
            f"{name}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to"
            f" {number(row['conf_high'])}; p = {number(row['p_value'], 2)}; {row['n']:,} of {row['n_first']:,} with"
            f" both readings; if the others had not changed {number(row['carried_forward'])}; at the lowest score"
            f" {_percent(row['floor_before'])} before and {_percent(row['floor_after'])} after, at the highest"
            f" {_percent(row['ceiling_before'])} and {_percent(row['ceiling_after'])})"
        )


def change(
    data: pd.DataFrame,
    *,
    person: str,
    wave: str,
    score: str,
    by: str | None = None,
    group: str | None = None,
    level: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    better: str = "higher",
    before: Hashable = "first",
    after: Hashable = "last",
    date: str | None = None,
    minimum_days: int | None = None,
    threshold: float | None = None,
    version: str | None = None,
    permutations: int | None = None,
    seed: int = 1,
) -> Change:
    """Change of each person from one reading to another, the first and the last unless said.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each person and wave (and level of `by`).
    person, wave, score : str
        Columns: who, when (a number, a date or an ordered categorical), and the reading (a number; missing where not
        taken).
    by : str, optional
        Column of scales or areas; each level is analysed by itself.
    group : str, optional
        Column of groups of people, as it stands at the reading before; each group is analysed by itself.
    level : float
        Confidence level.
    low, high : float, optional
        The ends of the scale: scores beyond are refused; bounds for missing second readings are given.
    better : {"higher", "lower"}
        Which way is improvement. The estimate is always after less before.
    before : "first" or a wave
        The reading before.
    after : "last", "second" or a wave
        The reading after; ``"second"`` is the next one taken, `minimum_days` later or more.
    date : str, optional
        Column of the dates of the readings, where the wave is not a date. Dates that contradict the waves are refused.
    minimum_days : int, optional
        The fewest days between the two readings; a person without such a second reading counts as having none.
    threshold : float, optional
        The least change, in points, that counts as improvement or decline; without it any change does.
    version : str, optional
        Column that says which version of the scale a reading was taken with. Two versions are never compared.
    permutations : int, optional
        Add the sign-flip test of the mean change with so many resamples; exact where the people allow.
    seed : int
        Seed of the resamples.

    Returns
    -------
    Change

    Raises
    ------
    InputError
        With every fault: a column that is not there, text among scores, scores beyond the scale, a wave whose order is
        not known, two readings of a person in one wave or on one day, a later wave with an earlier date, two versions.

    Notes
    -----
    Signed-rank p-values are exact up to 50 people who changed (ties included), normal with the corrections for ties
    and continuity beyond; people who did not change are left out of that test. See `impact.distance.paired`. There are
    no weights: rows of weight are for a comparison, which `ancova` makes.

    Examples
    --------
    >>> readings = pd.DataFrame({"who": list("aabbccd"), "wave": [1, 2, 1, 2, 1, 3, 1], "score": [3, 5, 4, 4, 2, 6, 3]})
    >>> result = change(readings, person="who", wave="wave", score="score", low=1, high=10)
    >>> result.tidy()[["n_first", "n", "estimate", "carried_forward", "improved"]].values.tolist()
    [[4.0, 3.0, 2.0, 1.5, 2.0]]
    """
    check_level(level)
    check_choice("better", better, ("higher", "lower"))
    refuse_design(data, "change")
    check_scale(low, high)
    if threshold is not None and not threshold > 0:
        raise InputError(f"threshold must be above 0, in points of the score, not {threshold!r}.")
    if permutations is not None and (isinstance(permutations, bool) or permutations < 99):
        raise InputError(f"permutations must be a whole number, 99 or more, not {permutations!r}.")
    rule = check_rule(before, after, minimum_days)
    columns = Columns(data)
    groups = None if group is None else columns.groups(group)
    read = read_pairs(
        columns, person=person, wave=wave, score=score, by=by, date=date, version=version, low=low, high=high, rule=rule
    )
    pairs = read.pairs
    of_pairs = None if groups is None else (str(group), groups.codes[pairs.row], groups.labels)
    asked = Asked(level, low, high, better, threshold, permutations, seed)
    table = change_table(pairs, read.scales.labels, of_pairs, asked)
    ends_known = low is not None and high is not None
    notes = (*columns.notes, *_notes(table, pairs, rule, threshold, ends_known), REGRESSION_TO_THE_MEAN)
    return Change(table, _pairs(read, person, by, group, groups), score, better, level, notes, rule, threshold)


def check_scale(low: float | None, high: float | None) -> None:
    """Raise unless the ends of the scale, where both are given, are apart and in their order."""
    if low is not None and high is not None and not low < high:
        raise InputError(f"low must be below high, not {low!r} and {high!r}.")


def _notes(table: pd.DataFrame, pairs: Pairs, rule: Rule, threshold: float | None, ends_known: bool) -> list[str]:
    notes = [f"{words} {BESIDE}" for words in one_reading_notes(table)]
    if pairs.without:
        notes.append(f"{pairs.without:,} with readings, but none that is the {_reading(rule.before)}, are left out.")
    between = int((pairs.readings > 2).sum())
    if between:
        notes.append(
            f"{between:,} with more than two readings: the {rule.before} and the {rule.after} are compared."
            if rule == Rule()
            else f"{between:,} with more than two readings: from {rule}."
        )
    if pairs.late:
        notes.append(f"{pairs.late:,} have their first reading in a later wave than the first.")
    untested = table.loc[~np.isfinite(table["p_value"]), "term"]
    if len(untested):
        notes.append(
            f"No interval or t test, for want of two pairs or of any spread among the changes: {'; '.join(untested)}."
        )
    if len(table) > 1:
        notes.append(f"{len(table)} levels are tested: p_holm and p_bh allow for that, p_value does not.")
    if threshold is None:
        notes.append("Improved and declined count any change at all, however small.")
    else:
        notes.append(f"Improved and declined count changes of {number(threshold)} points or more, as asked for.")
    if not ends_known:
        notes.append("The ends of the scale were not given: floor and ceiling are the lowest and highest scores seen.")
    return notes


def one_reading_notes(table: pd.DataFrame) -> list[str]:
    """Who has no second reading."""
    alone = table[table["n_first_only"] > 0]
    if alone.empty:
        return []
    names = alone["term"] if "group" not in alone else alone["term"] + ", " + alone["group"].astype(str)
    listed = "; ".join(
        f"{name} {only:,} of {all_:,}"
        for name, only, all_ in zip(names, alone["n_first_only"], alone["n_first"], strict=True)
    )
    return [f"One reading only, so not in the change: {listed}. They may differ from the rest."]


def _pairs(read: Readings, person: str, by: str | None, group: str | None, groups: Groups | None) -> pd.DataFrame:
    both = read.pairs.part(read.pairs.both)
    frame = pd.DataFrame({person: pd.Index(read.people.labels).take(both.person)})
    if by is not None:
        frame[by] = pd.Index(read.scales.labels).take(both.scale)
    if group is not None and groups is not None:
        frame[group] = pd.Index(groups.labels).take(groups.codes[both.row])
    frame = frame.assign(before=both.before, after=both.after, change=both.after - both.before)
    return frame if both.days is None else frame.assign(days=both.days.astype(np.int64))


def _reading(end: Hashable) -> str:
    return f"{end} reading" if isinstance(end, str) else f"wave {end}"


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.0%}"
