"""Reading an author's prose: Markdown to sentences, and the figures in them, words for numbers included."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_DROPPED = re.compile(r"```.*?```|~~~.*?~~~|<!--.*?-->|!\[[^\]]*\]\([^)]*\)|`[^`]*`|<[^>\n]{1,200}>", re.S)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARK = re.compile(r"[*_#~]{1,3}(?=\S)|(?<=\S)[*_~]{1,3}")
_QUOTED = re.compile(r"“[^”]{0,400}”|\"[^\"\n]{0,400}\"")
_BULLET = re.compile(r"^\s*([-*+]|\d+[.)])\s+")
_END = re.compile(r"(?<=[.!?…:;])\s+(?=[^\sa-z])")
_FIGURE = re.compile(
    r"(?P<sign>[−-])?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*"
    r"(?P<unit>%|per\s?cent\b|percentage\s+points?\b|(?:in|of|out of)\s+(?:every|each|the)?\s*(?:100|hundred)\b)",
    re.I,
)
_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_UNITS = _ONES + _TEENS
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORD_NUMBER = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})(?:[\s-](?P<ones>{'|'.join(_ONES)}))?|(?P<small>{'|'.join(_UNITS)}))"
    r"(?=\s+(?:per\s?cent|percentage\s+points?|(?:in|of|out of)\s+(?:every|each|the)?\s*(?:100|hundred))\b)",
    re.I,
)
_SHARE_WORDS = re.compile(
    r"\b(half|halved|doubled|trebled|tripled|most (?:of|people|participants)|the majority"
    rf"|(?:a|{'|'.join(_ONES)})[\s-](?:third|quarter|fifth|sixth|seventh|eighth|ninth|tenth)s?"
    rf"|(?:\d+|{'|'.join(_UNITS)})\s(?:in|out\sof)\s(?:every\s)?(?:\d{{1,2}}|{'|'.join((*_UNITS, *_TENS))}))"
    r"\b(?![\d,.]*\d)",
    re.I,
)
_LARGE_WORDS = re.compile(
    r"\b(?:zero|nil|nought|(?:(?:a|\w+)\s)?(?:hundred|thousand)(?:\sand\s[\w-]+)?|\w+\spoint\s\w+)"
    r"\s+(?:per\s?cent|percentage\s+points?)\b",
    re.I,
)
_OTHER_SIGNS = re.compile(r"[\d.,٫٬]*\s?[٪‰‱]|\d[\d.,]*\s?ppt?s?\b", re.I)
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with a unit: its value, its decimals and text as written, and whether the unit is per cent."""

    value: float
    decimals: int
    percentage: bool
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, the line on which its paragraph begins, the sentence before it there, and why it was not read."""

    line: int
    text: str
    before: str = ""
    unread: str = ""


def sentences(markdown: str) -> Iterator[Sentence]:
    """The author's sentences: without code, quotations, tables, figures and block quotes.

    Examples
    --------
    >>> [s.text for s in sentences("# Head\\n\\nIt *fell*. `x = 1` > a\\n\\n> A story. It worked.\\n| 1 | 2 |")]
    ['Head', 'It fell.', '> a']
    """
    text = unicodedata.normalize("NFKC", markdown).replace("\r\n", "\n").replace("\r", "\n")
    text = _DROPPED.sub(lambda found: " " + "\n" * found[0].count("\n"), text)
    for line, paragraph in _paragraphs(text):
        plain = _MARK.sub("", _QUOTED.sub("“…”", _LINK.sub(r"\1", paragraph)))
        before = ""
        for piece in filter(None, _END.split(" ".join(plain.split()))):
            yield Sentence(line, piece[:LONGEST], before, _unread(piece))
            before = piece[:LONGEST]


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs, list items and headings with the number of their first line."""
    held: list[str] = []
    began = 0
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip()
        skipped = bare.startswith((">", "|", "$$")) or set(bare) <= set("-=_*| ")
        starts = bool(_BULLET.match(line)) or bare.startswith("#")
        if held and (skipped or starts or not bare or held[0].startswith("#")):
            yield began, " ".join(held).lstrip("# ")
            held = []
        if bare and not skipped:
            began = began if held else number
            held.append(_BULLET.sub("", line).strip())
    if held:
        yield began, " ".join(held).lstrip("# ")


def _unread(sentence: str) -> str:
    letters = [sign for sign in sentence if sign.isalpha()]
    foreign = sum("LATIN" not in unicodedata.name(sign, "") for sign in letters)
    if len(letters) and foreign > 0.3 * len(letters):
        return "it is written in another alphabet"
    if len(sentence) > LONGEST:
        return f"it is longer than {LONGEST:,} characters"
    return ""


def figures(sentence: str) -> list[Figure]:
    """The numbers of a sentence that have a unit of shares or percentage points, written in digits or in words.

    Examples
    --------
    >>> [(f.value, f.percentage) for f in figures("Twenty-one per cent against 31.5%, 10 percentage points fewer")]
    [(21.0, True), (31.5, True), (10.0, False)]
    """
    found = []
    for match in _FIGURE.finditer(with_digits(sentence)):
        number = match["number"].replace(",", "")
        decimals = len(number.partition(".")[2])
        unit = re.sub(r"\s", "", match["unit"].lower())
        found.append(Figure(float(number), decimals, unit in ("%", "percent"), match[0].strip()))
    return found


def with_digits(sentence: str) -> str:
    """The sentence with numbers that have such a unit in digits.

    Examples
    --------
    >>> with_digits("One of them fell by twenty-one per cent.")
    'One of them fell by 21 per cent.'
    """
    return _WORD_NUMBER.sub(lambda found: str(_in_digits(found)), sentence)


def shares_in_words(sentence: str) -> list[str]:
    """Shares written as words that no figure can be checked against, such as half."""
    return [match[0].lower() for match in _SHARE_WORDS.finditer(sentence)]


def figures_unread(sentence: str) -> list[str]:
    """Figures that are not read: hundreds, zero and decimals in words, and other signs for per cent.

    Examples
    --------
    >>> figures_unread("It fell by a hundred per cent, or ١٢٪; 12% is read.")
    ['a hundred per cent', '١٢٪']
    """
    return [match[0].strip() for pattern in (_LARGE_WORDS, _OTHER_SIGNS) for match in pattern.finditer(sentence)]


def _in_digits(found: re.Match[str]) -> int:
    if found["small"]:
        return 1 + _UNITS.index(found["small"].lower())
    ones = 1 + _UNITS.index(found["ones"].lower()) if found["ones"] else 0
    return 20 + 10 * _TENS.index(found["tens"].lower()) + ones
