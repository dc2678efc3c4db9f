"""One document from the chapters' blocks: numbered, cross-referenced and checked, before any format is written.

Prose becomes one Markdown text, which pandoc reads once; exhibits keep their places in it as marks until a format
(`html`, `docx`, `pdf`) puts them there in its own way.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pypandoc

from impact.errors import Fault, ReportError
from impact.report.exhibits import Block
from impact.report.naming import REFERENCE, true_minus

READER = "commonmark_x-raw_html-raw_attribute-yaml_metadata_block-emoji-gfm_auto_identifiers"
EPOCH = 1_577_836_800
"""The only date in any document: 1 January 2020, so that the same content is the same bytes."""
LABELS = {"table": "Table", "figure": "Figure"}
ATTACHED = "attachment"
"""The kind of a block that is written beside the document, and is no part of it."""

Node = dict[str, Any]


@dataclass(frozen=True)
class Chapter:
    """What goes into a document: a name (a key that can be referred to) and blocks; one of them has the title."""

    name: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Target:
    """Something that can be referred to: what it is called, where it stands."""

    label: str
    anchor: str
    chapter: str


@dataclass(frozen=True)
class Heading:
    """A numbered heading; level 1 is a chapter's."""

    level: int
    number: str
    text: str
    anchor: str


@dataclass(frozen=True)
class Part:
    """A numbered chapter: its headings, its content as pandoc's tree, and its numbered exhibits by key."""

    name: str
    nodes: list[Node] = field(repr=False)
    headings: tuple[Heading, ...]
    exhibits: Mapping[str, Block] = field(repr=False)

    @property
    def title(self) -> str:
        """The chapter's title, without its number."""
        return self.headings[0].text


@dataclass(frozen=True)
class Document:
    """A report, or one chapter of it, ready to be written in any format.

    Attributes
    ----------
    title, subtitle, banner : str
        Shown first; the banner stands on every page too.
    parts : tuple of Part
        The chapters.
    targets : mapping
        Everything that can be referred to in the whole report.
    """

    title: str
    subtitle: str
    banner: str
    parts: tuple[Part, ...]
    targets: Mapping[str, Target] = field(repr=False)

    def chapter(self, name: str) -> Document:
        """One chapter alone, with the numbers that it has in the whole."""
        part = next(part for part in self.parts if part.name == name)
        return replace(self, title=part.title, subtitle=self.title, parts=(part,))

    def exhibits(self, kind: str) -> list[tuple[str, str, str]]:
        """Label, caption and anchor of each table or figure, in order."""
        found = [block for part in self.parts for block in part.exhibits.values() if block["kind"] == kind]
        return [(self.targets[b["key"]].label, self.plain(b["caption"]), self.targets[b["key"]].anchor) for b in found]

    def caption(self, block: Block) -> str:
        """``Table 2.1: …``, as plain text."""
        return f"{self.targets[block['key']].label}: {self.plain(block['caption'])}"

    def plain(self, text: str) -> str:
        """Text with each reference in words."""
        return REFERENCE.sub(lambda found: self._named(found.group(1)), text)

    def nodes(self, part: Part, place: Callable[[Block], list[Node]], *, shift: int = 0) -> list[Node]:
        """A chapter's content with exhibits put in by `place`, references as links and headings `shift` levels down."""

        def inline(node: Node) -> list[Node]:
            return self._linked(node["c"]) if node["t"] == "Str" else [node]

        def block(node: Node) -> list[Node]:
            key = _mark(node)
            if key is not None:
                return place(part.exhibits[key])
            if node["t"] == "Header" and shift:
                level, attributes, words = node["c"]
                return [{"t": "Header", "c": [level + shift, attributes, words]}]
            return [node]

        return mapped(part.nodes, lambda node: [made for first in inline(node) for made in block(first)])

    def _named(self, key: str) -> str:
        target = self.targets[key]
        here = {part.name for part in self.parts}
        return target.label if target.chapter in here else f"{target.label} of the annual report"

    def _linked(self, text: str) -> list[Node]:
        nodes: list[Node] = []
        here = {part.name for part in self.parts}
        for place, piece in enumerate(REFERENCE.split(text)):
            if place % 2:
                words = spaced(self._named(piece), "\u00a0")
                target = self.targets[piece]
                nodes += [link(words, target.anchor)] if target.chapter in here else words
            elif piece:
                nodes.append(string(piece))
        return nodes


