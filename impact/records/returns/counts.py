"""`counts`: unique people, referrals, caseload, closed and waiting, each one thing, from records of people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError
from impact.frames import check_choice
from impact.records.linked import Linked
from impact.records.returns.count_figure import by_quarter, draw, in_words
from impact.records.returns.quarters import read_quarter, written_quarter
from impact.results import with_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = {
    "unique_people": "Different people who were referred in the period or were on the caseload in it.",
    "new_referrals": "Referrals made in the period; a person referred twice counts twice.",
    "caseload_at_start": "Different people on the caseload at the end of the day before the period.",
    "new_on_caseload": "Different people who came onto the caseload in the period, not on it when the period began.",
    "caseload": "Different people on the caseload at any time in the period.",
    "closed": "Different people on the caseload in the period and no longer on it at its end.",
    "caseload_at_end": "Different people on the caseload at the end of the period's last day.",
    "waiting": "Different people with a referral not decided at the end of the period's last day.",
}
OLDEST = 99
BY = ("programme", "quarter", "age_band", "sex", "ethnicity", "ward", "district")
_PEOPLE = """
SELECT person_id, sex, ethnicity, ward, district, coalesce(birth_date, CAST(birth_month || '-15' AS DATE)) AS born
FROM person LEFT JOIN area USING (lsoa)
"""
_EPISODES = "SELECT person_id, programme, started_on, ended_on FROM participation"
_REFERRALS = "SELECT person_id, programme, referred_on, decision, decided_on FROM referral"


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of days, both ends in it, and its name."""

    name: str
    first: pd.Timestamp
    last: pd.Timestamp


@dataclass(frozen=True, eq=False, repr=False)
class Counts:
    """Counts from records of people, by group and period.

    Attributes
    ----------
    data : DataFrame
        A row for each group in each period: the columns counted by, then one for each measure, zeros included.
    by : tuple of str
        The columns counted by.
    first, last : date
        The days counted, both included.
    notes : tuple of str
        Cautions that travel with the numbers.
    """

    data: pd.DataFrame
    by: tuple[str, ...]
    first: dt.date
    last: dt.date
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """One row a number: the columns counted by, ``measure, n, meaning``."""
        long = self.data.melt(id_vars=list(self.by), value_vars=list(MEASURES), var_name="measure", value_name="n")
        return long.assign(meaning=long["measure"].map(MEASURES))

    def plot(self, ax: Axes | None = None, *, measure: str = "caseload", only: Sequence[str] = ()) -> Axes:
        """One measure by quarter, a line for each group, safe to publish by itself; `alt` says the same in words.

        No count below ten is drawn, but a hollow mark in a band that says "fewer than 10"; every other is rounded to
        the nearest five. Measures add up to each other (caseload = caseload_at_end + closed), so that several figures
        of the same groups may say together what none says alone: publish one, or protect the table as a whole.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.
        measure : str
            Any of the measures.
        only : sequence of str
            The groups to draw, as the legend calls them; by default all, where they are six at most.

        Raises
        ------
        InputError
            There is no such measure or group, nothing was counted by quarter, or there are too many groups.
        """
        return draw(self._shown(measure, only), MEASURES[measure], ax)

    def alt(self, *, measure: str = "caseload", only: Sequence[str] = ()) -> str:
        """The alternative text of the figure that `plot` draws with the same arguments."""
        return in_words(self._shown(measure, only), MEASURES[measure])

    def _shown(self, measure: str, only: Sequence[str]) -> pd.DataFrame:
        check_choice("measure", measure, tuple(MEASURES))
        return by_quarter(self.data, self.by, measure, only)

    def __repr__(self) -> str:
        head = f"Counts from {self.first} to {self.last}{' by ' + ', '.join(self.by) if self.by else ''}"
        return with_notes(f"{head}\n{self.data.to_string(index=False, max_rows=20)}", self.notes)


