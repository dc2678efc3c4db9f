"""Competing and recurrent events in processor seconds and memory, beside statsmodels and R where they are at hand.

Run as ``python benchmarks/events.py [rows …]``. For each call: the median of the runs, how the time grew from the size
before over n log n (1 is as n log n), and the peak of memory allocated beyond the data over the size of the columns
used.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.duration.survfunc import CumIncidenceRight
from timing import peak, seconds

from impact.survival.cumulative_incidence import cumulative_incidence
from impact.survival.fine_gray import fine_gray
from impact.survival.gray_test import gray_test
from impact.survival.mean_cumulative import mean_cumulative
from impact.survival.recurrent import recurrent

COVARIATES = [f"x{place}" for place in range(8)]
RUNS = 5
R_MOST = 100_000
R_CODE = """
suppressMessages({library(survival); library(cmprsk)})
d <- read.csv(commandArgs(TRUE)[1])
spent <- function(name, expression) {
    taken <- system.time(expression)
    cat(sprintf("%s,%.4f\\n", name, taken[["user.self"]] + taken[["sys.self"]]))
}
spent("R survfit, causes", survfit(Surv(days, factor(what)) ~ 1, data = d))
spent("R cuminc with Gray's test", cuminc(d$days, d$what, d$site))
small <- d[seq_len(min(nrow(d), 5000)), ]
spent(sprintf("R crr at %d rows", nrow(small)), crr(small$days, small$what, as.matrix(small[paste0("x", 0:7)])))
"""


def people(rows: int) -> pd.DataFrame:
    """Integer days to 365, half or so with one of three causes, eight covariates of which three are 0 or 1."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 8))
    x[:, 5:] = x[:, 5:] > 0.5
    days = np.ceil(rng.exponential(500 * np.exp(-x @ np.linspace(-0.3, 0.3, 8))))
    end = rng.integers(100, 500, rows).clip(max=365)
    frame = pd.DataFrame(x, columns=COVARIATES)
    return frame.assign(
        days=np.minimum(days, end).astype(float),
        what=np.where(days <= end, rng.choice([1, 1, 2, 3], rows), 0),
        w=rng.uniform(0.5, 2, rows),
        pair=rng.integers(0, rows // 3, rows),
        site=rng.integers(0, 5, rows),
        entry=np.floor(np.minimum(days, end) * rng.uniform(0, 0.9, rows)),
        exact=np.minimum(days, end) - rng.uniform(0, 0.5, rows),
    )


def histories(rows: int) -> pd.DataFrame:
    """About three start-stop rows a person."""
    rng = np.random.default_rng(2)
    who = np.sort(rng.integers(0, rows // 3, rows))
    first = np.r_[True, np.diff(who) > 0]
    ends = np.cumsum(rng.integers(1, 200, rows)).astype(float)
    starts = np.r_[0.0, ends[:-1]]
    began = np.maximum.accumulate(np.where(first, starts, 0.0))
    return pd.DataFrame(
        {
            "who": who,
            "start": starts - began,
            "stop": ends - began,
            "again": rng.integers(0, 2, rows),
            "arm": (who % 2),
        }
    )


def calls(data: pd.DataFrame, rows: pd.DataFrame) -> dict[str, tuple[Callable[[], object], pd.DataFrame]]:
    """Each call with the columns that it reads."""
    outcome = data[["days", "what"]]
    fitted = data[["days", "what", *COVARIATES]]
    history = ("who", "start", "stop", "again")
    return {
        "Cumulative incidence": (lambda: cumulative_incidence(data, "days", "what").tidy(), outcome),
        "Cumulative incidence, by": (
            lambda: cumulative_incidence(data, "days", "what", by="site").tidy(),
            data[["days", "what", "site"]],
        ),
        "Cumulative incidence, weights, clusters": (
            lambda: cumulative_incidence(data, "days", "what", weights="w", cluster="pair").tidy(),
            data[["days", "what", "w", "pair"]],
        ),
        "Cumulative incidence, times not whole": (
            lambda: cumulative_incidence(data, "exact", "what"),
            data[["exact", "what"]],
        ),
        "Gray's test": (lambda: gray_test(data, "days", "what", "site"), data[["days", "what", "site"]]),
        "Gray's test, times not whole": (
            lambda: gray_test(data, "exact", "what", "site"),
            data[["exact", "what", "site"]],
        ),
        "Fine-Gray, Efron": (lambda: fine_gray(data, "days", "what", COVARIATES), fitted),
        "Fine-Gray, weights, clusters": (
            lambda: fine_gray(data, "days", "what", COVARIATES, weights="w", cluster="pair"),
            data[["days", "what", "w", "pair", *COVARIATES]],
        ),
        "Fine-Gray, times not whole": (
            lambda: fine_gray(data, "exact", "what", COVARIATES),
            data[["exact", "what", *COVARIATES]],
        ),
        "Mean cumulative count": (lambda: mean_cumulative(rows, *history).tidy(), rows),
        "Mean cumulative count, by": (lambda: mean_cumulative(rows, *history, by="arm").tidy(), rows),
        "Rows for gap time": (lambda: recurrent(rows, *history, model="pwp-gap"), rows),
    }


def main(sizes: list[int]) -> None:
    """Print one line for each call and size."""
    warnings.simplefilter("ignore")
    before: dict[str, tuple[int, float]] = {}
    for size in sizes:
        data, rows = people(size), histories(size)
        for name, (call, columns) in calls(data, rows).items():
            call()
            taken = seconds(call, RUNS)
            growth = ""
            if name in before:
                n, earlier = before[name]
                growth = f"{taken / earlier / (size * math.log(size) / (n * math.log(n))):6.2f}"
            before[name] = (size, taken)
            memory = peak(call) / columns.memory_usage(index=False).sum()
            print(f"{size:>9,}  {name:<42} {taken:9.4f} s  growth {growth:>6}  memory {memory:5.1f}", flush=True)
        taken = seconds(lambda data=data: CumIncidenceRight(data["days"].to_numpy(), data["what"].to_numpy()), 3)
        print(f"{size:>9,}  {'statsmodels CumIncidenceRight':<42} {taken:9.4f} s")
        if size <= R_MOST and shutil.which("Rscript"):
            with tempfile.TemporaryDirectory() as folder:
                data.to_csv(Path(folder) / "data.csv", index=False)
                command = ["Rscript", "-e", R_CODE, str(Path(folder) / "data.csv")]
                found = subprocess.run(command, capture_output=True, text=True, check=False)
            for line in found.stdout.splitlines():
                name, value = line.rsplit(",", 1)
                print(f"{size:>9,}  {name:<42} {float(value):9.4f} s")


if __name__ == "__main__":
    main([int(value) for value in sys.argv[1:]] or [100_000, 1_000_000])
