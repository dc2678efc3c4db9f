"""Matching on a score, fixed before any outcome is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.comparison.covariates import forbid_repeated_labels, read_covariates
from impact.comparison.nearest import (
    NOBODY,
    People,
    with_replacement,
    within_radius,
    without_replacement,
)
from impact.comparison.propensity import Propensity
from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray, check_choice
from impact.results import number

if TYPE_CHECKING:
    from impact.comparison.balance import Balance

METHODS = ("nearest", "radius")
SCALES = ("logit", "probability", "odds")
ORDERS = ("descending", "ascending")
LATER = ("exact", "coarsened", "optimal")
OFF_SUPPORT = ("nobody of the other group agrees on the exact columns", "no comparison person near enough")
TREATED_LEFT_OUT = (*OFF_SUPPORT, "every comparison person near enough was taken")
NOT_CHOSEN = "not chosen for comparison"


@dataclass(frozen=True, eq=False, repr=False)
class MatchedDesign(Design):
    """A `Design` made by `match`.

    Attributes
    ----------
    pairs : DataFrame or None
        ``treated, comparison`` (labels of the index) and ``distance``, in the order of choice; None for radius
        matching, which forms no pairs.
    """

    pairs: pd.DataFrame | None = None

    def balance(self) -> Balance:
        """How alike the groups are, before and after; see `balance`."""
        from impact.comparison.balance import balance

        return balance(self)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both sides in their canonical order: rows of the data, and their values and strata."""

    treated_rows: IntArray
    comparison_rows: IntArray
    treated: People
    comparison: People


def match(
    propensity: Propensity,
    *,
    method: str = "nearest",
    on: str = "logit",
    ratio: int = 1,
    replace: bool = False,
    caliper: float | None = None,
    radius: float | None = None,
    exact: str | Sequence[str] = (),
    order: str = "descending",
) -> MatchedDesign:
    """Find comparison people for the treated. No outcome can be given: the comparison is fixed before one is named.

    Parameters
    ----------
    propensity : Propensity
        The score and its people. Where it was made with ``score=``, distances are on that column as it stands.
    method : {"nearest", "radius"}
        ``"nearest"``: each treated person in turn takes the nearest person left. ``"radius"``: each treated person is
        compared with everyone within `radius`, their weight of 1 spread evenly over them.
    on : {"logit", "probability", "odds"}
        The scale of distances.
    ratio : int
        Comparison people for each treated person (nearest), in rounds: everyone's first before anyone's second.
    replace : bool
        Whether a comparison person may serve several treated people (nearest).
    caliper : float, optional
        The greatest distance allowed (nearest), in standard deviations of the distance over the whole sample.
    radius : float, optional
        The greatest distance allowed (radius), in units of `on`, both ends included.
    exact : str or sequence of str
        Columns on which partners must agree.
    order : {"descending", "ascending"}
        Who chooses first without replacement: the highest or the lowest scores. It has no effect with replacement.

    Returns
    -------
    MatchedDesign
        Treated people kept have weight 1. A comparison person's weight is the sum, over the treated people served, of
        1 / (that person's number of partners), so comparison weights add up to the treated people kept. `sets`
        numbers the treated in order of choice; it is None with replacement and for radius.

    Raises
    ------
    InputError
        For arguments that do not go together, a missing value in `exact`, or where nobody has a partner.

    Notes
    -----
    Ties never depend on the order of the rows. Of two people equally far on either side the lower score is taken; of
    equal scores the first by covariates (in the formula's order), then by index label. The same rule says who chooses
    first among treated people of the same score.

    Examples
    --------
    >>> people = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 1], "age": [20.0, 30, 25, 24, 41, 38]}, index=list("abcdef"))
    >>> from impact.comparison.propensity import propensity
    >>> design = match(propensity("joined ~ age", people, score="age"))
    >>> design.pairs[["treated", "comparison", "distance"]].values.tolist()
    [['f', 'e', 3.0], ['c', 'd', 1.0], ['a', 'b', 10.0]]
    """
    names = (exact,) if isinstance(exact, str) else tuple(exact)
    _check(propensity, method, on, ratio, replace, caliper, radius, order)
    distance = _distance(propensity, on)
    sides = _sides(propensity, distance, names, descending=order == "descending" or method == "radius")
    scale = propensity.given or {"logit": "log-odds", "probability": "probability", "odds": "odds"}[on]
    reach = np.inf if caliper is None else caliper * float(np.std(distance, ddof=1))
    weights = np.zeros(len(distance))
    sets: pd.Series | None = None
    pairs: pd.DataFrame | None = None
    if radius is not None:
        partners, spread = within_radius(sides.treated, sides.comparison, radius)
        weights[sides.comparison_rows] = spread
        words = f"Radius matching on the {scale} within {number(radius)}"
        reach = radius
    else:
        seek = with_replacement if replace else without_replacement
        found = seek(sides.treated, sides.comparison, reach=reach, ratio=ratio)
        partners = (found != NOBODY).sum(axis=1)
        chooser, turn = np.nonzero(found != NOBODY)
        chosen = found[chooser, turn]
        weights[sides.comparison_rows] = np.bincount(chosen, 1.0 / partners[chooser], len(sides.comparison_rows))
        label = propensity.data.index
        who, whom = sides.treated_rows[chooser], sides.comparison_rows[chosen]
        apart = np.abs(distance[who] - distance[whom])
        pairs = pd.DataFrame({"treated": label[who], "comparison": label[whom], "distance": apart})
        if not replace:
            sets = _sets(label, who, whom)
        words = (
            f"Nearest-neighbour matching {ratio}:1 on the {scale}, {'with' if replace else 'without'} replacement"
            + ("" if replace else f", {order} order")
            + ("" if caliper is None else f", caliper {number(caliper)} SD ({number(reach)})")
        )
    served = partners > 0
    weights[sides.treated_rows[served]] = 1.0
    if names:
        words += f", exact on {', '.join(names)}"
    if not served.any():
        raise InputError(_nobody(sides, words, reach))
    reasons = _reasons(sides, served, weights, reach, shared=replace or radius is not None)
    treated = propensity.data[propensity.treatment].to_numpy() == 1
    return MatchedDesign(
        data=propensity.data,
        treatment=propensity.treatment,
        weights=pd.Series(weights, index=propensity.data.index, name="weight"),
        sets=sets,
        estimand="ATT" if served.all() else "ATT among the matched",
        covariates=propensity.covariates,
        method=words,
        flow=_flow(reasons, treated),
        notes=_notes(propensity, on, partners, served, ratio),
        left_out=pd.Series(reasons, index=propensity.data.index, name="left_out", dtype="str"),
        pairs=pairs,
    )


