"""Each row's influence on a Fine-Gray fit, with that through the estimated censoring.

A row moves the score and the baseline by itself, and by moving G, and with it the shares of those who stayed at risk
after a competing event. The first is the derivative by the row's weight, ties and all; the second is Fine and Gray's
(1999, section 4), in which log G moves as minus the cumulative hazard of censoring does: by dM / Y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from impact.survival.likelihoods.partial import Point, Sample
from impact.survival.likelihoods.shares import Censoring, Shares, next_cell, sum_over_time
from impact.survival.likelihoods.subdistribution import met_hazard
from impact.survival.riskset import FloatArray, IntArray, scan


@dataclass(frozen=True, slots=True)
class Influence:
    """The influence of each row at one `Point`: w_i times the derivative by w_i.

    Attributes
    ----------
    data, kept, found, point : Sample, Shares, Censoring, Point
    first : (L,) int
        For rows of `kept`, the first cell of censoring that lowers their share; M where there is none.
    ahead : (M,) int
        The first cell of events after each cell of censoring; K where there is none.
    """

    data: Sample
    kept: Shares
    found: Censoring
    point: Point
    first: IntArray
    ahead: IntArray

    def on_score(self, *, fixed: bool = False) -> FloatArray:
        """On the score, (p, n); with `fixed`, as if G were known."""
        data, point = self.data, self.point
        events, cells = data.events, data.cells
        met = met_hazard(data, self.kept, point)
        mass = data.step_weight * np.bincount(data.step_cell, minlength=data.sets.size)
        base = point.risk[self.kept.rows] * self.kept.share
        whole = self._sum_stayed(base)
        hazard_ahead = self._ahead(point.hazard)
        out = np.empty_like(data.x)
        for row, column in enumerate(data.x):
            s, e = point.sums[row], point.tied_sums[row]
            drift = point.square0 * s - point.square1 * e
            residual = sum_over_time(data.sets, self.kept, drift)
            residual[events] -= (point.square1 * s - point.square2 * e)[cells]
            residual -= column * met
            residual *= point.risk
            own = column[events] - ((point.hazard * s - point.tied * e) / mass)[cells]
            residual[events] += own if data.weights is None else own * data.weights[events]
            if not fixed:
                through = self._ahead(drift) * whole
                through -= hazard_ahead * self._sum_stayed(base * column[self.kept.rows])
                residual += self._through_censoring(through)
            out[row] = residual
        return out

    def on_hazard(self, cells: FloatArray) -> FloatArray:
        """On the baseline hazard summed over cells with weights `cells` (K,), the coefficients as they are, (n,)."""
        data, point = self.data, self.point
        mass = data.step_weight * np.bincount(data.step_cell, minlength=data.sets.size)
        out = -sum_over_time(data.sets, self.kept, cells * point.square0)
        out[data.events] += (cells * point.square1)[data.cells]
        out *= point.risk
        own = (cells * point.hazard / mass)[data.cells]
        out[data.events] += own if data.weights is None else own * data.weights[data.events]
        whole = self._sum_stayed(point.risk[self.kept.rows] * self.kept.share)
        return out - self._through_censoring(self._ahead(cells * point.square0) * whole)

    def _sum_stayed(self, values: FloatArray) -> FloatArray:
        sets = self.found.sets
        total = np.bincount(self.first, values, sets.size + 1)[: sets.size].astype(float)
        return scan(total, sets.bounds)

    def _ahead(self, values: FloatArray) -> FloatArray:
        to_come = scan(self.kept.still * values, self.data.sets.bounds, reverse=True)
        return np.append(to_come, 0.0)[self.ahead]

    def _through_censoring(self, q: FloatArray) -> FloatArray:
        """−Σ over cells of q dM / Y, where dM is what each row adds to the martingale of censoring, weighted."""
        found, sets = self.found, self.found.sets
        own = q / found.people
        out = np.append(scan(own * found.hazard, sets.bounds), 0.0)[found.upto]
        out[found.rows] -= own[found.upto[found.rows]]
        return out if self.data.weights is None else out * self.data.weights


def influence(data: Sample, kept: Shares, found: Censoring, point: Point, strata: IntArray | None) -> Influence:
    """The influence of each row at `point`."""
    sets, size = found.sets, found.sets.size
    first, end = next_cell(sets, kept.rows, strata)
    at_once = (sets.last[kept.rows] != found.upto[kept.rows]) & (sets.last[kept.rows] < size)
    first = np.where(at_once, first - 1, first)
    ahead = np.full(size, data.sets.size)
    after, stop = next_cell(data.sets, found.rows, strata)
    ahead[sets.last[found.rows]] = np.where(after < stop, after, data.sets.size)
    return Influence(data, kept, found, point, np.where(first < end, first, size), ahead)


def by_cluster(values: FloatArray, cluster: IntArray | None, copies: FloatArray | None) -> FloatArray:
    """Weighted influences (q, n) summed by cluster, so that their squares add up to a variance.

    Where weights `copies` (n,) stand for copies of a row, each copy counts by itself.
    """
    if copies is not None:
        return values / np.sqrt(copies)
    if cluster is None:
        return values
    size = int(cluster.max()) + 1
    return np.array([np.bincount(cluster, row, size) for row in values])


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
