"""What may be said, and what may be shown: disclosure control, the claims gate and power."""

from impact.evidence.check_claims import ClaimsCheck, check_claims
from impact.evidence.claims import Finding, Verdict, verdict
from impact.evidence.curves import coarsen_curve
from impact.evidence.disclosure import Protected, protect
from impact.evidence.economics import Value, value
from impact.evidence.evaluability import Evaluability, evaluability
from impact.evidence.jdl_summary import Summary, jdl_summary
from impact.evidence.justice_data_lab import JusticeDataLab, jdl
from impact.evidence.ledger import Ledger
from impact.evidence.magnitudes import protect_sums
from impact.evidence.outputs import output_record, read_record, write_record
from impact.evidence.plan import Plan, read_plan
from impact.evidence.power import minimum_detectable_difference, people_needed
from impact.evidence.published import DisclosureCheck, disclose
from impact.evidence.releases import ReleaseComparison, compare_releases
from impact.evidence.rules import Rules, default_rules
from impact.evidence.shares import protected_shares
from impact.evidence.shown import rate, safe_mean, share, shown_count
from impact.evidence.spread import bin_points, safe_spread
from impact.evidence.synthesis import Synthesis, synthesise
from impact.evidence.unit_costs import MeanCost, UnitCosts, unit_costs

__all__ = [
    "ClaimsCheck",
    "DisclosureCheck",
    "Evaluability",
    "Finding",
    "JusticeDataLab",
    "Ledger",
    "MeanCost",
    "Plan",
    "Protected",
    "ReleaseComparison",
    "Rules",
    "Summary",
    "Synthesis",
    "UnitCosts",
    "Value",
    "Verdict",
    "bin_points",
    "check_claims",
    "coarsen_curve",
    "compare_releases",
    "default_rules",
    "disclose",
    "evaluability",
    "jdl",
    "jdl_summary",
    "minimum_detectable_difference",
    "output_record",
    "people_needed",
    "protect",
    "protect_sums",
    "protected_shares",
    "rate",
    "read_plan",
    "read_record",
    "safe_mean",
    "safe_spread",
    "share",
    "shown_count",
    "synthesise",
    "unit_costs",
    "value",
    "verdict",
    "write_record",
]
