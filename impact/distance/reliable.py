"""Reliable change as plain arrays: how far a second reading lies from what measurement error alone would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from impact.errors import InputError
from impact.frames import FloatArray, IntArray, check_choice

JACOBSON_TRUAX, EDWARDS_NUNNALLY, REGRESSION = METHODS = ("jacobson-truax", "edwards-nunnally", "regression")
OUTCOMES = ("recovered", "improved", "unchanged", "deteriorated")


@dataclass(frozen=True, slots=True)
class Error:
    """Measurement error of a scale.

    Attributes
    ----------
    reliability : float
        Correlation of two readings between which nothing changes, 0 or more and below 1.
    sd : float
        Standard deviation of the scores among the people the reliability belongs to.
    mean : float
        Mean of their scores, towards which a reading is expected to return; not used by Jacobson and Truax.
    method : str
        One of `METHODS`.
    """

    reliability: float
    sd: float
    mean: float
    method: str

    def expected(self, before: FloatArray) -> FloatArray:
        """The second reading to be expected where nothing has changed."""
        if self.method == JACOBSON_TRUAX:
            return before
        return self.mean + self.reliability * (before - self.mean)

    @property
    def spread(self) -> float:
        """The standard error of the second reading about what is expected."""
        r = self.reliability
        share = {JACOBSON_TRUAX: 2 * (1 - r), EDWARDS_NUNNALLY: 1 - r, REGRESSION: 1 - r * r}[self.method]
        return self.sd * math.sqrt(share)


def reliable_index(before: FloatArray, after: FloatArray, error: Error) -> FloatArray:
    """How many standard errors each second reading lies above what is expected of somebody who has not changed.

    Jacobson and Truax (1991): (x₂ − x₁) / (s √(2(1 − r))). Edwards and Nunnally (Edwards and others 1978; Speer 1992):
    (x₂ − [m + r(x₁ − m)]) / (s √(1 − r)), the second reading against an interval about the estimated true score.
    Regression-based, of Gulliksen, Lord and Novick (Hsu 1989): (x₂ − [m + r(x₁ − m)]) / (s √(1 − r²)), against what
    the first reading predicts.

    Parameters
    ----------
    before, after : array of float, shape (n,)
    error : Error

    Examples
    --------
    >>> round(float(reliable_index(np.array([47.5]), np.array([32.5]), Error(0.88, 7.5, 0, "jacobson-truax"))[0]), 2)
    -4.08
    """
    return np.asarray((after - error.expected(before)) / error.spread, dtype=float)


def critical(level: float) -> float:
    """The index beyond which a change is called reliable, 1.96 at 0.95."""
    return float(scipy.stats.norm.ppf(0.5 + level / 2))


def outcomes(
    before: FloatArray, after: FloatArray, index: FloatArray, level: float, cutoff: float | None, higher: bool
) -> IntArray:
    """The place of each person's outcome in `OUTCOMES`.

    Recovered: reliably better, and across the cut-off from its clinical side, which holds the scores at or above it
    where lower is better and those below it where higher is. Nobody is recovered without a cut-off.
    """
    better = index if higher else -index
    reach = critical(level)
    found = np.full(len(index), 2, dtype=np.int64)
    found[better > reach] = 1
    found[better < -reach] = 3
    if cutoff is not None:
        clinical_before, clinical_after = ((x < cutoff) if higher else (x >= cutoff) for x in (before, after))
        found[(found == 1) & clinical_before & ~clinical_after] = 0
    return found


def clinical_cutoff(
    kind: str,
    *,
    clinical: tuple[float, float] | None = None,
    functional: tuple[float, float] | None = None,
) -> float:
    """The cut-off between a clinical and a functional population by the rules of Jacobson and Truax (1991).

    Parameters
    ----------
    kind : {"a", "b", "c"}
        ``"a"``: two standard deviations from the clinical mean, towards the functional; ``"b"``: two from the
        functional mean, towards the clinical; ``"c"``: where a score is as likely in the one as in the other,
        (s₀m₁ + s₁m₀) / (s₀ + s₁).
    clinical, functional : (mean, standard deviation)
        Of the two populations. All rules need both: the other's mean says which way.

    Examples
    --------
    >>> round(clinical_cutoff("c", clinical=(19.7, 7.7), functional=(4.7, 4.8)), 2)
    10.46
    """
    check_choice("kind", kind, ("a", "b", "c"))
    if clinical is None or functional is None:
        raise InputError("clinical and functional must each be a mean and a standard deviation.")
    (m1, s1), (m0, s0) = clinical, functional
    if not (s0 > 0 and s1 > 0) or m0 == m1:
        raise InputError("The standard deviations must be above 0 and the two means apart.")
    towards = math.copysign(1.0, m0 - m1)
    if kind == "a":
        return m1 + 2 * towards * s1
    return m0 - 2 * towards * s0 if kind == "b" else (s0 * m1 + s1 * m0) / (s0 + s1)