def assemble(chapters: Sequence[Chapter], *, title: str, subtitle: str = "", banner: str = "") -> Document:
    """Number and check a report.

    Parameters
    ----------
    chapters : sequence of Chapter
        In order. Each has one heading of level 1, before anything else.
    title, subtitle, banner : str
        Plain text.

    Raises
    ------
    ReportError
        With every fault: a key used twice, a reference to nothing, a figure without alternative text, a chapter
        without a title or with two, a heading that skips a level.
    """
    faults: list[Fault] = []
    targets: dict[str, Target] = {}
    parts: list[Part] = []
    for number, (chapter, nodes) in enumerate(zip(chapters, _read(chapters), strict=True), start=1):
        exhibits = {block["key"]: block for block in chapter.blocks if block["kind"] in LABELS}
        headings, sections = _number(chapter, number, nodes, faults)
        _add(targets, chapter.name, Target(f"chapter {number}", f"chapter-{chapter.name}", chapter.name), faults)
        counts = dict.fromkeys(LABELS, 0)
        for block in (block for block in chapter.blocks if "key" in block):
            key, kind = block["key"], block["kind"]
            if kind == ATTACHED:
                continue
            label = sections.get(key, f"chapter {number}")
            if kind in LABELS:
                counts[kind] += 1
                label = f"{LABELS[kind]} {number}.{counts[kind]}"
            if kind == "figure" and not str(block.get("alt", "")).strip():
                faults.append(Fault("has no alternative text", table=key, remedy="say in words what the figure shows."))
            _add(targets, key, Target(label, f"exhibit-{key}", chapter.name), faults)
        parts.append(Part(chapter.name, nodes, headings, exhibits))
    for chapter, part in zip(chapters, parts, strict=True):
        for key in dict.fromkeys(_references(chapter, part)):
            if key not in targets:
                remedy = "mend the key, or add the exhibit."
                faults.append(Fault(f"refers to @{key}, which is nowhere", table=chapter.name, remedy=remedy))
    if not chapters:
        faults.append(Fault("has no chapters"))
    if faults:
        raise ReportError("The report cannot be put together:", faults)
    return Document(true_minus(title), true_minus(subtitle), true_minus(banner), tuple(parts), targets)


def markdown(chapters: Sequence[Chapter]) -> str:
    """All chapters as one Markdown text, a mark in the place of each table and figure."""
    pieces = []
    for chapter in chapters:
        pieces.append(_fenced("", "chapter", chapter.name))
        for block in chapter.blocks:
            kind = block["kind"]
            if kind == "text":
                pieces.append(_own_footnotes(block["text"], chapter.name))
            elif kind == "heading":
                pieces.append(f"{'#' * block['level']} {block['text']}")
            elif kind == ATTACHED:
                continue
            elif kind == "statement":
                pieces.append(_fenced(_own_footnotes(block["text"], block["key"]), "statement", block["key"]))
            else:
                pieces.append(_fenced("", "exhibit", block["key"]))
                if block.get("note"):
                    pieces.append(_fenced(block["note"], "note", block["key"]))
    return "\n\n".join(pieces) + "\n"


def pandoc(content: str | bytes, *arguments: str, folder: Path | None = None) -> bytes:
    """Run the pandoc that came with the package.

    Raises
    ------
    ReportError
        With what pandoc said.
    """
    given = content.encode("utf-8") if isinstance(content, str) else content
    environment = {"SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"}
    command = [pypandoc.get_pandoc_path(), *arguments]
    run = subprocess.run(command, input=given, capture_output=True, cwd=folder, env=environment, check=False)
    if run.returncode:
        raise ReportError(f"pandoc failed: {run.stderr.decode('utf-8', 'replace').strip()}")
    return run.stdout


def tree(nodes: Sequence[Node]) -> str:
    """Nodes as the JSON that pandoc reads."""
    return json.dumps({"pandoc-api-version": [1, 23, 1], "meta": {}, "blocks": list(nodes)}, ensure_ascii=False)


def string(text: str) -> Node:
    """A word."""
    return {"t": "Str", "c": text}


def spaced(text: str, space: str = "") -> list[Node]:
    """Plain text as words; `space` is put between them in place of a space that may break."""
    if space:
        return [string(text.replace(" ", space))]
    nodes: list[Node] = []
    for word in text.split():
        nodes += [{"t": "Space"}, string(word)] if nodes else [string(word)]
    return nodes


def link(words: list[Node], anchor: str) -> Node:
    """A link within the document."""
    return {"t": "Link", "c": [["", [], []], words, [f"#{anchor}", ""]]}


def div(nodes: list[Node], *, anchor: str = "", **attributes: str) -> Node:
    """Blocks that belong together."""
    pairs = [[name.replace("_", "-"), value] for name, value in attributes.items()]
    return {"t": "Div", "c": [[anchor, [], pairs], nodes]}


def raw(form: str, text: str) -> Node:
    """A block already in the words of a format."""
    return {"t": "RawBlock", "c": [form, text]}


def words(node: Any) -> str:
    """The plain text of nodes."""
    if isinstance(node, list):
        return "".join(map(words, node))
    if not isinstance(node, dict):
        return ""
    kind = node["t"]
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("Str", "Code", "Math"):
        return node["c"] if kind == "Str" else str(node["c"][-1])
    if kind == "Quoted":
        marks = "‘’" if node["c"][0]["t"] == "SingleQuote" else "“”"
        return f"{marks[0]}{words(node['c'][1])}{marks[1]}"
    return words([part for part in node.get("c", []) if isinstance(part, list | dict)])


