"""The contract of the linked tables: columns, types, keys, allowed values, meaning; the dictionary is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "month", "whole", "number", "flag"]

DISTRICTS = ("Knowsley", "Liverpool", "Sefton", "St Helens", "Wirral")
PATHWAYS = (
    "accommodation",
    "education_training_employment",
    "health",
    "drugs_alcohol",
    "finance_benefit_debt",
    "children_families",
    "attitudes_thinking_behaviour",
)
OFFENCE_GROUPS = (
    "violence",
    "sexual",
    "robbery",
    "theft",
    "criminal_damage_arson",
    "drugs",
    "weapons",
    "public_order",
    "miscellaneous",
    "fraud",
    "summary_non_motoring",
    "summary_motoring",
    "breach",
)
SEVERITIES = ("indictable_only", "triable_either_way", "summary")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `kind` is text, date (YYYY-MM-DD), month (YYYY-MM), whole, number or flag (true or false)."""

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table: a row is one `row`; `key` names the columns that together never repeat (empty: rows may repeat).

    Of the columns in `either` one is enough.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    may_be_empty: bool = True
    either: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def _person() -> Column:
    return Column("person_id", "text", "The person's pseudonym, the same in every table.")


def _programme(required: bool = True) -> Column:
    return Column("programme", "text", "The programme, by the name of its definition file.", required)


