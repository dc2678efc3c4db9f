"""The right-hand side of a formula as a matrix, its columns checked at the one door for data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray

MOST_LEVELS = 6


@dataclass(frozen=True, eq=False)
class Terms:
    """A formula fitted to its data.

    Attributes
    ----------
    names : tuple of str
        The columns of the matrix, the intercept first.
    matrix : (n, p) float
    spec : object
        What makes the same columns of new data.
    seen : dict
        The values of each column that is not of numbers; None for one of numbers.
    levels : dict
        The values of each column of numbers that has at most six.
    typical : dict
        The mean, or the most common value, of each column named in the formula.
    """

    names: tuple[str, ...]
    matrix: FloatArray
    spec: Any
    seen: Mapping[str, tuple[object, ...] | None]
    levels: Mapping[str, tuple[object, ...]]
    typical: Mapping[str, object]

    def of(self, new: pd.DataFrame) -> FloatArray:
        """The matrix of new data.

        Raises
        ------
        InputError
            Where a column is missing, has a value not seen before, or lies where a spline was not fitted.
        """
        columns = Columns(new)
        for name, values in self.seen.items():
            if values is None:
                columns.number(name)
            elif name in new.columns:
                unknown = ~new[name].isin(values).to_numpy(dtype=bool)
                columns.forbid(unknown, name, "has a value that was not among the data", remedy="use one that was.")
            else:
                columns.groups(name)
        if not columns.rows().all():
            raise InputError("New data must have no missing value.")
        return _matrix(self.spec, new)


class Formula:
    """The right-hand side of a formula, read in two steps: columns first, then, with the rows known, the matrix."""

    def __init__(self, columns: Columns, text: str) -> None:
        from formulaic import Formula as Parsed
        from formulaic.errors import FormulaicError

        if "~" in text:
            raise InputError("formula takes the right-hand side only: 'months + treated', without '~'.")
        try:
            self._parsed: Any = Parsed(f"1 + {text}")
            words = set(re.findall(r"\w+", text)) & {str(name) for name in columns.frame.columns}
            self.variables = tuple(sorted({*map(str, self._parsed.required_variables), *words}))
        except (FormulaicError, AttributeError, TypeError) as error:
            raise InputError(f"formula cannot be read: {error}") from None
        self._columns = columns
        self._words: dict[str, bool] = {}
        for name in self.variables:
            column = columns.frame[name] if name in columns.frame.columns else None
            worded = isinstance(column, pd.Series) and not pd.api.types.is_numeric_dtype(column)
            self._words[name] = worded
            if worded:
                columns.groups(name)
            else:
                columns.number(name)

    def terms(self, rows: np.ndarray) -> Terms:
        """The matrix of some rows of the data, in their order."""
        frame = self._columns.frame.iloc[rows][list(self.variables)].reset_index(drop=True)
        for name, words in self._words.items():
            if words and isinstance(frame[name].dtype, pd.CategoricalDtype):
                frame[name] = frame[name].cat.remove_unused_categories()
            elif not words:
                frame[name] = frame[name].to_numpy(dtype=float)
        made = _matrix(self._parsed, frame, whole=True)
        matrix = made.to_numpy(dtype=float)
        _refuse_dependent(matrix, [str(name) for name in made.columns])
        seen = {name: tuple(frame[name].unique()) if words else None for name, words in self._words.items()}
        levels = {
            name: values
            for name, words in self._words.items()
            if not words and len(values := tuple(np.unique(frame[name]).tolist())) <= MOST_LEVELS
        }
        typical = {
            name: frame[name].mode().iloc[0] if words else float(frame[name].mean())
            for name, words in self._words.items()
        }
        return Terms(tuple(map(str, made.columns)), matrix, made.model_spec, seen, levels, typical)


def _matrix(maker: Any, frame: pd.DataFrame, *, whole: bool = False) -> Any:
    from formulaic.errors import FormulaicError

    try:
        made = maker.get_model_matrix(frame, na_action="ignore") if whole else maker.get_model_matrix(frame)
    except (FormulaicError, ValueError) as error:
        raise InputError(f"The formula fails on these data: {error}") from None
    return made if whole else made.to_numpy(dtype=float)


def _refuse_dependent(matrix: FloatArray, names: list[str]) -> None:
    if not np.isfinite(matrix).all():
        raise InputError("The formula gives values that are not finite.")
    if len(matrix) <= matrix.shape[1]:
        raise InputError(f"{len(matrix)} readings cannot carry {matrix.shape[1]} terms: take a simpler formula.")
    size = np.sqrt((matrix**2).sum(axis=0))
    diagonal = np.abs(np.diag(np.linalg.qr(matrix / np.where(size > 0, size, 1.0), mode="r")))
    poor: BoolArray = diagonal < 1e-9
    if poor.any():
        name = names[int(np.argmax(poor))]
        raise InputError(f"{name} is a sum of other terms, or the same in every row: leave it out.")
