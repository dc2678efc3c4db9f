"""Whether programmes reduce reoffending, and how sure anyone can be.

Linked records in (programme, outcome measures, police, probation, prison); a chapter for each programme and an annual
report out. The names below are the public ones.
"""

import typing as _typing

from impact.cohort import (
    at_risk,
    check_time_zero,
    cohort,
    contact_windows,
    observed_expected,
    ogrs3,
    ogrs4,
    programme,
    proven_reoffending,
    risk_band,
)
from impact.comparison import attrition, balance, compare, match, propensity, whole_sample
from impact.design import Design
from impact.distance import change, pathways, risk_change
from impact.errors import ImpactError
from impact.evidence import Finding, check_claims, evaluability, jdl, jdl_summary, protect, verdict
from impact.records import check_return, data_dictionary, read_linked
from impact.results import Estimate, Test
from impact.survival import cox, kaplan_meier, reoffending_rate
from impact.synthetic import simulate
from impact.system import overlap

if _typing.TYPE_CHECKING:
    from impact.report import annual_report, chapter

__all__ = [
    "Design",
    "Estimate",
    "Finding",
    "ImpactError",
    "Test",
    "annual_report",
    "at_risk",
    "attrition",
    "balance",
    "change",
    "chapter",
    "check_claims",
    "check_return",
    "check_time_zero",
    "cohort",
    "compare",
    "contact_windows",
    "cox",
    "data_dictionary",
    "evaluability",
    "jdl",
    "jdl_summary",
    "kaplan_meier",
    "match",
    "observed_expected",
    "ogrs3",
    "ogrs4",
    "overlap",
    "pathways",
    "programme",
    "propensity",
    "protect",
    "proven_reoffending",
    "read_linked",
    "reoffending_rate",
    "risk_band",
    "risk_change",
    "simulate",
    "verdict",
    "whole_sample",
]


def __getattr__(name: str) -> _typing.Any:
    if name in ("annual_report", "chapter"):
        from impact import report

        return getattr(report, name)
    raise AttributeError(f"module 'impact' has no attribute {name!r}")
