"""What uncertainty about links does to a result: thresholds tried in turn, and uncertain links drawn many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import FloatArray, check_level
from impact.records.linkage.links import ENDS, Links
from impact.results import Estimate, normal_interval, number, t_test, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Estimator = Callable[[pd.DataFrame], "Estimate | float"]
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Where an estimate is tried unless others are asked for: a choice of this library."""


@dataclass(frozen=True, eq=False, repr=False)
class LinkSensitivity:
    """An estimate at several thresholds. Made by `link_sensitivity`."""

    table: pd.DataFrame
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a threshold: ``threshold, estimate, std_error, conf_low, conf_high, n_links, n_false, n_missed``."""
        return self.table.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """The estimate and its interval by threshold."""
        import matplotlib.pyplot as plt

        ax = plt.subplots()[1] if ax is None else ax
        ax.plot(self.table["threshold"], self.table["estimate"], color="black", marker="o")
        ax.vlines(self.table["threshold"], self.table["conf_low"], self.table["conf_high"], color="0.45")
        ax.set_xlabel("Probability from which a pair is a link")
        ax.set_ylabel("Estimate")
        return ax

    def __repr__(self) -> str:
        low, high = self.table["estimate"].min(), self.table["estimate"].max()
        head = f"Over {len(self.table)} thresholds of linkage the estimate runs from {number(low)} to {number(high)}"
        return with_notes(head, self.notes)


def link_sensitivity(links: Links, estimate: Estimator, *, thresholds: Sequence[float] = THRESHOLDS) -> LinkSensitivity:
    """Run an estimate again with the links of each threshold.

    Parameters
    ----------
    links : Links
    estimate : callable
        Takes the links (a DataFrame ``left_id, right_id, match_probability``) and gives an `Estimate` or a number.
    thresholds : sequence of float

    Returns
    -------
    LinkSensitivity

    Raises
    ------
    InputError
        Where a threshold is not a probability, or the function gives neither an Estimate nor a number.
    """
    if not len(thresholds):
        raise InputError("thresholds must hold at least one probability.")
    quality = links.quality(thresholds=thresholds)
    rows = []
    for place, threshold in enumerate(thresholds):
        value, std_error, low, high = _four(estimate(links.at(threshold)))
        row = {"threshold": threshold, "estimate": value, "std_error": std_error, "conf_low": low, "conf_high": high}
        rows.append(row | quality.iloc[place][["n_links", "n_false", "n_missed"]].to_dict())
    note = (
        "Where the estimate moves with the threshold, false and missed links matter to it; the truth may lie outside."
    )
    return LinkSensitivity(pd.DataFrame(rows).astype({"n_links": np.int64}), (note,))


def impute_links(
    links: Links,
    estimate: Estimator,
    *,
    draws: int = 20,
    seed: int = 2022,
    certain: float = 0.999,
    level: float = 0.95,
) -> Estimate:
    """Multiple imputation of uncertain links: draw who is whom many times, and combine by Rubin's rules.

    In each draw a pair is a link with its own probability; where one_to_one holds, the pairs of one record compete, and
    none of them may win (Goldstein, Harron and Wade 2012, in its simplest form). The estimates are combined as Rubin
    (1987, chapter 3): the mean; the mean variance within plus 1 + 1/m times the variance between; t with Rubin's
    degrees of freedom. The model's parameters are taken as known, and pairs that were never compared stay unlinked, so
    the interval is still too narrow rather than too wide.

    Parameters
    ----------
    links : Links
    estimate : callable
        Takes the links of a draw (a DataFrame ``left_id, right_id, match_probability``) and gives an `Estimate` with a
        standard error.
    draws : int
        How many times, two at least.
    seed : int
    certain : float
        Pairs accepted by rule, or with this probability at least, are links in every draw where they do not compete.
    level : float

    Returns
    -------
    Estimate
        ``n`` is that of the first draw.

    Raises
    ------
    InputError
        Where draws or certain cannot be used, or an estimate has no standard error.
    """
    check_level(level)
    if not isinstance(draws, int | np.integer) or draws < 2:
        raise InputError(f"draws must be a whole number, 2 or more, not {draws!r}.")
    if not 0 < certain <= 1:
        raise InputError(f"certain must lie above 0 and be 1 at most, not {certain!r}.")
    rng = np.random.default_rng(seed)
    found: list[Estimate] = []
    for _ in range(draws):
        one = estimate(draw_links(links, rng, certain))
        if not isinstance(one, Estimate) or not np.isfinite([one.estimate, one.std_error]).all():
            raise InputError("impute_links() needs an Estimate with a standard error from each draw of links.")
        found.append(one)
    values, errors = np.array([one.estimate for one in found]), np.array([one.std_error for one in found])
    mean, std_error, df, share = rubin(values, errors)
    made = t_test(mean, std_error, df, level)
    return Estimate(
        found[0].term,
        mean,
        std_error,
        made.statistic,
        made.p_value,
        made.conf_low,
        made.conf_high,
        level,
        found[0].n,
        found[0].n_events,
        f"{found[0].method} Uncertain links drawn {draws} times (Rubin's rules).".strip(),
        (*found[0].notes, f"Of the variance, {share:.1%} comes from not knowing which records are one person."),
    )


def rubin(values: FloatArray, errors: FloatArray) -> tuple[float, float, float, float]:
    """Rubin's rules (1987, 3.1.2 to 3.1.6): mean, standard error, degrees of freedom, share of variance between.

    Examples
    --------
    >>> [round(part, 4) for part in rubin(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))]
    [2.0, 1.5275, 6.125, 0.5714]
    """
    m = len(values)
    within, between = float(np.mean(errors**2)), float(np.var(values, ddof=1))
    extra = (1 + 1 / m) * between
    total = within + extra
    df = (m - 1) * (1 + within / extra) ** 2 if extra > 0 else np.inf
    return float(values.mean()), float(np.sqrt(total)), df, extra / total if total > 0 else 0.0


def draw_links(links: Links, rng: np.random.Generator, certain: float = 0.999) -> pd.DataFrame:
    """One draw of who is whom.

    Each pair bids the logarithm of its odds plus a Gumbel draw, and no link bids a Gumbel draw of its own: a pair alone
    is then a link with exactly its probability, and pairs that compete win in proportion to their odds.
    """
    pairs = links.pairs
    p = pairs["match_probability"].to_numpy()
    p = np.where(p >= certain, 1.0, p)
    with np.errstate(divide="ignore"):
        bid = np.log(p) - np.log1p(-p) + rng.gumbel(size=len(p))
    none = rng.gumbel(size=len(p))
    if not links.one_to_one:
        return pairs.loc[bid > none, [*ENDS, "match_probability"]].reset_index(drop=True)
    # Pairs that are certain bid without limit; their weight then says which is the better.
    rank = np.lexsort((pairs["match_weight"].fillna(np.inf).to_numpy(), bid))
    place = np.empty(len(p), dtype=np.int64)
    place[rank] = np.arange(len(p))
    wins = np.ones(len(p), dtype=bool)
    for end in ENDS:
        codes = pd.factorize(pairs[end])[0]
        best = np.full(codes.max(initial=-1) + 1, -1, dtype=np.int64)
        np.maximum.at(best, codes, place)
        wins &= best[codes] == place
    codes = pd.factorize(pairs["left_id"])[0]
    first = np.unique(codes, return_index=True)[1]
    wins &= bid > none[first][codes]
    return pairs.loc[wins, [*ENDS, "match_probability"]].reset_index(drop=True)


def _four(found: Estimate | float) -> tuple[float, float, float, float]:
    if isinstance(found, Estimate):
        low, high = found.conf_low, found.conf_high
        if not np.isfinite([low, high]).all() and np.isfinite(found.std_error):
            low, high = normal_interval(found.estimate, found.std_error, found.level)
        return found.estimate, found.std_error, low, high
    if isinstance(found, int | float | np.number):
        return float(found), np.nan, np.nan, np.nan
    raise InputError(f"The estimate must give an Estimate or a number, not {type(found).__name__}.")
