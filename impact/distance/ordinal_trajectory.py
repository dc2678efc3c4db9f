"""`ordinal_trajectory`: the course over time of a score with few steps, by a cumulative logit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.distance.courses import AT_RANDOM, NO_COMPARISON, grid, read_course
from impact.distance.cumulative import CumulativeFit, averaged, cumulative
from impact.distance.model_terms import Terms
from impact.errors import InputError
from impact.frames import FloatArray, IntArray, check_choice, check_level
from impact.results import number, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INTERCEPT, NONE = RANDOM = ("intercept", "none")
CURVE, SCORES = KINDS = ("curve", "scores")
MOST_SCORES = 30
FEW = 40
PROPORTIONAL = (
    "An odds ratio is that of scoring above any one score rather than at or below it, taken to be the same for every"
    " score."
)


@dataclass(frozen=True, eq=False)
class OrdinalTrajectory:
    """A cumulative logit of scores over time.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    variance : DataFrame
        ``term, estimate, std_error``: the standard deviation of people's own intercepts, in log odds; empty where they
        have none.
    scores : (k,) float
        The scores seen, in their order.
    fit : CumulativeFit
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
    scores: FloatArray
    fit: CumulativeFit
    terms: Terms
    readings: pd.DataFrame
    time: str
    score: str
    level: float
    notes: tuple[str, ...]

    def tidy(self, exponentiate: bool = False) -> pd.DataFrame:
        """One row for each term of the formula, then one for each threshold between two scores.

        ``part`` is ``"coefficient"`` or ``"threshold"``. A coefficient is the log odds of a higher score, with Wald's z
        test and normal interval; a threshold is the log odds of the lower score or less where every term is 0, which
        nothing is to be tested of. With `exponentiate` coefficients and their limits are odds ratios; ``std_error``
        stays that of the logarithm, and thresholds stay as they are. ``n`` is the number of people, ``n_readings``
        that of readings.
        """
        table = self.table.copy()
        if exponentiate:
            rows = table["part"] == "coefficient"
            shown = ["estimate", "conf_low", "conf_high"]
            table.loc[rows, shown] = np.exp(table.loc[rows, shown].to_numpy(dtype=float))
        return table

    @property
    def log_likelihood(self) -> float:
        """Maximised."""
        return self.fit.log_likelihood

    def predict(self, new: pd.DataFrame, *, level: float | None = None) -> pd.DataFrame:
        """The mean score of people like those given, averaged over how people differ, with its interval.

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
            people, not of one of them; it is symmetric in the log odds of the mean's place between the ends of the
            scores seen, so it never leaves them.
        """
        below, slope = averaged(self.fit, self.terms.of(new)[:, 1:])
        steps = np.diff(self.scores)
        span = float(self.scores[-1] - self.scores[0])
        place = 1 - below @ steps / span
        error = self._errors(-np.einsum("k,mkp->mp", steps, slope)) / span
        low, high = _within(place, error, self._reach(level))
        columns = {"estimate": place, "conf_low": low, "conf_high": high}
        found = {name: self.scores[0] + span * values for name, values in columns.items()} | {"std_error": span * error}
        return pd.DataFrame(found, index=new.index)[["estimate", "std_error", "conf_low", "conf_high"]]

    def probabilities(self, new: pd.DataFrame, *, level: float | None = None) -> pd.DataFrame:
        """The share at each score among people like those given, averaged over how people differ.

        Parameters
        ----------
        new, level
            As for `predict`.

        Returns
        -------
        DataFrame
            A row for each row of `new` and score: ``score, estimate, std_error, conf_low, conf_high`` on the index of
            `new` repeated. Intervals are symmetric in log odds.
        """
        below, slope = averaged(self.fit, self.terms.of(new)[:, 1:])
        chance = np.diff(below, axis=1, prepend=0.0, append=1.0)
        error = self._errors(np.diff(slope, axis=1, prepend=0.0, append=0.0))
        low, high = _within(chance, error, self._reach(level))
        shown = {"estimate": chance, "std_error": error, "conf_low": low, "conf_high": high}
        columns = {"score": np.tile(self.scores, len(new))} | {name: values.ravel() for name, values in shown.items()}
        return pd.DataFrame(columns, index=new.index.repeat(len(self.scores)))

    def plot(
        self,
        ax: Axes | None = None,
        *,
        kind: str = CURVE,
        by: str | None = None,
        at: Mapping[str, object] | None = None,
    ) -> Axes:
        """The course over time; other columns at their mean or most common value.

        Parameters
        ----------
        ax : Axes, optional
        kind : {"curve", "scores"}
            The mean score with its band, or the share at each score, one upon the other.
        by : str, optional
            A column of the formula: a curve for each of its values (of numbers, where there are at most six).
        at : mapping, optional
            Values of other columns in place of the typical ones.
        """
        from impact.distance import figures

        check_choice("kind", kind, KINDS)
        if kind == SCORES and by is not None:
            raise InputError("Shares of scores are drawn for one course: fix the other column in at, not in by.")
        drawn = grid(self.terms, self.time, self.readings["time"], by, at or {})
        if kind == SCORES:
            frame = drawn[0][1]
            shares = self.probabilities(frame)["estimate"].to_numpy(dtype=float).reshape(len(frame), -1)
            labels = [number(score) for score in self.scores]
            return figures.shares(
                frame[self.time].to_numpy(dtype=float), shares, labels, xlabel=self.time, legend=self.score, ax=ax
            )
        curves = [(label, self.predict(frame), frame[self.time]) for label, frame in drawn]
        return figures.curves(curves, None, xlabel=self.time, ylabel=f"mean {self.score}", level=self.level, ax=ax)

    def _errors(self, slope: FloatArray) -> FloatArray:
        return np.sqrt(np.einsum("...i,ij,...j->...", slope, self.fit.covariance, slope))

    def _reach(self, level: float | None) -> float:
        used = self.level if level is None else level
        check_level(used)
        return float(scipy.stats.norm.ppf(0.5 + used / 2))

    def __repr__(self) -> str:
        row = self.table.iloc[0]
        lines = [
            f"{self.score} over {self.time}, as ordered scores: {row['n_readings']:,} readings of {row['n']:,} people"
        ]
        lines += [
            f"{one['term']}: odds ratio {number(one['estimate'])} ({self.level:.0%} interval {number(one['conf_low'])}"
            f" to {number(one['conf_high'])}; p = {number(one['p_value'], 2)})"
            for one in self.tidy(exponentiate=True).to_dict("records")
            if one["part"] == "coefficient"
        ]
        lines += [f"{one['term']}: {number(one['estimate'])} log odds" for one in self.variance.to_dict("records")]
        return with_notes("\n".join(lines), self.notes)


