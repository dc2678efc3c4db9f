"""The parts of an .xlsx archive: which may be opened, how they belong together, and what hides beside the cells.

Nothing is unpacked to disk, followed, run or evaluated. Part names and relationships are those of ECMA-376, part 2.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn
from xml.parsers import expat

from impact.records.returns.rules import Found
from impact.records.returns.sheets import DamagedError, TooLargeError

LARGEST = 128 << 20
LARGEST_RATIO = 200
MOST_PARTS = 1_000
MARKER = "impact check"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_CHUNK = 1 << 18
_SMALL = 4 << 20
_LONGEST_TAG = 1 << 20
_TRICK = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:|\\")
_AUTHOR = re.compile(rb"<(?:\w+:)?author>([^<]*)<")
_COMMENTS = re.compile(r"comments/?[^/]*\.xml$")
_AROUND = (
    ("macros", r"vbaproject|xl/macrosheets/", {"vbaproject", "xlmacrosheet", "xlintlmacrosheet"}),
    ("external-links", r"xl/externallinks/|xl/connections\.xml|xl/querytables/", {"connections", "querytable"}),
    ("embedded-files", r"xl/embeddings/|xl/activex/", {"oleobject", "package", "control"}),
    ("pictures", r"xl/media/", {"image"}),
)

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """What one part is to another: `kind` and `target` in small letters, the target empty where it lies outside."""

    link: str
    kind: str
    target: str


@contextmanager
def damage() -> Iterator[None]:
    """What a damaged archive or part brings about, as the one error that says so."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, NotImplementedError, ValueError) as error:
        raise DamagedError from error


class Archive:
    """An archive whose parts are known by name, whatever the case of its letters, each of them once.

    Raises
    ------
    DamagedError, TooLargeError
        It cannot be opened, or holds more than it should.
    """

    def __init__(self, content: bytes) -> None:
        with damage():
            self._held = zipfile.ZipFile(io.BytesIO(content))
        parts = self._held.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST:
            raise TooLargeError
        if any(p.file_size > _SMALL and p.file_size > LARGEST_RATIO * max(p.compress_size, 1) for p in parts):
            raise TooLargeError
        self.names = [part.filename for part in parts]
        self.locked = any(part.flag_bits & 1 for part in parts)
        self._parts = {part.filename.lower(): part for part in parts}
        if len(self._parts) < len(parts):
            raise DamagedError
        if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
            raise DamagedError

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a part, piece by piece."""
        if name not in self._parts:
            raise DamagedError
        with damage(), self._held.open(self._parts[name]) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def relations(self, name: str) -> list[Relation]:
        """What other parts are to this one; to the whole archive where the name is empty."""
        folder, base = posixpath.split(name)
        part = posixpath.join(folder, "_rels", f"{base}.rels")
        return _relations(self, part, folder) if part in self else []


def trick(archive: Archive) -> bool:
    """Whether a part's name would land outside the folder that the archive is unpacked to."""
    return any(_TRICK.search(name) for name in archive.names)


def refuse_definitions(archive: Archive) -> None:
    """Refuse an archive in which any part defines entities: it could grow without bound in whatever reads it."""
    for name in archive.names:
        if re.search(r"\.(xml|rels|vml)$", name.lower()):
            parser = expat.ParserCreate()
            parser.StartDoctypeDeclHandler = _refused
            parser.StartElementHandler = _begun
            with suppress(_BegunError, expat.ExpatError):
                _feed(archive, name.lower(), parser)


class _BegunError(Exception):
    """The first element of a part: no definition can come after it."""


def _begun(*_: object) -> NoReturn:
    raise _BegunError


def _refused(*_: object) -> NoReturn:
    raise DamagedError


def around(archive: Archive) -> list[Found]:
    """Findings of what an archive holds beside cells, by the names of its parts and by what they are to others."""
    names = [name.lower() for name in archive.names]
    rels = [name for name in names if name.endswith(".rels")]
    relations = [one for name in rels for one in _relations(archive, name, posixpath.dirname(posixpath.dirname(name)))]
    kinds = {one.kind for one in relations}
    outside = {"external-links"} if any(not one.target and one.kind != "hyperlink" for one in relations) else set()
    found = [
        Found(rule)
        for rule, pattern, of_kind in _AROUND
        if rule in outside or kinds & of_kind or any(re.search(pattern, name) for name in names)
    ]
    told = {one.target for one in relations if one.kind in ("comments", "threadedcomment")} & set(names)
    remarks = sorted(told | {name for name in names if _COMMENTS.search(name)})
    return [*found, Found("comments")] if any(not _own(archive, name) for name in remarks) else found


def _own(archive: Archive, name: str) -> bool:
    """Whether the comments of a part are all such as the check writes itself."""
    return _AUTHOR.findall(next(archive.chunks(name), b"")) == [MARKER.encode()]


def _relations(archive: Archive, part: str, folder: str) -> list[Relation]:
    held: list[Relation] = []

    def link(attributes: Attributes) -> None:
        target = ""
        if attributes.get("TargetMode", "").lower() != "external":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
        kind = attributes.get("Type", "").rpartition("/")[2]
        held.append(Relation(attributes.get("Id", ""), kind.lower(), target.lower()))

    parse(archive, part, [RELATIONSHIPS], {"Relationship": link})
    return held


def parse(
    archive: Archive,
    name: str,
    namespaces: Iterable[str],
    starts: Mapping[str, Callable[[Attributes], None]],
    ends: Mapping[str, Callable[[], None]] | None = None,
    data: Callable[[str], None] | None = None,
) -> None:
    """Run over one part: what to do where elements of these namespaces start and end, by their names, and with text.

    Raises
    ------
    DamagedError
        The part is not there, not well formed, or has definitions of its own.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    start = _Known(_no_start, {f"{space} {tag}": do for space in namespaces for tag, do in starts.items()})
    end = _Known(_no_end, {f"{space} {tag}": do for space in namespaces for tag, do in (ends or {}).items()})
    parser.StartDoctypeDeclHandler = _refused
    parser.StartElementHandler = lambda tag, attributes: start[tag](attributes)
    if ends is not None:
        parser.EndElementHandler = lambda tag: end[tag]()
    if data is not None:
        parser.CharacterDataHandler = data
    with damage():
        _feed(archive, name, parser)


class _Known(dict[str, Any]):
    """What to do at each element; at one of those not known, nothing."""

    def __init__(self, otherwise: Callable[..., None], known: Mapping[str, Callable[..., None]]) -> None:
        super().__init__(known)
        self._otherwise = otherwise

    def __missing__(self, _: str) -> Callable[..., None]:
        return self._otherwise


def _no_start(_: Attributes) -> None:
    pass


def _no_end() -> None:
    pass


def _feed(archive: Archive, name: str, parser: expat.XMLParserType) -> None:
    """Hand a part to a parser; a tag so long that reading it piece by piece would take for ever is refused."""
    fed = 0
    for chunk in archive.chunks(name):
        parser.Parse(chunk)
        fed += len(chunk)
        if fed - parser.CurrentByteIndex > _LONGEST_TAG:
            raise DamagedError
    parser.Parse(b"", True)
