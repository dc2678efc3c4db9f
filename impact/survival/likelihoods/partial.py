"""Cox's partial likelihood on risk sets: value, score, information, score residuals, and its maximum.

Efron's approximation with case weights: the d deaths of a cell, of mean weight w̄, meet the denominators
φ_l = S0 − (l/d) E0, l = 0, …, d − 1, where S0 and E0 sum w exp(η) over those at risk and over the deaths; Breslow's is
the single denominator S0 with the deaths' whole weight (Therneau and Grambsch 2000, section 3.3 and appendix E). The
information is one weighted Gram matrix less products of K × p sums; nothing of size n × p × p or K × p × p is formed.

With `Shares` the same sums are those of Fine and Gray's risk sets, in which who had a competing event stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from impact.survival.likelihoods.shares import Shares, spread_over_time, stayed_at_risk
from impact.survival.numbers.algebra import products
from impact.survival.riskset import FloatArray, IntArray, RiskSets, in_cells, over_time, scan


@dataclass(frozen=True, slots=True)
class Runs:
    """Rows in the order of their places: where each run of one place starts, and its place."""

    start: IntArray
    place: IntArray


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything about the data that does not change with the coefficients.

    Attributes
    ----------
    sets : RiskSets
        Cells at the distinct times of events, K of them.
    x : (p, n) float
        Covariates, one row each; centred and scaled for a stable fit.
    weights : (n,) float or None
        Case weights; None for 1.
    events, cells : (D,) int
        The rows that have an event, and their cells.
    step_cell, step_share : (M,) int, (M,) float
        The denominators: cell k has one for each death (Efron) or a single one (Breslow); share l/d of E0 is taken
        away.
    step_start : (K,) int
        Where the denominators of each cell start.
    step_weight : (K,) float
        Weight of each denominator of a cell.
    event_sum : (p,) float
        Σ w x over events.
    event_mass, event_offset : float
        Σ w and Σ w × offset over events.
    offset : (n,) float or None
        What is added to every linear predictor, with a coefficient of 1.
    tied : bool
        Whether two deaths share a denominator.
    place : (n,) int or Runs
        The last cell of each row; where deaths are `tied` twice that, and 1 more where it has the event, so that one
        count gives the sums of both. As runs where rows of one place stand together: sums then need no look-up.
    kept : Shares or None
        Who stays at risk after a competing event.
    """

    sets: RiskSets
    x: FloatArray
    weights: FloatArray | None
    events: IntArray
    cells: IntArray
    step_cell: IntArray
    step_share: FloatArray
    step_start: IntArray
    step_weight: FloatArray
    event_sum: FloatArray
    event_mass: float
    event_offset: float
    offset: FloatArray | None
    tied: bool
    place: IntArray | Runs
    kept: Shares | None

    def without(self, columns: Sequence[int]) -> Sample:
        """The same people without some of the covariates."""
        left = np.delete(np.arange(len(self.x)), list(columns))
        return replace(self, x=self.x[left], event_sum=self.event_sum[left])

    @property
    def event_weights(self) -> FloatArray:
        """The weight of each event, (D,)."""
        return np.ones(len(self.events)) if self.weights is None else self.weights[self.events]


def sample(
    sets: RiskSets,
    x: FloatArray,
    event: FloatArray,
    weights: FloatArray | None,
    ties: str,
    offset: FloatArray | None = None,
    kept: Shares | None = None,
) -> Sample:
    """Prepare the likelihood; `ties` is ``"efron"`` or ``"breslow"``, `event` (n,) is 0 or 1."""
    events = np.flatnonzero(event)
    cells = sets.last[events]
    deaths = np.bincount(cells, minlength=sets.size)
    own = np.ones(len(events)) if weights is None else weights[events]
    mass = np.bincount(cells, own, sets.size)
    steps = deaths if ties == "efron" else np.ones(sets.size, dtype=np.int64)
    step_start = np.cumsum(steps) - steps
    step_cell = np.repeat(np.arange(sets.size), steps)
    step_share = (np.arange(len(step_cell)) - step_start[step_cell]) / steps[step_cell]
    tied = bool(step_share.any())
    place = sets.last
    if tied:
        place = 2 * sets.last
        place[events] += 1
    return Sample(
        sets,
        x,
        weights,
        events,
        cells,
        step_cell,
        step_share,
        step_start,
        mass / steps,
        np.array([np.einsum("i,i->", row[events], own) for row in x]),
        float(own.sum()),
        0.0 if offset is None else float(offset[events] @ own),
        offset,
        tied,
        _in_runs(place, 2 * sets.size if tied else sets.size),
        kept,
    )


