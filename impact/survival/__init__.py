"""Survival to reoffence."""

from impact.survival.cox import cox
from impact.survival.kaplan_meier import kaplan_meier
from impact.survival.reoffending_rate import reoffending_rate

__all__ = ["cox", "kaplan_meier", "reoffending_rate"]
