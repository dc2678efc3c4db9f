"""Effects in subgroups, only where the numbers and the balance inside them bear it, with a test of their difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.comparison.balance import THRESHOLDS, balance
from impact.comparison.compared import Compared, read_compared, whole_sets
from impact.comparison.contrasts import MEASURES, RATES, RATIOS, contrast, infer, slopes, values
from impact.comparison.covariates import forbid_outcome
from impact.comparison.sandwich import clustered, group_ratios
from impact.design import Design
from impact.errors import ConvergenceError, InputError
from impact.figures import interval_rows
from impact.frames import Columns, check_choice, check_level
from impact.results import CORRECTIONS, Test, adjusted_p_values, number, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST = 30
NUMBERS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, eq=False)
class Subgroups:
    """Effects by subgroup.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    interaction : Test or None
        Whether the effects shown differ from one another; None where fewer than two are shown.
    by, outcome, measure, correction, method : str
    level : float
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    interaction: Test | None
    by: str
    outcome: str
    measure: str
    correction: str
    method: str
    level: float
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each subgroup.

        The columns of an effect, then ``p_adjusted`` (over the subgroups shown), ``mean_treated, mean_comparison,
        n_treated, n_comparison, largest_smd, refused``: why there is no estimate, empty where there is one.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """A forest of the subgroups; those refused keep their row."""
        words = self.measure.replace("_", " ").capitalize()
        return interval_rows(
            [str(term) for term in self.table["term"]],
            *(self.table[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high")),
            ratio=self.measure in RATIOS,
            xlabel=f"{words} in {self.outcome} ({self.level:.0%} interval)",
            ax=ax,
        )

    def __repr__(self) -> str:
        lines = [f"{self.measure.replace('_', ' ')} in {self.outcome} by {self.by}; {self.method}"]
        for row in self.table.to_dict("records"):
            if row["refused"]:
                lines.append(f"{row['term']}: not estimated, {row['refused']}")
            else:
                lines.append(
                    f"{row['term']}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to "
                    f"{number(row['conf_high'])}; p = {number(row['p_value'], 2)}, {self.correction} "
                    f"{number(row['p_adjusted'], 2)}; n = {row['n']:,})"
                )
        if self.interaction is not None:
            lines.append(f"Do they differ? {self.interaction.name}: p = {number(self.interaction.p_value, 2)}")
        return with_notes("\n".join(lines), self.notes)


def subgroups(
    design: Design,
    outcome: str,
    by: str,
    *,
    measure: str,
    time: str | None = None,
    fewest: int = FEWEST,
    threshold: float = THRESHOLDS[1],
    correction: str = "holm",
    level: float = 0.95,
) -> Subgroups:
    """Effects inside the groups of a column, where numbers and balance there bear one.

    Parameters
    ----------
    design : Design
        Made once for everyone; subgroups are parts of it.
    outcome, by : str
        The outcome, and a column of groups that was known before treatment.
    measure, time : str
        As in `compare`.
    fewest : int
        The fewest treated, and the fewest comparison people, with the outcome.
    threshold : float
        The largest absolute standardised difference of any covariate of the design inside the subgroup.
    correction : {"holm", "benjamini-hochberg"}
        How p-values are adjusted over the subgroups shown.
    level : float
        Confidence level of each interval, not adjusted.

    Returns
    -------
    Subgroups

    Raises
    ------
    InputError
        For columns or arguments that cannot be used.

    Notes
    -----
    Errors are those of ``compare(..., se="cluster")`` inside each subgroup. A matched set counts in the subgroup of its
    people: those of it who are in another leave it, and sets left with one side are dropped. So where people were not
    matched exactly on `by`, subgroups together are fewer people than the design. That one subgroup's p is small and
    another's is not is no sign that their effects differ; the interaction test is (Wald, F on clusters less one).

    References
    ----------
    Altman and Bland (2003), BMJ 326, 219; Holm (1979), Scandinavian Journal of Statistics 6, 65-70; Benjamini and
    Hochberg (1995), JRSS B 57, 289-300.

    Examples
    --------
    >>> from impact.comparison.whole import whole_sample
    >>> people = pd.DataFrame({"joined": [1, 0] * 80, "area": ["north", "north", "south", "south"] * 40})
    >>> people["again"] = [0, 1, 0, 0, 1, 1, 0, 1, 0, 1] * 16
    >>> found = subgroups(whole_sample(people, "joined"), "again", "area", measure="risk_difference")
    >>> found.tidy()[["term", "estimate"]].round(2).values.tolist()
    [['north', -0.6], ['south', -0.6]]
    """
    _check(design, outcome, by, measure, time, fewest, threshold, correction, level)
    columns = Columns(design)
    groups = columns.groups(by)
    columns.rows()
    people, notes = read_compared(design, outcome, measure, time=time)
    codes = groups.codes[people.rows]
    unknown = int((codes < 0).sum())
    if unknown:
        notes = (*notes, f"{unknown:,} people whose {by} is missing are in no subgroup.")
    rows: list[dict[str, object]] = []
    shown: list[Compared] = []
    for code, label in enumerate(groups.labels):
        part = people.only(codes == code)
        row, part_used = _row(design, part, groups.codes == code, measure, fewest, threshold, level)
        rows.append({"term": str(label), **row})
        if part_used is not None:
            shown.append(part_used)
    table = tidy_rows(rows)
    table["p_adjusted"] = adjusted_p_values(table["p_value"], correction)
    return Subgroups(
        table=table,
        interaction=_interaction(shown, people, measure) if len(shown) > 1 else None,
        by=by,
        outcome=outcome,
        measure=measure,
        correction=correction,
        method=f"{design.method}; estimand: {design.estimand}, inside each subgroup",
        level=level,
        notes=notes,
    )


def _row(
    design: Design, part: Compared, members: np.ndarray, measure: str, fewest: int, threshold: float, level: float
) -> tuple[dict[str, object], Compared | None]:
    """One subgroup's numbers and its people, or why there are none."""
    if design.sets is not None and len(part.rows):
        try:
            part, _ = whole_sets(part)
        except InputError:
            part = part.only(np.zeros(len(part.rows), dtype=bool))
    counts = int(part.treated.sum()), int((~part.treated).sum())
    row: dict[str, object] = dict.fromkeys((*NUMBERS, "mean_treated", "mean_comparison"), np.nan)
    row |= {"n": sum(counts), "n_treated": counts[0], "n_comparison": counts[1], "largest_smd": np.nan}
    if min(counts) < fewest:
        refused = f"{counts[0]} treated and {counts[1]} comparison people, and {fewest} of each are needed"
        return {**row, "refused": refused}, None
    part = replace(part, clusters=np.unique(part.clusters, return_inverse=True)[1].astype(np.int64))
    if design.covariates:
        term, apart = _worst(design, part, members)
        row["largest_smd"] = apart
        if abs(apart) > threshold + 1e-12:
            refused = f"the groups are unlike in {term} there (standardised difference {number(apart, 2)})"
            return {**row, "refused": refused}, None
    fit = group_ratios(part.outcome, part.exposure, part.treated, part.weights, part.clusters)
    try:
        found = infer(*contrast(fit.estimates, fit.covariance, measure), fit.df, measure, level)
    except ConvergenceError:
        return {**row, "refused": "a group has no events, so the ratio is not finite"}, None
    row |= {name: getattr(found, name) for name in NUMBERS}
    row |= {"mean_treated": float(fit.estimates[0]), "mean_comparison": float(fit.estimates[1])}
    return {**row, "refused": ""}, part


def _worst(design: Design, part: Compared, members: np.ndarray) -> tuple[str, float]:
    """The covariate in which those compared differ most, standardised inside the subgroup."""
    weights = np.zeros(len(members))
    weights[part.rows] = part.weights
    inside = Design(
        data=design.data[members],
        treatment=design.treatment,
        weights=pd.Series(weights[members], index=design.data.index[members]),
        sets=None,
        estimand=design.estimand,
        covariates=design.covariates,
        method=design.method,
        flow=design.flow,
    )
    table = balance(inside).tidy()
    last = table[table["sample"] == table["sample"].iloc[-1]]
    size = last["smd"].abs().fillna(-1.0).to_numpy()
    place = int(np.argmax(size))
    return str(last["term"].iloc[place]), float(last["smd"].fillna(0.0).iloc[place])


def _interaction(parts: list[Compared], people: Compared, measure: str) -> Test:
    """Wald's test that the effects are all the same, their errors joint over the clusters they share."""
    rows = np.concatenate([part.rows for part in parts])
    own_cluster = people.clusters[np.searchsorted(people.rows, rows)]
    clusters = np.unique(own_cluster, return_inverse=True)[1].astype(np.int64)
    scores, found, start = np.zeros((len(rows), len(parts))), np.empty(len(parts)), 0
    for place, part in enumerate(parts):
        stop = start + len(part.rows)
        means = np.empty(2)
        influence = np.zeros((len(part.rows), 2))
        for column, side in enumerate((part.treated, ~part.treated)):
            total = part.weights[side] @ part.exposure[side]
            means[column] = part.weights[side] @ part.outcome[side] / total
            own = part.weights[side] * (part.outcome[side] - means[column] * part.exposure[side])
            influence[side, column] = own / total
        scores[start:stop, place] = influence @ slopes(means, measure)
        found[place] = float(values(means[:1], means[1:], measure)[0])
        start = stop
    covariance, df = clustered(scores, clusters, 2 * len(parts))
    apart = np.column_stack([-np.ones(len(parts) - 1), np.eye(len(parts) - 1)])
    spread, off = apart @ covariance @ apart.T, apart @ found
    statistic = p_value = float("nan")
    if np.linalg.matrix_rank(spread) == len(off):
        statistic = float(off @ np.linalg.solve(spread, off)) / len(off)
        p_value = float(scipy.stats.f.sf(statistic, len(off), df))
    null = "The effect is the same in every subgroup shown."
    return Test("Wald test of interaction", null, statistic, p_value, float(len(off)))


def _check(
    design: Design,
    outcome: str,
    by: str,
    measure: str,
    time: str | None,
    fewest: int,
    threshold: float,
    correction: str,
    level: float,
) -> None:
    if not isinstance(design, Design):
        raise InputError(f"subgroups() needs a Design, not {type(design).__name__}.")
    check_choice("measure", measure, MEASURES)
    check_choice("correction", correction, CORRECTIONS)
    check_level(level)
    if (measure in RATES) != (time is not None):
        raise InputError("time, the column of time at risk, is needed for rates and only there.")
    if isinstance(fewest, bool) or not isinstance(fewest, int) or fewest < 2:
        raise InputError(f"fewest must be a whole number from 2, not {fewest!r}.")
    if not threshold > 0:
        raise InputError(f"threshold must be a number above 0, not {threshold!r}.")
    if by in (outcome, design.treatment):
        raise InputError(f"by={by!r} is the outcome or the treatment; name a column known before treatment.")
    forbid_outcome(outcome, treatment=design.treatment, used=design.covariates)
