"""Who is compared, from when, and what counts as reoffending."""

from impact.cohort.at_risk import TimeAtRisk, at_risk
from impact.cohort.cohort import cohort
from impact.cohort.contacts import ContactWindows, contact_windows
from impact.cohort.expected import ObservedExpected, observed_expected
from impact.cohort.guard import check_time_zero
from impact.cohort.ogrs import ogrs3, ogrs4, risk_band
from impact.cohort.programme import Programme, programme, programmes
from impact.cohort.reoffending import proven_reoffending
from impact.cohort.result import Cohort

__all__ = [
    "Cohort",
    "ContactWindows",
    "ObservedExpected",
    "Programme",
    "TimeAtRisk",
    "at_risk",
    "check_time_zero",
    "cohort",
    "contact_windows",
    "observed_expected",
    "ogrs3",
    "ogrs4",
    "programme",
    "programmes",
    "proven_reoffending",
    "risk_band",
]
