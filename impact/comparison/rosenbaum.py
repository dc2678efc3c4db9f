"""How large a hidden bias would have to be to explain a matched difference away: Rosenbaum's bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.comparison.compared import Compared, read_compared, whole_sets
from impact.comparison.covariates import forbid_outcome
from impact.comparison.gamma import (
    EXACT_PAIRS,
    Tails,
    binary_tails,
    hodges_lehmann,
    is_exact,
    kinds_of_sets,
    signed_rank_tails,
    signed_ranks,
)
from impact.design import Design
from impact.errors import InputError
from impact.figures import COLOURS, new_axes, open_frame
from impact.frames import FloatArray, check_choice, check_level
from impact.results import number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAMMAS = tuple(round(1 + step / 10, 1) for step in range(21))
ALTERNATIVES = ("two-sided", "less", "greater")
LARGEST = 1e6


@dataclass(frozen=True, eq=False)
class Rosenbaum:
    """Bounds on a p-value, and on an estimate, by the size of a hidden bias.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    critical_gamma : float
        The bias at which the upper bound of p passes 1 − level; NaN where it is past it without any bias. At most
        1,000,000.
    outcome, alternative, method : str
        What was tested, and how, in words.
    level : float
    n, n_sets, n_informative : int
        People, sets, and sets that say something: those in which the outcome varies.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    critical_gamma: float
    outcome: str
    alternative: str
    method: str
    level: float
    n: int
    n_sets: int
    n_informative: int
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each bias: ``gamma, p_lower, p_upper``, for signed ranks also ``estimate_low, estimate_high``."""
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Both bounds of p against gamma, with the level and where the upper bound passes it."""
        axes = new_axes(ax, 4.2)
        gamma = self.table["gamma"]
        axes.plot(gamma, self.table["p_upper"], color=COLOURS[0], label="Largest p that the bias allows")
        axes.plot(gamma, self.table["p_lower"], color=COLOURS[1], linestyle="--", label="Smallest p")
        axes.axhline(1 - self.level, color="0.45", linestyle=":", label=f"p = {1 - self.level:g}")
        if gamma.min() <= self.critical_gamma <= gamma.max():
            axes.plot(self.critical_gamma, 1 - self.level, "o", color=COLOURS[0])
            axes.annotate(
                f"Γ = {number(self.critical_gamma, 3)}",
                (self.critical_gamma, 1 - self.level),
                (-6, 6),
                textcoords="offset points",
                ha="right",
            )
        top = float(self.table["p_upper"].max())
        axes.set_ylim(-0.02 * top, max(1.1 * top, 1.5 * (1 - self.level)))
        axes.set_xlabel("Γ: odds of treatment may differ by this factor between people matched")
        axes.set_ylabel(f"p ({self.alternative})")
        open_frame(axes)
        axes.legend(frameon=False)
        return axes

    def __repr__(self) -> str:
        limit = f"{1 - self.level:g}"
        first = self.table["p_upper"].iloc[int(np.argmin(self.table["gamma"]))]
        least = self.table["gamma"].min()
        if np.isnan(self.critical_gamma):
            said = f"p is above {limit} without any hidden bias, so there is nothing for a bias to explain away"
        else:
            said = (
                f"the largest p passes {limit} at gamma = {number(self.critical_gamma, 3)}: people matched would have "
                "to differ in their odds of treatment by that factor"
            )
        head = (
            f"Rosenbaum bounds for {self.outcome} ({self.alternative}; {self.n_informative:,} of {self.n_sets:,} sets "
            f"vary): largest p at gamma = {number(least)} is {number(first, 2)}; {said}"
        )
        return with_notes(f"{head}\n{self.method}", self.notes)


