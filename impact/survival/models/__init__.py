"""Fitted models, and what they return."""
