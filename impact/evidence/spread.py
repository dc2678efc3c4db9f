"""How values are spread, without a value of one person: quantiles, and points of a plot taken together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.errors import DisclosureError, Fault
from impact.evidence.disclosure import Protected
from impact.evidence.rules import Rules, default_rules
from impact.evidence.shown import rows_left_out
from impact.frames import Columns, FloatArray, Groups

QUANTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}


def safe_spread(
    data: pd.DataFrame, value: str, *, by: str | None = None, digits: int = 1, rules: Rules | None = None
) -> Protected:
    """Mean and quartiles of a measure that can be shown; the smallest and the largest value never are.

    A mean is shown of the minimum of people or more. A quantile is shown where ``quantile_each_side`` people or more
    lie on each side of it (a median from 20, quartiles from 40 people by default), and is the mean of the ``base``
    values nearest to its place, so that it is no one person's value. The smallest and the largest value have nobody on
    one side, whatever the size of the group, and are each one person's.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    value : str
        The measure.
    by : str, optional
        Column of groups.
    digits : int
        Decimal places.
    rules : Rules, optional
        Other thresholds than those shipped.

    Returns
    -------
    Protected
        Its ``table`` has the columns ``n, mean, lower_quartile, median, upper_quartile``, as text.

    Raises
    ------
    InputError
        Where a column is missing or is not of numbers.

    Examples
    --------
    >>> people = pd.DataFrame({"days": range(1, 26)})
    >>> safe_spread(people, "days").table.loc["all"].tolist()
    ['25', '13.0', 'not shown', '13.0', 'not shown']
    """
    rules = rules or default_rules()
    door = Columns(data)
    values = door.number(value)
    groups = door.groups(by) if by is not None else Groups(np.zeros(len(data), dtype=np.int64), ("all",))
    keep = door.rows()
    rows, record = {}, []
    for code, label in enumerate(groups.labels):
        here = np.sort(values[keep & (groups.codes == code)])
        shown = {"n": f"fewer than {rules.minimum}" if rules.hides(len(here)) else f"{rules.rounded(len(here)):,}"}
        shown["mean"] = _number(here.mean(), digits) if len(here) >= rules.minimum else "not shown"
        for name, share in QUANTILES.items():
            seen = min(share, 1 - share) * len(here) >= rules.quantile_each_side
            shown[name] = _number(_nearest(here, share, rules.base), digits) if seen else "not shown"
        rows[label] = shown
        asked = {"n": f"minimum {rules.minimum}", "mean": f"minimum {rules.minimum}"}
        record += [
            (
                str(label),
                name,
                "shown" if text[0].isdigit() or text[0] == "−" else "hidden",
                text,
                asked.get(name, f"{rules.quantile_each_side} on each side"),
            )
            for name, text in shown.items()
        ]
    notes = [
        *rows_left_out(int(keep.sum()), len(keep), rules=rules),
        f"Means are shown of {rules.minimum} people or more; quantiles where {rules.quantile_each_side} lie on each"
        " side, and the smallest and largest value never.",
    ]
    return Protected(
        pd.DataFrame.from_dict(rows, orient="index"),
        pd.DataFrame(record, columns=["row", "column", "status", "shown", "rule"]),
        rules,
        tuple(notes),
    )


def bin_points(
    data: pd.DataFrame, x: str, y: str, *, bins: int = 10, digits: int = 2, rules: Rules | None = None
) -> Protected:
    """The points of a scatter, residual or dot plot taken together, so that none is one person.

    People are put in order of x and cut into groups of equal size, as many as `bins` where each then holds
    ``plot_minimum`` people; people with the same x stay together. Each point is the mean of x and the mean of y.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    x, y : str
        What stands on the axes.
    bins : int
        Points at most.
    digits : int
        Decimal places of the means.
    rules : Rules, optional
        Other thresholds than those shipped.

    Returns
    -------
    Protected
        Its ``table`` has the columns of `x` and `y` and ``n`` (rounded).

    Raises
    ------
    DisclosureError
        Where there are too few people for two points: a plot of one would only repeat the means.
    InputError
        Where a column is missing or is not of numbers.

    Examples
    --------
    >>> people = pd.DataFrame({"age": range(20, 60), "residual": [0.5, -0.5] * 20})
    >>> bin_points(people, "age", "residual", bins=4).table.to_dict("list")
    {'age': [24.5, 34.5, 44.5, 54.5], 'residual': [0.0, 0.0, 0.0, 0.0], 'n': [10, 10, 10, 10]}
    """
    rules = rules or default_rules()
    door = Columns(data)
    across, up = door.number(x), door.number(y)
    if bins < 2:
        door.refuse("must be 2 or more", column="bins")
    keep = door.rows()
    left_out = rows_left_out(int(keep.sum()), len(keep), rules=rules)
    across, up = across[keep], up[keep]
    _, place, size = np.unique(across, return_inverse=True, return_counts=True)
    point = _cut(size, max(rules.plot_minimum, -(-len(across) // bins)), rules.plot_minimum)[place]
    n = np.bincount(point)
    if len(n) < 2:
        raise DisclosureError(
            "The plot cannot be made safe to publish:",
            [
                Fault(
                    f"has fewer than {rules.plot_minimum} people for each of two points",
                    remedy="say the mean in words, or leave it out.",
                )
            ],
        )
    table = pd.DataFrame(
        {
            x: np.round(np.bincount(point, weights=across) / n, digits) + 0.0,
            y: np.round(np.bincount(point, weights=up) / n, digits) + 0.0,
            "n": [rules.rounded(int(count)) for count in n],
        }
    )
    rule = f"plot minimum {rules.plot_minimum}"
    record = pd.DataFrame(
        [(str(at), "point", "shown", str(count), rule) for at, count in enumerate(table["n"])],
        columns=["row", "column", "status", "shown", "rule"],
    )
    note = f"Each point is the mean of {rules.plot_minimum} people or more."
    return Protected(table, record, rules, (*left_out, note))


def _cut(size: np.ndarray, least: int, minimum: int) -> np.ndarray:
    """The group of each level, in order: closed when it holds `least`; a remainder under `minimum` joins the last."""
    group, found, held = [], 0, 0
    for count in size.tolist():
        group.append(found)
        held += count
        if held >= least:
            found, held = found + 1, 0
    if 0 < held < minimum:
        group = [min(one, max(found - 1, 0)) for one in group]
    return np.array(group, dtype=np.int64)


def _nearest(ordered: FloatArray, share: float, several: int) -> float:
    middle = share * (len(ordered) - 1)
    start = min(max(round(middle - (several - 1) / 2), 0), len(ordered) - several)
    return float(ordered[start : start + several].mean())


def _number(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not float(text.replace(",", "")) else text.replace("-", "−")
