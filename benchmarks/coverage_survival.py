"""Coverage of the intervals of survival estimates where the truth is known, with 200 people.

Run: python benchmarks/coverage_survival.py [replications]. Writes docs/coverage-survival.md. A further estimator is one
line of `ESTIMATORS`: who is drawn, the call that gives limits, and what is true.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from impact.errors import ConvergenceError, InputError
from impact.survival import cox, kaplan_meier

N = 200
MANY = 1_600
FOLLOW_UP = 365.0
MEAN = 300.0
SHAPE = 0.8
EFFECTS = np.array([0.5, -0.4])
TIED = 0.7
TIMES = np.array([30.0, 180.0, 330.0])
NEW = pd.DataFrame({"x": [0.0, 1.0], "z": [0, 1]}, index=["x 0, z 0", "x 1, z 1"])
RARE = 0.06
NORMAL = float(scipy.stats.norm.ppf(0.975))
TARGET = Path(__file__).resolve().parents[1] / "docs" / "coverage-survival.md"
Limits = tuple[np.ndarray, np.ndarray]


def hazard(times: np.ndarray) -> np.ndarray:
    """The cumulative baseline hazard: more at first, as after release."""
    return (np.asarray(times) / MEAN) ** SHAPE


def followed(rng: np.random.Generator, risk: np.ndarray) -> pd.DataFrame:
    """Times to the event at a relative risk, in whole days, censored at random and at a year."""
    days = MEAN * (rng.exponential(size=len(risk)) / risk) ** (1 / SHAPE)
    until = np.ceil(np.minimum(FOLLOW_UP, rng.uniform(0.3, 1.6, len(risk)) * FOLLOW_UP))
    return pd.DataFrame({"days": np.ceil(np.minimum(days, until)), "event": (days <= until).astype(int)})


def alike(rng: np.random.Generator) -> pd.DataFrame:
    """People of one risk."""
    return followed(rng, np.ones(N))


def unlike(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    """People of different risk, by a measure x and a group z."""
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    return followed(rng, np.exp(EFFECTS @ [x, z])).assign(x=x, z=z)


def sampled(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    """People drawn more often the higher x is, with the weights that undo it, scaled to a mean of 1."""
    everyone = unlike(rng, 12 * n)
    chance = 1 / (1 + np.exp(-everyone["x"]))
    people = everyone.sample(n, weights=chance, random_state=rng)
    weights = 1 / chance[people.index]
    return people.assign(w=weights / weights.mean())


def frailties(rng: np.random.Generator) -> np.ndarray:
    """Positive stable frailties, one for each of N / 2 pairs, with Laplace transform exp(−s^a), a = 0.7.

    Hazards stay proportional over everyone, with effects times a (Hougaard 1986). Drawn by Kanter (1975).
    """
    angle, wait = rng.uniform(0, np.pi, N // 2), rng.exponential(size=N // 2)
    first = np.sin(TIED * angle) / np.sin(angle) ** (1 / TIED)
    return first * (np.sin((1 - TIED) * angle) / wait) ** ((1 - TIED) / TIED)


def paired(rng: np.random.Generator, effects: np.ndarray = EFFECTS) -> pd.DataFrame:
    """Pairs who share a frailty and z."""
    pair = np.repeat(np.arange(N // 2), 2)
    x, z = rng.normal(size=N), np.repeat(rng.integers(0, 2, N // 2), 2)
    return followed(rng, frailties(rng)[pair] * np.exp(effects @ [x, z])).assign(x=x, z=z, pair=pair)


def pairs_alike(rng: np.random.Generator) -> pd.DataFrame:
    """Pairs who share a frailty and nothing else."""
    return paired(rng, np.zeros(2))


def rare(rng: np.random.Generator) -> pd.DataFrame:
    """People of whom few have what is studied, so that they are often separated."""
    x = (rng.random(N) < RARE).astype(int)
    x[0] = 1
    days = followed(rng, 0.15 * np.exp(EFFECTS[0] * x))
    return days.assign(x=x)


def both(table: pd.DataFrame) -> Limits:
    """The limits of a tidy table."""
    return table["conf_low"].to_numpy(dtype=float), table["conf_high"].to_numpy(dtype=float)


def curve(data: pd.DataFrame, **arguments: object) -> Limits:
    """Limits of a Kaplan-Meier curve at the times."""
    return both(kaplan_meier(data, "days", "event", **arguments).at(TIMES))  # type: ignore[arg-type]


def ratios(data: pd.DataFrame, covariates: tuple[str, ...] = ("x", "z"), **arguments: object) -> Limits:
    """Limits of log hazard ratios."""
    return both(cox(data, "days", "event", covariates, **arguments).tidy())  # type: ignore[arg-type]


def normal(data: pd.DataFrame, **arguments: object) -> Limits:
    """Limits of log hazard ratios by the normal distribution, as R takes it for a robust variance too."""
    table = cox(data, "days", "event", ["x", "z"], **arguments).tidy()  # type: ignore[arg-type]
    estimate, reach = (table[name].to_numpy(dtype=float) for name in ("estimate", "std_error"))
    return estimate - NORMAL * reach, estimate + NORMAL * reach


def predicted(data: pd.DataFrame, conf_type: str = "log-log", **arguments: object) -> Limits:
    """Limits of predicted survival of the new people at the times."""
    fit = cox(data, "days", "event", ["x", "z"], **arguments)  # type: ignore[arg-type]
    return both(fit.predict(NEW, TIMES, conf_type=conf_type).tidy())


@dataclass(frozen=True)
class Estimator:
    """An interval to be tried: whom it is tried on, the limits it gives, and the truth and name of each."""

    name: str
    draw: Callable[[np.random.Generator], pd.DataFrame]
    limits: Callable[[pd.DataFrame], Limits]
    truth: np.ndarray
    of: tuple[str, ...]


AT = tuple(f"S({time:g})" for time in TIMES)
SURVIVAL = np.exp(-hazard(TIMES))
TERMS = ("x", "z")
RISKS = np.exp(NEW.to_numpy() @ EFFECTS)
FUTURE = np.exp(-np.outer(RISKS, hazard(TIMES)).ravel())
SHARED = np.exp(-np.outer(RISKS**TIED, hazard(TIMES) ** TIED).ravel())
OF = tuple(f"{time}, {label}" for label in NEW.index for time in AT)
PAIRS = {"cluster": "pair"}
ESTIMATORS = (
    *(
        Estimator(f"Kaplan-Meier, {kind}", alike, partial(curve, conf_type=kind), SURVIVAL, AT)
        for kind in ("log-log", "log", "plain", "arcsine")
    ),
    Estimator("Kaplan-Meier, clusters", pairs_alike, partial(curve, **PAIRS), np.exp(-(hazard(TIMES) ** TIED)), AT),
    Estimator("Cox", unlike, ratios, EFFECTS, TERMS),
    Estimator("Cox, robust", unlike, partial(ratios, robust=True), EFFECTS, TERMS),
    Estimator("Cox, robust, normal", unlike, partial(normal, robust=True), EFFECTS, TERMS),
    Estimator("Cox, clusters", paired, partial(ratios, **PAIRS), TIED * EFFECTS, TERMS),
    Estimator("Cox, clusters ignored", paired, ratios, TIED * EFFECTS, TERMS),
    Estimator("Cox, weights", sampled, partial(ratios, weights="w"), EFFECTS, TERMS),
    Estimator("Cox, weights, normal", sampled, partial(normal, weights="w"), EFFECTS, TERMS),
    Estimator("Cox, robust, 1,600 people", partial(unlike, n=MANY), partial(ratios, robust=True), EFFECTS, TERMS),
    Estimator("Cox, weights, 1,600 people", partial(sampled, n=MANY), partial(ratios, weights="w"), EFFECTS, TERMS),
    Estimator("Cox, 6% with x", rare, partial(ratios, covariates=("x",)), EFFECTS[:1], ("x",)),
    Estimator("Cox, 6% with x, Firth", rare, partial(ratios, covariates=("x",), penalty="firth"), EFFECTS[:1], ("x",)),
    Estimator("Predicted curve, log-log", unlike, predicted, FUTURE, OF),
    Estimator("Predicted curve, log", unlike, partial(predicted, conf_type="log"), FUTURE, OF),
    Estimator("Predicted curve, weights", sampled, partial(predicted, weights="w"), FUTURE, OF),
    Estimator("Predicted curve, clusters", paired, partial(predicted, **PAIRS), SHARED, OF),
)


def tried(estimator: Estimator, replications: int) -> pd.DataFrame:
    """How often the interval holds the truth, and on which side it misses."""
    low, high = (np.full((replications, len(estimator.of)), np.nan) for _ in range(2))
    for seed in range(replications):
        try:
            low[seed], high[seed] = estimator.limits(estimator.draw(np.random.default_rng(seed)))
        except (ConvergenceError, InputError):
            continue
    given = ~np.isnan(low + high)
    n = given.sum(axis=0)
    above, below = ((given & miss).sum(axis=0) / n for miss in (low > estimator.truth, high < estimator.truth))
    cover = 1 - above - below
    error = np.sqrt(cover * (1 - cover) / n)
    columns = {"interval": estimator.name, "of": estimator.of, "truth": estimator.truth, "coverage": cover}
    beside = {"error": error, "above": above, "below": below, "none": 1 - n / replications}
    return pd.DataFrame({**columns, **beside})


def page(table: pd.DataFrame, replications: int) -> str:
    """The table in Markdown, with what it is."""
    lines = [
        "# Coverage of the intervals of survival estimates",
        "",
        f"{N} people unless said, {replications:,} replications, 95% intervals; by `benchmarks/coverage_survival.py`."
        " Coverage is the share of intervals that hold the truth, with its Monte Carlo error; *too high* and *too low*"
        " are the shares that lie wholly above and below it. *None* is the share of samples without an interval: no"
        " event yet, nobody followed so long, or no finite estimate; coverage is among the others.",
        "",
        "Robust standard errors are a little too small in small samples, the more so the more uneven the weights: the"
        " few people with large weights carry the estimate, and their residuals are small because they do. Cox's robust"
        " intervals are therefore Student's t, with the effective number of people or clusters as degrees of freedom;"
        " *normal* is what they would be without it, as in R. With 1,600 people the two agree. Intervals of a curve on"
        " the log scale (and a little on the others) lie too high while few have had the event; log-log intervals do"
        " not, and are the default.",
        "",
        "| Interval | Of | Truth | Coverage | ± | Too high | Too low | None |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in table.to_dict("records"):
        shares = (f"{100 * row[name]:.1f}" for name in ("coverage", "error", "above", "below", "none"))
        lines.append(f"| {row['interval']} | {row['of']} | {row['truth']:.3f} | {' | '.join(shares)} |")
    return "\n".join([*lines, ""]).replace(" -", " −")


def main(replications: int = 2_000) -> None:
    """Try every estimator, and write the page."""
    parts = []
    for estimator in ESTIMATORS:
        parts.append(tried(estimator, replications))
        print(parts[-1].round(3).to_string(index=False, header=len(parts) == 1), flush=True)
    TARGET.write_text(page(pd.concat(parts, ignore_index=True), replications), encoding="utf-8")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
