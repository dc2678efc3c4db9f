"""`missing_bounds`: the mean change if those without a second reading are like the rest, worse, or as bad as can be."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.distance.ancova import covariate_terms
from impact.distance.change import check_scale
from impact.distance.missing import imputed_changes, pooled, weighted_mean
from impact.distance.readings import Pairs, check_rule, read_pairs, refuse_design
from impact.distance.regression import NAN, Mean, one_mean
from impact.errors import ConvergenceError, InputError
from impact.frames import BoolArray, Columns, FloatArray, check_choice, check_level
from impact.results import number, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FRACTIONS = (0.2, 0.5, 0.8)
AT_RANDOM = (
    "Weights and imputation take people without a second reading as like those with one who have the same first reading"
    " and covariates; nothing in the data can show that. The rows that make them worse, and the two ends, do not."
)


@dataclass(frozen=True, eq=False)
class MissingBounds:
    """The mean change of everyone with a first reading, under several assumptions about those without a second.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    who : DataFrame
        One row for each level of `by` and term: ``term, variable, n_with, n_without, mean_with, mean_without, smd``
        (the difference, without less with, over the mean standard deviation).
    level : float
    better : str
    notes : tuple of str
    """

    table: pd.DataFrame
    who: pd.DataFrame
    level: float
    better: str
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """For each level of `by`, one row for each assumption.

        ``assumption``: ``completers`` (those with both, alone), ``no change`` (the others did not change),
        ``weighted``, ``imputed``, ``imputed, … worse``, ``worst case`` and ``best case`` (the others ended at an end of
        the scale). ``estimate`` is the mean change with its t interval, ``n`` the people it is about and ``n_missing``
        those of them without a second reading. ``delta`` is by how many points imputed readings were made worse.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None, *, term: str | None = None) -> Axes:
        """A mark and interval for each assumption; completers alone are hollow."""
        from impact.distance import figures

        return figures.mean_changes(
            self.table,
            self.table["assumption"] + [f" (n = {n:,})" for n in self.table["n"]],
            hollow=self.table["assumption"] == "completers",
            term=term,
            better=self.better,
            level=self.level,
            ax=ax,
        )

    def __repr__(self) -> str:
        lines = ["Mean change, by what is assumed of people without a second reading"]
        lines += [
            f"{row['term']}, {row['assumption']}: {number(row['estimate'])} ({self.level:.0%} interval"
            f" {number(row['conf_low'])} to {number(row['conf_high'])}; n = {row['n']:,}, {row['n_missing']:,} missing)"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


def missing_bounds(
    data: pd.DataFrame,
    *,
    person: str,
    wave: str,
    score: str,
    by: str | None = None,
    covariates: str | Sequence[str] = (),
    deltas: Sequence[float] | None = None,
    level: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    better: str = "higher",
    before: Hashable = "first",
    after: Hashable = "last",
    date: str | None = None,
    minimum_days: int | None = None,
    version: str | None = None,
    imputations: int = 50,
    seed: int = 1,
) -> MissingBounds:
    """Mean change under several assumptions about those without a second reading, and who they are.

    Parameters
    ----------
    data : DataFrame
        Long: one row for each person and wave (and level of `by`).
    person, wave, score, by, low, high, better, before, after, date, minimum_days, version
        As in `change`. Both ends of the scale are needed for the worst and the best case.
    covariates : str or sequence of str
        Columns, read at the reading before, that may foretell who comes back and how they do; the first reading always
        does. Those that are not numbers become one term a value. A missing covariate becomes the mean and a term that
        says so.
    deltas : sequence of float, optional
        By how many points to make imputed readings worse; 0.2, 0.5 and 0.8 standard deviations of the first readings
        unless given.
    level : float
        Confidence level.
    imputations : int
        Completed sets.
    seed : int
        Seed of the imputations.

    Raises
    ------
    InputError
        With every fault of the columns and arguments.

    Notes
    -----
    Imputed readings may lie beyond the ends of the scale: cutting them off would bias the mean. Readings between the
    two are not used; `trajectory` uses them. See `impact.distance.missing`.

    Examples
    --------
    >>> readings = pd.DataFrame({"who": list("aabbccd"), "wave": [1, 2, 1, 2, 1, 2, 1], "score": [3, 5, 4, 4, 2, 6, 3]})
    >>> found = missing_bounds(readings, person="who", wave="wave", score="score", low=1, high=10)
    >>> estimates = found.tidy().set_index("assumption")["estimate"]
    >>> estimates[["completers", "no change", "worst case", "best case"]].tolist()
    [2.0, 1.5, 1.0, 3.25]
    """
    check_level(level)
    check_choice("better", better, ("higher", "lower"))
    check_scale(low, high)
    refuse_design(data, "missing_bounds")
    if isinstance(imputations, bool) or imputations < 2:
        raise InputError(f"imputations must be a whole number, 2 or more, not {imputations!r}.")
    if deltas is not None and not all(delta > 0 for delta in deltas):
        raise InputError("deltas must be above 0: points by which imputed readings are made worse.")
    rule = check_rule(before, after, minimum_days)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    columns = Columns(data)
    read = read_pairs(
        columns, person=person, wave=wave, score=score, by=by, date=date, version=version, low=low, high=high, rule=rule
    )
    ends = (low, high) if better == "higher" else (high, low)
    rows: list[dict[str, object]] = []
    who: list[dict[str, object]] = []
    notes = [*columns.notes]
    for code, label in enumerate(read.scales.labels):
        here = read.pairs.part(read.pairs.scale == code)
        if not len(here.scale):
            continue
        terms, filled = _terms(data, here, score, names)
        one = _Scale(str(label), here, terms, level, -1.0 if better == "higher" else 1.0)
        rows += one.rows(deltas, (None, None) if None in ends else ends, imputations, seed)
        who += one.who()
        notes += filled + one.notes
    if low is None or high is None:
        notes.append("The ends of the scale were not given, so the worst and the best case are not shown.")
    notes.append(AT_RANDOM)
    return MissingBounds(tidy_rows(rows), pd.DataFrame(who), level, better, tuple(notes))


def _terms(data: pd.DataFrame, pairs: Pairs, score: str, names: list[str]) -> tuple[dict[str, FloatArray], list[str]]:
    """The first reading and the covariates at it, each missing value the mean with a term that says so."""
    terms: dict[str, FloatArray] = {score: pairs.before}
    notes: list[str] = []
    if not names:
        return terms, notes
    columns = Columns(data.iloc[pairs.row])
    for name in names:
        if name == score:
            columns.refuse("is among the covariates already", column=name, remedy="leave it out of covariates.")
            continue
        for label, values in covariate_terms(columns, name):
            missing = np.isnan(values)
            if missing.any() and not missing.all():
                terms[f"{name}[missing]"] = missing.astype(float)
                values = np.where(missing, float(values[~missing].mean()), values)
            terms[label] = values
        if f"{name}[missing]" in terms:
            notes.append(f"{name} is missing of {int(terms[f'{name}[missing]'].sum()):,}; that is a term of its own.")
    columns.check()
    return terms, notes


class _Scale:
    """One scale: its people, the terms known of all of them, and the rows that come of it."""

    def __init__(self, term: str, pairs: Pairs, terms: dict[str, FloatArray], level: float, worse: float) -> None:
        self.term, self.level, self.worse = term, level, worse
        self.before, self.after = pairs.before, pairs.after
        self.seen: BoolArray = pairs.both
        self.terms = terms
        varied = [values for values in terms.values() if float(np.ptp(values)) > 0 and np.isfinite(values).all()]
        self.matrix = np.column_stack([np.ones(len(self.before)), *varied])
        self.notes: list[str] = []

    def rows(
        self, deltas: Sequence[float] | None, ends: tuple[float | None, float | None], imputations: int, seed: int
    ) -> list[dict[str, object]]:
        n, missing = len(self.before), int((~self.seen).sum())
        change = self.after - self.before
        rows = [self._row("completers", one_mean(change[self.seen], self.level), int(self.seen.sum()), 0)]
        rows.append(self._row("no change", one_mean(np.where(self.seen, change, 0.0), self.level), n, missing))
        rows.append(self._row("weighted", self._weighted(change), n, missing))
        sd = float(self.before.std(ddof=1)) if n > 1 else NAN
        shifts = [fraction * sd for fraction in FRACTIONS] if deltas is None else list(deltas)
        if deltas is None and np.isfinite(sd):
            self.notes.append(
                f"{self.term}: imputed readings are made worse by {', '.join(map(str, FRACTIONS))} of the standard"
                f" deviation of the first readings, {number(sd)}."
            )
        for delta in (0.0, *shifts):
            name = f"imputed, {number(delta, 3)} worse" if delta else "imputed"
            made = self._imputed(delta, imputations, seed)
            rows.append(self._row(name, made, n, missing) | {"delta": delta})
            if not delta:
                self._tipping(made.estimate, n, missing)
        for name, end in zip(("worst case", "best case"), ends, strict=True):
            if end is not None:
                made = one_mean(np.where(self.seen, change, end - self.before), self.level)
                rows.append(self._row(name, made, n, missing))
        return rows

    def _weighted(self, change: FloatArray) -> Mean:
        if not self.seen.any():
            return _NONE
        try:
            found = weighted_mean(self.matrix, self.seen, change, self.level)
        except ConvergenceError as error:
            self.notes.append(f"{self.term}: no weights. {error}")
            return _NONE
        if found.largest > 10:
            self.notes.append(f"{self.term}: one person's weight is {number(found.largest, 3)} times the mean weight.")
        return found.mean

    def _imputed(self, delta: float, imputations: int, seed: int) -> Mean:
        problem = ""
        if self.seen.sum() <= self.matrix.shape[1] + 1:
            problem = "Too few have both readings."
        else:
            try:
                rng, shift = np.random.default_rng(seed), self.worse * delta
                drawn = imputed_changes(self.matrix, self.before, self.after, self.seen, shift, imputations, rng)
                return pooled(*drawn, len(self.before) - 1.0, self.level)
            except ConvergenceError as error:
                problem = str(error)
        if not delta:
            self.notes.append(f"{self.term}: nothing imputed. {problem}")
        return _NONE

    def _tipping(self, mean: float, n: int, missing: int) -> None:
        if np.isfinite(mean) and missing and mean * self.worse < 0:
            self.notes.append(
                f"{self.term}: the imputed mean change would be none if the {missing:,} without a second reading were"
                f" {number(abs(mean) * n / missing, 3)} points worse than imputed."
            )

    def who(self) -> list[dict[str, object]]:
        rows = []
        for name, values in self.terms.items():
            mine, others = values[self.seen], values[~self.seen]
            means = [float(x.mean()) if len(x) else NAN for x in (mine, others)]
            spread = [float(x.var(ddof=1)) if len(x) > 1 else NAN for x in (mine, others)]
            pool = float(np.sqrt(np.mean(spread)))
            rows.append(
                {
                    "term": self.term,
                    "variable": name,
                    "n_with": len(mine),
                    "n_without": len(others),
                    "mean_with": means[0],
                    "mean_without": means[1],
                    "smd": (means[1] - means[0]) / pool if pool > 0 else NAN,
                }
            )
        return rows

    def _row(self, assumption: str, found: Mean, n: int, missing: int) -> dict[str, Any]:
        row = {"term": self.term} | {name: getattr(found, name) for name in _COLUMNS}
        return row | {"n": n, "n_missing": missing, "assumption": assumption, "delta": NAN}


_COLUMNS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
_NONE = Mean(*(NAN,) * 7)
