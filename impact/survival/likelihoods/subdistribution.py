"""Each row's influence on a Fine-Gray fit, with that through the estimated censoring.

A row moves the score and the baseline by itself, and by moving G, and with it the shares of those who stayed at risk
after a competing event. The first is the derivative by the row's weight, ties and all; the second is Fine and Gray's
(1999, section 4), in which log G moves as minus the cumulative hazard of censoring does: by dM / Y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from impact.survival.likelihoods.partial import Point, Sample, accrued, death_mass, score_residuals
from impact.survival.likelihoods.shares import Censoring, next_cell
from impact.survival.numbers.algebra import cluster_sums
from impact.survival.riskset import FloatArray, IntArray, scan


@dataclass(frozen=True, slots=True)
class Influence:
    """The influence of each row at one `Point`: w_i times the derivative by w_i.

    Attributes
    ----------
    data, found, point : Sample, Censoring, Point
    first : (L,) int
        For the rows that stay, the first cell of censoring that lowers their share; M where there is none.
    ahead : (M,) int
        The first cell of events after each cell of censoring; K where there is none.
    """

    data: Sample
    found: Censoring
    point: Point
    first: IntArray
    ahead: IntArray

    def on_score(self) -> FloatArray:
        """On the score, (p, n)."""
        data, point = self.data, self.point
        rows, base = self._stayed()
        whole, hazard_ahead = self._sum_stayed(base), self._ahead(point.hazard)
        out = score_residuals(data, point)
        for row, column in enumerate(data.x):
            through = self._ahead(point.square0 * point.sums[row] - point.square1 * point.tied_sums[row]) * whole
            through -= hazard_ahead * self._sum_stayed(base * column[rows])
            out[row] += self._through_censoring(through)
        return out

    def on_hazard(self, cells: FloatArray) -> FloatArray:
        """On the baseline hazard summed over cells with weights `cells` (K,), the coefficients as they are, (n,)."""
        data, point = self.data, self.point
        out = -accrued(data, cells * point.square0, cells * point.square1)
        out *= point.risk
        out[data.events] += data.event_weights * (cells * point.hazard / death_mass(data))[data.cells]
        whole = self._sum_stayed(self._stayed()[1])
        return out - self._through_censoring(self._ahead(cells * point.square0) * whole)

    def _stayed(self) -> tuple[IntArray, FloatArray]:
        """The rows that stay after a competing event, and w exp(η) times their share."""
        kept = self.data.kept
        assert kept is not None
        return kept.rows, self.point.risk[kept.rows] * kept.share

    def _sum_stayed(self, values: FloatArray) -> FloatArray:
        sets = self.found.sets
        total = np.bincount(self.first, values, sets.size + 1)[: sets.size].astype(float)
        return scan(total, sets.bounds)

    def _ahead(self, values: FloatArray) -> FloatArray:
        kept = self.data.kept
        assert kept is not None
        to_come = scan(kept.still * values, self.data.sets.bounds, reverse=True)
        return np.append(to_come, 0.0)[self.ahead]

    def _through_censoring(self, q: FloatArray) -> FloatArray:
        """−Σ over cells of q dM / Y, where dM is what each row adds to the martingale of censoring, weighted."""
        found, sets = self.found, self.found.sets
        own = q / found.people
        out = np.append(scan(own * found.hazard, sets.bounds), 0.0)[found.upto]
        out[found.rows] -= own[found.upto[found.rows]]
        return out if self.data.weights is None else out * self.data.weights


def influence(data: Sample, found: Censoring, point: Point, strata: IntArray | None) -> Influence:
    """The influence of each row at `point`."""
    sets, size, kept = found.sets, found.sets.size, data.kept
    assert kept is not None
    first, end = next_cell(sets, kept.rows, strata)
    at_once = (sets.last[kept.rows] != found.upto[kept.rows]) & (sets.last[kept.rows] < size)
    first = np.where(at_once, first - 1, first)
    ahead = np.full(size, data.sets.size)
    after, stop = next_cell(data.sets, found.rows, strata)
    ahead[sets.last[found.rows]] = np.where(after < stop, after, data.sets.size)
    return Influence(data, found, point, np.where(first < end, first, size), ahead)


def by_cluster(values: FloatArray, cluster: IntArray | None, copies: FloatArray | None) -> FloatArray:
    """Weighted influences (q, n) summed by cluster, so that their squares add up to a variance.

    Where weights `copies` (n,) stand for copies of a row, each copy counts by itself.
    """
    return cluster_sums(values, cluster) if copies is None else values / np.sqrt(copies)


def predicted_hazard(
    each: Influence,
    matrices: tuple[FloatArray, FloatArray],
    people: tuple[FloatArray, IntArray],
    times: FloatArray,
    last: FloatArray,
    summed: Callable[[FloatArray], FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """The cumulative subdistribution hazard of people at times, and the standard error of its logarithm, both (m, T).

    Parameters
    ----------
    each : Influence
    matrices : pair of (p, p) float
        The inverse information, and the covariance of the coefficients.
    people : (p, m) float and (m,) int
        Covariates as the model's own are centred and scaled, and strata.
    times : (T,) float
    last : (S,) float
        The last duration of each stratum, after which both are NaN.
    summed : callable
        Sums influences (q, n) by cluster.
    """
    point, sets = each.point, each.data.sets
    (inverse, spread), (x, stratum) = matrices, people
    moved = inverse @ summed(each.on_score())
    drift = point.square0 * point.sums - point.square1 * point.tied_sums
    risk = np.exp(point.beta @ x - point.shift)
    hazard, error = (np.full((x.shape[1], len(times)), np.nan) for _ in range(2))
    for code in np.unique(stratum):
        rows = stratum == code
        inside = np.arange(sets.bounds[code], sets.bounds[code + 1])
        for place in np.flatnonzero(times <= last[code]):
            cells = np.zeros(sets.size)
            cells[inside[sets.times[inside] <= times[place]]] = 1.0
            base = float(cells @ point.hazard)
            hazard[rows, place], error[rows, place] = base * risk[rows], 0.0
            if base > 0:
                own = summed(each.on_hazard(cells)[None, :])[0] / base
                along = x[:, rows] - (drift @ cells / base)[:, None]
                square = own @ own + 2 * (moved @ own) @ along + np.einsum("ij,ij->j", along, spread @ along)
                error[rows, place] = np.sqrt(np.maximum(square, 0.0))
    return hazard, error
