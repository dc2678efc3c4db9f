"""What people received of a programme: from when to when, for how many days, and how many sessions, by a day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact.cohort.dates import LAST_DAY, NO_DAY
from impact.cohort.register import Episodes
from impact.cohort.spells import days_inside, merge
from impact.frames import IntArray


def episode_dates(episodes: Episodes, n: int) -> tuple[IntArray, IntArray]:
    """First and last day of each of n people on the programme; `NO_DAY` where never, or where an episode goes on."""
    first, last = np.full(n, LAST_DAY), np.full(n, NO_DAY)
    np.minimum.at(first, episodes.who, episodes.started)
    np.maximum.at(last, episodes.who, episodes.ended)
    return np.where(first == LAST_DAY, NO_DAY, first), np.where(last == LAST_DAY, NO_DAY, last)


def dose_by(episodes: Episodes, n: int, who: IntArray, day: IntArray) -> pd.DataFrame:
    """What people had received by a day, that day included; nothing for those whose day is `NO_DAY`.

    Returns
    -------
    DataFrame
        ``days_engaged``: days on the programme, episodes at the same time counted once. ``sessions_attended,
        sessions_planned``: of all their episodes begun by then; missing where one of these went on after the day (its
        sessions by then are not known), or where a number is not on record.
    """
    until = np.full(n, NO_DAY)
    until[who] = day
    begun = episodes.started <= until[episodes.who]
    person = episodes.who[begun]
    spells = merge(person, episodes.started[begun], episodes.ended[begun] + 1)
    engaged = days_inside(spells, np.full(n, -LAST_DAY), until + 1)[who]
    open_ended = np.zeros(n, dtype=bool)
    open_ended[person[episodes.ended[begun] > until[person]]] = True
    sessions = {
        name: np.where(open_ended[who], np.nan, np.bincount(person, counted[begun], n)[who])
        for name, counted in (("sessions_attended", episodes.attended), ("sessions_planned", episodes.planned))
    }
    return pd.DataFrame({"days_engaged": engaged, **sessions})
