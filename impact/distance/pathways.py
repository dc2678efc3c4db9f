"""`pathways`: needs identified and met on the seven resettlement pathways."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impact.distance.needs import read_needs
from impact.errors import InputError
from impact.frames import BoolArray, Columns, Groups, IntArray, check_level
from impact.records.tables import PATHWAYS
from impact.results import number, proportion, tidy_rows, with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_COMPARISON = "A need met is not shown to be met by the programme: there is no comparison here."


@dataclass(frozen=True, eq=False)
class Pathways:
    """Needs identified and met, one row for each of the seven pathways (and each level of `by`).

    Attributes
    ----------
    table : DataFrame
        What `tidy` returns.
    within : int
        Days within which a need counts as met in ``estimate``.
    level : float
        Confidence level of the intervals.
    notes : tuple of str
        Cautions that travel with the numbers.
    """

    table: pd.DataFrame
    within: int
    level: float
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row a pathway, all seven, in the contract's order; with `by` for each ``group``, sorted.

        ``people`` have a need identified; ``needs`` were identified and ``met`` by the date of completeness, a
        ``share_met`` with Wilson limits ``share_low, share_high``. ``estimate`` is the share met within `within` days
        (``n_events``) among the ``n`` needs that could be watched so long, with Wilson limits: it does not depend on
        how recently needs were identified, the other does.
        """
        return self.table.copy()

    def plot(self, ax: Axes | None = None, *, group: object = None) -> Axes:
        """Share of needs met within the window, with its interval, for each pathway.

        Parameters
        ----------
        ax : Axes, optional
        group : optional
            Whose needs to draw; it must be named where there are several.
        """
        from matplotlib import pyplot as plt

        table = self._of(group)
        ax = ax if ax is not None else plt.subplots(figsize=(7, 3.6), layout="constrained")[1]
        place = np.arange(len(table))[::-1]
        share = 100 * table["estimate"].to_numpy(dtype=float)
        low, high = (100 * table[name].to_numpy(dtype=float) for name in ("conf_low", "conf_high"))
        ax.hlines(place, low, high, color="0.75", linewidth=7, label=f"{self.level:.0%} interval")
        ax.plot(share, place, "o", color="0.2", linestyle="", label="share met")
        named = zip(table["term"], table["n"], strict=True)
        ax.set_yticks(place, [f"{term.replace('_', ' ')} (n = {n:,})" for term, n in named])
        ax.set_ylim(-0.7, len(table) - 0.3)
        ax.set_xlim(0, 100)
        ax.set_xlabel(f"needs met within {self.within} days, per cent")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize="small")
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def _of(self, group: object) -> pd.DataFrame:
        if "group" not in self.table:
            if group is not None:
                raise InputError("group names whose needs to draw: these needs were not parted by anything.")
            return self.table
        known = list(dict.fromkeys(self.table["group"]))
        chosen = known[0] if group is None and len(known) == 1 else group
        if chosen not in known:
            raise InputError(f"group must be one of {', '.join(map(str, known))}, not {group!r}.")
        return self.table[self.table["group"] == chosen]

    def __repr__(self) -> str:
        lines = [f"Needs met within {self.within} days, among needs watched so long"]
        lines += [
            f"{_named(row)}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to"
            f" {number(row['conf_high'])}; {row['n_events']:,} of {row['n']:,}; identified {row['needs']:,} in"
            f" {row['people']:,} people, met by now {row['met']:,})"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


def pathways(
    needs: pd.DataFrame,
    *,
    complete_to: date | str | pd.Timestamp,
    by: str | None = None,
    within: int = 182,
    level: float = 0.95,
) -> Pathways:
    """People with a need, needs identified, and needs met, on each of the seven pathways.

    Parameters
    ----------
    needs : DataFrame
        Rows of the ``need`` table: ``person_id, pathway, identified_on, met_on`` (missing while unmet), and
        ``programme`` where there is one.
    complete_to : date
        Last day on which the records are complete. Needs identified later are left out; a need met later is unmet.
    by : str, optional
        Column of groups, such as ``"programme"``; the needs of each are counted by themselves.
    within : int
        Days within which a need is to be met, 182 unless said.
    level : float
        Confidence level of the Wilson (1927) intervals.

    Returns
    -------
    Pathways

    Raises
    ------
    InputError
        With every fault: a missing column, a date that is not one, an unknown pathway, a need met before it was
        identified, the same need twice.

    Examples
    --------
    >>> needs = pd.DataFrame({"person_id": ["a", "b"], "pathway": "health"})
    >>> needs["identified_on"] = pd.to_datetime(["2023-01-01", "2023-01-10"])
    >>> needs["met_on"] = pd.to_datetime(["2023-03-01", None])
    >>> table = pathways(needs, complete_to="2023-12-31").tidy().set_index("term")
    >>> table.loc["health", ["n", "n_events", "estimate"]].tolist()
    [2.0, 1.0, 0.5]
    """
    check_level(level)
    if within < 1:
        raise InputError(f"within must be at least 1 day, not {within!r}.")
    columns = Columns(needs)
    groups = Groups(np.zeros(columns.n, dtype=np.int64), ("",)) if by is None else columns.groups(by)
    read = read_needs(columns, complete_to)
    people, kinds, keep = read.people, read.pathways, read.keep
    met_by_now = ~np.isnat(read.met)
    watched = read.identified + np.timedelta64(within, "D") <= read.last
    in_time = watched & met_by_now & (read.met - read.identified <= np.timedelta64(within, "D"))
    rows, repeated = [], 0
    for code, label in enumerate(groups.labels):
        for pathway in PATHWAYS:
            here = keep & (groups.codes == code) & _is(kinds.labels, kinds.codes, pathway)
            persons = len(np.unique(people.codes[here]))
            repeated += int(here.sum()) - persons
            row = _row(pathway, persons, here, met_by_now, watched, in_time, level)
            rows.append(row if by is None else {"group": label} | row)
    notes = list(read.notes)
    unripe = int((keep & ~watched).sum())
    if unripe:
        notes.append(f"{unripe:,} needs were identified too recently to be watched for {within} days.")
    if repeated:
        notes.append("Some people have more than one need on a pathway; the intervals treat needs as independent.")
    notes.append(NO_COMPARISON)
    return Pathways(tidy_rows(rows), within, level, tuple(notes))


def _named(row: dict[Any, Any]) -> str:
    return f"{row['group']}, {row['term']}" if "group" in row else str(row["term"])


def _row(
    pathway: str,
    people: int,
    here: BoolArray,
    met: BoolArray,
    watched: BoolArray,
    in_time: BoolArray,
    level: float,
) -> dict[str, object]:
    needs, met_here = int(here.sum()), int((here & met).sum())
    n, n_events = int((here & watched).sum()), int((here & in_time).sum())
    share, share_low, share_high = proportion(met_here, needs, level)
    estimate, conf_low, conf_high = proportion(n_events, n, level)
    return {
        "term": pathway,
        "estimate": estimate,
        "conf_low": conf_low,
        "conf_high": conf_high,
        "n": n,
        "n_events": n_events,
        "people": people,
        "needs": needs,
        "met": met_here,
        "share_met": share,
        "share_low": share_low,
        "share_high": share_high,
    }


def _is(labels: tuple[object, ...], codes: IntArray, label: str) -> BoolArray:
    return codes == labels.index(label) if label in labels else np.zeros(len(codes), dtype=bool)