TABLES: tuple[Table, ...] = (
    Table(
        "person",
        "person known to any of the sources",
        (
            _person(),
            Column(
                "sex",
                "text",
                "Sex as recorded; unknown: asked and not known; not_asked: nobody asked.",
                allowed=("female", "male", "other", "unknown", "not_asked"),
            ),
            Column("birth_date", "date", "Date of birth, where it may be held.", required=False),
            Column("birth_month", "month", "Month of birth, where the full date may not be held.", required=False),
            Column(
                "ethnicity",
                "text",
                "Ethnic group in five headings, unknown or not_asked.",
                allowed=("asian", "black", "mixed", "white", "other", "unknown", "not_asked"),
            ),
            Column("lsoa", "text", "Area of residence (a code of the area table).", required=False),
            Column("died_on", "date", "Date of death, empty while alive.", required=False),
        ),
        key=("person_id",),
        may_be_empty=False,
        either=("birth_date", "birth_month"),
    ),
    Table(
        "family",
        "tie between two people, read as: related_id is the relation of person_id",
        (
            _person(),
            Column("related_id", "text", "The other person's pseudonym."),
            Column(
                "relation",
                "text",
                "What the other person is to this one.",
                allowed=("parent", "child", "partner", "sibling", "grandparent", "grandchild", "other"),
            ),
        ),
        key=("person_id", "related_id", "relation"),
    ),
    Table(
        "referral",
        "referral of a person to a programme",
        (
            _person(),
            _programme(),
            Column("referred_on", "date", "Date of the referral."),
            Column(
                "source",
                "text",
                "Who referred, unknown or not_asked.",
                allowed=(
                    "probation",
                    "prison",
                    "court",
                    "police",
                    "hospital",
                    "school",
                    "children_services",
                    "job_centre",
                    "other_programme",
                    "family",
                    "self",
                    "other",
                    "unknown",
                    "not_asked",
                ),
            ),
            Column(
                "decision",
                "text",
                "What became of the referral.",
                allowed=("accepted", "declined_by_person", "not_suitable", "waiting"),
            ),
            Column("decided_on", "date", "Date of the decision, empty while waiting.", required=False),
            Column("onward_to", "text", "Service the person was referred on to, if any.", required=False),
        ),
        key=("person_id", "programme", "referred_on"),
    ),
    Table(
        "participation",
        "episode of a person on an intervention of a programme",
        (
            _person(),
            _programme(),
            Column("intervention", "text", "The intervention within the programme."),
            Column("started_on", "date", "First day of the episode."),
            Column("ended_on", "date", "Last day, empty while active.", required=False),
            Column("status", "text", "How it stands.", allowed=("active", "completed", "left_early", "transferred")),
            Column("sessions_planned", "whole", "Sessions planned.", required=False, low=0),
            Column("sessions_attended", "whole", "Sessions attended.", required=False, low=0),
            Column("qualification", "text", "Qualification gained, if any.", required=False),
        ),
        key=("person_id", "programme", "intervention", "started_on"),
    ),
    Table(
        "assessment",
        "reading of one scale of one instrument",
        (
            _person(),
            Column(
                "programme",
                "text",
                "The programme that made the reading; empty where probation made it.",
                required=False,
            ),
            Column("instrument", "text", "The instrument."),
            Column("scale", "text", "The scale or area of the instrument."),
            Column("wave", "whole", "1 for the first reading, 2 for the second, and so on.", low=1),
            Column("assessed_on", "date", "Date of the reading."),
            Column("score", "number", "The reading."),
        ),
        key=("person_id", "programme", "instrument", "scale", "wave"),
    ),
    Table(
        "sentence",
        "sentence passed on a person",
        (
            _person(),
            Column("sentenced_on", "date", "Date of sentence."),
            Column("disposal", "text", "Kind of sentence.", allowed=("custody", "suspended", "community", "other")),
            Column("started_on", "date", "Date the sentence started."),
            Column("released_on", "date", "First release from a custodial sentence, empty otherwise.", required=False),
            Column("offence_group", "text", "Offence group of the principal offence.", allowed=OFFENCE_GROUPS),
        ),
        key=("person_id", "sentenced_on", "offence_group"),
    ),
    Table(
        "offence",
        "recorded offence of a person",
        (
            _person(),
            Column("offended_on", "date", "Date the offence was committed."),
            Column("proven_on", "date", "Date of conviction or caution, empty where not proven.", required=False),
            Column(
                "outcome",
                "text",
                "What became of it.",
                allowed=("conviction", "caution", "penalty_notice", "not_proven", "pending"),
            ),
            Column("offence_group", "text", "Offence group.", allowed=OFFENCE_GROUPS),
            Column("severity", "text", "Mode of trial.", allowed=SEVERITIES),
        ),
    ),
    Table(
        "custody",
        "spell in custody",
        (
            _person(),
            Column("entered_on", "date", "First day inside."),
            Column("left_on", "date", "Day of release, empty while inside.", required=False),
            Column(
                "reason",
                "text",
                "Why the person was held.",
                allowed=("remand", "sentence", "recall", "other"),
            ),
        ),
        key=("person_id", "entered_on"),
    ),
    Table(
        "police_contact",
        "contact of a person with the police",
        (
            _person(),
            Column("occurred_on", "date", "Date of the contact."),
            Column(
                "role",
                "text",
                "The person's part in it.",
                allowed=("suspect", "arrested", "victim", "witness", "missing", "other"),
            ),
        ),
    ),
    Table(
        "need",
        "need of a person on one of the seven resettlement pathways",
        (
            _person(),
            _programme(),
            Column("pathway", "text", "The pathway.", allowed=PATHWAYS),
            Column("identified_on", "date", "Date the need was identified."),
            Column("met_on", "date", "Date it was met, empty while unmet.", required=False),
        ),
        key=("person_id", "programme", "pathway", "identified_on"),
    ),
    Table(
        "area",
        "small area (LSOA)",
        (
            Column("lsoa", "text", "Code of the area."),
            Column("ward", "text", "Ward it lies in."),
            Column("district", "text", "District it lies in.", allowed=DISTRICTS),
            Column("imd_decile", "whole", "Deprivation decile, 1 the most deprived.", low=1, high=10),
            Column("population", "whole", "Residents.", low=0),
        ),
        key=("lsoa",),
    ),
    Table(
        "story",
        "story of change told to a programme",
        (
            _programme(),
            Column("quarter", "text", "Quarter it was told in, as 2023-Q1 (calendar quarters)."),
            Column("text", "text", "The story, with nothing that identifies anyone."),
            Column("consent", "flag", "Whether its teller agreed to publication."),
        ),
    ),
    Table(
        "extract",
        "source that supplied records",
        (
            Column(
                "source",
                "text",
                "The source.",
                allowed=("programmes", "police", "probation", "prison", "courts"),
            ),
            Column("complete_to", "date", "Last day on which the source's records are complete."),
            Column("synthetic", "flag", "True where the records are made up."),
        ),
        key=("source",),
        may_be_empty=False,
    ),
)
