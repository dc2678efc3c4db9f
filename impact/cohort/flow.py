"""The attrition flow: a strict funnel, each step the one before it less those who left, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.frames import IntArray


@dataclass(frozen=True, slots=True)
class Arm:
    """One entry a person: the last step reached (0 is the first) and why no further (ignored at the last step)."""

    stage: IntArray
    reason: np.ndarray


def funnel(steps: tuple[str, ...], first: str, treated: Arm, comparison: Arm) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The flow of two arms, and who left at each step.

    Parameters
    ----------
    steps : tuple of str
        The steps in order.
    first : str
        What the first step holds.

    Returns
    -------
    flow : DataFrame
        ``step, treated, comparison, reason``: those left after each step, and why the others left.
    left : DataFrame
        ``step, reason, treated, comparison``: those who left at each step, by reason.

    Examples
    --------
    >>> here = Arm(np.array([0, 1, 1]), np.array(["declined", "", ""], dtype=object))
    >>> flow, left = funnel(("referred", "accepted"), "referred to the programme", here, here)
    >>> flow[["step", "treated", "reason"]]
           step  treated                     reason
    0  referred        3  referred to the programme
    1  accepted        2                   declined
    """
    names = ("treated", "comparison")
    arms = (treated, comparison)
    lost: list[dict[str, object]] = []
    for step in range(1, len(steps)):
        reasons = [arm.reason[arm.stage == step - 1] for arm in arms]
        for reason in sorted(set(np.concatenate(reasons).tolist())):
            counts = {name: int((part == reason).sum()) for name, part in zip(names, reasons, strict=True)}
            lost.append({"step": steps[step], "reason": reason, **counts})
    left = pd.DataFrame(lost, columns=["step", "reason", *names]).astype(dict.fromkeys(names, np.int64))
    flow = pd.DataFrame({"step": steps})
    for name, arm in zip(names, arms, strict=True):
        flow[name] = [int((arm.stage >= step).sum()) for step in range(len(steps))]
    flow["reason"] = [first, *("; ".join(left.loc[left["step"] == step, "reason"]) for step in steps[1:])]
    return flow, left
