"""The record of what was shown and what was not, and why: written beside a report, and read back a year later."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from impact.errors import ImpactError
from impact.evidence.adversary import Relation
from impact.evidence.disclosure import HIDDEN, NONE, WITHHELD, Protected
from impact.evidence.rules import Rules, default_rules
from impact.records.atomic import write_atomically

SHOWN = "shown"
REASONS = {
    SHOWN: "meets the rule",
    HIDDEN: "too few people stand behind it",
    WITHHELD: "something small could be worked out from it",
    NONE: "there is nothing to show",
}
COLUMNS = ["output", "row", "column", "status", "shown", "reason", "rule"]


def output_record(outputs: Mapping[str, Protected]) -> pd.DataFrame:
    """One line for each number of each output: output, row, column, status, shown, reason, rule. No true value.

    Examples
    --------
    >>> from impact.evidence import protect
    >>> one = protect(pd.DataFrame({"people": [45, 3]}, index=["men", "women"]))
    >>> output_record({"sex": one})[["row", "status", "reason"]].values.tolist()
    [['men', 'shown', 'meets the rule'], ['women', 'hidden', 'too few people stand behind it']]
    """
    parts = [one.record.assign(output=name, reason=one.record["status"].map(REASONS)) for name, one in outputs.items()]
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def record_of_texts(numbers: Mapping[str, Mapping[str, Mapping[str, str]]]) -> pd.DataFrame:
    """The same record of what a report shows: from output to row to column to the text that stands there.

    Examples
    --------
    >>> record_of_texts({"dwp-flow": {"Started": {"Took part": "fewer than 10"}}})["status"].tolist()
    ['hidden']
    """
    rules = default_rules()
    lines = []
    for output, rows in numbers.items():
        for row, cells in rows.items():
            for column, text in cells.items():
                status = _status(text)
                rule = {HIDDEN: f"minimum {rules.minimum}", WITHHELD: f"width {rules.width}"}.get(status, "")
                reason = "stands in the report" if status == SHOWN else REASONS[status]
                lines.append((output, row, column, status, text, reason, rule))
    return pd.DataFrame(lines, columns=COLUMNS)


def write_record(outputs: Mapping[str, Protected], path: str | Path) -> Path:
    """Keep protected outputs, so that the next release can be compared with them by `compare_releases`.

    Parameters
    ----------
    outputs : mapping of str to Protected
        Each with its name.
    path : str or Path
        A JSON file. It holds what was shown, and no true value.
    """
    kept = {
        name: {
            "rules": asdict(one.rules),
            "notes": list(one.notes),
            "record": one.record.astype(str).to_dict("list"),
            "sums": [[total.total, *total.parts] for total in one.sums],
        }
        for name, one in outputs.items()
    }
    path = Path(path)
    write_atomically(path, (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    return path


def read_record(path: str | Path) -> dict[str, Protected]:
    """What `write_record` kept; each table is laid out again from its record.

    Raises
    ------
    ImpactError
        Where the file cannot be read.
    """
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        return {name: _protected(one) for name, one in kept.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ImpactError(f"{Path(path).name} is not a record of outputs, or cannot be read.") from None


def _protected(kept: Mapping[str, Any]) -> Protected:
    record = pd.DataFrame(kept["record"])
    rows, columns = (list(dict.fromkeys(record[name])) for name in ("row", "column"))
    table = pd.DataFrame("–", index=rows, columns=columns, dtype=object)
    for row, column, shown in zip(record["row"], record["column"], record["shown"], strict=True):
        table.loc[row, column] = shown
    sums = tuple(Relation(total, tuple(parts)) for total, *parts in kept["sums"])
    return Protected(table, record, Rules(**kept["rules"]), tuple(kept["notes"]), sums)


def _status(text: str) -> str:
    if re.match(r"(not shown \()?fewer than \d", text):
        return HIDDEN
    if text.startswith("not shown"):
        return WITHHELD
    return NONE if text.strip() in ("–", "") else SHOWN
