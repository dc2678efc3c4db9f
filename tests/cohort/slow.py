"""The cohort again, one person at a time, in the plainest Python: an oracle for the library's."""

from __future__ import annotations

import calendar
import datetime as dt

import pandas as pd

DAY = dt.timedelta(days=1)
DISPOSALS = {"custody", "community", "suspended"}
NEAR = 91 * DAY


def date(value):
    return dt.date.fromisoformat(value) if value else None


def later(day, length):
    """A day so many days, or "n months", later."""
    if isinstance(length, int):
        return day + length * DAY
    months = int(length.split()[0]) + day.year * 12 + day.month - 1
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def whole_years(born, on):
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


class Slow:
    """Questions of one made-up store, for one programme that serves men of 18 to 29."""

    def __init__(self, made, *, rule, landmark=None, programme="moms", instrument="probation_needs"):
        self.rows, self.rule, self.landmark = made.rows, rule, landmark
        self.programme, self.instrument = programme, instrument
        self.people = {person["person_id"]: person for person in self.rows["person"]}

    def of(self, table, who, **more):
        rows = (row for row in self.rows[table] if row["person_id"] == who)
        return [row for row in rows if all(row[name] == value for name, value in more.items())]

    def referred(self, who):
        return bool(self.of("referral", who, programme=self.programme))

    def accepted(self, who):
        taken = self.of("referral", who, programme=self.programme, decision="accepted")
        return sorted(max(date(row["referred_on"]), date(row["decided_on"])) for row in taken)

    def stays(self, who):
        merged = []
        for row in sorted(self.of("custody", who), key=lambda row: row["entered_on"]):
            entered, left = date(row["entered_on"]), date(row["left_on"])
            if merged and entered <= merged[-1][1]:
                merged[-1][1] = max(left, merged[-1][1])
            else:
                merged.append([entered, left])
        return merged

    def inside(self, who, day):
        return next((left for entered, left in self.stays(who) if entered <= day < left), None)

    def events(self, who):
        """Day, first day of the sentence, disposal, of every event that any rule counts from."""
        found = []
        for row in self.of("sentence", who):
            started, released = date(row["started_on"]), date(row["released_on"])
            day = released if row["disposal"] == "custody" else started
            if row["disposal"] in DISPOSALS and day is not None:
                found.append((day, started, row["disposal"]))
        return sorted(found)

    def screened(self, who):
        return sorted({date(row["assessed_on"]) for row in self.of("assessment", who, instrument=self.instrument)})

    def starts(self, who):
        return sorted(date(row["started_on"]) for row in self.of("participation", who, programme=self.programme))

    def completed_by(self, who, day):
        done = self.of("participation", who, programme=self.programme, status="completed")
        return any(date(row["ended_on"]) <= day for row in done)

    def elsewhere_by(self, who, day):
        taken = [date(row["started_on"]) for row in self.of("participation", who) if row["programme"] != self.programme]
        taken += [
            max(date(row["referred_on"]), date(row["decided_on"]))
            for row in self.of("referral", who, decision="accepted")
            if row["programme"] != self.programme
        ]
        return any(first <= day for first in taken)

    def index(self, base):
        return base if self.landmark is None else later(base, self.landmark)

    def served(self, who, base, waiting):
        """Whether a possible index date is one: in the ages, of the sex, alive, out, and not reoffended before it."""
        person, day = self.people[who], self.index(base)
        born, died = date(person["birth_date"]), date(person["died_on"])
        again = any(
            base < date(row["offended_on"]) <= day and date(row["proven_on"]) <= later(day, waiting)
            for row in self.of("offence", who)
            if row["proven_on"] and row["outcome"] in ("conviction", "caution") and row["offence_group"] != "breach"
        )
        return (
            person["sex"] == "male"
            and 18 <= whole_years(born, day) <= 29
            and (died is None or died > day)
            and self.inside(who, day) is None
            and not again
        )

    def bases(self, who):
        """The days that a treated person may be followed from, whether or not they qualify, each with its disposal."""
        if self.rule in ("referral", "start"):
            found = []
            for on in self.accepted(who) if self.rule == "referral" else self.starts(who):
                day = self.inside(who, on) or on
                earlier = [event for event in self.events(who) if event[0] <= day]
                if earlier:
                    found.append((day, earlier[-1]))
            return found
        found = []
        for on in self.accepted(who):
            for event in self.candidates(who):
                day, started, _ = event
                fits = started <= on if self.rule == "release" else day <= on + NEAR
                if on <= self.index(day) and fits:
                    found.append((day, event))
        return found

    def candidates(self, who):
        """The events that the rule counts from."""
        if self.rule == "screening":
            return [(day, day, None) for day in self.screened(who)]
        kinds = {"release": {"custody"}, "sentence": {"community", "suspended"}}.get(self.rule, DISPOSALS)
        return [event for event in self.events(who) if event[2] in kinds]

    def treated(self, waiting):
        """Person to (index date, day of the rule, event)."""
        found = {}
        for who in self.people:
            if not self.accepted(who):
                continue
            good = sorted(base for base in self.bases(who) if self.served(who, base[0], waiting))
            if good:
                found[who] = (self.index(good[0][0]), *good[0])
        return found

    def mostly_late(self):
        """Whether most of those accepted were so only after the event of the rule."""
        if self.rule in ("referral", "start"):
            return False
        everyone = [who for who in self.people if self.accepted(who)]
        late = 0
        for who in everyone:
            behind = [(on, [event[0] for event in self.candidates(who) if event[0] <= on]) for on in self.accepted(who)]
            after = any(days and self.index(max(days)) < on for on, days in behind)
            late += after and not self.bases(who)
        return 2 * late > len(everyone)

    def pool(self):
        sentenced = {row["person_id"] for row in self.rows["sentence"]}
        return {who for who in sentenced if not self.referred(who) and not self.starts(who)}

    def compared(self, waiting):
        """Person to index date, for the rules that give comparison people no delay."""
        treated = self.treated(waiting)
        if not treated:
            return {}
        low, high = (end(day for day, *_ in treated.values()) for end in (min, max))
        kinds = {event[2] for *_, event in treated.values()}
        found = {}
        for who in self.pool():
            good = [
                self.index(event[0])
                for event in self.candidates(who)
                if event[2] in kinds
                and low <= self.index(event[0]) <= high
                and not self.elsewhere_by(who, self.index(event[0]))
                and self.served(who, event[0], waiting)
            ]
            if good:
                found[who] = min(good)
        return found

    def followed(self, waiting):
        """For treatment that changes with time: person to index date, whoever they are."""
        behind = {}
        for who in self.people:
            if self.starts(who) and any(row["person_id"] == who for row in self.rows["sentence"]):
                first = self.starts(who)[0]
                earlier = [event for event in self.candidates(who) if event[0] <= first]
                serving = [event for event in self.candidates(who) if event[1] <= first < event[0]]
                if serving or earlier:
                    behind[who] = serving[0] if serving else earlier[-1]
        if not behind:
            return {}
        low, high = (end(event[0] for event in behind.values()) for end in (min, max))
        kinds = {event[2] for event in behind.values()}
        found = {}
        for who in {row["person_id"] for row in self.rows["sentence"]}:
            good = [
                event[0]
                for event in self.candidates(who)
                if event[2] in kinds
                and low <= event[0] <= high
                and not self.elsewhere_by(who, event[0])
                and self.served(who, event[0], waiting)
            ]
            if good:
                found[who] = min(good)
        return found


def as_dates(data, column="index_on"):
    """Person to a date, of a cohort's data."""
    return pd.Series(data[column].dt.date.to_numpy(), index=data["person_id"]).to_dict()
