"""Cohorts of many people: seconds, and the peak memory of a process of their own, for each engine and size.

A made-up world is written to a temporary folder; each step reads it afresh in its own process. Spark is tried where it
is installed, at the smallest size.

Run as ``python benchmarks/cohort.py [people …]``; the default is 100,000 and 1,000,000 (11.6 million offences).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import impact as im
from impact.records.spark import missing_for_spark

STEPS = ("records read", "intention to treat", "completers, landmark", "time-varying", "proven reoffending, frames")
GIB = 1024**2


def frames(people: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Index dates and ten offences for each of them, as an analyst would hold them."""
    rng = np.random.default_rng(1)
    ids = np.array([f"P{number:07d}" for number in range(people)], dtype=object)
    index = pd.DataFrame({"person_id": ids, "index_on": _days(rng.integers(18_600, 19_300, people))})
    who, on = rng.integers(0, people, 10 * people), rng.integers(17_000, 20_000, 10 * people)
    return index, pd.DataFrame(
        {
            "person_id": ids[who],
            "offended_on": _days(on),
            "proven_on": _days(on + rng.integers(0, 300, 10 * people)),
            "severity": rng.choice(np.array(["summary", "triable_either_way"], dtype=object), 10 * people),
        }
    )


def _days(number: np.ndarray) -> np.ndarray:
    return number.astype("datetime64[D]").astype("datetime64[s]")


def step(name: str, folder: str, people: int, engine: str) -> None:
    """One step in this process; prints its seconds and the peak memory."""
    if name == STEPS[-1]:
        index, offences = frames(people)
        start = time.perf_counter()
        im.proven_reoffending(index, offences, complete_to="2026-01-01")
    else:
        start = time.perf_counter()
        linked = im.read_linked(folder, engine=engine)
        if name != STEPS[0]:
            start = time.perf_counter()
            how: dict[str, object] = {
                "intention to treat": {},
                "completers, landmark": {"treatment": "completers", "landmark": "6 months"},
                "time-varying": {"treatment": "time-varying"},
            }[name]
            im.cohort(linked, "dwp", complete_to=linked.complete_to, **how)  # type: ignore[arg-type]
    taken = time.perf_counter() - start
    print(f"{taken:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB:.2f}")


def main(sizes: list[int]) -> None:
    """Print one line for each step, size and engine."""
    spark = missing_for_spark()
    if spark:
        print(f"Spark is not tried: {spark}.")
    for place, people in enumerate(sizes):
        with tempfile.TemporaryDirectory() as folder:
            world = Path(folder) / "world"
            im.simulate(world, people=people, form="parquet")
            for engine in ("duckdb", *(() if spark or place else ("spark",))):
                for name in STEPS if engine == "duckdb" else STEPS[:-1]:
                    command = [sys.executable, __file__, "--step", name, str(world), str(people), engine]
                    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
                    taken, memory = done.stdout.split()
                    print(f"{people:>9,}  {engine:<7} {name:<28} {taken:>7} s  peak {memory:>5} GiB", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        step(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        main([int(value) for value in sys.argv[1:]] or [100_000, 1_000_000])
