"""A seeded, invented world with known truth."""

from impact.synthetic.simulate import simulate

__all__ = ["simulate"]
