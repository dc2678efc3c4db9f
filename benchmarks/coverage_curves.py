"""Coverage of the intervals of curves, restricted means, rates and parametric models, and the level of tests.

Run: python benchmarks/coverage_curves.py [replications]. 200 people a sample, followed for 100 to 365 days, their truth
known: alone (Weibull times), in pairs that share a gamma frailty, and drawn unevenly with weights that mend it. Writes
docs/coverage-curves.md. Another estimator is one line of `ESTIMATORS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy

from impact.survival.hazard import hazard
from impact.survival.logrank import FAMILIES, logrank
from impact.survival.nelson_aalen import nelson_aalen
from impact.survival.parametric import parametric
from impact.survival.piecewise_hazard import piecewise_hazard
from impact.survival.restricted_mean import rmst, rmtl
from impact.survival.split_population import split_population

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage-curves.md"
N, HORIZON, DAY = 200, 300.0, 180.0
LOCATION, SCALE, EFFECT = np.log(300.0), 1 / 1.2, 0.4
FRAILTY, RATE = 0.5, 1 / 250
SHARE = 0.6
OUTCOME = ("days", "event")
Hits = Iterable[tuple[str, bool]]


def followed(days: np.ndarray, rng: np.random.Generator, **columns: np.ndarray) -> pd.DataFrame:
    """People with their follow-up cut: half of them before a year."""
    stop = np.minimum(rng.uniform(100, 630, len(days)), 365)
    stop[-20:] = 365
    frame = pd.DataFrame({"days": np.minimum(days, stop), "event": (days <= stop).astype(int), **columns})
    return frame.assign(row=np.arange(len(days)), half=np.arange(len(days)) % 2)


def alone(rng: np.random.Generator) -> pd.DataFrame:
    """Weibull times; half have a time ratio of exp(EFFECT); one event in four is of another cause."""
    x = np.arange(N) % 2
    frame = followed(np.exp(LOCATION + EFFECT * x) * rng.weibull(1 / SCALE, N), rng, x=x)
    return frame.assign(outcome=frame["event"] * (1 + (rng.uniform(size=N) < 0.25)))


def paired(rng: np.random.Generator) -> pd.DataFrame:
    """Pairs that share a gamma frailty, one of each pair in either group; no difference between the groups."""
    frailty = np.repeat(rng.gamma(1 / FRAILTY, FRAILTY, N // 2), 2)
    return followed(rng.exponential(size=N) / (RATE * frailty), rng, pair=np.repeat(np.arange(N // 2), 2))


def uneven(rng: np.random.Generator) -> pd.DataFrame:
    """Seven in ten of a kind that is half of all, with weights; their rates differ."""
    z = (rng.uniform(size=N) < 0.7).astype(int)
    days = rng.exponential(size=N) / (RATE * np.exp(0.8 * z))
    return followed(days, rng, z=z, w=np.where(z == 1, 0.5 / 0.7, 0.5 / 0.3))


def cured(rng: np.random.Generator) -> pd.DataFrame:
    """A share SHARE ever have the event, with Weibull times that end within the year for most."""
    days = np.where(rng.uniform(size=N) < SHARE, 80 * rng.weibull(1.2, N), np.inf)
    return followed(days, rng)


def survival_alone(t: np.ndarray, x: int = 0) -> np.ndarray:
    return np.exp(-((t / np.exp(LOCATION + EFFECT * x)) ** (1 / SCALE)))


def survival_paired(t: np.ndarray) -> np.ndarray:
    return (1 + FRAILTY * RATE * t) ** (-1 / FRAILTY)


def survival_uneven(t: np.ndarray) -> np.ndarray:
    return (np.exp(-RATE * t) + np.exp(-RATE * np.exp(0.8) * t)) / 2


def area(curve: Callable[[np.ndarray], np.ndarray]) -> float:
    return float(scipy.integrate.quad(curve, 0, HORIZON)[0])


MEAN = [area(lambda t, x=x: survival_alone(t, x)) for x in (0, 1)]


def covers(table: pd.DataFrame, truths: Iterable[float], names: Iterable[str]) -> Hits:
    for row, truth, name in zip(table.itertuples(), truths, names, strict=True):
        yield name, bool(row.conf_low <= truth <= row.conf_high)


def curve_at(data: pd.DataFrame, truth: float, **options: Any) -> Hits:
    return covers(nelson_aalen(data, *OUTCOME, **options).at(DAY), [-np.log(truth)], ["cumulative hazard"])


def means(data: pd.DataFrame, truths: tuple[float, float], **options: Any) -> Hits:
    a, b = truths
    return covers(
        rmst(data, *OUTCOME, HORIZON, **options).tidy(), [a, b, b - a, b / a], ["mean", "mean", "difference", "ratio"]
    )


def lost(data: pd.DataFrame) -> Hits:
    truth = HORIZON - np.array(MEAN)
    return covers(
        rmtl(data, "days", "outcome", HORIZON, by="x").tidy().iloc[:2], 0.75 * truth, ["time lost", "time lost"]
    )


def rates(data: pd.DataFrame, curve: Callable[[np.ndarray], np.ndarray], **options: Any) -> Hits:
    """The truth of a rate in a piece is not that of a hazard; constant hazards only."""
    table = piecewise_hazard(data, *OUTCOME, [60], **options).tidy()
    return covers(table.iloc[:1], [-100 * np.log(float(curve(np.array(60.0)))) / 60], ["rate"])


def smoothed(data: pd.DataFrame) -> Hits:
    days = np.array([42.0, DAY])
    truth = 100 * (days / np.exp(LOCATION)) ** (1 / SCALE - 1) / (SCALE * np.exp(LOCATION))
    part = data[data["x"] == 0]
    return covers(hazard(part, *OUTCOME, times=days.tolist()).tidy(), truth, [f"hazard, day {day:g}" for day in days])


def weibull(data: pd.DataFrame, **options: Any) -> Hits:
    fit = parametric(data, *OUTCOME, ["x"], **options)
    yield from covers(fit.tidy(), [LOCATION, EFFECT, np.log(SCALE)], fit.names)
    yield from covers(fit.predict(DAY, pd.DataFrame({"x": [0]})), [float(survival_alone(DAY))], ["survival"])


def split(data: pd.DataFrame, **options: Any) -> Hits:
    fit = split_population(data, *OUTCOME, **options)
    yield "ultimate share", fit.share.conf_low <= SHARE <= fit.share.conf_high


def rejects(data: pd.DataFrame, by: str, **options: Any) -> Hits:
    yield "not rejected under the null", logrank(data, *OUTCOME, by, **options).p_value >= 0.05


PAIRS, WEIGHTS = {"cluster": "pair"}, {"weights": "w"}
ESTIMATORS: dict[str, tuple[Callable[[np.random.Generator], pd.DataFrame], Callable[[pd.DataFrame], Hits]]] = {
    **{
        f"Nelson-Aalen, {kind}": (
            alone,
            lambda data, kind=kind: curve_at(data[data["x"] == 0], float(survival_alone(DAY)), conf_type=kind),
        )
        for kind in ("log", "plain", "arcsine")
    },
    "Nelson-Aalen, clusters": (paired, lambda data: curve_at(data, float(survival_paired(DAY)), **PAIRS)),
    "Nelson-Aalen, weights": (uneven, lambda data: curve_at(data, float(survival_uneven(DAY)), **WEIGHTS)),
    "Restricted mean": (alone, lambda data: means(data, (MEAN[0], MEAN[1]), by="x")),
    "Restricted mean, clusters": (
        paired,
        lambda data: means(data, (area(survival_paired),) * 2, by="half", **PAIRS),
    ),
    "Restricted mean, weights": (
        uneven,
        lambda data: means(data, (area(survival_uneven),) * 2, by="half", **WEIGHTS),
    ),
    "Time lost to a cause": (alone, lost),
    "Rate by piece, exact": (
        lambda rng: uneven(rng).query("z == 1"),
        lambda data: rates(data, lambda t: np.exp(-RATE * np.exp(0.8) * t)),
    ),
    "Rate by piece, robust": (
        lambda rng: uneven(rng).query("z == 1"),
        lambda data: rates(data, lambda t: np.exp(-RATE * np.exp(0.8) * t), cluster="row"),
    ),
    "Smoothed hazard": (alone, smoothed),
    "Weibull": (alone, weibull),
    "Weibull, robust": (alone, lambda data: weibull(data, robust=True)),
    "Split Weibull, profile": (cured, split),
    "Split Weibull, robust": (cured, lambda data: split(data, robust=True)),
    **{
        f"{name}": (
            uneven,
            lambda data, family=family: rejects(data.sample(frac=1, random_state=1), "half", family=family),
        )
        for family, name in FAMILIES.items()
    },
    "Log-rank test, clusters": (paired, lambda data: rejects(data, "half", **PAIRS)),
    "Log-rank test, weights": (uneven, lambda data: rejects(data, "half", **WEIGHTS)),
    "Log-rank test for trend": (alone, lambda data: rejects(data.assign(g=data["row"] % 10 // 2), "g", trend=True)),
}


def main(replications: int = 2_000) -> None:
    """Print and write one line for each interval."""
    lines = [
        "# Coverage of curves, restricted means, rates and parametric models",
        "",
        "How often 95% intervals hold the truth, and how often tests of a true null do not reject it, in"
        f" {replications:,} samples of {N} people (`benchmarks/coverage_curves.py`). Monte Carlo error of 0.95:"
        f" {np.sqrt(0.95 * 0.05 / replications):.3f}.",
        "",
        "| estimator | of | covered |",
        "|---|---|---|",
    ]
    print("\n".join(lines))
    for name, (draw, estimate) in ESTIMATORS.items():
        hits: dict[str, list[bool]] = {}
        for seed in range(replications):
            for what, hit in estimate(draw(np.random.default_rng(seed))):
                hits.setdefault(what, []).append(hit)
        for what, found in hits.items():
            lines.append(f"| {name} | {what} | {np.mean(found):.3f} |")
            print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
