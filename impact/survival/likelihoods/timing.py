"""Likelihood of times to an event, whole or split into those who ever have it and those who never do.

With a share π of people (logit π = v) who ever have the event, S of them event-free at t, the population is event-free
with 1 − π + π S, whose log is softplus(v + log S) − softplus(v). Without a split it is S. A row contributes its log
hazard (with an event) and its log survival at the duration, less its log survival at entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy

from impact.survival.likelihoods.families import Family, Jet
from impact.survival.numbers.algebra import products
from impact.survival.riskset import FloatArray, IntArray

BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class Times:
    """Everything about the data that does not change with the parameters.

    Attributes
    ----------
    family : Family
    duration : (n,) float
        Above 0, in a unit that makes them of the order of 1; those with an event first.
    n_event : int
        How many of the rows, the first, have an event.
    entry : (n,) float or None
    weights : (n,) float or None
    x : (p, n) float
        Covariates of the timing, the first row being 1.
    share : (q, n) float or None
        Covariates of who ever has the event, the first row being 1; None where everybody does.
    """

    family: Family
    duration: FloatArray
    n_event: int
    entry: FloatArray | None
    weights: FloatArray | None
    x: FloatArray
    share: FloatArray | None

    @property
    def sizes(self) -> dict[str, int]:
        """How many parameters there are of v (the share), u (the timing) and a."""
        return {
            "v": 0 if self.share is None else len(self.share),
            "u": len(self.x),
            "a": 1 if self.family.ancillary else 0,
        }

    def blocks(self) -> Iterator[slice]:
        """The rows in blocks that stay in the processor's cache, with an event all or none."""
        for first, last in ((0, self.n_event), (self.n_event, len(self.duration))):
            for start in range(first, last, BLOCK):
                yield slice(start, min(start + BLOCK, last))

    def matrices(self, block: slice) -> dict[str, FloatArray]:
        """The covariates of each kind of parameter."""
        kinds = {} if self.share is None else {"v": self.share[:, block]}
        kinds["u"] = self.x[:, block]
        if self.family.ancillary:
            kinds["a"] = np.ones((1, block.stop - block.start))
        return kinds

    def split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """The parameters of v, of u, and a."""
        q, p = self.sizes["v"], self.sizes["u"]
        return theta[:q], theta[q : q + p], float(theta[-1]) if self.family.ancillary else 0.0


class Row(NamedTuple):
    """Log-likelihoods with their derivatives by (v, u, a), each (n,)."""

    value: FloatArray
    v: FloatArray
    u: FloatArray
    a: FloatArray
    vv: FloatArray
    vu: FloatArray
    va: FloatArray
    uu: FloatArray
    ua: FloatArray
    aa: FloatArray


def free(jet: Jet, v: FloatArray | None) -> Row:
    """The log of the share without the event, from log S of those who ever have it."""
    if v is None:
        zero = np.zeros_like(jet.value)
        return Row(jet.value, zero, jet.u, jet.a, zero, zero, zero, jet.uu, jet.ua, jet.aa)
    among, everyone = scipy.special.expit(v + jet.value), scipy.special.expit(v)
    gone = among == 0
    if gone.any():  # slopes of a survival that has underflowed may have overflowed
        jet = Jet(jet.value, *(np.where(gone, 0.0, part) for part in jet[1:]))
    spread = among * scipy.special.expit(-v - jet.value)
    return Row(
        np.logaddexp(0, v + jet.value) - np.logaddexp(0, v),
        among - everyone,
        among * jet.u,
        among * jet.a,
        spread - everyone * scipy.special.expit(-v),
        spread * jet.u,
        spread * jet.a,
        spread * jet.u**2 + among * jet.uu,
        spread * jet.u * jet.a + among * jet.ua,
        spread * jet.a**2 + among * jet.aa,
    )


def failing(survival: Jet, hazard: Jet, v: FloatArray | None) -> Row:
    """The log density of an event."""
    both = Jet(*(s + h for s, h in zip(survival, hazard, strict=True)))
    zero = np.zeros_like(both.value)
    if v is None:
        return Row(both.value, zero, both.u, both.a, zero, zero, zero, both.uu, both.ua, both.aa)
    rest = scipy.special.expit(-v)
    return Row(
        both.value - np.logaddexp(0, -v),
        rest,
        both.u,
        both.a,
        -rest * scipy.special.expit(v),
        zero,
        zero,
        both.uu,
        both.ua,
        both.aa,
    )


def rows(data: Times, theta: FloatArray, block: slice) -> Row:
    """The weighted log-likelihood of each row of a block, with derivatives."""
    gamma, beta, a = data.split(theta)
    v = None if data.share is None else np.einsum("p,pn->n", gamma, data.share[:, block])
    u, t = np.einsum("p,pn->n", beta, data.x[:, block]), data.duration[block]
    survival = data.family.log_survival(t, u, a)
    row = free(survival, v)
    if block.start < data.n_event:
        row = failing(survival, data.family.log_hazard(t, u, a), v)
    if data.entry is not None:
        late = data.entry[block] > 0
        before = free(data.family.log_survival(np.where(late, data.entry[block], 1.0), u, a), v)
        row = Row(*(part - np.where(late, early, 0.0) for part, early in zip(row, before, strict=True)))
    return row if data.weights is None else Row(*(values * data.weights[block] for values in row))


@dataclass(frozen=True, slots=True)
class Point:
    """The log-likelihood at one value of the parameters, its gradient and the observed information."""

    theta: FloatArray
    log_likelihood: float
    score: FloatArray
    information: FloatArray


def evaluate(data: Times, theta: FloatArray) -> Point:
    """Sum the rows, block by block; a block of the information is one weighted Gram matrix."""
    sizes = data.sizes
    ends = np.cumsum(list(sizes.values()))
    place = {kind: slice(end - sizes[kind], end) for kind, end in zip(sizes, ends.tolist(), strict=True)}
    total, score, hessian = 0.0, np.zeros(ends[-1]), np.zeros((ends[-1], ends[-1]))
    for block in data.blocks():
        row, matrices = rows(data, theta, block), data.matrices(block)
        total += float(row.value.sum())
        kinds = list(matrices)
        for i, kind in enumerate(kinds):
            score[place[kind]] += np.einsum("pn,n->p", matrices[kind], getattr(row, kind))
            for other in kinds[i:]:
                block_sum = products(matrices[kind], matrices[other], getattr(row, kind + other))
                hessian[place[kind], place[other]] += block_sum
    upper = np.triu(hessian)
    return Point(theta, total, score, -(upper + np.triu(upper, 1).T))


def score_residuals(data: Times, theta: FloatArray, cluster: IntArray | None = None) -> FloatArray:
    """The gradient of each row, or of each cluster, (parameters, rows or clusters)."""
    size = sum(data.sizes.values())
    n_out = len(data.duration) if cluster is None else int(cluster.max()) + 1
    out = np.zeros((size, n_out))
    for block in data.blocks():
        row, place = rows(data, theta, block), 0
        for kind, matrix in data.matrices(block).items():
            for line in matrix:
                value = line * getattr(row, kind)
                if cluster is None:
                    out[place, block] = value
                else:
                    out[place] += np.bincount(cluster[block], value, n_out)
                place += 1
    return out
