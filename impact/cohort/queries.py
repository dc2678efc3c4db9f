"""The questions that a cohort asks of linked records: one SQL file each, answered by whichever engine holds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from impact.cohort.dates import NO_DAY, days
from impact.frames import IntArray

NUMBERED = "WITH numbered AS (SELECT person_id, row_number() OVER (ORDER BY person_id) - 1 AS who FROM person)\n"
"""Everyone by number instead of pseudonym: 0, 1, … in the order of the pseudonyms."""


class Tables(Protocol):
    """What a cohort needs of a store of linked records."""

    @property
    def complete_to(self) -> dt.date | None: ...

    @property
    def definitions(self) -> Mapping[str, Path]: ...

    def query(self, sql: str, **frames: pd.DataFrame) -> pd.DataFrame: ...


def ask(linked: Tables, question: str, **frames: pd.DataFrame) -> pd.DataFrame:
    """The answer to the question of one SQL file, which sees `numbered` and the frames beside the contract's tables."""
    return linked.query(NUMBERED + _sql(question), **frames)


@cache
def _sql(question: str) -> str:
    return resources.files("impact.cohort").joinpath("sql", f"{question}.sql").read_text(encoding="utf-8")


def places(column: str, words: Sequence[str]) -> pd.DataFrame:
    """Words and their places, for a question to join instead of handing words over row by row."""
    return pd.DataFrame({column: words, "place": np.arange(len(words))})


def numbers(answer: pd.DataFrame, column: str) -> IntArray:
    """A column of whole numbers without a missing value."""
    return answer[column].to_numpy(dtype=np.int64)


def day_numbers(answer: pd.DataFrame, column: str) -> IntArray:
    """A column of dates as days since 1970-01-01, `NO_DAY` where missing."""
    return days(answer[column]) if len(answer) else np.full(0, NO_DAY)
