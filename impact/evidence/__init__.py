"""What may be said, and what may be shown: disclosure control, the claims gate and power."""

from impact.evidence.claims import Finding, Verdict, verdict
from impact.evidence.curves import coarsen_curve
from impact.evidence.disclosure import Protected, protect
from impact.evidence.evaluability import Evaluability, evaluability
from impact.evidence.jdl_summary import Summary, jdl_summary
from impact.evidence.justice_data_lab import JusticeDataLab, jdl
from impact.evidence.power import minimum_detectable_difference, people_needed
from impact.evidence.rules import Rules, default_rules
from impact.evidence.shown import rate, safe_mean, share, shown_count

__all__ = [
    "Evaluability",
    "Finding",
    "JusticeDataLab",
    "Protected",
    "Rules",
    "Summary",
    "Verdict",
    "coarsen_curve",
    "default_rules",
    "evaluability",
    "jdl",
    "jdl_summary",
    "minimum_detectable_difference",
    "people_needed",
    "protect",
    "rate",
    "safe_mean",
    "share",
    "shown_count",
    "verdict",
]
