"""Distance travelled: how scores changed, and which needs were met."""

from impact.distance.change import Change, change
from impact.distance.pathways import Pathways, pathways

__all__ = ["Change", "Pathways", "change", "pathways"]
