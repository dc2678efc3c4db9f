"""Bias and coverage of risk differences after matching, where the truth is known.

Run: python benchmarks/coverage_comparison.py [replications]. Need drives both joining and reoffending; each joiner's
chance of reoffending is lowered by the same amount on the log-odds scale, and the truth is the mean effect on joiners.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy.special import expit

from impact.comparison import compare, match, propensity, whole_sample

SIZES = ((60, 1_500), (150, 3_000), (600, 6_000))
EFFECT = -0.5
WAYS: dict[str, tuple[dict[str, object] | None, tuple[str, ...]]] = {
    "no matching": (None, ("cluster", "jdl")),
    "nearest 1:1": ({}, ("cluster", "jdl")),
    "nearest 3:1": ({"ratio": 3}, ("cluster", "jdl")),
    "nearest 1:1, caliper 0.2": ({"caliper": 0.2}, ("cluster", "jdl")),
    "nearest 1:1, with replacement": ({"replace": True}, ("cluster", "jdl")),
    "radius 0.1 on log-odds": ({"method": "radius", "radius": 0.1}, ("cluster", "jdl")),
}


def draw(treated: int, others: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """People and the effect on each one's chance of reoffending."""
    n = 3 * (treated + others)
    need, age, prior = rng.normal(size=n), rng.normal(size=n), rng.poisson(2, n)
    lean = 0.5 * need - 0.3 * age + 0.15 * prior
    joined = rng.random(n) < expit(lean - 3)
    rows = np.concatenate([np.flatnonzero(joined)[:treated], np.flatnonzero(~joined)[:others]])
    base = -0.9 + 0.5 * need - 0.4 * age + 0.2 * prior
    chance = expit(base[rows] + EFFECT * joined[rows])
    data = pd.DataFrame(
        {"need": need[rows], "age": age[rows], "prior": prior[rows], "joined": joined[rows].astype(int)}
    )
    data["again"] = (rng.random(len(rows)) < chance).astype(int)
    return data, expit(base[rows] + EFFECT) - expit(base[rows])


def truth() -> float:
    """The mean effect on joiners, from a large draw (of chances, not outcomes)."""
    data, effect = draw(200_000, 10, np.random.default_rng(99))
    return float(effect[data["joined"] == 1].mean())


def main(replications: int = 500) -> None:
    target = truth()
    print(f"Truth: {target:.4f}; {replications} replications; 95% intervals")
    print("treated others  design                         se           bias      sd  mean se  cover   kept")
    for treated, others in SIZES:
        found: dict[tuple[str, str], list[tuple[float, float, bool, float]]] = {}
        for seed in range(replications):
            data, _ = draw(treated, others, np.random.default_rng(seed))
            score = propensity("joined ~ need + age + prior", data)
            for way, (arguments, errors) in WAYS.items():
                design = whole_sample(data, "joined") if arguments is None else match(score, **arguments)  # type: ignore[arg-type]
                for se in errors:
                    one = compare(design, "again", measure="risk_difference", se=se)
                    hit = one.conf_low <= target <= one.conf_high
                    found.setdefault((way, se), []).append((one.estimate, one.std_error, hit, one.n_treated / treated))
        for (way, se), values in found.items():
            estimates, errors_, hits, kept = (np.array(column) for column in zip(*values, strict=True))
            print(
                f"{treated:>7} {others:>6}  {way:<30} {se:<8} {estimates.mean() - target:>8.4f} "
                f"{estimates.std(ddof=1):>7.4f} {errors_.mean():>8.4f} {hits.mean():>6.3f} {kept.mean():>6.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
