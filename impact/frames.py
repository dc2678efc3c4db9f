"""The only door for data into a method: named columns of a DataFrame or a Design become checked arrays.

Every fault of one input is collected and raised at once; a row with a missing value is left out, counted and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.codes import renumber
from impact.design import Design
from impact.errors import Fault, InputError, row_fault

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Groups:
    """A categorical column: `codes` index `labels`, sorted; −1 is a missing value."""

    codes: IntArray
    labels: tuple[object, ...]


class Columns:
    """Read the columns of one call, then `rows()` once: it raises every fault together, or says which rows to use.

    Arrays have one entry for each row of the data, NaN or −1 where a value is missing.

    Parameters
    ----------
    data : DataFrame or Design
        A Design brings its own weights and sets; people of weight 0 are not in the rows to use.

    Examples
    --------
    >>> people = pd.DataFrame({"days": [10.0, 20.0, None], "again": [1, 0, 1]})
    >>> columns = Columns(people)
    >>> days, again = columns.number("days", low=0), columns.indicator("again")
    >>> keep = columns.rows()
    >>> days[keep], columns.notes
    (array([10., 20.]), ('1 of 3 rows left out: days is missing (1).',))
    """

    def __init__(self, data: pd.DataFrame | Design) -> None:
        self.design = data if isinstance(data, Design) else None
        frame = data.data if isinstance(data, Design) else data
        if not isinstance(frame, pd.DataFrame):
            raise InputError(f"data must be a pandas DataFrame or a Design, not {type(frame).__name__}.")
        self.frame = frame
        self.n = len(frame)
        self.notes: tuple[str, ...] = ()
        self._faults: list[Fault] = []
        self._missing: dict[str, BoolArray] = {}
        if self.n == 0:
            self._faults.append(Fault("has no rows", table="data", remedy="give a table with at least one row."))

    def number(
        self, name: str, *, low: float | None = None, high: float | None = None, above: float | None = None
    ) -> FloatArray:
        """A column of finite numbers, with optional limits (`low` and `high` allowed, `above` not)."""
        column = self._column(name)
        if column is None:
            return np.full(self.n, np.nan)
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_complex_dtype(column):
            remedy = "convert it to numbers; text such as 'N/A' must become a missing value."
            unread = self.answers(name)[1]
            if _is_text(column) and unread.any():
                self.forbid(unread, name, f"is {column.dtype}, not a number", remedy=remedy)
            else:
                self._fault(name, f"is {column.dtype}, not a number", remedy=remedy)
            return np.full(self.n, np.nan)
        values = column.to_numpy(dtype=float, na_value=np.nan)
        if _within(values, low, high, above):
            return values
        self._missing[name] = np.isnan(values)
        self.forbid(np.isinf(values), name, "is infinite", remedy="mend the value or make it missing.")
        if low is not None:
            self.forbid(values < low, name, f"is below {low:g}", remedy=f"values must be {low:g} or more.")
        if above is not None:
            self.forbid(values <= above, name, f"is not above {above:g}", remedy=f"values must be above {above:g}.")
        if high is not None:
            self.forbid(values > high, name, f"is above {high:g}", remedy=f"values must be {high:g} or less.")
        return values

    def answers(self, name: str) -> tuple[FloatArray, BoolArray]:
        """A column as numbers, and where it holds something that is none, for a method that lists such values."""
        column = self._column(name)
        if column is None:
            return np.full(self.n, np.nan), np.zeros(self.n, dtype=bool)
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
            return column.to_numpy(dtype=float, na_value=np.nan), np.zeros(self.n, dtype=bool)
        read = pd.to_numeric(column, errors="coerce") if _is_text(column) else pd.Series(np.nan, index=column.index)
        none = np.asarray(read.isna() & column.notna(), dtype=bool)
        return np.asarray(read.to_numpy(dtype=float, na_value=np.nan), dtype=float), none

    def indicator(self, name: str) -> FloatArray:
        """A column of 0 and 1 (or False and True)."""
        return self.code(name, highest=1)

    def code(self, name: str, *, highest: int | None = None) -> FloatArray:
        """A column of whole numbers 0, 1, …, `highest`."""
        values = self.number(name)
        whole = getattr(self.frame.get(name), "dtype", np.dtype(float)).kind in "iub"
        if whole and _within(values, 0, highest, None):
            return values
        span = "0 or 1" if highest == 1 else "a whole number from 0" + (f" to {highest}" if highest else "")
        with np.errstate(invalid="ignore"):
            bad = (values != np.floor(values)) | (values < 0)
            if highest is not None:
                bad |= values > highest
        self.forbid(bad & np.isfinite(values), name, f"is not {span}", remedy=f"code it as {span}.")
        return values

    def date(self, name: str, *, optional: bool = False) -> NDArray[np.datetime64]:
        """A column of dates as whole days, NaT where missing; rows without an `optional` date are used all the same."""
        column = self._column(name)
        if column is None:
            return np.full(self.n, np.datetime64("NaT"), dtype="datetime64[D]")
        if not (pd.api.types.is_datetime64_any_dtype(column) or (optional and column.isna().all())):
            self._fault(name, f"is {column.dtype}, not a date", remedy="convert it with pandas.to_datetime.")
            return np.full(self.n, np.datetime64("NaT"), dtype="datetime64[D]")
        days = column.to_numpy(dtype="datetime64[ns]").astype("datetime64[D]")
        if not optional:
            self._missing[name] = np.isnat(days)
        return days

    def groups(self, name: str, *, optional: bool = False) -> Groups:
        """A categorical column, in the order of a pandas categorical or else sorted; `optional` as for a date."""
        column = self._column(name)
        if column is None:
            return Groups(np.zeros(self.n, dtype=np.int64), ())
        if isinstance(column.dtype, pd.CategoricalDtype):
            category = column.cat.remove_unused_categories()
            codes = category.cat.codes.to_numpy().astype(np.int64)
            labels = tuple(category.cat.categories)
        else:
            codes, labels = _factorise(column)
        if not optional:
            self._missing[name] = codes < 0
        return Groups(codes, labels)

    def weights(self, name: str | None) -> FloatArray | None:
        """The column of weights, or the weights of the Design; None where there are neither."""
        if self.design is not None:
            if name is not None:
                self._fault(
                    name,
                    "was given as weights beside a Design, which has its own",
                    remedy="give the Design alone, or its .data with a column of weights.",
                )
            return self.design.weights.to_numpy(dtype=float)
        if name is None:
            return None
        values = self.number(name, low=0)
        if self.n and not np.nansum(values) > 0:
            self._fault(name, "is zero in every row", remedy="at least one weight must be above 0.")
        return values

    def cluster(self, name: str | None) -> IntArray | None:
        """Codes of the clusters: the column named, else the Design's matched sets; None where there are neither."""
        if name is not None:
            return self.groups(name).codes
        if self.design is None or self.design.sets is None:
            return None
        return pd.factorize(self.design.sets, sort=True)[0].astype(np.int64)

    def forbid(self, bad: BoolArray, column: str, problem: str, *, why: str = "", remedy: str = "") -> None:
        """Note as a fault the rows where `bad` is true."""
        if bad.any():
            self._faults.append(row_fault(problem, bad.tolist(), table="data", column=column, why=why, remedy=remedy))

    def refuse(self, problem: str, *, column: str = "", why: str = "", remedy: str = "") -> None:
        """Note a fault that is not one of rows."""
        self._faults.append(Fault(problem, table="data", column=column, why=why, remedy=remedy))

    def check(self) -> None:
        """Raise every fault noted so far, for a method that says itself what becomes of missing values."""
        if self._faults:
            raise InputError("The data given cannot be used:", self._faults)

    def rows(self) -> BoolArray:
        """Raise every fault found, or return which rows to use and set `.notes` (what was left out, and why).

        Raises
        ------
        InputError
            With every fault noted so far, or where no complete row is left.
        """
        self.check()
        keep = np.ones(self.n, dtype=bool)
        notes: list[str] = []
        if self.design is not None:
            keep &= self.design.weights.to_numpy(dtype=float) > 0
            notes.extend(self.design.notes)
        inside = int(np.count_nonzero(keep))
        reasons = []
        for name, missing in self._missing.items():
            lost = int(np.count_nonzero(missing & keep))
            if lost:
                reasons.append(f"{name} is missing ({lost:,})")
            keep &= ~missing
        left_out = inside - int(np.count_nonzero(keep))
        if left_out:
            notes.append(f"{left_out:,} of {inside:,} rows left out: {'; '.join(reasons)}.")
        if left_out == inside:
            raise InputError(
                "The data given cannot be used:",
                [Fault("has no row with every value needed", table="data", why="; ".join(reasons))],
            )
        self.notes = tuple(notes)
        return keep

    def _column(self, name: str) -> pd.Series | None:
        if name not in self.frame.columns:
            known = ", ".join(str(column) for column in self.frame.columns)
            self._fault(str(name), "is not in the data", remedy=f"the columns are: {known}.")
            return None
        column = self.frame[name]
        if isinstance(column, pd.DataFrame):
            self._fault(str(name), "stands more than once in the data", remedy="give each column its own name.")
            return None
        return column

    def _fault(self, column: str, problem: str, *, remedy: str = "") -> None:
        self._faults.append(Fault(problem, table="data", column=column, remedy=remedy))


