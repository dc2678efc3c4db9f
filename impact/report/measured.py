"""The numbers of a chapter's readings and needs: made once, before any of them is put into words."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from impact.cohort import Programme
from impact.cohort.programme import Instrument
from impact.distance import change, pathways
from impact.distance.change import Change
from impact.distance.pathways import Pathways
from impact.records import Linked


@dataclass(frozen=True, eq=False)
class Measured:
    """Change on one instrument of a programme, scale by scale in the order of the definition file."""

    instrument: Instrument
    change: Change

    @property
    def titles(self) -> dict[str, str]:
        """Each scale's title."""
        return {scale.name: scale.title for scale in self.instrument.scales}

    @property
    def table(self) -> pd.DataFrame:
        """The rows of the change, in the order of the scales."""
        table = self.change.tidy()
        held = [name for name in self.titles if name in set(table["term"])]
        return table.set_index("term").reindex(held).reset_index()


def own_instruments(programme: Programme) -> list[Instrument]:
    """The instruments that the programme itself asks people to answer."""
    return [instrument for instrument in programme.instruments if instrument.made_by == "programme"]


def is_status(instrument: Instrument) -> bool:
    """Whether its readings are no (0) and yes (1) and nothing between."""
    return (instrument.low, instrument.high) == (0, 1)


def measure_readings(programme: Programme, linked: Linked) -> tuple[Measured, ...]:
    """Change from first to last reading on each instrument of the programme with readings that are no yes or no."""
    readings = linked.table("assessment")
    mine = readings[(readings["programme"] == programme.name).fillna(False)]
    found = []
    for instrument in own_instruments(programme):
        held = mine[mine["instrument"] == instrument.name]
        if not held.empty and not is_status(instrument):
            made = change(
                held,
                person="person_id",
                wave="wave",
                score="score",
                by="scale",
                low=instrument.low,
                high=instrument.high,
                better=instrument.better,
            )
            found.append(Measured(instrument, made))
    return tuple(found)


def measure_needs(programme: Programme, linked: Linked) -> Pathways | None:
    """Needs identified and met by the programme; None where the records hold none."""
    needs = linked.table("need")
    needs = needs[needs["programme"] == programme.name]
    return None if needs.empty else pathways(needs, complete_to=linked.complete_to)
