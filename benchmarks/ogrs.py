"""Risk scores and observed against expected in seconds; prints medians of five runs.

Run as ``python benchmarks/ogrs.py [rows …]``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from impact.cohort.expected import observed_expected
from impact.cohort.ogrs import coefficients, ogrs3, ogrs4, risk_band

RUNS = 5
SIZES = (1_000, 20_000)


def people(rows: int, scale: str) -> pd.DataFrame:
    """Adults with every offence of a scale and one to thirty sanctions; text and dates as they are read."""
    rng = np.random.default_rng(1)
    born = np.datetime64("1955-01-01") + rng.integers(0, 16_000, rows)
    convicted = np.datetime64("2020-01-01") + rng.integers(0, 1_000, rows)
    start = convicted + rng.integers(0, 700, rows)
    sanctions = rng.integers(1, 31, rows)
    return pd.DataFrame(
        {
            "sex": rng.choice(["male", "female"], rows, p=[0.85, 0.15]),
            "birth_date": born.astype("datetime64[s]"),
            "convicted_on": convicted.astype("datetime64[s]"),
            "start": start.astype("datetime64[s]"),
            "assessed_on": (start + rng.integers(0, 900, rows)).astype("datetime64[s]"),
            "sanctions": sanctions,
            "violent_sanctions": rng.integers(0, sanctions + 1),
            "age_first_sanction": rng.integers(10, 20, rows),
            "offence": rng.choice(list(coefficients()[scale]["offence"]), rows),
        }
    )


def seconds(call: Callable[[], object]) -> float:
    """Median wall seconds of a call."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main(sizes: list[int]) -> None:
    """Print one line for each call and size."""
    for rows in sizes:
        third, fourth = people(rows, "ogrs3"), people(rows, "ogrs4g")
        chance = ogrs4(fourth)
        calls: dict[str, Callable[[], object]] = {
            "OGRS3, two years": partial(ogrs3, third, years=2),
            "OGRS4/G": partial(ogrs4, fourth),
            "OGRS4/V": partial(ogrs4, fourth, kind="violent"),
            "Bands": partial(risk_band, chance, scale="OGRS4G"),
        }
        for name, call in calls.items():
            print(f"{rows:>9,}  {name:<34} {seconds(call):9.4f} s")
    rng = np.random.default_rng(2)
    for rows in SIZES:
        p = rng.uniform(0.05, 0.95, rows)
        events = (rng.uniform(size=rows) < 0.95 * p).astype(int)
        taken = seconds(partial(observed_expected, events, p))
        print(f"{rows:>9,}  {'Observed against expected, exact':<34} {taken:9.4f} s")


if __name__ == "__main__":
    main([int(value) for value in sys.argv[1:]] or [1_000_000])
