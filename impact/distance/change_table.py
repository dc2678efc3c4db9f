"""The numbers of a change, one row for each scale and group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.distance.paired import NAN, mean_change, signed_rank
from impact.distance.permutation import sign_flip
from impact.distance.readings import Pairs
from impact.frames import FloatArray, IntArray
from impact.results import adjusted_p_values, tidy_rows

TESTED = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a change.

    Attributes
    ----------
    level : float
        Confidence level.
    low, high : float or None
        The ends of the scale.
    better : str
    threshold : float or None
        The least change that counts as one; None where any does.
    permutations : int or None
        Resamples of the sign-flip test; None where it is not asked for.
    seed : int
    """

    level: float
    low: float | None
    high: float | None
    better: str
    threshold: float | None
    permutations: int | None
    seed: int


def change_table(
    pairs: Pairs, scales: Sequence[object], groups: tuple[str, IntArray, Sequence[object]] | None, asked: Asked
) -> pd.DataFrame:
    """One row a scale, or a scale and group (its name, its code of each pair, its labels); p-values adjusted."""
    bounds = np.searchsorted(pairs.scale, np.arange(len(scales) + 1))
    rows = []
    for code, label in enumerate(scales):
        where = slice(int(bounds[code]), int(bounds[code + 1]))
        here = pairs.part(where)
        if not len(here.scale):
            continue
        if groups is None:
            rows.append(_row(str(label), None, here, asked))
            continue
        for place, group in enumerate(groups[2]):
            mine = groups[1][where] == place
            if mine.any():
                rows.append(_row(str(label), group, here.part(mine), asked))
    return adjusted(tidy_rows(rows), before="signed_rank")


def adjusted(table: pd.DataFrame, *, before: str) -> pd.DataFrame:
    """The table with ``p_holm`` and ``p_bh`` before a column: Holm (1979), Benjamini and Hochberg (1995)."""
    place = list(table.columns).index(before)
    table.insert(place, "p_holm", adjusted_p_values(table["p_value"], "holm"))
    table.insert(place + 1, "p_bh", adjusted_p_values(table["p_value"], "benjamini-hochberg"))
    return table


def _row(term: str, group: object, pairs: Pairs, asked: Asked) -> dict[str, object]:
    both = pairs.both
    before, after, alone = pairs.before[both], pairs.after[both], pairs.before[~both]
    changes = after - before
    tested, ranked = mean_change(before, after, asked.level), signed_rank(changes)
    up, down = _moved(changes, asked.threshold)
    n_first = len(both)
    seen = np.concatenate([pairs.before, after])
    low = float(seen.min()) if asked.low is None else asked.low
    high = float(seen.max()) if asked.high is None else asked.high

    def if_ended_at(end: float | None) -> float:
        return NAN if end is None else float(changes.sum() + (end - alone).sum()) / n_first

    row = {
        "term": term,
        **{name: getattr(tested, name) for name in TESTED},
        "n": len(before),
        "n_first": n_first,
        "n_first_only": len(alone),
        "mean_before": _mean(before),
        "mean_after": _mean(after),
        "sd_before": _sd(before),
        "sd_after": _sd(after),
        "signed_rank": ranked.statistic,
        "signed_rank_p": ranked.p_value,
        "signed_rank_method": ranked.method,
        "d_z": tested.d_z,
        "d_av": tested.d_av,
        "rank_biserial": ranked.rank_biserial,
        "improved": up if asked.better == "higher" else down,
        "unchanged": len(before) - up - down,
        "declined": down if asked.better == "higher" else up,
        "floor_before": _share(before, low),
        "floor_after": _share(after, low),
        "ceiling_before": _share(before, high),
        "ceiling_after": _share(after, high),
        "mean_before_missing": _mean(alone),
        "carried_forward": float(changes.sum()) / n_first,
        "bound_low": if_ended_at(asked.low),
        "bound_high": if_ended_at(asked.high),
    }
    if asked.permutations is not None:
        flipped = sign_flip(changes, asked.permutations, asked.seed)
        row |= {"permutation_p": flipped.p_value, "permutation_method": flipped.method}
    if pairs.days is not None:
        row["median_days"] = float(np.median(pairs.days[both])) if both.any() else NAN
    return row if group is None else row | {"group": group}


def _moved(changes: FloatArray, threshold: float | None) -> tuple[int, int]:
    """How many went up, and down, by the threshold or more (by anything at all without one)."""
    if threshold is None:
        return int((changes > 0).sum()), int((changes < 0).sum())
    least = threshold - 1e-9 * max(threshold, 1.0)
    return int((changes >= least).sum()), int((changes <= -least).sum())


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else NAN


def _sd(values: FloatArray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else NAN


def _share(values: FloatArray, end: float) -> float:
    return float((values == end).mean()) if len(values) else NAN
