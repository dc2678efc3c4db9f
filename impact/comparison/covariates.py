"""Covariates as numbers: a numeric column as it is, any other column level by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray


@dataclass(frozen=True, slots=True)
class Covariate:
    """One column: its values, or the codes of its levels (NaN where missing)."""

    name: str
    values: FloatArray
    levels: tuple[object, ...] | None = None

    @property
    def missing(self) -> BoolArray:
        """Where there is no value."""
        return np.isnan(self.values)

    def terms(self, *, drop_first: bool = False) -> list[tuple[str, FloatArray]]:
        """The column itself, or an indicator for each level; NaN where missing."""
        if self.levels is None:
            return [(self.name, self.values)]
        return [
            (f"{self.name}[{level}]", np.where(self.missing, np.nan, self.values == code))
            for code, level in enumerate(self.levels)
            if code or not drop_first
        ]


def read_covariates(columns: Columns, names: Sequence[str]) -> list[Covariate]:
    """Read the named columns; faults are left with `columns` to raise."""
    found = []
    for name in names:
        column = columns.frame[name] if name in columns.frame.columns else None
        if isinstance(column, pd.Series) and pd.api.types.is_datetime64_any_dtype(column):
            columns.forbid(
                np.ones(columns.n, dtype=bool),
                name,
                "is a date, neither a number nor a category",
                remedy="give the days from a fixed date, or the year as a category.",
            )
        elif isinstance(column, pd.Series) and not pd.api.types.is_numeric_dtype(column):
            groups = columns.groups(name)
            codes = groups.codes.astype(float)
            found.append(Covariate(name, np.where(codes < 0, np.nan, codes), groups.labels))
        else:
            found.append(Covariate(name, columns.number(name)))
    return found


def forbid_missing(columns: Columns, covariates: Sequence[Covariate]) -> None:
    """Note a fault for each covariate that has a missing value."""
    for covariate in covariates:
        columns.forbid(
            covariate.missing,
            covariate.name,
            "is missing",
            why="a person without it has no score, and leaving such people out unseen would change who is compared.",
            remedy="fill the value in, make 'unknown' a category of its own, or leave the column or those people out.",
        )


def read_treatment(columns: Columns, name: str) -> FloatArray:
    """The treatment, 0 or 1, never missing, with at least one person of each."""
    treatment = columns.indicator(name)
    columns.forbid(
        np.isnan(treatment) & (name in columns.frame.columns),
        name,
        "is missing",
        remedy="say for everyone whether they were treated (1) or not (0).",
    )
    everyone = np.ones(columns.n, dtype=bool)
    if columns.n and name in columns.frame.columns and np.isin(treatment, (0, 1)).all():
        for value, who in ((1.0, "nobody was treated"), (0.0, "nobody is left to compare with")):
            if not (treatment == value).any():
                columns.forbid(
                    everyone,
                    name,
                    f"is {1 - value:g} for everyone: {who}",
                    remedy=f"give both groups: at least one person must have {value:g}.",
                )
    return treatment


def forbid_repeated_labels(columns: Columns) -> None:
    """Note a fault where the index of the data repeats a label."""
    columns.forbid(
        columns.frame.index.duplicated(keep=False),
        "index",
        "repeats a label",
        why="weights and sets are handed back by the label of the person; one person twice would count twice.",
        remedy="give one row a person, with an index that does not repeat (for example data.reset_index(drop=True)).",
    )


def forbid_repeated_people(columns: Columns) -> None:
    """Note a fault where the index of the data repeats a label, or its column person_id a person."""
    forbid_repeated_labels(columns)
    if "person_id" in columns.frame.columns and isinstance(columns.frame["person_id"], pd.Series):
        person = columns.frame["person_id"]
        columns.forbid(
            (person.duplicated(keep=False) & person.notna()).to_numpy(),
            "person_id",
            "stands more than once",
            why="a person in two rows would be compared with themselves, and count twice.",
            remedy="give one row a person.",
        )


def forbid_outcome(outcome: str, *, treatment: str, used: Sequence[str]) -> None:
    """Raise where the outcome is the treatment, or one of the columns used to make people comparable."""
    if outcome == treatment:
        raise InputError(f"{outcome} is the treatment; it cannot be the outcome as well.")
    if outcome in used:
        raise InputError(
            f"{outcome} is among the covariates that made the groups alike, so it cannot be the outcome: matching or "
            "adjusting on an outcome takes out the effect it is meant to show. Leave it out of the formula."
        )


def independent_columns(matrix: FloatArray, tolerance: float = 1e-9) -> BoolArray:
    """Which columns are not combinations of those before them (shape (n, p) to p flags)."""
    kept = np.zeros(matrix.shape[1], dtype=bool)
    basis: list[FloatArray] = []
    for j, column in enumerate(np.ascontiguousarray(matrix.T)):
        size = np.linalg.norm(column)
        rest = column / size if size > 0 else column
        for _ in range(2):
            for direction in basis:
                rest = rest - direction * (direction @ rest)
        left = np.linalg.norm(rest)
        if size > 0 and left > tolerance:
            kept[j] = True
            basis.append(rest / left)
    return kept
