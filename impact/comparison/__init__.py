"""Who is compared with whom, how alike they are, and what the difference is."""

from impact.comparison.attrition import Attrition, attrition
from impact.comparison.balance import Balance, balance
from impact.comparison.designs import MatchedDesign, WeightedDesign
from impact.comparison.effects import Effect, compare
from impact.comparison.match import match
from impact.comparison.propensity import Propensity, propensity
from impact.comparison.weight import weight
from impact.comparison.whole import whole_sample

__all__ = [
    "Attrition",
    "Balance",
    "Effect",
    "MatchedDesign",
    "Propensity",
    "WeightedDesign",
    "attrition",
    "balance",
    "compare",
    "match",
    "propensity",
    "weight",
    "whole_sample",
]
