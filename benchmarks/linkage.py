"""Linking made-up people of two files: seconds, peak memory and true pairs found, each in a process of its own.

Run as ``python benchmarks/linkage.py [records …]``; the default is 5,000 and 50,000 in each file. Spark is tried where
it is installed, at the smallest size, and must give the same links; the memory said is that of Python alone, without
Spark's own process. ``python benchmarks/linkage.py labelled`` counts precision, recall and F1 on two public files of
made-up records whose truth is known (FEBRL's dataset 1 and Splink's thousand), in the clear and encoded under ten keys,
where they lie beside the checkout (``../shared/data/linkage``, or under ``IMPACT_SHARED``).
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
from impact.records import encode
from impact.records.linkage.links import Links
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
    start, busy = time.perf_counter(), time.process_time()
    links = im.link(left, right, engine=engine, one_to_one=True)
    taken, busy = time.perf_counter() - start, time.process_time() - busy
    counted = links.quality(truth, thresholds=[0.9]).iloc[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB
    same = int(pd.util.hash_pandas_object(links.tidy()[["left_id", "right_id"]], index=False).sum())
    print(
        f"{taken:.1f} s ({busy:.1f} s of processor), {peak:.2f} GiB, precision {counted['precision']:.4f}, "
        f"recall {counted['recall']:.4f}, F1 {counted['f1']:.4f}, {same:x}"
    )


CLEAR = {
    "febrl_dataset1.csv": (
        "rec_id",
        {"forename": "given_name", "surname": "surname", "birth_date": "date_of_birth", "postcode": "postcode"},
        {"number": "soc_sec_id", "place": "suburb", "address": "address_1"},
    ),
    "splink_fake_1000.csv": (
        "unique_id",
        {"forename": "first_name", "surname": "surname", "birth_date": "dob"},
        {"place": "city", "email": "email"},
    ),
}
"""Each file's id, the columns that are compared and encoded, and those compared in the clear alone."""


def labelled() -> None:
    """Print precision, recall and F1 at 0.5 and 0.9 on the public files."""
    folder = Path(os.environ.get("IMPACT_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "linkage"
    for file, (number, both, clear) in CLEAR.items():
        if not (folder / file).is_file():
            print(f"{file} is not on this machine.")
            continue
        data = pd.read_csv(folder / file, dtype=str, skipinitialspace=True, keep_default_na=False, na_values=[""])
        label = data["cluster"] if "cluster" in data else data[number].str.split("-").str[1]
        truth = same_label(data[number], label)
        links = im.link(data, id=number, fields=both | clear)
        for threshold in (0.5, links.threshold):
            said(f"{file} at {threshold:g}", links.quality(truth, thresholds=[threshold]).iloc[0])
        people = same_label(links.clusters["record_id"], links.clusters["person_id"])
        right = len(people.merge(truth))
        pair = {"precision": right / len(people), "recall": right / len(truth)}
        said(f"{file}, people", pair | {"f1": 2 * right / (len(people) + len(truth))})
        rows = pd.DataFrame(
            [encoded(data, number, both, place).quality(truth, thresholds=[0.9]).iloc[0] for place in range(10)]
        )
        for name in ("precision", "recall", "f1"):
            low, high = rows[name].min(), rows[name].max()
            print(f"{file}, encoded, {name}: mean {rows[name].mean():.3f}, from {low:.3f} to {high:.3f} over ten keys")


def encoded(data: pd.DataFrame, number: str, fields: dict[str, str], place: int) -> Links:
    """The links of encodings under one of ten keys."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        key.write_text(f"benchmark-key-{place}-0123456789-abcdef")
        return im.link(encode(data, key=key, id=number, fields=fields), id=number)


def same_label(ids: pd.Series, label: pd.Series) -> pd.DataFrame:
    """The pairs of records with one label, each once."""
    frame = pd.DataFrame({"left_id": ids, "right_id": ids, "label": label})
    both = frame[["left_id", "label"]].merge(frame[["right_id", "label"]], on="label")
    return both.loc[both["left_id"] < both["right_id"], ["left_id", "right_id"]]


def said(what: str, row: pd.Series | dict[str, float]) -> None:
    """Print one line."""
    print(f"{what}: precision {row['precision']:.3f}, recall {row['recall']:.3f}, F1 {row['f1']:.3f}")


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
    elif sys.argv[1:] == ["labelled"]:
        labelled()
    else:
        main([int(text) for text in sys.argv[1:]] or [5_000, 50_000])
