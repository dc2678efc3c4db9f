"""Returns of the programmes: the template, the check of what comes back by rules held as data, and the counts."""

from impact.records.returns.check import ReturnCheck, check_return
from impact.records.returns.counts import Counts, counts
from impact.records.returns.status import SubmissionStatus, submission_status
from impact.records.returns.template import write_template

__all__ = [
    "Counts",
    "ReturnCheck",
    "SubmissionStatus",
    "check_return",
    "counts",
    "submission_status",
    "write_template",
]