def ordinal_trajectory(
    data: pd.DataFrame,
    *,
    person: str,
    time: str,
    score: str,
    formula: str | None = None,
    random: str = INTERCEPT,
    level: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    version: str | None = None,
) -> OrdinalTrajectory:
    """The course over time of a score with few steps, or with many people at an end of it.

    Parameters
    ----------
    data : DataFrame
        Long: one row a reading.
    person, time, score : str
        Columns: who; time since the start, a number; the reading, of which only the order is used by the model.
    formula : str, optional
        The right-hand side, as for `trajectory`; a straight line in `time`, on the scale of log odds, unless given.
    random : {"intercept", "none"}
        Whether people differ in where they start. Without, odds ratios are those of the population as a whole, and
        standard errors allow for readings of one person being alike.
    level : float
        Confidence level.
    low, high : float, optional
        The ends of the scale: scores beyond are refused, scores nobody has are named.
    version : str, optional
        Column that says which version of the scale a reading was taken with. Two versions are never compared.

    Returns
    -------
    OrdinalTrajectory

    Raises
    ------
    InputError
        With every fault of the columns; two readings of a person at one time; a formula that fails; every score the
        same, more than thirty different ones, or too few readings.
    ConvergenceError
        Where a term parts low scores from high ones perfectly, where people's own intercepts have no upper limit, or
        where the likelihood has no maximum that could be reached.

    Notes
    -----
    A cumulative logit (McCullagh 1980), fitted by maximum likelihood with adaptive Gauss-Hermite quadrature of 15
    nodes over people's own intercepts; see `impact.distance.cumulative`. With intercepts of their own odds ratios are
    those of one person, and lie farther from 1 than those of the population; what `predict` and `probabilities` give
    is averaged over people either way. A score that nobody has cannot be told from the next. Weights are not offered.

    Examples
    --------
    >>> rows = [(who, month, min(5, 1 + (who * 7 + 3 * month) % 4 + (month > 3))) for who in range(40)
    ...         for month in (0, 3, 6)]
    >>> found = ordinal_trajectory(pd.DataFrame(rows, columns=["who", "months", "score"]), person="who",
    ...                            time="months", score="score")
    >>> found.tidy()[["term", "estimate"]].round(2).head(2).values.tolist()
    [['months', 0.24], ['1|2', -0.98]]
    >>> found.predict(pd.DataFrame({"months": [0, 6]}))["estimate"].round(2).tolist()
    [2.37, 3.31]
    """
    check_level(level)
    check_choice("random", random, RANDOM)
    read = read_course(
        "ordinal_trajectory",
        data,
        person=person,
        time=time,
        score=score,
        formula=formula,
        low=low,
        high=high,
        version=version,
    )
    values, codes = np.unique(read.scores, return_inverse=True)
    names = read.terms.names[1:]
    _refuse(score, values, read.counts, len(names), random)
    fit = cumulative(codes, read.terms.matrix[:, 1:], read.who, names, random=random == INTERCEPT)
    notes = [*read.notes, *_unseen(score, values, low, high)]
    if fit.singular:
        notes.append("People differ in where they start by less than can be told: their intercepts are on their edge.")
    if len(read.counts) < FEW:
        notes.append(f"With {len(read.counts)} people the normal intervals are a little too narrow.")
    if random == INTERCEPT:
        notes.append("Odds ratios are those of one person; predictions are averaged over people.")
    else:
        notes.append("Odds ratios are those of the population; errors allow for readings of one person being alike.")
    notes += [PROPORTIONAL, AT_RANDOM, NO_COMPARISON]
    return OrdinalTrajectory(
        _table(fit, names, values, level, {"n": len(read.counts), "n_readings": len(codes)}),
        _variance(fit),
        values,
        fit,
        read.terms,
        read.readings(),
        time,
        score,
        level,
        tuple(notes),
    )


