"""Distance travelled: how scores changed, what of it measurement error or selection would make, and needs met."""

from impact.distance.ancova import Ancova, ancova
from impact.distance.category_change import CategoryChange, category_change
from impact.distance.change import Change, change
from impact.distance.facts import Fact
from impact.distance.fixed_lag import FixedLag, fixed_lag
from impact.distance.instruments import Instrument, instrument, instruments
from impact.distance.missing_bounds import MissingBounds, missing_bounds
from impact.distance.ordinal_trajectory import OrdinalTrajectory, ordinal_trajectory
from impact.distance.pathways import Pathways, pathways
from impact.distance.regression_to_mean import RegressionToMean, regression_to_mean
from impact.distance.reliable import clinical_cutoff
from impact.distance.reliable_change import ReliableChange, reliable_change
from impact.distance.risk_change import RiskChange, risk_change
from impact.distance.scoring import Scored, score_items
from impact.distance.trajectory import Trajectory, trajectory
from impact.distance.unpaired_change import UnpairedChange, unpaired_change

__all__ = [
    "Ancova",
    "CategoryChange",
    "Change",
    "Fact",
    "FixedLag",
    "Instrument",
    "MissingBounds",
    "OrdinalTrajectory",
    "Pathways",
    "RegressionToMean",
    "ReliableChange",
    "RiskChange",
    "Scored",
    "Trajectory",
    "UnpairedChange",
    "ancova",
    "category_change",
    "change",
    "clinical_cutoff",
    "fixed_lag",
    "instrument",
    "instruments",
    "missing_bounds",
    "ordinal_trajectory",
    "pathways",
    "regression_to_mean",
    "reliable_change",
    "risk_change",
    "score_items",
    "trajectory",
    "unpaired_change",
]
