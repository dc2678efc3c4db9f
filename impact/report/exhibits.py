"""The things of a report: tables, figures and statements, each carrying every number that it shows, and files beside.

An exhibit shows itself in Jupyter, and puts beside what is seen a JSON block (`MIME`) from which the documents are made
and which checked notebooks compare. In words (`text`, captions, notes) another exhibit is named by ``@key``.
"""

from __future__ import annotations

import base64
import html
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Canvas

from impact.errors import Fault
from impact.report import style
from impact.report.naming import (
    Numbers,
    key_faults,
    keys_in_brackets,
    number_faults,
    refuse,
    true_minus,
    with_words,
)

MIME = "application/vnd.impact.exhibit+json"
NUMERIC = re.compile(r"^[−+<>≤≥£–—]?\s*£?\d.*$|^[–—]$|^$")

Block = dict[str, Any]
Bundle = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Table:
    """A table whose cells are already the strings to show.

    Parameters
    ----------
    key : str
        Its name in the whole report: small letters, digits, hyphens and underscores (``"pops-flow"``).
    caption : str
        What it shows, in one line.
    frame : DataFrame
        Strings only; the first column is the header of each row; the index is not shown.
    note : str
        A line of Markdown beneath it.

    Attributes
    ----------
    numbers : mapping
        Row label to column to what is shown; and the numbers in the caption and the note.

    Raises
    ------
    ReportError
        With every fault: a key or caption that cannot be used, a cell that is not a string, a column twice.

    Examples
    --------
    >>> flow = Table("pops-flow", "From referral to analysis", pd.DataFrame({"Step": ["Referred"], "People": ["60"]}))
    >>> flow.numbers
    {'Referred': {'People': '60'}}
    """

    key: str
    caption: str
    frame: pd.DataFrame = field(repr=False)
    note: str = ""
    numbers: Numbers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        frame = self.frame.reset_index(drop=True)
        frame.columns = pd.Index([str(column) for column in frame.columns])
        faults = key_faults(self.key, caption=self.caption)
        if not frame.shape[1]:
            faults.append(Fault("has no columns", table=self.key))
        for name in frame.columns[frame.columns.duplicated()].unique():
            faults.append(Fault("stands twice", table=self.key, column=name, remedy="name each column differently."))
        for place, name in enumerate(frame.columns):
            if not all(isinstance(cell, str) for cell in frame.iloc[:, place]):
                faults.append(
                    Fault("has cells that are not text", table=self.key, column=name, remedy="format each cell first.")
                )
        refuse(faults)
        object.__setattr__(self, "frame", frame.map(true_minus))
        _mend(self, "caption", "note")
        shown: dict[str, Mapping[str, str]] = {}
        for row in self.rows:
            label, copies = row[0], 1
            while label in shown:
                copies += 1
                label = f"{row[0]} ({copies})"
            shown[label] = dict(zip(self.columns[1:], row[1:], strict=True))
        object.__setattr__(self, "numbers", with_words(shown, caption=self.caption, note=self.note))

    @property
    def columns(self) -> list[str]:
        """Column headers, the row header's first."""
        return list(self.frame.columns)

    @property
    def rows(self) -> list[list[str]]:
        """Cells by row, the row's header first."""
        return [list(row) for row in self.frame.itertuples(index=False, name=None)]

    def _ipython_display_(self) -> None:
        show([self])


@dataclass(frozen=True, eq=False)
class Figure:
    """A drawn figure; made by `Figure.of`.

    Attributes
    ----------
    key, caption : str
        As for a Table.
    alt : str
        What the figure says, in words, for who cannot see it: the finding, not "a bar chart".
    png : bytes
        The picture.
    numbers : mapping
        Series or row to label to the number drawn; and the numbers in the caption and the alternative text.
    """

    key: str
    caption: str
    alt: str
    png: bytes = field(repr=False)
    numbers: Numbers = field(repr=False)

    def __post_init__(self) -> None:
        faults = key_faults(self.key, caption=self.caption, **{"alternative text": self.alt})
        if not any(self.numbers.values()):
            faults.append(Fault("has no numbers", table=self.key, remedy="give the numbers that are drawn."))
        refuse([*faults, *number_faults(self.key, self.numbers)])
        _mend(self, "caption", "alt")
        object.__setattr__(self, "numbers", with_words(self.numbers, caption=self.caption, alt=self.alt))

    @classmethod
    def of(cls, key: str, caption: str, alt: str, figure: Canvas, numbers: Numbers) -> Figure:
        """The exhibit of a matplotlib figure, which is drawn now and closed.

        Raises
        ------
        ReportError
            Where key, caption, alternative text or numbers are missing or cannot be used.
        """
        made = cls(key, caption, alt, style.png(figure), numbers)
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close(figure)
        return made

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        width, height = (int.from_bytes(self.png[at : at + 4], "big") for at in (16, 20))
        return width / style.DPI, height / style.DPI

    def _ipython_display_(self) -> None:
        show([self])


