"""The rate of proven reoffending, with nobody taken for a non-reoffender whose window has not ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import Columns, check_choice, check_level
from impact.results import number, proportion, with_notes
from impact.survival.kaplan_meier import kaplan_meier
from impact.survival.reading.groups import EVERYONE

INCOMPLETE = ("leave-out", "censor")


@dataclass(frozen=True, eq=False)
class ReoffendingRate:
    """Rates of proven reoffending, one row a group.

    Attributes
    ----------
    table : DataFrame
        See `tidy`.
    incomplete : str
        What became of people whose window is not complete: ``"none"`` (there were none), ``"leave-out"``, ``"censor"``.
    level : float
        Confidence level of the intervals.
    method : str
        How the rates were had, in words.
    notes : tuple of str
        Cautions.
    """

    table: pd.DataFrame
    incomplete: str
    level: float
    method: str
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row a group.

        ``group``; ``n`` the rate rests on, ``n_events`` who reoffended, ``n_incomplete`` whose window is not complete;
        ``estimate`` (a proportion), ``std_error, conf_low, conf_high``; ``frequency``, reoffences a person, and
        ``per_reoffender``, both of people whose window is complete.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        lines = [f"Proven reoffending; {self.method}"]
        lines += [
            f"{row['group']}: {number(row['estimate'])} ({self.level:.0%} interval {number(row['conf_low'])} to "
            f"{number(row['conf_high'])}; {row['n_events']:,} of {row['n']:,}; {row['n_incomplete']:,} not complete)"
            for row in self.table.to_dict("records")
        ]
        return with_notes("\n".join(lines), self.notes)


def reoffending_rate(
    data: pd.DataFrame,
    *,
    by: str | None = None,
    incomplete: str | None = None,
    horizon: int | None = None,
    level: float = 0.95,
) -> ReoffendingRate:
    """The share of people who reoffended, and how often, by group.

    A person whose window is not complete is not a non-reoffender. Where there are any, the caller has to say what is to
    become of them; a rate over everybody as if they were would be too low.

    Parameters
    ----------
    data : DataFrame
        One row a person, as `proven_reoffending` and `cohort` give it: ``reoffended, reoffences, complete``, and for
        ``"censor"`` also ``duration, event``.
    by : str, optional
        Column of groups.
    incomplete : {"leave-out", "censor"}, optional
        Needed only where somebody's window is not complete. ``"leave-out"``: the rate is that of the others, right
        where those who came late are like those who came early. ``"censor"``: one less the Kaplan-Meier estimate at
        `horizon`, in which everyone counts for as long as they are known; a death censors too.
    horizon : int, optional
        Days of follow-up at which a censored rate is read; for ``"censor"`` alone.
    level : float
        Confidence level.

    Returns
    -------
    ReoffendingRate
        With Wilson's interval (Brown, Cai and DasGupta 2001, Statistical Science 16: 101 to 133), or that of the curve
        on the log-log scale.

    Raises
    ------
    InputError
        Where people's windows are not complete and nothing is said of them; with every fault of the columns; for a
        Design, whose weights `compare` and `kaplan_meier` honour.

    Examples
    --------
    >>> index = pd.DataFrame({"person_id": ["a", "b", "c"],
    ...                       "index_on": pd.to_datetime(["2021-01-01", "2021-02-01", "2023-06-01"])})
    >>> offences = pd.DataFrame({"person_id": ["a"], "offended_on": pd.to_datetime(["2021-03-01"]),
    ...                          "proven_on": pd.to_datetime(["2021-06-01"])})
    >>> from impact.cohort import proven_reoffending
    >>> found = proven_reoffending(index, offences, complete_to="2023-12-31")
    >>> reoffending_rate(found, incomplete="leave-out").tidy()[["n", "n_events", "n_incomplete", "estimate"]]
       n  n_events  n_incomplete  estimate
    0  2         1             1       0.5
    """
    check_level(level)
    if isinstance(data, Design):
        raise InputError("reoffending_rate() takes no Design: compare() and kaplan_meier() use its weights and sets.")
    if incomplete is not None:
        check_choice("incomplete", incomplete, INCOMPLETE)
    if (horizon is None) == (incomplete == "censor"):
        raise InputError("horizon goes with incomplete='censor', and only with it: the day at which the rate is read.")
    columns = Columns(data)
    complete = columns.indicator("complete")
    again, count = (columns.number(name, low=0) for name in ("reoffended", "reoffences"))
    groups = None if by is None else columns.groups(by)
    known = complete == 1
    columns.forbid(np.isnan(complete), "complete", "is missing", remedy="say for everyone whether it is complete.")
    columns.forbid(known & np.isnan(again), "reoffended", "is missing although the window is complete")
    columns.forbid(~known & (again >= 0), "reoffended", "is given although the window is not complete")
    late = int((~known).sum())
    if late and incomplete is None:
        columns.refuse(
            f"is False for {late:,} of {len(data):,} people, and incomplete is not given",
            column="complete",
            why="their window has not ended: to count them as people who did not reoffend would make the rate too low.",
            remedy="say incomplete='leave-out' for the rate of the others, or incomplete='censor' and horizon=365 for "
            "an estimate that uses everyone for as long as they are known.",
        )
    columns.check()
    labels: tuple[object, ...] = (EVERYONE,) if groups is None else groups.labels
    codes = np.zeros(len(data), dtype=np.int64) if groups is None else groups.codes
    rows: list[dict[str, object]] = []
    for code, label in enumerate(labels):
        mine = codes == code
        n, events, offences = (int(part[mine & known].sum()) for part in (known, again, count))
        rate, low, high = proportion(events, n, level)
        rows.append(
            {
                "group": label,
                "n": n,
                "n_events": events,
                "n_incomplete": int((mine & ~known).sum()),
                "estimate": rate,
                "std_error": float(np.sqrt(rate * (1 - rate) / n)) if n else np.nan,
                "conf_low": low,
                "conf_high": high,
                "frequency": offences / n if n else np.nan,
                "per_reoffender": offences / events if events else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    notes = []
    unsaid = int((codes < 0).sum())
    if unsaid:
        notes.append(f"{unsaid:,} of {len(data):,} people left out: {by} is missing.")
    if incomplete == "censor" and horizon is not None:
        table = _censored(table, data[codes >= 0], by, horizon, level)
        return ReoffendingRate(
            table, incomplete, level, f"one less the Kaplan-Meier estimate at {horizon:,} days", tuple(notes)
        )
    if late:
        notes.append(f"{late:,} of {len(data):,} people left out: their window is not complete.")
    method = "share of those whose window is complete, Wilson's interval"
    return ReoffendingRate(table, "leave-out" if late else "none", level, method, tuple(notes))


def _censored(table: pd.DataFrame, data: pd.DataFrame, by: str | None, horizon: int, level: float) -> pd.DataFrame:
    curves = kaplan_meier(data, "duration", "event", by=by, level=level)
    at = curves.at([horizon]).set_index("group").reindex(table["group"])
    within = data["duration"] <= horizon
    keys = data[by] if by is not None else pd.Series(EVERYONE, index=data.index)
    counts = {
        "n": data["duration"].notna().groupby(keys).sum(),
        "n_events": (within & (data["event"] == 1)).groupby(keys).sum(),
    }
    return table.assign(
        **{name: count.reindex(table["group"]).to_numpy(dtype=np.int64) for name, count in counts.items()},
        estimate=1 - at["estimate"].to_numpy(),
        std_error=at["std_error"].to_numpy(),
        conf_low=1 - at["conf_high"].to_numpy(),
        conf_high=1 - at["conf_low"].to_numpy(),
    )
