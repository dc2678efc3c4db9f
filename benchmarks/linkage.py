"""Linking made-up people of two files: seconds, peak memory and true pairs found, each in a process of its own.

Run as ``python benchmarks/linkage.py [records …]``; the default is 5,000 and 50,000 in each file. Spark is tried where
it is installed, at the smallest size, and must give the same links.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

import impact as im
from impact.records.spark import missing_for_spark

GIB = 1024**2
LETTERS = np.array(list("abcdefghijklmnoprstuvw"))


def files(n: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Two files of n people, four fifths of them in both, the second with a changed letter, digit, home or gap."""
    rng = np.random.default_rng(1)
    total = n + n // 5
    pool = np.array(["".join(rng.choice(LETTERS, 6)) for _ in range(8_000)], dtype=object)
    common = rng.zipf(1.3, total) % 400
    frame = pd.DataFrame(
        {
            "forename": pool[common],
            "surname": pool[rng.integers(400, 8_000, total)],
            "birth_date": pd.to_datetime(rng.integers(0, 14_000, total), unit="D").strftime("%Y-%m-%d"),
            "sex": rng.choice(["male", "female"], total, p=[0.8, 0.2]),
            "postcode": [
                f"L{a} {b}AB" for a, b in zip(rng.integers(1, 38, total), rng.integers(1, 9, total), strict=True)
            ],
            "police_id": [
                f"{y}/{number:07d}X" for y, number in zip(rng.integers(80, 99, total), range(total), strict=True)
            ],
        }
    )
    other = frame.copy()
    changed = rng.random((total, 4))
    other["surname"] = np.where(
        changed[:, 0] < 0.1, other["surname"].str[:2] + "x" + other["surname"].str[3:], other["surname"]
    )
    dates = other["birth_date"]
    other["birth_date"] = np.where(changed[:, 1] < 0.05, dates.str[:-1] + "0", dates)
    other["postcode"] = np.where(changed[:, 2] < 0.3, "CH41 2AB", other["postcode"])
    other["police_id"] = other["police_id"].where(changed[:, 3] < 0.5)
    left = frame.iloc[:n].assign(record_id=np.arange(n))
    right = other.iloc[n // 5 :].assign(record_id=np.arange(n // 5, total))
    both = np.arange(n // 5, n)
    return left, right, pd.DataFrame({"left_id": both, "right_id": both})


def one(n: int, engine: str) -> None:
    """One linkage in this process; prints its seconds, peak memory, precision, recall and a hash of its links."""
    left, right, truth = files(n)
    start = time.perf_counter()
    links = im.link(left, right, engine=engine, one_to_one=True)
    taken = time.perf_counter() - start
    counted = links.quality(truth, thresholds=[0.9]).iloc[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB
    same = int(pd.util.hash_pandas_object(links.tidy()[["left_id", "right_id"]], index=False).sum())
    print(
        f"{taken:.1f} s, {peak:.2f} GiB, precision {counted['precision']:.4f}, recall {counted['recall']:.4f}, {same:x}"
    )


def main(sizes: list[int]) -> None:
    """Print one line for each size and engine."""
    spark = missing_for_spark()
    if spark:
        print(f"Spark is not tried: {spark}.")
    for place, n in enumerate(sizes):
        for engine in ("duckdb", *(() if spark or place else ("spark",))):
            done = subprocess.run(
                [sys.executable, __file__, "one", str(n), engine], capture_output=True, text=True, check=False
            )
            print(f"{n:>9,} with {n:,}, {engine}: {done.stdout.strip() or done.stderr.strip()[-300:]}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(int(sys.argv[2]), sys.argv[3])
    else:
        main([int(text) for text in sys.argv[1:]] or [5_000, 50_000])
