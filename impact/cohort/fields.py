"""The reader of definition files, handed on from the floor below to the rooms that define programmes and rules."""

from impact.records.fields import Fields, read_definition

__all__ = ["Fields", "read_definition"]
