"""Who is compared, from when, and what counts as reoffending."""

from impact.cohort.cohort import cohort
from impact.cohort.programme import Programme, programme, programmes
from impact.cohort.reoffending import proven_reoffending
from impact.cohort.result import Cohort

__all__ = ["Cohort", "Programme", "cohort", "programme", "programmes", "proven_reoffending"]
