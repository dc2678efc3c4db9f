"""Survival in processor seconds beside statsmodels, lifelines, scikit-survival and R; medians, ratios, peak memory.

Run as ``python benchmarks/survival.py [rows …] [--peers PYTHON]``. lifelines and scikit-survival hold pandas back, so
they run where PYTHON, an interpreter of an environment of their own, imports them; R where Rscript finds `survival`.
What is not there is named and left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

COVARIATES = [f"x{place}" for place in range(8)]
RUNS = 5
SLOW = 20.0
LARGEST_SQUARE = 20_000
Calls = dict[str, Callable[[], object]]

R_SCRIPT = """
suppressMessages(library(survival))
arguments <- commandArgs(TRUE)
d <- read.csv(arguments[1])
runs <- as.integer(arguments[2])
cost <- function(name, call) {
    taken <- numeric()
    for (i in seq_len(runs)) {
        spent <- system.time(call())
        taken <- c(taken, spent[["user.self"]] + spent[["sys.self"]])
        if (taken[1] > 20) break
    }
    cat(name, median(taken), sep = "\\t"); cat("\\n")
}
f <- Surv(days, event) ~ x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7
fit <- coxph(f, d)
cost("Cox, Efron", function() coxph(f, d))
if (nrow(d) <= 100000) {
    cost("Cox, robust", function() coxph(f, d, robust = TRUE))
    cost("Cox, weights, clusters", function() coxph(f, d, weights = w, cluster = pair))
}
cost("Proportional hazards", function() cox.zph(fit))
cost("Kaplan-Meier", function() survfit(Surv(days, event) ~ 1, d))
cost("Concordance", function() concordance(fit))
"""


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
    """Median processor seconds of a call; of one run where that is slow."""
    taken: list[float] = []
    for _ in range(runs):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
        if taken[0] > SLOW:
            break
    return statistics.median(taken)


def own_calls(data: pd.DataFrame) -> Calls:
    """This library's public calls."""
    from impact.survival import cox, kaplan_meier

    fit = cox(data, "days", "event", COVARIATES)
    few = data.head(3)
    return {
        "Cox, Efron": lambda: cox(data, "days", "event", COVARIATES),
        "Cox, robust": lambda: cox(data, "days", "event", COVARIATES, robust=True),
        "Cox, weights, clusters": lambda: cox(data, "days", "event", COVARIATES, weights="w", cluster="pair"),
        "Cox, strata, entry": lambda: cox(data, "days", "event", COVARIATES, strata="site", entry="entry"),
        "Cox, times not whole": lambda: cox(data, "exact", "event", COVARIATES),
        "Proportional hazards": fit.ph_test,
        "Concordance": lambda: type(fit)._agreement.func(fit),
        "Score test of one term": lambda: fit.test("x0", "score"),
        "dfbeta": lambda: fit.residuals("dfbeta"),
        "Predicted curves of three": lambda: fit.predict(few).tidy(),
        "Kaplan-Meier": lambda: kaplan_meier(data, "days", "event").tidy(),
        "Kaplan-Meier, by": lambda: kaplan_meier(data, "days", "event", by="site").tidy(),
        "Kaplan-Meier, weights, clusters": lambda: kaplan_meier(
            data, "days", "event", weights="w", cluster="pair"
        ).tidy(),
    }


def statsmodels_calls(data: pd.DataFrame) -> Calls:
    """The same in statsmodels, which has neither weights nor a test of proportional hazards."""
    from statsmodels.duration.hazard_regression import PHReg
    from statsmodels.duration.survfunc import SurvfuncRight

    days, event, x = data["days"].to_numpy(), data["event"].to_numpy(), data[COVARIATES].to_numpy()
    calls: Calls = {"Kaplan-Meier": lambda: SurvfuncRight(days, event)}
    if len(data) <= 100_000:
        model = PHReg(days, x, status=event, ties="efron")
        calls["Cox, Efron"] = lambda: PHReg(days, x, status=event, ties="efron").fit(disp=False)
        calls["Cox, weights, clusters"] = lambda: model.fit(disp=False, groups=data["pair"].to_numpy())
    return calls


