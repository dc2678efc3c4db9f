"""Models of repeated events as tables for the same Cox: who is at risk of which event, on which clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.design import Design
from impact.errors import InputError
from impact.frames import BoolArray, Columns, FloatArray, IntArray, check_choice
from impact.results import with_notes
from impact.survival.reading.cautions import FEW_EVENTS
from impact.survival.reading.histories import check_histories
from impact.survival.reading.outcome import OutcomeColumns

NUMBER, GAP_START, GAP_STOP, MARGINAL = "event_number", "gap_start", "gap_stop", "marginal_event"
WEIGHT, SET = "design_weight", "matched_set"
ADDED: dict[str, tuple[str, ...]] = {
    "andersen-gill": (),
    "pwp-total": (NUMBER,),
    "pwp-gap": (NUMBER, GAP_START, GAP_STOP),
    "wei-lin-weissfeld": (NUMBER, MARGINAL),
}


@dataclass(frozen=True, eq=False, repr=False)
class Recurrent:
    """Rows prepared for `cox`: ``cox(prepared.data, **prepared.arguments, covariates=[...])``.

    Attributes
    ----------
    data : DataFrame
        The rows and columns used, and the columns that the model needs; Wei, Lin and Weissfeld's has a row once for
        each event that its person is at risk of.
    arguments : dict
        What to hand to `cox`: duration, event, entry and cluster; strata where the model has them; weights where a
        Design was given.
    model : str
    counts : DataFrame
        As `tidy` gives them.
    notes : tuple of str
        Rows left out, and cautions.
    """

    data: pd.DataFrame
    arguments: dict[str, str]
    model: str
    counts: pd.DataFrame
    notes: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """One row for each event, first, second, …: event_number, n (people at risk of it), n_events."""
        return self.counts.copy()

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        lines = [f"Rows for {self.model}: {len(self.data):,}; for cox: {given}"]
        lines.extend(
            f"event {row['event_number']}: {row['n']:,} people at risk, {row['n_events']:,} had it"
            for row in self.counts.to_dict("records")
        )
        return with_notes("\n".join(lines), self.notes)


def recurrent(
    data: pd.DataFrame | Design,
    person: str,
    start: str,
    stop: str,
    event: str,
    *,
    model: str = "andersen-gill",
    events: int | None = None,
) -> Recurrent:
    """Prepare start-stop rows for a model of repeated events, which `cox` then fits.

    Parameters
    ----------
    data : DataFrame or Design
        One row a stretch at risk; covariates may change between rows. A Design's weights and matched sets go into the
        table and the arguments.
    person : str
        Column: whose stretch it is. The rows of a person may not overlap; gaps (custody) are allowed.
    start, stop : str
        Columns: the stretch is after `start`, up to and with `stop`; 0 or more.
    event : str
        Column: 1 for an event at `stop` and 0 for none.
    model : str
        ``"andersen-gill"``: one baseline; every event alike, whatever came before. ``"pwp-total"``: a baseline for the
        first event, one for the second, …, each person at risk of the next only after the one before; time from the
        start. ``"pwp-gap"``: the same, time from the event before. ``"wei-lin-weissfeld"``: a baseline for each event,
        and everyone at risk of all of them from the start.
    events : int, optional
        Follow-up of a person ends with this many events: baselines of events that few people reach are left out.

    Returns
    -------
    Recurrent
        ``.data`` and ``.arguments`` for `cox`, ``tidy()``, ``notes``.

    Raises
    ------
    InputError
        With every fault of the columns at once; where a person's rows overlap, or a column would be written over.

    Notes
    -----
    Andersen and Gill (1982), Prentice, Williams and Peterson (1981), Wei, Lin and Weissfeld (1989); Therneau and
    Grambsch (2000), chapter 8. All are fitted with a variance clustered by person, for a person's events are not
    independent. A person with a missing start, stop or event is left out whole, for their later events would be
    misnumbered. Death ends a person's rows in all of them as censoring does: the hazards are those of people alive.

    Examples
    --------
    >>> rows = pd.DataFrame({"who": list("aaabb"), "from": [0, 3, 7, 0, 4], "to": [3, 7, 9, 4, 6]})
    >>> prepared = recurrent(rows.assign(again=[1, 1, 0, 1, 0]), "who", "from", "to", "again", model="pwp-gap")
    >>> prepared.data[["who", "event_number", "gap_start", "gap_stop", "again"]]
      who  event_number  gap_start  gap_stop  again
    0   a             1        0.0       3.0      1
    1   a             2        0.0       4.0      1
    2   a             3        0.0       2.0      0
    3   b             1        0.0       4.0      1
    4   b             2        0.0       2.0      0
    >>> prepared.arguments["strata"]
    'event_number'
    """
    check_choice("model", model, tuple(ADDED))
    if events is not None and (isinstance(events, bool) or not isinstance(events, int) or events < 1):
        raise InputError(f"events must be a whole number, 1 or more, not {events!r}.")
    columns = Columns(data)
    design = columns.design
    for name in (*ADDED[model], *((WEIGHT, SET) if design is not None else ())):
        if name in columns.frame.columns:
            columns.refuse("would be written over", column=name, remedy="rename the column.")
    people = columns.groups(person)
    read = OutcomeColumns(columns, stop, event, entry=start, weights=None, cluster=None, groups=())
    asked = columns.rows()
    keep, lost = _whole(asked, people.codes, columns)
    outcome = read.take(keep)
    notes = list(outcome.notes)
    if lost:
        notes.append(f"{lost:,} more rows left out: their person has a row with a missing value.")
    who, entry = people.codes[keep], outcome.ranks.entry
    assert entry is not None
    same = {} if outcome.cluster is None else {"matched set": outcome.cluster}
    check_histories(who, entry, outcome.ranks.exit, keep, start, same)

    happened = outcome.event == 1
    number, since = _numbered(who, entry, happened, outcome.ranks.grid[outcome.ranks.exit])
    most = int(number[happened].max(initial=1))
    rows = np.arange(len(who))
    if events is not None:
        most = min(most, events)
        rows = rows[number <= events]
        if len(rows) < len(who):
            notes.append(f"{len(who) - len(rows):,} rows after a person's event number {events} left out.")
    if model == "wei-lin-weissfeld":
        times = np.maximum(most - number[rows] + 1, 0)
        rows = np.repeat(rows, times)
        ahead = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
        stratum, happened_here = number[rows] + ahead, happened[rows] & (ahead == 0)
    else:
        stratum, happened_here = number[rows], happened[rows]
    frame = columns.frame.iloc[np.flatnonzero(keep)[rows]].copy()
    arguments = {"duration": stop, "event": event, "entry": start, "cluster": person}
    if model != "andersen-gill":
        frame[NUMBER] = stratum
        arguments["strata"] = NUMBER
    if model == "pwp-gap":
        grid = outcome.ranks.grid
        frame[GAP_START], frame[GAP_STOP] = (grid[place[rows]] - since[rows] for place in (entry, outcome.ranks.exit))
        arguments.update(duration=GAP_STOP, entry=GAP_START)
    if model == "wei-lin-weissfeld":
        frame[MARGINAL] = happened_here.astype(np.int64)
        arguments["event"] = MARGINAL
    if design is not None and outcome.weights is not None:
        frame[WEIGHT] = outcome.weights[rows]
        arguments["weights"] = WEIGHT
        if outcome.cluster is not None:
            frame[SET] = outcome.cluster[rows]
            arguments["cluster"] = SET
    counts = _counts(who[rows], stratum, happened_here)
    few = counts.loc[counts["n_events"].between(0, FEW_EVENTS - 1), "event_number"]
    if len(few) and model != "andersen-gill":
        notes.append(
            f"Fewer than {FEW_EVENTS} people had event number {few.iloc[0]}: baselines that hardly anyone reaches"
            " tell little; end follow-up earlier with events=."
        )
    return Recurrent(frame.reset_index(drop=True), arguments, model, counts, tuple(notes))


def _whole(asked: BoolArray, person: IntArray, columns: Columns) -> tuple[BoolArray, int]:
    """The rows of people all of whose rows can be used, and how many more are left out for that."""
    wanted = np.ones(columns.n, dtype=bool)
    if columns.design is not None:
        wanted = columns.design.weights.to_numpy(dtype=float) > 0
    broken = np.unique(person[wanted & ~asked & (person >= 0)])
    keep = asked & ~np.isin(person, broken)
    if not keep.any():
        raise InputError("No person has every value of every row: there is no history to follow.")
    return keep, int((asked & ~keep).sum())


def _numbered(who: IntArray, entry: IntArray, happened: BoolArray, stop: FloatArray) -> tuple[IntArray, FloatArray]:
    """The number of the event that each row awaits, 1, 2, …, and the time of the person's last event (0 if none)."""
    order = np.lexsort((entry, who))
    first = np.r_[True, np.diff(who[order]) != 0]
    before: IntArray = np.cumsum(happened[order]) - happened[order]
    began = np.flatnonzero(first)
    seen: IntArray = before - np.repeat(before[began], np.diff(np.r_[began, len(order)]))
    times = np.r_[0.0, stop[order][happened[order]]]
    number, since = np.empty(len(order), dtype=np.int64), np.empty(len(order))
    number[order] = seen + 1
    since[order] = np.where(seen > 0, times[before], 0.0)
    return number, since


def _counts(who: IntArray, number: IntArray, happened: BoolArray) -> pd.DataFrame:
    """People at risk of each event, and those who had it."""
    size = int(number.max()) + 1
    pairs = np.unique(who * np.int64(size) + number)
    n = np.bincount(pairs % size, minlength=size)[1:]
    n_events = np.bincount(number, happened, size)[1:].astype(np.int64)
    return pd.DataFrame({"event_number": np.arange(1, size), "n": n, "n_events": n_events})
