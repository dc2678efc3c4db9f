"""The claims gate for subgroups: what a planned or an unplanned look at parts permits to be said."""

from __future__ import annotations

import math
from dataclasses import dataclass

from impact.errors import Fault, InputError
from impact.evidence.claims import BALANCE_LIMIT, DESIGNS, Verdict, maryland_level, said_of
from impact.evidence.wording import wording
from impact.results import number


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupFinding:
    """What was done to see whether a result differs between subgroups.

    Attributes
    ----------
    programme, design, worst_smd, level
        As in `Finding`: of the result on everyone.
    outcome : str
        The outcome in words.
    by : str
        What makes the subgroups, in words that follow "by" ("age").
    planned : bool
        Whether the subgroups were named before outcomes were joined.
    groups, estimated : int
        How many subgroups there are, and how many of them have an estimate.
    p_value : float
        Of the test whether they differ, adjusted for every such test that was made; NaN where there is none.
    tests : int
        How many such tests were made.
    minimum_analysed : int
        Fewest people, on either side, on whom a subgroup's result is given.
    """

    programme: str
    by: str
    design: str
    planned: bool
    groups: int
    estimated: int
    outcome: str = "a proven reoffence within one year"
    p_value: float = math.nan
    tests: int = 1
    worst_smd: float = math.nan
    minimum_analysed: int = 30
    level: float = 0.95

    @property
    def balanced(self) -> bool:
        """Whether the groups compared are known to be alike."""
        return abs(self.worst_smd) <= BALANCE_LIMIT


def subgroup_verdict(finding: SubgroupFinding) -> Verdict:
    """Judge a look at subgroups: the sentences that its plan, design, sizes and test permit, and no others.

    Parameters
    ----------
    finding : SubgroupFinding

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        With every fault of the finding.

    Examples
    --------
    >>> seen = SubgroupFinding(programme="Blue Sky", by="age", design="matched", planned=False, groups=2, estimated=2,
    ...     p_value=0.001, worst_smd=0.04)
    >>> subgroup_verdict(seen).status
    'not_planned'
    """
    _check(finding)
    status, level = _status(finding), maryland_level(finding.design, balanced=finding.balanced)
    words = {
        "programme": finding.programme,
        "outcome": finding.outcome,
        "by": finding.by,
        "by_start": finding.by[:1].upper() + finding.by[1:],
        "groups": finding.groups,
        "estimated": finding.estimated,
        "minimum": finding.minimum_analysed,
        "p": "none could be made" if math.isnan(finding.p_value) else f"p = {number(finding.p_value, 2)}",
        "tests": "the one test made" if finding.tests == 1 else f"all {finding.tests} tests made",
    }
    return said_of(status, level, wording()["apart"][status], words, ())


def _check(finding: SubgroupFinding) -> None:
    faults = []
    if finding.design not in DESIGNS:
        faults.append(Fault(f"must be one of {', '.join(DESIGNS)}, not {finding.design!r}", column="design"))
    if not 0 < finding.level < 1:
        faults.append(Fault("must lie between 0 and 1", column="level"))
    if not (math.isnan(finding.p_value) or 0 <= finding.p_value <= 1):
        faults.append(Fault("must lie between 0 and 1", column="p_value"))
    if not 0 <= finding.estimated <= finding.groups:
        faults.append(Fault("must lie between 0 and groups", column="estimated"))
    if finding.tests < (not math.isnan(finding.p_value)):
        faults.append(Fault("must count the test whose p_value is given", column="tests"))
    if faults:
        raise InputError("The look at subgroups cannot be judged:", faults)


def _status(finding: SubgroupFinding) -> str:
    if not finding.planned:
        return "not_planned"
    if finding.design == "matched" and not finding.balanced:
        return "not_comparable"
    if finding.estimated == 0 or finding.design == "none":
        return "none_estimated"
    if finding.design == "before_after":
        return "not_tested"
    if finding.estimated == 1:
        return "one_estimated"
    return "differ" if finding.p_value <= 1 - finding.level else "not_shown_to_differ"