def counts(
    linked: Linked,
    first: str | dt.date,
    last: str | dt.date,
    *,
    by: str | Sequence[str] = ("programme", "quarter"),
    age_bands: Sequence[int] = (0, 5, 11, 16, 18, 26),
) -> Counts:
    """How many people, referrals and cases there were; a person counts once in each group and period.

    A person is on the caseload at the end of a day if an episode began on it or before and had not ended by it. The
    caseload of a period is everyone with an episode on any of its days, so that

        caseload = caseload_at_start + new_on_caseload = caseload_at_end + closed,

    and the caseload at the end of one quarter is that at the start of the next. People add up over sex, ethnicity, age
    band, ward or district. They do not over programmes or quarters, where one person may be in several.

    Parameters
    ----------
    linked : Linked
        Linked records.
    first, last : str or date
        The first and the last quarter, as ``"2023-Q1"`` (calendar quarters), or day, as ``"2023-03-25"``.
    by : str or sequence of str
        What to count by: any of programme, quarter, age_band, sex, ethnicity, ward and district; an empty sequence for
        one count of all. Without quarter, the whole stretch from first to last is one period.
    age_bands : sequence of int
        The youngest age of each band, from 0 on; a band ends where the next begins, so that none overlap. Age is in
        whole years on the last day of the period; a month of birth stands for its 15th day.

    Returns
    -------
    Counts
        ``.data``, ``.tidy()``, ``.notes``. Numbers are as counted: protect them before they are published.

    Raises
    ------
    InputError
        Something else to count by, first or last that is no quarter or day or in the wrong order, days that are not
        whole quarters where counted by quarter, or bands that do not rise from 0.

    Examples
    --------
    >>> from impact.records import read_linked
    >>> made = counts(read_linked("data_synthetic"), "2023-Q1", "2023-Q1", by=())
    >>> row = made.data.iloc[0]
    >>> bool(row["caseload"] == row["caseload_at_start"] + row["new_on_caseload"])
    True
    """
    asked = (by,) if isinstance(by, str) else tuple(by)
    faults: list[Fault] = []
    wrong = sorted(set(asked) - set(BY))
    if wrong or len(set(asked)) < len(asked):
        faults.append(Fault(f"may hold any of {', '.join(BY)}, each once", column="by"))
    bands = list(age_bands) if isinstance(age_bands, Iterable) else []
    whole = all(isinstance(age, int | np.integer) and 0 <= age <= OLDEST for age in bands)
    if not bands or not whole or bands[0] != 0 or any(a >= b for a, b in pairwise(bands)):
        faults.append(Fault(f"must be whole ages that rise from 0, {OLDEST} at most", column="age_bands"))
    start, end = _days(first, "first", faults)[0], _days(last, "last", faults)[1]
    if not faults and end < start:
        faults.append(Fault("is before first", column="last"))
    if faults:
        raise InputError("People cannot be counted like this.", faults)
    stretch = Period("", pd.Timestamp(start), pd.Timestamp(end))
    periods = _quarters(stretch) if "quarter" in asked else [stretch]
    referrals = linked.query(_REFERRALS)
    data = count_people(linked.query(_PEOPLE), linked.query(_EPISODES), referrals, periods, asked, bands)
    return Counts(data, asked, start, end, tuple(_notes(linked, asked, end, referrals)))


def count_people(
    people: pd.DataFrame,
    episodes: pd.DataFrame,
    referrals: pd.DataFrame,
    periods: Sequence[Period],
    by: tuple[str, ...],
    bands: Sequence[int],
) -> pd.DataFrame:
    """The measures in each period and group, from frames of people, episodes and referrals."""
    traits = [name for name in by if name in people.columns]
    held = people[["person_id", "born"]].copy()
    held[traits] = people[traits].fillna("unknown").astype(str)
    episodes = episodes.merge(held, on="person_id", how="left")
    referrals = referrals.merge(held, on="person_id", how="left")
    keys = [name for name in by if name != "quarter"]
    made = [_one(episodes, referrals, period, keys, bands) for period in periods]
    groups = sorted(set().union(*(part.index for part in made))) if keys else [("",)]
    index = pd.MultiIndex.from_tuples(groups, names=keys or ["all"])
    if not groups:
        return pd.DataFrame(columns=[*by, *MEASURES])
    whole = [
        part.reindex(index, fill_value=0).reset_index().assign(quarter=period.name)
        for part, period in zip(made, periods, strict=True)
    ]
    table = pd.concat(whole, ignore_index=True)
    table[list(MEASURES)] = table[list(MEASURES)].astype("int64")
    return table.sort_values(list(by), kind="stable", ignore_index=True)[[*by, *MEASURES]] if by else table[[*MEASURES]]


