"""How much of what is left unexplained a confounder would have to explain to bring a linear estimate to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from impact.comparison.compared import enough, read_compared
from impact.comparison.covariates import forbid_outcome, independent_columns
from impact.comparison.sandwich import least_squares
from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, FloatArray, check_level
from impact.results import number, with_notes


@dataclass(frozen=True, eq=False)
class Robustness:
    """Robustness values of a coefficient, and what confounders like the measured covariates would do to it.

    Attributes
    ----------
    estimate, std_error, df : float
        The coefficient of treatment, its classical error and the residual degrees of freedom.
    partial_r2 : float
        Share of the residual variance of the outcome that treatment explains: what a confounder that explains all of
        the rest of the outcome would have to explain of treatment.
    value, value_limit : float
        The robustness values: of the estimate (reduced by `q` of itself) and of its confidence limit.
    q, level : float
    benchmarks : DataFrame
        See `tidy`.
    outcome, method : str
    notes : tuple of str
        Cautions.
    """

    estimate: float
    std_error: float
    df: float
    partial_r2: float
    value: float
    value_limit: float
    q: float
    level: float
    benchmarks: pd.DataFrame
    outcome: str
    method: str
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each covariate and strength.

        ``covariate, times, r2_treatment, r2_outcome, estimate, std_error, conf_low, conf_high``: the partial R² of a
        confounder so many times as strong as the covariate, and the coefficient and interval had it been adjusted for.
        Missing where no confounder can be so strong.
        """
        return self.benchmarks.copy()

    def __repr__(self) -> str:
        share = "all" if self.q == 1 else f"{self.q:.0%}"
        limit = f"{1 - self.level:g}"
        head = (
            f"Robustness value for {self.outcome}: {number(100 * self.value, 3)}%; with p = {limit}: "
            f"{number(100 * self.value_limit, 3)}%. A confounder that explains more than that share of the residual "
            f"variance of both treatment and outcome could take away {share} of the coefficient "
            f"{number(self.estimate)}; treatment alone explains {number(100 * self.partial_r2, 3)}%"
        )
        return with_notes(f"{head}\n{self.method}", self.notes)


def robustness_value(
    design: Design,
    outcome: str,
    *,
    adjust: str | Sequence[str],
    q: float = 1.0,
    times: Sequence[float] = (1, 2, 3),
    level: float = 0.95,
) -> Robustness:
    """Robustness values of a linear regression's coefficient of treatment.

    Parameters
    ----------
    design : Design
        Its weights count as in `compare`.
    outcome : str
        A column of its data: a number, or 0 and 1.
    adjust : str or sequence of str
        The covariates of the regression, each of which is a benchmark.
    q : float
        The share of the estimate to be explained away; 1 brings it to nothing.
    times : sequence of float
        How many times as strong as a measured covariate the confounders of the table are.
    level : float
        Confidence level of the limit.

    Returns
    -------
    Robustness

    Raises
    ------
    InputError
        For columns or arguments that cannot be used, or where the regression leaves nothing unexplained.

    Notes
    -----
    The theory is of least squares with its classical error, which is what is used here: matched sets have no say, so
    the error is not that of ``compare(..., adjust=...)``, and the limit's value is rough where the two differ much. It
    bounds the bias of confounders that act linearly.

    References
    ----------
    Cinelli and Hazlett (2020), JRSS B 82, 39-67, sections 4.2 to 4.4.

    Examples
    --------
    >>> from impact.comparison.whole import whole_sample
    >>> rng = np.random.default_rng(1)
    >>> people = pd.DataFrame({"joined": np.tile([1, 0], 100), "age": rng.normal(size=200)})
    >>> people["score"] = people["age"] + people["joined"] + rng.normal(size=200)
    >>> round(robustness_value(whole_sample(people, "joined"), "score", adjust="age").value, 3)
    0.354
    """
    if not isinstance(design, Design):
        raise InputError(f"robustness_value() needs a Design, not {type(design).__name__}.")
    check_level(level)
    names = (adjust,) if isinstance(adjust, str) else tuple(adjust)
    strengths = [float(one) for one in times]
    _check(design, outcome, names, q, strengths)
    people, notes = read_compared(design, outcome, "mean_difference", sets=False, adjust=names)
    enough(people)
    found = [(one.name, values) for one in people.adjust for _, values in one.terms(drop_first=True)]
    side = people.treated.astype(float)
    matrix = np.column_stack([np.ones(len(side)), side, *(values for _, values in found)])
    owner = np.array(["", "", *(name for name, _ in found)])
    kept = independent_columns(matrix)
    matrix, owner = matrix[:, kept], owner[kept]
    df = float(len(matrix) - matrix.shape[1])
    if not kept[1] or df < 2:
        raise InputError("The regression leaves nothing to go by: too many covariates in adjust for these people.")
    root = np.sqrt(people.weights / people.weights.mean())
    rows, y = matrix * root[:, None], people.outcome * root
    beta, bread = least_squares(rows, y, np.ones(len(y)))
    left = float(((y - rows @ beta) ** 2).sum())
    if not left > 1e-12 * float((y**2).sum()):
        raise InputError(
            f"{outcome} is the same for everyone or explained without rest; there is no variance to bound."
        )
    estimate, error = float(beta[1]), float(np.sqrt(left / df * bread[1, 1]))
    strength = abs(estimate) / error / np.sqrt(df)
    critical = float(scipy.stats.t.ppf(0.5 + level / 2, df - 1) / np.sqrt(df - 1))
    benchmarks = []
    for name in names:
        members = owner == name
        if not members.any():
            notes = (*notes, f"{name} is constant or a combination of others, so it is no benchmark.")
            continue
        shares = _shares(rows, y, members)
        for time in strengths:
            benchmarks.append({"covariate": name, "times": time, **_adjusted(shares, time, estimate, error, df, level)})
    return Robustness(
        estimate=estimate,
        std_error=error,
        df=df,
        partial_r2=strength**2 / (1 + strength**2),
        value=robustness(q * strength, 0.0),
        value_limit=robustness(q * strength, critical),
        q=q,
        level=level,
        benchmarks=pd.DataFrame(benchmarks),
        outcome=outcome,
        method=f"Weighted linear regression on {', '.join(names)}, classical error. {design.method}",
        notes=notes,
    )


