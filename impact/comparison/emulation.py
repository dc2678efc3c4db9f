"""An emulated trial: each person who starts is matched, on that day, to people who could have started and had not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, one_day
from impact.comparison.covariates import Covariate, independent_columns, read_covariates
from impact.comparison.eligible import Everyone, column_faults, read_everyone
from impact.comparison.emulated import EmulatedTrial
from impact.comparison.nearest import NOBODY, People
from impact.comparison.riskset_matching import Stretches, match_in_time, start_hazard
from impact.comparison.trial_rows import REASONS, Parts, States, assemble, left_open
from impact.errors import ConvergenceError, Fault, InputError
from impact.frames import Columns, FloatArray, IntArray
from impact.results import number

LATER_TREATED = ("censor", "intention-to-treat")
OWN = (
    "treated",
    "trial_id",
    "matched_set",
    "first_on",
    "days_since_index",
    "censored_on",
    "score",
    "duration",
    "event",
)
_REFUSED = "The trial cannot be emulated:"


def emulated_trial(
    people: pd.DataFrame,
    *,
    covariates: str | Sequence[str],
    complete_to: dt.date | str,
    later_treated: str,
    treated_on: str = "treated_on",
    custody: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    history: pd.DataFrame | Sequence[pd.DataFrame] = (),
    score: str | None = None,
    ratio: int = 1,
    caliper: float | None = None,
    exact: str | Sequence[str] = (),
) -> EmulatedTrial:
    """Match each person who starts, on the day they start, to people at risk who have not started by then.

    Everyone is followed from an index date of their own, such as a release or the start of a sentence. A person who
    starts t days after theirs is matched to people who t days after theirs were alive, at liberty, without the event
    and not treated: nobody is chosen by what came later, and nobody's follow-up holds time in which they could not have
    had the event. Both sides are then followed from day t on.

    Parameters
    ----------
    people : DataFrame
        One row a person, treated or not: ``person_id, index_on``, the column `treated_on`, ``died_on`` where known,
        and whatever is known of them on the index date.
    covariates : str or sequence of str
        Columns of `people` or `history` on which people are matched and balance is judged; each as it is on the day.
    complete_to : date
        Last day on which the records are complete.
    later_treated : {"censor", "intention-to-treat"}
        A comparison person may start later. ``"censor"``: they are followed until that day, which is right only where
        starting has nothing to do with the outcome beyond the covariates. ``"intention-to-treat"``: they are followed
        on, so that the effect is that of starting now against not starting now.
    treated_on : str
        Date column of `people`: first day of treatment, missing for those who never started.
    custody : DataFrame, optional
        ``person_id, entered_on, left_on``; nobody inside is at risk. The day of release is a day out.
    events : DataFrame, optional
        ``person_id, occurred_on``: nobody who had one after their index date is at risk any more. Left out, people with
        events stay at risk, and what is on record by then should be among the covariates (`running_count`).
    history : DataFrame or several
        Rows that hold from a day on: ``person_id, from_on`` and columns. Where one has a column of `people` too,
        that is its value until the first row.
    score : str, optional
        A column (of `people` or `history`) used as the distance as it stands. Left out, the distance is on the linear
        predictor of a proportional hazards model for starting, with the covariates of each day (Lu 2005).
    ratio : int
        Comparison people for each; on one day everyone's first before anyone's second.
    caliper : float, optional
        The greatest distance allowed, in standard deviations of the score of everyone on their first day at risk.
    exact : str or sequence of str
        Columns (of `people` or `history`) on which partners must agree on the day.

    Returns
    -------
    EmulatedTrial
        A `Design`. Its `data` has one row for each part in the trial: ``person_id, trial_id, treated, matched_set,
        first_on`` (their own index date), ``index_on`` (the day of the matching), ``days_since_index, censored_on``,
        the covariates on that day, ``score`` and the other columns of `people`. People without a set have one row of
        weight 0, those never chosen as they were on their first day at risk. `sets` groups the matched sets that share
        a person, for a person may be chosen (once) before they start themselves: errors clustered by it know both.

    Raises
    ------
    InputError
        With every fault of the tables and arguments at once, and where nobody can be matched.
    ConvergenceError
        Where the model for starting has no finite solution.

    Notes
    -----
    The matching goes forward in time and each person is chosen once at most. On one day the highest scores choose
    first. Ties never depend on the order of the rows: of two people equally far the lower score is taken; of equal
    scores the first by covariates in the order given, then by ``person_id``; the same rule says who chooses first.

    References
    ----------
    Li, Propert and Rosenbaum (2001), JASA 96, 870-882; Lu (2005), Biometrics 61, 721-728; Hernán and Robins (2016),
    American Journal of Epidemiology 183, 758-764; Hernán et al. (2016), Journal of Clinical Epidemiology 79, 70-75.

    Examples
    --------
    >>> day = pd.Timestamp("2022-01-01")
    >>> people = pd.DataFrame({"person_id": list("abcd"), "index_on": day, "age": [30, 31, 50, 24],
    ...                        "treated_on": [day + pd.Timedelta(days=20), pd.NaT, pd.NaT, pd.NaT]})
    >>> again = pd.DataFrame({"person_id": ["b"], "occurred_on": [day + pd.Timedelta(days=10)]})
    >>> trial = emulated_trial(people, covariates="age", score="age", events=again, complete_to="2023-12-31",
    ...                        later_treated="censor")
    >>> trial.data.loc[trial.weights > 0, ["person_id", "treated", "index_on", "days_since_index"]]
      person_id  treated   index_on  days_since_index
    0         a        1 2022-01-21                20
    1         d        0 2022-01-21                20
    """
    names, same = _listed(covariates), _listed(exact)
    tables = (history,) if isinstance(history, pd.DataFrame) else tuple(history)
    wanted = tuple(dict.fromkeys([*names, *same, *([score] if score else [])]))
    faults = _arguments(later_treated, ratio, caliper, names)
    last = one_day(complete_to, "complete_to", faults)
    everyone = read_everyone(people, treated_on, custody, events, tables, last, faults)
    if isinstance(people, pd.DataFrame):
        faults += column_faults(
            wanted, people, tables, own=OWN, barred=("person_id", "index_on", treated_on), number=score
        )
    if everyone is None or faults:
        raise InputError(_REFUSED, faults)
    reason = _turned_away(everyone)
    states = _known_states(everyone, wanted, reason)
    columns = Columns(states.frame)
    read = read_covariates(columns, names)
    stratum = _strata(columns, same)
    given = columns.number(score) if score else None
    columns.check()
    hazard: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    if given is None:
        given, hazard, notes = _score(read, states)
    reach = np.inf if caliper is None else caliper * _spread(given, states)
    parts = _match(states, read, given, stratum, everyone, ratio, reach)
    reason[
        np.setdiff1d(states.person[: states.starters], states.person[parts.state[parts.state < states.starters]])
    ] = REASONS[6]
    if not len(parts.state):
        raise InputError(_REFUSED, [_nobody(reason)])
    method = (
        f"Risk-set matching {ratio}:1 in time order on "
        + (score or "the log hazard of starting")
        + ("" if caliper is None else f", caliper {number(caliper)} SD ({number(reach)})")
        + (f", exact on {', '.join(same)}" if same else "")
    )
    notes = (*notes, *left_open(everyone, custody, events))
    return assemble(
        everyone, states, parts, reason, given, names, wanted, later_treated, last, method, notes, hazard, ratio
    )


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _arguments(later_treated: str, ratio: int, caliper: float | None, names: tuple[str, ...]) -> list[Fault]:
    faults = []
    if later_treated not in LATER_TREATED:
        faults.append(
            Fault(f"must be one of {', '.join(LATER_TREATED)}, not {later_treated!r}", column="later_treated")
        )
    if isinstance(ratio, bool) or not isinstance(ratio, int | np.integer) or ratio < 1:
        faults.append(Fault(f"must be a whole number from 1, not {ratio!r}", column="ratio"))
    if caliper is not None and not (np.isfinite(caliper) and caliper > 0):
        faults.append(Fault(f"must be a number above 0, not {caliper!r}", column="caliper"))
    if not names:
        faults.append(Fault("names no column", column="covariates", remedy="name what people are to be alike in."))
    return faults


def _turned_away(everyone: Everyone) -> np.ndarray:
    """Why each person who ever started cannot be matched, empty for the others."""
    day, ever = everyone.started, everyone.started < LAST_DAY
    reason = np.full(len(day), "", dtype=object)
    at = np.flatnonzero(ever)
    inside = np.zeros(len(day), dtype=bool)
    inside[at] = everyone.inside(at, np.maximum(day[at], 0))
    for lost, why in zip(
        (day < 0, day >= everyone.closed, day == everyone.died, day >= everyone.again, inside), REASONS[:5], strict=True
    ):
        reason[ever & lost & (reason == "")] = why
    return reason


def _known_states(everyone: Everyone, wanted: Sequence[str], reason: np.ndarray) -> States:
    """The states in which every wanted column is known; starters with one that is not are turned away."""
    who = np.flatnonzero((everyone.started < LAST_DAY) & (reason == ""))
    person, first, end = everyone.stretches(wanted)
    person, first = np.concatenate([who, person]), np.concatenate([everyone.started[who], first])
    end = np.concatenate([everyone.started[who] + 1, end])
    states = States(everyone.known(person, first, wanted), person, first, end, len(who))
    known = states.frame.notna().all(axis=1).to_numpy(dtype=bool)
    reason[who[~known[: len(who)]]] = REASONS[5]
    states = states.take(known)
    if not states.starters or states.starters == len(states.person):
        raise InputError(_REFUSED, [_nobody(reason)])
    return states


def _nobody(reason: np.ndarray) -> Fault:
    """Why no set can be made."""
    counts = pd.Series(reason[reason != ""]).value_counts(sort=False).sort_index()
    why = "; ".join(f"{name}: {count:,}" for name, count in counts.items())
    if not why:
        return Fault("has nobody who started, or nobody who was at risk", table="people", remedy="give both.")
    return Fault(
        "has nobody who can be matched",
        table="people",
        why=f"of those who started, {why}.",
        remedy="widen the caliper or take fewer columns in exact only if people that far apart are alike enough.",
    )


def _strata(columns: Columns, exact: Sequence[str]) -> IntArray:
    stratum = np.zeros(columns.n, dtype=np.int64)
    for name in exact:
        groups = columns.groups(name)
        stratum = np.unique(stratum * (len(groups.labels) + 1) + groups.codes, return_inverse=True)[1]
    return stratum


def _score(read: Sequence[Covariate], states: States) -> tuple[FloatArray, pd.DataFrame, tuple[str, ...]]:
    """The linear predictor of starting; the rows stand in an order of their own, so that theirs has no say."""
    terms = [term for covariate in read for term in covariate.terms(drop_first=True)]
    matrix = np.column_stack([values for _, values in terms])
    started = np.arange(len(matrix)) < states.starters
    order = np.lexsort((states.end, states.first, started, *matrix.T[::-1]))
    size = np.sqrt(np.mean(matrix[order] ** 2, axis=0))
    scaled = np.column_stack([np.ones(len(matrix)), matrix[order] / np.where(size > 0, size, 1.0)])
    kept = independent_columns(scaled)[1:]
    names = [name for (name, _), flag in zip(terms, kept, strict=True) if flag]
    if not names:
        raise InputError(_REFUSED, [Fault("do not vary", column="covariates", remedy="name columns that do.")])
    beta, errors, converged = start_hazard(
        matrix[order][:, kept], states.first[order], states.end[order], started[order].astype(float)
    )
    if not converged:
        raise ConvergenceError(
            f"The model for starting has no finite solution; its covariates are {', '.join(names)}. What to do: merge "
            "categories in which everybody or nobody starts, or leave the column out."
        )
    value = np.zeros(len(matrix))
    for coefficient, column in zip(beta, matrix.T[kept], strict=True):
        value = value + coefficient * column
    lost = [name for (name, _), flag in zip(terms, kept, strict=True) if not flag]
    notes = (
        (f"Left out of the model for starting, being constant or a combination: {', '.join(lost)}.",) if lost else ()
    )
    return value, pd.DataFrame({"term": names, "estimate": beta, "std_error": errors}), notes


def _spread(value: FloatArray, states: States) -> float:
    """Standard deviation of the score of everyone in their first state."""
    order = np.lexsort((states.first, states.person))
    first = np.append(True, np.diff(states.person[order]) > 0)
    return float(np.std(np.sort(value[order][first]), ddof=1))


def _match(
    states: States,
    read: Sequence[Covariate],
    value: FloatArray,
    stratum: IntArray,
    everyone: Everyone,
    ratio: int,
    reach: float,
) -> Parts:
    label = pd.factorize(everyone.table["person_id"], sort=True)[0][states.person]
    tie = np.empty(len(value), dtype=np.int64)
    tie[np.lexsort((label, *(covariate.values for covariate in reversed(read))))] = np.arange(len(value))
    n = states.starters
    choose = np.lexsort((tie[:n], -value[:n], states.first[:n]))
    pool = n + np.lexsort((tie[n:], value[n:], stratum[n:]))
    stretches = Stretches(People(value[pool], stratum[pool]), states.person[pool], states.first[pool], states.end[pool])
    day = states.first[choose]
    found = match_in_time(People(value[choose], stratum[choose]), day, stretches, ratio=ratio, reach=reach)
    served = np.flatnonzero(found[:, 0] != NOBODY)
    chooser, turn = np.nonzero(found[served] != NOBODY)
    state = np.concatenate([choose[served], pool[found[served][chooser, turn]]])
    sets = np.concatenate([np.arange(len(served)), chooser])
    order = np.argsort(sets, kind="stable")
    state, sets = state[order], sets[order]
    own = value[choose[served]][sets]
    return Parts(state, sets, day[served][sets], np.abs(value[state] - own))