def lifelines_calls(data: pd.DataFrame) -> Calls:
    """The same in lifelines; its clustered error goes with the square of the rows."""
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import proportional_hazard_test

    plain = data[[*COVARIATES, "days", "event"]]
    fit = CoxPHFitter().fit(plain, "days", "event")
    calls: Calls = {
        "Cox, Efron": lambda: CoxPHFitter().fit(plain, "days", "event"),
        "Kaplan-Meier": lambda: KaplanMeierFitter().fit(data["days"], data["event"]),
    }
    if len(data) <= 100_000:
        calls["Cox, robust"] = lambda: CoxPHFitter().fit(plain, "days", "event", robust=True)
        calls["Proportional hazards"] = lambda: proportional_hazard_test(fit, plain, time_transform="km")
    if len(data) <= LARGEST_SQUARE:
        grouped = data[[*COVARIATES, "days", "event", "w", "pair"]]
        calls["Cox, weights, clusters"] = lambda: CoxPHFitter().fit(
            grouped, "days", "event", weights_col="w", cluster_col="pair"
        )
    return calls


def scikit_survival_calls(data: pd.DataFrame) -> Calls:
    """The same in scikit-survival, which gives no standard errors."""
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.nonparametric import kaplan_meier_estimator
    from sksurv.util import Surv

    x, y = data[COVARIATES].to_numpy(), Surv.from_arrays(data["event"] == 1, data["days"])
    status, days = y["event"], data["days"].to_numpy()
    calls: Calls = {"Kaplan-Meier": lambda: kaplan_meier_estimator(status, days)}
    if len(data) <= 100_000:
        calls["Cox, Efron"] = lambda: CoxPHSurvivalAnalysis(ties="efron").fit(x, y)
    return calls


PEERS = {
    "statsmodels": ("statsmodels", statsmodels_calls),
    "lifelines": ("lifelines", lifelines_calls),
    "scikit-survival": ("sksurv", scikit_survival_calls),
}


def peers_here(rows: int) -> dict[str, dict[str, float]]:
    """Seconds of each call of each peer that this interpreter imports."""
    data = people(rows)
    found = {name: make for name, (module, make) in PEERS.items() if importlib.util.find_spec(module)}
    return {name: {call: seconds(run, 3) for call, run in make(data).items()} for name, make in found.items()}


def peers(rows: int, python: str | None) -> dict[str, dict[str, float]]:
    """Seconds of the peers, in another interpreter where one is named, and of R."""
    if python is None:
        found = peers_here(rows)
    else:
        words = [python, "-W", "ignore", __file__, str(rows), "--peers-only"]
        found = json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout.splitlines()[-1])
    if shutil.which("Rscript"):
        with tempfile.TemporaryDirectory() as folder:
            table, script = Path(folder) / "people.csv", Path(folder) / "cost.R"
            people(rows).to_csv(table, index=False)
            script.write_text(R_SCRIPT)
            run = subprocess.run(["Rscript", str(script), str(table), "3"], capture_output=True, text=True)
        lines = [line.split("\t") for line in run.stdout.splitlines() if "\t" in line]
        found["R survival"] = {name: float(value) for name, value in lines}
    missing = [name for name in (*PEERS, "R survival") if not found.get(name)]
    if missing:
        print(f"Not here, and left out: {', '.join(missing)}.")
    return found


def peak(call: Callable[[], object], data: pd.DataFrame) -> float:
    """Peak memory of a call, in times of the input columns it reads."""
    size = data[[*COVARIATES, "days", "event"]].memory_usage(index=False).sum()
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return float(most / size)


def main(sizes: list[int], python: str | None) -> None:
    """Print one line for each call and size: seconds, the fastest peer, the ratio, and peak memory."""
    for rows in sizes:
        theirs = peers(rows, python)
        data = people(rows)
        print(f"\n{rows:,} rows\n{'call':<34} {'seconds':>9}  {'memory':>6}  peers (seconds) and times as fast")
        for name, call in own_calls(data).items():
            spent = seconds(call)
            beside = sorted((calls[name], peer) for peer, calls in theirs.items() if name in calls)
            words = ", ".join(f"{peer} {value:.4f} ({value / spent:.1f})" for value, peer in beside)
            print(f"{name:<34} {spent:9.4f}  {peak(call, data):6.2f}  {words}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[100_000])
    parser.add_argument("--peers", help="an interpreter that imports lifelines and scikit-survival")
    parser.add_argument("--peers-only", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.peers_only:
        print(json.dumps(peers_here(given.rows[0])))
        sys.exit()
    main(given.rows, given.peers)
