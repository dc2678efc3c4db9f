"""`Design`: the people, with the weights and sets that make them comparable, fixed before an outcome is named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.results import FloatArray, number, with_notes


def effective_number(weights: FloatArray) -> float:
    """Kish's effective number, (Σw)² / Σw²: so many equal weights would vary as these do; NaN where all are 0.

    Examples
    --------
    >>> effective_number(np.array([1.0, 1.0, 1.0])), effective_number(np.array([9.0, 0.0, 0.0]))
    (3.0, 1.0)
    """
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class Design:
    """A comparison, fixed before any outcome is looked at. Every estimator accepts one in place of a DataFrame.

    Attributes
    ----------
    data : DataFrame
        Everyone given, kept or not, as given.
    treatment : str
        The column of `data` that is 1 for treated people and 0 for comparison people.
    weights : Series of float
        On the index of `data`; 0 for a person left out, 1 for each treated person kept under an ATT.
    sets : Series or None
        The matched set of each person, missing where the weight is 0; None where people are not in sets.
    estimand : str
        ``"ATT"``, ``"ATT among the matched"``, ``"ATE"`` or ``"ATO"``.
    covariates : tuple of str
        The columns on which balance is judged.
    method : str
        How the comparison was made, in words.
    flow : DataFrame
        Columns ``step, treated, comparison``: how many were given, dropped and kept, with reasons.
    notes : tuple of str
        Cautions that travel with every estimate made on this design.
    left_out : Series of str or None
        On the index of `data`: why each person was left out, empty for those kept; None where nobody was.
    """

    data: pd.DataFrame
    treatment: str
    weights: pd.Series
    sets: pd.Series | None
    estimand: str
    covariates: tuple[str, ...]
    method: str
    flow: pd.DataFrame
    notes: tuple[str, ...] = ()
    left_out: pd.Series | None = None

    @property
    def effective_n(self) -> dict[str, float]:
        """Kish's effective sample size, (Σw)² / Σw², of each group."""
        treated = self.data[self.treatment].to_numpy() == 1
        weights = self.weights.to_numpy(dtype=float)
        return {
            name: effective_number(part) if np.any(part) else 0.0
            for name, part in (("treated", weights[treated]), ("comparison", weights[~treated]))
        }

    def __repr__(self) -> str:
        size = self.effective_n
        treated = self.data[self.treatment].to_numpy() == 1
        used = self.weights.to_numpy(dtype=float) > 0
        lines = [
            f"{self.method}; estimand: {self.estimand}",
            f"Treated: {int((treated & used).sum()):,} of {int(treated.sum()):,} kept",
            f"Comparison: {int((~treated & used).sum()):,} of {int((~treated).sum()):,} kept"
            f" (effective {number(size['comparison'])})",
            f"Balance is judged on: {', '.join(self.covariates)}",
        ]
        return with_notes("\n".join(lines), self.notes)
