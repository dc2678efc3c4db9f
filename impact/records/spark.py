"""Spark as the engine: the checked tables as Parquet files, and the SQL of DuckDB carried over to that of Spark."""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.records.engine import ONE_SELECT, TEXT, cannot_run, refuse_repeated
from impact.records.tables import TABLES


class SparkEngine:
    """Answers queries on a Spark session of its own, which shares the cluster of one that is already running."""

    def __init__(self, folder: Path, digest: str) -> None:
        self.digest = digest
        self._session = session()
        for table in TABLES:
            self._session.read.parquet(str(folder / f"{table.name}.parquet")).createOrReplaceTempView(table.name)

    def query(self, sql: str, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """The rows of one SELECT."""
        import pyarrow as pa
        from pyspark.errors import AnalysisException, PySparkException

        translated = _translate(sql)
        for name, frame in frames.items():
            further = pa.Table.from_pandas(frame, preserve_index=False)
            self._session.createDataFrame(further).createOrReplaceTempView(name)
        try:
            found = self._session.sql(translated)
            refuse_repeated(found.columns)
            table = found.toArrow()
        except AnalysisException as error:
            raise InputError(cannot_run(str(error))) from None
        except PySparkException:
            raise InputError(cannot_run()) from None
        finally:
            for name in frames:
                self._session.catalog.dropTempView(name)
        return pd.DataFrame({name: _series(table.column(name)) for name in table.column_names})


def missing_for_spark() -> str:
    """What this machine lacks for Spark, in words; nothing where it has all."""
    try:
        import pyarrow  # noqa: F401
        import pyspark  # noqa: F401
        import sqlglot  # noqa: F401
    except ImportError:
        return "the packages of impact-evaluation[spark] are not installed"
    return "" if shutil.which("java") else "Java (17 or later) was not found"


def session() -> Any:
    with warnings.catch_warnings():
        # Spark warns of pandas 3; only Arrow tables pass between the two here.
        warnings.simplefilter("ignore", FutureWarning)
        from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is None:
        running = (
            SparkSession.builder.master("local[*]")
            .appName("impact")
            .config("spark.driver.host", "localhost")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.log.level", "ERROR")
            .config("spark.sql.shuffle.partitions", "4")
            .getOrCreate()
        )
    session = running.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    # Spark writes every failed query to this log, with what stood in the cell that failed.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    return session


def _translate(sql: str) -> str:
    import sqlglot
    from sqlglot import exp

    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise InputError(cannot_run(str(error))) from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise InputError(ONE_SELECT)
    return statements[0].sql(dialect="spark")


def _series(column: Any) -> Any:
    """One column of an Arrow table in the types that the library promises."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_string(kind):
        return pd.array(column.to_numpy(zero_copy_only=False), dtype=TEXT)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    if column.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        held = column.fill_null(0 if pa.types.is_integer(kind) else False).to_numpy(zero_copy_only=False)
        array = pd.arrays.IntegerArray if pa.types.is_integer(kind) else pd.arrays.BooleanArray
        return array(held.copy(), column.is_null().to_numpy(zero_copy_only=False))
    return np.array(column.to_numpy(zero_copy_only=False))
