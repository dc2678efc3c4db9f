"""Cox's partial likelihood on risk sets: value, score, information, score residuals, and its maximum.

Efron's approximation with case weights: the d deaths of a cell, of mean weight w̄, meet the denominators
φ_l = S0 − (l/d) E0, l = 0, …, d − 1, where S0 and E0 sum w exp(η) over those at risk and over the deaths; Breslow's is
the single denominator S0 with the deaths' whole weight (Therneau and Grambsch 2000, section 3.3 and appendix E). The
information is one weighted Gram matrix less products of K × p sums; nothing of size n × p × p or K × p × p is formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from impact.survival.riskset import FloatArray, IntArray, RiskSets, at_risk, in_cells, over_time, scan

BLOCK = 16_384
CLOSE = 1e-11
MOST_STEPS = 60
ALIASED = 1e-10
ENDLESS_GAIN = 1e-6
ENDLESS_MOVE = 0.5


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
    tied_cell : (n,) int or None
        Twice the last cell of each row, and 1 more where it has the event, so that one count gives the sums of both;
        None where no two deaths share a denominator.
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
    event_offset: float = 0.0
    offset: FloatArray | None = None
    tied_cell: IntArray | None = None

    def without(self, columns: Sequence[int]) -> Sample:
        """The same people without some of the covariates."""
        kept = np.delete(np.arange(len(self.x)), list(columns))
        return replace(self, x=self.x[kept], event_sum=self.event_sum[kept])


def sample(
    sets: RiskSets,
    x: FloatArray,
    event: FloatArray,
    weights: FloatArray | None,
    ties: str,
    offset: FloatArray | None = None,
) -> Sample:
    """Prepare the likelihood; `ties` is ``"efron"`` or ``"breslow"``, `event` (n,) is 0 or 1."""
    events = np.flatnonzero(event)
    cells = sets.last[events]
    deaths = np.bincount(cells, minlength=sets.size)
    mass = deaths.astype(float) if weights is None else np.bincount(cells, weights[events], sets.size)
    steps = deaths if ties == "efron" else np.ones(sets.size, dtype=np.int64)
    step_start = np.cumsum(steps) - steps
    step_cell = np.repeat(np.arange(sets.size), steps)
    step_share = (np.arange(len(step_cell)) - step_start[step_cell]) / steps[step_cell]
    chosen = x[:, events]
    event_sum = chosen.sum(axis=1) if weights is None else chosen @ weights[events]
    tied_cell = None
    if step_share.any():
        tied_cell = 2 * sets.last
        tied_cell[events] += 1
    given = 0.0
    if offset is not None:
        given = float(offset[events].sum() if weights is None else offset[events] @ weights[events])
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
        event_sum,
        float(mass.sum()),
        given,
        offset,
        tied_cell,
    )


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
    eta = _linear(beta, data.x)
    if data.offset is not None:
        eta += data.offset
    shift = float(eta.max())
    eta -= shift
    risk = np.exp(eta, out=eta)
    if data.weights is not None:
        risk *= data.weights
    hazard, tied, square0, square1, square2, logs = _denominators(data, *_sums(data, risk))
    sums = np.empty((len(beta), data.sets.size))
    tied_sums = np.broadcast_to(0.0, sums.shape) if data.tied_cell is None else np.empty_like(sums)
    product = np.empty_like(risk)
    for row, column in enumerate(data.x):
        np.multiply(risk, column, out=product)
        sums[row], of_deaths = _sums(data, product)
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


def _linear(beta: FloatArray, x: FloatArray) -> FloatArray:
    """``beta @ x``, in blocks that stay in the processor's cache."""
    out = np.empty(x.shape[1])
    for start in range(0, len(out), BLOCK):
        np.matmul(beta, x[:, start : start + BLOCK], out=out[start : start + BLOCK])
    return out