def _factorise(column: pd.Series) -> tuple[IntArray, tuple[object, ...]]:
    """Codes and sorted labels: by counting where the values are whole numbers close together."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i" and len(column):
        values = column.to_numpy()
        low = int(values.min())
        if int(values.max()) - low < len(values):
            codes = values.astype(np.int64)
            codes -= low
            found, codes = renumber(codes)
            return codes, tuple((found + low).tolist())
    codes, labels = pd.factorize(column, sort=True)
    return codes.astype(np.int64), tuple(labels)


def _is_text(column: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(column.dtype) or pd.api.types.is_object_dtype(column.dtype))


def _within(values: FloatArray, low: float | None, high: float | None, above: float | None) -> bool:
    """True where every value is a finite number inside the limits, which needs no look at single rows."""
    least, most = values.min(initial=np.inf), values.max(initial=-np.inf)
    return bool(
        np.isfinite(least)
        and np.isfinite(most)
        and (low is None or least >= low)
        and (high is None or most <= high)
        and (above is None or least > above)
    )


def check_level(level: float) -> None:
    """Raise unless `level` is a confidence level strictly between 0 and 1."""
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1 (0.95 for a 95% interval), not {level!r}.")


def check_choice(argument: str, value: object, allowed: Sequence[str]) -> None:
    """Raise unless `value` is one of the words that `argument` allows."""
    if value not in allowed:
        raise InputError(f"{argument} must be one of {', '.join(allowed)}, not {value!r}.")
