"""E-values: how strong an unmeasured confounder would have to be to explain an effect away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.comparison.effect import Effect
from impact.errors import InputError
from impact.frames import check_choice
from impact.results import number, with_notes

MEASURES = ("risk_ratio", "rate_ratio", "odds_ratio", "hazard_ratio", "mean_difference")
ABOUT_EVENTS = ("odds_ratio", "hazard_ratio")
PER_SD = 0.91


@dataclass(frozen=True, slots=True)
class EValue:
    """E-values of an estimate and of its confidence limit nearer to no effect.

    Attributes
    ----------
    estimate, limit : float
        The E-values; 1 for `limit` where the interval holds no effect, NaN where no interval was given.
    risk_ratio, conf_low, conf_high : float
        The effect as a risk ratio, from which they come.
    method : str
        How the risk ratio was come by.
    notes : tuple of str
        Cautions.
    """

    estimate: float
    limit: float
    risk_ratio: float
    conf_low: float
    conf_high: float
    method: str
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Two rows, for the estimate and for the limit nearer to 1: ``term, risk_ratio, e_value``."""
        nearer = self.conf_high if self.risk_ratio < 1 else self.conf_low
        terms = ("estimate", "limit nearer to 1")
        ratios, values = (self.risk_ratio, nearer), (self.estimate, self.limit)
        return pd.DataFrame({"term": terms, "risk_ratio": ratios, "e_value": values})

    def __repr__(self) -> str:
        limit = "" if np.isnan(self.limit) else f"; for the limit nearer to 1: {number(self.limit, 3)}"
        head = (
            f"E-value {number(self.estimate, 3)}{limit}. A confounder tied to treatment and to the outcome by risk "
            "ratios of that size each, beyond what was matched or adjusted for, could explain the effect away; a "
            "weaker one could not"
        )
        return with_notes(f"{head}\n{self.method}", self.notes)


def e_value(
    estimate: Effect | float,
    *,
    measure: str | None = None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    rare: bool | None = None,
    sd: float | None = None,
) -> EValue:
    """The E-value of an effect, and of its confidence limit nearer to no effect.

    Parameters
    ----------
    estimate : Effect or float
        From `compare` or `doubly_robust`, which bring their measure and interval; or a number.
    measure : {"risk_ratio", "rate_ratio", "odds_ratio", "hazard_ratio", "mean_difference"}, optional
        What the number is.
    conf_low, conf_high : float, optional
        Its interval, both or neither.
    rare : bool, optional
        For odds and hazard ratios, which must say it: whether at most about 15% have the outcome at the end of
        follow-up. If so the ratio stands for a risk ratio; if not it is the square root of an odds ratio, and
        (1 − 0.5^√HR) / (1 − 0.5^√(1/HR)) of a hazard ratio.
    sd : float, optional
        For mean differences: the standard deviation of the outcome within groups. The risk ratio is exp(0.91 d).

    Returns
    -------
    EValue
        RR + √(RR(RR − 1)), of the inverse where RR is below 1.

    Raises
    ------
    InputError
        For a difference of risks or rates (take the ratio of the same design), a ratio not above 0, an interval that
        does not hold the estimate, or arguments that do not go together.

    Notes
    -----
    An E-value is not a probability, and a large one does not show that there is no confounding. Whether a confounder
    of that size is plausible is to be judged beside the measured ones.

    References
    ----------
    VanderWeele and Ding (2017), Annals of Internal Medicine 167, 268-274; VanderWeele (2017), Biometrics 73, 1043-1044
    and (2020), Biometrics 76, 746-752, on odds and hazard ratios.

    Examples
    --------
    >>> found = e_value(3.9, measure="risk_ratio", conf_low=1.8, conf_high=8.7)
    >>> round(found.estimate, 2), round(found.limit, 2)
    (7.26, 3.0)
    """
    notes: tuple[str, ...] = ()
    if isinstance(estimate, Effect):
        if measure is not None or conf_low is not None or conf_high is not None:
            raise InputError("An Effect brings its measure and interval: leave measure, conf_low and conf_high out.")
        measure, notes = estimate.measure, estimate.notes
        values = np.array([estimate.estimate, estimate.conf_low, estimate.conf_high])
    else:
        if isinstance(estimate, bool) or not isinstance(estimate, int | float | np.number):
            raise InputError(f"e_value() needs an Effect or a number, not {type(estimate).__name__}.")
        if (conf_low is None) != (conf_high is None):
            raise InputError("Give both conf_low and conf_high, or neither.")
        values = np.array([estimate, *(np.nan if one is None else one for one in (conf_low, conf_high))], dtype=float)
    if measure in ("risk_difference", "rate_difference"):
        ratio = measure.replace("difference", "ratio")
        raise InputError(
            f"E-values are of ratios, and a {measure.replace('_', ' ')} does not say how large the risks are. Take "
            f"compare(..., measure={ratio!r}) in the same design."
        )
    check_choice("measure", measure, MEASURES)
    assert measure is not None
    _check(values, measure, rare, sd)
    ratios, words = _risk_ratios(values, measure, rare, sd)
    low, high = sorted(ratios[1:]) if np.isfinite(ratios[1:]).all() else (np.nan, np.nan)
    nearer = high if ratios[0] < 1 else low
    crosses = (ratios[0] < 1 <= nearer) or (ratios[0] >= 1 >= nearer)
    return EValue(
        estimate=_of(ratios[0]),
        limit=1.0 if crosses else _of(nearer),
        risk_ratio=float(ratios[0]),
        conf_low=float(low),
        conf_high=float(high),
        method=words,
        notes=notes,
    )


