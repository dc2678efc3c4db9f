"""Everyone, without matching: for a randomised comparison, or for the raw difference."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from impact.comparison.covariates import forbid_repeated_labels, read_covariates, read_treatment
from impact.design import Design
from impact.frames import Columns


def whole_sample(data: pd.DataFrame, treatment: str, covariates: Sequence[str] = ()) -> Design:
    """A `Design` of everyone, each with weight 1 and in no set.

    The difference it shows is an effect only where chance decided who was treated.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    treatment : str
        The column that is 1 for treated people and 0 for the others.
    covariates : sequence of str
        Columns on which balance is to be judged.

    Returns
    -------
    Design
        With estimand ``"ATE"``.

    Raises
    ------
    InputError
        For a missing column, a repeated label, or a treatment that is not 0 or 1 or is the same for everyone.

    Examples
    --------
    >>> whole_sample(pd.DataFrame({"aid": [1, 0, 1, 0], "age": [20, 30, 25, 24]}), "aid", ["age"]).flow
        step  treated  comparison
    0  Given        2           2
    """
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    columns = Columns(data)
    treated = read_treatment(columns, treatment)
    forbid_repeated_labels(columns)
    found = read_covariates(columns, names)
    if treatment in names:
        columns.forbid(treated >= 0, treatment, "is the treatment, named among the covariates", remedy="leave it out.")
    columns.rows()
    lost = [f"{covariate.name} ({int(covariate.missing.sum()):,})" for covariate in found if covariate.missing.any()]
    flow = pd.DataFrame(
        [("Given", int(treated.sum()), int((1 - treated).sum()))], columns=["step", "treated", "comparison"]
    )
    return Design(
        data=data.copy(),
        treatment=treatment,
        weights=pd.Series(1.0, index=data.index, name="weight"),
        sets=None,
        estimand="ATE",
        covariates=names,
        method="Everyone, as randomised or as found; no matching",
        flow=flow,
        notes=(f"Missing values, left out where that column is used: {', '.join(lost)}.",) if lost else (),
    )
