"""`cohort`: who is compared, from when, with what was known of them then and what came after."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from impact.cohort.dates import one_day
from impact.cohort.engagement import engagement_cohort
from impact.cohort.guard import refuse_completion
from impact.cohort.history import read_history
from impact.cohort.programme import RULES, Programme, programme
from impact.cohort.queries import Tables
from impact.cohort.register import read_register
from impact.cohort.reoffenders import engaged, reoffending_cohort
from impact.cohort.result import TREATMENTS, Asked, Cohort
from impact.cohort.rules import reoffending_rules
from impact.cohort.timezero import BEFORE_EVENT
from impact.cohort.varying import varying_cohort
from impact.cohort.window import Window, read_window
from impact.errors import Fault, InputError
from impact.frames import check_choice

COMPLETION = "completion"


def cohort(
    linked: Tables,
    programme: Programme | str | Path,
    *,
    follow_up: int | str | Window = 365,
    waiting: int | str | Window = 183,
    complete_to: dt.date | str,
    time_zero: str | None = None,
    treatment: str = "intention-to-treat",
    landmark: int | str | Window | None = None,
    rules: str | Path | None = None,
) -> Cohort:
    """The people of a programme, and those they are compared with, from the day each could first have been followed.

    **Treated**, by intention to treat, is everyone whose referral to the programme was accepted by their index date,
    whether or not they started or completed. Choosing those who started would choose those who stayed at liberty until
    they could; `started` and `completed` are columns. People referred and not accepted are in neither group.
    **Comparison** is everyone with a sentence, never referred to the programme, and by their index date with no other
    programme; it is drawn only where the definition says that there is a comparison.

    The **index date** follows the rule of time zero:

    ``release``
        The first release, on or after acceptance, from a custodial sentence then being served. A release from a later
        sentence is none: it would choose people for having offended again.
    ``sentence``
        The start of a sentence in the community within 91 days of acceptance.
    ``screening``
        A reading of the instrument that the definition names, within 91 days of acceptance.
    ``referral``
        The day the referral was accepted; for a person then in custody, the day of release. The person must have been
        released, or have started a sentence in the community, by then. Comparison people get a release or start of
        sentence plus a delay; the delays are the treated people's own.
    ``start``
        The first day on the programme, in the same way; it leaves out those who never started.

    Comparison index dates lie between the first and the last of the treated; of several that qualify, the first is
    taken, since a choice among them would depend on what came later. Everyone is in the ages and of the sex served,
    alive, and out of custody on the index date (the day of release is a day out). People referred only after they could
    have been a comparison are still left out of it, which looks ahead a little where a large part of the pool is
    referred; treatment that changes with time does not.

    **Immortal time** is refused: follow-up from the completion of the programme, people told apart by what they did
    after their index date, and a rule by whose event most people were not yet accepted. There are three ways out: a
    rule by which everyone is already known to be treated or not (`time_zero`); a `landmark` after the event, at which
    people are told apart and from which those who are still without a reoffence are followed; or treatment that changes
    with time (``treatment="time-varying"``).

    Parameters
    ----------
    linked : Linked
        The linked records, on either engine.
    programme : Programme, str or path
        The programme, its name or its definition file.
    follow_up, waiting : int or str
        Length of follow-up, and of waiting for proof after it: days, or text such as ``"12 months"``.
    complete_to : date
        Last day on which the records are complete; no later than the records say themselves.
    time_zero : {"release", "sentence", "screening", "referral", "start"}, optional
        The rule, where not the one of the definition.
    treatment : {"intention-to-treat", "completers", "dose", "time-varying"}
        Who counts as treated; the same people, differently labelled. ``"completers"``: only those who had completed by
        the index date. ``"dose"``: everyone accepted, with `days_engaged`, `sessions_attended` and `sessions_planned`
        by the index date. Both need a `landmark` where some completed, or went on, after it. ``"time-varying"``:
        everyone with a sentence is followed from their first event, in start-stop rows, untreated up to the day they
        start and treated after it.
    landmark : int or str, optional
        A time after the day of the rule; the index date is then its end. Those accepted by it count as treated. Who
        died, was inside, or had committed a proven reoffence by then is in neither group.
    rules : path, optional
        A rule set of what counts as proven reoffending, in place of the library's.

    Returns
    -------
    Cohort
        With `data`, sorted by ``person_id``: ``treated`` (1 or 0), ``index_on``; known at the index date: ``age``,
        ``sex``, ``ethnicity``, ``district``, ``imd_decile``, ``disposal``, ``offence_group``, ``days_since_sentence``
        (from the release or the start of the sentence), ``days_served`` (of that sentence in custody),
        ``previous_offences``, ``previous_custody``, ``contacts_before``, ``needs_before`` and any reading the
        definition names; of the treated ``started``, ``completed``, ``started_on``, ``ended_on`` at any time; what came
        after, as `proven_reoffending` gives it, ``recalled`` and ``died_on``.

        With time-varying treatment one row a stretch: ``person_id, start, stop, event, treated``, days since the index
        date, and what was known at the index date.

        Where the definition says that reoffending is no outcome, `data` has everyone accepted from the day of
        acceptance and nothing about offending: ``started``, ``completed``, ``second_reading`` (of any scale of the
        programme).

    Raises
    ------
    TimeZeroError
        Where follow-up would hold immortal time, with how many people it concerns.
    InputError
        Where an argument cannot be used.
    DefinitionError
        Where the programme or the rule set cannot be used.
    """
    definition = programme if isinstance(programme, Programme) else _read(programme, linked)
    rule = definition.time_zero.rule if time_zero is None else time_zero
    check_choice("time_zero", rule, (*RULES, COMPLETION))
    check_choice("treatment", treatment, TREATMENTS)
    faults: list[Fault] = []
    windows = read_window(follow_up, "follow_up", 1, faults), read_window(waiting, "waiting", 0, faults)
    mark = None if landmark is None else read_window(landmark, "landmark", 1, faults)
    last = one_day(complete_to, "complete_to", faults)
    held_to = linked.complete_to
    if not faults and held_to is not None and last > one_day(held_to, "complete_to", faults):
        faults.append(
            Fault(
                "is after the last day on which the records are complete",
                column="complete_to",
                why="offences not yet recorded would be taken for offences not committed.",
                remedy="give the records' own last day, or one before it.",
            )
        )
    faults += _no_say(definition, rule, treatment, mark, rules)
    if faults:
        raise InputError("The cohort cannot be built:", faults)
    whole = reoffending_rules(rules)
    asked = Asked(
        definition, rule, treatment, mark, *windows, dt.date(1970, 1, 1) + dt.timedelta(days=last), last, whole
    )
    history = read_history(linked)
    register = read_register(history, definition)
    if rule == COMPLETION:
        done = engaged(register, len(history.people))[1]
        refuse_completion(len(register.offered), int(done[register.offered].sum()))
    if not definition.reoffending:
        return engagement_cohort(history, asked, register)
    build = varying_cohort if treatment == "time-varying" else reoffending_cohort
    return build(history, asked, register)


def _no_say(
    definition: Programme, rule: str, treatment: str, landmark: Window | None, rules: str | Path | None
) -> list[Fault]:
    """Arguments that would have no effect, or could have none here."""
    faults = []
    if not definition.reoffending:
        told = {
            "time_zero": rule not in ("referral", COMPLETION),
            "treatment": treatment != "intention-to-treat",
            "landmark": landmark is not None,
            "rules": rules is not None,
        }
        for argument in (name for name, given in told.items() if given):
            faults.append(
                Fault(
                    "has no say: reoffending is no outcome of this programme, and people are followed from acceptance",
                    column=argument,
                    remedy="leave it out.",
                )
            )
        return faults
    if rule == "screening" and not definition.time_zero.instrument:
        faults.append(
            Fault(
                "is screening, and the definition names no instrument of screening",
                column="time_zero",
                remedy="add instrument under [time_zero] in the definition file.",
            )
        )
    if treatment == "time-varying":
        if landmark is not None:
            faults.append(
                Fault("has no say where treatment changes with time", column="landmark", remedy="leave it out.")
            )
        if rule not in (*BEFORE_EVENT, "referral", COMPLETION):
            faults.append(
                Fault(
                    f"is {rule}, and nobody can be followed from the start of a programme before they start it",
                    column="time_zero",
                    remedy="follow people from an event of everyone: release, sentence or screening.",
                )
            )
    return faults


def _read(programme_: str | Path, linked: Tables) -> Programme:
    return programme(programme_, definitions=dict(linked.definitions))
