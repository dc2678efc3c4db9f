"""Time matching and the calls around it at the sizes of real studies. Run: python benchmarks/comparison.py"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from impact.comparison import balance, compare, match, propensity
from impact.comparison.nearest import People, with_replacement, within_radius, without_replacement
from impact.design import Design


def best(call: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of the fastest of a few runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def sides(treated: int, others: int, seed: int = 1) -> tuple[People, People]:
    """Scores on the log-odds scale, the treated higher and in descending order."""
    rng = np.random.default_rng(seed)
    high, rest = -np.sort(-rng.normal(0.5, 1, treated)), np.sort(rng.normal(0, 1, others))
    return People(high, np.zeros(treated, dtype=np.int64)), People(rest, np.zeros(others, dtype=np.int64))


def world(treated: int, others: int, covariates: int = 10, seed: int = 1) -> pd.DataFrame:
    """People with covariates that drive joining."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(treated + others, covariates)), columns=[f"x{i}" for i in range(covariates)])
    joined = np.zeros(len(data), dtype=int)
    joined[np.argsort(-(data["x0"] + data["x1"] + 2 * rng.gumbel(size=len(data))))[:treated]] = 1
    return data.assign(joined=joined, again=rng.integers(0, 2, len(data)))


def judged(n: int, covariates: int) -> Design:
    """A design of comparison weights between 0 and 1."""
    data = world(n // 10, n - n // 10, covariates)
    weights = np.where(data["joined"] == 1, 1.0, np.random.default_rng(2).random(n))
    names, flow = tuple(f"x{i}" for i in range(covariates)), pd.DataFrame(columns=["step", "treated", "comparison"])
    return Design(data, "joined", pd.Series(weights), None, "ATT", names, "Weights drawn at random", flow)


def formula(covariates: int) -> str:
    """The score's formula on the first covariates of `world`."""
    return "joined ~ " + " + ".join(f"x{i}" for i in range(covariates))


def main() -> None:
    rows: list[tuple[str, float, float | None]] = []
    for treated, others, goal in ((10_000, 100_000, 0.1), (100_000, 150_000, 1.0)):
        pair = sides(treated, others)
        seconds = best(partial(without_replacement, *pair))
        rows.append((f"nearest 1:1 without replacement, {treated:,} v {others:,}", seconds, goal))
    few = sides(10_000, 100_000)
    rows.append(("nearest 1:1 with replacement, 10,000 v 100,000", best(lambda: with_replacement(*few)), None))
    pair = sides(20_293, 375_647)
    rows.append(("radius, 20,293 v 375,647", best(lambda: within_radius(*pair, 0.05)), 0.5))
    score = propensity(formula(5), world(10_000, 100_000))
    for caliper in (None, 0.2):
        seconds = best(partial(match, score, on="mahalanobis", caliper=caliper), 2)
        within = f", caliper {caliper:g}" if caliper else ""
        rows.append((f"Mahalanobis on 5 covariates, 10,000 v 100,000{within}", seconds, 3.0))
    score = propensity(formula(10), world(2_000, 18_000))
    rows.append(("cardinality, 2,000 v 18,000", best(lambda: match(score, method="cardinality"), 1), None))
    design = judged(1_000_000, 20)
    rows.append(("balance() of 20 covariates, 1,000,000 people", best(lambda: balance(design), 2), 1.0))
    data = world(20_293, 375_647)
    rows.append(("propensity(), 395,940 people, 10 covariates", best(lambda: propensity(formula(10), data), 1), None))
    score = propensity(formula(10), data)
    rows.append(("match() by radius, same people", best(lambda: match(score, method="radius", radius=0.05), 1), None))
    design = match(score, method="radius", radius=0.05)
    rows.append(("compare(), same people", best(lambda: compare(design, "again", measure="risk_difference"), 1), None))
    print(f"{'what':<55} {'seconds':>8} {'goal':>6}")
    for what, seconds, goal in rows:
        print(f"{what:<55} {seconds:>8.3f} {goal if goal else '–':>6}")


if __name__ == "__main__":
    main()
