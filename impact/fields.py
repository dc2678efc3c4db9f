"""Read the keys of a TOML table one by one, noting every mistake; what was not asked for is a mistake too."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from impact.errors import DefinitionError, Fault

Defined = TypeVar("Defined")


class Fields:
    """The keys of one table of a definition file; `faults` is shared with the tables inside it."""

    def __init__(self, content: Mapping[str, object], where: str, faults: list[Fault] | None = None) -> None:
        self._content = content
        self._where = where
        self._asked: set[str] = set()
        self.faults: list[Fault] = [] if faults is None else faults

    def fault(self, key: str, problem: str, *, why: str = "", remedy: str = "") -> None:
        """Note a mistake of one key."""
        self.faults.append(Fault(f"key {key} {problem}", table=self._where, why=why, remedy=remedy))

    def has(self, key: str) -> bool:
        """Whether a key that may be left out is there."""
        self._asked.add(key)
        return key in self._content

    def names(self) -> tuple[str, ...]:
        """Every key, where the file chooses their names."""
        return tuple(self._content)

    def pairs(self, key: str, *, allowed: Sequence[str] = ()) -> dict[str, str]:
        """A table inside this one whose keys the file chooses, or from those allowed, and whose values are text."""
        value = self._value(key, dict, "a table", optional=False)
        if not isinstance(value, dict):
            return {}
        wrong = [name for name, text in value.items() if not isinstance(text, str)]
        if wrong:
            self.fault(key, f"gives {', '.join(wrong)} something that is not text", remedy='put it between "…".')
        unknown = [name for name in value if allowed and name not in allowed]
        if unknown:
            self.fault(key, f"holds unknown words: {', '.join(unknown)}", remedy=f"use: {', '.join(allowed)}.")
        return {name: text for name, text in value.items() if isinstance(text, str)}

    def text(self, key: str, *, allowed: Sequence[str] = (), optional: bool = False, why: str = "") -> str:
        """Some words, or one of the words allowed."""
        value = self._value(key, str, "text", optional)
        if not isinstance(value, str):
            return ""
        if not value.strip():
            self.fault(key, "is empty")
        elif allowed and value not in allowed:
            self.fault(key, "is none of the allowed words", why=why, remedy=f"use one of: {', '.join(allowed)}.")
        return value

    def texts(
        self, key: str, *, allowed: Sequence[str] = (), least: int = 0, optional: bool = False
    ) -> tuple[str, ...]:
        """A list of words, each of them allowed and none twice."""
        value = self._value(key, list, "a list of text", optional)
        if not isinstance(value, list):
            return ()
        if not all(isinstance(item, str) and item.strip() for item in value):
            self.fault(key, "holds something that is not text")
            return ()
        if len(value) < least:
            self.fault(key, f"has fewer than {least}")
        if len(set(value)) < len(value):
            self.fault(key, "names something twice")
        unknown = [item for item in value if allowed and item not in allowed]
        if unknown:
            self.fault(key, f"holds unknown words: {', '.join(unknown)}", remedy=f"use: {', '.join(allowed)}.")
        return tuple(value)

    def number(
        self, key: str, *, low: float | None = None, high: float | None = None, optional: bool = False
    ) -> float | None:
        """A number within its limits."""
        value = self._value(key, int | float, "a number", optional)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not math.isfinite(value):
            self.fault(key, "is no finite number")
        elif (low is not None and value < low) or (high is not None and value > high):
            self.fault(key, "is outside its limits", remedy=f"from {low} to {high if high is not None else 'any'}.")
        return float(value)

    def whole(self, key: str, *, low: int, optional: bool = False) -> int | None:
        """A whole number, `low` or more."""
        value = self._value(key, int, "a whole number", optional)
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        if value < low:
            self.fault(key, f"is below {low}")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        return self._value(key, bool, "true or false", optional=False) is True

    def table(self, key: str) -> Fields:
        """A table inside this one."""
        value = self._value(key, dict, "a table", optional=False)
        return Fields(value if isinstance(value, dict) else {}, f"{self._where} [{key}]", self.faults)

    def tables(self, key: str, *, least: int = 0) -> list[Fields]:
        """A list of tables inside this one."""
        value = self._value(key, list, "a list of tables", optional=least == 0)
        items = value if isinstance(value, list) else []
        if not all(isinstance(item, dict) for item in items):
            self.fault(key, "holds something that is not a table")
            return []
        if value is not None and len(items) < least:
            self.fault(key, f"has fewer than {least}")
        return [Fields(item, f"{self._where} [{key} {at}]", self.faults) for at, item in enumerate(items, start=1)]

    def close(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                self.fault(key, "is unknown", remedy=f"the keys are: {', '.join(sorted(self._asked))}.")

    def _value(self, key: str, kind: object, words: str, optional: bool) -> object:
        self._asked.add(key)
        if key not in self._content:
            if not optional:
                self.fault(key, "is missing", remedy=f"give {words}.")
            return None
        value = self._content[key]
        wrong = isinstance(value, bool) and kind is not bool
        if wrong or not isinstance(value, kind):  # type: ignore[arg-type]
            self.fault(key, f"is not {words}")
            return None
        return value


def read_definition(
    name_or_path: str | Path,
    known: Callable[[], Mapping[str, Path]],
    build: Callable[[str, Fields], Defined],
    *,
    thing: str,
    file: str,
) -> Defined:
    """What a TOML file defines, from its name among those known or from a path that ends in ``.toml``.

    `build` is given the name and the file's keys; `thing` and `file` are the words of the messages.

    Raises
    ------
    DefinitionError
        Where there is no such thing, the file cannot be read, or with every mistake of it at once.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        names = known()
        if str(name_or_path) not in names:
            raise DefinitionError(
                f"There is no {thing} named {str(name_or_path)!r}.",
                [Fault(f"no {file} has this name", remedy=f"the {thing}s are: {', '.join(names)}.")],
            )
        path = names[str(name_or_path)]
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DefinitionError(f"The {file} {path.name} cannot be read.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(f"The {file} {path.name} is not TOML in UTF-8: {error}") from error
    fields = Fields(content, path.name)
    defined = build(path.stem, fields)
    if fields.faults:
        raise DefinitionError(f"The {file} {path.name} cannot be used:", fields.faults)
    return defined
