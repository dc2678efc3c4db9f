"""Who is compared with whom, how alike they are, and what the difference is."""

from impact.comparison.attrition import Attrition, attrition
from impact.comparison.balance import Balance, balance
from impact.comparison.designs import MatchedDesign, WeightedDesign
from impact.comparison.doubly_robust import doubly_robust
from impact.comparison.effect import Effect
from impact.comparison.effects import compare
from impact.comparison.emulated import EmulatedTrial
from impact.comparison.emulation import emulated_trial
from impact.comparison.evalue import EValue, e_value
from impact.comparison.events_around import EventStudy, event_study
from impact.comparison.forest import forest
from impact.comparison.interrupted import InterruptedTimeSeries, interrupted_time_series
from impact.comparison.match import match
from impact.comparison.panel import DifferenceInDifferences, difference_in_differences
from impact.comparison.person_periods import count_panel
from impact.comparison.propensity import Propensity, propensity
from impact.comparison.robustness import Robustness, robustness_value
from impact.comparison.rosenbaum import Rosenbaum, rosenbaum
from impact.comparison.running import running_count
from impact.comparison.specification import Specifications, specifications
from impact.comparison.subgroup import Subgroups, subgroups
from impact.comparison.tipping import HiddenConfounder, TippingPoint, hidden_confounder, tipping_point
from impact.comparison.weight import weight
from impact.comparison.whole import whole_sample

__all__ = [
    "Attrition",
    "Balance",
    "DifferenceInDifferences",
    "EValue",
    "Effect",
    "EmulatedTrial",
    "EventStudy",
    "HiddenConfounder",
    "InterruptedTimeSeries",
    "MatchedDesign",
    "Propensity",
    "Robustness",
    "Rosenbaum",
    "Specifications",
    "Subgroups",
    "TippingPoint",
    "WeightedDesign",
    "attrition",
    "balance",
    "compare",
    "count_panel",
    "difference_in_differences",
    "doubly_robust",
    "e_value",
    "emulated_trial",
    "event_study",
    "forest",
    "hidden_confounder",
    "interrupted_time_series",
    "match",
    "propensity",
    "robustness_value",
    "rosenbaum",
    "running_count",
    "specifications",
    "subgroups",
    "tipping_point",
    "weight",
    "whole_sample",
]
