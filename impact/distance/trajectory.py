"""`trajectory`: the course of a score over time, from every reading of every person, by a mixed model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.distance.courses import AT_RANDOM, NO_COMPARISON, grid, read_course
from impact.distance.mixed import MixedFit, mixed
from impact.distance.model_terms import Terms
from impact.distance.regression import student
from impact.errors import InputError
from impact.frames import check_choice, check_level
from impact.results import number, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INTERCEPT, SLOPE = RANDOM = ("intercept", "slope")
KINDS = ("curve", "people")


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A mixed model of scores over time.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    variance : DataFrame
        ``term, estimate``: standard deviations of the random intercept and slope, their correlation, and the residual
        standard deviation.
    fit : MixedFit
    terms : Terms
        The formula, to make its columns of new data.
    readings : DataFrame
        ``person`` (a number), ``time, score`` of each reading used. Rows of people: not for publication.
    time, score : str
    level : float
    notes : tuple of str
    """

    table: pd.DataFrame
    variance: pd.DataFrame
    fit: MixedFit
    terms: Terms
    readings: pd.DataFrame
    time: str
    score: str
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row for each term of the formula: estimate, standard error, t test and interval on ``df``.

        ``df`` are Satterthwaite's degrees of freedom, ``n`` is the number of people, ``n_readings`` that of readings.
        """
        return self.table.copy()

    @property
    def log_likelihood(self) -> float:
        """Maximised; restricted where the model was fitted so."""
        return self.fit.log_likelihood

    def predict(self, new: pd.DataFrame, *, level: float | None = None) -> pd.DataFrame:
        """The mean score of people like those given, with its interval.

        Parameters
        ----------
        new : DataFrame
            The columns of the formula.
        level : float, optional
            Confidence level; that of the model unless given.

        Returns
        -------
        DataFrame
            ``estimate, std_error, conf_low, conf_high`` on the index of `new`. The interval is of the mean of such
            people, not of one of them.
        """
        used = self.level if level is None else level
        check_level(used)
        matrix = self.terms.of(new)
        estimate = matrix @ self.fit.coefficients
        std_error = np.sqrt(np.einsum("ij,jk,ik->i", matrix, self.fit.covariance, matrix))
        reach = scipy.stats.t.ppf(0.5 + used / 2, self.fit.df(matrix)) * std_error
        columns = {"estimate": estimate, "std_error": std_error}
        return pd.DataFrame(columns | {"conf_low": estimate - reach, "conf_high": estimate + reach}, index=new.index)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        kind: str = "curve",
        by: str | None = None,
        at: Mapping[str, object] | None = None,
    ) -> Axes:
        """The predicted curve with its band; other columns at their mean or most common value.

        Parameters
        ----------
        ax : Axes, optional
        kind : {"curve", "people"}
            ``"people"`` draws the readings of people behind the curve: not for publication.
        by : str, optional
            A column of the formula: a curve for each of its values (of numbers, where there are at most six).
        at : mapping, optional
            Values of other columns in place of the typical ones.
        """
        from impact.distance import figures

        check_choice("kind", kind, KINDS)
        drawn = grid(self.terms, self.time, self.readings["time"], by, at or {})
        curves = [(label, self.predict(frame), frame[self.time]) for label, frame in drawn]
        people = self.readings if kind == "people" else None
        return figures.curves(curves, people, xlabel=self.time, ylabel=f"mean {self.score}", level=self.level, ax=ax)

    def __repr__(self) -> str:
        row = self.table.iloc[0]
        lines = [f"{self.score} over {self.time}: {row['n_readings']:,} readings of {row['n']:,} people"]
        lines += [
            f"{one['term']}: {number(one['estimate'])} ({self.level:.0%} interval {number(one['conf_low'])} to"
            f" {number(one['conf_high'])}; p = {number(one['p_value'], 2)})"
            for one in self.table.to_dict("records")
        ]
        lines += [f"{one['term']}: {number(one['estimate'])}" for one in self.variance.to_dict("records")]
        return with_notes("\n".join(lines), self.notes)


def trajectory(
    data: pd.DataFrame,
    *,
    person: str,
    time: str,
    score: str,
    formula: str | None = None,
    random: str = SLOPE,
    reml: bool = True,
    level: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    version: str | None = None,
) -> Trajectory:
    """The course of a score over time, from every reading, at whatever times people were read.

    Parameters
    ----------
    data : DataFrame
        Long: one row a reading.
    person, time, score : str
        Columns: who; time since the start, a number; the reading.
    formula : str, optional
        The right-hand side, such as ``"bs(months, df=4)"`` for a curve, or ``"months * sessions"`` for a course that
        depends on the dose; a straight line in `time` unless given.
    random : {"slope", "intercept"}
        Whether people differ in where they start and how fast they change, or in where they start alone.
    reml : bool
        Restricted maximum likelihood; maximum likelihood where False, to compare formulas by likelihood.
    level : float
        Confidence level.
    low, high : float, optional
        The ends of the scale: scores beyond are refused.
    version : str, optional
        Column that says which version of the scale a reading was taken with. Two versions are never compared.

    Raises
    ------
    InputError
        With every fault of the columns; two readings of a person at one time; a formula that fails; every score the
        same; too few readings for the random effects.
    ConvergenceError
        Where the likelihood has no maximum that could be reached.

    Notes
    -----
    Tests and intervals are by the t distribution with Satterthwaite's degrees of freedom, as R's lmerTest has them;
    a random effect on its edge counts as known to be none. Weights and clusters are not offered. See
    `impact.distance.mixed`.

    Examples
    --------
    >>> rows = [(who, month, 20 + 2 * month + 3 * (who % 3) + (-1) ** (who + month)) for who in range(30)
    ...         for month in (0, 1, 3, 6)]
    >>> found = trajectory(pd.DataFrame(rows, columns=["who", "months", "score"]), person="who", time="months",
    ...                    score="score", random="intercept")
    >>> found.tidy()[["term", "estimate"]].round(2).values.tolist()
    [['Intercept', 23.0], ['months', 2.0]]
    """
    check_level(level)
    check_choice("random", random, RANDOM)
    read = read_course(
        "trajectory",
        data,
        person=person,
        time=time,
        score=score,
        formula=formula,
        low=low,
        high=high,
        version=version,
    )
    terms, scores, counts = read.terms, read.scores, read.counts
    effects = 2 if random == SLOPE else 1
    if len(scores) <= effects * len(counts):
        raise InputError(
            f"{len(scores):,} readings of {len(counts):,} people are too few for a random {random}"
            + ("; with about two readings a person, use random='intercept'." if random == SLOPE else ": use change.")
        )
    fit = mixed(terms.matrix, scores, read.times if random == SLOPE else None, read.who, reml=reml)
    numbers = {"n": len(counts), "n_readings": len(scores)}
    table = tidy_rows([row | numbers for row in _rows(terms.names, fit, level)])
    notes = [*read.notes]
    if fit.singular:
        notes.append("People differ in start or in pace by less than can be told: a random effect is on its edge.")
    if low is not None and high is not None:
        share = float(((scores == low) | (scores == high)).mean())
        notes.append(f"{share:.0%} of readings are at an end of the scale, where a straight model cannot follow.")
    notes += [AT_RANDOM, NO_COMPARISON]
    return Trajectory(table, _variance(fit, random), fit, terms, read.readings(), time, score, level, tuple(notes))


def _rows(names: tuple[str, ...], fit: MixedFit, level: float) -> list[dict[str, object]]:
    df = fit.df(np.eye(len(names)))
    rows: list[dict[str, object]] = []
    for place, name in enumerate(names):
        found = student(
            float(fit.coefficients[place]), float(np.sqrt(fit.covariance[place, place])), float(df[place]), level
        )
        rows.append({"term": name} | asdict(found))
    return rows


def _variance(fit: MixedFit, random: str) -> pd.DataFrame:
    spread = np.sqrt(np.diag(fit.random))
    rows = [("SD of the intercept", float(spread[0]))]
    if random == SLOPE:
        product = float(spread[0] * spread[1])
        rows.append(("SD of the slope", float(spread[1])))
        rows.append(("their correlation", float(fit.random[0, 1]) / product if product > 0 else np.nan))
    rows.append(("residual SD", float(np.sqrt(fit.residual))))
    return pd.DataFrame(rows, columns=["term", "estimate"])
