"""Returns of the programmes: the template, and the check of what comes back, by rules held as data."""

from impact.records.returns.check import ReturnCheck, check_return
from impact.records.returns.template import write_template

__all__ = ["ReturnCheck", "check_return", "write_template"]
