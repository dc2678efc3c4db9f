"""Odd little samples end in a result that can be read, or in an error that is this library's own: nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact.errors import ImpactError
from impact.survival.hazard import hazard
from impact.survival.likelihoods.families import FAMILIES
from impact.survival.logrank import logrank
from impact.survival.nelson_aalen import nelson_aalen
from impact.survival.parametric import parametric
from impact.survival.piecewise_hazard import piecewise_hazard
from impact.survival.restricted_mean import rmst, rmtl
from impact.survival.split_population import SPLIT_FAMILIES, split_population


def odd(seed: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """A sample of 1 to 30 rows, its times tied, all alike, or of scales far apart; and options that come and go."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    time = [
        np.ceil(rng.exponential(5, n)),
        np.full(n, 3.0),
        np.exp(rng.normal(0, 6, n)),
        rng.integers(1, 3, n) * 1.0,
        rng.exponential(1, n) * 10.0 ** rng.integers(-12, 12),
    ][rng.integers(0, 5)]
    event = [rng.integers(0, 2, n), np.ones(n, dtype=int), np.zeros(n, dtype=int)][rng.choice(3, p=[0.8, 0.15, 0.05])]
    frame = pd.DataFrame(
        {
            "time": time,
            "event": event,
            "outcome": event * rng.integers(1, 3, n),
            "group": rng.choice(list("abc")[: rng.integers(1, 4)], n),
            "x": rng.normal(size=n) * 10.0 ** rng.integers(-6, 6),
            "z": rng.integers(0, 2, n),
            "from": time * rng.uniform(0, 0.95, n) * (rng.uniform(size=n) < 0.6),
            "w": rng.uniform(0, 2, n) * (rng.uniform(size=n) < 0.9),
            "pair": rng.integers(0, max(1, n // 2), n),
        }
    )
    drawn = {"entry": "from", "weights": "w", "cluster": "pair"}
    return frame, {name: column for name, column in drawn.items() if rng.uniform() < 0.35}


def read(call) -> None:
    """Make a result and read it in every way."""
    try:
        result = call()
        assert repr(result) == repr(result)
        assert len(result.tidy())
        if hasattr(result, "predict"):
            people = pd.DataFrame({"x": [0.0, 1.0], "z": [0, 1]})
            for table in (result.predict([0, 1, 1e9]), result.predict(people, 2.0), result.hazard(people, 2.0)):
                assert table["estimate"].notna().all()
            result.quantiles(data=people)
        if hasattr(result, "share"):
            assert 0 <= result.share.estimate <= 1
    except ImpactError as error:
        assert str(error)


CALLS = {
    **{
        f"{family} test": lambda d, o, f=family: logrank(d, "time", "event", "group", family=f, **o)
        for family in ("logrank", "gehan", "peto-peto")
    },
    "trend": lambda d, o: logrank(d, "time", "event", "group", strata="z", trend=True, **o),
    "nelson_aalen": lambda d, o: nelson_aalen(d, "time", "event", by="group", **o),
    "rmst": lambda d, o: rmst(d, "time", "event", float(d["time"].median()), by="group", **o),
    "rmtl": lambda d, o: rmtl(d, "time", "outcome", float(d["time"].median()), by="group", **o),
    "piecewise": lambda d, o: piecewise_hazard(d, "time", "event", [float(d["time"].median())], by="group", **o),
    "hazard": lambda d, o: hazard(d, "time", "event", **o),
    **{f: lambda d, o, f=f: parametric(d, "time", "event", ["x", "z"], family=f, **o) for f in FAMILIES},
    **{
        f"split {f}": lambda d, o, f=f: split_population(d, "time", "event", ["x"], share=["z"], family=f, **o)
        for f in SPLIT_FAMILIES
    },
    "split alone": lambda d, o: split_population(d, "time", "event", **o),
}


@pytest.mark.parametrize("name", CALLS)
def test_odd_samples(name):
    for seed in range(40):
        frame, options = odd(seed)
        read(lambda frame=frame, options=options: CALLS[name](frame, options))