def _sums(data: Sample, values: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """The sums over those at risk in each cell, and over its deaths where two share a denominator."""
    if data.tied_cell is None:
        return at_risk(data.sets, values), None
    size = data.sets.size
    both = np.bincount(data.tied_cell, values, 2 * size + 2)[: 2 * size].reshape(-1, 2).astype(float)
    change = both[:, 0] + both[:, 1]
    if data.sets.before is not None:
        change -= np.bincount(data.sets.before, values, size + 1)[:size]
    return scan(change, data.sets.bounds, reverse=True), both[:, 1]


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
    met = over_time(data.sets, g * point.hazard)
    met[data.events] -= (g * point.tied)[data.cells]
    met *= point.risk
    gram = np.zeros((len(data.x), len(data.x)))
    for start in range(0, data.x.shape[1], BLOCK):
        block = data.x[:, start : start + BLOCK]
        gram += (block * met[start : start + BLOCK]) @ block.T
    s, e = point.sums, point.tied_sums
    cross = (s * (g * point.square1)) @ e.T
    whole = gram - (s * (g * point.square0)) @ s.T + cross + cross.T - (e * (g * point.square2)) @ e.T
    return (whole + whole.T) / 2


def cell_scores(data: Sample, point: Point) -> FloatArray:
    """Σ w (x − x̄) over the deaths of each cell, (p, K): the Schoenfeld residuals, summed over tied deaths."""
    weighted = None if data.weights is None else data.weights[data.events]
    out = np.empty_like(point.sums)
    for row, column in enumerate(data.x):
        values = column[data.events]
        out[row] = in_cells(data.sets, data.events, values if weighted is None else weighted * values)
    return out - (point.hazard * point.sums - point.tied * point.tied_sums)


def score_residuals(data: Sample, point: Point, groups: IntArray | None = None) -> FloatArray:
    """Weighted score residuals w_i ∫ (x_i − x̄) dM_i, (p, n), exact under Efron's ties and delayed entry.

    A death meets the share 1 − l/d of each of its cell's denominators, and has the mean of their x̄ as its own
    (Therneau and Grambsch 2000, appendix E.2).

    Parameters
    ----------
    groups : (n,) int, optional
        Codes 0, 1, …: the residuals are summed by group, giving (p, groups).
    """
    sets, events, cells = data.sets, data.events, data.cells
    met = over_time(sets, point.hazard)
    met[events] -= point.tied[cells]
    mass = data.step_weight * np.bincount(data.step_cell, minlength=sets.size)
    n_out = len(met) if groups is None else int(groups.max()) + 1
    out = np.empty((len(data.x), n_out))
    for row, column in enumerate(data.x):
        s, e = point.sums[row], point.tied_sums[row]
        residual = over_time(sets, point.square0 * s - point.square1 * e)
        residual[events] -= (point.square1 * s - point.square2 * e)[cells]
        residual -= column * met
        residual *= point.risk
        own = column[events] - ((point.hazard * s - point.tied * e) / mass)[cells]
        residual[events] += own if data.weights is None else own * data.weights[events]
        out[row] = residual if groups is None else np.bincount(groups, residual, n_out)
    return out


def cumulative_hazard(data: Sample, point: Point) -> FloatArray:
    """The cumulative baseline hazard at each cell, (K,), for covariates x = 0."""
    return scan(point.hazard, data.sets.bounds) * np.exp(-point.shift)


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where Newton's iterations came to.

    Attributes
    ----------
    start, point : Point
        At coefficients of 0 (without its sums, which are large), and at the end.
    information : (p, p) float
    steps : int
    outcome : str
        ``"reached"``; or why there is no maximum: ``"flat"`` (a column does not vary among those at risk together),
        ``"aliased"`` (a column is a combination of those before it), ``"endless"`` (the likelihood rises for ever),
        ``"lost"``.
    columns : tuple of int
        The columns concerned.
    """

    start: Point
    point: Point
    information: FloatArray
    steps: int
    outcome: str
    columns: tuple[int, ...] = ()


def maximise(data: Sample) -> Maximum:
    """Newton's method with step halving from 0; `data.x` must be centred and scaled."""
    start = point = evaluate(data, np.zeros(len(data.x)))
    info = information(data, point)
    problem, columns = faulty_columns(data, info)
    if problem:
        return Maximum(start, point, info, 0, problem, columns)
    start = start.light()
    reach = np.ptp(data.x, axis=1)
    unit = 1.0 if data.weights is None else float(data.weights[data.events].mean())
    last_move = False
    for steps in range(MOST_STEPS):
        move = _newton(info, point.score)
        if move is None:
            break
        gain = float(move @ point.score) / unit
        if gain < ENDLESS_GAIN and np.ptp(_linear(move, data.x)) > ENDLESS_MOVE:
            endless = np.flatnonzero(np.abs(move) * reach > ENDLESS_MOVE / 5)
            return Maximum(start, point, info, steps, "endless", tuple(endless.tolist()))
        if last_move:
            return Maximum(start, point, info, steps, "reached")
        last_move = gain < CLOSE
        point = point.light()
        better = _climb(data, point, move, unit)
        if better is None:
            here = evaluate(data, point.beta)
            return Maximum(start, here, info, steps, "reached" if last_move else "lost")
        point = better
        del better
        with np.errstate(all="ignore"):
            info = information(data, point)
    lost = np.flatnonzero(np.abs(point.beta) * reach > 10)
    return Maximum(start, point, info, MOST_STEPS, "endless" if len(lost) else "lost", tuple(lost.tolist()))


def faulty_columns(data: Sample, info: FloatArray) -> tuple[str, tuple[int, ...]]:
    """``"flat"`` or ``"aliased"`` and the columns that are so by the information at 0; ``""`` where none is."""
    flat = np.flatnonzero(np.diag(info) <= ALIASED * data.step_weight.sum())
    if len(flat):
        return "flat", tuple(flat.tolist())
    aliased = dependent_columns(info)
    return ("aliased", aliased) if aliased else ("", ())


def _newton(info: FloatArray, score: FloatArray) -> FloatArray | None:
    try:
        return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(info), score))
    except (scipy.linalg.LinAlgError, ValueError):
        return None


def _climb(data: Sample, point: Point, move: FloatArray, unit: float) -> Point | None:
    slack = 1e-10 * (unit + abs(point.log_likelihood))
    for halving in range(30):
        with np.errstate(all="ignore"):
            trial = evaluate(data, point.beta + move / 2**halving)
        if np.isfinite(trial.log_likelihood) and trial.log_likelihood >= point.log_likelihood - slack:
            return trial
    return None


def dependent_columns(info: FloatArray) -> tuple[int, ...]:
    """Columns that are a linear combination of those before them, by a Cholesky sweep of the scaled information."""
    size = np.sqrt(np.diag(info))
    rest = info / np.outer(size, size)
    found = []
    for column in range(len(rest)):
        pivot = rest[column, column]
        if pivot < ALIASED:
            found.append(column)
            continue
        rest = rest - np.outer(rest[:, column], rest[column]) / pivot
    return tuple(found)
