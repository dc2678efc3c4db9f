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
from impact.comparison import (
    attrition,
    balance,
    compare,
    doubly_robust,
    e_value,
    emulated_trial,
    forest,
    hidden_confounder,
    match,
    propensity,
    robustness_value,
    rosenbaum,
    running_count,
    specifications,
    subgroups,
    tipping_point,
    weight,
    whole_sample,
)
from impact.design import Design
from impact.distance import change, pathways, risk_change
from impact.errors import ImpactError
from impact.evidence import (
    Finding,
    bin_points,
    check_claims,
    coarsen_curve,
    compare_releases,
    disclose,
    evaluability,
    jdl,
    jdl_summary,
    protect,
    protect_sums,
    safe_spread,
    verdict,
)
from impact.records import (
    area_table,
    crimes_by_area,
    data_dictionary,
    impute_links,
    link,
    link_sensitivity,
    pseudonymise,
    read_linked,
)
from impact.results import Estimate, Test
from impact.survival import (
    cox,
    cumulative_incidence,
    fine_gray,
    gray_test,
    hazard,
    kaplan_meier,
    logrank,
    mean_cumulative,
    nelson_aalen,
    parametric,
    piecewise_hazard,
    recurrent,
    reoffending_rate,
    rmst,
    rmtl,
    split_population,
)
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
    "area_table",
    "at_risk",
    "attrition",
    "balance",
    "bin_points",
    "change",
    "chapter",
    "check_claims",
    "check_time_zero",
    "coarsen_curve",
    "cohort",
    "compare",
    "compare_releases",
    "contact_windows",
    "cox",
    "crimes_by_area",
    "cumulative_incidence",
    "data_dictionary",
    "disclose",
    "doubly_robust",
    "e_value",
    "emulated_trial",
    "evaluability",
    "fine_gray",
    "forest",
    "gray_test",
    "hazard",
    "hidden_confounder",
    "impute_links",
    "jdl",
    "jdl_summary",
    "kaplan_meier",
    "link",
    "link_sensitivity",
    "logrank",
    "match",
    "mean_cumulative",
    "nelson_aalen",
    "observed_expected",
    "ogrs3",
    "ogrs4",
    "overlap",
    "parametric",
    "pathways",
    "piecewise_hazard",
    "programme",
    "propensity",
    "protect",
    "protect_sums",
    "proven_reoffending",
    "pseudonymise",
    "read_linked",
    "recurrent",
    "reoffending_rate",
    "risk_band",
    "risk_change",
    "rmst",
    "rmtl",
    "robustness_value",
    "rosenbaum",
    "running_count",
    "safe_spread",
    "simulate",
    "specifications",
    "split_population",
    "subgroups",
    "tipping_point",
    "verdict",
    "weight",
    "whole_sample",
]


def __getattr__(name: str) -> _typing.Any:
    if name in ("annual_report", "chapter"):
        from impact import report

        return getattr(report, name)
    raise AttributeError(f"module 'impact' has no attribute {name!r}")
