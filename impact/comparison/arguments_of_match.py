"""The arguments of `match`: which belong to which method, and what they may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from impact.comparison.propensity import Propensity
from impact.comparison.sides import ORDERS
from impact.errors import InputError
from impact.frames import check_choice

METHODS = ("nearest", "radius", "optimal", "full", "exact", "coarsened", "subclass", "cardinality")
SCALES = ("logit", "probability", "odds", "mahalanobis")
TAKES = {
    "nearest": ("on", "ratio", "replace", "caliper", "within", "order", "seed"),
    "radius": ("on", "radius"),
    "optimal": ("on", "ratio", "caliper", "within"),
    "full": ("on", "caliper", "within"),
    "exact": (),
    "coarsened": ("cutpoints",),
    "subclass": ("subclasses",),
    "cardinality": ("ratio", "tolerance"),
}
"""Beside `exact`, which every method takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments, checked: a ratio from `least` to `ratio`."""

    method: str
    on: str
    least: int
    ratio: int
    replace: bool
    caliper: float | None
    radius: float | None
    exact: tuple[str, ...]
    order: str
    within: Mapping[str, float]
    seed: int | None
    subclasses: int
    cutpoints: Mapping[str, int | Sequence[float]]
    tolerance: float


def checked(propensity: Propensity, given: Mapping[str, Any]) -> Asked:
    """Read the arguments of one call.

    Raises
    ------
    InputError
        For a word that is not known, a number that cannot be, or an argument that the method has no use for.
    """
    if not isinstance(propensity, Propensity):
        raise InputError(f"match() needs the result of propensity(), not {type(propensity).__name__}.")
    method, on, order, replace = given["method"], given["on"], given["order"], bool(given["replace"])
    check_choice("method", method, METHODS)
    check_choice("on", on, SCALES)
    check_choice("order", order, ORDERS)
    least, ratio, faults = _ratio(given["ratio"])
    for name in ("caliper", "radius", "tolerance"):
        if given[name] is not None and not _positive(given[name]):
            faults.append(f"{name} must be a number above 0, not {given[name]!r}")
    within = {} if given["within"] is None else given["within"]
    if not isinstance(within, Mapping) or not all(_positive(limit) for limit in within.values()):
        faults.append("within must be a mapping from columns to greatest differences above 0, such as {'age': 2}")
        within = {}
    subclasses = given["subclasses"]
    if subclasses is not None and (isinstance(subclasses, bool) or not isinstance(subclasses, int) or subclasses < 1):
        faults.append(f"subclasses must be a whole number from 1, not {subclasses!r}")
    faults += _unused(method, given, ratio, replace, within)
    faults += _together(method, given, least, replace)
    if faults:
        raise InputError("match() cannot use its arguments: " + "; ".join(faults) + ".")
    return Asked(
        method,
        on,
        least,
        ratio,
        replace,
        given["caliper"],
        given["radius"],
        (given["exact"],) if isinstance(given["exact"], str) else tuple(given["exact"]),
        order,
        dict(within),
        given["seed"],
        5 if subclasses is None else subclasses,
        {} if given["cutpoints"] is None else given["cutpoints"],
        0.05 if given["tolerance"] is None else given["tolerance"],
    )


def _unused(method: str, given: Mapping[str, Any], ratio: int, replace: bool, within: Mapping[str, float]) -> list[str]:
    set_to = {
        "on": given["on"] != "logit",
        "ratio": ratio != 1,
        "replace": replace,
        "caliper": given["caliper"] is not None,
        "within": bool(within),
        "order": given["order"] != "descending",
        **{name: given[name] is not None for name in ("radius", "seed", "subclasses", "cutpoints", "tolerance")},
    }
    unused = [name for name, flag in set_to.items() if flag and name not in TAKES[method]]
    if method == "nearest" and "radius" in unused:
        unused.remove("radius")
        return ["radius belongs to method='radius'; nearest matching takes a caliper", *_no_effect(unused, method)]
    return _no_effect(unused, method)


def _no_effect(unused: Sequence[str], method: str) -> list[str]:
    return [f"{', '.join(unused)} would have no effect with method={method!r}: leave out"] if unused else []


def _together(method: str, given: Mapping[str, Any], least: int, replace: bool) -> list[str]:
    faults = []
    if method == "radius":
        if given["radius"] is None:
            faults.append("method='radius' needs radius, the greatest distance in units of `on`")
        if given["on"] == "mahalanobis":
            faults.append("on='mahalanobis' has no radius; use method='nearest' with replace=True and a caliper")
    if method == "nearest":
        random, seed = given["order"] == "random", given["seed"]
        if replace and given["order"] in ("closest", "random"):
            faults.append(f"order={given['order']!r} would have no effect with replacement: leave out")
        elif random and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
            faults.append("order='random' needs seed, a whole number, so that the same people are found again")
        if not random and seed is not None:
            faults.append("seed belongs to order='random'")
    elif least > 1:
        faults.append("a least ratio belongs to method='nearest'; give one whole number")
    return faults


def _ratio(ratio: Any) -> tuple[int, int, list[str]]:
    least, most = ratio if isinstance(ratio, tuple) and len(ratio) == 2 else (1, ratio)
    whole = all(isinstance(one, int | np.integer) and not isinstance(one, bool) for one in (least, most))
    if whole and 1 <= least <= most:
        return int(least), int(most), []
    return 1, 1, [f"ratio must be a whole number from 1, or the least and the most of them as (1, 3), not {ratio!r}"]


def _positive(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0 < float(value) < np.inf
