"""Bias and coverage of effects in matched and weighted designs of known truth; writes docs/coverage-comparison.md.

Run: python benchmarks/coverage_comparison.py [replications]. Need, age and prior offences drive both joining and
reoffending; the score is of the right form. Joining lowers each person's log-odds of reoffending by the same amount,
so that effects on the treated, on everyone and on the overlap differ a little. Truths are means of chances over a large
draw of the same make.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from impact.comparison import compare, match, propensity, weight, whole_sample
from impact.comparison.doubly_robust import doubly_robust
from impact.comparison.effect import Effect
from impact.comparison.propensity import Propensity
from impact.design import Design
from impact.errors import ImpactError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage-comparison.md"
SIZES = {60: 1_500, 150: 3_000, 600: 6_000}
COVARIATES = ["need", "age", "prior"]
FORMULA = "joined ~ need + age + prior"
EFFECT = -0.5
RISK = {"outcome": "again", "measure": "risk_difference"}
COUNT = {"outcome": "offences", "measure": "mean_difference"}
DOUBLY_ROBUST = "Everyone, score and outcome model"


@dataclass(frozen=True)
class World:
    """People, with each one's chance and expected count of reoffences with and without treatment."""

    data: pd.DataFrame
    chances: np.ndarray
    counts: np.ndarray


def draw(treated: int, others: int, rng: np.random.Generator) -> World:
    """So many joiners and others."""
    n = 3 * (treated + others)
    need, age, prior = rng.normal(size=n), rng.normal(size=n), rng.poisson(2, n)
    joined = rng.random(n) < expit(0.5 * need - 0.3 * age + 0.15 * prior - 3)
    rows = np.concatenate([np.flatnonzero(joined)[:treated], np.flatnonzero(~joined)[:others]])
    need, age, prior, joined = need[rows], age[rows], prior[rows], joined[rows]
    base = -0.9 + 0.5 * need - 0.4 * age + 0.2 * prior
    chances = expit(base[:, None] + np.array([EFFECT, 0.0]))
    rates = np.exp(0.6 * base[:, None] + np.array([EFFECT, 0.0]))
    years = rng.uniform(0.5, 1.0, len(rows))
    mine = np.arange(len(rows)), np.where(joined, 0, 1)
    data = pd.DataFrame({"need": need, "age": age, "prior": prior, "joined": joined.astype(int), "years": years})
    data["again"] = (rng.random(len(rows)) < chances[mine]).astype(int)
    data["offences"] = rng.poisson(rates[mine] * years)
    return World(data, chances, 0.75 * rates)


def truths(treated: int, others: int) -> dict[tuple[str, str], float]:
    """By estimand and measure."""
    scale = 300_000 // (treated + others)
    world = draw(scale * treated, scale * others, np.random.default_rng(99))
    joined = world.data["joined"].to_numpy() == 1
    score = propensity(FORMULA, world.data).score.to_numpy()
    over = {"ATT": joined.astype(float), "ATE": np.ones(len(joined)), "ATO": score * (1 - score)}
    found = {}
    for estimand, weights in over.items():
        risk, count = (np.average(values, axis=0, weights=weights) for values in (world.chances, world.counts))
        odds = risk / (1 - risk)
        found[estimand, "risk_difference"] = risk[0] - risk[1]
        found[estimand, "risk_ratio"] = risk[0] / risk[1]
        found[estimand, "odds_ratio"] = odds[0] / odds[1]
        found[estimand, "mean_difference"] = count[0] - count[1]
        found[estimand, "rate_difference"] = (count[0] - count[1]) / 0.75
        found[estimand, "rate_ratio"] = count[0] / count[1]
    return {key: float(value) for key, value in found.items()}


def weights(estimand: str) -> Callable[[Propensity], Design]:
    """Inverse probability or overlap weights of the score."""

    def made(score: Propensity) -> Design:
        e, joined = score.score, score.data["joined"] == 1
        by = {"ATT": (1.0, e / (1 - e)), "ATE": (1 / e, 1 / (1 - e)), "ATO": (1 - e, e)}[estimand]
        design = whole_sample(score.data, "joined", COVARIATES)
        values = pd.Series(np.where(joined, *by), index=score.data.index)
        return Design(design.data, "joined", values, None, estimand, design.covariates, "Weights", design.flow)

    return made


@dataclass(frozen=True)
class Way:
    """A design, and the effects and errors tried on it: label, arguments of `compare`, whether it is told the score."""

    name: str
    design: Callable[[Propensity], Design]
    estimand: str
    tried: list[tuple[str, dict[str, object], bool]] = field(default_factory=list)