def robustness(strength: float, critical: float) -> float:
    """The partial R² with treatment and outcome that brings q|t|/√df to a critical value (0 for the estimate itself).

    Where the rest of the outcome would have to be explained beyond what suits the treatment, the second form holds.
    """
    left = strength - critical
    if left <= 0:
        return 0.0
    if critical > 0 and strength > 1 / critical:
        return float((strength**2 - critical**2) / (1 + strength**2))
    return float((np.sqrt(left**4 + 4 * left**2) - left**2) / 2)


def _shares(rows: FloatArray, outcome: FloatArray, members: BoolArray) -> tuple[float, float]:
    """Partial R² of some columns with treatment (column 1, given the others) and with the outcome."""
    others = np.ones(rows.shape[1], dtype=bool)
    others[1] = False
    treatment = rows[:, 1]
    with_treatment = 1 - _rest(rows[:, others], treatment) / _rest(rows[:, others & ~members], treatment)
    with_outcome = 1 - _rest(rows, outcome) / _rest(rows[:, ~members], outcome)
    return max(with_treatment, 0.0), max(with_outcome, 0.0)


def _rest(rows: FloatArray, values: FloatArray) -> float:
    beta = least_squares(rows, values, np.ones(len(values)))[0]
    return float(((values - rows @ beta) ** 2).sum())


def _adjusted(
    shares: tuple[float, float], times: float, estimate: float, error: float, df: float, level: float
) -> dict[str, float]:
    """What a confounder so many times as strong as a covariate would leave of the estimate."""
    d, y = shares
    names = ("r2_treatment", "r2_outcome", "estimate", "std_error", "conf_low", "conf_high")
    r2_d = times * d / (1 - d)
    if r2_d >= 1 or times * d >= 1:
        return dict.fromkeys(names, np.nan)
    between = times * d**2 / ((1 - times * d) * (1 - d))
    if between >= 1:
        return dict.fromkeys(names, np.nan)
    r2_y = (np.sqrt(times) + np.sqrt(between)) ** 2 / (1 - between) * y / (1 - y)
    if r2_y >= 1:
        return dict.fromkeys(names, np.nan)
    bias = error * np.sqrt(df * r2_y * r2_d / (1 - r2_d))
    value = float(np.sign(estimate) * (abs(estimate) - bias))
    spread = float(error * np.sqrt((1 - r2_y) / (1 - r2_d) * df / (df - 1)))
    reach = float(scipy.stats.t.ppf(0.5 + level / 2, df - 1)) * spread
    return dict(zip(names, (r2_d, r2_y, value, spread, value - reach, value + reach), strict=True))


def _check(design: Design, outcome: str, names: tuple[str, ...], q: float, times: list[float]) -> None:
    if not names:
        raise InputError("adjust names no covariate; the robustness value is of a regression on some.")
    forbid_outcome(outcome, treatment=design.treatment, used=(*design.covariates, *names))
    if design.treatment in names:
        raise InputError(f"{design.treatment} is the treatment; it cannot be adjusted for.")
    if not (np.isfinite(q) and 0 < q <= 1):
        raise InputError(f"q must be a share above 0 and up to 1, not {q!r}.")
    if not times or not all(np.isfinite(one) and one > 0 for one in times):
        raise InputError("times must be numbers above 0, at least one.")
