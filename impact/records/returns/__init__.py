"""Returns of the programmes: their check, by rules held as data."""

from impact.records.returns.check import ReturnCheck, check_return

__all__ = ["ReturnCheck", "check_return"]
