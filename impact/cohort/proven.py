"""Proven reoffences in arrays: which offences are one, and what they say of each person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact.cohort.dates import LAST_DAY, NO_DAY
from impact.cohort.spells import days_inside, merge
from impact.cohort.window import Window
from impact.frames import BoolArray, IntArray
from impact.records.tables import SEVERITIES

NEVER = 2**40
NO_SEVERITY = len(SEVERITIES)
_STRIDE = 2**32


@dataclass(frozen=True, slots=True)
class Offences:
    """Offences that the rules count: place of the person, days committed and proven, place of the severity.

    An offence whose severity is not known has the place `NO_SEVERITY`.
    """

    person: IntArray
    offended: IntArray
    proven: IntArray
    severity: IntArray


@dataclass(frozen=True, slots=True)
class Custody:
    """Spells as recorded, not merged; `sentenced` is whether the spell was under sentence."""

    person: IntArray
    entered: IntArray
    left: IntArray
    sentenced: BoolArray


@dataclass(frozen=True, slots=True)
class Clock:
    """When each person is followed.

    Attributes
    ----------
    start : (n,) int
        Index dates: the first day of follow-up is the next.
    end, proof : (n,) int
        Last day of follow-up, and of waiting for proof.
    waiting : Window
        The waiting after the last day of follow-up.
    last : int
        Last day on which the records are complete.
    """

    start: IntArray
    end: IntArray
    proof: IntArray
    waiting: Window
    last: int

    @classmethod
    def of(cls, start: IntArray, follow_up: Window, waiting: Window, last: int) -> Clock:
        """The clock of people with index dates `start`."""
        return cls(start, follow_up.end(start), follow_up.then(waiting, start), waiting, last)

    @property
    def complete(self) -> BoolArray:
        """Whose follow-up and waiting ended while the records were complete."""
        return self.proof <= self.last

    @property
    def known(self) -> IntArray:
        """The last day of follow-up whose offences had their whole waiting; before the first where there is none."""
        return np.minimum(self.end, self.waiting.latest_start(self.last))


@dataclass(frozen=True, slots=True)
class Reoffending:
    """What came after the index date of each of n people, whether their window is complete or not.

    Attributes
    ----------
    reoffences : (n,) int
    first : (n,) int
        Days from the index date to the first reoffence; `NEVER` where there is none.
    severity_first, severity_worst : (n,) int
        Places in the contract's order of severity, the gravest first.
    by_severity : (n, severities) int
        Reoffences of each severity; those of a severity that is not known are in none.
    custody : (n,) int or None
        Spells under sentence that began within the rule's days of the proof of a reoffence.
    days_at_risk : (n,) int or None
        Days of follow-up outside custody, to death.
    """

    reoffences: IntArray
    first: IntArray
    severity_first: IntArray
    severity_worst: IntArray
    by_severity: IntArray
    custody: IntArray | None
    days_at_risk: IntArray | None


def count_reoffences(
    clock: Clock, died: IntArray, offences: Offences, custody: Custody | None, custody_within: int
) -> Reoffending:
    """Count the offences committed after the index date and in the follow-up, and proven by the end of the waiting."""
    n = len(clock.start)
    found = _among(offences, clock.start, clock.end, clock.proof)
    after = found.offended - clock.start[found.person]
    first = _first(found.person, after, n)
    worst, of_first = np.full(n, NO_SEVERITY), np.full(n, NO_SEVERITY)
    np.minimum.at(worst, found.person, found.severity)
    on_first = after == first[found.person]
    np.minimum.at(of_first, found.person[on_first], found.severity[on_first])
    width = NO_SEVERITY + 1
    counts = np.bincount(found.person * width + found.severity, minlength=n * width).reshape(n, width)
    held, outside = None, None
    if custody is not None:
        held = _custody_follows(custody, found, clock.proof, custody_within)
        end = np.minimum(clock.end + 1, np.where(died == NO_DAY, LAST_DAY, died))
        merged = merge(custody.person, custody.entered, custody.left)
        outside = np.maximum(end - clock.start - 1, 0) - days_inside(merged, clock.start + 1, end)
    return Reoffending(counts.sum(axis=1), first, of_first, worst, counts[:, :NO_SEVERITY], held, outside)


def first_reoffence(clock: Clock, died: IntArray, offences: Offences) -> tuple[IntArray, BoolArray, BoolArray]:
    """Days to the first reoffence or to where it stops being known, whether it was one, and who is known of at all.

    A person is followed to the end of follow-up, less where the records stop: until every offence has had its whole
    waiting period; and no longer than to death.
    """
    known = clock.known
    proof = np.where(known == clock.end, clock.proof, clock.last)
    found = _among(offences, clock.start, known, proof)
    first = _first(found.person, found.offended - clock.start[found.person], len(clock.start))
    end = np.minimum(known, np.where(died == NO_DAY, LAST_DAY, died)) - clock.start
    return np.minimum(first, end), first <= end, known > clock.start


def _among(offences: Offences, start: IntArray, end: IntArray, proof: IntArray) -> Offences:
    """The offences committed after `start` and by `end`, and proven by `proof`, of each person."""
    who = offences.person
    inside = (offences.offended > start[who]) & (offences.offended <= end[who]) & (offences.proven <= proof[who])
    return Offences(who[inside], offences.offended[inside], offences.proven[inside], offences.severity[inside])


def _first(person: IntArray, after: IntArray, n: int) -> IntArray:
    first = np.full(n, NEVER)
    np.minimum.at(first, person, after)
    return first


def _custody_follows(custody: Custody, found: Offences, proof: IntArray, within: int) -> IntArray:
    """How many spells under sentence begin within so many days of the proof of a reoffence, inside the window."""
    key = np.sort(found.person * _STRIDE + found.proven)
    spells = custody.sentenced & (custody.entered <= proof[custody.person])
    who, entered = custody.person[spells], custody.entered[spells]
    at = who * _STRIDE + entered
    follows = np.searchsorted(key, at, side="right") > np.searchsorted(key, at - within)
    return np.bincount(who[follows], minlength=len(proof))
