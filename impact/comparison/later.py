"""Columns that a cohort's data define as coming after the day people are followed from: never a covariate."""

from __future__ import annotations

from collections.abc import Sequence

from impact.frames import Columns

_OUTCOME = "it is what the comparison is to find out: alike in it, the groups could not differ"
_FOLLOWED = "it depends on how long and how far a person could be followed, which the outcome decides"
_RECEIVED = "it is what people received or did of the programme, which nobody knew when it began"
_DIED = "it is known only of those who came to that day"

LATER = {
    **dict.fromkeys(("reoffended", "reoffences", "days_to_first", "severity_first", "severity_worst"), _OUTCOME),
    **dict.fromkeys(("reoffences_indictable_only", "reoffences_triable_either_way", "reoffences_summary"), _OUTCOME),
    **dict.fromkeys(("custody_for_reoffence", "custody_spells", "recalled", "event"), _OUTCOME),
    **dict.fromkeys(("needs_change", "contacts_after"), _OUTCOME),
    **dict.fromkeys(("days_at_risk", "complete", "duration", "start", "stop"), _FOLLOWED),
    **dict.fromkeys(("started", "completed", "started_on", "ended_on", "second_reading"), _RECEIVED),
    **dict.fromkeys(("days_engaged", "sessions_attended", "sessions_planned"), _RECEIVED),
    "died_on": _DIED,
}
"""Each such column of `cohort` and of the report, and why people must not be made alike in it."""


def forbid_later(columns: Columns, names: Sequence[str]) -> None:
    """Note a fault for each named column that comes after the day people are followed from."""
    for name in dict.fromkeys(names):
        if name in LATER and name in columns.frame.columns:
            columns.refuse(
                "comes after the day people are followed from",
                column=name,
                why=f"{LATER[name]}.",
                remedy="leave it out; if yours was known before that day, give it another name.",
            )
