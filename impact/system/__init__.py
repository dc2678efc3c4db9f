"""Beyond one programme: who uses several services."""

from impact.system.overlap import Overlap, overlap

__all__ = ["Overlap", "overlap"]
