"""Cox's proportional hazards model, with strata, delayed entry, weights, robust and clustered variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from impact.design import Design, effective_number
from impact.errors import InputError
from impact.frames import Columns, FloatArray, check_choice, check_level
from impact.survival.likelihoods import firth
from impact.survival.likelihoods.newton import Maximum, faulty_columns, maximise
from impact.survival.likelihoods.partial import Sample, evaluate, information, sample, score_residuals
from impact.survival.models.coefficients import check_maximum
from impact.survival.models.cox_model import Cox
from impact.survival.numbers.algebra import products
from impact.survival.reading.causes import check_causes, highest_code, read_causes
from impact.survival.reading.cautions import about_variance, few_events, robust_words
from impact.survival.reading.covariates import CovariateColumns, Matrix
from impact.survival.reading.faults import refuse, require_event
from impact.survival.reading.groups import column_names
from impact.survival.reading.new_rows import Reading
from impact.survival.reading.outcome import Outcome, OutcomeColumns
from impact.survival.riskset import risk_sets

WIDEST_OFFSET = 500.0
INSTEAD = "use penalty='firth', leave it out, merge its rare categories, or compare the groups by curves."


def cox(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    covariates: str | Sequence[str],
    *,
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    offset: str | None = None,
    cause: int | str | None = None,
    causes: Sequence[str] | None = None,
    robust: bool | None = None,
    ties: str = "efron",
    penalty: str | None = None,
    level: float = 0.95,
) -> Cox:
    """Fit Cox's proportional hazards model.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: time from the start to the event or to the end of follow-up, 0 or more; 1 for an event and 0 for none,
        or with `cause` the code of what happened, 1, 2, …
    covariates : list of str, or str
        Columns: numbers as they stand, text and categories as dummies against the first value (``race[black]``). Or
        the right-hand side of a formula: ``"fin + C(race) * age"``.
    entry : str, optional
        Column: time from which the row is at risk, before `duration` (delayed entry, start-stop rows).
    strata : str or list of str, optional
        Columns whose every combination has a baseline of its own.
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent; the variance is then robust and clustered.
    offset : str, optional
        Column added to every linear predictor as it stands, with a coefficient of 1: the logarithm of a known relative
        risk, such as an earlier model's linear predictor.
    cause : int or str, optional
        The cause whose hazard is modelled, by its code or its name in `causes`: events of other causes then end the
        time at risk as censoring does (cause-specific hazards).
    causes : sequence of str, optional
        What the codes 1, 2, … of `event` stand for. Left out, the causes are the codes, none of which may be skipped.
    robust : bool, optional
        Whether the variance is robust (Lin and Wei 1989). Left out, it is so with a cluster, with weights that are not
        whole numbers, and with a Design (where it cannot be refused).
    ties : str
        ``"efron"`` or ``"breslow"``.
    penalty : str, optional
        ``"firth"``: Firth's penalty (Heinze and Schemper 2001), for covariates that separate those with the event from
        those without, and for few events. Intervals are then profile-likelihood ones and p-values penalised likelihood
        ratios. Not with clusters, weights that are not whole, or a Design.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Cox
        ``tidy(exponentiate=False)``, ``tests``, ``test(term)``, ``log_likelihood``, ``covariance``, ``concordance``,
        ``residuals(kind)``, ``baseline()``, ``predict(data)``, ``predict_risk(data)``, ``ph_test()``, ``plot()``,
        ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where columns do not vary, or are combinations of others.
    ConvergenceError
        Where no finite estimate exists (the covariates named separate those with the event from those without) or none
        was reached.

    Notes
    -----
    Therneau and Grambsch (2000), chapters 3 (likelihood, ties) and 7 (robust variance). Residuals for the robust
    variance are exact under Efron's ties and with delayed entry.

    The robust standard error is R's. In small samples it is a little too small, more so where weights are uneven, so
    robust intervals and p-values are Student's t, with as many degrees of freedom as there are equal contributions that
    would vary as the rows' (or clusters') do: (Σ d²)² / Σ d⁴, d being their influence on the coefficient. R takes the
    normal distribution, whose 95% intervals hold the truth 92 to 95 times in a hundred with 200 people
    (docs/coverage-survival.md); with many people the two are the same.

    Examples
    --------
    >>> people = pd.DataFrame(
    ...     {"days": [9, 3, 1, 1, 6, 6, 8], "again": [1, None, 1, 0, 1, 1, 0], "x": [0, 2, 1, 1, 1, 0, 0]}
    ... )
    >>> fit = cox(people, "days", "again", ["x"])
    >>> fit.tidy().round(6)[["term", "estimate", "std_error"]]
      term  estimate  std_error
    0    x  1.676857   1.277616
    >>> fit.notes[0]
    '1 of 7 rows left out: again is missing (1).'
    >>> fit.test("x", "likelihood-ratio")
    likelihood ratio: statistic 1.835, df = 1, p = 0.18
    Null hypothesis: every coefficient of x is 0
    >>> fit.predict(pd.DataFrame({"x": [0, 1]}), 6).tidy().round(4)[["row", "time", "estimate"]]
      row  time  estimate
    0   0   6.0    0.6938
    1   1   6.0    0.1415
    >>> fit.residuals("martingale").round(3).tolist()
    [-0.366, nan, 0.719, -0.281, -0.438, 0.731, -0.366]
    """
    check_level(level)
    check_choice("ties", ties, ("efron", "breslow"))
    if penalty is not None:
        check_choice("penalty", penalty, ("firth",))
    check_causes(causes)
    if causes is not None and cause is None:
        raise InputError("causes names what the event codes stand for: say in `cause` which one is modelled.")
    columns = Columns(data)
    if robust is False and (cluster is not None or columns.design is not None):
        raise InputError("robust=False cannot stand beside a cluster or a Design, whose rows are not independent.")
    within = column_names(strata)
    highest = 1 if cause is None else highest_code(causes)
    reader = OutcomeColumns(
        columns, duration, event, entry=entry, weights=weights, cluster=cluster, groups=within, highest=highest
    )
    covariate_reader = CovariateColumns(columns, covariates)
    offsets = None if offset is None else columns.number(offset)
    outcome = reader.take(columns.rows())
    if cause is not None:
        found_causes = read_causes(outcome.event, causes, event)
        outcome = outcome.of_cause(found_causes.code(cause, event))
    require_event(outcome.event, event)
    independent = not outcome.needs_robust
    if robust is None:
        robust = not independent
    if penalty is not None and (robust or not independent):
        raise InputError(
            "penalty='firth' has no robust variance: not with robust=True, a cluster, a Design or weights that are not"
            " whole numbers. Fit without it, or give the rows as independent people."
        )
    notes = [*outcome.notes, *about_variance(outcome, robust=robust)]
    outcome = outcome.by_time(outcome.event == 1)
    n, n_events = len(outcome.event), int(outcome.event.sum())
    offsets = None if offset is None or offsets is None else _offset(offset, offsets[outcome.rows])
    matrix = covariate_reader.take(outcome.rows)
    sets = risk_sets(outcome.ranks, outcome.event == 1, outcome.group)
    prepared = sample(sets, matrix.x, outcome.event, outcome.weights, ties, offsets)
    top = None
    if penalty is None:
        found = maximise(prepared)
        check_maximum(found, matrix, instead=INSTEAD)
        likelihoods = found.point.log_likelihood, found.start.log_likelihood
        notes.extend(few_events(n_events, len(matrix.names)))
    else:
        found, top, likelihoods = _firth(prepared, matrix)

    inverse = np.linalg.inv(found.information)
    spread, df = inverse, None
    if robust:
        residuals = score_residuals(prepared, found.point, outcome.cluster)
        spread = inverse @ products(residuals, residuals) @ inverse
        df = np.array([effective_number((row @ residuals) ** 2) for row in inverse])
    names = list(matrix.names)
    unit = np.outer(matrix.scale, matrix.scale)
    return Cox(
        matrix.names,
        found.point.beta / matrix.scale,
        pd.DataFrame(spread / unit, index=names, columns=names),
        pd.DataFrame(inverse / unit, index=names, columns=names),
        df,
        *likelihoods,
        n,
        n_events,
        cause,
        robust,
        ties,
        penalty,
        level,
        _method(ties, penalty, robust, outcome, within),
        tuple(notes),
        prepared,
        found,
        matrix,
        outcome,
        Reading(duration, entry, offset, within, outcome.labels),
        columns.frame.index,
        columns.frame[cluster] if cluster is not None else None if columns.design is None else columns.design.sets,
        independent,
        top,
    )


def _offset(name: str, values: FloatArray) -> FloatArray:
    if np.ptp(values) > WIDEST_OFFSET:
        refuse(
            name,
            f"spans more than {WIDEST_OFFSET:g}",
            why="its exponential is a relative risk, which no machine number then holds.",
            remedy="give the logarithm of the relative risk.",
        )
    return values


def _firth(data: Sample, matrix: Matrix) -> tuple[Maximum, firth.Penalised, tuple[float, float]]:
    """The penalised maximum, and the penalised log-likelihoods there and at 0 in the units of the data."""
    zero = np.zeros(len(data.x))
    point = evaluate(data, zero)
    info = information(data, point)
    problem, columns = faulty_columns(data, info)
    check_maximum(Maximum(point, point, info, 0, problem, columns), matrix, instead=INSTEAD)
    start = firth.penalised(data, zero)
    assert start is not None
    top, reached = firth.maximise_penalised(data, start, np.arange(len(zero)))
    found = Maximum(point, top.point, top.information, firth.MOST_STEPS, "reached" if reached else "lost")
    check_maximum(found, matrix, instead=INSTEAD)
    unit = float(np.log(matrix.scale).sum())
    return found, top, (top.value + unit, start.value + unit)


def _method(ties: str, penalty: str | None, robust: bool, outcome: Outcome, strata: Sequence[str]) -> str:
    parts = (
        f"{ties.capitalize()} ties",
        "" if penalty is None else "Firth's penalty, profile-likelihood intervals",
        outcome.strata_words(strata),
        robust_words(outcome) if robust else "",
    )
    return "; ".join(part for part in parts if part)
