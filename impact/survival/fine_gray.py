"""Fine and Gray's model: what goes with a higher cumulative incidence of one cause, others competing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.design import Design
from impact.errors import ConvergenceError, Fault, InputError
from impact.frames import Columns, FloatArray, check_choice, check_level
from impact.results import Test, number, with_notes
from impact.survival.likelihoods.partial import Maximum, sample
from impact.survival.likelihoods.shares import censoring, shares
from impact.survival.likelihoods.subdistribution import maximise
from impact.survival.likelihoods.subdistribution_influence import Influence, by_cluster, influence, predicted_hazard
from impact.survival.reading.causes import check_causes, read_causes
from impact.survival.reading.clusters import check_clusters
from impact.survival.reading.covariates import UNUSABLE, CovariateColumns, Matrix
from impact.survival.reading.new_rows_of_fine_gray import new_rows, references
from impact.survival.reading.outcome import Outcome, OutcomeColumns
from impact.survival.riskset import risk_sets, scan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_EVENTS = 10
FEW_PEOPLE = 20


@dataclass(frozen=True, eq=False)
class FineGray:
    """A fitted Fine-Gray model.

    Attributes
    ----------
    names : tuple of str
        The coefficients, in the order of `tidy`.
    coefficients : (p,) float
        Log subdistribution hazard ratios.
    covariance : DataFrame
        Of the coefficients: the sandwich that counts the estimate of censoring in.
    log_likelihood, log_likelihood_null : float
        The log pseudo-likelihood at the coefficients and at 0; their difference has no chi-squared distribution.
    n, n_events, n_competing : int
        Rows used, events of the cause and of others, uncounted by weights.
    cause : int or str
    ties, level, method : str, float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: pd.DataFrame
    log_likelihood: float
    log_likelihood_null: float
    n: int
    n_events: int
    n_competing: int
    cause: int | str
    ties: str
    level: float
    method: str
    notes: tuple[str, ...]
    _influence: Influence
    _inverse: FloatArray
    _spread: FloatArray
    _matrix: Matrix
    _outcome: Outcome
    _copies: FloatArray | None
    _strata: tuple[str, ...]
    _references: Mapping[str, object] | None

    def tidy(self, exponentiate: bool = False) -> pd.DataFrame:
        """One row a coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        With `exponentiate` the estimate and its limits are subdistribution hazard ratios; `std_error` stays that of
        the log.
        """
        error = np.sqrt(np.diag(self.covariance.to_numpy()))
        statistic = self.coefficients / error
        reach = scipy.stats.norm.ppf(0.5 + self.level / 2) * error
        shown = np.exp if exponentiate else np.asarray
        return pd.DataFrame(
            {
                "term": list(self.names),
                "estimate": shown(self.coefficients),
                "std_error": error,
                "statistic": statistic,
                "p_value": 2 * scipy.stats.norm.sf(np.abs(statistic)),
                "conf_low": shown(self.coefficients - reach),
                "conf_high": shown(self.coefficients + reach),
            }
        )

    def test(self, term: str | None = None) -> Test:
        """Wald's test that the coefficients of one covariate, or of all, are 0.

        Parameters
        ----------
        term : str, optional
            A covariate (a categorical one has several coefficients); all of them where it is left out.
        """
        if term is not None and term not in self._matrix.terms:
            raise InputError(f"term must be one of {', '.join(self._matrix.terms)}, not {term!r}.")
        places = list(range(len(self.names)) if term is None else self._matrix.terms[term])
        beta, spread = self.coefficients[places], self.covariance.to_numpy()[np.ix_(places, places)]
        unit = np.sqrt(np.diag(spread))
        statistic = float(beta / unit @ np.linalg.solve(spread / np.outer(unit, unit), beta / unit))
        of = "every covariate" if term is None else term
        null = f"the subdistribution hazard does not change with {of}"
        p_value = float(scipy.stats.chi2.sf(statistic, len(places)))
        return Test("Wald's test", null, statistic, p_value, float(len(places)), self.notes)

    def baseline(self) -> pd.DataFrame:
        """The cumulative incidence at covariates of 0, one row an event time.

        Columns stratum, time, cumulative_hazard (of the subdistribution), incidence.
        """
        point, sets = self._influence.point, self._influence.data.sets
        at_zero = float(-(self.coefficients @ self._matrix.centre)) - point.shift
        hazard = scan(point.hazard, sets.bounds) * np.exp(at_zero)
        labels = np.array(self._outcome.labels or ("all",), dtype=object)
        return pd.DataFrame(
            {
                "stratum": labels[sets.stratum],
                "time": sets.times,
                "cumulative_hazard": hazard,
                "incidence": -np.expm1(-hazard),
            }
        )

    def predict(self, data: pd.DataFrame, times: float | Sequence[float]) -> pd.DataFrame:
        """The cumulative incidence of the cause at given times for the people of `data`.

        Columns row (their index in `data`), time, estimate, std_error, conf_low, conf_high.

        The interval is symmetric on the scale of log(−log(1 − F)); its error is that of the coefficients and of the
        baseline together, censoring counted in. After the last duration of their stratum the estimate is NaN.

        Parameters
        ----------
        data : DataFrame
            One row a person, with the covariates (and strata) of the model.
        times : float or list of float
        """
        if self._references is None:
            raise InputError("predict needs a model whose covariates were a list of columns, not a formula.")
        wanted = np.atleast_1d(np.asarray(times, dtype=float))
        if np.isnan(wanted).any():
            raise InputError("times must be numbers without missing values.")
        x, stratum = new_rows(data, self._matrix, self._references, self._strata, self._outcome.labels)
        outcome = self._outcome
        exits = outcome.ranks.grid[outcome.ranks.exit]
        group = np.zeros(self.n, dtype=np.int64) if outcome.group is None else outcome.group
        last = np.zeros(int(group.max()) + 1)
        np.maximum.at(last, group, exits)
        hazard, error = predicted_hazard(
            self._influence,
            (self._inverse, self._spread),
            (x, stratum),
            wanted,
            last,
            lambda values: by_cluster(values, outcome.cluster, self._copies),
        )
        reach = scipy.stats.norm.ppf(0.5 + self.level / 2) * error
        seen = np.where(hazard > 0, hazard, np.nan)
        with np.errstate(over="ignore"):
            limits = [-np.expm1(-seen * np.exp(sign * reach)).ravel() for sign in (-1, 1)]
        return pd.DataFrame(
            {
                "row": np.repeat(data.index.to_numpy(), len(wanted)),
                "time": np.tile(wanted, x.shape[1]),
                "estimate": -np.expm1(-hazard).ravel(),
                "std_error": (np.exp(-hazard) * hazard * error).ravel(),
                "conf_low": limits[0],
                "conf_high": limits[1],
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """A forest of subdistribution hazard ratios with their intervals."""
        table = self.tidy(exponentiate=True)
        columns = (table[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high"))
        from impact.survival.figures import curves as figures

        return figures.forest(
            table["term"].tolist(), *columns, xlabel=f"Subdistribution hazard ratio ({self.level:.0%} interval)", ax=ax
        )

    def __repr__(self) -> str:
        of = self.cause if isinstance(self.cause, str) else f"cause {self.cause}"
        lines = [
            f"Fine-Gray model of {of}; {self.method}; n = {self.n:,}, events = {self.n_events:,},"
            f" competing = {self.n_competing:,}"
        ]
        for row in self.tidy(exponentiate=True).to_dict("records"):
            lines.append(
                f"{row['term']}: subdistribution hazard ratio {number(row['estimate'])} ({self.level:.0%} interval"
                f" {number(row['conf_low'])} to {number(row['conf_high'])}; p = {number(row['p_value'], 2)})"
            )
        lines.append(
            f"Log pseudo-likelihood {number(self.log_likelihood, 6)}"
            f" (without covariates {number(self.log_likelihood_null, 6)})"
        )
        return with_notes("\n".join(lines), self.notes)


def fine_gray(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    covariates: str | Sequence[str],
    *,
    cause: int | str = 1,
    causes: Sequence[str] | None = None,
    strata: str | Sequence[str] | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    ties: str = "efron",
    level: float = 0.95,
) -> FineGray:
    """Fit Fine and Gray's proportional subdistribution hazards model of one cause.

    Its coefficients say what goes with a higher or lower share of people to whom the cause will have happened, whatever
    the way: by more of it, or by fewer competing events. For the rate among those still at risk of everything, fit
    `cox` with other causes as censoring.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person. A Design brings its own weights and matched sets.
    duration, event : str
        Columns: time from the start to the first event or to the end of follow-up, 0 or more; 0 for no event and 1, 2,
        … for the cause.
    covariates : list of str, or str
        Columns, or the right-hand side of a formula, as for `cox`.
    cause : int or str
        The cause that is modelled: its code, or its name in `causes`.
    causes : sequence of str, optional
        What 1, 2, … stand for. Left out, the causes are the codes, none of which may be skipped.
    strata : str or list of str, optional
        Columns whose every combination has a baseline, and an estimate of censoring, of its own.
    entry : str, optional
        Refused: how late entry changes the weights is not supported.
    weights : str, optional
        Column of case weights, 0 or more; censoring is estimated with them.
    cluster : str, optional
        Column whose equal values are not independent.
    ties : str
        ``"efron"`` or ``"breslow"``.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    FineGray
        ``tidy(exponentiate=False)``, ``test(term=None)``, ``baseline()``, ``predict(data, times)``, ``plot()``,
        ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where columns do not vary, or are combinations of others.
    ConvergenceError
        Where no finite estimate exists, or none was reached.

    Notes
    -----
    Fine and Gray (1999): weights by the inverse probability of censoring, and a sandwich variance that counts its
    estimate in (their section 4), summed by cluster (Zhou and others 2012); by stratum as Zhou and others (2011),
    "regularly stratified". A weight of k is k copies where all weights are whole and ties are Breslow's.
    Censoring must not depend on the covariates, other than on `strata`.

    With Breslow's ties the numbers are those of R's ``cmprsk::crr``, except where someone is censored at the very time
    of another's event: here, as everywhere, the event comes first; there the censoring does. R's ``finegray`` leaves
    the estimate of censoring unweighted.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [1, 2, 3, 4, 4, 6, 7, 9], "what": [1, 2, 1, 0, 1, 1, 2, 0]})
    >>> people["age"] = [19, 34, 21, 40, 36, 25, 30, 23]
    >>> fit = fine_gray(people, "days", "what", ["age"], causes=("reoffence", "death"))
    >>> fit.tidy().round(4)[["term", "estimate", "std_error"]]
      term  estimate  std_error
    0  age   -0.1341     0.1112
    """
    check_level(level)
    check_choice("ties", ties, ("efron", "breslow"))
    check_causes(causes)
    if entry is not None:
        raise InputError(
            "fine_gray takes no entry: with delayed entry model the cause by cox, with entry and the other causes as 0."
        )
    columns = Columns(data)
    within = () if strata is None else (strata,) if isinstance(strata, str) else tuple(strata)
    reader = OutcomeColumns(
        columns,
        duration,
        event,
        entry=None,
        weights=weights,
        cluster=cluster,
        groups=within,
        highest=None if causes is None else len(causes),
    )
    covariate_reader = CovariateColumns(columns, covariates)
    outcome = reader.take(columns.rows())
    found = read_causes(outcome.event, causes, event)
    code = found.code(cause, event)
    notes = [*outcome.notes, *check_clusters(outcome)]
    matrix = covariate_reader.take(outcome.keep)
    of_cause = found.event == code
    sets = risk_sets(outcome.ranks, of_cause, outcome.group)
    prepared = sample(sets, matrix.x, of_cause.astype(float), outcome.weights, ties)
    until = censoring(outcome.ranks, found.event, outcome.weights, outcome.group)
    others = np.flatnonzero((found.event > 0) & ~of_cause)
    kept = shares(sets, until, prepared.events, others, outcome.group)
    reached = maximise(prepared, kept)
    _check(reached, matrix)

    each = influence(prepared, kept, until, reached.point, outcome.group)
    copied = columns.design is None and outcome.cluster is None and outcome.whole_weights
    copies = outcome.weights if copied else None
    inverse = np.asarray(np.linalg.inv(reached.information), dtype=np.float64)
    residuals = by_cluster(each.on_score(), outcome.cluster, copies)
    spread = inverse @ (residuals @ residuals.T) @ inverse
    n_events = int(of_cause.sum())
    if outcome.group is not None:
        small = int((np.bincount(outcome.group) < FEW_PEOPLE).sum())
        if small:
            notes.append(
                f"{small:,} strata of fewer than {FEW_PEOPLE} people, each with its own estimate of censoring."
            )
    if not len(others):
        notes.append("No competing events: the model is Cox's, with its robust variance.")
    if n_events < FEW_EVENTS * len(matrix.names):
        notes.append(
            f"{n_events:,} events for {len(matrix.names)} coefficients (fewer than {FEW_EVENTS} each):"
            " estimates lean away from 0 and intervals are too short."
        )
    names = list(matrix.names)
    return FineGray(
        matrix.names,
        reached.point.beta / matrix.scale,
        pd.DataFrame(spread / np.outer(matrix.scale, matrix.scale), index=names, columns=names),
        reached.point.log_likelihood,
        reached.start.log_likelihood,
        len(found.event),
        n_events,
        len(others),
        cause,
        ties,
        level,
        _method(ties, outcome, within),
        tuple(notes),
        each,
        inverse,
        spread,
        matrix,
        outcome,
        copies,
        within,
        None if isinstance(covariates, str) else references(columns.frame, outcome.keep, matrix),
    )


def _method(ties: str, outcome: Outcome, strata: Sequence[str]) -> str:
    parts = [f"{ties.capitalize()} ties"]
    if strata:
        parts.append(f"{len(outcome.labels):,} strata of {', '.join(strata)}")
    clusters = "" if outcome.cluster is None else f", {int(outcome.cluster.max()) + 1:,} clusters"
    return "; ".join([*parts, f"robust variance{clusters}"])


def _check(found: Maximum, matrix: Matrix) -> None:
    names = [matrix.names[column] for column in found.columns]
    told = {
        "flat": ("does not vary among the people at risk together at any event", "leave it out, or the strata."),
        "aliased": ("is a linear combination of the covariates before it, at every event", "leave it out."),
        "endless": (
            "has no finite coefficient: it separates those with the event from those at risk with them",
            "leave it out, merge its rare categories, or compare the groups by cumulative_incidence.",
        ),
    }
    if found.outcome == "lost":
        every = ", ".join(matrix.names)
        raise ConvergenceError(f"No maximum of the likelihood was reached in {found.steps} steps; covariates: {every}.")
    if found.outcome != "reached":
        problem, remedy = told[found.outcome]
        faults = [Fault(problem, column=name, remedy=remedy) for name in names]
        if found.outcome == "endless":
            raise ConvergenceError("The likelihood rises without end:", faults)
        raise InputError(UNUSABLE, faults)
