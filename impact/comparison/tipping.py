"""Where a conclusion would tip: outcomes that are missing, and an unmeasured confounder of given prevalence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact.comparison.compared import Compared, enough, read_compared, whole_sets
from impact.comparison.contrasts import RATIOS, RISKS, Inference, contrast, infer
from impact.comparison.covariates import forbid_outcome
from impact.comparison.effect import Effect
from impact.comparison.sandwich import group_ratios
from impact.design import Design
from impact.errors import InputError
from impact.frames import FloatArray, check_choice, check_level
from impact.results import number, with_notes

SHARES = tuple(round(step / 10, 1) for step in range(11))


@dataclass(frozen=True, eq=False)
class TippingPoint:
    """An effect under what those whose outcome is missing may have had.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    observed : tuple of float
        Shares with the outcome among the treated and the comparison people whose outcome is known.
    n_missing : tuple of int
        Treated and comparison people whose outcome is missing.
    outcome, measure : str
    level : float
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    observed: tuple[float, float]
    n_missing: tuple[int, int]
    outcome: str
    measure: str
    level: float
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each pair of shares.

        ``share_treated, share_comparison, estimate, std_error, p_value, conf_low, conf_high, holds``: `holds` where
        the interval lies on the same side of no effect as that of the people whose outcome is known.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        holds = int(self.table["holds"].sum())
        head = (
            f"Tipping point of the {self.measure.replace('_', ' ')} in {self.outcome}: outcomes are missing for "
            f"{self.n_missing[0]:,} treated and {self.n_missing[1]:,} comparison people; the conclusion holds in "
            f"{holds} of {len(self.table)} pairs of shares (observed: {number(self.observed[0], 3)} and "
            f"{number(self.observed[1], 3)})"
        )
        return with_notes(head, self.notes)


def tipping_point(
    design: Design,
    outcome: str,
    *,
    measure: str = "risk_difference",
    shares: Sequence[float] = SHARES,
    level: float = 0.95,
) -> TippingPoint:
    """Try every pair of shares with the outcome among treated and comparison people whose outcome is missing.

    Parameters
    ----------
    design : Design
    outcome : str
        A column of 0 and 1, missing for some.
    measure : {"risk_difference", "risk_ratio", "odds_ratio"}
    shares : sequence of float
        Shares from 0 to 1, tried on either side.
    level : float
        Confidence level.

    Returns
    -------
    TippingPoint

    Raises
    ------
    InputError
        Where no outcome is missing, or for columns or arguments that cannot be used.
    ConvergenceError
        Where a ratio is not finite.

    Notes
    -----
    A person whose outcome is missing counts as having it with the share tried; the error is what would be expected of
    outcomes drawn with that chance (clustered by set where there are sets, and all sets stay whole). Where the truth
    lies is not in the data: the reason for the missing is what to argue from.

    References
    ----------
    Yan, Lee and Li (2009), Journal of Biopharmaceutical Statistics 19, 1085-1098.

    Examples
    --------
    >>> from impact.comparison.whole import whole_sample
    >>> people = pd.DataFrame({"joined": [1] * 40 + [0] * 40})
    >>> people["again"] = [0, 0, 0, 1] * 9 + [None] * 4 + [1, 1, 0, 1] * 10
    >>> found = tipping_point(whole_sample(people, "joined"), "again", shares=[0, 0.5, 1])
    >>> found.tidy()["holds"].tolist()
    [True, True, True, True, True, True, True, True, True]
    """
    if not isinstance(design, Design):
        raise InputError(f"tipping_point() needs a Design, not {type(design).__name__}.")
    check_choice("measure", measure, RISKS)
    check_level(level)
    tried = [float(share) for share in shares]
    if not tried or not all(0 <= share <= 1 for share in tried):
        raise InputError("shares must be numbers from 0 to 1, at least one.")
    forbid_outcome(outcome, treatment=design.treatment, used=design.covariates)
    known, notes = read_compared(design, outcome, measure)
    enough(known)
    frame = design.data.copy(deep=False)
    frame[outcome] = frame[outcome].astype(float).fillna(0.0)
    everyone, _ = read_compared(replace(design, data=frame), outcome, measure)
    missing = ~np.isin(everyone.rows, known.rows)
    if not missing.any():
        raise InputError(f"{outcome} is known for everyone compared, so there is nothing to try.")
    if design.sets is not None:
        known, more = whole_sets(known)
        notes = (*notes, *more)
    observed = group_ratios(known.outcome, known.exposure, known.treated, known.weights, known.clusters)
    base = _inference(observed.estimates, observed.covariance, observed.df, measure, level)
    side = _side(base, measure)
    rows = []
    for one in tried:
        for other in tried:
            found = _filled(everyone, missing, (one, other), measure, level)
            numbers = {
                name: getattr(found, name) for name in ("estimate", "std_error", "p_value", "conf_low", "conf_high")
            }
            rows.append(
                {"share_treated": one, "share_comparison": other, **numbers, "holds": _side(found, measure) == side}
            )
    return TippingPoint(
        table=pd.DataFrame(rows),
        observed=(float(observed.estimates[0]), float(observed.estimates[1])),
        n_missing=(int((missing & everyone.treated).sum()), int((missing & ~everyone.treated).sum())),
        outcome=outcome,
        measure=measure,
        level=level,
        notes=notes,
    )


