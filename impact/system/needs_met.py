"""`needs_met`: how soon needs on the seven pathways were met, leaving a programme told from still waiting."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact.distance.needs import Needs, read_needs
from impact.distance.pathways import NO_COMPARISON
from impact.errors import InputError, row_fault
from impact.frames import BoolArray, Columns, FloatArray, check_level
from impact.records.tables import PATHWAYS
from impact.survival import cumulative_incidence
from impact.survival.cumulative_incidence import CumulativeIncidence

EPISODE = ["person_id", "programme"]


def needs_met(
    needs: pd.DataFrame,
    *,
    complete_to: date | str | pd.Timestamp,
    by: str | None = "pathway",
    participation: pd.DataFrame | None = None,
    level: float = 0.95,
) -> CumulativeIncidence:
    """The share of needs met by each day after they were identified, needs still open counted as long as watched.

    Parameters
    ----------
    needs : DataFrame
        Rows of the ``need`` table: ``person_id, pathway, identified_on, met_on`` (missing while unmet), and
        ``programme`` where there is one.
    complete_to : date
        Last day on which the records are complete. Needs identified later are left out; a need met later is unmet.
    by : str, optional
        Column of groups: ``"pathway"`` unless said, ``"programme"``, or None for all needs together.
    participation : DataFrame, optional
        Rows of the ``participation`` table: ``person_id, programme, ended_on`` (missing while active). With it,
        leaving the programme with the need unmet (the last day of the person's last episode) ends the wait as a
        competing event, and a need met afterwards counts as left unmet. Without it a need unmet is taken as watched
        to `complete_to`, whether the person is still there or not.
    level : float
        Confidence level of the pointwise intervals.

    Returns
    -------
    CumulativeIncidence
        Causes ``"met"`` and, with `participation`, ``"left"``; times in days since the need was identified; one row a
        need. ``at(days)``, ``quantiles()``, ``plot(stacked=True, group=...)``.

    Raises
    ------
    InputError
        With every fault: a missing column, a date that is not one, an unknown pathway, a need met before it was
        identified, the same need twice, a need of a person who was never on the programme. Also where no need is
        left to follow, or those of one person only.

    Notes
    -----
    Aalen and Johansen (1978), with a variance that takes the needs of one person together. Among needs all watched for
    `days` or more, ``at(days)`` is the share that `pathways` gives.

    Examples
    --------
    >>> needs = pd.DataFrame({"person_id": ["a", "b", "c"], "pathway": "health"})
    >>> needs["identified_on"] = pd.to_datetime(["2023-01-01", "2023-01-10", "2023-11-01"])
    >>> needs["met_on"] = pd.to_datetime(["2023-03-01", None, "2023-12-01"])
    >>> needs_met(needs, complete_to="2023-12-31").at([30, 182])[["cause", "time", "n_risk", "estimate"]].round(3)
      cause   time  n_risk  estimate
    0   met   30.0       3     0.333
    1   met  182.0       1     0.667
    """
    check_level(level)
    columns = Columns(needs)
    if by is not None:
        columns.groups(by)
    if participation is not None:
        columns.groups("programme")
    read = read_needs(columns, complete_to)
    keep, notes = read.keep, read.notes
    met, last = _number(read.met), float(read.last.astype(np.int64))
    left = np.full(columns.n, np.inf)
    if participation is not None:
        left = _left(needs, participation, read)
        after = keep & (read.identified.astype(float) > left)
        keep = keep & ~after
        later = keep & (met > left) & np.isfinite(met)
        notes += _counted(after, "left out: identified after the person had left the programme.")
        notes += _counted(later, "met after the person had left the programme: counted as left unmet.")
    if not keep.any():
        raise InputError(" ".join(["No need is left to follow.", *notes]))
    if len(np.unique(read.people.codes[keep])) == 1:
        raise InputError("All needs to follow are of one person, from whom nothing is learnt about how people differ.")
    end = np.minimum(np.minimum(met, left), last)
    waits = pd.DataFrame(
        {
            "person": read.people.codes,
            "days": end - read.identified.astype(float),
            "end": np.where(met == end, 1, np.where(left == end, 2, 0)),
        }
    )
    if by is not None:
        waits["group"] = pd.Categorical(needs[by], PATHWAYS) if by == "pathway" else needs[by].to_numpy()
    found = cumulative_incidence(
        waits[keep],
        "days",
        "end",
        by=None if by is None else "group",
        cluster="person",
        causes=("met",) if participation is None else ("met", "left"),
        level=level,
    )
    return replace(found, notes=(*notes, *found.notes, NO_COMPARISON))


def _left(needs: pd.DataFrame, participation: pd.DataFrame, read: Needs) -> FloatArray:
    """The last day of each need's person on its programme, infinite while still there when the records end."""
    columns = Columns(participation)
    for name in EPISODE:
        columns.groups(name)
    ended = columns.date("ended_on", optional=True)
    keep = columns.rows()
    episodes = participation[EPISODE].assign(left=np.where(ended <= read.last, ended.astype(float), np.inf))[keep]
    last = episodes.groupby(EPISODE, observed=True)["left"].max()
    place = last.index.get_indexer(pd.MultiIndex.from_frame(needs[EPISODE]))
    unknown = read.keep & (place < 0)
    if unknown.any():
        problem = "is of a person who was never on the programme"
        remedy = "give every episode, or only the needs of the programmes given."
        fault = row_fault(problem, unknown.tolist(), table="needs", column="person_id", remedy=remedy)
        raise InputError("The data given cannot be used:", [fault])
    return last.to_numpy(dtype=float)[place]


def _number(days: NDArray[np.datetime64]) -> FloatArray:
    return np.where(np.isnat(days), np.inf, days.astype(float))


def _counted(where: BoolArray, said: str) -> tuple[str, ...]:
    return (f"{int(where.sum()):,} needs {said}",) if where.any() else ()