def _refuse(score: str, values: FloatArray, counts: IntArray, terms: int, random: str) -> None:
    readings, people = int(counts.sum()), len(counts)
    if len(values) > MOST_SCORES:
        raise InputError(
            f"{score} has {len(values):,} different values, too many for thresholds between them: use trajectory."
        )
    if random == INTERCEPT and readings == people:
        raise InputError("Nobody has two readings, so how people differ cannot be told: use random='none'.")
    if people < 2 or readings <= terms + len(values):
        raise InputError(
            f"{readings:,} readings of {people:,} people cannot carry {terms} terms and {len(values) - 1} thresholds."
        )


def _unseen(score: str, values: FloatArray, low: float | None, high: float | None) -> list[str]:
    least, most = float(values[0]) if low is None else low, float(values[-1]) if high is None else high
    if not (values == np.floor(values)).all():
        return []
    missing = sorted(set(np.arange(np.ceil(least), most + 1).tolist()) - set(values.tolist()))
    if not missing:
        return []
    named = ", ".join(number(value) for value in missing)
    return [f"No {score} of {named} was seen: the model gives such scores no chance at all."]


def _table(
    fit: CumulativeFit, names: tuple[str, ...], values: FloatArray, level: float, numbers: dict[str, int]
) -> pd.DataFrame:
    cuts = len(fit.thresholds)
    between = [f"{number(low)}|{number(high)}" for low, high in pairwise(values.tolist())]
    estimate = np.r_[fit.coefficients, fit.thresholds]
    error = np.sqrt(np.diag(fit.covariance))
    error = np.r_[error[cuts : cuts + len(names)], error[:cuts]]
    reach = float(scipy.stats.norm.ppf(0.5 + level / 2))
    rows: list[dict[str, object]] = []
    for place, name in enumerate([*names, *between]):
        tested = place < len(names)
        statistic = float(estimate[place] / error[place]) if tested else float("nan")
        rows.append(
            {
                "term": name,
                "estimate": float(estimate[place]),
                "std_error": float(error[place]),
                "statistic": statistic,
                "p_value": float(2 * scipy.stats.norm.sf(abs(statistic))),
                "conf_low": float(estimate[place] - reach * error[place]),
                "conf_high": float(estimate[place] + reach * error[place]),
                "part": "coefficient" if tested else "threshold",
            }
            | numbers
        )
    return tidy_rows(rows)


def _variance(fit: CumulativeFit) -> pd.DataFrame:
    rows = []
    if fit.spread is not None:
        error = float("nan") if fit.singular else float(np.sqrt(fit.covariance[-1, -1]))
        rows.append(("SD of the intercept", fit.spread, error))
    return pd.DataFrame(rows, columns=["term", "estimate", "std_error"])


def _within(share: FloatArray, error: FloatArray, reach: float) -> tuple[FloatArray, FloatArray]:
    """Limits of a share between 0 and 1, symmetric in its log odds."""
    odds, width = scipy.special.logit(share), reach * error / (share * (1 - share))
    return scipy.special.expit(odds - width), scipy.special.expit(odds + width)
