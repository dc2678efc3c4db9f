"""The cells of one sheet's part of a workbook, as text, and the stretches of it that are merged, hidden or locked."""

from __future__ import annotations

import datetime as dt
import re

from impact.records.returns.archive import Attributes
from impact.records.returns.sheets import MOST_CELLS, DamagedError, TooLargeError

LONGEST_CELL = 32_767
MOST_LAID_OUT = 4 * MOST_CELLS
TRUE = {"1", "true"}
ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_KINDS = {"n", "s", "str", "inlineStr", "b", "e", "d"}
_FLAGS = {"1": "true", "true": "true", "0": "false", "false": "false"}
_LAST_DAY = dt.datetime(9999, 12, 31, 23, 59, 59)
_WHOLE_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})T00:00(:00(\.0+)?)?Z?")
_AREA = re.compile(r"([A-Z]{1,3})([0-9]{1,7})(?::([A-Z]{1,3})([0-9]{1,7}))?")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def whole(text: str) -> int:
    """A count or an index, which has no sign."""
    if not re.fullmatch("[0-9]{1,10}", text):
        raise DamagedError
    return int(text)


def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - 64
    if column > _LAST_COLUMN:
        raise DamagedError
    return column


def area(reference: str) -> tuple[int, int, int]:
    """The first and the last row of a stretch of cells, and how many cells it has."""
    held = _AREA.fullmatch(reference)
    if held is None:
        raise DamagedError
    first, top, last, bottom = held[1], int(held[2]), held[3] or held[1], int(held[4] or held[2])
    rows, columns = bottom - top + 1, _column(last) - _column(first) + 1
    if rows < 1 or columns < 1 or not 1 <= top <= bottom <= _LAST_ROW:
        raise DamagedError
    return top, bottom, rows * columns


