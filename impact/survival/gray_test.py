"""Gray's test: do groups differ in the cumulative incidence of one cause?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from impact.design import Design
from impact.errors import InputError
from impact.frames import FloatArray
from impact.results import Test, number, with_notes
from impact.survival.numbers.gray_score import GrayScore, gray_score
from impact.survival.reading.causes import check_causes, highest_code, read_causes
from impact.survival.reading.faults import refuse
from impact.survival.reading.groups import read_compared

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL = 1e-10


@dataclass(frozen=True, eq=False)
class GrayTest:
    """Gray's test of one cause.

    Attributes
    ----------
    labels : tuple
        The groups, in the order of `tidy`.
    n, n_events : tuple of int
        People of each group, and their events of the cause.
    observed, expected : (G,) float
        Events of the cause, and those expected of each group, both weighted where `rho` is not 0.
    statistic, df, p_value : float
        The statistic, its degrees of freedom, and p from the chi-squared distribution.
    null, method : str
        What the test takes to be true, and how it was made, in words.
    notes : tuple of str
        Rows left out, and cautions.
    """

    labels: tuple[object, ...]
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    observed: FloatArray
    expected: FloatArray
    statistic: float
    df: float
    p_value: float
    null: str
    method: str
    notes: tuple[str, ...]

    @property
    def test(self) -> Test:
        """The test alone."""
        return Test("Gray's test", self.null, self.statistic, self.p_value, self.df, self.notes)

    def tidy(self) -> pd.DataFrame:
        """One row a group: group, n, n_events, observed, expected."""
        return pd.DataFrame(
            {
                "group": pd.Series(self.labels, dtype=object),
                "n": self.n,
                "n_events": self.n_events,
                "observed": self.observed,
                "expected": self.expected,
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Events of the cause seen in each group beside those expected were the groups alike."""
        from impact.survival.figures.expected import seen_and_expected

        return seen_and_expected([str(label) for label in self.labels], self.observed, self.expected, ax=ax)

    def __repr__(self) -> str:
        lines = [
            f"{self.method}: statistic {number(self.statistic)}, df = {number(self.df)}, p = {number(self.p_value, 2)}",
            f"Null hypothesis: {self.null}",
        ]
        for row in self.tidy().to_dict("records"):
            lines.append(
                f"{row['group']}: n = {row['n']:,}, events = {row['n_events']:,}; observed {number(row['observed'])},"
                f" expected {number(row['expected'])}"
            )
        return with_notes("\n".join(lines), self.notes)


def gray_test(
    data: pd.DataFrame | Design,
    duration: str,
    event: str,
    by: str,
    *,
    cause: int | str = 1,
    causes: Sequence[str] | None = None,
    strata: str | Sequence[str] | None = None,
    entry: str | None = None,
    rho: float = 0.0,
) -> GrayTest:
    """Test whether groups have the same cumulative incidence of one cause, others competing (Gray 1988).

    The log-rank test of cause-specific hazards asks another question: a group in which more people are recalled has
    fewer reoffences to come, and this test sees it.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    duration, event : str
        Columns: time from the start to the first event or to the end of follow-up, 0 or more; 0 for no event and 1, 2,
        … for the cause.
    by : str
        Column of groups, two or more.
    cause : int or str
        The cause whose incidence is compared: its code, or its name in `causes`.
    causes : sequence of str, optional
        What 1, 2, … stand for. Left out, the causes are the codes, none of which may be skipped.
    strata : str or list of str, optional
        Columns within whose every combination the groups are compared.
    entry : str, optional
        Refused: the test needs everyone from the start.
    rho : float
        Differences at t weigh (1 − F(t−))^rho, with F the pooled incidence: above 0, early ones weigh more.

    Returns
    -------
    GrayTest
        ``statistic``, ``df``, ``p_value``, ``test``, ``tidy()`` (observed and expected events by group), ``plot()``,
        ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; for a Design or an entry; where there is no event of the cause, one
        group alone, or groups that are never at risk together.

    Notes
    -----
    As R's ``cmprsk::cuminc``: ties, weights and the pooled incidence in the variance are the same. O(n log n).

    Examples
    --------
    >>> people = pd.DataFrame({"days": [1, 3, 6, 6, 8, 9, 9, 9], "what": [1, 0, 1, 2, 1, 1, 0, 2]})
    >>> people["arm"] = list("aabbabab")
    >>> gray_test(people, "days", "what", "arm")
    Gray's test of cause 1: statistic 0.2771, df = 1, p = 0.6
    Null hypothesis: the groups of arm have the same cumulative incidence of cause 1
    a: n = 4, events = 2; observed 2, expected 1.483
    b: n = 4, events = 2; observed 2, expected 2.517
    """
    if isinstance(data, Design):
        raise InputError(
            "gray_test takes no Design, for it has no weights: use fine_gray with the groups as a covariate, whose"
            " robust test of that coefficient asks the same."
        )
    if entry is not None:
        raise InputError(
            "gray_test takes no entry: with delayed entry compare the hazards of the cause by cox, with the same cause."
        )
    if not np.isfinite(rho):
        raise InputError(f"rho must be a finite number, not {rho!r}.")
    check_causes(causes)
    people = read_compared(
        data,
        duration,
        event,
        by,
        strata=strata,
        entry=None,
        weights=None,
        cluster=None,
        highest=highest_code(causes),
    )
    outcome, group, labels = people.outcome, people.codes, people.labels
    found = read_causes(outcome.event, causes, event)
    code = found.code(cause, event)
    score = gray_score(outcome.ranks, found.event, code, group, strata=outcome.group, rho=rho)
    statistic, df = _statistic(score, by)
    notes = list(people.notes)
    if df < len(labels) - 1:
        notes.append(f"{df} of {len(labels) - 1} comparisons can be made: some groups are never at risk together.")
    of = found.words(cause)
    parts = (f"Gray's test of {of}", people.within, f"rho = {number(rho)}" if rho else "")
    return GrayTest(
        labels,
        people.n,
        tuple(np.bincount(group[found.event == code], minlength=len(labels)).tolist()),
        score.observed,
        score.expected,
        statistic,
        float(df),
        float(scipy.stats.chi2.sf(statistic, df)),
        f"the groups of {by} have the same cumulative incidence of {of}"
        + (" within each stratum" if people.within else ""),
        "; ".join(part for part in parts if part),
        tuple(notes),
    )


def _statistic(score: GrayScore, by: str) -> tuple[float, int]:
    """The quadratic form of the differences in the inverse of their covariance, and its rank."""
    if score.beyond:
        refuse(
            by,
            "has groups so far apart that their pooled incidence passes 1",
            remedy="compare them by cumulative_incidence; no test is needed to tell them apart.",
        )
    size, vectors = np.linalg.eigh(score.covariance)
    kept = size > SMALL * max(float(size[-1]), SMALL)
    if not kept.any():
        refuse(by, "has no two groups at risk together at an event of the cause", remedy="leave out the strata.")
    along = vectors[:, kept].T @ (score.observed - score.expected)
    return float(np.sum(along**2 / size[kept])), int(kept.sum())