def rosenbaum(
    design: Design,
    outcome: str,
    *,
    gammas: Sequence[float] = GAMMAS,
    alternative: str = "two-sided",
    level: float = 0.95,
) -> Rosenbaum:
    """Bounds on the p-value of a matched comparison under a hidden bias.

    Two people of one set look alike on what was matched. Suppose something not recorded lets their odds of treatment
    differ by a factor of up to gamma: these are the largest and the smallest p-values that could then have come out,
    whatever that something has to do with the outcome.

    Parameters
    ----------
    design : Design
        With matched sets, nobody used twice.
    outcome : str
        A column of 0 and 1 (any sets: McNemar's statistic and its extension to sets) or a number (pairs only:
        Wilcoxon's signed ranks).
    gammas : sequence of float
        Biases, from 1 (none).
    alternative : {"two-sided", "less", "greater"}
        Whether the treated have other, lower or higher outcomes. Two-sided p is twice the smaller of the one-sided.
    level : float
        1 − level is what p is held against.

    Returns
    -------
    Rosenbaum

    Raises
    ------
    InputError
        For a design without sets, a number in sets that are not pairs, an outcome that varies in no set, or a gamma
        below 1.

    Notes
    -----
    A critical gamma is not a probability that there is a bias, and says nothing of its direction. It tells how strong
    one would have to be; whether that is far-fetched is to be judged from what is known to drive joining. The p-values
    are of the sharp hypothesis that treatment changed nobody's outcome. Each set counts by its people, not by weights.
    Pairs without a difference are left out before differences are ranked (Wilcoxon's rule; Rosenbaum's examples rank
    them too); the Hodges-Lehmann estimates count them.

    References
    ----------
    Rosenbaum (2002), Observational Studies, 2nd ed., chapter 4; Rosenbaum (1987), Biometrika 74, 13-26.

    Examples
    --------
    >>> people = pd.DataFrame({"joined": [1, 0] * 12, "score": range(24), "again": [0, 1] * 9 + [0, 0] * 3})
    >>> from impact.comparison import match, propensity
    >>> design = match(propensity("joined ~ score", people, score="score"))
    >>> round(rosenbaum(design, "again").critical_gamma, 3)
    1.974
    """
    if not isinstance(design, Design):
        raise InputError(f"rosenbaum() needs a Design with matched sets, not {type(design).__name__}.")
    check_choice("alternative", alternative, ALTERNATIVES)
    check_level(level)
    asked = _gammas(gammas)
    if design.sets is None:
        raise InputError(
            "Rosenbaum bounds are of matched sets, and this design has none (matching with replacement, by radius and "
            "weights form none). Match without replacement, or use e_value()."
        )
    forbid_outcome(outcome, treatment=design.treatment, used=design.covariates)
    people, notes = read_compared(design, outcome, "mean_difference")
    people, more = whole_sets(people)
    notes = (*notes, *(note for note in more if "scaled" not in note))
    if np.isin(people.outcome, (0, 1)).all():
        tails, words, informative, differences = _binary(people)
    else:
        tails, words, informative, differences = _ranked(people, outcome)
    if not informative:
        raise InputError(f"{outcome} varies in no matched set, so there is nothing to test.")
    rows = []
    for gamma in asked:
        low, high = _bounds(tails, gamma, alternative)
        row = {"gamma": gamma, "p_lower": low, "p_upper": high}
        if differences is not None:
            row["estimate_low"], row["estimate_high"] = hodges_lehmann(differences, gamma)
        rows.append(row)
    return Rosenbaum(
        table=pd.DataFrame(rows),
        critical_gamma=_critical(tails, alternative, 1 - level),
        outcome=outcome,
        alternative=alternative,
        method=f"{words}. {design.method}",
        level=level,
        n=len(people.outcome),
        n_sets=int(people.clusters.max()) + 1,
        n_informative=informative,
        notes=notes,
    )


TailsOf = Callable[[float], Tails]


def _binary(people: Compared) -> tuple[TailsOf, str, int, None]:
    kinds = kinds_of_sets(people.outcome, people.treated, people.clusters)
    pairs = bool((np.bincount(people.clusters) == 2).all())
    name = "McNemar's test" if pairs else "Events among the treated of each set, given the events in the set"
    how = "exact" if is_exact(kinds) else "normal approximation"
    return lambda gamma: binary_tails(kinds, gamma), f"{name} ({how})", int(kinds.sets.sum()), None


def _ranked(people: Compared, outcome: str) -> tuple[TailsOf, str, int, FloatArray]:
    size, some = np.bincount(people.clusters), np.bincount(people.clusters, weights=people.treated)
    if not ((size == 2) & (some == 1)).all():
        raise InputError(
            f"{outcome} is a number, and signed ranks need pairs: some sets have more than two people. Match 1:1, or "
            "give an outcome of 0 and 1."
        )
    sign = np.where(people.treated, 1.0, -1.0)
    differences = np.bincount(people.clusters, weights=sign * people.outcome).astype(np.float64)
    ranks, statistic = signed_ranks(differences)
    how = "exact" if len(ranks) <= EXACT_PAIRS else "normal approximation"
    words = f"Wilcoxon's signed-rank test ({how}), Hodges-Lehmann estimates"
    return lambda gamma: signed_rank_tails(ranks, statistic, gamma), words, len(ranks), differences


def _bounds(tails: TailsOf, gamma: float, alternative: str) -> tuple[float, float]:
    """The smallest and the largest p under a bias of up to gamma."""
    raised, lowered = tails(gamma), tails(1 / gamma)
    greater, less = (lowered.upper, raised.upper), (raised.lower, lowered.lower)
    if alternative == "greater":
        return greater
    if alternative == "less":
        return less
    low, high = (min(1.0, 2 * min(pair)) for pair in zip(greater, less, strict=True))
    return low, high


def _critical(tails: TailsOf, alternative: str, limit: float) -> float:
    """The gamma at which the largest p reaches the limit, by halving on the logarithm."""
    if _bounds(tails, 1.0, alternative)[1] > limit:
        return float("nan")
    low, high = 0.0, float(np.log(LARGEST))
    while high - low > 1e-12:
        middle = (low + high) / 2
        if _bounds(tails, float(np.exp(middle)), alternative)[1] <= limit:
            low = middle
        else:
            high = middle
    return float(np.exp(low))


def _gammas(gammas: Sequence[float]) -> list[float]:
    found = [float(gamma) for gamma in gammas]
    if not found or not all(np.isfinite(gamma) and gamma >= 1 for gamma in found):
        raise InputError("gammas must be numbers from 1 (no hidden bias), at least one.")
    return found
