"""Coverage of interrupted time series where periods depend on those before; writes docs/coverage-series.md.

Run: python benchmarks/coverage_series.py [replications]. About 60 events a period with a slow trend, and lumps of 15%
that last (first-order autocorrelation). The programme takes a fifth away at once, in one place of two alike.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from impact.comparison import interrupted_time_series

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage-series.md"
PERIODS = (24, 48, 72, 120)
LASTING = (0.0, 0.3, 0.6)
TRUTH = np.array([0.8, 1.0, 0.8])
ROWS = ["change in level", "change in trend", "effect over the periods"]


def lumps(shape: tuple[int, int], lasting: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of standard deviation 0.15 and of first-order autocorrelation, by row."""
    noise = rng.normal(size=shape)
    for t in range(1, shape[1]):
        noise[:, t] = lasting * noise[:, t - 1] + np.sqrt(1 - lasting**2) * noise[:, t]
    return 0.15 * noise


def places(periods: int, lasting: float, rng: np.random.Generator) -> tuple[pd.DataFrame, int]:
    """Two places by period, and the first one with the programme."""
    time, start = np.arange(1, periods + 1), periods // 2 + 1
    mean = 60 * np.exp(0.003 * time + lumps((2, periods), lasting, rng))
    mean[0] *= np.where(time >= start, TRUTH[0], 1)
    treated = np.repeat([1, 0], periods)
    return pd.DataFrame({"time": np.tile(time, 2), "treated": treated, "n": rng.poisson(mean).ravel()}), start


def table(replications: int) -> pd.DataFrame:
    """Share of intervals that hold, in a hundred, by length, dependence, design and error."""
    rows = []
    for periods in PERIODS:
        for lasting in LASTING:
            held: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
            for seed in range(replications):
                both, start = places(periods, lasting, np.random.default_rng(seed))
                for design, data, treated in (
                    ("alone", both.iloc[:periods], None),
                    ("beside another", both, "treated"),
                ):
                    for error, lags in (("independent", None), ("Newey-West, 3 lags", 3)):
                        found = interrupted_time_series(
                            data, time="time", outcome="n", start=start, treated=treated, lags=lags
                        ).tidy()
                        low, high = (found[name].to_numpy()[1:] for name in ("conf_low", "conf_high"))
                        held[design, error].append((low <= TRUTH) & (high >= TRUTH))
            for (design, error), values in held.items():
                shares = dict(zip(ROWS, 100 * np.mean(values, axis=0), strict=True))
                rows.append({"periods": periods, "lasting": lasting, "design": design, "error": error} | shares)
            print(pd.DataFrame(rows).tail(4).round(1).to_string(index=False, header=False), flush=True)
    return pd.DataFrame(rows)


def page(found: pd.DataFrame, replications: int) -> str:
    """The table in Markdown, with what it is."""
    error = 100 * np.sqrt(0.95 * 0.05 / replications)
    lines = [
        "# Coverage of interrupted time series",
        "",
        f"Share in a hundred of 95% intervals that hold the truth (Monte Carlo error at 95: {error:.1f});"
        f" {replications:,} replications by `benchmarks/coverage_series.py`. About 60 events a period, with lumps of"
        " 15% whose first-order autocorrelation is *lasting*; half of the periods come before the start. Quasi-Poisson,"
        " alone or beside a place alike.",
        "",
        "Where periods are independent the default holds. Newey and West's errors are too small in short series,"
        " whether periods are independent or not, and come near only in long ones. Where what is left of a period lasts"
        " into the next ones, no error here is large enough: read such an interval as too short, the more so the"
        " shorter the series.",
        "",
        "| Periods | Lasting | Design | Errors | " + " | ".join(ROWS) + " |",
        "|--:|--:|---|---|" + "--:|" * len(ROWS),
    ]
    for row in found.to_dict("records"):
        shares = " | ".join(f"{row[name]:.1f}" for name in ROWS)
        lines.append(f"| {row['periods']} | {row['lasting']:g} | {row['design']} | {row['error']} | {shares} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    PAGE.write_text(page(table(replications), replications), encoding="utf-8")


if __name__ == "__main__":
    main()
