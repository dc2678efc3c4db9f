"""The designs that matching and weighting return: a `Design` that knows its balance and whom it lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from impact.design import Design

if TYPE_CHECKING:
    from impact.comparison.balance import Balance


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonDesign(Design):
    """A `Design` made by `match`, `weight` or `whole_sample`."""

    def balance(
        self,
        *,
        squares: bool = False,
        interactions: bool = False,
        thresholds: tuple[float, float] | None = None,
        words: tuple[str, str, str] | None = None,
    ) -> Balance:
        """How alike the groups are, before and after; see `balance`."""
        from impact.comparison.balance import THRESHOLDS, WORDS, balance

        return balance(
            self,
            squares=squares,
            interactions=interactions,
            thresholds=THRESHOLDS if thresholds is None else thresholds,
            words=WORDS if words is None else words,
        )

    def lost(self) -> pd.DataFrame:
        """The treated people kept beside those left out, by covariate.

        Returns
        -------
        DataFrame
            ``term, n_kept, n_lost, mean_kept, mean_lost, smd``; empty where no treated person was left out.
        """
        from impact.comparison.lost import beside

        treated = (self.data[self.treatment] == 1).to_numpy()
        kept = (self.weights > 0).to_numpy()[treated]
        return beside(self.data[treated], kept, self.covariates)[0]


@dataclass(frozen=True, eq=False, repr=False)
class MatchedDesign(ComparisonDesign):
    """A `Design` made by `match`.

    Attributes
    ----------
    pairs : DataFrame or None
        ``treated, comparison`` (labels of the index) and ``distance``, in the order of choice (optimal and cardinality:
        in the order of the sets); None for methods that form no pairs.
    strata : Series or None
        The stratum of each person for exact, coarsened and subclass matching, missing where the weight is 0.
    """

    pairs: pd.DataFrame | None = None
    strata: pd.Series | None = None


@dataclass(frozen=True, eq=False, repr=False)
class WeightedDesign(ComparisonDesign):
    """A `Design` made by `weight`."""
