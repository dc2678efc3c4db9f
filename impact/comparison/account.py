"""Who is kept and who is left out of a comparison, and why: every person has one reason or none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.frames import BoolArray

ALONE = "nobody of the other group agrees on the exact columns"
FAR = "no comparison person near enough"
FEW = "fewer comparison people near enough than the least asked for"
TAKEN = "every comparison person near enough was taken"
STRATUM = "nobody of the other group in the stratum"
TRIMMED = "score outside the range kept"
UNLIKE = "left out so that the groups are alike"
NOT_CHOSEN = "not chosen for comparison"

REASONS = (ALONE, STRATUM, TRIMMED, FAR, FEW, TAKEN, UNLIKE, NOT_CHOSEN)
"""In the order of the flow."""
OFF_SUPPORT = (ALONE, STRATUM, TRIMMED, FAR, FEW)
"""Those that mean: there is nobody to compare this person with, whoever chooses first."""


def flow_of(reasons: np.ndarray, treated: BoolArray, last: str) -> pd.DataFrame:
    """Given, left out by reason, and `last`: those kept.

    Returns
    -------
    DataFrame
        ``step, treated, comparison``; given less those left out are those of the last step.
    """

    def row(step: str, members: BoolArray) -> tuple[str, int, int]:
        return step, int((members & treated).sum()), int((members & ~treated).sum())

    found = [(reason, reasons == reason) for reason in REASONS]
    rows = [row("Given", np.ones(len(reasons), dtype=bool))]
    rows += [row(f"Left out: {reason}", members) for reason, members in found if members.any()]
    return pd.DataFrame([*rows, row(last, reasons == "")], columns=["step", "treated", "comparison"])


def target(estimand: str, lost: int, among: str) -> str:
    """The estimand, which says so where people it is about are left out."""
    return f"{estimand} among the {among}" if lost else estimand
