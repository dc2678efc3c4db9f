"""Weighting, fixed before any outcome is named."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.comparison import account
from impact.comparison.covariates import forbid_repeated_labels, read_covariates
from impact.comparison.designs import WeightedDesign
from impact.comparison.entropy import even_weights
from impact.comparison.lost import words_of_lost
from impact.comparison.missing import filled
from impact.comparison.propensity import Propensity
from impact.errors import ConvergenceError, InputError
from impact.frames import BoolArray, Columns, FloatArray, check_choice
from impact.results import number

METHODS = ("ipw", "overlap", "entropy")
ESTIMANDS = {"ipw": ("ATT", "ATE"), "overlap": ("ATO",), "entropy": ("ATT",)}
EXACT = 1e-6
"""In standard deviations: how near entropy balancing must bring every mean."""
ERRORS = (
    "A standard error that takes the weights as fixed does not count that they were estimated: for the ATE it is too "
    "large on average, for the ATT and ATO it can be too small. Resample people and weight anew each time."
)


def weight(
    propensity: Propensity,
    *,
    method: str = "ipw",
    estimand: str | None = None,
    trim: str | tuple[float, float] | None = None,
) -> WeightedDesign:
    """Weight people so that the groups are alike. No outcome can be given: the comparison is fixed before one is named.

    Parameters
    ----------
    propensity : Propensity
        An estimated score; entropy balancing uses its covariates alone.
    method : {"ipw", "overlap", "entropy"}
        ``"ipw"``: inverse probabilities. ``"overlap"``: each person by the chance of being in the other group, which
        makes covariates of the model exactly alike on average. ``"entropy"``: the most even comparison weights that
        give every covariate exactly the mean of the treated.
    estimand : {"ATT", "ATE", "ATO"}, optional
        The effect on the treated (ipw, entropy; unless said), on everyone (ipw), or on those who could as well have
        been in either group (overlap; the only one there).
    trim : (low, high) or "crump", optional
        Keep only scores from low to high (ipw); ``"crump"`` finds the bounds 1 − high = low that let the ATE be known
        best (ATE only).

    Returns
    -------
    WeightedDesign
        Under the ATT treated people have weight 1 and comparison weights add up to the treated people kept. Otherwise
        the weights of each group add up to its people kept. People trimmed have weight 0.

    Raises
    ------
    InputError
        For arguments that do not go together, a score that was given and not estimated, or a trim that leaves a group
        empty.
    ConvergenceError
        Where no weights give the treated's means; the covariate is named.

    References
    ----------
    Hirano, Imbens and Ridder (2003), Econometrica 71, 1161-1189; Crump, Hotz, Imbens and Mitnik (2009), Biometrika 96,
    187-199; Hainmueller (2012), Political Analysis 20, 25-46; Li, Morgan and Zaslavsky (2018), JASA 113, 390-400.

    Examples
    --------
    >>> from impact.comparison.propensity import propensity
    >>> people = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 1], "age": [20.0, 30, 25, 24, 41, 38]})
    >>> design = weight(propensity("joined ~ age", people), method="entropy")
    >>> float(round((design.weights * people["age"])[people["joined"] == 0].sum() / 3, 6))
    27.666667
    """
    if not isinstance(propensity, Propensity):
        raise InputError(f"weight() needs the result of propensity(), not {type(propensity).__name__}.")
    check_choice("method", method, METHODS)
    about = ESTIMANDS[method][0] if estimand is None else estimand
    check_choice(f"estimand of method={method!r}", about, ESTIMANDS[method])
    if propensity.given is not None and method != "entropy":
        raise InputError(
            f"method={method!r} needs an estimated probability; {propensity.given} was given as it stands."
        )
    if trim is not None and method != "ipw":
        raise InputError(f"trim would have no effect with method={method!r}: leave out.")
    data = propensity.data
    treated = data[propensity.treatment].to_numpy(dtype=float) == 1
    kept, said = _kept(propensity, treated, about, trim)
    notes = list(propensity.notes)
    if method == "entropy":
        weights = _entropy(propensity, treated)
    else:
        weights = _by_chance(propensity.linear.to_numpy(dtype=float), treated, about)
    weights = np.where(kept, weights, 0.0)
    for side in (treated, ~treated):
        goal = (kept & (treated if about == "ATT" else side)).sum()
        weights[side] *= goal / weights[side].sum()
    lost = int((treated & ~kept).sum())
    if lost:
        notes.append(
            f"{lost:,} of {int(treated.sum()):,} treated people are left out by their score: the estimates are about "
            f"those kept.{words_of_lost(data[treated], kept[treated], propensity.covariates)}"
        )
    top = weights[~treated].max() / weights[~treated].sum()
    if top > 0.1:
        notes.append(f"One comparison person has {number(100 * top, 2)}% of the comparison weight.")
    words = {"ipw": "Inverse probability weights", "overlap": "Overlap weights", "entropy": "Entropy balancing"}[method]
    reasons = np.where(kept, "", account.TRIMMED).astype(object)
    return WeightedDesign(
        data=data,
        treatment=propensity.treatment,
        weights=pd.Series(weights, index=data.index, name="weight"),
        sets=None,
        estimand=account.target(about, int((~kept).sum()) if about == "ATE" else lost, "kept"),
        covariates=propensity.covariates,
        method=f"{words}{said}",
        flow=account.flow_of(reasons, treated, "Weighted"),
        notes=(*notes, ERRORS),
        left_out=pd.Series(reasons, index=data.index, name="left_out", dtype="str"),
    )


def _by_chance(linear: FloatArray, treated: BoolArray, estimand: str) -> FloatArray:
    if estimand == "ATT":
        return np.where(treated, 1.0, np.exp(linear))
    toward = np.where(treated, -linear, linear)  # log-odds of the other group
    if estimand == "ATE":
        return 1.0 + np.exp(toward)
    return 1.0 / (1.0 + np.exp(-toward))


def _kept(
    propensity: Propensity, treated: BoolArray, estimand: str, trim: str | tuple[float, float] | None
) -> tuple[BoolArray, str]:
    score = propensity.score.to_numpy(dtype=float)
    if trim is None:
        return np.ones(len(score), dtype=bool), ""
    if isinstance(trim, str):
        check_choice("trim", trim, ("crump",))
        if estimand != "ATE":
            raise InputError("trim='crump' is a rule for the ATE; for the ATT give the bounds, such as trim=(0, 0.9).")
        low = crump_bound(score)
        high = 1 - low
    else:
        numbers = isinstance(trim, tuple) and len(trim) == 2
        if not numbers or not 0 <= trim[0] < trim[1] <= 1:
            raise InputError(f"trim must be two ascending numbers from 0 to 1, or 'crump', not {trim!r}.")
        low, high = trim
    kept: BoolArray = (score >= low) & (score <= high)
    for name, side in (("treated", treated), ("comparison", ~treated)):
        if not kept[side].any():
            raise InputError(f"trim leaves nobody of the {name} group. Look at .overlap() and give wider bounds.")
    return kept, f", scores from {number(low)} to {number(high)}"


def crump_bound(score: FloatArray) -> float:
    """The least score kept, at most one half: 1 / (a(1 − a)) = 2 E[1 / (e(1 − e)) | a ≤ e ≤ 1 − a]; 0 to keep all."""
    cost = np.sort(1 / (score * (1 - score)))
    mean = np.cumsum(cost) / np.arange(1, len(cost) + 1)
    last = int(np.flatnonzero(cost <= 2 * mean)[-1])
    if last == len(cost) - 1:
        return 0.0
    return float(0.5 - np.sqrt(0.25 - 1 / (2 * mean[last])))


def _entropy(propensity: Propensity, treated: BoolArray) -> FloatArray:
    columns = Columns(propensity.data)
    forbid_repeated_labels(columns)
    covariates = [filled(one) for one in read_covariates(columns, propensity.covariates)]
    columns.check()
    terms = [term for one in covariates for term in one.terms(drop_first=True)]
    names, matrix = [name for name, _ in terms], np.column_stack([values for _, values in terms])
    goal = np.sort(matrix[treated], axis=0).mean(axis=0)
    others = matrix[~treated]
    low, high = others.min(axis=0), others.max(axis=0)
    safe = 1e-12 * np.maximum(np.abs(low), np.abs(high))
    beyond = [name for name, bad in zip(names, (goal < low - safe) | (goal > high + safe), strict=True) if bad]
    if beyond:
        raise ConvergenceError(
            f"The mean of the treated lies outside the values of all comparison people: {', '.join(beyond)}. Nothing "
            "can bring it there: leave out treated people who are like nobody, or match."
        )
    weights, apart = even_weights(others, goal)
    if np.abs(apart).max() > EXACT:
        worst = names[int(np.argmax(np.abs(apart)))]
        raise ConvergenceError(
            f"No weights give the comparison people the means of the treated; {worst} stays furthest off, by "
            f"{number(float(np.abs(apart).max()), 2)} standard deviations. Name fewer covariates or levels, or match."
        )
    spread = np.ones(len(treated))
    spread[~treated] = weights
    return spread