def _check(
    propensity: Propensity,
    method: str,
    on: str,
    ratio: int,
    replace: bool,
    caliper: float | None,
    radius: float | None,
    order: str,
) -> None:
    if not isinstance(propensity, Propensity):
        raise InputError(f"match() needs the result of propensity(), not {type(propensity).__name__}.")
    if method in LATER:
        raise InputError(f"method {method!r} is not offered yet; offered are {', '.join(METHODS)}.")
    check_choice("method", method, METHODS)
    if on == "mahalanobis":
        raise InputError(f"on {on!r} is not offered yet; offered are {', '.join(SCALES)}.")
    check_choice("on", on, SCALES)
    check_choice("order", order, ORDERS)
    faults = []
    if isinstance(ratio, bool) or not isinstance(ratio, int | np.integer) or ratio < 1:
        faults.append(f"ratio must be a whole number from 1, not {ratio!r}")
    for name, value in (("caliper", caliper), ("radius", radius)):
        if value is not None and not (np.isfinite(value) and value > 0):
            faults.append(f"{name} must be a number above 0, not {value!r}")
    if method == "nearest" and radius is not None:
        faults.append("radius belongs to method='radius'; nearest matching takes a caliper")
    if method == "radius":
        if radius is None:
            faults.append("method='radius' needs radius, the greatest distance in units of `on`")
        given = {"ratio": ratio != 1, "replace": bool(replace), "caliper": caliper is not None}
        given["order"] = order != "descending"
        unused = [name for name, flag in given.items() if flag]
        if unused:
            faults.append(f"{', '.join(unused)} would have no effect with method='radius': leave out")
    if faults:
        raise InputError("match() cannot use its arguments: " + "; ".join(faults) + ".")


def _distance(propensity: Propensity, on: str) -> FloatArray:
    if propensity.given is not None or on == "probability":
        return propensity.score.to_numpy(dtype=float)
    linear = propensity.linear.to_numpy(dtype=float)
    return linear if on == "logit" else np.exp(linear)