def ways() -> list[Way]:
    """Every design with what is tried on it."""
    measures = [
        ("risk ratio, cluster", {**RISK, "measure": "risk_ratio"}, False),
        ("odds ratio, cluster", {**RISK, "measure": "odds_ratio"}, False),
        ("mean difference, cluster", COUNT, False),
        ("mean difference, jdl", {**COUNT, "se": "jdl"}, False),
        ("rate difference, cluster", {**COUNT, "measure": "rate_difference", "time": "years"}, False),
        ("rate ratio, cluster", {**COUNT, "measure": "rate_ratio", "time": "years"}, False),
    ]
    plain = [("risk difference, cluster", RISK, False), ("risk difference, jdl", {**RISK, "se": "jdl"}, False)]
    drawn = [
        ("risk difference, bootstrap, percentile", {**RISK, "se": "bootstrap", "replicates": 1_000}, False),
        (
            "risk difference, bootstrap, normal",
            {**RISK, "se": "bootstrap", "replicates": 1_000, "interval": "normal"},
            False,
        ),
    ]
    adjusted = [
        ("risk difference, regression, cluster", {**RISK, "adjust": COVARIATES}, False),
        (
            "risk difference, g-computation (logistic), cluster",
            {**RISK, "adjust": COVARIATES, "model": "logistic"},
            False,
        ),
        (
            "odds ratio, g-computation (logistic), cluster",
            {**RISK, "measure": "odds_ratio", "adjust": COVARIATES, "model": "logistic"},
            False,
        ),
        ("mean difference, g-computation (linear), cluster", {**COUNT, "adjust": COVARIATES, "model": "linear"}, False),
    ]
    drawn_adjusted = [
        (f"{label}, bootstrap", {**RISK, "adjust": COVARIATES, "se": "bootstrap", "replicates": 500, **model}, False)
        for label, model in (
            ("risk difference, regression", {}),
            ("risk difference, g-computation (logistic)", {"model": "logistic"}),
        )
    ]
    again = ("risk difference, abadie-imbens", {**RISK, "se": "abadie-imbens"}, True)
    scored = [
        ("risk difference, cluster, score counted", RISK, True),
        ("rate ratio, cluster, score counted", measures[-1][1], True),
    ]

    def by(**arguments: object) -> Callable[[Propensity], Design]:
        return lambda score: match(score, **arguments)  # type: ignore[arg-type]

    return [
        Way("No matching", lambda score: whole_sample(score.data, "joined", COVARIATES), "ATT", plain),
        Way("Nearest 1:1", by(), "ATT", [*plain, *measures, *drawn, *adjusted, *drawn_adjusted]),
        Way("Nearest 3:1", by(ratio=3), "ATT", [*plain, *drawn, *adjusted[:2]]),
        Way("Nearest 1:1, caliper 0.2", by(caliper=0.2), "ATT", plain),
        Way("Nearest 1:1, with replacement", by(replace=True), "ATT", [*plain, again]),
        Way("Nearest 3:1, with replacement", by(ratio=3, replace=True), "ATT", [*plain, again]),
        Way("Radius 0.1 on the log-odds", by(method="radius", radius=0.1), "ATT", [*plain, *measures[:3]]),
        Way("Optimal 1:1", by(method="optimal"), "ATT", plain),
        Way("Full", by(method="full"), "ATT", [*plain, *measures[:1], *measures[2:3]]),
        Way("Entropy balancing", lambda score: weight(score, method="entropy"), "ATT", [*plain, *measures[:3]]),
        Way("Inverse probability weights, ATT", weights("ATT"), "ATT", [*plain, *scored, *adjusted[:2]]),
        Way("Inverse probability weights, ATE", weights("ATE"), "ATE", [*plain, *scored, *adjusted[1:2]]),
        Way("Overlap weights, ATO", weights("ATO"), "ATO", [*plain, *scored, *adjusted[1:2]]),
    ]


