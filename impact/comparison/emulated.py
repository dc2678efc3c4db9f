"""What `emulated_trial` returns: a design whose rows are parts in a trial, and how outcomes are joined to them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from impact.cohort.dates import NO_DAY, date_column, days, need_columns
from impact.cohort.window import Window, read_window
from impact.comparison.eligible import STRIDE
from impact.comparison.match import MatchedDesign
from impact.errors import Fault, InputError


@dataclass(frozen=True, eq=False, repr=False)
class EmulatedTrial(MatchedDesign):
    """A `Design` made by `emulated_trial`: one row for each part that a person has in the trial.

    Attributes
    ----------
    complete_to : date
        Last day on which the records are complete.
    later_treated : str
        What becomes of comparison people from the day they start themselves.
    hazard : DataFrame or None
        ``term, estimate, std_error`` of the model for starting; None where a score was given.
    """

    complete_to: dt.date = dt.date.min
    later_treated: str = ""
    hazard: pd.DataFrame | None = None

    @property
    def index(self) -> pd.DataFrame:
        """``person_id`` (the `trial_id`, one a part), ``index_on``, ``died_on`` where known, ``treated``."""
        kept = self.data[self.weights > 0]
        columns = ["index_on", *(["died_on"] if "died_on" in kept else []), "treated"]
        return kept[columns].assign(person_id=kept["trial_id"])[["person_id", *columns]].reset_index(drop=True)

    def expand(self, records: pd.DataFrame) -> pd.DataFrame:
        """Records of people as records of their parts in the trial, for `proven_reoffending` and others with `index`.

        ``person_id`` becomes the `trial_id`; a person with two parts has each record twice, and people who are not in a
        matched set have none.
        """
        faults = need_columns(records, ("person_id",), "records")
        if faults:
            raise InputError("The records cannot be used:", faults)
        parts = self.data.loc[self.weights > 0, ["person_id", "trial_id"]]
        joined = records.merge(parts, on="person_id", how="inner", sort=False)
        joined["person_id"] = joined.pop("trial_id")
        return joined

    def with_outcomes(self, outcomes: pd.DataFrame) -> EmulatedTrial:
        """The same trial with the columns of a table whose ``person_id`` is the `trial_id` (see `index`)."""
        faults = need_columns(outcomes, ("person_id",), "outcomes")
        new = [name for name in getattr(outcomes, "columns", []) if name not in ("person_id", "index_on", "died_on")]
        faults += [
            Fault("is in the trial already", table="outcomes", column=name, remedy="give it another name.")
            for name in new
            if name in self.data.columns
        ]
        if not faults and outcomes["person_id"].duplicated().any():
            faults.append(Fault("stands more than once", table="outcomes", column="person_id"))
        if faults:
            raise InputError("The outcomes cannot be used:", faults)
        found = outcomes.set_index("person_id")[new].reindex(self.data["trial_id"]).set_axis(self.data.index)
        return replace(self, data=pd.concat([self.data, found], axis=1))

    def followed(self, events: pd.DataFrame, *, follow_up: int | str | Window) -> EmulatedTrial:
        """The same trial with ``duration`` (days from the matching) and ``event`` (the first after it) of each part.

        Follow-up ends at the first event, at death, after `follow_up`, when the records stop and, where `later_treated`
        is ``"censor"``, on the day a comparison person starts; an event on such a last day counts.

        Parameters
        ----------
        events : DataFrame
            One row an event: ``person_id, occurred_on``; people who are not in the trial have no say.
        follow_up : int or str
            Days, or text such as ``"12 months"``.
        """
        faults = need_columns(events, ("person_id", "occurred_on"), "events")
        length = read_window(follow_up, "follow_up", 1, faults)
        occurred = date_column(events, "occurred_on", "events", faults) if not faults else None
        if faults or occurred is None:
            raise InputError("The trial cannot be followed:", faults)
        kept = np.flatnonzero(self.weights.to_numpy() > 0)
        rows = self.data.iloc[kept]
        base = days(rows["index_on"])
        end = np.minimum(length.end(base), int(np.datetime64(self.complete_to, "D").astype(np.int64)))
        for name in ("died_on", "censored_on"):
            if name in rows:
                day = days(rows[name])
                end = np.where(day == NO_DAY, end, np.minimum(end, day))
        ids = pd.Index(self.data["person_id"].unique())
        owner, mine = ids.get_indexer(pd.Index(events["person_id"])), ids.get_indexer(pd.Index(rows["person_id"]))
        key = np.sort((owner * STRIDE + occurred)[owner >= 0])
        at = np.searchsorted(key, mine * STRIDE + base, side="right")
        first = np.append(key, np.iinfo(np.int64).max)[at] - mine * STRIDE
        event = first <= end
        frame = pd.DataFrame({"person_id": rows["trial_id"], "duration": np.where(event, first, end) - base})
        return self.with_outcomes(frame.assign(event=event.astype(np.int64)))
