"""Beyond one programme and one method: who uses several services, and how soon needs are met."""

from impact.system.needs_met import needs_met
from impact.system.overlap import Overlap, overlap

__all__ = ["Overlap", "needs_met", "overlap"]