def _in_runs(place: IntArray, size: int) -> IntArray | Runs:
    """The runs of places, where each place has one; those of no place (`size` or more) are passed over."""
    start = np.flatnonzero(np.diff(place, prepend=-1))
    known = place[start] < size
    once = np.bincount(place[start][known], minlength=1).max() <= 1
    return Runs(start, np.where(known, place[start], size)) if once else place


@dataclass(frozen=True, slots=True)
class Point:
    """The likelihood at one value of the coefficients.

    Attributes
    ----------
    beta, score : (p,) float
    log_likelihood, shift : float
        `shift` is what was taken from every linear predictor before exponentiation.
    risk : (n,) float
        w exp(η − shift).
    hazard, tied : (K,) float
        w̄ Σ 1/φ and w̄ Σ (l/d)/φ: the baseline hazard, and the part of it that deaths do not meet.
    square0, square1, square2 : (K,) float
        w̄ Σ (l/d)^m / φ² for m = 0, 1, 2.
    sums, tied_sums : (p, K) float
        Σ w exp(η) x over those at risk, and over deaths; the second is 0 where no two deaths share a denominator.
    """

    beta: FloatArray
    log_likelihood: float
    shift: float
    risk: FloatArray
    hazard: FloatArray
    tied: FloatArray
    square0: FloatArray
    square1: FloatArray
    square2: FloatArray
    sums: FloatArray
    tied_sums: FloatArray
    score: FloatArray

    def light(self) -> Point:
        """The same point without its sums, which are as large as the covariates where times are distinct."""
        return replace(self, risk=np.empty(0), sums=np.empty((len(self.beta), 0)), tied_sums=np.empty(0))


def evaluate(data: Sample, beta: FloatArray) -> Point:
    """The log-likelihood, the score and the sums from which all else follows, at `beta`."""
    eta = np.einsum("p,pn->n", beta, data.x)
    if data.offset is not None:
        eta += data.offset
    shift = float(eta.max())
    eta -= shift
    risk = np.exp(eta, out=eta)
    if data.weights is not None:
        risk *= data.weights
    hazard, tied, square0, square1, square2, logs = _denominators(data, *sums_at_risk(data, risk))
    sums = np.empty((len(beta), data.sets.size))
    tied_sums = np.empty_like(sums) if data.tied else np.broadcast_to(0.0, sums.shape)
    product = np.empty_like(risk)
    for row, column in enumerate(data.x):
        np.multiply(risk, column, out=product)
        sums[row], of_deaths = sums_at_risk(data, product)
        if of_deaths is not None:
            tied_sums[row] = of_deaths
    gained = beta @ data.event_sum + data.event_offset - shift * data.event_mass
    return Point(
        beta,
        float(gained - logs),
        shift,
        risk,
        hazard,
        tied,
        square0,
        square1,
        square2,
        sums,
        tied_sums,
        data.event_sum - (sums @ hazard - tied_sums @ tied),
    )