def _filled(
    everyone: Compared, missing: np.ndarray, shares: tuple[float, float], measure: str, level: float
) -> Inference:
    """The effect with shares for outcomes, and the spread of outcomes drawn with those chances added to its error."""
    filled = np.where(missing, np.where(everyone.treated, *shares), everyone.outcome)
    fit = group_ratios(filled, everyone.exposure, everyone.treated, everyone.weights, everyone.clusters)
    n, groups = len(filled), int(everyone.clusters.max()) + 1
    factor = groups / (groups - 1) * (n - 1) / (n - 2)
    drawn = []
    for side, share in zip((everyone.treated, ~everyone.treated), shares, strict=True):
        weights = everyone.weights[side]
        drawn.append(factor * share * (1 - share) * (weights[missing[side]] ** 2).sum() / weights.sum() ** 2)
    return _inference(fit.estimates, fit.covariance + np.diag(drawn), fit.df, measure, level)


def _inference(means: FloatArray, covariance: FloatArray, df: float, measure: str, level: float) -> Inference:
    value, error = contrast(means, covariance, measure)
    return infer(value, error, df, measure, level)


def _side(found: Inference, measure: str) -> int:
    """−1 or 1 where the interval lies below or above no effect, 0 where it holds it."""
    none = 1.0 if measure in RATIOS else 0.0
    return int(found.conf_low > none) - int(found.conf_high < none)


@dataclass(frozen=True, slots=True)
class HiddenConfounder:
    """How strong a confounder of given prevalence would have to be to explain an effect.

    Attributes
    ----------
    strength, strength_limit : float
        Its effect on the outcome (a risk ratio for ratios, a difference for differences) that brings the estimate, or
        the limit nearer to no effect, to no effect. NaN where no such confounder can.
    prevalence_treated, prevalence_comparison : float
    measure : str
    notes : tuple of str
        Cautions.
    """

    strength: float
    strength_limit: float
    prevalence_treated: float
    prevalence_comparison: float
    measure: str
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Two rows, for the estimate and for the limit nearer to no effect: ``term, strength`` and prevalences."""
        terms = ("estimate", "limit nearer to no effect")
        table = pd.DataFrame({"term": terms, "strength": (self.strength, self.strength_limit)})
        return table.assign(
            prevalence_treated=self.prevalence_treated, prevalence_comparison=self.prevalence_comparison
        )

    def __repr__(self) -> str:
        what = "risk ratio" if self.measure in RATIOS else "difference"
        who = (
            f"A confounder that {self.prevalence_treated:.0%} of the treated and {self.prevalence_comparison:.0%} of "
            "the comparison people have"
        )
        said = "cannot explain the effect away, however strong"
        if np.isfinite(self.strength):
            said = f"would explain the effect away if it changed the outcome by a {what} of {number(self.strength, 3)}"
            if np.isfinite(self.strength_limit):
                said += f"; {number(self.strength_limit, 3)} would bring the limit nearer to no effect there"
        return with_notes(f"{who} {said}", self.notes)


def hidden_confounder(effect: Effect, *, prevalence_treated: float, prevalence_comparison: float) -> HiddenConfounder:
    """How strongly a confounder of given prevalence would have to act on the outcome to explain an effect away.

    Parameters
    ----------
    effect : Effect
        A risk or rate ratio, or a difference.
    prevalence_treated, prevalence_comparison : float
        Shares of either group that would have the confounder, from 0 to 1, unlike.

    Returns
    -------
    HiddenConfounder
        For ratios γ solves RR (p₀(γ − 1) + 1) = p₁(γ − 1) + 1; for differences it is the difference over p₁ − p₀. The
        confounder acts alike in both groups and is unrelated to what was matched.

    Raises
    ------
    InputError
        For an odds ratio, or prevalences that are alike or not shares.

    References
    ----------
    Schlesselman (1978), American Journal of Epidemiology 108, 3-8; Lin, Psaty and Kronmal (1998), Biometrics 54,
    948-963.

    Examples
    --------
    >>> from impact.comparison import compare, whole_sample
    >>> people = pd.DataFrame({"joined": [1, 0] * 50, "again": [0, 1, 0, 0, 1, 1, 0, 1, 0, 0] * 10})
    >>> effect = compare(whole_sample(people, "joined"), "again", measure="risk_difference")
    >>> hidden_confounder(effect, prevalence_treated=0.2, prevalence_comparison=0.6).strength
    1.0
    """
    if not isinstance(effect, Effect):
        raise InputError(f"hidden_confounder() needs an Effect, not {type(effect).__name__}.")
    if effect.measure == "odds_ratio":
        raise InputError("The formula is of risks; for an odds ratio take measure='risk_ratio' in the same design.")
    one, other = float(prevalence_treated), float(prevalence_comparison)
    if not (0 <= one <= 1 and 0 <= other <= 1) or one == other:
        raise InputError("The prevalences must be two unlike shares from 0 to 1.")
    ratio = effect.measure in RATIOS
    none = 1.0 if ratio else 0.0
    nearer = effect.conf_high if effect.estimate < none else effect.conf_low
    crosses = effect.conf_low <= none <= effect.conf_high
    strength, limit = (_strength(value, one, other, ratio=ratio) for value in (effect.estimate, nearer))
    return HiddenConfounder(strength, none if crosses else limit, one, other, effect.measure, effect.notes)


def _strength(value: float, one: float, other: float, *, ratio: bool) -> float:
    if not ratio:
        return value / (one - other)
    below = value * other - one
    found = 1 + (1 - value) / below if below != 0 else np.nan
    return float(found) if found > 0 else float("nan")
