"""Distance travelled: how scores changed, and which needs were met."""

from impact.distance.change import Change, change
from impact.distance.pathways import Pathways, pathways
from impact.distance.risk_change import RiskChange, risk_change

__all__ = ["Change", "Pathways", "RiskChange", "change", "pathways", "risk_change"]
