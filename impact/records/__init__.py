"""Linked records: the contract of the tables, the store that keeps it, and the dictionary printed from it."""

from impact.records.building.areas import area_table, crimes_by_area
from impact.records.building.store import BuiltStore, build_store
from impact.records.dictionary import data_dictionary
from impact.records.linkage.bloom import encode
from impact.records.linkage.link import link
from impact.records.linkage.links import Links
from impact.records.linkage.pseudonyms import pseudonymise
from impact.records.linkage.uncertainty import impute_links, link_sensitivity
from impact.records.linked import Linked
from impact.records.returns import (
    Counts,
    ReturnCheck,
    SubmissionStatus,
    check_return,
    counts,
    submission_status,
    write_template,
)
from impact.records.store import read_linked
from impact.records.tables import TABLES

__all__ = [
    "TABLES",
    "BuiltStore",
    "Counts",
    "Linked",
    "Links",
    "ReturnCheck",
    "SubmissionStatus",
    "area_table",
    "build_store",
    "check_return",
    "counts",
    "crimes_by_area",
    "data_dictionary",
    "encode",
    "impute_links",
    "link",
    "link_sensitivity",
    "pseudonymise",
    "read_linked",
    "submission_status",
    "write_template",
]
