"""Survival to reoffence."""

from impact.survival.cox import cox
from impact.survival.curves import kaplan_meier

__all__ = ["cox", "kaplan_meier"]
