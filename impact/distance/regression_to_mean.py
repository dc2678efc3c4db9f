"""`regression_to_mean`: the change to be expected with no programme, beside the change that was seen."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.distance.change import BESIDE, check_scale, one_reading_notes
from impact.distance.facts import Given, PerScale, per_scale, said
from impact.distance.readings import Pairs, check_rule, read_pairs, refuse_design
from impact.distance.regression import NAN, Mean, difference, expected_beyond, expected_change, one_mean
from impact.distance.reliable_change import NO_RELIABILITY, RANGE
from impact.errors import InputError
from impact.frames import BoolArray, Columns, Groups, check_choice, check_level
from impact.results import number, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SOURCES_NEEDED = (
    "What would have happened with no programme must come from somewhere: give population_mean (with a reliability, or"
    " None for a range), or earlier (a wave before the first), or comparison (a column that is 0 for people without the"
    " programme)."
)
SECOND_BASELINE = (
    "The second baseline answers only if people were chosen at the earlier wave and nothing was done before the next."
)


@dataclass(frozen=True, eq=False)
class RegressionToMean:
    """Observed change, the change to be expected without a programme, and what lies between them.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    level : float
    better : str
    notes : tuple of str
    """

    table: pd.DataFrame
    level: float
    better: str
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """For each level of `by`: the observed change, then for each source what is expected and what is beyond it.

        ``term, quantity`` (observed, expected, beyond), ``source`` (how the expected change was had), ``reliability``
        where one was used, and ``estimate`` with its t interval: the mean change of the ``n`` people with both
        readings, the change expected of them, and the difference. ``n_first`` have the reading before,
        ``n_first_only`` of them none after.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None, *, term: str | None = None) -> Axes:
        """The observed change (filled) over each expected one (hollow), with what lies beyond it, and intervals."""
        from impact.distance import figures

        return figures.mean_changes(
            self.table,
            pd.Series([_name(row) for row in self.table.to_dict("records")], index=self.table.index),
            hollow=self.table["quantity"] == "expected",
            term=term,
            better=self.better,
            level=self.level,
            ax=ax,
        )

    def __repr__(self) -> str:
        lines = ["Regression to the mean"]
        lines += [
            f"{row['term']}, {_name(row)}: {number(row['estimate'])} ({self.level:.0%} interval"
            f" {number(row['conf_low'])} to {number(row['conf_high'])}; n = {row['n']:,})"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


def regression_to_mean(
    data: pd.DataFrame,
    *,
    person: str,
    wave: str,
    score: str,
    reliability: PerScale | None = None,
    population_mean: PerScale | None = None,
    population_sd: PerScale | None = None,
    cutoff: PerScale | None = None,
    earlier: Hashable | None = None,
    comparison: str | None = None,
    by: str | None = None,
    level: float = 0.95,
    better: str = "higher",
    low: float | None = None,
    high: float | None = None,
    before: Hashable = "first",
    after: Hashable = "last",
    date: str | None = None,
    minimum_days: int | None = None,
    version: str | None = None,
) -> RegressionToMean:
    """The change that regression to the mean would give with no programme, beside the change that was observed.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each person and wave (and level of `by`).
    person, wave, score, by, low, high, better, before, after, date, minimum_days, version
        As in `change`.
    reliability : number, Fact, mapping by scale, or None
        Correlation of two readings between which nothing is done, over an interval like the one here; used with
        `population_mean`. None: a range is shown.
    population_mean : number, Fact or mapping, optional
        Mean of the people whom the programme draws on, before any were chosen for their score.
    population_sd, cutoff : number, Fact or mapping, optional
        Their standard deviation and the score at or beyond which (on the poor side) they were chosen: adds the change
        expected of all such people in a normal population, which uses no reading here.
    earlier : wave, optional
        A wave before `before`, at which people were chosen: from it to `before` nothing was done, so that change is
        what selection and time gave.
    comparison : str, optional
        Column that is 1 for people of the programme and 0 for people without it, chosen alike; read at `before`.
    level : float
        Confidence level.

    Raises
    ------
    InputError
        With every fault of the columns; where nothing says what would have happened with no programme.

    Notes
    -----
    Intervals of what lies beyond a stated reliability and mean take both as known: where they are not, the spread over
    the range says more than the interval.

    Examples
    --------
    >>> readings = pd.DataFrame({"who": list("aabbcc"), "wave": [1, 2] * 3, "score": [8.0, 14, 12, 15, 10, 16]})
    >>> found = regression_to_mean(readings, person="who", wave="wave", score="score", reliability=0.7,
    ...                            population_mean=20)
    >>> found.tidy()[["quantity", "estimate"]].round(3).values.tolist()
    [['observed', 5.0], ['expected', 3.0], ['beyond', 2.0]]
    """
    check_level(level)
    check_choice("better", better, ("higher", "lower"))
    check_scale(low, high)
    refuse_design(data, "regression_to_mean")
    if population_mean is None and earlier is None and comparison is None:
        raise InputError(SOURCES_NEEDED)
    for name, value in (("reliability", reliability), ("population_sd", population_sd), ("cutoff", cutoff)):
        if value is not None and population_mean is None:
            raise InputError(f"{name} is used with population_mean only, which was not given.")
    if (population_sd is None) != (cutoff is None):
        raise InputError("population_sd and cutoff go together: give both or neither.")
    rule = check_rule(before, after, minimum_days)
    columns = Columns(data)
    treated = None if comparison is None else columns.indicator(comparison)
    read = read_pairs(
        columns, person=person, wave=wave, score=score, by=by, date=date, version=version, low=low, high=high, rule=rule
    )
    labels = read.scales.labels
    given = {
        name: per_scale(name, value, labels)
        for name, value in (
            ("reliability", reliability),
            ("population_mean", population_mean),
            ("population_sd", population_sd),
            ("cutoff", cutoff),
        )
    }
    start = None if earlier is None else _earlier(data, person, wave, score, by, earlier, before)
    rows: list[dict[str, object]] = []
    notes = [*columns.notes]
    for code, label in enumerate(labels):
        here = read.pairs.part(read.pairs.scale == code)
        if not len(here.scale):
            continue
        mine = here if treated is None else here.part(treated[here.row] == 1)
        asked = {name: None if values is None else values[str(label)] for name, values in given.items()}
        found = _Rows(str(label), mine, level)
        found.observed()
        if asked["population_mean"] is not None:
            found.stated(asked, better == "lower")
            notes += found.notes
        if start is not None:
            found.second_baseline(start, read.people, label)
        if treated is not None:
            found.against(here.part(treated[here.row] == 0))
        rows += found.rows
    table = tidy_rows(rows)
    observed = table[table["quantity"] == "observed"]
    notes += [f"{words} {BESIDE}" for words in one_reading_notes(observed)]
    if population_mean is not None and reliability is None:
        notes.append(NO_RELIABILITY)
    if earlier is not None:
        notes.append(SECOND_BASELINE)
    if comparison is not None:
        notes.append(
            "The comparison answers only if its people were chosen alike; ancova adjusts for where they began."
        )
    return RegressionToMean(table, level, better, tuple(notes))


class _Rows:
    """The rows of one scale as they come together."""

    def __init__(self, term: str, pairs: Pairs, level: float) -> None:
        self.term, self.level = term, level
        self.pairs = pairs
        both = pairs.both
        self.before, self.change = pairs.before[both], pairs.change()
        self.numbers = {"n_first": len(both), "n_first_only": int((~both).sum())}
        self.rows: list[dict[str, object]] = []
        self.notes: list[str] = []

    def observed(self) -> None:
        self._add("observed", "", one_mean(self.change, self.level), len(self.change))

    def stated(self, asked: dict[str, Given | None], poor_is_high: bool) -> None:
        mean, one = asked["population_mean"], asked["reliability"]
        assert mean is not None
        used: tuple[Given, ...] = RANGE if one is None else (one,)
        for assumed in used:
            r = float(assumed)
            if not 0 <= r <= 1:
                raise InputError(f"reliability must be from 0 to 1 (for {self.term}), not {r!r}.")
            expected = expected_change(self.before, float(mean), r)
            n, source = len(expected), "reliability"
            self._add("expected", source, _known(float(expected.mean()) if n else NAN), n, r)
            self._add("beyond", source, one_mean(self.change - expected, self.level), n, r)
            if asked["cutoff"] is not None and asked["population_sd"] is not None:
                self._by_selection(float(mean), asked["population_sd"], asked["cutoff"], r, poor_is_high)
        parts = [f"population mean {said(mean)}"]
        parts += [f"{word} {said(value)}" for name, word in _WORDS if (value := asked[name]) is not None]
        self.notes.append(f"{self.term}: {'; '.join(parts)}.")
        start = float(self.before.mean()) if len(self.before) else NAN
        if (start > float(mean)) != poor_is_high and start != float(mean):
            self.notes.append(
                f"{self.term}: people began better than the population mean, so they are expected to fall back."
            )

    def _by_selection(self, mean: float, sd: Given, cutoff: Given, r: float, above: bool) -> None:
        if not float(sd) > 0:
            raise InputError(f"population_sd must be above 0 (for {self.term}), not {float(sd)!r}.")
        expected = expected_beyond(mean, float(sd), r, float(cutoff), above=above)
        n, source = len(self.change), "selection"
        self._add("expected", source, _known(expected), n, r)
        self._add("beyond", source, one_mean(self.change - expected, self.level), n, r)
        wrong = int(((self.before < float(cutoff)) if above else (self.before > float(cutoff))).sum())
        if wrong:
            self.notes.append(f"{self.term}: {wrong:,} of {n:,} are not on the side of the cut-off said to be chosen.")

    def second_baseline(self, start: pd.Series, people: Groups, label: object) -> None:
        both = self.pairs.part(self.pairs.both)
        who = pd.Index(people.labels).take(both.person)
        keys = pd.MultiIndex.from_arrays([np.full(len(who), label, dtype=object), who.astype(object)])
        earlier = start.reindex(keys).to_numpy(dtype=float)
        known = np.isfinite(earlier)
        source = "second baseline"
        self._add("observed", source, one_mean((both.after - earlier)[known], self.level), int(known.sum()))
        self._add("expected", source, one_mean((both.before - earlier)[known], self.level), int(known.sum()))
        self._add("beyond", source, one_mean(self.change[known], self.level), int(known.sum()))

    def against(self, others: Pairs) -> None:
        change = others.change()
        self._add("expected", "comparison", one_mean(change, self.level), len(change))
        n = len(self.change) + len(change)
        self._add("beyond", "comparison", difference(self.change, change, self.level), n)

    def _add(self, quantity: str, source: str, found: Mean, n: int, reliability: float = NAN) -> None:
        row: dict[str, object] = {"term": self.term} | {name: getattr(found, name) for name in _COLUMNS}
        row |= {"n": n, "quantity": quantity, "source": source, "reliability": reliability}
        self.rows.append(row | self.numbers)


_COLUMNS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
_WORDS = (("reliability", "reliability"), ("population_sd", "SD"), ("cutoff", "chosen at or beyond"))


def _known(value: float) -> Mean:
    return Mean(value, NAN, NAN, NAN, NAN, NAN, NAN)


def _earlier(
    data: pd.DataFrame, person: str, wave: str, score: str, by: str | None, earlier: Hashable, before: Hashable
) -> pd.Series:
    """The score at the earlier wave, by scale and person; the pairs from it to `before` are read by the same door."""
    if isinstance(before, str) and before == "first":
        raise InputError("earlier is a wave before another: name that other wave in before.")
    read = read_pairs(
        Columns(data), person=person, wave=wave, score=score, by=by, rule=check_rule(earlier, before, None)
    )
    both: BoolArray = read.pairs.both
    scales = np.array([read.scales.labels[code] for code in read.pairs.scale[both]], dtype=object)
    who = np.array([read.people.labels[code] for code in read.pairs.person[both]], dtype=object)
    return pd.Series(read.pairs.before[both], index=pd.MultiIndex.from_arrays([scales, who]))


def _name(row: dict[Any, Any]) -> str:
    source = str(row["source"])
    if not np.isnan(row["reliability"]):
        source += f" {number(row['reliability'])}" if source == "reliability" else f", r {number(row['reliability'])}"
    return f"{row['quantity']} ({source})" if source else str(row["quantity"])