@dataclass(frozen=True, eq=False)
class Statement:
    """Prose in Markdown: sentences, lists, quotations. `numbers` names the numbers that matter; the others are found.

    Examples
    --------
    >>> Statement("pops-said", "Of 60 referred, 54 began (see @pops-flow).").numbers
    {'(text)': {'number 1': '60', 'number 2': '54'}}
    """

    key: str
    text: str
    numbers: Numbers = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        refuse([*key_faults(self.key, text=self.text), *number_faults(self.key, self.numbers)])
        _mend(self, "text")
        object.__setattr__(self, "numbers", with_words(self.numbers, text=self.text))

    def _ipython_display_(self) -> None:
        show([self])


@dataclass(frozen=True, eq=False)
class Attachment:
    """A table too long for a chapter, written beside it as a CSV file: ``CHAPTER_NAME.csv``.

    Cells may name exhibits by ``@key``, as the text of a chapter does; the file has their numbers.

    Parameters
    ----------
    key : str
        As for a Table.
    name : str
        The end of the file's name: small letters.
    frame : DataFrame
        Strings only.

    Raises
    ------
    ReportError
        With every fault, as a Table.
    """

    key: str
    name: str
    frame: pd.DataFrame = field(repr=False)
    numbers: Numbers = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        faults = key_faults(self.key)
        if not re.fullmatch(r"[a-z]+", self.name):
            faults.append(Fault("has a name that is not small letters", table=self.key))
        if not all(isinstance(cell, str) for row in self.frame.to_numpy().tolist() for cell in row):
            faults.append(Fault("has cells that are not text", table=self.key, remedy="format each cell first."))
        refuse(faults)

    def _ipython_display_(self) -> None:
        show([self])


Exhibit = Table | Figure | Statement | Attachment


@dataclass(frozen=True, eq=False)
class Section:
    """Exhibits in their order, under a heading where `title` is given (of `level` 2: a section of a chapter)."""

    title: str
    exhibits: tuple[Exhibit, ...]
    level: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "exhibits", tuple(self.exhibits))

    @property
    def numbers(self) -> dict[str, Numbers]:
        """Every number of the section, by exhibit."""
        return {exhibit.key: exhibit.numbers for exhibit in self.exhibits}

    def blocks(self) -> list[Block]:
        """The section as the documents read it."""
        heading = [{"kind": "heading", "level": self.level, "text": self.title}] if self.title else []
        return [*heading, *(to_block(exhibit) for exhibit in self.exhibits)]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if self.title:
            heading = {"kind": "heading", "level": self.level, "text": self.title}
            text = f"{'#' * self.level} {self.title}"
            display({MIME: heading, "text/markdown": text, "text/plain": text}, raw=True)
        show(self.exhibits)


def show(exhibits: Iterable[Exhibit]) -> None:
    """Display exhibits in Jupyter, one output each; a figure's caption is an output of its own."""
    from IPython.display import display

    for exhibit in exhibits:
        for data, metadata in bundles(exhibit):
            display(data, metadata=metadata, raw=True)


def bundles(exhibit: Exhibit) -> list[tuple[Bundle, Bundle]]:
    """The outputs of an exhibit as Jupyter takes them: (data by MIME type, metadata)."""
    block = to_block(exhibit)
    picture = block.pop("png", None)
    data: Bundle = {MIME: block, "text/plain": plain(exhibit)}
    if isinstance(exhibit, Table):
        return [({**data, "text/html": table_html(block)}, {})]
    if isinstance(exhibit, Attachment):
        return [(data, {})]
    if isinstance(exhibit, Statement):
        return [({**data, "text/markdown": keys_in_brackets(exhibit.text)}, {})]
    width, height = (round(96 * inches) for inches in exhibit.size)
    sizes = {"image/png": {"width": width, "height": height, "alt": exhibit.alt}}
    caption = f"*[{exhibit.key}] {keys_in_brackets(exhibit.caption)}*"
    beneath = {MIME: {"kind": "caption", "key": exhibit.key}, "text/markdown": caption, "text/plain": caption}
    return [({**data, "image/png": picture}, sizes), (beneath, {})]


