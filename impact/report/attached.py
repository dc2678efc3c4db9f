"""Files beside a chapter: what is too long to be read in it, with its exhibits by the numbers they have there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from impact.errors import ReportError
from impact.records.safecsv import to_csv
from impact.report.document import ATTACHED, Document
from impact.report.exhibits import Block


def attached_names(stem: str, blocks: Sequence[Block]) -> list[str]:
    """The names of the files beside a chapter.

    Examples
    --------
    >>> attached_names("pops", [{"kind": "attachment", "key": "pops-items", "name": "reporting"}])
    ['pops_reporting.csv']
    """
    return [f"{stem}_{block['name']}.csv" for block in blocks if block["kind"] == ATTACHED]


def attached_files(stem: str, blocks: Sequence[Block], document: Document) -> Mapping[str, bytes]:
    """The files beside a chapter, by name.

    Parameters
    ----------
    stem : str
        The chapter's name.
    blocks : sequence of Block
        Of the chapter.
    document : Document
        The chapter alone: its numbers take the place of keys.

    Raises
    ------
    ReportError
        Where two files would have the same name.
    """
    names = attached_names(stem, blocks)
    if len(set(names)) < len(names):
        raise ReportError(f"Two files beside the chapter {stem} have the same name.")
    held = [block for block in blocks if block["kind"] == ATTACHED]
    return {name: _content(block, document) for name, block in zip(names, held, strict=True)}


def _content(block: Block, document: Document) -> bytes:
    rows = [[document.plain(cell) for cell in row] for row in block["rows"]]
    return to_csv(pd.DataFrame(rows, columns=block["columns"], dtype=object)).encode("utf-8")
