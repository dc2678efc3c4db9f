"""`Effect`: one estimated effect with what was compared, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from impact.comparison.contrasts import Inference
from impact.frames import FloatArray
from impact.results import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Found:
    """An estimate before it is dressed: what is said of it, both means, how it was made, and cautions."""

    inference: Inference
    means: FloatArray
    words: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Effect(Estimate):
    """An `Estimate` with what was compared.

    Attributes
    ----------
    mean_treated, mean_comparison : float
        Mean, proportion or rate of each group: weighted, and adjusted where `method` says that the means are
        standardised or doubly robust. A regression coefficient leaves them as they are.
    n_treated, n_comparison : int
        People in each group.
    measure : str
        ``"risk_difference"`` and so on.
    """

    mean_treated: float = float("nan")
    mean_comparison: float = float("nan")
    n_treated: int = 0
    n_comparison: int = 0
    measure: str = ""

    def tidy(self) -> pd.DataFrame:
        """One row: the columns of an `Estimate`, then mean_treated, mean_comparison, n_treated, n_comparison."""
        more = ("mean_treated", "mean_comparison", "n_treated", "n_comparison")
        return Estimate.tidy(self).assign(**{name: getattr(self, name) for name in more})

    def plot(self, ax: Axes | None = None) -> Axes:
        """The estimate and its interval beside the line of no effect; `forest` draws several."""
        from impact.comparison.forest import forest

        return forest({self.term: self}, ax=ax)


def effect(
    measure: str,
    outcome: str,
    found: Inference,
    *,
    level: float,
    counts: tuple[int, int],
    n_events: int | None,
    means: tuple[float, float],
    method: str,
    notes: tuple[str, ...],
) -> Effect:
    """An `Effect` from its parts; `counts` and `means` are of the treated and of the others."""
    return Effect(
        term=f"{measure.replace('_', ' ')} in {outcome}",
        estimate=found.estimate,
        std_error=found.std_error,
        statistic=found.statistic,
        p_value=found.p_value,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        level=level,
        n=sum(counts),
        n_events=n_events,
        method=method,
        notes=notes,
        mean_treated=means[0],
        mean_comparison=means[1],
        n_treated=counts[0],
        n_comparison=counts[1],
        measure=measure,
    )