def _own_footnotes(text: str, name: str) -> str:
    """The text with its footnotes' labels made its own, so that two chapters may both have a note 1."""
    return re.sub(r"\[\^([^\]\s]+)\]", rf"[^{name}-\1]", text)


def _fenced(text: str, kind: str, key: str) -> str:
    return f':::::: {{.impact kind="{kind}" key="{key}"}}\n{text}\n::::::'


def _mark(node: Node, kind: str = "exhibit") -> str | None:
    """The key of a mark of this kind."""
    if node["t"] != "Div" or "impact" not in node["c"][0][1]:
        return None
    attributes = dict(node["c"][0][2])
    return attributes["key"] if attributes["kind"] == kind else None


def _read(chapters: Sequence[Chapter]) -> list[list[Node]]:
    """The content of each chapter as pandoc reads it."""
    read = json.loads(pandoc(markdown(chapters), "-f", READER, "-t", "json"))
    whole: list[list[Node]] = []
    for node in read["blocks"]:
        if _mark(node, "chapter") is not None:
            whole.append([])
        else:
            whole[-1].append(node)
    return [mapped(nodes, _minus) for nodes in whole]


def _minus(node: Node) -> list[Node]:
    return [string(true_minus(node["c"]))] if node["t"] == "Str" else [node]


def _number(
    chapter: Chapter, number: int, nodes: list[Node], faults: list[Fault]
) -> tuple[tuple[Heading, ...], dict[str, str]]:
    """Number the headings in place; return them, and the section in which each statement stands."""
    headings: list[Heading] = []
    sections: dict[str, str] = {}
    counts = [number]
    if not nodes or nodes[0]["t"] != "Header" or nodes[0]["c"][0] != 1:
        faults.append(Fault("does not begin with a title", table=chapter.name, remedy="begin with `# Title`."))
    for node in _walk(nodes):
        key = _mark(node, "statement")
        if key is not None:
            place = ".".join(map(str, counts))
            sections[key] = f"section {place}" if len(counts) > 1 else f"chapter {place}"
            node["c"][0] = [f"exhibit-{key}", ["statement"], []]
        elif _mark(node, "note") is not None:
            node["c"][0] = ["", ["note"], [["custom-style", "Note"]]]
        elif node["t"] == "Header":
            level, _, text = node["c"]
            said = words(text)
            if level == 1 and headings:
                faults.append(Fault(f"has a second title, “{said}”", table=chapter.name, remedy="begin it with ##."))
                continue
            if level > len(counts) + 1 or (level > 1 and not headings):
                faults.append(Fault(f"skips a level of heading at “{said}”", table=chapter.name))
                continue
            if level > 1:
                counts[level - 1 :] = [counts[level - 1] + 1 if len(counts) >= level else 1]
            shown = ".".join(map(str, counts))
            anchor = f"chapter-{chapter.name}" if level == 1 else f"section-{shown.replace('.', '-')}"
            headings.append(Heading(level, shown, said, anchor))
            node["c"] = [level, [anchor, [], []], [string(shown), {"t": "Space"}, *text]]
    return tuple(headings), sections


def _references(chapter: Chapter, part: Part) -> Iterator[str]:
    for node in _walk(part.nodes):
        if node["t"] == "Str":
            yield from REFERENCE.findall(node["c"])
    for block in chapter.blocks:
        if block["kind"] in LABELS:
            cells = [cell for row in block.get("rows", []) for cell in row]
            for text in (block["caption"], *block.get("columns", []), *cells):
                yield from REFERENCE.findall(text)


def _add(targets: dict[str, Target], key: str, target: Target, faults: list[Fault]) -> None:
    if key in targets:
        where = " and ".join(dict.fromkeys([targets[key].chapter, target.chapter]))
        remedy = "give each exhibit, and each chapter, a key of its own."
        faults.append(Fault(f"is the key of more than one exhibit or chapter (in {where})", table=key, remedy=remedy))
    targets[key] = target


def _walk(tree: Any) -> Iterator[Node]:
    """Every node, in reading order."""
    if isinstance(tree, list):
        for part in tree:
            yield from _walk(part)
    elif isinstance(tree, dict):
        if "t" in tree:
            yield tree
        yield from _walk(tree.get("c", []))


def mapped(tree: Any, change: Callable[[Node], list[Node]]) -> Any:
    """A copy of the tree, each node replaced by what `change` makes of it, the innermost first."""
    if isinstance(tree, list):
        made: list[Any] = []
        for part in tree:
            if isinstance(part, dict) and "t" in part:
                inner = {**part, "c": mapped(part["c"], change)} if "c" in part else part
                made.extend(change(inner))
            else:
                made.append(mapped(part, change))
        return made
    if isinstance(tree, dict):
        return {name: mapped(part, change) for name, part in tree.items()}
    return tree
