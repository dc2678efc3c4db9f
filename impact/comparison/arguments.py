"""The arguments of `compare`, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass

from impact.comparison.contrasts import MEASURES, RATES
from impact.comparison.covariates import forbid_outcome
from impact.comparison.outcome_model import MODELS
from impact.comparison.propensity import Propensity
from impact.design import Design
from impact.errors import InputError
from impact.frames import check_choice, check_level

ERRORS = ("cluster", "jdl", "abadie-imbens", "bootstrap")
INTERVALS = ("percentile", "normal")
FEWEST_REPLICATES = 100
DIFFERENCES = ("risk_difference", "mean_difference")


@dataclass(frozen=True, slots=True)
class Asked:
    """What `compare` was asked for."""

    measure: str
    se: str
    adjust: tuple[str, ...]
    model: str | None
    time: str | None
    among: str | None
    propensity: Propensity | None
    replicates: int
    interval: str
    seed: int
    level: float


def check_asked(design: Design, outcome: str, asked: Asked) -> None:
    """Raise where an argument cannot be used, alone, with another or with the design."""
    if not isinstance(design, Design):
        raise InputError(f"compare() needs a Design (from match, weight or whole_sample), not {type(design).__name__}.")
    check_choice("measure", asked.measure, MEASURES)
    check_choice("se", asked.se, ERRORS)
    check_level(asked.level)
    _check_time(asked)
    _check_error(design, asked)
    _check_adjustment(asked)
    _check_bootstrap(asked)
    used = (*design.covariates, *asked.adjust)
    forbid_outcome(outcome, treatment=design.treatment, used=used)
    if design.treatment in asked.adjust:
        raise InputError(f"{design.treatment} is the treatment; it cannot be adjusted for.")
    if asked.among is not None and asked.among in (outcome, design.treatment, *used):
        raise InputError(f"among={asked.among!r} is the outcome, the treatment or a covariate; name another column.")


def _check_time(asked: Asked) -> None:
    if asked.measure in RATES and asked.time is None:
        raise InputError(
            f"{asked.measure} needs time, the column of time at risk; for the number per person use mean_difference."
        )
    if asked.time is not None and asked.measure not in RATES:
        raise InputError(f"time is for rate_difference and rate_ratio; {asked.measure} has no use for it.")


def _check_error(design: Design, asked: Asked) -> None:
    se, measure = asked.se, asked.measure
    if se == "jdl" and measure not in DIFFERENCES:
        raise InputError(f"se 'jdl' is a t-test of a difference of risks or means; for {measure} use se='cluster'.")
    if se == "bootstrap" and design.sets is None:
        raise InputError(
            "se 'bootstrap' draws matched sets, and this design has none. Use se='cluster': by person, with "
            "propensity= where the weights are of a score."
        )
    if se == "abadie-imbens":
        if design.sets is not None:
            raise InputError(
                "se 'abadie-imbens' is for matching with replacement; here nobody is used twice. Use se='cluster'."
            )
        if getattr(design, "pairs", None) is None:
            raise InputError(
                "se 'abadie-imbens' needs the pairs of nearest-neighbour matching with replacement, which this design "
                "does not have (weights and radius matching form none). Use se='cluster'."
            )
        if measure not in DIFFERENCES:
            raise InputError(
                f"se 'abadie-imbens' is of a difference of risks or means; for {measure} use se='cluster'."
            )
        if asked.propensity is None:
            raise InputError("se 'abadie-imbens' needs propensity=, the score that people were matched on.")
    elif asked.propensity is not None and (se != "cluster" or design.sets is not None or asked.adjust):
        raise InputError(
            "propensity is for se='abadie-imbens', and for se='cluster' in a design of weights without sets or adjust; "
            "leave it out here."
        )


def _check_adjustment(asked: Asked) -> None:
    if asked.model is not None:
        check_choice("model", asked.model, MODELS)
        if not asked.adjust:
            raise InputError("model says how the outcome depends on adjust; name the covariates in adjust.")
        if asked.model == "logistic" and asked.measure == "mean_difference":
            raise InputError("model='logistic' is for outcomes of 0 and 1; for mean_difference use model='linear'.")
    if asked.adjust and asked.se not in ("cluster", "bootstrap"):
        raise InputError(f"adjust is offered for se='cluster' and se='bootstrap', not for {asked.se!r}.")
    if asked.adjust and asked.measure in RATES:
        raise InputError(f"adjust is not offered for {asked.measure}; use the measures of risks or mean_difference.")
    if asked.adjust and asked.model is None and asked.measure not in DIFFERENCES:
        raise InputError(
            f"adjust is offered for {asked.measure} with model='logistic' (or 'linear') only; without model it is for "
            "risk_difference and mean_difference."
        )


def _check_bootstrap(asked: Asked) -> None:
    check_choice("interval", asked.interval, INTERVALS)
    whole = isinstance(asked.replicates, int) and not isinstance(asked.replicates, bool)
    if not whole or asked.replicates < FEWEST_REPLICATES:
        raise InputError(f"replicates must be a whole number from {FEWEST_REPLICATES}, not {asked.replicates!r}.")
    if isinstance(asked.seed, bool) or not isinstance(asked.seed, int) or asked.seed < 0:
        raise InputError(f"seed must be a whole number from 0, not {asked.seed!r}.")