def unescaped(text: str) -> str:
    """A text in which characters that XML cannot hold stood as ``_x000D_``; what is none becomes U+FFFD."""
    if "_x" not in text:
        return text
    text = ESCAPE.sub(lambda held: chr(int(held[1], 16)), text)
    return _NOT_TEXT.sub("\ufffd", text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


class Cells:
    """The cells of one sheet that hold anything, and merged, hidden and locked stretches of it."""

    def __init__(self, strings: list[str], dates: list[bool], from_1904: bool, left: int) -> None:
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.texts: list[str] = []
        self.around: set[tuple[str, int]] = set()
        self._strings, self._dates, self._left = strings, dates, left
        self._zero = dt.datetime(1904, 1, 1) if from_1904 else dt.datetime(1899, 12, 30)
        self._row = self._column = self._merged = self._seen = 0
        self._written = self._kind = self._style = ""
        self._inside = self._aloud = False
        self._value: list[str] = []
        self._formula: list[str] | None = None
        self._into: list[str] | None = None
        self._letters: dict[str, int] = {}
        self._shows: dict[str, bool] = {}
        self._days: dict[str, str] = {}
        self.starts = {
            "c": self._begin, "v": self._take_value, "f": self._take_formula, "t": self._take_text, "rPh": self._hush,
            "row": self._begin_row, "sheetData": self._enter, "col": self._stretch, "mergeCell": self._merge,
            "sheetProtection": self._protection,
        }  # fmt: skip
        self.ends = {
            "c": self._finish, "v": self._stop, "f": self._stop, "t": self._stop, "rPh": self._speak,
            "sheetData": self._leave,
        }  # fmt: skip

    def data(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def _enter(self, _: Attributes) -> None:
        self._inside = True

    def _leave(self) -> None:
        self._inside = False

    def _begin_row(self, attributes: Attributes) -> None:
        self._row = whole(attributes["r"]) if "r" in attributes else self._row + 1
        self._column, self._written = 0, str(self._row)
        if not self._inside or not 1 <= self._row <= _LAST_ROW:
            raise DamagedError
        if attributes.get("hidden") in TRUE:
            self.around.add(("hidden-rows", 0))

    def _begin(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        self._column = self._column + 1 if reference is None else self._place(reference)
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._value, self._formula = [], None
        self._seen += 1
        if not self._row or not self._inside or self._column > _LAST_COLUMN or self._kind not in _KINDS:
            raise DamagedError
        if self._seen > MOST_LAID_OUT:
            raise TooLargeError

    def _take_value(self, _: Attributes) -> None:
        self._into = None if self._kind == "inlineStr" else self._value

    def _take_text(self, _: Attributes) -> None:
        self._into = self._value if self._kind == "inlineStr" and not self._aloud else None

    def _take_formula(self, _: Attributes) -> None:
        self._formula = self._into = []

    def _hush(self, _: Attributes) -> None:
        self._aloud = True

    def _speak(self) -> None:
        self._aloud = False

    def _stop(self) -> None:
        self._into = None

    def _finish(self) -> None:
        text = self._text()
        if text:
            self.rows.append(self._row)
            self.columns.append(self._column)
            self.texts.append(text)
            if len(text) > LONGEST_CELL:
                raise DamagedError
            if len(self.texts) > self._left:
                raise TooLargeError

    def _stretch(self, attributes: Attributes) -> None:
        if attributes.get("hidden") in TRUE:
            self.around.add(("hidden-columns", 0))

    def _merge(self, attributes: Attributes) -> None:
        row, _, cells = area(attributes.get("ref", ""))
        self.around.add(("merged-cells", row))
        self._merged += cells
        if self._merged > MOST_CELLS:
            raise TooLargeError

    def _protection(self, attributes: Attributes) -> None:
        if attributes.get("sheet") in TRUE:
            self.around.add(("protected", 0))

    def _place(self, reference: str) -> int:
        """The column of a cell, which must stand in the row that names it."""
        letters = reference.rstrip("0123456789")
        if reference[len(letters) :] != self._written:
            raise DamagedError
        if letters not in self._letters:
            if not re.fullmatch("[A-Z]{1,3}", letters):
                raise DamagedError
            self._letters[letters] = _column(letters)
        return self._letters[letters]

    def _text(self) -> str:
        shows_date = self._shows_date()
        if self._formula is not None:
            return "=" + "".join(self._formula)
        text = "".join(self._value)
        if not text:
            return ""
        if self._kind == "n":
            if shows_date:
                if text not in self._days:
                    self._days[text] = self._date(_number(text), text)
                return self._days[text]
            if not text.isdecimal():
                _number(text)
            return text
        if self._kind == "s":
            place = whole(text)
            if place >= len(self._strings):
                raise DamagedError
            return self._strings[place]
        if self._kind == "b":
            if text not in _FLAGS:
                raise DamagedError
            return _FLAGS[text]
        if self._kind == "d":
            day = _WHOLE_ISO.fullmatch(text)
            return day[1] if day else text
        return unescaped(text)

    def _shows_date(self) -> bool:
        style = self._style
        if style not in self._shows:
            place = whole(style)
            if self._dates and place >= len(self._dates):
                raise DamagedError
            self._shows[style] = bool(self._dates) and self._dates[place]
        return self._shows[style]

    def _date(self, number: float, text: str) -> str:
        """A day counted from 1900 or 1904, as ISO; the 29 February that 1900 has only here, and no day, stay so."""
        from_1900 = self._zero.year == 1899
        if not 0 <= number < (_LAST_DAY - self._zero).days + 1:
            return text
        if from_1900 and 60 <= number < 61:
            return "1900-02-29"
        if from_1900 and number < 60:
            number += 1
        moment = min(self._zero + dt.timedelta(days=number), _LAST_DAY)
        return moment.date().isoformat() if number == int(number) else moment.isoformat(" ", "seconds")


def _number(text: str) -> float:
    try:
        if text.isascii() and "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise DamagedError
