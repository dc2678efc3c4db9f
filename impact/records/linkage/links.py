"""`Links`: who is whom, how sure, who could not be linked, and what the flow was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import InputError, row_fault
from impact.records.linkage.model import Model
from impact.results import proportion, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
"""Where quality is told unless others are asked for: a choice of this library."""
ENDS = ["left_id", "right_id"]


@dataclass(frozen=True, eq=False, repr=False)
class Links:
    """The result of a linkage. Made by `link`.

    Attributes
    ----------
    pairs : DataFrame
        One row a pair that may be one person: ``left_id, right_id, match_probability, match_weight, rule, linked``.
        A pair accepted by a rule has probability 1 by convention; its weight (in bits) is the model's.
    clusters : DataFrame
        One row a record: ``side, record_id, person_id``; records with the same person_id are taken for one person.
    flow : DataFrame
        ``step, n, reason``: from records to links, as RECORD (12.3) asks.
    review : DataFrame
        The pairs that a person should look at: ``left_id, right_id, match_probability, explanation``, the most
        doubtful first. The explanation says which fields agree and what each adds, never a value.
    compared : DataFrame
        Linked beside unlinked left records: ``term, n_linked, n_unlinked, mean_linked, mean_unlinked, smd`` (the
        difference in standard deviations; infinite where each side is all alike and they differ).
    model : DataFrame
        ``field, level, m, u, weight, estimated``.
    threshold : float
        The probability from which a pair is a link.
    one_to_one : bool
        Whether each record may be in one link alone.
    notes : tuple of str
        Cautions.
    """

    pairs: pd.DataFrame
    clusters: pd.DataFrame
    flow: pd.DataFrame
    review: pd.DataFrame
    compared: pd.DataFrame
    model: pd.DataFrame
    threshold: float
    one_to_one: bool
    notes: tuple[str, ...]
    dedupe: bool
    _levels: pd.DataFrame
    _model: Model

    def tidy(self) -> pd.DataFrame:
        """The pairs that are links."""
        return self.pairs[self.pairs["linked"]].reset_index(drop=True)

    def at(self, threshold: float) -> pd.DataFrame:
        """The pairs that would be links at another threshold: ``left_id, right_id, match_probability``."""
        _check_threshold(threshold)
        chosen = select(self.pairs, threshold, self.one_to_one)
        return self.pairs.loc[chosen, [*ENDS, "match_probability"]].reset_index(drop=True)

    def quality(self, truth: pd.DataFrame | None = None, *, thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
        """False and missed links at each threshold: estimated from the model, or counted where the truth is known.

        Parameters
        ----------
        truth : DataFrame, optional
            The true pairs, ``left_id, right_id``. Without it, the expected false links are the sum of one less the
            probability over the links, and the expected missed links the sum of the probability over the pairs that
            are none (Fellegi and Sunter 1969): as good as the model, and blind to pairs that were never compared.
        thresholds : sequence of float

        Returns
        -------
        DataFrame
            ``threshold, n_links, n_false, n_missed, precision, recall, f1``; with the truth also ``precision_low,
            precision_high, recall_low, recall_high`` (Wilson, 95%).

        Raises
        ------
        InputError
            A threshold that is not a probability above 0; a truth without the two columns, or with pairs that could not
            be found because a record is not in the files.
        """
        if not len(thresholds):
            raise InputError("thresholds must hold at least one probability.")
        if truth is None:
            return pd.DataFrame([self._expected(threshold) for threshold in thresholds])
        lacking = [name for name in ENDS if name not in truth.columns]
        if lacking:
            raise InputError(f"truth needs the columns left_id and right_id; {', '.join(lacking)} is missing.")
        self._check_truth(truth)
        true = pd.MultiIndex.from_frame(_ordered(truth[ENDS], self.dedupe).drop_duplicates())
        rows = []
        for threshold in thresholds:
            found = pd.MultiIndex.from_frame(_ordered(self.at(threshold)[ENDS], self.dedupe))
            right = int(found.isin(true).sum())
            precision, p_low, p_high = proportion(right, len(found), 0.95)
            recall, r_low, r_high = proportion(right, len(true), 0.95)
            row = _row(threshold, len(found), len(found) - right, len(true) - right, precision, recall)
            rows.append(
                row | {"precision_low": p_low, "precision_high": p_high, "recall_low": r_low, "recall_high": r_high}
            )
        return pd.DataFrame(rows)

    def _check_truth(self, truth: pd.DataFrame) -> None:
        """Raise where a true pair could not be found: of a record that is not in the files, or of one with itself."""
        sides = self.clusters.groupby("side")["record_id"]
        files = [sides.get_group("left"), sides.get_group("left" if self.dedupe else "right")]
        strange = np.logical_or.reduce([~truth[end].isin(ids) for end, ids in zip(ENDS, files, strict=True)])
        alone = (truth["left_id"] == truth["right_id"]) & self.dedupe
        why = "it would count as missed, whatever the linkage does."
        faults = [
            row_fault(problem, bad.tolist(), table="truth", why=why, remedy=remedy)
            for problem, bad, remedy in (
                ("names records that are not in the files", strange, "write ids as in the files, text as text."),
                ("pairs a record with itself", alone, "leave these rows out."),
            )
            if bad.any()
        ]
        if faults:
            raise InputError("The truth cannot be used:", faults)

    def _expected(self, threshold: float) -> dict[str, float]:
        _check_threshold(threshold)
        p = self.pairs["match_probability"].to_numpy()
        chosen = select(self.pairs, threshold, self.one_to_one)
        true, missed = float(p[chosen].sum()), float(p[~chosen].sum())
        n = int(chosen.sum())
        return _row(threshold, n, n - true, missed, true / n if n else np.nan, true / (true + missed) if n else np.nan)

    def waterfall(self, left_id: object, right_id: object) -> pd.DataFrame:
        """What each field adds to one pair's weight: ``field, level, weight, total``, from the prior to the sum."""
        at = np.flatnonzero(((self.pairs["left_id"] == left_id) & (self.pairs["right_id"] == right_id)).to_numpy())
        if not len(at):
            raise InputError("That pair is not among the pairs: it was not compared, or is all but impossible.")
        if self.pairs["match_weight"].iloc[at].isna().any():
            raise InputError("That pair was accepted by a rule and not scored by the model, so no weight can be shown.")
        steps = contributions(self._levels.iloc[at], self.pairs["match_weight"].to_numpy()[at], self._model)
        table = pd.DataFrame([{"field": f, "level": text[0], "weight": float(w[0])} for f, text, w in steps])
        return table.assign(total=table["weight"].cumsum())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Expected precision and recall by threshold."""
        import matplotlib.pyplot as plt

        ax = plt.subplots()[1] if ax is None else ax
        table = self.quality()
        ax.plot(
            table["threshold"], table["precision"], color="black", marker="o", label="Links that are right (expected)"
        )
        ax.plot(
            table["threshold"], table["recall"], color="0.45", linestyle="--", marker="s",
            label="Right pairs that are linked (expected)",
        )  # fmt: skip
        ax.axvline(self.threshold, color="0.7", linewidth=1)
        ax.set_xlabel("Probability from which a pair is a link")
        ax.set_ylabel("Share")
        ax.legend(frameon=False)
        return ax

    def __repr__(self) -> str:
        lines = [f"  {row.step:<42}{row.n:>12,}" for row in self.flow.itertuples()]
        return with_notes("\n".join(["Linkage", *lines]), self.notes)


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise InputError(f"threshold must lie above 0 and be 1 at most, not {threshold!r}.")


def _row(threshold: float, n: int, false: float, missed: float, precision: float, recall: float) -> dict[str, float]:
    f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else np.nan
    return {"threshold": threshold, "n_links": n, "n_false": false, "n_missed": missed} | {
        "precision": precision, "recall": recall, "f1": f1
    }  # fmt: skip


def _ordered(pairs: pd.DataFrame, dedupe: bool) -> pd.DataFrame:
    """Pairs within one file with the lesser id (as text) first."""
    if not dedupe:
        return pairs
    left, right = pairs["left_id"].astype(str), pairs["right_id"].astype(str)
    return pd.DataFrame({"left_id": left.where(left < right, right), "right_id": right.where(left < right, left)})


def select(pairs: pd.DataFrame, threshold: float, one_to_one: bool) -> np.ndarray:
    """Which pairs are links: those from the threshold on; one to one, the likeliest first, each record once."""
    chosen = (pairs["match_probability"] >= threshold).to_numpy()
    if not one_to_one:
        return chosen
    at = np.flatnonzero(chosen)
    kept = pairs.iloc[at]
    order = np.lexsort((np.arange(len(at)), -kept["match_weight"].to_numpy(), -kept["match_probability"].to_numpy()))
    left, right = (pd.factorize(kept[name])[0] for name in ENDS)
    used_left, used_right = np.zeros(len(at), dtype=bool), np.zeros(len(at), dtype=bool)
    out = np.zeros(len(pairs), dtype=bool)
    for place in order.tolist():
        if not used_left[left[place]] and not used_right[right[place]]:
            used_left[left[place]] = used_right[right[place]] = True
            out[at[place]] = True
    return out


def contributions(levels: pd.DataFrame, weight: np.ndarray, model: Model) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The prior, each field and the rarity of the values: for each pair what is said and what it adds, in bits."""
    n = len(levels)
    prior = float(np.log2(model.prior / (1 - model.prior)))
    out = [("prior", np.full(n, "any two records", dtype=object), np.full(n, prior))]
    rest = weight - prior
    for one in model.comparisons:
        held = levels[one.field].to_numpy()
        bits = np.array([*np.log2(np.array(model.m[one.field]) / np.array(model.u[one.field])), 0.0])[held]
        texts = np.array([*(level.label for level in one.levels), "missing"], dtype=object)[held]
        out.append((one.field, texts, bits))
        rest = rest - bits
    if model.frequencies:
        out.append(("rarity", np.full(n, "how common the values are", dtype=object), rest))
    return out
