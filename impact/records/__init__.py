"""Linked records: the contract of the tables, the store that keeps it, and the dictionary printed from it."""

from impact.records.dictionary import data_dictionary
from impact.records.linked import Linked
from impact.records.returns import ReturnCheck, check_return
from impact.records.store import read_linked
from impact.records.tables import TABLES

__all__ = ["TABLES", "Linked", "ReturnCheck", "check_return", "data_dictionary", "read_linked"]
