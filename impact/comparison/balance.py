"""How alike the groups are, covariate by covariate, before and after matching or weighting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.comparison.balance_figures import love, mirrored, sample_name, spread_of
from impact.comparison.covariates import read_covariates, read_treatment
from impact.comparison.likeness import likeness, sample_of
from impact.comparison.products import terms_of
from impact.design import Design
from impact.errors import InputError
from impact.frames import Columns, FloatArray, check_choice
from impact.results import number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLDS = (0.05, 0.10)
WORDS = ("well matched", "reasonably well matched", "poorly matched")
KINDS = ("love", "distribution")
SLACK = 1e-12
"""A standardised difference this little above a threshold is rounding."""


@dataclass(frozen=True, eq=False)
class Balance:
    """Balance of every term in each sample.

    Attributes
    ----------
    table : DataFrame
        ``term, sample, mean_treated, mean_comparison, smd, variance_ratio, ks, ecdf_mean, quality``.
    thresholds : tuple of float
        Absolute standardised differences up to which a term is called by the first and the second word.
    words : tuple of str
        The three words. They and the thresholds are this library's defaults, not an official standard.
    design : Design
        What was judged.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    thresholds: tuple[float, float]
    words: tuple[str, str, str]
    design: Design
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each term and sample: ``"all"``, then ``"matched"``, or ``"weighted"`` for a weighted design."""
        return self.table.copy()

    def overall(self) -> pd.DataFrame:
        """All terms in one row for each sample.

        Returns
        -------
        DataFrame
            ``sample, n_terms, max_smd, max_term, mean_smd``: how many terms have a standardised difference, the
            greatest of them without its sign, whose it is (the first of several), and their mean without signs;
            ``within_0.05, within_0.1`` (or what the thresholds are): the share of terms up to each threshold;
            ``effective_treated, effective_comparison``: Kish's effective sample sizes. A mean hides one bad term among
            many good ones, so it is never to be given without the greatest.
        """
        treated = self.design.data[self.design.treatment].to_numpy(dtype=float) == 1
        rows = []
        for sample, part in self.table.groupby("sample", sort=True):
            known = part[part["smd"].notna()]
            size = known["smd"].abs().to_numpy(dtype=float)
            row: dict[str, object] = {"sample": sample, "n_terms": len(size)}
            row |= {"max_smd": np.nan, "max_term": "", "mean_smd": np.nan}
            if len(size):
                worst = int(np.argmax(size))
                row |= {"max_smd": size[worst], "max_term": known["term"].iloc[worst], "mean_smd": size.mean()}
            for threshold in self.thresholds:
                row[f"within_{threshold:g}"] = float(np.mean(size <= threshold + SLACK)) if len(size) else np.nan
            effective = {"treated": float(treated.sum()), "comparison": float((~treated).sum())}
            if sample != "all":
                effective = self.design.effective_n
            rows.append(row | {f"effective_{name}": value for name, value in effective.items()})
        return pd.DataFrame(rows)

    def distribution(self, covariate: str) -> pd.DataFrame:
        """How a covariate is spread in each group of each sample.

        Parameters
        ----------
        covariate : str
            One of those judged.

        Returns
        -------
        DataFrame
            ``sample, value, low, high, treated, comparison``: the share of each group's weight at each value, or from
            `low` to below `high` in the last range with its end, in 20 equal ranges of a number that takes more than 12
            values (`value` is empty then; otherwise `low` and `high`). People without a value are left out.
        """
        return spread_of(self._judged(covariate), self.design)

    def plot(self, ax: Axes | None = None, *, kind: str = "love", covariate: str | None = None) -> Axes:
        """Every term at a glance, or one covariate as it is spread.

        Parameters
        ----------
        ax : Axes, optional
        kind : {"love", "distribution"}
            ``"love"``: absolute standardised differences, hollow before and filled after, with the thresholds.
            ``"distribution"``: the table of `distribution`, the treated above the line and the others below; bars are
            after matching or weighting, the stepped outline before.
        covariate : str, optional
            For ``"distribution"``: which; needed where there are several.
        """
        check_choice("kind", kind, KINDS)
        if kind == "love":
            if covariate is not None:
                raise InputError("covariate belongs to kind='distribution'; the love plot shows every term.")
            return love(self.table, self.thresholds, ax)
        name = self._judged(covariate)
        return mirrored(spread_of(name, self.design), name, ax)

    def _judged(self, covariate: str | None) -> str:
        known = self.design.covariates
        if covariate is None and len(known) > 1:
            raise InputError(f"There are several covariates: say which in covariate, one of {', '.join(known)}.")
        chosen = known[0] if covariate is None else covariate
        check_choice("covariate", chosen, known)
        return chosen

    def __repr__(self) -> str:
        lines = []
        for sample, part in self.table.groupby("sample", sort=True):
            counts = ", ".join(f"{word} {int((part['quality'] == word).sum())}" for word in self.words)
            worst = int(np.argmax(part["smd"].abs().fillna(-1).to_numpy()))
            smd, term = part["smd"].iloc[worst], part["term"].iloc[worst]
            lines.append(f"Balance, {sample}: {counts}; largest standardised difference {number(smd, 2)} ({term})")
        return with_notes("\n".join(lines), self.notes)


def balance(
    design: Design,
    *,
    squares: bool = False,
    interactions: bool = False,
    thresholds: tuple[float, float] = THRESHOLDS,
    words: tuple[str, str, str] = WORDS,
) -> Balance:
    """Compare the covariates of the two groups, in everyone given and in those matched or weighted.

    Parameters
    ----------
    design : Design
        Its covariates are judged; a covariate that is not a number gives one row for each level.
    squares, interactions : bool
        Whether to judge the squares of numbers too (not of 0 and 1), and the products of each pair of covariates, level
        by level: means can agree where spreads, or the people who have two things at once, do not.
    thresholds : tuple of two floats
        The absolute standardised differences up to which a term is "well" and "reasonably well" matched.
    words : tuple of three strings
        What to call them.

    Returns
    -------
    Balance
        ``smd`` is the difference of means over one standard deviation, taken in everyone given so that matching cannot
        change it: that of the treated for an ATT, and for an ATE the root of the mean of both groups' variances. A
        term of 0 and 1 is standardised too, by the root of p(1 − p). ``variance_ratio`` (treated over comparison; not
        for terms of 0 and 1) uses Σw(x − m)² Σw / ((Σw)² − Σw²). ``ks`` is the greatest distance between the weighted
        distribution functions, and ``ecdf_mean`` their mean distance over the values that anyone given has, all but
        the greatest, where both are 1; for terms of 0 and 1 both are the difference of the shares. A design in which
        everyone has weight 1 has the rows of ``"all"`` alone.

    Raises
    ------
    InputError
        Where the design has no covariates, or the thresholds do not ascend.

    References
    ----------
    Austin (2009), Statistics in Medicine 28, 3083-3107; Stuart (2010), Statistical Science 25, 1-21.
    """
    if not isinstance(design, Design):
        raise InputError(f"balance() needs a Design, not {type(design).__name__}.")
    if not design.covariates:
        raise InputError("The design names no covariates, so there is no balance to judge.")
    if len(thresholds) != 2 or not 0 < thresholds[0] <= thresholds[1]:
        raise InputError(f"thresholds must be two ascending numbers above 0, not {thresholds!r}.")
    if len(words) != 3:
        raise InputError(f"words must be three, not {len(words)}.")
    columns = Columns(design)
    treated = read_treatment(columns, design.treatment) == 1
    covariates = read_covariates(columns, design.covariates)
    columns.rows()
    weights = design.weights.to_numpy(dtype=float)
    samples = {"all": np.ones(columns.n)}
    if not (weights == 1).all():
        samples[sample_name(design)] = weights
    everyone = [sample_of(weight, treated) for weight in samples.values()]
    rows: list[dict[str, object]] = []
    notes = list(design.notes)
    pooled = not design.estimand.startswith("ATT")
    borrowed = []
    for covariate in covariates:
        if covariate.missing.any():
            many = int(covariate.missing.sum())
            notes.append(f"{covariate.name} is missing for {many:,}, who are left out of its rows.")
    for term, values, known in terms_of(covariates, squares=squares, interactions=interactions):
        side, here = treated, everyone
        if not known.all():
            values, side = values[known], treated[known]
            here = [sample_of(weight[known], side) for weight in samples.values()]
        found, usual = likeness(values, side, here, pooled=pooled)
        if not usual:
            borrowed.append(term)
        rows += [{"term": term, "sample": name, **one} for name, one in zip(samples, found, strict=True)]
    if borrowed:
        notes.append(
            f"The same for everyone treated, so standardised by the spread of all people: {', '.join(borrowed)}."
        )
    table = pd.DataFrame(rows)
    table["quality"] = _quality(table["smd"].to_numpy(), thresholds, words)
    return Balance(table, (float(thresholds[0]), float(thresholds[1])), words, design, tuple(notes))


def _quality(smd: FloatArray, thresholds: Sequence[float], words: Sequence[str]) -> list[str]:
    size = np.abs(smd) - SLACK
    places = np.searchsorted(thresholds, size, side="left")
    return ["not known" if np.isnan(one) else words[place] for one, place in zip(size, places, strict=True)]
