"""One programme's evaluation chapter: its numbers made once, its sections in the order of the performance framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from impact.cohort import Cohort, Programme
from impact.cohort import cohort as make_cohort
from impact.cohort import programme as read_programme
from impact.distance.instruments import check_instruments
from impact.distance.pathways import Pathways
from impact.errors import Fault, InputError
from impact.evidence import ClaimsCheck, Finding, Verdict, check_claims, verdict
from impact.evidence.economics import Value
from impact.evidence.ledger import Entry, Ledger
from impact.evidence.plan import Departure, Plan, find_plan
from impact.evidence.programme_cost import ProgrammeCost, read_cost
from impact.records import Linked
from impact.report import money, outcomes, people, readings, record, said, subgroups
from impact.report.analysis import Compared, NotPossible, analyse
from impact.report.apart import Apart, look_apart
from impact.report.computed import entries
from impact.report.exhibits import Block, Section
from impact.report.measured import Measured, measure_needs, measure_readings
from impact.report.reporting import checklist_exhibits
from impact.report.statuses import Status, measure_statuses, status_entries

RECORD = "For the record"


@dataclass(frozen=True, eq=False)
class Chapter:
    """A chapter; each method gives one section, which shows itself in a notebook.

    Attributes
    ----------
    cohort : Cohort
        Who is followed, from when.
    linked : Linked
        The records.
    plan : Plan or None
        What was to be computed; None where the chapter was asked for unplanned.
    spent : ProgrammeCost or None
        What the programme cost; None where no cost file was given.
    """

    cohort: Cohort
    linked: Linked
    plan: Plan | None
    spent: ProgrammeCost | None = None

    @property
    def programme(self) -> Programme:
        """The programme, from its definition file."""
        return self.cohort.programme

    @cached_property
    def comparison(self) -> Compared | NotPossible:
        """The matched comparison, or why there is none."""
        return analyse(self.cohort, self.linked)

    @cached_property
    def readings(self) -> tuple[Measured, ...]:
        """Change on each instrument that has readings."""
        return measure_readings(self.programme, self.linked)

    @cached_property
    def statuses(self) -> tuple[Status, ...]:
        """What people have or have not, at two readings: being in work, holding a tenancy."""
        return measure_statuses(self.programme, self.linked)

    @cached_property
    def needs(self) -> Pathways | None:
        """Needs identified and met; None where the records hold none."""
        return measure_needs(self.programme, self.linked)

    @cached_property
    def apart(self) -> tuple[Apart, ...]:
        """The main outcome in each group that the plan names, or why it is not given; nothing without a plan."""
        if self.plan is None:
            return ()
        return look_apart(self.plan, self.programme, self.cohort.data, self.comparison, self.linked)

    @cached_property
    def worth(self) -> Value | None:
        """What the difference in proven reoffences is worth; None where a cost or a fair comparison is missing."""
        return money.worth_of(self.spent, self.comparison)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What was done and found: on reoffending where it is an outcome, then on the readings."""
        return said.findings(self.cohort, self.comparison, self.readings, self.statuses)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What may be said of each finding, and what may not."""
        return tuple(verdict(finding) for finding in self.findings)

    @cached_property
    def ledger(self) -> Ledger:
        """Every test and interval that the chapter computed, planned or not."""
        return Ledger(self._entries(), self.plan)

    def _entries(self) -> tuple[Entry, ...]:
        found = entries(self.cohort, self.comparison, self.readings, self.needs, self.apart)
        return (*found, *status_entries(self.programme, self.statuses))

    @cached_property
    def departures(self) -> tuple[Departure, ...]:
        """In what the chapter departs from its plan; nothing where there is no plan."""
        if self.plan is None:
            return ()
        return record.departed(self.cohort, self.comparison, self.apart, self.ledger.entries, self.plan)

    def check(self, text: str) -> ClaimsCheck:
        """What a text about the programme says too much, against everything that the chapter found.

        Parameters
        ----------
        text : str
            Prose in Markdown.
        """
        compared = self.comparison
        measured = (*compared.reoffending, *compared.risk) if isinstance(compared, Compared) else ()
        of_groups = [estimate for one in self.apart for estimate in one.estimates]
        return check_claims(text, [*self.findings, *(outcome.effect for outcome in measured), *of_groups])

    def about(self) -> Section:
        """What the programme is and how it is meant to work."""
        return people.about(self.programme)

    def who_came(self) -> Section:
        """The flow from referred to analysed, and the profile."""
        return people.who_came(self.cohort, self.linked, self.comparison)

    def interviews(self) -> Section:
        """Pre and post interviews: distance travelled."""
        section = readings.interviews(self.programme, self.readings, self.statuses)
        return section if self.programme.reoffending else self._with_subgroups(section)

    def pathways(self) -> Section:
        """Needs identified and met on the seven pathways."""
        return readings.pathways_progress(self.programme, self.needs)

    def risk_management(self) -> Section:
        """Assessed need, recall, police contact; for people whose reoffending is an outcome."""
        return outcomes.risk_management(self.cohort, self.comparison)

    def reoffending(self) -> Section:
        """The matched comparison and its outcomes.

        Raises
        ------
        InputError
            Where reoffending is no outcome of the programme (children are never followed into offending records).
        """
        if not self.programme.reoffending:
            raise InputError(
                f"A chapter of {self.programme.title} has no section on reoffending:"
                f" {self.programme.reoffending_reason}"
            )
        return self._with_subgroups(outcomes.reoffending(self.cohort, self.comparison))

    def _with_subgroups(self, section: Section) -> Section:
        """The section of the main outcome, and after it the groups that are looked at apart."""
        apart = subgroups.subgroup_exhibits(self.cohort, self.comparison, self.apart)
        return replace(section, exhibits=(*section.exhibits, *apart))

    def value_for_money(self) -> Section:
        """What the programme cost, and whether it pays; or which figure is missing."""
        return money.cost_section(
            self.programme, self.spent, self.comparison, self.worth, synthetic=self.linked.synthetic
        )

    def what_can_be_said(self) -> Section:
        """What can be said, what cannot, and with which cautions."""
        return said.what_can_be_said(self.cohort, self.verdicts)

    def stories(self) -> Section:
        """Stories whose tellers agreed to publication."""
        return said.stories(self.programme, self.linked)

    def for_the_record(self) -> Section:
        """The plan and the departures from it, the ledger, and how far reporting standards are filled."""
        planned = record.plan_exhibits(self.cohort, self.ledger, self.departures)
        computed = record.ledger_exhibits(self.cohort, self.ledger)
        return Section("", (*planned, *computed, *checklist_exhibits(self)))

    def _heads(self) -> list[tuple[str, Callable[[], Section]]]:
        heads = [
            ("The programme", self.about),
            ("Who came", self.who_came),
            ("Pre and post interviews", self.interviews),
            ("Pathways progress", self.pathways),
        ]
        if self.programme.reoffending:
            heads += [("Risk management", self.risk_management), ("Re-offending", self.reoffending)]
        return [
            *heads,
            ("What it cost", self.value_for_money),
            ("What can be said, and what cannot", self.what_can_be_said),
            ("Stories", self.stories),
        ]

    @cached_property
    def _before(self) -> list[tuple[str, Section]]:
        """Every section before the record, with its heading."""
        return [(heading, make()) for heading, make in self._heads()]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of the exhibits before the record, of the plan and of the ledger, which reporting standards name."""
        held = {exhibit.key for _, section in self._before for exhibit in section.exhibits}
        planned = record.plan_exhibits(self.cohort, self.ledger, self.departures)
        computed = record.ledger_exhibits(self.cohort, self.ledger)
        return frozenset(held | {exhibit.key for exhibit in (*planned, *computed)})

    def sections(self) -> list[tuple[str, Section]]:
        """Every section with its heading."""
        return [*self._before, (RECORD, self.for_the_record())]

    def blocks(self) -> list[Block]:
        """The chapter as the documents read it, for a programme without a notebook of its own."""
        blocks: list[Block] = [{"kind": "heading", "level": 1, "text": self.programme.title}]
        for heading, section in self.sections():
            blocks += [{"kind": "heading", "level": 2, "text": heading}, *section.blocks()]
        return blocks

    def __repr__(self) -> str:
        return f"Chapter on {self.programme.title}: {'; '.join([*(heading for heading, _ in self._heads()), RECORD])}"