def sums_at_risk(data: Sample, values: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """The sums over those at risk in each cell, and over its deaths where two share a denominator."""
    sets, size = data.sets, data.sets.size
    places = 2 * size if data.tied else size
    if isinstance(data.place, Runs):
        found = np.zeros(places + 1)
        found[data.place.place] = np.add.reduceat(values, data.place.start)
        found = found[:places]
    else:
        found = np.bincount(data.place, values, places + 2)[:places].astype(float)
    of_deaths = None
    if data.tied:
        of_deaths = found[1::2]
        found = found[::2] + of_deaths
    if sets.before is not None:
        found -= np.bincount(sets.before, values, size + 1)[:size]
    whole = scan(found, sets.bounds, reverse=True)
    if data.kept is not None:
        whole = whole + stayed_at_risk(sets, data.kept, values)
    return whole, of_deaths


def accrued(data: Sample, values: FloatArray, of_tied: FloatArray) -> FloatArray:
    """For each row the sum of `values` (K,) over the cells in which it is at risk; a death has `of_tied` (K,) less."""
    out = over_time(data.sets, values)
    if data.kept is not None:
        spread_over_time(data.sets, data.kept, values, out)
    out[data.events] -= of_tied[data.cells]
    return out


def _denominators(data: Sample, whole: FloatArray, of_deaths: FloatArray | None) -> tuple[FloatArray, ...]:
    """`hazard`, `tied` and the three squares of a `Point`, and the sum of the logarithms of its denominators."""
    weight = data.step_weight
    if of_deaths is None:
        none = np.zeros(len(whole))
        return weight / whole, none, weight / whole**2, none, none, weight @ np.log(whole)

    def per_cell(values: FloatArray) -> FloatArray:
        return weight * np.add.reduceat(values, data.step_start)

    share = data.step_share
    room = share * of_deaths[data.step_cell]
    phi = whole[data.step_cell]
    phi -= room
    logs = per_cell(np.log(phi, out=room)).sum()
    inverse = np.divide(1, phi, out=phi)
    hazard, tied = per_cell(inverse), per_cell(np.multiply(share, inverse, out=room))
    np.multiply(inverse, inverse, out=inverse)
    square0, square1 = per_cell(inverse), per_cell(np.multiply(share, inverse, out=room))
    return hazard, tied, square0, square1, per_cell(np.multiply(share, room, out=room)), logs


def information(data: Sample, point: Point, by_cell: FloatArray | None = None) -> FloatArray:
    """The observed information (p, p); with `by_cell` (K,) each cell's share of it is multiplied by that."""
    g = np.ones(data.sets.size) if by_cell is None else by_cell
    met = accrued(data, g * point.hazard, g * point.tied)
    met *= point.risk
    s, e = point.sums, point.tied_sums
    whole = products(data.x, data.x, met) - products(s, s, g * point.square0)
    if data.tied:
        cross = products(s, e, g * point.square1)
        whole += cross + cross.T - products(e, e, g * point.square2)
    return (whole + whole.T) / 2


def death_mass(data: Sample) -> FloatArray:
    """Σ w over the deaths of each cell, (K,)."""
    return data.step_weight * (np.diff(data.step_start, append=len(data.step_cell)))


def cell_scores(data: Sample, point: Point) -> FloatArray:
    """Σ w (x − x̄) over the deaths of each cell, (p, K): the Schoenfeld residuals, summed over tied deaths."""
    out, own = np.empty_like(point.sums), data.event_weights
    for row, column in enumerate(data.x):
        out[row] = in_cells(data.sets, data.events, own * column[data.events])
    return out - (point.hazard * point.sums - point.tied * point.tied_sums)


def score_residuals(data: Sample, point: Point, groups: IntArray | None = None) -> FloatArray:
    """Weighted score residuals w_i ∫ (x_i − x̄) dM_i, (p, n), exact under Efron's ties and delayed entry.

    A death meets the share 1 − l/d of each of its cell's denominators, and has the mean of their x̄ as its own
    (Therneau and Grambsch 2000, appendix E.2). Of Fine and Gray's model they take the censoring as known.

    Parameters
    ----------
    groups : (n,) int, optional
        Codes 0, 1, …: the residuals are summed by group, giving (p, groups).
    """
    met = accrued(data, point.hazard, point.tied)
    mass, own = death_mass(data), data.event_weights
    n_out = len(met) if groups is None else int(groups.max()) + 1
    out = np.empty((len(data.x), n_out))
    for row, column in enumerate(data.x):
        s, e = point.sums[row], point.tied_sums[row]
        residual = accrued(data, point.square0 * s - point.square1 * e, point.square1 * s - point.square2 * e)
        residual -= column * met
        residual *= point.risk
        mean = (point.hazard * s - point.tied * e) / mass
        residual[data.events] += own * (column[data.events] - mean[data.cells])
        out[row] = residual if groups is None else np.bincount(groups, residual, n_out)
    return out


def cumulative_hazard(data: Sample, point: Point) -> FloatArray:
    """The cumulative baseline hazard at each cell, (K,), for covariates x = 0."""
    return scan(point.hazard, data.sets.bounds) * np.exp(-point.shift)
