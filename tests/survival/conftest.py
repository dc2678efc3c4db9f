"""Made-up people for property tests, and derivatives of plain likelihoods exact to rounding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def made() -> Callable[..., pd.DataFrame]:
    """People by seed: whole days to 20 with ties, causes, two groups, late entry for half, weights and clusters."""

    def draw(seed: int, n: int = 60) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        days = np.ceil(rng.exponential(14, n))
        stop = np.minimum(days, 20)
        return pd.DataFrame(
            {
                "days": stop,
                "event": (days <= 20).astype(int),
                "outcome": np.where(days <= 20, rng.integers(1, 4, n), 0),
                "z": rng.integers(0, 2, n),
                "from": np.floor(stop * rng.uniform(0, 0.8, n)) * (rng.uniform(size=n) < 0.5),
                "k": rng.integers(1, 4, n),
                "w": rng.uniform(0.2, 2, n),
                "pair": rng.integers(0, n // 3, n),
                "row": np.arange(n),
            }
        )

    return draw


@pytest.fixture(scope="session")
def halved() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Every row cut in the middle of its time at risk: the same people in twice the rows."""

    def cut(data: pd.DataFrame) -> pd.DataFrame:
        middle = (data["from"] + data["days"]) / 2
        return pd.concat([data.assign(days=middle, event=0), data.assign(**{"from": middle})], ignore_index=True)

    return cut


@pytest.fixture(scope="session")
def slopes() -> Callable[..., np.ndarray]:
    """The gradient of a function of complex numbers, by a step along the imaginary axis: exact to rounding."""

    def gradient(function: Callable, theta: np.ndarray) -> np.ndarray:
        out = np.empty(len(theta))
        for place in range(len(theta)):
            point = np.asarray(theta, dtype=complex)
            point[place] += 1e-30j
            out[place] = function(point).imag / 1e-30
        return out

    return gradient


@pytest.fixture(scope="session")
def curvature(slopes) -> Callable[..., np.ndarray]:
    """Minus the second derivatives: central differences of the exact gradient, with one extrapolation."""

    def information(function: Callable, theta: np.ndarray, size: np.ndarray) -> np.ndarray:
        rows = []
        for place in range(len(theta)):
            changes = []
            for step in (1e-3 * size[place], 5e-4 * size[place]):
                shift = np.zeros(len(theta))
                shift[place] = step
                changes.append((slopes(function, theta + shift) - slopes(function, theta - shift)) / (2 * step))
            rows.append((4 * changes[1] - changes[0]) / 3)
        return -(np.array(rows) + np.array(rows).T) / 2

    return information


@pytest.fixture(scope="session")
def timed() -> Callable[..., pd.DataFrame]:
    """People by seed: Weibull times that covariates stretch, whole days to 40, late entry for some."""

    def draw(seed: int, n: int = 150) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        x, z = rng.normal(size=n), rng.integers(0, 2, n)
        days = 30 * rng.weibull(1.3, n) * np.exp(0.4 * x - 0.3 * z)
        stop = np.minimum(np.ceil(days), 40)
        return pd.DataFrame(
            {
                "days": stop,
                "event": (days <= 40).astype(int),
                "x": x,
                "z": z,
                "site": np.array(["north", "south", "west"])[rng.integers(0, 3, n)],
                "from": np.floor(stop * rng.uniform(0, 0.8, n)) * (rng.uniform(size=n) < 0.6),
                "k": rng.integers(1, 4, n),
                "w": rng.uniform(0.2, 2, n),
                "pair": rng.integers(0, n // 3, n),
                "row": np.arange(n),
            }
        )

    return draw
