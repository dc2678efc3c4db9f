"""The Nelson-Aalen estimate in numbers: cumulative hazards by group, two variances, limits, and counts at any time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from impact.survival.numbers.product_limit import ProductLimit, _jackknife, product_limit
from impact.survival.reading.groups import Grouped
from impact.survival.riskset import FloatArray, IntArray, TimeRanks, risk_sets, scan

CONF_TYPES = ("log", "plain", "arcsine")
TIES = ("nelson-aalen", "fleming-harrington")


@dataclass(frozen=True, slots=True)
class CumulativeHazard:
    """Cumulative hazards on the cells of a product-limit curve, K of them.

    Attributes
    ----------
    counts : ProductLimit
        Times, numbers at risk, events and groups of the cells.
    hazard, error : (K,) float
        The cumulative hazard and its standard error.
    """

    counts: ProductLimit
    hazard: FloatArray
    error: FloatArray


def cumulative_hazard(
    ranks: TimeRanks,
    event: FloatArray,
    *,
    group: IntArray | None = None,
    weights: FloatArray | None = None,
    cluster: IntArray | None = None,
    robust: bool = False,
    ties: str = "nelson-aalen",
) -> CumulativeHazard:
    """H(t) = Σ d / Y, with Aalen's variance Σ d / Y² or the infinitesimal jackknife's, summed by cluster.

    With Fleming and Harrington's ties the d deaths of a time meet Y, Y − 1, …, Y − d + 1 people one after another.
    """
    curve = product_limit(ranks, event, group=group, weights=weights)
    if ties == "fleming-harrington":
        step, spread = one_by_one(curve.n_event, curve.n_risk)
    else:
        step, spread = curve.n_event / curve.n_risk, curve.n_event / curve.n_risk**2
    if robust:
        sets = risk_sets(ranks, np.ones(len(event), dtype=bool), group)
        variance = _jackknife(sets, spread, curve.n_risk, event, group, weights, cluster)
    else:
        variance = scan(spread, curve.bounds)
    return CumulativeHazard(curve, scan(step, curve.bounds), np.sqrt(variance))


def one_by_one(deaths: FloatArray, people: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Σ 1 / (Y − j) and Σ 1 / (Y − j)² over j = 0, …, d − 1, at each cell (whole numbers).

    Examples
    --------
    >>> one_by_one(np.array([2.0, 0.0]), np.array([4.0, 2.0]))[0].round(6)
    array([0.583333, 0.      ])
    """
    count = np.rint(deaths).astype(np.int64)
    cell = np.repeat(np.arange(len(count)), count)
    met = people[cell] - (np.arange(len(cell)) - (np.cumsum(count) - count)[cell])
    first, second = (np.bincount(cell, part, len(count)).astype(float) for part in (1 / met, 1 / met**2))
    return first, second


def hazard_limits(hazard: FloatArray, error: FloatArray, level: float, conf_type: str) -> tuple[FloatArray, FloatArray]:
    """Pointwise interval of H(t) on the scale of `conf_type`, never below 0; NaN where H is 0.

    Klein and Moeschberger (2003), section 4.3, and Bie, Borgan and Liestøl (1987) for the arcsine.
    """
    reach = float(scipy.stats.norm.ppf(0.5 + level / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        h = np.where(hazard > 0, hazard, np.nan)
        if conf_type == "plain":
            low, high = np.maximum(h - reach, 0.0), h + reach
        elif conf_type == "log":
            low, high = h * np.exp(-reach / h), h * np.exp(reach / h)
        else:
            centre, half = np.arcsin(np.exp(-h / 2)), reach / 2 / np.sqrt(np.expm1(h))
            low = -2 * np.log(np.sin(np.minimum(centre + half, np.pi / 2)))
            high = -2 * np.log(np.sin(np.maximum(centre - half, 0.0)))
    return low, high


def count_at_risk(people: Grouped, times: FloatArray) -> FloatArray:
    """How many of each group (or what weight) are at risk just before each time, (G, m): entry < time <= duration."""
    wanted, back = np.unique(times, return_inverse=True)
    ranks, weights = people.outcome.ranks, people.outcome.weights
    n_groups, width = len(people.labels), len(wanted) + 1
    reached = np.searchsorted(wanted, ranks.grid, side="right")
    base = people.codes * np.int64(width)
    gone = np.bincount(base + reached[ranks.exit], weights, n_groups * width)
    come = base if ranks.entry is None else base + reached[ranks.entry]
    change = np.bincount(come, weights, n_groups * width) - gone
    return np.cumsum(change.reshape(n_groups, width), axis=1)[:, back]
