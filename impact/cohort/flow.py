"""The attrition flow: a strict funnel, each step the one before it less those who left, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.frames import BoolArray, IntArray

ARMS = ("treated", "comparison")


@dataclass(frozen=True, slots=True)
class Arm:
    """One entry a person: the step at which they left (empty for those who reach the end), and why."""

    step: np.ndarray
    reason: np.ndarray

    @classmethod
    def of(cls, n: int) -> Arm:
        """n people, none of whom has left."""
        return cls(np.full(n, "", dtype=object), np.full(n, "", dtype=object))

    @property
    def kept(self) -> BoolArray:
        """Who has not left."""
        return self.step == ""

    def lose(self, lost: BoolArray, step: str, reason: str | np.ndarray) -> None:
        """Those of `lost` who have not left yet leave at a step, for a reason (one for all, or one a person)."""
        lost = lost & self.kept
        self.step[lost] = step
        self.reason[lost] = reason if isinstance(reason, str) else reason[lost]

    def then(self, at: IntArray, later: Arm) -> None:
        """Those at the places `at` who have not left yet leave as `later` says of them."""
        still = self.kept[at]
        self.step[at[still]], self.reason[at[still]] = later.step[still], later.reason[still]

    def take(self, keep: BoolArray | IntArray) -> Arm:
        """The people at `keep`."""
        return Arm(self.step[keep], self.reason[keep])


def funnel(
    steps: Sequence[str], first: str, treated: Arm, comparison: Arm, started: BoolArray, completed: BoolArray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The flow of two arms, and who left at each step.

    Parameters
    ----------
    steps : sequence of str
        The steps in order.
    first : str
        What the first step holds.
    treated, comparison : Arm
    started, completed : (treated,) bool
        Who of the treated started, and completed.

    Returns
    -------
    flow : DataFrame
        ``step, treated, comparison, started, completed, reason``: those left after each step, and why the others left.
    left : DataFrame
        ``step, reason, treated, comparison``: those who left at each step, by reason.

    Examples
    --------
    >>> here, yes = Arm.of(3), np.array([True, True, False])
    >>> here.lose(~yes, "accepted", "declined")
    >>> flow, left = funnel(("referred", "accepted"), "referred to the programme", here, Arm.of(0), yes, yes)
    >>> flow[["step", "treated", "started", "reason"]]
           step  treated  started                     reason
    0  referred        3        2  referred to the programme
    1  accepted        2        2                   declined
    """
    arms = dict(zip(ARMS, (treated, comparison), strict=True))
    lost: list[dict[str, object]] = []
    for step in steps[1:]:
        reasons = {
            name: pd.Series(arm.reason[arm.step == step], dtype=object).value_counts() for name, arm in arms.items()
        }
        for reason in sorted(set().union(*(part.index for part in reasons.values()))):
            counts = {name: int(part.get(reason, 0)) for name, part in reasons.items()}
            lost.append({"step": step, "reason": reason, **counts})
    left = pd.DataFrame(lost, columns=["step", "reason", *ARMS]).astype(dict.fromkeys(ARMS, np.int64))
    flow = pd.DataFrame({"step": list(steps)})
    place = {name: pd.Index(steps).get_indexer(pd.Index(arm.step)) for name, arm in arms.items()}
    stays = {name: [(at < 0) | (at > step) for step in range(len(steps))] for name, at in place.items()}
    for name in ARMS:
        flow[name] = [int(part.sum()) for part in stays[name]]
    for name, flag in (("started", started), ("completed", completed)):
        flow[name] = [int((part & flag).sum()) for part in stays["treated"]]
    flow["reason"] = [first, *("; ".join(left.loc[left["step"] == step, "reason"]) for step in steps[1:])]
    return flow, left