def _sides(propensity: Propensity, distance: FloatArray, exact: tuple[str, ...], *, descending: bool) -> _Sides:
    """Both sides sorted by a key that holds nothing of the order of the rows."""
    columns = Columns(propensity.data)
    forbid_repeated_labels(columns)
    covariates = read_covariates(columns, propensity.covariates)
    stratum = np.zeros(columns.n, dtype=np.int64)
    for name in exact:
        groups = columns.groups(name)
        columns.forbid(groups.codes < 0, name, "is missing", remedy="make 'unknown' a category of its own.")
        stratum = np.unique(stratum * (len(groups.labels) + 1) + groups.codes, return_inverse=True)[1]
    columns.rows()
    treated = propensity.data[propensity.treatment].to_numpy(dtype=float) == 1
    tie = np.zeros(columns.n, dtype=np.int64)
    tied = np.flatnonzero(pd.DataFrame({"distance": distance, "treated": treated}).duplicated(keep=False))
    if len(tied):
        labels = pd.factorize(propensity.data.index[tied], sort=True)[0]
        keys = [covariate.values[tied] for covariate in covariates]
        tie[tied[np.lexsort((labels, *reversed(keys)))]] = np.arange(len(tied))
    who, whom = np.flatnonzero(treated), np.flatnonzero(~treated)
    who = who[np.lexsort((tie[who], -distance[who] if descending else distance[who]))]
    whom = whom[np.lexsort((tie[whom], distance[whom], stratum[whom]))]
    return _Sides(who, whom, People(distance[who], stratum[who]), People(distance[whom], stratum[whom]))


def _sets(label: pd.Index, who: IntArray, whom: IntArray) -> pd.Series:
    numbers = pd.Series(pd.NA, index=label, dtype="Int64", name="set")
    code = pd.factorize(who)[0] + 1
    numbers.iloc[who] = code
    numbers.iloc[whom] = code
    return numbers


def _nearest_distance(sides: _Sides) -> FloatArray:
    nearest = with_replacement(sides.treated, sides.comparison)[:, 0]
    apart = np.abs(sides.treated.value - sides.comparison.value[nearest])
    return np.where(nearest == NOBODY, np.inf, apart)


def _nobody(sides: _Sides, words: str, reach: float) -> str:
    apart = _nearest_distance(sides).min()
    if np.isinf(apart):
        return f"{words}: no treated person shares a stratum with anyone. Use fewer or coarser columns in exact."
    return (
        f"{words}: nobody has a partner. The nearest two people are {number(apart)} apart and {number(reach)} "
        "is allowed. Look at .overlap(); widen the limit only if people that far apart are alike enough."
    )


def _reasons(sides: _Sides, served: BoolArray, weights: FloatArray, reach: float, *, shared: bool) -> np.ndarray:
    """Why each row was left out, empty where it was not; partners that are shared are never taken from anyone."""
    apart = _nearest_distance(sides)
    alone = ~served & np.isinf(apart)
    beyond = ~served & ~alone & (shared | (apart > reach))
    taken = ~served & ~alone & ~beyond
    reasons = np.full(len(weights), "", dtype=object)
    for lost, reason in zip((alone, beyond, taken), TREATED_LEFT_OUT, strict=True):
        reasons[sides.treated_rows[lost]] = reason
    reasons[sides.comparison_rows[weights[sides.comparison_rows] == 0]] = NOT_CHOSEN
    return reasons


def _flow(reasons: np.ndarray, treated: BoolArray) -> pd.DataFrame:
    """Given, left out by reason, matched."""

    def row(step: str, members: BoolArray) -> tuple[str, int, int]:
        return step, int((members & treated).sum()), int((members & ~treated).sum())

    found = [(reason, reasons == reason) for reason in (*TREATED_LEFT_OUT, NOT_CHOSEN)]
    rows = [row("Given", np.ones(len(reasons), dtype=bool))]
    rows += [row(f"Left out: {reason}", members) for reason, members in found if members.any()]
    return pd.DataFrame([*rows, row("Matched", reasons == "")], columns=["step", "treated", "comparison"])


def _notes(propensity: Propensity, on: str, partners: IntArray, served: BoolArray, ratio: int) -> tuple[str, ...]:
    notes = list(propensity.notes)
    if propensity.given is not None and on != "logit":
        notes.append(f"on={on!r} had no say: distances are on the column {propensity.given} as it stands.")
    lost = int((~served).sum())
    if lost:
        notes.append(
            f"{lost:,} of {len(served):,} treated people have no partner and are left out: "
            "the estimates are about those matched, not about everyone treated."
        )
    short = int((served & (partners < ratio)).sum())
    if short:
        notes.append(f"{short:,} treated people have fewer than {ratio} partners.")
    return tuple(notes)