def _one(
    episodes: pd.DataFrame, referrals: pd.DataFrame, period: Period, keys: list[str], bands: Sequence[int]
) -> pd.DataFrame:
    if "age_band" in keys:
        episodes = episodes.assign(age_band=_band(episodes["born"], period.last, bands))
        referrals = referrals.assign(age_band=_band(referrals["born"], period.last, bands))
    if not keys:
        episodes, referrals, keys = episodes.assign(all=""), referrals.assign(all=""), ["all"]
    started, ended = episodes["started_on"], episodes["ended_on"]
    served = episodes[(started <= period.last) & ~(ended < period.first)]
    carried_in = served[served["started_on"] < period.first]
    carried_out = served[~(served["ended_on"] <= period.last)]
    referred = referrals[referrals["referred_on"].between(period.first, period.last)]
    pending = (referrals["decision"] == "waiting") | (referrals["decided_on"] > period.last)
    waiting = referrals[(referrals["referred_on"] <= period.last) & pending]
    columns = ["person_id", *keys]
    part = pd.DataFrame(
        {
            "unique_people": _distinct(pd.concat([served[columns], referred[columns]]), keys),
            "new_referrals": _groups(referred, keys),
            "caseload_at_start": _distinct(carried_in, keys),
            "caseload": _distinct(served, keys),
            "caseload_at_end": _distinct(carried_out, keys),
            "waiting": _distinct(waiting, keys),
        }
    ).fillna(0)
    part["new_on_caseload"] = part["caseload"] - part["caseload_at_start"]
    part["closed"] = part["caseload"] - part["caseload_at_end"]
    return part


def _distinct(rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    return _groups(rows.drop_duplicates(["person_id", *keys]), keys)


def _groups(rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    sizes = rows.groupby(keys, sort=True).size()
    tuples = [group if isinstance(group, tuple) else (group,) for group in sizes.index]
    index = pd.MultiIndex.from_tuples(tuples, names=keys) if tuples else pd.MultiIndex.from_arrays([[]] * len(keys))
    return pd.Series(sizes.to_numpy(), index=index.set_names(keys), dtype=float)


def _band(born: pd.Series, day: pd.Timestamp, bands: Sequence[int]) -> pd.Series:
    """The age band on a day; bands sort as their ages do, since each is written with two digits."""
    before = (born.dt.month > day.month) | ((born.dt.month == day.month) & (born.dt.day > day.day))
    age = day.year - born.dt.year - before
    names = [f"{low:02d} to {high - 1:02d}" for low, high in pairwise(bands)] + [f"{bands[-1]:02d} and over"]
    place = np.searchsorted(np.asarray(bands), age.fillna(-1).to_numpy(), side="right")
    return pd.Series(np.array(["unknown", *names], dtype=object)[place], index=born.index)


def _days(told: str | dt.date, name: str, faults: list[Fault]) -> tuple[dt.date, dt.date]:
    """The first and last day of a quarter or a day."""
    if isinstance(told, dt.date):
        day = told.date() if isinstance(told, dt.datetime) else told
        return day, day
    if quarter := read_quarter(told):
        return quarter.start_time.date(), quarter.end_time.date()
    try:
        day = dt.date.fromisoformat(str(told))
    except ValueError:
        faults.append(Fault("must be a quarter as 2023-Q1 or a day as 2023-03-25", column=name))
        day = dt.date.min
    return day, day


def _quarters(whole: Period) -> list[Period]:
    quarters = pd.period_range(whole.first, whole.last, freq="Q")
    ends = quarters[-1].end_time.normalize()
    if quarters[0].start_time != whole.first or ends != whole.last:
        raise InputError("Counting by quarter needs whole quarters: give first and last as 2023-Q1.")
    return [Period(written_quarter(q), q.start_time, q.end_time.normalize()) for q in quarters]


def _notes(linked: Linked, by: tuple[str, ...], end: dt.date, referrals: pd.DataFrame) -> list[str]:
    notes = ["Numbers are as counted, small ones too: protect them before they are published."]
    if end > linked.complete_to:
        notes.append(f"Records are complete to {linked.complete_to}: what is after that day is not whole.")
    undated = int(((referrals["decision"] != "waiting") & referrals["decided_on"].isna()).sum())
    if undated:
        notes.append(f"{undated:,} referrals were decided on a day that is not recorded: never counted as waiting.")
    several = [name for name in ("programme", "quarter") if name in by]
    if several:
        notes.append(f"One person may be in several {' and '.join(f'{s}s' for s in several)}: those do not add up.")
    return notes
