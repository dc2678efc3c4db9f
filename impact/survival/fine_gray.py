"""Fine and Gray's model: what goes with a higher cumulative incidence of one cause, others competing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import Columns, check_choice, check_level
from impact.survival.likelihoods.newton import maximise
from impact.survival.likelihoods.partial import sample
from impact.survival.likelihoods.shares import censoring, shares
from impact.survival.likelihoods.subdistribution import by_cluster, influence
from impact.survival.models.coefficients import check_maximum
from impact.survival.models.fine_gray_model import FineGray
from impact.survival.numbers.algebra import products
from impact.survival.reading.causes import check_causes, highest_code, read_causes
from impact.survival.reading.cautions import about_variance, few_events, robust_words
from impact.survival.reading.covariates import CovariateColumns
from impact.survival.reading.groups import column_names
from impact.survival.reading.new_rows import Reading
from impact.survival.reading.outcome import OutcomeColumns
from impact.survival.riskset import risk_sets

FEW_PEOPLE = 20
INSTEAD = "leave it out, merge its rare categories, or compare the groups by cumulative_incidence."


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
    the way: by more of it, or by fewer competing events. For the rate among those still at risk of everything, give
    `cox` the same `cause`.

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
        raise InputError("fine_gray takes no entry: with delayed entry give cox the same cause, and the entry.")
    columns = Columns(data)
    within = column_names(strata)
    reader = OutcomeColumns(
        columns,
        duration,
        event,
        entry=None,
        weights=weights,
        cluster=cluster,
        groups=within,
        highest=highest_code(causes),
    )
    covariate_reader = CovariateColumns(columns, covariates)
    outcome = reader.take(columns.rows())
    found = read_causes(outcome.event, causes, event)
    code = found.code(cause, event)
    notes = [*outcome.notes, *about_variance(outcome, robust=True)]
    outcome = outcome.by_time(outcome.event == code)
    of_cause = outcome.event == code
    matrix = covariate_reader.take(outcome.rows)
    del reader, covariate_reader, found
    sets = risk_sets(outcome.ranks, of_cause, outcome.group)
    until = censoring(outcome.ranks, outcome.event, outcome.weights, outcome.group)
    others = np.flatnonzero((outcome.event > 0) & ~of_cause)
    kept = shares(sets, until, np.flatnonzero(of_cause), others, outcome.group)
    prepared = sample(sets, matrix.x, of_cause.astype(float), outcome.weights, ties, kept=kept)
    reached = maximise(prepared)
    check_maximum(reached, matrix, instead=INSTEAD)

    each = influence(prepared, until, reached.point, outcome.group)
    copies = None if outcome.needs_robust else outcome.weights
    inverse = np.asarray(np.linalg.inv(reached.information), dtype=np.float64)
    residuals = by_cluster(each.on_score(), outcome.cluster, copies)
    spread = inverse @ products(residuals, residuals) @ inverse
    n_events = int(of_cause.sum())
    if outcome.group is not None:
        small = int((np.bincount(outcome.group) < FEW_PEOPLE).sum())
        if small:
            notes.append(
                f"{small:,} strata of fewer than {FEW_PEOPLE} people, each with its own estimate of censoring."
            )
    if not len(others):
        notes.append("No competing events: the model is Cox's, with its robust variance.")
    notes.extend(few_events(n_events, len(matrix.names)))
    names = list(matrix.names)
    parts = (f"{ties.capitalize()} ties", outcome.strata_words(within), robust_words(outcome))
    return FineGray(
        matrix.names,
        reached.point.beta / matrix.scale,
        pd.DataFrame(spread / np.outer(matrix.scale, matrix.scale), index=names, columns=names),
        reached.point.log_likelihood,
        reached.start.log_likelihood,
        len(outcome.event),
        n_events,
        len(others),
        cause,
        ties,
        level,
        "; ".join(part for part in parts if part),
        tuple(notes),
        each,
        inverse,
        spread,
        matrix,
        outcome,
        copies,
        Reading(duration, None, None, within, outcome.labels),
    )
