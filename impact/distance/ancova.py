"""`ancova`: the readings after of two groups, compared at the same reading before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.distance.least_squares import Fit, least_squares
from impact.distance.regression import student
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, check_level
from impact.results import number, tidy_rows, with_notes

LORD = (
    "The difference in change and ancova answer different questions where the groups began apart: without"
    " randomisation ancova takes groups of equal first reading as alike, the difference in change that both would have"
    " moved alike (Lord 1967). Where they disagree, say both."
)


@dataclass(frozen=True, eq=False)
class Ancova:
    """Two groups compared after, in change, and after given before.

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    coefficients : DataFrame
        Every coefficient of the analysis of covariance, as tidy rows.
    residual_sd : float
        Standard deviation about the analysis of covariance.
    level : float
    notes : tuple of str
    """

    table: pd.DataFrame
    coefficients: pd.DataFrame
    residual_sd: float
    level: float
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Three rows: ``after`` (difference after), ``change`` (difference in change) and ``ancova``.

        ``estimate`` is treated less comparison, with its t test on ``df`` and interval. ``n_treated, n_comparison``
        people have both readings and every covariate.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        lines = ["Treated less comparison"]
        lines += [
            f"{row['term']}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to"
            f" {number(row['conf_high'])}; p = {number(row['p_value'], 2)}; n = {row['n_treated']:,} and"
            f" {row['n_comparison']:,})"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


def ancova(
    data: pd.DataFrame | Design,
    *,
    before: str,
    after: str,
    treated: str | None = None,
    covariates: str | Sequence[str] = (),
    weights: str | None = None,
    cluster: str | None = None,
    level: float = 0.95,
) -> Ancova:
    """Compare readings after of two groups at the same reading before.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person. A Design brings its treatment, weights and sets.
    before, after : str
        Columns of the two readings; people without both are left out and counted.
    treated : str, optional
        Column of 1 for treated and 0 for comparison people; not with a Design.
    covariates : str or sequence of str
        Further columns to adjust for; those that are not numbers become one term for each value but the first.
    weights, cluster : str, optional
        Columns. With either (or a Design) standard errors are clustered; without, classical.
    level : float
        Confidence level.

    Raises
    ------
    InputError
        With every fault of the columns; where a group has nobody with both readings.
    ConvergenceError
        Where there are as many terms as people, or terms that are not independent.

    Examples
    --------
    >>> people = pd.DataFrame({"x": [1.0, 2, 3, 1, 2, 3], "y": [2.0, 3, 4.3, 1, 2.2, 3], "t": [1, 1, 1, 0, 0, 0]})
    >>> ancova(people, before="x", after="y", treated="t").tidy()[["term", "estimate"]].round(3).values.tolist()
    [['after', 1.033], ['change', 1.033], ['ancova', 1.033]]
    """
    check_level(level)
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    columns = Columns(data)
    group = _treatment(columns, treated)
    x, y = columns.number(before), columns.number(after)
    terms = [term for name in names for term in covariate_terms(columns, name)]
    weight = columns.weights(weights)
    clusters = columns.cluster(cluster)
    for name in names:
        if name in (before, after, group[0]):
            columns.refuse("is among the covariates already", column=name, remedy="leave it out of covariates.")
    keep = columns.rows()
    if weight is not None:
        keep &= weight > 0
    t = group[1][keep]
    if not (t == 1).any() or not (t == 0).any():
        raise InputError("A comparison needs people with both readings in each group, and one group has none.")
    w, c = None if weight is None else weight[keep], None if clusters is None else clusters[keep]
    ones = np.ones(int(keep.sum()))
    matrix = np.column_stack([ones, t, x[keep], *(values[keep] for _, values in terms)])
    simple = matrix[:, :2]
    fits = {
        "after": least_squares(simple, y[keep], w, c),
        "change": least_squares(simple, (y - x)[keep], w, c),
        "ancova": least_squares(matrix, y[keep], w, c),
    }
    counts = {"n": len(t), "n_treated": int((t == 1).sum()), "n_comparison": int((t == 0).sum())}
    means = {
        f"mean_{word}_{name}": float(np.average(values[keep][t == code], weights=None if w is None else w[t == code]))
        for word, values in (("before", x), ("after", y))
        for name, code in (("treated", 1), ("comparison", 0))
    }
    table = tidy_rows([_row(term, fit, 1, level) | counts | means for term, fit in fits.items()])
    labels = ["(intercept)", group[0], before, *(label for label, _ in terms)]
    coefficients = tidy_rows([_row(label, fits["ancova"], i, level) for i, label in enumerate(labels)])
    notes = [*columns.notes]
    robust = weight is not None or clusters is not None
    notes.append("Standard errors are clustered." if robust else "Standard errors are those of least squares.")
    if names:
        notes.append(f"Adjusted for {before} and {', '.join(names)}.")
    notes += [LORD, "Only people with both readings are compared; missing_bounds says what the others could change."]
    return Ancova(table, coefficients, fits["ancova"].residual_sd, level, tuple(notes))


def _treatment(columns: Columns, treated: str | None) -> tuple[str, FloatArray]:
    design = columns.design
    if (design is None) == (treated is None):
        raise InputError("treated must name a column of 0 and 1, or data be a Design, which names its own.")
    name = design.treatment if design is not None else str(treated)
    return name, columns.indicator(name)


def covariate_terms(columns: Columns, name: str) -> list[tuple[str, FloatArray]]:
    """A number as it is; else a column of 0 and 1 for each value but the first, NaN where missing."""
    column = columns.frame[name] if name in columns.frame.columns else None
    if not isinstance(column, pd.Series) or pd.api.types.is_numeric_dtype(column):
        return [(name, columns.number(name))]
    groups = columns.groups(name)
    missing: BoolArray = groups.codes < 0
    return [
        (f"{name}[{label}]", np.where(missing, np.nan, (groups.codes == code).astype(float)))
        for code, label in enumerate(groups.labels)
        if code
    ]


def _row(term: str, fit: Fit, place: int, level: float) -> dict[str, object]:
    found = student(float(fit.coefficients[place]), float(np.sqrt(fit.covariance[place, place])), fit.df, level)
    names = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "df")
    return {"term": term} | {name: getattr(found, name) for name in names}
