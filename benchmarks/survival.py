"""Survival in processor seconds beside statsmodels; prints medians of five runs.

Run as ``python benchmarks/survival.py [rows …]``.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from impact.survival import cox, kaplan_meier

COVARIATES = [f"x{place}" for place in range(8)]
RUNS = 5


def people(rows: int) -> pd.DataFrame:
    """Integer days to 365, half or so with the event, eight covariates of which three are 0 or 1."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 8))
    x[:, 5:] = x[:, 5:] > 0.5
    days = np.ceil(rng.exponential(500 * np.exp(-x @ np.linspace(-0.3, 0.3, 8))))
    frame = pd.DataFrame(x, columns=COVARIATES)
    return frame.assign(
        days=np.minimum(days, 365),
        event=(days <= 365).astype(int),
        w=rng.uniform(0.5, 2, rows),
        pair=rng.integers(0, rows // 3, rows),
        site=rng.integers(0, 5, rows),
        entry=np.floor(np.minimum(days, 365) * rng.uniform(0, 0.9, rows)),
        exact=np.minimum(days, 365) - rng.uniform(0, 0.5, rows),
    )


def seconds(call: Callable[[], object], runs: int = RUNS) -> float:
    """Median processor seconds of a call."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main(sizes: list[int]) -> None:
    """Print one line for each call and size."""
    warnings.simplefilter("ignore")
    for rows in sizes:
        data = people(rows)
        fit = cox(data, "days", "event", COVARIATES)
        x = data[COVARIATES].to_numpy()

        def peer(data: pd.DataFrame = data, x: np.ndarray = x) -> object:
            return PHReg(data["days"].to_numpy(), x, status=data["event"].to_numpy(), ties="efron").fit(disp=False)

        calls: dict[str, Callable[[], object]] = {
            "Cox, Efron": lambda data=data: cox(data, "days", "event", COVARIATES),
            "Cox, robust": lambda data=data: cox(data, "days", "event", COVARIATES, robust=True),
            "Cox, weights, clusters": lambda data=data: cox(
                data, "days", "event", COVARIATES, weights="w", cluster="pair"
            ),
            "Cox, strata, entry": lambda data=data: cox(
                data, "days", "event", COVARIATES, strata="site", entry="entry"
            ),
            "Cox, times not whole": lambda data=data: cox(data, "exact", "event", COVARIATES),
            "Proportional hazards": fit.ph_test,
            "Concordance": lambda fit=fit: type(fit).concordance.func(fit),
            "Kaplan-Meier": lambda data=data: kaplan_meier(data, "days", "event").tidy(),
            "Kaplan-Meier, by": lambda data=data: kaplan_meier(data, "days", "event", by="site").tidy(),
            "Kaplan-Meier, weights, clusters": lambda data=data: kaplan_meier(
                data, "days", "event", weights="w", cluster="pair"
            ).tidy(),
        }
        for name, call in calls.items():
            print(f"{rows:>9,}  {name:<34} {seconds(call):9.4f} s")
        if rows <= 100_000:
            print(f"{rows:>9,}  {'statsmodels PHReg, Efron':<34} {seconds(peer, 3):9.4f} s")
            curve = partial(SurvfuncRight, data["days"].to_numpy(), data["event"].to_numpy())
            print(f"{rows:>9,}  {'statsmodels SurvfuncRight':<34} {seconds(curve):9.4f} s")


if __name__ == "__main__":
    main([int(value) for value in sys.argv[1:]] or [100_000])
