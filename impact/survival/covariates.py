"""Covariates of a model: a list of columns or the right-hand side of a formula becomes a named matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError
from impact.frames import BoolArray, Columns, FloatArray, Groups

if TYPE_CHECKING:
    from formulaic import Formula

UNUSABLE = "The covariates given cannot be used:"


@dataclass(frozen=True, slots=True)
class Matrix:
    """Covariates of the rows used.

    Attributes
    ----------
    names : tuple of str
        One for each row of `x`: ``age``, ``race[black]``.
    terms : dict of str to tuple of int
        The rows of `x` that belong to each covariate (several for a categorical one).
    x : (p, n) float
        Centred and scaled to unit standard deviation.
    centre, scale : (p,) float
        What was taken away, and what was divided by.
    """

    names: tuple[str, ...]
    terms: dict[str, tuple[int, ...]]
    x: FloatArray
    centre: FloatArray
    scale: FloatArray


class CovariateColumns:
    """The covariates as read, before the rows to use are known."""

    def __init__(self, columns: Columns, covariates: str | Sequence[str]) -> None:
        self._columns = columns
        self._formula: Formula | None = None
        self._read: dict[str, FloatArray | Groups] = {}
        if isinstance(covariates, str):
            self._formula = _formula(covariates)
            wanted = sorted(str(name) for name in self._formula.required_variables)
        else:
            wanted = [str(name) for name in covariates]
        if not wanted:
            columns.refuse("no covariate is named", remedy="name at least one column.")
        for name in wanted:
            if name in self._read:
                columns.refuse("is named twice among the covariates", column=name, remedy="name it once.")
            elif name in columns.frame.columns and _categorical(columns.frame[name]):
                self._read[name] = columns.groups(name)
            else:
                self._read[name] = columns.number(name)

    def take(self, keep: BoolArray) -> Matrix:
        """The matrix of the rows to use.

        Raises
        ------
        InputError
            Where columns do not vary or are not finite, all named.
        """
        names, terms, parts = self._from_formula(keep) if self._formula is not None else self._from_columns(keep)
        x = np.empty((len(parts), int(keep.sum())))
        for place, part in enumerate(parts):
            x[place] = part
        faults = []
        for name, row in zip(names, x, strict=True):
            if not np.isfinite(row).all():
                faults.append(
                    Fault("is not finite in every row used", column=name, remedy="mend the formula or the values.")
                )
            elif row.min() == row.max():
                why = "its effect cannot be told from the baseline."
                faults.append(
                    Fault("has the same value in every row used", column=name, why=why, remedy="leave it out.")
                )
        if faults:
            raise InputError(UNUSABLE, faults)
        centre = x.mean(axis=1)
        x -= centre[:, None]
        scale = np.sqrt(np.einsum("ij,ij->i", x, x) / x.shape[1])
        x /= scale[:, None]
        return Matrix(tuple(names), terms, x, centre, scale)

    def _from_columns(self, keep: BoolArray) -> tuple[list[str], dict[str, tuple[int, ...]], list[FloatArray]]:
        names: list[str] = []
        terms: dict[str, tuple[int, ...]] = {}
        parts: list[FloatArray] = []
        for name, values in self._read.items():
            first = len(names)
            if isinstance(values, Groups):
                codes = values.codes[keep]
                present = np.unique(codes)
                for code in present[1:] if len(present) > 1 else present:
                    names.append(f"{name}[{values.labels[code]}]")
                    parts.append((codes == code).astype(float))
            else:
                names.append(name)
                parts.append(values[keep])
            terms[name] = tuple(range(first, len(names)))
        return names, terms, parts

    def _from_formula(self, keep: BoolArray) -> tuple[list[str], dict[str, tuple[int, ...]], list[FloatArray]]:
        from formulaic.errors import FormulaicError

        assert self._formula is not None
        try:
            matrix = self._formula.get_model_matrix(
                self._columns.frame.loc[keep].reset_index(drop=True), na_action="ignore"
            )
        except FormulaicError as error:
            raise InputError(UNUSABLE, [Fault(f"the formula fails: {error}")]) from None
        names: list[str] = []
        terms: dict[str, tuple[int, ...]] = {}
        parts: list[FloatArray] = []
        for term, places in matrix.model_spec.term_indices.items():
            if str(term) == "1":
                continue
            first = len(names)
            for place in places:
                names.append(str(matrix.columns[place]))
                parts.append(matrix.iloc[:, place].to_numpy(dtype=float))
            terms[str(term)] = tuple(range(first, len(names)))
        return names, terms, parts


def _formula(text: str) -> Formula:
    if "~" in text:
        raise InputError("covariates takes the right-hand side of a formula only: 'age + C(race)', without '~'.")
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        return Formula(f"1 + {text}")
    except FormulaicError as error:
        raise InputError(f"covariates is not a formula: {error}") from None


def _categorical(column: pd.Series | pd.DataFrame) -> bool:
    if isinstance(column, pd.DataFrame):
        return False
    kind = column.dtype
    return (
        isinstance(kind, pd.CategoricalDtype)
        or pd.api.types.is_object_dtype(kind)
        or pd.api.types.is_string_dtype(kind)
    )
