"""Survival and incidence curves made safe to show: read by the month, cut where few are at risk, with no small step."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.evidence.disclosure import Protected
from impact.evidence.rules import Rules, default_rules
from impact.frames import Columns, FloatArray, IntArray

BOUNDS = ("conf_low", "conf_high")


def coarsen_curve(
    tidy: pd.DataFrame,
    *,
    step: int | None = None,
    minimum: int | None = None,
    events: int | None = None,
    rules: Rules | None = None,
) -> Protected:
    """Coarsen survival or incidence curves so that no step is one person and no date can be read off.

    Each curve is read on a grid of `step` days (and its last day), up to the last point with at least `minimum` at risk
    from there on back; points are merged until each step holds at least `events` events, and a remainder joins the step
    before it. Day 0 stands for the time before anything happened: what happened on it is in the first step. A curve
    with fewer events in all is left out. Estimates and limits are rounded to a whole per cent, numbers at risk to the
    rounding base. A whole per cent of a small group gives back how many events a step holds; that is why a step holds
    as many as a count that may be shown.

    Parameters
    ----------
    tidy : DataFrame
        Columns ``time, n_risk, n_event, estimate``, and if present ``group, cause, conf_low, conf_high``: what
        ``kaplan_meier(...).tidy()`` returns, or with ``cause`` ``cumulative_incidence(...).tidy()``, whose curves rise
        from 0 and whose events are each cause's own. Numbers may be sums of weights.
    step, minimum, events : int, optional
        In place of the rules ``curve_step``, ``curve_minimum`` and ``curve_events``.
    rules : Rules, optional
        Other rules than those shipped.

    Returns
    -------
    Protected
        Its ``table`` has ``group, cause`` (where there were any), ``time, n_risk, estimate, conf_low, conf_high``.

    Raises
    ------
    InputError
        Where a column is missing or cannot be used, or `step`, `minimum` or `events` is under 1.

    Examples
    --------
    >>> tidy = pd.DataFrame({"time": [20, 40, 200], "n_risk": [60, 45, 30], "n_event": [15, 4, 8],
    ...     "estimate": [0.75, 0.683, 0.501]})
    >>> coarsen_curve(tidy).table[["time", "n_risk", "estimate"]].values.tolist()
    [[0.0, 60.0, 1.0], [30.0, 45.0, 0.75], [200.0, 30.0, 0.5]]
    """
    rules = rules or default_rules()
    columns = Columns(tidy)
    for name, given in (("step", step), ("minimum", minimum), ("events", events)):
        if given is not None and given < 1:
            columns.refuse("must be 1 or more", column=name)
    step = rules.curve_step if step is None else step
    minimum = rules.curve_minimum if minimum is None else minimum
    events = rules.curve_events if events is None else events
    time, n_risk = columns.number("time", low=0), columns.number("n_risk", low=0)
    n_event, estimate = columns.number("n_event", low=0), columns.number("estimate", low=0, high=1)
    if not columns.rows().all():
        raise InputError(
            "A curve with a missing time, number at risk, number of events or estimate cannot be coarsened."
        )
    limits = [name for name in BOUNDS if name in tidy.columns]
    named = [name for name in ("group", "cause") if name in tidy.columns]
    before = 0.0 if "cause" in named else 1.0
    tables, record = [], []
    for labels, here in _curves(tidy, named):
        here = here[np.argsort(time[here], kind="stable")]
        grid = _grid(time[here], n_risk[here], np.cumsum(n_event[here]), step, minimum, events)
        rule = f"curve: {step} days, {minimum} at risk, {events} events a step"
        shown = "shown" if len(grid) else "withheld"
        record.append((", ".join(map(str, labels)), "estimate", shown, f"{len(grid)} points", rule))
        if not len(grid):
            continue
        last = np.searchsorted(time[here], grid, side="right") - 1
        at = np.searchsorted(time[here], grid, side="left")
        part = pd.DataFrame({"time": grid})
        part["n_risk"] = [rules.rounded(round(float(count))) for count in n_risk[here][at]]
        for column, values in [("estimate", estimate), *((name, tidy[name].to_numpy(dtype=float)) for name in limits)]:
            started = (last >= 0) & (grid > 0)
            part[column] = np.round(np.where(started, values[here][np.maximum(last, 0)], before), 2)
        for place, (name, label) in enumerate(zip(named, labels, strict=True)):
            part.insert(place, name, pd.Series([label] * len(part), dtype=tidy[name].dtype))
        tables.append(part)
    empty = pd.DataFrame(columns=[*named, "time", "n_risk", "estimate", *limits])
    notes = [
        f"Curves are read every {step} days and end where fewer than {minimum} people are at risk; steps with fewer"
        f" than {events} events are merged; numbers at risk are rounded to the nearest {rules.base}."
    ]
    left_out = [name for name, _, state, _, _ in record if state == "withheld"]
    if left_out:
        notes.append(f"Too few events to show a curve: {'; '.join(left_out) or 'the whole'}.")
    table = pd.concat(tables, ignore_index=True) if tables else empty
    return Protected(
        table, pd.DataFrame(record, columns=["row", "column", "status", "shown", "rule"]), rules, tuple(notes)
    )


def _curves(tidy: pd.DataFrame, named: list[str]) -> list[tuple[tuple[object, ...], IntArray]]:
    """The labels and rows of each curve, in the order in which they come."""
    if not named:
        return [((), np.arange(len(tidy)))]
    codes, _ = pd.factorize(pd.MultiIndex.from_frame(tidy[named]))
    first = [int(np.flatnonzero(codes == code)[0]) for code in range(codes.max() + 1)]
    return [
        (tuple(tidy[name].iloc[start] for name in named), np.flatnonzero(codes == code))
        for code, start in enumerate(first)
    ]


def _grid(
    time: FloatArray, n_risk: FloatArray, events_by: FloatArray, step: int, minimum: int, least: int
) -> FloatArray:
    """The days at which one curve may be shown; none where it has too few events."""
    days = np.unique(np.append(np.arange(0, time[-1], step, dtype=float), time[-1]))
    at = np.searchsorted(time, days, side="left")
    days = days[np.cumprod(n_risk[at] >= minimum).astype(bool)]
    if not len(days):
        return days
    events = np.append(0.0, events_by)[np.searchsorted(time, days, side="right")]
    events[0] = 0.0
    kept = [0]
    for place in range(1, len(days)):
        if events[place] - events[kept[-1]] >= least:
            kept.append(place)
    if len(kept) == 1:
        return days[:0]
    kept[-1] = len(days) - 1
    return days[kept]
