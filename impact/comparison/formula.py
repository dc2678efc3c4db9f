"""The formula of a propensity score: its treatment, its covariates, and the columns of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from impact.comparison.covariates import Covariate
from impact.errors import InputError
from impact.frames import FloatArray

REMEDY = "Write it as 'treated ~ age + sex'."


@dataclass(frozen=True, slots=True)
class Parsed:
    """The treatment, the columns named on the right in the formula's order, and the right side itself."""

    treatment: str
    covariates: tuple[str, ...]
    right: Any


def parse(formula: str) -> Parsed:
    """Read a formula.

    Raises
    ------
    InputError
        Where it cannot be read, has not one treatment, names no covariate, or has the treatment on both sides.
    """
    import formulaic
    import formulaic.errors

    if not isinstance(formula, str):
        raise InputError(f"formula must be text, not {type(formula).__name__}. {REMEDY}")
    try:
        parsed: Any = formulaic.Formula(formula)
        left, right = [str(term) for term in parsed.lhs], parsed.rhs
        names: list[str] = []
        for term in right:
            names += sorted(set(formulaic.Formula([term]).required_variables) - set(names))
    except (formulaic.errors.FormulaicError, AttributeError, TypeError, ValueError) as fault:
        raise InputError(f"The formula {formula!r} cannot be read. {REMEDY}") from fault
    if len(left) != 1:
        raise InputError(f"The formula {formula!r} must have one treatment on its left. {REMEDY}")
    if not names:
        raise InputError(f"The formula {formula!r} names no covariate. {REMEDY}")
    if left[0] in names:
        raise InputError(f"The treatment {left[0]} stands on both sides of the formula. {REMEDY}")
    return Parsed(left[0], tuple(names), right)


def model_columns(right: Any, covariates: Sequence[Covariate], index: pd.Index) -> tuple[FloatArray, list[str]]:
    """The model's columns, the intercept among them, and their names.

    Raises
    ------
    InputError
        Where the right side cannot be worked out, or makes values that are not finite.
    """
    import formulaic
    import formulaic.errors

    frame = pd.DataFrame(
        {
            covariate.name: covariate.values
            if covariate.levels is None
            else pd.Categorical.from_codes(covariate.values.astype(int), categories=pd.Index(covariate.levels))
            for covariate in covariates
        },
        index=index,
    )
    try:
        found = formulaic.model_matrix(right, frame, context={}, na_action="ignore")
    except formulaic.errors.FormulaicError as fault:
        raise InputError(f"The formula's right side cannot be worked out: {str(fault).splitlines()[0]}") from fault
    matrix = np.asarray(found, dtype=float)
    names = [str(name) for name in found.columns]
    endless = [name for name, bad in zip(names, ~np.isfinite(matrix).all(axis=0), strict=True) if bad]
    if endless:
        raise InputError(
            f"The formula makes values that are not finite: {', '.join(endless)}. Look for logarithms of zero."
        )
    return matrix, names
