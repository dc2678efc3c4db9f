"""The probabilistic model: Splink's, estimated on the embedded engine, used on either."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd

from impact.errors import ConvergenceError, InputError
from impact.frames import FloatArray
from impact.records.linkage.comparisons import Comparison, comparison
from impact.records.linkage.fields import NUMBER

if TYPE_CHECKING:
    from splink import Linker

FEWEST_RECORDS, FEWEST_AGREED, FEWEST_FOR_FREQUENCIES = 500, 50, 2_000
"""Records and pairs accepted by rule from which parameters are estimated, and records from which the rarity of values
counts: choices of this library."""
SEED, RANDOM_PAIRS, TRAINING_PAIRS = 2022, 1e6, 1e6
"""What Splink draws with, and how many pairs it draws and trains on: choices of this library."""
STEADY = 20.0
"""In how many pairs the fixed values count as if they had been seen: a choice of this library."""
RECALLED = 0.7
"""The share of true pairs that the deterministic pass is taken to find, for the first guess of how many there are: a
choice of this library; where parameters are estimated the guess is replaced."""
FAINTEST = -12.0
"""Pairs whose weight is below this (odds of one in 4,096) are not kept: a choice of this library."""
_SESSIONS = (("birth_date",), ("forename", "surname"), ("police_id",), ("number",), ("postcode", "sex"))


@dataclass(frozen=True, slots=True)
class Model:
    """The comparisons with their m and u, the prior probability that two records match, and how they were found."""

    comparisons: tuple[Comparison, ...]
    m: dict[str, tuple[float, ...]]
    u: dict[str, tuple[float, ...]]
    estimated: frozenset[str]
    prior: float
    frequencies: bool

    def tidy(self) -> pd.DataFrame:
        """One row a level: ``field, level, m, u, weight, estimated``; the weight in bits, before rarity of a value."""
        rows = [
            {
                "field": one.field,
                "level": level.label,
                "m": m,
                "u": u,
                "weight": float(np.log2(m / u)),
                "estimated": one.field in self.estimated,
            }
            for one in self.comparisons
            for level, m, u in zip(one.levels, self.m[one.field], self.u[one.field], strict=True)
        ]
        return pd.DataFrame(rows)

    def settings(self, dedupe: bool, rules: list[str]) -> dict[str, Any]:
        """The model as Splink reads it."""
        return {
            "link_type": "dedupe_only" if dedupe else "link_only",
            "unique_id_column_name": NUMBER,
            "probability_two_random_records_match": self.prior,
            "comparisons": [c.settings(self.m[c.field], self.u[c.field], self.frequencies) for c in self.comparisons],
            "blocking_rules_to_generate_predictions": rules,
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": False,
            "linker_uid": "impact",
        }


def fixed_model(fields: list[str], n_left: int, n_right: int | None, n_accepted: int) -> Model:
    """The model with the fixed values."""
    known = frozenset(fields)
    comparisons = tuple(comparison(field, known) for field in fields)
    total = n_left * (n_left - 1) / 2 if n_right is None else n_left * n_right
    matches = max(n_accepted / RECALLED, 1.0)
    return Model(
        comparisons,
        {one.field: tuple(level.m for level in one.levels) for one in comparisons},
        {one.field: tuple(level.u for level in one.levels) for one in comparisons},
        frozenset(),
        float(np.clip(matches / max(total, 2.0), 1e-12, 0.5)),
        n_left + (n_right or 0) >= FEWEST_FOR_FREQUENCIES,
    )


def estimated_model(
    start: Model, left: pd.DataFrame, right: pd.DataFrame | None, n_accepted: int
) -> tuple[Model, tuple[str, ...]]:
    """The model with m and u estimated where there are records enough, and notes of what was not."""
    n = len(left) + (0 if right is None else len(right))
    if n < FEWEST_RECORDS or n_accepted < FEWEST_AGREED:
        return start, (
            f"The model's parameters are fixed, not estimated: {n:,} records and {n_accepted:,} pairs accepted by rule "
            f"are too few (at least {FEWEST_RECORDS:,} and {FEWEST_AGREED:,} are needed).",
        )
    with _embedded(left, right, start.settings(right is None, ["1 = 1"])) as linker:
        from splink.internals.exceptions import SplinkException

        linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED)
        for block in _SESSIONS:
            if all(name in start.m for name in block):
                try:
                    linker.training.estimate_parameters_using_expectation_maximisation(
                        " AND ".join(f"l.{name} = r.{name}" for name in block),
                        estimate_without_term_frequencies=True,
                        max_pairs=TRAINING_PAIRS if n > FEWEST_FOR_FREQUENCIES else None,
                        record_sample_proportion=0.5,
                    )
                except (SplinkException, duckdb.Error, ZeroDivisionError, ValueError):
                    continue
        found = _parameters(linker)
    return _steadied(start, found, n_accepted)


def _steadied(
    start: Model, found: dict[str, list[tuple[float | None, float | None]]], n_accepted: int
) -> tuple[Model, tuple[str, ...]]:
    """Estimates drawn a little towards the fixed values; the fixed values where the estimates make no sense."""
    m, u, estimated = dict(start.m), dict(start.u), set()
    for one in start.comparisons:
        pairs = found[one.field]
        ms = np.array([np.nan if pair[0] is None else pair[0] for pair in pairs], dtype=float)
        us = np.array([np.nan if pair[1] is None else pair[1] for pair in pairs], dtype=float)
        if np.isnan(ms).all() or np.isnan(us).all():
            continue
        new_m = _drawn(ms, np.array(start.m[one.field]), n_accepted)
        # Random pairs hold some pairs of one person, and in a small file they are not few: as many as the rules found.
        known = RECALLED * start.prior
        fixed = np.array(start.u[one.field])
        new_u = _drawn(np.maximum(us - known * new_m, fixed / 5) / (1 - known), fixed, RANDOM_PAIRS)
        if new_m[0] > new_u[0] and new_m[-1] < new_u[-1]:
            m[one.field], u[one.field] = tuple(new_m.tolist()), tuple(new_u.tolist())
            estimated.add(one.field)
    model = Model(start.comparisons, m, u, frozenset(estimated), start.prior, start.frequencies)
    left_fixed = [one.field for one in start.comparisons if one.field not in estimated]
    note = f"The parameters of {', '.join(left_fixed)} could not be estimated and are the fixed ones."
    return model, (note,) if left_fixed else ()


def _drawn(found: FloatArray, fixed: FloatArray, weight: float) -> FloatArray:
    """Probabilities found in `weight` pairs, with the fixed ones counting as `STEADY` pairs more; they sum to 1."""
    filled = np.where(np.isnan(found), 0.0, found)
    mixed = (weight * filled / max(filled.sum(), 1e-12) + STEADY * fixed) / (weight + STEADY)
    return np.asarray(mixed / mixed.sum())


def score(
    model: Model, left: pd.DataFrame, right: pd.DataFrame | None, rules: list[str], spark: Any = None
) -> pd.DataFrame:
    """The pairs worth keeping: ``l, r, weight`` (in bits, the prior's among them) and the level of each field.

    Raises
    ------
    ConvergenceError
        Where the engine cannot score the pairs.
    """
    settings = model.settings(right is None, rules)
    opened = _embedded(left, right, settings) if spark is None else _on_spark(left, right, settings, spark)
    with opened as linker:
        try:
            scored = linker.inference.predict(threshold_match_weight=FAINTEST, warning_mode="never")
            frame = scored.as_pandas_dataframe()
        except Exception as error:
            if type(error).__name__ not in ("SplinkException", "OutOfMemoryException"):
                raise
            # The engine's own message holds the SQL and may hold cells.
            raise ConvergenceError(
                "The pairs could not be scored: the machine may lack memory or disk space."
            ) from None
    names = {f"gamma_{one.field}": one.field for one in model.comparisons}
    frame = frame.rename(columns={f"{NUMBER}_l": "l", f"{NUMBER}_r": "r", "match_weight": "weight", **names})
    frame = frame[["l", "r", "weight", *names.values()]]
    if right is None:
        low, high = np.minimum(frame["l"], frame["r"]), np.maximum(frame["l"], frame["r"])
        frame = frame.assign(l=low, r=high)
    frame = frame.sort_values(["l", "r"], ignore_index=True)
    levels = {one.field: len(one.levels) - 1 for one in model.comparisons}
    # Splink counts levels from the bottom; here 0 is the first, and −1 missing.
    for field, top in levels.items():
        held = frame[field].to_numpy(dtype=np.int64)
        frame[field] = np.where(held < 0, -1, top - held)
    return frame.astype({"l": np.int64, "r": np.int64})


def _parameters(linker: Linker) -> dict[str, list[tuple[float | None, float | None]]]:
    held = linker.misc.save_model_to_json()
    return {
        one["output_column_name"]: [
            (level.get("m_probability"), level.get("u_probability"))
            for level in one["comparison_levels"]
            if not level.get("is_null_level")
        ]
        for one in held["comparisons"]
    }


@contextmanager
def _embedded(left: pd.DataFrame, right: pd.DataFrame | None, settings: dict[str, Any]) -> Iterator[Linker]:
    """Splink on an engine of its own, which gives the same bytes every time."""
    with _quiet():
        from splink import DuckDBAPI, Linker

        spill = tempfile.mkdtemp(prefix="impact-")
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        connection = duckdb.connect(":memory:", config=config)
        connection.execute("SET enable_progress_bar = false")
        try:
            api = DuckDBAPI(connection)
            tables = [("left_records", left)] + ([] if right is None else [("right_records", right)])
            given = []
            for name, frame in tables:
                texts = ", ".join(f"{column}::VARCHAR AS {column}" for column in frame.columns if column != NUMBER)
                connection.register("given", frame)
                connection.execute(f"CREATE TABLE {name} AS SELECT {NUMBER}::BIGINT AS {NUMBER}, {texts} FROM given")
                connection.unregister("given")
                given.append(api.register(name, dataset_display_name=name[0]))
            yield Linker(given, settings, log_level=None)
        finally:
            connection.close()
            shutil.rmtree(spill, ignore_errors=True)


@contextmanager
def _on_spark(
    left: pd.DataFrame, right: pd.DataFrame | None, settings: dict[str, Any], session: Any
) -> Iterator[Linker]:
    import pyarrow as pa

    with _quiet():
        from splink import Linker, SparkAPI

        api = SparkAPI(spark_session=session, break_lineage_method="persist", register_udfs_automatically=False)
        given = []
        for name, frame in [("left_records", left)] + ([] if right is None else [("right_records", right)]):
            texts = [pa.field(column, pa.string()) for column in frame.columns if column != NUMBER]
            table = pa.Table.from_pandas(frame, pa.schema([pa.field(NUMBER, pa.int64()), *texts]), preserve_index=False)
            given.append(api.register(session.createDataFrame(table), table_name=name, dataset_display_name=name[0]))
        try:
            yield Linker(given, settings, log_level=None)
        finally:
            session.catalog.clearCache()


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of the library underneath reaches the user: no progress, no advice, no warning."""
    try:
        import splink  # noqa: F401
    except ImportError:
        raise InputError("Linking needs Splink: install impact-evaluation[link].") from None
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
