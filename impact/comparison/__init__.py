"""Who is compared with whom, how alike they are, and what the difference is."""

from impact.comparison.attrition import Attrition, attrition
from impact.comparison.balance import Balance, balance
from impact.comparison.designs import MatchedDesign
from impact.comparison.effects import Effect, compare
from impact.comparison.match import match
from impact.comparison.propensity import Propensity, propensity
from impact.comparison.whole import whole_sample

__all__ = [
    "Attrition",
    "Balance",
    "Effect",
    "MatchedDesign",
    "Propensity",
    "attrition",
    "balance",
    "compare",
    "match",
    "propensity",
    "whole_sample",
]