def tried(world: World) -> list[tuple[str, str, str, Effect | None]]:
    """Design, effect with its error, estimand and what came out; None where there is no finite estimate."""
    score = propensity(FORMULA, world.data)
    found: list[tuple[str, str, str, Effect | None]] = []
    for way in ways():
        design = way.design(score)
        for label, arguments, told in way.tried:
            more = {"propensity": score} if told else {}
            try:
                one = compare(design, **arguments, **more)  # type: ignore[arg-type]
            except ImpactError:
                one = None
            found.append((way.name, label, way.estimand, one))
    for estimator in ("aipw", "tmle"):
        for outcome, measure in (
            ("again", "risk_difference"),
            ("again", "risk_ratio"),
            ("offences", "mean_difference"),
        ):
            try:
                one = doubly_robust(score, outcome, measure=measure, estimator=estimator)
            except ImpactError:
                one = None
            found.append((DOUBLY_ROBUST, f"{measure.replace('_', ' ')}, {estimator}", "ATT", one))
    return found


def table(replications: int) -> pd.DataFrame:
    """One row for each size, design and effect."""
    rows = []
    for treated, others in SIZES.items():
        target = truths(treated, others)
        kept: dict[tuple[str, str], list[tuple[float, float, bool]]] = defaultdict(list)
        for seed in range(replications):
            for way, label, estimand, one in tried(draw(treated, others, np.random.default_rng(seed))):
                here = kept[way, label]
                if one is None:
                    continue
                truth = target[estimand, one.measure]
                off = np.log(one.estimate / truth) if one.measure.endswith("ratio") else one.estimate - truth
                here.append((off, one.std_error, one.conf_low <= truth <= one.conf_high))
        for (way, label), values in kept.items():
            off, error, hit = (np.array(column, dtype=float) for column in zip(*values, strict=True))
            numbers = {"bias": off.mean(), "sd": off.std(ddof=1), "se": error.mean(), "cover": hit.mean()}
            rows.append({"treated": treated, "design": way, "effect": label, "n": len(off), **numbers})
        print(pd.DataFrame(rows).query("treated == @treated").round(3).to_string(index=False), flush=True)
    return pd.DataFrame(rows)


def page(found: pd.DataFrame, replications: int) -> str:
    """The table in Markdown, with what it is."""
    sizes = " and ".join(f"{treated:,} treated with {others:,} others" for treated, others in SIZES.items())
    lines = [
        "# Coverage of the intervals of effects",
        "",
        f"{sizes}; {replications:,} replications (Monte Carlo error of a coverage of 95: {_error(replications)}), 95%"
        " intervals; by `benchmarks/coverage_comparison.py`. *Bias* is that of the estimate, of the logarithm for"
        " ratios; *SE/SD* the mean standard error over the standard deviation of the estimates, 1 where the error is"
        " right; *cover* the share of intervals, in a hundred, that hold the truth. The score is of the right form and"
        " the effect is constant on the log-odds.",
        "",
        *FINDINGS,
        "",
        "| Design | Effect, error | " + " | ".join(f"bias, {n} | SE/SD | cover" for n in SIZES) + " |",
        "|---|---|" + "--:|" * (3 * len(SIZES)),
    ]
    for (design, effect), part in found.groupby(["design", "effect"], sort=False):
        by = part.set_index("treated")
        cells = []
        for treated in SIZES:
            one = by.loc[treated]
            short = "" if one["n"] == replications else f" ({replications - int(one['n'])} none)"
            cells += [f"{one['bias']:.3f}", f"{one['se'] / one['sd']:.2f}", f"{100 * one['cover']:.1f}{short}"]
        lines.append(f"| {design} | {effect} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""]).replace(" -", " −")


def _error(replications: int) -> str:
    return f"{100 * np.sqrt(0.95 * 0.05 / replications):.1f}"


FINDINGS = (
    "The raw difference misses the truth, the more surely the more people there are. After matching, `cluster` (the"
    " default) is near 95 at every size, for every measure and with g-computation. `jdl` takes the two groups as"
    " independent, so its intervals are a little too wide after matching without replacement. With replacement,"
    " `cluster` and `jdl` are a little too wide and `abadie-imbens` is right.",
    "",
    "Under-coverage is in weighted designs at 60 treated: where the estimation of the score is counted, and with"
    " g-computation on weights, intervals are too narrow (90 to 94), most so for the ATE, where a few treated people"
    " carry large weights; at 150 they are at 92 to 95 and at 600 at 94 to 96. Taking the score as known, which is the"
    " default, is nearer (93 to 95 at 60). The percentile and the normal bootstrap of sets cover alike, and at 60 pairs"
    " a little less than `cluster` (93). So do regressions resampled by sets (93 to 94 at 60).",
)


def main(replications: int = 500) -> None:
    """Try everything, and write the page."""
    PAGE.write_text(page(table(replications), replications), encoding="utf-8")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
