"""The letter to a programme that says, in plain English, what to mend in its return."""

from __future__ import annotations

import pandas as pd

from impact.errors import SHOWN_ROWS


def letter(findings: pd.DataFrame) -> str:
    """One paragraph for each rule, sheet, column and value, errors before warnings."""
    if findings.empty:
        return "Thank you for your return. Nothing in it needs mending."
    lines = ["Thank you for your return. Please mend what follows and send it again."]
    for severity, heading in (
        ("error", "What must be mended before it can be used:"),
        ("warning", "What should be looked at; it may be right as it is:"),
    ):
        part = findings[findings["severity"] == severity]
        if len(part):
            lines += ["", heading, ""]
        for (rule, sheet, column, _), same in part.groupby(["rule", "sheet", "column", "value"], sort=True):
            lines += _paragraph(str(rule), str(sheet), str(column), same)
    return "\n".join(lines)


def _paragraph(rule: str, sheet: str, column: str, same: pd.DataFrame) -> list[str]:
    rows = [int(row) for row in same["row"] if row]
    where = [f"sheet {sheet}" if sheet else "", f"column {column}" if column else ""]
    if rows:
        shown = ", ".join(f"{row:,}" for row in rows[:SHOWN_ROWS])
        where.append(
            f"{'row' if len(rows) == 1 else f'{len(rows):,} rows:'} {shown}{', …' if len(rows) > SHOWN_ROWS else ''}"
        )
    place = ", ".join(part for part in where if part)
    first = same.iloc[0]
    value = f": {first['value']}" if first["value"] else ""
    return [
        f"- {rule.replace('-', ' ').capitalize()}{value}" + (f" ({place})" if place else ""),
        f"  Why it matters: {first['why']} What to do: {first['ask']}",
    ]
