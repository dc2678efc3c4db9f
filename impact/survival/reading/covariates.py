"""Covariates of a model: a list of columns or the right-hand side of a formula becomes a named matrix."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError
from impact.frames import BoolArray, Columns, FloatArray, Groups, IntArray

if TYPE_CHECKING:
    from formulaic import Formula

UNUSABLE = "The covariates given cannot be used:"
CONSTANT = 1e-14


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the columns of a table become rows of the matrix, so that another table can be read in the same way.

    Attributes
    ----------
    columns : dict of str to tuple or None
        The columns needed; for a categorical one the values seen, in their order.
    spec : object
        The fitted formula; None for a list of columns.
    """

    columns: Mapping[str, tuple[object, ...] | None]
    spec: Any = None

    def read(self, columns: Columns) -> dict[str, FloatArray | Groups]:
        """The columns needed from another table; values that were not among those of the fit are faults."""
        read: dict[str, FloatArray | Groups] = {}
        for name, seen in self.columns.items():
            if seen is None:
                read[name] = columns.number(name)
                continue
            groups = columns.groups(name)
            places = {label: place for place, label in enumerate(seen)}
            codes = np.array([places.get(label, len(seen)) for label in groups.labels] + [-1], dtype=np.int64)
            read[name] = Groups(codes[groups.codes], seen)
            columns.forbid(
                codes[groups.codes] == len(seen),
                name,
                "has a value that the fit has not seen",
                remedy="predict for the values that stood in the data of the fit.",
            )
        return read

    def rows(self, columns: Columns, read: Mapping[str, FloatArray | Groups], keep: BoolArray) -> FloatArray:
        """The matrix (p, rows to use) as it stands, neither centred nor scaled."""
        if self.spec is None:
            return np.stack([part for _, _, part in _from_columns(read, self.columns, keep)])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                matrix = self.spec.get_model_matrix(_part(columns.frame, keep), na_action="ignore")
            except Warning as problem:
                raise InputError(UNUSABLE, [Fault("the formula meets a value that the fit has not seen")]) from problem
        places = [place for term, part in matrix.model_spec.term_indices.items() if str(term) != "1" for place in part]
        return np.ascontiguousarray(matrix.iloc[:, places].to_numpy(dtype=float).T)


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
    recipe : Recipe
    """

    names: tuple[str, ...]
    terms: dict[str, tuple[int, ...]]
    x: FloatArray
    centre: FloatArray
    scale: FloatArray
    recipe: Recipe


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

    def take(self, rows: BoolArray | IntArray) -> Matrix:
        """The matrix of the rows to use, in their order.

        Raises
        ------
        InputError
            Where columns do not vary or are not finite, all named.
        """
        seen: dict[str, tuple[object, ...] | None] = {}
        for name, values in self._read.items():
            seen[name] = None
            if isinstance(values, Groups):
                seen[name] = tuple(values.labels[code] for code in np.unique(values.codes[rows]).tolist())
        names: list[str] = []
        terms: dict[str, tuple[int, ...]] = {}
        if self._formula is None:
            size = sum(1 if values is None else max(len(values) - 1, 1) for values in seen.values())
            recipe, parts = Recipe(seen), _from_columns(self._read, seen, rows)
        else:
            spec, size, parts = self._from_formula(rows)
            recipe = Recipe(seen, spec)
        x = np.empty((size, int(rows.sum()) if rows.dtype == bool else len(rows)))
        for place, (term, name, part) in enumerate(parts):
            names.append(name)
            terms[term] = (*terms.get(term, ()), place)
            x[place] = part
        centre, scale = _standardise(names, x)
        return Matrix(tuple(names), terms, x, centre, scale, recipe)

    def _from_formula(self, rows: BoolArray | IntArray) -> tuple[Any, int, Iterator[tuple[str, str, FloatArray]]]:
        from formulaic.errors import FormulaicError

        assert self._formula is not None
        try:
            matrix = self._formula.get_model_matrix(_part(self._columns.frame, rows), na_action="ignore")
        except FormulaicError as error:
            raise InputError(UNUSABLE, [Fault(f"the formula fails: {error}")]) from None
        wanted = [(str(term), part) for term, part in matrix.model_spec.term_indices.items() if str(term) != "1"]
        parts = (
            (term, str(matrix.columns[place]), matrix.iloc[:, place].to_numpy(dtype=float))
            for term, places in wanted
            for place in places
        )
        return matrix.model_spec, sum(len(places) for _, places in wanted), parts


def _from_columns(
    read: Mapping[str, FloatArray | Groups], seen: Mapping[str, tuple[object, ...] | None], rows: BoolArray | IntArray
) -> Iterator[tuple[str, str, FloatArray]]:
    """Term, name and values of each row of the matrix; the first value seen of a categorical column is left out."""
    for name, values in read.items():
        if not isinstance(values, Groups):
            yield name, name, values[rows]
            continue
        codes, labels = values.codes[rows], seen[name] or ()
        for label in labels[1:] if len(labels) > 1 else labels:
            yield name, f"{name}[{label}]", (codes == values.labels.index(label)).astype(float)


def _standardise(names: Sequence[str], x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre and scale the rows of x in place; the centres and scales."""
    faults = []
    centre, scale = np.zeros(len(x)), np.ones(len(x))
    for place, (name, row) in enumerate(zip(names, x, strict=True)):
        least, most = float(row.min()), float(row.max())
        if not (np.isfinite(least) and np.isfinite(most)):
            faults.append(
                Fault("is not finite in every row used", column=name, remedy="mend the formula or the values.")
            )
            continue
        if most - least <= CONSTANT * max(abs(least), abs(most)):
            why = "its effect cannot be told from the baseline."
            faults.append(Fault("has the same value in every row used", column=name, why=why, remedy="leave it out."))
            continue
        centre[place] = row.mean()
        row -= centre[place]
        row /= most - least
        spread = float(np.sqrt(np.einsum("i,i->", row, row) / len(row)))
        row *= 1 / spread
        scale[place] = (most - least) * spread
    if faults:
        raise InputError(UNUSABLE, faults)
    return centre, scale


def _part(frame: pd.DataFrame, rows: BoolArray | IntArray) -> pd.DataFrame:
    """The rows to use, without categories that none of them has."""
    part = frame.iloc[rows].reset_index(drop=True)
    unused = {
        name: part[name].cat.remove_unused_categories()
        for name in part.columns
        if isinstance(part[name].dtype, pd.CategoricalDtype)
    }
    return part.assign(**unused) if unused else part


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
