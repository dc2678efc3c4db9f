"""Survival to reoffence."""

from impact.survival.cox import cox
from impact.survival.cumulative_incidence import cumulative_incidence
from impact.survival.fine_gray import fine_gray
from impact.survival.gray_test import gray_test
from impact.survival.hazard import hazard
from impact.survival.kaplan_meier import kaplan_meier
from impact.survival.logrank import logrank
from impact.survival.mean_cumulative import mean_cumulative
from impact.survival.nelson_aalen import nelson_aalen
from impact.survival.parametric import parametric
from impact.survival.piecewise_hazard import piecewise_hazard
from impact.survival.recurrent import recurrent
from impact.survival.reoffending_rate import reoffending_rate
from impact.survival.restricted_mean import rmst, rmtl
from impact.survival.split_population import split_population

__all__ = [
    "cox",
    "cumulative_incidence",
    "fine_gray",
    "gray_test",
    "hazard",
    "kaplan_meier",
    "logrank",
    "mean_cumulative",
    "nelson_aalen",
    "parametric",
    "piecewise_hazard",
    "recurrent",
    "reoffending_rate",
    "rmst",
    "rmtl",
    "split_population",
]
