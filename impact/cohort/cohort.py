"""`cohort`: who is compared, from when, with what was known of them then and what came after."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from impact.cohort.dates import one_day, whole_days
from impact.cohort.engagement import engagement_cohort
from impact.cohort.history import Tables, read_history
from impact.cohort.programme import RULES, Programme, programme
from impact.cohort.register import read_engagement, read_referrals
from impact.cohort.reoffenders import reoffending_cohort
from impact.cohort.result import Asked, Cohort
from impact.cohort.timezero import BIASED_RULES, refuse_biased
from impact.errors import Fault, InputError
from impact.frames import check_choice


def cohort(
    linked: Tables,
    programme: Programme | str | Path,
    *,
    follow_up: int = 365,
    waiting: int = 183,
    complete_to: dt.date | str,
    time_zero: str | None = None,
) -> Cohort:
    """The people of a programme, and those they are compared with, from the day each could first have been followed.

    **Treated** is everyone whose referral to the programme was accepted by their index date, whether or not they
    started or completed (intention to treat). Choosing those who started would choose those who stayed at liberty until
    they could; `started` and `completed` are columns. People referred and not accepted are in neither group.
    **Comparison** is everyone with a sentence, never referred to the programme, who never took part in, or was accepted
    by, any programme; it is drawn only where the definition says that there is a comparison.

    The **index date** follows the rule of time zero:

    ``release``
        The first release, on or after acceptance, from a custodial sentence then being served. A release from a later
        sentence is none: it would choose people for having offended again.
    ``referral``
        The day the referral was accepted; for a person then in custody, the day of release. The person must have been
        released, or have started a sentence in the community, by then. Comparison people get a release or start of
        sentence plus a delay; the delays are the treated people's own.
    ``sentence``
        The start of a sentence in the community within 91 days of acceptance.

    Comparison index dates lie between the first and the last of the treated; of several that qualify, the first is
    taken, since a choice among them would depend on what came later. Everyone is in the ages and of the sex served,
    alive, and out of custody on the index date (the day of release is a day out).

    Parameters
    ----------
    linked : Linked
        The linked records.
    programme : Programme, str or path
        The programme, its name or its definition file.
    follow_up, waiting : int
        Days of follow-up, and of waiting for proof after it.
    complete_to : date
        Last day on which the records are complete; no later than the records say themselves.
    time_zero : {"release", "referral", "sentence"}, optional
        The rule, where not the one of the definition.

    Returns
    -------
    Cohort
        With `data`, sorted by ``person_id``: ``treated`` (1 or 0), ``index_on``; known at the index date: ``age``,
        ``sex``, ``ethnicity``, ``district``, ``imd_decile``, ``disposal``, ``offence_group``, ``days_since_sentence``
        (from the release or the start of the sentence), ``days_served`` (of that sentence in custody),
        ``previous_offences``, ``previous_custody``, ``contacts_before``, ``needs_before`` and any reading the
        definition names; ``started``, ``completed``; what came after, as `proven_reoffending` gives it, ``duration``
        and ``event`` (censored where the records stop, or at death), and ``recalled``.

        Where the definition says that reoffending is no outcome, `data` has everyone accepted from the day of
        acceptance and nothing about offending: ``started``, ``completed``, ``second_reading`` (of any scale of the
        programme).

    Raises
    ------
    TimeZeroError
        Where `time_zero` is ``"start"`` or ``"completion"`` of the programme.
    InputError
        Where an argument cannot be used.
    """
    definition = programme if isinstance(programme, Programme) else _read(programme, linked)
    rule = definition.time_zero.rule if time_zero is None else time_zero
    check_choice("time_zero", rule, (*RULES, *BIASED_RULES))
    faults: list[Fault] = []
    whole_days(follow_up, "follow_up", 1, faults)
    whole_days(waiting, "waiting", 0, faults)
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
    if not definition.reoffending and rule != "referral" and rule in RULES:
        faults.append(
            Fault(
                "has no say: reoffending is no outcome of this programme, and people are followed from acceptance",
                column="time_zero",
                remedy="leave it out.",
            )
        )
    if faults:
        raise InputError("The cohort cannot be built:", faults)
    asked = Asked(definition, rule, follow_up, waiting, (dt.date(1970, 1, 1) + dt.timedelta(days=last)))
    history = read_history(linked)
    referrals = read_referrals(history, definition)
    started, completed = read_engagement(history, definition)
    accepted = np.isin(np.arange(len(history.people)), referrals.accepted_who)
    refuse_biased(rule, int(accepted.sum()), int((accepted & started).sum()), int((accepted & completed).sum()))
    build = reoffending_cohort if definition.reoffending else engagement_cohort
    return build(history, asked, referrals, started, completed)


def _read(programme_: str | Path, linked: Tables) -> Programme:
    return programme(programme_, definitions=dict(linked.definitions))