def _check(values: np.ndarray, measure: str, rare: bool | None, sd: float | None) -> None:
    known = values[~np.isnan(values)]
    if np.isnan(values[0]) or not np.isfinite(known).all():
        raise InputError("The estimate and its interval must be finite numbers.")
    if len(known) == 3 and not known[1] <= known[0] <= known[2]:
        raise InputError("The interval does not hold the estimate.")
    if measure != "mean_difference" and not (known > 0).all():
        raise InputError(f"A {measure.replace('_', ' ')} and its interval must lie above 0.")
    if measure in ABOUT_EVENTS and not isinstance(rare, bool | np.bool_):
        raise InputError(
            f"For an {measure.replace('_', ' ')} say rare=True (at most about 15% have the outcome) or rare=False."
            if measure == "odds_ratio"
            else "For a hazard ratio say rare=True (at most about 15% have the outcome) or rare=False."
        )
    if measure not in ABOUT_EVENTS and rare is not None:
        raise InputError(f"rare is for odds and hazard ratios; {measure} has no use for it.")
    if (measure == "mean_difference") != (sd is not None):
        raise InputError("sd, the standard deviation of the outcome, is needed for mean_difference and only there.")
    if sd is not None and not (np.isfinite(sd) and sd > 0):
        raise InputError(f"sd must be a number above 0, not {sd!r}.")


def _risk_ratios(values: np.ndarray, measure: str, rare: bool | None, sd: float | None) -> tuple[np.ndarray, str]:
    if sd is not None:
        return np.exp(PER_SD * values / sd), "Risk ratio from the standardised mean difference d as exp(0.91 d)"
    name = measure.replace("_", " ")
    if measure not in ABOUT_EVENTS or rare:
        return values, "The risk ratio" if measure == "risk_ratio" else f"The {name}, taken for a risk ratio"
    if measure == "odds_ratio":
        return np.sqrt(values), "Risk ratio from the odds ratio as its square root, the outcome not being rare"
    root = np.sqrt(values)
    return (1 - 0.5**root) / (1 - 0.5 ** (1 / root)), "Risk ratio from the hazard ratio, the outcome not being rare"


def _of(ratio: float) -> float:
    away = max(ratio, 1 / ratio)
    return float(away + np.sqrt(away * (away - 1)))
