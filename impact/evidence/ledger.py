"""The ledger: every test and interval that was computed, where each is shown, or why it is not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact.errors import Fault, InputError
from impact.evidence.plan import MEASURES, Plan
from impact.results import adjusted_p_values, number, with_notes

ADJUSTED = {"p_holm": "holm", "p_bh": "benjamini-hochberg"}
INTERACTION = "interaction"
IN_WORDS = MEASURES | {INTERACTION: "test whether effects differ between groups"}
"""What may stand in a ledger, in words: what may be planned, and the test that goes with planned groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One test or interval that was computed.

    Attributes
    ----------
    outcome, measure : str
        What it is about, and the measure: a key of `MEASURES`. A plan names them by the same words.
    title : str
        The outcome in words.
    estimate, conf_low, conf_high, p_value : float
        The result; NaN where it has no interval, or no test.
    shown : str
        The key of the exhibit that shows it; empty where none does.
    withheld : str
        Why no exhibit shows it; empty where one does.
    unit : str
        The unit in which it is shown.
    scale : float
        What the estimate is multiplied by to be in that unit.
    places : int
        Decimals that are shown.
    printed : str
        How the estimate and its interval are shown where that is not as they stand: worked out from rounded counts.
    subgroup, part : str
        For a result on groups that are looked at apart: what makes the groups, as a plan names it, and which group it
        is about. A test whether groups differ has no part. Both empty for a result on everyone.
    """

    outcome: str
    measure: str
    title: str
    estimate: float
    conf_low: float = math.nan
    conf_high: float = math.nan
    p_value: float = math.nan
    shown: str = ""
    withheld: str = ""
    unit: str = ""
    scale: float = 1.0
    places: int = 1
    printed: str = ""
    subgroup: str = ""
    part: str = ""

    @property
    def about(self) -> str:
        """The groups, or the group, that it is about; empty for everyone."""
        return f"{self.subgroup}: {self.part}" if self.part else self.subgroup


@dataclass(frozen=True, eq=False)
class Ledger:
    """Every test and interval of one analysis, planned or not.

    Parameters
    ----------
    entries : tuple of Entry
        In the order in which they are shown.
    plan : Plan or None
        What was planned; without a plan nothing was.

    Raises
    ------
    InputError
        Where an entry is neither shown nor says why not, or stands twice.

    Examples
    --------
    >>> from impact.evidence.ledger import Entry, Ledger
    >>> entries = [Entry(outcome=name, measure="risk_difference", title=name, estimate=-0.1, conf_low=-0.2,
    ...     conf_high=0.0, p_value=p, shown="x-table") for name, p in (("reoffended", 0.01), ("recalled", 0.04))]
    >>> Ledger(tuple(entries), None).tidy()[["term", "p_value", "p_holm", "planned"]].values.tolist()
    [['reoffended', 0.01, 0.02, False], ['recalled', 0.04, 0.04, False]]
    """

    entries: tuple[Entry, ...]
    plan: Plan | None

    def __post_init__(self) -> None:
        faults = []
        seen = set()
        for entry in self.entries:
            name = ", ".join(filter(None, (entry.outcome, entry.measure, entry.about)))
            if bool(entry.shown) == bool(entry.withheld):
                faults.append(Fault("must be shown somewhere, or say why it is not", table=name))
            if entry.measure not in IN_WORDS:
                faults.append(Fault(f"is none of the measures {', '.join(IN_WORDS)}", table=name))
            if (entry.measure == INTERACTION) != bool(entry.subgroup and not entry.part):
                faults.append(Fault("must be about one group, or a test whether groups differ", table=name))
            if (entry.outcome, entry.measure, entry.about) in seen:
                faults.append(Fault("stands twice", table=name))
            seen.add((entry.outcome, entry.measure, entry.about))
        if faults:
            raise InputError("The ledger cannot be kept:", faults)

    @property
    def notes(self) -> tuple[str, ...]:
        """How many tests were adjusted for, and how many results are not shown."""
        table = self.tidy()
        tests, hidden = int(table["p_value"].notna().sum()), int((table["reason"] != "").sum())
        said = [f"p_holm and p_bh allow for all {tests:,} tests that are shown, not for those of one table alone."]
        if hidden:
            many = "1 result was computed and is" if hidden == 1 else f"{hidden:,} results were computed and are"
            said.append(f"{many} not shown; reason says why, and no number stands.")
        return tuple(said)

    def planned(self, entry: Entry) -> bool:
        """Whether an entry was planned: the groups of a plan are those of its main outcome."""
        if self.plan is None:
            return False
        if entry.subgroup:
            return entry.subgroup in self.plan.subgroups and entry.outcome == self.plan.main
        return self.plan.has(entry.outcome, entry.measure)

    def tidy(self) -> pd.DataFrame:
        """One row an entry: ``term, subgroup, measure, estimate, conf_low, conf_high, p_value, p_holm, p_bh, planned,
        shown, reason``. What is not shown has no numbers. Holm (1979) and Benjamini and Hochberg (1995) adjust across
        all the tests that are shown.
        """
        rows = []
        for entry in self.entries:
            values = (entry.estimate, entry.conf_low, entry.conf_high, entry.p_value)
            shown = values if entry.shown else (math.nan,) * 4
            about = (entry.outcome, entry.about, entry.measure)
            rows.append((*about, *shown, self.planned(entry), entry.shown, entry.withheld))
        names = ["term", "subgroup", "measure", "estimate", "conf_low", "conf_high", "p_value"]
        names += ["planned", "shown", "reason"]
        table = pd.DataFrame(rows, columns=names)
        for place, (name, method) in enumerate(ADJUSTED.items(), start=names.index("p_value") + 1):
            p_values = table["p_value"].to_numpy(dtype=np.float64)
            table.insert(place, name, adjusted_p_values(p_values, method))
        return table

    def __repr__(self) -> str:
        lines = [f"Ledger of {len(self.entries):,} results"]
        for row in self.tidy().to_dict("records"):
            about = f" ({row['subgroup']})" if row["subgroup"] else ""
            head = f"{row['term']}{about}, {row['measure']}{'' if row['planned'] else ' (not planned)'}"
            lines.append(
                f"{head}: not shown, {row['reason']}"
                if row["reason"]
                else f"{head}: {number(row['estimate'])} ({number(row['conf_low'])} to {number(row['conf_high'])};"
                f" p = {number(row['p_value'], 2)}, Holm {number(row['p_holm'], 2)}, Benjamini-Hochberg"
                f" {number(row['p_bh'], 2)})"
            )
        return with_notes("\n".join(lines), self.notes)
