"""Tests, hazards, restricted means and parametric models in processor seconds beside the peers that import here.

Run as ``python benchmarks/curves.py [rows …]``. lifelines and scikit-survival hold pandas below 3, so they run in an
environment of their own with this folder's parent on the path; where they do not import they are passed over, and said
to be. Peaks are of NumPy's and pandas' memory during one call, over the size of the columns that it reads.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pandas as pd
from statsmodels.duration.survfunc import survdiff
from timing import peak, seconds

from impact.survival.hazard import hazard
from impact.survival.logrank import logrank
from impact.survival.nelson_aalen import nelson_aalen
from impact.survival.parametric import parametric
from impact.survival.piecewise_hazard import piecewise_hazard
from impact.survival.restricted_mean import rmst, rmtl
from impact.survival.split_population import split_population

RUNS = 5
HORIZON = 365
CUTS = [42, 91, 182]
X = ["x0", "x1", "x2", "x3"]
Call = Callable[[], object]


def people(rows: int) -> pd.DataFrame:
    """Whole days to 365, half or so with the event, two groups, four covariates, weights, and sets of about three."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 4))
    group = rng.integers(0, 2, rows)
    days = np.ceil(450 * rng.weibull(1.1, rows) * np.exp(x @ [0.1, -0.1, 0.05, 0.2] + 0.1 * group))
    stop = np.minimum(days, HORIZON)
    return pd.DataFrame(x, columns=X).assign(
        days=stop,
        event=(days <= HORIZON).astype(int),
        outcome=np.where(days <= HORIZON, rng.integers(1, 3, rows), 0),
        group=group,
        site=rng.integers(0, 5, rows),
        w=rng.uniform(0.5, 2, rows),
        pair=rng.integers(0, rows // 3, rows),
        entry=np.floor(stop * rng.uniform(0, 0.9, rows)),
        exact=stop - rng.uniform(0, 0.5, rows),
    )


def ours(data: pd.DataFrame) -> dict[str, tuple[Call, list[str]]]:
    """Each call with the columns it reads."""
    o = ["days", "event"]
    wide = [*o, "group", "w", "pair"]
    options = {"weights": "w", "cluster": "pair"}
    return {
        "log-rank": (lambda: logrank(data, *o, "group"), [*o, "group"]),
        "log-rank, strata, entry": (
            lambda: logrank(data, *o, "group", strata="site", entry="entry"),
            [*o, "group", "site", "entry"],
        ),
        "log-rank, weights, clusters": (lambda: logrank(data, *o, "group", **options), wide),
        "log-rank, times not whole": (lambda: logrank(data, "exact", "event", "group"), [*o, "group"]),
        "Nelson-Aalen": (lambda: nelson_aalen(data, *o).tidy(), o),
        "Nelson-Aalen, weights, clusters": (lambda: nelson_aalen(data, *o, by="group", **options).tidy(), wide),
        "restricted mean": (lambda: rmst(data, *o, HORIZON, by="group").tidy(), [*o, "group"]),
        "restricted mean, weights, clusters": (lambda: rmst(data, *o, HORIZON, by="group", **options).tidy(), wide),
        "time lost to a cause": (lambda: rmtl(data, "days", "outcome", HORIZON, by="group").tidy(), [*o, "group"]),
        "rates by piece": (lambda: piecewise_hazard(data, *o, CUTS, by="group").tidy(), [*o, "group"]),
        "rates by piece, weights, clusters": (
            lambda: piecewise_hazard(data, *o, CUTS, by="group", **options).tidy(),
            wide,
        ),
        "smoothed hazard": (lambda: hazard(data, *o, by="group").tidy(), [*o, "group"]),
        "smoothed hazard, weights": (lambda: hazard(data, *o, weights="w").tidy(), [*o, "w"]),
        "Weibull": (lambda: parametric(data, *o, X), [*o, *X]),
        "Weibull, weights, clusters": (lambda: parametric(data, *o, X, **options), [*o, *X, "w", "pair"]),
        "log-normal": (lambda: parametric(data, *o, X, family="lognormal"), [*o, *X]),
        "Gompertz, entry": (lambda: parametric(data, *o, X, family="gompertz", entry="entry"), [*o, *X, "entry"]),
        "split Weibull": (lambda: split_population(data, *o), o),
        "split log-normal, share and timing": (
            lambda: split_population(data, *o, X[:2], share=X[2:], family="lognormal"),
            [*o, *X],
        ),
    }


def peers(data: pd.DataFrame) -> dict[str, Call]:
    """The same calls in other packages, as far as they import."""
    days, event, group = (data[name].to_numpy() for name in ("days", "event", "group"))
    found: dict[str, Call] = {"statsmodels survdiff": lambda: survdiff(days, event, group)}
    lifelines, sksurv = _module("lifelines"), _module("sksurv")
    if lifelines is not None:
        tests, utils = _module("lifelines.statistics"), _module("lifelines.utils")
        assert tests is not None
        assert utils is not None
        frame = data[[*X, "days", "event"]]
        km = lifelines.KaplanMeierFitter().fit(days, event)
        found |= {
            "lifelines logrank_test": lambda: tests.multivariate_logrank_test(days, group, event),
            "lifelines NelsonAalenFitter": lambda: lifelines.NelsonAalenFitter().fit(days, event),
            "lifelines restricted mean (no error)": lambda: utils.restricted_mean_survival_time(km, HORIZON),
            "lifelines WeibullAFTFitter": lambda: lifelines.WeibullAFTFitter().fit(frame, "days", "event"),
            "lifelines LogNormalAFTFitter": lambda: lifelines.LogNormalAFTFitter().fit(frame, "days", "event"),
        }
    if sksurv is not None:
        compare, curves, util = (_module(f"sksurv.{name}") for name in ("compare", "nonparametric", "util"))
        assert compare is not None
        assert curves is not None
        assert util is not None
        outcome = util.Surv.from_arrays(event == 1, days)
        found |= {
            "scikit-survival compare_survival": lambda: compare.compare_survival(outcome, group),
            "scikit-survival nelson_aalen": lambda: curves.nelson_aalen_estimator(event == 1, days),
        }
    return found


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main(sizes: list[int]) -> None:
    """Print one line for each call and size."""
    warnings.simplefilter("ignore")
    absent = [name for name in ("lifelines", "sksurv") if _module(name) is None]
    if absent:
        print(f"not here, passed over: {', '.join(absent)}")
    for rows in sizes:
        data = people(rows)
        for name, (call, columns) in ours(data).items():
            inputs = data[columns].memory_usage(index=False).sum()
            print(
                f"{rows:>9,}  {name:<38} {seconds(call, RUNS):9.4f} s   peak {peak(call) / inputs:5.1f} × its columns"
            )
        for name, call in peers(data).items():
            print(f"{rows:>9,}  {name:<38} {seconds(call, 3):9.4f} s")


if __name__ == "__main__":
    main([int(value) for value in sys.argv[1:]] or [100_000])