def chapter(
    programme: Programme | str | Path,
    linked: Linked,
    *,
    follow_up: int = 365,
    waiting: int = 183,
    unplanned: bool = False,
    cost: str | Path | None = None,
) -> Chapter:
    """The evaluation chapter of one programme.

    Parameters
    ----------
    programme : Programme, str or path
        The programme, its name or its definition file.
    linked : Linked
        The records; they are taken to be complete to their own earliest `complete_to`.
    follow_up, waiting : int
        Days of follow-up, and of waiting for proof after it.
    unplanned : bool
        Whether to do without a plan, which the chapter then says. Otherwise the plan is read from the folder ``plans``
        beside the definition file.
    cost : path, optional
        A file that says what the programme cost (`impact.evidence.programme_cost.read_cost`); without one the chapter
        says which figure is missing.

    Returns
    -------
    Chapter

    Raises
    ------
    InputError
        Where the records hold nobody referred to the programme, or the cost is another programme's.
    DefinitionError
        Where the definition file, the plan or the cost file cannot be used, or there is no plan; where the definition
        contradicts the file of an instrument.
    """
    definition = (
        programme
        if isinstance(programme, Programme)
        else read_programme(programme, definitions=dict(linked.definitions))
    )
    check_instruments(definition)
    if not (linked.table("referral")["programme"] == definition.name).any():
        raise InputError(
            f"There is nothing to write a chapter on {definition.title} from:",
            [
                Fault(
                    f"holds no referral to {definition.name}",
                    table="referral",
                    column="programme",
                    why="a chapter begins with everyone who was referred.",
                    remedy="add the programme's referrals to the linked records, or name another programme.",
                )
            ],
        )
    spent = None if cost is None else read_cost(cost)
    if spent is not None:
        money.check_cost(spent, definition, synthetic=linked.synthetic)
    plan = None if unplanned else find_plan(_definition_file(programme, definition, linked), definition.title)
    followed = make_cohort(linked, definition, follow_up=follow_up, waiting=waiting, complete_to=linked.complete_to)
    return Chapter(followed, linked, plan, spent)


def _definition_file(given: Programme | str | Path, definition: Programme, linked: Linked) -> Path:
    """The file in which a programme is defined."""
    if not isinstance(given, Programme) and Path(given).suffix == ".toml":
        return Path(given)
    return Path(linked.definitions[definition.name])
