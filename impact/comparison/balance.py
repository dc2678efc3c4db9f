"""How alike the groups are, covariate by covariate, before and after matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.comparison.covariates import read_covariates, read_treatment
from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray
from impact.results import number, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLDS = (0.05, 0.10)
WORDS = ("well matched", "reasonably well matched", "poorly matched")


@dataclass(frozen=True, eq=False)
class Balance:
    """Balance of every term in each sample.

    Attributes
    ----------
    table : DataFrame
        ``term, sample, mean_treated, mean_comparison, smd, variance_ratio, ks, quality``.
    thresholds : tuple of float
        Absolute standardised differences up to which a term is called by the first and the second word.
    words : tuple of str
        The three words. They and the thresholds are this library's defaults, not an official standard.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    thresholds: tuple[float, float]
    words: tuple[str, str, str]
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row for each term and sample (``"all"``, then ``"matched"``)."""
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """The love plot: absolute standardised differences, hollow before matching and filled after."""
        terms = list(dict.fromkeys(self.table["term"]))
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots(figsize=(7, 1.2 + 0.3 * len(terms)), layout="constrained")[1]
        where = {term: place for place, term in enumerate(reversed(terms))}
        for sample, marker, face in (("all", "o", "white"), ("matched", "s", "black")):
            part = self.table[self.table["sample"] == sample]
            if len(part):
                label = "Everyone" if sample == "all" else "After matching"
                heights = [where[term] for term in part["term"]]
                ax.plot(part["smd"].abs(), heights, marker, mfc=face, mec="black", label=label, linestyle="none")
        for threshold, style in zip(self.thresholds, (":", "--"), strict=True):
            ax.axvline(threshold, color="0.4", linestyle=style, linewidth=1, label=f"{threshold:g}")
        ax.set_yticks(list(where.values()), list(where))
        ax.set_xlim(left=0)
        ax.set_xlabel("Absolute standardised mean difference")
        ax.grid(axis="y", color="0.9")
        ax.set_axisbelow(True)
        ax.legend(frameon=False)
        return ax

    def __repr__(self) -> str:
        lines = []
        for sample, part in self.table.groupby("sample", sort=True):
            counts = ", ".join(f"{word} {int((part['quality'] == word).sum())}" for word in self.words)
            worst = int(np.argmax(part["smd"].abs().fillna(-1).to_numpy()))
            smd, term = part["smd"].iloc[worst], part["term"].iloc[worst]
            lines.append(f"Balance, {sample}: {counts}; largest standardised difference {number(smd, 2)} ({term})")
        return with_notes("\n".join(lines), self.notes)


def balance(
    design: Design, *, thresholds: tuple[float, float] = THRESHOLDS, words: tuple[str, str, str] = WORDS
) -> Balance:
    """Compare the covariates of the two groups, in everyone given and in those matched.

    Parameters
    ----------
    design : Design
        Its covariates are judged; a covariate that is not a number gives one row for each level.
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
        distribution functions. A design in which everyone has weight 1 has no ``"matched"`` rows.

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
    samples = [("all", np.ones(columns.n))]
    if not (weights == 1).all():
        samples.append(("matched", weights))
    rows: list[dict[str, object]] = []
    notes = list(design.notes)
    pooled = not design.estimand.startswith("ATT")
    borrowed = []
    for covariate in covariates:
        known = ~covariate.missing
        if not known.all():
            notes.append(f"{covariate.name} is missing for {int((~known).sum()):,}, who are left out of its rows.")
        for term, values in covariate.terms():
            order = np.argsort(values)[: int(known.sum())]
            ascending, side = values[order], treated[order]
            spread, usual = _denominator(ascending, side, pooled=pooled)
            if not usual:
                borrowed.append(term)
            for sample, weight in samples:
                numbers = term_balance(ascending, side, weight[order], spread)
                rows.append({"term": term, "sample": sample, **numbers})
    if borrowed:
        notes.append(
            f"The same for everyone treated, so standardised by the spread of all people: {', '.join(borrowed)}."
        )
    table = pd.DataFrame(rows)
    table["quality"] = _quality(table["smd"].to_numpy(), thresholds, words)
    return Balance(table, (float(thresholds[0]), float(thresholds[1])), words, tuple(notes))


def term_balance(values: FloatArray, treated: BoolArray, weights: FloatArray, spread: float) -> dict[str, float]:
    """Means, standardised difference, variance ratio and KS distance of one term: ascending, none missing."""
    sides = [(values[side], weights[side]) for side in (treated & (weights > 0), ~treated & (weights > 0))]
    if any(len(x) == 0 for x, _ in sides):
        return dict.fromkeys(("mean_treated", "mean_comparison", "smd", "variance_ratio", "ks"), np.nan)
    means = [float(np.average(x, weights=w)) for x, w in sides]
    apart = means[0] - means[1]
    smd = apart / spread if spread > 0 else np.nan
    if abs(apart) <= 1e-12 * max(abs(means[0]), abs(means[1])):
        smd = 0.0
    ratio = np.nan
    if not _binary(values):
        top, bottom = (weighted_variance(x, w) for x, w in sides)
        ratio = top / bottom if bottom > 0 else np.nan
    return {
        "mean_treated": means[0],
        "mean_comparison": means[1],
        "smd": smd,
        "variance_ratio": ratio,
        "ks": _ks(values, treated, weights),
    }


def weighted_variance(values: FloatArray, weights: FloatArray) -> float:
    """Σw(x − m)² Σw / ((Σw)² − Σw²); the usual variance where weights are equal, NaN for one person."""
    total, squares = weights.sum(), (weights**2).sum()
    if len(values) < 2:
        return float("nan")
    mean = (weights @ values) / total
    return float(weights @ (values - mean) ** 2 * total / (total**2 - squares))


def _binary(values: FloatArray) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _denominator(values: FloatArray, treated: BoolArray, *, pooled: bool) -> tuple[float, bool]:
    """The standard deviation of the treated (or of both), or of everyone where that is zero; whether it was usual."""
    if len(values) == 0 or not treated.any() or treated.all():
        return 0.0, True
    binary = _binary(values)
    parts = [values[treated], values[~treated]] if pooled else [values[treated]]
    variance = float(np.mean([_variance(part, binary=binary) for part in parts]))
    if variance > 0:
        return float(np.sqrt(variance)), True
    everyone = _variance(values, binary=binary)
    return float(np.sqrt(everyone)), everyone == 0


def _variance(values: FloatArray, *, binary: bool) -> float:
    if binary:
        return float(values.mean() * (1 - values.mean()))
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def _ks(values: FloatArray, treated: BoolArray, weights: FloatArray) -> float:
    signed = np.where(treated, weights / weights[treated].sum(), -weights / weights[~treated].sum())
    last = np.append(values[1:] != values[:-1], True)
    return float(np.abs(np.cumsum(signed)[last]).max())


def _quality(smd: FloatArray, thresholds: Sequence[float], words: Sequence[str]) -> list[str]:
    size = np.abs(smd) - 1e-12
    places = np.searchsorted(thresholds, size, side="left")
    return ["not known" if np.isnan(one) else words[place] for one, place in zip(size, places, strict=True)]
