"""Parametric models of time to reoffence: exponential, Weibull, log-normal, log-logistic and Gompertz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.frames import check_choice, check_level
from impact.results import number
from impact.survival.likelihoods.families import FAMILIES
from impact.survival.models.timing import (
    aic,
    as_times,
    check_reached,
    exponential_start,
    in_days,
    log_likelihood_in_days,
    maximise,
    read_people,
    spread_start,
    variance_in_words,
)
from impact.survival.models.timing_model import TimingModel
from impact.survival.reading.cautions import few_events


@dataclass(frozen=True, eq=False)
class Parametric(TimingModel):
    """A fitted parametric model; see `TimingModel` for what it holds."""

    @property
    def _name(self) -> str:
        return FAMILIES[self.family].words

    def __repr__(self) -> str:
        return self._words(f"{self._name} model")


def parametric(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    covariates: str | Sequence[str] | None = None,
    *,
    family: str = "weibull",
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    level: float = 0.95,
) -> Parametric:
    """Fit a parametric family of time to the event by maximum likelihood.

    Parameters
    ----------
    data : DataFrame or Design
        One row a person (or, with `entry`, a spell at risk). A Design brings its own weights and matched sets.
    duration, event : str
        Columns: days from the start to the event or to the end of follow-up, above 0; 1 for an event and 0 for none.
    covariates : list of str, or str, optional
        Columns, or the right-hand side of a formula, as in `cox`.
    family : str
        ``"exponential"``, ``"weibull"``, ``"lognormal"``, ``"loglogistic"``: accelerated failure, log T = x'β +
        scale · ε, so that exp(β) is a ratio of times (above 1: later; for the Weibull, exp(−β / scale) is a ratio of
        hazards). ``"gompertz"``: proportional hazards,
        h(t) = exp(x'β + shape · t), so that exp(β) is a ratio of hazards (above 1: sooner).
    entry : str, optional
        Column: time from which the person is at risk, before `duration` (delayed entry): the likelihood is that of the
        time given that it is beyond entry.
    weights : str, optional
        Column of case weights, 0 or more.
    cluster : str, optional
        Column whose equal values are not independent; the variance is then robust and clustered.
    robust : bool, optional
        Whether the variance is the sandwich of Huber (1967). Left out, it is so with a cluster, with weights that are
        not whole numbers, and with a Design (where it cannot be refused).
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Parametric
        ``tidy(exponentiate=False)``, ``log_likelihood``, ``aic``, ``predict(data=None, times=None)``, ``hazard()``,
        ``quantiles()``, ``plot()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where covariates do not vary, or are combinations of others.
    ConvergenceError
        Where no finite estimate exists or none was reached, with the reason.

    Notes
    -----
    Kalbfleisch and Prentice (2002), sections 2.2 and 3.6; the parameters are those of R's ``survreg`` (log(scale), with
    the Weibull shape 1 / scale) and, for Gompertz, of ``flexsurv``. A negative Gompertz shape is a hazard that dies
    out: a share of people never have the event. Standard errors come from the observed information.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [5, 9, 12, 20, 31, 40, 40, 40], "again": [1, 1, 1, 1, 1, 1, 0, 0]})
    >>> fit = parametric(people, "days", "again", family="weibull")
    >>> fit.tidy().round(3)[["term", "estimate", "std_error"]]
              term  estimate  std_error
    0  (Intercept)     3.474      0.299
    1   log(scale)    -0.313      0.352
    >>> fit.predict(times=30).tidy().round(3)[["time", "estimate", "conf_low", "conf_high"]]
       time  estimate  conf_low  conf_high
    0  30.0     0.405     0.133      0.667
    """
    check_level(level)
    check_choice("family", family, tuple(FAMILIES))
    people = read_people(
        data, duration, event, covariates, None, entry=entry, weights=weights, cluster=cluster, robust=robust
    )
    plain = as_times(FAMILIES[family], people, split=False, null=True)
    location = exponential_start(plain) * (1 if FAMILIES[family].accelerated else -1)
    null = maximise(plain, np.r_[location, spread_start(plain)])
    check_reached(plain, null, people, event)
    full, peak = plain, null
    if people.timing is not None:
        full = as_times(FAMILIES[family], people, split=False)
        ancillary = null.point.theta[1:]
        peak = maximise(full, np.r_[null.point.theta[0], np.zeros(len(people.timing.names)), ancillary])
        check_reached(full, peak, people, event)
    fitted = in_days(full, people, peak)
    outcome = people.outcome
    notes = [*people.notes, *few_events(int(outcome.event.sum()), len(fitted.parameters), "parameters")]
    if family == "gompertz" and fitted.parameters[-1] < 0:
        notes.append(_never(fitted.parameters, people.timing is None))
    names = list(fitted.names)
    return Parametric(
        family,
        fitted.names,
        fitted.parameters,
        pd.DataFrame(fitted.covariance, index=names, columns=names),
        pd.DataFrame(fitted.naive, index=names, columns=names),
        fitted.log_likelihood,
        log_likelihood_in_days(plain, people, null),
        aic(fitted.log_likelihood, len(names), outcome.whole_weights and not isinstance(data, Design)),
        len(outcome.event),
        int(outcome.event.sum()),
        people.robust,
        level,
        variance_in_words(people),
        tuple(notes),
        fitted,
        people,
    )


def _never(parameters: np.ndarray, alone: bool) -> str:
    share = f" of {number(float(np.exp(np.exp(parameters[0]) / parameters[-1])), 3)}" if alone else ""
    return f"The shape is negative: the hazard dies out, and a share{share} of people never have the event."
