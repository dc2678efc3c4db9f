"""Who is compared with whom, how alike they are, and what the difference is."""

from impact.comparison.attrition import Attrition, attrition
from impact.comparison.balance import Balance, balance
from impact.comparison.effects import Effect, compare
from impact.comparison.emulated import EmulatedTrial
from impact.comparison.emulation import emulated_trial
from impact.comparison.match import MatchedDesign, match
from impact.comparison.propensity import Propensity, propensity
from impact.comparison.running import running_count
from impact.comparison.whole import whole_sample

__all__ = [
    "Attrition",
    "Balance",
    "Effect",
    "EmulatedTrial",
    "MatchedDesign",
    "Propensity",
    "attrition",
    "balance",
    "compare",
    "emulated_trial",
    "match",
    "propensity",
    "running_count",
    "whole_sample",
]