def to_block(exhibit: Exhibit) -> Block:
    """An exhibit as plain data (strings, lists, dicts): what is cached and what documents are made of."""
    numbers = {row: dict(cells) for row, cells in exhibit.numbers.items()}
    if isinstance(exhibit, Table):
        words = {"caption": exhibit.caption, "note": exhibit.note, "columns": exhibit.columns, "rows": exhibit.rows}
        return {"kind": "table", "key": exhibit.key, **words, "numbers": numbers}
    if isinstance(exhibit, Attachment):
        rows = [list(row) for row in exhibit.frame.itertuples(index=False, name=None)]
        columns = list(map(str, exhibit.frame.columns))
        return {"kind": "attachment", "key": exhibit.key, "name": exhibit.name, "columns": columns, "rows": rows}
    if isinstance(exhibit, Statement):
        return {"kind": "statement", "key": exhibit.key, "text": exhibit.text, "numbers": numbers}
    words = {"caption": exhibit.caption, "alt": exhibit.alt}
    picture = base64.b64encode(exhibit.png).decode("ascii")
    return {"kind": "figure", "key": exhibit.key, **words, "numbers": numbers, "png": picture}


def from_block(block: Mapping[str, Any]) -> Exhibit:
    """The exhibit that `to_block` wrote."""
    if block["kind"] == "table":
        frame = pd.DataFrame(block["rows"], columns=block["columns"], dtype=object)
        return Table(block["key"], block["caption"], frame, block["note"])
    if block["kind"] == "attachment":
        return Attachment(
            block["key"], block["name"], pd.DataFrame(block["rows"], columns=block["columns"], dtype=object)
        )
    if block["kind"] == "statement":
        return Statement(block["key"], block["text"], block["numbers"])
    png = base64.b64decode(block["png"])
    return Figure(block["key"], block["caption"], block["alt"], png, block["numbers"])


def read_output(data: Mapping[str, Any]) -> Block | None:
    """The block in one output of a notebook (its data by MIME type); None where it is not an exhibit's."""
    if MIME not in data or data[MIME]["kind"] == "caption":
        return None
    block = dict(data[MIME])
    if block["kind"] == "figure":
        block["png"] = "".join(data["image/png"].split())
    return block


def numeric_columns(block: Mapping[str, Any]) -> list[bool]:
    """For each column of a table's block, whether it holds numbers (and is set to the right)."""
    cells = list(zip(*block["rows"], strict=True)) or [()] * len(block["columns"])
    return [bool(place and any(column) and all(map(NUMERIC.match, column))) for place, column in enumerate(cells)]


def table_html(block: Mapping[str, Any]) -> str:
    """A table's block as HTML with a caption and scoped headers, as Jupyter shows it."""
    sides = ["right" if numeric else "left" for numeric in numeric_columns(block)]

    def cell(tag: str, text: str, side: str, scope: str = "") -> str:
        attribute = f' scope="{scope}"' if scope else ""
        return f'<{tag}{attribute} style="text-align: {side}">{html.escape(keys_in_brackets(text))}</{tag}>'

    head = "".join(cell("th", text, side, "col") for text, side in zip(block["columns"], sides, strict=True))
    body = []
    for row in block["rows"]:
        rest = "".join(cell("td", text, side) for text, side in zip(row[1:], sides[1:], strict=True))
        body.append(f"<tr>{cell('th', row[0], 'left', 'row')}{rest}</tr>")
    caption = html.escape(f"[{block['key']}] {keys_in_brackets(block['caption'])}")
    note = f"\n<p><small>{html.escape(keys_in_brackets(block['note']))}</small></p>" if block["note"] else ""
    return (
        f'<table>\n<caption style="text-align: left"><em>{caption}</em></caption>\n<thead><tr>{head}</tr></thead>\n'
        "<tbody>\n" + "\n".join(body) + f"\n</tbody>\n</table>{note}"
    )


def plain(exhibit: Exhibit) -> str:
    """An exhibit as text, columns aligned."""
    if isinstance(exhibit, Statement):
        return keys_in_brackets(exhibit.text)
    if isinstance(exhibit, Attachment):
        return f"[{exhibit.key}] A file beside the chapter; rows: {len(exhibit.frame):,}."
    head = f"[{exhibit.key}] {keys_in_brackets(exhibit.caption)}"
    if isinstance(exhibit, Figure):
        return f"{head}\n{exhibit.alt}"
    numeric = numeric_columns(to_block(exhibit))
    lines = [exhibit.columns, *exhibit.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(exhibit.columns))]
    text = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([head, *text, *([keys_in_brackets(exhibit.note)] if exhibit.note else [])])


def _mend(exhibit: Exhibit, *parts: str) -> None:
    for part in parts:
        object.__setattr__(exhibit, part, true_minus(getattr(exhibit, part)))
